"""The cohort of a shadow model of a generator that draws latents of a gene PCA.

All that is learned is learned from the shadow's people: the PCA, the generator and the thresholds of
the decoding, as the study learns them from its training people.

Axes: G gene blocks, K channels.
"""

from pathlib import Path

from syncohort.baselines.block_gaussian import fit_block_gaussian
from syncohort.baselines.wgan_training import Recipe, train_wgan
from syncohort.cohort_store import CohortStore, common_people
from syncohort.generators.encoding import encode_people
from syncohort.generators.rows import EncodedPeople
from syncohort.genotypes import People
from syncohort.representations.blocks import Blocks
from syncohort.representations.gene_pca import GenePCA
from syncohort.representations.gene_pca_fitting import fit_gene_pca
from syncohort.seeds import child_seed
from syncohort.synthesis.decoding import Decision, decode_cohort
from syncohort.synthesis.sampling import sample_shard

_FIT, _SAMPLE, _DECODE = range(3)  # random streams


def draw_latents_of(
    stores: list[CohortStore],
    folder: Path,
    *,
    blocks: list[Blocks],
    pca: dict,
    people: People,
    kind: str,
    decoding: dict,
    mode: str,
    seed: int,
    device: str,
    threads: int,
) -> list[CohortStore]:
    """Learn a generator from the training people of stores, and draw a cohort of it.

    stores, blocks: one for each chromosome.
    folder: where files are written.
    pca: settings of `fit_gene_pca`.
    people: ids and labels of the people to draw.
    kind: "block_gaussian" or "wgan".
    decoding: settings of `Decision`.
    device: of the networks.
    """
    models = [
        fit_gene_pca(
            store, own, train=store.people.split == "train", mode=mode, threads=threads, **pca
        )
        for store, own in zip(stores, blocks, strict=True)
    ]
    checkpoint, latents = folder / "checkpoint.safetensors", folder / "sampled.npy"
    encoded = _encoded(stores, models, folder, mode)
    if kind == "wgan":
        recipe = Recipe(seed=child_seed(seed, _FIT))
        train_wgan(encoded, recipe, checkpoint_path=checkpoint, device=device)
    else:
        fit_block_gaussian(encoded, checkpoint_path=checkpoint)
    sample_shard(
        checkpoint,
        people,
        latents,
        mode=mode,
        n_shards=1,
        shard=0,
        seed=child_seed(seed, _SAMPLE),
        device=device,
        threads=threads,
    )
    return _decoded(latents, models, stores, people, folder, Decision(**decoding), seed)


def _encoded(stores, models: list[GenePCA], folder: Path, mode: str) -> EncodedPeople:
    """The latents [N, G, K] of the training people of each chromosome, on disk."""
    latents, rows = (
        [folder / f"{place}.{ending}" for place in range(len(stores))] for ending in ("npy", "npz")
    )
    for store, model, *paths in zip(stores, models, latents, rows, strict=True):
        encode_people([store], model, *paths)
    return EncodedPeople.read(latents, rows, common_people(stores), mode)


def _decoded(latents: Path, models: list[GenePCA], stores, people, folder, decision, seed: int):
    """The cohort of sampled latents [N, G, K], a store for each chromosome."""
    drawn, first_position = [], 0
    for place, (store, model) in enumerate(zip(stores, models, strict=True)):
        path = folder / f"{place}.zarr.zip"
        decode_cohort(
            [latents],
            model,
            store,
            people,
            path,
            first_position=first_position,
            decision=decision,
            seed=child_seed(seed, _DECODE, place),
        )
        drawn.append(CohortStore(path))
        first_position += len(model.mask)
    return drawn
