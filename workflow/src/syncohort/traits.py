"""A binary trait for the demo cohort, from a liability model with recorded causal variants.

Axes: V causal variants, S people.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from cyvcf2 import VCF

from syncohort.errors import InputError, raise_all
from syncohort.genotypes import PLOIDY
from syncohort.simulate import demo_people, random_stream, seed_problems


@dataclass(frozen=True)
class Trait:
    """A binary trait of S people, caused by V variants (liability scale, variance 1).

    beta [V]: effect of one ALT allele; variance_explained [V]: of each variant taken alone;
    genetic_value [S]: centred sum of effects; liability [S]; is_case [S] bool;
    between_populations: share of the variance of genetic_value that lies between the means
    of the populations, in [0, 1]; the rest is within them.
    """

    beta: np.ndarray
    variance_explained: np.ndarray
    genetic_value: np.ndarray
    liability: np.ndarray
    is_case: np.ndarray
    between_populations: float


def liability_trait(
    dosage: np.ndarray,
    population: np.ndarray,
    *,
    heritability: float,
    prevalence: float,
    rng: np.random.Generator,
) -> Trait:
    """Draw a binary trait from the liability-threshold model (Falconer 1965, Ann Hum Genet
    29:51), with effects on standardised genotypes N(0, h2 / V) (Yang et al. 2011, AJHG
    88:76), then scaled so that the sample's variances are exactly h2 and 1 - h2.

    dosage: [S, V] ALT alleles of the causal variants, 0..2, every column polymorphic;
    population: [S] names, used to report where the genetic variance lies; heritability h2
    in [0, 1]; prevalence in (0, 1): the round(prevalence * S) highest liabilities are cases.
    """
    n_people, n_causal = dosage.shape
    deviation = dosage.std(axis=0)  # [V]
    standardised = (dosage - dosage.mean(axis=0)) / deviation  # [S, V]
    effect = rng.normal(0, np.sqrt(heritability / n_causal), n_causal)
    if heritability > 0:
        effect *= np.sqrt(heritability) / (standardised @ effect).std()
    genetic = standardised @ effect  # [S]
    # noise uncorrelated with the genetic value, so that the liability has variance exactly 1
    design = np.column_stack([np.ones(n_people), genetic])
    noise = rng.normal(size=n_people)
    noise -= design @ np.linalg.lstsq(design, noise, rcond=None)[0]
    liability = genetic + noise * np.sqrt(1 - heritability) / noise.std()
    is_case = np.zeros(n_people, dtype=bool)
    is_case[np.argsort(-liability, kind="stable")[: round(prevalence * n_people)]] = True
    means = pd.Series(genetic).groupby(np.asarray(population)).transform("mean")
    between = float(means.var(ddof=0) / genetic.var()) if heritability > 0 else 0.0
    return Trait(effect / deviation, effect**2, genetic, liability, is_case, between)


def simulate_trait(
    vcf_paths: Sequence[str | Path],
    *,
    people_per_population: Mapping[str, int],
    n_families: int,
    heritability: float,
    n_causal: int,
    prevalence: float,
    seed: int,
    people_path: str | Path,
    causal_path: str | Path,
) -> Trait:
    """Give the demo cohort a binary trait and write the tables that describe its people.

    vcf_paths: the files of `simulate_chromosome`, made with the same people_per_population
    and n_families; heritability in [0, 1] on the liability scale, over all people together
    (the part between populations is in the returned `Trait`); n_causal: causal variants
    (polygenicity), drawn at random from all chromosomes; prevalence in (0, 1).
    Writes people_path (TSV: the columns of `demo_people`, then trait: case or control) and
    causal_path (TSV: id, contig, position, effect_allele, other_allele, beta per allele in
    units of the liability's standard deviation, allele_frequency of the effect allele,
    variance_explained by the variant alone; LD between them is why these do not add up to
    the heritability). Raises InputError for settings out of range and for people that differ.
    """
    people = demo_people(people_per_population, n_families)
    sites, dosage = _read_dosages(vcf_paths, people["sample"].tolist())
    _check_trait(heritability, n_causal, len(sites), prevalence, len(people), seed)
    rng = random_stream(seed, "all", "trait")
    causal = np.sort(rng.choice(len(sites), n_causal, replace=False))
    dosage = dosage[causal].T.astype(np.float64)  # [V, S] -> [S, causal]
    trait = liability_trait(
        dosage,
        people["population"].to_numpy(),
        heritability=heritability,
        prevalence=prevalence,
        rng=rng,
    )
    table = sites.iloc[causal].assign(
        beta=trait.beta,
        allele_frequency=dosage.mean(axis=0) / PLOIDY,
        variance_explained=trait.variance_explained,
    )
    _write_table(table, causal_path)
    people["trait"] = np.where(trait.is_case, "case", "control")
    _write_table(people, people_path)
    return trait


def _check_trait(heritability, n_causal, n_sites, prevalence, n_people, seed) -> None:
    problems = []
    if not 0 <= heritability <= 1:
        problems.append(f"heritability is {heritability}; give a share in [0, 1]")
    if not 1 <= n_causal <= n_sites:
        problems.append(f"n_causal is {n_causal}; give 1 to {n_sites:,}, the variants there are")
    if not 0 < prevalence < 1:
        problems.append(f"prevalence is {prevalence}; give a share in (0, 1)")
    elif not 0 < round(prevalence * n_people) < n_people:
        problems.append(
            f"prevalence {prevalence} of {n_people:,} people leaves no case or no control; "
            f"give {1 / n_people:.2g} to {1 - 1 / n_people:.4g}"
        )
    raise_all(problems + seed_problems(seed), "demo trait: settings out of range")


def _read_dosages(vcf_paths, samples) -> tuple[pd.DataFrame, np.ndarray]:
    """Sites (id, contig, position, effect_allele, other_allele) and ALT dosages int8 [V, S]."""
    records, dosages = [], []
    for path in vcf_paths:
        reader = VCF(str(path), gts012=True)
        if reader.samples != samples:
            raise InputError(
                f"{path}: its people are not those of the demo settings (the file has "
                f"{len(reader.samples):,}, the settings {len(samples):,}); simulate it again "
                "with the same people_per_population and n_families."
            )
        for variant in reader:
            alt = variant.ALT[0]
            records.append((variant.ID, variant.CHROM, variant.POS, alt, variant.REF))
            dosages.append(variant.gt_types.astype(np.int8))
        reader.close()
    columns = ["id", "contig", "position", "effect_allele", "other_allele"]
    return pd.DataFrame(records, columns=columns), np.array(dosages)


def _write_table(table: pd.DataFrame, path: str | Path) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    # nine digits: what the number of threads changes in a sum stays out of the file
    table.to_csv(path, sep="\t", index=False, lineterminator="\n", float_format="%.9g")
