# The user's tables, or the demo's: labels, causal SNPs, maps, annotation; digests of all files.


def untouched_table():
    """The label table as it is without the simulated trait, when there is one."""
    if DEMO and STUDY.labels.table is None:
        return "<results>/simulate_people/people.tsv"
    return STUDY.labels.table or []


def label_table():
    """The label table, when there is one."""
    return "<results>/simulate_trait/people.tsv" if STUDY.trait else untouched_table()


def label_join():
    """Arguments of `join_labels` but for the table."""
    own_table = STUDY.labels.table is not None
    family = STUDY.split.family_column
    if DEMO and not own_table:
        family = family or "family"
    return {
        **STUDY.labels.model_dump(exclude={"table", "case_label"}),
        "id_column": STUDY.labels.id_column if own_table else None,
        "family_column": family,
        "person_missing_max": STUDY.filters.person_missing_max,
    }


def region_of(wildcards):
    """First and last position to use of the chromosome that a wildcard names; None: all of it."""
    from syncohort.genotypes import normalise_contig

    named = {
        normalise_contig(name): region for name, region in STUDY.filters.regions.items()
    }
    return named.get(wildcards.chrom)


def label_columns():
    """The columns of the label table that make the labels."""
    column = STUDY.labels.label_column
    return [column] if isinstance(column, str) else column


def causal_table():
    """The known causal SNPs, when the labels are a simulated trait."""
    if STUDY.evaluation.causal_snps:
        return STUDY.evaluation.causal_snps
    own = STUDY.trait and {"trait", "liability"} & set(label_columns())
    return "<results>/simulate_trait/causal_snps.tsv" if own else []


def map_of(path, wildcards):
    """The genetic map, or panel, of the chromosome that a wildcard names, when there is one."""
    return path.replace("{chrom}", wildcards.chrom) if path else []


def every_map_of(path):
    """The genetic maps of all chromosomes, when there are any."""
    return [path.replace("{chrom}", chrom) for chrom in CHROMS] if path else []


def annotation_files():
    """The gene annotation: the user's file, the demo's, or none."""
    if STUDY.genes.annotation:
        return [STUDY.genes.annotation]
    return (
        every_chrom("<results>/simulate_chromosome/{chrom}.genes.gtf") if DEMO else []
    )


def digests_of_inputs():
    """Names of the user's files that the cohort is made of, and digests of their content."""
    files = [file for chrom in CHROMS for file in genotype_files_of(chrom)]
    files += [*as_list(label_table()), *as_list(annotation_files())]
    files += as_list(getattr(STUDY.selection, "statistics", None) or [])
    files += panel_files(STUDY.expansion.panel) + panel_files(STUDY.pretraining.panel)
    files += as_list(STUDY.pretraining.table or [])
    own = [Path(file) for file in dict.fromkeys(files) if is_foreign(file)]
    return [(file.name, CONTENTS.of_file(file)) for file in own] + published(files)
