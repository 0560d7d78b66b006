"""Phasing: what Beagle must not change, what holdout people must not decide, how well it does."""

import shutil
import subprocess
import time

import numpy as np
import pytest
from cohorts import founder_calls, people_of, store_of

from syncohort.cohort.phasing import phase_chromosome
from syncohort.cohort_store import CohortStore
from syncohort.errors import InputError
from syncohort.formats.beagle import end_program
from syncohort.formats.vcf import VcfSource

beagle = pytest.mark.skipif(shutil.which("beagle") is None, reason="no program beagle")
OPTIONS = {"recombination_map": None, "seed": 3, "threads": 1, "memory_mb": 2_000}
SPLITS = np.array(["train", "holdout", "train", "validation", "train"] * 12)


def unphased_store(path, calls, splits=SPLITS) -> CohortStore:
    people = people_of(["a"] * len(splits), splits)
    return store_of(path, np.sort(calls, axis=2), people, contig="20", phased=False)


def phase(store, out, **changes) -> CohortStore:
    phase_chromosome(store, out, **OPTIONS | changes)
    return CohortStore(out)


def switch_error(truth, phased) -> float:
    """Share of neighbouring heterozygous calls of a person whose phase changes sides."""
    switches = pairs = 0
    for true, found in zip(truth.swapaxes(0, 1), phased.swapaxes(0, 1), strict=True):
        het = true[:, 0] != true[:, 1]
        same_side = true[het, 0] == found[het, 0]
        switches += (same_side[1:] != same_side[:-1]).sum()
        pairs += max(int(het.sum()) - 1, 0)
    return switches / pairs


@beagle
def test_phase_is_found_and_nothing_else_changes(tmp_path):
    truth = founder_calls()
    seen = truth.copy()
    seen[np.random.default_rng(1).random(seen.shape[:2]) < 0.02] = -1
    store = unphased_store(tmp_path / "in.zip", seen)
    phased = phase(store, tmp_path / "out.zip")
    calls, known = phased.read(), (seen >= 0).all(axis=2)
    assert phased.phased and calls.min() >= 0
    np.testing.assert_array_equal(phased.people.id, store.people.id)
    np.testing.assert_array_equal(phased.people.split, store.people.split)
    np.testing.assert_array_equal(phased.variants.position_bp, store.variants.position_bp)
    np.testing.assert_array_equal(calls.sum(axis=2)[known], truth.sum(axis=2)[known])
    assert (calls.sum(axis=2) == truth.sum(axis=2))[~known].mean() > 0.8  # chance: about .4
    for split in ("train", "validation", "holdout"):
        one = SPLITS == split
        assert switch_error(truth[:, one], calls[:, one]) < 0.1  # chance: .5
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.zip", "out.zip"]


@beagle
def test_holdout_people_do_not_change_how_others_are_phased(tmp_path):
    calls, holdout = founder_calls(50), SPLITS == "holdout"
    swapped = calls.copy()
    swapped[:, holdout] = np.random.default_rng(5).integers(0, 2, swapped[:, holdout].shape)
    one, other = (
        phase(unphased_store(tmp_path / "in.zip", each), tmp_path / "out.zip").read()
        for each in (calls, swapped)
    )
    np.testing.assert_array_equal(one[:, ~holdout], other[:, ~holdout])
    assert (one[:, holdout] != other[:, holdout]).any()


@beagle
def test_the_same_seed_gives_the_same_file_on_any_number_of_threads(tmp_path):
    store = unphased_store(tmp_path / "in.zip", founder_calls(40))
    for name, threads in (("a", 1), ("b", 2)):
        phase(store, tmp_path / name, threads=threads)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@beagle
def test_a_map_may_name_the_chromosome_otherwise_and_several_snps_share_a_place(tmp_path):
    calls, people = founder_calls(40), people_of(["a"] * len(SPLITS), SPLITS)
    calls[1::2] *= 1 - calls[::2]  # no haplotype has both ALT alleles of a place
    position_bp = 1_000 + 500 * np.repeat(np.arange(20), 2)
    place = {"contig": "20", "position_bp": position_bp, "phased": False}
    store = store_of(tmp_path / "in.zip", np.sort(calls, axis=2), people, **place)
    store.variants.allele[1::2, 1] = "T"
    (tmp_path / "20.map").write_text("chr20 . 0 1\nchr20 . 0.5 1000000\n")
    phased = phase(store, tmp_path / "out.zip", recombination_map=str(tmp_path / "{chrom}.map"))
    np.testing.assert_array_equal(phased.read().sum(axis=2), calls.sum(axis=2))


@beagle
def test_what_beagle_refuses_is_told(tmp_path):
    calls = founder_calls(30)[:, :2]
    store = unphased_store(tmp_path / "in.zip", calls, np.array(["train", "holdout"]))
    with pytest.raises(InputError, match="(?s)Beagle ended with code .*there is only one sample"):
        phase(store, tmp_path / "out.zip")
    assert [path.name for path in tmp_path.iterdir()] == ["in.zip"]


# --- without the program


def stand_in(folder, monkeypatch, body) -> None:
    """Put a shell script in Beagle's place; $gt and $out are its arguments."""
    program = folder / "bin" / "beagle"
    program.parent.mkdir()
    program.write_text(
        '#!/bin/sh\nfor a in "$@"; do case $a in gt=*|out=*) eval "$a";; esac; done\n' + body
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")


def test_a_phased_cohort_is_taken_as_it_is(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    store = store_of(tmp_path / "in.zip", founder_calls(), people_of(["a"] * 60, SPLITS))
    phase(store, tmp_path / "out.zip")
    assert (tmp_path / "out.zip").read_bytes() == (tmp_path / "in.zip").read_bytes()


def test_a_missing_program_is_told_with_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InputError, match="no program `beagle` here. Install it"):
        phase(unphased_store(tmp_path / "in.zip", founder_calls()), tmp_path / "out.zip")


def test_a_failure_shows_what_was_said_and_the_memory_it_had(tmp_path, monkeypatch):
    stand_in(tmp_path, monkeypatch, 'echo "memory $_JAVA_OPTIONS"; exit 3\n')
    monkeypatch.setenv("_JAVA_OPTIONS", "-Dx=1")
    with pytest.raises(InputError, match="(?s)code 3.*memory -Dx=1 -Xmx1600m.*memory_mb"):
        phase(unphased_store(tmp_path / "in.zip", founder_calls()), tmp_path / "out.zip")


def test_a_java_whose_threads_outlive_its_exception_is_ended(tmp_path, monkeypatch):
    words = 'Exception in thread "main" java.lang.OutOfMemoryError: Java heap space'
    stand_in(tmp_path, monkeypatch, f"echo '{words}'; echo '\tat main.Main'; sleep 600; true\n")
    with pytest.raises(MemoryError, match="Beagle failed: .*heap space"):
        phase(unphased_store(tmp_path / "in.zip", founder_calls()), tmp_path / "out.zip")


def test_what_a_program_starts_while_it_is_being_ended_is_ended_too():
    """It would hold the pipe; of 100 such programs 8 had started a `sleep` between count and kill."""
    for steps in range(0, 6_000, 75):
        busy = f"i=0; while [ $i -lt {steps} ]; do i=$((i+1)); done"
        command = ["sh", "-c", f"echo failed; {busy}; sleep 30; true"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
            program.stdout.readline()
            end_program(program.pid)
            before = time.monotonic()
            program.stdout.read()
        assert time.monotonic() - before < 10


@pytest.mark.parametrize(
    ("edit", "message"),
    [("s#0/1#1|1#g", "changed genotypes, not phase alone"), ("/\t5000\t/d", "no record 5000 A>G")],
)
def test_other_genotypes_or_variants_do_not_pass(tmp_path, monkeypatch, edit, message):
    stand_in(tmp_path, monkeypatch, f"gzip -dc $gt | sed '{edit}' | gzip > $out.vcf.gz\n")
    with pytest.raises(RuntimeError, match=message.replace("|", r"\|")):
        phase(unphased_store(tmp_path / "in.zip", founder_calls()), tmp_path / "out.zip")
    assert not (tmp_path / "out.zip").exists()


# --- real people


@beagle
@pytest.mark.slow
def test_accuracy_on_1000_genomes(tmp_path, real_data):
    """300 people of all ancestries, 800 common SNPs of chromosome 20, phase thrown away."""
    (file,) = (real_data / "kg3").glob("kg3_chr20_*.vcf.gz")
    chunk = next(VcfSource(str(file)).chunks("20", size=20_000))
    people = np.arange(0, chunk.calls.shape[1], 8)[:300]
    calls = chunk.calls[:, people]
    common = np.flatnonzero(np.abs(calls.mean(axis=(1, 2)) - 0.5) < 0.49)[:800]
    truth = calls[common]
    splits = np.where(np.arange(len(people)) % 8 == 0, "holdout", "train")
    place = {"position_bp": chunk.variants.position_bp[common], "contig": "20", "phased": False}
    whole = people_of(["a"] * len(people), splits)
    store = store_of(tmp_path / "in.zip", np.sort(truth, axis=2), whole, **place)
    phased = phase(store, tmp_path / "out.zip").read()
    for split in ("train", "holdout"):
        error = switch_error(truth[:, splits == split], phased[:, splits == split])
        assert error < 0.05, split
