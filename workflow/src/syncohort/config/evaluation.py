"""The configuration of what is drawn, what is measured, and what jobs ask for."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from syncohort.config.generators import (
    AlleleGenerator,
    BootstrapGenerator,
    IndependentGenerator,
    MosaicGenerator,
)
from syncohort.config.sections import Name, PositiveFraction, Section, Text


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
        description="Sampling jobs per generator; the cohort does not depend on it. A job draws 256 MB of latents together or a multiple of it, so that a small cohort takes one.",
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
    classifiers: list[Literal["mlp", "cnn", "transformer", "logistic", "xgboost", "polygenic"]] = (
        Field(
            ["mlp", "logistic"],
            min_length=1,
            description="Classifiers of the label, trained on real and on synthetic people, tested on holdout people; `xgboost`: boosted trees, `polygenic`: a score of univariate effects.",
        )
    )
    folds: int = Field(
        1,
        ge=1,
        le=20,
        description="Folds of the people that classifiers are trained on; each is trained on all folds but one, real and synthetic alike. 1: on everybody.",
    )
    augmentation: list[PositiveFraction] = Field(
        [],
        description="Shares of the real training people that synthetic ones are added to, e.g. [0.05, 0.1, 0.2, 0.5]; []: no augmentation curve.",
    )
    classifier_seeds: int = Field(
        2, ge=1, le=20, description="Trainings of each classifier, of each fold."
    )
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
    causal_snps: str | None = Field(
        None,
        description="TSV of the known causal SNPs of a simulated trait (contig, position_bp, effect); null: those of `trait`.",
    )
    covariate_pcs: int = Field(
        4, ge=0, le=20, description="Principal components as covariates of the association tests."
    )
    guidance_curve: list[Annotated[float, Field(ge=0, le=100)]] = Field(
        [],
        description="Guidance scales at which the released diffusion models are sampled once more, for the slope of synthetic on real effects; []: no curve.",
    )
    replicates: int = Field(
        1,
        ge=1,
        le=20,
        description="Trainings of each released diffusion model, each of its own seed: the further ones are measured, not released.",
    )


class Compute(Section):
    """What jobs ask for."""

    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="`auto`: a GPU when the job sees one; each job logs what it got."
    )
    gpus: int = Field(
        1,
        ge=0,
        le=16,
        description="GPUs of one machine that the training of a diffusion model asks for and shares its batches among (`resources: gpu`); other trainings and sampling ask for at most one.",
    )
    private_results: bool = Field(
        True,
        description="Let nobody but you open results/<cohort>, which holds real genotypes (mode 0700); false: its permissions are left as they are.",
    )
    threads: int = Field(
        2, ge=1, description="Processors of a heavy job; a training on several GPUs: for each."
    )
    memory_mb: int = Field(
        4000,
        ge=500,
        description="Memory of a heavy job [MB]; a training on several GPUs: for each; light jobs ask for a quarter, at least 1,000.",
    )
    training_hours: float = Field(
        12,
        gt=0,
        description="Run time a training job asks for [hours]; others ask for a quarter of it.",
    )
