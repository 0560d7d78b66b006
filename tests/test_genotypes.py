"""The cohort dataset: what is written is what is read, and bad data do not get in."""

import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import zarr

from syncohort import genotypes
from syncohort.bits import compiled
from syncohort.dosages import called_sums, share
from syncohort.errors import InputError
from syncohort.genotype_writing import CohortWriter
from syncohort.genotypes import (
    CohortStore,
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
    set_key = zarr.storage.LocalStore.set

    async def counting(store, key, *args, **kwargs):
        written[key] += "/" in key and not Path(key).name.startswith(".")
        await set_key(store, key, *args, **kwargs)

    monkeypatch.setattr(zarr.storage.LocalStore, "set", counting)
    variants, people, calls = small_cohort(n_variants=20)
    phased = np.random.default_rng(1).random(calls.shape[:2]) < 0.5
    files = []
    for size in (1, 2, 3, 5, 20):
        written.clear()
        with CohortWriter(tmp_path / "c.zip", people) as writer:
            for some in slices(20, size):
                writer.append(variants[some], calls[some], phased[some])
        assert written["call_genotype/6.2.0"] == written["call_genotype_phased/6.2"] == 1
        assert set(written.values()) <= {0, 1}
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
