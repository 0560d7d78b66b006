"""Phase sets: which calls are phased with each other.

Axes: S people, 2 alleles.
"""

import numpy as np
import pandas as pd

_NO_SET = -1  # phase set of calls that name none: they are all one


class PhaseSets:
    """How far phase reaches, where calls name the set (PS) they are phased with.

    A call is phased with the others of its set alone. n_pairs: phased heterozygous calls that
    follow another of the same person; n_breaks: those of another set than the one before.
    """

    def __init__(self, n_people: int):
        self._latest = np.full(n_people, _NO_SET)
        self._seen = np.zeros(n_people, dtype=bool)
        self.n_pairs = self.n_breaks = 0

    def add(self, calls: np.ndarray, phased: np.ndarray, sets: np.ndarray) -> None:
        """Take the next variant: calls [S, 2], phased bool [S], sets int [S]."""
        heterozygous = phased & (calls[:, 0] != calls[:, 1]) & (calls >= 0).all(axis=1)
        follows = heterozygous & self._seen
        self.n_pairs += int(follows.sum())
        self.n_breaks += int((follows & (sets != self._latest)).sum())
        self._latest[heterozygous] = sets[heterozygous]
        self._seen |= heterozygous


def set_codes(sets: np.ndarray) -> np.ndarray:
    """Phase sets int64 [S] of a field, which is text where the header does not declare it.

    Text may name the set of each allele: "b7,b7" of PSL, "7-1,7-2" of HP, where what follows
    the dash numbers the haplotype.
    """
    sets = np.asarray(sets)
    sets = sets[:, 0] if sets.ndim > 1 else sets
    if sets.dtype.kind in "iuf":
        return np.where(sets < 0, _NO_SET, sets).astype(np.int64)
    names = pd.Series(sets.astype(str)).str.replace(r"(-\d+)?(,.*)?$", "", regex=True)
    codes = pd.util.hash_array(names.to_numpy(dtype=object)).astype(np.int64)
    return np.where(names.isin([".", ""]), _NO_SET, codes)


def first_codes(fields: list[np.ndarray]) -> np.ndarray:
    """Phase sets int64 [S] of the first of a record's fields that names any; see `set_codes`."""
    codes = [set_codes(field) for field in fields]
    return next((sets for sets in codes if (sets != _NO_SET).any()), codes[0])
