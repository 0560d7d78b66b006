"""The small model that is drawn first, measured by itself: does it fit, does it know its people?

Axes: P people, H rows of a person, A numbers of a global vector.
"""

import numpy as np
import pandas as pd

from syncohort.evaluation.groups import ALL, TRAIN, Group
from syncohort.evaluation.privacy.membership import Targets, membership_rows
from syncohort.evaluation.tidy import metric_row, tidy, withhold_small
from syncohort.generators.rows import LatentRows
from syncohort.global_vector.model import GlobalVector

ATTACK = "global vector"
_OF_TRAINING = Group(part=TRAIN)


def measure_global_vector(
    model: GlobalVector,
    scores: np.ndarray,
    rows: LatentRows,
    drawn: np.ndarray,
    *,
    cohort: str,
    generator: str,
    minimum_people: int,
    seed: int,
) -> pd.DataFrame:
    """Tidy table of a global vector.

    scores: [N, A] of the training and validation rows; drawn: [S, H, A] of the synthetic people.

    membership_auc, method "global vector": whether training people are likelier under the model
    than validation people, who chose its size. global_distance: Frechet distance per axis
    (`frechet_distance`) of drawn from validation people, and of training people from them.
    global_haplotype_r: correlation of a person's two haplotypes, mean over axes by the variance of
    each, of the drawn people and of training people; NaN where a person is one row.
    """
    each = drawn.shape[1]
    people = scores.reshape(-1, each, scores.shape[1])
    labels, is_validation = rows.labels[::each], rows.is_validation[::each]
    names = np.array(rows.class_names, dtype=object)[labels]
    trained, counts = np.unique(names[~is_validation].astype(str), return_counts=True)
    targets = Targets(
        rows.sample_id[::each],
        names.astype(str),
        ~is_validation,
        dict(zip(trained.tolist(), counts.tolist(), strict=True)),
    )
    density = model.mixture.log_density(people, labels)
    options = {"minimum_people": minimum_people, "seed": seed}
    found = membership_rows(Group(method=ATTACK), density, targets, **options)
    train, validation = people[~is_validation], people[is_validation]
    note = f"{model.n_axes} axes, {len(model.mixture.means)} components"
    own = [
        metric_row("global_distance", ALL, frechet_distance(drawn, validation), note=note),
        metric_row("global_distance", _OF_TRAINING, frechet_distance(train, validation)),
    ]
    if each == 2:
        own += [
            metric_row("global_haplotype_r", ALL, _haplotype_r(drawn, model.scale), note=note),
            metric_row("global_haplotype_r", _OF_TRAINING, _haplotype_r(train, model.scale)),
        ]
    n_people = min(len(drawn), len(validation))
    return tidy(
        found + withhold_small(own, n_people, minimum_people), cohort=cohort, generator=generator
    )


def frechet_distance(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Root of the Frechet distance of two samples [P, H, A] of rows, per axis.

    |m_1 - m_2|^2 + tr(S_1 + S_2 - 2 (S_1 S_2)^(1/2)), of rows' means and covariances (Dowson &
    Landau 1982). In the unit of the vectors.
    """
    one, other = (each.reshape(-1, each.shape[2]).astype(np.float64) for each in (ours, theirs))
    apart = np.square(one.mean(axis=0) - other.mean(axis=0)).sum()
    first, second = (np.atleast_2d(np.cov(each.T)) for each in (one, other))
    values, vectors = np.linalg.eigh(first)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    inner = np.linalg.eigvalsh(root @ second @ root)
    spread = np.trace(first) + np.trace(second) - 2 * np.sqrt(np.maximum(inner, 0)).sum()
    return float(np.sqrt(max(apart + spread, 0) / one.shape[1]))


def _haplotype_r(people: np.ndarray, scale: np.ndarray) -> float:
    """Mean correlation of both haplotypes of people [P, 2, A], axes weighted by their variance."""
    centred = people.astype(np.float64) - people.mean(axis=(0, 1))
    products = (centred[:, 0] * centred[:, 1]).mean(axis=0)
    variance = np.square(centred).mean(axis=(0, 1))
    return float(np.average(products / np.maximum(variance, 1e-12), weights=scale**2))
