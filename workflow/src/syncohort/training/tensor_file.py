"""Files of tensors: weights without pickled code, and what they belong to."""

from pathlib import Path

import torch
from safetensors.torch import save_file

from syncohort.files import all_or_nothing


def write_tensors(path: str | Path, config: str, tensors: dict[str, torch.Tensor]) -> None:
    """Write one safetensors file; equal contents give equal bytes.

    path: appears only when complete, and its folder is made; config: JSON, kept in the header;
    tensors: by name, on any device.
    """
    tensors = {name: each.cpu().contiguous() for name, each in tensors.items()}
    with all_or_nothing(path) as (partial,):
        save_file(tensors, partial, metadata={"config": config})
