"""The cohort dataset: what is written is what is read, and bad data do not get in."""

import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import zarr
from numcodecs import Blosc

from syncohort import genotypes
from syncohort.bits import compiled
from syncohort.call_bits import bit_planes
from syncohort.cohort_store import CohortStore
from syncohort.dosages import called_sums, share
from syncohort.errors import InputError
from syncohort.genotype_writing import CohortWriter
from syncohort.genotypes import (
    People,
    Variants,
    contig_order,
    from_rows,
    normalise_contig,
    people_at_once,
    slices,
    to_rows,
    variants_at_once,
)
from syncohort.packed_calls import PackedCalls, masks_of, minor_allele_frequency


def small_cohort(n_variants=7, n_people=5, seed=0):
    rng = np.random.default_rng(seed)
    variants = Variants(
        "20",
        np.sort(rng.integers(1, 1000, n_variants)),
        [f"rs{i}" for i in range(n_variants)],
        [["A", "G"]] * n_variants,
    )
    people = People([f"p{i}" for i in range(n_people)], ["x"] * n_people, ["train"] * n_people)
    calls = rng.integers(-1, 2, (n_variants, n_people, 2)).astype(np.int8)
    return variants, people, calls


def test_appended_variants_come_back(tmp_path):
    variants, people, calls = small_cohort()
    phased = np.random.default_rng(1).random(calls.shape[:2]) < 0.5
    with CohortWriter(tmp_path / "c.zarr.zip", people) as writer:
        for part in (slice(0, 3), slice(3, 7)):
            writer.append(variants[part], calls[part], phased[part])
    store = CohortStore(tmp_path / "c.zarr.zip")
    assert (store.read() == calls).all()
    assert (store.read_phasing() == phased).all()
    assert store.variants.id.tolist() == variants.id.tolist()
    assert (store.variants.allele == variants.allele).all()
    assert store.people.label.tolist() == ["x"] * 5
    assert (store.read(slice(2, 5), np.array([3, 0])) == calls[2:5][:, [3, 0]]).all()
    pieces = np.concatenate([part for _, part in store.people_chunks([4, 1, 2], size=2)], axis=1)
    assert (pieces == calls[:, [4, 1, 2]]).all()
    assert list(tmp_path.iterdir()) == [tmp_path / "c.zarr.zip"]


def test_the_same_cohort_is_the_same_file_however_it_is_written(tmp_path):
    variants, people, calls = small_cohort()
    with CohortWriter(tmp_path / "a.zip", people) as writer:
        writer.append(variants, calls, True)
    with CohortWriter(tmp_path / "b.zip", people) as writer:
        writer.append(variants[:2], calls[:2], True)
        writer.append(variants[2:], calls[2:], True)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_a_chunk_is_written_once_however_small_the_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(genotypes, "CHUNK_VARIANTS", 3)
    monkeypatch.setattr(genotypes, "CHUNK_SAMPLES", 2)
    written = Counter()
    write_bytes = Path.write_bytes

    def counting(path, content):
        written[f"{path.parent.name}/{path.name}"] += 1
        write_bytes(path, content)

    monkeypatch.setattr(Path, "write_bytes", counting)
    variants, people, calls = small_cohort(n_variants=20)
    phased = np.random.default_rng(1).random(calls.shape[:2]) < 0.5
    files = []
    for size in (1, 2, 3, 5, 20):
        written.clear()
        with CohortWriter(tmp_path / "c.zip", people) as writer:
            for some in slices(20, size):
                writer.append(variants[some], calls[some], phased[some])
        assert written["call_genotype/6.1.0"] == written["call_genotype_phased/6.1"] == 1
        chunks = [number for name, number in written.items() if "/." not in name]
        assert set(chunks) == {1}
        files.append((tmp_path / "c.zip").read_bytes())
    assert len(set(files)) == 1
    store = CohortStore(tmp_path / "c.zip")
    assert (store.read() == calls).all() and (store.read_phasing() == phased).all()


def test_phase_is_stored_where_not_every_call_has_it(tmp_path, monkeypatch):
    monkeypatch.setattr(genotypes, "CHUNK_VARIANTS", 3)
    variants, people, calls = small_cohort()
    phased = np.ones(calls.shape[:2], dtype=bool)
    phased[4, 2] = False
    with CohortWriter(tmp_path / "c.zip", people) as writer:
        writer.append(variants, calls, phased)
    with zipfile.ZipFile(tmp_path / "c.zip") as archive:
        names = archive.namelist()
    chunks = [n for n in names if n.startswith("call_genotype_phased/") and "/." not in n]
    assert chunks == ["call_genotype_phased/1.0"]
    assert (CohortStore(tmp_path / "c.zip").read_phasing() == phased).all()
    with CohortWriter(tmp_path / "d.zip", people) as writer:
        writer.append(variants, calls, True)
        writer.forget_phase()
    store = CohortStore(tmp_path / "d.zip")
    assert not store.read_phasing().any() and not store.phased


@pytest.mark.parametrize("least", [0, -1, -2])
def test_calls_are_those_of_whoever_is_asked_for(tmp_path, monkeypatch, least):
    """Across chunks, which hold 8 people here, and in any order; Zarr reads the same."""
    monkeypatch.setattr(genotypes, "CHUNK_VARIANTS", 30)
    monkeypatch.setattr(genotypes, "CHUNK_SAMPLES", 8)
    variants, people, calls = small_cohort(n_variants=100, n_people=43)
    calls = np.maximum(calls, max(least, -1))
    calls[7:9, 20:, 1] = least
    with CohortWriter(tmp_path / "c.zip", people) as writer:
        writer.append(variants, calls, True)
    root = zarr.open_group(zarr.storage.ZipStore(tmp_path / "c.zip", mode="r"), mode="r")
    assert (root["call_genotype"][:] == calls).all()
    store, order = CohortStore(tmp_path / "c.zip"), np.random.default_rng(0).permutation(43)
    asked = (slice(None), slice(3, 30), order, order[:5], np.arange(6, 19), order > 40, order < 0)
    for samples in asked:
        for some in (slice(None), slice(29, 31), slice(60, 60)):
            assert (store.read(some, samples) == calls[some][:, samples]).all()
            assert store.read_phasing(some, samples).shape == calls[some][:, samples].shape[:2]
    packed = PackedCalls.of_bits(store.read_bits(slice(5, 95)), 43)
    assert (packed.alt == PackedCalls.of(calls[5:95]).alt).all()
    assert (packed.missing is None) == (least == 0)
    if least:
        assert (packed.missing == PackedCalls.of(calls[5:95]).missing).all()


@pytest.mark.parametrize("values", ["few", "noise", "noise, then zeros", "negative"])
def test_the_bits_of_a_chunk_are_found_however_it_is_compressed(values):
    noise = np.random.default_rng(0).integers(-128, 128, 1 << 18).astype(np.int8)
    own = {
        "few": noise[:24],
        "noise": noise,
        "noise, then zeros": np.concatenate([noise, np.zeros(1 << 20, np.int8)]),
        "negative": np.full(1 << 18, -1, np.int8),
    }[values]
    chunk = Blosc(cname="zstd", clevel=3, shuffle=Blosc.BITSHUFFLE).encode(own)
    low, signs = bit_planes(chunk)
    assert (np.unpackbits(low, bitorder="little") == own & 1).all()
    assert (np.unpackbits(signs, bitorder="little") == (own < 0)).all()


def test_the_more_people_the_fewer_variants_are_held(tmp_path, monkeypatch):
    for n_people in (1, 500, 20_000, 500_000, 3_000_000):
        held = variants_at_once(n_people)
        assert held == 2_000 or held * n_people <= genotypes.HELD_CALLS < (held + 1) * n_people
    monkeypatch.setattr(genotypes, "HELD_CALLS", 4_000)
    monkeypatch.setattr(genotypes, "CHUNK_SAMPLES", 100)
    variants, people, calls = small_cohort(n_variants=10, n_people=1_200)
    with CohortWriter(tmp_path / "c.zip", people) as writer:
        writer.append(variants, calls, True)
    store = CohortStore(tmp_path / "c.zip")
    walked = list(store.variant_chunks())
    assert [part.stop - part.start for part, _ in walked] == [3, 3, 3, 1]
    assert (np.concatenate([each for _, each in walked]) == calls).all()
    assert (store.read(samples=np.arange(90, 1_010)) == calls[:, 90:1_010]).all()
    pieces = [each for _, each in store.people_chunks(size=150)]
    assert (np.concatenate(pieces, axis=1) == calls).all()


def test_nothing_half_written_stays(tmp_path):
    variants, people, calls = small_cohort()
    with pytest.raises(RuntimeError), CohortWriter(tmp_path / "c.zip", people) as writer:
        writer.append(variants, calls, True)
        raise RuntimeError
    assert not list(tmp_path.iterdir())


def test_phased_means_every_heterozygous_call(tmp_path):
    variants, people, calls = small_cohort()
    heterozygous = calls[..., 0] != calls[..., 1]
    for name, phased, expected in (("a", heterozygous, True), ("b", ~heterozygous, False)):
        with CohortWriter(tmp_path / name, people) as writer:
            writer.append(variants, calls, phased)
        assert CohortStore(tmp_path / name).phased is expected


def test_xarray_opens_it_with_names_of_the_vcf_zarr_specification(tmp_path):
    xarray = pytest.importorskip("xarray")
    variants, people, calls = small_cohort()
    with CohortWriter(tmp_path / "c.zip", people) as writer:
        writer.append(variants, calls, True)
    data = xarray.open_zarr(zarr.storage.ZipStore(tmp_path / "c.zip", mode="r"))
    assert data["call_genotype"].dims == ("variants", "samples", "ploidy")
    assert data["call_genotype"].dtype == np.int8
    assert (data["variant_position"].values == variants.position_bp).all()


def test_arrays_have_chunks_that_vcztools_reads(tmp_path):
    variants, people, calls = small_cohort()
    with CohortWriter(tmp_path / "c.zip", people) as writer:
        writer.append(variants, calls, True)
    root = zarr.open_group(zarr.storage.ZipStore(tmp_path / "c.zip", mode="r"), mode="r")
    height, width, _ = root["call_genotype"].chunks
    for name, array in root.arrays():
        if name.startswith("variant_"):
            assert array.chunks[0] % height == 0, name
        if name.startswith("sample_"):
            assert array.chunks[0] == width, name


def test_rows_and_calls_are_inverse():
    _, _, calls = small_cohort()
    haplotypes = to_rows(calls, "haplotype")
    assert (haplotypes[2] == calls[:, 1, 0]).all() and (haplotypes[3] == calls[:, 1, 1]).all()
    assert (from_rows(haplotypes, "haplotype") == calls).all()
    dosage = to_rows(calls, "genotype")
    known = (calls >= 0).all(axis=2)
    assert (dosage.T[known] == calls.sum(axis=2)[known]).all() and (dosage.T[~known] == -1).all()
    assert (to_rows(from_rows(dosage, "genotype"), "genotype") == dosage).all()


def test_chromosome_names_and_order():
    same = {"chr20": "20", "Chr20": "20", "20": "20", "chrX": "X", "23": "X", "chrM": "MT"}
    assert {name: normalise_contig(name) for name in same} == same
    assert sorted(["10", "X", "2", "chr1"], key=contig_order) == ["chr1", "2", "10", "X"]


def test_bad_data_do_not_get_in(tmp_path):
    variants, people, calls = small_cohort()
    with pytest.raises(InputError, match="p1.*more than once|more than once: p1"):
        People(["p1", "p1"], ["", ""], ["", ""])
    with pytest.raises(ValueError, match="decrease at index 2"):
        Variants("1", [1, 5, 4], ["."] * 3, [["A", "C"]] * 3)
    with (
        pytest.raises(ValueError, match="calls must be int8"),
        CohortWriter(tmp_path / "c.zip", people) as writer,
    ):
        writer.append(variants, calls + np.int8(2), True)
    with pytest.raises(InputError, match="no such cohort dataset"):
        CohortStore(tmp_path / "none.zip")


@pytest.mark.parametrize("missing", [True, False])
def test_alleles_and_genotypes_are_counted_without_the_missing_ones(missing):
    """Groups that lie anywhere, people of none, nobody in a group, more than a word of people."""
    rng = np.random.default_rng(0)
    calls = rng.integers(-1 if missing else 0, 2, size=(200, 70, 2)).astype(np.int8)
    if missing:
        calls[3] = -1
    group = rng.integers(-1, 3, 70)
    group[group == 1] = 0
    found = PackedCalls.of(calls).count(masks_of(group, 3))
    for g in range(3):
        own = calls[:, group == g]
        both = (own >= 0).all(axis=2)
        alt = (own == 1).sum(axis=2)
        np.testing.assert_array_equal(found.alt[:, g], alt.sum(axis=1))
        np.testing.assert_array_equal(found.alleles[:, g], (own >= 0).sum(axis=(1, 2)))
        np.testing.assert_array_equal(found.called[:, g], both.sum(axis=1))
        np.testing.assert_array_equal(found.het[:, g], (both & (alt == 1)).sum(axis=1))
        np.testing.assert_array_equal(found.hom_alt[:, g], (alt == 2).sum(axis=1))
    known = calls >= 0
    frequency = [calls[v][known[v]].mean() if known[v].any() else 0 for v in range(200)]
    maf = [min(p, 1 - p) for p in frequency]
    np.testing.assert_allclose(minor_allele_frequency(calls), maf)
    assert np.isnan(share(np.zeros(1), np.zeros(1))).all()
    assert PackedCalls.of(calls[:0]).count(masks_of(group, 3)).alt.shape == (0, 3)


def test_code_is_compiled_where_no_cache_can_be_written(monkeypatch):
    """A clone and a home folder that are read-only."""
    monkeypatch.setattr("numba.core.caching.CacheImpl._locator_classes", [])
    assert compiled(lambda number: number + 1)(2) == 3


def test_dosages_are_summed_without_the_missing_ones():
    calls = np.random.default_rng(0).integers(-1, 2, size=(30, 17, 2)).astype(np.int8)
    dosages = to_rows(calls, "genotype")  # [S, V]
    total, n = called_sums(dosages)
    for v, own in enumerate(dosages.T):
        assert (total[v], n[v]) == (own[own >= 0].sum(), (own >= 0).sum())


def test_the_more_variants_the_fewer_people_are_held():
    for n_variants in (1, 1_000, 50_000, 1_000_000):
        held = people_at_once(n_variants)
        assert held == 500 or held * n_variants <= genotypes.HELD_CALLS < (held + 1) * n_variants
