"""Reference genomes and synthetic ones: FASTA files as other programs read and write them."""

import gzip

import numpy as np
import pysam
import pytest
from genotype_files import write_bgzip
from memory import peak_mb

from syncohort.errors import InputError
from syncohort.formats import fasta
from syncohort.formats.fasta import open_sequence

RNG = np.random.default_rng(0)


def random_bases(n, letters="ACGTacgtNRY") -> str:
    return "".join(RNG.choice(list(letters), n))


GENOME = {name: random_bases(n) for name, n in (("chr19", 700), ("chr20", 1_234), ("chrM", 61))}


def fasta_of(genome, *, width=60, end="\n", about=" dna:chromosome >GRCh37") -> str:
    lines = []
    for name, bases in genome.items():
        lines += [f">{name}{about}", *(bases[i : i + width] for i in range(0, len(bases), width))]
    return end.join(lines) + end


def sequence_of(files, contig) -> str:
    with open_sequence(files, contig) as sequence:
        assert sequence.length == len(sequence.read(0, 10**9))
        return sequence.read(0, sequence.length).decode()


# --- reading a reference


@pytest.mark.parametrize("block_bytes", [1, 7, 1 << 22])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("width", [1, 60, 10_000])
def test_any_length_of_line_and_of_block(width, end, block_bytes, tmp_path, monkeypatch):
    monkeypatch.setattr(fasta, "_BLOCK_BYTES", block_bytes)
    path = tmp_path / "x.fa"
    path.write_bytes(fasta_of(GENOME, width=width, end=end).encode())
    for contig, bases in GENOME.items():
        assert sequence_of([path], contig) == bases


@pytest.mark.parametrize("indexed", [False, True])
@pytest.mark.parametrize("packed", ["plain", "gzip", "bgzip"])
def test_any_kind_of_file_with_and_without_its_index(packed, indexed, tmp_path, monkeypatch):
    text = fasta_of(GENOME | {"chr21": random_bases(200_000)}) + fasta_of({"last": "ACG"})
    path = tmp_path / "x.fa"
    if packed == "plain":
        path.write_text(text)
    elif packed == "gzip":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        write_bgzip(text, path)
    if indexed and packed != "gzip":  # faidx refuses gzip
        pysam.faidx(str(path))
        scans = []
        pieces = fasta._pieces
        monkeypatch.setattr(fasta, "_pieces", lambda *a: scans.append(a) or pieces(*a))
    for spelling in ("chr20", "20", "020"):
        assert sequence_of([path], spelling) == GENOME["chr20"]
    assert sequence_of([path], "MT") == GENOME["chrM"] and sequence_of([path], "last") == "ACG"
    with open_sequence([path], "21") as sequence:
        assert sequence.name == "chr21" and sequence.contig == "21" and sequence.length == 200_000
        whole = text.split(">chr21")[1].split(">last")[0].split("\n", 1)[1].replace("\n", "")
        assert sequence.read(70_000, 70_011).decode() == whole[70_000:70_011]
        assert sequence.read(-5, 3).decode() == whole[:3]
        assert sequence.read(199_998, 300_000).decode() == whole[-2:]


def test_of_several_files_the_one_with_the_chromosome(tmp_path):
    paths = []
    for name, bases in GENOME.items():
        paths.append(tmp_path / f"{name}.fa")
        paths[-1].write_text(fasta_of({name: bases}))
    assert sequence_of(paths, "20") == GENOME["chr20"]
    with (
        pytest.raises(InputError, match="no sequence of chromosome 5. It holds 19, 20, MT"),
        open_sequence(paths, "5"),
    ):
        pass
    paths[0].write_text(fasta_of({"20": "ACGT"}))
    with pytest.raises(InputError, match="several sequences are chromosome 20: 20 of .* chr20 of"):
        sequence_of(paths, "20")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("##fileformat=VCF", "is no FASTA file: it begins with b'##fileformat"),
        (">20\nACG-T\n", "the sequence 20 holds '-'"),
        (">20\nMKLFE\n", "the sequence 20 holds 'L'"),
        (">20 of which the name does not end", "cut short"),
        (">" + 70_000 * "A", "does not end"),
    ],
)
def test_what_is_no_reference_is_said(text, words, tmp_path):
    path = tmp_path / "x.fa"
    path.write_text(text)
    with pytest.raises(InputError, match=words):
        sequence_of([path], "20")


@pytest.mark.parametrize("packed", ["plain", "bgzip"])
def test_an_index_of_another_file_is_refused(packed, tmp_path):
    path = tmp_path / "x.fa"
    write = write_bgzip if packed == "bgzip" else lambda text, path: path.write_text(text)
    write(fasta_of(GENOME), path)
    pysam.faidx(str(path))
    for other in (fasta_of(GENOME, width=50), fasta_of(GENOME | {"chr20": "ACGT" * 300})):
        write(other, path)
        with pytest.raises(InputError, match="does not fit .*samtools faidx"):
            sequence_of([path], "20")
    (tmp_path / "x.fa.fai").write_text("nonsense\n")
    with pytest.raises(InputError, match="does not fit"):
        sequence_of([path], "20")


def test_damage_is_named(tmp_path):
    whole = gzip.compress(fasta_of({"20": random_bases(100_000)}).encode())
    path = tmp_path / "x.fa.gz"
    path.write_bytes(whole[:20_000])
    with pytest.raises(InputError, match="damaged or cut short"):
        sequence_of([path], "20")
    write_bgzip(fasta_of(GENOME), path)
    path.write_bytes(path.read_bytes()[:-28])
    with pytest.raises(InputError, match="end-of-file block"):
        sequence_of([path], "20")


READ = (
    "import sys\n"
    "from syncohort.formats.fasta import open_sequence\n"
    "with open_sequence([sys.argv[1]], '20') as sequence:\n"
    "    assert sequence.read(sequence.length - 5, sequence.length) == b'TACGT'\n"
)


def test_memory_is_that_of_the_parts_read(tmp_path):
    """On one line, of 1 million and of 80 million bases."""
    peaks = []
    for n_times in (1, 80):
        with open(tmp_path / "x.fa", "w") as file:
            file.write(">20\n")
            file.writelines("ACGT" * 250_000 for _ in range(n_times))
        peaks.append(peak_mb(READ, tmp_path / "x.fa"))
    assert peaks[1] < peaks[0] + 30
