"""Rare variants, drawn given the haplotypes around them: which, by whom, how many, together or not."""

import json
import subprocess

import numpy as np
import pandas as pd
import pytest
from clones import change_study, clone, planned_rules, snakemake
from cohorts import founder_calls, people_of, row_of, store_of

from syncohort import genotypes
from syncohort.baselines.alleles import copy_validation
from syncohort.bits import WORD
from syncohort.cohort.filters import filter_rare
from syncohort.cohort_store import CohortStore
from syncohort.config.study import parse_config
from syncohort.errors import InputError
from syncohort.evaluation.fidelity.rare_variants import burden_table, squared_correlations
from syncohort.evaluation.groups import RARE, Group
from syncohort.evaluation.privacy.rare_alleles import RARE_ATTACKS, rare_membership_rows
from syncohort.evaluation.rare_chromosome import RareChromosome
from syncohort.evaluation.tidy import metric_row, tidy
from syncohort.evaluation.verdicts.judging import judge
from syncohort.genotype_writing import CohortWriter
from syncohort.genotypes import People, Variants, slices
from syncohort.report.rare_variants import rare_parts
from syncohort.synthesis.local_haplotypes import blocks_of, haplotypes_around, held_at_once
from syncohort.synthesis.rare_variants import _Block, _Labels, draw_rare, join_rare, scaled

N, M = 300, 10  # common SNPs at 1000, 2000, ...; fewest carriers


def rare_store(path, carriers, people, *, phased=True) -> CohortStore:
    """A variant in the middle of every tenth step between SNPs, carried by rows [v, R] of flags."""
    calls = np.asarray(carriers, dtype=np.int8).reshape(len(carriers), -1, 2)
    position_bp = 100_500 + 1_000 * np.arange(len(calls))
    return store_of(path, calls, people, position_bp=position_bp, phased=phased)


def test_haplotypes_around_a_block_are_its_word_and_those_beside_it(tmp_path):
    calls = founder_calls(n_variants=N, n_people=7)
    store = store_of(tmp_path / "c.zip", calls, people_of(["a"] * 7))
    around = list(haplotypes_around(store, np.array([1, 4])))
    rows = calls[:, [1, 4]].reshape(N, -1).T
    assert len(around) == 5 and around[0].shape == (4, 3)
    for block, words in enumerate(around):
        bits = np.unpackbits(words.view(np.uint8), axis=1, bitorder="little")
        wanted = np.pad(rows, ((0, 0), (WORD, 5 * WORD)))[:, block * WORD : (block + 3) * WORD]
        assert np.array_equal(bits, wanted)
    others = Variants("1", [5, 64_999, 65_000, 900_000], ["."] * 4, [("A", "C")] * 4)
    assert blocks_of(store.variants, others) == [slice(0, 2), slice(2, 3)] + [slice(3, 3)] * 2 + [
        slice(3, 4)
    ]


def chances(trained, drawn, labels, weights, n_nearest=M) -> np.ndarray:
    """The formula of the module, one pair after the other."""
    differ = np.array([[np.bitwise_count(x ^ t).sum() for t in trained] for x in drawn])
    distance = differ + 3 * (labels.drawn[:, None] != labels.train)
    nearest = np.sort(distance, axis=1)[:, n_nearest - 1, None]
    kernel = np.exp(-np.maximum(distance - nearest, 0.0))
    chance = kernel @ weights / kernel.sum(axis=1)
    return chance * labels.expected(weights) / chance.sum()


def test_chances_are_those_of_the_formula():
    rng = np.random.default_rng(1)
    founders = rng.integers(2**63, size=(5, 3), dtype=np.uint64)
    noise = np.uint64(1) << rng.integers(60, size=(2, 40, 3), dtype=np.uint64)
    trained, drawn = (founders[rng.integers(5, size=40)] ^ each for each in noise)
    labels = _Labels(np.array(list("abababab" + "aabb" * 3)), np.array(list("abbb" * 5)))
    weights = (rng.random(40) < 0.3) * 1.0
    block = _Block(trained, drawn, labels, np.arange(40), M)
    found = block.chances(weights, rng)
    assert found.max() < 1
    formula = chances(trained, drawn, labels, weights)
    assert found / found.sum() == pytest.approx(formula / formula.sum())
    own = np.repeat([list("abababab" + "aabb" * 3)], 2)
    expected = sum(
        weights[own == label].sum() / (own == label).sum() * n
        for label, n in (("a", 10), ("b", 30))
    )
    sums = [block.chances(weights, rng).sum() for _ in range(400)]
    assert np.mean(sums) == pytest.approx(expected, rel=0.1)
    assert np.std(sums) == pytest.approx(expected / weights.sum() ** 0.5, rel=0.15)


def test_no_training_haplotype_counts_more_than_one_of_the_nearest():
    rng = np.random.default_rng(2)
    trained = rng.integers(2**63, size=(60, 3), dtype=np.uint64)  # all far from each other
    labels = _Labels(np.array(["a"] * 30), np.array(["a"] * 30))
    block = _Block(trained, trained.copy(), labels, np.arange(60), M)
    for carrier in range(60):
        weights = (np.arange(60) == carrier).astype(np.float32)
        found = block.regression(weights, rng)
        assert 0 < found[carrier] <= 1 / M + 1e-9  # a copy of the only carrier
        assert found.max() <= 1 / M + 1e-9


def test_scaled_chances_have_the_sum_and_none_is_above_one():
    chance = scaled(np.array([0.9, 0.5, 0.1, 0.1]), 2.5)
    assert chance == pytest.approx([1, 1, 0.25, 0.25])
    assert scaled(np.array([0.2, 0.1]), 0.03) == pytest.approx([0.02, 0.01])
    assert scaled(np.array([0.2, 0.0]), 5) == pytest.approx([1, 0])


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """40 training haplotypes of each of five founders, and rare alleles on half of one's."""
    folder = tmp_path_factory.mktemp("rare")
    rng = np.random.default_rng(3)
    founders = rng.integers(2, size=(N, 5))
    which = np.tile(np.arange(5), 40)
    calls = founders[:, which].reshape(N, 100, 2).astype(np.int8)
    splits = ["train"] * 90 + ["holdout"] * 10
    people = people_of(["a"] * 100, splits)
    carriers = np.zeros((50, 200), dtype=bool)
    carriers[:, np.flatnonzero(which == 2)[:18]] = True
    real = store_of(folder / "real.zip", calls, people)
    drawn = store_of(folder / "drawn.zip", calls, people_of(["a"] * 100, prefix="SYN"))
    return folder, real, drawn, carriers, which


@pytest.mark.parametrize("phased", [True, False], ids=["phased", "unphased"])
def test_carriers_are_drawn_on_the_haplotypes_of_training_carriers(cohort, phased):
    folder, real, drawn, carriers, which = cohort
    rare = rare_store(folder / f"{phased}.zip", carriers, real.people, phased=phased)
    draw_rare(real, rare, drawn, folder / "out.zip", carriers_min=M, seed=1)
    store = CohortStore(folder / "out.zip")
    found = store.read().reshape(50, -1)
    assert store.phased and store.variants.id.tolist() == rare.variants.id.tolist()
    assert found.mean() == pytest.approx(18 / 180, rel=0.1)
    assert found.sum(axis=1).std() > 1  # not the training people's counts
    on_theirs = found[:, which == 2].sum() / found.sum()
    assert on_theirs > (0.95 if phased else 0.45)
    draw_rare(real, rare, drawn, folder / "again.zip", carriers_min=M, seed=1)
    assert (folder / "out.zip").read_bytes() == (folder / "again.zip").read_bytes()


def test_a_block_in_pieces_is_drawn_as_it_is_whole(cohort, monkeypatch):
    folder, real, drawn, carriers, _ = cohort
    rare = rare_store(folder / "many.zip", carriers, real.people)
    draw_rare(real, rare, drawn, folder / "whole.zip", carriers_min=M, seed=1)
    monkeypatch.setattr(genotypes, "HELD_CALLS", 3 * 100)
    assert list(held_at_once(slice(5, 13), 100)) == [slice(5, 8), slice(8, 11), slice(11, 13)]
    draw_rare(real, rare, drawn, folder / "pieces.zip", carriers_min=M, seed=1)
    whole, pieces = (CohortStore(folder / f"{name}.zip").read() for name in ("whole", "pieces"))
    assert np.array_equal(whole, pieces)


def test_ref_may_be_the_rarer_allele(cohort):
    folder, real, drawn, carriers, which = cohort
    rare = rare_store(folder / "ref.zip", ~carriers, real.people)
    draw_rare(real, rare, drawn, folder / "ref_out.zip", carriers_min=M, seed=1)
    found = CohortStore(folder / "ref_out.zip").read().reshape(50, -1)
    assert found[:, which != 2].mean() > 0.99 and (found[:, which == 2] == 0).mean() > 0.4


def test_a_persons_set_of_rare_alleles_is_not_copied(cohort):
    """20 alleles that a person shares with nine others each, every time others; he himself is copied."""
    folder, real, drawn, _, which = cohort
    rng = np.random.default_rng(4)
    same = np.flatnonzero(which == 2)[:36]
    carriers = np.zeros((20, 200), dtype=bool)
    for row in carriers:
        row[[same[0], *rng.choice(same[1:], 9, replace=False)]] = True
    rare = rare_store(folder / "set.zip", carriers, real.people)
    draw_rare(real, rare, drawn, folder / "set_out.zip", carriers_min=M, seed=5)
    together = CohortStore(folder / "set_out.zip").read().reshape(20, -1).sum(axis=0)
    assert together.max() < 15 and together[same[0]] < 12  # of 20


def test_correlations_with_common_snps_are_those_of_numpy(cohort):
    _, real, _, _, _ = cohort
    words = list(haplotypes_around(real))[1]
    carry = np.random.default_rng(6).random((3, 200)) < [[0.1], [0.005], [0.0]]
    carry[1] = np.arange(200) < 1
    found = squared_correlations(words, carry.astype(np.float32))
    common = real.read().reshape(N, -1)[: 3 * WORD]
    with np.errstate(invalid="ignore", divide="ignore"):  # some founders are all alike
        wanted = [np.corrcoef(carry[0], snp)[0, 1] ** 2 for snp in common]
    assert found[0] == pytest.approx(wanted, nan_ok=True)
    assert np.isnan(found[1:]).all()  # one carrier, none


def test_burden_counts_people_once_a_gene(tmp_path, monkeypatch):
    rng = np.random.default_rng(7)
    real = store_of(
        tmp_path / "c.zip", founder_calls(N, 40), people_of(["a"] * 40, ["train", "holdout"] * 20)
    )
    synthetic = store_of(tmp_path / "s.zip", founder_calls(N, 40), people_of(["a"] * 40))
    stores = [
        rare_store(tmp_path / f"{i}.zip", rng.random((60, 80)) < 0.05, each.people)
        for i, each in enumerate((real, synthetic))
    ]
    monkeypatch.setattr(CohortStore, "variant_slices", lambda self: slices(60, 7))
    chromosome = RareChromosome(real, stores[0], synthetic, stores[1])
    genes = pd.DataFrame(
        {
            "gene": ["none", "long", "inner"],
            "contig": "1",
            "start_bp": [1, 101_000, 103_000],
            "end_bp": [90_000, 149_000, 120_000],
        }
    )
    found = burden_table(chromosome, genes).set_index("gene")
    assert list(found.index) == ["long", "inner"]
    for gene, inside in (("long", slice(1, 49)), ("inner", slice(3, 20))):
        for name, store, people in (
            ("holdout", stores[0], slice(1, None, 2)),
            ("synthetic", stores[1], slice(None)),
        ):
            wanted = (store.read()[inside, people] == 1).any(axis=(0, 2)).mean()
            assert found.loc[gene, name] == pytest.approx(wanted)
    assert len(burden_table(chromosome, None)) == 1


@pytest.fixture(scope="module")
def attacked(tmp_path_factory):
    """People of many founders with rare alleles of their own draw: a copier must be seen, others not."""
    folder = tmp_path_factory.mktemp("attacked")
    rng = np.random.default_rng(8)
    people = people_of(["a"] * 300, ["train"] * 150 + ["validation"] * 50 + ["holdout"] * 100)
    real = store_of(folder / "c.zip", founder_calls(N, 300, 40), people)
    rare = rare_store(folder / "r.zip", rng.random((100, 600)) < 0.02, people)
    return folder, real, rare


@pytest.mark.parametrize("copied", [True, False], ids=["copies", "others"])
def test_attacks_see_a_copy_of_rare_alleles_and_nothing_in_others(attacked, copied):
    folder, real, rare = attacked
    own = people_of(["a"] * 150, prefix="SYN")
    rng = np.random.default_rng(9)
    if copied:
        drawn, carriers = real.read()[:, :150], rare.read()[:, :150].reshape(100, -1)
    else:
        drawn, carriers = founder_calls(N, 150, 40, seed=10), rng.random((100, 300)) < 0.02
    synthetic = store_of(folder / f"{copied}.zip", drawn, own)
    chromosome = RareChromosome(
        real, rare, synthetic, rare_store(folder / f"{copied}.rare.zip", carriers, own)
    )
    rows = rare_membership_rows([chromosome], minimum_people=20, max_people=150, seed=1)
    for method in RARE_ATTACKS:
        row = row_of(rows, "membership_auc", method=method)
        assert row["low"] > 0.55 if copied else row["low"] < 0.53, (method, row)


def test_validation_people_stand_for_both_sides(attacked):
    folder, real, rare = attacked
    copies = folder / "v.zip", folder / "v.rare.zip"
    for store, path in zip((real, rare), copies, strict=True):
        copy_validation(store, path)
    chromosome = RareChromosome(real, rare, *map(CohortStore, copies))
    options = {"minimum_people": 20, "max_people": 150, "seed": 1, "is_validation": True}
    rows = rare_membership_rows([chromosome], **options)
    for method in RARE_ATTACKS:
        assert row_of(rows, "membership_auc", method=method)["low"] < 0.53
        assert row_of(rows, "membership_tpr", method=method, fpr="10 %")["value"] < 0.25


def test_rare_variants_come_between_the_others_and_sites_are_settled(tmp_path):
    people = people_of(["a"] * 3, prefix="SYN")
    common = store_of(tmp_path / "c.zip", founder_calls(5, 3), people)
    rarer = Variants("1", [1_500, 2_000, 9_000], ["r0", "r1", "r2"], [("A", "C")] * 3)
    with CohortWriter(tmp_path / "r.zip", people) as writer:
        writer.append(rarer, np.array([[[1, 0]] * 3, [[1, 1]] * 3, [[0, 1]] * 3], np.int8), True)
    join_rare(common, CohortStore(tmp_path / "r.zip"), tmp_path / "j.zip")
    joined = CohortStore(tmp_path / "j.zip")
    assert joined.variants.position_bp.tolist() == [1000, 1500, 2000, 2000, 3000, 4000, 5000, 9000]
    assert joined.variants.id.tolist() == ["v0", "r0", "v1", "r1", "v2", "v3", "v4", "r2"]
    calls, own = joined.read(), common.read()
    assert (calls[[1, 7]] == [[[1, 0]] * 3, [[0, 1]] * 3]).all()
    assert np.array_equal(calls[[0, 4, 5, 6]], own[[0, 2, 3, 4]])
    assert (calls[2] + calls[3]).max() == 1  # A>G and A>C at 2000: one ALT allele a haplotype
    assert joined.n_settled == own[1].sum()


def test_variants_of_too_few_carriers_are_left_out(tmp_path):
    calls = np.zeros((5, 400, 2), dtype=np.int8)
    calls[0, :10, 0] = 1
    calls[1, :9] = 1  # nine people, 18 alleles
    calls[2, 390:, 0] = 1  # carriers in the holdout alone
    calls[3] = 1
    calls[3, :12, 1] = 0  # REF is rarer
    calls[4, :100] = 1
    people = People([f"p{i}" for i in range(400)], ["a"] * 400, ["train"] * 390 + ["holdout"] * 10)
    raw = store_of(tmp_path / "raw.zip", calls, people)
    options = {"maf_min": 0.05, "variant_missing_max": 0.1, "hwe_p_min": 0, "carriers_min": 10}
    filter_rare(raw, people, None, tmp_path / "o.zip", tmp_path / "o.json", **options)
    assert CohortStore(tmp_path / "o.zip").variants.id.tolist() == ["v0", "v3"]
    dropped = json.loads((tmp_path / "o.json").read_text())["dropped"]
    assert dropped["common"] == 1 and dropped["of too few carriers"] == 2
    with pytest.raises(InputError, match="1 common, 4 of too few .* Leave release.rare"):
        filter_rare(
            raw, people, None, tmp_path / "n", tmp_path / "n", **options | {"carriers_min": 13}
        )


@pytest.mark.parametrize(
    ("study", "message"),
    [
        ({"release": {"rare": {"carriers_min": 9}}}, "should be at least 10; found 9"),
        (
            {"release": {"rare": {"carriers_min": 10}}, "mode": "genotype"},
            "carriers_min needs mode: haplotype",
        ),
        (
            {"release": {"rare": {"carriers_min": 10}}, "filters": {"maf_min": 0}},
            "no variant is too rare to be modelled",
        ),
    ],
    ids=["few carriers", "genotypes", "no filter"],
)
def test_what_cannot_be_drawn_is_told(study, message):
    with pytest.raises(InputError, match=message):
        parse_config(study)


def test_the_report_has_a_section_of_rare_variants():
    counts = [{"n_kept": 1_200, "dropped": {"common": 3, "of too few carriers": 40}}] * 2
    rows = [
        metric_row("sfs_distance", Group(snps=RARE), 0.02),
        metric_row("membership_auc", Group(method="rare alleles"), 0.51, 0.48, 0.54),
        metric_row("membership_auc", Group(method="distance"), 0.77),
    ]
    judged = judge(tidy(rows, cohort="c", generator="drawn"), {})
    text = "".join(rare_parts(judged, counts, ["drawn"]))
    assert "2,400" in text and "left out: of too few carriers" in text and "80" in text
    assert "rare variants" in text and "0.51 [0.48, 0.54]" in text and "0.77" not in text


@pytest.mark.slow
def test_nothing_rare_is_drawn_unless_asked_for(tmp_path):
    folder = clone(tmp_path / "clone")
    wanted = {"filter_rare", "draw_rare", "join_rare", "measure_rare"}
    assert not planned_rules(folder) & wanted
    results = folder / "results/tiny"
    release = results / "release/drawn"
    study = change_study(
        folder,
        filters={"maf_min": 0.1},
        release={"rare": {"carriers_min": 10}},
        generators={"drawn": {"kind": "independent"}},
    )
    made = (release / "rare/21.tsv", release / "vcf/21.vcf.gz", results / "measure_rare/drawn.tsv")
    done = snakemake(folder, *(str(file.relative_to(folder)) for file in made), study=study)
    assert done.returncode == 0, done.stdout + done.stderr
    listed = pd.read_csv(release / "rare/21.tsv", sep="\t")
    common, joined = (
        CohortStore(results / f"{name}/drawn/21.zarr.zip") for name in ("draw_alleles", "join_rare")
    )
    assert len(listed) and len(joined.variants) == len(common.variants) + len(listed)
    text = subprocess.run(
        ["bcftools", "query", "-f", "%POS\n", release / "vcf/21.vcf.gz"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    released = [int(line) for line in text.split()]
    assert set(listed["position_bp"]) <= set(released)
    assert released == joined.variants.position_bp.tolist()
