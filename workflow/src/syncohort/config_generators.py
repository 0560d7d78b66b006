"""The configuration of representations and generators, and the named recipes of them."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from syncohort.config_base import Fraction, Name, PositiveFraction, Section


class GenePCAConfig(Section):
    """PCA of each gene block, fitted on training people."""

    kind: Literal["gene_pca"] = Field("gene_pca", description="The representation.")
    rule: Literal["loss", "counts"] = Field(
        "loss",
        description="`loss`: blocks are split until max_components keep variance_kept; `counts`: the paper's 8/4/1 by number of SNPs.",
    )
    max_components: int = Field(8, ge=1, le=64, description="Most PCs of a block.")
    variance_kept: PositiveFraction = Field(
        0.99, description="Share of a block's variance its PCs keep (rule `loss`)."
    )


class MLPConfig(Section):
    """The paper's UNet of dense layers."""

    kind: Literal["mlp"] = Field("mlp", description="Denoiser: the paper's UNet of dense layers.")
    widths: list[Annotated[int, Field(ge=32, multiple_of=32)]] = Field(
        [1024, 512, 256],
        min_length=2,
        description="Layer widths from the outside to the bottleneck.",
    )


class CNNConfig(Section):
    """The paper's 1-D convolutional UNet."""

    kind: Literal["cnn"] = Field("cnn", description="Denoiser: the paper's 1-D UNet.")
    base_width: int = Field(64, ge=32, multiple_of=32, description="Channels of the first level.")
    multipliers: list[Annotated[int, Field(ge=1)]] = Field(
        [1, 1, 1, 1, 2, 2, 3, 4],
        min_length=1,
        description="Channels of each level, in base widths; each level halves the length.",
    )
    blocks_per_level: int = Field(3, ge=1, description="Residual blocks a level.")
    attention_at: list[Annotated[int, Field(ge=1)]] = Field(
        [32, 64], description="Down-sampling factors at which there is self-attention."
    )
    head_width: int = Field(64, ge=8, description="Channels of an attention head.")
    dropout: float = Field(0.1, ge=0, lt=1, description="Dropout in the residual blocks.")

    @model_validator(mode="after")
    def _levels_fit(self):
        factors = [2**level for level in range(len(self.multipliers))]
        missing = sorted(set(self.attention_at) - set(factors))
        if missing:
            raise ValueError(
                f"attention_at {missing}: the levels' down-sampling factors are {factors}"
            )
        widths = {
            self.base_width * each
            for each, factor in zip(self.multipliers, factors, strict=True)
            if factor in {*self.attention_at, factors[-1]}
        }
        uneven = sorted(width for width in widths if width % self.head_width)
        if uneven:
            raise ValueError(
                f"head_width {self.head_width} does not divide the {uneven} channels of levels "
                "with attention"
            )
        return self


class MLPCNNConfig(Section):
    """The paper's mix of both, by a weight that depends on time."""

    kind: Literal["mlp_cnn"] = Field(
        "mlp_cnn", description="Denoiser: the paper's mix of MLP and CNN by a weight of time."
    )
    mlp: MLPConfig = MLPConfig()
    cnn: CNNConfig = CNNConfig()


class TransformerConfig(Section):
    """The paper's encoder over patches of gene blocks."""

    kind: Literal["transformer"] = Field(
        "transformer", description="Denoiser: the paper's encoder over patches of blocks."
    )
    patch_blocks: int = Field(16, ge=1, description="Gene blocks of a patch.")
    width: int = Field(384, ge=16, description="Channels of a patch's token.")
    layers: int = Field(12, ge=1, description="Encoder layers.")
    heads: int = Field(6, ge=1, description="Attention heads; they share the width evenly.")
    feed_forward: int = Field(1536, ge=16, description="Hidden width of the feed-forward layers.")
    dropout: float = Field(0.1, ge=0, lt=1, description="Dropout of the encoder.")

    @model_validator(mode="after")
    def _heads_fit(self):
        if self.width % self.heads:
            raise ValueError(f"heads {self.heads} do not divide width {self.width}")
        return self


class LocalConfig(Section):
    """Layers that see a window of neighbouring gene blocks, with weights of their own there."""

    kind: Literal["local"] = Field(
        "local", description="Denoiser: windows of neighbouring blocks, weights by position."
    )
    group_blocks: int = Field(4, ge=1, description="Gene blocks of a group.")
    width: int = Field(96, ge=8, description="Channels of a group.")
    layers: int = Field(3, ge=1, description="Residual layers; each mixes neighbouring groups.")
    context: int = Field(
        64, ge=0, description="Channels of the context of the whole genome; 0: none."
    )
    experts: int | None = Field(
        None,
        ge=1,
        description="null: every position its own weights (to about a chromosome); a number: every position a mix of so many shared ones, which bounds the weights of whole genomes.",
    )


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
        description="Factors of the Gaussian that the network corrects, at most one per 32 training rows; 0: independent PCs; null: none, the paper's way.",
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
    guidance_scale: float = Field(1.0, ge=0, description="Classifier-free guidance; 1 is none.")


class DecodingConfig(Section):
    """How decoded values become alleles."""

    rule: Literal["matched", "matched_by_label", "rounding"] = Field(
        "matched",
        description="Thresholds at which the training allele frequencies are met, over all labels or in each; or rounding.",
    )
    rare_margin: float = Field(
        0.3, ge=0, lt=0.5, description="How far a rare variant's threshold may be from rounding's."
    )
    common_margin: float = Field(
        0.1,
        ge=0,
        lt=0.5,
        description="The same for a MAF of 0.1 and more; unphased genotypes want 0.3.",
    )


class DiffusionGenerator(Section):
    """A diffusion model and how it is used."""

    kind: Literal["diffusion"] = Field("diffusion", description="Generator: a diffusion model.")
    preset: Literal["genetic_diffusion", "genetic_diffusion_paper"] = Field(
        "genetic_diffusion",
        description="The recipe that the other keys change: ours, or the published one.",
    )
    representation: Name = Field("gene_pca", description="One of `representations`.")
    denoiser: Annotated[
        MLPConfig | CNNConfig | MLPCNNConfig | TransformerConfig | LocalConfig,
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


class MosaicGenerator(Section):
    """Baseline: mosaics of the label's training haplotypes."""

    kind: Literal["mosaic"] = Field(
        "mosaic", description="Generator: mosaics of training haplotypes."
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


AlleleGenerator = Annotated[
    IndependentGenerator | BootstrapGenerator | MosaicGenerator, Field(discriminator="kind")
]


# What differs from the defaults, which are the preset `genetic_diffusion`.
PRESETS = {
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
        "sampling": {"sampler": "ancestral", "steps": 500},
        "decoding": {"rule": "rounding"},
    },
}


def merged(base: dict, changes: dict) -> dict:
    """`base` with `changes` put over it, section by section; another `kind` replaces a section."""
    if "kind" in changes and changes["kind"] != base.get("kind", changes["kind"]):
        return changes
    result = dict(base)
    for key, value in changes.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else value
    return result


def _with_preset(generator):
    """A generator's section as the user wrote it -> with its preset and its kind filled in."""
    if not isinstance(generator, dict) or generator.get("kind", "diffusion") != "diffusion":
        return generator
    preset = PRESETS.get(generator.get("preset"), {})  # an unknown name is refused by its field
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
