"""Frequencies, heterozygosity, linkage and principal axes: closed forms and known cheats."""

import subprocess
from itertools import combinations, pairwise
from shutil import which

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA

from syncohort.dosages import DosageScale, read_dosages
from syncohort.errors import InputError
from syncohort.evaluation import REAL_TRAIN, TIDY_COLUMNS, maf_bin
from syncohort.evaluation.embedding import (
    PrincipalAxes,
    add_umap,
    principal_components,
    summarise_embedding,
)
from syncohort.evaluation.fidelity import (
    allele_frequencies,
    heterozygous_counts,
    summarise_frequencies,
    summarise_heterozygosity,
)
from syncohort.evaluation.linkage import linkage, summarise_linkage
from syncohort.genotypes import CohortStore, CohortWriter, People, Variants

NAMES = {"cohort": "test", "generator": "under test"}


def people_of(labels, splits=None, prefix="p") -> People:
    splits = [""] * len(labels) if splits is None else splits
    return People([f"{prefix}{i}" for i in range(len(labels))], labels, splits)


def store_of(path, calls, people, *, contig="1", position_bp=None, phased=True) -> CohortStore:
    n = len(calls)
    position_bp = 1_000 * np.arange(1, n + 1) if position_bp is None else position_bp
    variants = Variants(contig, position_bp, [f"v{i}" for i in range(n)], [("A", "G")] * n)
    with CohortWriter(path, people) as writer:
        writer.append(variants, np.asarray(calls, dtype=np.int8), phased)
    return CohortStore(path)


def linked_calls(n_variants, labels, *, seed, n_founders=10) -> np.ndarray:
    """Calls [V, S, 2] of people who copy stretches of their label's few founders."""
    rng = np.random.default_rng(seed)
    founders = np.random.default_rng(0).random((n_variants, n_founders)) < 0.35
    groups = np.unique(labels, return_inverse=True)[1].repeat(2)
    jumps = (rng.random((n_variants, len(groups))) < 0.05).cumsum(axis=0)
    which_founder = (jumps * 7 + rng.integers(n_founders, size=len(groups))) % n_founders
    which_founder[:, groups == 1] //= 2  # the second label knows half of the founders
    calls = founders[np.arange(n_variants)[:, None], which_founder]
    return calls.astype(np.int8).reshape(n_variants, -1, 2)


def unlink(calls, labels, *, seed) -> np.ndarray:
    """Shuffle each variant among the haplotypes of a label: same frequencies, no linkage."""
    rng = np.random.default_rng(seed)
    haplotypes = calls.reshape(len(calls), -1).copy()
    of_haplotype = np.repeat(labels, 2)
    for label in np.unique(labels):
        own = np.flatnonzero(of_haplotype == label)
        haplotypes[:, own] = rng.permuted(haplotypes[:, own], axis=1)
    return haplotypes.reshape(calls.shape)


def value_of(table, metric, group="all", generator=NAMES["generator"]) -> float:
    chosen = table.query("metric == @metric and group == @group and generator == @generator")
    assert len(chosen) == 1, (metric, group, generator)
    return chosen["value"].item()


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """200 people of two labels with linkage and missing calls, and three synthetic cohorts:
    the holdout people themselves, other people of the same kind, and unlinked ones."""
    folder = tmp_path_factory.mktemp("cohort")
    labels = np.array(["x", "y"] * 400, dtype=object)
    splits = np.array(["train"] * 400 + ["validation"] * 50 + ["holdout"] * 350, dtype=object)
    calls = linked_calls(120, labels, seed=1)
    others = linked_calls(120, labels, seed=2)
    missing = np.random.default_rng(3).random(calls.shape[:2]) < 0.01
    calls[missing] = -1
    holdout = splits == "holdout"
    return {
        "real": store_of(folder / "real.zip", calls, people_of(labels, splits)),
        "same": store_of(folder / "same.zip", calls[:, holdout], people_of(labels[holdout])),
        "others": store_of(folder / "others.zip", others, people_of(labels)),
        "unlinked": store_of(
            folder / "unlinked.zip", unlink(others, labels, seed=4), people_of(labels)
        ),
    }


def frequency_metrics(real, synthetic) -> pd.DataFrame:
    tables = allele_frequencies(real, synthetic)
    return summarise_frequencies(tables.variants, tables.labels, **NAMES)


def linkage_metrics(real, synthetic) -> pd.DataFrame:
    return summarise_linkage(linkage(real, synthetic, window_kb=100, seed=5), **NAMES)


def heterozygosity_metrics(real, synthetic) -> pd.DataFrame:
    return summarise_heterozygosity(heterozygous_counts(real, synthetic), seed=0, **NAMES)


# ---------------------------------------------------------------- frequencies


def test_frequencies_equal_plain_counting_with_missing_calls(cohort):
    real, synthetic = cohort["real"], cohort["others"]
    tables = allele_frequencies(real, synthetic)
    calls, drawn = real.read(), synthetic.read()

    def counted(calls, variant, keep):
        alleles = [int(a) for s in np.flatnonzero(keep) for a in calls[variant, s] if a >= 0]
        return sum(alleles) / len(alleles)

    for variant in (0, 7, 119):
        row = tables.variants.iloc[variant]
        for split in ("train", "validation", "holdout"):
            expected = counted(calls, variant, real.people.split == split)
            assert row[split] == pytest.approx(expected, abs=1e-12)
        assert row["synthetic"] == pytest.approx(drawn[variant].mean(), abs=1e-12)
    in_x = real.people.label == "x"
    differences = [
        abs(
            counted(calls, v, in_x & (real.people.split == "train"))
            - counted(calls, v, in_x & (real.people.split == "holdout"))
        )
        for v in range(len(calls))
    ]
    row = tables.labels.query("label == 'x' and source == 'train'").iloc[0]
    assert row["error"] == pytest.approx(np.mean(differences), abs=1e-12)
    assert (row["people"], row["holdout_people"]) == (200, 175)


def test_the_holdout_itself_has_no_error(cohort):
    table = frequency_metrics(cohort["real"], cohort["same"])
    assert list(table.columns) == TIDY_COLUMNS
    assert value_of(table, "frequency_r") == pytest.approx(1)
    for group in ("all", "mean over labels", "label x", "label y"):
        assert value_of(table, "frequency_error", group) == 0
    kept = table.query("metric == 'minor_frequency_kept' and generator == 'under test'")
    assert value_of(table, "minor_frequency_kept", "MAF 20-50 %") == 1
    assert (kept["value"].dropna() == 1).all()
    assert value_of(table, "frequency_error", generator=REAL_TRAIN) > 0


def test_error_of_an_unseen_sample_is_binomial(tmp_path):
    """E|difference| of two frequencies of n alleles each is sqrt(2 / pi) its standard error."""
    rng = np.random.default_rng(0)
    n_people, p = 200, 0.3
    calls = (rng.random((4_000, 3 * n_people, 2)) < p).astype(np.int8)
    splits = ["train"] * n_people + ["holdout"] * n_people
    labels = ["x"] * n_people
    real = store_of(tmp_path / "r.zip", calls[:, : 2 * n_people], people_of(labels * 2, splits))
    synthetic = store_of(tmp_path / "s.zip", calls[:, 2 * n_people :], people_of(labels))
    table = frequency_metrics(real, synthetic)
    expected = np.sqrt(2 / np.pi) * np.sqrt(2 * p * (1 - p) / (2 * n_people))
    for generator in (NAMES["generator"], REAL_TRAIN):
        for group in ("all", "MAF 20-50 %", "label x"):
            found = value_of(table, "frequency_error", group, generator)
            assert found == pytest.approx(expected, rel=0.05)


def rare_calls() -> np.ndarray:
    """Ten variants, 100 people: each with the rare allele in three haplotypes (1.5 %)."""
    calls = np.zeros((10, 100, 2), dtype=np.int8)
    calls[:, [5, 50, 95], 0] = 1
    return calls


@pytest.mark.parametrize("rare_allele_is_ref", [False, True])
def test_lost_rare_alleles_show_in_the_share_kept(tmp_path, rare_allele_is_ref):
    calls, synthetic = rare_calls(), rare_calls()
    synthetic[:, [50, 95]] = 0  # one of three copies is left
    if rare_allele_is_ref:
        calls, synthetic = 1 - calls, 1 - synthetic
    splits = ["train"] * 100 + ["holdout"] * 100
    real = store_of(
        tmp_path / "r.zip", np.concatenate([calls, calls], axis=1), people_of(["x"] * 200, splits)
    )
    table = frequency_metrics(real, store_of(tmp_path / "s.zip", synthetic, people_of(["x"] * 100)))
    assert value_of(table, "minor_frequency_kept", "MAF 1-2 %") == pytest.approx(1 / 3)
    assert value_of(table, "minor_frequency_kept", "MAF 1-2 %", REAL_TRAIN) == pytest.approx(1)
    assert np.isnan(value_of(table, "frequency_r"))  # the holdout does not vary


def test_bins_of_minor_allele_frequency():
    bins = maf_bin([0.0, 0.0099, 0.01, 0.02, 0.5, 0.985, np.nan])
    assert bins.tolist() == ["0-1 %", "0-1 %", "1-2 %", "2-5 %", "20-50 %", "1-2 %", ""]


def test_chromosomes_are_summed_up_by_variant(tmp_path):
    """Two chromosomes of unequal length give what one store with all variants gives."""
    labels, splits = ["x", "y"] * 30, ["train"] * 40 + ["holdout"] * 20
    calls, drawn = linked_calls(50, labels, seed=1), linked_calls(50, labels, seed=2)
    pieces = {"whole": slice(None), "left": slice(0, 12), "right": slice(12, None)}
    tables = {}
    for name, piece in pieces.items():
        real = store_of(tmp_path / f"{name}.zip", calls[piece], people_of(labels, splits))
        synthetic = store_of(tmp_path / f"{name}_s.zip", drawn[piece], people_of(labels))
        tables[name] = allele_frequencies(real, synthetic)
    whole = summarise_frequencies(tables["whole"].variants, tables["whole"].labels, **NAMES)
    parts = [tables["left"], tables["right"]]
    joined = summarise_frequencies(
        pd.concat([part.variants for part in parts]),
        pd.concat([part.labels for part in parts]),
        **NAMES,
    )
    pd.testing.assert_frame_equal(whole, joined)


def test_a_label_with_one_holdout_person_is_named_not_measured(tmp_path):
    labels = ["x"] * 20 + ["y"] * 5
    splits = ["train"] * 10 + ["holdout"] * 10 + ["train"] * 4 + ["holdout"]
    calls = linked_calls(30, labels, seed=1)
    real = store_of(tmp_path / "r.zip", calls, people_of(labels, splits))
    table = frequency_metrics(real, store_of(tmp_path / "s.zip", calls, people_of(labels)))
    row = table.query("group == 'label y' and generator == 'under test'").iloc[0]
    assert np.isnan(row["value"]) and row["note"] == "too few: 1 people"
    assert value_of(table, "frequency_error", "mean over labels") == value_of(
        table, "frequency_error", "label x"
    )


def test_frequencies_and_linkage_agree_with_plink(tmp_path):
    if not (which("plink2") and which("plink1.9")):
        pytest.skip("plink2 and plink1.9 are not installed")
    labels = ["x"] * 80
    calls = linked_calls(40, labels, seed=1)
    calls[np.random.default_rng(0).random(calls.shape[:2]) < 0.02] = -1
    splits = ["train"] * 40 + ["holdout"] * 40
    real = store_of(tmp_path / "r.zip", calls, people_of(labels, splits), phased=False)
    holdout = calls[:, 40:]
    names = "\t".join(f"h{i}" for i in range(40))
    lines = ["##fileformat=VCFv4.2", "##contig=<ID=1>"]
    lines += ['##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">']
    lines += [f"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{names}"]
    for v, row in enumerate(holdout):
        genotypes = "\t".join("./." if a < 0 else f"{a}/{b}" for a, b in row)
        lines.append(f"1\t{1_000 * (v + 1)}\tv{v}\tA\tG\t.\t.\t.\tGT\t{genotypes}")
    (tmp_path / "holdout.vcf").write_text("\n".join(lines) + "\n")
    common = ["--vcf", "holdout.vcf", "--out", "plink", "--allow-extra-chr"]
    window = ["--ld-window-kb", "100", "--ld-window", "99", "--ld-window-r2", "0"]
    for command in (
        ["plink2", *common, "--freq"],
        ["plink1.9", *common, "--keep-allele-order", "--r", *window],
    ):
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)

    found = allele_frequencies(real, real).variants["holdout"]
    theirs = pd.read_csv(tmp_path / "plink.afreq", sep="\t")["ALT_FREQS"]
    np.testing.assert_allclose(found, theirs, atol=1e-6)
    # plink centres each pair on the people both of whose calls it has; so do we if all are
    pairs = linkage(real, real, window_kb=100, seed=0, min_maf=0)
    theirs = pd.read_csv(tmp_path / "plink.ld", sep=r"\s+").set_index(["BP_A", "BP_B"])["R"]
    ours = pairs.set_index(["position_1_bp", "position_2_bp"])["holdout"]
    complete = (holdout[:, :, 0] >= 0).all(axis=1)
    whole = set(1_000 * (np.flatnonzero(complete) + 1))
    keys = [key for key in theirs.index if set(key) <= whole]
    assert len(keys) > 50
    np.testing.assert_allclose(ours[keys], theirs[keys], atol=1e-5)


# ------------------------------------------------------------- heterozygosity


def test_heterozygous_calls_equal_plain_counting(cohort):
    counts = heterozygous_counts(cohort["real"], cohort["others"])
    calls = cohort["real"].read()
    assert set(counts["source"]) == {"train", "holdout", "synthetic"}
    for index in (0, 399, 450, 799):
        pairs = [(a, b) for a, b in calls[:, index] if a >= 0]
        row = counts.query(
            "person == @name and source != 'synthetic'", local_dict={"name": f"p{index}"}
        )
        assert row["called"].item() == len(pairs)
        assert row["heterozygous"].item() == sum(a != b for a, b in pairs)


def test_heterozygosity_ratio_in_closed_form(tmp_path):
    """Half of the calls heterozygous in the holdout, a quarter in the synthetic people."""

    def with_share(share, people):
        calls = np.zeros((100, people, 2), dtype=np.int8)
        calls[: round(100 * share), :, 1] = 1
        return calls

    splits = ["train"] * 10 + ["holdout"] * 10
    real_calls = np.concatenate([with_share(0.4, 10), with_share(0.5, 10)], axis=1)
    real = store_of(tmp_path / "r.zip", real_calls, people_of(["x"] * 20, splits))
    synthetic = store_of(tmp_path / "s.zip", with_share(0.25, 8), people_of(["x"] * 8))
    table = heterozygosity_metrics(real, synthetic)
    assert value_of(table, "heterozygosity_ratio") == pytest.approx(0.5)
    assert value_of(table, "heterozygosity_ratio", "label x", REAL_TRAIN) == pytest.approx(0.8)


def test_intervals_of_the_ratio_cover_the_truth():
    """Synthetic people have 0.9 of the holdout's rate; 95 % intervals should say so mostly."""
    rng = np.random.default_rng(0)
    inside = []
    for _ in range(100):
        rates = [rng.normal(0.3, 0.03, 60), rng.normal(0.27, 0.03, 90), rng.normal(0.3, 0.03, 90)]
        table = pd.DataFrame(
            {
                "source": np.repeat(["holdout", "synthetic", "train"], [60, 90, 90]),
                "person": np.arange(240),
                "label": "",
                "heterozygous": rng.binomial(2_000, np.concatenate(rates)),
                "called": 2_000,
            }
        )
        metrics = summarise_heterozygosity(table, seed=0, draws=200, **NAMES)
        row = metrics.query("metric == 'heterozygosity_ratio' and generator == 'under test'")
        inside.append(row["low"].item() < 0.9 < row["high"].item())
    assert 0.88 <= np.mean(inside) <= 0.99


# -------------------------------------------------------------------- linkage


def haplotype_store(path, haplotypes, labels, splits=None, **options) -> CohortStore:
    """Store of people whose haplotypes are given as rows [R, V], two a person."""
    calls = np.asarray(haplotypes, dtype=np.int8).T.reshape(len(haplotypes[0]), -1, 2)
    return store_of(path, calls, people_of(labels, splits), **options)


def test_r_of_two_variants_in_closed_form(tmp_path):
    """Haplotypes AB 5, Ab 1, aB 2, ab 4: r = (5 * 4 - 1 * 2) / sqrt(6 * 6 * 7 * 5)."""
    haplotypes = [[1, 1]] * 5 + [[1, 0]] + [[0, 1]] * 2 + [[0, 0]] * 4
    real = haplotype_store(
        tmp_path / "r.zip", haplotypes * 2, ["x"] * 12, ["train"] * 6 + ["holdout"] * 6
    )
    row = linkage(real, real, window_kb=200, seed=0).iloc[0]
    expected = (5 * 4 - 1 * 2) / np.sqrt(6 * 6 * 7 * 5)
    assert row[["train", "holdout", "synthetic"]].tolist() == pytest.approx([expected] * 3)
    assert row[["train_df", "synthetic_df"]].tolist() == [11, 23]
    assert row["distance_bin"] == "0-20 kb"


def test_structure_between_labels_is_not_linkage(tmp_path):
    """Unlinked within each label, but both alleles common in one label and rare in the other."""
    grid = [[1, 1]] * 9 + [[1, 0]] * 3 + [[0, 1]] * 3 + [[0, 0]]
    swapped = (1 - np.array(grid)).tolist()
    splits = ["train"] * 16
    real = haplotype_store(
        tmp_path / "r.zip",
        grid + swapped + grid + swapped,
        (["x"] * 8 + ["y"] * 8) * 2,
        splits + ["holdout"] * 16,
    )
    blind = haplotype_store(tmp_path / "b.zip", grid + swapped, ["x"] * 16, None)
    row = linkage(real, blind, window_kb=200, seed=0).iloc[0]
    assert row["train"] == pytest.approx(0, abs=1e-6)
    assert row["synthetic"] == pytest.approx(0.25)  # (p1 - p2)^2 / (4 p q) = 0.5^2 at p = 1/2


def test_linkage_with_missing_calls_equals_plain_python(cohort):
    real = cohort["real"]
    pairs = linkage(real, cohort["others"], window_kb=100, seed=5)
    people = np.flatnonzero(real.people.split == "holdout")
    alleles = real.read(samples=people).reshape(len(real.variants), -1).astype(float)
    label = real.people.label[people].repeat(2)
    for row in pairs.iloc[[0, 100, 500]].itertuples():
        i, j = row.position_1_bp // 1_000 - 1, row.position_2_bp // 1_000 - 1
        centred = []
        for variant in (i, j):
            own = alleles[variant].copy()
            own[own < 0] = np.nan
            for name in ("x", "y"):
                own[label == name] -= np.nanmean(own[label == name])
            centred.append(own)
        both = np.isfinite(centred[0]) & np.isfinite(centred[1])
        a, b = centred[0][both], centred[1][both]
        assert row.holdout == pytest.approx((a @ b) / np.sqrt((a @ a) * (b @ b)), abs=1e-5)


def test_every_pair_in_the_window_once_and_in_its_bin(tmp_path):
    rng = np.random.default_rng(0)
    position_bp = np.sort(rng.integers(1, 600_000, 60))
    position_bp[7] = position_bp[8]  # two variants at one place
    calls = linked_calls(60, ["x"] * 40, seed=1)
    real = store_of(
        tmp_path / "r.zip",
        calls,
        people_of(["x"] * 40, ["train"] * 20 + ["holdout"] * 20),
        position_bp=position_bp,
    )
    found = linkage(real, real, window_kb=200, seed=0, min_maf=0.1)
    frequency = calls[:, :20].mean(axis=(1, 2))
    common = position_bp[(frequency >= 0.1) & (frequency <= 0.9)]
    edges = (0, 20_000, 50_000, 100_000, 200_000)
    expected = []
    for a, b in combinations(common, 2):
        for low, high in pairwise(edges):
            if low <= b - a < high:
                expected.append((a, b, f"{low // 1_000}-{high // 1_000} kb"))
    columns = ["position_1_bp", "position_2_bp", "distance_bin"]
    assert sorted(found[columns].itertuples(index=False, name=None)) == sorted(expected)
    capped = linkage(real, real, window_kb=200, seed=0, min_maf=0.1, max_pairs=40)
    assert (capped["distance_bin"].value_counts() == 10).all()
    assert not capped.duplicated(columns).any()


def test_linkage_tells_like_people_from_unlinked_ones(cohort):
    same = linkage_metrics(cohort["real"], cohort["same"])
    assert value_of(same, "ld_r") == pytest.approx(1)
    assert value_of(same, "ld_slope") == pytest.approx(1)
    assert value_of(same, "ld_kept", "0-10 kb") == pytest.approx(1)
    like = linkage_metrics(cohort["real"], cohort["others"])
    assert value_of(like, "ld_r") > 0.9 and value_of(like, "ld_r", generator=REAL_TRAIN) > 0.9
    assert 0.9 < value_of(like, "ld_kept", "0-10 kb") < 1.1
    unlinked = linkage_metrics(cohort["real"], cohort["unlinked"])
    assert abs(value_of(unlinked, "ld_r")) < 0.15
    assert abs(value_of(unlinked, "ld_kept", "0-10 kb")) < 0.02
    # the cheat is invisible to frequencies
    error = value_of(frequency_metrics(cohort["real"], cohort["unlinked"]), "frequency_error")
    assert error == value_of(frequency_metrics(cohort["real"], cohort["others"]), "frequency_error")


def test_unphased_cohorts_are_compared_by_dosage(tmp_path, cohort):
    """Unphased calls [1, 0] and [0, 1] are the same, so their order must not matter."""
    calls = cohort["others"].read()
    mirrored = calls[:, :, ::-1].copy()
    labels = cohort["others"].people.label
    stores = [
        store_of(tmp_path / f"{i}.zip", each, people_of(labels), phased=False)
        for i, each in enumerate((calls, mirrored))
    ]
    first, second = (linkage(cohort["real"], store, window_kb=100, seed=5) for store in stores)
    pd.testing.assert_frame_equal(first, second)
    assert first["holdout_df"].iloc[0] == 350 - 2  # people, not haplotypes


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


def test_a_missing_dosage_counts_as_the_training_mean():
    train = np.array([[0, 2], [1, 2], [2, -1], [-1, 0]], dtype=np.int8)
    scale = DosageScale.fit(train)
    np.testing.assert_allclose(scale.mean, [1, 4 / 3], rtol=1e-6)
    scaled = scale.apply(np.array([[-1, -1], [2, 2]], dtype=np.int8))
    p = np.array([0.5, 2 / 3])
    np.testing.assert_allclose(scaled[0], 0)
    np.testing.assert_allclose(scaled[1], (2 - 2 * p) / np.sqrt(2 * p * (1 - p)), rtol=1e-5)


def test_noise_for_the_holdout_moves_nobody_else(tmp_path, cohort):
    real, synthetic = cohort["real"], cohort["others"]
    calls = real.read()
    holdout = real.people.split == "holdout"
    noise = np.random.default_rng(9).integers(0, 2, calls[:, holdout].shape)
    calls[:, holdout] = noise
    swapped = store_of(tmp_path / "swapped.zip", calls, real.people)
    before = principal_components([real], [synthetic], seed=1, max_people=300)
    after = principal_components([swapped], [synthetic], seed=1, max_people=300)
    others = before["source"] != "holdout"
    assert before["source"].value_counts().tolist() == [300, 300, 300]
    pd.testing.assert_frame_equal(before[others], after[others])
    assert not np.allclose(before.loc[~others, "pc1"], after.loc[~others, "pc1"])


def test_distance_along_axes(cohort):
    same = principal_components([cohort["real"]], [cohort["same"]], seed=1)
    table = summarise_embedding(same, **NAMES)
    assert value_of(table, "pca_distance") == pytest.approx(0, abs=1e-6)
    shifted = same.copy()
    axes = [name for name in same if name.startswith("pc")]
    spread = same.loc[same["source"] == "holdout", axes].std(ddof=0)
    shifted.loc[shifted["source"] == "synthetic", axes] += 0.7 * spread
    table = summarise_embedding(shifted, **NAMES)
    assert value_of(table, "pca_distance") == pytest.approx(0.7, rel=1e-5)


def test_dosages_join_chromosomes_and_thin(tmp_path, cohort):
    calls = cohort["real"].read()
    people = cohort["real"].people
    stores = [
        store_of(tmp_path / "a.zip", calls[:50], people, contig="1"),
        store_of(tmp_path / "b.zip", calls[50:], people, contig="2"),
    ]
    chosen, variants = np.array([5, 3, 700]), np.array([0, 49, 50, 119])
    expected = np.where((calls < 0).any(axis=2), -1, calls.sum(axis=2))[variants][:, chosen].T
    np.testing.assert_array_equal(read_dosages(stores, chosen, variants), expected)


@pytest.mark.slow
def test_umap_places_unseen_people_among_their_like():
    """Two far groups of training people; the others are near copies of members of either."""
    rng = np.random.default_rng(0)
    centre = np.repeat([[0.0, 0.0], [50.0, 0.0]], 20, axis=0)
    parts = []
    for source in ("train", "holdout", "synthetic"):
        place = centre + rng.normal(size=centre.shape)
        table = pd.DataFrame(place, columns=["pc1", "pc2"])
        parts.append(table.assign(source=source, label=["x"] * 20 + ["y"] * 20))
    embedded = add_umap(pd.concat(parts, ignore_index=True), seed=1)
    middle = embedded.query("source == 'train'").groupby("label")[["umap1", "umap2"]].mean()
    for row in embedded.query("source != 'train'").itertuples():
        distance = np.hypot(middle["umap1"] - row.umap1, middle["umap2"] - row.umap2)
        assert distance.idxmin() == row.label


def test_umap_is_left_out_for_a_handful_of_training_people():
    people = pd.DataFrame({"source": ["train"] * 15, "pc1": np.arange(15.0)})
    assert add_umap(people, seed=1)[["umap1", "umap2"]].isna().all(axis=None)


# ----------------------------------------------------------------- bad input


def test_cohorts_with_other_variants_are_refused(tmp_path, cohort):
    real = cohort["real"]
    calls = cohort["others"].read()
    shorter = store_of(tmp_path / "short.zip", calls[:-1], cohort["others"].people)
    for measure in (allele_frequencies, heterozygous_counts):
        with pytest.raises(InputError, match="119 variants .* do not hold the same variants"):
            measure(real, shorter)
    with pytest.raises(InputError, match="do not hold the same variants"):
        principal_components([real], [shorter], seed=0)


def test_chromosomes_with_other_people_are_refused(cohort):
    with pytest.raises(InputError, match="hold different people"):
        read_dosages([cohort["real"], cohort["same"]], np.arange(3))


def test_calibration_rows_do_not_depend_on_the_generator(cohort):
    """So that the tables of several generators can share them."""
    real = cohort["real"]
    for measure in (frequency_metrics, linkage_metrics, heterozygosity_metrics):
        tables = [measure(real, cohort[name]) for name in ("others", "unlinked")]
        first, second = (each[each["generator"] == REAL_TRAIN] for each in tables)
        assert len(first)
        pd.testing.assert_frame_equal(first, second)
