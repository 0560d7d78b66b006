"""The configuration of baselines that draw alleles, not latents."""

from typing import Annotated, Literal

from pydantic import Field

from syncohort.config.sections import Fraction, Section

RealHaplotypes = Annotated[
    bool,
    Field(
        description="Release this generator's cohort, which is made of haplotypes of real people, all the same."
    ),
]
RecombinationMap = Annotated[
    str | None,
    Field(
        description="Genetic map (PLINK .map or HapMap columns; {chrom} stands for the chromosome). null: 1 cM/Mb."
    ),
]


class IndependentGenerator(Section):
    """Baseline: every SNP is drawn by itself, with the allele frequency of the label. No LD."""

    kind: Literal["independent"] = Field("independent", description="Every SNP drawn by itself.")


class BootstrapGenerator(Section):
    """Baseline: copies of training people of the label."""

    kind: Literal["bootstrap"] = Field(
        "bootstrap", description="Copies of training people. Never release them."
    )
    release_real_haplotypes: RealHaplotypes = False


class MosaicGenerator(Section):
    """Baseline: each haplotype is a mosaic of segments of training haplotypes of the label."""

    kind: Literal["mosaic"] = Field("mosaic", description="Mosaics of training haplotypes.")
    release_real_haplotypes: RealHaplotypes = False
    effective_size: float = Field(
        10_000,
        gt=0,
        le=1e6,
        description="Effective population size Ne. Larger: shorter segments.",
    )
    recombination_map: RecombinationMap = None
    mutation_rate: Fraction = Field(
        0.0,
        description="Share of alleles that are drawn with the label's allele frequency instead of copied.",
    )


class ReshuffleGenerator(Section):
    """Baseline: the training haplotypes of each label exchange their ends, generation after generation."""

    kind: Literal["reshuffle"] = Field(
        "reshuffle", description="Training haplotypes that exchange their ends."
    )
    release_real_haplotypes: RealHaplotypes = False
    generations: int = Field(
        8,
        ge=1,
        le=1000,
        description="Generations in which haplotypes are paired at random and exchange their ends at crossovers. More: shorter segments.",
    )
    recombination_map: RecombinationMap = None


class HiddenChowLiuGenerator(Section):
    """Baseline: hidden Chow-Liu trees, a window of neighbouring SNPs each, whose likelihood is exact."""

    kind: Literal["hidden_chow_liu"] = Field(
        "hidden_chow_liu", description="Trees of hidden states, one for each SNP."
    )
    hidden_states: int = Field(
        8,
        ge=2,
        le=64,
        description="Hidden states of a SNP. More: closer to the people, and slower, with their square.",
    )
    window: int = Field(256, ge=2, le=1024, description="SNPs of a tree.")
    overlap: int = Field(
        64, ge=0, le=1024, description="SNPs before its window that a tree is told."
    )
    iterations: int = Field(12, ge=1, le=1000, description="Steps of expectation-maximisation.")


# Kinds that hand on haplotypes of real people, whole or in pieces.
REAL_HAPLOTYPES = ("bootstrap", "mosaic", "reshuffle")

AlleleGenerator = Annotated[
    IndependentGenerator
    | BootstrapGenerator
    | MosaicGenerator
    | ReshuffleGenerator
    | HiddenChowLiuGenerator,
    Field(discriminator="kind"),
]
