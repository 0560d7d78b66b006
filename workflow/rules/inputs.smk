# The user's files, public ones, or the demo's: genotypes, their chromosomes and reference.
import re

from syncohort.errors import examples
from syncohort.errors import raise_all

# How a chromosome may be called: it is a part of the names of files.
CHROM = "[A-Za-z0-9]+"


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


def held_chromosomes():
    """The chromosomes that the genotype files hold; large tables of variants are read once."""
    from syncohort.formats.readers import source_files

    files = source()
    if any("{chrom}" in str(file) for file in files.values()):
        return find_chromosomes(files)
    own = source_files("", **files)
    indexes = [f"{file}{end}" for file in own for end in (".tbi", ".csi", ".bgi")]
    return CONTENTS.once(
        f"chromosomes {files}", [*own, *indexes], lambda: find_chromosomes(files)
    )


def find_chromosomes(files):
    """The chromosomes that genotype files hold; what that takes on disk lies in the results."""
    from syncohort.files import temporary_folder
    from syncohort.formats.readers import held_contigs
    from syncohort.job import temporary_files_in

    if files["kind"] != "vcf":
        return held_contigs(**files)
    make_private()
    with temporary_files_in(temporary_folder(Path(FOLDER), "chromosomes")):
        return held_contigs(**files)


def study_chromosomes():
    """The chromosomes of the study, in genomic order: from the configuration or the files."""
    from syncohort.genotypes import contig_order
    from syncohort.genotypes import normalise_contig

    named = STUDY.demo.chromosomes if DEMO else STUDY.input.chromosomes
    public = public_genotypes()
    if public is not None:
        known = public.chromosomes
        lacking = set(map(normalise_contig, named or [])) - set(known)
        if lacking:
            raise InputError(
                f"input.chromosomes: {', '.join(sorted(lacking))}: not in the data set "
                f"{public.name}, which has {', '.join(known)}"
            )
        named = named or known
    if named is None:
        held = held_chromosomes()
        named = [
            contig for contig in held if contig.isdigit() and 1 <= int(contig) <= 22
        ]
        if not named:
            raise InputError(
                f"{STUDY.input.path}: no autosome; found {examples(held, 30)}. Name the "
                "chromosomes to use in input.chromosomes"
            )
    chroms = sorted({normalise_contig(name) for name in named}, key=contig_order)
    odd = [name for name in chroms if not re.fullmatch(CHROM, name)]
    if odd:
        raise InputError(
            f"input.chromosomes: {examples(odd)}: contigs that are no chromosomes cannot be "
            "used; names of chromosomes hold letters and digits alone. Leave them out, or "
            "rename them (`bcftools annotate --rename-chrs`)"
        )
    regions = [normalise_contig(name) for name in STUDY.filters.regions]
    if len(set(regions)) < len(regions):
        raise InputError(
            f"filters.regions: two of {examples(list(STUDY.filters.regions), 30)} are the same "
            "chromosome; give one stretch of each"
        )
    unused = [name for name in regions if name not in chroms]
    if unused:
        raise InputError(
            f"filters.regions: chromosome {', '.join(unused)} is not in the study, which has "
            f"{examples(chroms, 30)}"
        )
    return chroms


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


def is_autosome(chrom):
    """Whether everybody has two copies: such chromosomes can be expanded and have rare variants."""
    return chrom != "X"


def require_files(chroms):
    """Stop before the DAG when a file the configuration names does not exist.

    Those that are one for each chromosome are looked for under the names of `chroms`.
    """
    named = {
        "input.reference": STUDY.input.reference,
        "labels.table": STUDY.labels.table,
        "split.kinship_table": STUDY.split.kinship_table,
        "genes.annotation": STUDY.genes.annotation,
        "phasing.recombination_map": STUDY.phasing.recombination_map,
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
    files = [
        (key, name.replace("{chrom}", chrom))
        for key, names in named.items()
        for name in as_list(names or [])
        for chrom in (chroms if "{chrom}" in name else [""])
        if is_autosome(chrom) or not key.startswith("expansion.")
    ]
    missing = [
        f"{key}: {file}"
        for key, file in files
        if is_foreign(file) and not Path(file).is_file()
    ]
    raise_all(missing, "These files of the configuration do not exist")
    own = [file for _, file in files]
    own += [file for chrom in chroms for file in genotype_files_of(chrom)]
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


def require_possible(chroms):
    """Stop before the DAG at what cannot be had of these chromosomes."""
    if STUDY.expansion.panel and "X" in chroms:
        raise InputError(
            "expansion.panel: chromosome X, of which men have one copy, cannot be expanded. Leave X "
            "out with input.chromosomes, or set expansion.panel: null"
        )
    if STUDY.release.rare.carriers_min and not any(map(is_autosome, chroms)):
        raise InputError(
            "release.rare.carriers_min: rare variants are drawn on autosomes, and the study has "
            "none: name some in input.chromosomes, or leave the key out"
        )


try:
    require_files([])
    CHROMS = study_chromosomes()
    require_possible(CHROMS)
    require_files(CHROMS)
except InputError as problem:
    raise WorkflowError(str(problem)) from None


AUTOSOMES = list(filter(is_autosome, CHROMS))


def reference_of(wildcards):
    """The FASTA files that hold the reference of the chromosome a wildcard names; none without."""
    names = as_list(STUDY.input.reference or [])
    return [name.replace("{chrom}", wildcards.chrom) for name in names]


def normalising_reference_of(wildcards):
    """The same files where variants are normalised by them."""
    return reference_of(wildcards) if STUDY.filters.variants == "all" else []
