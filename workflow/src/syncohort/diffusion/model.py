"""A label-conditional diffusion model of latents: its checkpoint and sampling from it.

Axes: N rows, G gene blocks of all chromosomes, K channels, C classes.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from syncohort.diffusion.centring import Centring
from syncohort.diffusion.denoisers import build_denoiser
from syncohort.diffusion.guidance import conditional_denoiser
from syncohort.diffusion.prior import GaussianPrior
from syncohort.diffusion.process import Process, add_noise
from syncohort.diffusion.rescaling import Rescaling
from syncohort.diffusion.samplers import find_sampler, sampling_times, times_left
from syncohort.diffusion.schedules import make_schedule
from syncohort.errors import InputError
from syncohort.generators.base import LatentGenerator, part_of, read_checkpoint
from syncohort.generators.conditioning import labels_of, on_device
from syncohort.generators.latents import Normalisation
from syncohort.generators.noise import RowNoise
from syncohort.seeds import child_seed
from syncohort.training.devices import autocast

PRIOR_PARTS = ("variance", "factors", "factor_variance")
_WEIGHTS = 2  # random stream beside those of the training loop


class Generator(LatentGenerator):
    """A diffusion model with all it takes to sample from it.

    config: plain dict, what the checkpoint carries as JSON; mask: bool array [G, K];
    normalisation: between latents and x_0; prior: of x_0, or None. The network starts with
    the random weights of config["training"]["seed"].
    """

    def __init__(
        self,
        config: dict,
        mask: np.ndarray,
        normalisation: Normalisation,
        prior: GaussianPrior | None,
    ):
        super().__init__(config, mask)
        self.normalisation = normalisation
        self.prior = prior
        self.network = build_denoiser(
            mask=self.mask,
            n_classes=self.n_classes,
            seed=child_seed(config["training"]["seed"], _WEIGHTS),
            **config["denoiser"],
        )

    def begin_with(self, other: "Generator") -> None:
        """Take the weights of a model of the same shape for other people.

        What its network learned of a label goes to the label of the same name; a label that it does
        not know, or an anchor of a trait's values, begins as "no label".
        """
        no_label = other.n_classes
        known = {name: row for row, name in enumerate(other.config["class_names"])}
        own = [""] * self.n_classes if self.config.get("anchors") else self.config["class_names"]
        rows = [*(known.get(name, no_label) for name in own), no_label]
        weights = other.network.state_dict()
        tables = {name: weights[name][rows] for name in other.network.LABEL_TABLES}
        self.network.load_state_dict(weights | tables)

    def process(self, device: torch.device) -> Process:
        """The diffusion process, its tensors on `device`."""
        return Process(
            make_schedule(self.config["schedule"], self.config["n_steps"]),
            self.config["target"],
            self.mask.to(device),
            None if self.prior is None else self.prior.to(device),
        )

    def drawer(self, place: torch.device, **sampling) -> Callable:
        """See `LatentGenerator`; sampling, errors: see `_solver`."""
        solve, times = self._solver(place, **sampling)

        def draw(labels, seed, first_row):
            return solve(labels, seed, first_row, lambda noise: noise(), times)

        return draw

    def refiner(self, place: torch.device, *, refined_from: float, **sampling) -> Callable:
        """Function (latents [N, G, K], labels, seed, first_row) of latents drawn anew from given ones.

        The forward process takes the given latents to the time `refined_from` T, or the sampling
        time before it, and the sampler brings them back (Meng et al. 2022, SDEdit, algorithm 1).
        What is wrong at small scale is drawn again; what is seen through the noise stays. The
        given float32 array is overwritten.

        place, sampling, errors: see `_solver`.
        """
        solve, times = self._solver(place, **sampling)
        left = times_left(times, refined_from * self.config["n_steps"])
        process = self.process(place)

        def refine(latents, labels, seed, first_row):
            self.normalisation.apply(latents, labels_of(labels))
            x0 = torch.from_numpy(latents).to(place) * process.mask
            levels = process.levels(torch.full((len(x0),), left[0], device=place))
            return solve(
                labels, seed, first_row, lambda noise: add_noise(x0, noise(), *levels), left
            )

        return refine

    def _solver(
        self,
        place: torch.device,
        *,
        sampler: str,
        steps: int,
        spacing: str = "time",
        guidance_scale: float = 1.0,
        centred: bool = False,
        rescaling: str | Path | None = None,
    ) -> tuple[Callable, list[int]]:
        """How rows are drawn, and the sampling times.

        The function (labels, seed, first_row, begin, times) draws latents from begin(noise), x_t
        at the first of the times. sampler, steps, spacing: see `diffusion.samplers`; guidance_scale:
        see `conditional_denoiser`; centred: with `Centring`, over the rows of a batch; rescaling:
        file of the network's `Rescaling`, None for predictions as they are.

        Raises InputError for guidance without label dropout in training, centring without
        labels' means, an unknown sampler, or more steps than T.
        """
        if guidance_scale != 1 and not self.config["label_dropout"]:
            raise InputError(
                f"guidance_scale {guidance_scale:g} needs a generator trained with "
                "label_dropout above 0 (this one: 0); retrain it, or use guidance_scale 1"
            )
        if centred and not self.config["residual_from_class_mean"]:
            raise InputError(
                "centred sampling needs a generator trained with residual_from_class_mean (this "
                "one: without); retrain it, or use centred: false"
            )
        sample = find_sampler(sampler)
        process, network = self.process(place), self.network.to(place).eval()
        times = sampling_times(process.schedule, steps, spacing)
        scaled = None
        if rescaling is not None:
            scaled = Rescaling.load(rescaling, tuple(self.mask.shape)).to(place)

        def solve(labels, seed, first_row, begin, times):
            conditions = on_device(labels, place)
            denoise = conditional_denoiser(
                process,
                network,
                conditions,
                guidance_scale=guidance_scale,
                null_label=self.n_classes,
                rescaling=scaled,
                centre=Centring(conditions, self.config["label_rows"]) if centred else None,
            )
            noise = RowNoise(seed, first_row, len(labels), process.mask)
            with autocast(place):
                x0 = sample(denoise, begin(noise), process.schedule, times, noise)
            return self.normalisation.undo(x0.cpu().numpy(), labels_of(labels))

        return solve, times

    @staticmethod
    def restore(config: dict, tensors: dict) -> "Generator":
        """The model of a checkpoint's config and tensors."""
        prior = part_of(tensors, "prior.")
        generator = Generator(
            config,
            tensors["mask"].numpy(),
            Normalisation(tensors["center"].numpy(), tensors["scale"].numpy()),
            GaussianPrior(**prior) if prior else None,
        )
        generator.network.load_state_dict(part_of(tensors, "network."))
        return generator

    def tensors(self) -> dict[str, torch.Tensor]:
        """Weights, normalisation and prior."""
        weights = {f"network.{name}": each for name, each in self.network.state_dict().items()}
        tensors = weights | {
            "center": torch.from_numpy(self.normalisation.center),
            "scale": torch.from_numpy(self.normalisation.scale),
        }
        if self.prior is not None:
            tensors |= {f"prior.{name}": getattr(self.prior, name) for name in PRIOR_PARTS}
        return tensors


def load_generator(
    path: str | Path, representation_fingerprints: dict[str, str] | None = None
) -> Generator:
    """Read the checkpoint of a diffusion model; arguments and errors as `read_checkpoint`."""
    return Generator.restore(*read_checkpoint(path, representation_fingerprints))
