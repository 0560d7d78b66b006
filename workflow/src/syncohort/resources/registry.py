"""The public data sets of resources/datasets.tsv: a study names one as `resource:NAME`.

This is the one place that knows what files a data set has, where they come from and where they
lie: FOLDER/NAME/FILE, the files under the names they have at the source.
"""

import csv
import difflib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlparse

PREFIX = "resource:"
MARK = "{chrom}"
TABLES = Path(__file__).parents[4] / "resources"


@dataclass(frozen=True)
class RemoteFile:
    """A file of a data set, as it is published.

    url: where it is; n_bytes, checksum: as published, None where they are not known; a checksum is
    KIND:HEX of the kinds md5, sha256 and git (the id of a blob); source: the page that says so.
    """

    url: str
    n_bytes: int | None
    checksum: str | None
    source: str


@dataclass(frozen=True)
class Dataset:
    """A row of resources/datasets.tsv.

    chromosomes: those that it holds, without `chr`; url: of its file, with {chrom} where each
    chromosome has one, without the ending where it has several `endings`.
    """

    name: str
    version: str
    what: str
    chromosomes: tuple[str, ...]
    url: str
    endings: tuple[str, ...]
    licence: str
    source: str

    @property
    def pattern(self) -> str:
        """What a study reads: the name of the file, with {chrom}, or the prefix of several."""
        return Path(urlparse(self.url).path).name

    def names(self, chromosome: str = "") -> list[str]:
        """The names of the files of a chromosome, or of the data set where one file holds all."""
        stem = self.pattern.replace(MARK, chromosome)
        return [stem + ending for ending in self.endings or ("",)]

    @property
    def all_names(self) -> list[str]:
        """The names of all its files."""
        if MARK not in self.url:
            return self.names()
        return [name for chromosome in self.chromosomes for name in self.names(chromosome)]


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)


def _chromosomes(text: str) -> tuple[str, ...]:
    """Names of `1-22,X`."""
    found = []
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        found += [str(n) for n in range(int(first), int(last) + 1)] if last else [first]
    return tuple(found)


@cache
def datasets(folder: Path = TABLES) -> dict[str, Dataset]:
    """The data sets of the table in a folder, by name."""
    return {
        row["name"]: Dataset(
            name=row["name"],
            version=row["version"],
            what=row["what"],
            chromosomes=_chromosomes(row["chromosomes"]),
            url=row["url"],
            endings=tuple(row["endings"].split()),
            licence=row["licence"],
            source=row["source"],
        )
        for row in _rows(folder / "datasets.tsv")
    }


@cache
def _published(folder: Path) -> dict[tuple[str, str], dict[str, str]]:
    """What is published of single files, by data set and name."""
    tables = (folder / "datasets.tsv", folder / "checksums.tsv")
    single, several = ({tuple(row.values())[:2]: row for row in _rows(path)} for path in tables)
    known = datasets(folder)
    whole = {
        (name, known[name].pattern): row
        for (name, _), row in single.items()
        if known[name].all_names == [known[name].pattern]
    }
    return whole | several


def remote_file(dataset: str, name: str, folder: Path = TABLES) -> RemoteFile:
    """The file `name` of a data set at its source."""
    row = _published(folder).get((dataset, name), {})
    own = datasets(folder)[dataset]
    return RemoteFile(
        url=f"{own.url.rsplit('/', 1)[0]}/{name}",
        n_bytes=int(row["bytes"]) if row.get("bytes") else None,
        checksum=row.get("checksum") or None,
        source=row.get("source") or own.source,
    )


def with_paths(settings, folder: str, key: str = ""):
    """Settings, as a study has them, with the paths of what they call `resource:NAME` or `~/FILE`.

    folder: of the data sets; key: where the settings stand in the study.

    Raises:
        ValueError: names every data set that there is not.
    """
    if isinstance(settings, dict):
        found, problems = {}, []
        for name, each in settings.items():
            try:
                found[name] = with_paths(each, folder, f"{key}.{name}".removeprefix("."))
            except ValueError as error:
                problems.append(str(error))
        if problems:
            raise ValueError("; ".join(problems))
        return found
    if isinstance(settings, list):
        return [with_paths(each, folder, key) for each in settings]
    if isinstance(settings, str) and settings.startswith(PREFIX):
        return _path(settings, folder, key)
    if isinstance(settings, str) and settings.startswith("~") and "/" in settings:
        return os.path.expanduser(settings)  # as a shell does; other texts stay as they are
    return settings


def _path(value: str, folder: str, key: str) -> str:
    name = value.removeprefix(PREFIX).strip()
    known = datasets()
    if name in known:
        return f"{folder}/{name}/{known[name].pattern}"
    near = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {PREFIX}{near[0]}?" if near else ""
    raise ValueError(
        f"{key}: {value}: no such data set.{hint} resources/datasets.tsv has {', '.join(known)}"
    )


def dataset_of(path: str | Path, folder: str) -> Dataset | None:
    """The data set whose file, prefix or pattern a path is; None for a file of the user's."""
    path = Path(path)
    if not path.is_relative_to(folder):
        return None
    parts = path.relative_to(folder).parts
    return datasets().get(parts[0]) if len(parts) == 2 else None
