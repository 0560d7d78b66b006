"""All comparisons of synthetic with holdout people that go chromosome by chromosome.

`measure_fidelity` makes the tables of one chromosome, `summarise_fidelity` turns those of all
chromosomes into one tidy table.
"""

from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from syncohort.cohort_store import CohortStore
from syncohort.evaluation.fidelity.frequencies import (
    frequency_table,
    label_table,
    shared_site_table,
    summarise_frequencies,
    summarise_shared_sites,
    summarise_spectrum,
)
from syncohort.evaluation.fidelity.genotype_counts import SOURCES, labels_of, walk_counts
from syncohort.evaluation.fidelity.haplotypes import matching_haplotypes, summarise_haplotypes
from syncohort.evaluation.fidelity.heterozygosity import (
    expected_heterozygosity,
    people_table,
    summarise_people,
)
from syncohort.evaluation.fidelity.linkage import linkage, summarise_linkage
from syncohort.evaluation.fidelity.population_structure import (
    equilibrium_table,
    fst_table,
    summarise_equilibrium,
    summarise_fst,
)
from syncohort.evaluation.intervals import STRETCHES_PER_CHROMOSOME
from syncohort.evaluation.tidy import check_same_variants, tidy, withhold_small
from syncohort.formats.genetic_map import GeneticMap


@dataclass(frozen=True)
class Fidelity:
    """The tables of one chromosome, or of several one below the other.

    frequencies: `frequency_table`; labels: contig and `label_table`; equilibrium: contig and
    `equilibrium_table`; fst: contig and `fst_table`; people: `people_table`; haplotypes:
    `matching_haplotypes`; linkage, label_linkage: both of `linkage`; sizes: label, train,
    validation, holdout, synthetic (numbers of people); shared: `shared_site_table`.
    """

    frequencies: pd.DataFrame
    labels: pd.DataFrame
    equilibrium: pd.DataFrame
    fst: pd.DataFrame
    people: pd.DataFrame
    haplotypes: pd.DataFrame
    linkage: pd.DataFrame
    label_linkage: pd.DataFrame
    sizes: pd.DataFrame
    shared: pd.DataFrame

    @classmethod
    def names(cls) -> list[str]:
        """The names of the tables."""
        return [field.name for field in fields(cls)]


def measure_fidelity(
    real_store: CohortStore,
    synthetic_store: CohortStore,
    *,
    genetic_map: GeneticMap,
    window_kb: float,
    seed: int,
) -> Fidelity:
    """Compare one chromosome of synthetic people with the real people.

    genetic_map: of this chromosome; window_kb: largest distance of pairs for linkage.
    Raises InputError when the stores do not hold the same variants.
    """
    check_same_variants(real_store, synthetic_store)
    labels = labels_of(real_store, synthetic_store)
    n_variants = len(real_store.variants)
    tables = {"frequencies": [], "labels": [], "equilibrium": [], "fst": []}
    expected = {"synthetic": [], "holdout": []}
    for variants, counts in walk_counts(real_store, synthetic_store):
        at = np.arange(variants.start, variants.stop)
        stretch = at * STRETCHES_PER_CHROMOSOME // n_variants
        tables["frequencies"].append(frequency_table(real_store.variants[variants], counts))
        tables["labels"].append(label_table(stretch, labels, counts))
        tables["equilibrium"].append(equilibrium_table(stretch, labels, counts))
        tables["fst"].append(fst_table(stretch, labels, counts))
        for source, parts in expected.items():
            parts.append(expected_heterozygosity(counts[source]))
    tables = {name: pd.concat(parts, ignore_index=True) for name, parts in tables.items()}
    for name in ("labels", "equilibrium", "fst"):
        tables[name].insert(0, "contig", real_store.contig)
    expected = {source: np.concatenate(parts) for source, parts in expected.items()}
    pairs, label_pairs = linkage(
        real_store,
        synthetic_store,
        train_frequency=tables["frequencies"]["train"].to_numpy(),
        genetic_map=genetic_map,
        window_kb=window_kb,
        seed=seed,
    )
    return Fidelity(
        **tables,
        people=people_table(real_store, synthetic_store, labels, expected),
        haplotypes=matching_haplotypes(real_store, synthetic_store, seed=seed),
        linkage=pairs,
        label_linkage=label_pairs,
        sizes=pd.DataFrame(
            {"label": labels} | {source: counts[source].people for source in SOURCES}
        ),
        shared=shared_site_table(synthetic_store, tables["frequencies"]),
    )


def summarise_fidelity(
    tables: Fidelity, *, cohort: str, generator: str, minimum_people: int, seed: int
) -> pd.DataFrame:
    """Tidy table of all metrics, from the tables of all chromosomes one below the other.

    With fewer synthetic or holdout people than minimum_people, the values are NaN and their
    notes say so. What each metric means: the `summarise_...` functions of its module.
    """
    people = tables.sizes.drop_duplicates("label")
    rows = [
        *summarise_frequencies(tables.frequencies, tables.labels, people, seed=seed),
        *summarise_spectrum(tables.frequencies, seed=seed),
        *summarise_shared_sites(tables.shared),
        *summarise_people(tables.people, seed=seed),
        *summarise_equilibrium(tables.equilibrium, people, seed=seed),
        *summarise_fst(tables.fst, people, seed=seed),
        *summarise_linkage(tables.linkage, tables.label_linkage, seed=seed),
        *summarise_haplotypes(tables.haplotypes, seed=seed),
    ]
    n_people = int(people[["synthetic", "holdout"]].sum().min())
    rows = withhold_small(rows, n_people, minimum_people)
    return tidy(rows, cohort=cohort, generator=generator)
