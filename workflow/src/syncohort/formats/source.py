"""What the readers of genotype files share: how they are asked, and how their records become chunks.

Axes: v variants of a chunk, S people, 2 alleles.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from syncohort.formats.sites import Choice, Sites, choose_variants
from syncohort.genotypes import Variants

CHUNK_VARIANTS = 2_000


@dataclass(frozen=True)
class Chunk:
    """The next biallelic variants of a chromosome, in genomic order.

    variants: v of them; calls: int8 [v, S, 2], -1 missing, 0 REF, 1 ALT, -2 the second allele
    of a call that has one; phased: bool [v, S].
    The counts, summed over the chunks of a chromosome, are its totals: n_read: records read,
    dropped: records left out by reason, failed: records that fail filters by the text of their
    FILTER, codes: records by alleles that are no DNA ("A/B"), symbols: structural variants by
    what they are called (`<DEL>`), n_pairs and n_breaks: see `phase_sets`, n_uncertain:
    probabilities that are no hard call, made missing. A chromosome without any usable record gives
    one chunk without variants.
    """

    variants: Variants
    calls: np.ndarray
    phased: np.ndarray
    n_read: int
    dropped: dict[str, int]
    failed: dict[str, int] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)
    symbols: dict[str, int] = field(default_factory=dict)
    n_pairs: int = 0
    n_breaks: int = 0
    n_uncertain: int = 0


@dataclass(frozen=True)
class Calls:
    """What a reader finds in some records: calls, phased and the counts of `Chunk` from n_pairs on."""

    calls: np.ndarray
    phased: np.ndarray
    n_pairs: int = 0
    n_breaks: int = 0
    n_uncertain: int = 0


class Source(ABC):
    """Genotypes of people, chromosome by chromosome.

    sample_ids: [S] str. notes: what is odd about the files, in sentences.
    """

    sample_ids: np.ndarray
    notes: list[str]

    @abstractmethod
    def people_columns(self) -> pd.DataFrame:
        """A table of str: sample, and what else the files say of people."""

    @abstractmethod
    def contigs(self) -> list[str]:
        """Chromosomes that hold records, without `chr`, in natural order."""

    @abstractmethod
    def counts(self) -> dict[str, int | None]:
        """Records of each chromosome, without `chr`; None where that is not known."""

    def contig_length(self, contig: str) -> int | None:
        """Length of a chromosome [bp]; None where the files do not say it."""
        return None

    def chunks(self, contig: str, *, size: int = CHUNK_VARIANTS, **choice) -> Iterator[Chunk]:
        """Walk along a chromosome in chunks of at most `size` biallelic variants.

        choice: which records are used, the fields of `Choice`.

        Raises:
            InputError: the chromosome is not in the files, or they are damaged.
        """
        yield from self._chunks(contig, size, Choice(**choice))

    @abstractmethod
    def _chunks(self, contig: str, size: int, choice: Choice) -> Iterator[Chunk]:
        """`chunks`; most readers find their records and `walk` along them."""


def walk(
    sites: Sites, size: int, choice: Choice, read: Callable[[np.ndarray], Calls]
) -> Iterator[Chunk]:
    """Yield the chunks of a chromosome.

    sites: its records, as of `one_allele_each`. read: the `Calls` of rows of `sites` [v], asked for
    in genomic order.
    """
    chosen = choose_variants(sites, choice)
    totals = {
        "n_read": len(sites),
        "dropped": chosen.dropped,
        "failed": dict(Counter(sites.failed[sites.failed != ""])),
        "codes": chosen.codes,
        "symbols": chosen.symbols,
    }
    for start in range(0, max(len(chosen.rows), 1), size):
        part = chosen.rows[start : start + size]
        yield Chunk(sites.variants(part), **vars(read(part)), **totals)
        totals = {"n_read": 0, "dropped": {}}
