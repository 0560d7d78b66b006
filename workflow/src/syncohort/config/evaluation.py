"""The configuration of which people are drawn and released, what is measured, and what jobs ask for."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from syncohort.config.allele_generators import (
    AlleleGenerator,
    BootstrapGenerator,
    IndependentGenerator,
    MosaicGenerator,
)
from syncohort.config.sections import Name, PositiveFraction, Section, Text


class Synthesis(Section):
    """How many synthetic people are drawn, and with which labels."""

    labels: Literal["matched", "balanced", "counts"] = Field(
        "matched",
        description="`matched`: labels as frequent as among training people; `balanced`: equally frequent; `counts`: as synthesis.counts says.",
    )
    people: int | None = Field(
        None, ge=1, description="Number of synthetic people. null: as many as training people."
    )
    counts: dict[Text, Annotated[int, Field(ge=0)]] = Field(
        {}, description="Number of people per label, with `labels: counts`."
    )
    shards: int = Field(
        2,
        ge=1,
        le=10_000,
        description="Number of jobs that sampling is divided into, to run in parallel. It does not change the people drawn. A small cohort takes one job.",
    )

    @model_validator(mode="after")
    def _counts_go_with_counts(self):
        if (self.labels == "counts") != bool(self.counts):
            raise ValueError("`counts` is for `labels: counts`, which needs it: give both or none")
        if self.labels == "counts" and self.people is not None:
            raise ValueError("with `labels: counts` leave `people` out: the counts say how many")
        return self


class Evaluation(Section):
    """What the report measures."""

    calibration: dict[Name, AlleleGenerator] = Field(
        {
            "independent": IndependentGenerator(),
            "bootstrap": BootstrapGenerator(),
            "mosaic": MosaicGenerator(),
        },
        description="Baselines that every metric is compared with, beside real validation people. They are measured, not released. Their kinds and keys are those of generators.",
    )
    mosaic_curve: list[Annotated[float, Field(gt=0, le=1e6)]] = Field(
        [500, 50_000],
        description="Effective population sizes of further mosaics, for the picture of fidelity against leakage.",
    )
    classifiers: list[Literal["mlp", "cnn", "transformer", "logistic", "xgboost", "polygenic"]] = (
        Field(
            ["mlp", "logistic"],
            min_length=1,
            description="Classifiers that predict the label, trained on real or on synthetic people and tested on holdout people. `xgboost`: boosted trees; `polygenic`: a polygenic score.",
        )
    )
    folds: int = Field(
        1,
        ge=1,
        le=20,
        description="Classifiers are trained this many times, each time leaving out one fold of the people, real or synthetic. 1: once, on everybody.",
    )
    augmentation: list[PositiveFraction] = Field(
        [],
        description="Augmentation curve: classifiers trained on these shares of the real training people, with and without synthetic people added, for example [0.05, 0.1, 0.2, 0.5]. []: no curve.",
    )
    classifier_seeds: int = Field(
        2, ge=1, le=20, description="Number of trainings of each classifier, with different seeds."
    )
    classifier_epochs: int = Field(
        30,
        ge=1,
        description="Passes of a classifier over its people. The epoch that is best on validation people counts.",
    )
    ld_window_kb: float = Field(
        200,
        gt=0,
        description="Largest distance of two SNPs in the comparison of LD [kb].",
    )
    recombination_map: str | None = Field(
        None,
        description="Genetic map for LD by genetic distance (PLINK .map or HapMap columns; {chrom} stands for the chromosome). null: 1 cM/Mb.",
    )
    privacy_people: int = Field(
        3000,
        ge=100,
        description="Most training and most synthetic people in the attacks that compare all pairs of people. Memory grows with their square: 1.9 GB for 3,000 people, 21 GB for 10,000; the check page says it. The search for copies takes everybody.",
    )
    shadow_models: int = Field(
        0,
        ge=0,
        le=256,
        multiple_of=2,
        description="Number of shadow models, for example 8, of each generator that learns in seconds to minutes (independent, bootstrap, mosaic, reshuffle, hidden_chow_liu; block_gaussian and wgan of a gene PCA): an attacker who knows the generator runs it on random halves of the people. An even number. 0: no such attack.",
    )
    shadow_networks: bool = Field(
        False,
        description="With shadow_models: also shadow models of diffusion models that are one network on a gene PCA, a whole training on half of the people for each. A network for each chromosome and autoencoders have none; the network itself is attacked in any case (white box).",
    )
    minimum_people: int = Field(
        20, ge=4, description="Fewest holdout people for a metric of privacy or utility."
    )
    causal_snps: str | None = Field(
        None,
        description="TSV file with the known causal SNPs of a simulated trait (contig, position_bp, effect). null: those of `trait`.",
    )
    covariate_pcs: int = Field(
        4,
        ge=0,
        le=20,
        description="Number of principal components that association tests adjust for.",
    )
    guidance_curve: list[Annotated[float, Field(ge=0, le=100)]] = Field(
        [],
        description="Guidance curve: further guidance scales at which each released diffusion model is sampled, to compare effect sizes with real ones, for example [0.5, 2, 3, 5]. []: no curve.",
    )
    imputation: bool = Field(
        False,
        description="Impute thinned holdout people from the synthetic people, and from real training people, the other baselines of `calibration` beside them, copies left out; for `mode: haplotype`. Needs Beagle and about a minute for each chromosome and panel. false: not measured.",
    )
    replicates: int = Field(
        1,
        ge=1,
        le=20,
        description="Number of trainings of each released diffusion model, with different seeds. Only the first is released; the report shows the mean and range of all.",
    )


class Compute(Section):
    """What a job may use: it changes no result."""

    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto",
        description="`auto`: a GPU where there is one; `cpu`: no job asks for a GPU. Each job logs what it used.",
    )
    gpus: int = Field(
        1,
        ge=0,
        le=16,
        description="GPUs for the training of a diffusion model, all in one machine; each batch is divided among them. Other trainings and sampling use at most one.",
    )
    private_results: bool = Field(
        True,
        description="Let nobody but you open results/<cohort>, which holds real genotypes (mode 0700); false: its permissions are left as they are.",
    )
    threads: int = Field(
        1,
        ge=1,
        description="Processors of a heavy job. With two, one training is 1.3 to 1.5 times as fast, which helps where processors would be idle; jobs beside it are worth more. Training on several GPUs: for each GPU.",
    )
    memory_mb: int = Field(
        4000,
        ge=500,
        description="Most memory that a job asks for [MB]; it asks for less where it reads less, and for more when it is tried again. Training on several GPUs: for each GPU. The check page says what each training needs.",
    )
    training_hours: float = Field(
        12,
        ge=0.1,
        le=8760,
        description="Run time that a training job asks for on a cluster [hours]. Other heavy jobs ask for a quarter. A second try asks for twice as long, but trainings that go on from a saved state.",
    )

    @model_validator(mode="after")
    def _gpus_go_with_the_device(self):
        if self.device == "cuda" and self.gpus == 0:
            raise ValueError(
                "device is cuda, and gpus: 0 asks for none: set gpus to 1 or more, or device to auto"
            )
        if self.device == "cpu" and self.gpus > 1:
            raise ValueError(
                f"gpus is {self.gpus}, and device: cpu uses none: leave gpus out, or set device to auto"
            )
        return self
