"""The imposed trait: exact variances, recorded effects, groups, tables, messages."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from cohorts import linked_calls, people_of, store_of
from scipy.stats import norm

from syncohort.errors import InputError
from syncohort.simulation.trait import liability_trait, simulate_trait

GROUPS = np.repeat(["north", "south"], 150)
TRAIT = {
    "heritability": 0.4,
    "n_causal": 20,
    "prevalence": 0.25,
    "maf_min": 0.05,
    "within": None,
    "seed": 7,
}


def save_cohort(folder):
    """Two chromosomes of 300 people, some calls missing, some variants that never are causal."""
    stores = []
    for contig in ("21", "22"):
        calls = linked_calls(200, GROUPS, seed=int(contig))
        calls[np.random.default_rng(int(contig)).random(calls.shape[:2]) < 0.02] = -1
        calls[0] = 1  # nobody differs
        calls[1], calls[1, :2, 0] = 0, 1  # rare
        calls[2, :, 0], calls[2, :, 1] = 0, 1  # everybody is heterozygous
        path = folder / f"{contig}.zarr.zip"
        stores.append(store_of(path, calls, people_of([""] * 300), contig=contig))
    return stores


def impose(folder, stores, table=None, id_column="person", **changes):
    """Impose a trait and read what was written."""
    folder.mkdir(exist_ok=True)
    if table is None:
        # not in the order of the genotypes, and with people who have none
        order = np.random.default_rng(1).permutation(300)
        ids = [*stores[0].people.id[order], "stranger"]
        table = pd.DataFrame({"region": [*GROUPS[order], "north"], "person": ids})
    files = {"people_path": folder / "people.tsv", "causal_path": folder / "causal.tsv"}
    trait = simulate_trait(stores, table, id_column, **(TRAIT | changes), **files)
    people = pd.read_csv(files["people_path"], sep="\t", keep_default_na=False, dtype=str)
    causal = pd.read_csv(files["causal_path"], sep="\t", dtype={"contig": str})
    return SimpleNamespace(trait=trait, people=people, causal=causal, files=files)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trait")
    stores = save_cohort(folder)
    found = impose(folder / "over all", stores)
    return SimpleNamespace(folder=folder, stores=stores, **vars(found))


def recorded_scores(found, stores):
    """Sum of recorded effects by person of the genotypes, and the dosages [S] by variant."""
    score, columns = np.zeros(300), []
    for store in stores:
        own = found.causal[found.causal["contig"] == store.contig]
        for row in own.itertuples():
            index = int(np.flatnonzero(store.variants.position_bp == row.position)[0])
            assert [row.other_allele, row.effect_allele] == list(store.variants.allele[index])
            calls = store.read(slice(index, index + 1))[0]  # [S, 2]
            dosage = np.where((calls < 0).any(axis=1), np.nan, calls.sum(axis=1))
            dosage = np.where(np.isnan(dosage), np.nanmean(dosage), dosage)
            columns.append((row, dosage))
            score += row.beta * dosage
    return score, columns


def test_same_seed_gives_the_same_bytes(cohort, tmp_path):
    again = impose(tmp_path, cohort.stores)
    for name, path in cohort.files.items():
        assert path.read_bytes() == again.files[name].read_bytes()
    other = impose(tmp_path, cohort.stores, seed=8)
    assert set(other.causal["position"]) != set(cohort.causal["position"])


def test_recorded_effects_explain_the_heritability(cohort):
    score, columns = recorded_scores(cohort, cohort.stores)
    assert len(columns) == TRAIT["n_causal"]
    assert set(cohort.causal["contig"]) == {"21", "22"}
    for row, dosage in columns:
        assert row.allele_frequency == pytest.approx(dosage.mean() / 2)
        assert row.variance_explained == pytest.approx(row.beta**2 * dosage.var())
        assert 0.05 <= row.allele_frequency <= 0.95 and dosage.std() > 0
    assert score.var() == pytest.approx(TRAIT["heritability"], rel=1e-7)
    assert cohort.trait.liability.var() == pytest.approx(1, rel=1e-9)


def test_the_table_gets_two_columns_and_keeps_its_people(cohort):
    people = cohort.people.set_index("person")
    assert list(cohort.people) == ["person", "region", "trait", "liability"]
    assert (people.loc["stranger", ["trait", "liability"]] == "").all()
    own = people.loc[cohort.stores[0].people.id]
    liability = own["liability"].astype(float).to_numpy()
    np.testing.assert_allclose(liability, cohort.trait.liability, rtol=1e-8)
    is_case = (own["trait"] == "case").to_numpy()
    assert is_case.sum() == round(TRAIT["prevalence"] * 300)
    assert set(own["trait"]) == {"case", "control"}
    assert liability[is_case].min() > liability[~is_case].max()


def test_within_groups_cases_are_no_group(cohort, tmp_path):
    found = impose(tmp_path, cohort.stores, within="region")
    score, _ = recorded_scores(found, cohort.stores)
    is_case = found.trait.is_case
    centred, between = score.copy(), 0.0
    for name in ("north", "south"):
        own = GROUPS == name
        centred[own] -= score[own].mean()
        between += own.mean() * (score[own].mean() - score.mean()) ** 2
        assert found.trait.liability[own].mean() == pytest.approx(0, abs=1e-9)
    assert centred.var() == pytest.approx(TRAIT["heritability"], rel=1e-7)
    np.testing.assert_allclose(centred, found.trait.genetic_value, atol=1e-7)
    assert found.trait.liability.var() == pytest.approx(1, rel=1e-9)
    # analysis of variance: what was taken out
    assert found.trait.between_groups == pytest.approx(between / score.var())
    assert is_case.sum() == round(TRAIT["prevalence"] * 300)


def test_groups_that_differ_make_cases_a_group_unless_centred():
    rng = np.random.default_rng(3)
    frequency = np.stack([rng.uniform(0.1, 0.5, 40), rng.uniform(0.5, 0.9, 40)])
    group = np.repeat([0, 1], 1_000)
    dosage = rng.binomial(2, frequency[group]).astype(float)
    options = {"heritability": 0.8, "prevalence": 0.3}
    shares = [
        liability_trait(dosage, groups, rng=np.random.default_rng(4), **options)
        .is_case.reshape(2, -1)
        .mean(axis=1)
        for groups in (None, group)
    ]
    assert abs(np.diff(shares[0])[0]) > 0.2
    assert abs(np.diff(shares[1])[0]) < 4 * np.sqrt(0.3 * 0.7 / 500)


@pytest.fixture(scope="module")
def independent_dosage():
    rng = np.random.default_rng(11)
    return rng.binomial(2, rng.uniform(0.05, 0.5, 200), (6_000, 200)).astype(float)


def draw_trait(dosage, heritability, prevalence, seed=5):
    options = {"heritability": heritability, "prevalence": prevalence}
    return liability_trait(dosage, None, rng=np.random.default_rng(seed), **options)


def test_cases_carry_the_expected_excess_of_score(independent_dosage):
    h2, prevalence = 0.5, 0.2
    trait = draw_trait(independent_dosage, h2, prevalence)
    cases, controls = trait.genetic_value[trait.is_case], trait.genetic_value[~trait.is_case]
    # Falconer: the mean of g among cases is h2 * density(threshold) / prevalence
    expected = h2 * norm.pdf(norm.ppf(prevalence)) / (prevalence * (1 - prevalence))
    error = np.sqrt(h2 / len(cases) + h2 / len(controls))
    assert cases.mean() - controls.mean() == pytest.approx(expected, abs=4 * error)
    # without LD the variants' own shares add up, and every variant is expected to have the same
    assert trait.variance_explained.sum() == pytest.approx(h2, rel=0.1)
    assert trait.variance_explained.max() < 0.1 * h2


def test_heritability_zero_and_one(independent_dosage):
    nothing = draw_trait(independent_dosage, 0.0, 0.3)
    assert not nothing.beta.any() and nothing.liability.var() == pytest.approx(1)
    everything = draw_trait(independent_dosage, 1.0, 0.3)
    np.testing.assert_allclose(everything.liability, everything.genetic_value, atol=1e-12)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"heritability": 1.2}, r"heritability is 1.2; give a share in \[0, 1\]"),
        ({"n_causal": 5_000}, "n_causal is 5000; give 1 to 3.., the variants .* at least maf_min"),
        ({"prevalence": 0}, r"prevalence is 0; give a share in \(0, 1\)"),
        ({"prevalence": 0.001}, "leaves no case or no control"),
        ({"within": "town"}, r"columns region, person .*no column 'town' \(trait.within\)"),
        ({"within": "person"}, "name a column with fewer groups"),
        ({"id_column": "sample"}, r"no column 'sample' \(labels.id_column\)"),
    ],
)
def test_traits_that_cannot_be_imposed(cohort, tmp_path, changes, message):
    with pytest.raises(InputError, match="(?s)" + message):
        impose(tmp_path / "out", cohort.stores, **changes)
    assert not list((tmp_path / "out").iterdir())


def test_tables_that_do_not_fit(cohort, tmp_path):
    others = pd.DataFrame({"person": ["A", "B"], "region": ""})
    with pytest.raises(InputError, match=r"0 of the 2 people .*such as A, B.*such as p0"):
        impose(tmp_path, cohort.stores, others)
    taken = pd.DataFrame({"person": ["p0", "p1"], "trait": "x"})
    with pytest.raises(InputError, match="a column 'trait', which the simulated one would hide"):
        impose(tmp_path, cohort.stores, taken)
