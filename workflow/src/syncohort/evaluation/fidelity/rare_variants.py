"""Do rare variants of synthetic people have the frequencies, the linkage and the carriers of holdout people's?

Axes: V rare variants, v of a block, R rows (two haplotypes a person), G genes.
"""

import numpy as np
import pandas as pd

from syncohort.bits import WORD
from syncohort.cohort_store import CohortStore
from syncohort.evaluation.fidelity.frequencies import (
    correlation_of,
    frequency_table,
    label_table,
    moments_of,
    summarise_frequencies,
    summarise_spectrum,
)
from syncohort.evaluation.fidelity.genotype_counts import SOURCES, labels_of, walk_counts
from syncohort.evaluation.groups import RARE, Group
from syncohort.evaluation.intervals import STRETCHES_PER_CHROMOSOME, stretch_row, stretch_sums
from syncohort.evaluation.rare_chromosome import SYNTHETIC, RareChromosome
from syncohort.evaluation.tidy import metric_row, people_in
from syncohort.genotypes import slices

_RARE = Group(snps=RARE)
_SOURCES = ("holdout", SYNTHETIC)
_STRETCH_BP = 100_000  # that stand for genes where there is no annotation
_LEAST_CARRIERS = 2  # haplotypes, for a correlation
_LEAST_GENES = 3
_ROWS_AT_ONCE = 10_000


def rare_fidelity_rows(
    chromosomes: list[RareChromosome], genes: pd.DataFrame | None, *, seed: int
) -> list[dict]:
    """Metric rows of the rare variants of all chromosomes; genes: of `read_gene_files`, or None.

    Those of `summarise_frequencies` and `summarise_spectrum` over all labels; proxy_r2_kept: mean
    r2 of a variant with the common SNP nearby that is its best proxy in training people, over
    the mean in holdout people; burden_r, burden_kept: people who carry a rare allele in a gene, or
    100 kb without genes, correlation with the holdout's over genes, and sum over theirs.
    """
    parts = [_frequencies(each) for each in chromosomes]
    variants, labels, people = (pd.concat(tables) for tables in zip(*parts, strict=True))
    people = people.drop_duplicates("label")
    found = summarise_frequencies(variants, labels, people, seed=seed)
    found += summarise_spectrum(variants, seed=seed)
    rows = [row | {"snps": RARE} for row in found if row["label"] == ""]
    proxies = pd.concat([proxy_table(each) for each in chromosomes])
    burden = pd.concat([burden_table(each, genes) for each in chromosomes])
    return [*rows, proxy_row(proxies, seed=seed), *burden_rows(burden, seed=seed)]


def _frequencies(chromosome: RareChromosome) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """`frequency_table`, `label_table` with contig, and the people by label, of rare variants."""
    real, drawn = chromosome.rare, chromosome.drawn
    labels, tables = labels_of(real, drawn), ([], [])
    for variants, counts in walk_counts(real, drawn):
        at = np.arange(variants.start, variants.stop)
        stretch = at * STRETCHES_PER_CHROMOSOME // len(real.variants)
        tables[0].append(frequency_table(real.variants[variants], counts))
        tables[1].append(label_table(stretch, labels, counts).assign(contig=real.contig))
    people = pd.DataFrame({"label": labels} | {name: counts[name].people for name in SOURCES})
    return *map(pd.concat, tables), people


def proxy_table(chromosome: RareChromosome) -> pd.DataFrame:
    """A row for each rare variant: contig, position_bp, and train, holdout, synthetic.

    These are r2 with the best proxy in training people, NaN where fewer than two haplotypes carry
    the allele or the proxy does not vary.
    """
    people = {name: people_in(chromosome.real, name) for name in ("train", "holdout")}
    tables = []
    for block in chromosome.blocks(people):
        r2 = {
            name: squared_correlations(block.around[name], block.carry[name])
            for name in block.carry
        }
        best = np.nan_to_num(r2["train"]).argmax(axis=1)
        own = {name: found[np.arange(len(best)), best] for name, found in r2.items()}
        position_bp = chromosome.rare.variants.position_bp[block.part]
        tables.append(pd.DataFrame({"position_bp": position_bp, **own}))
    return pd.concat(tables).assign(contig=chromosome.rare.contig)


def squared_correlations(around: np.ndarray, carry: np.ndarray) -> np.ndarray:
    """r2 [v, 192] of rare alleles with common SNPs; NaN where one hardly varies.

    around: uint64 [R, 3]; carry: [v, R].
    """
    n_rows, n_bits = len(around), WORD * around.shape[1]
    common = np.zeros(n_bits)
    for some in slices(n_rows, _ROWS_AT_ONCE):
        common += _bits(around[some]).sum(axis=0)
    both = np.stack([own[own > 0].astype(float) @ _bits(around[own > 0]) for own in carry])
    p, q = common / n_rows, carry.mean(axis=1, dtype=float)[:, None]
    variance = p * (1 - p) * q * (1 - q)
    enough = (variance > 0) & (q * n_rows >= _LEAST_CARRIERS)
    covariance = both / n_rows - p * q
    return np.where(enough, covariance**2 / np.where(enough, variance, 1), np.nan)


def _bits(words: np.ndarray) -> np.ndarray:
    return np.unpackbits(np.ascontiguousarray(words).view(np.uint8), axis=1, bitorder="little")


def proxy_row(proxies: pd.DataFrame, *, seed: int) -> dict:
    """Metric row proxy_r2_kept, from `proxy_table` of all chromosomes."""
    known = proxies.dropna(subset=[*_SOURCES])
    sums = stretch_sums(known[[SYNTHETIC, "holdout"]].to_numpy())
    means = ", ".join(f"{known[name].mean():.3f} in {name} people" for name in _SOURCES)
    note = f"{len(known):,} variants; {means}" if len(known) else "too few carriers"
    return stretch_row("proxy_r2_kept", _RARE, sums, lambda s: s[0] / s[1], seed, note)


def burden_table(chromosome: RareChromosome, genes: pd.DataFrame | None) -> pd.DataFrame:
    """A row for each gene with rare variants: gene, and the share of holdout and of synthetic people who
    carry a rare allele in it; without genes, of each 100 kb."""
    variants = chromosome.rare.variants
    spans = _spans(variants.position_bp, variants.contig, genes)
    rarer = np.where(chromosome.minor_is_ref, 0, 1).astype(np.int8)
    holdout = people_in(chromosome.rare, "holdout")
    sides = {"holdout": (chromosome.rare, holdout), SYNTHETIC: (chromosome.drawn, slice(None))}
    parts = [slice(*span) for span in spans[["start", "stop"]].to_numpy().tolist()]
    shares = {name: _carrier_shares(*side, parts, rarer) for name, side in sides.items()}
    return spans[["gene"]].assign(**shares)


def _spans(position_bp: np.ndarray, contig: str, genes: pd.DataFrame | None) -> pd.DataFrame:
    """gene, start, stop: which rare variants lie in genes, those with none left out."""
    if genes is None or genes.empty:
        edges = np.arange(position_bp[0], position_bp[-1] + 1, _STRETCH_BP)
        own = pd.DataFrame({"gene": edges.astype(str), "start_bp": edges})
        own["end_bp"] = own["start_bp"] + _STRETCH_BP - 1
    else:
        own = genes[genes["contig"] == contig].sort_values("start_bp")
    start = np.searchsorted(position_bp, own["start_bp"], side="left")
    stop = np.searchsorted(position_bp, own["end_bp"], side="right")
    return own.assign(start=start, stop=stop)[stop > start].reset_index(drop=True)


def _carrier_shares(store: CohortStore, people, parts: list[slice], rarer) -> np.ndarray:
    """Share [G] of people who carry the rarer allele of a variant of each of the slices."""
    shares, open_genes = np.zeros(len(parts)), {}
    for chunk, calls in store.variant_chunks(people):
        carries = (calls == rarer[chunk, None, None]).any(axis=2)  # [v, S]
        for gene, part in enumerate(parts):
            if part.start >= chunk.stop or part.stop <= chunk.start:
                continue
            inside = slice(max(part.start - chunk.start, 0), part.stop - chunk.start)
            own = carries[inside].any(axis=0) | open_genes.pop(gene, False)
            if part.stop > chunk.stop:
                open_genes[gene] = own
            shares[gene] = own.mean()
    return shares


def burden_rows(burden: pd.DataFrame, *, seed: int) -> list[dict]:
    """Metric rows burden_r and burden_kept, from `burden_table` of all chromosomes."""
    n, note = len(burden), f"{len(burden):,} genes or stretches"
    if n < _LEAST_GENES:
        names = ("burden_r", "burden_kept")
        return [metric_row(name, _RARE, np.nan, note=f"too few: {n} genes") for name in names]
    ours, holdout = burden[SYNTHETIC].to_numpy(), burden["holdout"].to_numpy()
    moments = stretch_sums(np.stack([np.ones(n), *moments_of(ours, holdout)], axis=1))
    sums = stretch_sums(np.stack([ours, holdout], axis=1))
    return [
        stretch_row("burden_r", _RARE, moments, correlation_of, seed, note),
        stretch_row("burden_kept", _RARE, sums, lambda s: s[0] / s[1], seed, note),
    ]
