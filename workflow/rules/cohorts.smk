# The cohorts that generators draw, and who of them is released.
WITHHELD = STUDY.release.withhold > 0
# On a cluster, jobs that read a generator's chromosomes, which wait for who is withheld: those that
# draw them are not in their group then.
READING_GROUP = "release_{generator}" if WITHHELD else "cohort_{generator}"

# Chromosomes whose rare variants are drawn: of X men have one copy, and it is left out.
RARE = AUTOSOMES if STUDY.release.rare.carriers_min else []


def cohort_pattern(generator):
    """The cohort of a generator that is measured and, of a released one, released, by chromosome."""
    if generator in PLAN.drawn:
        return drawn_pattern(PLAN.drawn[generator])
    if WITHHELD and generator in GENERATORS:
        return f"<results>/keep_people/{generator}/{{chrom}}.zarr.zip"
    return drawn_pattern(generator)


def drawn_pattern(generator):
    """All that a generator drew, by chromosome: decoded from latents, or drawn as alleles."""
    rule_name = (
        "draw_alleles" if generator in PLAN.allele_generators else "decode_cohort"
    )
    return f"<results>/{rule_name}/{generator}/{{chrom}}.zarr.zip"


def drawn_store(wildcards):
    """All that the generator a wildcard names drew, for its chromosome."""
    return drawn_pattern(wildcards.generator).format(chrom=wildcards.chrom)


def released_people(generator):
    """The table of the people of a generator who are released."""
    if WITHHELD:
        return f"<results>/withhold_people/{generator}/people.tsv"
    return "<results>/draw_labels/people.tsv"


def risk_of_drawn(wildcards):
    """The table with the risk of each person that the generator a wildcard names drew."""
    names = {own: name for name, own in PLAN.drawn.items()}
    return f"<results>/measure_risk/{names[wildcards.generator]}.people.tsv"


def synthetic_store(wildcards):
    """The cohort of the generator a wildcard names, for its chromosome."""
    return cohort_pattern(wildcards.generator).format(chrom=wildcards.chrom)


def synthetic_stores(wildcards):
    """The cohort of the generator a wildcard names, all chromosomes."""
    return expand(cohort_pattern(wildcards.generator), chrom=CHROMS)


def drawn_rare(wildcards):
    """The rare variants of the generator a wildcard names, for its chromosome."""
    return f"<results>/draw_rare/{wildcards.generator}/{wildcards.chrom}.zarr.zip"


def released_of(generator, chrom):
    """A chromosome of a generator's cohort as it is released, with its rare variants."""
    if chrom in RARE:
        return f"<results>/join_rare/{generator}/{chrom}.zarr.zip"
    return cohort_pattern(generator).format(chrom=chrom)


def released_store(wildcards):
    """The cohort as it is released of the generator a wildcard names, for its chromosome."""
    return released_of(wildcards.generator, wildcards.chrom)


def released_stores(wildcards):
    """The cohort as it is released of the generator a wildcard names, all chromosomes."""
    return [released_of(wildcards.generator, chrom) for chrom in CHROMS]


def training_cohort(wildcards):
    """The synthetic cohort that a source's models are trained on; none for the real people."""
    if wildcards.source == "real":
        return []
    return expand(cohort_pattern(wildcards.source), chrom=CHROMS)


def panel_store(wildcards):
    """The synthetic cohort that holdout people are imputed from, for its chromosome; none for the
    real people."""
    if wildcards.source == "real":
        return []
    return cohort_pattern(wildcards.source).format(chrom=wildcards.chrom)
