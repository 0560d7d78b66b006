"""Public data sets: the table of them, and downloads from servers that fail in every way."""

import gzip
import hashlib
import re
import subprocess
from dataclasses import replace

import numpy as np
import pytest
from clones import clone, planned_rules, snakemake
from conftest import REPOSITORY
from http_source import Source, serving

from syncohort.config.study import parse_config
from syncohort.errors import InputError
from syncohort.resources import download
from syncohort.resources.checks import digest
from syncohort.resources.download import fetch
from syncohort.resources.registry import RemoteFile, dataset_of, datasets, remote_file

CONTENT = np.random.default_rng(1).bytes(3_000_000)
NAME = "/a/people.txt"
MD5 = f"md5:{hashlib.md5(CONTENT).hexdigest()}"
NO_PAUSE = {"tries": 3, "pause_seconds": 0}


def remote_of(source: Source, **changes) -> RemoteFile:
    found = RemoteFile(f"{source.url}{NAME}", None, MD5, "http://example.org/page")
    return replace(found, **changes)


def left_in(folder) -> set[str]:
    """The files below a folder, without the locks."""
    return {
        str(file.relative_to(folder))
        for file in folder.rglob("*")
        if file.is_file() and file.suffix != ".lock"
    }


WHOLE = {"people.txt", "people.txt.sha256", ".kept/people.txt"}


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"says_length": False},
        {"refusals": [503, 429]},
        {"cut_after": [1_000_000, 500_000, 1]},
        {"cut_after": [1_000_000], "ranges": False},
    ],
    ids=["plain", "no length", "busy", "cut", "cut, no ranges"],
)
def test_a_file_arrives_whole_and_right(tmp_path, how, caplog):
    with serving(Source({NAME: CONTENT}, **how)) as source, caplog.at_level("INFO"):
        fetch(remote_of(source), tmp_path / "people.txt", **NO_PAUSE)
    assert (tmp_path / "people.txt").read_bytes() == CONTENT
    assert left_in(tmp_path) == WHOLE
    assert f"{MD5.replace(':', ' ')}, as published at http://example.org/page" in caplog.text
    done = subprocess.run(["sha256sum", "-c", "people.txt.sha256"], cwd=tmp_path, check=False)
    assert done.returncode == 0


def test_the_rest_is_asked_for_and_nothing_twice(tmp_path):
    with serving(Source({NAME: CONTENT}, cut_after=[1_000_000, 500_000])) as source:
        fetch(remote_of(source), tmp_path / "people.txt", **NO_PAUSE)
        assert source.asked == [
            (NAME, None),
            (NAME, "bytes=1000000-"),
            (NAME, "bytes=1500000-"),
        ]


def test_another_run_goes_on_where_one_gave_up(tmp_path):
    with serving(Source({NAME: CONTENT}, cut_after=[2_000_000, 0, 0, 0])) as source:
        with pytest.raises(InputError) as caught:
            fetch(remote_of(source), tmp_path / "people.txt", **NO_PAUSE)
        assert "cut at 2,000,000 of 3,000,000 bytes; 3 tries in a row" in str(caught.value)
        assert "snakemake --cores 1 fetch_resources --configfile" in str(caught.value)
        assert not (tmp_path / "people.txt").exists()
        fetch(remote_of(source), tmp_path / "people.txt", **NO_PAUSE)
        assert source.asked[-1] == (NAME, "bytes=2000000-")
    assert (tmp_path / "people.txt").read_bytes() == CONTENT


@pytest.mark.parametrize("ranges", [True, False])
def test_a_file_that_changed_meanwhile_is_begun_anew(tmp_path, ranges):
    """The bytes of two versions are never mixed."""
    new = CONTENT[::-1] + b"more"
    with serving(Source({NAME: CONTENT}, cut_after=[1_000_000, 0, 0, 0])) as source:
        remote = remote_of(source, checksum=None)
        with pytest.raises(InputError):
            fetch(remote, tmp_path / "people.txt", **NO_PAUSE)
        source.files[NAME], source.ranges = new, ranges
        fetch(remote, tmp_path / "people.txt", **NO_PAUSE)
    assert (tmp_path / "people.txt").read_bytes() == new


def test_a_shorter_file_is_begun_anew(tmp_path):
    with serving(Source({NAME: CONTENT}, cut_after=[1_000_000, 0, 0, 0])) as source:
        remote = remote_of(source, checksum=None)
        with pytest.raises(InputError):
            fetch(remote, tmp_path / "people.txt", **NO_PAUSE)
        source.files[NAME] = b"short"
        source.etag = lambda path: f'"{hash(CONTENT)}"'  # a server that does not say so
        fetch(remote, tmp_path / "people.txt", **NO_PAUSE)
    assert (tmp_path / "people.txt").read_bytes() == b"short"


@pytest.mark.parametrize("checksum", ["md5", "sha256", "git"])
def test_a_wrong_checksum_deletes_the_download_and_says_both(tmp_path, checksum):
    wrong = f"{checksum}:{'0' * 32}"
    with serving(Source({NAME: CONTENT})) as source, pytest.raises(InputError) as caught:
        fetch(remote_of(source, checksum=wrong), tmp_path / "people.txt", **NO_PAUSE)
    (tmp_path / "content").write_bytes(CONTENT)
    found = digest(tmp_path / "content", checksum)
    assert f"has the {checksum} {found}, as published at http://example.org/page is {'0' * 32}" in (
        str(caught.value)
    )
    assert left_in(tmp_path) == {"content"}


def test_the_id_of_a_git_blob(tmp_path):
    (tmp_path / "content").write_bytes(CONTENT)
    command = ["git", "hash-object", "--no-filters", "content"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert digest(tmp_path / "content", "git") == done.stdout.strip()


def test_without_a_published_checksum_the_first_download_is_the_measure(tmp_path, caplog):
    target = tmp_path / "people.txt"
    with serving(Source({NAME: CONTENT})) as source, caplog.at_level("INFO"):
        remote = remote_of(source, checksum=None)
        fetch(remote, target, **NO_PAUSE)
        assert "no published checksum; its SHA-256 is noted on first download" in caplog.text
        (tmp_path / ".kept/people.txt").unlink()
        source.files[NAME] = CONTENT[:-1] + b"?"
        with pytest.raises(InputError, match=r"as noted at the first download, in .*sha256 is"):
            fetch(remote, target, **NO_PAUSE)
        source.files[NAME] = CONTENT
        fetch(remote, target, **NO_PAUSE)


def test_what_snakemake_deletes_is_not_downloaded_again(tmp_path, caplog):
    target = tmp_path / "people.txt"
    with serving(Source({NAME: CONTENT})) as source, caplog.at_level("INFO"):
        fetch(remote_of(source), target, **NO_PAUSE)
        target.unlink()
        fetch(remote_of(source), target, **NO_PAUSE)
        assert len(source.asked) == 1 and "kept from a download before" in caplog.text
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("length", [2_999_999, 3_000_001])
@pytest.mark.parametrize("says_length", [True, False])
def test_another_length_than_the_published_one(tmp_path, length, says_length):
    with serving(Source({NAME: CONTENT}, says_length=says_length)) as source:
        remote = remote_of(source, n_bytes=length)
        with pytest.raises(InputError, match=rf"3,000,000 bytes, and {length:,} are published"):
            fetch(remote, tmp_path / "people.txt", **NO_PAUSE)
    assert left_in(tmp_path) == set()


def test_a_file_that_is_not_there_is_not_asked_for_again(tmp_path):
    with serving(Source({})) as source:
        with pytest.raises(InputError, match=r"there is no such file \(HTTP 404\).*example.org"):
            fetch(remote_of(source), tmp_path / "people.txt", **NO_PAUSE)
        assert len(source.asked) == 1
    assert left_in(tmp_path) == set()


def test_no_network(tmp_path):
    with serving(Source({})) as source:
        remote = remote_of(source)  # nobody listens there afterwards
    with pytest.raises(InputError, match=r"no connection .*Is there a network here\?"):
        fetch(remote, tmp_path / "people.txt", **NO_PAUSE)


def test_pauses_grow(tmp_path, monkeypatch):
    pauses = []
    monkeypatch.setattr(download.time, "sleep", pauses.append)
    refusals = [503, 503, 503, 503]
    with serving(Source({NAME: CONTENT}, refusals=refusals)) as source:
        fetch(remote_of(source), tmp_path / "people.txt", tries=5, pause_seconds=100)
    assert pauses == [100, 200, 300, 300]


def test_the_room_on_the_disk_is_looked_at_before(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "syncohort.files.shutil.disk_usage", lambda path: type("Usage", (), {"free": 1_000_000})
    )
    expected = r"needs 0.003 GB, 0.001 GB are free.*`resources`"
    with serving(Source({NAME: CONTENT})) as source, pytest.raises(InputError, match=expected):
        fetch(remote_of(source), tmp_path / "people.txt", **NO_PAUSE)
    assert not (tmp_path / "people.txt").exists()


# --- the table


def test_every_file_of_the_table_has_a_place_a_source_and_a_licence():
    known = datasets()
    assert {"1kg-phase3", "1kg-30x", "gencode-v19", "grch37", "grch38"} <= known.keys()
    for name, dataset in known.items():
        assert all((dataset.version, dataset.what, dataset.licence, dataset.source)), name
        assert len(set(dataset.all_names)) == len(dataset.all_names) > 0
        for file in dataset.all_names:
            remote = remote_file(name, file)
            assert remote.url.startswith("https://") and "{" not in remote.url
            kind, _, value = (remote.checksum or "md5:" + 32 * "0").partition(":")
            assert len(value) == {"md5": 32, "sha256": 64, "git": 40}[kind] and int(value, 16) >= 0


def test_every_checksum_is_of_a_file_of_the_table():
    from syncohort.resources.registry import TABLES, _rows

    listed = [(row["dataset"], row["file"]) for row in _rows(TABLES / "checksums.tsv")]
    assert len(set(listed)) == len(listed)
    assert all(file in datasets()[name].all_names for name, file in listed)


def test_a_path_may_begin_at_the_users_own_folder(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    study = {
        "resources": "~/data",
        "input": {"kind": "plink", "path": "~/cohort", "reference": ["~/a.fa", "b.fa"]},
        "labels": {"missing": ["~", "~9/10"]},
        "genes": {"annotation": "resource:gencode-v19"},
        "evaluation": {"calibration": {"m": {"kind": "mosaic", "recombination_map": "~/x.map"}}},
    }
    found = parse_config(study)
    assert found.resources == "/home/me/data" and found.input.path == "/home/me/cohort"
    assert found.input.reference == ["/home/me/a.fa", "b.fa"]
    assert found.genes.annotation.startswith("/home/me/data/gencode-v19/")
    assert found.evaluation.calibration["m"].recombination_map == "/home/me/x.map"
    assert found.labels.missing == ["~", "~9/10"]


def test_names_become_paths():
    study = {
        "resources": "here",
        "input": {"kind": "vcf", "path": "resource:1kg-phase3"},
        "labels": {"table": "resource:1kg-phase3-panel"},
        "genes": {"annotation": "resource:gencode-v19"},
    }
    found = parse_config(study)
    assert found.input.path.startswith("here/1kg-phase3/ALL.chr{chrom}.phase3")
    assert found.genes.annotation == "here/gencode-v19/gencode.v19.annotation.gtf.gz"
    assert dataset_of(found.genes.annotation, "here").name == "gencode-v19"
    assert dataset_of("there/gencode-v19/gencode.v19.annotation.gtf.gz", "here") is None
    study["labels"]["table"] = "resource:1kg-panel"
    study["genes"]["annotation"] = "resource:gencode-19"
    with pytest.raises(InputError) as caught:
        parse_config(study)
    assert "genes.annotation: resource:gencode-19: no such data set." in str(caught.value)
    assert "Did you mean resource:gencode-v19?" in str(caught.value)
    assert "labels.table: resource:1kg-panel: no such data set." in str(caught.value)


# --- through the workflow


def small_vcf(n_people=12, n_variants=30) -> bytes:
    rng = np.random.default_rng(2)
    names = [f"P{i}" for i in range(n_people)]
    lines = ["##fileformat=VCFv4.2", "##contig=<ID=22,length=51304566>"]
    lines.append('##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">')
    lines.append(
        "\t".join(["#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT".replace(" ", "\t"), *names])
    )
    for position in range(n_variants):
        calls = [f"{a}|{b}" for a, b in rng.integers(0, 2, (n_people, 2))]
        lines.append(
            "\t".join(["22", f"{position + 1}", ".", "A", "C", ".", ".", ".", "GT", *calls])
        )
    return gzip.compress("\n".join([*lines, ""]).encode())


PUBLIC = {"/chr22.vcf.gz": small_vcf(), "/people.txt": b"sample\tpop\n"}
PUBLIC["/people.txt"] += b"".join(b"P%d\t%s\n" % (i, b"ab"[i % 2 : i % 2 + 1]) for i in range(12))
STUDY = """
cohort: public
input: {kind: vcf, path: "resource:calls"}
labels: {table: "resource:people", id_column: sample, label_column: pop}
genes: {intergenic: own}
"""


def table_of(folder, url: str, checksum: str) -> None:
    """Data sets of a clone that are served at `url`."""
    head = ("name", "version", "what", "build", "chromosomes", "url", "endings")
    head += ("bytes", "checksum", "licence", "source")
    rows = [
        ("calls", "1", "genotypes", "GRCh37", "22", f"{url}/chr{{chrom}}.vcf.gz", "", "", ""),
        ("people", "1", "labels", "", "", f"{url}/people.txt", "", "", checksum),
    ]
    lines = ["\t".join(head), *("\t".join((*row, "none", "http://example.org")) for row in rows)]
    (folder / "resources/datasets.tsv").write_text("\n".join(lines) + "\n")
    lines = ["dataset\tfile\tbytes\tchecksum\tsource", "calls\tchr22.vcf.gz\t\t\t"]
    (folder / "resources/checksums.tsv").write_text("\n".join(lines) + "\n")


@pytest.mark.slow
def test_a_study_that_names_no_public_data_has_nothing_to_fetch(tmp_path):
    result = snakemake(clone(tmp_path / "clone"), "--dry-run", "fetch_resources")
    assert result.returncode == 1
    assert "The study tiny names no public data (resource:NAME)" in result.stdout


@pytest.mark.slow
def test_a_study_fetches_what_it_names(tmp_path):
    """A wrong checksum stops it, with both; then all is fetched once and read."""
    folder = clone(tmp_path / "clone")
    (folder / "study.yaml").write_text(STUDY)
    people = "results/public/join_labels/people.tsv"
    with serving(Source(dict(PUBLIC))) as source:
        table_of(folder, source.url, f"md5:{'0' * 32}")
        failed = snakemake(folder, "fetch_resources", study="study.yaml")
        right = hashlib.md5(PUBLIC["/people.txt"]).hexdigest()
        assert failed.returncode and f"has the md5 {right}, as published" in failed.stderr
        assert not (folder / "resources/data/people/people.txt").exists()
        table_of(folder, source.url, f"md5:{right}")
        done = snakemake(folder, people, study="study.yaml")
        assert done.returncode == 0, done.stdout + done.stderr
        asked = [path for path, _ in source.asked]
        assert sorted(asked) == ["/chr22.vcf.gz", "/people.txt", "/people.txt"]
    assert len((folder / people).read_text().splitlines()) == 13
    log = (folder / "results/public/logs/fetch_resource/calls/chr22.vcf.gz.log").read_text()
    assert "no published checksum; its SHA-256 is noted on first download" in log
    assert planned_rules(folder, people, study="study.yaml") == set()


STUDIES = {path.stem: path.read_text() for path in sorted((REPOSITORY / "config").glob("*.yaml"))}
OWN = "/data/cohort"  # of config/case-control.yaml: the user's


@pytest.mark.parametrize("name", [name for name in STUDIES if name not in ("config", "my_study")])
def test_no_study_of_config_names_files_outside_the_clone(name):
    found = re.findall(r"(?:path|bim|table|annotation|statistics): (\S+)", STUDIES[name])
    assert all(file.startswith("resource:") or file == OWN for file in found)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in STUDIES if ": resource:" in STUDIES[name]])
def test_every_study_of_public_data_can_be_planned_in_a_fresh_clone(name, tmp_path):
    folder = clone(tmp_path / "clone")
    plink_set(tmp_path / "cohort")
    text = STUDIES[name].replace(OWN, str(tmp_path / "cohort"))
    (folder / "study.yaml").write_text(text)
    rules = planned_rules(folder, study="study.yaml")
    assert {"fetch_resource", "import_chromosome", "train_diffusion", "write_report"} <= rules


def plink_set(prefix) -> None:
    """An empty PLINK set of two chromosomes: a plan reads the names of the chromosomes."""
    lines = [f"{chrom}\trs{chrom}\t0\t{1000 + chrom}\tA\tC\n" for chrom in (1, 2)]
    prefix.with_suffix(".bim").write_text("".join(lines))
    prefix.with_suffix(".fam").write_text("F P 0 0 1 2\n")
    prefix.with_suffix(".bed").write_bytes(b"\x6c\x1b\x01\x00\x00")
