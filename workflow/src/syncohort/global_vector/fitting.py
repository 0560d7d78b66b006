"""Fitting the global vector: axes of the training people, a mixture that validation people choose.

Axes: N rows, P people, H rows of a person, D positions of all chromosomes, A axes.
"""

import logging
from dataclasses import dataclass

import numpy as np

from syncohort.auc import auc_within_labels
from syncohort.errors import InputError
from syncohort.generators.base import require_training_rows
from syncohort.generators.conditioning import conditions_of
from syncohort.generators.latents import LatentFiles, fit_normalisation
from syncohort.generators.rows import EncodedPeople
from syncohort.global_vector.axes import Part, fit_axes, held_out_share, project
from syncohort.global_vector.mixture import Mixture, fit_mixture
from syncohort.global_vector.model import GlobalVector
from syncohort.seeds import child_seed

log = logging.getLogger(__name__)
ROWS_PER_AXIS = 32  # of training; more axes than that are the rows themselves
LEAST_HELD_OUT = 0.75  # see `axes.held_out_share`: the first axis below it ends them
COMPONENTS = (1, 2, 4, 8, 16, 32, 64)
PEOPLE_PER_COMPONENT = 20
PAIR_PEOPLE = (300, 3_000)
MEMBERSHIP_MAX = 0.55  # of a mixture by its density, training against validation people
MOST_PEOPLE = 10_000  # that a mixture is fitted to, and chosen by
_AXES, _MIXTURE = 0, 1  # random streams


@dataclass(frozen=True, eq=False)
class Fitted:
    """A global vector, the axes [D, A] it stands on, what rows of labels are centred by on them
    (offsets [C, A], of anchors where there are values) and the scores [N, A] of the rows, both in
    units of the scale."""

    model: GlobalVector
    axes: np.ndarray
    offsets: np.ndarray
    scores: np.ndarray


def fit_global_vector(
    encoded: EncodedPeople, *, n_axes: int, residual_from_class_mean: bool, seed: int
) -> Fitted:
    """Fit axes and mixture on the training rows of latents.

    Args:
        encoded: latents by chromosome, and whose they are.
        n_axes: most axes A; there is at most one for ROWS_PER_AXIS training rows, and none from
            the first on that validation people vary less along than training people.
        residual_from_class_mean: whether axes are those of the difference from the label's mean,
            as the networks are trained on it.
        seed: of all random numbers.

    Validation people choose the number of axes and of components: the highest mean log density,
    among mixtures that tell training from validation people with an AUC of at most MEMBERSHIP_MAX.
    Axes and their scale are those of whole rows, see `EncodedPeople.whole_training_rows`. Every
    row has scores, and in those of a man's second row his one copy of X stands again, as in the row.

    Raises:
        InputError: a class without training rows, or no validation people.
    """
    rows = encoded.rows
    require_training_rows(rows)
    if not rows.is_validation.any():
        raise InputError(
            "there are no validation people, who choose the global vector; raise split.validation"
        )
    trained, is_whole = encoded.whole_training_rows(), encoded.is_whole()
    parts = read_parts(encoded, residual_from_class_mean)
    n_axes = max(1, min(n_axes, len(trained) // ROWS_PER_AXIS))
    axes, _ = fit_axes(parts, trained, n_axes, child_seed(seed, _AXES))
    scores = project(parts, axes, np.arange(len(rows)))
    share = held_out_share(scores[is_whole], rows.is_validation[is_whole])
    kept = max(1, int(np.argmax(np.append(share, 0) < LEAST_HELD_OUT)))
    log.info(
        "%d of %d axes; validation people vary %.2f as much", kept, n_axes, share[:kept].mean()
    )
    axes, scores, share = axes[:, :kept], scores[:, :kept], share[:kept]
    scale = np.sqrt(np.square(scores[trained]).mean(axis=0))
    scores /= scale
    start, offsets = 0, 0.0
    for part in parts:
        center = part.normalisation.center.reshape(len(part.normalisation.center), -1)
        offsets = offsets + center @ axes[start : start + part.size]
        start += part.size
    each = 1 + int(rows.haplotype.max())
    people = scores.reshape(-1, each, kept)
    labels, is_validation = rows.labels[::each], rows.is_validation[::each]
    mixture = _choose_mixture(
        people, labels, is_validation, len(rows.class_names), child_seed(seed, _MIXTURE)
    )
    model = GlobalVector(rows.class_names, scale, mixture, share)
    return Fitted(model, axes, np.asarray(offsets / scale, np.float32), scores)


def scores_of_others(
    encoded: EncodedPeople, axes: np.ndarray, scale: np.ndarray, residual_from_class_mean: bool
) -> np.ndarray:
    """Global vectors float32 [N, A] of other people's rows, about the means of their own labels.

    encoded: their latents; axes [D, A] and scale [A]: of a global vector; residual_from_class_mean: see
    `fit_global_vector`.
    """
    parts = read_parts(encoded, residual_from_class_mean)
    return (project(parts, axes, np.arange(len(encoded.rows))) / scale).astype(np.float32)


def read_parts(encoded: EncodedPeople, residual_from_class_mean: bool) -> list[Part]:
    """The chromosomes with the centers of their training rows."""
    rows, (anchors, conditions) = encoded.rows, conditions_of(encoded.rows)
    parts = []
    for part, (path, mask) in enumerate(zip(encoded.paths, encoded.masks, strict=True)):
        files = LatentFiles([path], [mask])
        normalisation = fit_normalisation(
            files,
            conditions,
            mask,
            n_classes=len(rows.class_names if anchors is None else anchors),
            residual_from_class_mean=residual_from_class_mean,
            scaling="global",
            rows=np.flatnonzero(~rows.is_validation),
            one_copy=encoded.one_copy_of(part),
            is_second=rows.is_second,
        )
        parts.append(Part(files, normalisation, conditions))
    return parts


def _choose_mixture(
    people: np.ndarray, labels: np.ndarray, is_validation: np.ndarray, n_labels: int, seed: int
) -> Mixture:
    """The mixture of z [P, H, A] that validation people find likeliest."""
    train, validation = (
        each[:: -(-len(each) // MOST_PEOPLE)]
        for each in (np.flatnonzero(~is_validation), np.flatnonzero(is_validation))
    )
    best = None
    together = np.concatenate([train, validation])
    is_member = np.arange(len(together)) < len(train)
    for n_components in COMPONENTS:
        if n_components > max(1, len(train) // PEOPLE_PER_COMPONENT):
            break
        for pair_people in PAIR_PEOPLE[: 1 if n_components == 1 else None]:
            mixture = fit_mixture(
                people[train], labels[train], n_labels, n_components, pair_people, seed
            )
            density = mixture.log_density(people[together], labels[together])
            likely = density[~is_member].mean()
            leak = auc_within_labels(density, is_member, labels[together])
            log.info(
                "%d components, %d people a pair: log density %.2f of training, %.2f of validation "
                "people, membership %.3f",
                *(n_components, pair_people, density[is_member].mean(), likely, leak),
            )
            within = not leak > MEMBERSHIP_MAX
            if best is None or (within, likely) > best[0]:
                best = (within, likely), mixture
    return best[1]
