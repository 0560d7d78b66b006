"""What a metric is said of: the columns that name it in the tidy table, and the words for people.

A value of the tidy table is said of a group of people or variants, measured in some way. Each
part of that is a column of its own, "" where it does not apply. Words are made last, by
`in_words`; nothing takes them apart again.
"""

from typing import NamedTuple

import pandas as pd

LABEL_SIZES = {  # bins of the number of a label's training people: from, to below
    "0-49": (0, 50),
    "50-199": (50, 200),
    "200-999": (200, 1_000),
    "1000 or more": (1_000, float("inf")),
}

HOLDOUT, TRAIN, TRUTH, REAL = "holdout", "train", "truth", "real"
CAUSAL, SUGGESTIVE, RARE = "causal", "p < 0.001", "rare"
HAPLOTYPES = "haplotypes"
FOUR_TIMES, WITH_REAL = "4x", "with real"

_SNPS = {CAUSAL: "causal SNPs", RARE: "rare variants"}
_AGAINST = {
    HOLDOUT: "against holdout people",
    TRAIN: "against training people",
    TRUTH: "against the truth",
    REAL: "less trained on real",
}


class Group(NamedTuple):
    """The columns that say what a value of a metric is of; all text, "" where one does not apply.

    part: whose value it is where not the generator's people's: "holdout" people on the same
    test, or "real", all real people that nothing was trained on.
    against: what the people are compared with where a metric has several: "holdout" or "train"
    people, the "truth", models of "real" people.
    label: of the people; label_size: bin of the labels' sizes, of `LABEL_SIZES`.
    snps: "causal", "p < 0.001", or "rare", those that no model holds.
    maf_bin: of the variants, of `tidy.MAF_BINS`; distance_bin: of pairs of variants, with unit;
    window_snps: length of windows.
    known_snps: number of SNPs that an attacker knows of a person.
    carriers: how many training people are no longer a small count.
    method: the attack, the kind of classifier or the distance that measured it.
    rows: "haplotypes" where they count one by one, not a person's together.
    noise: noise level of an attack on a network, as a share of T.
    fpr: false-positive rate at which an attack's true-positive rate is read, "1 %" or "10 %".
    trained_on: "4x", four times as many synthetic as training people, or "with real", real
    training people too; real_share: share of the real training people that were added to.
    """

    part: str = ""
    against: str = ""
    label: str = ""
    label_size: str = ""
    snps: str = ""
    maf_bin: str = ""
    distance_bin: str = ""
    window_snps: str = ""
    known_snps: str = ""
    carriers: str = ""
    method: str = ""
    rows: str = ""
    noise: str = ""
    fpr: str = ""
    trained_on: str = ""
    real_share: str = ""


ALL = Group()  # the people of the generator, all variants
KEYS = list(Group._fields)


def size_bin(n_people: int) -> str:
    """The bin of `LABEL_SIZES` that a label of so many training people is in."""
    return next(name for name, (low, below) in LABEL_SIZES.items() if low <= n_people < below)


def groups_of(table: pd.DataFrame) -> list[Group]:
    """The group of each row of a table with the columns `KEYS`."""
    return [Group(*values) for values in table[KEYS].itertuples(index=False, name=None)]


def is_group(table: pd.DataFrame, group: Group) -> pd.Series:
    """Which rows of a table with the columns `KEYS` are of a group, bool."""
    return (table[KEYS] == list(group)).all(axis=1)


def in_words(group: Group) -> str:
    """A group in words for people: "distance, label X", "" for `ALL`."""
    parts = [
        group.method,
        group.rows,
        group.noise and f"t = {group.noise} T",
        group.fpr and f"at {group.fpr} false positives",
        group.trained_on,
        group.real_share and f"{100 * float(group.real_share):g} % real",
        group.snps and _SNPS.get(group.snps, group.snps),
        group.window_snps and f"{int(group.window_snps):,} SNPs",
        group.known_snps and f"{int(group.known_snps):,} SNPs known",
        group.carriers and f"of fewer than {group.carriers} training people",
        group.maf_bin and f"MAF {group.maf_bin}",
        group.distance_bin,
        group.against and _AGAINST.get(group.against, group.against),
        group.label_size and f"labels of {group.label_size} people",
        group.label and f"label {group.label}",
        group.part and f"{group.part} people",
    ]
    return ", ".join(part for part in parts if part)
