"""Sites of a public panel beside the modelled ones: what stays, what is left out, how well it does."""

import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
from clones import change_study, clone, planned_rules
from cohorts import founder_calls, people_of

from syncohort.cohort.program_checks import program_checks
from syncohort.cohort_store import CohortStore
from syncohort.errors import InputError
from syncohort.evaluation.tables import read_tables
from syncohort.formats.beagle import Beagle
from syncohort.formats.vcf_writing import write_vcf
from syncohort.genotype_writing import CohortWriter
from syncohort.genotypes import Variants
from syncohort.report.expansion import expansion_parts
from syncohort.synthesis.expansion import expand_cohort

beagle = pytest.mark.skipif(shutil.which("beagle") is None, reason="no program beagle")
N, N_OWN = 300, 20  # sites; people who are expanded, of 60
MODELLED = np.arange(0, N, 3)
HIDDEN = np.setdiff1d(np.arange(MODELLED[-1]), MODELLED)  # between modelled sites
CALLS = founder_calls(n_variants=N)


def sites(contig: str = "20") -> Variants:
    alleles = [("A", "G"), ("C", "T")] * (N // 2)
    return Variants(contig, 1_000 + 500 * np.arange(N), [f"v{i}" for i in range(N)], alleles)


def write(path, people, variants, calls) -> CohortStore:
    with CohortWriter(path, people) as writer:
        writer.append(variants, calls, True)
    return CohortStore(path)


def expand(folder, variants=None, places=None, panel=None, **changes):
    """Expand every third site of some people by the others, of whom `variants` at `places` are known."""
    if panel is None:
        panel, places = folder / "panel.vcf.gz", np.arange(N) if places is None else places
        known = (sites() if variants is None else variants)[places]
        others = CALLS[places][:, N_OWN:]
        write_vcf(write(folder / "panel.zip", people_of(["a"] * 40), known, others), panel)
    own = people_of(["a"] * N_OWN, prefix="SYN")
    store = write(folder / "own.zip", own, sites()[MODELLED], CALLS[MODELLED, :N_OWN])
    options = {"recombination_map": None, "overlap_min": 0.5, "people": "nobody", "threads": 1}
    program = Beagle("x", "y", seed=1, threads=1, memory_mb=1_000)
    return expand_cohort(store, panel, folder / "out.vcf.gz", program, **options | changes)


def bcftools(*arguments) -> str:
    command = ["bcftools", *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def query(path, *options) -> list[str]:
    return bcftools("query", *options, path).splitlines()


@beagle
def test_modelled_sites_stay_and_others_are_imputed(tmp_path):
    counts, accuracy = expand(tmp_path)
    (row,) = counts.to_dict("records")
    assert row["modelled"] == row["used"] == len(MODELLED) and row["imputed"] == len(HIDDEN)
    write_vcf(CohortStore(tmp_path / "own.zip"), tmp_path / "own.vcf.gz")
    expanded, line = tmp_path / "out.vcf.gz", "%CHROM %POS %ID %REF %ALT %FILTER[ %GT]\n"
    own = query(expanded, "--exclude", "INFO/IMP=1", "--format", line)
    assert own == query(tmp_path / "own.vcf.gz", "--format", line)
    positions = [int(word) for word in query(expanded, "--format", "%POS\n")]
    assert positions == sorted(sites().position_bp[np.union1d(MODELLED, HIDDEN)])

    found = query(expanded, "--include", "INFO/IMP=1", "--format", "%DR2[ %DS]\n")
    values = np.array([line.split() for line in found], dtype=float)
    dosages = CALLS[HIDDEN, :N_OWN].sum(axis=2)
    assert np.corrcoef(dosages.ravel(), values[:, 1:].ravel())[0, 1] ** 2 > 0.7
    means = np.repeat(CALLS[HIDDEN, N_OWN:].sum(axis=2).mean(axis=1), N_OWN)  # by frequency alone
    assert np.corrcoef(dosages.ravel(), means)[0, 1] ** 2 < 0.3
    carried = values[:, 1:].sum(axis=1) > 0
    assert accuracy["n"].sum() == pytest.approx(carried.sum(), abs=3)  # AF has four digits
    assert accuracy["dr2"].sum() == pytest.approx(values[carried, 0].sum(), abs=0.5)

    header = bcftools("view", "-h", expanded)
    assert "from the panel panel.vcf.gz: rare alleles there are the panel's people's" in header
    assert "##people=nobody" in header
    subprocess.run(["tabix", str(expanded), "20:1000-2000"], check=True, capture_output=True)


@beagle
def test_sites_with_other_alleles_are_no_evidence_and_stay(tmp_path):
    variants = sites("chr20")
    own = variants.allele[MODELLED]
    own[:5] = own[:5, ::-1]  # swapped
    own[5:8] = [("G", "A"), ("T", "C"), ("A", "G")]  # other strand of C/T, A/G, C/T
    own[8:10] = ("A", "T")
    variants.allele[MODELLED] = own
    (row,) = expand(tmp_path, variants, np.delete(np.arange(N), MODELLED[10:30]))[0].to_dict(
        "records"
    )
    assert [row[name] for name in ("swapped", "other_strand", "other_alleles")] == [5, 3, 2]
    assert row["not_in_panel"] == 20 and row["used"] == 70
    alleles = query(tmp_path / "out.vcf.gz", "--exclude", "INFO/IMP=1", "--format", "%REF%ALT\n")
    assert alleles == ["".join(pair) for pair in sites().allele[MODELLED]]
    assert set(query(tmp_path / "out.vcf.gz", "--format", "%CHROM\n")) == {"20"}


@beagle
def test_another_build_and_few_sites_stop(tmp_path):
    moved = sites()
    moved.allele[:] = [("T", "A"), ("G", "C")] * (N // 2)
    with pytest.raises(
        InputError, match="positions, and 0 with .* most likely of another genome build"
    ):
        expand(tmp_path, moved)
    few = np.setdiff1d(np.arange(N), MODELLED[40:])
    with pytest.raises(InputError, match="40 positions, and 40 .* 50% .expansion.overlap_min"):
        expand(tmp_path, places=few)
    assert not (tmp_path / "out.vcf.gz").exists()
    assert expand(tmp_path, places=few, overlap_min=0.4)[0]["used"].item() == 40


@beagle
def test_a_panel_that_beagle_cannot_use_is_told(tmp_path):
    expand(tmp_path)
    text = bcftools("view", tmp_path / "panel.vcf.gz")
    (tmp_path / "unphased.vcf").write_text(text.replace("0|1", "0/1"))
    with pytest.raises(InputError, match="(?s)Beagle failed.*unphased or missing"):
        expand(tmp_path, panel=tmp_path / "unphased.vcf")
    bcftools("view", "-Ob", "-o", tmp_path / "panel.bcf", tmp_path / "panel.vcf.gz")
    with pytest.raises(InputError, match="is BCF, which Beagle does not read"):
        expand(tmp_path, panel=tmp_path / "panel.bcf")


def test_a_missing_program_stops_the_check_before_anything_is_trained(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert program_checks([]) == []
    (check,) = program_checks(["expansion.panel"])
    assert check.level == "stop" and "no program `beagle` here" in check.found
    assert "Install it" in check.advice


def test_the_report_sums_chromosomes_up(tmp_path):
    counts = pd.DataFrame(
        {"generator": ["a", "a"], "contig": ["1", "2"], "modelled": [10, 20], "used": [9, 18]}
        | {name: [1, 2] for name in ("swapped", "other_strand", "other_alleles", "not_in_panel")}
        | {"imputed": [100, 200]}
    )
    accuracy = pd.DataFrame({"maf_bin": ["1-5 %"] * 2, "n": [40, 60], "dr2": [30, 60]})
    accuracy = accuracy.assign(generator="a", n_good=[20, 55])
    for name, table in (("counts", counts), ("accuracy", accuracy)):
        table.to_csv(tmp_path / name, sep="\t", index=False)
    counts, accuracy = (read_tables([tmp_path / name]) for name in ("counts", "accuracy"))
    text = "".join(expansion_parts(counts, accuracy, "public.vcf.gz"))
    for expected in ("public.vcf.gz", ">30<", ">27<", ">300<", ">0.9<", ">0.75<"):
        assert expected in text


@pytest.mark.slow
def test_nothing_is_imputed_unless_asked_for(tmp_path):
    folder = clone(tmp_path / "clone")
    wanted = {"expand_cohort", "measure_imputation", "summarise_imputation", "plot_imputation"}
    assert not planned_rules(folder) & wanted
    for chrom in ("21", "22"):
        (folder / f"chr{chrom}.vcf.gz").touch()
    study = change_study(
        folder, expansion={"panel": "chr{chrom}.vcf.gz"}, evaluation={"imputation": True}
    )
    assert planned_rules(folder, study=study) >= wanted
