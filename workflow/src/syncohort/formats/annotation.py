"""Gene annotation as people have it: GTF, GFF3, BED, genePred, PLINK glist, MAGMA gene.loc
or a table with a heading; plain or gzipped.

Coordinates that leave this module are 1-based and inclusive, whatever the file's habit.
"""

import gzip
import logging
import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd

from syncohort.errors import InputError
from syncohort.formats.columns import LAST_BP, bare, find_columns
from syncohort.formats.fields import heading_fields
from syncohort.formats.gene_lines import GffGenes, GtfGenes
from syncohort.formats.tables import TextTable
from syncohort.genotypes import normalise_contig

_EXPECTED = {
    "gtf": 'tab-separated: contig, source, feature, start, end, ., strand, ., gene_id "X"; ...',
    "gff3": "tab-separated: contig, source, feature (gene), start, end, ., strand, ., Name=X;...",
    "bed": "contig, start (0-based), end[, gene name]",
    "genepred": "[bin,] name, contig, strand (+ or -), txStart (0-based), txEnd, ...; refFlat has "
    "the gene before the name",
    "glist": "contig, start, end, gene name (1-based, as PLINK reads it)",
    "magma": "gene id, contig, start, end[, strand, symbol] (1-based)",
    "table": "a tab- or comma-separated table whose first line names the columns, such as "
    "GENE_CHROMOSOME, GENE_START, GENE_END, GENE_NAME (1-based)",
}

FORMATS = tuple(_EXPECTED)
_ZERO_BASED = ("txstart", "chromstart")  # as UCSC counts
_NO_NAME = ("", ".", "-", "na", "nan", "n/a", "none", "null")  # UNK and UNKL are genes

_OF_EQUAL_ROWS = ("bed", "genepred", "glist", "magma")
_NAMED = (
    (r"\.gtf$", "gtf"),
    (r"\.gff3?$", "gff3"),
    (r"\.bed$", "bed"),
    (r"genepred", "genepred"),
    (r"glist", "glist"),
    (r"\.loc$", "magma"),
)

_HEADINGS = {  # by preference; compared in lower case without punctuation
    "contig": "genechromosome genechrom genechr chromosome chrom chr contig seqname seqid "
    "chromosomename chromosomescaffoldname",
    "start": "genestart genestartbp start startbp startposition txstart chromstart",
    "end": "geneend geneendbp genestop end endbp endposition stop txend chromend",
    "gene": "genename genesymbol name2 hgncsymbol externalgenename gene symbol name "
    "geneid ensemblgeneid genestableid id",
}


def read_transcripts(path: str | Path, format: str = "auto") -> pd.DataFrame:
    """Read the transcripts or genes of an annotation, one row each, in the file's order.

    format: one of `FORMATS`, or "auto" to go by the file name, then by its first line.
    Returns columns transcript (id, or line number where it has none), gene (symbol, or id
    when there is none), contig (normalised), start_bp, end_bp (1-based, inclusive).
    attrs["notes"]: sentences: what else the file may be if its format is not certain, and how many
    genes have no line of their own.
    Raises InputError that names file, line and the layout expected.
    """
    path = Path(path)
    if format not in ("auto", *FORMATS):
        raise InputError(
            f"annotation format {format!r} is unknown; use one of auto, {', '.join(FORMATS)}"
        )
    if not path.is_file():
        raise InputError(f"{path}: no such annotation file")
    doubt = ""
    if format == "auto":
        format = _guess_format(path)
        doubt = _doubt(path, format)
    parse = _line_parser(format)
    records, others = list(_records(path, format, parse)), []
    if isinstance(parse, GtfGenes | GffGenes) and parse.has_others():
        others = list(_records(path, format, parse.of_others))
    if not records and not others:
        raise InputError(f"{path}: no gene found in it, read as {format} ({_EXPECTED[format]})")
    columns = ["transcript", "gene", "contig", "start_bp", "end_bp"]
    table = pd.DataFrame(records + others, columns=columns)
    lined, unlined = ({record[1:3] for record in each} for each in (records, others))
    n_others = len(unlined - lined)
    without = (
        f"{path.name}: genes without a line of their own, {n_others:,}, are taken as long as their "
        "transcripts and exons together"
    )
    table.attrs["notes"] = [*([doubt] if doubt else []), *([without] if n_others else [])]
    return table


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Numbered lines without comments, blank lines, browser directives and what is after ##FASTA."""
    with open(path, "rb") as raw:
        opened = gzip.open if raw.read(2) == b"\x1f\x8b" else open
    number = 0
    try:
        with opened(path, "rt", encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, start=1):
                line = line.rstrip("\r\n")
                if line.startswith("##FASTA"):
                    return
                if line.strip() and not line.startswith(("#", "track ", "browser ")):
                    yield number, line
    except (UnicodeDecodeError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(
            f"{path}, after line {number}: not readable as text or gzip ({error}); "
            "the file is damaged or not an annotation"
        ) from error


def _format_of_name(path: Path) -> str | None:
    name = path.name.lower().removesuffix(".gz").removesuffix(".txt")
    return next((format for pattern, format in _NAMED if re.search(pattern, name)), None)


def _doubt(path: Path, format: str) -> str:
    """What else than a format a file of four columns may be, if its name does not say it."""
    other = {"bed": "glist", "glist": "bed"}.get(format)
    if other is None or _format_of_name(path) or len(_fields(next(_lines(path))[1])) != 4:
        return ""
    return (
        f"{path.name}: read as {format} ({_EXPECTED[format]}), by its first line. If it is "
        f"{other} ({_EXPECTED[other]}), say genes.format: {other}"
    )


def _guess_format(path: Path) -> str:
    format = _format_of_name(path)
    if format is not None:
        if format in ("gtf", "gff3"):  # often called by each other's name
            line = next(_lines(path), (0, ""))[1]
            held = _guess_from_line(line)
            format = "gtf" if held == "gtf" else "gff3" if "=" in line else format
        logging.getLogger(__name__).info("%s: read as %s, by its name", path, format)
        return format
    number, line = next(_lines(path), (0, ""))
    if not line:
        raise InputError(f"{path}: holds no gene: it is empty, or all of it comments")
    format = _guess_from_line(line)
    if format is None:
        layouts = "".join(f"\n  - {name}: {layout}" for name, layout in _EXPECTED.items())
        raise InputError(
            f"{path}, line {number}: {line[:80]!r} is no annotation format known here; name the "
            f"format in the configuration, or give one of:{layouts}"
        )
    logging.getLogger(__name__).info("%s: read as %s, by its first line", path, format)
    return format


def _guess_from_line(line: str) -> str | None:
    tabbed, fields = line.split("\t"), line.split() or [""]
    kinds = "".join("i" if f.isdigit() else "s" if f in ("+", "-") else "t" for f in fields[:7])
    if len(tabbed) == 9 and tabbed[3].isdigit() and tabbed[6] in ("+", "-", ".", "?"):
        return "gtf" if re.search(r'gene_id\s+"?', tabbed[8]) else "gff3"
    if re.match(r"(..|...)sii", kinds):
        return "genepred"
    if fields[0].lower().startswith("chr") and re.match(r".ii", kinds):
        return "bed"
    if _is_heading(line, *_HEADINGS):
        return "table"
    if re.match(r"..ii", kinds):
        return "magma"
    if re.fullmatch(r".ii", kinds) and (len(tabbed) > 1 or fields[0].lower().startswith("chr")):
        return "bed"
    if re.match(r".iit", kinds):
        spaced = len(tabbed) == 1 and not fields[0].lower().startswith("chr")
        return "glist" if spaced else "bed"
    return None


def _records(path: Path, format: str, parse: Callable) -> Iterator[tuple]:
    """Rows (transcript, gene, normalised contig, start_bp, end_bp) of the lines that hold one."""
    for number, line, record in _parsed(path, format, parse):
        try:
            if isinstance(record, Exception):
                raise record
            transcript, gene, contig, start, end = record
            start, end = _whole(start), _whole(end)
            if not (gene and contig and 1 <= start <= end):
                raise ValueError
        except (ValueError, IndexError):
            names = _is_heading(line, "contig", "start", "end")
            advice = " A line that names the columns begins with #." if names else ""
            raise InputError(
                f"{path}, line {number}: {line[:120]!r} is not a gene with start <= end, which are "
                f"positions from 1 to {LAST_BP:,}; "
                f"expected {format}: {_EXPECTED[format]}{advice}"
            ) from None
        yield transcript or number, gene, normalise_contig(contig), start, end


def _parsed(path: Path, format: str, parse: Callable | None) -> Iterator[tuple]:
    """Line number, text and record of each line that holds one; the error, where it cannot."""
    if parse is None:
        yield from _table_records(path)
        return
    expected = None
    for number, line in _lines(path):
        if format == "gff3" and line.startswith(">"):  # sequences, without ##FASTA above them
            return
        if format in _OF_EQUAL_ROWS:
            found = len(_fields(line))
            expected = expected or found
            if found != expected:
                raise InputError(
                    f"{path}, line {number}: found {found} fields, the first row has {expected}; "
                    f"expected {format}: {_EXPECTED[format]}"
                )
        try:
            record = parse(line)
        except (ValueError, IndexError) as error:
            record = error
        if record is not None:
            yield number, line, record


def _whole(value) -> int:
    """A position; 1000.0 and 1e+06, as R and pandas write them, are whole numbers too."""
    number = float(value)
    if not abs(number) <= LAST_BP or number % 1:
        raise ValueError
    return int(number)


def _after(value) -> int | ValueError:
    """The 1-based position of a 0-based one; the error, where it is none."""
    try:
        return _whole(value) + 1
    except ValueError as error:
        return error


def _fields(line: str) -> list[str]:
    return line.split("\t") if "\t" in line else line.split()


def _line_parser(format: str) -> Callable | None:
    """Makes a record of a line; None for a table with a heading."""
    return {
        "gtf": GtfGenes(),
        "gff3": GffGenes(),
        "bed": _parse_bed,
        "genepred": _parse_genepred,
        "glist": _parse_glist,
        "magma": _parse_magma,
    }.get(format)


def _parse_bed(line: str):
    contig, start, end, *names = _fields(line)
    first = _whole(start) + 1
    gene = names[0].strip() if names else ""
    if gene.lower() in _NO_NAME:  # a region without a name goes by its place
        gene = f"{contig}:{first}-{end}"
    return None, gene, contig, first, end


def _parse_genepred(line: str):
    fields = _fields(line)
    first = 1 if fields[3] in ("+", "-") else 0  # after the bin column
    transcript, contig, strand, start, end = fields[first : first + 5]
    if strand not in ("+", "-"):
        raise ValueError
    if first and not fields[0].isdigit():  # refFlat: the gene stands before the name
        return None, fields[0], contig, int(start) + 1, end
    symbol = fields[first + 11] if len(fields) > first + 11 else ""  # name2, extended genePred
    return None, symbol or transcript, contig, int(start) + 1, end


def _parse_glist(line: str):
    contig, start, end, gene, *_ = line.split()
    return None, gene, contig, start, end


def _parse_magma(line: str):
    identifier, contig, start, end, *more = line.split()
    return None, more[1] if len(more) > 1 else identifier, contig, start, end


def _is_heading(line: str, *fields: str) -> bool:
    """Whether a line names columns for these fields, each once."""
    try:
        found = _heading_columns(line)
    except InputError:
        return False
    return all(found[field] for field in fields)


def _heading_columns(header: str) -> dict[str, list[str]]:
    """Which columns of a headed table may hold contig, start, end and gene; best first."""
    names = heading_fields(header)
    return {field: find_columns(names, each, "heading") for field, each in _HEADINGS.items()}


def _table_records(path: Path) -> Iterator[tuple[int, str, tuple]]:
    """Line number, text and record of each row of a headed table."""
    table = TextTable(path)
    columns = {field: find_columns(table.columns, each, path) for field, each in _HEADINGS.items()}
    lacking = [field for field, found in columns.items() if not found]
    if lacking:
        raise InputError(
            f"{path}, line {table.heading_line}: no column for {', '.join(lacking)} in the heading "
            f"{', '.join(table.columns)[:120]!r}; expected {_EXPECTED['table']}"
        )
    for part in table.chunks():
        # genes without a symbol go by the next best column, their id
        named = part[columns["gene"]]
        named = named.mask(named.apply(lambda names: names.str.lower().isin(_NO_NAME)))
        genes = named.bfill(axis=1).iloc[:, 0].fillna("")
        places = [part[columns[field][0]] for field in ("contig", "start", "end")]
        if bare(columns["start"][0]) in _ZERO_BASED:
            starts = [_after(start) for start in places[1]]
        else:
            starts = places[1]
        for number, gene, start, *place in zip(part.index, genes, starts, *places, strict=True):
            record = (
                start if isinstance(start, Exception) else (None, gene, place[0], start, place[2])
            )
            yield number, "\t".join([*place, gene]), record
