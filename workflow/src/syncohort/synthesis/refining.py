"""Drawing synthetic people a second time, from the genotypes that they were decoded to.

Matched thresholds give every allele its frequency, one SNP at a time, and so break haplotypes that the
network drew whole. Encoded again, with some noise, the network draws their small scale anew: its
haplotypes, with the alleles at their frequencies (docs/measurements.md).
"""

from pathlib import Path

import numpy as np
import torch

from syncohort.cohort_store import CohortStore
from syncohort.files import write_rows
from syncohort.genotypes import People, rows_per_person, slices
from syncohort.representations.base import Representation, encode_rows
from syncohort.synthesis.sampling import (
    conditions_of,
    load_latent_generator,
    paired_batches,
    people_of_shard,
)
from syncohort.training.devices import resolve_device


def refine_shard(
    generator_path: str | Path,
    people: People,
    drafts: list[CohortStore],
    models: list[Representation],
    out_path: str | Path,
    *,
    mode: str,
    n_shards: int,
    shard: int,
    seed: int,
    refined_from: float,
    device: str = "auto",
    threads: int | None = None,
    representation_fingerprints: dict[str, str] | None = None,
    global_vectors: str | Path | None = None,
    pairing: str | Path | None = None,
    **sampling,
) -> None:
    """Draw the latents of one shard anew, from the genotypes that they were decoded to.

    Args:
        generator_path: checkpoint of a diffusion model.
        people: all of the cohort.
        drafts: what was decoded, the cohort's people on the chromosomes of the models.
        models: what the genotypes are encoded with, in the order the generator was given.
        out_path: .npy to write, float32 [R, G, K].
        refined_from, sampling: see `diffusion.model.Generator.refiner`.

    What is the same as for `sample_shard` is described there, and the errors.
    """
    if threads is not None:
        torch.set_num_threads(threads)
    generator = load_latent_generator(generator_path, representation_fingerprints)
    each = rows_per_person(mode)
    own = people_of_shard(people, mode, n_shards, shard, generator.batch_rows)
    rows = conditions_of(generator, people, own, mode, global_vectors)
    refine = generator.refiner(resolve_device(device), refined_from=refined_from, **sampling)

    def batches():
        at_once = generator.batch_rows // each
        for some in slices(own.stop - own.start, at_once):
            first, last = own.start + some.start, own.start + some.stop
            draft = np.empty(((last - first) * each, *generator.mask.shape), dtype=np.float32)
            filled = 0
            for encoded in encode_rows(drafts, models, np.arange(first, last)):
                draft[filled : filled + len(encoded)] = encoded
                filled += len(encoded)
            with torch.inference_mode():
                told = rows[some.start * each : some.stop * each]
                yield refine(draft, told, seed, first * each)

    refined = batches()
    if pairing is not None:
        refined = paired_batches(refined, pairing, people[own], seed, own.start)
    write_rows(out_path, (len(rows), *generator.mask.shape), refined)
