"""Genes, and the gene blocks that a chromosome's SNPs are cut into.

Axes: V variants, G blocks.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from syncohort.errors import InputError, examples
from syncohort.genotypes import Variants

INTERGENIC = ("nearest", "own", "drop")
_NOWHERE = -1


@dataclass(frozen=True)
class Blocks:
    """The gene blocks of one chromosome; every variant is in one of them.

    table: one row per block in genomic order with columns block (unique name), gene,
    contig, start_bp, end_bp (of its first and last SNP), first_variant (index) and
    n_variants.
    """

    table: pd.DataFrame

    def __post_init__(self):
        first, number = self.table["first_variant"], self.table["n_variants"]
        wrong = np.flatnonzero(first.to_numpy() != np.cumsum(number.to_numpy()) - number)
        if len(wrong) or (number < 1).any():
            raise ValueError(f"blocks do not follow one another at row {wrong[:1]}")

    def __len__(self) -> int:
        return len(self.table)

    def write(self, path: str | Path) -> None:
        """Write the table, tab-separated."""
        self.table.to_csv(path, sep="\t", index=False)

    @staticmethod
    def read(path: str | Path) -> "Blocks":
        """Read what `write` wrote."""
        text = {"block": str, "gene": str, "contig": str}  # a gene may be called NA or 1-Mar
        return Blocks(pd.read_csv(path, sep="\t", dtype=text, keep_default_na=False))


def assign_genes(
    variants: Variants, genes: pd.DataFrame | None, *, intergenic: str = "nearest", max_snps: int
) -> Blocks:
    """Put every SNP of a chromosome into one gene block.

    variants: V SNPs; genes: as `read_genes` returns them, or None where there is no annotation;
    max_snps: SNPs a block may hold.
    A SNP inside several genes belongs to the shortest of them. A SNP in none goes to the
    gene with the nearest end, the left one of two equally near (intergenic "nearest"), or
    to a block of its stretch between two genes, called LEFT..RIGHT ("own"). With "drop"
    there is none: `cohort.filter_variants` has dropped them. A block is a run of consecutive SNPs of one gene; a gene interrupted by
    another one, or cut into near-equal pieces for `max_snps`, gives blocks GENE, GENE.2, ...
    Raises InputError when no gene is on the chromosome, or with "drop" a SNP is in no gene.
    """
    if intergenic not in INTERGENIC:
        raise ValueError(f"intergenic must be one of {INTERGENIC}, not {intergenic!r}")
    if max_snps < 1:
        raise ValueError(f"max_snps must be at least 1, not {max_snps}")
    if not len(variants):
        raise InputError(f"chromosome {variants.contig}: no variants to put into genes")
    if genes is None:
        genes = pd.DataFrame({"gene": [], "contig": [], "start_bp": [], "end_bp": []}, dtype=object)
    local = genes[genes["contig"] == variants.contig].reset_index(drop=True)
    if local.empty and intergenic != "own":
        found = examples(genes["contig"].unique(), limit=30) or "none at all"
        raise InputError(
            f"the annotation has no gene on chromosome {variants.contig} (it has {found}); give an "
            'annotation of the same species and naming, or set intergenic to "own"'
        )
    territories = _territories(local)
    label = _label_variants(variants.position_bp.astype(np.int64), territories, intergenic)
    owner = territories.owner[label]
    if intergenic == "drop" and (owner == _NOWHERE).any():
        raise InputError(
            f"chromosome {variants.contig}: {np.sum(owner == _NOWHERE):,} of its "
            f"{len(variants):,} SNPs lie in no gene of this annotation; drop them with the "
            "annotation the blocks are made from"
        )
    # two territories of one gene are one run when no SNP lies in what parts them
    run_label = np.where(owner == _NOWHERE, len(local) + label, owner)
    first, number = _cut_runs(run_label, max_snps)
    symbol = _territory_names(local, territories)[label[first]]
    position = variants.position_bp
    table = pd.DataFrame(
        {
            "block": name_blocks(symbol),
            "gene": symbol,
            "contig": variants.contig,
            "start_bp": position[first],
            "end_bp": position[first + number - 1],
            "first_variant": first,
            "n_variants": number,
        }
    )
    return Blocks(table)


def name_blocks(genes) -> list[str]:
    """Unique block names for the gene of each block [G]: GENE, then GENE.2, GENE.3, ..."""
    genes = list(genes)
    taken, last, names = set(genes), {}, []
    for gene in genes:
        name, count = gene, last.get(gene, 0) + 1
        while count > 1 and (name := f"{gene}.{count}") in taken:  # AC01.2 may be a gene itself
            count += 1
        last[gene] = count
        names.append(name)
    return names


@dataclass(frozen=True)
class _Territories:
    """Consecutive stretches of a chromosome, each of one gene or of none.

    start_bp [T] increasing, the first 0; owner [T]: row of the gene, or `_NOWHERE`.
    Neighbours differ in owner.
    """

    start_bp: np.ndarray
    owner: np.ndarray


def _territories(genes: pd.DataFrame) -> _Territories:
    start = genes["start_bp"].to_numpy(dtype=np.int64)
    stop = genes["end_bp"].to_numpy(dtype=np.int64) + 1
    edges = np.unique(np.concatenate([[0], start, stop]))
    owner = np.full(len(edges), _NOWHERE)
    left, right = np.searchsorted(edges, start), np.searchsorted(edges, stop)
    # long genes first, so that a shorter one is painted over them; the earlier row wins a tie
    for gene in np.lexsort((-np.arange(len(genes)), -(stop - start))):
        owner[left[gene] : right[gene]] = gene
    new = np.r_[True, owner[1:] != owner[:-1]]
    return _Territories(edges[new], owner[new])


def _label_variants(position: np.ndarray, land: _Territories, intergenic: str) -> np.ndarray:
    """Territory index [V] that each SNP lies in, or with "nearest" belongs to."""
    label = np.searchsorted(land.start_bp, position, side="right") - 1
    if intergenic != "nearest":
        return label
    outside = land.owner[label] == _NOWHERE
    here = label[outside]
    last = len(land.owner) - 1
    to_left = position[outside] - (land.start_bp[here] - 1)
    to_right = land.start_bp[np.minimum(here + 1, last)] - position[outside]
    rightwards = (here == 0) | ((here < last) & (to_right < to_left))
    label[outside] = here + np.where(rightwards, 1, -1)
    return label


def _cut_runs(label: np.ndarray, max_snps: int) -> tuple[np.ndarray, np.ndarray]:
    """First index and length of the runs of equal labels, long ones cut into near-equal pieces."""
    start = np.flatnonzero(np.r_[True, label[1:] != label[:-1]])
    length = np.diff(np.r_[start, len(label)])
    pieces = -(-length // max_snps)
    run = np.repeat(np.arange(len(start)), pieces)
    piece = np.arange(len(run)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    first = start[run] + piece * length[run] // pieces[run]
    return first, np.diff(np.r_[first, len(label)])


def _territory_names(genes: pd.DataFrame, land: _Territories) -> np.ndarray:
    """The gene [T] of each territory, LEFT..RIGHT between two genes, intergenic without any."""
    symbol = genes["gene"].to_numpy(dtype=object)
    if not len(symbol):
        return np.array(["intergenic"], dtype=object)
    names = symbol[land.owner]
    for gap in np.flatnonzero(land.owner == _NOWHERE):
        left = symbol[land.owner[gap - 1]] if gap else "start"
        right = symbol[land.owner[gap + 1]] if gap + 1 < len(names) else "end"
        names[gap] = f"{left}..{right}"
    return names
