"""One genotype file per chromosome: `{chrom}` in a path stands for the chromosome."""

import glob
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from syncohort.errors import InputError, examples
from syncohort.formats.sites import Choice, find_contig, spellings
from syncohort.formats.source import Chunk, Source
from syncohort.genotypes import contig_order, normalise_contig

MARK = "{chrom}"


def has_mark(*paths: str | None) -> bool:
    """Whether one of the paths, which may be None, stands for a file per chromosome."""
    return any(path is not None and MARK in str(path) for path in paths)


def find_names(template: str) -> list[str]:
    """What stands for `{chrom}` in the files that fit a template, in natural order.

    `*` in the template stands for anything but a slash; other braces are themselves.

    Raises:
        InputError: no file fits.
    """
    parts = template.split(MARK)
    fixed = [re.escape(part).replace(r"\*", "[^/]*") for part in parts]
    pattern = fixed[0] + "([^/]+?)" + r"\1".join(fixed[1:])
    found = glob.glob("*".join(glob.escape(part).replace("[*]", "*") for part in parts))
    names = {match[1] for path in found if (match := re.fullmatch(pattern, path))}
    if not names:
        raise InputError(
            f"input.path: no file fits {template}, with {MARK} standing for a chromosome"
        )
    return sorted(names, key=contig_order)


def name_for(contig: str, names: list[str], template: str) -> str:
    """What stands for `{chrom}` in the files of a chromosome, however it is spelled.

    Raises:
        InputError: none of the names, or more than one, is the chromosome.
    """
    fitting = find_contig(contig, spellings(names), template)
    if len(fitting) > 1:
        found = ", ".join(template.replace(MARK, name) for name in fitting)
        raise InputError(
            f"chromosome {contig}: several files fit {template}: {found}; move one away"
        )
    return fitting[0]


def of_chromosome(files: dict, name: str, template: str) -> dict:
    """Arguments of a reader with `{chrom}` filled in; a `*` of the template is looked up.

    files: path and others, None for those that are not given.

    Raises:
        InputError: several files fit.
    """
    filled = {key: path and str(path).replace(MARK, name) for key, path in files.items()}
    if "*" in filled["path"]:
        found = glob.glob(glob.escape(template.replace(MARK, name)).replace("[*]", "*"))
        if len(found) != 1:
            raise InputError(
                f"input.path: several files fit {filled['path']}: {examples(found)}; move one away"
            )
        filled["path"] = found[0]
    return filled


class ChromosomeFiles(Source):
    """A source of genotypes made of one source per chromosome, with the same people in each.

    Args:
        open_one: opens the source of a name that stands for `{chrom}`.
        template: path with `{chrom}` in it.

    Raises:
        InputError: no file fits the template.
    """

    def __init__(self, open_one: Callable, template: str):
        self._open_one = open_one
        self._template = template
        self._names = find_names(template)
        self._opened = {}
        self.sample_ids = self._open(self._names[0]).sample_ids

    def people_columns(self) -> pd.DataFrame:
        """What the first file says of people; no other may say otherwise."""
        return self._open(self._names[0]).people_columns()

    def contigs(self) -> list[str]:
        """Chromosomes that have a file, without `chr`, in natural order."""
        return list(spellings(self._names))

    def counts(self) -> dict[str, int | None]:
        """Records of each chromosome; None for files that were not looked into.

        Those of another chromosome than the file's stand under its name and the file's.
        """
        counts = dict.fromkeys(self.contigs())
        for name, source in self._opened.items():
            own, path = normalise_contig(name), self._template.replace(MARK, name)
            for contig, count in source.counts().items():
                counts[own if contig == own else f"{contig} in {Path(path).name}"] = count
        return counts

    @property
    def notes(self) -> list[str]:
        """What was odd about the files looked into, in sentences."""
        notes = [note for source in self._opened.values() for note in source.notes]
        for name, source in self._opened.items():
            others = source.counts().keys() - {normalise_contig(name)}
            if others:
                notes.append(
                    f"{self._template.replace(MARK, name)}: holds records of other chromosomes than "
                    f"{name} ({examples(sorted(others, key=contig_order))}), which are not used"
                )
        return notes

    def contig_length(self, contig: str) -> int | None:
        """Length of a chromosome [bp] if its file says it."""
        return self._source(contig).contig_length(contig)

    def _chunks(self, contig: str, size: int, choice: Choice) -> Iterator[Chunk]:
        yield from self._source(contig).chunks(contig, size=size, **vars(choice))

    def _source(self, contig: str):
        name = name_for(contig, self._names, self._template)
        source = self._open(name)
        self._require_same_people(name, source)
        return source

    def _open(self, name: str):
        if name not in self._opened:
            self._opened[name] = self._open_one(name)
        return self._opened[name]

    def _require_same_people(self, name: str, source) -> None:
        path, first = (self._template.replace(MARK, each) for each in (name, self._names[0]))
        if np.array_equal(source.sample_ids, self.sample_ids):
            _require_same_answers(path, source.people_columns(), first, self.people_columns())
            return
        other = set(source.sample_ids) ^ set(self.sample_ids)
        what = f"not in both: {examples(sorted(other))}" if other else "in another order"
        raise InputError(
            f"{path}: {len(source.sample_ids):,} people, not the {len(self.sample_ids):,} of "
            f"{first} ({what}). The files of all chromosomes must hold the same people in the "
            "same order: `bcftools view --samples-file`, `plink2 --keep` with `--indiv-sort`."
        )


def _require_same_answers(path, people: pd.DataFrame, first_path, first: pd.DataFrame) -> None:
    """Raise InputError where the files of two chromosomes say different things of the same people."""
    for column in people.columns.intersection(first.columns):
        ours, theirs = people[column].to_numpy(), first[column].to_numpy()
        differ = (ours != theirs) & (ours != "") & (theirs != "")
        if differ.any():
            at = int(np.argmax(differ))
            raise InputError(
                f"{path}: the {column} of {int(differ.sum()):,} people is not that of {first_path} "
                f"({people['sample'].iloc[at]}: {ours[at]}, there {theirs[at]}). Which is right? "
                "Make the files of all chromosomes say the same of people."
            )
