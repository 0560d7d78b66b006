"""Indexes that do not fit their file, and files that lost a part: no record is lost in silence."""

import os
import shutil
import struct

import numpy as np
import pysam
import pytest
from genotype_files import need, read_whole, run, simple_vcf, vcf_of, write_bgzip

from syncohort.errors import InputError
from syncohort.formats.readers import open_source

N = 3000


def records_of(path, contig="1") -> int:
    return int(run("bcftools", "view", "-H", path).count("\n"))


def read(path, contig="1"):
    source = open_source("vcf", str(path))
    variants, *_ = read_whole(source, contig)
    return len(variants), source.notes


def set_age(path, seconds):
    """Make a file so many seconds older than it is."""
    then = os.stat(path).st_mtime - seconds
    os.utime(path, (then, then))


def write(text, path, form):
    """A compressed VCF or BCF with an index; form: tbi, csi or bcf."""
    if form == "bcf":
        plain = path.with_suffix(".txt")
        plain.write_text(text)
        run("bcftools", "view", "-Ob", "-o", path, plain)
        plain.unlink()
        run("bcftools", "index", "--force", path)
        return f"{path}.csi"
    write_bgzip(text, path)
    run("bcftools", "index", "--force", f"--{form}", path)
    return f"{path}.{form}"


FORMS = ["tbi", "csi", "bcf"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("age", [3600, 0, -3600])
def test_an_index_of_fewer_records_is_replaced_whatever_its_date(form, age, tmp_path):
    need("bcftools")
    path = tmp_path / "g.vcf.gz"
    index = write(simple_vcf(N // 3), path, form)
    shutil.move(index, tmp_path / "kept")
    write(simple_vcf(N), path, form)
    shutil.move(tmp_path / "kept", index)
    shutil.copystat(path, index)
    set_age(index, age)
    listing = sorted(os.listdir(tmp_path))
    n_read, notes = read(path)
    assert n_read == records_of(path) == N
    (note,) = notes
    assert index in note and ("older" in note if age > 0 else "does not end where" in note)
    assert sorted(os.listdir(tmp_path)) == listing  # nothing beside the user's file


@pytest.mark.parametrize("form", FORMS)
def test_a_sound_index_is_used_as_it_is(form, tmp_path):
    need("bcftools")
    write(simple_vcf(N), tmp_path / "g.vcf.gz", form)
    assert read(tmp_path / "g.vcf.gz") == (N, [])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("age", [3600, 0])
def test_a_file_with_fewer_records_than_its_index_counts_stops(form, age, tmp_path):
    need("bcftools")
    path = tmp_path / "g.vcf.gz"
    index = write(simple_vcf(N), path, form)
    shutil.move(index, tmp_path / "kept")
    write(simple_vcf(N // 3), path, form)
    shutil.move(tmp_path / "kept", index)
    shutil.copystat(path, index)
    set_age(index, age)
    with pytest.raises(InputError, match=r"g.vcf.gz.*(lost a part|cannot be read)"):
        read(path)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("n", [2, N])
def test_an_index_from_before_a_chromosome_was_added_is_replaced(form, n, tmp_path):
    need("bcftools")
    rows = [(c, 10 * i, "A", "C", ".", ".", "GT", "0|1") for c in "12" for i in range(1, n)]
    path = tmp_path / "g.vcf.gz"
    index = write(vcf_of(rows[: n - 1], people=1, contigs="12"), path, form)
    shutil.move(index, tmp_path / "kept")
    write(vcf_of(rows, people=1, contigs="12"), path, form)
    shutil.move(tmp_path / "kept", index)
    os.utime(index)
    source = open_source("vcf", str(path))
    assert source.counts() == {"1": n - 1, "2": n - 1}
    assert "another was made for this run" in source.notes[0]


def test_the_newer_of_two_indexes_counts(tmp_path):
    need("bcftools")
    path = tmp_path / "g.vcf.gz"
    old = write(simple_vcf(N // 3), path, "csi")
    shutil.move(old, tmp_path / "kept")
    new = write(simple_vcf(N), path, "tbi")
    shutil.move(tmp_path / "kept", old)
    shutil.copystat(path, new)
    shutil.copystat(path, old)
    set_age(old, 3600)
    assert read(path) == (N, [])


def test_an_index_that_does_not_count_or_cannot_be_read_is_replaced(tmp_path):
    need("bcftools")
    path = tmp_path / "g.vcf.gz"
    index = write(simple_vcf(N), path, "tbi")
    _without_counts(index)
    os.utime(index)
    n_read, notes = read(path)
    assert n_read == N and ("does not count records" in notes[0] or "cannot be read" in notes[0])
    with open(index, "wb") as file:
        file.write(b"no index")
    n_read, notes = read(path)
    assert n_read == N and "cannot be read" in notes[0]


def _without_counts(index):
    """Take the pseudo-bins out of a .tbi: older tabix did not write these counts."""
    with pysam.BGZFile(index) as file:
        data = file.read()
    n_contigs, *_, names_length = struct.unpack_from("<8i", data, 4)
    at = 36 + names_length
    out = [data[:at]]
    for _ in range(n_contigs):
        (n_bins,) = struct.unpack_from("<i", data, at)
        at += 4
        bins = []
        for _ in range(n_bins):
            number, n_chunks = struct.unpack_from("<Ii", data, at)
            size = 8 + 16 * n_chunks
            if number != 37450:
                bins.append(data[at : at + size])
            at += size
        (n_intervals,) = struct.unpack_from("<i", data, at)
        rest = data[at : at + 4 + 8 * n_intervals]
        at += len(rest)
        out += [struct.pack("<i", len(bins)), *bins, rest]
    with pysam.BGZFile(index, "wb") as file:
        file.write(b"".join(out))


def blocks_of(data: bytes) -> list[bytes]:
    """The blocks of a BGZF file, the end marker last."""
    blocks, at = [], 0
    while at < len(data):
        size = struct.unpack_from("<H", data, at + 16)[0] + 1
        blocks.append(data[at : at + size])
        at += size
    return blocks


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("age", [3600, 0])
def test_lost_blocks_stop_although_the_end_marker_is_there(form, age, tmp_path):
    need("bcftools")
    path = tmp_path / "g.vcf.gz"
    index = write(simple_vcf(40_000, people=20), path, form)
    blocks = blocks_of(path.read_bytes())
    assert len(blocks) > 12
    for lost in (slice(3, 4), slice(4, 8), slice(len(blocks) - 3, len(blocks) - 1)):
        kept = [block for i, block in enumerate(blocks) if i not in range(*lost.indices(99))]
        path.write_bytes(b"".join(kept))
        shutil.copystat(path, index)
        set_age(index, age)
        with pytest.raises(InputError, match=r"g.vcf.gz"):
            read(path)


@pytest.mark.parametrize("form", FORMS)
def test_a_flipped_bit_never_changes_what_is_read(form, tmp_path):
    need("bcftools")
    path = tmp_path / "g.vcf.gz"
    index = write(simple_vcf(4_000, people=20), path, form)
    data = path.read_bytes()
    truth = read_whole(open_source("vcf", str(path)), "1")[1]
    rng = np.random.default_rng(1)
    stopped = 0
    for place in rng.integers(0, len(data), 12):
        damaged = bytearray(data)
        damaged[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        shutil.copystat(path, index)
        try:
            calls = read_whole(open_source("vcf", str(path)), "1")[1]
        except InputError as error:
            assert "g.vcf.gz" in str(error)
            stopped += 1
        else:
            assert np.array_equal(calls, truth)  # a byte that says nothing, such as the date
    assert stopped > 6
