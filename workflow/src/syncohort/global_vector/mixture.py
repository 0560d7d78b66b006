"""How the global vectors of people are distributed: a mixture that knows labels and couples.

A haplotype belongs to one of K components, whose means are shared by all labels; a label has
weights of its own. The two haplotypes of a person are drawn together: a label weighs pairs of
components, and within components both may move together. Swapping them changes nothing.

Axes: P people, H rows of a person (2 haplotypes or 1), A numbers of a global vector, C labels, K
components.
"""

from dataclasses import dataclass

import numpy as np

from syncohort.seeds import child_seed

PRIOR_PEOPLE = 20  # with so many a label's weights count half, those of everybody the other half
ITERATIONS = 100
_LEAST_GAIN = 1e-4  # in mean log density, that goes on
_MOST_TOGETHER = 0.95
_PEOPLE_AT_ONCE = 2_048
_BLOCK = 1_024  # people who are drawn from one stream


@dataclass(frozen=True, eq=False)
class Mixture:
    """A fitted density of global vectors z [H, A] of a person, by label.

    center: [C, A]; means: [K, A]; within: [A, A], covariance of a haplotype in its component;
    together: [A, A], covariance of one haplotype with the other, in theirs; weights: [C, K, K] of
    pairs, symmetric, or [C, K] where a person is one row.
    """

    center: np.ndarray
    means: np.ndarray
    within: np.ndarray
    together: np.ndarray
    weights: np.ndarray

    @property
    def rows_per_person(self) -> int:
        """H."""
        return self.weights.ndim - 1

    def log_density(self, z: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Of z [P, H, A] of labels [P], float64 [P]."""
        found = np.empty(len(z))
        for part in _parts(len(z)):
            found[part] = _expect(self, z[part] - self.center[labels[part], None], labels[part])[1]
        return found

    def draw(self, labels: np.ndarray, seed: int, first: int = 0) -> np.ndarray:
        """z float32 [P, H, A] of people of labels [P].

        first: place of the first of them in the cohort, which with the seed decides the draw.
        """
        each, n_axes = self.rows_per_person, self.means.shape[1]
        z = np.empty((len(labels), each, n_axes), np.float32)
        roots = [np.linalg.cholesky(each) for each in self._apart()]
        cumulative = self.weights.reshape(len(self.weights), -1).cumsum(axis=1)  # [C, K^H]
        for block in range(first // _BLOCK, -(-(first + len(labels)) // _BLOCK)):
            random = np.random.default_rng(child_seed(seed, block))
            chance = random.random(_BLOCK)
            noise = random.standard_normal((_BLOCK, each, n_axes))
            start = block * _BLOCK
            own = np.arange(max(first, start), min(first + len(labels), start + _BLOCK))
            known = labels[own - first]
            place = (chance[own - start, None] * cumulative[known, -1:] >= cumulative[known]).sum(1)
            place = np.minimum(place, cumulative.shape[1] - 1)
            components = np.stack(np.unravel_index(place, self.weights.shape[1:]), axis=1)
            moved = np.stack([noise[own - start, i] @ roots[i].T for i in range(each)], axis=1)
            if each == 2:  # what both share, and what parts them
                moved = np.stack([moved.sum(axis=1), moved[:, 0] - moved[:, 1]], axis=1) / 2**0.5
            z[own - first] = self.center[known, None] + self.means[components] + moved
        return z

    def _apart(self) -> list[np.ndarray]:
        """Covariances of (z_1 + z_2) / sqrt 2 and (z_1 - z_2) / sqrt 2, or of the only row."""
        if self.rows_per_person == 1:
            return [self.within]
        return [self.within + self.together, self.within - self.together]


def fit_mixture(
    z: np.ndarray,
    labels: np.ndarray,
    n_labels: int,
    n_components: int,
    pair_people: float,
    seed: int,
) -> Mixture:
    """Fit to training people z [P, H, A] of labels [P] by expectation-maximisation.

    n_labels: C; n_components: K; pair_people: with so many people a label's own weights of pairs count half,
    and independent haplotypes the other half.
    """
    n_people, each, n_axes = z.shape
    center = _centers(z, labels, n_labels)
    z = z.astype(np.float64) - center[labels, None]
    rows = z.reshape(-1, n_axes)
    means = _spread_out(rows, n_components, seed)
    shares = np.full(n_components, 1 / n_components)
    start = shares if each == 1 else np.outer(shares, shares)
    total = rows.T @ rows / len(rows)
    mixture = Mixture(
        center, means, total / n_components ** (2 / n_axes), 0 * total, np.stack([start] * n_labels)
    )
    last = -np.inf
    for _ in range(ITERATIONS):
        counts = np.zeros((n_labels, *[n_components] * each))
        sums, members = np.zeros((n_components, n_axes)), np.zeros(n_components)
        crossed, density = np.zeros((n_axes, n_axes)), 0.0
        for part in _parts(n_people):
            share, found = _expect(mixture, z[part], labels[part])  # [p, K(, K)]
            density += found.sum()
            np.add.at(counts, labels[part], share)
            belongs = [share] if each == 1 else [share.sum(axis=2), share.sum(axis=1)]
            for side, own in enumerate(belongs):
                sums += own.T @ z[part, side]
                members += own.sum(axis=0)
            if each == 2:
                expected = [own @ mixture.means for own in belongs]
                one, other = z[part, 0], z[part, 1]
                crossed += one.T @ other - one.T @ expected[1] - expected[0].T @ other
        means = sums / (members + 1e-6)[:, None]
        within = total - (means * (members / len(rows))[:, None]).T @ means
        together = np.zeros_like(total)
        if each == 2:
            pairs = counts.sum(axis=0)
            crossed += mixture.means.T @ pairs @ mixture.means
            together = (crossed + crossed.T) / (2 * n_people)
        within = _positive(within)
        mixture = Mixture(
            center,
            means,
            within,
            _bounded(together, within),
            _weights(counts, pair_people),
        )
        density /= n_people
        if density - last < _LEAST_GAIN:
            break
        last = density
    return mixture


def _parts(n_people: int) -> list[slice]:
    return [
        slice(i, min(i + _PEOPLE_AT_ONCE, n_people)) for i in range(0, n_people, _PEOPLE_AT_ONCE)
    ]


def _centers(z: np.ndarray, labels: np.ndarray, n_labels: int) -> np.ndarray:
    """Means [C, A] of the labels, drawn towards that of everybody by PRIOR_PEOPLE."""
    people = z.mean(axis=1, dtype=np.float64)  # [P, A]
    sums, counts = np.zeros((n_labels, z.shape[2])), np.bincount(labels, minlength=n_labels)
    np.add.at(sums, labels, people)
    return (sums + PRIOR_PEOPLE * people.mean(axis=0)) / (counts + PRIOR_PEOPLE)[:, None]


def _spread_out(rows: np.ndarray, n_components: int, seed: int) -> np.ndarray:
    """Rows far from one another to start from, [K, A] (k-means++; Arthur & Vassilvitskii 2007)."""
    random = np.random.default_rng(seed)
    if n_components == 1:
        return np.zeros((1, rows.shape[1]))
    chosen = [rows[random.integers(len(rows))]]
    nearest = np.full(len(rows), np.inf)
    for _ in range(n_components - 1):
        nearest = np.minimum(nearest, ((rows - chosen[-1]) ** 2).sum(axis=1))
        chosen.append(rows[random.choice(len(rows), p=nearest / nearest.sum())])
    return np.stack(chosen)


def _expect(mixture: Mixture, z: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shares of components [p, K] or pairs [p, K, K] in centred people z [p, H, A], and log
    density [p]."""
    means, each = mixture.means, mixture.rows_per_person
    if each == 2:
        seen = [(z[:, 0] + z[:, 1]) / 2**0.5, (z[:, 0] - z[:, 1]) / 2**0.5]
        own, log_shares = [means / 2**0.5] * 2, 0.0
    else:
        seen, own, log_shares = [z[:, 0]], [means], 0.0
    constant, sides = 0.0, [0.0, 0.0]
    for i, (x, m, covariance) in enumerate(zip(seen, own, mixture._apart(), strict=True)):
        root = np.linalg.cholesky(covariance)
        x, m = np.linalg.solve(root, x.T).T, np.linalg.solve(root, m.T).T
        constant = constant - 0.5 * (x**2).sum(axis=1) - np.log(np.diag(root)).sum()
        size, sign = 0.5 * (m**2).sum(axis=1), 1 if i == 0 else -1
        sides[0] = sides[0] + x @ m.T - size  # [p, K]
        sides[1] = sides[1] + sign * (x @ m.T) - size
        log_shares = log_shares - sign * (m @ m.T)  # of pairs, [K, K]
    constant = constant - 0.5 * each * means.shape[1] * np.log(2 * np.pi)
    known = np.log(mixture.weights + 1e-300)[labels]
    if each == 2:
        logs = sides[0][:, :, None] + sides[1][:, None, :] + log_shares + known
    else:
        logs = sides[0] + known
    flat = logs.reshape(len(logs), -1)
    highest = flat.max(axis=1, keepdims=True)
    shares = np.exp(flat - highest)
    sums = shares.sum(axis=1, keepdims=True)
    return (shares / sums).reshape(logs.shape), constant + (highest + np.log(sums))[:, 0]


def _weights(counts: np.ndarray, pair_people: float) -> np.ndarray:
    """Weights of each label from expected counts [C, K] or [C, K, K]."""
    single = counts.ndim == 2
    rows = counts if single else (counts.sum(axis=1) + counts.sum(axis=2)) / 2  # [C, K]
    people = rows.sum(axis=1, keepdims=True)
    everybody = rows.sum(axis=0) / rows.sum()
    shares = (rows + PRIOR_PEOPLE * everybody) / (people + PRIOR_PEOPLE)
    if single:
        return shares
    apart = shares[:, :, None] * shares[:, None, :]
    counts = (counts + counts.transpose(0, 2, 1)) / 2
    return (counts + pair_people * apart) / (people + pair_people)[:, :, None]


def _positive(covariance: np.ndarray) -> np.ndarray:
    """The covariance with no variance below a millionth of the largest."""
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    return (vectors * np.maximum(values, 1e-6 * values[-1])) @ vectors.T


def _bounded(together: np.ndarray, within: np.ndarray) -> np.ndarray:
    """`together` with correlations that leave within +- together positive."""
    root = np.linalg.cholesky(within)
    inner = np.linalg.solve(root, np.linalg.solve(root, together).T)
    values, vectors = np.linalg.eigh((inner + inner.T) / 2)
    outer = root @ vectors
    return (outer * np.clip(values, -_MOST_TOGETHER, _MOST_TOGETHER)) @ outer.T
