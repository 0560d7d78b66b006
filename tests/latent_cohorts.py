"""Latents of known distribution that generators are trained on."""

import numpy as np

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
