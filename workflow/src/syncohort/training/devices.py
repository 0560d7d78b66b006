"""Which device a network runs on, and in what precision."""

import logging
import os
from functools import cache

import torch

from syncohort.errors import InputError
from syncohort.job import IDLE_GPU

log = logging.getLogger(__name__)
DEVICES = ("auto", "cpu", "cuda")
PRECISIONS = ("auto", "float32", "bfloat16")


def resolve_device(device: str) -> torch.device:
    """Return the torch device for "auto" (a GPU if there is one), "cpu" or "cuda".

    Raises InputError for another name, or for "cuda" on a machine without a usable GPU.
    """
    if device not in DEVICES:
        raise InputError(f"device {device!r} is unknown; use one of {', '.join(DEVICES)}")
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError(
            'device "cuda" was asked for, but torch finds no usable GPU here; '
            'use "auto" or "cpu", or run the job where there is a GPU'
        )
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
        if device == "cpu":
            _say_that_a_gpu_is_idle(os.environ.get("CUDA_VISIBLE_DEVICES", ""))
    return torch.device(device)


@cache  # once in a process
def _say_that_a_gpu_is_idle(given: str) -> None:
    """given: the GPUs that a cluster gave to this job."""
    if given not in ("", "-1", "NoDevFiles"):
        log.warning(
            "%s: the cluster gave this job GPU %s, but PyTorch %s finds none that it can use. Look "
            "at `nvidia-smi` there; PyTorch needs its CUDA build and a driver that is new enough. "
            "With compute.gpus: 0 no GPU is asked for.",
            IDLE_GPU,
            given,
            torch.__version__,
        )


def n_training_processes(device: str, gpus: int) -> int:
    """How many processes train on `gpus` GPUs: one for each that is here, one without any.

    device: as in `resolve_device`.
    """
    if gpus <= 1 or resolve_device(device).type == "cpu":
        return 1
    found = torch.cuda.device_count()
    if found < gpus:
        log.warning("%d GPUs were asked for; the job sees and uses %d", gpus, found)
    return min(found, gpus)


def device_name(device: torch.device) -> str:
    """What a log calls the device: "cpu" or the GPU's product name."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def autocast(device: torch.device, precision: str = "auto"):
    """Context for forward passes: "auto" is bfloat16 where the device computes with it.

    That is a GPU, or a processor with instructions for it, on which it is some three times
    faster; elsewhere "auto" is float32.

    Raises InputError for an unknown precision.
    """
    if precision not in PRECISIONS:
        raise InputError(f"precision {precision!r} is unknown; use one of {', '.join(PRECISIONS)}")
    enabled = precision == "bfloat16" or (precision == "auto" and _computes_bfloat16(device))
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=enabled)


def _computes_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return True
    able = torch.cpu.get_capabilities()
    return bool(able.get("avx512_bf16") or able.get("amx_bf16"))
