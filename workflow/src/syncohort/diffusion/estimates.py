"""What the trainings of a study will take, said before anything is fitted.

Blocks are estimated from the SNPs that were read, because it takes hours to know them. A generator
is one network over the whole genome, or one for each chromosome.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from syncohort.cohort.people_checks import Check
from syncohort.cohort.variant_checks import estimated_losses
from syncohort.config.requests import least_training_mb, training_request_mb
from syncohort.diffusion.demand import (
    autoencoder_bytes,
    autoencoder_demand,
    autoencoder_seconds,
    demand_of,
    training_bytes,
    training_seconds,
)
from syncohort.diffusion.settings import resident_bytes
from syncohort.diffusion.sight import expected_layers
from syncohort.diffusion.sizing import sized_denoiser, sized_training
from syncohort.genotypes import rows_per_person
from syncohort.representations.snp_vae import n_calls
from syncohort.representations.snp_vae_training import SnpVAESettings, network_settings

SNPS_PER_BLOCK = 12  # of `gene_pca` by loss: 9 to 14 on cohorts of 300 to 2,500 people
_LATENT_BYTES = 2  # on disk
AUTOENCODER = "autoencoder"


@dataclass(frozen=True)
class Estimate:
    """What the training of a network takes: a row of the table.

    part: "all", or the chromosome of the network; AUTOENCODER where a representation stands in the
    place of the generator, whose positions are its blocks; width: of a local one, else 0; request_mb: memory
    that its job asks for when it may; hours: of all epochs, where it asks to run, and without a GPU;
    the rest is about the latents and the network.
    """

    generator: str
    part: str
    n_blocks: int
    n_weights: int
    width: int
    latents_mb: float
    request_mb: int
    hours: float
    hours_without_gpu: float


@dataclass(frozen=True)
class Chromosome:
    """About what is left of a chromosome after the filters. span_kb: from its first SNP to its last."""

    contig: str
    n_snps: int
    span_kb: float


def expected_chromosomes(
    summary_paths: list, maf_min: float, missing_max: float, most: int | None
) -> list[Chromosome]:
    """The chromosomes with the SNPs that pass the filters.

    summary_paths: what `import_chromosome` wrote, by chromosome; most: SNPs that are selected of
    all of them, None: all are kept.
    """
    summaries = [json.loads(Path(path).read_text()) for path in summary_paths]
    n_snps = [
        max(1, summary["n_kept"] - sum(estimated_losses([summary], maf_min, missing_max)))
        for summary in summaries
    ]
    share = 1 if most is None else min(1, most / sum(n_snps))
    return [
        Chromosome(
            summary["contig"],
            max(1, round(share * number)),
            max(1, summary["last_position_bp"] - summary["first_position_bp"]) / 1000,
        )
        for summary, number in zip(summaries, n_snps, strict=True)
    ]


def latent_shape(representation: dict, n_snps: int, max_snps: int) -> tuple[int, int]:
    """About how many blocks [G] of how many channels [K] a representation makes of so many SNPs.

    representation: its section; max_snps: most SNPs of a block.
    """
    if representation["kind"] == "snp_vae":
        per_block = representation["shortening"] or representation["patch_snps"]
        return -(-n_snps // per_block), representation["latent_channels"]
    per_block = min(SNPS_PER_BLOCK, max_snps)
    return -(-n_snps // per_block), representation["max_components"]


def estimate_trainings(
    models: dict[str, dict],
    chromosomes: list[Chromosome],
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
    """What the training of each network of the diffusion models will take.

    Args:
        models: name -> {"representation", "denoiser", "diffusion", "training"}, their sections,
            "per_chromosome" and "global_axes".
        chromosomes: see `expected_chromosomes`. people: of a join (`joining.read_joined`).
        mode: haplotype or genotype. max_snps: most SNPs of a block.
        train_share, validation_share: of the people.
        threads: of the training. on_gpu: whether it asks for a GPU.
        memory_mb: the most that it may ask for.
    """
    used = people[people["excluded"] == ""]
    n_rows = max(2, round(len(used) * train_share * rows_per_person(mode)))
    n_all = n_rows + round(len(used) * validation_share * rows_per_person(mode))
    estimates = []
    networks = [
        (name, model, own)
        for name, model in models.items()
        for own in ([[each] for each in chromosomes] if model["per_chromosome"] else [chromosomes])
    ]
    for name, model, own in networks:
        n_snps = sum(each.n_snps for each in own)
        n_blocks, n_channels = latent_shape(model["representation"], n_snps, max_snps)
        denoiser = _denoiser(model, n_rows, n_blocks, sum(each.span_kb for each in own))
        demand = demand_of(denoiser, n_blocks, n_channels, max(1, used["label"].nunique()))
        training = sized_training(model["training"], n_rows, demand.networks)
        n_bytes = training_bytes(
            demand,
            n_all,
            n_blocks * n_channels,
            batch_size=min(training["batch_size"], n_rows),
            averaged=bool(training["ema_decay"]),
            n_factors=model["diffusion"]["prior_factors"] or 0,
            max_resident_bytes=resident_bytes(memory_mb),
        )
        hours, without_gpu = (
            training_seconds(
                demand,
                n_rows,
                n_all - n_rows,
                epochs=training["epochs"],
                batch_size=training["batch_size"],
                threads=threads,
                on_gpu=place,
            )
            / 3600
            for place in (on_gpu, False)
        )
        estimates.append(
            Estimate(
                name,
                own[0].contig if model["per_chromosome"] else "all",
                n_blocks,
                demand.n_weights,
                width=denoiser.get("width") or 0,
                latents_mb=n_all * n_blocks * n_channels * _LATENT_BYTES / 1e6,
                request_mb=training_request_mb(n_bytes),
                hours=hours,
                hours_without_gpu=without_gpu,
            )
        )
    return estimates


def estimate_autoencoders(
    sections: dict[str, dict],
    chromosomes: list[Chromosome],
    people: pd.DataFrame,
    *,
    mode: str,
    train_share: float,
    validation_share: float,
    threads: int,
    on_gpu: bool,
) -> list[Estimate]:
    """What the training of each autoencoder will take; as `estimate_trainings`.

    sections: of the representations of kind snp_vae, by name.
    """
    used = (people["excluded"] == "").sum() * rows_per_person(mode)
    n_training, n_validation = max(2, round(used * train_share)), round(used * validation_share)
    n_snps = sum(each.n_snps for each in chromosomes)
    estimates = []
    for name, section in sections.items():
        settings = network_settings(**section)
        training = settings.pop("training")
        batch_size = min(training["batch_size"], n_training)
        network = SnpVAESettings.of(settings)
        layout = network.layout(n_snps, n_calls(mode))
        demand = autoencoder_demand(layout, network.discriminator)
        size = (demand, n_training, n_validation)
        hours, without_gpu = (
            autoencoder_seconds(
                *size,
                epochs=training["epochs"],
                batch_size=batch_size,
                threads=threads,
                on_gpu=place,
            )
            / 3600
            for place in (on_gpu, False)
        )
        n_numbers = layout.n_positions * layout.latent_channels
        estimates.append(
            Estimate(
                name,
                AUTOENCODER,
                layout.n_positions,
                demand.n_weights,
                width=0,
                latents_mb=(n_training + n_validation) * n_numbers * _LATENT_BYTES / 1e6,
                request_mb=training_request_mb(
                    autoencoder_bytes(*size, n_snps, batch_size=batch_size)
                ),
                hours=hours,
                hours_without_gpu=without_gpu,
            )
        )
    return estimates


def autoencoder_checks(
    estimates: list[Estimate],
    *,
    memory_mb: int,
    training_hours: float,
    on_gpu: bool,
    threads: int,
) -> list[Check]:
    """A line of the check for each autoencoder; arguments as of `training_checks`."""
    checks = []
    for each in estimates:
        found = (
            f"about {_about(each.n_blocks)} positions and {_about(each.n_weights)} weights: "
            f"{least_training_mb(each.request_mb) / 1000:.1f} GB of memory, "
            f"{_times([each], 1, on_gpu, threads)}"
        )
        cheaper = (
            "choose fewer SNPs (selection.variants) or smaller batches "
            f"(representations.{each.generator}.training.batch_size)."
        )
        verdict = _verdict(each, memory_mb, training_hours, cheaper)
        checks.append(Check(f"training of the autoencoder {each.generator}", found, *verdict))
    return checks


def _verdict(
    each: Estimate, memory_mb: int, training_hours: float, cheaper: str
) -> tuple[str, str]:
    """Level and advice of a training; cheaper: what takes less memory."""
    if least_training_mb(each.request_mb) > memory_mb:
        return "stop", (
            f"The job may ask for {memory_mb / 1000:g} GB: set compute.memory_mb: "
            f"{-(-each.request_mb // 1000) * 1000} where a machine has that much. For less, {cheaper}"
        )
    if each.hours > training_hours:
        return "look", (
            f"The job asks for {training_hours:g} hours: on a cluster, raise compute.training_hours."
        )
    return "ok", ""


def _denoiser(model: dict, n_rows: int, n_blocks: int, span_kb: float) -> dict:
    """The options of a model's network over so many blocks, for so many training rows."""
    options = sized_denoiser(model["denoiser"], n_rows)
    options = {name: value for name, value in options.items() if name != "sight_kb"}
    if model["denoiser"].get("sight_kb"):
        options["layers"] = expected_layers(model["denoiser"], n_blocks, span_kb)
    return options | ({"n_scores": model["global_axes"]} if model["per_chromosome"] else {})


def training_checks(
    estimates: list[Estimate],
    trainings: dict[str, float],
    *,
    memory_mb: int,
    training_hours: float,
    on_gpu: bool,
    threads: int,
) -> list[Check]:
    """A line of the check for each generator; "stop" where a job of it could not have the memory.

    Of networks of chromosomes the line tells of the largest.

    Args:
        estimates: of every network.
        trainings: generator -> how often it is trained, replicates and shadow models counted.
        memory_mb: the most that a job may ask for [MB].
        training_hours: the time that a training asks for on a cluster [hours].
        on_gpu: whether networks are trained on a GPU.
        threads: of a training.
    """
    checks = []
    for generator in dict.fromkeys(each.generator for each in estimates):
        own = [each for each in estimates if each.generator == generator]
        each = max(own, key=lambda one: one.request_mb)
        least_mb = least_training_mb(each.request_mb)
        several = each.part != "all"
        found = (
            f"{len(own)} networks; the largest, of chromosome {each.part}, has " if several else ""
        )
        found += (
            f"about {_about(each.n_blocks)} blocks and {_about(each.n_weights)} weights: "
            f"{least_mb / 1000:.1f} GB of memory, {_times([each], 1, on_gpu, threads)}"
        )
        if several:
            found += f"; all one after the other {_times(own, 1, on_gpu, threads)}"
        if trainings[generator] > 1:
            often = trainings[generator]
            found += (
                f"; with its replicates and shadow models {_times(own, often, on_gpu, threads)}"
            )
        cheaper = (
            "choose fewer SNPs (filters.maf_min, input.chromosomes) or a smaller denoiser (denoiser.width)"
            + ("." if several else ", or a network for each chromosome (per_chromosome: true).")
        )
        verdict = _verdict(each, memory_mb, training_hours, cheaper)
        checks.append(Check(f"training of {generator}", found, *verdict))
    return checks


def _about(number: float) -> str:
    """A number with three digits that count."""
    rounded = float(f"{number:.3g}")
    return f"{rounded / 1e6:,g} million" if rounded >= 1e6 else f"{rounded:,.0f}"


def _times(estimates: list[Estimate], often: float, on_gpu: bool, threads: int) -> str:
    """How long trainings take one after the other, each so often; without a GPU too, for one may be missing."""
    hours = often * sum(each.hours for each in estimates)
    without_gpu = often * sum(each.hours_without_gpu for each in estimates)
    processors = "1 processor" if threads == 1 else f"{threads} processors"
    on_processors = f"{_duration(without_gpu)} on {processors}"
    return f"{_duration(hours)} on a GPU ({on_processors})" if on_gpu else on_processors


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
