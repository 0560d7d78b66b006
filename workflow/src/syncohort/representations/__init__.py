"""Fitted, invertible embeddings of genotypes."""

from importlib import import_module
from pathlib import Path

# Ending of the model's file -> kind and class, imported by name: an edit of one kind reruns only
# what uses it (see `config.loaded_code`), and a gene PCA is read without torch.
_CLASSES = {".npz": ("gene_pca", "GenePCA"), ".safetensors": ("snp_vae", "SnpVAE")}


def load_representation(path: str | Path):
    """Read a fitted representation (`base.Representation`) of either kind, known by its ending.

    Raises InputError when the file is not a whole, sound model of that kind.
    """
    kind, name = _CLASSES.get(Path(path).suffix, _CLASSES[".safetensors"])
    return getattr(import_module(f"{__name__}.{kind}"), name).load(path)
