"""Principal axes, UMAP and t-SNE: against other programs, and what may move whom."""

import re
import subprocess
from shutil import which

import numpy as np
import pandas as pd
import pytest
from cohorts import NAMES, linked_calls, people_of, store_of, value_of
from sklearn.decomposition import PCA

from syncohort.association.ancestry import PrincipalAxes
from syncohort.dosages import DosageScale, read_dosages
from syncohort.errors import InputError
from syncohort.evaluation.fidelity import embedding as module
from syncohort.evaluation.fidelity.embedding import (
    Embedding,
    add_tsne,
    embed_people,
    fit_embedding,
    pca_distance,
    projection_variance,
    share_of_variance,
)
from syncohort.evaluation.tidy import TIDY_COLUMNS
from syncohort.formats.plink import write_plink

SPLITS = np.array(["train"] * 160 + ["validation"] * 20 + ["holdout"] * 120, dtype=object)
LABELS = np.array(["x", "y"] * 150, dtype=object)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """300 people, the holdout again as synthetic people, and other people of the same kind."""
    folder = tmp_path_factory.mktemp("embedding")
    calls = linked_calls(120, LABELS, seed=1)
    calls[np.random.default_rng(3).random(calls.shape[:2]) < 0.01] = -1
    holdout = SPLITS == "holdout"
    others = linked_calls(120, LABELS, seed=2)
    return {
        "real": store_of(folder / "r.zip", calls, people_of(LABELS, SPLITS)),
        "same": store_of(folder / "s.zip", calls[:, holdout], people_of(LABELS[holdout])),
        "others": store_of(folder / "o.zip", others, people_of(LABELS)),
    }


@pytest.fixture
def without_umap(monkeypatch):
    """UMAP takes 14 s to import; what is tested here does not need the picture itself."""
    monkeypatch.setattr(module, "_fit_umap", lambda places, seed: places[:, :2].copy())


def embedded(real, synthetic, *, tsne=False, minimum_people=2, **options):
    fitted = fit_embedding([real], seed=1, **options)
    return embed_people(
        fitted,
        [real],
        [synthetic],
        tsne=tsne,
        minimum_people=minimum_people,
        seed=1,
        max_people=options.get("max_people", 3_000),
        **NAMES,
    )


# -------------------------------------------------------- principal components


def test_axes_equal_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    groups = rng.random((3, 300)) * 0.8 + 0.1
    frequency = groups[np.arange(60) % 3]
    dosages = rng.binomial(2, frequency).astype(np.int8)
    axes = PrincipalAxes.fit(dosages, 2, seed=0)
    scaled = DosageScale.fit(dosages).apply(dosages)
    p = dosages.mean(axis=0) / 2
    np.testing.assert_allclose(
        scaled, (dosages - 2 * p) / np.sqrt(2 * p * (1 - p)), rtol=1e-4, atol=1e-5
    )
    oracle = PCA(2, svd_solver="full").fit_transform(scaled)
    ours = axes.project(dosages)
    np.testing.assert_allclose(np.abs(ours), np.abs(oracle), rtol=1e-3, atol=1e-3)


def test_axes_agree_with_plink2(tmp_path):
    """Directions of the first two axes: |r| above 0.9999 over people."""
    if not which("plink2"):
        pytest.skip("plink2 is not installed")
    rng = np.random.default_rng(0)
    frequency = (rng.random((3, 600)) * 0.6 + 0.2)[np.arange(90) % 3]  # [S, V]
    calls = (rng.random((600, 90, 2)) < frequency.T[:, :, None]).astype(np.int8)
    store = store_of(tmp_path / "c.zip", calls, people_of(["x"] * 90))
    write_plink([store], tmp_path / "c")
    command = ["plink2", "--bfile", "c", "--pca", "2", "--out", "c"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    theirs = pd.read_csv(tmp_path / "c.eigenvec", sep="\t")[["PC1", "PC2"]].to_numpy()
    dosages = read_dosages([store], np.arange(90))
    ours = PrincipalAxes.fit(dosages, 2, seed=0).project(dosages)
    for axis in (0, 1):
        assert abs(np.corrcoef(ours[:, axis], theirs[:, axis])[0, 1]) > 0.9999


def test_a_missing_dosage_counts_as_the_training_mean():
    train = np.array([[0, 2], [1, 2], [2, -1], [-1, 0]], dtype=np.int8)
    scale = DosageScale.fit(train)
    np.testing.assert_allclose(scale.mean, [1, 4 / 3], rtol=1e-6)
    scaled = scale.apply(np.array([[-1, -1], [2, 2]], dtype=np.int8))
    p = np.array([0.5, 2 / 3])
    np.testing.assert_allclose(scaled[0], 0)
    np.testing.assert_allclose(scaled[1], (2 - 2 * p) / np.sqrt(2 * p * (1 - p)), rtol=1e-5)


# -------------------------------------------------------------- placing people


def test_noise_for_the_holdout_moves_nobody_else(tmp_path, cohort, without_umap):
    real, synthetic = cohort["real"], cohort["others"]
    calls = real.read()
    holdout = real.people.split == "holdout"
    noise = np.random.default_rng(9).integers(0, 2, calls[:, holdout].shape)
    calls[:, holdout] = noise
    swapped = store_of(tmp_path / "swapped.zip", calls, real.people)
    before, after = (embedded(each, synthetic, max_people=100).people for each in (real, swapped))
    others = before["source"] != "holdout"
    assert before["source"].value_counts().tolist() == [100, 100, 100]
    pd.testing.assert_frame_equal(before[others], after[others])
    assert not np.allclose(before.loc[~others, "pc1"], after.loc[~others, "pc1"])


def test_the_saved_embedding_places_people_alike(tmp_path, cohort, without_umap):
    fitted = fit_embedding([cohort["real"]], seed=1)
    fitted.save(tmp_path / "e.npz")
    loaded = Embedding.load(tmp_path / "e.npz")
    dosages = read_dosages([cohort["others"]], np.arange(20))
    np.testing.assert_array_equal(fitted.project(dosages), loaded.project(dosages))
    assert loaded.person.tolist() == fitted.person.tolist() and loaded.n_variants == 120


def test_an_embedding_of_other_variants_is_refused(tmp_path, cohort, without_umap):
    fitted = fit_embedding([cohort["real"]], seed=1)
    stores = [
        store_of(tmp_path / f"{name}.zip", cohort[name].read()[:-1], cohort[name].people)
        for name in ("real", "others")
    ]
    options = {"tsne": False, "minimum_people": 2, "seed": 1, **NAMES}
    with pytest.raises(InputError, match="fitted to 120 variants, the cohort has 119"):
        embed_people(fitted, [stores[0]], [stores[1]], **options)
    with pytest.raises(InputError, match="do not hold the same variants"):
        embed_people(fitted, [cohort["real"]], [stores[1]], **options)


def test_the_holdout_itself_is_no_distance_away(cohort, without_umap):
    result = embedded(cohort["real"], cohort["same"])
    assert list(result.metrics.columns) == TIDY_COLUMNS
    assert value_of(result.metrics, "pca_distance") == pytest.approx(0, abs=1e-6)
    assert value_of(result.metrics, "pairwise_distance") == pytest.approx(0, abs=1e-6)
    # axes of the very people that they are held against
    assert value_of(result.metrics, "projection_variance") > 1
    for name in ("knn_precision", "knn_recall", "kinship_pairs"):
        assert value_of(result.metrics, name) == pytest.approx(1), name
    shifted = result.people.copy()
    axes = [name for name in shifted if name.startswith("pc")]
    spread = shifted.loc[shifted["source"] == "holdout", axes].std(ddof=0)
    shifted.loc[shifted["source"] == "synthetic", axes] += 0.7 * spread
    assert pca_distance(shifted)["value"] == pytest.approx(0.7, rel=1e-5)


def test_axes_of_the_same_people_hold_as_much_and_axes_of_noise_chances_share(cohort, without_umap):
    fitted = fit_embedding([cohort["real"]], seed=1)
    real = cohort["real"].people
    dosages = read_dosages([cohort["real"]], np.arange(len(real)), fitted.variants)
    training, holdout = (dosages[real.split == split] for split in ("train", "holdout"))
    row = projection_variance(fitted, training, holdout, seed=1)
    assert row["value"] == pytest.approx(1, abs=1e-3)
    n_axes = fitted.axes.shape[1]
    assert row["note"].startswith(f"{n_axes} axes: ")

    # in plain numpy: the share of the standardised holdout people's variance
    scaled = np.where(holdout < 0, 0, (holdout - fitted.mean) * fitted.inverse_scale)
    centred = scaled - scaled.mean(axis=0)
    share = np.square(centred @ fitted.axes).sum() / np.square(centred).sum()
    assert share_of_variance(fitted.principal_axes(), holdout) == pytest.approx(share, rel=1e-4)

    few = projection_variance(fitted, training[:4], holdout, seed=1)
    ours, theirs = re.findall(r"0\.\d+", few["note"])
    assert few["note"].startswith("3 axes: ") and float(theirs) < share
    assert few["value"] == pytest.approx(float(ours) / float(theirs), rel=0.05)

    noise = np.random.default_rng(1).integers(0, 3, training.shape).astype(np.int8)
    value = projection_variance(fitted, noise, holdout, seed=1)["value"]
    assert value == pytest.approx(n_axes / dosages.shape[1] / share, rel=0.5)
    for people, others in ((np.zeros_like(noise[:9]), holdout), (noise, holdout[:1])):
        row = projection_variance(fitted, people, others, seed=1)
        assert np.isnan(row["value"]) and row["note"].endswith("people do not differ")


def test_few_people_are_named_not_measured(cohort, without_umap):
    metrics = embedded(cohort["real"], cohort["others"], minimum_people=121).metrics
    assert metrics["value"].isna().all() and set(metrics["note"]) == {"too few: 120 people"}


def test_dosages_join_chromosomes_and_thin(tmp_path, cohort):
    calls, people = cohort["real"].read(), cohort["real"].people
    stores = [
        store_of(tmp_path / "a.zip", calls[:50], people, contig="1"),
        store_of(tmp_path / "b.zip", calls[50:], people, contig="2"),
    ]
    chosen, variants = np.array([5, 3, 299]), np.array([0, 49, 50, 119])
    expected = np.where((calls < 0).any(axis=2), -1, calls.sum(axis=2))[variants][:, chosen].T
    np.testing.assert_array_equal(read_dosages(stores, chosen, variants), expected)


def test_chromosomes_with_other_people_are_refused(cohort):
    with pytest.raises(InputError, match="hold different people"):
        read_dosages([cohort["real"], cohort["same"]], np.arange(3))


# --------------------------------------------------------------- UMAP and t-SNE


def blank_embedding(places, umap) -> Embedding:
    n = len(places)
    none, people = np.zeros(0), np.array([f"p{i}" for i in range(n)], dtype=object)
    return Embedding(none, np.array(0), none, none, none, people, people, places, umap)


def test_others_lie_among_their_nearest_in_the_umap():
    """A copy lies on its original; a person between two groups' members between them."""
    rng = np.random.default_rng(0)
    places = rng.normal(size=(40, 3)) + np.repeat([[0, 0, 0], [50, 0, 0]], 20, axis=0)
    umap = places[:, :2] / 10
    fitted = blank_embedding(places, umap)
    np.testing.assert_allclose(fitted.umap_of(places[[3, 30]]), umap[[3, 30]], atol=1e-6)
    inside = fitted.umap_of(places[:20].mean(axis=0, keepdims=True))[0]
    low, high = umap[:20].min(axis=0), umap[:20].max(axis=0)
    assert ((inside > low) & (inside < high)).all()


def test_umap_is_left_out_for_a_handful_of_training_people():
    places = np.random.default_rng(0).normal(size=(15, 2))
    umap = module._fit_umap(places, seed=1)
    assert np.isnan(umap).all() and np.isnan(blank_embedding(places, umap).umap_of(places)).all()


@pytest.mark.slow
def test_umap_keeps_groups_apart():
    rng = np.random.default_rng(0)
    places = rng.normal(size=(40, 2)) + np.repeat([[0.0, 0.0], [50.0, 0.0]], 20, axis=0)
    umap = module._fit_umap(places, seed=1)
    np.testing.assert_array_equal(umap, module._fit_umap(places, seed=1))
    first, second = umap[:20], umap[20:]
    within = max(np.ptp(first, axis=0).max(), np.ptp(second, axis=0).max())
    assert np.linalg.norm(first.mean(axis=0) - second.mean(axis=0)) > within / 2


def groups_of_people() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    centre = np.repeat([[0.0, 0.0], [50.0, 0.0]], 30, axis=0)
    parts = []
    for source in ("train", "holdout", "synthetic"):
        table = pd.DataFrame(centre + rng.normal(size=centre.shape), columns=["pc1", "pc2"])
        parts.append(table.assign(source=source, label=["x"] * 30 + ["y"] * 30))
    return pd.concat(parts, ignore_index=True)


def test_tsne_draws_all_sources_together(monkeypatch):
    people = groups_of_people()
    drawn = add_tsne(people, seed=1)
    middle = drawn.groupby("label")[["tsne1", "tsne2"]].mean()
    for row in drawn.itertuples():
        distance = np.hypot(middle["tsne1"] - row.tsne1, middle["tsne2"] - row.tsne2)
        assert distance.idxmin() == row.label
    monkeypatch.setattr(module, "TSNE_PEOPLE", 40)
    thinned = add_tsne(people, seed=1).dropna()
    assert thinned["source"].value_counts().tolist() == [40, 40, 40]


def test_tsne_is_left_out_when_not_asked_for_or_for_few():
    people = groups_of_people()
    for table in (add_tsne(people, seed=1, drawn=False), add_tsne(people.iloc[:20], seed=1)):
        assert table[["tsne1", "tsne2"]].isna().all(axis=None)
