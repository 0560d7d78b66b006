"""What a release says of itself: its README.md and its record, against the study they are of."""

import json
import shutil
import subprocess

import pandas as pd
import pytest
from conftest import REPOSITORY
from fabricated import CALIBRATION, metrics

from syncohort.evaluation.verdicts.judging import judge, release_checklist
from syncohort.report.release_record import (
    README,
    RECORD,
    Released,
    split_fingerprint,
    write_release_record,
)
from syncohort.report.sequences import sequence_parts
from syncohort.synthesis.released import write_checksums

PEOPLE = pd.DataFrame(
    {"sample": ["r1", "r2", "r3"], "label": ["a", "a", "b"], "split": ["train", "train", "holdout"]}
)
LABELS = pd.Series(["a"] * 70 + ["b <&>"] * 30)


def released(**changes) -> Released:
    settings = {
        "cohort": "fake",
        "generator": "good",
        "kind": "diffusion",
        "mode": "haplotype",
        "simulated": False,
        "seed": 7,
        "configuration": "seed: 7\n",
        "panel": "",
        "first_panel": "",
        "inputs": [("calls.vcf.gz", "abc"), ("calls.vcf.gz", "def")],
        "files": ["samples.tsv", "vcf/21.vcf.gz"],
        "kinds": "snps",
        "variants": {"21": 1_500},
    }
    return Released(**settings | changes)


def written(folder, n_drawn=100, labels=LABELS, **changes) -> tuple[str, dict]:
    judged = judge(metrics(), CALIBRATION)
    found = released(**changes), judged, release_checklist(judged), PEOPLE, labels
    write_release_record(*found, n_drawn, "the key\n", folder)
    return (folder / README).read_text(), json.loads((folder / RECORD).read_text())


def test_the_readme_says_what_it_is_and_whether_it_may_leave(tmp_path):
    text, _ = written(tmp_path)
    assert text.startswith("# fake, good: synthetic people") and "Nobody here exists" in text
    assert "good may be released" in text and "SYN name nobody" in text
    assert "| people | 100 |" in text and r"a 70, b \<&\> 30" in text
    assert "1,500 on chromosome 21" in text and "2 training people of the cohort fake" in text
    assert "- Linkage: pass." in text and "Not fit for" in text
    text, _ = written(tmp_path, generator="memoriser")
    assert "memoriser must not be released" in text and "- Linkage: fail." in text


def test_labels_do_not_break_the_table(tmp_path):
    labels = pd.Series(["d|e"] * 3 + ["x\ny"] * 2 + ["[click](http://evil)", "<script>"])
    text, _ = written(tmp_path, labels=labels)
    (row,) = (line for line in text.splitlines() if line.startswith("| labels |"))
    assert row == r"| labels | \<script\> 1, \[click\](http://evil) 1, d\|e 3, x y 2 |"


def test_formats_that_are_not_released_are_not_named(tmp_path):
    every = [f"{name}/synthetic.{name}" for name in ("vcf", "plink", "pgen", "bgen")]
    options = {"kinds": "all", "variants": {"X": 3}}
    text, _ = written(tmp_path, files=every, **options)
    assert (
        "ALT alleles in `vcf/` and `pgen/`; each ALT" in text and "in `plink/` and `bgen/`." in text
    )
    assert "one allele in `vcf/` and `bgen/`, two of the same\nin `plink/` and `pgen/` (" in text
    text, _ = written(tmp_path, files=every[3:], **options)
    assert "one site: each ALT\nallele is a record of its own in `bgen/`. No" in text
    assert "shares with Y: one allele in `bgen/`. `samples.tsv` says" in text
    assert not any(f"`{name}/`" in text for name in ("vcf", "plink", "pgen"))


def test_what_is_declared_and_not_measured_is_said(tmp_path):
    text, record = written(tmp_path)
    assert "Declared" not in text and "declared" not in json.dumps(record)
    text, record = written(tmp_path, public_frequencies=True)
    assert "Declared, not measured: The study declares that the allele frequencies" in text
    release = next(each for each in record["@graph"] if each["@id"] == "./")
    assert release["declared"] in text


def test_a_panel_that_networks_were_trained_on_first_is_named(tmp_path):
    text, record = written(tmp_path, first_panel="kg.vcf.gz")
    assert "and before that from the public panel kg.vcf.gz |" in text
    assert "learnedFirstFrom" in str(record)
    assert "public panel" not in written(tmp_path)[0]


def test_sites_of_a_public_panel_are_said_to_be_its_peoples(tmp_path):
    words = "imputed from the panel kg.vcf.gz: rare alleles there are the panel's people's"
    text, record = written(tmp_path)
    assert "expanded/" not in text
    text, record = written(tmp_path, panel="kg.vcf.gz")
    assert "`expanded/` holds the same people" in text and words in text
    release = next(each for each in record["@graph"] if each["@id"] == "./")
    assert words in release["expansion"]


def test_rare_variants_are_told_apart(tmp_path):
    text, record = written(tmp_path)
    assert "`rare/`" not in text and "(they were filtered out)" in text
    text, record = written(tmp_path, rare={"21": 400, "22": 12}, carriers_min=10)
    assert "`rare/` lists 412 more variants" in text and "at least\n10 training people" in text
    release = next(each for each in record["@graph"] if each["@id"] == "./")
    assert release["rareVariants"] == {"21": 400, "22": 12}


WRITTEN = {"contig": "21", "reference": "GRCh38.fa.gz", "n_sequences": 4, "n_bases": 12_000} | {
    "n_changes": 80,
    "n_swapped": 0,
    "n_unplaced": 3,
    "n_overlapping": 5,
    "n_overlapping_variants": 2,
    "n_uncoded": 0,
    "n_one_copy": 0,
    "n_second_copies": 0,
}


def test_sequences_are_counted_and_what_is_not_in_them(tmp_path):
    assert "The sequences" not in written(tmp_path)[0]
    text, record = written(tmp_path, sequences=[WRITTEN, WRITTEN | {"contig": "22"}])
    assert "8 sequences of 24,000 bases" in text and "GRCh38.fa.gz" in text
    assert "10 alleles of 4 variants are left out" in text and "at 160 places" in text
    assert (
        "6 variants are left out: the reference has neither" in text and "chromosome X" not in text
    )
    release = next(each for each in record["@graph"] if each["@id"] == "./")
    assert release["sequences"][1]["contig"] == "22"
    parts = "".join(sequence_parts(pd.DataFrame([WRITTEN]).assign(generator="good")))
    assert "12,000" in parts and "they overlap" in parts and "without a code" not in parts


def test_people_who_are_withheld_are_counted(tmp_path):
    text, record = written(tmp_path, n_drawn=102)
    assert "| people | 100; the 2 nearest to training people were left out |" in text
    release = next(each for each in record["@graph"] if each["@id"] == "./")
    assert release["people"] == 100 and release["peopleWithheld"] == 2


def test_what_copies_real_haplotypes_is_not_called_synthetic(tmp_path):
    text, record = written(tmp_path, kind="mosaic")
    assert "**Not synthetic.**" in text and "Nobody here exists" not in text
    release = next(each for each in record["@graph"] if each["@id"] == "./")
    assert release["description"].startswith("Not synthetic")
    assert release["mayBeReleased"]["level"] == "fail"


def test_the_record_names_every_file_and_where_they_come_from(tmp_path):
    _, record = written(tmp_path)
    graph = {each["@id"]: each for each in record["@graph"]}
    assert graph[RECORD]["about"] == {"@id": "./"}
    parts = [part["@id"] for part in graph["./"]["hasPart"]]
    assert parts == ["samples.tsv", "vcf/21.vcf.gz", README, "SHA256SUMS"]
    assert all(graph[name]["@type"] == "File" for name in parts)
    run = graph["#run"]
    assert run["seed"] == 7 and run["configuration"] == "seed: 7\n"
    inputs = [graph[each["@id"]] for each in run["object"]]
    assert [each["name"] for each in inputs] == ["calls.vcf.gz"] * 2
    assert [each["contentDigest"] for each in inputs] == ["abc", "def"]
    assert run["trainingPeople"] == 2
    assert graph["./"]["verdicts"]["linkage"] == "pass"
    assert graph[run["instrument"]["@id"]]["softwareVersion"]


def test_no_person_of_the_cohort_is_named(tmp_path):
    written(tmp_path)
    text = (tmp_path / README).read_text() + (tmp_path / RECORD).read_text()
    assert not any(name in text for name in PEOPLE["sample"])


def test_the_same_run_writes_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        written(tmp_path / name)
    for file in (README, RECORD):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_the_fingerprint_of_a_split_is_of_who_is_where():
    shuffled = PEOPLE.iloc[::-1]
    assert split_fingerprint(shuffled, "key") == split_fingerprint(PEOPLE, "key")
    moved = PEOPLE.assign(split=["train", "holdout", "train"])
    assert split_fingerprint(moved, "key") != split_fingerprint(PEOPLE, "key")
    assert split_fingerprint(PEOPLE, "other") != split_fingerprint(PEOPLE, "key")  # none to try


@pytest.mark.parametrize(
    "change", [None, "changed", "lost", "nothing released", "another file", "no list"]
)
def test_make_verify_compares_what_was_released(tmp_path, change):
    shutil.copy(REPOSITORY / "Makefile", tmp_path)
    folder = tmp_path / "results/mine/release/good"
    folder.mkdir(parents=True)
    (folder / "samples.tsv").write_text("sample_id\tlabel\n")
    write_checksums(folder / "SHA256SUMS", [folder / "samples.tsv"])
    if change == "changed":
        (folder / "samples.tsv").write_text("sample_id\tlabels\n")
    elif change == "lost":
        (folder / "samples.tsv").unlink()
    elif change == "nothing released":
        shutil.rmtree(tmp_path / "results")
    elif change == "another file":
        (folder / "vcf").mkdir()
        (folder / "vcf/real.vcf").write_text("1")
    elif change:
        (folder.parent / "old").mkdir()
        (folder.parent / "old/samples.tsv").write_text("1")
    done = subprocess.run(
        ["make", "-C", tmp_path, "verify"], capture_output=True, text=True, check=False
    )
    text = done.stdout + done.stderr
    if change is None:
        assert done.returncode == 0 and "All released files are as they were written" in text
    else:
        assert done.returncode != 0
        named = {"nothing released": "No results", "another file": "good/vcf/real.vcf"}
        assert (
            named.get(change, "old/samples.tsv" if change == "no list" else "samples.tsv") in text
        )
