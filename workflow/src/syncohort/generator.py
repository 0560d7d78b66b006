"""A label-conditional diffusion model of latents: its checkpoint and sampling from it.

Axes: N rows, G gene blocks of all chromosomes, K channels, C classes.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from syncohort import __version__
from syncohort.denoisers import build_denoiser
from syncohort.devices import resolve_device
from syncohort.diffusion.guidance import conditional_denoiser
from syncohort.diffusion.prior import GaussianPrior
from syncohort.diffusion.process import Process
from syncohort.diffusion.samplers import RowNoise, find_sampler
from syncohort.diffusion.schedules import make_schedule
from syncohort.errors import InputError, examples, raise_all
from syncohort.latents import Normalisation
from syncohort.seeds import child_seed

FORMAT = 1
PRIOR_PARTS = ("variance", "factors", "factor_variance")
_WEIGHTS = 2  # random stream beside those of the training loop


class Generator:
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
        self.config = config
        self.mask = torch.from_numpy(mask)
        self.normalisation = normalisation
        self.prior = prior
        self.network = build_denoiser(
            mask=self.mask,
            n_classes=self.n_classes,
            seed=child_seed(config["training"]["seed"], _WEIGHTS),
            **config["denoiser"],
        )

    @property
    def n_classes(self) -> int:
        """C; also the null label."""
        return len(self.config["class_names"])

    def process(self, device: torch.device) -> Process:
        """The diffusion process, its tensors on `device`."""
        return Process(
            make_schedule(self.config["schedule"], self.config["n_steps"]),
            self.config["target"],
            self.mask.to(device),
            None if self.prior is None else self.prior.to(device),
        )

    def label_indices(self, names) -> np.ndarray:
        """Class indices [n] int64 of labels [n] str. Raises InputError for unknown ones."""
        known = self.config["class_names"]
        index = {name: i for i, name in enumerate(known)}
        unknown = sorted(set(names) - set(known))
        if unknown:
            raise InputError(
                f"the generator was not trained on the labels {examples(unknown)}; "
                f"it knows {examples(known, limit=30)}"
            )
        return np.array([index[name] for name in names], dtype=np.int64)

    def sample_batches(
        self,
        labels: np.ndarray,
        *,
        sampler: str,
        steps: int,
        seed: int,
        guidance_scale: float = 1.0,
        batch_size: int = 256,
        device: str = "auto",
        first_row: int = 0,
    ) -> Iterator[np.ndarray]:
        """Sample rows, `batch_size` at a time: yield latents float32 [n, G, K].

        labels: [N] int64 in 0..C - 1; sampler, steps: see `diffusion.samplers`;
        guidance_scale: see `conditional_denoiser`; first_row: place of the first row in the
        cohort, which with `seed` decides its noise.

        Raises InputError for guidance without label dropout in training, an unknown
        sampler, or more steps than T.
        """
        if guidance_scale != 1 and not self.config["label_dropout"]:
            raise InputError(
                f"guidance_scale {guidance_scale:g} needs a generator trained with "
                "label_dropout above 0 (this one: 0); retrain it, or use guidance_scale 1"
            )
        draw = find_sampler(sampler)
        place = resolve_device(device)
        process, network = self.process(place), self.network.to(place).eval()
        for start in range(0, len(labels), batch_size):
            part = labels[start : start + batch_size]
            denoise = conditional_denoiser(
                process,
                network,
                torch.from_numpy(part).to(place),
                guidance_scale=guidance_scale,
                null_label=self.n_classes,
            )
            noise = RowNoise(seed, first_row + start, len(part), process.mask)
            with torch.inference_mode():
                x0 = draw(denoise, noise(), process.schedule, steps, noise)
            yield self.normalisation.undo(x0.cpu().numpy(), part)

    def sample(self, labels: np.ndarray, **options) -> np.ndarray:
        """Sample latents float32 [N, G, K] for labels [N]; options as in `sample_batches`."""
        empty = np.empty((0, *self.mask.shape), dtype=np.float32)
        return np.concatenate([empty, *self.sample_batches(labels, **options)])

    def save(self, path: str | Path) -> None:
        """Write the checkpoint: one safetensors file with `config` as JSON in its header."""
        weights = {f"network.{name}": each for name, each in self.network.state_dict().items()}
        tensors = weights | {
            "mask": self.mask,
            "center": torch.from_numpy(self.normalisation.center),
            "scale": torch.from_numpy(self.normalisation.scale),
        }
        if self.prior is not None:
            tensors |= {f"prior.{name}": getattr(self.prior, name) for name in PRIOR_PARTS}
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(path.name + ".partial")
        tensors = {name: each.cpu().contiguous() for name, each in tensors.items()}
        save_file(tensors, partial, metadata={"config": json.dumps(self.config, sort_keys=True)})
        os.replace(partial, path)


def load_generator(
    path: str | Path, gene_pca_fingerprints: dict[str, str] | None = None
) -> Generator:
    """Read a checkpoint. `gene_pca_fingerprints`, if given, must be those it was trained with.

    Raises InputError when the file is missing, is no checkpoint of this format, or belongs
    to other gene PCA models.
    """
    if not Path(path).exists():
        raise InputError(f"{path}: no such generator checkpoint")
    try:
        with safe_open(path, framework="pt") as file:
            config = json.loads((file.metadata() or {}).get("config", "{}"))
            tensors = {name: file.get_tensor(name) for name in sorted(file.keys())}
    except SafetensorError as error:
        raise InputError(f"{path}: not a generator checkpoint ({error})") from error
    if config.get("format") != FORMAT:
        raise InputError(
            f"{path}: checkpoint format {config.get('format')}, syncohort {__version__} reads "
            f"format {FORMAT}; train the generator again"
        )
    _check_gene_pca(path, config["gene_pca_fingerprints"], gene_pca_fingerprints)
    prior = _part_of(tensors, "prior.")
    generator = Generator(
        config,
        tensors["mask"].numpy(),
        Normalisation(tensors["center"].numpy(), tensors["scale"].numpy()),
        GaussianPrior(**prior) if prior else None,
    )
    generator.network.load_state_dict(_part_of(tensors, "network."))
    return generator


def _part_of(tensors: dict, prefix: str) -> dict:
    found = {name: each for name, each in tensors.items() if name.startswith(prefix)}
    return {name.removeprefix(prefix): each for name, each in found.items()}


def _check_gene_pca(path, trained_with: dict, given: dict | None) -> None:
    if given is None or given == trained_with:
        return
    differing = [
        f"chromosome {name}: generator {trained_with.get(name)}, given {given.get(name)}"
        for name in sorted(trained_with.keys() | given.keys())
        if trained_with.get(name) != given.get(name)
    ]
    raise_all(
        differing, f"{path}: the generator was trained on the latents of other gene PCA models"
    )
