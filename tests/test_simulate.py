"""The demo cohort: determinism, population genetics, families and genes."""

import tracemalloc
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from cyvcf2 import VCF

from syncohort.errors import InputError
from syncohort.simulation.demo import (
    SUPERPOPULATIONS,
    _of_size,
    _write_genes,
    demo_people,
    demography,
    simulate_chromosome,
)
from syncohort.simulation.inheritance import gametes, meioses

PEOPLE = {"people_per_population": dict.fromkeys(SUPERPOPULATIONS, 40), "n_families": 12}
CHROMOSOME = {
    **PEOPLE,
    "length_bp": 400_000,
    "n_variants": 900,
    "maf_min": 0.01,
    "genes_per_mb": 80,
    "seed": 7,
}


def run_chromosome(folder: Path, contig: str, **changes) -> Path:
    vcf = folder / f"{contig}.vcf.gz"
    settings = CHROMOSOME | changes
    simulate_chromosome(contig, **settings, vcf_path=vcf, genes_path=folder / f"{contig}.gtf")
    return vcf


def read_haplotypes(vcf: Path) -> SimpleNamespace:
    """Haplotypes int8 [V, H], positions and records of a small VCF."""
    reader = VCF(str(vcf))
    records = [(v.ID, v.POS, v.REF, tuple(v.ALT), v.genotype.array()) for v in reader]
    genotypes = np.array([record[4] for record in records])  # [V, S, 2 alleles + phased]
    return SimpleNamespace(
        samples=reader.samples,
        id=[record[0] for record in records],
        position=np.array([record[1] for record in records]),
        alleles=[(record[2], *record[3]) for record in records],
        calls=genotypes[..., :2].astype(np.int8),
        phased=genotypes[..., 2].astype(bool),
        haplotypes=genotypes[..., :2].reshape(len(records), -1).astype(np.float64),
    )


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    vcfs = [run_chromosome(folder, contig) for contig in ("21", "22")]
    return SimpleNamespace(
        folder=folder,
        vcfs=vcfs,
        people=demo_people(**PEOPLE),
        chromosome=read_haplotypes(vcfs[0]),
    )


def test_same_seed_gives_the_same_bytes(demo, tmp_path):
    run_chromosome(tmp_path, "21")
    for name in ("21.vcf.gz", "21.vcf.gz.tbi", "21.gtf"):
        assert (tmp_path / name).read_bytes() == (demo.folder / name).read_bytes(), name


def test_other_seed_and_other_chromosome_differ(demo, tmp_path):
    other_seed = read_haplotypes(run_chromosome(tmp_path, "21", seed=8)).position
    other_contig = read_haplotypes(demo.vcfs[1]).position
    for other in (other_seed, other_contig):
        # chance alone shares about 900 * 900 / 400,000 = 2 positions
        assert len(np.intersect1d(demo.chromosome.position, other)) < 15


def test_two_levels_of_populations(demo):
    assert demo.people["population"].nunique() >= 6
    assert set(demo.people["superpopulation"]) >= {"AFR", "EUR", "EAS", "AMR"}
    assert demo.people.groupby("population")["superpopulation"].nunique().eq(1).all()
    assert demo.people["sample"].str.startswith("SIM_").all()
    assert demo.chromosome.samples == demo.people["sample"].tolist()


def test_variants_are_what_the_vcf_promises(demo):
    chromosome = demo.chromosome
    assert len(chromosome.id) == CHROMOSOME["n_variants"]
    assert chromosome.phased.all() and set(np.unique(chromosome.calls)) == {0, 1}
    assert (np.diff(chromosome.position) > 0).all()
    assert 1 <= chromosome.position[0] and chromosome.position[-1] <= CHROMOSOME["length_bp"]
    assert chromosome.id == [f"sim21_{position}" for position in chromosome.position]
    letters = [set(alleles) for alleles in chromosome.alleles]
    assert all(len(pair) == 2 and pair <= set("ACGT") for pair in letters)


def test_maf_bound_and_tail_of_rare_variants(demo):
    frequency = demo.chromosome.haplotypes.mean(axis=1)
    maf = np.minimum(frequency, 1 - frequency)
    assert maf.min() >= CHROMOSOME["maf_min"]
    assert (maf < 0.05).mean() > 0.2
    assert (maf > 0.2).mean() > 0.1


def test_admixed_populations_have_the_published_ancestry():
    history = demography()
    names = [population.name for population in history.populations]
    # past the last admixture, before any other split: where the lineages of today are
    where = pd.DataFrame(history.debug().lineage_probabilities([20])[0], names, names)
    expected_afa = {"YRI": 0.821, "CEU": 0.167, "NAT": 0.012}
    # Medina-Munoz et al. forward in time, generation by generation
    yri, ceu, nat = 0.0, 0.2455, 0.7545
    for generation in range(16, 2, -1):
        if generation == 13:
            yri, ceu, nat = 0.1175 + 0.8825 * yri, 0.8825 * ceu, 0.8825 * nat
        stay = 1 - 0.0503 - 0.0576
        yri, ceu, nat = stay * yri, stay * ceu + 0.0576, stay * nat + 0.0503
    for source, share in expected_afa.items():
        assert where.loc["AFA", source] == pytest.approx(share, abs=0.002)
    for source, share in {"YRI": yri, "CEU": ceu, "NAT": nat}.items():
        assert where.loc["MEX", source] == pytest.approx(share, abs=0.02)


def hudson_fst(first: np.ndarray, second: np.ndarray) -> float:
    """Hudson's Fst as a ratio of averages (Bhatia et al. 2013, Genome Res 23:1514, eq. 10)."""
    p, q, n, m = first.mean(axis=1), second.mean(axis=1), first.shape[1], second.shape[1]
    numerator = (p - q) ** 2 - p * (1 - p) / (n - 1) - q * (1 - q) / (m - 1)
    return numerator.sum() / (p * (1 - q) + q * (1 - p)).sum()


def test_populations_differ_as_their_history_says(demo):
    population = np.repeat(demo.people["population"].to_numpy(), 2)
    both = np.vstack([read_haplotypes(vcf).haplotypes for vcf in demo.vcfs])

    def fst(first, second):
        return hudson_fst(both[:, population == first], both[:, population == second])

    assert fst("YRI", "CHB") > 0.08
    assert fst("CEU", "CHB") > 0.04
    assert fst("CHB", "JPT") < 0.25 * fst("CEU", "CHB")
    assert fst("YRI", "AFA") < 0.25 * fst("YRI", "CEU")
    assert fst("CEU", "AFA") < fst("CEU", "YRI")
    assert fst("YRI", "MEX") > fst("CEU", "MEX")


def test_ld_decays_with_distance(demo):
    is_ceu = np.repeat(demo.people["population"].to_numpy() == "CEU", 2)
    haplotypes = demo.chromosome.haplotypes[:, is_ceu]
    frequency = haplotypes.mean(axis=1)
    common = np.minimum(frequency, 1 - frequency) >= 0.05
    r2 = np.corrcoef(haplotypes[common]) ** 2
    position = demo.chromosome.position[common]
    distance = np.abs(position[:, None] - position)
    near, middle, far = (
        r2[(distance > low) & (distance <= high)].mean()
        for low, high in ((0, 2_000), (15_000, 30_000), (150_000, 300_000))
    )
    unlinked = 1 / is_ceu.sum()  # expected r2 of independent sites
    assert near > 0.2 > middle > 2 * far
    assert far < unlinked + 0.03


def test_families_transmit_by_mendels_rules(demo):
    calls = demo.chromosome.calls
    row = {sample: index for index, sample in enumerate(demo.people["sample"])}
    sex = demo.people.set_index("sample")["sex"]
    children = demo.people[demo.people["father"] != ""]
    assert len(children) == 2 * PEOPLE["n_families"]
    switches = 0
    for child in children.itertuples():
        assert (sex[child.father], sex[child.mother]) == ("male", "female")
        assert child.family in set(demo.people.loc[demo.people["sample"] == child.mother, "family"])
        for strand, parent in enumerate((child.father, child.mother)):
            copied = calls[:, row[child.sample], strand, None] == calls[:, row[parent]]  # [V, 2]
            assert copied.any(axis=1).all()
            # where only one parental haplotype matches, it is known which one was copied
            source = copied[copied.sum(axis=1) == 1, 1].astype(int)
            switches += np.count_nonzero(np.diff(source))
    # 48 meioses of 0.007 Morgans: 0.3 crossovers expected in all
    assert switches <= 4


def test_relatives_share_alleles_and_strangers_do_not(demo):
    dosage = np.concatenate([read_haplotypes(vcf).calls.sum(axis=2) for vcf in demo.vcfs])
    people = demo.people
    row = {sample: index for index, sample in enumerate(people["sample"])}

    def king(first, second):  # KING-robust kinship (Manichaikul et al. 2010, eq. 11)
        a, b = dosage[:, row[first]], dosage[:, row[second]]
        het = np.count_nonzero((a == 1) & (b == 1)) - 2 * np.count_nonzero(np.abs(a - b) == 2)
        n_a, n_b = np.count_nonzero(a == 1), np.count_nonzero(b == 1)
        return het / (2 * min(n_a, n_b)) + 0.5 - (n_a + n_b) / (4 * min(n_a, n_b))

    children = people[people["father"] != ""]
    parent_child = [king(c.sample, c.mother) for c in children.itertuples()]
    siblings = [king(*pair["sample"]) for _, pair in children.groupby("family")]
    alone = people[people["family"] == people["sample"]]
    strangers = [
        king(*group["sample"].iloc[pick : pick + 2])
        for _, group in alone.groupby("population")
        for pick in range(0, 30, 2)
    ]
    assert alone["sample"].nunique() == len(people) - 4 * PEOPLE["n_families"]
    assert np.mean(parent_child) == pytest.approx(0.25, abs=0.08)
    assert np.mean(siblings) == pytest.approx(0.25, abs=0.12)
    assert np.mean(strangers) < 0.08


def test_crossovers_follow_haldanes_map():
    people = demo_people({"CEU": 8_000}, 2_000)  # 8,000 meioses
    rate, positions = 1e-6, np.array([0, 200_000, 700_000])
    drawn = meioses(people, 1_000_000, rate, np.random.default_rng(1))
    strand = gametes(drawn, positions) % 2
    assert strand.shape == (3, 8_000)
    assert strand.mean() == pytest.approx(0.5, abs=0.025)
    for start, stop, distance in ((0, 1, 0.2), (1, 2, 0.5), (0, 2, 0.7)):
        expected = (1 - np.exp(-2 * distance)) / 2  # Haldane 1919
        observed = (strand[start] != strand[stop]).mean()
        assert observed == pytest.approx(expected, abs=4 * np.sqrt(0.25 / 8_000))


def test_men_have_one_x_that_their_daughters_get_whole(tmp_path):
    found = read_haplotypes(run_chromosome(tmp_path, "X", n_variants=300))
    people = demo_people(**PEOPLE)
    is_man = (people["sex"] == "male").to_numpy()
    calls = found.calls  # cyvcf2 fills a call of one allele with -2
    assert (calls[:, is_man, 1] == -2).all() and (calls[:, ~is_man] >= 0).all()
    assert (calls[..., 0] >= 0).all()
    alleles = calls.reshape(len(calls), -1)
    frequency = np.ma.masked_less(alleles, 0).mean(axis=1)
    assert np.minimum(frequency, 1 - frequency).min() >= CHROMOSOME["maf_min"]
    row = {sample: index for index, sample in enumerate(people["sample"])}
    for child in people[people["father"] != ""].itertuples():
        own = calls[:, row[child.sample]]
        of_mother = calls[:, row[child.mother]]
        if child.sex == "male":
            assert (own[:, [0]] == of_mother).any(axis=1).all()
        else:
            assert (own[:, 0] == calls[:, row[child.father], 0]).all()
            assert (own[:, [1]] == of_mother).any(axis=1).all()


def test_x_has_three_quarters_of_the_diversity(tmp_path):
    """Its populations are of three haplotypes for four."""
    history = demography()
    smaller = _of_size(history, 3 / 4)
    ages = [each.debug().mean_coalescence_time({"YRI": 2}) for each in (smaller, history)]
    assert 0.7 < ages[0] / ages[1] < 0.9  # splits and migration stay when they were


def test_genes_cover_the_chromosome(tmp_path):
    path = tmp_path / "genes.gtf"
    _write_genes("21", 20_000_000, 80, np.random.default_rng(3), path)
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    fields = [line.split("\t") for line in lines]
    assert {len(row) for row in fields} == {9}
    assert {(row[0], row[2]) for row in fields} == {("21", "gene")}
    start, end = (np.array([int(row[column]) for row in fields]) for column in (3, 4))
    assert len(start) == pytest.approx(80 * 20, rel=0.1)
    assert start.min() >= 1 and end.max() <= 20_000_000 and (end >= start).all()
    assert (np.diff(start) >= 0).all() and end.max() > 19_900_000
    assert 0.1 < (end[:-1] >= start[1:]).mean() < 0.5  # some overlap, most do not
    length = end - start + 1
    assert np.log(length).std() == pytest.approx(0.9, abs=0.1)  # log-normal spread
    names = [row[8].split('gene_name "')[1].split('"')[0] for row in fields]
    assert len(set(names)) == len(names) and all(name.startswith("SIMG21_") for name in names)


def test_people_that_cannot_be_simulated():
    with pytest.raises(InputError, match=r"found GBR; choose from YRI"):
        demo_people({"GBR": 10}, 0)
    with pytest.raises(InputError, match=r"CEU has 7 people; give 8"):
        demo_people({"CEU": 7, "YRI": 4}, 3)
    with pytest.raises(InputError, match="n_families is -1"):
        demo_people({"CEU": 7}, -1)


@pytest.mark.parametrize(
    ("contig", "changes", "message"),
    [
        ("Y", {}, "choose from 1 to 22 and X"),
        ("21", {"length_bp": 10**9}, "length_bp is 1000000000; give 10,000 to 46,709,983"),
        ("21", {"maf_min": 0.5, "seed": -1}, r"(?s)maf_min is 0.5.*seed is -1"),
        ("21", {"n_variants": 0}, "n_variants is 0"),
        ("21", {"genes_per_mb": 1}, "genes_per_mb is 1; give at least 12.5"),
        ("21", {"length_bp": 100_000, "n_variants": 10**6}, "fewer than the 1,000,000 asked for"),
    ],
)
def test_chromosome_settings_out_of_range(tmp_path, contig, changes, message):
    with pytest.raises(InputError, match=message):
        run_chromosome(tmp_path, contig, **changes)
    assert not list(tmp_path.iterdir())


def test_memory_does_not_grow_with_the_sites(tmp_path):
    """Sites of everybody are held a piece of 2,000 at a time, and two pieces at most."""
    people, peaks = {"people_per_population": {"CEU": 2_400}, "n_families": 0}, []
    for n_variants in (4_200, 8_200):
        tracemalloc.start()
        settings = {**people, "maf_min": 0, "length_bp": 1_900_000, "n_variants": n_variants}
        run_chromosome(tmp_path, "21", **settings)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 0.25 * 4_000 * 4_800  # a quarter of what the further sites take
