"""Every kind of .pgen that plink2 writes, read as plink2 exports it."""

import numpy as np
import pytest
from genotype_files import GT_LINE, need, run, vcf_of

from syncohort.formats.readers import open_source

DS_LINE = '##FORMAT=<ID=DS,Number=A,Type=Float,Description="Dosage">'
WRITTEN = {
    "mixed": ["--make-pgen"],
    "packed .pvar": ["--make-pgen", "vzs"],
    "no phase": ["--make-pgen", "erase-phase"],
    "no dosage": ["--make-pgen", "erase-dosage"],
    "all columns": ["--make-pgen", "pvar-cols=vcfheader,qual,filter,info,cm"],
    "fewest columns": ["--make-pgen", "pvar-cols=-qual,-filter,-info"],
    "fixed width": ["--make-pgen", "format=2"],
    "beside .bim": ["--make-bpgen"],
    "bed": ["--make-bed"],
}
READ = {"packed .pvar": ["--pfile", "vzs"], "beside .bim": ["--bpfile"], "bed": ["--bfile"]}


def vcf_text(*, phase, dosages, several, n=12, people=13) -> str:
    rng = np.random.default_rng(n + people)
    rows = []
    for i in range(n):
        n_alts = 2 if several and i % 3 == 0 else 1
        calls = rng.integers(0, n_alts + 1, (people, 2))
        if i % 4 == 0:  # rare: a list of the few who differ
            calls[:] = 0
            calls[0, 1] = 1
        words = []
        for a, b in calls:
            mark = {"some": "|/"[rng.integers(2)], "all": "|", "none": "/"}[phase]
            known = rng.random() > 0.1
            word = f"{a}{mark}{b}" if known else "./."
            if dosages:
                word += f":{a + b if known else rng.uniform(0, 2):.3f}"
            words.append(word)
        alt = "C,G" if n_alts == 2 else "C"
        rows.append(("1", 10 * i + 10, "A", alt, ".", ".", "GT:DS" if dosages else "GT", *words))
    return vcf_of(rows, people=people, header=(GT_LINE, DS_LINE))


def as_word(a, b, phased) -> str:
    if min(a, b) < 0:
        return "."
    return f"{a}|{b}" if a != b and phased else "/".join(map(str, sorted((int(a), int(b)))))


def exported(path) -> list:
    rows = []
    for line in path.read_text().splitlines():
        fields = line.split("\t")
        if line[0] == "#" or "," in fields[4] or fields[4] == ".":
            continue
        calls = [field.split(":")[0] for field in fields[9:]]
        alleles = [call.replace("|", "/").replace(".", "-1").split("/") for call in calls]
        words = [as_word(*map(int, pair), "|" in call)
                 for pair, call in zip(alleles, calls, strict=True)]  # fmt: skip
        rows.append((int(fields[1]), *fields[2:5], *words))
    return rows


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("phase", ["some", "all", "none"])
@pytest.mark.parametrize("content", ["calls", "dosages", "several alleles"])
def test_calls_are_those_plink2_exports(written, phase, content, tmp_path):
    need("plink2")
    several, dosages = content == "several alleles", content == "dosages"
    if several and written in ("fixed width", "beside .bim", "bed"):
        pytest.skip("holds two alleles")
    (tmp_path / "x.vcf").write_text(vcf_text(phase=phase, dosages=dosages, several=several))
    source = ["--vcf", tmp_path / "x.vcf", *(["dosage=DS"] if dosages else [])]
    run("plink2", *source, *WRITTEN[written], "--out", tmp_path / "x")
    option, *mode = READ.get(written, ["--pfile"])
    run("plink2", option, tmp_path / "x", *mode, "--export", "vcf", "--out", tmp_path / "o")
    opened = open_source("plink" if written == "bed" else "pgen", str(tmp_path / "x"))
    found = [
        (int(position), name, *alleles,
         *(as_word(*pair, known) for pair, known in zip(calls, phased, strict=True)))
        for chunk in opened.chunks("1")
        for position, name, alleles, calls, phased in zip(
            chunk.variants.position_bp, chunk.variants.id, chunk.variants.allele,
            chunk.calls, chunk.phased, strict=True)
    ]  # fmt: skip
    assert found == exported(tmp_path / "o.vcf")
    keeps = dosages and written not in ("no dosage", "fixed width", "bed")
    assert any("have dosages" in note for note in opened.notes) == keeps
