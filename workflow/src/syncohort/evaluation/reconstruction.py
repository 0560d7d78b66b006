"""What a representation alone loses: decode(encode(x)) against x, before any diffusion.

Axes: R rows, V variants. Missing calls are in no count. Every value is a ratio of two sums
and `n` its denominator, so that rows of several chromosomes combine as the n-weighted mean.
"""

from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from syncohort.evaluation import MAF_BINS, maf_bin
from syncohort.genotypes import CohortStore, rows_per_person, to_rows
from syncohort.representations.gene_pca import GenePCA

ALL = "all"
METRICS = (
    "allele_concordance",
    "minor_allele_sensitivity",
    "heterozygosity_ratio",
    "variance_kept",
)


@dataclass
class ReconstructionSums:
    """Sums per variant [V] over the people of one group.

    alleles: observed; alleles_kept: of them, right after reconstruction; minor, minor_kept:
    the same for the allele that is rarer in training; het, het_decoded: heterozygous people
    with both alleles observed, before and after; squares, squares_left: squared distance
    to the training mean and to the decoded value before rounding.
    """

    alleles: np.ndarray
    alleles_kept: np.ndarray
    minor: np.ndarray
    minor_kept: np.ndarray
    het: np.ndarray
    het_decoded: np.ndarray
    squares: np.ndarray
    squares_left: np.ndarray

    def ratios(self, index: np.ndarray, size: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Metric -> (value, n), each [size], with variant v counted into bin index[v]."""
        sums = {
            field.name: np.bincount(index, getattr(self, field.name), minlength=size)
            for field in fields(self)
        }
        kept = sums["squares"] - sums["squares_left"]
        pairs = {
            "allele_concordance": (sums["alleles_kept"], sums["alleles"]),
            "minor_allele_sensitivity": (sums["minor_kept"], sums["minor"]),
            "heterozygosity_ratio": (sums["het_decoded"], sums["het"]),
            "variance_kept": (kept, sums["squares"]),
        }
        return {
            metric: (np.divide(top, n, where=n > 0, out=np.full(size, np.nan)), n)
            for metric, (top, n) in pairs.items()
        }


def measure_reconstruction(
    store: CohortStore, model: GenePCA, groups: dict[str, np.ndarray]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Reconstruction by minor-allele frequency and by gene block, for each group of people.

    store: a cohort with the model's variants; groups: name -> mask or indices of people.
    Returns two tables of one pass over the people, with the columns metric (`METRICS`),
    group, value, n (denominator) and without the rows that have nothing to count. The first
    has maf_bin ("all" or `MAF_BINS`, by frequency in training) and one more metric,
    numbers_per_snp (group and bin "all"), the size of the latents; the second has block and
    gene. Raises InputError when the cohort's variants are not the model's.
    """
    sums = sum_reconstruction(store, model, groups)
    by_maf = summarise_by_maf(sums, model)
    size = [["numbers_per_snp", ALL, ALL, model.numbers_per_snp, float(len(model.variants))]]
    size = pd.DataFrame(size, columns=by_maf.columns)
    return pd.concat([by_maf, size], ignore_index=True), summarise_by_block(sums, model)


def sum_reconstruction(
    store: CohortStore, model: GenePCA, groups: dict[str, np.ndarray]
) -> dict[str, ReconstructionSums]:
    """Walk over the people of each group in chunks and add up what the metrics need."""
    model.require_variants(store)
    sums = {}
    for group, people in groups.items():
        total = ReconstructionSums(*np.zeros((len(fields(ReconstructionSums)), len(model.mean))))
        for _, calls in store.people_chunks(people):
            _add_rows(total, to_rows(calls, model.mode), model)
        sums[group] = total
    return sums


def summarise_by_maf(sums: dict[str, ReconstructionSums], model: GenePCA) -> pd.DataFrame:
    """Tidy table metric, group, maf_bin, value, n of the sums per group."""
    frequency = model.mean.astype(float) * rows_per_person(model.mode) / 2
    names = maf_bin(np.round(frequency, 6))  # float32 is not to decide at the edge of a bin
    bins = pd.Index(MAF_BINS).get_indexer(names)
    records = []
    for group, total in sums.items():
        whole = total.ratios(np.zeros(len(bins), int), 1)
        binned = total.ratios(bins, len(MAF_BINS))
        for metric in METRICS:
            for ratios, names in ((whole, (ALL,)), (binned, MAF_BINS)):
                for name, value, n in zip(names, *ratios[metric], strict=True):
                    records.append((metric, group, name, value, n))
    table = pd.DataFrame(records, columns=["metric", "group", "maf_bin", "value", "n"])
    return table[table["n"] > 0].reset_index(drop=True)


def summarise_by_block(sums: dict[str, ReconstructionSums], model: GenePCA) -> pd.DataFrame:
    """Tidy table metric, group, block, gene, value, n of the sums per group."""
    block = np.repeat(np.arange(model.n_blocks), model.blocks["n_variants"])
    tables = [
        model.blocks[["block", "gene"]].assign(metric=metric, group=group, value=value, n=n)
        for group, total in sums.items()
        for metric, (value, n) in total.ratios(block, model.n_blocks).items()
    ]
    table = pd.concat(tables, ignore_index=True)
    return table.loc[table["n"] > 0, ["metric", "group", "block", "gene", "value", "n"]]


def combine_chromosomes(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """One table for several chromosomes' tables by frequency: n-weighted means."""
    table = pd.concat(tables)
    keys = ["metric", "group", "maf_bin"]
    summed = (
        table.assign(value=table["value"] * table["n"])
        .groupby(keys, sort=False, as_index=False)[["value", "n"]]
        .sum()
    )
    return summed.assign(value=summed["value"] / summed["n"])


def _add_rows(total: ReconstructionSums, rows: np.ndarray, model: GenePCA) -> None:
    expected = model.decode(model.encode(rows))
    decoded = model.round_rows(expected)
    copies = 2 // rows_per_person(model.mode)  # alleles in a row's call
    seen = rows >= 0
    total.alleles += copies * seen.sum(axis=0)
    total.alleles_kept += np.sum(copies - np.abs(rows - decoded), axis=0, where=seen)
    alt_is_minor = model.mean <= copies / 2
    true, kept = (np.where(alt_is_minor, x, copies - x) for x in (rows, decoded))
    total.minor += true.sum(axis=0, where=seen)
    # a dosage of 2 decoded as 1 has kept one of two
    total.minor_kept += np.minimum(true, kept).sum(axis=0, where=seen)
    both = _both_seen(seen, model.mode)
    total.het += np.sum(_heterozygous(rows, model.mode) & both, axis=0)
    total.het_decoded += np.sum(_heterozygous(decoded, model.mode) & both, axis=0)
    total.squares += np.sum((rows - model.mean) ** 2, axis=0, where=seen, dtype=float)
    total.squares_left += np.sum((rows - expected) ** 2, axis=0, where=seen, dtype=float)


def _heterozygous(rows: np.ndarray, mode: str) -> np.ndarray:
    """bool [people, V] of rows without regard to missing calls."""
    return rows[0::2] != rows[1::2] if mode == "haplotype" else rows == 1


def _both_seen(seen: np.ndarray, mode: str) -> np.ndarray:
    return seen[0::2] & seen[1::2] if mode == "haplotype" else seen
