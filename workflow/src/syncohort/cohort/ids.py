"""How the ids of a table and those of the genotype files differ, where they do not match."""

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from syncohort.formats.missing_codes import number_of

_ENDINGS = re.compile(r"(\.(bam|cram|sam|fastq|fq|vcf|bcf|g|gz|idat|cel|txt))+$", re.IGNORECASE)


def _as_number(text: str) -> str:
    number = number_of(text)
    return text if number is None else f"{number:.17g}"


# What may differ, in words, and what makes equal ids of such that differ in nothing else.
_REWRITINGS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("quotes around them", lambda text: text.strip("'\"").strip()),
    ("the JSON of Hail's keys", lambda text: re.sub(r'^\{"\w+":\s*"(.*)"\}$', r"\1", text)),
    ("capital and small letters", str.casefold),
    ("how accents are composed", lambda text: unicodedata.normalize("NFKC", text)),
    ("leading zeros", lambda text: re.sub(r"(?<!\d)0+(?=\d)", "", text)),
    ("how numbers are written (1, 1.0, 1e0)", _as_number),
    ("blanks, dashes, dots and underscores", lambda text: re.sub(r"[\s_.-]+", "", text)),
    ("folders and endings of file names", lambda text: _ENDINGS.sub("", re.split(r"[/\\]", text)[-1])),
    ("a family id before them (FID_IID)", lambda text: text.rsplit("_", 1)[-1]),
    ("a family id before them (FID_IID)", lambda text: text.split("_", 1)[-1]),
    ("a family id before them (FID_IID)", lambda text: re.sub(r"^(.+)_\1$", r"\1", text)),
    ("a family id before them (FID:IID)", lambda text: re.split(r"[:|]", text)[-1]),
    ("capitals, marks and leading zeros", lambda text: _bare(text)),
)  # fmt: skip


def _bare(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"(?<!\d)0+(?=\d)", "", re.sub(r"[^\w]|_", "", text))


@dataclass(frozen=True)
class NearIds:
    """n ids that are sample ids but for `cause`; first, sample: one of them, and what it may mean."""

    n: int
    cause: str
    first: str
    sample: str

    def __str__(self) -> str:
        return f"{self.n:,} would be but for {self.cause} ({self.first!r} and {self.sample!r})"


def near_ids(ids: Iterable[str], samples: Iterable[str]) -> NearIds | None:
    """Of ids that are no sample ids, those that are but for how they are written.

    One way of writing is tried at a time, on both sides, and the one that explains most ids is
    told. Samples that it makes equal explain nothing. None where no way explains any.
    """
    samples = list(dict.fromkeys(map(str, samples)))
    known = set(samples)
    unknown = [name for name in dict.fromkeys(map(str, ids)) if name and name not in known]
    best = None
    for cause, rewrite in _REWRITINGS if unknown else ():
        owner: dict[str, str | None] = {}
        for name in samples:
            key = rewrite(name)
            owner[key] = None if key in owner else name
        found = [(name, owner[key]) for name in unknown if owner.get(key := rewrite(name))]
        if found and (best is None or len(found) > best.n):
            best = NearIds(len(found), cause, *found[0])
    return best
