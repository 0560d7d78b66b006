"""The configuration of generators, and the named recipes of them."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from syncohort.config.denoisers import (
    CNNConfig,
    LatentUNetConfig,
    LocalConfig,
    MLPCNNConfig,
    MLPConfig,
    TransformerConfig,
)
from syncohort.config.sections import Fraction, Name, Section, merged


class DiffusionConfig(Section):
    """The diffusion process."""

    schedule: Literal["linear", "cosine", "sqrt_linear"] = Field(
        "cosine", description="Noise schedule."
    )
    time: Literal["discrete", "continuous"] = Field(
        "discrete", description="Times of training: 1..T, or any between 0 and T."
    )
    n_steps: int = Field(500, ge=10, le=10_000, description="Diffusion steps T.")
    target: Literal["x0", "v", "eps"] = Field("x0", description="What the network predicts.")
    weighting: Literal["uniform", "min_snr"] = Field(
        "uniform", description="Weight of the loss by noise level (min-SNR: gamma 5)."
    )
    prior_factors: int | None = Field(
        256,
        ge=0,
        description="Factors of the Gaussian that the network corrects, at most one per 64 training rows; 0: independent PCs; null: none, the paper's way.",
    )
    scaling: Literal["global", "unit"] = Field(
        "global", description="One scale for all PCs, or unit variance for each."
    )
    residual_from_class_mean: bool = Field(
        True, description="Diffuse the difference from the label's training mean."
    )
    label_dropout: float = Field(
        0.1,
        ge=0,
        lt=1,
        description="Probability that a training row hides its label (needed for guidance).",
    )


class TrainingConfig(Section):
    """How a network is trained."""

    epochs: int = Field(40, ge=1, description="Passes over the training rows.")
    batch_size: int = Field(128, ge=1, description="Rows per step.")
    learning_rate: float = Field(2e-3, gt=0, description="Peak learning rate of AdamW.")
    weight_decay: float = Field(0.0, ge=0, description="Weight decay of AdamW.")
    warmup_steps: int = Field(100, ge=0, description="Linear warm-up, then cosine to 0.")
    clip_norm: float = Field(1.0, gt=0, description="Largest norm of the gradient.")
    ema_decay: float = Field(
        0.999, ge=0, lt=1, description="Decay of the averaged weights; 0 switches them off."
    )
    patience: int = Field(
        20, ge=1, description="Stop after so many epochs without a better validation loss."
    )
    membership_max: float = Field(
        0.62,
        gt=0.5,
        le=1,
        description="Stop when training rows can be told from validation rows by their loss with a higher AUC, and keep no such weights; 1: never.",
    )


class SamplingConfig(Section):
    """How latents are drawn from the trained network."""

    sampler: Literal["ancestral", "ddim", "dpm2m", "sde_dpm2m"] = Field(
        "sde_dpm2m",
        description="Sampler: ancestral; DDIM; DPM-Solver++ of second order, deterministic or stochastic.",
    )
    steps: int = Field(40, ge=1, description="Denoising steps, at most diffusion.n_steps.")
    spacing: Literal["balanced", "time"] = Field(
        "balanced",
        description="Where the steps are: more of them at little and at much noise, where the smallest and the largest components of the data are drawn; or evenly in time.",
    )
    guidance_scale: float = Field(1.0, ge=0, description="Classifier-free guidance; 1 is none.")
    centred: bool = Field(
        True,
        description="Keep what is drawn for a label at the label's training mean, the more the more rows are drawn together (needs diffusion.residual_from_class_mean).",
    )


class DecodingConfig(Section):
    """How decoded values become alleles."""

    rule: Literal["matched", "rounding", "argmax", "sampled"] = Field(
        "matched",
        description="Thresholds at which the training allele frequencies are met; rounding; or of a `snp_vae`, the likeliest genotype or one drawn with its probability.",
    )
    rare_margin: float = Field(
        0.3, ge=0, lt=0.5, description="How far a rare variant's threshold may be from rounding's."
    )
    common_margin: float = Field(
        0.15,
        ge=0,
        lt=0.5,
        description="The same for a MAF of 0.1 and more; unphased genotypes want 0.3.",
    )
    label_margin: float = Field(
        0.1,
        ge=0,
        lt=0.5,
        description="How far a label's threshold may be from the one for all. Large for few large labels, whose frequencies are then met; small for many small ones, where it costs linkage.",
    )


class DiffusionGenerator(Section):
    """A diffusion model and how it is used."""

    kind: Literal["diffusion"] = Field("diffusion", description="Generator: a diffusion model.")
    preset: Literal["genetic_diffusion", "genetic_diffusion_paper", "snpgen", "snpgen_paper"] = (
        Field(
            "genetic_diffusion",
            description="The recipe that the other keys change: for whole genomes or for the variants of a trait (`snpgen`); ours, or the published one.",
        )
    )
    representation: Name = Field("gene_pca", description="One of `representations`.")
    denoiser: Annotated[
        MLPConfig | CNNConfig | MLPCNNConfig | TransformerConfig | LocalConfig | LatentUNetConfig,
        Field(discriminator="kind"),
    ] = LocalConfig()
    diffusion: DiffusionConfig = DiffusionConfig()
    training: TrainingConfig = TrainingConfig()
    sampling: SamplingConfig = SamplingConfig()
    decoding: DecodingConfig = DecodingConfig()

    @model_validator(mode="after")
    def _steps_fit(self):
        if self.sampling.steps > self.diffusion.n_steps:
            raise ValueError(
                f"sampling.steps {self.sampling.steps} exceeds diffusion.n_steps {self.diffusion.n_steps}"
            )
        if self.sampling.guidance_scale != 1 and self.diffusion.label_dropout == 0:
            raise ValueError(
                "sampling.guidance_scale other than 1 needs diffusion.label_dropout above 0"
            )
        if self.sampling.centred and not self.diffusion.residual_from_class_mean:
            raise ValueError(
                "sampling.centred needs diffusion.residual_from_class_mean; set one to false or "
                "the other to true"
            )
        return self


class BlockGaussianGenerator(Section):
    """Baseline: latents from a Gaussian with the label's mean and the training covariance."""

    kind: Literal["block_gaussian"] = Field(
        "block_gaussian", description="Generator: a Gaussian of the latents."
    )
    representation: Name = Field("gene_pca", description="One of `representations`.")
    shrinkage: Fraction = Field(
        0.02, description="Weight of the independent PCs in the covariance (Ledoit & Wolf)."
    )
    decoding: DecodingConfig = DecodingConfig()


class WGANGenerator(Section):
    """Baseline: a Wasserstein GAN with gradient penalty on principal components."""

    kind: Literal["wgan"] = Field("wgan", description="Generator: an adversarial baseline.")
    representation: Name = Field("gene_pca", description="One of `representations`.")
    noise: int = Field(
        128, ge=1, description="Channels of the generator's noise, and the most components."
    )
    widths: list[Annotated[int, Field(ge=8)]] = Field(
        [256, 512],
        min_length=1,
        description="Layer widths of the generator; the critic's reversed.",
    )
    critic_steps: int = Field(2, ge=1, description="Steps of the critic per step of the generator.")
    gradient_penalty: float = Field(10, gt=0, description="Weight of the gradient penalty.")
    epochs: int = Field(100, ge=1, description="Passes over the training rows.")
    batch_size: int = Field(128, ge=2, description="Rows per step.")
    learning_rate: float = Field(1e-3, gt=0, description="Learning rate of Adam.")
    decoding: DecodingConfig = DecodingConfig()


class IndependentGenerator(Section):
    """Baseline: every SNP by itself, with the label's allele frequency."""

    kind: Literal["independent"] = Field(
        "independent", description="Generator: each SNP by itself, at the label's frequency."
    )


class BootstrapGenerator(Section):
    """Baseline: copies of training people of the label."""

    kind: Literal["bootstrap"] = Field(
        "bootstrap", description="Generator: copies of training people. Never to be released."
    )
    release_real_haplotypes: bool = Field(
        False,
        description="Release this generator's cohort, which is made of haplotypes of real people, all the same.",
    )


class MosaicGenerator(Section):
    """Baseline: mosaics of the label's training haplotypes."""

    kind: Literal["mosaic"] = Field(
        "mosaic", description="Generator: mosaics of training haplotypes."
    )
    release_real_haplotypes: bool = Field(
        False,
        description="Release this generator's cohort, which is made of haplotypes of real people, all the same.",
    )
    effective_size: float = Field(
        10_000,
        gt=0,
        le=1e6,
        description="Effective population size Ne: segments are shorter when it is larger.",
    )
    recombination_map: str | None = Field(
        None,
        description="Genetic map (PLINK .map or HapMap columns; {chrom} stands for the chromosome); null: a constant rate.",
    )
    cM_per_Mb: float = Field(1.0, gt=0, description="The constant rate [cM/Mb].")
    mutation_rate: Fraction = Field(
        0.0,
        description="Share of copied alleles that are drawn from the label's frequency instead.",
    )


# Kinds that hand on haplotypes of real people, whole or in pieces.
REAL_HAPLOTYPES = ("bootstrap", "mosaic")

AlleleGenerator = Annotated[
    IndependentGenerator | BootstrapGenerator | MosaicGenerator, Field(discriminator="kind")
]

# What differs from the defaults, which are the preset `genetic_diffusion`.
PRESETS = {
    "genetic_diffusion": {"denoiser": {"kind": "local"}},  # so that single keys of it can change
    "genetic_diffusion_paper": {
        "representation": "gene_pca_paper",
        "denoiser": {"kind": "mlp_cnn"},
        "diffusion": {
            "schedule": "linear",
            "target": "eps",
            "prior_factors": None,
            "scaling": "unit",
            "residual_from_class_mean": False,
            "label_dropout": 0.0,
        },
        "training": {
            "epochs": 100,
            "batch_size": 16,
            "learning_rate": 2e-4,
            "ema_decay": 0.0,
            "patience": 100,
            "membership_max": 1.0,
        },
        "sampling": {"sampler": "ancestral", "steps": 500, "spacing": "time", "centred": False},
        "decoding": {"rule": "rounding"},
    },
    "snpgen": {
        "representation": "snp_vae",
        # 8 latents to a position, of 16 SNPs each: windows of three positions
        "denoiser": {"kind": "local", "group_blocks": 1, "width": 96, "layers": 4, "context": 96},
        "training": {"epochs": 35},
        # few large labels: each gets its own frequencies, and with them the effects of variants
        "decoding": {
            "rule": "matched",
            "rare_margin": 0.45,
            "common_margin": 0.45,
            "label_margin": 0.45,
        },
    },
    "snpgen_paper": {
        "representation": "snp_vae_paper",
        "denoiser": {"kind": "latent_unet"},
        "diffusion": {
            "schedule": "sqrt_linear",
            "n_steps": 1000,
            "target": "eps",
            "prior_factors": None,
            "scaling": "unit",
            "residual_from_class_mean": False,
            "label_dropout": 0.2,
        },
        "training": {
            "epochs": 500,
            "batch_size": 1024,
            "learning_rate": 1e-4,
            "warmup_steps": 50,  # the paper's 5 epochs, of 10,240 rows
            "ema_decay": 0.9999,
            "patience": 500,
            "membership_max": 1.0,
        },
        "sampling": {
            "sampler": "ddim",
            "steps": 50,
            "spacing": "time",
            "guidance_scale": 5.0,
            "centred": False,
        },
        "decoding": {"rule": "argmax"},
    },
}


def _with_preset(generator):
    """A generator's section as the user wrote it -> with its preset and its kind filled in."""
    if not isinstance(generator, dict) or generator.get("kind", "diffusion") != "diffusion":
        return generator
    name = generator.get("preset", "genetic_diffusion")
    preset = PRESETS.get(name, {})  # an unknown name is refused by its field
    return merged({"kind": "diffusion"} | preset, generator)


AnyGenerator = Annotated[
    DiffusionGenerator
    | BlockGaussianGenerator
    | WGANGenerator
    | IndependentGenerator
    | BootstrapGenerator
    | MosaicGenerator,
    Field(discriminator="kind"),
    BeforeValidator(_with_preset),
]
