"""The configuration: every key with its type, unit, bounds and meaning.

`config_files` writes the default YAML, the JSON schema and the key table of config/README.md
from here. Imports neither torch nor anything else of the package but its exception.
"""

import difflib
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic.fields import FieldInfo

from syncohort.errors import InputError

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

    kind: Literal["mlp"] = Field("mlp", description="The denoiser.")
    widths: list[Annotated[int, Field(ge=32, multiple_of=32)]] = Field(
        [1024, 512, 256],
        min_length=2,
        description="Layer widths from the outside to the bottleneck.",
    )


class DiffusionConfig(Section):
    """The diffusion process."""

    schedule: Literal["linear", "cosine", "sqrt_linear"] = Field(
        "cosine", description="Noise schedule."
    )
    n_steps: int = Field(500, ge=10, le=10_000, description="Diffusion steps T.")
    target: Literal["x0", "v", "eps"] = Field("x0", description="What the network predicts.")
    prior_factors: int | None = Field(
        256,
        ge=0,
        description="Factors of the Gaussian that the network corrects, at most one per 8 training rows; 0: independent PCs; null: none, the paper's way.",
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

    epochs: int = Field(60, ge=1, description="Passes over the training rows.")
    batch_size: int = Field(128, ge=1, description="Rows per step.")
    learning_rate: float = Field(5e-4, gt=0, description="Peak learning rate of AdamW.")
    weight_decay: float = Field(0.0, ge=0, description="Weight decay of AdamW.")
    warmup_steps: int = Field(100, ge=0, description="Linear warm-up, then cosine to 0.")
    clip_norm: float = Field(1.0, gt=0, description="Largest norm of the gradient.")
    ema_decay: float = Field(
        0.999, ge=0, lt=1, description="Decay of the averaged weights; 0 switches them off."
    )
    patience: int = Field(
        20, ge=1, description="Stop after so many epochs without a better validation loss."
    )


class SamplingConfig(Section):
    """How latents are drawn from the trained network."""

    sampler: Literal["ancestral", "ddim"] = Field("ancestral", description="Sampler.")
    steps: int = Field(80, ge=1, description="Denoising steps, at most diffusion.n_steps.")
    guidance_scale: float = Field(1.0, ge=0, description="Classifier-free guidance; 1 is none.")


class GeneratorConfig(Section):
    """A diffusion model and how it is used."""

    representation: Name = Field("gene_pca", description="One of `representations`.")
    denoiser: MLPConfig = MLPConfig()
    diffusion: DiffusionConfig = DiffusionConfig()
    training: TrainingConfig = TrainingConfig()
    sampling: SamplingConfig = SamplingConfig()

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

    classifiers: list[Literal["mlp", "logistic"]] = Field(
        ["mlp", "logistic"],
        min_length=1,
        description="Classifiers of the label, trained on real and on synthetic people, tested on holdout people.",
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
    umap_people: int = Field(
        3000, ge=50, description="Most people of a group in the PCA and UMAP pictures."
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
        {"gene_pca": GenePCAConfig()}, min_length=1, description="Representations by name."
    )
    generators: dict[Name, GeneratorConfig] = Field(
        {"mlp": GeneratorConfig()},
        min_length=1,
        description="Generators by name; each gets its own synthetic cohort.",
    )
    synthesis: Synthesis = Synthesis()
    evaluation: Evaluation = Evaluation()
    compute: Compute = Compute()

    @model_validator(mode="after")
    def _parts_fit(self):
        taken = {"real"} & set(self.generators)
        if taken:
            raise ValueError(
                "a generator cannot be called real: the report means real people by it"
            )
        for name, generator in self.generators.items():
            if generator.representation not in self.representations:
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
    place = [str(part) for part in error["loc"]]
    key = ".".join(place) or "configuration"
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(place[-1], _keys_at(place[:-1]), n=1)
        allowed = ", ".join(_keys_at(place[:-1]))
        hint = f" Did you mean {near[0]!r}?" if near else ""
        return f"{key}: unknown key.{hint} Allowed here: {allowed}."
    message = error["msg"].removeprefix("Value error, ")
    if isinstance(error["input"], dict | Section):  # a whole section: its text says which key
        return f"{key}: {message}."
    return f"{key}: {message}; found {error['input']!r}."


def _keys_at(place: list[str]) -> list[str]:
    model = Config
    for part in place:
        if isinstance(model, type) and part in model.model_fields:
            model = section_of(model.model_fields[part])
    return list(model.model_fields)


def section_of(field: FieldInfo):
    """The section a field holds, itself or as the values of a dictionary; None for plain values."""
    for candidate in (field.annotation, *getattr(field.annotation, "__args__", ())):
        if isinstance(candidate, type) and issubclass(candidate, Section):
            return candidate
    return None
