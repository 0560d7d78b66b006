"""A Gaussian that is near the data, so that a network only has to learn the difference.

Axes: N rows, G gene blocks, K channels, D = G K, F factors.
"""

from dataclasses import dataclass

import torch

ROWS_PER_FACTOR = 64
MAX_ROWS = 8_192
_POWER_ITERATIONS = 4
_SPARE_FACTORS = 16
_LEAST_REST = 1e-6


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
    x0, n_factors: int, seed: int, rows_per_factor: int = ROWS_PER_FACTOR
) -> GaussianPrior:
    """Fit the prior to training rows x0 [N, G, K], 0 at padded positions.

    n_factors: the most factors; there are no more than one per `rows_per_factor` rows, beyond
    which they fit the rows rather than the population: the guess tells training rows from
    others, and so does the network that starts from it (docs/measurements.md).
    Eigenvectors by randomised SVD (Halko et al. 2011); seed: of its start. MAX_ROWS rows are
    enough (see `thinned`).
    """
    variance = x0.square().mean(dim=0)
    rows = x0.flatten(1)  # [N, D]
    n_factors = min(n_factors, len(rows) // rows_per_factor, rows.shape[1])
    if not n_factors:
        return GaussianPrior(variance, rows.new_zeros(rows.shape[1], 0), rows.new_zeros(0))
    with torch.random.fork_rng(devices=[x0.device] if x0.device.type == "cuda" else []):
        torch.manual_seed(seed)
        rank = min(n_factors + _SPARE_FACTORS, *rows.shape)
        _, singular, vectors = torch.svd_lowrank(rows, q=rank, niter=_POWER_ITERATIONS)
    factors = vectors[:, :n_factors] * (variance.flatten() > 0)[:, None]
    return GaussianPrior(variance, factors.contiguous(), singular[:n_factors] ** 2 / len(rows))
