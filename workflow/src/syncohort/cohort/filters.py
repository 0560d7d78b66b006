"""Which variants are used, judged by training people alone."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from syncohort.call_bits import AlleleBits
from syncohort.cohort import pseudo_autosomal
from syncohort.cohort.genes import inside_genes
from syncohort.cohort.hardy_weinberg import smallest_p_values
from syncohort.cohort.importing import _reasons
from syncohort.dosages import minor
from syncohort.errors import InputError
from syncohort.genotype_writing import CohortWriter
from syncohort.genotypes import CohortStore, People
from syncohort.packed_calls import PackedCalls, masks_of
from syncohort.ploidy import MALE, has_one_copy, of_known_sex


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
    row_of = {sample: i for i, sample in enumerate(raw.people.id)}
    index = np.array([row_of[sample] for sample in people.id])
    labels, group = np.unique(people.label.astype(str), return_inverse=True)
    train = people.split == "train"
    sex, training_group = np.zeros(len(raw.people)), np.full(len(raw.people), -1)
    sex[index], training_group[index] = people.sex, np.where(train, group, -1)
    masks, n_train = masks_of(training_group, len(labels)), train.sum()
    n_males = (people.sex[train] == MALE).sum()
    inside = np.ones(len(raw.variants), dtype=bool)
    if genes is not None:
        inside = inside_genes(raw.variants, genes)
    dropped = dict.fromkeys(("outside genes", "missing calls", "rare", "Hardy-Weinberg"), 0)
    n_kept = 0
    with CohortWriter(store_path, people) as writer:
        for part in raw.variant_slices():
            bits, male_haploid = raw.read_bits(part), raw.variants.male_haploid[part]
            if raw.contig == pseudo_autosomal.CONTIG:
                calls = bits.calls(np.arange(len(raw.people)))
                bits = AlleleBits.of(of_known_sex(calls, has_one_copy(male_haploid, sex)))
            counts = PackedCalls.of_bits(bits, len(raw.people)).count(masks)  # [v, labels]
            alt, alleles, called = (
                each.sum(axis=1) for each in (counts.alt, counts.alleles, counts.called)
            )
            # where males have one copy no call is known by half, and alleles say how many are missing
            n_alleles = 2 * n_train - n_males
            known = np.where(male_haploid, alleles / max(n_alleles, 1), called / max(n_train, 1))
            reasons = {
                "outside genes": ~inside[part],
                "missing calls": 1 - known > variant_missing_max,
                "rare": minor(alt / np.maximum(alleles, 1)) < max(maf_min, 1e-12),
            }
            if hwe_p_min > 0:
                reasons["Hardy-Weinberg"] = smallest_p_values(counts) < hwe_p_min
            keep = np.ones(len(bits), dtype=bool)
            for reason, fails in reasons.items():
                dropped[reason] += int((keep & fails).sum())
                keep &= ~fails
            if keep.any():
                n_kept += int(keep.sum())
                phasing = raw.read_phasing(part, index)
                writer.append(raw.variants[part][keep], bits[keep].calls(index), phasing[keep])
        if n_kept == 0:
            raise InputError(
                f"chromosome {raw.contig}: all {len(raw.variants):,} SNPs are filtered away "
                f"({_reasons(dropped)}). Relax the section `filters`, leave the chromosome out with "
                "input.chromosomes, or, where SNPs are outside genes, check the genome build of "
                "the annotation or set genes.intergenic to nearest or own."
            )
    summary = {
        "contig": raw.contig,
        "n_read": len(raw.variants),
        "n_kept": n_kept,
        "dropped": dropped,
    }
    Path(summary_path).write_text(json.dumps(summary, indent=1) + "\n")
