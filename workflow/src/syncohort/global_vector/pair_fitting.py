"""How alike the two haplotypes of training people are.

Axes: P people, D positions of all chromosomes, A axes, C labels.
"""

import logging

import numpy as np

from syncohort.generators.base import require_training_rows
from syncohort.generators.rows import EncodedPeople, LatentRows
from syncohort.global_vector.axes import Part, fit_axes, project
from syncohort.global_vector.fitting import ROWS_PER_AXIS
from syncohort.global_vector.pairing import PAIRINGS, Pairing, Partners
from syncohort.seeds import child_seed

log = logging.getLogger(__name__)
N_AXES = 10
MOST_PEOPLE = 2_000  # of a label; they tell a correlation to .02
MOST_PARTNERS = 2_500  # people of all labels whose partners are drawn
_MOST_ALIKE = 0.98


def fit_pairing(encoded: EncodedPeople, parts: list[Part], seed: int) -> Pairing:
    """How alike the haplotypes of training people are, along the leading axes of all.

    encoded: latents of all chromosomes, two rows of each person; parts: of them, see `fitting.read_parts`; seed: of the axes. A correlation r
    of n people counts 1 - 1 / (n r^2) of itself, what is left of its square without chance; a
    negative one counts as 0. Where labels are values, all people are one group. Where men have one
    copy, both of their rows are that copy, which says nothing of what is alike. At most MOST_PEOPLE of a
    label are read, at even distances.

    Raises InputError: a class without training rows.
    """
    rows = encoded.rows
    require_training_rows(rows)
    trained = encoded.whole_training_rows()
    n_axes = max(1, min(N_AXES, len(trained) // ROWS_PER_AXIS))
    axes, _ = fit_axes(parts, trained, n_axes, seed)
    axes[np.repeat(encoded.one_copy, len(axes) // len(encoded.one_copy))] = 0
    people, labels, names = _training_people(rows)
    correlation, variance = np.zeros((2, len(names), axes.shape[1]))
    for place in range(len(names)):
        some = people[labels == place]
        some = some[:: -(-len(some) // MOST_PEOPLE)]
        scores = project(parts, axes, some.reshape(-1)).astype(np.float64)
        own = (scores - scores.mean(axis=0)).reshape(*some.shape, -1)
        variance[place] = np.maximum(np.square(own).mean(axis=(0, 1)), 1e-12)
        r = (own[:, 0] * own[:, 1]).mean(axis=0) / variance[place]
        kept = np.maximum(1 - 1 / np.maximum(len(own) * r**2, 1e-12), 0)
        correlation[place] = np.clip(r * kept, 0, _MOST_ALIKE)
        log.info(
            "%s: %d people, their haplotypes have correlations %s, told from chance %s",
            names[place] or "everybody",
            len(own),
            np.round(r, 2).tolist(),
            np.round(correlation[place], 2).tolist(),
        )
    return Pairing(np.array(names, dtype=object), axes, correlation, variance)


def find_partners(
    encoded: EncodedPeople, parts: list[Part], pairing: Pairing, seed: int
) -> Partners:
    """Others as alike as a person's haplotypes are, of at most MOST_PARTNERS training people, PAIRINGS times.

    encoded, parts: as of `fit_pairing`; pairing: what it found in them. A
    person who is alone in a class has nobody, and is left out.
    """
    people, labels, names = _training_people(encoded.rows)
    chosen = np.random.default_rng(seed).permutation(len(people))[:MOST_PARTNERS]
    several = np.bincount(labels[chosen], minlength=len(names)) > 1
    chosen = np.sort(chosen[several[labels[chosen]]])
    scores = project(parts, pairing.axes, people[chosen].reshape(-1))
    scores = scores.astype(np.float64).reshape(len(chosen), 2, scores.shape[-1])
    own = np.array(names, dtype=object)[labels[chosen]]
    seeds = [child_seed(seed, draw) for draw in range(PAIRINGS)]
    partner = np.array([pairing.partners(scores, own, each) for each in seeds], dtype=np.int64)
    return Partners(encoded.rows.sample_id[people[chosen, 0]], partner)


def _training_people(rows: LatentRows) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """The two rows of each training person [P, 2], their classes [P], and the names of these: one, "", where labels are values."""
    people = np.flatnonzero(~rows.is_validation).reshape(-1, 2)
    if rows.values is not None:
        return people, np.zeros(len(people), np.int64), [""]
    return people, rows.labels[people[:, 0]], rows.class_names
