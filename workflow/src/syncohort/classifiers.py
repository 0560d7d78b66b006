"""Classifiers of the label from genotype dosages, and how well they do on unseen people.

Axes: V variants, S people, C classes, K fitted classifiers (one per seed).
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from scipy.stats import rankdata
from sklearn.linear_model import LogisticRegression
from torch import nn

from syncohort.dosages import DosageScale
from syncohort.errors import InputError, examples
from syncohort.seeds import child_seed
from syncohort.training import fit

KINDS = ("mlp", "logistic")
WIDTH = 512
BATCH_SIZE = 32
LEARNING_RATE = 1e-4
WEIGHT_DECAY = 0.01
INVERSE_PENALTIES = (0.1, 1.0, 10.0, 100.0, 1000.0)
MIN_FREQUENCY = 0.01
VARIANTS_AT_ONCE = 4_096
PEOPLE_AT_ONCE = 1_024


class GenotypeMLP(nn.Module):
    """Dosages [S, V] -> 512 -> one residual pair 512-512 -> C, GELU (METHODS 1.4)."""

    def __init__(self, n_variants: int, n_classes: int, width: int = WIDTH):
        super().__init__()
        self.enter = nn.Linear(n_variants, width)
        self.pair = nn.Sequential(
            nn.Linear(width, width), nn.GELU(), nn.Linear(width, width), nn.GELU()
        )
        self.leave = nn.Linear(width, n_classes)

    def forward(self, x):
        h = F.gelu(self.enter(x))  # [S, W]
        return self.leave(h + self.pair(h))  # [S, C]


@dataclass(frozen=True)
class Classifier:
    """A fitted classifier.

    kind: "mlp" or "logistic"; classes [C] str, sorted; scale: centre and scale of the
    training people; network: standardised dosages [S, V] -> logits [S, C]; chosen: what the
    validation people chose, "epoch" of the mlp or "inverse_penalty" of the logistic one.
    """

    kind: str
    classes: np.ndarray
    scale: DosageScale
    network: nn.Module
    chosen: dict[str, float]

    def probabilities(self, dosages: np.ndarray) -> np.ndarray:
        """Probability of each class, float64 [S, C], for dosages int8 [S, V], -1 missing."""
        device = next(self.network.parameters()).device
        parts = [np.empty((0, len(self.classes)))]
        for start in range(0, len(dosages), PEOPLE_AT_ONCE):
            scaled = self.scale.apply(dosages[start : start + PEOPLE_AT_ONCE])
            with torch.no_grad():
                logits = self.network(torch.from_numpy(scaled).to(device)).double()
            parts.append(logits.softmax(dim=1).cpu().numpy())
        return np.concatenate(parts)


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


def train_classifier(
    dosages: np.ndarray,
    labels: np.ndarray,
    validation_dosages: np.ndarray,
    validation_labels: np.ndarray,
    kind: str,
    *,
    seed: int,
    epochs: int = 30,
    device: str | torch.device = "cpu",
) -> Classifier:
    """Train on dosages int8 [S, V] (-1 missing) and labels [S] str.

    The validation people choose the mlp's epoch (of `epochs`) and the logistic
    regression's penalty, by cross-entropy; those with a label that no training person has
    are left out. device: where the mlp is trained, a resolved torch device.

    Raises InputError for fewer than two training labels or no validation person to use.
    """
    classes, target = np.unique(np.asarray(labels).astype(str), return_inverse=True)
    validation_labels = np.asarray(validation_labels).astype(str)
    known = np.isin(validation_labels, classes)
    if len(classes) < 2:
        raise InputError(
            f"a classifier needs training people of at least 2 labels; found "
            f"{len(labels)} people with {examples(classes) or 'none'}"
        )
    if not known.any():
        raise InputError(
            f"a classifier needs validation people with a label of the training people "
            f"({examples(classes)}); found {len(known)} people, none with such a label"
        )
    scale = DosageScale.fit(dosages, MIN_FREQUENCY)
    validation_target = np.searchsorted(classes, validation_labels[known])
    train = {"mlp": _train_mlp, "logistic": _train_logistic}[kind]
    network, chosen = train(
        _People(dosages, target, scale),
        _People(validation_dosages[known], validation_target, scale),
        len(classes),
        seed=seed,
        epochs=epochs,
        device=torch.device(device),
    )
    return Classifier(kind, classes, scale, network, chosen)
