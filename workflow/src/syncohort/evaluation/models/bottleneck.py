"""What the narrowest layer of the paper's networks tells apart (GeneticDiffusion, figure 7).

Axes: N rows (haplotypes or people), G gene blocks, K channels, H numbers in the layer.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import torch
from torch import nn

from syncohort.cohort_store import CohortStore
from syncohort.diffusion.model import Generator
from syncohort.errors import InputError
from syncohort.evaluation.privacy.membership import sample_index
from syncohort.genotypes import rows_per_person
from syncohort.representations.base import Representation, encode_rows
from syncohort.seeds import child_seed
from syncohort.training.devices import resolve_device

TIME = 0.1  # of T: little noise
PEOPLE = 200  # of each source, as in the paper
PERPLEXITY = 30.0
COMPONENTS = 50  # t-SNE starts from so many (van der Maaten & Hinton 2008, section 4)
_NOISE, _PEOPLE = 0, 1  # random streams
_ROWS_AT_ONCE = 64


def narrowest_layers(network: nn.Module) -> dict[str, nn.Module]:
    """The layer between the way down and the way up, by the network's part.

    Raises InputError for networks that are no UNet.
    """
    layers = getattr(network, "narrowest_layers", None)
    if layers is None:
        raise InputError(f"{type(network).__name__} has no bottleneck; use mlp, cnn or mlp_cnn")
    return layers


def activations(
    generator: Generator,
    latents: Iterator[np.ndarray],
    labels: np.ndarray,
    *,
    seed: int,
    device: str = "auto",
) -> dict[str, np.ndarray]:
    """What the narrowest layers give for rows with little noise: part -> float32 [N, H].

    latents: parts [n, G, K] of the rows; labels: [N], what the generator is conditioned on.
    """
    place = resolve_device(device)
    process, network = generator.process(place), generator.network.to(place).eval()
    layers = narrowest_layers(network)
    given = {name: [] for name in layers}
    hooks = [
        layer.register_forward_hook(
            lambda _, __, output, into=given[name]: into.append(output.flatten(1).cpu())
        )
        for name, layer in layers.items()
    ]
    random = torch.Generator(place).manual_seed(child_seed(seed, _NOISE))
    time = max(1, round(TIME * process.schedule.n_steps))
    start = 0
    try:
        with torch.inference_mode():
            for batch in latents:
                own = labels[start : start + len(batch)]
                start += len(batch)
                x0 = batch.copy()
                generator.normalisation.apply(x0, own)
                _show(process, network, x0, own, time, random, place)
    finally:
        for hook in hooks:
            hook.remove()
    return {name: torch.cat(parts).float().numpy() for name, parts in given.items()}


def _show(process, network, x0, labels, time: int, random, place) -> None:
    """Pass rows x_0 [n, G, K] with noise of this time through the network, some at a time."""
    for start in range(0, len(x0), _ROWS_AT_ONCE):
        part = torch.from_numpy(x0[start : start + _ROWS_AT_ONCE]).to(place)
        own = torch.from_numpy(labels[start : start + _ROWS_AT_ONCE]).to(place)
        times = torch.full((len(part),), time, dtype=torch.int64, device=place)
        process.row_losses(network, part, times, process.draw_noise(len(part), random), own)


def embed_bottleneck(
    generator: Generator,
    real_stores: list[CohortStore],
    synthetic_stores: dict[str, list[CohortStore]],
    models: list[Representation],
    *,
    seed: int,
    device: str = "auto",
) -> pd.DataFrame:
    """A t-SNE of the narrowest layers of one generator, of real and synthetic people together.

    Stores: one per chromosome, of the real cohort and by generator. models: of the
    representation of `generator`. At most PEOPLE people of each source are drawn.

    Returns one row per row of latents and part of the network: group (the part), source (train,
    holdout or the name of a generator), label, tsne1, tsne2 (NaN: too few rows for a t-SNE).
    """
    split = real_stores[0].people.split
    chosen = {name: (real_stores, np.flatnonzero(split == name)) for name in ("train", "holdout")}
    chosen |= {
        name: (stores, np.arange(len(stores[0].people)))
        for name, stores in synthetic_stores.items()
    }
    each, tables, found = rows_per_person(models[0].mode), [], []
    for source, (stores, people) in chosen.items():
        people = sample_index(people, PEOPLE, child_seed(seed, _PEOPLE))
        drawn = stores[0].people[people]
        names = np.repeat(drawn.label.astype(str), each)
        tables.append(pd.DataFrame({"source": source, "label": names}))
        rows = encode_rows(stores, models, people, _ROWS_AT_ONCE)
        labels = np.repeat(generator.conditions(drawn), each)
        found.append(activations(generator, rows, labels, seed=seed, device=device))
    rows = pd.concat(tables, ignore_index=True)
    maps = []
    for part in found[0]:
        places = _tsne(np.concatenate([each[part] for each in found]), seed)
        maps.append(rows.assign(group=part, tsne1=places[:, 0], tsne2=places[:, 1]))
    return pd.concat(maps, ignore_index=True)


def _tsne(numbers: np.ndarray, seed: int) -> np.ndarray:
    """Places [N, 2] of rows [N, H]."""
    if len(numbers) <= 3 * PERPLEXITY:
        return np.full((len(numbers), 2), np.nan)
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    n_components = min(COMPONENTS, *numbers.shape)
    reduced = PCA(n_components, svd_solver="randomized", random_state=seed).fit_transform(numbers)
    model = TSNE(perplexity=PERPLEXITY, init="pca", random_state=seed, n_jobs=1)
    return model.fit_transform(reduced)
