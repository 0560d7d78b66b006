"""What every generator of latents has in common: its labels and its checkpoint.

Axes: N rows, G gene blocks of all chromosomes, K channels, C classes.
"""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open

from syncohort import __version__
from syncohort.errors import InputError, examples, raise_all
from syncohort.files import sha256
from syncohort.generators.conditioning import labels_of, positions, scores_of
from syncohort.generators.rows import EncodedPeople, LatentRows, batch_rows
from syncohort.genotypes import People
from syncohort.training.devices import resolve_device
from syncohort.training.tensor_file import write_tensors

FORMAT = 4


class LatentGenerator(ABC):
    """A fitted model that draws latents of people with given labels.

    config: plain dict, what the checkpoint carries as JSON, with `class_names`, `anchors` where
    it is conditioned on values (see `conditioning`) and `representation_fingerprints`; mask: bool [G, K],
    True where a block has a component.
    """

    def __init__(self, config: dict, mask: np.ndarray):
        self.config = config
        self.mask = torch.from_numpy(mask)

    @property
    def n_classes(self) -> int:
        """C, classes or anchors; also the null label."""
        return len(self.config.get("anchors") or self.config["class_names"])

    def conditions(self, people: People) -> np.ndarray:
        """What the generator is conditioned on: classes [S] int64 or positions [S] float32.

        Raises InputError for labels it was not trained on, or people without a value.
        """
        if self.config.get("anchors"):
            return positions(people.value, self.config["anchors"])
        return self.label_indices(people.label)

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

    @property
    def batch_rows(self) -> int:
        """Rows that are drawn together, see `rows.batch_rows`."""
        return batch_rows(self.mask.numel())

    @abstractmethod
    def drawer(
        self, place: torch.device, **options
    ) -> Callable[[np.ndarray, int, int], np.ndarray]:
        """Return draw(labels, seed, first_row) -> latents float32 [n, G, K] of one batch.

        place: where it is computed; options: the model's own; the others: see `sample_batches`.
        """

    def sample_batches(
        self,
        labels: np.ndarray,
        *,
        seed: int,
        batch_size: int | None = None,
        device: str = "auto",
        first_row: int = 0,
        **options,
    ) -> Iterator[np.ndarray]:
        """Sample rows, `batch_size` at a time: yield latents float32 [n, G, K].

        labels: [N], what `conditions` gives; batch_size: None for `batch_rows`; first_row: place
        of the first row in the cohort, which with `seed` decides its noise; options: see `drawer`.
        """
        batch_size = batch_size or self.batch_rows
        draw = self.drawer(resolve_device(device), **options)
        for start in range(0, len(labels), batch_size):
            with torch.inference_mode():
                latents = draw(labels[start : start + batch_size], seed, first_row + start)
            yield latents

    def sample(self, labels: np.ndarray, **options) -> np.ndarray:
        """Sample latents float32 [N, G, K] for labels [N]; options as in `sample_batches`."""
        empty = np.empty((0, *self.mask.shape), dtype=np.float32)
        return np.concatenate([empty, *self.sample_batches(labels, **options)])

    @abstractmethod
    def tensors(self) -> dict[str, torch.Tensor]:
        """All that is fitted, by name, but for `mask`."""

    @staticmethod
    @abstractmethod
    def restore(config: dict, tensors: dict[str, torch.Tensor]) -> "LatentGenerator":
        """The generator of a checkpoint's config and tensors, `mask` among them."""

    def save(self, path: str | Path) -> None:
        """Write the checkpoint: one safetensors file with `config` as JSON in its header."""
        config = json.dumps(self.config, sort_keys=True)
        write_tensors(path, config, {"mask": self.mask, **self.tensors()})


def require_training_rows(rows: LatentRows) -> None:
    """Raise InputError for a class that no training row carries."""
    trained = np.bincount(rows.labels[~rows.is_validation], minlength=len(rows.class_names))
    empty = [name for name, count in zip(rows.class_names, trained, strict=True) if not count]
    if empty:
        raise InputError(
            f"no training people carry the labels {examples(empty)}; a generator cannot learn "
            "them. Merge or drop these labels, or make the training share larger."
        )


def describe(
    kind: str,
    encoded: EncodedPeople,
    conditions: np.ndarray,
    representation_fingerprints: dict[str, str] | None,
    **settings,
) -> dict:
    """The config of a checkpoint: what the generator is, and what it was fitted to.

    kind: of the generator; encoded: the latents; conditions: [N], the labels or positions it is
    conditioned on, or `Told`; settings: those of this kind of generator.
    """
    scores = scores_of(conditions)
    rows = labels_of(conditions).tobytes() + encoded.rows.is_validation.tobytes()
    if scores is not None:
        rows += scores.tobytes()
    return {
        "format": FORMAT,
        "kind": kind,
        "package_version": __version__,
        "class_names": encoded.rows.class_names,
        "latents_sha256": [sha256(path) for path in encoded.paths],
        "rows_sha256": hashlib.sha256(rows).hexdigest(),
        "representation_fingerprints": representation_fingerprints or {},
        **settings,
    }


def read_checkpoint(
    path: str | Path, representation_fingerprints: dict[str, str] | None = None
) -> tuple[dict, dict[str, torch.Tensor]]:
    """Read the config and the tensors of a checkpoint.

    representation_fingerprints, if given, must be those the generator was trained with.

    Raises InputError when the file is missing, is no checkpoint of this format, or belongs
    to other representations.
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
    _check_representation(path, config["representation_fingerprints"], representation_fingerprints)
    return config, tensors


def part_of(tensors: dict, prefix: str) -> dict:
    """The tensors whose names start with `prefix`, by the rest of their names."""
    found = {name: each for name, each in tensors.items() if name.startswith(prefix)}
    return {name.removeprefix(prefix): each for name, each in found.items()}


def _check_representation(path, trained_with: dict, given: dict | None) -> None:
    if given is None or given == trained_with:
        return
    differing = [
        f"{name}: generator {trained_with.get(name)}, given {given.get(name)}"
        for name in sorted(trained_with.keys() | given.keys())
        if trained_with.get(name) != given.get(name)
    ]
    raise_all(
        differing, f"{path}: the generator was trained on the latents of other representations"
    )
