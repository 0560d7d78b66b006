"""The forward process, the three training targets, the masked loss and its weighting.

Axes: N rows, G gene blocks, K channels. mask [G, K] is True where a channel exists; at
padded positions noise, x_t, predictions and losses are exactly 0. `signal` and `sigma` are
sqrt(alpha_bar_t) and sqrt(1 - alpha_bar_t), [N, 1, 1].
"""

from dataclasses import dataclass

import torch

from syncohort.diffusion.prior import GaussianPrior
from syncohort.diffusion.schedules import Schedule, between_steps
from syncohort.errors import InputError

TARGETS = ("x0", "v", "eps")
WEIGHTINGS = ("uniform", "min_snr")
MIN_SNR_GAMMA = 5.0


def add_noise(x0, noise, signal, sigma):
    """x_t = sqrt(alpha_bar) x_0 + sqrt(1 - alpha_bar) eps (Ho et al. 2020, eq. 4)."""
    return signal * x0 + sigma * noise


def target_value(target: str, x0, noise, signal, sigma):
    """What a network with this target should predict at x_t.

    eps is the noise, x0 the data, v = signal eps - sigma x_0 (Salimans & Ho 2022, section 4).
    """
    if target == "x0":
        return x0
    return noise if target == "eps" else signal * noise - sigma * x0


def to_x0(target: str, prediction, x_t, signal, sigma):
    """The x_0 that a prediction of `target` at x_t stands for."""
    if target == "x0":
        return prediction
    if target == "eps":
        return (x_t - sigma * prediction) / signal
    return signal * x_t - sigma * prediction


def from_x0(target: str, x0, x_t, signal, sigma):
    """The value of `target` at x_t that stands for this x_0; the inverse of `to_x0`."""
    if target == "x0":
        return x0
    if target == "eps":
        return (x_t - signal * x0) / sigma
    return (signal * x_t - x0) / sigma


def x0_error_per_loss(target: str, signal, sigma):
    """Squared error in x_0 that comes with a squared error of 1 in the target at x_t.

    From `to_x0`, in which x_t is given: 1 for x0, sigma^2 for v and 1 / SNR for eps, with
    SNR = signal^2 / sigma^2.
    """
    if target == "x0":
        return torch.ones_like(sigma)
    return sigma**2 if target == "v" else sigma**2 / signal**2


def loss_weight(weighting: str, target: str, signal, sigma):
    """Weight of a row's loss at its noise level, in the shape of `sigma`.

    "uniform": 1, whatever the target. "min_snr": min(SNR, 5) times the squared error in x_0
    (Hang et al. 2023), so that the objective is the same for every target: a
    factor min(SNR, 5) for x0, min(SNR, 5) / (SNR + 1) for v, min(SNR, 5) / SNR for eps.
    """
    if weighting == "uniform":
        return torch.ones_like(sigma)
    snr = (signal / sigma) ** 2
    return snr.clamp(max=MIN_SNR_GAMMA) * x0_error_per_loss(target, signal, sigma)


def masked_mse(prediction, truth, mask):
    """Mean squared error of every row over its real positions.

    prediction, truth [N, G, K]; mask [G, K]. Returns [N].
    """
    return _block_errors(prediction, truth, mask).sum(dim=1) / mask.sum()


def _block_errors(prediction, truth, mask):
    """Squared errors of every row, summed over the real positions of a block: [N, G]."""
    return torch.where(mask, prediction - truth, 0.0).square().sum(dim=2)


@dataclass(frozen=True, eq=False)
class Process:
    """A schedule and a target on masked latents.

    schedule: `Schedule`; target: "x0", "v" or "eps"; mask: bool [G, K], on the device of
    the latents. prior: a Gaussian for x_0, or None, which is the paper's way: the network
    sees x_t and its output is added to it. With a prior the network is shown the prior's
    guess at x_0 and corrects it, in units of its standard error: the skip and output
    scaling of Karras et al. 2022 (eq. 7), with a covariance in place of one variance. A
    dense network with a bottleneck cannot make them itself; without, it has to reproduce or
    cancel the noise of all positions through the bottleneck.
    """

    schedule: Schedule
    target: str
    mask: torch.Tensor
    prior: GaussianPrior | None = None

    def __post_init__(self):
        if self.target not in TARGETS:
            raise InputError(
                f"diffusion target {self.target!r} is unknown; use one of {', '.join(TARGETS)}"
            )
        alpha_bar = self.schedule.alpha_bar
        # square roots in float64: 1 - alpha_bar cancels near t = 0
        levels = torch.stack([alpha_bar.sqrt(), (1 - alpha_bar).sqrt()], dim=1)  # [T + 1, 2]
        object.__setattr__(self, "_levels", levels.to(self.mask.device, torch.float32))
        object.__setattr__(self, "_log_alpha_bar", alpha_bar.log().to(self.mask.device))

    def levels(self, times):
        """signal and sigma, each [N, 1, 1] float32, at times [N] in 0..T.

        times: int64, or floating point for times between the steps.
        """
        if not times.is_floating_point():
            return self._levels[times, :, None, None].unbind(dim=1)
        log_alpha_bar = between_steps(self._log_alpha_bar, times)[:, None, None]
        signal, sigma = (log_alpha_bar / 2).exp(), (-log_alpha_bar.expm1()).sqrt()
        return signal.float(), sigma.float()

    def draw_noise(self, n_rows: int, generator: torch.Generator):
        """Standard normal noise [N, G, K], 0 at padded positions."""
        device = self.mask.device
        noise = torch.randn((n_rows, *self.mask.shape), generator=generator, device=device)
        return noise * self.mask

    def draw_times(self, n_rows: int, generator: torch.Generator, *, continuous: bool = False):
        """Times [N]: int64, uniform on 1..T; `continuous`: float32, uniform on (0, T]."""
        last = self.schedule.n_steps
        device = self.mask.device
        if continuous:
            return last * (1 - torch.rand(n_rows, generator=generator, device=device))
        return torch.randint(1, last + 1, (n_rows,), generator=generator, device=device)

    def predict(self, network, x_t, times, labels):
        """The network's prediction of the target, float32 [N, G, K], 0 at padded positions."""
        fraction = times.to(torch.float32) / self.schedule.n_steps
        if self.prior is None:
            return network(x_t, fraction, labels).float() * self.mask
        levels = self.levels(times)
        guess = self.prior.guess(x_t, *levels)
        correction = network(guess, fraction, labels, residual=False).float()
        x0 = guess + self.prior.error_scale(*levels) * correction
        return from_x0(self.target, x0, x_t, *levels) * self.mask

    def prediction_to_x0(self, prediction, x_t, times):
        """The x_0 [N, G, K] that a prediction at x_t and times [N] stands for."""
        return to_x0(self.target, prediction, x_t, *self.levels(times))

    def mean_losses(self, network, x0, time: int, labels, n_draws: int, generator, stretches=None):
        """Loss of each row at one time, the mean of `n_draws` draws of noise, float64.

        All rows get the same noise, so that it does not tell them apart. [N]; with stretches, M
        slices of the blocks: [N, M].
        """
        times = torch.full((len(x0),), time, dtype=torch.int64, device=x0.device)
        errors = 0
        for _ in range(n_draws):
            noise = self.draw_noise(1, generator).expand_as(x0)
            errors = errors + self._errors(network, x0, times, noise, labels) / n_draws  # [N, G]
        parts = [
            errors[:, some].double().sum(dim=1) / self.mask[some].sum().clamp(min=1)
            for some in stretches or [slice(None)]
        ]
        return torch.stack(parts, dim=1) if stretches else parts[0]

    def row_losses(self, network, x0, times, noise, labels, counted=None):
        """Squared error of the network on each row, before any weighting by time.

        x0, noise [N, G, K]; times [N] as in `levels`; labels [N], see `denoisers`; counted: bool
        [N, G], positions whose errors count, None for all. Returns [N].
        """
        errors = self._errors(network, x0, times, noise, labels)
        if counted is not None:
            errors = errors * counted
        return errors.sum(dim=1) / self.mask.sum()

    def _errors(self, network, x0, times, noise, labels):
        """Squared errors of rows, by block: [N, G]."""
        levels = self.levels(times)
        prediction = self.predict(network, add_noise(x0, noise, *levels), times, labels)
        truth = target_value(self.target, x0, noise, *levels)
        return _block_errors(prediction, truth, self.mask)
