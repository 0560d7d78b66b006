"""The settings of a diffusion model, as its training takes them."""

from dataclasses import dataclass

from syncohort.training.settings import TrainingSettings


def resident_bytes(memory_mb: float) -> int:
    """Larger latents [bytes, as float32] stay on disk where there is no GPU.

    memory_mb: the most that the job may ask for. The numbers are the same either way.
    """
    return round(memory_mb * 1e6 / 4)


@dataclass(frozen=True, kw_only=True)
class DiffusionSettings:
    """The diffusion process and its data; the keys of a section `diffusion`.

    schedule, n_steps, target: see `schedules` and `process`; time: "discrete", steps 1..T, or
    "continuous", any in (0, T]; weighting: see `process.loss_weight`; prior_factors: of the
    Gaussian prior (see `prior.fit_prior`), None for the paper's way without; scaling,
    residual_from_class_mean: see `fit_normalisation`; label_dropout: probability of the null label.
    """

    schedule: str
    time: str
    n_steps: int
    target: str
    weighting: str
    prior_factors: int | None
    scaling: str
    residual_from_class_mean: bool
    label_dropout: float


@dataclass(frozen=True, kw_only=True)
class DiffusionTraining(TrainingSettings):
    """How the network is trained; the keys of a generator's section `training`.

    membership_max: training ends before weights whose losses tell training rows from validation
    rows better than those of the untrained network do, by a higher AUC than this (see
    `memorisation.added_auc`); 1: any.
    """

    membership_max: float
