"""Gene-wise PCA: all genes in batches, against a loop of scikit-learn fits.

Axes: V variants, N people, n some of them.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from sizes import Size
from sklearn.decomposition import PCA
from threadpoolctl import threadpool_limits
from timing import Stopwatch, Timed

from syncohort.representations.block_covariance import BlockSums, Components
from syncohort.representations.gene_pca_fitting import paper_components

N_FOUNDERS = 20
ERROR_RATE = 0.01
MAX_COMPONENTS = 8


def draw_lengths(n_genes: int, most_snps: int) -> np.ndarray:
    """SNPs per gene [n_genes]: 5 to most_snps, as many genes of 5 to 10 as of 10 to 20."""
    exponent = np.random.default_rng(1).uniform(np.log(5), np.log(most_snps + 1), n_genes)
    return np.exp(exponent).astype(int)


def first_variants(length: np.ndarray) -> np.ndarray:
    return np.cumsum(length) - length


def _prepare(folder: Path, size: Size, *, most_snps: int) -> None:
    """Write lengths.npy [genes], SNPs of each, and dosages_<i>.npy int8 [V, n].

    Within a gene people are made of few founder haplotypes, with some errors.
    """
    own = size.gene_pca
    rng = np.random.default_rng(2)
    length = draw_lengths(own.n_genes, most_snps)
    np.save(folder / "lengths.npy", length)
    frequency = rng.beta(0.6, 1.4, (length.sum(), 1))
    founders = (rng.random((len(frequency), N_FOUNDERS)) < frequency).astype(np.int8)
    for number, start in enumerate(range(0, own.n_people, own.people_at_once)):
        n_people = min(own.people_at_once, own.n_people - start)
        dosages = np.empty((len(founders), n_people), np.int8)
        for first, n_snps in zip(first_variants(length), length, strict=True):
            gene = slice(first, first + n_snps)
            copied = rng.integers(N_FOUNDERS, size=(n_people, 2))
            alleles = founders[gene][:, copied] ^ (rng.random((n_snps, n_people, 2)) < ERROR_RATE)
            dosages[gene] = alleles[:, :, 0] + alleles[:, :, 1]
        np.save(folder / f"dosages_{number:03d}.npy", dosages)


def lengths(folder: Path) -> np.ndarray:
    return np.load(folder / "lengths.npy")


def parts(folder: Path) -> Iterator[np.ndarray]:
    """Dosages [V, n] of some people after the other, mapped from their files."""
    for path in sorted(folder.glob("dosages_*.npy")):
        yield np.asarray(np.load(path, mmap_mode="r"))


def sklearn_components(rows: np.ndarray, length: np.ndarray, solver: str) -> list[np.ndarray]:
    """Components [k, SNPs] of each gene of rows [N, V], one fit after the other."""
    found = []
    for first, n_snps, k in zip(
        first_variants(length), length, paper_components(length, MAX_COMPONENTS), strict=True
    ):
        model = PCA(n_components=int(k), svd_solver=solver).fit(rows[:, first : first + n_snps])
        found.append(model.components_)
    return found


def our_components(folder: Path, threads: int, n_at_once: int) -> Components:
    """Components of all genes, from people read some at a time."""
    length = lengths(folder)
    first = first_variants(length)
    sums = BlockSums(first, length, n_at_once, threads)
    for part in parts(folder):
        sums.add(part)
    return sums.finish().components(first, length, MAX_COMPONENTS)


def _sklearn(folder: Path, size: Size, *, solver: str) -> Timed:
    # one thread is the fastest for matrices this small
    with threadpool_limits(1), Stopwatch() as watch:
        rows = np.concatenate(list(parts(folder)), axis=1).T
        sklearn_components(rows, lengths(folder), solver)
    return Timed(size.gene_pca.n_genes, watch.seconds)


def _ours(folder: Path, size: Size, *, threads: int) -> Timed:
    own = size.gene_pca
    with Stopwatch() as watch:
        our_components(folder, threads, own.people_at_once)
    return Timed(own.n_genes, watch.seconds)


prepare_array = partial(_prepare, most_snps=30)  # 14 a gene: a genotyping array
prepare_dense = partial(_prepare, most_snps=100)  # 32 a gene
sklearn_default = partial(_sklearn, solver="auto")
sklearn_full = partial(_sklearn, solver="full")
ours_one_thread = partial(_ours, threads=1)
ours_two_threads = partial(_ours, threads=2)
