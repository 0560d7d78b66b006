"""What the trainings of a study will take, said before anything is fitted.

Blocks are estimated from the SNPs that were read, because it takes hours to know them.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from syncohort.cohort.genotype_checks import estimated_losses
from syncohort.cohort.people_checks import Check
from syncohort.config.requests import least_training_mb, training_request_mb
from syncohort.diffusion.demand import demand_of, training_bytes, training_seconds
from syncohort.diffusion.settings import resident_bytes
from syncohort.genotypes import rows_per_person

SNPS_PER_BLOCK = 12  # of `gene_pca` by loss: 9 to 14 on cohorts of 300 to 2,500 people
_LATENT_BYTES = 2  # on disk
_SHORTENING = 4  # of the published `snp_vae`


@dataclass(frozen=True)
class Estimate:
    """What a diffusion model's training takes: a row of the table.

    request_mb: memory that its job asks for when it may; hours: of all epochs; the rest is about
    the latents and the network.
    """

    generator: str
    n_blocks: int
    n_weights: int
    latents_mb: float
    request_mb: int
    hours: float


def expected_snps(summary_paths: list, maf_min: float, missing_max: float, most: int | None) -> int:
    """About how many SNPs pass the filters; most: that are selected, None: all are kept.

    summary_paths: what `import_chromosome` wrote, by chromosome.
    """
    summaries = [json.loads(Path(path).read_text()) for path in summary_paths]
    n_kept = sum(summary["n_kept"] for summary in summaries)
    n_snps = max(1, n_kept - sum(estimated_losses(summaries, maf_min, missing_max)))
    return n_snps if most is None else min(most, n_snps)


def latent_shape(representation: dict, n_snps: int, max_snps: int) -> tuple[int, int]:
    """About how many blocks [G] of how many channels [K] a representation makes of so many SNPs.

    representation: its section; max_snps: most SNPs of a block.
    """
    if representation["kind"] == "snp_vae":
        per_block = representation["patch_snps"]
        if representation["network"] == "published":
            per_block *= _SHORTENING
        return -(-n_snps // per_block), representation["latent_channels"]
    per_block = min(SNPS_PER_BLOCK, max_snps)
    return -(-n_snps // per_block), representation["max_components"]


def estimate_trainings(
    models: dict[str, dict],
    n_snps: int,
    people: pd.DataFrame,
    *,
    mode: str,
    max_snps: int,
    train_share: float,
    validation_share: float,
    threads: int,
    on_gpu: bool,
    memory_mb: float,
) -> list[Estimate]:
    """What each diffusion model's training will take.

    Args:
        models: name -> {"representation", "denoiser", "diffusion", "training"}, their sections.
        n_snps: see `expected_snps`. people: of a join (`joining.read_joined`).
        mode: haplotype or genotype. max_snps: most SNPs of a block.
        train_share, validation_share: of the people.
        threads: of the training. on_gpu: whether it asks for a GPU.
        memory_mb: the most that it may ask for.
    """
    used = people[people["excluded"] == ""]
    n_rows = max(2, round(len(used) * train_share * rows_per_person(mode)))
    n_all = n_rows + round(len(used) * validation_share * rows_per_person(mode))
    estimates = []
    for name, model in models.items():
        n_blocks, n_channels = latent_shape(model["representation"], n_snps, max_snps)
        demand = demand_of(model["denoiser"], n_blocks, n_channels, max(1, used["label"].nunique()))
        training = model["training"]
        n_bytes = training_bytes(
            demand,
            n_all,
            n_blocks * n_channels,
            batch_size=min(training["batch_size"], n_rows),
            averaged=bool(training["ema_decay"]),
            n_factors=model["diffusion"]["prior_factors"] or 0,
            max_resident_bytes=resident_bytes(memory_mb),
        )
        seconds = training_seconds(
            demand,
            n_rows,
            epochs=training["epochs"],
            batch_size=training["batch_size"],
            threads=threads,
            on_gpu=on_gpu,
        )
        estimates.append(
            Estimate(
                name,
                n_blocks,
                demand.n_weights,
                latents_mb=n_all * n_blocks * n_channels * _LATENT_BYTES / 1e6,
                request_mb=training_request_mb(n_bytes),
                hours=seconds / 3600,
            )
        )
    return estimates


def training_checks(
    estimates: list[Estimate], *, memory_mb: int, training_hours: float, on_gpu: bool, threads: int
) -> list[Check]:
    """A line of the check for each training; "stop" where its job could not have the memory.

    memory_mb, training_hours: the most that it may ask for.
    """
    place = "a GPU" if on_gpu else f"{threads} processors"
    checks = []
    for each in estimates:
        least_mb = least_training_mb(each.request_mb)
        found = (
            f"about {_about(each.n_blocks)} blocks and {_about(each.n_weights)} weights: "
            f"{least_mb / 1000:.1f} GB of memory, {_duration(each.hours)} on {place}"
        )
        level, advice = "ok", ""
        if least_mb > memory_mb:
            level = "stop"
            advice = (
                f"The job may ask for {memory_mb / 1000:g} GB: set compute.memory_mb: "
                f"{-(-each.request_mb // 1000) * 1000} where a machine has that much. For less, choose "
                "fewer SNPs (filters.maf_min, input.chromosomes) or a smaller denoiser."
            )
        elif each.hours > training_hours:
            level = "look"
            advice = (
                f"The job asks for {training_hours:g} hours: on a cluster, raise "
                "compute.training_hours."
            )
        checks.append(Check(f"training of {each.generator}", found, level, advice))
    return checks


def _about(number: float) -> str:
    """A number with three digits that count."""
    rounded = float(f"{number:.3g}")
    return f"{rounded / 1e6:,g} million" if rounded >= 1e6 else f"{rounded:,.0f}"


def _duration(hours: float) -> str:
    if hours < 1 / 60:
        return "less than a minute"
    return f"about {hours * 60:.0f} minutes" if hours < 2 else f"about {hours:,.0f} hours"


def write_estimates(estimates: list[Estimate], path: str | Path) -> None:
    """Write the table, tab-separated."""
    columns = list(Estimate.__dataclass_fields__)
    pd.DataFrame([asdict(each) for each in estimates], columns=columns).to_csv(
        path, sep="\t", index=False
    )
