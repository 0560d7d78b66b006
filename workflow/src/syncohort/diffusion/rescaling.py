"""What a network predicts, scaled to what people bear out who were not trained on.

For the mean of x_0 given x_t, and along any axis u, E[(u x_0)(u x_0_hat)] = E[(u x_0_hat)^2]: x_0 has a slope
of 1 on its prediction. A trained network departs from it in two ways. Along what neighbouring blocks
have in common its predictions are too small, and drawn people vary too little; across it they are too
large, where noise is high worse than none, for there it has learned how its training rows join
blocks. So predictions are multiplied by the slopes, found on validation rows at a few times: one for
each band of the principal axes of windows of neighbouring blocks, and one for the rest. They are some
hundred numbers, whatever the width; the axes are those of training rows (docs/methods.md, 1.3).

Axes: N rows, G gene blocks, K channels, W windows, D numbers of a window, A axes of a window, B bands
of axes, M times.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from syncohort.diffusion.guidance import conditional_denoiser
from syncohort.diffusion.process import add_noise
from syncohort.diffusion.validation import Counted
from syncohort.errors import InputError
from syncohort.files import load_arrays, save_arrays
from syncohort.generators.conditioning import Told, conditions_of, on_device
from syncohort.generators.latents import LatentFiles, rows_at_once
from syncohort.generators.rows import EncodedPeople
from syncohort.genotypes import slices
from syncohort.seeds import child_seed
from syncohort.training.devices import autocast, resolve_device

WINDOW_BLOCKS = 128
NUMBERS_PER_AXIS, ROWS_PER_AXIS = 8, 10
MOST_ROWS = 8_192  # that axes are fitted to
DRAWS = 512  # rows with noise at each time
# Of the axes of a window, and of T.
_BAND_ENDS = (1 / 40, 1 / 12, 1 / 6, 1 / 4, 3 / 8, 1 / 2, 3 / 4, 1)
_TIMES = (0.01, 0.03, 0.05, *np.arange(0.1, 0.95, 0.1), 0.85, 0.95, 0.98, 1)
LARGEST_SLOPE = 1.25
_KIND = "syncohort rescaling 1"
_ROWS, _NOISE = range(2)  # random streams


@dataclass(frozen=True, eq=False)
class Rescaling:
    """What predictions are multiplied by.

    axes: [W, A, D] float32, orthonormal in each window; bands: [A] int64, from 0 to B - 1; times: [M]
    float32, rising; slopes: [M, B + 1] float32, the last those of the rest.
    """

    axes: torch.Tensor
    bands: torch.Tensor
    times: torch.Tensor
    slopes: torch.Tensor

    def __call__(self, x0, t: int):
        """Predictions x_0 [N, G, K] at time t, scaled."""
        slopes = self._at(t)
        with torch.autocast(x0.device.type, enabled=False):
            along = self.along(x0) * (slopes[self.bands] - slopes[-1])
            moved = torch.einsum("nwa,wad->nwd", along, self.axes).flatten(1)
            return slopes[-1] * x0 + moved[:, : x0[0].numel()].view_as(x0)

    def along(self, x0):
        """x_0 [N, G, K] along the axes: [N, W, A]."""
        return torch.einsum("nwd,wad->nwa", in_windows(x0, self.axes.shape[2]), self.axes)

    def _at(self, t: int):
        """The slopes [B + 1] of a time, between those that were measured."""
        after = int(torch.searchsorted(self.times, float(t)).clamp(1, len(self.times) - 1))
        first, last = self.times[after - 1], self.times[after]
        share = ((t - first) / (last - first)).clamp(0, 1)
        return torch.lerp(self.slopes[after - 1], self.slopes[after], share)

    def to(self, device: torch.device) -> "Rescaling":
        """The same, its tensors on a device."""
        parts = (self.axes, self.bands, self.times, self.slopes)
        return Rescaling(*(each.to(device) for each in parts))

    def save(self, path: str | Path) -> None:
        """Write it to one .npz file."""
        arrays = {name: each.cpu().numpy() for name, each in vars(self).items()}
        save_arrays(path, _KIND, arrays)

    @staticmethod
    def load(path: str | Path, shape: tuple[int, int]) -> "Rescaling":
        """Read what `save` wrote. shape: (G, K) of the network it must be of; else InputError."""
        parts = {name: torch.from_numpy(each) for name, each in load_arrays(path, _KIND).items()}
        found = Rescaling(**parts)
        wanted = in_windows(torch.empty(0, *shape), WINDOW_BLOCKS * shape[1]).shape[1:]
        if found.axes.shape[::2] != wanted:
            raise InputError(
                f"{path}: rescales {found.axes.shape[0]} windows of {found.axes.shape[2]} numbers, the "
                f"network has {wanted[0]} of {wanted[1]}; fit the rescaling again"
            )
        return found


def in_windows(x0, n_numbers: int):
    """x_0 [N, G, K] as windows of neighbouring blocks [N, W, D], the last one filled up with 0."""
    flat = x0.flatten(1)
    return torch.nn.functional.pad(flat, (0, -flat.shape[1] % n_numbers)).unflatten(
        1, (-1, n_numbers)
    )


def fit_rescaling(
    generator,
    encoded: EncodedPeople,
    *,
    scores: np.ndarray | None,
    seed: int,
    device: str = "auto",
) -> Rescaling:
    """What the predictions of a trained network are multiplied by.

    Args:
        generator: the diffusion model, a `model.Generator`.
        encoded: the latents it was trained with; training rows give the axes, validation rows the slopes.
        scores: [N, A] float32, the global vectors it was told; None: none.
        seed: of rows and noise.
        device: "auto", "cpu" or "cuda".

    Raises InputError where there are no validation rows.
    """
    place = resolve_device(device)
    rows = _Rows(generator, encoded, scores, place)
    validation = np.flatnonzero(encoded.rows.is_validation)
    if not len(validation):
        raise InputError(
            "there are no validation people, by whom sampling.rescaled goes; raise split.validation"
        )
    axes = _fit_axes(rows, encoded.whole_training_rows(), generator.mask, place)
    ends = np.ceil(np.array(_BAND_ENDS) * axes.shape[1]).astype(int)
    bands = torch.from_numpy(np.searchsorted(ends, np.arange(axes.shape[1]), side="right"))
    last = generator.config["n_steps"]
    times = torch.tensor(sorted({max(1, round(part * last)) for part in _TIMES}))
    unscaled = torch.ones(len(times), len(ends) + 1, device=place)
    found = Rescaling(axes, bands.to(place), times.float().to(place), unscaled)
    chosen = np.random.default_rng(child_seed(seed, _ROWS)).permutation(
        np.resize(validation, DRAWS)
    )
    noise = torch.Generator(place).manual_seed(child_seed(seed, _NOISE))
    slopes = [_slopes(rows, chosen, int(t), found, noise) for t in times]
    return Rescaling(found.axes, found.bands, found.times, torch.stack(slopes))


class _Rows:
    """x_0 of rows, and what the network predicts of them."""

    def __init__(self, generator, encoded: EncodedPeople, scores, place: torch.device):
        self._generator, self._place = generator, place
        self._files = LatentFiles(encoded.paths, encoded.masks)
        _, self._conditions = conditions_of(encoded.rows)
        self._told = self._conditions if scores is None else Told(self._conditions, scores)
        self._process, self._network = generator.process(place), generator.network.to(place).eval()
        self._counted = Counted.of(encoded, place)

    def counted(self, values, rows: np.ndarray):
        """Values [n, G, K] of rows, 0 where the second row of a man is his first again."""
        if self._counted is None:
            return values
        return values * self._counted[torch.from_numpy(rows).to(self._place)][..., None]

    def x0(self, rows: np.ndarray):
        """x_0 [n, G, K] of rows, and the same rows in order: their latents are read forwards."""
        rows = np.sort(rows)
        latents = self._files[rows]
        self._generator.normalisation.apply(latents, self._conditions[rows])
        return torch.from_numpy(latents).to(self._place), rows

    def predicted(self, x0, rows: np.ndarray, t: int, noise: torch.Generator):
        """Predictions [n, G, K] of x_0 with noise of time t."""
        denoise = conditional_denoiser(
            self._process,
            self._network,
            on_device(self._told[rows], self._place),
            guidance_scale=1,
            null_label=self._generator.n_classes,
        )
        levels = self._process.levels(torch.full((len(x0),), t, device=self._place))
        x_t = add_noise(x0, self._process.draw_noise(len(x0), noise), *levels)
        with autocast(self._place):
            return denoise(x_t, t)


def _fit_axes(rows: _Rows, training: np.ndarray, mask, place: torch.device):
    """Principal axes [W, A, D] of windows, of training rows at even distances."""
    training = training[:: -(-len(training) // MOST_ROWS)]
    n_numbers = WINDOW_BLOCKS * mask.shape[1]
    square = 0
    for part in slices(len(training), rows_at_once(mask.numel())):
        windows = in_windows(rows.x0(training[part])[0], n_numbers).transpose(0, 1)  # [W, n, D]
        square += windows.transpose(1, 2) @ windows
    real = in_windows(mask[None].to(place, torch.float32), n_numbers)[0]  # [W, D], 0 where padded
    square.diagonal(dim1=1, dim2=2).sub_(1 - real)  # no axis is of both
    numbers = int(mask.sum()) / len(square)
    n_axes = max(1, min(int(numbers / NUMBERS_PER_AXIS), len(training) // ROWS_PER_AXIS))
    leading = [torch.linalg.eigh(each).eigenvectors[:, -n_axes:].T.flip(0) for each in square]
    return torch.stack(leading) * real[:, None]


@torch.inference_mode()
def _slopes(rows: _Rows, chosen: np.ndarray, t: int, unscaled: Rescaling, noise):
    """Slopes [B + 1] of x_0 on its prediction at a time."""
    n_bands, products, squares = unscaled.slopes.shape[1] - 1, [], []
    chosen = np.sort(chosen)
    for part in slices(len(chosen), rows_at_once(unscaled.axes[:, 0].numel())):
        x0, own = rows.x0(chosen[part])
        x0, guess = (rows.counted(each, own) for each in (x0, rows.predicted(x0, own, t, noise)))
        true, along = unscaled.along(x0), unscaled.along(guess)
        products.append(_by_band(true * along, x0 * guess, unscaled.bands, n_bands))
        squares.append(_by_band(along**2, guess**2, unscaled.bands, n_bands))
    row = torch.from_numpy(np.unique(chosen, return_inverse=True)[1]).to(unscaled.bands.device)
    slopes = shrunk_slopes(torch.cat(products), torch.cat(squares), row)
    return slopes.clamp(0, LARGEST_SLOPE).float()


def _by_band(along, everything, bands, n_bands: int):
    """Sums [n, B + 1] over bands of [n, W, A] along the axes, and the rest of the sum over all [n, G, K]."""
    of_axes = along.double().sum(dim=1)
    sums = torch.zeros(len(along), n_bands + 1, dtype=torch.float64, device=along.device)
    sums.index_add_(1, bands, of_axes)
    sums[:, -1] = everything.double().flatten(1).sum(dim=1) - of_axes.sum(dim=1)
    return sums


def shrunk_slopes(products, squares, row):
    """Slopes [B + 1], nearer to 1 the less certain they are.

    products, squares: [n, B + 1] float64, of draws; row: [n], which validation row each is of. A slope
    k of standard error s becomes 1 + (k - 1) (1 - s^2 / (k - 1)^2)^+ (James & Stein 1961, positive part), s by
    sums of rows as a ratio has it (Cochran 1977, chapter 6); of a single row it is 1.
    """
    total = squares.sum(dim=0).clamp(min=1e-30)
    slopes = products.sum(dim=0) / total
    n_rows = int(row.max()) + 1
    if n_rows == 1:
        return torch.ones_like(slopes)
    off = torch.zeros(n_rows, len(slopes), dtype=products.dtype, device=products.device)
    off.index_add_(0, row, products - slopes * squares)
    variance = off.square().sum(dim=0) / total**2 * n_rows / (n_rows - 1)
    excess = slopes - 1
    kept = (1 - variance / excess.square().clamp(min=1e-30)).clamp(min=0)
    return torch.where(squares.sum(dim=0) > 0, 1 + kept * excess, 1.0)
