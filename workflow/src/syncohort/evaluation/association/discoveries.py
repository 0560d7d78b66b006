"""Power and false discoveries of an association scan, against known causal SNPs.

Axes: V variants, S people, L leads of the scan, C causal SNPs.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from syncohort.association.clumping import squared_correlations
from syncohort.cohort_store import CohortStore
from syncohort.dosages import read_dosages
from syncohort.errors import InputError, examples
from syncohort.evaluation.groups import ALL, SUGGESTIVE, Group
from syncohort.evaluation.intervals import bootstrap, percentile_interval
from syncohort.evaluation.tidy import metric_row, people_in
from syncohort.formats.columns import bare, find_columns, numbers_of, positions_of
from syncohort.formats.summary_statistics import allele_columns, other_alleles
from syncohort.formats.tables import read_table
from syncohort.genotypes import normalise_contig

GENOME_WIDE_P = 5e-8
SUGGESTIVE_P = 1e-3
LINKED_R2 = 0.2  # from which a lead stands for a causal SNP
LINKED_KB = 1_000

_COLUMNS = {  # by preference
    "contig": "contig chrom chr chromosome",
    "position_bp": "positionbp position pos bp",
    "effect": "effect beta",
}
_ALLELES = ("effect_allele", "other_allele")


@dataclass(frozen=True)
class CausalSNPs:
    """Known causal SNPs that a cohort holds.

    snps: their rows of a scan's table (its index), and effect per ALT allele; note: how many
    of those known, or that none are.
    """

    snps: pd.DataFrame
    note: str


def read_causal_snps(path: str | Path) -> pd.DataFrame:
    """Read the known causal SNPs of a simulated trait (a table with a heading).

    Columns contig, position_bp (or position) and effect (or beta), in any unit, per copy of
    effect_allele, or of ALT where there is no such column; other_allele tells which variant is
    meant where several share a position. Alleles may be called as in summary statistics (A1 and A2,
    EA and NEA). Returns contig, position_bp, effect, effect_allele ("" for
    ALT), other_allele ("" for any).
    Raises InputError for a column that is missing or not a number, and for alleles of which no
    column says whose effect it is.
    """
    table = read_table(path, "evaluation.causal_snps")
    held = {name: find_columns(table.columns, each, path) for name, each in _COLUMNS.items()}
    found = {name: columns[0] for name, columns in held.items() if columns}
    missing = [name for name in _COLUMNS if name not in found]
    if missing:
        raise InputError(
            f"{path}: no column {', '.join(missing)}; found {', '.join(table)}. A table of "
            "causal SNPs is tab-separated, for example\ncontig\tposition_bp\teffect\n21\t1234\t0.2"
        )
    position, effect = found["position_bp"], found["effect"]
    numbers = {
        "position_bp": positions_of(table[position], path, position, least=1),
        "effect": numbers_of(table[effect], path, effect),
    }
    contig = table[found["contig"]].map(normalise_contig)
    known = pd.DataFrame({"contig": contig, **numbers, **_alleles_of(table, path)})
    return known.reset_index(drop=True)


def _alleles_of(table: pd.DataFrame, path) -> dict:
    """effect_allele and other_allele of the rows of a table of str, "" where it has none."""
    columns = allele_columns(list(table.columns), f"evaluation.causal_snps: {path}")
    if "effect_allele" not in columns:
        named = [*columns.values(), *(name for name in table if bare(name).endswith("allele"))]
        if named:
            raise InputError(
                f"{path}: does not say which allele the effects are of; found "
                f"{examples(dict.fromkeys(named))}. Name its column effect_allele"
            )
        return dict.fromkeys(_ALLELES, "")
    found = {name: table[column] for name, column in columns.items()}
    effect = found["effect_allele"].str.upper().to_numpy()
    return {"effect_allele": effect, "other_allele": other_alleles(found, effect)}


def find_causal_snps(scan: pd.DataFrame, known: pd.DataFrame | None) -> CausalSNPs:
    """Find causal SNPs among the variants of a scan, by position and alleles.

    One that may be any of several variants is none of them. known: from `read_causal_snps`; None
    where nobody knows them.
    """
    if known is None:
        return CausalSNPs(scan.iloc[:0].assign(effect=0.0), "no causal SNPs known")
    sites = ["contig", "position_bp"]
    known_rows = known.rename_axis("known").reset_index()
    table = scan.reset_index().merge(known_rows, on=sites, suffixes=("", "_causal"))
    named, other = (table.pop(f"{name}_causal") for name in _ALLELES)
    alt, ref = table["effect_allele"], table["other_allele"]
    swapped = (named == ref) & ((other == alt) | (other == ""))
    straight = ((named == alt) | (named == "")) & ((other == ref) | (other == ""))
    table["effect"] = np.where(swapped, -table["effect"], table["effect"])
    table = table[swapped | straight].drop_duplicates("known", keep=False).drop(columns="known")
    table = table.drop_duplicates("index").set_index("index")
    return CausalSNPs(table, f"{len(table)} of {len(known)} causal SNPs are in the cohort")


def discovery_rows(
    stores: list[CohortStore],
    scan: pd.DataFrame,
    causal: CausalSNPs,
    *,
    withheld: str,
    seed: int,
) -> list[dict]:
    """Rows of a tidy table: power and false_discoveries of a scan.

    stores: the real cohort, in whose training people linkage is measured; scan: with the
    column lead; withheld: why there are no values, or "".

    power: share of the causal SNPs with a significant lead of r2 >= 0.2 within 1 Mb;
    false_discoveries: share of the significant leads that are so linked to no causal SNP.
    At p < 0.05 / V, or 5e-8 if that is larger (Bonferroni); then at p < 0.001.
    Intervals resample causal SNPs, or leads.
    """
    levels = {
        ALL: max(GENOME_WIDE_P, 0.05 / len(scan)),
        Group(snps=SUGGESTIVE): SUGGESTIVE_P,
    }
    withheld = withheld or ("" if len(causal.snps) else causal.note)
    if withheld:
        names = ("power", "false_discoveries")
        return [metric_row(name, each, np.nan, note=withheld) for name in names for each in levels]
    leads = scan[scan["lead"] & (scan["p"] < SUGGESTIVE_P)]
    linked = _linked(stores, leads, causal.snps)  # [L, C]
    rows = []
    for group, level in levels.items():
        found = linked[(leads["p"] < level).to_numpy()]
        text = f"p < {level:.2g}"
        note = f"{causal.note}; {text}"
        rows.append(_share_row("power", group, found.any(axis=0), note, seed))
        missed, note = ~found.any(axis=1), f"{len(found)} leads, {text}"
        rows.append(_share_row("false_discoveries", group, missed, note, seed))
    return rows


def _linked(stores, leads: pd.DataFrame, causal: pd.DataFrame) -> np.ndarray:
    """Whether each lead stands for each causal SNP, bool [L, C]."""
    chosen = np.union1d(leads.index, causal.index)
    dosages = read_dosages(stores, people_in(stores[0], "train"), chosen).T  # [chosen, S]
    first, second = (np.searchsorted(chosen, table.index) for table in (leads, causal))
    r2 = squared_correlations(dosages[first], dosages[second])
    contig_1, contig_2 = (table["contig"].to_numpy() for table in (leads, causal))
    at_1, at_2 = (table["position_bp"].to_numpy(np.int64) for table in (leads, causal))
    near = np.abs(at_1[:, None] - at_2) <= 1_000 * LINKED_KB
    return (r2 >= LINKED_R2) & near & (contig_1[:, None] == contig_2)


def _share_row(metric, group, hits, note, seed) -> dict:
    if not len(hits):
        return metric_row(metric, group, np.nan, note=f"no discoveries: {note}")
    drawn = bootstrap(lambda i: hits[i].mean(), len(hits), rng=np.random.default_rng(seed))
    return metric_row(metric, group, hits.mean(), *percentile_interval(drawn), note=note)
