"""What a diffusion model costs: weights, work, time and memory (GeneticDiffusion, Table 5)."""

from pathlib import Path

import numpy as np
import pandas as pd

from syncohort.diffusion.denoisers import count_flops
from syncohort.diffusion.model import load_generator
from syncohort.evaluation.tables import read_benchmarks, read_tables


def measure_costs(
    checkpoint_path: str | Path,
    losses_path: str | Path,
    latents_paths: list[str | Path],
    *,
    name: str,
    rows_per_genome: int,
    steps: int,
    guidance_scale: float,
    training_benchmark: str | Path,
    sampling_benchmarks: list[str | Path],
) -> pd.DataFrame:
    """One row of costs of a trained and sampled generator.

    latents_paths: of its sampled rows, a file per job. rows_per_genome: 2 in haplotype mode.
    steps, guidance_scale: of sampling; a guided step calls the network twice. The benchmarks
    are Snakemake's, of the jobs that trained and sampled; a missing one leaves NaN.

    Columns: generator, denoiser, blocks, channels, classes, parameters, gflop_per_pass (one
    row, a multiplication and an addition are two), gflop_per_genome, training_seconds
    (validation included, and what was done before a restart), training_epochs, device,
    training_memory_mb, genomes_per_second (people per second of all jobs one after the other,
    start of the program included), sampling_memory_mb. Memory is the processor's, not a GPU's.
    """
    generator = load_generator(checkpoint_path)
    n_blocks, n_channels = generator.mask.shape
    last = read_tables([losses_path]).iloc[-1]
    gflop = count_flops(generator.network, generator.mask, generator.n_classes)
    passes = steps * (1 if guidance_scale == 1 else 2) * rows_per_genome
    n_genomes = sum(len(np.load(path, mmap_mode="r")) for path in latents_paths) / rows_per_genome
    sampling_seconds, sampling_memory = _used(sampling_benchmarks)
    row = {
        "generator": name,
        "denoiser": generator.config["denoiser"]["kind"],
        "blocks": n_blocks,
        "channels": n_channels,
        "classes": generator.n_classes,
        "parameters": sum(each.numel() for each in generator.network.parameters()),
        "gflop_per_pass": gflop,
        "gflop_per_genome": gflop * passes,
        "training_seconds": last["seconds"],
        "training_epochs": last["epoch"],
        "device": last["device"],
        "training_memory_mb": _used([training_benchmark])[1],
        "genomes_per_second": n_genomes / sampling_seconds,
        "sampling_memory_mb": sampling_memory,
    }
    return pd.DataFrame([row])


def _used(benchmarks: list[str | Path]) -> tuple[float, float]:
    """Seconds in all and the largest memory [MB] of jobs."""
    if not all(Path(file).is_file() for file in benchmarks):
        return np.nan, np.nan
    table = read_benchmarks(benchmarks)
    return table["s"].sum(), table["max_rss"].max()
