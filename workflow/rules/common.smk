# What the rules share: the checked configuration, the chromosomes, and look-ups by wildcard.
import os
import sys
from pathlib import Path

# Threads that spin while they wait make training four times slower where a processor is shared.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
sys.path.insert(0, str(Path(workflow.basedir) / "workflow" / "src"))

from syncohort.config import parse_config
from syncohort.errors import InputError, raise_all
from syncohort.provenance import code_digest, stage_seed

try:
    STUDY = parse_config(config)
except InputError as problem:
    raise WorkflowError(str(problem)) from None

DEMO = STUDY.input.kind == "demo"
ROOT = Path(workflow.basedir)
FOLDER = f"results/{STUDY.cohort}"


def code_of(rule_name):
    """Digest of the code that a rule's script really runs; a parameter of every rule."""
    return code_digest(ROOT / "workflow" / "scripts" / f"{rule_name}.py")


def seed_of(*stage):
    """The seed of a named stage."""
    return stage_seed(STUDY.seed, *stage)


def source():
    """Arguments of the genotype reader."""
    files = {"bim", "fam", "pvar", "psam"}
    if DEMO:
        return {"kind": "vcf", "path": f"{FOLDER}/simulate_chromosome/{{chrom}}.vcf.gz"}
    return STUDY.input.model_dump(include={"kind", "path", *files}, exclude_none=True)


def mosaic_of(effective_size):
    """Settings of a mosaic of the curve: those of the calibration's mosaic, another size."""
    like = [
        each for each in STUDY.evaluation.calibration.values() if each.kind == "mosaic"
    ]
    settings = like[0].model_dump() if like else {"kind": "mosaic"}
    return settings | {"effective_size": effective_size}


def study_chromosomes():
    """The chromosomes of the study, in genomic order: from the configuration or the files."""
    from syncohort.genotypes import contig_order, normalise_contig

    named = STUDY.demo.chromosomes if DEMO else STUDY.input.chromosomes
    if named is None:
        from syncohort.formats.readers import open_source

        held = open_source(**source()).contigs()
        named = [contig for contig in held if contig.isdigit() and int(contig) <= 22]
        if not named:
            raise InputError(
                f"{STUDY.input.path}: no autosome; found {', '.join(held)}"
            )
    return sorted({normalise_contig(name) for name in named}, key=contig_order)


def require_files():
    """Stop before the DAG when a file the configuration names does not exist."""
    named = {
        "labels.table": STUDY.labels.table,
        "split.kinship_table": STUDY.split.kinship_table,
        "genes.annotation": STUDY.genes.annotation,
        "evaluation.causal_snps": STUDY.evaluation.causal_snps,
    }
    missing = [
        f"{key}: {file}"
        for key, file in named.items()
        if file and not Path(file).is_file()
    ]
    raise_all(missing, "These files of the configuration do not exist")


try:
    require_files()
    CHROMS = study_chromosomes()
except InputError as problem:
    raise WorkflowError(str(problem)) from None

# The generators by what is done with them: released, or measured beside those to compare with.
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

# The real cohort that everything after the filters reads, by chromosome.
PHASED = STUDY.mode == "haplotype" and STUDY.phasing.program != "none"
COHORT = (
    "<results>/phase_chromosome/{chrom}.zarr.zip"
    if PHASED
    else "<results>/filter_variants/{chrom}.zarr.zip"
)


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


def every_chrom(pattern):
    """The files of a pattern for all chromosomes, other wildcards left alone."""
    return expand(pattern, chrom=CHROMS, allow_missing=True)


def of_representation(pattern):
    """Input function: the files of a generator's representation, for all chromosomes."""

    def files(wildcards):
        name = generator_of(wildcards)["representation"]
        return expand(pattern, chrom=CHROMS, representation=name, allow_missing=True)

    return files


# Jobs ask for more memory each time they are tried again (retries: in the profile).
def light_mb(wildcards, attempt):
    return max(1000, STUDY.compute.memory_mb // 4) * attempt


def heavy_mb(wildcards, attempt):
    return STUDY.compute.memory_mb * attempt


TRAINING_MINUTES = round(STUDY.compute.training_hours * 60)
HEAVY_MINUTES = max(30, TRAINING_MINUTES // 4)
LIGHT_MINUTES = 30
THREADS = STUDY.compute.threads
GPUS = STUDY.compute.gpus


def genotype_files(wildcards):
    """The files one chromosome is read from: a job waits for them and reruns when they change."""
    if DEMO:
        path = f"<results>/simulate_chromosome/{wildcards.chrom}.vcf.gz"
        return [path, f"{path}.tbi"]
    from syncohort.formats.readers import source_files

    return [str(file) for file in source_files(wildcards.chrom, **source())]


def label_table():
    """The label table, when there is one."""
    if DEMO and STUDY.labels.table is None:
        return "<results>/simulate_trait/people.tsv"
    return STUDY.labels.table or []


def label_join():
    """Arguments of `join_labels` but for the table."""
    family = STUDY.split.family_column
    if DEMO and STUDY.labels.table is None:
        family = family or "family"
    return {
        **STUDY.labels.model_dump(exclude={"table"}),
        "family_column": family,
        "person_missing_max": STUDY.filters.person_missing_max,
    }


def causal_table():
    """The known causal SNPs, when the labels are a simulated trait."""
    if STUDY.evaluation.causal_snps:
        return STUDY.evaluation.causal_snps
    own = DEMO and STUDY.labels.table is None and STUDY.labels.label_column == "trait"
    return "<results>/simulate_trait/causal_snps.tsv" if own else []


def annotation_files():
    """The gene annotation: the user's file, the demo's, or none."""
    if STUDY.genes.annotation:
        return [STUDY.genes.annotation]
    return (
        every_chrom("<results>/simulate_chromosome/{chrom}.genes.gtf") if DEMO else []
    )


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


def configuration_text():
    """The configuration as YAML, without what jobs ask for, which changes no result."""
    import yaml

    settings = STUDY.model_dump(mode="json", exclude={"compute"})
    return yaml.safe_dump(settings, sort_keys=False)


# What a run is for: the synthetic cohorts in every format, and the report's pages and pictures.
RELEASE = expand(
    [
        "<results>/release/{generator}/samples.tsv",
        "<results>/release/{generator}/vcf/{chrom}.vcf.gz",
        "<results>/release/{generator}/plink/synthetic.bed",
        "<results>/release/{generator}/pgen/synthetic.pgen",
    ],
    generator=GENERATORS,
    chrom=CHROMS,
)
DIMENSIONS = [
    "frequencies",
    "linkage",
    "individuals",
    "structure",
    "privacy",
    *(["model"] if DIFFUSION else []),
    "utility",
]
ASSOCIATION = ["association"] if STUDY.evaluation.case_label else []
PICTURES = [
    "<results>/plot_frontier/frontier.svg",
    "<results>/plot_labels/labels.svg",
    "<results>/plot_split/split.svg",
    "<results>/plot_utility/utility.svg",
    *expand(
        "<results>/plot_dimension/{dimension}.svg",
        dimension=[*DIMENSIONS, *ASSOCIATION],
    ),
    *expand("<results>/plot_reconstruction/{name}.svg", name=REPRESENTATIONS),
    *(["<results>/plot_training/training.svg"] if DIFFUSION else []),
    *(["<results>/plot_mixing/mixing.svg"] if MIXING else []),
    *expand("<results>/plot_bottleneck/{generator}.png", generator=BOTTLENECKS),
    *expand(
        "<results>/plot_{picture}/{generator}.png",
        picture=["frequencies", "linkage", "pca", "umap", "tsne"],
        generator=GENERATORS,
    ),
    *(
        ["<results>/plot_augmentation/augmentation.svg"]
        if STUDY.evaluation.augmentation
        else []
    ),
    *expand(
        "<results>/plot_effects/{generator}.svg",
        generator=GENERATORS if ASSOCIATION else [],
    ),
]
FIGURES = [
    "<results>/check_cohort/check.html",
    "<results>/write_report/report.html",
    *PICTURES,
]
