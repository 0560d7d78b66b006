"""Genes of an annotation, one span each, and the variants inside them."""

from pathlib import Path

import numpy as np
import pandas as pd

from syncohort.formats.annotation import read_transcripts
from syncohort.genotypes import Variants, contig_order

# Transcripts of one symbol further apart than this are copies of a gene, not one gene:
# in GENCODE V7 no two transcripts of one gene leave a wider gap.
MAX_TRANSCRIPT_GAP_BP = 100_000
_SPAN = {"start_bp": "min", "end_bp": "max"}


def read_genes(path: str | Path, format: str = "auto") -> pd.DataFrame:
    """Read a gene annotation, plain or gzipped.

    format: one of `formats.annotation.FORMATS`, or "auto".
    Returns one row per gene in natural genomic order: gene (symbol, or id when there is
    none), contig (normalised), start_bp, end_bp (int64, 1-based inclusive). Transcripts
    of one symbol within `MAX_TRANSCRIPT_GAP_BP` are merged; copies of a symbol further
    apart or on another contig stay genes of their own. attrs["notes"]: see `read_transcripts`.
    Raises InputError that names file, line and the layout expected.
    """
    records = read_transcripts(path, format)
    # exons first: an intron may be wider than the gap that tells two copies apart
    keys = ["gene", "contig", "transcript"]
    whole = records.groupby(keys, sort=False, as_index=False).agg(_SPAN)
    whole = whole.sort_values(["gene", "contig", "start_bp", "end_bp"], ignore_index=True)
    symbol = [whole["gene"], whole["contig"]]
    ends = whole.groupby(symbol, sort=False)["end_bp"].cummax()
    reached = ends.groupby(symbol, sort=False).shift()
    apart = reached.isna() | (whole["start_bp"] - reached - 1 > MAX_TRANSCRIPT_GAP_BP)
    locus = whole.groupby(apart.cumsum(), sort=False)
    genes = locus.agg({"gene": "first", "contig": "first", **_SPAN})
    rank = {c: i for i, c in enumerate(sorted(genes["contig"].unique(), key=contig_order))}
    genes["_rank"] = genes["contig"].map(rank)
    genes = genes.sort_values(["_rank", "start_bp", "end_bp", "gene"], ignore_index=True)
    genes = genes.drop(columns="_rank")
    genes.attrs["notes"] = records.attrs["notes"]
    return genes


def read_gene_files(paths: list[str | Path], format: str = "auto") -> pd.DataFrame:
    """The genes of several annotation files in genomic order; an empty table for no file.

    attrs["notes"]: what is odd about the files, in sentences.
    """
    empty = pd.DataFrame({"gene": [], "contig": [], "start_bp": [], "end_bp": []})
    parts = [read_genes(path, format) for path in paths]
    genes = pd.concat(parts or [empty])
    rank = genes["contig"].map(contig_order)
    genes = genes.iloc[np.argsort(rank.to_numpy(), kind="stable")].reset_index(drop=True)
    genes.attrs["notes"] = [note for part in parts for note in part.attrs["notes"]]
    return genes


def inside_genes(variants: Variants, genes: pd.DataFrame) -> np.ndarray:
    """bool [V]: True for variants inside at least one gene, of `read_genes`."""
    own = genes[genes["contig"] == variants.contig].sort_values("start_bp")
    if own.empty:
        return np.zeros(len(variants), dtype=bool)
    reach = np.maximum.accumulate(own["end_bp"].to_numpy())
    before = np.searchsorted(own["start_bp"].to_numpy(), variants.position_bp, side="right")
    return (before > 0) & (reach[before - 1] >= variants.position_bp)
