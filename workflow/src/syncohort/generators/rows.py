"""Rows of latents: whose they are, and the file that says so beside the latents.

A part of a representation (a chromosome, or all of them) is encoded into two files: latents, .npy,
float32 [N, G, K]; and what they are, .npz: whose each row is, and the mask of the numbers. Torch
is not needed to read or write either.

Axes: N rows (haplotypes or people), G positions of the latents, K channels.
"""

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from syncohort.errors import InputError
from syncohort.files import load_arrays, save_arrays
from syncohort.genotypes import UNSEEN, People, rows_per_person
from syncohort.ploidy import second_of_men

_KIND = "syncohort rows of latents 2"
VALUES_AT_ONCE = (
    1 << 26
)  # latents that are drawn together: 256 MB, of which sampling holds some six
LEAST_ROWS = 256


def batch_rows(n_values: int) -> int:
    """Rows of so many values that are drawn together: as many as memory allows, an even number."""
    return max(LEAST_ROWS, VALUES_AT_ONCE // n_values // 2 * 2)


@dataclass(frozen=True, eq=False)
class LatentRows:
    """Whose the rows of latents are, and which of them choose rather than train.

    sample_id: [N] str; haplotype: [N] int8, 0 or 1 (0 where a row is a person); labels: [N] int64
    into class_names; class_names: C labels, sorted; is_validation: [N] bool; values: [N] float64
    of a continuous trait whose bins the labels are, None where labels are no values; is_second:
    [N] bool, the second haplotypes of men, None where nobody's sex is known. Where men have one
    copy, these rows repeat the first (see `ploidy`), and are not fitted to.
    """

    sample_id: np.ndarray
    haplotype: np.ndarray
    labels: np.ndarray
    class_names: list[str]
    is_validation: np.ndarray
    values: np.ndarray | None = None
    is_second: np.ndarray | None = None

    def __post_init__(self):
        for name, kind in (
            ("sample_id", object),
            ("haplotype", np.int8),
            ("labels", np.int64),
            ("is_validation", bool),
        ):
            object.__setattr__(self, name, np.asarray(getattr(self, name), kind))
        object.__setattr__(self, "class_names", [str(name) for name in self.class_names])
        lengths = {
            field.name: len(getattr(self, field.name))
            for field in fields(self)
            if field.name != "class_names" and getattr(self, field.name) is not None
        }
        if len(set(lengths.values())) != 1:
            raise ValueError(f"the columns of the rows differ in length: {lengths}")

    def __len__(self) -> int:
        return len(self.labels)

    @staticmethod
    def of(people: People, mode: str) -> "LatentRows":
        """The rows of people, in their order; those that are `UNSEEN` have none."""
        encoded = people[~np.isin(people.split, UNSEEN)]
        names, labels = np.unique(encoded.label.astype(str), return_inverse=True)
        each = rows_per_person(mode)
        return LatentRows(
            sample_id=np.repeat(encoded.id, each),
            haplotype=np.tile(np.arange(each), len(encoded)),
            labels=np.repeat(labels, each),
            class_names=names.tolist(),
            is_validation=np.repeat(encoded.split == "validation", each),
            values=np.repeat(encoded.value, each) if people.has_values else None,
            is_second=second_of_men(encoded.sex, each) if people.has_sexes else None,
        )

    def require_same(self, other: "LatentRows", where: str) -> None:
        """Raise InputError unless other rows, those of `where`, are of the same people."""
        found = f"{len(self):,} rows here, {len(other):,} there"
        if len(self) == len(other):
            differ = np.any(
                [mine != its for mine, its in zip(self._texts(), other._texts(), strict=True)],
                axis=0,
            )
            differ |= ~np.isclose(self._values(), other._values(), rtol=0, atol=0, equal_nan=True)
            if not differ.any():
                return
            row = int(np.argmax(differ))
            found = f"row {row + 1} is {self._name(row)} here, {other._name(row)} there"
        raise InputError(
            f"the rows of the latents are not those of {where}: {found}. Use the files of one run, "
            "or encode the people again."
        )

    def _texts(self) -> list[np.ndarray]:
        label = np.array(self.class_names, dtype=object)[self.labels]
        return [self.sample_id, self.haplotype, label, self.is_validation]

    def _values(self) -> np.ndarray:
        return np.full(len(self), np.nan) if self.values is None else self.values

    def _name(self, row: int) -> str:
        split = "validation" if self.is_validation[row] else "train"
        label = self.class_names[self.labels[row]]
        value = "" if self.values is None else f", value {self.values[row]:g}"
        return f"{self.sample_id[row]} (haplotype {self.haplotype[row]}, {label}{value}, {split})"

    def save(self, path: str | Path, mask: np.ndarray, male_haploid: np.ndarray) -> None:
        """Write what latents of these rows are.

        mask: bool [G, K], of their numbers; male_haploid: bool [G], positions that depend on
        variants of which men have one copy.
        """
        columns = {field.name: getattr(self, field.name) for field in fields(self)}
        columns["class_names"] = np.array(self.class_names, dtype=object)
        columns = {name: column for name, column in columns.items() if column is not None}
        positions = {"mask": mask, "male_haploid": male_haploid}
        arrays = {name: np.asarray(each, bool) for name, each in positions.items()}
        save_arrays(path, _KIND, arrays | columns)


def read_rows_and_positions(path: str | Path) -> tuple[LatentRows, np.ndarray, np.ndarray]:
    """What `LatentRows.save` wrote: rows, mask bool [G, K] and male_haploid bool [G].

    Raises InputError when the file is absent, damaged or of another kind.
    """
    arrays = load_arrays(path, _KIND)
    mask, male_haploid = arrays.pop("mask"), arrays.pop("male_haploid")
    return LatentRows(**arrays), mask, male_haploid


@dataclass(frozen=True, eq=False)
class EncodedPeople:
    """The latents of all parts of a representation, on disk, and what they are.

    paths: .npy files, float32 [N, G_c, K] each, in genomic order; masks: bool [G_c, K] of each;
    rows: of all of them; male_haploid: bool [G_c] of each, see `LatentRows.save` (default: nowhere).
    """

    paths: list[str | Path]
    masks: list[np.ndarray]
    rows: LatentRows
    male_haploid: list[np.ndarray] | None = None

    @property
    def one_copy(self) -> np.ndarray:
        """Positions bool [G] at which the second rows of men are the first again."""
        return np.concatenate([self.one_copy_of(part) for part in range(len(self.masks))])

    def one_copy_of(self, part: int) -> np.ndarray:
        """Those of one part, by its number: bool [G_c]."""
        if self.male_haploid is None or self.rows.is_second is None:
            return np.zeros(len(self.masks[part]), dtype=bool)
        return self.male_haploid[part]

    def is_whole(self, part: int | None = None) -> np.ndarray:
        """Rows bool [N] that are a haplotype of their own, or a person, at every position.

        The second rows of men are not where there are positions of one copy. part: number of the
        only part that is looked at; None: all parts.
        """
        one_copy = self.one_copy if part is None else self.one_copy_of(part)
        return ~self.rows.is_second if one_copy.any() else np.ones(len(self.rows), dtype=bool)

    def whole_training_rows(self, part: int | None = None) -> np.ndarray:
        """Training rows that are whole, as indices [n]; see `is_whole`.

        What weighs whole rows, such as a covariance, is fitted to them: a man counts once.
        """
        return np.flatnonzero(self.is_whole(part) & ~self.rows.is_validation)

    @staticmethod
    def read(
        paths: list[str | Path], row_paths: list[str | Path], people: People, mode: str
    ) -> "EncodedPeople":
        """The parts that `encoding.encode_people` wrote.

        paths, row_paths: latents and what their rows are, by part; people: the cohort's, of the
        present split; mode: of the rows.

        Raises InputError unless all parts hold the rows of these people.
        """
        masks, male_haploid, rows = [], [], LatentRows.of(people, mode)
        for path in row_paths:
            own, mask, haploid = read_rows_and_positions(path)
            own.require_same(rows, f"the people's table ({path})")
            masks.append(mask)
            male_haploid.append(haploid)
        return EncodedPeople(paths, masks, rows, male_haploid)
