"""The configuration of the cohort: where it comes from, and which people and variants are used."""

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator

from syncohort.config.sections import Fraction, PositiveFraction, Section, Text

Megabases = Annotated[float, Field(ge=0.1, le=250)]
SnpCount = Annotated[int, Field(ge=50)]
Position = Annotated[int, Field(ge=1)]
Region = Annotated[list[Position], Field(min_length=2, max_length=2)]


class Trait(Section):
    """A simulated disease for the people of the cohort, as columns `trait` (case, control) and `liability` of the label table. null: none."""

    heritability: Fraction = Field(
        0.6, description="Share of the liability's variance that the causal SNPs explain."
    )
    n_causal: int = Field(30, ge=1, description="Number of causal SNPs (polygenicity).")
    prevalence: float = Field(0.3, gt=0, lt=1, description="Share of people who are cases.")
    maf_min: float = Field(0.05, ge=0, lt=0.5, description="Lowest MAF of a causal SNP.")
    within: Text | None = Field(
        None,
        description="Column of the label table, for example population: liabilities are centred within each of its classes, so that every class has about as many cases. null: liabilities are not centred.",
    )


class Demo(Section):
    """The simulated cohort that stands in for real data (`input.kind: demo`)."""

    people_per_population: dict[
        Literal["YRI", "AFA", "CEU", "CHB", "JPT", "MEX"], Annotated[int, Field(ge=10, le=9_999)]
    ] = Field(
        dict.fromkeys(("YRI", "AFA", "CEU", "CHB", "JPT", "MEX"), 250),
        description="Number of people in each simulated population.",
    )
    families: int = Field(
        12, ge=0, description="Number of families, each of two parents and two children."
    )
    chromosomes: list[Text] = Field(
        ["21", "22"],
        min_length=1,
        description="Chromosomes to simulate, 1 to 22 and X, independent of each other.",
    )
    length_mb: Megabases | dict[Text, Megabases] = Field(
        0.35,
        description="Length of each chromosome [Mb], 0.1 to 250: one number for all, or one for each, for example {21: 5, 22: 4}.",
    )
    variants: SnpCount | dict[Text, SnpCount] = Field(
        1000,
        description="SNPs of each chromosome, at least 50, drawn at random from those with a MAF of at least 1 %: one number for all, or one for each.",
    )

    @model_validator(mode="after")
    def _every_chromosome_has_its_numbers(self):
        for key in ("length_mb", "variants"):
            given = getattr(self, key)
            lacking = set(self.chromosomes) - set(given) if isinstance(given, dict) else []
            if lacking:
                raise ValueError(
                    f"{key} names no number for chromosome {', '.join(sorted(lacking))}: name every "
                    "one of `chromosomes`, or give one number for all"
                )
        return self


class Input(Section):
    """The files with the real genotypes."""

    kind: Literal["demo", "vcf", "plink", "pgen", "bgen", "vcf_zarr"] = Field(
        "demo",
        description="Format of the genotypes: `vcf` (VCF or BCF), `plink` (PLINK 1), `pgen` (PLINK 2), `bgen` (BGEN 1.1 to 1.3) or `vcf_zarr` (VCF Zarr, as vcf2zarr writes it). `demo` simulates a cohort and reads no file.",
    )
    path: str | None = Field(
        None,
        description="VCF or BCF file; PLINK 1 prefix or .bed file; PLINK 2 prefix or .pgen file; .bgen file; folder or zip file of a VCF Zarr store. {chrom} stands for the chromosome where each has a file of its own, here and in the files below.",
    )
    bim: str | None = Field(
        None,
        description="PLINK 1 variants, when they are not in the .bim file beside the .bed (for example with lifted positions).",
    )
    fam: str | None = Field(
        None, description="PLINK 1 people, when they are not in the .fam file beside the .bed."
    )
    pvar: str | None = Field(
        None, description="PLINK 2 variants, when they are not in the .pvar file beside the .pgen."
    )
    psam: str | None = Field(
        None, description="PLINK 2 people, when they are not in the .psam file beside the .pgen."
    )
    sample: str | None = Field(
        None,
        description="BGEN people, when they are not in the .sample file beside the .bgen. Without such a file they are those that the .bgen names.",
    )
    ref_allele: Literal["first", "last"] | None = Field(
        None,
        description="BGEN: which of the two alleles is REF, `first` (UK Biobank and most others) or `last`; BGEN files do not say it. null: the first one is taken, and marked as provisional.",
    )
    hard_call_threshold: float | None = Field(
        None,
        ge=0,
        lt=0.5,
        description="BGEN: farthest that a dosage may be from a whole number of alleles, as plink2 --hard-call-threshold has it; beyond it the call is missing. null: 0.1.",
    )
    chromosomes: list[Text] | None = Field(
        None,
        min_length=1,
        description="Chromosomes to use, with or without `chr`, X among them. null: every autosome in the files.",
    )
    build: Literal["GRCh37", "GRCh38", "none"] | None = Field(
        None,
        description="For chromosome X: genome build, which tells the pseudo-autosomal regions, where men have two copies. `none`: the files have no such region under the name X (PLINK names them XY, PAR1 and PAR2). null: by the length of X that the header of the files says.",
    )
    reference: str | Annotated[list[str], Field(min_length=1)] | None = Field(
        None,
        description="Reference genome of the same build: a FASTA file, plain, gzipped or compressed by bgzip, or a list of files; {chrom} stands for the chromosome. A .fai index beside a file is used. null: none.",
    )

    @model_validator(mode="after")
    def _path_is_given(self):
        if self.kind != "demo" and not self.path:
            raise ValueError(
                f"kind {self.kind} needs a path to the genotypes: set input.path, or input.kind: "
                "demo for a simulated cohort"
            )
        return self

    @model_validator(mode="after")
    def _files_have_a_kind(self):
        """The demo reads no genotype file, and would run in the place of the one that is named."""
        names = [name for name in type(self).model_fields if name not in ("kind", "reference")]
        given = [name for name in names if getattr(self, name) is not None]
        if self.kind == "demo" and given:
            raise ValueError(
                f"{', '.join(given)} {'is' if len(given) == 1 else 'are'} for genotype files, and "
                "kind is demo (the default), which simulates a cohort: set input.kind (vcf, plink, "
                "pgen, bgen, vcf_zarr), or for the demo demo.chromosomes"
            )
        return self


class Labels(Section):
    """The label of each person. The synthetic people are drawn conditional on it."""

    table: str | None = Field(
        None,
        description="TSV or CSV file with a header and one row per person. null: the people of the demo, the .fam, the .psam or the .sample file.",
    )
    id_column: str | None = Field(
        None,
        description="Column with the sample ids. null: the first column, or IID where there are FID and IID.",
    )
    label_column: str | Annotated[list[str], Field(min_length=1)] = Field(
        "population",
        description="Column with the label (population, disease, ...), or a list of columns, which are joined by `/` (`GBR/case`). For a .fam file: `phenotype`.",
    )
    case_label: Text | None = Field(
        None,
        description="The label that cases have, when the label is a disease. With joined labels: the part before or after the `/`. The report then compares association with the disease in real and synthetic people. null: the label is no disease.",
    )
    missing: list[Text] = Field(
        [],
        description="Further values that mean `no label`, beside NA, n/a, NaN, None, null, #N/A, unknown, missing, `.`, `-`, empty, -9, -999 and their like, which always do: in any case, numbers by value (-9.0 is -9). These people are left out. The rule holds for covariates, families and parents too; what only looks like such a code (-1, 99, `undetermined`) is kept and shown on the check page.",
    )
    minimum_people: int = Field(10, ge=4, description="Fewest people a label may have.")
    rare: Literal["stop", "drop"] = Field(
        "stop",
        description="What to do when a label has fewer people: `stop` with a message, or `drop` these people.",
    )
    cuts: list[float] | None = Field(
        None,
        min_length=1,
        description="For a label that is a number (a continuous trait): rising limits of its bins, for example [18.5, 25, 30]. The generator is conditioned on the number itself; the split and the metrics use the bins. null: labels are names.",
    )

    @model_validator(mode="after")
    def _cuts_rise(self):
        if self.cuts and any(high <= low for low, high in pairwise(self.cuts)):
            raise ValueError(f"cuts {self.cuts}: give them in rising order, each once")
        columns = [self.label_column] if isinstance(self.label_column, str) else self.label_column
        if len(set(columns)) < len(columns):
            raise ValueError(f"label_column {columns}: name each column once")
        if self.cuts and not isinstance(self.label_column, str) and len(self.label_column) > 1:
            raise ValueError("with `cuts`, label_column is one column, of numbers")
        return self


class Filters(Section):
    """Which people and variants are used. Frequencies are those of the training people."""

    variants: Literal["snps", "all"] = Field(
        "snps",
        description="Kinds of variants: `snps`, or `all`, which are SNPs, indels and MNPs (several bases replaced by as many). Under `all`, each ALT allele of a site is modelled as a variant (`multiallelic` is not asked), and the release joins them again. Structural variants (`<DEL>`, `*`, breakends) are never used.",
    )
    multiallelic: Literal["drop", "split"] = Field(
        "drop",
        description="SNPs with several ALT alleles, where `variants` is `snps`: `drop` the site, or `split` it into one SNP per ALT allele. A call of another allele than the variant's is missing there.",
    )
    pass_only: bool = Field(
        False,
        description="Leave out records whose FILTER is neither PASS nor `.`. false: they are used, and counted on the check page.",
    )
    regions: dict[Text, Region] = Field(
        {},
        description="Stretches to use, by chromosome: first and last position [bp], for example {20: [60000, 2300000]}. Chromosomes that are not named are used whole.",
    )
    maf_min: float = Field(0.01, ge=0, lt=0.5, description="Lowest MAF of a variant.")
    variant_missing_max: Fraction = Field(
        0.05, description="Highest share of missing calls of a variant."
    )
    person_missing_max: Fraction = Field(
        0.1, description="Highest share of missing calls of a person."
    )
    hwe_p_min: Fraction = Field(
        0.0,
        description="Lowest p-value of the exact test for Hardy-Weinberg equilibrium. The test is done within each label, and the lowest of these p-values counts. 0: no filter.",
    )

    @model_validator(mode="after")
    def _regions_have_a_length(self):
        for name, (first, last) in self.regions.items():
            if last < first:
                raise ValueError(f"regions {name}: [{first}, {last}] ends before it begins")
        return self


class Split(Section):
    """Everything is fitted on training people; validation people choose between models; holdout people are used only to test."""

    validation: float = Field(
        0.1, gt=0, lt=0.5, description="Share of people for validation, within each label."
    )
    holdout: float = Field(
        0.1, gt=0, lt=0.5, description="Share of people for the holdout, within each label."
    )
    training_share: PositiveFraction = Field(
        1.0,
        description="Share of the training people to use, within each label. Below 1, the remaining training people are used nowhere, and the validation and holdout people stay those of the full study: the way to study a small cohort with enough people to test on.",
    )
    relatives: Fraction = Field(
        0.0,
        description="Share of the families, of 2 to 10 people, of whom one member is a training person, a child where parents are named, and all others are set aside: nothing is fitted on them, and the report says whether the release gives them away. It needs families (the three keys below). 0: nobody is set aside.",
    )
    family_column: str | None = Field(
        None,
        description="Column of the label table, .fam, .psam or .sample file with a family id. A family is never divided between training, validation and holdout. null: no families (in the demo: its own).",
    )
    kinship_table: str | None = Field(
        None,
        description="Pairs of relatives, who are never divided either: TSV or CSV file, or the output of plink2 --make-king-table, with two id columns and a kinship column.",
    )
    kinship_min: float = Field(
        0.0884,
        gt=0,
        le=0.5,
        description="Kinship from which two people count as relatives (0.0884: second degree).",
    )


class EveryVariant(Section):
    """All variants that pass the filters."""

    kind: Literal["all"] = Field("all", description="`all`: every variant that passes `filters`.")


class AssociatedVariants(Section):
    """The variants most associated with the label, as in SNPgen."""

    kind: Literal["association"] = Field(
        "association",
        description="`association`: the variants with the smallest p-values, after clumping.",
    )
    statistics: str | None = Field(
        None,
        description="File with GWAS summary statistics of other people (id or chromosome and position, effect allele, beta or odds ratio, p). null: a scan of the training people.",
    )
    variants: int = Field(
        2048, ge=32, description="Number of variants to keep, at least one per chromosome."
    )
    clump_r2: PositiveFraction = Field(
        0.5,
        description="Clumping: a variant is removed when its r2 with a more significant one nearby is at least this.",
    )
    clump_kb: float = Field(
        10, gt=0, description="Clumping: largest distance between the two variants [kb]."
    )
    covariates: list[Text] = Field(
        [],
        description="Columns of the label table that the scan adjusts for (age, sex, batch, ...). Text columns are taken as classes.",
    )
    covariate_pcs: int = Field(
        4,
        ge=0,
        le=20,
        description="Number of principal components of the training people that the scan adjusts for.",
    )


Selection = Annotated[EveryVariant | AssociatedVariants, Field(discriminator="kind")]


class Genes(Section):
    """SNPs are grouped into blocks, one for each gene; each block gets a PCA of its own."""

    annotation: str | None = Field(
        None,
        description="Gene annotation of the same genome build: GTF, GFF3, BED, genePred, PLINK glist, MAGMA gene.loc or a table with a header. null: only in the demo.",
    )
    format: Literal["auto", "gtf", "gff3", "bed", "genepred", "glist", "magma", "table"] = Field(
        "auto",
        description="Format of the annotation. `auto`: recognised by its content.",
    )
    intergenic: Literal["nearest", "own", "drop"] = Field(
        "nearest",
        description="SNPs between genes: join the `nearest` gene, form blocks of their `own`, or `drop`.",
    )
    max_snps: int = Field(
        100, ge=2, le=1000, description="Most SNPs of a block; longer genes are cut into several."
    )


class Phasing(Section):
    """What to do when `mode` is haplotype and the genotypes are unphased."""

    program: Literal["none", "beagle"] = Field(
        "none", description="`none`: stop with a message; `beagle`: phase with Beagle."
    )
    recombination_map: str | None = Field(
        None,
        description="Genetic map for Beagle (PLINK .map or HapMap columns; {chrom} stands for the chromosome). null: 1 cM/Mb.",
    )
