"""Files compressed in blocks: read by bgzip and tabix, the same for any number of threads."""

import gzip

import numpy as np
import pytest
from genotype_files import need, run

from syncohort.formats import bgzf
from syncohort.formats.bgzf import write_bgzf


@pytest.mark.parametrize("n_bytes", [0, 1, 65_279, 65_280, 65_281, 700_000])
def test_what_is_written_is_what_bgzip_reads(n_bytes, tmp_path, monkeypatch):
    monkeypatch.setattr(bgzf, "_BATCH_BYTES", 200_000)
    text = np.random.default_rng(0).integers(0, 256, n_bytes).astype(np.uint8).tobytes()
    files = []
    for threads in (1, 3):
        for size in (1_000, 100_000, 1_000_000):
            pieces = (text[i : i + size] for i in range(0, n_bytes, size))
            write_bgzf(tmp_path / "x.gz", pieces, threads)
            files.append((tmp_path / "x.gz").read_bytes())
    assert len(set(files)) == 1
    assert gzip.decompress(files[0]) == text
    need("bgzip")
    run("bgzip", "--test", tmp_path / "x.gz")


def test_a_piece_that_cannot_be_made_leaves_its_error(tmp_path):
    def pieces():
        yield b"a"
        raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        write_bgzf(tmp_path / "x.gz", pieces(), 2)
