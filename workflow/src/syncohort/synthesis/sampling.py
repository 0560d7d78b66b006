"""Sampling the latents of a synthetic cohort, in shards.

Axes: R rows (haplotypes or people), G gene blocks, K channels.
"""

from importlib import import_module
from pathlib import Path

import numpy as np
import torch

from syncohort.files import write_rows
from syncohort.generators.base import LatentGenerator, read_checkpoint
from syncohort.generators.conditioning import Told
from syncohort.genotypes import People, rows_per_person
from syncohort.global_vector.pairing import Pairing
from syncohort.seeds import child_seed

_PAIRS = 1 << 32  # random stream, beside those of batches

# Kind -> module and class, imported by name: an edit of one reruns only what uses it.
_CLASSES = {
    "diffusion": ("syncohort.diffusion.model", "Generator"),
    "block_gaussian": ("syncohort.baselines.block_gaussian", "BlockGaussian"),
    "wgan": ("syncohort.baselines.wgan", "WGAN"),
}


def load_latent_generator(
    path: str | Path, representation_fingerprints: dict[str, str] | None = None
) -> LatentGenerator:
    """Read a checkpoint of any kind; arguments and errors as `read_checkpoint`."""
    config, tensors = read_checkpoint(path, representation_fingerprints)
    module, name = _CLASSES[config["kind"]]
    return getattr(import_module(module), name).restore(config, tensors)


def shard_slice(n_people: int, n_shards: int, shard: int, people_per_batch: int) -> slice:
    """The people of shard 0 <= `shard` < `n_shards`, as a slice.

    Shards are cut between sampling batches, so that the batches, and with them the last
    bits of the results, are the same for any number of shards. With more shards than
    batches some are empty.
    """
    n_batches = -(-n_people // people_per_batch)
    start, stop = (n_batches * part // n_shards * people_per_batch for part in (shard, shard + 1))
    return slice(start, min(stop, n_people))


def sample_shard(
    generator_path: str | Path,
    people: People,
    out_path: str | Path,
    *,
    mode: str,
    n_shards: int,
    shard: int,
    seed: int,
    batch_size: int | None = None,
    device: str = "auto",
    threads: int | None = None,
    representation_fingerprints: dict[str, str] | None = None,
    global_vectors: str | Path | None = None,
    pairing: str | Path | None = None,
    **sampling,
) -> None:
    """Sample the latents of one shard of a cohort into an .npy file, float32 [R, G, K].

    people: all of the cohort; both haplotypes of a person are drawn for the person's label or
    value. The latents of a row depend on (generator, people, sampling, seed) and its
    place in the cohort, not on `n_shards`. batch_size: rows drawn together (even in haplotype
    mode), None for the generator's own choice; latents depend on it by rounding alone, unless
    sampling is centred. representation_fingerprints: of the models that will decode, checked
    against those the generator was trained on. global_vectors: .npy of all people,
    [S, H, A], that the network of a chromosome is told. pairing: file of a `Pairing`, by which those who are
    drawn together exchange haplotypes. sampling: what `sample_batches` of this kind of generator takes besides.

    Raises InputError for labels or models the generator was not trained on.
    """
    if threads is not None:
        torch.set_num_threads(threads)
    generator = load_latent_generator(generator_path, representation_fingerprints)
    each, batch_size = rows_per_person(mode), batch_size or generator.batch_rows
    own = people_of_shard(people, mode, n_shards, shard, batch_size)
    rows = conditions_of(generator, people, own, mode, global_vectors)
    batches = generator.sample_batches(
        rows,
        seed=seed,
        batch_size=batch_size,
        device=device,
        first_row=own.start * each,
        **sampling,
    )
    if pairing is not None:
        batches = paired_batches(batches, pairing, people[own], seed, own.start)
    write_rows(out_path, (len(rows), *generator.mask.shape), batches)


def paired_batches(batches, pairing: str | Path, people: People, seed: int, first: int):
    """Batches of latents [R, G, K] whose people exchanged haplotypes among themselves.

    pairing: file of a `Pairing`; people: whose the rows are, in haplotype mode; first: the place of the first of them in the cohort.
    """
    pairing, start = Pairing.load(pairing), 0
    for latents in batches:
        own = people[start : start + len(latents) // 2]
        mates = pairing.mates(latents, own, child_seed(seed, _PAIRS, first + start))
        latents[1::2] = latents[1::2][mates]
        yield latents
        start += len(own)


def people_of_shard(people: People, mode: str, n_shards: int, shard: int, rows: int) -> slice:
    """The people of a shard whose `rows` are drawn together."""
    each = rows_per_person(mode)
    if rows % each:
        raise ValueError(f"batch_size {rows} would part the haplotypes of a person")
    return shard_slice(len(people), n_shards, shard, rows // each)


def conditions_of(
    generator: LatentGenerator, people: People, own: slice, mode: str, global_vectors
):
    """What the rows of a shard are drawn for: labels or values, and global vectors where they are told."""
    rows = np.repeat(generator.conditions(people[own]), rows_per_person(mode))
    if global_vectors is None:
        return rows
    drawn = np.load(global_vectors, mmap_mode="r")[own]
    return Told(rows, np.array(drawn.reshape(len(rows), drawn.shape[2])))
