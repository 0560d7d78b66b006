"""The demo cohort: people who never lived, by coalescent simulation.

A published human history (Jouganous et al. 2017, through stdpopsim) extended with two
admixed populations gives phased genotypes, with a gene annotation to match. Everything is
computed here: no genetic map and no reference genome is downloaded.

Axes: V variants, S people, H haplotypes (rows 2 i and 2 i + 1 belong to person i).
"""

import tempfile
from collections.abc import Mapping
from math import log
from pathlib import Path

import msprime
import numpy as np
import pandas as pd
import stdpopsim
import tskit

from syncohort.cohort_store import CohortStore
from syncohort.errors import InputError, examples, raise_all
from syncohort.formats.vcf_writing import write_vcf
from syncohort.genotype_writing import CohortWriter
from syncohort.genotypes import PLOIDY, People, normalise_contig
from syncohort.simulation.inheritance import Inheritance, X

SUPERPOPULATIONS = {
    "YRI": "AFR",
    "AFA": "AFR",
    "CEU": "EUR",
    "CHB": "EAS",
    "JPT": "EAS",
    "MEX": "AMR",
}

PEOPLE_PER_FAMILY = 4  # father, mother and two children
MOST_PEOPLE = 9_999  # of a population: ids have four digits
MIN_GENES = 5
MAF_MIN = 0.01  # of the SNPs drawn from
GENES_PER_MB = 70
CHROMOSOMES = (*(str(number) for number in range(1, 23)), X)
_BASE_MODEL = "OutOfAfrica_4J17"
_SPECIES = stdpopsim.get_species("HomSap")
_GENERATION_YEARS = 29  # of the base model and of Medina-Munoz et al.


def demography() -> msprime.Demography:
    """The history of the demo's populations.

    YRI, CEU, CHB and JPT are model OutOfAfrica_4J17 of stdpopsim (Jouganous et al. 2017,
    Genetics 206:1549, table 4). Added here, with CEU standing for any European source:

    NAT, the ancestors in the Americas (not sampled): left CHB 32,555 years ago with 1,313
    people and grew to 38,462 (Medina-Munoz et al. 2023, AJHG 110:1804, their Mexican model).
    MEX, Mexican-like: same model. 466 years ago 75.45 % NAT and 24.55 % CEU; a pulse of
    11.75 % YRI 380 years ago; until 58 years ago 5.03 % NAT and 5.76 % CEU a generation;
    20,000 people. Its 0.67 % East Asian pulse is left out.
    AFA, African-American-like: 82.1 % YRI, 16.7 % CEU, 1.2 % NAT (Baharian et al. 2016, PLOS
    Genet 12:e1006059, who place the mixing before 1861). One pulse 8 generations ago is our
    choice; size 30,000 growing by 5 % a generation is that of Browning et al. 2018, PLOS
    Genet 14:e1007385.
    """
    history = _SPECIES.get_demographic_model(_BASE_MODEL).model.copy()
    split, founding, pulse, isolation = (
        years / _GENERATION_YEARS for years in (32_555, 466, 380, 58)
    )
    history.add_population(name="NAT", initial_size=38_462, growth_rate=log(38_462 / 1_313) / split)
    history.add_population(name="MEX", initial_size=20_000)
    history.add_population(name="AFA", initial_size=30_000 * np.exp(0.05 * 8), growth_rate=0.05)

    history.add_migration_rate_change(time=isolation, source="MEX", dest="NAT", rate=0.0503)
    history.add_migration_rate_change(time=isolation, source="MEX", dest="CEU", rate=0.0576)
    history.add_admixture(
        time=8,
        derived="AFA",
        ancestral=["YRI", "CEU", "NAT"],
        proportions=[0.821, 0.167, 0.012],
    )
    history.add_mass_migration(time=pulse, source="MEX", dest="YRI", proportion=0.1175)
    history.add_migration_rate_change(time=founding, source="MEX", dest="NAT", rate=0)
    history.add_migration_rate_change(time=founding, source="MEX", dest="CEU", rate=0)
    history.add_admixture(
        time=founding, derived="MEX", ancestral=["NAT", "CEU"], proportions=[0.7545, 0.2455]
    )
    history.add_mass_migration(time=split, source="NAT", dest="CHB", proportion=1)
    history.sort_events()
    return history


def demo_people(people_per_population: Mapping[str, int], n_families: int) -> pd.DataFrame:
    """Who is in the demo cohort; the same on every chromosome and for every seed.

    people_per_population: people of each population, children included; n_families: families
    of two parents and two children, dealt to the populations in turn.
    Returns one row per person, population by population: sample (SIM_YRI_0001), population,
    superpopulation, sex, family (the own sample id when unrelated), father, mother (sample
    ids of a child, otherwise ""). Raises InputError for counts that cannot be simulated.
    """
    _check_people(people_per_population, n_families)
    populations = list(people_per_population)
    records = []
    for rank, population in enumerate(populations):
        n_here = len(range(rank, n_families, len(populations)))
        samples = [
            f"SIM_{population}_{number:04d}"
            for number in range(1, people_per_population[population] + 1)
        ]
        for index, sample in enumerate(samples):
            family, father, mother = sample, "", ""
            if index < n_here * PEOPLE_PER_FAMILY:
                first = index - index % PEOPLE_PER_FAMILY
                family = f"FAM_{samples[first].removeprefix('SIM_')}"
                if index - first >= 2:
                    father, mother = samples[first], samples[first + 1]
            sex = ("male", "female")[index % 2]
            superpopulation = SUPERPOPULATIONS[population]
            records.append((sample, population, superpopulation, sex, family, father, mother))
    columns = ["sample", "population", "superpopulation", "sex", "family", "father", "mother"]
    return pd.DataFrame(records, columns=columns)


def simulate_chromosome(
    contig: str,
    *,
    people_per_population: Mapping[str, int],
    n_families: int,
    length_bp: int,
    n_variants: int,
    seed: int,
    vcf_path: str | Path,
    genes_path: str | Path,
    maf_min: float = MAF_MIN,
    genes_per_mb: float = GENES_PER_MB,
) -> None:
    """Simulate one autosome or chromosome X of the demo cohort and its genes.

    Ancestry: Hudson's coalescent with recombination (msprime; Baumdicker et al. 2022,
    Genetics 220:iyab229) at the chromosome's mean rate per bp in stdpopsim's catalogue
    (Adrion et al. 2020, eLife 9:e54967), the same everywhere, so there are no hotspots.
    Mutation: Jukes-Cantor at the rate of the demographic model; sites hit twice are dropped.
    REF is the ancestral letter. Of the sites with enough minor alleles `n_variants` are drawn
    at random, rare ones as often as common ones, and named sim21_12345 after their position.
    Of X men have one haplotype, and all of it lies outside the regions it shares with Y.

    contig: "1" to "22" or "X"; length_bp: positions are 1..length_bp; maf_min: smallest minor allele
    frequency among all haplotypes, in [0, 0.5); genes_per_mb: gene starts per million bp;
    seed: the same one may serve all chromosomes. Writes vcf_path (.vcf.gz, phased) with
    its index vcf_path.tbi, and genes_path (GTF). Raises InputError for settings out of
    range and when there are fewer sites than asked for.
    """
    contig = normalise_contig(contig)
    people = demo_people(people_per_population, n_families)
    _check_chromosome(contig, length_bp, n_variants, maf_min, genes_per_mb, seed)
    trees = _mutated_trees(contig, people, length_bp, random_stream(seed, contig, "coalescent"))
    rate = _chromosome(contig).recombination_rate
    meiosis = random_stream(seed, contig, "meiosis")
    cohort = Inheritance.of(contig, trees, people, rate, meiosis)
    common = cohort.sites_of(maf_min)
    if len(common) < n_variants:
        raise InputError(
            f"chromosome {contig}: {length_bp:,} bp gave {len(common):,} sites with a minor "
            f"allele frequency of at least {maf_min}, fewer than the {n_variants:,} asked for; "
            "raise demo.length_mb or lower demo.variants."
        )
    rng = random_stream(seed, contig, "thinning")
    keep = common[np.sort(rng.choice(len(common), n_variants, replace=False))]
    _write_phased_vcf(cohort.pieces(keep), people["sample"].tolist(), vcf_path)
    _write_genes(contig, length_bp, genes_per_mb, random_stream(seed, contig, "genes"), genes_path)


def random_stream(seed: int, contig: str, purpose: str) -> np.random.Generator:
    """A stream of random numbers of its own for every chromosome and purpose, from one seed."""
    return np.random.default_rng([seed, *f"{contig} {purpose}".encode()])


def _check_people(people_per_population: Mapping[str, int], n_families: int) -> None:
    unknown = [name for name in people_per_population if name not in SUPERPOPULATIONS]
    if unknown or not people_per_population:
        raise InputError(
            f"demo populations: found {examples(unknown) or 'none'}; "
            f"choose from {', '.join(SUPERPOPULATIONS)}."
        )
    problems = []
    if n_families < 0:
        problems.append(f"n_families is {n_families}; give 0 or more")
    for rank, (population, n_people) in enumerate(people_per_population.items()):
        n_here = len(range(rank, n_families, len(people_per_population)))
        needed = max(n_here * PEOPLE_PER_FAMILY, 1)
        fall = f"{n_here:,} families of {PEOPLE_PER_FAMILY} fall to it"
        if needed > MOST_PEOPLE:
            problems.append(
                f"{population}: {fall}, and a population has at most {MOST_PEOPLE:,} people; lower "
                "demo.families"
            )
        elif not needed <= n_people <= MOST_PEOPLE:
            problems.append(
                f"{population} has {n_people:,} people; give {needed:,} to {MOST_PEOPLE:,} ({fall})"
            )
    raise_all(problems, "demo cohort: people that cannot be simulated")


def _check_chromosome(contig, length_bp, n_variants, maf_min, genes_per_mb, seed) -> None:
    if contig not in CHROMOSOMES:
        raise InputError(f"demo chromosome '{contig}': choose from 1 to 22 and X.")
    longest = _chromosome(contig).length
    problems = []
    if not 10_000 <= length_bp <= longest:
        problems.append(f"length_bp is {length_bp}; give 10,000 to {longest:,}")
    if n_variants < 1:
        problems.append(f"n_variants is {n_variants}; give 1 or more")
    if not 0 <= maf_min < 0.5:
        problems.append(f"maf_min is {maf_min}; give a frequency in [0, 0.5)")
    if not MIN_GENES * 1e6 <= genes_per_mb * length_bp <= length_bp * 1_000:
        problems.append(
            f"genes_per_mb is {genes_per_mb}; give at least {MIN_GENES * 1e6 / length_bp:.3g}, "
            f"for {MIN_GENES} genes in {length_bp:,} bp, and at most 1,000"
        )
    raise_all(problems + seed_problems(seed), f"demo chromosome {contig}: settings out of range")


def seed_problems(seed: int) -> list[str]:
    """What is wrong with a seed, for `raise_all`; nothing when it is fine."""
    return [] if seed >= 0 else [f"seed is {seed}; give 0 or more"]


def _chromosome(contig: str) -> stdpopsim.Chromosome:
    return _SPECIES.genome.get_chromosome(contig)


def _mutated_trees(contig, people, length_bp, rng) -> tskit.TreeSequence:
    """Ancestry and mutations of the founders; every site kept was hit exactly once.

    Of X there are three copies for four of an autosome, and it recombines in women alone, whose
    rate the catalogue has. Men's second haplotypes are simulated too, and used by nobody.
    """
    founders = people.loc[people["father"] == "", "population"]
    rate, history = _chromosome(contig).recombination_rate, demography()
    if contig == X:
        rate, history = 2 / 3 * rate, _of_size(history, 3 / 4)
    ancestry = msprime.sim_ancestry(
        samples=[
            msprime.SampleSet(count, population=population, ploidy=PLOIDY)
            for population, count in founders.groupby(founders, sort=False).size().items()
        ],
        demography=history,
        sequence_length=length_bp,
        recombination_rate=rate,
        random_seed=int(rng.integers(1, 2**31)),
    )
    trees = msprime.sim_mutations(
        ancestry,
        rate=_SPECIES.get_demographic_model(_BASE_MODEL).mutation_rate,
        model=msprime.JC69(),
        random_seed=int(rng.integers(1, 2**31)),
    )
    hits = np.bincount(trees.mutations_site, minlength=trees.num_sites)
    return trees.delete_sites(np.flatnonzero(hits != 1))


def _of_size(history: msprime.Demography, share: float) -> msprime.Demography:
    """A history in which all populations are smaller, at all times."""
    history = history.copy()
    for population in history.populations:
        population.initial_size *= share
    for event in history.events:
        if getattr(event, "initial_size", None) is not None:
            event.initial_size *= share
    return history


def _write_phased_vcf(pieces, samples, path) -> None:
    """pieces: variants and their haplotypes int8 [v, H], `ABSENT` where there is none."""
    source = f"SynCohort demo: simulated people ({_BASE_MODEL}, msprime), nobody real"
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "chromosome.zarr.zip"
        with CohortWriter(store, People.unlabelled(samples)) as writer:
            for variants, haplotypes in pieces:
                writer.append(variants, haplotypes.reshape(len(variants), -1, PLOIDY), True)
        write_vcf(CohortStore(store), path, source=source)


def _write_genes(contig, length_bp, genes_per_mb, rng, path) -> None:
    """Genes along one chromosome, as GTF.

    Distances between starts and lengths are log-normal, as those of human genes are roughly;
    lengths average 0.7 of the distances, so about a third of the genes reach into the next.
    """
    spacing = 1e6 / genes_per_mb
    n_drawn = int(3 * length_bp / spacing) + 20  # more than fit: the rest is cut off
    starts = 1 + np.cumsum(_log_normal(spacing, 0.7, n_drawn, rng)).astype(np.int64)
    lengths = _log_normal(0.7 * spacing, 0.9, n_drawn, rng).astype(np.int64)
    strands = rng.choice(["+", "-"], n_drawn)
    ends = np.minimum(starts + lengths, length_bp)
    lines = ["#!genome-build SynCohort demo, simulated", "#!annotation simulated genes"]
    for index in np.flatnonzero(starts <= length_bp):
        name = f"SIMG{contig}_{index + 1:04d}"
        attributes = f'gene_id "{name}"; gene_name "{name}"; gene_biotype "protein_coding";'
        place = f"{starts[index]}\t{ends[index]}\t.\t{strands[index]}\t."
        lines.append(f"{contig}\tsyncohort\tgene\t{place}\t{attributes}")
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text("\n".join(lines) + "\n")


def _log_normal(mean: float, sigma: float, size: int, rng) -> np.ndarray:
    """Log-normal numbers of a given mean; sigma is the deviation of the logarithm."""
    return rng.lognormal(log(mean) - sigma**2 / 2, sigma, size)
