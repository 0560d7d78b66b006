"""Fitted, invertible embeddings of genotypes."""

from pathlib import Path


def load_representation(path: str | Path):
    """Read a fitted representation (`base.Representation`) of either kind, told by its ending.

    Raises InputError when the file is not a whole, sound model of that kind.
    """
    # imported when needed: fitting a gene PCA is done without torch
    if Path(path).suffix == ".npz":
        from syncohort.representations.gene_pca import GenePCA

        return GenePCA.load(path)
    from syncohort.representations.snp_vae import SnpVAE

    return SnpVAE.load(path)
