"""A fitted global vector: the axes of the latents, and how people's scores on them are drawn.

Axes: N rows, P people, H rows of a person, D positions of all chromosomes, A axes, C labels.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch

from syncohort.errors import InputError, examples
from syncohort.files import load_arrays, save_arrays
from syncohort.generators.conditioning import mix
from syncohort.genotypes import People
from syncohort.global_vector.mixture import Mixture

_KIND = "syncohort global vector 1"


@dataclass(frozen=True, eq=False)
class GlobalVector:
    """What `fitting.fit_global_vector` found.

    class_names: C labels; scale: [A], standard deviation of training rows' scores along each axis;
    mixture: of scores / scale, by label; held_out_share: [A], see `axes.held_out_share`.
    """

    class_names: list[str]
    scale: np.ndarray
    mixture: Mixture
    held_out_share: np.ndarray

    @property
    def n_axes(self) -> int:
        """A."""
        return len(self.scale)

    def draw(self, people: People, seed: int) -> np.ndarray:
        """Global vectors float32 [P, H, A] of people, by their labels.

        A person's depends on the seed, the label and the place among the people alone. Raises
        InputError for labels nobody was trained on.
        """
        labels = people.label.astype(str)
        unknown = sorted(set(labels) - set(self.class_names))
        if unknown:
            raise InputError(
                f"the global vectors were not fitted to the labels {examples(unknown)}; draw the "
                "labels again"
            )
        return self.mixture.draw(np.searchsorted(self.class_names, labels), seed)

    def save(self, path: str | Path) -> None:
        """Write it."""
        parts = {field.name: getattr(self.mixture, field.name) for field in fields(Mixture)}
        arrays = {
            "class_names": np.array(self.class_names, dtype=object),
            "scale": self.scale,
            "held_out_share": self.held_out_share,
        }
        save_arrays(path, _KIND, arrays | parts)


@dataclass(frozen=True, eq=False)
class Projection:
    """From latents of all chromosomes to their global vectors.

    axes: [D, A]; offsets: [C, A], scores of the labels' or anchors' means; scale: [A].
    """

    axes: np.ndarray
    offsets: np.ndarray
    scale: np.ndarray

    def scores(self, parts: Iterator[np.ndarray], conditions: np.ndarray) -> np.ndarray:
        """Global vectors float32 [N, A] of the same N rows, given chromosome by chromosome.

        parts: latents [N, G_c, K] in the order of the chromosomes; conditions: [N].
        """
        known = mix(torch.from_numpy(np.array(self.offsets)), torch.from_numpy(conditions)).numpy()
        found, start = -known, 0
        for latents in parts:
            flat = latents.reshape(len(latents), -1)
            own = self.axes[start : start + flat.shape[1]]
            found += flat @ np.asarray(own) / self.scale
            start += flat.shape[1]
        return found.astype(np.float32)


def load_global_vector(path: str | Path) -> GlobalVector:
    """What `GlobalVector.save` wrote. Raises InputError for another file."""
    arrays = load_arrays(path, _KIND)
    mixture = Mixture(**{field.name: arrays.pop(field.name) for field in fields(Mixture)})
    names = [str(name) for name in arrays.pop("class_names")]
    return GlobalVector(names, mixture=mixture, **arrays)
