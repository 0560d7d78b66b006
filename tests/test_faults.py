"""What goes wrong under a run: kills, full disks, damaged files, two processes, dates that lie."""

import errno
import gzip
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile

import numpy as np
import pysam
import pytest
import torch
import yaml
from clones import clone, planned_rules, snakemake, start_snakemake
from cohorts import linked_calls, people_of, store_of
from conftest import REPOSITORY
from forks import told
from genotype_files import read_whole, vcf_of
from matplotlib.figure import Figure

from syncohort.cohort_store import CohortStore
from syncohort.config.study import parse_config
from syncohort.errors import InputError
from syncohort.figures.style import save
from syncohort.files import all_or_nothing, load_arrays, private_folder, save_arrays, write_rows
from syncohort.formats import contents
from syncohort.formats.contents import Contents
from syncohort.formats.readers import held_contigs, open_source
from syncohort.formats.vcf_writing import write_vcf
from syncohort.genotype_writing import CohortWriter
from syncohort.genotypes import People, Variants
from syncohort.job import temporary_files_in
from syncohort.training.state import StateFile

PATH = f"import sys; sys.path[:0] = [{str(REPOSITORY / 'workflow/src')!r}]\n"


def child(code, *arguments, **options) -> subprocess.Popen:
    command = [sys.executable, "-c", PATH + code, *map(str, arguments)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


def wait_for(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture
def store(tmp_path) -> CohortStore:
    people = people_of(["a", "b"] * 30)
    return store_of(tmp_path / "1.zarr.zip", linked_calls(50, people.label, seed=1), people)


# --- kills


HALF_A_FILE = """
import time
from pathlib import Path
import numpy as np
from syncohort.files import write_rows
def parts():
    yield np.ones((5, 3), np.float32)
    Path(sys.argv[1] + ".begun").touch()
    time.sleep(600)
write_rows(sys.argv[1], (10, 3), parts())
"""

HALF_A_STORE = """
import time
from pathlib import Path
import numpy as np
from syncohort.genotype_writing import CohortWriter
from syncohort.genotypes import People, Variants
people = People.unlabelled(["a", "b"])
with CohortWriter(sys.argv[1], people) as writer:
    variants = Variants("1", [5], ["rs"], [["A", "C"]])
    writer.append(variants, np.zeros((1, 2, 2), np.int8), True)
    Path(sys.argv[1] + ".begun").touch()
    time.sleep(600)
"""


@pytest.mark.parametrize("code", [HALF_A_FILE, HALF_A_STORE])
def test_a_writer_killed_on_its_way_leaves_no_file_and_the_next_try_no_leavings(tmp_path, code):
    path = tmp_path / "out"
    writer = child(code, path)
    wait_for(lambda: (tmp_path / "out.begun").exists() or writer.poll() is not None)
    writer.kill()
    assert writer.wait() == -signal.SIGKILL
    assert not path.exists() and list(tmp_path.glob(".partial-*"))
    if code is HALF_A_FILE:
        write_rows(path, (2, 3), [np.ones((2, 3), np.float32)])
        assert np.load(path).shape == (2, 3)
    else:
        variants = Variants("1", [5], ["rs"], [["A", "C"]])
        with CohortWriter(path, People.unlabelled(["a"])) as again:
            again.append(variants, np.zeros((1, 1, 2), np.int8), True)
        assert len(CohortStore(path).people) == 1
    assert sorted(file.name for file in tmp_path.iterdir()) == ["out", "out.begun"]


@pytest.mark.parametrize("code", [HALF_A_FILE, HALF_A_STORE])
def test_a_second_process_does_not_write_the_same_file(tmp_path, code):
    first = child(code, tmp_path / "out")
    try:
        wait_for(lambda: (tmp_path / "out.begun").exists() or first.poll() is not None)
        second = child(code, tmp_path / "out")
        _, words = second.communicate(timeout=120)
        assert second.returncode == 1 and "another process is writing it" in words
        assert first.poll() is None and list(tmp_path.glob(".partial-*/*"))
    finally:
        first.kill()
        first.wait()


def test_temporary_files_of_a_job_lie_beside_it_and_a_rerun_removes_them(tmp_path):
    code = """
import tempfile, time
from pathlib import Path
from types import SimpleNamespace
from syncohort.job import job
settings = SimpleNamespace(log=[sys.argv[1]], threads=1, rule="import", wildcards={})
with job(settings):
    Path(tempfile.mkdtemp(), "genotypes.bcf").touch()
    Path(sys.argv[1] + ".begun").touch()
    if len(sys.argv) > 2:
        time.sleep(600)
"""
    log = tmp_path / "logs/21.log"
    log.parent.mkdir()
    writer = child(code, log, "slowly")
    wait_for(lambda: (tmp_path / "logs/21.log.begun").exists() or writer.poll() is not None)
    writer.kill()
    writer.wait()
    assert list(tmp_path.glob("logs/.partial-21.log/*/genotypes.bcf"))
    again = child(code, log)
    assert again.wait() == 0
    assert not list(tmp_path.glob("**/genotypes.bcf")) and not list(tmp_path.glob("logs/.part*"))


# --- files without blocks, which cannot have an index


def two_chromosomes(path, *, packed=False):
    """Write a VCF of chromosomes 21 and 22, as text or compressed as a whole."""
    rows = [
        (contig, 100 * i, "A", "C", ".", ".", "GT", "0|1", "1|1", "0|0")
        for contig in ("21", "22")
        for i in range(1, 40)
    ]
    text = vcf_of(rows, contigs=("21", "22")).encode()
    path.write_bytes(gzip.compress(text) if packed else text)
    return str(path)


@pytest.mark.parametrize("packed", [False, True])
def test_the_chromosomes_of_text_are_found_without_a_copy(tmp_path, monkeypatch, packed):
    path = two_chromosomes(tmp_path / "g.vcf", packed=packed)
    folder = tmp_path / "temporary"
    folder.mkdir()
    with temporary_files_in(folder), monkeypatch.context() as patch:
        patch.setattr(pysam, "BGZFile", lambda *_: pytest.fail("genotypes are copied"))
        assert held_contigs("vcf", path) == ["21", "22"]
        assert not [file for file in folder.rglob("*") if file.is_file()]
    assert not folder.exists()


def test_of_text_the_chromosome_that_is_read_alone_is_copied(tmp_path, monkeypatch):
    path = two_chromosomes(tmp_path / "g.vcf")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    source = open_source("vcf", path)
    _, calls, *_ = read_whole(source, "22")
    assert calls.shape == (39, 3, 2) and source.counts() == {"21": 39, "22": 39}
    copies = [gzip.decompress(file.read_bytes()) for file in tmp_path.glob("*/*/genotypes.gz")]
    assert len(copies) == 1 and b"\n22\t" in copies[0] and b"\n21\t" not in copies[0]


def test_text_that_lost_its_end_is_refused_before_a_chromosome_is_named(tmp_path):
    path = two_chromosomes(tmp_path / "g.vcf")
    content = (tmp_path / "g.vcf").read_bytes()
    for kept in (content[:-3], gzip.compress(content)[:-30]):
        (tmp_path / "g.vcf").write_bytes(kept)
        with pytest.raises(InputError, match="g.vcf: .*[Tt]he file is cut short"):
            held_contigs("vcf", path)


LOOK_FOR_CHROMOSOMES = """
import tempfile, time
from pathlib import Path
from syncohort.files import temporary_folder
from syncohort.job import temporary_files_in
from syncohort.training.state import StateFile
with temporary_files_in(temporary_folder(Path(sys.argv[1]), "chromosomes")):
    Path(tempfile.mkdtemp(), "genotypes.bcf").touch()
    Path(sys.argv[2]).touch()
    time.sleep(float(sys.argv[3]))
"""


def test_processes_that_look_at_once_have_a_private_folder_each_and_leave_none(tmp_path):
    results, begun = tmp_path / "results/c", [tmp_path / "1", tmp_path / "2"]
    both = [child(LOOK_FOR_CHROMOSOMES, results, each, 600) for each in begun]
    wait_for(lambda: all(each.exists() for each in begun))
    folders = list(results.iterdir())
    assert len(folders) == 2
    assert {folder.stat().st_mode & 0o777 for folder in folders} == {0o700}
    both[0].kill()
    both[0].wait()
    third = child(LOOK_FOR_CHROMOSOMES, results, tmp_path / "3", 0)
    assert third.wait() == 0
    assert len(list(results.rglob("genotypes.bcf"))) == 1  # of the process that lives
    both[1].kill()
    both[1].wait()


# --- full disks


def test_a_file_larger_than_the_room_is_refused_before_it_is_written(tmp_path, monkeypatch):
    free = type(shutil.disk_usage(tmp_path))(10**9, 10**9 - 1000, 1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: free)
    with pytest.raises(InputError, match=r"no space left: .*a\.npy needs 0\.004 GB, 0\.000 GB are"):
        write_rows(tmp_path / "a.npy", (1000, 1000), iter([]))
    assert not list(tmp_path.iterdir())


def small_files() -> None:
    """Let this process write files of 64 KiB at most."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))


def write_store(path):
    rng = np.random.default_rng(1)
    store_of(path, rng.integers(0, 2, (2_000, 500, 2)), people_of(["a"] * 500))


WRITERS = {
    "latents": lambda path: write_rows(path, (99_999, 9), [np.ones((99_999, 9), np.float32)]),
    "arrays": lambda path: save_arrays(path, "test", {"a": np.ones(99_999)}),
    "store": write_store,
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_disk_that_fills_on_the_way_is_named_with_the_file(tmp_path, name):
    _, words = told(WRITERS[name], tmp_path / "out", first=small_files)
    assert (
        f"no space left: {tmp_path / 'out'} cannot be written" in words and "GB are free" in words
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_what_the_system_says_of_a_full_disk_becomes_a_sentence(tmp_path, number):
    with pytest.raises(InputError, match="no space left"), all_or_nothing(tmp_path / "a"):
        raise OSError(number, os.strerror(number))
    with pytest.raises(PermissionError), all_or_nothing(tmp_path / "a"):
        raise PermissionError(errno.EACCES, "no")


# --- damage


def rewrite(path, change):
    """Write a zip file again, of entries that `change` keeps or alters."""
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    change(entries)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)


@pytest.mark.parametrize(
    "chunk", ["call_genotype/0.0.0", "call_genotype_phased/0.0", "sample_id/0"]
)
def test_a_store_with_a_lost_chunk_is_named_and_not_read_as_zeros(store, chunk):
    if "phased" in chunk:  # where all is phased there is no such chunk
        store = store_of(store.path, store.read(), store.people, phased=False)
    rewrite(store.path, lambda entries: entries.pop(chunk))
    with pytest.raises(InputError, match=f"1.zarr.zip.*damaged.*chunk {chunk} is missing"):
        CohortStore(store.path)


def test_chunks_of_zeros_alone_are_there(tmp_path):
    store = store_of(tmp_path / "1.zip", np.zeros((4_000, 600, 2)), people_of(["a"] * 600))
    assert not store.read().any() and store.read_phasing().all()


def test_a_store_that_is_cut_short_is_named(store):
    content = store.path.read_bytes()
    for size in (0, 10, len(content) // 2, len(content) - 5):
        store.path.write_bytes(content[:size])
        with pytest.raises(InputError, match="1.zarr.zip: the cohort dataset is damaged"):
            CohortStore(store.path)


def test_a_flipped_bit_never_gives_other_genotypes(store):
    content, truth = store.path.read_bytes(), store.read()
    rng, n_found = np.random.default_rng(0), 0
    for place in rng.integers(0, len(content), 60).tolist():
        broken = bytearray(content)
        broken[place] ^= 1 << int(rng.integers(8))
        store.path.write_bytes(broken)
        try:
            again = CohortStore(store.path)
            assert np.array_equal(again.read(), truth)
            assert again.people.id.tolist() == store.people.id.tolist()
        except InputError as error:
            assert "1.zarr.zip" in str(error)
            n_found += 1
    assert n_found > 20


def test_a_flipped_bit_of_a_fitted_file_never_gives_other_numbers(tmp_path):
    truth = np.random.default_rng(0).random(500)
    save_arrays(tmp_path / "m.npz", "model", {"a": truth})
    content = (tmp_path / "m.npz").read_bytes()
    for place in range(0, len(content), 97):
        broken = bytearray(content)
        broken[place] ^= 16
        (tmp_path / "m.npz").write_bytes(broken)
        try:
            assert np.array_equal(load_arrays(tmp_path / "m.npz", "model")["a"], truth)
        except InputError as error:
            assert "m.npz" in str(error)


def test_a_flipped_bit_of_a_training_state_never_goes_on_with_other_weights(tmp_path):
    path, device = tmp_path / "state.pt", torch.device("cpu")
    weights, progress = torch.rand(3_000), {"step": 5, "history": [{"loss": 1.5}]}
    StateFile(path, "digest", 0).save({"weights": weights, "progress": progress})
    content, rng, n_found = path.read_bytes(), np.random.default_rng(0), 0
    for place in rng.integers(0, len(content), 60).tolist():
        broken = bytearray(content)
        broken[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(broken)
        state = StateFile(path, "digest", 0).load(device)
        n_found += state is None  # training starts anew, which the log says
        if state is not None:
            assert torch.equal(state["weights"], weights) and state["progress"] == progress
    assert n_found > 40


# --- inputs: their content decides


def replace(path, text, date=None):
    """Put another file in a file's place, as mv, rsync -t or a restored backup do."""
    other = path.with_name("other")
    other.write_text(text)
    if date is not None:
        os.utime(other, ns=(date, date))
    os.replace(other, path)


def test_the_digest_is_of_the_content_and_not_of_dates(tmp_path):
    path, known = tmp_path / "labels.tsv", Contents(tmp_path / "notes/contents.json")
    path.write_text("one")
    first, date = known.digest([path]), path.stat().st_mtime_ns
    for when in (date, date - 10**18, date + 10**12):
        replace(path, "two", when)
        assert known.digest([path]) != first
        replace(path, "one", when)
        assert known.digest([path]) == first
        assert Contents(tmp_path / "notes/contents.json").digest([path]) == first
    path.write_text("two")  # in place, as cp does, and dated back
    os.utime(path, ns=(date, date))
    assert known.digest([path]) != first
    assert known.digest([]) == "" and known.digest([tmp_path / "none"]) != first
    assert known.digest([path, path]) != known.digest([path])
    link = tmp_path / "link"
    link.symlink_to(path)
    first = known.digest([link])
    assert first == known.digest([path])
    (tmp_path / "another").write_text("three")
    link.unlink()
    link.symlink_to(tmp_path / "another")
    assert known.digest([link]) != first


def test_files_that_change_after_they_were_looked_at_are_known(tmp_path):
    path, other, known = tmp_path / "a", tmp_path / "b", Contents(tmp_path / "notes")
    path.write_text("one")
    other.write_text("one")
    known.digest([path, other])
    assert known.changed() == []
    replace(path, "two", path.stat().st_mtime_ns)
    known.digest([path])  # for another job
    assert known.changed() == [str(path)]
    replace(path, "one")
    other.unlink()
    assert known.changed() == [str(other)]


def test_a_folder_that_cannot_be_written_costs_the_notes_alone(tmp_path):
    path = tmp_path / "labels.tsv"
    path.write_text("sample\n")
    path.with_name("notes").write_text("a file, where the folder would be")
    first = Contents(tmp_path / "notes/contents.json").digest([path])
    assert Contents(tmp_path / "notes/contents.json").digest([path]) == first


def test_an_unchanged_file_is_read_once_and_lost_notes_change_nothing(tmp_path, monkeypatch):
    path, notes = tmp_path / "g.vcf", tmp_path / "contents.json"
    path.write_text("genotypes")
    first = Contents(notes).digest([path])
    with monkeypatch.context() as patch:
        patch.setattr(contents, "sha256", lambda path: pytest.fail("read again"))
        assert Contents(notes).digest([path]) == first
    for text in ("", "{", "[]x"):
        notes.write_text(text)
        assert Contents(notes).digest([path]) == first


def test_of_large_files_size_ends_and_pieces_between_count(tmp_path, monkeypatch):
    monkeypatch.setattr(contents, "WHOLE_BYTES", 1000)
    monkeypatch.setattr(contents, "_SAMPLE_BYTES", 10)
    path, known = tmp_path / "big", Contents(tmp_path / "notes")
    content = bytes(range(250)) * 40
    digests = {b"": None}
    for part in (content, content + b"x", b"x" + content[1:], content[:-1] + b"x"):
        path.write_bytes(part)
        digests[part] = known.digest([path])
    assert len(set(digests.values())) == 5
    path.write_bytes(content)
    assert known.digest([path]) == digests[content]


@pytest.mark.slow
def test_a_run_follows_the_content_of_its_inputs(tmp_path):
    folder = clone(tmp_path / "clone")
    data = folder / "data"
    data.mkdir()
    people = people_of(["a", "b"] * 30)
    calls = linked_calls(60, people.label, seed=1)
    write_vcf(store_of(data / "s.zip", calls, people), data / "g.vcf.gz")
    write_vcf(store_of(data / "t.zip", 1 - calls, people), data / "h.vcf.gz")
    rows = [f"{name}\t{label}\n" for name, label in zip(people.id, people.label, strict=True)]
    (data / "labels.tsv").write_text("sample\tgroup\n" + "".join(rows))
    (data / "genes.gtf").write_text('1\tx\tgene\t1\t90000\t.\t+\t.\tgene_id "g";\n')
    (data / "kin.tsv").write_text("ID1\tID2\tKINSHIP\np0\tp2\t0.25\n")
    study = {
        "cohort": "c",
        "input": {"kind": "vcf", "path": "data/g.vcf.gz"},
        "labels": {"table": "data/labels.tsv", "label_column": "group", "minimum_people": 5},
        "genes": {"annotation": "data/genes.gtf"},
        "split": {"kinship_table": "data/kin.tsv"},
        "generators": {"copies": {"kind": "independent"}},
    }
    (folder / "own.yaml").write_text(yaml.safe_dump(study))
    target = "results/c/draw_alleles/copies/1.zarr.zip"
    result = snakemake(folder, target, study="own.yaml")
    assert result.returncode == 0, result.stdout + result.stderr
    assert (folder / "results/c").stat().st_mode & 0o777 == 0o700

    labels = (data / "labels.tsv").read_text()
    part = ["--forcerun", "draw_alleles"]
    running = start_snakemake(folder, target, *part, study="own.yaml")
    log = folder / "results/c/logs/draw_alleles/copies/1.log"
    log.unlink()
    wait_for(lambda: log.exists() or running.poll() is not None)
    replace(data / "labels.tsv", labels + "\n")
    assert running.wait() == 1
    assert "data/labels.tsv: changed during the run" in (folder / "run.log").read_text()
    replace(data / "labels.tsv", labels)

    for file in [*data.iterdir(), *(folder / "resources").iterdir()]:
        os.utime(file)
    assert planned_rules(folder, target, study="own.yaml") == set()
    moved = shutil.copytree(folder, tmp_path / "moved")
    assert planned_rules(moved, target, study="own.yaml") == set()

    first = {"genes.gtf": "examine|check", "labels.tsv": "join|check", "kin.tsv": "split"}
    for name, rules in first.items():
        before = (data / name).read_text()
        replace(data / name, before.replace("p4", "p5").replace("90000", "80000") + "\n", 10**18)
        if name == "kin.tsv":
            replace(data / name, before.replace("p2", "p4"), 10**18)
        planned = planned_rules(folder, target, study="own.yaml")
        assert any(rule.startswith(tuple(rules.split("|"))) for rule in planned), name
        replace(data / name, before, 10**18)
        assert planned_rules(folder, target, study="own.yaml") == set()
    os.utime(data / "h.vcf.gz", ns=(10**18, 10**18))
    os.replace(data / "h.vcf.gz", data / "g.vcf.gz")
    pysam.tabix_index(str(data / "g.vcf.gz"), preset="vcf", force=True)
    assert "import_chromosome" in planned_rules(folder, target, study="own.yaml")


# --- words of the user


def test_a_dollar_in_a_label_is_a_dollar(tmp_path):
    figure = Figure()
    ax = figure.add_subplot(title="$x_{$ of $\\frac{$")
    ax.plot([1, 10, 1000], [1, 2, 3], label="$x_{$")
    ax.set_xscale("log")
    ax.set_yticks([1, 2], ["$x_{$", "US$ and CA$"])
    ax.legend()
    save(figure, tmp_path / "a.svg")
    text = (tmp_path / "a.svg").read_text()
    assert "US$ and CA$" in text and "mathdefault" not in text


@pytest.mark.slow
def test_results_that_cannot_be_written_stop_the_run_at_its_start(tmp_path):
    folder = clone(tmp_path / "clone")
    (folder / "results").write_text("a file")
    result = snakemake(folder, "results/tiny/simulate_people/people.tsv")
    said = result.stdout + result.stderr
    assert result.returncode == 1 and "results/tiny: cannot be written: " in said
    assert "Traceback" not in said


def test_results_are_private_unless_the_configuration_says_so():
    assert parse_config({}).compute.private_results
    assert not parse_config({"compute": {"private_results": False}}).compute.private_results


def test_a_private_folder_is_emptied_for_the_same_process(tmp_path):
    folder = private_folder(tmp_path / "a")
    (folder / "old").mkdir()
    (folder / "old/file").touch()
    assert private_folder(tmp_path / "a") == folder and not (folder / "old").exists()
