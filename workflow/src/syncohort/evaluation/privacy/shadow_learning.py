"""What a shadow model of latents learns, and how it is then sampled."""

from pathlib import Path

from syncohort.baselines.block_gaussian import fit_block_gaussian
from syncohort.baselines.wgan_training import Recipe, train_wgan
from syncohort.diffusion.model import load_generator
from syncohort.diffusion.rescaling import fit_rescaling
from syncohort.diffusion.sizing import sized_recipe
from syncohort.diffusion.training import train_diffusion
from syncohort.generators.rows import EncodedPeople
from syncohort.global_vector.fitting import read_parts
from syncohort.global_vector.pair_fitting import fit_pairing
from syncohort.seeds import child_seed
from syncohort.training.settings import Workplace

_TRAIN, _RESCALE, _PAIR = range(3)  # random streams


def learn(
    encoded: EncodedPeople,
    checkpoint: Path,
    *,
    generator: dict,
    block_paths: list[str],
    seed: int,
    device: str,
    threads: int,
    memory_mb: int,
) -> dict:
    """Learn a generator from latents, and write its checkpoint.

    Args:
        encoded: latents of all chromosomes [N, G, K], of a shadow's training people; a diffusion model needs
            the study's validation people too, who choose its epoch.
        checkpoint: .safetensors file.
        generator: its section of the configuration, of kind "block_gaussian", "wgan" or "diffusion".
        block_paths: tables of the chromosomes' gene blocks.
        seed: of the training.
        device: "auto", "cpu" or "cuda".
        threads: of the training.
        memory_mb: most memory that a training may take [MB].

    Returns what `synthesis.sampling.sample_shard` is called with for this kind besides.
    """
    if generator["kind"] == "block_gaussian":
        fit_block_gaussian(encoded, checkpoint_path=checkpoint)
        return {}
    if generator["kind"] == "wgan":
        recipe = Recipe(seed=child_seed(seed, _TRAIN))
        train_wgan(encoded, recipe, checkpoint_path=checkpoint, device=device)
        return {}
    n_rows = int((~encoded.rows.is_validation).sum())
    train_diffusion(
        encoded,
        *sized_recipe(generator, n_rows, block_paths),
        Workplace(
            result_path=checkpoint,
            log_path=checkpoint.with_suffix(".tsv"),
            threads=threads,
            memory_mb=memory_mb,
        ),
        seed=child_seed(seed, _TRAIN),
        device=device,
    )
    sampling = dict(generator["sampling"])
    if sampling.pop("rescaled"):
        sampling["rescaling"] = checkpoint.with_suffix(".rescaling.npz")
        fit_rescaling(
            load_generator(checkpoint),
            encoded,
            scores=None,
            seed=child_seed(seed, _RESCALE),
            device=device,
        ).save(sampling["rescaling"])
    if sampling.pop("paired") and encoded.rows.haplotype.any():
        sampling["pairing"] = checkpoint.with_suffix(".pairing.npz")
        parts = read_parts(encoded, residual_from_class_mean=False)
        fit_pairing(encoded, parts, child_seed(seed, _PAIR)).save(sampling["pairing"])
    return sampling
