"""What a representation alone loses: decode(encode(x)) against x, before any diffusion.

Axes: R rows, V variants. Missing calls are in no count; one copy counts once, and is no genotype.
Every value is a ratio of two sums and `n` its denominator, so that rows of several models combine
as the n-weighted mean.
"""

from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from syncohort.cohort_store import CohortStore, common_people
from syncohort.evaluation.tidy import MAF_BINS, maf_bin
from syncohort.genotypes import (
    CHUNK_SAMPLES,
    MISSING,
    PLOIDY,
    from_rows,
    rows_per_person,
    slices,
    to_rows,
)
from syncohort.ploidy import second_of_men
from syncohort.representations.base import Representation, read_rows

ALL = "all"

METRICS = (
    "allele_concordance",
    "minor_allele_sensitivity",
    "heterozygosity_ratio",
    "variance_kept",
    "hom_ref_accuracy",
    "het_accuracy",
    "hom_alt_accuracy",
)


@dataclass
class ReconstructionSums:
    """Sums per variant [V] over the people of one group.

    alleles: observed; alleles_kept: of them, right after reconstruction; minor, minor_kept:
    the same for the allele that is rarer in training; het, het_decoded: heterozygous people
    with both alleles observed, before and after; squares, squares_left: squared distance
    to the training mean and to the decoded value before rounding. hom_ref, hom_alt: people with
    two observed alleles alike; hom_ref_right, het_right, hom_alt_right: those of each genotype
    that get the same one back.
    """

    alleles: np.ndarray
    alleles_kept: np.ndarray
    minor: np.ndarray
    minor_kept: np.ndarray
    het: np.ndarray
    het_decoded: np.ndarray
    squares: np.ndarray
    squares_left: np.ndarray
    hom_ref: np.ndarray
    hom_alt: np.ndarray
    hom_ref_right: np.ndarray
    het_right: np.ndarray
    hom_alt_right: np.ndarray

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
            "hom_ref_accuracy": (sums["hom_ref_right"], sums["hom_ref"]),
            "het_accuracy": (sums["het_right"], sums["het"]),
            "hom_alt_accuracy": (sums["hom_alt_right"], sums["hom_alt"]),
        }
        return {
            metric: (np.divide(top, n, where=n > 0, out=np.full(size, np.nan)), n)
            for metric, (top, n) in pairs.items()
        }


def measure_reconstruction(
    stores: list[CohortStore], model: Representation, groups: dict[str, np.ndarray]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Reconstruction by minor-allele frequency and by gene block, for each group of people.

    stores: of a cohort, those of the model's chromosomes at least; groups: name -> mask or
    indices of people.
    Returns two tables of one pass over the people, with the columns metric (`METRICS`),
    group, value, n (denominator) and without the rows that have nothing to count. The first
    has maf_bin ("all" or `MAF_BINS`, by frequency in training) and one more metric,
    numbers_per_snp (group and bin "all"), the size of the latents; the second has block and
    gene. Raises InputError when the cohort's variants are not the model's.
    """
    sums = sum_reconstruction(stores, model, groups)
    by_maf = summarise_by_maf(sums, model)
    size = [["numbers_per_snp", ALL, ALL, model.numbers_per_snp, float(model.n_variants)]]
    size = pd.DataFrame(size, columns=by_maf.columns)
    return pd.concat([by_maf, size], ignore_index=True), summarise_by_block(sums, model)


def sum_reconstruction(
    stores: list[CohortStore], model: Representation, groups: dict[str, np.ndarray]
) -> dict[str, ReconstructionSums]:
    """Walk over the people of each group in chunks and add up what the metrics need."""
    own, sex = model.stores_of(stores), common_people(stores).sex
    of_one = np.concatenate([store.variants.male_haploid for store in own])
    each, sums = rows_per_person(model.mode), {}
    for group, people in groups.items():
        total = ReconstructionSums(*np.zeros((len(fields(ReconstructionSums)), len(model.mean))))
        index = np.arange(len(sex))[np.asarray(people)]
        for part in slices(len(index), CHUNK_SAMPLES):
            rows = read_rows(own, index[part], model.mode)
            decoded, expected = model.reconstruct(rows)
            rows[np.ix_(second_of_men(sex[index[part]], each), of_one)] = MISSING
            _add_rows(total, rows, decoded, expected, model)
        sums[group] = total
    return sums


def summarise_by_maf(sums: dict[str, ReconstructionSums], model: Representation) -> pd.DataFrame:
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


def summarise_by_block(sums: dict[str, ReconstructionSums], model: Representation) -> pd.DataFrame:
    """Tidy table metric, group, block, gene, value, n of the sums per group."""
    n_blocks = len(model.blocks)
    block = np.repeat(np.arange(n_blocks), model.blocks["n_variants"])
    tables = [
        model.blocks[["block", "gene"]].assign(metric=metric, group=group, value=value, n=n)
        for group, total in sums.items()
        for metric, (value, n) in total.ratios(block, n_blocks).items()
    ]
    table = pd.concat(tables, ignore_index=True)
    return table.loc[table["n"] > 0, ["metric", "group", "block", "gene", "value", "n"]]


def combine_chromosomes(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """One table for several models' tables by frequency: n-weighted means."""
    table = pd.concat(tables)
    keys = ["metric", "group", "maf_bin"]
    summed = (
        table.assign(value=table["value"] * table["n"])
        .groupby(keys, sort=False, as_index=False)[["value", "n"]]
        .sum()
    )
    return summed.assign(value=summed["value"] / summed["n"])


def _add_rows(total: ReconstructionSums, rows, decoded, expected, model: Representation) -> None:
    """Add rows int8 [R, V], -1 where a call does not count, and what is decoded of them."""
    copies = 2 // rows_per_person(model.mode)  # alleles in a row's call
    seen = rows >= 0
    total.alleles += copies * seen.sum(axis=0)
    total.alleles_kept += np.sum(copies - np.abs(rows - decoded), axis=0, where=seen)
    alt_is_minor = model.mean <= copies / 2
    true, kept = (np.where(alt_is_minor, x, copies - x) for x in (rows, decoded))
    total.minor += true.sum(axis=0, where=seen)
    # a dosage of 2 decoded as 1 has kept one of two
    total.minor_kept += np.minimum(true, kept).sum(axis=0, where=seen)
    total.squares += np.sum((rows - model.mean) ** 2, axis=0, where=seen, dtype=float)
    total.squares_left += np.sum((rows - expected) ** 2, axis=0, where=seen, dtype=float)
    _add_genotypes(total, _dosages(rows, model.mode), _dosages(decoded, model.mode))


def _add_genotypes(total: ReconstructionSums, true: np.ndarray, decoded: np.ndarray) -> None:
    """Count people by genotype; dosages int8 [people, V], -1 missing in `true`."""
    right = true == decoded
    total.hom_ref += np.sum(true == 0, axis=0)
    total.het += np.sum(true == 1, axis=0)
    total.hom_alt += np.sum(true == PLOIDY, axis=0)
    total.het_decoded += np.sum((decoded == 1) & (true >= 0), axis=0)
    total.hom_ref_right += np.sum(right & (true == 0), axis=0)
    total.het_right += np.sum(right & (true == 1), axis=0)
    total.hom_alt_right += np.sum(right & (true == PLOIDY), axis=0)


def _dosages(rows: np.ndarray, mode: str) -> np.ndarray:
    """Dosages int8 [people, V] of rows; missing if either allele is."""
    return to_rows(from_rows(rows, mode), "genotype")
