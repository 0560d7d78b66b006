"""Classifiers of the label from genotype dosages.

Axes: V variants, S people, C classes.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.linear_model import LogisticRegression
from torch import nn

from syncohort.classifiers.data import ClassifierData
from syncohort.classifiers.networks import NETWORKS
from syncohort.classifiers.polygenic import fit_polygenic
from syncohort.dosages import DosageScale
from syncohort.errors import InputError, examples
from syncohort.genotypes import slices
from syncohort.seeds import child_seed
from syncohort.training.loop import fit

KINDS = (*NETWORKS, "logistic", "xgboost", "polygenic")
DETERMINISTIC = ("logistic", "polygenic")  # a seed changes nothing
BATCH_SIZE = 64

# the paper's 1e-4 leaves the few weights of the convolutions unfinished after 30 epochs
LEARNING_RATES = {"mlp": 1e-4, "cnn": 1e-3, "transformer": 1e-4}
WEIGHT_DECAY = 0.01
WARMUP_STEPS = 100
PATIENCE = 5  # epochs without a lower validation loss
MIN_PATIENCE = 2  # the same, in validations
INVERSE_PENALTIES = (0.1, 1.0, 10.0, 100.0, 1000.0)
MIN_FREQUENCY = 0.01
VARIANTS_AT_ONCE = 4_096
PEOPLE_AT_ONCE = 128


@dataclass(frozen=True)
class Classifier:
    """A fitted classifier.

    kind: one of `KINDS`; classes [C] str, sorted; probabilities: dosages int8 [S, V], -1
    missing, -> probability of each class, float64 [S, C]; chosen: what the validation people
    chose, "passes" over the training people, "inverse penalty" of the logistic one, "rounds"
    of boosted trees, or "p at most" of a polygenic score's SNPs.
    """

    kind: str
    classes: np.ndarray
    probabilities: Callable[[np.ndarray], np.ndarray]
    chosen: dict[str, float]


def train_classifier(
    dosages: np.ndarray,
    labels: np.ndarray,
    validation_dosages: np.ndarray,
    validation_labels: np.ndarray,
    kind: str,
    *,
    seed: int,
    epochs: int = 30,
    people_per_epoch: int | None = None,
    device: str | torch.device = "cpu",
    threads: int = 1,
) -> Classifier:
    """Train on dosages int8 [S, V] (-1 missing) and labels [S] str.

    kind: one of `KINDS`. The validation people choose a network's passes over the training
    people, the logistic regression's penalty, the number of boosted trees and a polygenic
    score's SNPs, by cross-entropy: unlike accuracy it is fair to a rare label and does not
    hang on a few people. Those with a label that no training person has are left out.
    epochs: most epochs of a network; people_per_epoch: people shown in one (None: each
    once). With the same number, few and many training people are given the same work, and
    what differs is the people. device: where a network is trained, a resolved torch device;
    threads: processors for the trees.

    Raises InputError for fewer than two training labels or no validation person to use.
    """
    classes, target = np.unique(np.asarray(labels).astype(str), return_inverse=True)
    validation_labels = np.asarray(validation_labels).astype(str)
    known = np.isin(validation_labels, classes)
    if kind not in KINDS:
        raise InputError(f"classifier {kind!r} is unknown; use one of {', '.join(KINDS)}")
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
    data = ClassifierData(
        classes,
        dosages,
        target,
        validation_dosages[known],
        np.searchsorted(classes, validation_labels[known]),
    )
    if kind == "logistic":
        model, chosen = _train_logistic(data)
    elif kind == "xgboost":
        from syncohort.classifiers.trees import fit_trees  # a second to import

        model, chosen = fit_trees(data, seed=seed, threads=threads)
    elif kind == "polygenic":
        model, chosen = fit_polygenic(data)
    else:
        work = _Work.of(len(target), epochs, people_per_epoch or len(target))
        model, chosen = _train_network(kind, data, work, seed, torch.device(device))
    return Classifier(kind, classes, model, chosen)


@dataclass(frozen=True)
class _ScaledNetwork:
    """A network that reads dosages [S, V] standardised by the training people's scale."""

    network: nn.Module
    scale: DosageScale

    def __call__(self, dosages: np.ndarray) -> np.ndarray:
        return self.logits(dosages).softmax(dim=1).numpy()

    @torch.no_grad()
    def logits(self, dosages: np.ndarray) -> torch.Tensor:
        """Logits float64 [S, C] on the CPU, for dosages int8 [S, V]."""
        device = next(self.network.parameters()).device
        parts = []
        for start in range(0, max(len(dosages), 1), PEOPLE_AT_ONCE):
            scaled = self.scale.apply(dosages[start : start + PEOPLE_AT_ONCE])
            parts.append(self.network(torch.from_numpy(scaled).to(device)).double().cpu())
        return torch.cat(parts)

    def validation_loss(self, data: ClassifierData) -> float:
        logits = self.logits(data.validation_dosages)
        return F.cross_entropy(logits, torch.from_numpy(data.validation_target)).item()


@dataclass(frozen=True)
class _Work:
    """How long a network trains: passes over its people, and validations every so many."""

    passes: int
    validate_every: int
    patience: int

    @staticmethod
    def of(n_people: int, epochs: int, people_per_epoch: int) -> "_Work":
        passes_per_epoch = people_per_epoch / n_people
        validate_every = max(1, round(passes_per_epoch))
        return _Work(
            passes=max(1, round(epochs * passes_per_epoch)),
            validate_every=validate_every,
            patience=max(MIN_PATIENCE, round(PATIENCE * passes_per_epoch / validate_every)),
        )


def _train_network(kind, data: ClassifierData, work: _Work, seed: int, device: torch.device):
    with torch.random.fork_rng():
        torch.manual_seed(child_seed(seed, 0))  # layers draw from the global generator
        network = NETWORKS[kind](data.dosages.shape[1], len(data.classes))
    scale = DosageScale.fit(data.dosages, MIN_FREQUENCY)
    dosages = torch.from_numpy(data.dosages).to(device)  # int8: a quarter of the memory
    target = torch.from_numpy(data.target).to(device)
    mean = torch.from_numpy(scale.mean).to(device)
    inverse_scale = torch.from_numpy(scale.inverse_scale).to(device)

    def loss(model, rows, _generator):
        batch = dosages[rows]
        x = torch.where(batch < 0, 0, (batch - mean) * inverse_scale)
        return F.cross_entropy(model(x), target[rows])

    result = fit(
        network,
        loss,
        len(data.target),
        epochs=work.passes,
        batch_size=BATCH_SIZE,
        learning_rate=LEARNING_RATES[kind],
        weight_decay=WEIGHT_DECAY,
        warmup_steps=WARMUP_STEPS,
        seed=child_seed(seed, 1),
        device=device,
        patience=work.patience,
        validate_every=work.validate_every,
        validate=lambda model: {"loss": _ScaledNetwork(model, scale).validation_loss(data)},
    )
    return _ScaledNetwork(network, scale), {"passes": result.best_epoch}


def _train_logistic(data: ClassifierData):
    """L2-penalised multinomial regression; nothing in it is random.

    Dosages are divided by sqrt(V), so that one penalty means the same for any number of
    variants.
    """
    scale = DosageScale.fit(data.dosages, MIN_FREQUENCY)
    coordinates, to_variants = _people_basis(data.dosages, scale)
    model = LogisticRegression(max_iter=1_000, warm_start=True)
    best, chosen, lowest = None, None, np.inf
    for inverse_penalty in INVERSE_PENALTIES:
        model.set_params(C=inverse_penalty).fit(coordinates, data.target)
        fitted = _ScaledNetwork(_linear(to_variants(model.coef_.T), model.intercept_), scale)
        loss = fitted.validation_loss(data)
        if loss < lowest:
            best, chosen, lowest = fitted, inverse_penalty, loss
    return best, {"inverse penalty": chosen}


def _people_basis(dosages: np.ndarray, scale: DosageScale):
    """Training people's coordinates [S, r] and the map of weights [r, C] to variants [V, C].

    L2-penalised weights lie in the span of the training people, so with more variants than
    people the fit in an orthonormal basis of that span, r <= S, is the fit on all variants
    (Hastie and Tibshirani 2004, Biostatistics 5:329, section 2). It takes seconds where the
    fit on the variants takes minutes.
    """
    n_people, n_variants = dosages.shape
    unit = np.sqrt(n_variants)
    if n_people > n_variants:
        return scale.apply(dosages) / unit, lambda weights: weights / unit
    chunks = list(slices(n_variants, VARIANTS_AT_ONCE))

    def scaled(chunk):
        return scale.apply(dosages[:, chunk], chunk) / unit

    gram = np.zeros((n_people, n_people))
    for chunk in chunks:
        part = scaled(chunk)
        gram += part @ part.T
    power, axes = np.linalg.eigh(gram)
    kept = power > 1e-6 * power[-1]  # float32 products: what is smaller is rounding
    axes, singular = axes[:, kept], np.sqrt(power[kept])

    def to_variants(weights):
        by_person = axes @ (weights / singular[:, None])  # [S, C]
        return np.concatenate([scaled(chunk).T @ by_person for chunk in chunks]) / unit

    return axes * singular, to_variants


def _linear(weights: np.ndarray, intercept: np.ndarray) -> nn.Linear:
    """Logits from weights [V, C] and intercept [C]; of two classes scikit-learn gives one."""
    if len(intercept) == 1:
        weights = np.hstack([np.zeros_like(weights), weights])
        intercept = np.concatenate([[0.0], intercept])
    network = nn.Linear(*weights.shape)
    with torch.no_grad():
        network.weight.copy_(torch.from_numpy(weights.T))
        network.bias.copy_(torch.from_numpy(intercept))
    return network
