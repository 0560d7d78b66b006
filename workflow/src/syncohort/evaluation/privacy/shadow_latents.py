"""The cohort of a shadow model of a generator that draws latents of a gene PCA.

All that is learned is learned from the shadow's people: the PCA, the generator and the thresholds of
the decoding, as the study learns them from its training people. A diffusion model has the study's
validation people too.

Axes: G gene blocks, K channels.
"""

from pathlib import Path

import torch

from syncohort.cohort_store import CohortStore, common_people
from syncohort.evaluation.privacy.shadow_learning import learn
from syncohort.generators.encoding import encode_people
from syncohort.generators.rows import EncodedPeople
from syncohort.genotypes import People
from syncohort.representations.blocks import Blocks
from syncohort.representations.gene_pca import GenePCA
from syncohort.representations.gene_pca_fitting import fit_gene_pca
from syncohort.seeds import child_seed
from syncohort.synthesis.decoding import Decision, decode_cohort
from syncohort.synthesis.recentring import recentring_of
from syncohort.synthesis.refining import refine_shard
from syncohort.synthesis.sampling import sample_shard

_FIT, _SAMPLE, _DECODE, _DRAFT, _REFINE = range(5)  # random streams


def draw_latents_of(
    stores: list[CohortStore],
    folder: Path,
    *,
    block_paths: list[str],
    pca: dict,
    people: People,
    generator: dict,
    recentred: bool,
    mode: str,
    seed: int,
    device: str,
    threads: int,
    memory_mb: int,
) -> list[CohortStore]:
    """Learn a generator from the training people of stores, and draw a cohort of it.

    Args:
        stores: one for each chromosome.
        folder: where files are written.
        block_paths: tables of the gene blocks of each chromosome.
        pca: settings of `fit_gene_pca`.
        people: ids and labels of the people to draw.
        generator: its section of the configuration.
        recentred: whether drawn latents are brought to their labels' means, see `recentring`.
        mode: "haplotype" or "genotype".
        seed: of all random numbers.
        device: of the networks.
        threads: of the networks.
        memory_mb: most memory that a training may take [MB].
    """
    torch.set_num_threads(threads)  # sums are rounded by their number
    blocks = [Blocks.read(path) for path in block_paths]
    models = [
        fit_gene_pca(
            store, own, train=store.people.split == "train", mode=mode, threads=threads, **pca
        )
        for store, own in zip(stores, blocks, strict=True)
    ]
    checkpoint, latents = folder / "checkpoint.safetensors", folder / "sampled.npy"
    sampling = learn(
        _encoded(stores, models, folder, mode),
        checkpoint,
        generator=generator,
        block_paths=block_paths,
        seed=child_seed(seed, _FIT),
        device=device,
        threads=threads,
        memory_mb=memory_mb,
    )
    refined_from, pairing = sampling.pop("refined_from", None), sampling.pop("pairing", None)
    how = {"mode": mode, "n_shards": 1, "shard": 0, "device": device, "threads": threads} | sampling

    def decoded(latents: Path, stage: int) -> list[CohortStore]:
        drawn, first_position = [], 0
        for place, (store, model) in enumerate(zip(stores, models, strict=True)):
            path = latents.with_name(f"{latents.stem}.{place}.zarr.zip")
            decode_cohort(
                [latents],
                model,
                store,
                people,
                path,
                first_position=first_position,
                decision=Decision(**generator["decoding"]),
                seed=child_seed(seed, stage, place),
                recentring=recentring_of(checkpoint, people, mode) if recentred else None,
            )
            drawn.append(CohortStore(path))
            first_position += len(model.mask)
        return drawn

    first = how | {"pairing": None if refined_from else pairing}
    sample_shard(checkpoint, people, latents, seed=child_seed(seed, _SAMPLE), **first)
    if not refined_from:
        return decoded(latents, _DECODE)
    again = folder / "refined.npy"
    drafts = decoded(latents, _DRAFT)
    refine_shard(
        checkpoint,
        people,
        drafts,
        models,
        again,
        seed=child_seed(seed, _REFINE),
        refined_from=refined_from,
        pairing=pairing,
        **how,
    )
    return decoded(again, _DECODE)


def _encoded(stores, models: list[GenePCA], folder: Path, mode: str) -> EncodedPeople:
    """The latents [N, G, K] of the people of each chromosome whom a generator may see, on disk."""
    latents, rows = (
        [folder / f"{place}.{ending}" for place in range(len(stores))] for ending in ("npy", "npz")
    )
    for store, model, *paths in zip(stores, models, latents, rows, strict=True):
        encode_people([store], model, *paths)
    return EncodedPeople.read(latents, rows, common_people(stores), mode)
