# The generators by what is done with them, and look-ups by the wildcards that name them.


def mosaic_of(effective_size):
    """Settings of a mosaic of the curve: those of the calibration's mosaic, another size."""
    like = [
        each for each in STUDY.evaluation.calibration.values() if each.kind == "mosaic"
    ]
    settings = like[0].model_dump() if like else {"kind": "mosaic"}
    return settings | {"effective_size": effective_size}


# Released, or measured beside those to compare with.
ALLELE_KINDS = ("independent", "bootstrap", "mosaic", "unseen")
GENERATORS = list(STUDY.generators)
CALIBRATION = ["unseen", *STUDY.evaluation.calibration]
CURVE = {f"mosaic_ne{size:g}": size for size in STUDY.evaluation.mosaic_curve}
EVALUATED = [*GENERATORS, *CALIBRATION]
MEASURED = [*EVALUATED, *CURVE]
SETTINGS = {
    **{name: generator.model_dump() for name, generator in STUDY.generators.items()},
    "unseen": {"kind": "unseen"},
    **{
        name: generator.model_dump()
        for name, generator in STUDY.evaluation.calibration.items()
    },
    **{name: mosaic_of(size) for name, size in CURVE.items()},
}
ALLELE_GENERATORS = [
    name for name in MEASURED if SETTINGS[name]["kind"] in ALLELE_KINDS
]
LATENT_GENERATORS = [name for name in GENERATORS if name not in ALLELE_GENERATORS]
DIFFUSION = [name for name in GENERATORS if SETTINGS[name]["kind"] == "diffusion"]
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

# What is measured, by the parts of the report (evaluation/registry.py has their names).
DIMENSIONS = [
    "frequencies",
    "linkage",
    "individuals",
    "structure",
    "privacy",
    *(["model"] if DIFFUSION else []),
    "utility",
    *(["association"] if STUDY.evaluation.case_label else []),
]


def generator_of(wildcards):
    """Settings of the generator a wildcard names."""
    return SETTINGS[wildcards.generator]


def fitting_of(wildcards):
    """How a simple model of latents is fitted: its settings but for what is done elsewhere."""
    elsewhere = ("kind", "representation", "decoding")
    settings = generator_of(wildcards)
    return {key: settings[key] for key in settings if key not in elsewhere}


def recombination_map_of(wildcards):
    """The genetic map of a mosaic, when it has one."""
    path = generator_of(wildcards).get("recombination_map")
    return path.format(chrom=wildcards.chrom) if path else []


def representation_of(wildcards):
    """Configuration of the representation a wildcard names."""
    return STUDY.representations[wildcards.representation]


def of_representation(pattern):
    """Input function: the files of a generator's representation, for all chromosomes."""

    def files(wildcards):
        name = generator_of(wildcards)["representation"]
        return expand(pattern, chrom=CHROMS, representation=name, allow_missing=True)

    return files


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
    return f"<results>/{rule_name}/{wildcards.generator}/checkpoint.safetensors"
