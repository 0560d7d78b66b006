"""Files of the user that were cut short or of which a bit was flipped: refused, or read as they were.

A format without redundancy (.bed, .pgen, the names in a .bgen, plain text) cannot know of a flipped bit. It is read or
refused, and the lists of checksums that come with files (see `checksums.verify_given`) tell.
"""

import gzip
import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest
from cohorts import linked_calls, people_of, store_of

from syncohort.checksums import verify_given
from syncohort.errors import InputError
from syncohort.formats.annotation import read_transcripts
from syncohort.formats.bcftools import bcftools
from syncohort.formats.bgen_writing import write_bgen
from syncohort.formats.genetic_map import read_genetic_map
from syncohort.formats.pgen import write_pgen
from syncohort.formats.plink import write_plink
from syncohort.formats.readers import open_source
from syncohort.formats.summary_statistics import read_summary_statistics
from syncohort.formats.tables import read_table
from syncohort.formats.vcf_writing import write_vcf

N_PEOPLE = 40
SLOW = (".vcf.gz", ".bcf")  # read by programs of their own, and tested in test_indexes.py too


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    """One cohort in every format, and tables."""
    folder = tmp_path_factory.mktemp("files")
    people = people_of(["a", "b"] * (N_PEOPLE // 2))
    store = store_of(folder / "1.zarr.zip", linked_calls(900, people.label, seed=1), people)
    write_vcf(store, folder / "vcf.vcf.gz")
    (folder / "vcf.vcf.gz.tbi").unlink()
    text = gzip.decompress((folder / "vcf.vcf.gz").read_bytes())
    (folder / "gzip.vcf.gz").write_bytes(gzip.compress(text))
    convert = ["view", "--output-type", "b", "--output", str(folder / "bcf.bcf")]
    bcftools("vcf.vcf.gz", [*convert, str(folder / "vcf.vcf.gz")])
    write_plink([store], folder / "plink")
    write_pgen([store], folder / "pgen")
    write_bgen([store], folder / "bgen")
    rows = range(1, 400)
    tables = {
        "labels.tsv": "sample\tgroup\n" + "".join(f"p{i}\tg{i % 7}\n" for i in rows),
        "map.txt": "chr\tposition\tCOMBINED_rate(cM/Mb)\tGenetic_Map(cM)\n"
        + "".join(f"1\t{1000 * i}\t1.0\t{i / 1000}\n" for i in rows),
        "genes.gtf": "".join(
            f'1\tx\tgene\t{1000 * i}\t{1000 * i + 500}\t.\t+\t.\tgene_id "g{i}";\n' for i in rows
        ),
        "gwas.tsv": "CHR\tBP\tSNP\tA1\tA2\tBETA\tP\n"
        + "".join(f"1\t{1000 * i}\trs{i}\tA\tC\t0.{i}\t0.0{i}\n" for i in rows),
    }
    for name, text in tables.items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    return folder


def calls_of(kind):
    def read(path: Path):
        source = open_source(kind, str(path))
        chunks = list(source.chunks("1"))
        parts = [np.concatenate([getattr(c, name) for c in chunks]) for name in ("calls", "phased")]
        sites = [(c.variants.position_bp.tolist(), c.variants.allele.tolist()) for c in chunks]
        people = source.people_columns().to_csv()
        return [*(part.tobytes() for part in parts), sites, source.sample_ids.tolist(), people]

    return read


def text_of(read):
    return lambda path: read(path).to_csv()


# name of a file -> how it is read, the file that is named, and whether it knows of a flipped bit
KINDS = {
    "vcf.vcf.gz": (calls_of("vcf"), "vcf.vcf.gz", True),
    "gzip.vcf.gz": (calls_of("vcf"), "gzip.vcf.gz", True),
    "bcf.bcf": (calls_of("vcf"), "bcf.bcf", True),
    "plink.bed": (calls_of("plink"), "plink.bed", False),
    "plink.bim": (calls_of("plink"), "plink.bed", False),
    "plink.fam": (calls_of("plink"), "plink.bed", False),
    "pgen.pgen": (calls_of("pgen"), "pgen.pgen", False),
    "pgen.pvar": (calls_of("pgen"), "pgen.pgen", False),
    "pgen.psam": (calls_of("pgen"), "pgen.pgen", False),
    "bgen.bgen": (calls_of("bgen"), "bgen.bgen", False),
    "bgen.sample": (calls_of("bgen"), "bgen.bgen", False),
    "labels.tsv.gz": (text_of(read_table), "labels.tsv.gz", True),
    "map.txt.gz": (
        lambda path: read_genetic_map(path, "1").cM(np.arange(1000, 400_000, 777)).tolist(),
        "map.txt.gz",
        True,
    ),
    "genes.gtf.gz": (text_of(read_transcripts), "genes.gtf.gz", True),
    "gwas.tsv.gz": (text_of(read_summary_statistics), "gwas.tsv.gz", True),
}


@pytest.fixture
def copy(files, tmp_path) -> Path:
    """A copy of the files of which one is to be damaged."""
    return shutil.copytree(files, tmp_path / "files")


def outcome(read, path, opened, truth) -> str:
    """refused, same or other."""
    try:
        found = read(path.with_name(opened))
    except InputError as error:
        assert path.stem.split(".")[0] in str(error), error
        return "refused"
    return "same" if found == truth else "other"


@pytest.mark.parametrize("name", KINDS)
def test_a_file_that_is_cut_short_is_refused(copy, name):
    read, opened, _ = KINDS[name]
    path = copy / name
    truth, content = read(copy / opened), path.read_bytes()
    n = len(content)
    sizes = (0, 1, n // 3, 2 * n // 3, n - 30, n - 1)
    for size in sizes[3:] if opened.endswith(SLOW) else sizes:
        path.write_bytes(content[:size])
        found = outcome(read, path, opened, truth)
        assert found == "refused" or (found == "same" and size == n - 1), (size, n)


@pytest.mark.parametrize("name", KINDS)
def test_a_flipped_bit_is_found_or_changes_nothing(copy, name):
    read, opened, knows = KINDS[name]
    path = copy / name
    truth, content = read(copy / opened), path.read_bytes()
    (copy / "MD5SUMS").write_text(f"{hashlib.md5(content).hexdigest()}  {name}\n")
    rng = np.random.default_rng(len(name))
    for place in rng.integers(0, len(content), 3 if opened.endswith(SLOW) else 12).tolist():
        damaged = bytearray(content)
        damaged[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        found = outcome(read, path, opened, truth)
        assert found != "other" or not knows, place
        with pytest.raises(InputError, match=f"{name}: its md5 is"):
            verify_given([path])
