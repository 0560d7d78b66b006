"""Annotation formats against one another, and gene blocks against a plain-Python reference."""

import gzip
import logging

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncohort.cohort.genes import inside_genes, read_gene_files, read_genes
from syncohort.errors import InputError
from syncohort.formats.annotation import FORMATS
from syncohort.genotypes import Variants, contig_order
from syncohort.representations.blocks import Blocks, assign_genes, name_blocks

# One gene of two transcripts, one nested in it, two far copies of a symbol, the first of
# them again on another contig, and contigs out of natural order.
GENES = pd.DataFrame(
    [
        ("TWIN", "2", 1_000, 2_000),
        ("ALPHA", "20", 101, 300),
        ("BETA", "20", 160, 180),
        ("TWIN", "20", 5_000, 6_000),
        ("TWIN", "20", 900_000, 901_000),
        ("LAST", "X", 7, 7),
    ],
    columns=["gene", "contig", "start_bp", "end_bp"],
)
TRANSCRIPTS = [  # contig, start, end, gene, transcript
    ("X", 7, 7, "LAST", "t1"),
    ("20", 900_000, 901_000, "TWIN", "t2"),
    ("20", 150, 300, "ALPHA", "t3"),
    ("20", 101, 200, "ALPHA", "t4"),
    ("20", 160, 180, "BETA", "t5"),
    ("20", 5_000, 6_000, "TWIN", "t6"),
    ("2", 1_000, 2_000, "TWIN", "t7"),
]


def _gtf(feature="gene"):
    yield "#!genome-build test"
    for contig, start, end, gene, transcript in TRANSCRIPTS:
        attributes = f'gene_id "id_{gene}"; transcript_id "{transcript}"; gene_name "{gene}";'
        yield f"chr{contig}\tsrc\t{feature}\t{start}\t{end}\t.\t+\t.\t{attributes}"
        yield f"chr{contig}\tsrc\tstart_codon\t1\t9000000\t.\t+\t0\t{attributes}"


def _gff3():
    yield "##gff-version 3"
    for contig, start, end, gene, transcript in TRANSCRIPTS:
        yield f"{contig}\tsrc\tncRNA_gene\t{start}\t{end}\t.\t-\t.\tID=gene:{transcript};Name={gene}"
        yield f"{contig}\tsrc\tmRNA\t{start}\t{end}\t.\t-\t.\tID={transcript};Parent={gene}"


def _genepred(*leading):
    for contig, start, end, gene, transcript in TRANSCRIPTS:
        ends = f"{start - 1}\t{end}"
        rest = f"{ends}\t1\t{start - 1},\t{end},\t0\t{gene}\tcmpl\tcmpl\t0,"
        yield "\t".join([*leading, transcript, f"chr{contig}", "-", ends, rest])


FILES = {
    "gtf": _gtf(),
    "gff3": _gff3(),
    "bed": ["track name=genes", *(f"chr{c}\t{s - 1}\t{e}\t{g}" for c, s, e, g, _ in TRANSCRIPTS)],
    "genepred": _genepred(),
    "glist": [f"{c} {s} {e} {g}" for c, s, e, g, _ in TRANSCRIPTS],
    "magma": [f"{i}\t{c}\t{s}\t{e}\t+\t{g}" for i, (c, s, e, g, _) in enumerate(TRANSCRIPTS)],
    "table": [
        "GENE_CHROMOSOME\tGENE_START\tGENE_END\tGENE_NAME",
        *(f"{c}\t{s}\t{e}\t{g}" for c, s, e, g, _ in TRANSCRIPTS),
    ],
}
FILES = {name: "\n".join(lines) + "\n" for name, lines in FILES.items()}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_same_genes(tmp_path, caplog, name):
    path = tmp_path / "annotation.txt"
    path.write_text(FILES[name])
    pd.testing.assert_frame_equal(read_genes(path, name), GENES)
    with caplog.at_level(logging.INFO):
        pd.testing.assert_frame_equal(read_genes(path), GENES)
    assert f"read as {name}" in caplog.text  # the guess is told


def test_file_names_decide_before_content(tmp_path):
    for name in ("a.gtf.gz", "a.GFF3.gz", "a.bed.gz", "a.genePred.txt.gz", "glist-x", "a.gene.loc"):
        kind = {"gff3": "gff3", "genepred": "genepred", "glist-x": "glist", "gene": "magma"}
        key = name.lower().removeprefix("a.").split(".")[0]
        path = tmp_path / name
        text = FILES[kind.get(key, key)].encode()
        path.write_bytes(gzip.compress(text) if name.endswith("gz") else text)
        pd.testing.assert_frame_equal(read_genes(path), GENES)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("refFlat.txt", "G\tNM_1\tchr1\t+\t999\t2000\t999\t2000\t1\t999,\t2000,\n"),
        ("knownGene.txt", "G\tchr1\t+\t999\t2000\t999\t2000\t1\t999,\t2000,\tP1\tG\n"),
        ("ucsc.tsv", "name\tchrom\tstrand\ttxStart\ttxEnd\tname2\nNM_1\tchr1\t+\t999\t2000\tG\n"),
        ("table.tsv", "chrom\tchromStart\tchromEnd\tname\nchr1\t999\t2000\tG\n"),
        ("pandas.csv", "gene,chr,start,end\nG,1.0,1000.0,2000.0\n"),
        ("r.csv", "gene,chr,start,end\nG,1,1e+03,2e+03\n"),
        ("clusters.txt", "chr1\t999\t2000\tG\n"),
        ("gff_called.gtf", "chr1\tx\tgene\t1000\t2000\t.\t+\t.\tID=gene:E1;Name=G\n"),
        ("gtf_called.gff", 'chr1\tx\tgene\t1000\t2000\t.\t+\t.\tgene_id "E"; gene_name "G";\n'),
    ],
)
def test_layouts_of_ucsc_and_files_called_otherwise(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    found = read_genes(tmp_path / name)
    assert found.to_numpy().tolist() == [["G", "1", 1000, 2000]]


@pytest.mark.parametrize(
    ("name", "text", "other"),
    [
        ("genes.txt", "1 1000 2000 G\n", "bed"),
        ("genes.txt", "chr1 999 2000 G\n", "glist"),
        ("genes.txt", "1\t999\t2000\tG\n", "glist"),
        ("glist-hg19", "1 1000 2000 G\n", None),
        ("genes.bed", "1 999 2000 G\n", None),
        ("genes.txt", "chr1\t999\t2000\tG\t0\t+\n", None),
        ("genes.txt", "chr1\t999\t2000\n", None),
    ],
)
def test_what_may_be_a_bed_or_a_glist_is_said(tmp_path, name, text, other):
    (tmp_path / name).write_text(text)
    genes = read_gene_files([tmp_path / name])
    assert genes.loc[0, ["start_bp", "end_bp"]].tolist() == [1000, 2000]
    (doubt,) = genes.attrs["notes"] or [""]
    assert doubt.endswith(f"say genes.format: {other}") == (other is not None)


def test_regions_called_NA_are_not_one_gene(tmp_path):
    (tmp_path / "a.bed").write_text("chr1\t9\t20\tNA\nchr1\t50\t60\tNA\n")
    assert read_genes(tmp_path / "a.bed")["gene"].tolist() == ["chr1:10-20", "chr1:51-60"]


def test_genepred_with_bin_and_csv_and_transcript_only_gtf(tmp_path):
    texts = {
        "a.genePred": "\n".join(_genepred("585")),
        "b.csv": 'chr,"start","end",gene_id,symbol\n'
        + "\n".join(f'"chr{c}",{s},{e},ENSG1,"{g}"' for c, s, e, g, _ in TRANSCRIPTS),
        "c.gtf": "\n".join(_gtf(feature="exon")),
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
        pd.testing.assert_frame_equal(read_genes(tmp_path / name), GENES)


def test_a_wide_intron_does_not_cut_a_gene(tmp_path):
    exon = '1\ts\texon\t{}\t{}\t.\t+\t.\tgene_id "G"; transcript_id "T";\n'
    (tmp_path / "a.gtf").write_text(exon.format(10, 20) + exon.format(800_000, 800_100))
    assert read_genes(tmp_path / "a.gtf").to_numpy().tolist() == [["G", "1", 10, 800_100]]


def test_genes_without_symbol_go_by_their_id(tmp_path):
    (tmp_path / "a.txt").write_text("id\tchrom\tstart\tend\tsymbol\nENSG1\t1\t5\t9\t\n")
    (tmp_path / "b.gtf").write_text('1\ts\tgene\t5\t9\t.\t+\t.\tgene_id "ENSG1";\n')
    (tmp_path / "c.loc").write_text("ENSG1 1 5 9\n")
    for path in sorted(tmp_path.iterdir()):
        assert read_genes(path).to_numpy().tolist() == [["ENSG1", "1", 5, 9]]


GFF = "##gff-version 3\n1\ts\tgene\t5\t9\t.\t+\t.\tID=gene:E1;Name=G\n"


@pytest.mark.parametrize(
    "end", ["##FASTA\n>1 dna\nACGT\n", ">1\nACGT\n>2\nAC\n", "###\n##FASTA\n1\tx\n"]
)
@pytest.mark.parametrize("name", ["a.gff3", "a.gff.gz", "a.txt"])
def test_sequences_behind_an_annotation_are_none_of_it(tmp_path, name, end):
    text = (GFF + end).encode()
    (tmp_path / name).write_bytes(gzip.compress(text) if name.endswith("gz") else text)
    assert read_genes(tmp_path / name).to_numpy().tolist() == [["G", "1", 5, 9]]


@pytest.mark.parametrize(
    ("attributes", "gene"),
    [
        ("gene_id E1; gene_name G;", "G"),
        ("gene_id E1", "E1"),
        ('gene_id E1; gene_name "G H"; level 2;', "G H"),
        ('gene_id "E1"; ref_gene_id "X"; gene_name "G"; ref_gene_name "Y";', "G"),
        ('transcript_id ""; gene_id "E1";', "E1"),
    ],
)
@pytest.mark.parametrize("name", ["a.gtf", "a.txt"])
def test_gtf_with_and_without_quotes(tmp_path, name, attributes, gene):
    (tmp_path / name).write_text(
        f"\ufeff1\ts\tgene\t5\t9\t.\t+\t.\t{attributes}\n", encoding="utf-8"
    )
    assert read_genes(tmp_path / name).to_numpy().tolist() == [[gene, "1", 5, 9]]


def test_regions_without_names_go_by_their_place(tmp_path):
    for name in ("a.bed", "a.txt"):
        (tmp_path / name).write_text("chr1\t4\t9\nchr1\t20\t30\n")
        expected = [["chr1:5-9", "1", 5, 9], ["chr1:21-30", "1", 21, 30]]
        assert read_genes(tmp_path / name).to_numpy().tolist() == expected
    (tmp_path / "b.bed").write_text("chr1\t4\t9\t.\nchr1\t20\t30\tG\n")
    assert read_genes(tmp_path / "b.bed")["gene"].tolist() == ["chr1:5-9", "G"]


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("a.bed", "chr1\t5\t9\tG", "chr1\t5\t9\tG\t0"),
        ("glist-a", "1 5 9 G", "1 5 9 G H"),
        ("a.loc", "1 1 5 9 + G", "1 1 5 9 +"),
        ("a.csv", "chr,start,end,gene\n1,5,9,G", "1,5,9,G,H"),
        ("a.txt", "chr start end gene\n1 5 9 G", "1 5 9 G H"),
    ],
)
def test_rows_of_another_length_name_the_line(tmp_path, name, good, bad):
    (tmp_path / name).write_text(f"{good}\n{bad}\n")
    line = good.count("\n") + 2
    with pytest.raises(
        InputError, match=rf"line {line}: found {len(bad.replace(',', ' ').split())} fields, the"
    ):
        read_genes(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.bed", "chr1\t5\t9\tG\nchr1\tfive\t9\tG\n", ["a.bed, line 2", "five", "0-based"]),
        (
            "a.bed",
            "chr1\t5\t9\nchr1\t5\t9\tG\n",
            ["a.bed, line 2", "4 fields, the first row has 3"],
        ),
        ("glist-a", "1 9 5 G\n", ["glist-a, line 1", "start <= end"]),
        ("a.gtf", "1\ts\tgene\t5\t9\t.\t+\t.\t\n", ["a.gtf, line 1", "gene_id"]),
        ("a.gff3", "1\ts\tregion\t5\t9\t.\t+\t.\tID=x\n", ["a.gff3", "no gene found"]),
        ("a.txt", "once upon a time\n", ["a.txt, line 1", "once upon", "glist", "gtf"]),
        ("a.txt", "", ["a.txt", "holds no gene: it is empty"]),
        ("a.gff3", "##gff-version 3\n", ["a.gff3", "no gene found"]),
        (
            "a.bed",
            "chrom\tstart\tend\tgene\n1\t5\t9\tG\n",
            ["line 1", "names the columns begins with #"],
        ),
        (
            "a.txt",
            "chrom\tstart\tend\tgene\n1\t5\n",
            ["a.txt, line 2", "found 2 fields, the heading has 4"],
        ),
        ("a.gtf", b"\x1f\x8b\x08\x00broken", ["a.gtf", "gzip"]),
    ],
)
def test_unreadable_annotation_says_where_and_what(tmp_path, name, text, expected):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError) as error:
        read_genes(path)
    assert all(part in str(error.value) for part in expected)


_LINE = "1\tx\t{}\t{}\t{}\t.\t+\t.\t{}\n".format
GTF_LINED = _LINE("gene", 10, 50, 'gene_id "A";') + _LINE(
    "exon", 10, 20, 'gene_id "A"; transcript_id "a1";'
)
GFF_LINED = (
    _LINE("gene", 10, 50, "ID=gene:A")
    + _LINE("mRNA", 10, 50, "ID=a1;Parent=gene:A")
    + _LINE("exon", 10, 20, "Parent=a1")
)


@pytest.mark.parametrize(
    ("name", "lined", "others", "gene"),
    [
        ("a.gtf", GTF_LINED, [("transcript", 'gene_id "B";'), ("exon", 'gene_id "B";')], "B"),
        (
            "a.gtf",
            GTF_LINED,
            [("exon", 'gene_id "B"; gene_name "N";'), ("CDS", 'gene_id B; gene_name "N"')],
            "N",
        ),
        ("a.gff3", GFF_LINED, [("mRNA", "ID=b;Parent=gene:B"), ("exon", "Parent=b")], "B"),
        ("a.gff3", GFF_LINED, [("exon", "Parent=b"), ("mRNA", "ID=b;Parent=gene:B")], "B"),
        ("a.gff3", GFF_LINED, [("exon", "Parent=rna-b"), ("CDS", "Parent=rna-b")], "b"),
        ("a.gff3", GFF_LINED, [("lnc_RNA", "ID=b;gene=N;Name=N-1"), ("exon", "Parent=b")], "N"),
        ("a.gff3", GFF_LINED, [("mRNA", "ID=b;Name=N"), ("exon", "Parent=b,c")], "N"),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_genes_without_a_line_are_as_long_as_their_parts(
    tmp_path, name, lined, others, gene, first
):
    spans = [(100, 150), (120, 190)]
    rest = "".join(_LINE(kind, *at, own) for (kind, own), at in zip(others, spans, strict=True))
    (tmp_path / name).write_text(lined + rest if first else rest + lined)
    genes = read_gene_files([tmp_path / name])
    assert genes.to_numpy().tolist() == [["A", "1", 10, 50], [gene, "1", 100, 190]]
    (note,) = genes.attrs["notes"]
    assert note.startswith(f"{name}: genes without a line of their own, 1,")


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_parts_of_genes_with_a_line_are_none_of_another(tmp_path, order):
    lines = GFF_LINED.splitlines(True)
    (tmp_path / "a.gff3").write_text("".join(lines[i] for i in order))
    genes = read_gene_files([tmp_path / "a.gff3"])
    assert genes.to_numpy().tolist() == [["A", "1", 10, 50]] and genes.attrs["notes"] == []


ONE_GENE = {  # of some start and end
    "a.gtf": "1\tx\tgene\t{}\t{}\t.\t+\t.\tgene_id A\n",
    "b.gtf": "1\tx\texon\t{}\t{}\t.\t+\t.\tgene_id A\n",
    "a.gff3": "1\tx\tgene\t{}\t{}\t.\t+\t.\tID=A\n",
    "a.bed": "chr1\t{}\t{}\tA\n",
    "a.genePred": "NM\tchr1\t+\t{}\t{}\t9\t9\t1\t9,\t9,\n",
    "glist-a": "1 {} {} A\n",
    "a.loc": "A 1 {} {}\n",
    "a.csv": "chr,start,end,gene\n1,{},{},A\n",
    "b.csv": "chrom,chromStart,chromEnd,name\n1,{},{},A\n",
}


@pytest.mark.parametrize("value", ["9" * 20, str(2**63), str(2**31), "1e400", "-5", "1.5"])
@pytest.mark.parametrize("name", ONE_GENE)
def test_places_that_are_no_positions_stop(tmp_path, name, value):
    line = 1 + name.endswith("csv")
    for place in (value, value), (5, value):
        (tmp_path / name).write_text(ONE_GENE[name].format(*place))
        with pytest.raises(InputError, match=rf"{name}, line {line}: .*{value}.* from 1 to 2,147,"):
            read_genes(tmp_path / name)


def test_wrong_format_name_missing_file_and_missing_column(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("chrom,begin,end,gene\n1,5,9,G\n")
    with pytest.raises(InputError, match="line 1.*no column for start"):
        read_genes(path, "table")
    with pytest.raises(InputError, match="'vcf' is unknown"):
        read_genes(path, "vcf")
    with pytest.raises(InputError, match="no such annotation file"):
        read_genes(tmp_path / "none.gtf")


def test_real_annotations(real_data):
    for path in sorted((real_data / "annotation").iterdir()):
        genes = read_genes(path)
        assert len(genes) > 19_000, path.name
        assert (genes["start_bp"] >= 1).all() and (genes["start_bp"] <= genes["end_bp"]).all()
        order = [contig_order(contig) for contig in genes["contig"]]
        assert order == sorted(order)
        (brca1,) = genes[genes["gene"] == "BRCA1"].itertuples()
        # published span; the transcripts counted differ between annotations
        start, end = (43_044_295, 43_125_364) if "hg38" in path.name else (41_196_312, 41_277_500)
        assert brca1.contig == "17"
        assert min(brca1.end_bp, end) - max(brca1.start_bp, start) > 0.9 * (end - start)


# --- gene blocks -----------------------------------------------------------------------


def variants_at(positions, contig="20") -> Variants:
    n = len(positions)
    return Variants(contig, np.array(positions), np.full(n, "."), np.full((n, 2), "A"))


def genes_of(*rows) -> pd.DataFrame:
    return pd.DataFrame([(g, "20", a, b) for g, a, b in rows], columns=GENES.columns)


def shortest(candidates):
    return min(candidates, key=lambda gene: (gene.end_bp - gene.start_bp, gene.Index)).Index


def reference_label(position, rows, intergenic):
    """The row of the gene a SNP goes to, the pair of genes it lies between, or None."""
    inside = [gene for gene in rows if gene.start_bp <= position <= gene.end_bp]
    if inside:
        return shortest(inside)
    if intergenic == "drop":
        return None
    last = max((gene.end_bp for gene in rows if gene.end_bp < position), default=None)
    next_ = min((gene.start_bp for gene in rows if gene.start_bp > position), default=None)
    left = None if last is None else shortest([g for g in rows if g.end_bp == last])
    right = None if next_ is None else shortest([g for g in rows if g.start_bp == next_])
    if intergenic == "own":
        return left, right
    if left is None or right is None:
        return right if left is None else left
    return left if position - last <= next_ - position else right


def gap_name(left, right):
    return f"{'start' if left is None else f'G{left}'}..{'end' if right is None else f'G{right}'}"


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(
    spans=st.lists(st.tuples(st.integers(1, 60), st.integers(0, 25)), min_size=1, max_size=8),
    positions=st.lists(st.integers(1, 90), min_size=1, max_size=40),
    intergenic=st.sampled_from(["nearest", "own", "drop"]),
    max_snps=st.integers(1, 12),
)
def test_blocks_against_plain_python(spans, positions, intergenic, max_snps):
    genes = genes_of(*(((f"G{i}"), a, a + n) for i, (a, n) in enumerate(sorted(spans))))
    positions = sorted(positions)
    rows = list(genes.itertuples())
    options = {"intergenic": intergenic, "max_snps": max_snps}
    inside = [p for p in positions if reference_label(p, rows, "drop") is not None]
    found = inside_genes(variants_at(positions), genes)
    assert np.array(positions)[found].tolist() == inside
    if intergenic == "drop" and inside != positions:
        with pytest.raises(InputError, match=f" {sum(~found)} of its .* lie in no gene"):
            assign_genes(variants_at(positions), genes, **options)
        if not inside:
            return
        positions = inside
    labels = [reference_label(position, rows, intergenic) for position in positions]
    table = assign_genes(variants_at(positions), genes, **options).table
    assert table["block"].is_unique and (table["n_variants"] <= max_snps).all()
    everything, seen = range(len(positions)), []  # each SNP once, in order, under the right gene
    for row in table.itertuples():
        members = everything[row.first_variant : row.first_variant + row.n_variants]
        seen += members
        (label,) = {labels[i] for i in members}
        assert row.gene == (gap_name(*label) if isinstance(label, tuple) else f"G{label}")
        assert (row.start_bp, row.end_bp) == (positions[members[0]], positions[members[-1]])
    assert seen == list(everything)
    # as few blocks as runs and the limit allow, of nearly equal size
    runs = np.split(everything, [i for i in everything[1:] if labels[i] != labels[i - 1]])
    sizes = [len(piece) for run in runs for piece in np.array_split(run, -(-len(run) // max_snps))]
    assert len(table) == len(sizes)
    assert sorted(table["n_variants"]) == sorted(sizes)


def test_nested_gene_interrupts_and_long_gene_is_cut_evenly():
    genes = genes_of(("A", 100, 900), ("B", 400, 500))
    positions = [150, 250, 350, 450, 600, 700, 750, 800, 850]
    blocks = assign_genes(variants_at(positions), genes, max_snps=3)
    assert blocks.table["block"].tolist() == ["A", "B", "A.2", "A.3"]
    assert blocks.table["n_variants"].tolist() == [3, 1, 2, 3]


def test_block_names_never_clash_with_a_gene():
    assert name_blocks(["A", "A", "A.2", "A", "B", "A.2"]) == [
        "A",
        "A.3",
        "A.2",
        "A.4",
        "B",
        "A.2.2",
    ]


def test_inside_genes_that_are_nested():
    genes = genes_of(("A", 100, 400), ("B", 120, 130), ("C", 500, 510))
    found = inside_genes(variants_at([99, 100, 300, 400, 401, 505]), genes)
    assert found.tolist() == [False, True, True, True, False, True]
    assert not inside_genes(variants_at([100], contig="2"), genes).any()


def test_chromosome_without_genes():
    genes, variants = genes_of(("A", 1, 2)), variants_at(range(10, 20), contig="3")
    with pytest.raises(InputError, match=r"no gene on chromosome 3 \(it has 20\)"):
        assign_genes(variants, genes, max_snps=4)
    with pytest.raises(InputError, match="it has none at all"):
        assign_genes(variants, None, max_snps=4)
    for none_here in (genes, None):
        own = assign_genes(variants, none_here, intergenic="own", max_snps=4)
        assert own.table["n_variants"].tolist() == [3, 3, 4]
        assert set(own.table["gene"]) == {"intergenic"}


def test_blocks_survive_their_file(tmp_path):
    genes = genes_of(("NA", 10, 20), ("1", 30, 40))
    blocks = assign_genes(variants_at([5, 12, 25, 33]), genes, max_snps=9)
    blocks.write(tmp_path / "blocks.tsv")
    again = Blocks.read(tmp_path / "blocks.tsv")
    assert again.table.to_numpy().tolist() == blocks.table.to_numpy().tolist()
    assert again.table["gene"].tolist() == ["NA", "1"]


def test_blocks_that_do_not_follow_one_another_are_refused():
    table = assign_genes(variants_at([1, 2, 3]), genes_of(("A", 1, 2)), max_snps=1).table
    with pytest.raises(ValueError, match="follow one another at row"):
        Blocks(table.drop(index=1))
