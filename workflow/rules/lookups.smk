# What the rules look up: names of generators, and what the wildcards of a job stand for.
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
TRAIN_SHARE = (
    1 - STUDY.split.validation - STUDY.split.holdout
) * STUDY.split.training_share
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
    """The genetic maps of a baseline, one for each chromosome, when it has any."""
    return every_map_of(generator_of(wildcards).get("recombination_map"))


def recombination_map_of(wildcards):
    """The genetic map of a baseline, when it has one."""
    return map_of(generator_of(wildcards).get("recombination_map"), wildcards)


def trees_of(wildcards):
    """How the hidden Chow-Liu trees of a generator are fitted."""
    return {
        key: value for key, value in generator_of(wildcards).items() if key != "kind"
    }


def fitted_trees(wildcards):
    """The hidden Chow-Liu trees of a chromosome, for a generator that is drawn from them."""
    own = generator_of(wildcards)["kind"] == "hidden_chow_liu"
    return "<results>/fit_hidden_chow_liu/{generator}/{chrom}.npz" if own else []


def representation_of(wildcards):
    """Configuration of the representation a wildcard names."""
    return STUDY.representations[wildcards.representation]


def settings_of_representation(generator):
    """How the representation of a generator, of this section, is fitted."""
    section = STUDY.representations[generator["representation"]]
    return section.model_dump(exclude={"kind"})


def shadow_scores(wildcards):
    """How near people are to the cohorts of the shadow models of a generator."""
    name = wildcards.generator
    latent = name in PLAN.latent_generators
    rule_name = "score_latent_shadow" if latent else "score_shadow"
    shadows = range(STUDY.evaluation.shadow_models)
    return [f"<results>/{rule_name}/{name}/{shadow}.tsv" for shadow in shadows]


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


def latents_of(representation):
    """The latents of a representation, in genomic order."""
    folder = f"<results>/encode_people/{representation}"
    return [f"{folder}/{part}.npy" for part in parts_of(representation)]


def representation_latents(wildcards):
    """The latents of a generator's representation, in genomic order."""
    return latents_of(generator_of(wildcards)["representation"])


def representation_rows(wildcards):
    """Whose the rows of these latents are."""
    return rows_beside(representation_latents(wildcards))


def rows_beside(latents):
    """The files that say whose the rows of latents are."""
    return [path.replace(".npy", ".npz") for path in latents]


def reconstruction_tables(wildcards):
    """What the parts of the representation that a wildcard names lose."""
    name = wildcards.representation
    folder = f"<results>/measure_reconstruction/{name}"
    return [f"{folder}/{part}.tsv" for part in parts_of(name)]


def checkpoint_of(wildcards):
    """The fitted model that a generator's latents are sampled from."""
    return fitted_model(wildcards, wildcards.part)


def rescaling_of(wildcards):
    """What the predictions of the network are scaled by, for a generator that asks for it."""
    if not generator_of(wildcards).get("sampling", {}).get("rescaled"):
        return []
    return RESCALING.format(generator=trained_as(wildcards), part=wildcards.part)


def pairing_of(rule_name):
    """Look-up of what says how alike people's haplotypes are, for the rule that draws them last."""

    def found(wildcards):
        name = wildcards.generator
        wanted = generator_of(wildcards).get("sampling", {}).get("paired")
        apart = STUDY.mode == "haplotype" and name not in PLAN.per_chromosome
        if not (wanted and apart and drawing_rules(name)[-1] == rule_name):
            return []
        return f"<results>/fit_pairing/{generator_of(wildcards)['representation']}.npz"

    return found


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
    recentred = PLAN.is_recentred(wildcards.generator)
    return fitted_model(wildcards, network_of_chrom(wildcards)) if recentred else []


def autozygosity_of(wildcards):
    """What the stretches of a generator's people are drawn from, if they are."""
    own = generator_of(wildcards)
    wanted = own["decoding"]["autozygosity"] and STUDY.mode == "haplotype"
    return f"<results>/fit_autozygosity/{own['representation']}.json" if wanted else []
