# What the rules look up: names of generators, and what the wildcards of a job stand for.
from syncohort.config.loaded_code import denoiser_module
from syncohort.config.loaded_code import generator_modules
from syncohort.config.loaded_code import representation_module
from syncohort.config.plan import Plan

PLAN = Plan(STUDY)
GENERATORS = PLAN.generators
COPIES = PLAN.copies
CALIBRATION = PLAN.calibration
CALIBRATION_OF = PLAN.calibration_of
DIFFUSION = PLAN.diffusion
REPLICATES = PLAN.replicates
GUIDED = PLAN.guided
EVALUATED = PLAN.evaluated
MEASURED = PLAN.measured
SETTINGS = PLAN.settings
REPRESENTATIONS = PLAN.representations
DIMENSIONS = PLAN.dimensions
WITHHELD = STUDY.release.withhold > 0
# On a cluster, jobs that read a generator's chromosomes, which wait for who is withheld: those that
# draw them are not in their group then.
READING_GROUP = "release_{generator}" if WITHHELD else "cohort_{generator}"
SHARDS = list(range(STUDY.synthesis.shards))


def simulation_of(wildcards):
    """Length and number of SNPs of the simulated chromosome that a wildcard names."""
    from syncohort.genotypes import normalise_contig

    def own(given):
        if not isinstance(given, dict):
            return given
        by_contig = {normalise_contig(name): value for name, value in given.items()}
        return by_contig[wildcards.chrom]

    return {
        "length_mb": own(STUDY.demo.length_mb),
        "variants": own(STUDY.demo.variants),
    }


def simulation_mb(wildcards, attempt):
    """What the simulation of a chromosome asks for."""
    people = sum(STUDY.demo.people_per_population.values())
    length_mb = simulation_of(wildcards)["length_mb"]
    return request_of_simulation(people, length_mb, STUDY.compute.memory_mb, attempt)


def generator_of(wildcards):
    """Settings of the generator a wildcard names."""
    return SETTINGS[wildcards.generator]


def trained_as(wildcards):
    """The generator whose model a generator is sampled from."""
    return PLAN.trained_as(wildcards.generator)


def every_recombination_map(wildcards):
    """The genetic maps of a mosaic, one for each chromosome, when it has any."""
    path = generator_of(wildcards).get("recombination_map")
    return [path.replace("{chrom}", chrom) for chrom in CHROMS] if path else []


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


def group_of_part(wildcards):
    """The group of the jobs of a part on a cluster: small ones are grouped by chromosome."""
    return None if wildcards.part == "all" else "chromosome"


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


def representation_rows(wildcards):
    """Whose the rows of these latents are."""
    return [path.replace(".npy", ".npz") for path in representation_latents(wildcards)]


def reconstruction_tables(wildcards):
    """What the parts of the representation that a wildcard names lose."""
    name = wildcards.representation
    folder = f"<results>/measure_reconstruction/{name}"
    return [f"{folder}/{part}.tsv" for part in parts_of(name)]


def cohort_pattern(generator):
    """The cohort of a generator that is measured and, of a released one, released, by chromosome."""
    if generator in PLAN.drawn:
        return drawn_pattern(PLAN.drawn[generator])
    if WITHHELD and generator in GENERATORS:
        return f"<results>/keep_people/{generator}/{{chrom}}.zarr.zip"
    return drawn_pattern(generator)


def drawn_pattern(generator):
    """All that a generator drew, by chromosome: decoded from latents, or drawn as alleles."""
    rule_name = (
        "draw_alleles" if generator in PLAN.allele_generators else "decode_cohort"
    )
    return f"<results>/{rule_name}/{generator}/{{chrom}}.zarr.zip"


def drawn_store(wildcards):
    """All that the generator a wildcard names drew, for its chromosome."""
    return drawn_pattern(wildcards.generator).format(chrom=wildcards.chrom)


def released_people(generator):
    """The table of the people of a generator who are released."""
    if WITHHELD:
        return f"<results>/withhold_people/{generator}/people.tsv"
    return "<results>/draw_labels/people.tsv"


def risk_of_drawn(wildcards):
    """The table with the risk of each person that the generator a wildcard names drew."""
    names = {own: name for name, own in PLAN.drawn.items()}
    return f"<results>/measure_risk/{names[wildcards.generator]}.people.tsv"


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


def panel_store(wildcards):
    """The synthetic cohort that holdout people are imputed from, for its chromosome; none for the
    real people."""
    if wildcards.source == "real":
        return []
    return cohort_pattern(wildcards.source).format(chrom=wildcards.chrom)


def checkpoint_of(wildcards):
    """The fitted model that a generator's latents are sampled from."""
    return fitted_model(wildcards, wildcards.part)


def fitted_model(wildcards, part):
    """The fitted model of a part of the genome of a generator that is sampled in latents."""
    name = trained_as(wildcards)
    kind = generator_of(wildcards)["kind"]
    if kind == "diffusion":
        return CHECKPOINT.format(generator=name, part=part)
    rule_name = {"block_gaussian": "fit_block_gaussian", "wgan": "train_wgan"}[kind]
    return f"<results>/{rule_name}/{name}/checkpoint.safetensors"


def centring_checkpoint(wildcards):
    """The model whose labels' means the latents of a generator are brought to before decoding."""
    sampling = generator_of(wildcards).get("sampling", {})
    centred = sampling.get("centred") and sampling["guidance_scale"] == 1
    return fitted_model(wildcards, network_of_chrom(wildcards)) if centred else []


# Modules that a job loads by the name of a kind: part of its `code`.
def representation_code(wildcards):
    """Those of the representation a wildcard names."""
    return [representation_module(representation_of(wildcards).kind)]


def decoding_code(wildcards):
    """Those of the representation of the generator a wildcard names."""
    name = generator_of(wildcards)["representation"]
    return [representation_module(STUDY.representations[name].kind)]


def denoiser_code(wildcards):
    """Those of the network of the diffusion model a wildcard names."""
    return [denoiser_module(generator_of(wildcards)["denoiser"]["kind"])]


def sampling_code(wildcards):
    """Those of the fitted generator a wildcard names."""
    return generator_modules(generator_of(wildcards))


def trained_code(wildcards):
    """Those of the networks of all diffusion models."""
    return [denoiser_module(SETTINGS[name]["denoiser"]["kind"]) for name in DIFFUSION]


def attack_code(wildcards):
    """Those of a diffusion model and of its representation."""
    return denoiser_code(wildcards) + decoding_code(wildcards)


def training_plans():
    """What the check needs to know of the trainings of diffusion models, and what they may ask for."""
    on_gpu = TRAINING_GPUS > 0 and DEVICE != "cpu"
    sections = ("denoiser", "diffusion", "training")
    shape = {"kind", "shortening", "patch_snps", "latent_channels", "max_components"}
    models = {
        name: {
            "representation": STUDY.representations[
                SETTINGS[name]["representation"]
            ].model_dump(include=shape),
            **{section: SETTINGS[name][section] for section in sections},
            "per_chromosome": name in PLAN.per_chromosome,
            "global_axes": SETTINGS[name]["global_axes"],
        }
        for name in DIFFUSION
    }
    return {
        "models": models,
        "filters": {
            "maf_min": STUDY.filters.maf_min,
            "missing_max": STUDY.filters.variant_missing_max,
            "most": STUDY.selection.variants if SELECTED else None,
        },
        "cohort": {
            "mode": STUDY.mode,
            "max_snps": STUDY.genes.max_snps,
            "train_share": TRAIN_SHARE,
            "validation_share": STUDY.split.validation,
        },
        "compute": {"on_gpu": on_gpu, "threads": TRAINING_THREADS},
        "limits": {
            "memory_mb": STUDY.compute.memory_mb,
            "training_hours": STUDY.compute.training_hours,
        },
    }
