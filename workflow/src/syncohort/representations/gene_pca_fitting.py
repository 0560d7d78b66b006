"""Fitting of the PCA per gene: how many components a block gets, and where a block is cut."""

import logging

import numpy as np
import pandas as pd

from syncohort.cohort_store import CohortStore
from syncohort.errors import InputError
from syncohort.genotypes import Variants, rows_per_person, to_rows
from syncohort.representations.base import PeopleFingerprint
from syncohort.representations.block_covariance import (
    ROUNDING,
    BlockCovariance,
    BlockSums,
    cut_until_kept,
)
from syncohort.representations.blocks import Blocks, name_blocks
from syncohort.representations.gene_pca import ROTATION_NUMBERS_PER_SNP, GenePCA

RULES = ("loss", "counts")


def paper_components(n_snps: np.ndarray, max_components: int = 8) -> np.ndarray:
    """Components per block by its number of SNPs, as GeneticDiffusion's release chose them.

    More than 20 SNPs: 8, 5 to 20: 4, up to 4: 1 (docs/methods.md 1.2); for another max_components K
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
    "genotype"; max_components: channels K. Missing calls count as the training mean, and
    so does the second row of one copy.
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
        sums.add(np.ascontiguousarray(to_rows(calls, mode, once=True).T))
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
