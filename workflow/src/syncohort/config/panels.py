"""The configuration of what panels of public people are used for."""

from pydantic import Field, model_validator

from syncohort.config.sections import PositiveFraction, Section

_OVERLAP = "Least share of the modelled sites that the panel must have with the same REF and ALT."


class Expansion(Section):
    """Sites that are not modelled: the released haplotypes imputed from a public panel, beside the release."""

    panel: str | None = Field(
        None,
        description="VCF of phased people who are public, of the cohort's genome build, for `mode: haplotype`; {chrom} stands for the chromosome. Rare alleles between the modelled sites are then these people's, not the cohort's. Needs Beagle. null: only what is modelled is released.",
    )
    recombination_map: str | None = Field(
        None,
        description="Genetic map for Beagle (PLINK .map or HapMap columns; {chrom} stands for the chromosome). null: 1 cM/Mb.",
    )
    overlap_min: PositiveFraction = Field(
        0.5,
        description=_OVERLAP,
    )
    shared_people: bool = Field(
        False,
        description="Whether the panel may hold people of the cohort, found by their genotypes. true is for a cohort that is public itself: their rare alleles leave with the release. false: such a panel stops the run.",
    )


class Pretraining(Section):
    """Other people, who are public: a network is trained on them first, and then, for fewer epochs, on the cohort.

    It learns from them what all people share, and remembers less of the cohort's people.
    """

    panel: str | None = Field(
        None,
        description="VCF or BCF of people who are public, of the cohort's genome build, phased for `mode: haplotype`; {chrom} stands for the chromosome. Used by generators with `pretraining_epochs`. null: none.",
    )
    table: str | None = Field(
        None,
        description="TSV or CSV file with a header and one row per person of the panel, with their labels. What is learned of a label goes to the cohort's label of the same name. People without a label are left out. null: the panel's people have no labels.",
    )
    id_column: str | None = Field(
        None, description="Column of that file with the sample ids. null: the first column."
    )
    label_column: str = Field("population", description="Column of that file with the label.")
    overlap_min: PositiveFraction = Field(0.8, description=_OVERLAP)
    shared_people: bool = Field(
        False,
        description="Whether the panel may hold people of the cohort, found by their genotypes. true is for a cohort that is public itself: the network is trained on these people as long as on the panel. false: such a panel stops the run.",
    )

    @model_validator(mode="after")
    def _table_is_of_a_panel(self):
        if self.table and not self.panel:
            raise ValueError("table holds the panel's people: set panel, or leave table out")
        return self
