"""Lines of GTF and GFF3: genes, and the transcripts and exons of genes that have no line of their own.

A file is read once for its genes. Where transcripts or exons belong to none of these, their genes
are as long as they are together, and it is read once more for them.
"""

import re
from urllib.parse import unquote

_GTF_ATTRIBUTE = re.compile(
    r"""(?<![\w.])(gene_name|gene_id|transcript_id)\s+(?:"([^"]+)"|([^\s";]+))"""
)
_GTF_ID = re.compile(r"""(?<![\w.])gene_id\s+"?([^\s";]+)""")
_GTF_PARTS = ("transcript", "mRNA", "exon", "CDS")
_GFF_INNER = ("exon", "CDS")
_GFF_PARTS = ("RNA", "transcript", "gene_segment", *_GFF_INNER)  # ends of names
_GFF_PARENT = re.compile(r"(?:^|;)\s*Parent=([^;,]+)")
_GFF_NAMES = ("gene_name", "Name", "gene", "gene_id", "ID")
_GFF_OWN = ("gene_name", "gene", "gene_id")  # by which a transcript names its gene
_PREFIX = re.compile(r"^(gene|transcript|rna)[:-]")

Record = tuple  # transcript, gene, contig, start and end, as the file has them


class GtfGenes:
    """Called with lines of a GTF: the record of a gene line, None for others."""

    def __init__(self):
        self._genes, self._others = set(), set()

    def __call__(self, line: str) -> Record | None:
        fields = line.split("\t")
        if fields[2] == "gene":
            self._genes.add((fields[0], _gtf_gene(fields[8])))
            return _gtf_record(fields)
        if fields[2] in _GTF_PARTS:
            gene = fields[0], _gtf_gene(fields[8])
            if gene not in self._genes:
                self._others.add(gene)
        return None

    def has_others(self) -> bool:
        """Whether transcripts or exons are of no gene line."""
        return not self._others <= self._genes

    def of_others(self, line: str) -> Record | None:
        """The record of a line of a transcript or exon that is of no gene line."""
        fields = line.split("\t")
        if fields[2] in _GTF_PARTS and (fields[0], _gtf_gene(fields[8])) not in self._genes:
            return _gtf_record(fields)
        return None


def _gtf_gene(attributes: str) -> str | None:
    found = _GTF_ID.search(attributes)
    return found[1] if found else _gtf_attributes(attributes).get("gene_name")


def _gtf_attributes(attributes: str) -> dict[str, str]:
    return {name: quoted or word for name, quoted, word in _GTF_ATTRIBUTE.findall(attributes)}


def _gtf_record(fields: list[str]) -> Record:
    found = _gtf_attributes(fields[8])
    gene = found.get("gene_name") or found.get("gene_id")
    return found.get("transcript_id"), gene, fields[0], fields[3], fields[4]


class GffGenes:
    """Called with lines of a GFF3: the record of a gene line, None for others."""

    def __init__(self):
        self._genes: set[str] = set()  # ids of genes and of their transcripts
        self._parent: dict[str, str] = {}  # of transcripts of which no gene was seen above
        self._names: dict[str, str] = {}  # of such transcripts, and of exons' parents
        self._tops: dict[str, str] | None = None

    def __call__(self, line: str) -> Record | None:
        fields = line.split("\t")
        if fields[2].endswith("gene"):  # gene, ncRNA_gene, pseudogene
            found = _gff_attributes(fields[8])
            self._genes.add(found.get("ID", ""))
            gene = next((found[key] for key in _GFF_NAMES if found.get(key)), "")
            return None, unquote(_PREFIX.sub("", gene)), fields[0], fields[3], fields[4]
        if fields[2] in _GFF_INNER:
            parent = _GFF_PARENT.search(fields[8])
            if parent and parent[1] in self._genes:  # as of nearly all lines of a file
                return None
        if fields[2].endswith(_GFF_PARTS):
            self._note(fields[2], _gff_attributes(fields[8]))
        return None

    def _note(self, feature: str, found: dict[str, str]) -> None:
        parents, is_transcript = _parents(found), feature not in _GFF_INNER
        if not self._genes.isdisjoint(parents):
            if is_transcript and "ID" in found:
                self._genes.add(found["ID"])
            return
        key = _key(feature, found)
        if is_transcript and parents:
            self._parent[key] = parents[0]
        names = _GFF_OWN if parents else (*_GFF_OWN, "Name")
        own = next((found[name] for name in names if found.get(name)), "")
        if own or key not in self._names:
            self._names[key] = own

    def has_others(self) -> bool:
        """Whether transcripts or exons are of no gene line."""
        self._tops = {}
        for key in self._names:
            top = key
            for _ in range(3):  # of an exon, a transcript of a transcript
                top = top if top in self._genes else self._parent.get(top, top)
            if top not in self._genes:
                self._tops[key] = top
        for key, top in self._tops.items():
            self._names[top] = self._names.get(top) or self._names[key]
        return bool(self._tops)

    def of_others(self, line: str) -> Record | None:
        """The record of a line of a transcript or exon that is of no gene line."""
        fields = line.split("\t")
        if not fields[2].endswith(_GFF_PARTS):
            return None
        found = _gff_attributes(fields[8])
        key = _key(fields[2], found)
        top = self._tops.get(key)
        if top is None or not self._genes.isdisjoint(_parents(found)):
            return None
        name = self._names[top] or top
        return key, unquote(_PREFIX.sub("", name)), fields[0], fields[3], fields[4]


def _gff_attributes(text: str) -> dict[str, str]:
    return dict(pair.strip().split("=", 1) for pair in text.split(";") if "=" in pair)


def _parents(found: dict[str, str]) -> list[str]:
    return [name for name in found.get("Parent", "").split(",") if name]


def _key(feature: str, found: dict[str, str]) -> str:
    """What lines of one transcript share: its id."""
    parents = _parents(found)
    if feature in _GFF_INNER and parents:
        return parents[0]
    return found.get("ID") or (parents or [""])[0] or found.get("gene", found.get("Name", ""))
