"""The attack on released networks: does the diffusion model know some people too well?

Its loss on a row is smaller when it was trained on that row. Needs the generator itself, not
only a synthetic cohort: a released network is not a released data set. A generator may be a
network for each chromosome; the attacker, who knows a person's genotypes, works out the global
vector that these are told, and adds up the losses of all chromosomes. One score is the loss at
0.2 T, which takes no other people to make; the other is fitted to the losses at all times (`fitted_losses`).

Axes: N people, R rows (haplotypes or people), V variants, G gene blocks, K channels.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from syncohort.cohort_store import CohortStore, common_people
from syncohort.diffusion.model import Generator
from syncohort.evaluation.groups import ALL, HAPLOTYPES, Group
from syncohort.evaluation.privacy.fitted_losses import fitted_rows
from syncohort.evaluation.privacy.membership import (
    METRIC,
    Targets,
    membership_rows,
    sample_index,
    targets_of,
)
from syncohort.evaluation.tidy import metric_row, tidy
from syncohort.generators.conditioning import Told, labels_of, on_device
from syncohort.genotypes import rows_per_person, slices
from syncohort.global_vector.model import Projection
from syncohort.representations.base import Representation, encode_rows
from syncohort.seeds import child_seed
from syncohort.training.devices import resolve_device

ATTACK = "white box"
_ALL = Group(method=ATTACK)
TIMES = (0.05, 0.1, 0.2, 0.4, 0.3, 0.6)  # as shares of T, in the order in which noise is drawn
HEADLINE = 0.2
NOISE_DRAWS = 4
# more add hardly anything: the error of an AUC goes with 1 / training + 1 / holdout people, so
# that four times as many are within 12 % of any number
TRAINING_PER_HOLDOUT = 4
_PEOPLE_AT_ONCE = 64


def row_losses(
    generator: Generator,
    latents: np.ndarray,
    labels: np.ndarray,
    *,
    seed: int,
    device: str = "auto",
) -> tuple[np.ndarray, np.ndarray]:
    """Losses of each row of latents [R, G, K] at each of TIMES, means over NOISE_DRAWS.

    labels: [R], what the generator is conditioned on (see `conditioning`).

    Returns the losses of the network and those of one that adds nothing to its prior, each
    [R, times]. All rows get the same noise, which tells nothing of them.
    """
    place = resolve_device(device)
    process, network = generator.process(place), generator.network.to(place).eval()
    x0 = latents.copy()
    generator.normalisation.apply(x0, labels_of(labels))
    x0, labels = torch.from_numpy(x0).to(place), on_device(labels, place)

    def losses(of) -> np.ndarray:
        random = torch.Generator(place).manual_seed(seed)
        times = (max(1, round(share * process.schedule.n_steps)) for share in TIMES)
        found = [process.mean_losses(of, x0, time, labels, NOISE_DRAWS, random) for time in times]
        return torch.stack(found, dim=1).cpu().numpy()

    with torch.inference_mode():
        return losses(network), losses(_adds_nothing)


def _adds_nothing(x, t_fraction, label, residual: bool = True):
    """A denoiser [N, G, K] whose layers give 0 (see `denoisers`)."""
    return x if residual else torch.zeros_like(x)


@dataclass(frozen=True, eq=False)
class Network:
    """A network of a generator, the real cohort's stores of its chromosomes, and the models of
    their representation."""

    generator: Generator
    stores: list[CohortStore]
    models: list[Representation]

    def losses(self, index: np.ndarray, told, seed: int, device: str) -> np.ndarray:
        """`row_losses` of the rows of people (indices), sums of squared errors [2, R, times].

        told: [R], what the network is conditioned on for them.
        """
        parts, start = [], 0
        for latents in encode_rows(self.stores, self.models, index, _PEOPLE_AT_ONCE):
            own = told[start : start + len(latents)]
            parts.append(row_losses(self.generator, latents, own, seed=seed, device=device))
            start += len(latents)
        return np.concatenate(parts, axis=1) * int(self.generator.mask.sum())


def attack_generator(
    networks: Iterable[Network],
    stores: list[CohortStore],
    models: list[Representation],
    *,
    projection: Projection | None = None,
    cohort: str,
    name: str,
    minimum_people: int,
    max_people: int,
    seed: int,
    device: str = "auto",
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tell training from holdout people by the losses of a diffusion model.

    networks: of the generator, one in memory at a time; stores: of the real cohort; models: of the
    generator's representation; projection: to the global vectors that networks are told, None
    where they are told labels alone; name: of its rows.
    At most `max_people` training people and half as many of the holdout are attacked, and as many
    validation people are fitted on; of training people no more than TRAINING_PER_HOLDOUT for each
    of the holdout.

    Returns the tidy table and the losses: person, label, member, loss_0.05T, ... (sum over a
    person's rows). membership_auc: method "white box" is the loss at 0.2 T, with its label sizes,
    labels and haplotypes; with a noise of "0.05" and so on at other times; "white box, fitted" is
    `fitted_losses`. beyond_limit: see `beyond_limit_row`.
    """
    people = common_people(stores)
    n_holdout = min(max_people // 2, int((people.split == "holdout").sum()))
    limits = {
        "train": min(max_people, TRAINING_PER_HOLDOUT * n_holdout),
        "holdout": max_people // 2,
        "validation": max_people // 2,
    }
    index = np.concatenate(
        [
            sample_index(np.flatnonzero(people.split == split), limit, child_seed(seed, 0, limit))
            for split, limit in limits.items()
        ]
    )
    is_attacked = people.split[index] != "validation"
    targets = targets_of(people, index[is_attacked])
    if (~targets.member).sum() < minimum_people:
        note = f"too few: {(~targets.member).sum()} people"
        beyond = _worst([beyond_limit_row(network.generator) for network in networks])
        rows = [metric_row(METRIC, _ALL, np.nan, note=note), beyond]
        return tidy(rows, cohort=cohort, generator=name), _loss_table(targets, None)
    each = rows_per_person(models[0].mode)
    told, losses, n_numbers, beyond = None, 0.0, 0, []
    for network in networks:
        if told is None:
            told = np.repeat(network.generator.conditions(people[index]), each)
            if projection is not None:
                told = Told(told, _global_vectors(projection, stores, models, index, told))
        losses = losses + network.losses(index, told, child_seed(seed, 1), device)
        n_numbers += int(network.generator.mask.sum())
        beyond.append(beyond_limit_row(network.generator))
    losses = (losses / n_numbers).reshape(2, len(index), each, len(TIMES))
    attacked = losses[0, is_attacked]
    options = {"minimum_people": minimum_people, "seed": child_seed(seed, 2)}
    rows = _rows_by_time(attacked, targets, **options)
    ours, prior = losses.sum(axis=2)
    features = np.concatenate([ours, ours - prior], axis=1)  # [N, 2 times]
    options = {"minimum_people": minimum_people, "seed": child_seed(seed, 3)}
    rows += fitted_rows(features, targets_of(people, index), people.split[index], **options)
    rows.append(_worst(beyond))
    return tidy(rows, cohort=cohort, generator=name), _loss_table(targets, attacked.sum(axis=1))


def _rows_by_time(losses: np.ndarray, targets: Targets, **options) -> list[dict]:
    """Metric rows of losses [N, rows of a person, times], the headline first."""
    headline = -losses[..., TIMES.index(HEADLINE)]
    rows = membership_rows(_ALL, headline.sum(axis=1), targets, **options)
    if losses.shape[1] > 1:
        group = _ALL._replace(rows=HAPLOTYPES)
        rows += membership_rows(group, headline, targets, **options)[:1]
    for column, share in enumerate(TIMES):
        group = _ALL._replace(noise=f"{share:g}")
        rows += membership_rows(group, -losses[..., column].sum(axis=1), targets, **options)[:1]
    return rows


def _global_vectors(
    projection: Projection, stores, models, index: np.ndarray, conditions: np.ndarray
) -> np.ndarray:
    """Global vectors [R, A] of the rows of people (indices)."""
    found = np.zeros((len(conditions), projection.axes.shape[1]), np.float32)
    each = len(conditions) // len(index)
    for part in slices(len(index), _PEOPLE_AT_ONCE):
        rows = slice(part.start * each, part.stop * each)
        latents = (
            latents
            for model in models
            for latents in encode_rows(stores, [model], index[part], _PEOPLE_AT_ONCE)
        )
        found[rows] = projection.scores(latents, conditions[rows])
    return found


def _worst(rows: list[dict]) -> dict:
    """The metric row with the largest value, of the networks' rows."""
    return max(rows, key=lambda row: row["value"])


def beyond_limit_row(generator: Generator) -> dict:
    """Metric row: by how much the kept weights exceed the limit that training had to keep.

    Above 0 only where no epoch was within `training.membership_max`, and its best was kept.
    """
    training = generator.config["training"]
    added, limit = training["membership_added"], training["membership_max"]
    note = f"{added:.3f} in epoch {training['best_epoch']}, the limit was {limit:g}"
    return metric_row("beyond_limit", ALL, max(0.0, added - limit), note=note)


def _loss_table(targets: Targets, losses: np.ndarray | None) -> pd.DataFrame:
    table = pd.DataFrame({"person": targets.id, "label": targets.label, "member": targets.member})
    for column, share in enumerate(TIMES):
        table[f"loss_{share:g}T"] = np.nan if losses is None else losses[:, column]
    return table
