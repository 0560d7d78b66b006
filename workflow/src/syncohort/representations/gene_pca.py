"""Per-gene principal components: a linear, invertible embedding of one chromosome.

Every SNP belongs to one block, so the loadings of all blocks are one table [V, K]; encoding
and decoding are products with the block-diagonal sparse matrix made of it.

Axes: R rows (haplotypes or people), V variants, G gene blocks, K channels.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

from syncohort.files import load_arrays, require_same, save_arrays
from syncohort.genotypes import Variants, slices
from syncohort.representations.base import Representation, fingerprint_variants

# Above this many latent numbers per SNP the embedding rotates the data rather than compress it.
ROTATION_NUMBERS_PER_SNP = 0.8
_KIND = "syncohort gene_pca 1"
_CHUNK_ELEMENTS = 1 << 24


@dataclass(frozen=True)
class GenePCA(Representation):
    """A fitted embedding of one chromosome.

    variants: the V variants of the cohort, all of them in a block; mode: "haplotype" or
    "genotype"; mean [V] float32, of alleles or dosages over training rows; loadings [V, K]
    float32, orthonormal within each block, 0 in columns a block does not use; blocks: the
    table of `genes.Blocks` with n_components and variance_kept (share, of training rows);
    rule: how the numbers of components were chosen; training_fingerprint: SHA-256 of the
    training people's ids and genotypes.
    """

    variants: Variants
    mode: str
    mean: np.ndarray
    loadings: np.ndarray
    blocks: pd.DataFrame
    rule: str
    training_fingerprint: str

    def __post_init__(self):
        n_variants = len(self.variants)
        in_blocks = int(self.blocks["n_variants"].sum())
        if not n_variants == len(self.mean) == len(self.loadings) == in_blocks:
            raise ValueError(
                f"variants ({n_variants}), mean ({len(self.mean)}), loadings "
                f"({len(self.loadings)}) and blocks ({in_blocks}) differ in length"
            )

    @property
    def contigs(self) -> list[str]:
        return [self.variants.contig]

    def variants_of(self, contig: str) -> Variants:
        self._require_contig(contig)
        return self.variants

    def _require_contig(self, contig: str) -> None:
        if contig != self.variants.contig:
            raise ValueError(f"chromosome {contig} of a gene PCA of {self.variants.contig}")

    @property
    def n_blocks(self) -> int:
        return len(self.blocks)

    @property
    def n_channels(self) -> int:
        return self.loadings.shape[1]

    @cached_property
    def mask(self) -> np.ndarray:
        """bool [G, K]: True where a block has a component."""
        return np.arange(self.n_channels) < self.blocks["n_components"].to_numpy()[:, None]

    @property
    def is_rotation(self) -> bool:
        """True when the embedding hardly compresses; usual on sparse arrays, worth telling."""
        return self.numbers_per_snp > ROTATION_NUMBERS_PER_SNP

    @cached_property
    def _block(self) -> np.ndarray:
        """Block of each variant, int64 [V], not decreasing."""
        return np.repeat(np.arange(self.n_blocks), self.blocks["n_variants"])

    @cached_property
    def _basis(self) -> sparse.csr_array:
        """Sparse block-diagonal loadings [V, G*K]."""
        variant, channel = np.nonzero(self.mask[self._block])
        column = self._block[variant] * self.n_channels + channel
        shape = (len(self.variants), self.n_blocks * self.n_channels)
        return sparse.csr_array((self.loadings[variant, channel], (variant, column)), shape=shape)

    @cached_property
    def _projection(self) -> sparse.csr_array:
        return self._basis.T.tocsr()  # [G*K, V]

    def encode(self, rows: np.ndarray) -> np.ndarray:
        """Latents float32 [R, G, K] of rows int8 [R, V]; missing calls (-1) count as the mean."""
        latents = np.empty((len(rows), self.n_blocks, self.n_channels), np.float32)
        for part in self._row_chunks(len(rows)):
            values = rows[part].T  # [V, r]
            centred = np.where(values < 0, np.float32(0), values - self.mean[:, None])
            projected = self._projection @ centred  # [G*K, r]
            latents[part] = projected.T.reshape(-1, self.n_blocks, self.n_channels)
        return latents

    def block_edges(self) -> np.ndarray:
        """Where the gene blocks begin, and the last one ends: int64 [G + 1] from 0 to V."""
        return np.concatenate([[0], self.blocks["n_variants"].cumsum()])

    def positions_of(self, contig: str, variants: slice) -> slice:
        """The blocks that start..stop of the variants lie in."""
        self._require_contig(contig)
        return slice(int(self._block[variants.start]), int(self._block[variants.stop - 1]) + 1)

    def decode_variants(self, latents: np.ndarray, contig: str, variants: slice) -> np.ndarray:
        """Expected alleles or dosages float32 [R, v] of start..stop of the variants; not clipped.

        latents: [R, g, K] of the blocks they lie in (`positions_of`).
        """
        blocks = self.positions_of(contig, variants)
        columns = slice(blocks.start * self.n_channels, blocks.stop * self.n_channels)
        basis, mean = self._basis[variants, columns], self.mean[variants, None]
        values = np.empty((len(latents), len(mean)), np.float32)
        for part in self._row_chunks(len(latents)):
            flat = latents[part].reshape(-1, basis.shape[1]).T  # [g*K, r]
            flat = np.ascontiguousarray(flat, dtype=np.float32)
            values[part] = (basis @ flat + mean).T
        return values

    def _row_chunks(self, n_rows: int) -> Iterator[slice]:
        size = max(1, _CHUNK_ELEMENTS // max(self._basis.shape))
        return slices(n_rows, size)

    def save(self, path: str | Path) -> None:
        """Write the model to one .npz file; equal models give equal bytes."""
        arrays = {f"blocks.{name}": self.blocks[name].to_numpy() for name in self.blocks}
        arrays |= {
            "contig": self.variants.contig,
            "position_bp": self.variants.position_bp,
            "id": self.variants.id,
            "allele": self.variants.allele,
            "variants_fingerprint": fingerprint_variants(self.variants),
            "mode": self.mode,
            "mean": self.mean,
            "loadings": self.loadings,
            "rule": self.rule,
            "training_fingerprint": self.training_fingerprint,
        }
        save_arrays(path, _KIND, arrays)

    @staticmethod
    def load(path: str | Path) -> "GenePCA":
        """Read what `save` wrote. Raises InputError when the file is not a whole, sound model."""
        arrays = load_arrays(path, _KIND)
        variants = Variants(
            arrays["contig"][0], arrays["position_bp"], arrays["id"], arrays["allele"]
        )
        require_same(
            "the variants",
            path,
            arrays["variants_fingerprint"][0],
            fingerprint_variants(variants),
        )
        columns = {
            name.removeprefix("blocks."): values
            for name, values in arrays.items()
            if name.startswith("blocks.")
        }
        return GenePCA(
            variants=variants,
            mode=arrays["mode"][0],
            mean=arrays["mean"],
            loadings=arrays["loadings"],
            blocks=pd.DataFrame(columns),
            rule=arrays["rule"][0],
            training_fingerprint=arrays["training_fingerprint"][0],
        )
