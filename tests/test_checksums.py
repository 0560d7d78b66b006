"""What a job wrote is compared with its checksum by the jobs that read it."""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import REPOSITORY

from syncohort.checksums import FOLDER, Checksums, FilesAtRest, results_folder, verify_given
from syncohort.errors import InputError
from syncohort.files import private_folder, unlock

JOB = """
import os, sys
from pathlib import Path
from types import SimpleNamespace
sys.path.insert(0, {package!r})
from syncohort.job import job
settings = SimpleNamespace(
    log=["results/c/logs/step.log"], threads=1, rule="step", wildcards={{}},
    input={inputs!r}, output={outputs!r},
)
with job(settings):
    {body}
"""


@pytest.fixture
def results(tmp_path) -> Path:
    folder = tmp_path / "results/c"
    (folder / "logs").mkdir(parents=True)
    return folder


def run_job(results, body="pass", inputs=(), outputs=()) -> tuple[int, str]:
    """Run a job in the folder that holds results; its exit code and its log."""
    paths = {
        "inputs": [os.path.join("results/c", name) for name in inputs],
        "outputs": [f"results/c/{name}" for name in outputs],
    }
    code = JOB.format(package=str(REPOSITORY / "workflow/src"), body=body, **paths)
    command = [sys.executable, "-c", code]
    ended = subprocess.run(command, cwd=results.parents[1], capture_output=True, check=False)
    return ended.returncode, (results / "logs/step.log").read_text()


WRITE = "Path('results/c/table.tsv').write_text('a\\tb\\n1\\t2\\n')"
DAMAGES = {
    "cut": lambda file: file.write_bytes(file.read_bytes()[:-3]),
    "flipped": lambda file: file.write_bytes(file.read_bytes().replace(b"1", b"0")),
    "emptied": lambda file: file.write_bytes(b""),
    "of another": lambda file: file.write_text("a\tb\n2\t1\n"),
}


@pytest.fixture
def written(results) -> Path:
    code, log = run_job(results, WRITE, outputs=["table.tsv"])
    assert code == 0, log
    return results


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_file_damaged_after_it_was_written_is_named_to_its_reader(written, damage):
    assert run_job(written, inputs=["table.tsv"])[0] == 0
    DAMAGES[damage](written / "table.tsv")
    code, log = run_job(written, inputs=["table.tsv"])
    n_bytes = (written / "table.tsv").stat().st_size
    assert code == 1 and "Traceback" not in log
    assert f"results/c/table.tsv ({n_bytes} bytes): cut short, damaged or replaced" in log
    assert "delete it and run again" in log
    run_job(written, WRITE, outputs=["table.tsv"])
    assert run_job(written, inputs=["table.tsv"])[0] == 0


def test_a_file_that_went_is_named(written):
    (written / "table.tsv").unlink()
    code, log = run_job(written, inputs=["table.tsv"])
    assert code == 1 and "results/c/table.tsv: it is gone" in log and "Traceback" not in log


def test_what_a_killed_job_left_is_not_read(written):
    half = "Path('results/c/table.tsv').write_text('a'); os.kill(os.getpid(), 9)"
    assert run_job(written, half, outputs=["table.tsv"])[0] == -9
    code, log = run_job(written, inputs=["table.tsv"])
    assert code == 1 and "table.tsv (1 bytes): the job that writes it has not ended well" in log


def test_files_without_a_checksum_and_files_of_others_are_taken_as_they_are(written, tmp_path):
    shutil.rmtree(written / "checksums")
    (written / "table.tsv").write_text("of an older version")
    assert run_job(written, inputs=["table.tsv"])[0] == 0
    outside = tmp_path / "labels.tsv"
    outside.write_text("x")
    Checksums(written).record([outside])
    assert not (written / "checksums").exists()


def test_the_checksums_are_what_sha256sum_reads(written):
    lists = [str(file) for file in written.rglob("checksums/**/*.sha256")]
    assert len(lists) == 1
    command = ["sha256sum", "--check", "--strict", *lists]
    assert subprocess.run(command, cwd=written, capture_output=True, check=False).returncode == 0
    Checksums(written).record([written / "table.tsv"], [written / "table.tsv"])
    assert "# made of" in Path(lists[0]).read_text()
    assert subprocess.run(command, cwd=written, capture_output=True, check=False).returncode == 0
    DAMAGES["flipped"](written / "table.tsv")
    assert subprocess.run(command, cwd=written, capture_output=True, check=False).returncode == 1


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_list_of_checksums_passes_nothing(written, damage):
    DAMAGES[damage](written / "checksums/table.tsv.sha256")
    code, log = run_job(written, inputs=["table.tsv"])
    if code == 0:  # the name of the file, which nobody reads
        assert damage == "cut"
    else:
        assert "table.tsv" in log


def test_all_damaged_files_are_named_at_once(written):
    files = [written / name for name in ("a.npy", "table.tsv", "b.npz")]
    for file in files:
        file.write_text("whole")
    checksums = Checksums(written)
    checksums.record(files)
    checksums.verify(files)
    for file in files[:2]:
        file.write_text("wholf")
    with pytest.raises(InputError, match=r"\(2\)") as error:
        checksums.verify(files)
    assert "a.npy" in str(error.value) and "b.npz" not in str(error.value)


def test_an_input_that_changes_while_it_is_read_fails_the_job(results):
    file = results / "labels.tsv"
    file.write_text("x")
    change = "Path('results/c/labels.tsv').write_text('y'); " + WRITE
    code, log = run_job(results, change, inputs=["labels.tsv"], outputs=["table.tsv"])
    assert code == 1 and "results/c/labels.tsv: changed while it was read" in log
    code, log = run_job(results, inputs=["table.tsv"])
    assert code == 1 and "has not ended well" in log


@pytest.mark.parametrize("how", ["replaced", "appended", "removed", "dated back"])
def test_what_happens_to_a_file_is_seen(tmp_path, how):
    file, other = tmp_path / "a", tmp_path / "b"
    file.write_text("x")
    other.write_text("y")
    date = file.stat().st_mtime_ns
    os.utime(other, ns=(date, date))
    rest = FilesAtRest([file])
    rest.require_unchanged()
    if how == "replaced":  # by one of the same size and date
        os.replace(other, file)
    elif how == "appended":
        file.write_text("xy")
        os.utime(file, ns=(date, date))
    elif how == "removed":
        file.unlink()
    else:
        os.utime(file, ns=(date - 10**9, date - 10**9))
    with pytest.raises(InputError, match="changed while it was read"):
        rest.require_unchanged()


def test_the_folder_of_a_cohort_is_found_from_a_log():
    assert results_folder("results/c/logs/fit/x.log") == Path("results/c")
    assert results_folder("x.log") == Path()


# --- dates of a clock that was set back


DAY = 86_400


def dates_of(folder) -> dict[str, float]:
    return {file.name: file.stat().st_mtime for file in folder.iterdir() if file.is_file()}


def test_what_a_killed_job_left_of_a_list_is_passed_over(results):
    file = results / "a"
    file.write_text("a")
    Checksums(results).record([file])
    left = private_folder(results / FOLDER / "b.sha256")
    (left / "b.sha256").write_text("half of a li")
    unlock(left)  # as of a job that has ended
    Checksums(results).put_dates_in_order()
    Checksums(results).verify([file])


@pytest.mark.parametrize("days", [0, 30, -30])
def test_dates_follow_what_files_were_made_of(results, days):
    """a is made, b of a, c of b; then another a, whose date may lie before theirs."""
    files = [results / name for name in "abc"]
    checksums = Checksums(results)
    for k, (file, sources) in enumerate(zip(files, ([], files[:1], files[1:2]), strict=True)):
        file.write_text(file.name)
        checksums.record([file], sources)
        date = time.time() + days * DAY - k  # each before its source
        os.utime(file, (date, date))
    files[0].write_text("a")  # anew with the same content
    checksums.record(files[:1])
    checksums.put_dates_in_order()
    dates = dates_of(results)
    assert dates["a"] <= dates["b"] <= dates["c"] <= time.time()
    checksums.put_dates_in_order()
    assert dates_of(results) == dates
    files[0].write_text("another")
    checksums.record(files[:1])
    checksums.put_dates_in_order()
    after = dates_of(results)
    assert after["b"] < after["a"] <= time.time() and after["c"] == dates["c"]
    checksums.verify(files)


# --- lists that came with the user's files


LISTS = {
    "labels.tsv.md5": "{md5}  labels.tsv\n",
    "labels.tsv.sha256": "{sha256}\n",
    "MD5SUMS": "0123  other\n{md5} *data/labels.tsv\n",
    "SHA256SUMS": "{sha256}  ./labels.tsv\n",
    "md5sum.txt": "MD5 (labels.tsv) = {md5}\n",
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_beside_a_file_of_the_user_is_compared(tmp_path, results, name):
    file = tmp_path / "labels.tsv"
    file.write_text("sample\tgroup\np1\ta\n")
    digests = {k: hashlib.new(k, file.read_bytes()).hexdigest() for k in ("md5", "sha256")}
    (tmp_path / name).write_text(LISTS[name].format(**digests))
    assert verify_given([file]) == [f"{file}: as {tmp_path / name} says"]
    code, log = run_job(results, inputs=[str(file)])
    assert code == 0 and "labels.tsv: as " in log
    flipped = file.read_bytes().replace(b"a\n", b"b\n")
    file.write_bytes(flipped)
    with pytest.raises(InputError, match=f"labels.tsv: its .*{name} says .*copy it again"):
        verify_given([file])


@pytest.mark.parametrize("text", ["", "nonsense\n", "{md5}  other.tsv\n", "12  labels.tsv\n"])
def test_lists_that_say_nothing_of_a_file_do_not_count(tmp_path, text):
    file = tmp_path / "labels.tsv"
    file.write_text("x")
    (tmp_path / "MD5SUMS").write_text(text.format(md5="0" * 32))
    assert verify_given([file]) == []
