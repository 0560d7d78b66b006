"""The folder of a release: exactly what is released lies there."""

import re
import subprocess

import numpy as np
import pandas as pd
import pytest
from clones import change_study, clone, job_texts, snakemake
from cohorts import people_of, store_of
from conftest import REPOSITORY

from syncohort.cohort_store import CohortStore
from syncohort.config.study import parse_config
from syncohort.errors import InputError
from syncohort.formats.pgen import write_pgen
from syncohort.formats.readers import open_source
from syncohort.formats.vcf_writing import write_vcf
from syncohort.synthesis.released import (
    purge,
    read_checksums,
    require_released_only,
    statement,
    withdraw,
    write_checksums,
)
from syncohort.synthesis.stays_inside import KEPT, STAYS_INSIDE
from syncohort.synthesis.withholding import keep_people, withhold


def folder_of(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    return root


OWN = ("a/samples.tsv", "a/vcf/21.vcf.gz", "a/vcf/21.vcf.gz.tbi", "a/plink/synthetic.bed")


def names_below(folder):
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


def test_what_other_configurations_released_is_moved_out_and_nothing_is_lost(tmp_path, caplog):
    old = ("a/vcf/22.vcf.gz", "a/vcf/22.vcf.gz.tbi", "b/samples.tsv", "b/pgen/synthetic.pgen")
    release = folder_of(tmp_path / "release", *OWN, *old)
    own = [str(release / name) for name in OWN]
    moved = withdraw(release, own, tmp_path / "withdrawn")
    assert sorted(map(str, moved)) == sorted(old) == names_below(tmp_path / "withdrawn")
    assert names_below(release) == sorted(OWN) and not (release / "b").exists()
    assert all((tmp_path / "withdrawn" / name).read_text() == name for name in old)
    assert "a/vcf/22.vcf.gz: not released by this configuration" in caplog.text
    require_released_only(release, own)
    assert withdraw(release, own, tmp_path / "withdrawn") == []


def test_what_killed_jobs_left_is_removed(tmp_path):
    leavings = ("a/vcf/.partial-21.vcf.gz/21.vcf.gz", "a/plink/synthetic.bed.partial")
    release = folder_of(tmp_path / "release", *OWN, *leavings)
    assert withdraw(release, [release / name for name in OWN], tmp_path / "withdrawn") == []
    assert names_below(release) == sorted(OWN) and not (tmp_path / "withdrawn").exists()
    assert not (release / "a/vcf/.partial-21.vcf.gz").exists()


@pytest.mark.parametrize("name", ["a/NOTES.txt", "keys.tsv", "a/vcf/real.txt", "a/vcf/x/21.vcf.gz"])
def test_files_of_the_user_stay_and_are_named(tmp_path, name):
    release = folder_of(tmp_path / "release", *OWN, name)
    own = [release / each for each in OWN]
    withdraw(release, own, tmp_path / "withdrawn")
    assert (release / name).exists()
    with pytest.raises(InputError, match=f"did not write: .*{name}"):
        require_released_only(release, own)


def test_a_folder_that_is_not_there_holds_no_strangers(tmp_path):
    assert withdraw(tmp_path / "release", [], tmp_path / "withdrawn") == []
    require_released_only(tmp_path / "release", [])


def test_checksums_are_those_of_sha256sum(tmp_path):
    release = folder_of(tmp_path / "release", *OWN)
    own = [release / name for name in OWN]
    write_checksums(release / "a/SHA256SUMS", own)
    command = ["sha256sum", "--check", "--strict", "SHA256SUMS"]
    subprocess.run(command, cwd=release / "a", check=True, capture_output=True)
    assert sorted(read_checksums(release / "a/SHA256SUMS")) == sorted(own)
    own[0].write_text("changed")
    again = subprocess.run(command, cwd=release / "a", capture_output=True, check=False)
    assert again.returncode == 1


@pytest.mark.parametrize("kind", ["bootstrap", "mosaic", "reshuffle"])
def test_real_haplotypes_are_released_only_by_name(kind):
    with pytest.raises(InputError, match="generators.copies is of kind"):
        parse_config({"generators": {"copies": {"kind": kind}}})
    allowed = {"generators": {"copies": {"kind": kind, "release_real_haplotypes": True}}}
    assert parse_config(allowed).generators["copies"].release_real_haplotypes
    parse_config({"evaluation": {"calibration": {"copies": {"kind": kind}}}})


def purged_study(folder):
    """results/mine with a release, a report, and what must not leave."""
    for name in ("release/good/samples.tsv", "write_report/report.html", "split_people/people.tsv"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    (folder / "train_diffusion/good").mkdir(parents=True)
    (folder / "train_diffusion/good/checkpoint.safetensors").write_bytes(b"12345")
    (folder / "real").symlink_to(folder.parent / "elsewhere")
    write_checksums(folder / "release/good/SHA256SUMS", [folder / "release/good/samples.tsv"])
    return folder


def test_a_purge_leaves_the_release_and_the_report_alone(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "calls.vcf").write_text("the user's own")
    folder = purged_study(tmp_path / "mine")
    removed = purge(folder, ["release", "write_report"])
    sizes = dict(removed)
    assert sizes["train_diffusion/good/checkpoint.safetensors"] == 5
    assert set(sizes) == {
        "real",
        "split_people/people.tsv",
        "train_diffusion/good/checkpoint.safetensors",
    }
    assert sorted(entry.name for entry in folder.iterdir()) == ["release", "write_report"]
    assert (elsewhere / "calls.vcf").exists()  # a link is removed, not what it points to


def test_every_folder_that_a_rule_writes_is_kept_or_must_not_leave():
    """A new rule is put into `stays_inside`, and so into the report."""
    rules = "".join(file.read_text() for file in (REPOSITORY / "workflow/rules").glob("*.smk"))
    written = set(re.findall(r'(?:<results>|\{FOLDER\})/([a-z_]*[a-z])[/."]', rules))
    kept = {name.split(".")[0] for name in KEPT}
    inside = [folder for folders in STAYS_INSIDE.values() for folder in folders]
    assert kept <= written and "train_diffusion" in written
    assert sorted(inside) == sorted(written - kept)


@pytest.mark.parametrize("change", ["changed", "nothing"])
def test_nothing_is_purged_unless_the_release_is_whole(tmp_path, change):
    folder = purged_study(tmp_path / "mine")
    if change == "changed":
        (folder / "release/good/samples.tsv").write_text("other")
    else:
        (folder / "release/good/SHA256SUMS").unlink()
    with pytest.raises(InputError, match="nothing was removed"):
        purge(folder, ["release"])
    assert (folder / "train_diffusion/good/checkpoint.safetensors").exists()


@pytest.mark.parametrize("name", ["good/real.vcf", "notes.txt", "older/samples.tsv"])
def test_nothing_is_purged_beside_files_that_nobody_released(tmp_path, name):
    folder = purged_study(tmp_path / "mine")
    (folder / "release" / name).parent.mkdir(exist_ok=True)
    (folder / "release" / name).write_text("1")
    with pytest.raises(InputError, match=f"nobody released.*{name}, so nothing was removed"):
        purge(folder, ["release"])
    assert (folder / "train_diffusion/good/checkpoint.safetensors").exists()


def output_of(*command) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_files_say_that_their_people_are_synthetic(tmp_path):
    """In headers that bcftools and plink2 carry on, and that we read back."""
    people = people_of(["a"] * 4, prefix="SYN")
    calls = np.random.default_rng(0).integers(0, 2, (5, 4, 2))
    store = store_of(tmp_path / "s.zip", calls, people)
    said = statement("mine", "good", "diffusion")
    assert said.startswith("synthetic, nobody here exists")
    assert statement("mine", "copies", "bootstrap").startswith("NOT SYNTHETIC")
    write_vcf(store, tmp_path / "c.vcf.gz", people=said)
    write_pgen([store], tmp_path / "c", statement=said)
    header = output_of("bcftools", "view", "-h", tmp_path / "c.vcf.gz")
    assert f"##people={said}" in header
    for end in (".pvar", ".psam"):
        assert f"##people={said}" in (tmp_path / f"c{end}").read_text().splitlines()
    output_of("plink2", "--pfile", tmp_path / "c", "--export", "vcf", "--out", tmp_path / "again")
    again = (tmp_path / "again.vcf").read_text()
    assert "SYN3" in again and len([row for row in again.splitlines() if row[0] != "#"]) == 5
    for kind, path in (("vcf", "c.vcf.gz"), ("pgen", "c")):
        assert open_source(kind, str(tmp_path / path)).sample_ids.tolist() == people.id.tolist()


# ---------------------------------------------------------------- people who are withheld


def test_the_riskiest_share_is_withheld_in_every_chromosome(tmp_path):
    people = people_of(list("aabbaabbaa"), prefix="SYN")
    calls = np.random.default_rng(1).integers(-1, 2, (70, 10, 2)).astype(np.int8)
    p = np.array([0.5, 0.01, 0.2, 0.9, 0.01, 0.3, 0.4, 0.6, 0.8, 0.7])
    nearness = np.full(10, 0.9)
    nearness[4] = 0.3  # nearer than the other of the same chance
    risk = pd.DataFrame({"p": p, "nearness": nearness})
    kept = withhold(people, risk, 0.11)  # of ten, two
    assert kept.id.tolist() == [f"SYN{i}" for i in range(10) if i not in (1, 4)]
    assert withhold(people, risk, 0.1).id.tolist() == [f"SYN{i}" for i in range(10) if i != 4]
    store = store_of(tmp_path / "drawn.zip", calls, people, phased=False)
    keep_people(store, kept, tmp_path / "kept.zip")
    found = CohortStore(tmp_path / "kept.zip")
    stay = [i for i in range(10) if i not in (1, 4)]
    np.testing.assert_array_equal(found.read(), calls[:, stay])
    assert found.people.label.tolist() == people.label[stay].tolist() and not found.phased
    assert found.variants.id.tolist() == store.variants.id.tolist()


@pytest.mark.parametrize("n, share, n_leaving", [(100, 0.07, 7), (100, 0.29, 29), (50, 0.141, 8)])
def test_as_many_people_are_withheld_as_the_share_says(n, share, n_leaving):
    risk = pd.DataFrame({"p": np.linspace(0.1, 0.9, n), "nearness": 0.9})
    assert len(withhold(people_of(["a"] * n), risk, share)) == n - n_leaving


def test_without_risks_nobody_can_be_withheld():
    risk = pd.DataFrame({"p": [np.nan] * 3, "nearness": [0.9] * 3})
    with pytest.raises(InputError, match="fewer than 10 validation and holdout people"):
        withhold(people_of(list("abc")), risk, 0.01)


@pytest.mark.slow
def test_only_who_stays_is_released_and_measured_as_the_release(tmp_path):
    """What reads everybody who was drawn: the choice, and what is measured under another name."""
    folder = clone(tmp_path)
    study = change_study(folder, cohort="withheld", release={"withhold": 0.01})
    planned = snakemake(folder, "--dry-run", study=study)
    assert planned.returncode == 0, planned.stdout + planned.stderr
    readers = {"drawn": set(), "kept": set()}
    for rule, text in job_texts(planned.stdout):
        read = re.search(r"input: (.*)", text)
        name = re.search(r"generator=(\w+)", text)
        for side, place in (("drawn", "/decode_cohort/small/"), ("kept", "/keep_people/small/")):
            if read and place in read[1]:
                readers[side].add((rule, name[1] if name else ""))
    assert readers["drawn"] == {
        ("keep_people", "small"),
        *((f"measure_{what}", "small_drawn") for what in ("fidelity", "privacy", "risk")),
    }
    released = {rule for rule, name in readers["kept"] if name == "small"}
    assert {"export_vcf", "export_plink", "export_pgen"} <= released
    assert {"measure_privacy", "measure_fidelity", "measure_risk"} <= released
