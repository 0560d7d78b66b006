"""Which variants are used, judged by training people alone.

Axes: v variants of a chunk, S people.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from syncohort.call_bits import AlleleBits
from syncohort.cohort import pseudo_autosomal
from syncohort.cohort.genes import inside_genes
from syncohort.cohort.hardy_weinberg import smallest_p_values
from syncohort.cohort_store import CohortStore
from syncohort.dosages import minor
from syncohort.errors import InputError
from syncohort.genotype_writing import CohortWriter
from syncohort.genotypes import People
from syncohort.packed_calls import GenotypeCounts, PackedCalls, masks_of
from syncohort.ploidy import MALE, has_one_copy, of_known_sex

_NO_ALLELE = 1e-12  # a frequency below that of one allele in any cohort


@dataclass(frozen=True)
class Judged:
    """Variants of a chunk, and what training people's calls say of them.

    part: slice of the variants; bits: calls of everybody in the imported chromosome; outside: bool
    [v], outside genes; missing: [v] share of missing calls; counts: by label, [v, labels].
    """

    part: slice
    bits: AlleleBits
    outside: np.ndarray
    missing: np.ndarray
    counts: GenotypeCounts

    @property
    def frequency(self) -> np.ndarray:
        """Frequency of ALT [v], 0 without a call."""
        alt, alleles = (each.sum(axis=1) for each in (self.counts.alt, self.counts.alleles))
        return alt / np.maximum(alleles, 1)

    @property
    def carriers(self) -> np.ndarray:
        """People [v] with at least one copy of the rarer allele."""
        counts = self.counts
        alt = (counts.het + counts.hom_alt).sum(axis=1)
        ref = (counts.called - counts.hom_alt).sum(axis=1)
        return np.where(self.frequency <= 0.5, alt, ref)

    def fails_equilibrium(self, hwe_p_min: float) -> np.ndarray:
        """Out of Hardy-Weinberg equilibrium in a label, bool [v]; 0: nobody asks."""
        if hwe_p_min == 0:
            return np.zeros(len(self.bits), dtype=bool)
        return smallest_p_values(self.counts) < hwe_p_min


def filter_variants(
    raw: CohortStore,
    people: People,
    genes: pd.DataFrame | None,
    store_path,
    summary_path,
    *,
    maf_min: float,
    variant_missing_max: float,
    hwe_p_min: float,
) -> None:
    """Write the cohort dataset of one chromosome: labelled people, variants that pass.

    Every figure a variant is judged by comes from training people alone. On chromosome X calls
    become those of the people's sex (`ploidy.of_known_sex`): one allele of males counts, and females
    alone are tested for Hardy-Weinberg equilibrium.

    Args:
        raw: imported chromosome. people: those who are used, with label and split.
        genes: annotation, to drop SNPs outside genes; None keeps them.
        store_path, summary_path: dataset and JSON of counts to write.
        Others: see the section `filters` of the configuration.
    """

    def reasons(found: Judged) -> dict[str, np.ndarray]:
        return {
            "outside genes": found.outside,
            "missing calls": found.missing > variant_missing_max,
            "rare": minor(found.frequency) < max(maf_min, _NO_ALLELE),
            "Hardy-Weinberg": found.fails_equilibrium(hwe_p_min),
        }

    advice = (
        "Relax the section `filters`, leave the chromosome out with "
        "input.chromosomes, or, where SNPs are outside genes, check the genome build of "
        "the annotation or set genes.intergenic to nearest or own."
    )
    _write_passing(raw, people, genes, reasons, advice, store_path, summary_path)


def filter_rare(
    raw: CohortStore,
    people: People,
    genes: pd.DataFrame | None,
    store_path,
    summary_path,
    *,
    carriers_min: int,
    maf_min: float,
    variant_missing_max: float,
    hwe_p_min: float,
) -> None:
    """Write the variants of an autosome that are too rare to be modelled but not too few to be drawn.

    carriers_min: fewest training people who carry the rarer allele; all else as in
    `filter_variants`, whose other filters hold here, too.
    """

    def reasons(found: Judged) -> dict[str, np.ndarray]:
        return {
            "outside genes": found.outside,
            "missing calls": found.missing > variant_missing_max,
            "common": minor(found.frequency) >= maf_min,
            "of too few carriers": found.carriers < carriers_min,
            "Hardy-Weinberg": found.fails_equilibrium(hwe_p_min),
        }

    advice = (
        "Leave release.rare.carriers_min out, or, with fewer than "
        f"{carriers_min / maf_min:,.0f} training people, raise filters.maf_min."
    )
    _write_passing(raw, people, genes, reasons, advice, store_path, summary_path)


def _write_passing(
    raw: CohortStore,
    people: People,
    genes: pd.DataFrame | None,
    reasons: Callable[[Judged], dict[str, np.ndarray]],
    advice: str,
    store_path,
    summary_path,
) -> None:
    """Write the variants that fail for no reason, and how many fail for which, the first that holds.

    reasons: name -> bool [v], in order. advice: what to do where nothing is left.
    """
    dropped, index = {}, _rows_of(raw, people)
    n_kept = 0
    with CohortWriter(store_path, people) as writer:
        for found in _judged(raw, people, index, genes):
            keep = np.ones(len(found.bits), dtype=bool)
            for reason, fails in reasons(found).items():
                dropped[reason] = dropped.get(reason, 0) + int((keep & fails).sum())
                keep &= ~fails
            if keep.any():
                n_kept += int(keep.sum())
                phasing = raw.read_phasing(found.part, index)
                own = raw.variants[found.part][keep]
                writer.append(own, found.bits[keep].calls(index), phasing[keep])
        if n_kept == 0:
            raise InputError(
                f"chromosome {raw.contig}: all {len(raw.variants):,} SNPs are filtered away "
                f"({_in_words(dropped)}). {advice}"
            )
    summary = {
        "contig": raw.contig,
        "n_read": len(raw.variants),
        "n_kept": n_kept,
        "dropped": dropped,
    }
    Path(summary_path).write_text(json.dumps(summary, indent=1) + "\n")


def _in_words(dropped: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {reason}" for reason, count in dropped.items()) or "none dropped"


def _rows_of(raw: CohortStore, people: People) -> np.ndarray:
    """Where people are in an imported chromosome, [S]."""
    row_of = {sample: i for i, sample in enumerate(raw.people.id)}
    return np.array([row_of[sample] for sample in people.id])


def _judged(
    raw: CohortStore, people: People, index: np.ndarray, genes: pd.DataFrame | None
) -> Iterator[Judged]:
    """Walk along a chromosome and count the calls of training people.

    index: [S] where the people are in it.
    """
    labels, group = np.unique(people.label.astype(str), return_inverse=True)
    train = people.split == "train"
    sex, training_group = np.zeros(len(raw.people)), np.full(len(raw.people), -1)
    sex[index], training_group[index] = people.sex, np.where(train, group, -1)
    masks, n_train = masks_of(training_group, len(labels)), train.sum()
    # where males have one copy no call is known by half, and alleles say how many are missing
    n_alleles = 2 * n_train - (people.sex[train] == MALE).sum()
    inside = np.ones(len(raw.variants), dtype=bool)
    if genes is not None:
        inside = inside_genes(raw.variants, genes)
    for part in raw.variant_slices():
        bits, male_haploid = raw.read_bits(part), raw.variants.male_haploid[part]
        if raw.contig == pseudo_autosomal.CONTIG:
            calls = bits.calls(np.arange(len(raw.people)))
            bits = AlleleBits.of(of_known_sex(calls, has_one_copy(male_haploid, sex)))
        counts = PackedCalls.of_bits(bits, len(raw.people)).count(masks)  # [v, labels]
        alleles, called = counts.alleles.sum(axis=1), counts.called.sum(axis=1)
        known = np.where(male_haploid, alleles / max(n_alleles, 1), called / max(n_train, 1))
        yield Judged(part, bits, ~inside[part], 1 - known, counts)
