# The user's files, public ones, or the demo's: genotypes and what is read beside them.
from syncohort.errors import raise_all


def source():
    """Arguments of the genotype reader."""
    if DEMO:
        return {"kind": "vcf", "path": f"{FOLDER}/simulate_chromosome/{{chrom}}.vcf.gz"}
    others = {"chromosomes", "reference", "build"}  # which the reader is not told
    return STUDY.input.model_dump(exclude=others, exclude_none=True)


def source_of(wildcards):
    """Arguments of the genotype reader for one chromosome.

    Of the demo's own files only the one that is there by then, whatever lies beside it.
    """
    arguments = source()
    if DEMO:
        arguments["path"] = arguments["path"].format(chrom=wildcards.chrom)
    return arguments


def build_of(wildcards):
    """`input.build`; the demo's chromosome X has no region that it shares with Y."""
    return "none" if DEMO and wildcards.chrom == "X" else STUDY.input.build


def genotype_files(wildcards):
    """The files one chromosome is read from."""
    return genotype_files_of(wildcards.chrom)


def genotype_files_of(chrom):
    """The files that a chromosome is read from."""
    if DEMO:
        path = f"<results>/simulate_chromosome/{chrom}.vcf.gz"
        return [path, f"{path}.tbi"]
    public = public_genotypes()
    if public is not None:
        others = [file for key, file in source().items() if key not in ("kind", "path")]
        return [*files_of(public, chrom), *others]
    from syncohort.formats.readers import source_files

    return [str(file) for file in source_files(chrom, **source())]


def files_beside(chroms):
    """Key of the configuration and file, of all it names beside the genotypes.

    Those that are one for each chromosome have the names of `chroms`.
    """
    named = {
        "input.reference": STUDY.input.reference,
        "labels.table": STUDY.labels.table,
        "split.kinship_table": STUDY.split.kinship_table,
        "genes.annotation": STUDY.genes.annotation,
        "phasing.recombination_map": STUDY.phasing.recombination_map,
        "pretraining.panel": STUDY.pretraining.panel,
        "pretraining.table": STUDY.pretraining.table,
        "expansion.panel": STUDY.expansion.panel,
        "expansion.recombination_map": STUDY.expansion.recombination_map,
        "selection.statistics": getattr(STUDY.selection, "statistics", None),
        "evaluation.causal_snps": STUDY.evaluation.causal_snps,
        "evaluation.recombination_map": STUDY.evaluation.recombination_map,
    }
    for section, generators in (
        ("generators", STUDY.generators),
        ("evaluation.calibration", STUDY.evaluation.calibration),
    ):
        for name, generator in generators.items():
            file = getattr(generator, "recombination_map", None)
            named[f"{section}.{name}.recombination_map"] = file
    return [
        (key, name.replace("{chrom}", chrom))
        for key, names in named.items()
        for name in as_list(names or [])
        for chrom in (chroms if "{chrom}" in name else [""])
        if is_autosome(chrom) or not key.startswith("expansion.")
    ]


def require_files_beside(chroms):
    """Stop before the DAG when a file that the configuration names beside the genotypes does not exist."""
    missing = [
        f"{key}: {file}"
        for key, file in files_beside(chroms)
        if is_foreign(file) and not Path(file).is_file()
    ]
    raise_all(missing, "These files of the configuration do not exist")


def require_maps(chroms):
    """Stop before the DAG when one genetic map, which may be any chromosome's, is given for several."""
    files = files_beside(chroms)
    for key, file in files:
        is_one = [each for each, _ in files].count(key) == 1
        if key.endswith("recombination_map") and is_one and Path(file).is_file():
            from syncohort.formats.genetic_map import require_column_of_chromosomes

            of_all = not key.startswith("expansion.")
            own = [chrom for chrom in chroms if of_all or is_autosome(chrom)]
            require_column_of_chromosomes(file, own)


def all_genotype_files(chroms):
    """The files that the chromosomes are read from; InputError where they are not there."""
    return [file for chrom in chroms for file in genotype_files_of(chrom)]


def require_dates(chroms):
    """Stop before the DAG when a file of the user, all of which exist, is dated in the future."""
    own = [file for _, file in files_beside(chroms)] + all_genotype_files(chroms)
    late = [
        f"{file} ({time.strftime('%Y-%m-%d %H:%M', time.localtime(os.path.getmtime(file)))})"
        for file in own
        if is_foreign(file) and os.path.getmtime(file) > time.time() + 60
    ]
    raise_all(
        late,
        "These files are dated in the future, and Snakemake fails the jobs that read them. "
        "Give them the present date with `touch`; nothing runs again for that",
    )


def reference_of(wildcards):
    """The FASTA files that hold the reference of the chromosome a wildcard names; none without."""
    names = as_list(STUDY.input.reference or [])
    return [name.replace("{chrom}", wildcards.chrom) for name in names]


def normalising_reference_of(wildcards):
    """The same files where variants are normalised by them."""
    return reference_of(wildcards) if STUDY.filters.variants == "all" else []
