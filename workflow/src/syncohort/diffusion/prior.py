"""A Gaussian that is near the data, so that a network only has to learn the difference.

Axes: N rows, G gene blocks, K channels, D = G K, F factors.
"""

from dataclasses import dataclass

import torch

ROWS_PER_FACTOR = 650
MAX_ROWS = 8_192
_POWER_ITERATIONS = 4
_SPARE_FACTORS = 16
_LEAST_REST = 1e-6
VALUES_AT_ONCE = 1 << 25  # of the rows it is fitted to: 128 MB


@dataclass(frozen=True, eq=False)
class GaussianPrior:
    """x_0 as a Gaussian of mean 0: its leading principal components, the rest independent.

    variance: [G, K] of x_0; factors: [D, F], orthonormal columns, the leading eigenvectors
    of the covariance; factor_variance: [F], their eigenvalues. F = 0 is a Gaussian with
    independent positions. Everything is 0 at padded positions.
    """

    variance: torch.Tensor
    factors: torch.Tensor
    factor_variance: torch.Tensor

    def __post_init__(self):
        leverage = self.factors.square()
        explained = (leverage @ self.factor_variance).view_as(self.variance)
        share = leverage.sum(dim=1).view_as(self.variance)
        # variance and noise [G, K] outside the span of the factors
        object.__setattr__(self, "_rest", (self.variance - explained).clamp(min=0))
        object.__setattr__(self, "_rest_noise", (1 - share).clamp(min=_LEAST_REST))

    def to(self, device) -> "GaussianPrior":
        """The same prior on another device."""
        parts = (self.variance, self.factors, self.factor_variance)
        return GaussianPrior(*(part.to(device) for part in parts))

    def guess(self, x_t, signal, sigma):
        """Estimate x_0 [N, G, K] from x_t = signal x_0 + sigma eps; signal, sigma [N, 1, 1].

        Along the factors it is the posterior mean. Outside their span, where the covariance
        is taken for diagonal, it is each position's own. Always in full precision: it carries
        x_t, of which the network only makes a correction.
        """
        with torch.autocast(x_t.device.type, enabled=False):
            return self._guess(x_t, signal, sigma)

    def _guess(self, x_t, signal, sigma):
        flat = x_t.flatten(1)  # [N, D]
        scores = flat @ self.factors  # [N, F]
        rest = x_t - (scores @ self.factors.T).view_as(x_t)
        scores = scores * _gain(self.factor_variance, signal[:, 0], sigma[:, 0] ** 2)
        rest = rest * _gain(self._rest, signal, sigma**2 * self._rest_noise)
        return (scores @ self.factors.T).view_as(x_t) + rest

    def error_scale(self, signal, sigma):
        """Standard error [N, G, K] of that estimate, if there were no factors."""
        return sigma * (self.variance / (signal**2 * self.variance + sigma**2)).sqrt()


def _gain(variance, signal, noise):
    """E[x_0 | x_t] / x_t of a Gaussian with this variance seen through this noise variance."""
    return signal * variance / (signal**2 * variance + noise)


def thinned(rows):
    """At most MAX_ROWS of these rows, evenly spaced."""
    return rows[:: -(-len(rows) // MAX_ROWS)]


def fit_prior(
    x0, n_factors: int, seed: int, rows_per_factor: int = ROWS_PER_FACTOR, rows=None
) -> GaussianPrior:
    """Fit the prior to training rows x0 [N, G, K], 0 at padded positions.

    x0: a tensor, or what gives one for some rows (see `training.MappedRows`); rows: int64 [N], the
    rows to fit on, None: all of the tensor. Some are read at a time, several times.
    n_factors: the most factors; there are no more than one per `rows_per_factor` rows, beyond
    which they fit the rows rather than the population: the guess tells training rows from
    others, and so does the network that starts from it (docs/measurements.md).
    Eigenvectors by randomised SVD (Halko et al. 2011); seed: of its start. MAX_ROWS rows are
    enough (see `thinned`).
    """
    table = _Table(x0, torch.arange(len(x0)) if rows is None else rows)
    variance = table.square()
    n_factors = min(n_factors, table.n_rows // rows_per_factor, variance.numel())
    if not n_factors:
        return GaussianPrior(
            variance, variance.new_zeros(variance.numel(), 0), variance.new_zeros(0)
        )
    with torch.random.fork_rng(devices=[variance.device] if variance.is_cuda else []):
        torch.manual_seed(seed)
        singular, vectors = table.leading(min(n_factors + _SPARE_FACTORS, *table.shape))
    factors = vectors[:, :n_factors] * (variance.flatten() > 0)[:, None]
    return GaussianPrior(variance, factors.contiguous(), singular[:n_factors] ** 2 / table.n_rows)


class _Table:
    """Rows [N, D] that are read some at a time, and the products a randomised SVD makes of them."""

    def __init__(self, x0, rows):
        self._x0, self._rows, self.n_rows = x0, rows, len(rows)
        first = x0[rows[:1]]
        self._positions, self._like = first.shape[1:], first
        self.shape = (self.n_rows, first.numel())
        self._at_once = max(1, VALUES_AT_ONCE // first.numel())

    def _parts(self):
        """Where some rows start and stop, and the rows [n, D]."""
        for start in range(0, self.n_rows, self._at_once):
            stop = min(start + self._at_once, self.n_rows)
            yield slice(start, stop), self._x0[self._rows[start:stop]].flatten(1)

    def square(self):
        """Mean square of each position, [G, K]."""
        total = sum(part.square().sum(dim=0, dtype=torch.float64) for _, part in self._parts())
        return (total / self.n_rows).to(self._like.dtype).view(self._positions)

    def _times(self, basis):
        """Rows times basis [D, q]: [N, q]."""
        product = self._like.new_empty(self.n_rows, basis.shape[1])
        for some, part in self._parts():
            product[some] = part @ basis
        return product

    def _transposed_times(self, basis):
        """Transposed rows times basis [N, q]: [D, q]."""
        product = self._like.new_zeros(self.shape[1], basis.shape[1])
        for some, part in self._parts():
            product.addmm_(part.T, basis[some])
        return product

    def leading(self, rank: int):
        """The leading singular values [rank] and vectors [D, rank] of the rows.

        Subspace iteration (Halko et al. 2011, algorithms 4.4 and 5.1) on the shorter side.
        """
        is_wide = self.n_rows < self.shape[1]
        to, back = self._times, self._transposed_times
        if is_wide:
            to, back = back, to
        start = torch.randn(min(self.shape), rank, dtype=self._like.dtype, device=self._like.device)
        basis = torch.linalg.qr(to(start)).Q
        for _ in range(_POWER_ITERATIONS):
            basis = torch.linalg.qr(back(basis)).Q
            basis = torch.linalg.qr(to(basis)).Q
        left, singular, right = torch.linalg.svd(back(basis).T, full_matrices=False)
        return singular, basis @ left if is_wide else right.T
