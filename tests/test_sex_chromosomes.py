"""X, Y and MT: who has one copy is found however it is written; Y and MT stop the run."""

import json

import numpy as np
import pandas as pd
import pytest
from genotype_files import need, run, vcf_of

from syncohort.cohort.genotype_checks import name_checks, ploidy_checks
from syncohort.cohort.importing import import_chromosome
from syncohort.cohort.pseudo_autosomal import build_of_x
from syncohort.cohort.sexes import sex_of, sexes
from syncohort.errors import InputError

N, PEOPLE, STEP_BP = 200, 40, 150_000
MALE = np.arange(PEOPLE) % 2 == 0


def genotypes(one_copy, seed=0) -> np.ndarray:
    """Alleles [N, PEOPLE, 2]; people with one copy have it twice."""
    alleles = np.random.default_rng(seed).integers(0, 2, (N, PEOPLE, 2))
    alleles[:, one_copy, 1] = alleles[:, one_copy, 0]
    return alleles


def vcf_text(one_copy, *, contig, written, n=N):
    """written: how the call of somebody with one copy looks."""
    rows = []
    for i, calls in enumerate(genotypes(one_copy)[:n]):
        words = [
            written.format(a) if one else f"{a}/{b}"
            for (a, b), one in zip(calls, one_copy, strict=True)
        ]
        rows.append((contig, STEP_BP * (i + 1), "A", "C", ".", ".", "GT", *words))
    return vcf_of(rows, people=PEOPLE, contigs=(contig,))


def imported(kind, path, contig, tmp_path, people=None, build="none"):
    """Summary, table and what is known of people; people: what a label table says of them."""
    out = [tmp_path / name for name in ("raw.zip", "raw.json", "raw.tsv")]
    import_chromosome({"kind": kind, "path": str(path)}, contig, "drop", *out, build=build)
    table = pd.read_csv(out[2], sep="\t", dtype=str)
    known = table if people is None else pd.concat([table, people], axis=1)
    return json.loads(out[1].read_text()), table, known


def checks_of(kind, path, contig, tmp_path, people=None, mode="haplotype", **options):
    """Lines of the page on ploidy."""
    summary, table, known = imported(kind, path, contig, tmp_path, people, **options)
    return ploidy_checks([summary], [table], known, np.ones(len(table), bool), mode)


def levels(checks) -> set[str]:
    return {check.level for check in checks}


@pytest.mark.parametrize("contig", ["X", "chrX", "23"])
@pytest.mark.parametrize("written", ["{0}", "{0}/.", "./{0}", "{0}/{0}", "{0}|{0}"])
def test_males_of_a_vcf_are_found_without_their_sex(contig, written, tmp_path):
    (tmp_path / "x.vcf").write_text(vcf_text(MALE, contig=contig, written=written))
    summary, table, known = imported("vcf", tmp_path / "x.vcf", "X", tmp_path)
    assert (sexes(known, [summary], [table]) == np.where(MALE, 1, 2)).all()
    checks = ploidy_checks([summary], [table], known, np.ones(PEOPLE, bool), "haplotype")
    assert levels(checks) == {"ok"}
    assert checks[0].found.startswith("20 males, 20 females, 0 unclear; 40 of them by")
    assert f"one copy of {N} of {N} SNPs" in checks[1].found


def test_sex_that_is_said_and_sex_that_is_seen(tmp_path):
    text = vcf_text(MALE, contig="X", written="{0}/{0}").replace("0/0", "0/1", 3)
    (tmp_path / "x.vcf").write_text(text)
    said = pd.DataFrame({"Gender": np.where(MALE, "M", "F")})
    checks = checks_of("vcf", tmp_path / "x.vcf", "X", tmp_path, said)
    assert levels(checks) == {"ok"} and checks[0].found == "20 males, 20 females, 0 unclear"
    assert checks[2].found.startswith("2 on chromosome X")  # one of the 3 is a woman's
    wrong = said.copy()
    wrong.iloc[:2] = wrong.iloc[1::-1].to_numpy()
    (look,) = (
        check
        for check in checks_of("vcf", tmp_path / "x.vcf", "X", tmp_path, wrong)
        if check.name == "sex and chromosome X"
    )
    assert look.level == "look" and look.found.startswith("2 people (p0, p1)")
    wrong.iloc[:] = wrong.iloc[::-1].to_numpy()
    assert "stop" in levels(checks_of("vcf", tmp_path / "x.vcf", "X", tmp_path, wrong))


def test_sexes_that_disagree_are_named(tmp_path):
    nobody = np.zeros(PEOPLE, dtype=bool)
    (tmp_path / "x.vcf").write_text(vcf_text(nobody, contig="7", written=""))
    table = pd.DataFrame({"sex": ["1"] * 3 + ["2"] * (PEOPLE - 3)})
    table["Gender"] = ["M", "F", "unknown"] + ["F"] * (PEOPLE - 3)
    (check,) = checks_of("vcf", tmp_path / "x.vcf", "7", tmp_path, table)
    assert check.level == "look" and check.found.startswith("1 people are male in one")
    assert "(p1)" in check.found
    assert sex_of(table)[:3].tolist() == [1, 1, 1]


def test_few_snps_say_nothing_of_people_of_unknown_sex(tmp_path):
    nobody = np.zeros(PEOPLE, dtype=bool)
    (tmp_path / "x.vcf").write_text(vcf_text(nobody, contig="X", written="", n=6))
    checks = checks_of("vcf", tmp_path / "x.vcf", "X", tmp_path)
    assert levels(checks) == {"ok", "stop"} and "40 (p0, p1" in checks[1].found
    assert "column sex of the label table" in checks[1].advice
    women = pd.DataFrame({"sex": ["female"] * PEOPLE})
    assert levels(checks_of("vcf", tmp_path / "x.vcf", "X", tmp_path, women)) == {"ok"}


@pytest.mark.parametrize("written", ["{0}", "{0}/{0}"])
def test_a_short_stretch_says_sex_by_calls_of_one_allele_alone(written, tmp_path):
    text = vcf_text(MALE, contig="X", written=written).replace("0000\tv", "\tv")
    (tmp_path / "x.vcf").write_text(text)
    summary, table, known = imported("vcf", tmp_path / "x.vcf", "X", tmp_path)
    assert summary["male_haploid_bp"] == (N - 1) * STEP_BP // 10_000
    assert (sexes(known, [summary], [table]) == (MALE & (written == "{0}"))).all()


@pytest.mark.parametrize(
    ("n_wrong", "level", "found"),
    [
        (1, "look", f"{N:,} of females (4.76% of their calls"),
        (4, "stop", f"{4 * N:,} of females (16.67% of their calls"),
    ],
)
def test_women_with_calls_of_one_allele_are_named_and_their_calls_counted(
    n_wrong, level, found, tmp_path
):
    text = vcf_text(MALE, contig="X", written="{0}").replace("0000\tv", "\tv")
    (tmp_path / "x.vcf").write_text(text)
    said = pd.DataFrame({"sex": np.where(MALE, "M", "F")})
    said.iloc[np.flatnonzero(MALE)[:n_wrong]] = "F"
    checks = {c.name: c for c in checks_of("vcf", tmp_path / "x.vcf", "X", tmp_path, said)}
    assert checks["sex and chromosome X"].found.startswith(f"{n_wrong} people (p0")
    lost = checks["calls of one allele where there are two copies"]
    assert lost.level == level and found in lost.found
    assert "0 of males" in lost.found


def test_men_with_one_allele_in_the_regions_shared_with_y_are_counted(tmp_path):
    text = vcf_text(MALE, contig="X", written="{0}")
    (tmp_path / "x.vcf").write_text(text)
    said = pd.DataFrame({"sex": np.where(MALE, "M", "F")})
    checks = checks_of("vcf", tmp_path / "x.vcf", "X", tmp_path, said, build="GRCh38")
    (lost,) = (check for check in checks if check.level == "look")
    n_shared = 2_781_479 // STEP_BP
    assert f"{20 * n_shared:,} of males in the regions shared with Y (100.00%" in lost.found
    assert "0 of females (0.00%" in lost.found


def test_a_label_of_both_sexes_cannot_be_drawn_as_genotypes(tmp_path):
    (tmp_path / "x.vcf").write_text(vcf_text(MALE, contig="X", written="{0}"))
    people = pd.DataFrame({"label": np.where(MALE, "a", "b")})
    both = people.assign(label=["a"] * 20 + ["b"] * 20)
    given = ("vcf", tmp_path / "x.vcf", "X", tmp_path)
    assert levels(checks_of(*given, people, mode="genotype")) == {"ok"}
    assert levels(checks_of(*given, both)) == {"ok"}
    assert "stop" in levels(checks_of(*given, both, mode="genotype"))


def test_a_build_that_contradicts_the_length_of_x_stops():
    lengths = {"GRCh37": 155_270_560, "GRCh38": 156_040_895}
    for (build, length_bp), other in zip(lengths.items(), ("GRCh38", "GRCh37"), strict=True):
        assert build_of_x(build, length_bp, "x.vcf") == build
        assert build_of_x("none", length_bp, "x.vcf") == "none"
        with pytest.raises(InputError, match=f"which is {build}, and input.build is {other}"):
            build_of_x(other, length_bp, "x.vcf")
    assert build_of_x("GRCh37", 150_000_000, "x.vcf") == "GRCh37"


def test_the_build_tells_where_men_have_two_copies(tmp_path):
    text = vcf_text(MALE, contig="X", written="{0}")
    (tmp_path / "x.vcf").write_text(text)
    with pytest.raises(InputError, match="Set input.build to GRCh37 or GRCh38, or to none"):
        imported("vcf", tmp_path / "x.vcf", "X", tmp_path, build=None)
    summary, *_ = imported("vcf", tmp_path / "x.vcf", "X", tmp_path, build="GRCh38")
    assert summary["n_male_haploid"] == N - 2_781_479 // STEP_BP  # the others are shared
    assert build_of_x(None, 156_040_895, "x") == "GRCh38"
    (tmp_path / "x.vcf").write_text(text.replace("X\t30000000\t", "X\t155300000\t"))
    with pytest.raises(InputError, match="correct input.build"):
        imported("vcf", tmp_path / "x.vcf", "X", tmp_path, build="GRCh37")


@pytest.mark.parametrize("contig", ["Y", "chrY", "24", "MT", "chrM", "26"])
def test_y_and_mt_stop_even_when_written_with_two_alleles(contig, tmp_path):
    everybody = np.ones(PEOPLE, dtype=bool)
    (tmp_path / "x.vcf").write_text(vcf_text(everybody, contig=contig, written="{0}/{0}"))
    name = {"chrM": "MT", "26": "MT", "24": "Y", "chrY": "Y"}.get(contig, contig)
    (check,) = checks_of("vcf", tmp_path / "x.vcf", name, tmp_path)
    assert check.level == "stop" and name in check.found


@pytest.mark.parametrize("kind", ["plink", "pgen"])
@pytest.mark.parametrize(("contig", "level"), [("X", {"ok"}), ("Y", {"stop"}), ("MT", {"stop"}), ("PAR1", set()), ("7", set())])  # fmt: skip
@pytest.mark.parametrize("with_sex", [True, False])
def test_plink_files(kind, contig, level, with_sex, tmp_path):
    need("plink2")
    diploid = contig in ("PAR1", "7")
    one_copy = np.ones(PEOPLE, bool) if contig == "MT" else MALE & (not diploid)
    text = vcf_text(one_copy, contig=contig.replace("PAR1", "X"), written="{0}")
    if contig == "PAR1":
        text = text.replace("\tX\t", "\tPAR1\t").replace("\nX\t", "\nPAR1\t").replace("ID=X>", "ID=PAR1>")  # fmt: skip
    (tmp_path / "x.vcf").write_text(text)
    sexes = "".join(f"p{i}\t{1 if m else 2}\n" for i, m in enumerate(MALE))
    (tmp_path / "sex.txt").write_text("#IID\tSEX\n" + sexes)
    make = "--make-bed" if kind == "plink" else "--make-pgen"
    command = ["plink2", "--vcf", tmp_path / "x.vcf", "--split-par", "1", "100000000"]
    if contig != "X":
        command = command[:3]
    run(*command, "--update-sex", tmp_path / "sex.txt", make, "--out", tmp_path / "x")
    if not with_sex:
        _forget_sex(tmp_path / ("x.fam" if kind == "plink" else "x.psam"), kind)
    path = tmp_path / ("x.bed" if kind == "plink" else "x.pgen")
    assert levels(checks_of(kind, path, contig, tmp_path)) == level


def _forget_sex(path, kind):
    rows = [line.split() for line in path.read_text().splitlines()]
    if kind == "plink":
        rows = [[*row[:4], "0", row[5]] for row in rows]
    else:
        at = rows[0].index("SEX")
        rows = [rows[0], *([*row[:at], "NA", *row[at + 1 :]] for row in rows[1:])]
    path.write_text("\n".join("\t".join(row) for row in rows) + "\n")


def test_an_autosome_that_looks_like_x_is_worth_a_look(tmp_path):
    (tmp_path / "x.vcf").write_text(vcf_text(MALE, contig="7", written="{0}/{0}"))
    (check,) = checks_of("vcf", tmp_path / "x.vcf", "7", tmp_path)
    assert check.level == "look" and f"{MALE.sum()} of {PEOPLE} people" in check.found


def test_half_missing_calls_of_an_autosome_are_counted(tmp_path):
    rare = np.zeros(PEOPLE, dtype=bool)
    rare[0] = True
    (tmp_path / "x.vcf").write_text(vcf_text(rare, contig="7", written="{0}/."))
    (check,) = checks_of("vcf", tmp_path / "x.vcf", "7", tmp_path)
    assert check.name == "half-missing calls" and check.found.startswith(f"{N} on")


def test_sex_however_it_is_written():
    people = pd.DataFrame({"Sex": ["1", "2", "0", "M", "female", "NA", "2.0", "-9"]})
    assert sex_of(people).tolist() == [1, 2, 0, 1, 2, 0, 2, 0]


def test_chromosome_numbers_of_another_species():
    summary = {"held": {str(n): 10 for n in range(1, 39)}}
    (check,) = name_checks([summary])
    assert check.level == "look" and "27, 28" in check.found and "X, Y, XY and MT" in check.advice
    assert name_checks([{"held": {"1": 3, "X": 4, "UN_KI270": None}}]) == []
