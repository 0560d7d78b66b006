# The chromosomes of the study, and what can be had of them.
import re

from syncohort.errors import examples

# How a chromosome may be called: it is a part of the names of files.
CHROM = "[A-Za-z0-9]+"


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


def is_autosome(chrom):
    """Whether everybody has two copies: such chromosomes can be expanded and have rare variants."""
    return chrom != "X"


def require_possible(chroms):
    """Stop before the DAG at what cannot be had of these chromosomes."""
    if STUDY.expansion.panel and "X" in chroms:
        raise InputError(
            "expansion.panel: chromosome X, of which men have one copy, cannot be expanded. Leave X "
            "out with input.chromosomes, or set expansion.panel: null"
        )
    if STUDY.pretraining.panel and "X" in chroms:
        raise InputError(
            "pretraining.panel: on chromosome X, of which men have one copy, networks are trained on the "
            "cohort alone. Leave X out with input.chromosomes, or set pretraining.panel: null"
        )
    if STUDY.release.rare.carriers_min and not any(map(is_autosome, chroms)):
        raise InputError(
            "release.rare.carriers_min: rare variants are drawn on autosomes, and the study has "
            "none: name some in input.chromosomes, or leave the key out"
        )


def chromosomes_with_files():
    """The chromosomes of the study, whose files are there; what is missing is told at once."""
    problems = []

    def found(look, *arguments):
        try:
            return look(*arguments) or []
        except InputError as problem:
            problems.append(str(problem))
            return []

    chroms = found(study_chromosomes)
    found(require_files_beside, chroms)
    found(require_maps, chroms)
    found(all_genotype_files, chroms)
    if problems:
        raise InputError("\n".join(problems))
    return chroms


try:
    CHROMS = chromosomes_with_files()
    require_possible(CHROMS)
    require_dates(CHROMS)
except InputError as problem:
    raise WorkflowError(str(problem)) from None


AUTOSOMES = list(filter(is_autosome, CHROMS))
