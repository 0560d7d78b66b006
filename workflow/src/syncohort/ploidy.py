"""One copy or two: men have one copy of chromosome X outside the regions it shares with Y.

In a cohort dataset the call of one copy is its allele and `ABSENT`, as in VCF Zarr. Whatever
counts alleles or genotypes leaves out negative ones, and so counts such a call once, and as
no genotype. Whatever needs two alleles of everybody (distances between people, dosages) takes it
for two of the same, as PLINK files write it and plink2's --glm and --score count it: a dosage is
0 or 2.

Axes: V variants, S people, 2 alleles.
"""

import numpy as np

MISSING = -1
ABSENT = -2  # second allele of a call of one copy
MALE, FEMALE = 1, 2  # as PLINK codes sex; 0 is unknown
SEX_NAMES = {0: "", MALE: "male", FEMALE: "female"}


def has_one_copy(male_haploid: np.ndarray, sex: np.ndarray) -> np.ndarray:
    """Who has one copy of which variant, bool [V, S].

    male_haploid: bool [V], variants of which men have one copy; sex: [S].
    """
    return male_haploid[:, None] & (sex == MALE)


def second_of_men(sex: np.ndarray, rows_per_person: int) -> np.ndarray:
    """Rows that are the second of a man, bool [R], of people of these sexes [S]."""
    haplotype = np.tile(np.arange(rows_per_person), len(sex))
    return (haplotype == 1) & (np.repeat(sex, rows_per_person) == MALE)


def doubled(calls: np.ndarray) -> np.ndarray:
    """Calls int8 [V, S, 2] in which an allele without a second one stands twice."""
    if calls.min(initial=0) > ABSENT:  # of all, as the second ones alone take ten times as long
        return calls
    first, second = calls[..., 0], calls[..., 1]
    return np.stack([first, np.where(second == ABSENT, first, second)], axis=2)


def of_known_sex(calls: np.ndarray, one_copy: np.ndarray) -> np.ndarray:
    """Calls int8 [V, S, 2] of people of known sex, whatever way their file writes one copy.

    Of one copy (bool [V, S]) that is known by either allele or both; two that differ are an error
    of the file, and missing. Of two copies a call of one allele is missing.
    """
    first, second = calls[..., 0], calls[..., 1]
    alone = second == ABSENT
    known = np.where(first == MISSING, np.maximum(second, MISSING), first)
    differ = (first != second) & (first >= 0) & (second >= 0)
    one = np.where(differ, MISSING, known)
    return np.stack(
        [
            np.where(one_copy, one, np.where(alone, MISSING, first)),
            np.where(one_copy, ABSENT, np.where(alone, MISSING, second)),
        ],
        axis=2,
    ).astype(np.int8)


def keep_one(calls: np.ndarray, one_copy: np.ndarray, *, second=False) -> np.ndarray:
    """Drawn calls int8 [V, S, 2] of which one allele is left where there is one copy [V, S].

    second: bool, or [V, S], whether it is the second allele that is left.
    """
    if not one_copy.any():
        return calls
    kept = np.where(one_copy & second, calls[..., 1], calls[..., 0])
    return np.stack([kept, np.where(one_copy, ABSENT, calls[..., 1])], axis=2)
