"""The attack on a released network: does the diffusion model know some people too well?

Its loss on a row is smaller when it was trained on that row. Needs the generator itself, not
only a synthetic cohort: a released network is not a released data set.

Axes: N people, R rows (haplotypes or people), V variants, G gene blocks, K channels.
"""

import numpy as np
import pandas as pd
import torch

from syncohort.diffusion.model import Generator
from syncohort.evaluation.groups import ALL, HAPLOTYPES, Group
from syncohort.evaluation.privacy.membership import (
    METRIC,
    Targets,
    membership_rows,
    sample_index,
    targets_of,
)
from syncohort.evaluation.tidy import metric_row, tidy
from syncohort.genotypes import CohortStore, common_people, rows_per_person
from syncohort.representations.base import Representation, encode_rows
from syncohort.seeds import child_seed
from syncohort.training.devices import resolve_device

ATTACK = "white box"
_ALL = Group(method=ATTACK)
TIMES = (0.05, 0.1, 0.2, 0.4)  # as shares of T
HEADLINE = 0.2
NOISE_DRAWS = 4
_PEOPLE_AT_ONCE = 64


def row_losses(
    generator: Generator,
    latents: np.ndarray,
    labels: np.ndarray,
    *,
    seed: int,
    device: str = "auto",
) -> np.ndarray:
    """Loss of each row of latents [R, G, K] at each of TIMES, [R, times], over NOISE_DRAWS.

    labels: [R], what the generator is conditioned on. All rows get the same noise, which tells
    nothing of them.
    """
    place = resolve_device(device)
    process, network = generator.process(place), generator.network.to(place).eval()
    x0 = latents.copy()
    generator.normalisation.apply(x0, labels)
    x0, labels = torch.from_numpy(x0).to(place), torch.from_numpy(labels).to(place)
    losses = np.zeros((len(x0), len(TIMES)))
    random = torch.Generator(place).manual_seed(seed)
    with torch.inference_mode():
        for column, share in enumerate(TIMES):
            time = max(1, round(share * process.schedule.n_steps))
            found = process.mean_losses(network, x0, time, labels, NOISE_DRAWS, random)
            losses[:, column] = found.cpu().numpy()
    return losses


def attack_generator(
    generator: Generator,
    stores: list[CohortStore],
    models: list[Representation],
    *,
    cohort: str,
    name: str,
    minimum_people: int,
    max_people: int,
    seed: int,
    device: str = "auto",
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tell training from holdout people by the loss of a diffusion model.

    stores: of the real cohort; models: of the generator's representation; name: of its rows.
    At most `max_people` training people and half as many of the holdout are attacked.

    Returns the tidy table and the losses: person, label, member, loss_0.05T, ... (sum over a
    person's rows). membership_auc: method "white box" is the loss at 0.2 T, with its label sizes,
    labels and haplotypes; with a noise of "0.05" and so on at other times. beyond_limit: see
    `beyond_limit_row`.
    """
    people = common_people(stores)
    index = np.concatenate(
        [
            sample_index(np.flatnonzero(people.split == split), limit, child_seed(seed, 0, limit))
            for split, limit in (("train", max_people), ("holdout", max_people // 2))
        ]
    )
    targets = targets_of(people, index)
    if (~targets.member).sum() < minimum_people:
        note = f"too few: {(~targets.member).sum()} people"
        rows = [metric_row(METRIC, _ALL, np.nan, note=note), beyond_limit_row(generator)]
        return tidy(rows, cohort=cohort, generator=name), _loss_table(targets, None)
    each = rows_per_person(models[0].mode)
    labels = np.repeat(generator.conditions(people[index]), each)
    parts, start = [], 0
    for latents in encode_rows(stores, models, index, _PEOPLE_AT_ONCE):
        own = labels[start : start + len(latents)]
        parts.append(row_losses(generator, latents, own, seed=child_seed(seed, 1), device=device))
        start += len(latents)
    losses = np.concatenate(parts).reshape(len(targets), each, len(TIMES))
    options = {"minimum_people": minimum_people, "seed": child_seed(seed, 2)}
    headline = -losses[..., TIMES.index(HEADLINE)]
    rows = membership_rows(_ALL, headline.sum(axis=1), targets, **options)
    if each > 1:
        group = _ALL._replace(rows=HAPLOTYPES)
        rows += membership_rows(group, headline, targets, **options)[:1]
    for column, share in enumerate(TIMES):
        group = _ALL._replace(noise=f"{share:g}")
        rows += membership_rows(group, -losses[..., column].sum(axis=1), targets, **options)[:1]
    rows.append(beyond_limit_row(generator))
    return tidy(rows, cohort=cohort, generator=name), _loss_table(targets, losses.sum(axis=1))


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
