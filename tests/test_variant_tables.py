"""The variants of PLINK files however their tables are laid out, as plink2 reads them."""

import numpy as np
import pytest
import zstandard
from genotype_files import need, read_whole, run, simple_vcf

from syncohort.errors import InputError
from syncohort.formats.readers import held_contigs, open_source
from syncohort.formats.tables import read_table
from syncohort.formats.variant_table import VariantTable

PR = '##INFO=<ID=PR,Number={},Type={},Description="x">\n'
HEAD = "#CHROM\tPOS\tID\tREF\tALT"
LAYOUTS = {
    "plain": f"{HEAD}\n1\t10\tv10\tA\tC\n1\t20\tv20\tA\tG\n",
    "blanks": "#CHROM POS ID REF ALT\n1 10 v10 A C\n1  20 v20 A G\n",
    "other order": "#CHROM\tID\tPOS\tALT\tREF\n1\tv10\t10\tC\tA\n1\tv20\t20\tG\tA\n",
    "six columns": "1\tv10\t0\t10\tC\tA\n1\tv20\t0\t20\tG\tA\n",
    "five columns": "1 v10 10 C A\n1 v20 20 G A\n",
    "cM": f"{HEAD}\tCM\n1\t10\tv10\tA\tC\t.3\n1\t20\tv20\tA\tG\t0\n",
    "Windows": f"{HEAD}\r\n1\t10\tv10\tA\tC\r\n1\t20\tv20\tA\tG\r\n",
    "no last end of line": f"{HEAD}\n1\t10\tv10\tA\tC\n1\t20\tv20\tA\tG",
    "several ALT": f"{HEAD}\n1\t10\tv10\tA\tC\n1\t20\tv20\tA\tG,<DEL>\n",
    "PR": PR.format(0, "Flag") + f"{HEAD}\tINFO\n1\t10\tv10\tA\tC\tPR\n1\t20\tv20\tA\tG\tXPR\n",
    "PR undeclared": f"{HEAD}\tINFO\n1\t10\tv10\tA\tC\tPR\n1\t20\tv20\tA\tG\tAC=1;PR\n",
    "PR a number": PR.format(1, "Integer") + f"{HEAD}\tINFO\n1\t10\tv10\tA\tC\tPR=1\n1\t20\tv20\tA\tG\t.\n",
    "comments above the heading": f"#x\n##y\n# z\n{HEAD}\n1\t10\tv10\tA\tC\n1\t20\tv20\tA\tG\n",
    "comments above the rows": "# x\n##y\n#CHR ID CM POS A1 A2\n1 v10 0 10 C A\n1 v20 0 20 G A\n",
    "a quote": f'{HEAD}\n1\t10\t"v10\tA\tC\n1\t20\tv"20\tA\tG\n',
}  # fmt: skip


@pytest.fixture
def pgen(tmp_path):
    need("plink2")
    (tmp_path / "x.vcf").write_text(
        simple_vcf(2).replace("\t1\t", "\t10\t").replace("\t11\t", "\t20\t")
    )
    run("plink2", "--vcf", tmp_path / "x.vcf", "--make-pgen", "--out", tmp_path / "x")
    return tmp_path / "x"


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_of_a_pvar(layout, packed, pgen):
    text = LAYOUTS[layout]
    pgen.with_suffix(".pvar").unlink()
    end = ".pvar.zst" if packed else ".pvar"
    data = text.encode()
    pgen.with_suffix(end).write_bytes(zstandard.compress(data) if packed else data)
    several = layout == "several ALT"
    mode = ["vzs"] if packed else []
    command = ["plink2", "--pfile", pgen, *mode, "--make-just-pvar", "--out", pgen.parent / "o"]
    if "PR" in layout:
        command = ["plink2", "--pfile", pgen, *mode, "--export", "vcf", "--out", pgen.parent / "o"]
    run(*command)
    out = pgen.parent / ("o.vcf" if "PR" in layout else "o.pvar")
    rows = [line.split("\t") for line in out.read_text().splitlines() if line[0] != "#"]
    if several:  # the .pgen, which holds two alleles, does not fit
        table = VariantTable(pgen.with_suffix(end))
        assert table.n_alts.tolist() == [1, 2]
        assert table.rows("1")[1]["alt"].tolist() == [row[4] for row in rows]
        return
    variants, *_ = read_whole(open_source("pgen", str(pgen)), "1")
    found = [[str(p), i, *a] for p, i, a in
             zip(variants.position_bp, variants.id, variants.allele, strict=True)]  # fmt: skip
    assert found == [row[1:5] for row in rows]
    marks = ["PR" in row[7].split(";") if len(row) > 7 else False for row in rows]
    assert variants.provisional.tolist() == marks
    assert held_contigs("pgen", str(pgen)) == ["1"]


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda text: text.replace("A\tC", "A\tC\tmore"), "line 3: found 6 fields"),
        (lambda text: text.replace("A\tC", "A"), "line 3: found 4 fields"),
        (lambda text: text.replace("POS", "BP"), "line 2: the heading lacks POS"),
        (lambda text: text.replace("\t10\t", "\tten\t"), "line 3: position 'ten'"),
        (lambda text: HEAD + "\n", "holds no variants"),
        (lambda text: text.replace("\t10\t", f"\t{'9' * 20}\t"), "line 3: position '9{20}' is not"),
        (lambda text: text.replace("\t10\t", f"\t{2**31}\t"), "line 3: position '2147483648'"),
        (lambda text: text.replace("\t10\t", "\t-1e300\t"), "line 3: position '-1e300' is not"),
        (lambda text: text.replace("1\t20", "#1\t20"), "line 4: '#1.t20.* among the rows"),
        (lambda text: text.replace("1\t10", "##x\n1\t10"), "line 3: '##x' begins with #"),
        (lambda text: text.replace(HEAD, f"{HEAD}\n{HEAD}"), "line 3: '#CHROM.* among the rows"),
        (
            lambda text: "#CHR ID POS REF ALT CM\n1 v10 10 A C 0\n1 v20 20 A G 0\n",
            "line 1: .* names POS as column 3, which is column 4",
        ),
    ],
)
def test_a_damaged_pvar_names_the_line(edit, message, pgen):
    path = pgen.with_suffix(".pvar")
    path.write_text(edit("##source=x\n" + LAYOUTS["plain"]))
    with pytest.raises(InputError, match=message):
        read_whole(open_source("pgen", str(pgen)), "1")


def test_tables_that_zstd_packed_are_read_to_their_end(tmp_path):
    rng = np.random.default_rng(0)
    lines = ["id\tvalue", *(f"p{i}\t{rng.random()}" for i in range(5_000))]
    frames = ["\n".join(part) + "\n" for part in (lines[:2_000], lines[2_000:])]
    data = b"".join(zstandard.compress(frame.encode()) for frame in frames)
    (tmp_path / "x.zst").write_bytes(data)
    assert len(read_table(tmp_path / "x.zst")) == 5_000
    for length in (len(data) - 1, len(data) // 2, 10):
        (tmp_path / "x.zst").write_bytes(data[:length])
        with pytest.raises(InputError, match=r"x.zst.*cut short"):
            read_table(tmp_path / "x.zst")


def test_a_chromosome_is_found_in_a_table_of_many(tmp_path):
    rng = np.random.default_rng(1)
    names = np.repeat(["1", "chr2", "23", "0", "2"], 1_000)
    rng.shuffle(names)
    rows = [f"{n} v{i} 0 {i + 1} A C\n" for i, n in enumerate(names)]
    (tmp_path / "x.bim").write_text("".join(rows))
    table = VariantTable(tmp_path / "x.bim")
    assert table.counts_of_contigs() == {"0": 1000, "1": 1000, "2": 2000, "X": 1000}
    at, found = table.rows("2")
    assert at.tolist() == np.flatnonzero(np.isin(names, ["chr2", "2"])).tolist()
    assert found["id"].tolist() == [f"v{i}" for i in at]
    assert found["position"].tolist() == (at + 1).tolist()
