"""The configuration: every key with its type, unit, bounds and meaning.

`config_files` writes the default YAML, the JSON schema and the key table of config/README.md
from here. Imports neither torch nor anything else of the package but its exception.
"""

import difflib
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic.fields import FieldInfo

from syncohort.errors import InputError

RESERVED = ("real", "unseen", "train", "validation", "holdout", "synthetic")
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]
# YAML reads 20 and -9 as numbers
Text = Annotated[str, BeforeValidator(lambda value: str(value))]
Fraction = Annotated[float, Field(ge=0, le=1)]
PositiveFraction = Annotated[float, Field(gt=0, le=1)]


class Section(BaseModel):
    """A part of the configuration: unknown keys are refused, values are not changed later."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class Trait(Section):
    """The demo's disease, from a liability-threshold model."""

    heritability: Fraction = Field(
        0.6, description="Share of the liability's variance that the causal SNPs explain."
    )
    n_causal: int = Field(30, ge=1, description="Causal SNPs (polygenicity).")
    prevalence: float = Field(0.3, gt=0, lt=1, description="Share of people who are cases.")


class Demo(Section):
    """The simulated cohort that stands in for real data (`input.kind: demo`)."""

    people_per_population: dict[
        Literal["YRI", "AFA", "CEU", "CHB", "JPT", "MEX"], Annotated[int, Field(ge=10, le=20_000)]
    ] = Field(
        {"YRI": 170, "AFA": 160, "CEU": 180, "CHB": 170, "JPT": 160, "MEX": 160},
        description="People of each simulated population.",
    )
    families: int = Field(12, ge=0, description="Families of two parents and two children.")
    chromosomes: list[Text] = Field(
        ["21", "22"],
        min_length=1,
        description="Chromosomes to simulate, independent of each other.",
    )
    length_mb: float = Field(1.0, ge=0.1, le=100, description="Length of each chromosome [Mb].")
    variants: int = Field(3000, ge=50, description="SNPs to keep per chromosome, drawn at random.")
    maf_min: float = Field(
        0.01, ge=0, lt=0.5, description="Lowest minor-allele frequency of the SNPs drawn from."
    )
    genes_per_mb: float = Field(70, gt=0, description="Genes per million base pairs.")
    trait: Trait = Trait()


class Input(Section):
    """Where the real genotypes are."""

    kind: Literal["demo", "vcf", "plink", "pgen"] = Field(
        "demo", description="`demo` simulates a cohort; the others read yours."
    )
    path: str | None = Field(
        None,
        description="VCF/BCF file ({chrom} stands for the chromosome when there is one file each); PLINK prefix or .bed; PLINK 2 prefix or .pgen.",
    )
    bim: str | None = Field(
        None,
        description="PLINK 1 variants, when not beside the .bed under its name (say, lifted positions).",
    )
    fam: str | None = Field(
        None, description="PLINK 1 people, when not beside the .bed under its name."
    )
    pvar: str | None = Field(
        None, description="PLINK 2 variants, when not beside the .pgen under its name."
    )
    psam: str | None = Field(
        None, description="PLINK 2 people, when not beside the .pgen under its name."
    )
    chromosomes: list[Text] | None = Field(
        None,
        description="Chromosomes to use, with or without `chr`; null: every autosome the files hold.",
    )

    @model_validator(mode="after")
    def _path_is_given(self):
        if self.kind != "demo" and not self.path:
            raise ValueError(f"kind {self.kind} needs a path")
        return self


class Labels(Section):
    """What the synthetic cohort is conditional on: one label per person."""

    table: str | None = Field(
        None,
        description="TSV or CSV with a header, one row per person; null: the demo's people table, the .fam phenotype or the .psam.",
    )
    id_column: str | None = Field(
        None, description="Column with the sample ids; null: the first column."
    )
    label_column: str = Field(
        "population",
        description="Column with the label (population, disease status ...). For a .fam: `phenotype`.",
    )
    missing: list[Text] = Field(
        ["", "NA", "NaN", "nan", "NONE", "-9", "."],
        description="Values that mean `no label`; these people are left out.",
    )
    minimum_people: int = Field(10, ge=4, description="Fewest people a label may have.")
    rare: Literal["stop", "drop"] = Field(
        "stop",
        description="What to do with rarer labels: stop with a message, or leave their people out.",
    )


class Filters(Section):
    """Which people and variants are used. Frequencies are those of training people."""

    multiallelic: Literal["drop", "split"] = Field(
        "drop", description="Sites with several ALT alleles: drop them, or one SNP per ALT allele."
    )
    maf_min: float = Field(0.01, ge=0, lt=0.5, description="Lowest minor-allele frequency.")
    variant_missing_max: Fraction = Field(
        0.05, description="Highest share of missing calls of a variant."
    )
    person_missing_max: Fraction = Field(
        0.1, description="Highest share of missing calls of a person."
    )
    hwe_p_min: Fraction = Field(
        0.0,
        description="Lowest exact-test p-value of Hardy-Weinberg equilibrium, within each label (the smallest counts); 0 switches the filter off.",
    )


class Split(Section):
    """Train people are fitted on, validation people choose, holdout people are only tested on."""

    validation: float = Field(
        0.1, gt=0, lt=0.5, description="Share of validation people, within each label."
    )
    holdout: float = Field(
        0.1, gt=0, lt=0.5, description="Share of holdout people, within each label."
    )
    training_share: PositiveFraction = Field(
        1.0,
        description="Share of the training people who are used, within each label; the others take no part in anything. For a study of few people on the validation and holdout people of many.",
    )
    family_column: str | None = Field(
        None,
        description="Column of the label table, .fam or .psam with a family id; a family stays on one side. null: the demo's families, else none.",
    )
    kinship_table: str | None = Field(
        None,
        description="Pairs of relatives, TSV/CSV or plink2 --make-king-table output: two id columns and a kinship column.",
    )
    kinship_min: float = Field(
        0.0884,
        gt=0,
        le=0.5,
        description="Kinship from which two people count as relatives (0.0884: second degree).",
    )


class Genes(Section):
    """SNPs are assigned to genes; a gene is a block of the representation."""

    annotation: str | None = Field(
        None,
        description="GTF, GFF3, BED, genePred, PLINK glist, MAGMA gene.loc or a headed table; null: the demo's.",
    )
    format: Literal["auto", "gtf", "gff3", "bed", "genepred", "glist", "magma", "table"] = Field(
        "auto", description="Format of the annotation."
    )
    intergenic: Literal["nearest", "own", "drop"] = Field(
        "nearest",
        description="SNPs outside genes: to the nearest gene, to blocks of their own, or dropped.",
    )
    max_snps: int = Field(
        100, ge=2, le=1000, description="Longer genes are cut into blocks of at most so many SNPs."
    )


class GenePCAConfig(Section):
    """PCA of each gene block, fitted on training people."""

    kind: Literal["gene_pca"] = Field("gene_pca", description="The representation.")
    rule: Literal["loss", "counts"] = Field(
        "loss",
        description="`loss`: blocks are split until max_components keep variance_kept; `counts`: the paper's 8/4/1 by number of SNPs.",
    )
    max_components: int = Field(8, ge=1, le=64, description="Most PCs of a block.")
    variance_kept: PositiveFraction = Field(
        0.99, description="Share of a block's variance its PCs keep (rule `loss`)."
    )


class MLPConfig(Section):
    """The paper's UNet of dense layers."""

    kind: Literal["mlp"] = Field("mlp", description="Denoiser: the paper's UNet of dense layers.")
    widths: list[Annotated[int, Field(ge=32, multiple_of=32)]] = Field(
        [1024, 512, 256],
        min_length=2,
        description="Layer widths from the outside to the bottleneck.",
    )


class CNNConfig(Section):
    """The paper's 1-D convolutional UNet."""

    kind: Literal["cnn"] = Field("cnn", description="Denoiser: the paper's 1-D UNet.")
    base_width: int = Field(64, ge=32, multiple_of=32, description="Channels of the first level.")
    multipliers: list[Annotated[int, Field(ge=1)]] = Field(
        [1, 1, 1, 1, 2, 2, 3, 4],
        min_length=1,
        description="Channels of each level, in base widths; each level halves the length.",
    )
    blocks_per_level: int = Field(3, ge=1, description="Residual blocks a level.")
    attention_at: list[Annotated[int, Field(ge=1)]] = Field(
        [32, 64], description="Down-sampling factors at which there is self-attention."
    )
    head_width: int = Field(64, ge=8, description="Channels of an attention head.")
    dropout: float = Field(0.1, ge=0, lt=1, description="Dropout in the residual blocks.")

    @model_validator(mode="after")
    def _levels_fit(self):
        factors = [2**level for level in range(len(self.multipliers))]
        missing = sorted(set(self.attention_at) - set(factors))
        if missing:
            raise ValueError(
                f"attention_at {missing}: the levels' down-sampling factors are {factors}"
            )
        widths = {
            self.base_width * each
            for each, factor in zip(self.multipliers, factors, strict=True)
            if factor in {*self.attention_at, factors[-1]}
        }
        uneven = sorted(width for width in widths if width % self.head_width)
        if uneven:
            raise ValueError(
                f"head_width {self.head_width} does not divide the {uneven} channels of levels "
                "with attention"
            )
        return self


class MLPCNNConfig(Section):
    """The paper's mix of both, by a weight that depends on time."""

    kind: Literal["mlp_cnn"] = Field(
        "mlp_cnn", description="Denoiser: the paper's mix of MLP and CNN by a weight of time."
    )
    mlp: MLPConfig = MLPConfig()
    cnn: CNNConfig = CNNConfig()


class TransformerConfig(Section):
    """The paper's encoder over patches of gene blocks."""

    kind: Literal["transformer"] = Field(
        "transformer", description="Denoiser: the paper's encoder over patches of blocks."
    )
    patch_blocks: int = Field(16, ge=1, description="Gene blocks of a patch.")
    width: int = Field(384, ge=16, description="Channels of a patch's token.")
    layers: int = Field(12, ge=1, description="Encoder layers.")
    heads: int = Field(6, ge=1, description="Attention heads; they share the width evenly.")
    feed_forward: int = Field(1536, ge=16, description="Hidden width of the feed-forward layers.")
    dropout: float = Field(0.1, ge=0, lt=1, description="Dropout of the encoder.")

    @model_validator(mode="after")
    def _heads_fit(self):
        if self.width % self.heads:
            raise ValueError(f"heads {self.heads} do not divide width {self.width}")
        return self


class LocalConfig(Section):
    """Layers that see a window of neighbouring gene blocks, with weights of their own there."""

    kind: Literal["local"] = Field(
        "local", description="Denoiser: windows of neighbouring blocks, weights by position."
    )
    group_blocks: int = Field(4, ge=1, description="Gene blocks of a group.")
    width: int = Field(96, ge=8, description="Channels of a group.")
    layers: int = Field(3, ge=1, description="Residual layers; each mixes neighbouring groups.")
    context: int = Field(
        64, ge=0, description="Channels of the context of the whole genome; 0: none."
    )
    experts: int | None = Field(
        None,
        ge=1,
        description="null: every position its own weights (to about a chromosome); a number: every position a mix of so many shared ones, which bounds the weights of whole genomes.",
    )


class DiffusionConfig(Section):
    """The diffusion process."""

    schedule: Literal["linear", "cosine", "sqrt_linear"] = Field(
        "cosine", description="Noise schedule."
    )
    time: Literal["discrete", "continuous"] = Field(
        "discrete", description="Times of training: 1..T, or any between 0 and T."
    )
    n_steps: int = Field(500, ge=10, le=10_000, description="Diffusion steps T.")
    target: Literal["x0", "v", "eps"] = Field("x0", description="What the network predicts.")
    weighting: Literal["uniform", "min_snr"] = Field(
        "uniform", description="Weight of the loss by noise level (min-SNR: gamma 5)."
    )
    prior_factors: int | None = Field(
        256,
        ge=0,
        description="Factors of the Gaussian that the network corrects, at most one per 32 training rows; 0: independent PCs; null: none, the paper's way.",
    )
    scaling: Literal["global", "unit"] = Field(
        "global", description="One scale for all PCs, or unit variance for each."
    )
    residual_from_class_mean: bool = Field(
        True, description="Diffuse the difference from the label's training mean."
    )
    label_dropout: float = Field(
        0.1,
        ge=0,
        lt=1,
        description="Probability that a training row hides its label (needed for guidance).",
    )


class TrainingConfig(Section):
    """How a network is trained."""

    epochs: int = Field(40, ge=1, description="Passes over the training rows.")
    batch_size: int = Field(128, ge=1, description="Rows per step.")
    learning_rate: float = Field(2e-3, gt=0, description="Peak learning rate of AdamW.")
    weight_decay: float = Field(0.0, ge=0, description="Weight decay of AdamW.")
    warmup_steps: int = Field(100, ge=0, description="Linear warm-up, then cosine to 0.")
    clip_norm: float = Field(1.0, gt=0, description="Largest norm of the gradient.")
    ema_decay: float = Field(
        0.999, ge=0, lt=1, description="Decay of the averaged weights; 0 switches them off."
    )
    patience: int = Field(
        20, ge=1, description="Stop after so many epochs without a better validation loss."
    )
    membership_max: float = Field(
        0.62,
        gt=0.5,
        le=1,
        description="Stop when training rows can be told from validation rows by their loss with a higher AUC, and keep no such weights; 1: never.",
    )


class SamplingConfig(Section):
    """How latents are drawn from the trained network."""

    sampler: Literal["ancestral", "ddim", "dpm2m", "sde_dpm2m"] = Field(
        "sde_dpm2m",
        description="Sampler: ancestral; DDIM; DPM-Solver++ of second order, deterministic or stochastic.",
    )
    steps: int = Field(40, ge=1, description="Denoising steps, at most diffusion.n_steps.")
    guidance_scale: float = Field(1.0, ge=0, description="Classifier-free guidance; 1 is none.")


class DecodingConfig(Section):
    """How decoded values become alleles."""

    rule: Literal["matched", "matched_by_label", "rounding"] = Field(
        "matched",
        description="Thresholds at which the training allele frequencies are met, over all labels or in each; or rounding.",
    )
    rare_margin: float = Field(
        0.3, ge=0, lt=0.5, description="How far a rare variant's threshold may be from rounding's."
    )
    common_margin: float = Field(
        0.1,
        ge=0,
        lt=0.5,
        description="The same for a MAF of 0.1 and more; unphased genotypes want 0.3.",
    )


class DiffusionGenerator(Section):
    """A diffusion model and how it is used."""

    kind: Literal["diffusion"] = Field("diffusion", description="Generator: a diffusion model.")
    preset: Literal["genetic_diffusion", "genetic_diffusion_paper"] = Field(
        "genetic_diffusion",
        description="The recipe that the other keys change: ours, or the published one.",
    )
    representation: Name = Field("gene_pca", description="One of `representations`.")
    denoiser: Annotated[
        MLPConfig | CNNConfig | MLPCNNConfig | TransformerConfig | LocalConfig,
        Field(discriminator="kind"),
    ] = LocalConfig()
    diffusion: DiffusionConfig = DiffusionConfig()
    training: TrainingConfig = TrainingConfig()
    sampling: SamplingConfig = SamplingConfig()
    decoding: DecodingConfig = DecodingConfig()

    @model_validator(mode="after")
    def _steps_fit(self):
        if self.sampling.steps > self.diffusion.n_steps:
            raise ValueError(
                f"sampling.steps {self.sampling.steps} exceeds diffusion.n_steps {self.diffusion.n_steps}"
            )
        if self.sampling.guidance_scale != 1 and self.diffusion.label_dropout == 0:
            raise ValueError(
                "sampling.guidance_scale other than 1 needs diffusion.label_dropout above 0"
            )
        return self


class BlockGaussianGenerator(Section):
    """Baseline: latents from a Gaussian with the label's mean and the training covariance."""

    kind: Literal["block_gaussian"] = Field(
        "block_gaussian", description="Generator: a Gaussian of the latents."
    )
    representation: Name = Field("gene_pca", description="One of `representations`.")
    shrinkage: Fraction = Field(
        0.02, description="Weight of the independent PCs in the covariance (Ledoit & Wolf)."
    )
    decoding: DecodingConfig = DecodingConfig()


class WGANGenerator(Section):
    """Baseline: a Wasserstein GAN with gradient penalty on principal components."""

    kind: Literal["wgan"] = Field("wgan", description="Generator: an adversarial baseline.")
    representation: Name = Field("gene_pca", description="One of `representations`.")
    noise: int = Field(
        128, ge=1, description="Channels of the generator's noise, and the most components."
    )
    widths: list[Annotated[int, Field(ge=8)]] = Field(
        [256, 512],
        min_length=1,
        description="Layer widths of the generator; the critic's reversed.",
    )
    critic_steps: int = Field(2, ge=1, description="Steps of the critic per step of the generator.")
    gradient_penalty: float = Field(10, gt=0, description="Weight of the gradient penalty.")
    epochs: int = Field(100, ge=1, description="Passes over the training rows.")
    batch_size: int = Field(128, ge=2, description="Rows per step.")
    learning_rate: float = Field(1e-3, gt=0, description="Learning rate of Adam.")
    decoding: DecodingConfig = DecodingConfig()


class IndependentGenerator(Section):
    """Baseline: every SNP by itself, with the label's allele frequency."""

    kind: Literal["independent"] = Field(
        "independent", description="Generator: each SNP by itself, at the label's frequency."
    )


class BootstrapGenerator(Section):
    """Baseline: copies of training people of the label."""

    kind: Literal["bootstrap"] = Field(
        "bootstrap", description="Generator: copies of training people. Never to be released."
    )


class MosaicGenerator(Section):
    """Baseline: mosaics of the label's training haplotypes."""

    kind: Literal["mosaic"] = Field(
        "mosaic", description="Generator: mosaics of training haplotypes."
    )
    effective_size: float = Field(
        10_000,
        gt=0,
        le=1e6,
        description="Effective population size Ne: segments are shorter when it is larger.",
    )
    recombination_map: str | None = Field(
        None,
        description="Genetic map (PLINK .map or HapMap columns; {chrom} stands for the chromosome); null: a constant rate.",
    )
    cM_per_Mb: float = Field(1.0, gt=0, description="The constant rate [cM/Mb].")
    mutation_rate: Fraction = Field(
        0.0,
        description="Share of copied alleles that are drawn from the label's frequency instead.",
    )


AlleleGenerator = Annotated[
    IndependentGenerator | BootstrapGenerator | MosaicGenerator, Field(discriminator="kind")
]
AnyGenerator = Annotated[
    DiffusionGenerator
    | BlockGaussianGenerator
    | WGANGenerator
    | IndependentGenerator
    | BootstrapGenerator
    | MosaicGenerator,
    Field(discriminator="kind"),
]


class Phasing(Section):
    """What to do when haplotypes are asked for and the genotypes are unphased."""

    program: Literal["none", "beagle"] = Field(
        "none", description="`none`: stop with a message; `beagle`: phase with Beagle."
    )
    recombination_map: str | None = Field(
        None,
        description="Genetic map for Beagle (PLINK .map or HapMap columns; {chrom} stands for the chromosome); null: 1 cM/Mb.",
    )


class Synthesis(Section):
    """Which people to draw."""

    labels: Literal["matched", "balanced", "counts"] = Field(
        "matched",
        description="Labels in the training proportions, equally often, or as `counts` says.",
    )
    people: int | None = Field(
        None, ge=1, description="Synthetic people; null: as many as training people."
    )
    counts: dict[Text, Annotated[int, Field(ge=0)]] = Field(
        {}, description="People per label for `labels: counts`."
    )
    shards: int = Field(
        2,
        ge=1,
        le=10_000,
        description="Sampling jobs per generator; the cohort does not depend on it.",
    )

    @model_validator(mode="after")
    def _counts_go_with_counts(self):
        if (self.labels == "counts") != bool(self.counts):
            raise ValueError("`counts` is for `labels: counts`, which needs it")
        if self.labels == "counts" and self.people is not None:
            raise ValueError("with `labels: counts` leave `people` out: the counts say how many")
        return self


class Evaluation(Section):
    """Classifiers and comparisons of the report."""

    calibration: dict[Name, AlleleGenerator] = Field(
        {
            "independent": IndependentGenerator(),
            "bootstrap": BootstrapGenerator(),
            "mosaic": MosaicGenerator(),
        },
        description="Baselines every metric is shown beside; unseen real people always are. They are measured, not released.",
    )
    mosaic_curve: list[Annotated[float, Field(gt=0, le=1e6)]] = Field(
        [500, 2000, 50_000],
        description="Effective sizes of further mosaics, for the picture of fidelity against leakage.",
    )
    classifiers: list[Literal["mlp", "cnn", "transformer", "logistic"]] = Field(
        ["mlp", "logistic"],
        min_length=1,
        description="Classifiers of the label, trained on real and on synthetic people, tested on holdout people.",
    )
    augmentation: list[PositiveFraction] = Field(
        [],
        description="Shares of the real training people that synthetic ones are added to, e.g. [0.05, 0.1, 0.2, 0.5]; []: no augmentation curve.",
    )
    classifier_seeds: int = Field(2, ge=1, le=20, description="Trainings of each classifier.")
    classifier_epochs: int = Field(
        30,
        ge=1,
        description="Passes over the training people; the best epoch by validation people counts.",
    )
    ld_window_kb: float = Field(
        200,
        gt=0,
        description="Largest distance of SNP pairs in the comparison of linkage disequilibrium [kb].",
    )
    recombination_map: str | None = Field(
        None,
        description="Genetic map for linkage by cM (PLINK .map or HapMap columns; {chrom} stands for the chromosome); null: 1 cM/Mb.",
    )
    umap_people: int = Field(
        3000, ge=50, description="Most people of a group in the PCA, UMAP and t-SNE pictures."
    )
    privacy_people: int = Field(
        3000,
        ge=100,
        description="Most training and synthetic people whose distances are taken; copies and frequencies are of everybody.",
    )
    minimum_people: int = Field(
        20, ge=4, description="Fewest holdout people for a privacy or utility number."
    )
    case_label: Text | None = Field(
        None,
        description="Label of the cases, when the labels are a disease: switches the comparison of association on.",
    )
    causal_snps: str | None = Field(
        None,
        description="TSV of the known causal SNPs of a simulated trait (contig, position_bp, effect); null: the demo's.",
    )
    covariate_pcs: int = Field(
        4, ge=0, le=20, description="Principal components as covariates of the association tests."
    )


class Compute(Section):
    """What jobs ask for."""

    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="`auto`: a GPU when the job sees one; each job logs what it got."
    )
    gpus: int = Field(
        1, ge=0, le=1, description="GPUs a training or sampling job asks for (`resources: gpu`)."
    )
    threads: int = Field(2, ge=1, description="Processors of a heavy job.")
    memory_mb: int = Field(
        4000,
        ge=500,
        description="Memory of a heavy job [MB]; light ones ask for a quarter, at least 1,000.",
    )
    training_hours: float = Field(
        12,
        gt=0,
        description="Run time a training job asks for [hours]; others ask for a quarter of it.",
    )


# What differs from the defaults, which are the preset `genetic_diffusion`.
PRESETS = {
    "genetic_diffusion_paper": {
        "representation": "gene_pca_paper",
        "denoiser": {"kind": "mlp_cnn"},
        "diffusion": {
            "schedule": "linear",
            "target": "eps",
            "prior_factors": None,
            "scaling": "unit",
            "residual_from_class_mean": False,
            "label_dropout": 0.0,
        },
        "training": {
            "epochs": 100,
            "batch_size": 16,
            "learning_rate": 2e-4,
            "ema_decay": 0.0,
            "patience": 100,
            "membership_max": 1.0,
        },
        "sampling": {"sampler": "ancestral", "steps": 500},
        "decoding": {"rule": "rounding"},
    },
}


def merged(base: dict, changes: dict) -> dict:
    """`base` with `changes` put over it, section by section; another `kind` replaces a section."""
    if "kind" in changes and changes["kind"] != base.get("kind", changes["kind"]):
        return changes
    result = dict(base)
    for key, value in changes.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else value
    return result


def _with_preset(generator):
    """A generator's section as the user wrote it -> with its preset and its kind filled in."""
    if not isinstance(generator, dict) or generator.get("kind", "diffusion") != "diffusion":
        return generator
    preset = PRESETS.get(generator.get("preset"), {})  # an unknown name is refused by its field
    return merged({"kind": "diffusion"} | preset, generator)


class Config(Section):
    """One study: one cohort in, one or more synthetic cohorts out."""

    cohort: Name = Field("demo", description="Name of the study; results go to results/<cohort>.")
    seed: int = Field(
        1, ge=0, lt=2**32, description="The one seed; every stage derives its own from it."
    )
    mode: Literal["haplotype", "genotype"] = Field(
        "haplotype",
        description="`haplotype` needs phased genotypes and is the better one; `genotype` takes any.",
    )
    input: Input = Input()
    demo: Demo = Demo()
    labels: Labels = Labels()
    filters: Filters = Filters()
    split: Split = Split()
    genes: Genes = Genes()
    representations: dict[Name, GenePCAConfig] = Field(
        {"gene_pca": GenePCAConfig(), "gene_pca_paper": GenePCAConfig(rule="counts")},
        min_length=1,
        description="Representations by name; only those that a generator uses are made.",
    )
    phasing: Phasing = Phasing()
    generators: dict[Name, Annotated[AnyGenerator, BeforeValidator(_with_preset)]] = Field(
        {"genetic_diffusion": DiffusionGenerator()},
        min_length=1,
        description="Generators by name; each gets its own synthetic cohort. `preset` starts from a named recipe.",
    )
    synthesis: Synthesis = Synthesis()
    evaluation: Evaluation = Evaluation()
    compute: Compute = Compute()

    @model_validator(mode="after")
    def _parts_fit(self):
        calibration = self.evaluation.calibration
        for name in (*self.generators, *calibration):
            if name in RESERVED:
                raise ValueError(
                    f"a generator cannot be called {name}: the report uses that word itself"
                )
        twice = sorted(set(self.generators) & set(calibration))
        if twice:
            raise ValueError(
                f"{', '.join(twice)}: a name of both `generators` and `evaluation.calibration`; "
                "rename one"
            )
        for name, generator in self.generators.items():
            if getattr(generator, "representation", None) not in {None, *self.representations}:
                raise ValueError(
                    f"generators.{name}.representation is {generator.representation!r}, "
                    f"but `representations` has {', '.join(self.representations)}"
                )
        if (
            self.input.kind != "demo"
            and not self.genes.annotation
            and self.genes.intergenic != "own"
        ):
            raise ValueError(
                "genes.annotation is needed for your own data (or genes.intergenic: own, which needs none)"
            )
        if self.input.kind == "vcf" and not self.labels.table:
            raise ValueError("labels.table is needed: a VCF holds no labels")
        return self


def parse_config(values: dict) -> Config:
    """Check a configuration as Snakemake read it from YAML.

    Raises:
        InputError: lists every problem with key, value and what is allowed.
    """
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        problems = "\n  - ".join(_problem(e) for e in error.errors())
        raise InputError(
            f"The configuration cannot be used ({error.error_count()} problem(s)):\n  - {problems}\n"
            "Every key is described in config/README.md."
        ) from None


def _problem(error: dict) -> str:
    place, models = _locate([str(part) for part in error["loc"]])
    key = ".".join(place) or "configuration"
    if error["type"] == "extra_forbidden":
        allowed = sorted({name for model in models for name in model.model_fields})
        near = difflib.get_close_matches(place[-1], allowed, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        return f"{key}: unknown key.{hint} Allowed here: {', '.join(allowed)}."
    if error["type"].startswith("union_tag"):
        kinds = ", ".join(kind for kind in map(_kind_of, models) if kind)
        return f"{key}: needs `kind`, one of {kinds}; found {error['input'].get('kind')!r}."
    message = error["msg"].removeprefix("Value error, ")
    if isinstance(error["input"], dict | Section):  # a whole section: its text says which key
        return f"{key}: {message}."
    return f"{key}: {message}; found {error['input']!r}."


def _locate(loc: list[str]) -> tuple[list[str], list]:
    """The keys the user wrote, and the sections they may be of.

    pydantic's own place of an error holds the kind of a section, too, where there are several.
    """
    keys, models = [], [Config]
    for part in loc:
        chosen = [model for model in models if _kind_of(model) == part]
        if chosen and len(models) > 1:
            models = chosen
        else:
            keys.append(part)
            models = _sections_below(models, part)
    return keys, models


def _kind_of(model) -> str | None:
    field = model.model_fields.get("kind")
    return field.default if field is not None else None


def _sections_below(models: list, part: str) -> list:
    """The sections that key `part` of sections holds; a name of a named section changes nothing."""
    fields = [model.model_fields[part] for model in models if part in model.model_fields]
    return [section for field in fields for section in sections_of(field)] if fields else models


def sections_of(field: FieldInfo) -> list[type[Section]]:
    """The sections a field may hold, itself or as the values of a dictionary; [] for plain values."""

    def found(annotation) -> list:
        if isinstance(annotation, type) and issubclass(annotation, Section):
            return [annotation]
        return [each for part in get_args(annotation) for each in found(part)]

    return found(field.annotation)
