"""Relatives set aside from the training people, and the attack on them."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from attacked import OPTIONS, population_calls
from cohorts import people_of, row_of, store_of

from syncohort.baselines.alleles import copy_validation, draw_alleles
from syncohort.cohort.set_aside import set_aside_relatives
from syncohort.cohort.splits import split_table
from syncohort.cohort_store import CohortStore
from syncohort.errors import InputError
from syncohort.evaluation.privacy.frequency_attack import count_alleles
from syncohort.evaluation.privacy.measure import measure_privacy
from syncohort.evaluation.privacy.parties import choose_parties
from syncohort.evaluation.privacy.relatives import Meiosis
from syncohort.evaluation.privacy.set_aside import set_aside_rows
from syncohort.evaluation.tidy import tidy
from syncohort.evaluation.verdicts.bounds import FAIL, LOOK, PASS
from syncohort.evaluation.verdicts.judging import judge
from syncohort.generators.rows import LatentRows
from syncohort.genotypes import RELATIVES, People
from syncohort.simulation.demo import demo_people

ATTACK = "relatives set aside"
SPLIT = {"validation": 0.15, "holdout": 0.2, "training_share": 1.0, "kinship_min": 0.1}
FAMILIES = 60


def split_of(folder, people, **options) -> pd.DataFrame:
    """The table of the split of people of `demo_people`, in the order of the people."""
    people = people.assign(label=people["population"], excluded="")
    people.to_csv(folder / "people.tsv", sep="\t", index=False)
    settings = SPLIT | {"relatives": 0.5, "seed": 3} | options
    split_table(folder / "people.tsv", None, folder / "split.tsv", **settings)
    return pd.read_csv(folder / "split.tsv", sep="\t", keep_default_na=False)


def test_a_child_is_trained_on_and_its_family_is_in_no_other_part(tmp_path):
    people = demo_people({"YRI": 200, "CEU": 200}, FAMILIES)
    split = split_of(tmp_path, people)
    assert len(split) == 400
    parts = split.groupby("family")["split"].agg(lambda each: tuple(sorted(each)))
    aside = parts[parts.map(lambda each: RELATIVES in each)]
    assert len(aside) == FAMILIES / 2
    assert set(aside) == {(*[RELATIVES] * 3, "train")}
    trained = split[split["family"].isin(aside.index) & (split["split"] == "train")]
    assert (trained["father"] != "").all()
    others = split[~split["family"].isin(aside.index)]
    assert (others.groupby("family")["split"].nunique() == 1).all()
    assert set(others["split"]) == {"train", "validation", "holdout"}


def test_relatives_of_who_is_left_out_are_left_out(tmp_path):
    people = demo_people({"YRI": 200, "CEU": 200}, FAMILIES)
    few = split_of(tmp_path, people, training_share=0.4)
    trained = set(few.loc[few["split"] == "train", "family"])
    aside = few[few["split"] == RELATIVES]
    assert 0 < len(aside) < 3 * FAMILIES / 2
    assert set(aside["family"]) <= trained


def test_without_a_share_the_split_is_as_it_was_and_without_families_it_stops():
    groups = np.repeat(np.arange(20), 3)
    nobody = np.zeros(60, bool)
    found = set_aside_relatives(groups, nobody, share=0.0, seed=1)
    assert found.other.all() and not found.relative.any()
    found = set_aside_relatives(groups, nobody, share=0.01, seed=1)
    assert found.relative.sum() == 2 and found.trained.sum() == 1
    for alone in (np.arange(60), np.repeat(np.arange(5), 12)):
        with pytest.raises(InputError, match="nothing tells a family of 2 to 10 people"):
            set_aside_relatives(alone, nobody, share=0.5, seed=1)


def test_generators_see_no_relative():
    splits = np.array(["train", "validation", "holdout", RELATIVES], object)
    rows = LatentRows.of(people_of(["x"] * 4, splits), "genotype")
    assert rows.sample_id.tolist() == ["p0", "p1"]


def families_store(folder) -> CohortStore:
    """People of two populations with FAMILIES families of four, split with relatives set aside."""
    people = demo_people({"YRI": 320, "CEU": 320}, FAMILIES)
    calls = population_calls(people["population"].to_numpy(), seed=7, n_variants=600)
    position_bp, index = 20_000 * np.arange(1, 601), people.set_index("sample").index
    children = np.flatnonzero(people["father"] != "")
    for haplotype, parent in enumerate(("father", "mother")):
        parents = index.get_indexer(people[parent].iloc[children])
        meiosis = Meiosis(len(children), seed=haplotype)
        calls[:, children, haplotype] = meiosis.haplotypes(calls[:, parents], position_bp)
    split = split_of(folder, people)["split"]
    real = People(people["sample"], people["population"], split)
    return store_of(folder / "real.zip", calls, real, position_bp=position_bp)


def rows_of(real: CohortStore, synthetic: CohortStore, **options) -> list[dict]:
    """Metric rows of the attack on a synthetic cohort."""
    is_validation = options.pop("is_validation", False)
    parties = choose_parties(real.people, synthetic.people, 3_000, is_validation, 1)
    training = [count_alleles(real, {"train": real.people.split == "train"})["train"]]
    settings = {"max_people": 3_000, "minimum_people": 20, "seed": 1} | options
    return set_aside_rows([real], [synthetic], parties, training, "haplotype", **settings)


@pytest.fixture(scope="module")
def families(tmp_path_factory):
    return families_store(tmp_path_factory.mktemp("families"))


@pytest.fixture(scope="module")
def judged(families, tmp_path_factory):
    """Kind of a generator -> its judged table."""
    folder, tables = tmp_path_factory.mktemp("drawn"), []
    label = families.people.label[families.people.split == "train"]
    for kind in ("validation", "bootstrap", "independent"):
        path = folder / f"{kind}.zip"
        if kind == "validation":
            copy_validation(families, path)
        else:
            draw_alleles(families, people_of(label, prefix="s"), path, kind=kind, seed=1)
        rows = rows_of(families, CohortStore(path), is_validation=kind == "validation")
        tables.append(tidy(rows, cohort="c", generator=kind))
    table = judge(pd.concat(tables), {"validation": "validation"})
    return {kind: table[table["generator"] == kind] for kind in table["generator"].unique()}


@pytest.mark.slow
def test_a_copier_gives_relatives_away_and_independent_snps_do_not(judged):
    for group in ({}, {"window_snps": "64"}, {"window_snps": "512"}):
        row = row_of(judged["bootstrap"], "membership_auc", method=ATTACK, **group)
        assert row["verdict"] == FAIL and row["low"] > 0.7, group
        assert "90 relatives" in row["note"]
        for kind in ("independent", "validation"):
            row = row_of(judged[kind], "membership_auc", method=ATTACK, **group)
            assert row["verdict"] in (PASS, LOOK) and row["low"] < 0.53, (kind, group)
    found = row_of(judged["bootstrap"], "membership_tpr", method=ATTACK, fpr="1 %")
    assert found["value"] > 0.1 and found["verdict"] == FAIL


def test_few_relatives_are_not_judged(families):
    """And a cohort of whom nobody is set aside has no such rows."""
    (row,) = rows_of(families, families, minimum_people=91)
    assert np.isnan(row["value"]) and row["note"] == "too few: 90 relatives set aside"
    nobody = SimpleNamespace(people=families.people[families.people.split != RELATIVES])
    nothing = ({}, [], "haplotype")
    settings = {"max_people": 9, "minimum_people": 9, "seed": 1}
    assert set_aside_rows([nobody], [], *nothing, **settings) == []


@pytest.mark.slow
def test_the_attack_is_among_the_measures_of_privacy(tmp_path):
    splits = np.repeat(["train", "validation", "holdout", RELATIVES], 20).astype(object)
    calls = np.random.default_rng(1).integers(0, 2, (40, 80, 2)).astype(np.int8)
    real = store_of(tmp_path / "r.zip", calls, people_of(["x"] * 80, splits))
    drawn = store_of(tmp_path / "s.zip", calls[:, :20], people_of(["x"] * 20))
    metrics = measure_privacy([real], [drawn], **OPTIONS).metrics
    assert row_of(metrics, "membership_auc", method=ATTACK)["note"].startswith("20 relatives")
    found = row_of(metrics, "membership_tpr", method=ATTACK, fpr="1 %")
    assert np.isnan(found["value"]) and "too few people to say: 20" in found["note"]
