"""Relatives of training people who are set aside, so that the release can be asked about them.

What is told of a person is told of the relatives too, who never agreed to anything. Of some families one
member is trained on, a child where a pedigree says who is one; parents, siblings and all others
of the family are in no other part of the split, and nothing is fitted on them.

Axes: S people.
"""

from dataclasses import dataclass

import numpy as np

from syncohort.errors import InputError

LARGEST_FAMILY = 10  # of a larger one, mostly people linked by chance, too many would be set aside
_STREAM = 2  # of random numbers, beside those of the split


@dataclass(frozen=True)
class SetAside:
    """relative: bool [S], who is set aside; trained: bool [S], the member of their family who is
    trained on."""

    relative: np.ndarray
    trained: np.ndarray

    @property
    def other(self) -> np.ndarray:
        """Everybody of all other families, bool [S]."""
        return ~(self.relative | self.trained)


def set_aside_relatives(
    groups: np.ndarray, is_child: np.ndarray, *, share: float, seed: int
) -> SetAside:
    """Choose a share of the families of 2 to LARGEST_FAMILY people, and who of them is trained on.

    Args:
        groups: [S] int, equal for relatives. is_child: bool [S], who has a parent named.
        share: of the families, in [0, 1]; 0 sets nobody aside, above it is one family at least.
        seed: int.

    Raises:
        InputError: a share above 0 where there is no such family.
    """
    nobody = np.zeros(len(groups), dtype=bool)
    if not share:
        return SetAside(nobody, nobody)
    sizes = np.bincount(groups)
    families = np.flatnonzero((sizes >= 2) & (sizes <= LARGEST_FAMILY))
    if not len(families):
        raise InputError(
            f"split.relatives is {share:g}, but nothing tells a family of 2 to {LARGEST_FAMILY} people. "
            "Give split.family_column, split.kinship_table or the columns father and mother, or set "
            "split.relatives to 0."
        )
    rng = np.random.default_rng([seed, _STREAM])
    chosen = rng.choice(families, max(1, round(share * len(families))), replace=False)
    trained = nobody.copy()
    for family in chosen:
        members = np.flatnonzero(groups == family)
        children = members[is_child[members]]
        trained[rng.choice(children if len(children) else members)] = True
    return SetAside(np.isin(groups, chosen) & ~trained, trained)
