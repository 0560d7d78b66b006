"""What every representation shares: its interface, and the fingerprints that tie files together.

A representation is fitted on training people and turns rows of calls into latents and back. One
model file covers one chromosome or several. Axes: R rows (haplotypes or people), V variants of
all its chromosomes, G positions of the latents, K channels, C calls (2 alleles or 3 dosages).
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator

import numpy as np
import pandas as pd

from syncohort.cohort_store import CohortStore
from syncohort.errors import InputError
from syncohort.files import pack_texts, require_same
from syncohort.genotypes import PLOIDY, Variants, people_at_once, rows_per_person, slices, to_rows


class Representation(ABC):
    """A fitted embedding of the variants of one or several chromosomes.

    Attributes: `mode`, "haplotype" or "genotype"; `training_fingerprint`, SHA-256 of the training
    people's ids and genotypes; `mean` [V] float32, of alleles or dosages over training rows;
    `blocks`, consecutive stretches that hold all V variants: columns block, gene, n_variants.
    """

    mode: str
    training_fingerprint: str
    mean: np.ndarray
    blocks: pd.DataFrame

    @property
    @abstractmethod
    def contigs(self) -> list[str]:
        """The chromosomes, in genomic order."""

    @property
    @abstractmethod
    def mask(self) -> np.ndarray:
        """bool [G, K]: True where the latents hold a number; elsewhere they are 0."""

    @abstractmethod
    def variants_of(self, contig: str) -> Variants:
        """The variants of one of its chromosomes."""

    @abstractmethod
    def encode(self, rows: np.ndarray) -> np.ndarray:
        """Latents float32 [R, G, K] of rows int8 [R, V], -1 where a call is missing."""

    @abstractmethod
    def positions_of(self, contig: str, variants: slice) -> slice:
        """The positions of the latents that decoding start..stop of a chromosome's variants needs."""

    @abstractmethod
    def decode_variants(self, latents: np.ndarray, contig: str, variants: slice) -> np.ndarray:
        """Expected alleles or dosages float32 [R, v] of start..stop of a chromosome's variants.

        latents: [R, g, K], the positions that `positions_of` says.
        """

    def probabilities(self, latents: np.ndarray, contig: str, variants: slice) -> np.ndarray:
        """Probabilities of the calls, float32 [R, v, C]; arguments as in `decode_variants`.

        Raises InputError when the representation has none.
        """
        raise InputError(
            f"{type(self).__name__} decodes to values, not to probabilities; use the decoding rule "
            "matched or rounding"
        )

    def reconstruct(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What decoding gives back of rows int8 [R, V]: likeliest calls, expected values [R, V]."""
        expected = self.decode(self.encode(rows))
        return self.round_rows(expected), expected

    @property
    def n_variants(self) -> int:
        return len(self.mean)

    @property
    def numbers_per_snp(self) -> float:
        """Latent numbers per SNP: 1 would be as many numbers as alleles or dosages."""
        return float(self.mask.sum() / self.n_variants)

    def decode(self, latents: np.ndarray) -> np.ndarray:
        """Expected alleles or dosages float32 [R, V] of latents [R, G, K]; not clipped."""
        values = []
        for contig in self.contigs:
            everything = slice(0, len(self.variants_of(contig)))
            needed = latents[:, self.positions_of(contig, everything)]
            values.append(self.decode_variants(needed, contig, everything))
        return np.concatenate(values, axis=1)

    def round_rows(self, values: np.ndarray) -> np.ndarray:
        """Rows int8 [R, V] of decoded values [R, V]."""
        return np.clip(np.rint(values), 0, PLOIDY // rows_per_person(self.mode)).astype(np.int8)

    def stores_of(self, stores: list[CohortStore]) -> list[CohortStore]:
        """The stores of its chromosomes, in its order, out of those of a cohort.

        Raises InputError when one is not there, or holds other variants (with both fingerprints).
        """
        by_contig = {store.contig: store for store in stores}
        missing = [contig for contig in self.contigs if contig not in by_contig]
        if missing:
            raise InputError(
                f"{', '.join(str(store.path) for store in stores)}: chromosome "
                f"{', '.join(missing)} of the {type(self).__name__} is not there; "
                "give the files of one run"
            )
        own = [by_contig[contig] for contig in self.contigs]
        for store in own:
            self.require_variants(store)
        return own

    def block_edges(self) -> np.ndarray | None:
        """Where its blocks begin, and the last one ends, int64 [B + 1]; None: they are no genes'."""
        return None

    def require_variants(self, store: CohortStore) -> None:
        """Raise InputError with both fingerprints when a chromosome's variants are not its own."""
        expected = fingerprint_variants(self.variants_of(store.contig))
        require_same("the variants", store.path, expected, fingerprint_variants(store.variants))


def read_rows(stores: list[CohortStore], people, mode: str) -> np.ndarray:
    """Rows int8 [R, V] of people (mask or indices), the stores' variants side by side."""
    return np.concatenate([to_rows(each.read(samples=people), mode) for each in stores], axis=1)


def encode_rows(
    stores: list[CohortStore],
    models: list[Representation],
    people: np.ndarray,
    size: int | None = None,
) -> Iterator[np.ndarray]:
    """Latents float32 [R, G, K] of people (indices), the models' side by side, `size` people
    at a time; None: as many as memory is meant for (`people_at_once`). stores: of the models'
    chromosomes; models: in the order a generator was given."""
    size = size or people_at_once(sum(len(store.variants) for store in stores))
    own = [model.stores_of(stores) for model in models]
    for part in slices(len(people), size):
        latents = [
            model.encode(read_rows(each, people[part], model.mode))
            for model, each in zip(models, own, strict=True)
        ]
        yield np.concatenate(latents, axis=1)


def fingerprint_variants(variants: Variants) -> str:
    """SHA-256 over contig, positions, ids and alleles, in order."""
    digest = hashlib.sha256(f"{variants.contig}\n{len(variants)}\n".encode())
    digest.update(variants.position_bp.astype("<i4").tobytes())
    for texts in (variants.id, variants.allele):
        digest.update(pack_texts(texts))
    return digest.hexdigest()


class PeopleFingerprint:
    """SHA-256 over people's ids and genotypes, whatever the order or chunks they come in."""

    def __init__(self):
        self._people: list[tuple[str, bytes]] = []

    def add(self, ids, values: np.ndarray) -> None:
        """Add people: ids [s] and values [s, ...], their genotypes (any shape per person)."""
        for name, person in zip(ids, values, strict=True):
            self._people.append((str(name), hashlib.sha256(person.tobytes()).digest()))

    def hexdigest(self) -> str:
        digest = hashlib.sha256()
        for name, person in sorted(self._people):
            digest.update(name.encode() + b"\0" + person)
        return digest.hexdigest()
