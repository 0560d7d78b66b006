"""Per-gene principal components: a linear, invertible embedding of one chromosome.

Every SNP belongs to one block, so the loadings of all blocks are one table [V, K]; encoding
and decoding are products with the block-diagonal sparse matrix made of it.

Axes: R rows (haplotypes or people), V variants, G gene blocks, K channels.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

from syncohort.errors import InputError
from syncohort.genes import Blocks, name_blocks
from syncohort.genotypes import CohortStore, Variants, rows_per_person, to_rows
from syncohort.representations.base import (
    PeopleFingerprint,
    Representation,
    fingerprint_variants,
    load_arrays,
    require_same,
    save_arrays,
)
from syncohort.representations.block_covariance import (
    ROUNDING,
    BlockCovariance,
    BlockSums,
    cut_until_kept,
)

RULES = ("loss", "counts")
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
        for start in range(0, n_rows, size):
            yield slice(start, start + size)

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


def paper_components(n_snps: np.ndarray, max_components: int = 8) -> np.ndarray:
    """Components per block by its number of SNPs, as GeneticDiffusion's release chose them.

    More than 20 SNPs: 8, 5 to 20: 4, up to 4: 1 (METHODS 1.2); for another max_components K
    the three are K, K/2 and K/8, rounded up, and never more than SNPs.
    """
    shares = np.select([n_snps > 20, n_snps >= 5], [1, 2], 8)
    return np.minimum(-(-max_components // shares), n_snps)


def fit_gene_pca(
    store: CohortStore,
    blocks: Blocks,
    *,
    train: np.ndarray,
    mode: str,
    rule: str = "loss",
    max_components: int = 8,
    variance_kept: float = 0.99,
    chunk_people: int = 500,
    threads: int = 1,
) -> GenePCA:
    """Fit the embedding of one chromosome on training people only, in one pass over them.

    blocks: of the store's variants; train: bool [people of the store]; mode: "haplotype" or
    "genotype"; max_components: channels K. Missing calls count as the training mean.
    rule "counts": see `paper_components`. rule "loss": a block of which K components keep
    less than `variance_kept` (share, 0 to 1) is cut: its longest start that K components can
    carry ends where LD is weakest in its last quarter, and so on with the rest; each block
    then gets the fewest components that keep the share. (Halving blocks instead needs a
    quarter more of them.) Components without variance are left out; a block has one at least.
    threads: how many work on the blocks; the model is the same for any number.
    Raises InputError when nobody is in training or the blocks are not the store's.
    """
    if rule not in RULES:
        raise ValueError(f"rule must be one of {RULES}, not {rule!r}")
    if not np.any(train):
        raise InputError(f"{store.path}: no training people to fit the gene PCA on")
    _require_blocks_of(store, blocks)
    first = blocks.table["first_variant"].to_numpy()
    length = blocks.table["n_variants"].to_numpy()
    covariance, fingerprint = _covariance(store, blocks, train, mode, chunk_people, threads)
    if rule == "loss":
        first, length = cut_until_kept(covariance, first, length, max_components, variance_kept)
    found = covariance.components(first, length, max_components)
    top, total = found.variance, found.total[:, None]  # [G, K], [G, 1]
    share = np.divide(top.cumsum(axis=1), total, where=total > 0, out=np.ones(top.shape))
    if rule == "loss":
        wanted = 1 + np.sum(share < variance_kept - ROUNDING, axis=1)
    else:
        wanted = paper_components(length, max_components)
    rank = np.sum(top > ROUNDING * total, axis=1)
    number = np.maximum(np.minimum(wanted, rank), 1)
    used = np.arange(max_components) < np.repeat(number, length)[:, None]  # [V, K]
    table = _cut_table(blocks, store.variants, first, length).assign(
        n_components=number, variance_kept=share[np.arange(len(number)), number - 1]
    )
    model = GenePCA(
        variants=store.variants,
        mode=mode,
        mean=covariance.mean.astype(np.float32),
        loadings=(found.loadings * used).astype(np.float32),
        blocks=table,
        rule=rule,
        training_fingerprint=fingerprint,
    )
    _log_size(model, len(blocks))
    return model


def _log_size(model: GenePCA, n_uncut: int) -> None:
    log = logging.getLogger(__name__)
    log.info(
        "chromosome %s: %d SNPs, %d gene blocks cut into %d, %.2f latent numbers per SNP",
        *(
            model.variants.contig,
            len(model.variants),
            n_uncut,
            model.n_blocks,
            model.numbers_per_snp,
        ),
    )
    if model.is_rotation:
        log.warning(
            "chromosome %s: the gene PCA rotates the SNPs rather than compress them (more than "
            "%.1f numbers per SNP): they are too sparse to be in LD with one another",
            *(model.variants.contig, ROTATION_NUMBERS_PER_SNP),
        )


def _require_blocks_of(store: CohortStore, blocks: Blocks) -> None:
    variants, table = store.variants, blocks.table
    n_in_blocks = table["n_variants"].sum()
    if n_in_blocks == len(variants) and set(table["contig"]) == {store.contig}:
        start_bp = variants.position_bp[table["first_variant"]]
        if (start_bp == table["start_bp"]).all():
            return
    raise InputError(
        f"{store.path}: its variants are not those the gene blocks were made for "
        f"({len(variants):,} variants here on chromosome {store.contig}; "
        f"{n_in_blocks:,} in blocks of {table['contig'].iloc[0]}); make the blocks again"
    )


def _covariance(store, blocks, train, mode, chunk_people, threads) -> tuple[BlockCovariance, str]:
    sums = BlockSums(
        blocks.table["first_variant"].to_numpy(),
        blocks.table["n_variants"].to_numpy(),
        rows_at_once=chunk_people * rows_per_person(mode),
        threads=threads,
    )
    fingerprint = PeopleFingerprint()
    for people, calls in store.people_chunks(train, chunk_people):  # calls [V, s, P]
        fingerprint.add(store.people.id[people], np.ascontiguousarray(calls.swapaxes(0, 1)))
        sums.add(np.ascontiguousarray(to_rows(calls, mode).T))
    return sums.finish(), fingerprint.hexdigest()


def _cut_table(blocks: Blocks, variants: Variants, first, length) -> pd.DataFrame:
    """The block table after cutting blocks into pieces [G] of given first variant and length."""
    table = blocks.table
    whole = np.searchsorted(table["first_variant"], first, side="right") - 1
    pieces = table.iloc[whole].reset_index(drop=True)
    pieces["block"] = name_blocks(pieces["gene"])
    pieces["start_bp"] = variants.position_bp[first]
    pieces["end_bp"] = variants.position_bp[first + length - 1]
    pieces["first_variant"] = first
    pieces["n_variants"] = length
    return pieces
