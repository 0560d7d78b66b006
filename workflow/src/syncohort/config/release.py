"""The configuration of what is released: of whom, and in which formats."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from syncohort.config.sections import Fraction, Section


class FastaExport(Section):
    """The sequences of synthetic people, with `fasta` among `release.export`."""

    people: Annotated[int, Field(ge=1)] | list[str] | None = Field(
        2,
        description="Whose sequences are written: the first so many people of samples.tsv, or a list of their ids (SYN00001, ...). null: everybody's. A genome takes about 1 GB a sequence; the check page says how much all take.",
    )
    mismatch_max: Fraction = Field(
        0.01,
        description="Highest share of variants that the reference contradicts: their REF is not what it has there. Above it the run stops, before anything is trained.",
    )

    @field_validator("people")
    @classmethod
    def _somebody(cls, people: int | list[str] | None):
        if people == []:
            raise ValueError("names nobody; null: everybody, and without `fasta` in export nobody")
        return people


class RareVariants(Section):
    """Variants rarer than `filters.maf_min`, which no model holds: drawn given the haplotypes around them."""

    carriers_min: int | None = Field(
        None,
        ge=10,
        description="Draw variants with a MAF below `filters.maf_min` that at least so many training people carry, 10 or more; for `mode: haplotype`. They are released with the others and listed in the folder `rare` of the release. null: none.",
    )


class Release(Section):
    """Who of the synthetic people is released, and in which formats."""

    export: list[Literal["vcf", "plink", "pgen", "bgen", "fasta"]] = Field(
        ["vcf", "plink", "pgen"],
        min_length=1,
        description="Formats of the genotypes: `vcf`, `plink` (PLINK 1), `pgen` (PLINK 2), `bgen` (BGEN 1.2), and `fasta`, DNA sequences, for which `input.reference` is needed.",
    )
    fasta: FastaExport = FastaExport()
    rare: RareVariants = RareVariants()
    withhold: float = Field(
        0.0,
        ge=0,
        le=0.5,
        description="Share of the synthetic people to leave out of the release and of all measurements of it, those nearest to training people (`measure_risk`), for example 0.01. The report then shows what that changes. 0: nobody.",
    )

    public_frequencies: bool = Field(
        False,
        description="Declares that the allele frequencies of each label are public already, or may be, as summary results of many studies are. Over hundreds of thousands of SNPs they alone tell who was in a cohort of thousands (Homer et al. 2008), whatever draws the people. true: membership is judged by what the people tell beyond independent SNPs of these frequencies (`evaluation.calibration` needs them), and report and release say that the study declares this.",
    )

    @field_validator("export")
    @classmethod
    def _once_each(cls, formats: list[str]) -> list[str]:
        if len(set(formats)) < len(formats):
            raise ValueError("name each format once")
        return formats
