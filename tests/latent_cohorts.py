"""Latents of known distribution that generators are trained on, and short calls of trainings."""

from dataclasses import fields

import numpy as np

from syncohort.diffusion import training as diffusion_training
from syncohort.diffusion.settings import DiffusionSettings, DiffusionTraining
from syncohort.generators.rows import EncodedPeople, LatentRows
from syncohort.training.settings import TrainingSettings, Workplace

# --- rows, and settings of which a test names only what it is about


def encoded(latents_paths, masks, labels, is_validation, class_names, values=None) -> EncodedPeople:
    """Latents on disk as trainings take them, of rows that are a person each."""
    names = np.array([f"row{i}" for i in range(len(labels))], dtype=object)
    zeros = np.zeros(len(labels))
    rows = LatentRows(names, zeros, labels, list(class_names), is_validation, values)
    return EncodedPeople(list(latents_paths), list(masks), rows)


_UNSAID = {
    "time": "discrete",
    "target": "x0",
    "weighting": "uniform",
    "prior_factors": 256,
    "scaling": "global",
    "residual_from_class_mean": True,
    "label_dropout": 0.1,
    "weight_decay": 0.0,
    "warmup_steps": 100,
    "clip_norm": 1.0,
    "ema_decay": None,
    "patience": None,
    "membership_max": 1.0,
}


def settings(kind, options: dict):
    """Take the settings of a kind out of options, with usual values of those that are not there."""
    names = [field.name for field in fields(kind)]
    known = {name: _UNSAID[name] for name in names if name in _UNSAID}
    return kind(**known | {name: options.pop(name) for name in names if name in options})


def workplace(result_path, options: dict) -> Workplace:
    """Take a workplace out of options."""
    names = ("log_path", "state_path", "checkpoint_seconds", "threads", "max_resident_bytes")
    own = {name: options.pop(name) for name in names if name in options}
    return Workplace(result_path=result_path, **own)


def training_settings(**options) -> TrainingSettings:
    """Settings of a training, with usual values of those that are not given."""
    return settings(TrainingSettings, options)


def train_diffusion(
    latents_paths,
    masks,
    labels,
    is_validation,
    class_names,
    *,
    checkpoint_path,
    denoiser,
    values=None,
    **options,
):
    """`diffusion.training.train_diffusion` of latents and settings that are given one by one."""
    people = encoded(latents_paths, masks, labels, is_validation, class_names, values)
    return train_on(people, checkpoint_path, denoiser=denoiser, **options)


def train_on(people: EncodedPeople, checkpoint_path, *, denoiser, **options):
    """The same of encoded people."""
    diffusion = settings(DiffusionSettings, options)
    training = settings(DiffusionTraining, options)
    work = workplace(checkpoint_path, options)
    return diffusion_training.train_diffusion(
        people, denoiser, diffusion, training, work, **options
    )


# --- two classes of latents on two chromosomes, independent Gaussians with known moments

MASKS = [
    np.array([[True, True, True], [True, True, False]]),
    np.array([[True, False, False], [True, True, True], [True, False, False]]),
]


MASK = np.concatenate(MASKS)


CLASSES = ["case", "control"]


MEAN = np.stack([np.where(MASK, 1.5, 0), np.where(MASK, -1.0, 0)]).astype(np.float32)


SD = np.where(MASK, np.linspace(0.3, 1.2, MASK.size).reshape(MASK.shape), 0).astype(np.float32)


RECIPE = {
    "denoiser": {"kind": "mlp", "widths": [64, 32]},
    "schedule": "cosine",
    "n_steps": 200,
    "epochs": 40,
    "batch_size": 64,
    "learning_rate": 3e-3,
    "seed": 11,
    "device": "cpu",
    "representation_fingerprints": {"21": "aaa", "22": "bbb"},
}


def make_cohort(folder, n_rows=900, seed=0):
    """Latents on disk and the arguments of `train_diffusion` that describe them."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n_rows)
    latents = MEAN[labels] + SD * rng.standard_normal((n_rows, *MASK.shape)).astype(np.float32)
    paths, start = [], 0
    for chromosome, mask in zip(("21", "22"), MASKS, strict=True):
        paths.append(folder / f"{chromosome}.npy")
        np.save(paths[-1], latents[:, start : start + len(mask)])
        start += len(mask)
    is_validation = np.arange(n_rows) % 6 == 0
    return {
        "latents_paths": paths,
        "masks": MASKS,
        "labels": labels,
        "is_validation": is_validation,
        "class_names": CLASSES,
    }
