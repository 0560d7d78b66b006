"""Decoding: thresholds against plain Python and known shares, and the cohorts they make."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2_contingency

from syncohort.cohort.hardy_weinberg import hwe_p_values_by_label
from syncohort.cohort.synthetic_people import synthetic_ids
from syncohort.cohort_store import CohortStore
from syncohort.config.study import parse_config
from syncohort.errors import InputError
from syncohort.genotype_writing import CohortWriter
from syncohort.genotypes import People, Variants, from_rows, to_rows
from syncohort.representations.gene_pca import GenePCA
from syncohort.synthesis import decoding
from syncohort.synthesis.autozygosity import Autozygosity
from syncohort.synthesis.block_haplotypes import BlockHaplotypes
from syncohort.synthesis.decoding import (
    Decision,
    beyond_chance,
    cut_values,
    decode_cohort,
    matched_thresholds,
)
from syncohort.synthesis.training_rows import (
    PRIOR_ROWS,
    block_edges,
    block_slices,
    training_shares,
)

MATCHED = Decision("matched", 0.3, 0.3, label_margin=0.3)
ROUNDING = Decision("rounding", 0.3, 0.3, 0)
KNOWN = 10**9  # training rows: so many that no difference is chance
MODES = pytest.mark.parametrize("mode", ["haplotype", "genotype"])
SIZES = [3, 3, 1]  # SNPs of the gene blocks
N_VARIANTS = sum(SIZES)
N_OTHER_BLOCKS = 2  # of the chromosome before


def model_of(mode, position_bp=None) -> GenePCA:
    """A gene PCA whose components are the SNPs themselves."""
    ids = [f"rs{i}" for i in range(N_VARIANTS)]
    position_bp = np.arange(N_VARIANTS) + 1 if position_bp is None else position_bp
    variants = Variants("22", position_bp, ids, [("A", "C")] * N_VARIANTS)
    loadings = np.concatenate([np.eye(3, dtype=np.float32)[:size] for size in SIZES])
    blocks = pd.DataFrame({"n_variants": SIZES, "n_components": SIZES})
    return GenePCA(variants, mode, np.zeros(N_VARIANTS), loadings, blocks, "loss", "")


def latents_of(values) -> np.ndarray:
    """Latents [R, G, 3], blocks of another chromosome first, that decode to values [R, V]."""
    latents = np.full((len(values), N_OTHER_BLOCKS + len(SIZES), 3), 9, dtype=np.float32)
    latents[:, N_OTHER_BLOCKS:] = 0
    for variant, value in enumerate(values.T):
        latents[:, N_OTHER_BLOCKS + variant // 3, variant % 3] = value
    return latents


def real_cohort(path, *, holdout_seed=0, n_people=120, model=None) -> CohortStore:
    """Two labels whose frequencies differ; a third of the people are holdout."""
    frequency = np.stack([np.linspace(0.05, 0.9, N_VARIANTS), np.linspace(0.6, 0.02, N_VARIANTS)])
    labels = np.arange(n_people) % 2
    split = np.where(np.arange(n_people) % 3 == 0, "holdout", "train")
    alleles = np.random.default_rng(0).random((N_VARIANTS, n_people, 2))
    noise = np.random.default_rng(holdout_seed).random(alleles.shape)
    alleles = np.where(split[:, None] == "holdout", noise, alleles)
    people = People(
        [f"P{i}" for i in range(n_people)], np.array(["case", "control"])[labels], split
    )
    with CohortWriter(path, people) as writer:
        calls = (alleles < frequency[labels].T[..., None]).astype(np.int8)
        writer.append((model or model_of("haplotype")).variants, calls, True)
    return CohortStore(path)


def synthetic_people(n_people, labels=("case", "control")) -> People:
    label = np.array([labels[i % len(labels)] for i in range(n_people)], dtype=object)
    return People(synthetic_ids(n_people), label, np.full(n_people, "", dtype=object))


def decode(
    folder, mode, values, decision, *, cuts=(), real=None, people=None, model=None, **options
) -> CohortStore:
    """The cohort of values [R, V], from shards that are cut before the given rows."""
    shards = np.split(latents_of(values), cuts)
    paths = [folder / f"{i}.npy" for i in range(len(shards))]
    for path, shard in zip(paths, shards, strict=True):
        np.save(path, shard)
    out = folder / "22.zarr.zip"
    decode_cohort(
        paths,
        model or model_of(mode),
        real or real_cohort(folder / "real.zip", model=model),
        people or synthetic_people(len(values) // (2 if mode == "haplotype" else 1)),
        out,
        first_position=N_OTHER_BLOCKS,
        decision=decision,
        seed=0,
        **options,
    )
    return CohortStore(out)


# --- the cohort


@MODES
def test_rounding_gives_the_calls_of_every_person(tmp_path, mode):
    """Shards of unequal length, one of them empty, against the model applied by hand."""
    n_people, each = 1_203, 2 if mode == "haplotype" else 1
    values = np.random.default_rng(0).normal(0.7, 1, (n_people * each, N_VARIANTS))
    store = decode(tmp_path, mode, values, ROUNDING, cuts=[4 * each, 700 * each, 700 * each])
    calls = store.read()
    assert store.people.label.tolist() == synthetic_people(n_people).label.tolist()
    assert store.phased == (mode == "haplotype")
    rows = np.clip(np.rint(values.astype(np.float32)), 0, 2 // each).astype(np.int8)
    np.testing.assert_array_equal(calls, from_rows(rows, mode))


@MODES
@pytest.mark.parametrize("wanted", [True, False])
def test_autozygous_people_have_their_first_haplotype_twice(tmp_path, mode, wanted):
    values = np.random.default_rng(3).uniform(0, 1, (400, N_VARIANTS))
    before = decode(tmp_path, mode, values, MATCHED).read()
    known = Autozygosity({"case": 1 - 1e-9, "control": 0.0}, 1e9, 0.0)
    decision = replace(MATCHED, autozygosity=wanted)
    store = decode(tmp_path, mode, values, decision, autozygosity=known)
    is_case = (store.people.label == "case") & wanted & (mode == "haplotype")
    expected = before.copy()
    expected[:, is_case, 1] = before[:, is_case, 0]
    np.testing.assert_array_equal(store.read(), expected)
    assert is_case.any() == ((expected != before).any())


@MODES
@pytest.mark.parametrize("decision", [MATCHED, ROUNDING])
def test_no_row_has_more_alt_alleles_of_a_site_than_places(tmp_path, mode, decision, monkeypatch):
    # sites are longer than what is decoded at once
    monkeypatch.setattr(decoding, "CHUNK_VARIANTS", 2)
    model = model_of(mode, np.array([1, 1, 1, 2, 5, 5, 9]))
    values = np.random.default_rng(3).uniform(0, 2.2, (60, N_VARIANTS))
    free = decode(tmp_path, mode, values, decision).read()
    store = decode(tmp_path, mode, values, decision, model=model)
    calls, places = store.read(), 2 if mode == "genotype" else 1
    rows, before = (to_rows(each, mode) for each in (calls, free))
    for site in (slice(0, 3), slice(4, 6)):
        assert before[:, site].sum(axis=1).max() > places >= rows[:, site].sum(axis=1).max()
    np.testing.assert_array_equal(rows[:, [3, 6]], before[:, [3, 6]])
    assert store.n_settled == before.sum() - rows.sum() > 0
    if mode == "haplotype":
        crowded = np.flatnonzero(before[:, 4:6].sum(axis=1) == 2)
        assert (rows[crowded, 4:6].argmax(axis=1) == values[crowded, 4:6].argmax(axis=1)).all()


@MODES
@pytest.mark.parametrize("decision", [MATCHED, ROUNDING])
def test_neither_shards_nor_chunks_change_the_cohort(tmp_path, mode, decision, monkeypatch):
    values = np.random.default_rng(1).normal(0.5, 0.6, (400, N_VARIANTS))
    whole = decode(tmp_path, mode, values, decision).path.read_bytes()
    assert decode(tmp_path, mode, values, decision, cuts=[14, 90]).path.read_bytes() == whole
    calls = CohortStore(tmp_path / "22.zarr.zip").read()
    for elements in (1, 3 * 400):  # one variant at once; two
        monkeypatch.setattr(decoding, "_CHUNK_ELEMENTS", elements)
        np.testing.assert_array_equal(decode(tmp_path, mode, values, decision).read(), calls)


@MODES
def test_holdout_people_decide_nothing(tmp_path, mode):
    values = np.random.default_rng(1).normal(0.5, 0.4, (400, N_VARIANTS))
    files = []
    for seed in (0, 1):
        real = real_cohort(tmp_path / "real.zip", holdout_seed=seed)
        files.append(decode(tmp_path, mode, values, MATCHED, real=real).path.read_bytes())
    assert files[0] == files[1]


def test_every_label_gets_its_own_frequency(tmp_path):
    """Values say nothing but noise around one half: frequencies come from the thresholds."""
    values = np.random.default_rng(2).normal(0.5, 0.05, (8_000, N_VARIANTS))
    real = real_cohort(tmp_path / "real.zip", n_people=6_000)
    calls = decode(tmp_path, "haplotype", values, MATCHED, real=real).read()
    for label in (0, 1):
        wanted = np.linspace(*((0.05, 0.9), (0.6, 0.02))[label], N_VARIANTS)
        found = calls[:, label::2].mean(axis=(1, 2))
        # sampling of 2,000 training people, and what the other label's values add
        np.testing.assert_allclose(found, wanted, atol=0.03)


def test_what_does_not_fit_is_refused(tmp_path):
    values = np.zeros((4, N_VARIANTS))
    with pytest.raises(InputError, match="shards hold 4 rows of latents, the cohort needs 6"):
        decode(tmp_path, "haplotype", values, MATCHED, people=synthetic_people(3))
    with pytest.raises(InputError, match="no training people carry the labels ill of the synth"):
        decode(tmp_path, "haplotype", values, MATCHED, people=synthetic_people(2, ("ill", "case")))
    arguments = (model_of("haplotype"), real_cohort(tmp_path / "real.zip"), synthetic_people(2))
    out = tmp_path / "22.zarr.zip"
    with pytest.raises(InputError, match="have 5 positions of 3 channels, the .* needs 6 of 3"):
        decode_cohort(
            [tmp_path / "0.npy"], *arguments, out, first_position=3, decision=MATCHED, seed=0
        )
    other = tmp_path / "other.zip"
    with CohortWriter(other, People.unlabelled(["P"])) as writer:
        variants = model_of("haplotype").variants[1:]
        writer.append(variants, np.zeros((len(variants), 1, 2), np.int8), True)
    with pytest.raises(InputError, match="the variants do not match"):
        decode(tmp_path, "haplotype", values, MATCHED, real=CohortStore(other))
    assert not out.exists()
    with pytest.raises(
        InputError, match="rule 'nearest' is unknown; use one of matched, rounding, argm"
    ):
        Decision("nearest", 0.3, 0.3, 0)


def test_a_piece_of_the_chromosome_decodes_as_in_the_whole():
    model = model_of("genotype")
    latents = np.random.default_rng(0).normal(size=(30, len(SIZES), 3)).astype(np.float32)
    whole = model.decode(latents)
    for piece in (slice(0, 1), slice(2, 5), slice(5, 7)):
        blocks = model.positions_of("22", piece)
        values = model.decode_variants(latents[:, blocks], "22", piece)
        np.testing.assert_array_equal(values, whole[:, piece])
    assert model.positions_of("22", slice(2, 5)) == slice(0, 2)


# --- shares of the training people


@MODES
def test_shares_are_those_of_a_plain_loop(mode):
    rng = np.random.default_rng(3)
    top = 1 if mode == "haplotype" else 2
    rows = rng.integers(-1, top + 1, (60, 5)).astype(np.int8)
    rows[:40, 4] = -1  # a label without any call
    labels = np.arange(60) // 20
    shares = training_shares(rows, labels, 3, mode)
    prior = PRIOR_ROWS
    for variant, column in enumerate(rows.T):
        everybody = column[column >= 0].sum() / (top * (column >= 0).sum())
        for label in range(3):
            seen = [value for value in column[labels == label] if value >= 0]
            frequency = (sum(seen) + prior * everybody) / (top * len(seen) + prior)
            if mode == "haplotype":
                expected = [frequency]
            else:
                hardy_weinberg = [1 - (1 - frequency) ** 2, frequency**2]
                expected = [
                    (sum(value >= call for value in seen) + prior * share) / (len(seen) + prior)
                    for call, share in zip((1, 2), hardy_weinberg, strict=True)
                ]
            np.testing.assert_allclose(shares[:, label, variant], expected, rtol=1e-6)


def test_a_variant_without_any_call_breaks_nothing():
    shares = training_shares(np.full((6, 1), -1, np.int8), np.arange(6) % 2, 2, "genotype")
    np.testing.assert_array_equal(shares, np.zeros((2, 2, 1)))


# --- thresholds


@MODES
def test_thresholds_leave_the_wanted_share_above(mode, monkeypatch):
    monkeypatch.setattr(decoding, "HALF_TRUSTED_ROWS", 0)
    rng = np.random.default_rng(4)
    n_thresholds = 1 if mode == "haplotype" else 2
    values = rng.random((500, 6)).astype(np.float32) * n_thresholds
    labels = rng.permutation(np.arange(500) % 3)
    # values are uniform, so these shares need thresholds inside the bounds
    shares = np.linspace(0.3, 0.7, 18).reshape(1, 3, 6)
    if mode == "genotype":
        shares = np.concatenate([shares / 2 + 0.5, shares / 2])
    thresholds = matched_thresholds(values, labels, shares, [KNOWN] * 3, MATCHED)
    rows = cut_values(values, labels, thresholds)
    for label in range(3):
        own = rows[labels == label]
        for call in range(n_thresholds):
            found = (own > call).sum(axis=0)
            assert (np.abs(found - shares[call, label] * len(own)) <= 0.5 + 1e-6).all()


def test_bounds_hold():
    """Noise is no allele, however common the allele is, and a sure allele stays one."""
    values = np.array([[0.05, 0.95]] * 10 + [[0.1, 0.9]] * 10, dtype=np.float32)
    labels, shares = np.zeros(20, int), np.array([[[0.5, 0.5]]])
    thresholds = matched_thresholds(values, labels, shares, [KNOWN], MATCHED)
    rows = cut_values(values, labels, thresholds)
    np.testing.assert_array_equal(rows, [[0, 1]] * 20)
    shares = np.array([[[0.5, 0.5]], [[0.1, 0.1]]])
    twice = matched_thresholds(values, labels, shares, [KNOWN], MATCHED)
    np.testing.assert_allclose(twice[:, 0], [[0.2, 0.8], [1.2, 1.2]])


def test_small_labels_lean_on_everybody():
    """The right threshold is .35 for all; four rows a label cannot tell, all together can."""
    rng = np.random.default_rng(5)
    n_labels, frequency = 100, 0.3
    is_alt = rng.random((n_labels * 4, 1)) < frequency
    # noise of the same spread around .1 and .6
    values = (0.1 + 0.5 * is_alt + rng.normal(0, 0.12, is_alt.shape)).astype(np.float32)
    labels, shares = np.repeat(np.arange(n_labels), 4), np.full((1, n_labels, 1), frequency)
    decision = Decision("matched", 0.49, 0.49, label_margin=0.49, label_z=1)
    thresholds = matched_thresholds(values, labels, shares, [4] * n_labels, decision)
    own = [np.quantile(values[labels == label], 1 - frequency) for label in range(n_labels)]
    assert np.abs(thresholds - 0.35).mean() < 0.4 * np.abs(np.array(own) - 0.35).mean()


@pytest.mark.parametrize("spread", [0.8, 1.4])
def test_genotypes_keep_heterozygotes_and_hardy_weinberg(spread):
    """A generator of dosages that are too alike, or too wide: rounding departs, matching not."""
    rng = np.random.default_rng(6)
    frequency = rng.uniform(0.1, 0.9, 200)
    real = (rng.random((800, 200, 2)) < frequency[:, None]).sum(axis=2).astype(np.int8)
    sd = np.sqrt(2 * frequency * (1 - frequency)) * spread
    values = (2 * frequency + sd * rng.standard_normal((800, 200))).astype(np.float32)
    labels = np.zeros(800, int)
    shares = training_shares(real, labels, 1, "genotype")
    rounded = np.clip(np.rint(values), 0, 2).astype(np.int8)
    thresholds = matched_thresholds(values, labels, shares, [800], MATCHED)
    matched = cut_values(values, labels, thresholds)

    def rejected(rows):
        p = hwe_p_values_by_label(from_rows(rows, "genotype"), np.full(800, "all"))
        return (p < 1e-3).mean()

    assert rejected(rounded) > 0.2
    assert rejected(matched) < 0.05  # the bounds keep a few from matching
    assert (matched == 1).mean() == pytest.approx((real == 1).mean(), rel=0.02)


def test_one_threshold_for_all_labels_meets_the_expected_calls():
    rng = np.random.default_rng(3)
    labels = np.repeat([0, 1], [300, 100])
    values = rng.uniform(0, 1, (400, 5)).astype(np.float32)
    shares = np.array([[[0.4] * 5, [0.6] * 5]])
    decision = Decision("matched", 0.45, 0.45, 0)
    thresholds = matched_thresholds(values, labels, shares, [300, 100], decision)
    assert (thresholds[:, 0] == thresholds[:, 1]).all()
    called = cut_values(values, labels, thresholds).mean(axis=0)
    np.testing.assert_allclose(called, (300 * 0.4 + 100 * 0.6) / 400, atol=1 / 400)


def test_a_label_leaves_the_common_threshold_by_its_margin_at_most(monkeypatch):
    """Two labels whose values miss their frequencies by equal and opposite shifts."""
    monkeypatch.setattr(decoding, "HALF_TRUSTED_ROWS", 0)
    values = np.linspace(0, 1, 1_000, dtype=np.float32)[:, None]
    values = np.concatenate([values + 0.1, values - 0.1])
    labels = np.repeat([0, 1], 1_000)
    shares = np.full((1, 2, 1), 0.5)
    for margin, apart in ((0, 0), (0.04, 0.04), (0.3, 0.1)):
        decision = Decision("matched", 0.3, 0.3, label_margin=margin)
        thresholds = matched_thresholds(values, labels, shares, [KNOWN] * 2, decision)
        np.testing.assert_allclose(thresholds[0, :, 0], [0.5 + apart, 0.5 - apart], atol=0.002)


@pytest.mark.parametrize("least_z", [0, 1, 2.5])
def test_a_difference_counts_by_what_is_more_than_chance(least_z):
    """The test of two proportions from another library, and 1 - 1 / z^2 of the difference."""
    n_drawn, n_real = 400, 150
    drawn = np.array([[0.3, 0.3, 0.3, 0.3, 0.0, 0.5, 1.0]])
    real = np.array([[0.5, 0.4, 0.32, 0.3, 0.0, 0.0, 0.9]])
    wanted = beyond_chance(drawn, real, (n_drawn, n_real), least_z)[0]
    for got, q, t in zip(wanted, drawn[0], real[0], strict=True):
        table = [[n_drawn * q, n_drawn * (1 - q)], [n_real * t, n_real * (1 - t)]]
        if q == t:
            assert got == q
            continue
        z2 = chi2_contingency(table, correction=False).statistic
        assert got == pytest.approx(q + (t - q) * max(0, 1 - least_z**2 / z2), rel=1e-9)
    assert (wanted[2] == 0.3) == (least_z >= 1)  # half a standard error
    assert drawn[0, 0] < wanted[0] <= real[0, 0]


def test_labels_keep_the_shared_threshold_unless_they_miss_their_share():
    """Chance differences move few thresholds; a label that is truly off gets its frequency."""
    rng = np.random.default_rng(8)
    n_variants, n_rows, n_training = 400, 150, 150
    frequency = rng.uniform(0.2, 0.8, n_variants)
    labels = np.repeat(np.arange(3), n_rows)
    off = np.where(labels == 2, 0.25, 0)[:, None]  # of a label alone the values are too low
    is_alt = rng.random((len(labels), n_variants)) < frequency
    values = (is_alt + rng.normal(0, 0.2, is_alt.shape) - off).astype(np.float32)
    shares = np.stack([rng.binomial(n_training, frequency) / n_training for _ in range(3)])[None]
    decision = Decision("matched", 0.4, 0.4, label_margin=0.4, label_z=1)
    thresholds = matched_thresholds(values, labels, shares, [n_training] * 3, decision)
    shared = matched_thresholds(
        values, labels, shares, [n_training] * 3, replace(decision, label_margin=0)
    )
    moved = (thresholds != shared)[0].mean(axis=1)  # [L]
    assert (moved[:2] < 0.4).all()  # one standard error is left by 32 % of normal draws
    error = [
        np.abs(cut_values(values, labels, cut)[labels == 2].mean(axis=0) - shares[0, 2]).mean()
        for cut in (shared, thresholds)
    ]
    assert error[1] < error[0]
    alone = matched_thresholds(values, labels, shares, [1] * 3, decision)
    assert ((alone != shared)[0].mean(axis=1) < moved).all()  # a person tells nothing


def test_thresholds_of_two_calls_never_change_places():
    values = np.repeat(np.array([[0.0], [2.0]], dtype=np.float32), 50, axis=0)
    labels = np.repeat([0, 1], 50)
    shares = np.array([[[0.99], [0.01]], [[0.98], [0.005]]])
    decision = Decision("matched", 0.49, 0.49, label_margin=0.49)
    thresholds = matched_thresholds(values, labels, shares, [KNOWN] * 2, decision)
    assert (thresholds[0] < thresholds[1]).all()


@pytest.mark.parametrize("maf, margin", [(0.0, 0.3), (0.05, 0.2), (0.1, 0.1), (0.4, 0.1)])
def test_the_margin_narrows_from_rare_to_common_variants(maf, margin):
    values = np.full((50, 1), 0.01, dtype=np.float32)  # an allele that never reaches half way
    labels = np.zeros(50, dtype=int)
    for frequency, direction in ((maf, -1), (1 - maf, 1)):
        shares = np.full((1, 1, 1), frequency)
        ours = values if direction < 0 else 1 - values
        decision = Decision("matched", 0.3, 0.1, 0)
        threshold = matched_thresholds(ours, labels, shares, [KNOWN], decision)
        found = abs(float(threshold[0, 0, 0]) - 0.5)
        assert found <= margin + 1e-6
        assert maf == 0 or found == pytest.approx(margin)


# --- haplotypes of blocks


def block_rows(rng, n_rows, haplotypes, weights, n_strange):
    """Rows of a few haplotypes, of which some have an allele turned over."""
    rows = haplotypes[rng.choice(len(haplotypes), n_rows, p=weights)]
    strange = rng.permutation(n_rows)[:n_strange]
    rows[strange, rng.integers(0, rows.shape[1], n_strange)] ^= 1
    return rows


def test_what_is_common_in_a_block_is_that_of_a_plain_loop():
    rng = np.random.default_rng(0)
    haplotypes = rng.integers(0, 2, (6, 12)).astype(np.int8)
    rows = block_rows(rng, 300, haplotypes, [0.4, 0.3, 0.2, 0.05, 0.03, 0.02], 30)
    rows[7, 3] = -1
    labels = rng.integers(0, 3, 300)
    found = BlockHaplotypes.of(rows, labels, 4, 5)
    texts = ["".join(map(str, row)) for row in rows]
    counts = {text: texts.count(text) for text in texts if "-" not in text}
    assert {"".join(map(str, row)) for row in found.common} == {
        text for text, count in counts.items() if count >= 5
    }
    whole = [i for i, text in enumerate(texts) if text in counts]
    # less than five among the others
    strange = {i for i in whole if counts[texts[i]] - 1 < 5}
    for label in range(4):
        own = [i for i in whole if labels[i] == label]
        share = (len(strange.intersection(own)) + 10 * len(strange) / len(whole)) / (len(own) + 10)
        assert found.uncommon[label] == pytest.approx(share)


def test_as_many_rows_stay_uncommon_as_of_unseen_people():
    """Real people have some; the farther of the drawn ones stay, the nearer are brought back."""
    rng = np.random.default_rng(1)
    haplotypes = rng.integers(0, 2, (5, 20)).astype(np.int8)
    weights = [0.4, 0.3, 0.2, 0.07, 0.03]
    labels = np.zeros(4_000, int)
    training, unseen = (block_rows(rng, 4_000, haplotypes, weights, 200) for _ in range(2))
    block = BlockHaplotypes.of(training, labels, 1, 30)
    np.testing.assert_array_equal(block.bring_back(unseen, unseen.astype(float), labels), unseen)
    truth = haplotypes[rng.choice(5, 4_000, p=weights)]
    values = truth + rng.normal(0, 0.22, truth.shape).astype(np.float32)
    rows = (values > 0.5).astype(np.int8)
    result = block.bring_back(rows, values, labels)
    known = {row.tobytes() for row in block.common}
    before, after = (
        np.array([row.tobytes() not in known for row in np.ascontiguousarray(each)])
        for each in (rows, result)
    )
    assert before.sum() > 600
    assert after.sum() == round(4_000 * block.uncommon[0]) <= 210
    np.testing.assert_array_equal(result[~before], rows[~before])
    changed = (result != rows).any(axis=1)
    assert (result[changed] == truth[changed]).all(axis=1).mean() > 0.99


@pytest.mark.parametrize("mode", ["haplotype", "genotype"])
@pytest.mark.parametrize("elements", [1, decoding._CHUNK_ELEMENTS])
def test_a_noisy_cohort_gets_real_haplotypes_and_keeps_its_frequencies(
    tmp_path, monkeypatch, elements, mode
):
    """Without phase, the sums of two of them."""
    monkeypatch.setattr(decoding, "_CHUNK_ELEMENTS", elements)
    rng = np.random.default_rng(2)
    size = 3
    model = model_of(mode)
    # the first block has three haplotypes of eight, the second two, the third is one SNP
    of_block = [
        np.array([[0, 0, 0], [1, 1, 0], [1, 1, 1]]),
        np.array([[0, 1, 0], [1, 0, 1]]),
        np.array([[0], [1]]),
    ]

    def draw(n_people):
        haplotypes = np.concatenate(
            [each[rng.integers(0, len(each), 2 * n_people)] for each in of_block], axis=1
        ).astype(np.int8)
        return haplotypes if mode == "haplotype" else haplotypes[::2] + haplotypes[1::2]

    real = tmp_path / "real.zip"
    people = People(
        [f"P{i}" for i in range(1_000)], np.full(1_000, "case"), np.full(1_000, "train")
    )
    training = draw(1_000)
    with CohortWriter(real, people) as writer:
        writer.append(model.variants, from_rows(training, mode), mode == "haplotype")
    truth = draw(1_500)
    values = truth + rng.normal(0, 0.25, truth.shape)
    given = {"real": CohortStore(real), "people": synthetic_people(1_500, ("case",))}
    found = {}
    for carriers in (None, 5):
        decision = Decision("matched", 0.3, 0.3, 0.1, haplotype_carriers=carriers)
        calls = decode(tmp_path, mode, values, decision, **given).read()
        found[carriers] = to_rows(calls, mode)
    for block, haplotypes in enumerate(of_block[:2]):
        part = slice(block * size, (block + 1) * size)
        first = haplotypes if mode == "haplotype" else haplotypes[:, None] + haplotypes
        known = {row.astype(np.int8).tobytes() for row in first.reshape(-1, size)}
        strange = {
            carriers: np.mean([row.tobytes() not in known for row in rows[:, part].copy()])
            for carriers, rows in found.items()
        }
        assert strange[None] > 0.04 and strange[5] == 0
    wrong = {carriers: (rows != truth).mean() for carriers, rows in found.items()}
    assert wrong[5] < 0.6 * wrong[None]
    for call in range(2 if mode == "genotype" else 1):
        drawn, real = ((rows > call).mean(axis=0) for rows in (found[5], training))
        np.testing.assert_allclose(drawn, real, atol=0.025)


def test_blocks_that_cut_a_site_are_one(tmp_path):
    model = model_of("haplotype", np.array([1, 2, 3, 3, 5, 6, 9]))  # blocks end after 3 and 6
    real = real_cohort(tmp_path / "real.zip", model=model)
    assert block_edges(model, real).tolist() == [0, 6, 7]
    parts = list(block_slices(np.array([0, 3, 6, 7, 20]), 5))
    assert parts == [slice(0, 6), slice(6, 20)]
    assert list(block_slices(np.array([0, 3]), 100)) == [slice(0, 3)]


@pytest.mark.parametrize(
    "study, found",
    [
        ({"own": {"decoding": {"rule": "rounding"}}}, "rounding and gene_pca"),
        ({"own": {"preset": "snpgen"}}, "matched and snp_vae"),
    ],
)
def test_common_haplotypes_are_refused_where_there_are_none(study, found):
    own = study.pop("own", {})
    own["decoding"] = own.get("decoding", {}) | {"haplotype_carriers": 5}
    with pytest.raises(InputError, match=f"generators.a.decoding.haplotype_carriers .* {found}: "):
        parse_config({"generators": {"a": own}} | study)
    del own["decoding"]["haplotype_carriers"]
    parse_config({"generators": {"a": own}} | study)
