"""Whom to draw: labels and ids of the synthetic people.

Axes: S people.
"""

import numpy as np

from syncohort.cohort.value_bins import bin_range
from syncohort.errors import InputError, examples
from syncohort.genotypes import People
from syncohort.seeds import child_seed

ID_PREFIX = "SYN"
ID_DIGITS = 5
MEAN_OF = 10  # training people whose values a drawn one follows, at least
_DIGITS = 6  # of a value
FEWEST_VALUES = 5  # training people of a bin with values
_VALUES, _SEXES = 1, 2  # random streams beside that of the labels


def largest_remainder(weights: np.ndarray, total: int) -> np.ndarray:
    """Share out `total` things in proportion to weights >= 0, in whole numbers.

    Hamilton's method: each gets the whole part of its quota, the largest fractions get the
    rest, earlier entries first when they tie. Returns [len(weights)] int64.
    """
    weights = np.asarray(weights, dtype=np.float64)
    quota = weights / weights.sum() * total
    shares = np.floor(quota).astype(np.int64)
    order = np.argsort(shares - quota, kind="stable")
    shares[order[: total - shares.sum()]] += 1
    return shares


def _matched(names: list[str], counts_real: dict[str, int], n_people: int) -> np.ndarray:
    """One person for every label, the rest so that the whole is in proportion."""
    counts = np.array([counts_real[name] for name in names])
    shares = largest_remainder(counts, n_people)
    for label in np.flatnonzero(shares == 0):
        shares[label] += 1
        shares[np.argmax(shares)] -= 1
    return shares


def _given(names: list[str], counts: dict[str, int]) -> np.ndarray:
    unknown = sorted(set(counts) - set(names))
    if unknown:
        raise InputError(
            f"people are asked for labels nobody in training carries: {examples(unknown)}; "
            f"the labels are {examples(names, limit=30)}"
        )
    return np.array([counts.get(name, 0) for name in names])


def draw_labels(
    counts_real: dict[str, int],
    *,
    how: str,
    n_people: int | None = None,
    counts: dict[str, int] | None = None,
    seed: int,
) -> np.ndarray:
    """Return the labels of the synthetic people, [S] str, in an order drawn from `seed`.

    counts_real: training people per label, each at least 1. how: "matched", in their
    proportions with at least one person each; "balanced", equally many of each (up to one);
    both make exactly `n_people`; or "counts", as many per label as `counts` says.

    Raises InputError for too few people, an unknown label or an unknown `how`.
    """
    names = sorted(counts_real)
    if how == "counts":
        shares = _given(names, counts)
    elif how not in ("matched", "balanced"):
        raise InputError(f"labels {how!r} is unknown; use one of matched, balanced, counts")
    elif n_people < len(names):
        raise InputError(
            f"{n_people} synthetic people cannot cover {len(names)} labels; ask for at least "
            f"{len(names)}, or give the people per label"
        )
    elif how == "matched":
        shares = _matched(names, counts_real, n_people)
    else:
        shares = largest_remainder(np.ones(len(names)), n_people)
    if not shares.sum():
        raise InputError("no synthetic people are asked for: every count per label is 0")
    labels = np.repeat(np.array(names, dtype=object), shares)
    return np.random.default_rng(seed).permutation(labels)


def synthetic_ids(n_people: int, prefix: str = ID_PREFIX) -> np.ndarray:
    """Sample ids SYN00001, SYN00002, ... [S] str, of equal length."""
    digits = max(ID_DIGITS, len(str(n_people)))
    return np.array([f"{prefix}{i:0{digits}d}" for i in range(1, n_people + 1)], dtype=object)


def choose_people(ids: np.ndarray, wanted: int | list[str] | None) -> np.ndarray:
    """Indices of the people that `release.fasta.people` names: the first so many of ids [S] str,
    some by id, or, for None, everybody.

    Raises InputError that lists the ids that nobody has.
    """
    if not isinstance(wanted, list):
        return np.arange(len(ids))[:wanted]
    places = {name: at for at, name in enumerate(ids)}
    unknown = [name for name in wanted if name not in places]
    if unknown:
        raise InputError(
            f"release.fasta.people names {examples(unknown)}: nobody in the release has this id. It "
            f"holds {ids[0]} to {ids[-1]}, without those that release.withhold leaves out."
        )
    return np.unique([places[name] for name in wanted])


def draw_people(
    real: People,
    *,
    labels: str,
    people: int | None = None,
    counts: dict[str, int] | None = None,
    seed: int,
) -> People:
    """Return the synthetic people: ids, labels, values and sex where the real have them, no split.

    real: the real cohort, whose training people set the proportions; labels: `how` of
    `draw_labels`; people: how many, None for as many as there are training people.
    """
    train = real[real.split == "train"]
    trained, counts_real = np.unique(train.label.astype(str), return_counts=True)
    drawn = draw_labels(
        dict(zip(trained.tolist(), counts_real.tolist(), strict=True)),
        how=labels,
        n_people=int(counts_real.sum()) if people is None else people,
        counts=counts,
        seed=seed,
    )
    values = draw_values(train, drawn, child_seed(seed, _VALUES)) if real.has_values else None
    sex = draw_sexes(train, drawn, child_seed(seed, _SEXES)) if real.has_sexes else None
    blank = np.full(len(drawn), "", dtype=object)
    return People(synthetic_ids(len(drawn)), drawn, blank, values, sex)


def draw_sexes(train: People, drawn: np.ndarray, seed: int) -> np.ndarray:
    """Sexes [S] for the labels `drawn` [S] str, each drawn with the proportions of the label's
    training people: as many of each as they have would tell small counts."""
    rng = np.random.default_rng(seed)
    sex = np.empty(len(drawn), dtype=np.int8)
    for name in np.unique(drawn.astype(str)).tolist():
        own = np.flatnonzero(drawn == name)
        codes, counts = np.unique(train.sex[train.label == name], return_counts=True)
        sex[own] = rng.choice(codes, len(own), p=counts / counts.sum())
    return sex


def draw_values(train: People, drawn: np.ndarray, seed: int) -> np.ndarray:
    """Values [S] for the bins `drawn` [S] str, distributed as the training people's of each.

    Stratified draws: one from each of as many equal shares of the bin's people as are drawn, between
    means of about `MEAN_OF` training people, so that no single person's value can be read off however
    many are drawn. Of a bin with too few people for two means the values are spread evenly about the
    mean of its people, as wide as their standard deviation has it and the bin allows. A value has as
    few digits as keep it in its bin, six at least, and files have all of them.

    Raises InputError for a bin of fewer than `FEWEST_VALUES` training people.
    """
    rng = np.random.default_rng(seed)
    values = np.empty(len(drawn))
    for name in np.unique(drawn.astype(str)).tolist():
        known, own = train.value[train.label == name], np.flatnonzero(drawn == name)
        if len(known) < FEWEST_VALUES:
            raise InputError(
                f"{len(known)} training people have a value in {name!r}, and {FEWEST_VALUES} are needed: "
                "synthetic people's values would tell theirs; choose other labels.cuts"
            )
        low, high = bin_range(name)
        shares = (rng.permutation(len(own)) + rng.random(len(own))) / len(own)
        shares = np.minimum(shares, 1 - 1e-9)  # a bin ends before its upper limit
        drawn_there = np.interp(shares, *_curve(known, low, high))
        values[own] = [_rounded(value, low, high) for value in drawn_there.tolist()]
    return values


def _rounded(value: float, low: float, high: float) -> float:
    """A value with six digits, or as many more as keep it in its bin."""
    texts = (f"{value:.{digits}g}" for digits in range(_DIGITS, 16))
    return next((float(text) for text in texts if low <= float(text) < high), value)


def _curve(known: np.ndarray, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """Shares of people, from 0 to 1, and the values that so many are below: a polygon through means.

    known: values [n] of a bin's people; low, high: its limits.
    """
    n_means = len(known) // MEAN_OF
    if n_means < 2:
        half = np.sqrt(3) * known.std()
        return np.array([0, 1]), np.clip(known.mean() + np.array([-half, half]), low, high)
    means = np.array([part.mean() for part in np.array_split(np.sort(known), n_means)])
    ends = np.clip([1.5 * means[0] - 0.5 * means[1], 1.5 * means[-1] - 0.5 * means[-2]], low, high)
    shares = (np.arange(n_means) + 0.5) / n_means
    return np.array([0, *shares, 1]), np.array([ends[0], *means, ends[1]])
