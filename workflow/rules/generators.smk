# The generators by what is done with them, and look-ups by the wildcards that name them.
from syncohort.config.generators import REAL_HAPLOTYPES
from syncohort.config.study import is_guidable


def mosaic_of(effective_size):
    """Settings of a mosaic of the curve: those of the calibration's mosaic, another size."""
    like = [
        each for each in STUDY.evaluation.calibration.values() if each.kind == "mosaic"
    ]
    settings = settings_of(like[0]) if like else {"kind": "mosaic"}
    return settings | {"effective_size": effective_size}


def settings_of(generator):
    """A generator's settings, without the leave to release it, which changes nothing of it."""
    return generator.model_dump(exclude={"release_real_haplotypes"})


def guided(name):
    """The guidance scales of the curve that a released generator is measured at, by name."""
    if not is_guidable(STUDY.generators[name]):
        return {}
    own = STUDY.generators[name].sampling.guidance_scale
    scales = [scale for scale in STUDY.evaluation.guidance_curve if scale != own]
    return {f"{name}_g{scale:g}": (name, scale) for scale in scales}


def at_scale(name, scale):
    """Settings of a released generator at another guidance scale."""
    settings = STUDY.generators[name].model_dump()
    return settings | {"sampling": settings["sampling"] | {"guidance_scale": scale}}


# Released, or measured beside those to compare with.
ALLELE_KINDS = ("independent", "bootstrap", "mosaic", "unseen")
GENERATORS = list(STUDY.generators)
# Released by release_real_haplotypes: name -> kind.
COPIES = {
    name: generator.kind
    for name, generator in STUDY.generators.items()
    if generator.kind in REAL_HAPLOTYPES
}
CALIBRATION = ["unseen", *STUDY.evaluation.calibration]
CURVE = {f"mosaic_ne{size:g}": size for size in STUDY.evaluation.mosaic_curve}
DIFFUSION = [name for name in GENERATORS if STUDY.generators[name].kind == "diffusion"]
# Further trainings of a released model, and the same model sampled at other guidance scales.
REPLICATES = {
    f"{name}_seed{index}": name
    for name in DIFFUSION
    for index in range(2, STUDY.evaluation.replicates + 1)
}
GUIDED = {key: point for name in DIFFUSION for key, point in guided(name).items()}
EVALUATED = [*GENERATORS, *REPLICATES, *CALIBRATION]
MEASURED = [*EVALUATED, *CURVE]
SETTINGS = {
    **{name: settings_of(generator) for name, generator in STUDY.generators.items()},
    "unseen": {"kind": "unseen"},
    **{
        name: settings_of(generator)
        for name, generator in STUDY.evaluation.calibration.items()
    },
    **{name: mosaic_of(size) for name, size in CURVE.items()},
    **{key: STUDY.generators[name].model_dump() for key, name in REPLICATES.items()},
    **{key: at_scale(*point) for key, point in GUIDED.items()},
}
# Generator -> guidance scale, of every point of the curves.
GUIDANCE_SCALES = {
    key: SETTINGS[key]["sampling"]["guidance_scale"]
    for key in [*dict.fromkeys(name for name, _ in GUIDED.values()), *GUIDED]
}
ALLELE_GENERATORS = [
    name for name in MEASURED if SETTINGS[name]["kind"] in ALLELE_KINDS
]
LATENT_GENERATORS = [name for name in GENERATORS if name not in ALLELE_GENERATORS]
# Those with the paper's figures 6 and 7.
MIXING = [name for name in DIFFUSION if SETTINGS[name]["denoiser"]["kind"] == "mlp_cnn"]
BOTTLENECKS = [
    name
    for name in DIFFUSION
    if SETTINGS[name]["denoiser"]["kind"] in ("mlp", "cnn", "mlp_cnn")
]
REPRESENTATIONS = sorted(
    {SETTINGS[name]["representation"] for name in LATENT_GENERATORS}
)
SHARDS = list(range(STUDY.synthesis.shards))

# What is measured, by the parts of the report (evaluation/verdicts/metrics.py has their names).
DIMENSIONS = [
    "frequencies",
    "linkage",
    "individuals",
    "structure",
    "privacy",
    *(["model"] if DIFFUSION else []),
    "utility",
    *(["association"] if STUDY.labels.case_label or STUDY.labels.cuts else []),
]


def generator_of(wildcards):
    """Settings of the generator a wildcard names."""
    return SETTINGS[wildcards.generator]


def trained_as(wildcards):
    """The generator whose model a generator is sampled from."""
    return GUIDED.get(wildcards.generator, (wildcards.generator,))[0]


def fitting_of(wildcards):
    """How a simple model of latents is fitted: its settings but for what is done elsewhere."""
    elsewhere = ("kind", "representation", "decoding")
    settings = generator_of(wildcards)
    return {key: settings[key] for key in settings if key not in elsewhere}


def recombination_map_of(wildcards):
    """The genetic map of a mosaic, when it has one."""
    return map_of(generator_of(wildcards).get("recombination_map"), wildcards)


def representation_of(wildcards):
    """Configuration of the representation a wildcard names."""
    return STUDY.representations[wildcards.representation]


def parts_of(representation):
    """What a representation is fitted in: its chromosomes, or all of them together."""
    kind = STUDY.representations[representation].kind
    return ["all"] if kind == "snp_vae" else CHROMS


def part_model(representation, part):
    """The fitted model of a part of a representation."""
    kind = STUDY.representations[representation].kind
    ending = "safetensors" if kind == "snp_vae" else "npz"
    return f"<results>/fit_{kind}/{representation}/{part}.{ending}"


def model_of_part(wildcards):
    """The model of the representation and part that wildcards name."""
    return part_model(wildcards.representation, wildcards.part)


def stores_of_part(wildcards):
    """The real cohort, its chromosomes of the part that a wildcard names."""
    return expand(COHORT, chrom=CHROMS if wildcards.part == "all" else wildcards.part)


def representation_models(wildcards):
    """The models of a generator's representation, in genomic order."""
    name = generator_of(wildcards)["representation"]
    return [part_model(name, part) for part in parts_of(name)]


def representation_latents(wildcards):
    """The latents of a generator's representation, in genomic order."""
    name = generator_of(wildcards)["representation"]
    return [f"<results>/encode_people/{name}/{part}.npy" for part in parts_of(name)]


def reconstruction_tables(wildcards):
    """What the parts of the representation that a wildcard names lose."""
    name = wildcards.representation
    folder = f"<results>/measure_reconstruction/{name}"
    return [f"{folder}/{part}.tsv" for part in parts_of(name)]


def cohort_pattern(generator):
    """The cohort of a generator, by chromosome: decoded from latents, or drawn as alleles."""
    rule_name = "draw_alleles" if generator in ALLELE_GENERATORS else "decode_cohort"
    return f"<results>/{rule_name}/{generator}/{{chrom}}.zarr.zip"


def synthetic_store(wildcards):
    """The cohort of the generator a wildcard names, for its chromosome."""
    return cohort_pattern(wildcards.generator).format(chrom=wildcards.chrom)


def synthetic_stores(wildcards):
    """The cohort of the generator a wildcard names, all chromosomes."""
    return expand(cohort_pattern(wildcards.generator), chrom=CHROMS)


def training_cohort(wildcards):
    """The synthetic cohort that a source's models are trained on; none for the real people."""
    if wildcards.source == "real":
        return []
    return expand(cohort_pattern(wildcards.source), chrom=CHROMS)


def checkpoint_of(wildcards):
    """The fitted model of a generator that is sampled in latents."""
    rule_name = {
        "diffusion": "train_diffusion",
        "block_gaussian": "fit_block_gaussian",
        "wgan": "train_wgan",
    }[generator_of(wildcards)["kind"]]
    return f"<results>/{rule_name}/{trained_as(wildcards)}/checkpoint.safetensors"
