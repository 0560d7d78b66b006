# The panels of public people that the study names: their files, and how they are compared with the cohort.


def panel_files(path):
    """The files of a panel, one for each autosome; none without a panel."""
    return (
        list(dict.fromkeys(path.replace("{chrom}", chrom) for chrom in AUTOSOMES))
        if path
        else []
    )


# How the people of the panel that networks are trained on get their labels.
PANEL_PEOPLE = {
    "id_column": STUDY.pretraining.id_column,
    "label_column": STUDY.pretraining.label_column,
    "seed": seed_of("label_panel"),
}


def panel_of(wildcards):
    """The section of the configuration that names a panel, which a wildcard names."""
    return getattr(STUDY, wildcards.section)


def comparisons_of(section):
    """What the panel of a section was compared with the cohort, by chromosome; none without one."""
    own = AUTOSOMES if getattr(STUDY, section).panel else []
    return [f"<results>/compare_panel/{section}/{chrom}.json" for chrom in own]
