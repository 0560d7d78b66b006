"""Reference genomes and synthetic ones: FASTA files as other programs read and write them."""

import gzip
import re
from operator import itemgetter

import numpy as np
import pysam
import pytest
from clones import change_study, clone, snakemake
from genotype_files import need, run, simple_vcf, write_bgzip
from memory import peak_mb

from syncohort.cohort_store import CohortStore
from syncohort.errors import InputError
from syncohort.formats import fasta, fasta_writing, sequence_edits
from syncohort.formats.fasta import open_sequence
from syncohort.formats.fasta_writing import write_fasta
from syncohort.formats.readers import open_source
from syncohort.formats.reference_fit import ReferenceFit
from syncohort.formats.vcf_writing import write_vcf
from syncohort.genotype_writing import CohortWriter
from syncohort.genotypes import People, Variants

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


# --- writing the sequences of people


def store_with(path, variants, calls, people=None) -> CohortStore:
    """A cohort of variants (position, REF, ALT) and calls [V, S, 2] of chromosome 20."""
    position, *alleles = zip(*variants, strict=True)
    calls = np.asarray(calls, dtype=np.int8)
    people = People.unlabelled(people or [f"SYN{i}" for i in range(calls.shape[1])])
    names = [f"v{at}" for at in position]
    with CohortWriter(path, people) as writer:
        writer.append(Variants("20", position, names, np.transpose(alleles)), calls, True)
    return CohortStore(path)


def write_text(path, bases, contig="20"):
    path.write_text(fasta_of({contig: bases}))
    return path


def written(folder, bases, variants, calls, mode="haplotype", people=None, **options):
    """What is written of each sequence, by its name, and the counts."""
    store = store_with(folder / "x.zarr.zip", variants, calls)
    people = np.arange(len(store.people)) if people is None else people
    settings = {"people": people, "mode": mode, "about": "synthetic", "mismatch_max": 1}
    with open_sequence([write_text(folder / "reference.fa", bases)], "20") as sequence:
        counts = write_fasta(store, sequence, folder / "20.fa.gz", **settings | options)
    return read_back(folder / "20.fa.gz"), counts


def read_back(path) -> dict[str, str]:
    with pysam.FastaFile(str(path)) as file:  # with the indexes that were written
        return {name: file.fetch(name) for name in file.references}


def consensus_of(option, person, reference, vcf) -> str:
    """What bcftools makes of a person's genotypes."""
    command = ["bcftools", "consensus", *option, "--sample", person]
    return "".join(run(*command, "--fasta-ref", reference, vcf).split("\n")[1:])


#     0123456789
TEN = "acgTACGTnR"


@pytest.mark.parametrize(
    ("variant", "with_ref", "with_alt", "missing"),
    [
        ((1, "A", "T"), TEN, "tcgTACGTnR", "ncgTACGTnR"),
        ((4, "T", "G"), TEN, "acgGACGTnR", "acgNACGTnR"),
        ((2, "CGT", "TGA"), TEN, "atgAACGTnR", "annNACGTnR"),  # MNP
        ((3, "G", "GTT"), TEN, "acgttTACGTnR", "acnTACGTnR"),  # small letters as the base before
        ((4, "T", "TCC"), TEN, "acgTCCACGTnR", "acgNACGTnR"),
        ((4, "TACG", "T"), TEN, "acgTTnR", "acgNNNNTnR"),
        ((8, "T", "TA"), TEN, "acgTACGTAnR", "acgTACGNnR"),
        ((9, "A", "C"), "acgTACGTaR", "acgTACGTcR", "acgTACGTnR"),  # where the reference has N
        ((10, "A", "G"), "acgTACGTnA", "acgTACGTnG", "acgTACGTnN"),  # and A or G
        ((2, "T", "C"), "atgTACGTnR", TEN, "angTACGTnR"),  # REF is not the reference's
        ((2, "CG", "C"), TEN, "acTACGTnR", "annTACGTnR"),
        ((2, "CC", "C"), "accgTACGTnR", TEN, "angTACGTnR"),  # the same of an insertion
        ((2, "T", "A"), TEN, TEN, TEN),  # neither
        ((11, "T", "A"), TEN, TEN, TEN),  # beyond its end
        ((10, "GA", "G"), TEN, TEN, TEN),
    ],
)
def test_an_allele_is_put_in_its_place(variant, with_ref, with_alt, missing, tmp_path):
    texts, _ = written(tmp_path, TEN, [variant], [[(0, 1), (-1, -1)]])
    expected = {"SYN0#1#20": with_ref, "SYN0#2#20": with_alt}
    assert texts == expected | {"SYN1#1#20": missing, "SYN1#2#20": missing}


@pytest.mark.parametrize(
    ("variants", "text", "n_left_out"),
    [
        ([(4, "T", "C"), (5, "A", "G")], "acgCGCGTnR", 0),  # side by side
        ([(4, "TACG", "T"), (6, "C", "G")], "acgTTnR", 1),  # a SNP in a deletion
        ([(4, "T", "C"), (4, "TACG", "T")], "acgCTnR", 0),  # a SNP before it
        ([(4, "TACG", "T"), (8, "T", "A")], "acgTAnR", 0),  # and behind it
        ([(4, "TAC", "T"), (5, "ACG", "A")], "acgTGTnR", 1),  # two deletions
        ([(4, "TACG", "T"), (7, "G", "GAA")], "acgTAATnR", 0),  # an insertion behind it
        ([(4, "TACG", "T"), (6, "C", "CAA")], "acgTTnR", 1),  # and inside
        ([(4, "T", "C"), (4, "T", "G")], "acgCACGTnR", 1),  # two alleles of one site
        ([(4, "T", "TC"), (4, "T", "TG")], "acgTCACGTnR", 1),  # two insertions
        ([(3, "GT", "AC"), (4, "T", "G")], "acaCACGTnR", 1),  # a SNP in an MNP
        ([(5, "A", "C"), (5, "A", "GA")], "acgTGCCGTnR", 0),  # an insertion before its position
        ([(4, "TACG", "T"), (5, "A", "G"), (6, "C", "T"), (8, "T", "C")], "acgTCnR", 2),
    ],
)
def test_of_alleles_that_overlap_the_first_is_written(variants, text, n_left_out, tmp_path):
    calls = [[(1, 0), (1, 1)]] * len(variants)
    texts, counts = written(tmp_path, TEN, variants, calls)
    assert texts["SYN0#1#20"].upper() == text.upper() and texts["SYN0#2#20"] == TEN
    assert texts["SYN1#1#20"] == texts["SYN1#2#20"] == texts["SYN0#1#20"]
    assert counts.n_overlapping == 3 * n_left_out
    assert counts.n_overlapping_variants == n_left_out
    assert counts.n_bases == sum(map(len, texts.values()))
    assert counts.n_changes == 3 * (len(variants) - n_left_out)


def test_alleles_that_overlap_on_two_haplotypes_are_both_written(tmp_path):
    texts, counts = written(tmp_path, TEN, [(4, "TACG", "T"), (6, "C", "G")], [[(1, 0)], [(0, 1)]])
    assert texts == {"SYN0#1#20": "acgTTnR", "SYN0#2#20": "acgTAGGTnR"}
    assert counts.n_overlapping == 0


def test_of_one_site_one_allele_is_written(tmp_path):
    """Where the reference has N, a carried ALT counts and not the REF of the site's other variant."""
    variants = [(9, "A", "C"), (9, "A", "G")]
    texts, counts = written(tmp_path, TEN, variants, [[(0, 0), (1, 0)], [(0, 1), (0, 0)]])
    assert [text[8] for text in texts.values()] == list("agca") and counts.n_overlapping == 0


def test_a_ref_that_is_not_the_references_gives_way_to_a_deletion_of_it(tmp_path):
    variants = [(4, "G", "T"), (4, "TAC", "T"), (6, "A", "C")]  # two SNPs whose REF is wrong
    texts, counts = written(tmp_path, TEN, variants, [[(0, 1)], [(1, 0)], [(0, 0)]])
    assert texts == {"SYN0#1#20": "acgGGTnR", "SYN0#2#20": "acgTAAGTnR"}
    assert counts.n_overlapping == 0


def test_two_alt_alleles_of_a_site_become_one_code(tmp_path):
    variants = [(2, "C", "A"), (2, "C", "T"), (4, "T", "C"), (4, "T", "G"), (7, "G", "GA")]
    calls = [[(0, 1)], [(1, 0)], [(1, 1)], [(0, 0)], [(0, 0)]]
    texts, counts = written(tmp_path, TEN, variants, calls, "genotype")
    assert texts == {"SYN0#consensus#20": "awgCACGTnR"} and counts.n_overlapping == 0


def test_men_have_one_sequence_of_their_x(tmp_path):
    variants = [(2, "C", "T"), (4, "T", "G"), (7, "G", "C")]
    calls = [[(1, 0), (0, 1)], [(1, 0), (1, -2)], [(0, 1), (1, -2)]]  # the first is shared with Y
    texts, counts = written(tmp_path, TEN, variants, calls)
    assert texts == {
        "SYN0#1#20": "atgGACGTnR",
        "SYN0#2#20": "acgTACCTnR",
        "SYN1#1#20": "acgGACCTnR",
    }
    assert counts.n_one_copy == counts.n_second_copies == 1
    texts, _ = written(tmp_path, TEN, variants, calls, "genotype")
    assert texts["SYN1#consensus#20"] == "aygGACCTnR"


def test_dosages_become_codes(tmp_path):
    variants = [(2, "C", "T"), (4, "TA", "GC"), (7, "G", "GA")]
    calls = [[(0, 0), (0, 1), (1, 1), (0, -1)]] * 3
    texts, counts = written(tmp_path, TEN, variants, calls, "genotype")
    assert texts == {
        "SYN0#consensus#20": TEN,
        "SYN1#consensus#20": "aygKMCGATnR",
        "SYN2#consensus#20": "atgGCCGATnR",
        "SYN3#consensus#20": "angNNCNTnR",
    }
    assert counts.n_uncoded == 1 and counts.n_sequences == 4


@pytest.mark.parametrize("step", [1, 7, 1 << 22])
def test_parts_of_any_size_make_the_same_sequence(step, tmp_path, monkeypatch):
    monkeypatch.setattr(sequence_edits, "_STEP_BASES", step)
    monkeypatch.setattr(fasta_writing, "_LINES_BASES", step)
    rng = np.random.default_rng(1)
    bases = "".join(rng.choice(list("ACGTacgt"), 1_000))
    variants, texts = [], [bases, bases]
    for position in range(10, 990, 11):
        ref = bases[position - 1 : position - 1 + rng.integers(1, 9)].upper()
        alt = "".join(rng.choice(list("ACGT"), rng.integers(1, 9)))
        if ref != alt:
            variants.append((position, ref, alt))
    calls = rng.integers(0, 2, (len(variants), 1, 2))
    for (position, ref, alt), call in zip(reversed(variants), calls[::-1], strict=True):
        for haplotype in np.flatnonzero(call[0]):
            text = texts[haplotype]
            end = position - 1 + len(ref)
            texts[haplotype] = text[: position - 1] + alt + text[end:]
    found, counts = written(tmp_path, bases, variants, calls)
    assert [text.upper() for text in found.values()] == [text.upper() for text in texts]
    assert counts.n_bases == sum(map(len, texts))


@pytest.mark.parametrize(
    ("mode", "options"),
    [("haplotype", (["-H", "1"], ["-H", "2"])), ("genotype", (["-I"],))],
)
def test_indels_in_small_letters_are_as_bcftools_writes_them(mode, options, tmp_path):
    need("bcftools")
    rng = np.random.default_rng(2)
    bases = "".join(rng.choice(list("ACGTacgt"), 5_000))
    variants = []
    for position in range(10, 4_900, 25):
        anchor, more = bases[position - 1].upper(), rng.integers(1, 9)
        long = bases[position - 1 : position + more].upper()
        new = anchor + "".join(rng.choice(list("ACGT"), more))
        snp = rng.choice(sorted(set("ACGT") - {anchor}))
        kinds = [(anchor, snp), (long, anchor), (anchor, new)]
        variants.append((position, *kinds[rng.integers(3)]))
    calls = rng.integers(0, 2, (len(variants), 2, 2))
    found, counts = written(tmp_path, bases, variants, calls, mode)
    assert counts.n_overlapping == 0
    write_vcf(CohortStore(tmp_path / "x.zarr.zip"), tmp_path / "x.vcf.gz")
    theirs = [
        consensus_of(option, person, tmp_path / "reference.fa", tmp_path / "x.vcf.gz")
        for person in ("SYN0", "SYN1")
        for option in options
    ]
    assert list(found.values()) == theirs


# --- variants and a reference that do not go together


def test_a_reference_of_another_build_stops(tmp_path):
    bases = "A" * 300
    at_home = [(position, "A", "C") for position in range(1, 100)]
    calls = [[(0, 1)]] * 100
    strange = [(100, "G", "C")]
    _, counts = written(tmp_path, bases, at_home + strange, calls, mismatch_max=0.01)
    assert counts.n_unplaced == 1
    with pytest.raises(InputError) as error:
        written(tmp_path, bases, at_home + strange, calls, mismatch_max=0.009)
    for words in (
        "20:100 REF G, ALT C: the reference has A",
        "another genome build",
        "1 have neit",
    ):
        assert words in str(error.value)
    assert not (tmp_path / "other.fa.gz").exists()


CAUSES = {
    "another genome build": [(1, "C", "G"), (2, "G", "C"), (3, "C", "G")],
    "strand": [(1, "T", "C"), (2, "T", "G"), (3, "T", "C")],
    "plink2 --ref-from-fa": [(1, "C", "A"), (2, "G", "A"), (3, "C", "A")],
    "masked": [(3, "A", "C"), (11, "C", "A"), (12, "G", "A")],
    "lift the genotypes over": [(21, "C", "A"), (1_000, "G", "A")],
}


@pytest.mark.parametrize("words", CAUSES)
def test_the_likely_cause_is_named(words, tmp_path):
    position, *alleles = zip(*CAUSES[words], strict=True)
    variants = Variants("20", position, position, np.transpose(alleles))
    with open_sequence([write_text(tmp_path / "x.fa", "A" * 10 + "N" * 10)], "20") as sequence:
        fit, kinds = ReferenceFit.of(sequence, variants)
    assert words in fit.cause() and len(kinds) == sum(fit.counts.values())
    assert len(fit.examples) == fit.n_misfits and fit.is_beyond(0.5)


def test_a_provisional_ref_may_be_the_references_alt(tmp_path):
    variants = Variants("20", [1, 2], [".", "."], [("C", "A"), ("A", "C")], [True, True])
    with open_sequence([write_text(tmp_path / "x.fa", "AAA")], "20") as sequence:
        fit, _ = ReferenceFit.of(sequence, variants)
    assert fit.counts["provisional"] == fit.counts["same"] == 1
    assert not fit.is_beyond(0) and not fit.cause() and "provisional" in fit.in_words()


# --- real sequence, real genotypes

REAL_PEOPLE = ("HG00108", "NA19060")


@pytest.fixture(scope="module")
def real(real_data, tmp_path_factory):
    """Reference, VCF and sequences of two people of 1000 Genomes, 1 million bases of chromosome 20."""
    need("bcftools")
    folder = tmp_path_factory.mktemp("real")
    reference = real_data / "fasta/chr20_1-2Mb_hs37d5.Npadded.fa.gz"
    vcf = folder / "two.vcf.gz"
    source = real_data / "fasta/kg3_chr20_1-2Mb.hg19.vcf.gz"
    run("bcftools", "view", "-Oz", "-o", vcf, "-s", ",".join(REAL_PEOPLE), source)
    run("bcftools", "index", vcf)
    opened = open_source("vcf", str(vcf))
    with CohortWriter(folder / "x.zarr.zip", People.unlabelled(opened.sample_ids)) as writer:
        for chunk in opened.chunks("20"):
            writer.append(chunk.variants, chunk.calls, chunk.phased)
    store = CohortStore(folder / "x.zarr.zip")
    found = {}
    with open_sequence([reference], "chr20") as sequence:
        bases = sequence.read(0, sequence.length)
        for mode in ("haplotype", "genotype"):
            settings = {"mode": mode, "about": "synthetic", "mismatch_max": 0}
            path = folder / f"{mode}.fa.gz"
            write_fasta(store, sequence, path, people=np.arange(2), **settings)
            found |= read_back(path)
    return reference, vcf, store, np.frombuffer(bases, "S1"), found


def test_real_sequences_are_as_bcftools_writes_them(real):
    reference, vcf, _, _, found = real
    options = {"1": ["-H", "1"], "2": ["-H", "2"], "consensus": ["-I"]}
    assert found == {
        f"{person}#{name}#20": consensus_of(option, person, reference, vcf)
        for person in REAL_PEOPLE
        for name, option in options.items()
    }


def test_real_genotypes_come_back_and_all_else_is_the_reference(real):
    _, _, store, bases, found = real
    at = store.variants.position_bp - 1
    between = np.ones(len(bases), dtype=bool)
    between[at] = False
    alleles = store.variants.allele.astype("S1")
    calls = store.read()
    for person, name in enumerate(REAL_PEOPLE):
        for haplotype in range(2):
            text = np.frombuffer(found[f"{name}#{haplotype + 1}#20"].encode(), "S1")
            assert len(text) == len(bases) and (text[between] == bases[between]).all()
            assert (text[at] == alleles[np.arange(len(at)), calls[:, person, haplotype]]).all()


INDEL_DISTANCE = 60  # bases from an indel to the next variant: an aligner may join what is nearer
VCF_COLUMNS = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"


def with_indels(store, bases, folder) -> CohortStore:
    """The SNPs of a store and made-up indels between them, of 1 to 20 bases."""
    random, known = np.random.default_rng(3), store.variants.position_bp
    variants = list(zip(known.tolist(), *store.variants.allele.T, strict=True))
    calls = list(store.read())
    gaps = np.flatnonzero(np.diff(known) > 3 * INDEL_DISTANCE)
    for start in known[random.choice(gaps, 400, replace=False)].tolist():
        position = start + INDEL_DISTANCE + int(random.integers(40))
        long = bases[position - 1 : position + random.integers(1, 21)].tobytes().decode()
        added = long[0] + "".join(random.choice(list("ACGT"), len(long) - 1))
        alleles = (long[0], added) if random.random() < 0.5 else (long, long[0])
        variants.append((position, *(allele.upper() for allele in alleles)))
        calls.append(random.integers(0, 2, (len(store.people), 2)))
    order = np.argsort([position for position, *_ in variants])
    variants, calls = ([each[i] for i in order] for each in (variants, calls))
    return store_with(folder / "indels.zarr.zip", variants, calls, list(store.people.id))


def changes_of(alignment, bases) -> set[tuple]:
    """Name of a sequence, position, REF and ALT of what a line of minimap2 says (its tag cs)."""
    fields = alignment.split("\t")
    found, at = set(), int(fields[7])
    for sign, text in re.findall(r"([:*+-])([0-9a-z]+)", fields[-1].removeprefix("cs:Z:")):
        text, before = text.upper(), bases[at - 1].decode().upper()
        if sign == ":":
            at += int(text)
        elif sign == "*":
            at += 1
            found.add((fields[0], at, *text))
        elif sign == "+":
            found.add((fields[0], at, before, before + text))
        else:
            found.add((fields[0], at, before + text, before))
            at += len(text)
    return found


def normalised(changes, reference, path) -> set[tuple]:
    """Changes as bcftools norm writes them, leftmost and shortest."""
    rows = ["##fileformat=VCFv4.2", "##contig=<ID=20>", VCF_COLUMNS]
    for name, at, ref, alt in sorted(changes, key=itemgetter(1)):
        rows.append(f"20\t{at}\t{name}\t{ref}\t{alt}\t.\t.\t.")
    path.write_text("\n".join(rows) + "\n")
    lines = run("bcftools", "norm", "-f", reference, path).splitlines()
    return {tuple(line.split("\t")[1:5]) for line in lines if not line.startswith("#")}


def test_an_aligner_finds_the_genotypes_in_real_sequences(real, tmp_path):
    """SNPs and indels, by minimap2's alignment of every sequence to the reference."""
    need("minimap2")
    reference, _, store, bases, _ = real
    store, path = with_indels(store, bases, tmp_path), tmp_path / "20.fa.gz"
    options = {"mode": "haplotype", "about": "", "mismatch_max": 0}
    with open_sequence([reference], "20") as sequence:
        counts = write_fasta(store, sequence, path, people=np.arange(2), **options)
    assert counts.n_overlapping == 0
    plain = tmp_path / "reference.fa"
    plain.write_bytes(gzip.decompress(reference.read_bytes()))
    lines = run("minimap2", "-c", "-x", "asm5", "--cs", "--secondary=no", plain, path).splitlines()
    assert len(lines) == 4  # a whole sequence each
    found = set().union(*(changes_of(line, bases) for line in lines))
    sites = list(zip(store.variants.position_bp.tolist(), *store.variants.allele.T, strict=True))
    given = {
        (f"{name}#{haplotype + 1}#20", *sites[i])
        for person, name in enumerate(REAL_PEOPLE)
        for haplotype in range(2)
        for i in np.flatnonzero(store.read()[:, person, haplotype])
    }
    assert len(given) > 4_000 and sum(len(ref) != len(alt) for *_, ref, alt in given) > 700
    found, given = (
        normalised(changes, plain, tmp_path / f"{name}.vcf")
        for name, changes in (("found", found), ("given", given))
    )
    # four SNPs in a repeat (GT)n(GA)n are an insertion and a deletion just as well
    assert all(1_485_420 < int(change[0]) < 1_485_460 for change in found ^ given)


WRITE = """
import sys
import numpy as np
from syncohort.formats.fasta import open_sequence
from syncohort.formats.fasta_writing import write_fasta
from syncohort.cohort_store import CohortStore

_, folder, reference = sys.argv
with open_sequence([reference], "20") as sequence:
    store, people = CohortStore(f"{folder}/x.zarr.zip"), np.arange(1)
    settings = {"mode": "haplotype", "about": "", "mismatch_max": 0}
    write_fasta(store, sequence, f"{folder}/20.fa.gz", people=people, **settings)
"""


def test_memory_is_that_of_a_part(tmp_path):
    """Of a chromosome on one line, of 1 million and of 30 million bases."""
    store_with(tmp_path / "x.zarr.zip", [(9, "A", "C"), (999_997, "A", "G")], [[(0, 1)]] * 2)
    peaks = []
    for n_times in (1, 30):
        with open(tmp_path / "x.fa", "w") as file:
            file.write(">20\n")
            file.writelines("ACGT" * 250_000 for _ in range(n_times))
        peaks.append(peak_mb(WRITE, tmp_path, tmp_path / "x.fa"))
    assert peaks[1] < peaks[0] + 50


@pytest.mark.slow
def test_a_study_with_the_wrong_reference_stops_before_anything_is_trained(tmp_path):
    folder = clone(tmp_path / "clone")
    (folder / "calls.vcf").write_text(simple_vcf(60, people=40, contig="20"))
    (folder / "genome.fa").write_text(fasta_of({"chr20": "G" * 1_000}))
    sheet = "".join(f"p{i}\t{'ab'[i % 2]}\n" for i in range(40))
    (folder / "people.tsv").write_text(f"sample\tgroup\n{sheet}")
    study = change_study(
        folder,
        input={"kind": "vcf", "path": "calls.vcf", "reference": "genome.fa", "build": "GRCh37"},
        labels={"table": "people.tsv", "label_column": "group"},
        genes={"intergenic": "own"},
        release={"export": ["fasta"]},
    )
    result = snakemake(folder, "results/tiny/require_possible_plans/passed.txt", study=study)
    assert result.returncode == 1
    for words in ("60 have neither allele", "20:1 REF A, ALT C: the reference has G", "build"):
        assert words in result.stderr
