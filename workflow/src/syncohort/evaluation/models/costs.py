"""What a diffusion model costs: weights, work, time and memory (GeneticDiffusion, Table 5)."""

from pathlib import Path

import numpy as np
import pandas as pd

from syncohort.diffusion.denoisers import count_flops
from syncohort.diffusion.model import load_generator
from syncohort.diffusion.samplers import sampling_times, times_left
from syncohort.diffusion.schedules import make_schedule
from syncohort.evaluation.tables import read_benchmarks, read_losses
from syncohort.files import RowFile


def measure_costs(
    checkpoint_paths: list[str | Path],
    losses_paths: list[str | Path],
    panel_losses_paths: list[str | Path],
    latents_paths: list[str | Path],
    *,
    name: str,
    rows_per_genome: int,
    sampling: dict,
    training_benchmarks: list[str | Path],
    sampling_benchmarks: list[str | Path],
) -> pd.DataFrame:
    """One row of costs of a trained and sampled generator.

    checkpoint_paths, losses_paths: of its networks, the whole genome's or one for each chromosome,
    of which costs are added up; panel_losses_paths: of their training on public people, none without it;
    latents_paths: of its sampled rows, a file per job. rows_per_genome: 2 in haplotype mode.
    sampling: the generator's settings; a guided step calls the network twice, and people who are
    drawn a second time take some steps twice. The benchmarks are Snakemake's, of the jobs that trained and sampled; a missing one leaves NaN.

    Columns: generator, denoiser, blocks, channels, classes, parameters, gflop_per_pass (one
    row, a multiplication and an addition are two), gflop_per_genome, training_seconds
    (validation included, what was done before a restart and the training on public people, too), training_epochs
    (on the cohort), device,
    training_memory_mb, genomes_per_second (people per second of all jobs one after the other,
    start of the program included), sampling_memory_mb. Memory is the processor's, not a GPU's.
    """
    n_blocks = n_weights = gflop = 0
    for path in checkpoint_paths:
        generator = load_generator(path)
        n_blocks += len(generator.mask)
        n_weights += sum(each.numel() for each in generator.network.parameters())
        gflop += count_flops(generator.network, generator.mask, generator.n_classes)
    last = read_losses(losses_paths).iloc[-1]
    before = sum(read_losses([path])["seconds"].iloc[-1] for path in panel_losses_paths)
    n_steps = sampling["steps"] + _steps_again(generator.config, **sampling)
    passes = n_steps * (1 if sampling["guidance_scale"] == 1 else 2) * rows_per_genome
    n_rows = sum(len(RowFile(path)) for path in latents_paths)
    n_genomes = n_rows / rows_per_genome / len(checkpoint_paths)
    sampling_seconds, sampling_memory = _used(sampling_benchmarks)
    row = {
        "generator": name,
        "denoiser": generator.config["denoiser"]["kind"],
        "blocks": n_blocks,
        "channels": generator.mask.shape[1],
        "classes": generator.n_classes,
        "parameters": n_weights,
        "gflop_per_pass": gflop,
        "gflop_per_genome": gflop * passes,
        "training_seconds": last["seconds"] + before,
        "training_epochs": last["epoch"],
        "device": last["device"],
        "training_memory_mb": _used(training_benchmarks)[1],
        "genomes_per_second": n_genomes / sampling_seconds,
        "sampling_memory_mb": sampling_memory,
    }
    return pd.DataFrame([row])


def _steps_again(config, *, steps, spacing, refined_from, **others) -> int:
    """Steps of drawing people a second time."""
    if refined_from is None:
        return 0
    schedule = make_schedule(config["schedule"], config["n_steps"])
    times = sampling_times(schedule, steps, spacing)
    return len(times_left(times, refined_from * config["n_steps"])) - 1


def _used(benchmarks: list[str | Path]) -> tuple[float, float]:
    """Seconds in all and the largest memory [MB] of jobs."""
    if not all(Path(file).is_file() for file in benchmarks):
        return np.nan, np.nan
    table = read_benchmarks(benchmarks)
    return table["s"].sum(), table["max_rss"].max()
