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

from syncohort.classifier_networks import NETWORKS
from syncohort.dosages import DosageScale
from syncohort.errors import InputError, examples
from syncohort.evaluation import percentile_interval
from syncohort.seeds import child_seed
from syncohort.training import fit

KINDS = (*NETWORKS, "logistic")
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

    kind: one of `KINDS`; classes [C] str, sorted; scale: centre and scale of the training
    people; network: standardised dosages [S, V] -> logits [S, C]; chosen: what the validation
    people chose, "passes" over the training people or "inverse_penalty" of the logistic one.
    """

    kind: str
    classes: np.ndarray
    scale: DosageScale
    network: nn.Module
    chosen: dict[str, float]

    def probabilities(self, dosages: np.ndarray) -> np.ndarray:
        """Probability of each class, float64 [S, C], for dosages int8 [S, V], -1 missing."""
        return _logits(self.network, self.scale, dosages).softmax(dim=1).numpy()


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
    people_per_epoch: int | None = None,
    device: str | torch.device = "cpu",
) -> Classifier:
    """Train on dosages int8 [S, V] (-1 missing) and labels [S] str.

    kind: one of `KINDS`. The validation people choose a network's passes over the training
    people and the logistic regression's penalty, by cross-entropy: unlike accuracy it is fair
    to a rare label and does not hang on a few people. Those with a label that no training
    person has are left out.
    epochs: most epochs of a network; people_per_epoch: people shown in one (None: each
    once). With the same number, few and many training people are given the same work, and
    what differs is the people. device: where a network is trained, a resolved torch device.

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
    data = _Data(
        classes,
        DosageScale.fit(dosages, MIN_FREQUENCY),
        dosages,
        target,
        validation_dosages[known],
        torch.from_numpy(np.searchsorted(classes, validation_labels[known])),
    )
    if kind == "logistic":
        network, chosen = _train_logistic(data)
    else:
        work = _Work.of(len(target), epochs, people_per_epoch or len(target))
        network, chosen = _train_network(kind, data, work, seed, torch.device(device))
    return Classifier(kind, classes, data.scale, network, chosen)


def score(
    probabilities: np.ndarray,
    classes: np.ndarray,
    labels: np.ndarray,
    *,
    seed: int,
    draws: int = 500,
) -> dict[str, Estimate]:
    """Accuracy, balanced accuracy and AUC of probabilities [K, S, C] for labels [S] str.

    balanced_accuracy: mean over labels of the share of its people called right; auc: area
    under the ROC curve of each label against the rest, averaged over labels (with two
    labels the usual AUC; Fawcett 2006, Pattern Recognition Letters 27:861). Labels that no class
    stands for count as wrong, and lower the AUC to what equal scores give, 0.5. The
    intervals resample people and, where there are several, seeds.
    """
    names = np.unique(np.concatenate([np.asarray(classes), np.asarray(labels).astype(str)]))
    target = np.searchsorted(names, np.asarray(labels).astype(str))  # [S]
    full = np.zeros((*probabilities.shape[:2], len(names)))
    full[..., np.searchsorted(names, classes)] = probabilities
    right = full.argmax(axis=2) == target  # [K, S]
    n_seeds, n_people = right.shape
    rng = np.random.default_rng(seed)
    everyone, every_seed = np.arange(n_people), np.arange(n_seeds)
    drawn = []
    for people, seeds in [(everyone, every_seed)] + [
        (rng.integers(n_people, size=n_people), rng.integers(n_seeds, size=n_seeds))
        for _ in range(draws)
    ]:
        hit = right[np.ix_(seeds, people)].mean(axis=0)
        areas = {k: _mean_auc(full[k, people], target[people]) for k in set(seeds)}
        auc = np.mean([areas[k] for k in seeds])
        drawn.append([hit.mean(), _balanced(hit, target[people]), auc])
    drawn = np.array(drawn)
    return {
        name: Estimate(float(values[0]), *percentile_interval(values[1:]))
        for name, values in zip(("accuracy", "balanced_accuracy", "auc"), drawn.T, strict=True)
    }


@dataclass(frozen=True)
class _Data:
    """What a classifier is trained with: classes [C]; int8 dosages; targets: class indices."""

    classes: np.ndarray
    scale: DosageScale
    dosages: np.ndarray
    target: np.ndarray
    validation_dosages: np.ndarray
    validation_target: torch.Tensor

    def validation_loss(self, network: nn.Module) -> float:
        logits = _logits(network, self.scale, self.validation_dosages)
        return F.cross_entropy(logits, self.validation_target).item()


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


@torch.no_grad()
def _logits(network: nn.Module, scale: DosageScale, dosages: np.ndarray) -> torch.Tensor:
    """Logits float64 [S, C] on the CPU, for dosages int8 [S, V]."""
    device = next(network.parameters()).device
    parts = []
    for start in range(0, max(len(dosages), 1), PEOPLE_AT_ONCE):
        scaled = torch.from_numpy(scale.apply(dosages[start : start + PEOPLE_AT_ONCE]))
        parts.append(network(scaled.to(device)).double().cpu())
    return torch.cat(parts)


def _train_network(kind: str, data: _Data, work: _Work, seed: int, device: torch.device):
    with torch.random.fork_rng():
        torch.manual_seed(child_seed(seed, 0))  # layers draw from the global generator
        network = NETWORKS[kind](data.dosages.shape[1], len(data.classes))
    dosages = torch.from_numpy(data.dosages).to(device)  # int8: a quarter of the memory
    target = torch.from_numpy(data.target).to(device)
    mean = torch.from_numpy(data.scale.mean).to(device)
    inverse_scale = torch.from_numpy(data.scale.inverse_scale).to(device)

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
        validate=lambda model: {"loss": data.validation_loss(model)},
    )
    return network, {"passes": result.best_epoch}


def _train_logistic(data: _Data):
    """L2-penalised multinomial regression; nothing in it is random.

    Dosages are divided by sqrt(V), so that one penalty means the same for any number of
    variants.
    """
    coordinates, to_variants = _people_basis(data)
    model = LogisticRegression(max_iter=1_000, warm_start=True)
    best, chosen, lowest = None, None, np.inf
    for inverse_penalty in INVERSE_PENALTIES:
        model.set_params(C=inverse_penalty).fit(coordinates, data.target)
        network = _linear(to_variants(model.coef_.T), model.intercept_)
        loss = data.validation_loss(network)
        if loss < lowest:
            best, chosen, lowest = network, inverse_penalty, loss
    return best, {"inverse_penalty": chosen}


def _people_basis(data: _Data):
    """Training people's coordinates [S, r] and the map of weights [r, C] to variants [V, C].

    L2-penalised weights lie in the span of the training people, so with more variants than
    people the fit in an orthonormal basis of that span, r <= S, is the fit on all variants
    (Hastie and Tibshirani 2004, Biostatistics 5:329, section 2). It takes seconds where the
    fit on the variants takes minutes.
    """
    n_people, n_variants = data.dosages.shape
    unit = np.sqrt(n_variants)
    if n_people > n_variants:
        return data.scale.apply(data.dosages) / unit, lambda weights: weights / unit
    chunks = [
        slice(start, start + VARIANTS_AT_ONCE) for start in range(0, n_variants, VARIANTS_AT_ONCE)
    ]

    def scaled(chunk):
        return data.scale.apply(data.dosages[:, chunk], chunk) / unit

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


def _balanced(hit: np.ndarray, target: np.ndarray) -> float:
    """Mean over the classes present of the mean hit [S] of their people."""
    people = np.bincount(target)
    return (np.bincount(target, hit)[people > 0] / people[people > 0]).mean()


def _mean_auc(scores: np.ndarray, target: np.ndarray) -> float:
    """One-against-rest area of scores [S, C], by rank sums, averaged over classes present."""
    n_people, n_classes = scores.shape
    own = rankdata(scores, axis=0)[np.arange(n_people), target]
    inside = np.bincount(target, minlength=n_classes)
    rank_sum = np.bincount(target, own, minlength=n_classes)
    measurable = (inside > 0) & (inside < n_people)
    if not measurable.any():
        return np.nan
    inside, rank_sum = inside[measurable], rank_sum[measurable]
    return ((rank_sum - inside * (inside + 1) / 2) / (inside * (n_people - inside))).mean()
