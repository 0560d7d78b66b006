"""The configuration of the cohort: where it comes from, who and what of it is used."""

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator

from syncohort.config.sections import Fraction, PositiveFraction, Section, Text


class Trait(Section):
    """A simulated disease imposed on the cohort's people: columns `trait` (case, control) and `liability` of the label table. null: none."""

    heritability: Fraction = Field(
        0.6, description="Share of the liability's variance that the causal SNPs explain."
    )
    n_causal: int = Field(30, ge=1, description="Causal SNPs (polygenicity).")
    prevalence: float = Field(0.3, gt=0, lt=1, description="Share of people who are cases.")
    maf_min: float = Field(
        0.05, ge=0, lt=0.5, description="Lowest minor-allele frequency of a causal SNP."
    )
    within: Text | None = Field(
        None,
        description="Column of the label table, say population: liabilities are centred within it, so that cases are no population; null: not.",
    )


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


class Input(Section):
    """Where the real genotypes are."""

    kind: Literal["demo", "vcf", "plink", "pgen"] = Field(
        "demo", description="`demo` simulates a cohort; the others read yours."
    )
    path: str | None = Field(
        None,
        description="VCF/BCF file; PLINK prefix or .bed; PLINK 2 prefix or .pgen. {chrom} stands for the chromosome when there is one file each, here and in the files below.",
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
    label_column: str | Annotated[list[str], Field(min_length=1)] = Field(
        "population",
        description="Column with the label (population, disease status ...), or a list of columns, joined by `/` (`GBR/case`). For a .fam: `phenotype`.",
    )
    case_label: Text | None = Field(
        None,
        description="Label of the cases, when the labels are a disease, or the part of it before or after a `/`: switches the comparison of association on.",
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
    cuts: list[float] | None = Field(
        None,
        min_length=1,
        description="The label is a number (a continuous trait), which the generator is told; these rising limits make the bins that stand for labels elsewhere, e.g. [18.5, 25, 30]. null: labels are names.",
    )

    @model_validator(mode="after")
    def _cuts_rise(self):
        if self.cuts and any(high <= low for low, high in pairwise(self.cuts)):
            raise ValueError(f"cuts {self.cuts}: give them in rising order, each once")
        if self.cuts and not isinstance(self.label_column, str) and len(self.label_column) > 1:
            raise ValueError("with `cuts`, label_column is one column, of numbers")
        return self


class Filters(Section):
    """Which people and variants are used. Frequencies are those of training people."""

    multiallelic: Literal["drop", "split"] = Field(
        "drop", description="Sites with several ALT alleles: drop them, or one SNP per ALT allele."
    )
    pass_only: bool = Field(
        False,
        description="Leave out records whose FILTER is neither PASS nor `.`; false: they are counted and used.",
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


class EveryVariant(Section):
    """Every variant that passes the filters."""

    kind: Literal["all"] = Field("all", description="`all`: no selection.")


class AssociatedVariants(Section):
    """The variants most associated with the label, as SNPgen takes them."""

    kind: Literal["association"] = Field(
        "association",
        description="`association`: the smallest p-values of GWAS summary statistics or of a scan of the training people, after clumping.",
    )
    statistics: str | None = Field(
        None,
        description="GWAS summary statistics of other people (id or chromosome and position, effect allele, beta or odds ratio, p); null: a scan of the training people.",
    )
    variants: int = Field(
        2048, ge=32, description="Variants to keep; every chromosome keeps one at least."
    )
    clump_r2: PositiveFraction = Field(
        0.5, description="Squared correlation from which a variant stands behind a better one."
    )
    clump_kb: float = Field(
        10, gt=0, description="Largest distance of a variant from the one it stands behind [kb]."
    )
    covariates: list[Text] = Field(
        [],
        description="Columns of the label table that the scan adjusts for (age, sex, batch ...): numbers, or text as classes.",
    )
    covariate_pcs: int = Field(
        4, ge=0, le=20, description="Principal components of the training people as covariates."
    )


Selection = Annotated[EveryVariant | AssociatedVariants, Field(discriminator="kind")]


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


class Phasing(Section):
    """What to do when haplotypes are asked for and the genotypes are unphased."""

    program: Literal["none", "beagle"] = Field(
        "none", description="`none`: stop with a message; `beagle`: phase with Beagle."
    )
    recombination_map: str | None = Field(
        None,
        description="Genetic map for Beagle (PLINK .map or HapMap columns; {chrom} stands for the chromosome); null: 1 cM/Mb.",
    )
