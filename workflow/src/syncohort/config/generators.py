"""The configuration of generators, and the named recipes of them."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from syncohort.config.allele_generators import AlleleGenerator
from syncohort.config.denoisers import AnyDenoiser, LocalConfig
from syncohort.config.sections import Name, Section, merged

_REPRESENTATION = "Name of the representation, one of `representations`."


class DiffusionConfig(Section):
    """The diffusion process."""

    schedule: Literal["linear", "cosine", "sqrt_linear"] = Field(
        "cosine", description="Noise schedule: how fast noise replaces the data."
    )
    time: Literal["discrete", "continuous"] = Field(
        "discrete",
        description="Noise levels in training: those of the n_steps, or all levels between them as well.",
    )
    n_steps: int = Field(500, ge=10, le=10_000, description="Diffusion steps T.")
    target: Literal["x0", "v", "eps"] = Field(
        "x0", description="What the network predicts: the data (x0), the noise (eps) or a mix (v)."
    )
    weighting: Literal["uniform", "min_snr"] = Field(
        "uniform", description="Weight of the loss by noise level (`min_snr`: gamma 5)."
    )
    prior_factors: int | None = Field(
        12,
        ge=0,
        le=12,
        description="The network corrects what a Gaussian predicts. This is the number of principal factors of that Gaussian, at most one for 650 of the training rows, of which 8,192 are looked at; the log says how many there are. 0: independent components, for few people. null: no Gaussian, as published.",
    )
    scaling: Literal["global", "unit"] = Field(
        "global",
        description="Scale of the latents: one number for all components, or unit variance for each.",
    )
    residual_from_class_mean: bool = Field(
        True,
        description="Subtract the mean of the label's training people before the diffusion, and add it to what is drawn. false for few people, whose mean leaks who they are.",
    )
    label_dropout: float = Field(
        0.1,
        ge=0,
        lt=1,
        description="Share of training rows whose label is hidden from the network. Guidance needs it to be above 0.",
    )


class TrainingConfig(Section):
    """How the network of a diffusion model is trained."""

    epochs: int | None = Field(
        None,
        ge=1,
        description="Passes over the training rows. null: by their number, so that at least 160,000 rows are seen in at least 1,250 steps; from 4 to 100.",
    )
    batch_size: int | None = Field(
        None,
        ge=1,
        description="Rows per step. null: by the number of training rows, a 32nd of them (a power of 2, from 32 to 512).",
    )
    learning_rate: float = Field(2e-3, gt=0, description="Highest learning rate of AdamW.")
    weight_decay: float | None = Field(
        None,
        ge=0,
        description="Weight decay of AdamW, against memorising. null: by the number of training rows, 2,000 over them (0.5 for 4,000 rows), at most 3.",
    )
    warmup_steps: int = Field(
        100,
        ge=0,
        description="Steps in which the learning rate rises linearly; it then falls to 0 as a cosine.",
    )
    clip_norm: float = Field(1.0, gt=0, description="Largest norm of the gradient.")
    ema_decay: float = Field(
        0.999,
        ge=0,
        lt=1,
        description="Decay of the exponential moving average of the weights. 0: no average.",
    )
    patience: int = Field(
        20,
        ge=1,
        description="Stop after this many epochs without a better loss on validation people.",
    )
    membership_max: float = Field(
        0.6,
        gt=0.5,
        le=1,
        description="Stop when training makes the loss of a row reveal whether its person was in training: when it tells training from validation people with an AUC above this, beyond what the untrained network tells of them, in a stretch of about 2,000 blocks. Weights above it are kept only when no epoch was below, and then the report fails the generator for it. 1: never stop for it.",
    )


class SamplingConfig(Section):
    """How the trained network draws latents."""

    sampler: Literal["ancestral", "ddim", "dpm2m", "sde_dpm2m"] = Field(
        "sde_dpm2m",
        description="`ancestral` (DDPM); `ddim`; `dpm2m` (second-order DPM-Solver++), deterministic; `sde_dpm2m`, the same with noise.",
    )
    steps: int = Field(40, ge=1, description="Denoising steps, at most diffusion.n_steps.")
    spacing: Literal["balanced", "time"] = Field(
        "balanced",
        description="Noise levels of the steps: even in `time`, or `balanced`, with more steps at very high and very low noise, which decide the largest and the smallest components.",
    )
    guidance_scale: float = Field(
        1.0,
        ge=0,
        description="Classifier-free guidance scale. 1: no guidance; above 1: differences between labels are exaggerated.",
    )
    centred: bool = Field(
        True,
        description="Shift the people drawn for a label so that their mean is the label's training mean. The shift is stronger the more people are drawn (needs diffusion.residual_from_class_mean).",
    )
    rescaled: bool = Field(
        True,
        description="Scale what the network predicts, at each noise level and along principal axes of neighbouring gene blocks, to what validation people bear out. It brings back variance and long haplotypes and costs some rare alleles. What a network remembers of few people it brings out too.",
    )
    paired: bool = Field(
        True,
        description="With `mode: haplotype`: exchange drawn haplotypes between people of a label until the two of a person are as alike in ancestry as those of training people. No haplotype is changed. Without it people of mixed ancestry, or of a label such as cases that several populations have, get haplotypes that do not belong together. Networks per chromosome draw both together and do not need it.",
    )
    refined_from: float | None = Field(
        0.33,
        gt=0,
        lt=1,
        description="Draw people a second time, from the genotypes that they were decoded to: noise is added to these up to this share of diffusion.n_steps, and taken away again by the network. It repairs haplotypes that were broken where alleles were set to their frequencies, one SNP at a time. null: people are drawn once.",
    )


class DecodingConfig(Section):
    """How the values that a generator draws become alleles."""

    rule: Literal["matched", "rounding", "argmax", "sampled"] = Field(
        "matched",
        description="`matched`: thresholds that give each variant its allele frequency among training people; `rounding`: to the nearest allele count. With a `snp_vae` also `argmax`: the most probable genotype, and `sampled`: a genotype drawn with its probability.",
    )
    rare_margin: float = Field(
        0.4,
        ge=0,
        lt=0.5,
        description="With `matched`: how far the threshold of the rarest variants may move from the middle between two allele counts.",
    )
    common_margin: float = Field(
        0.2,
        ge=0,
        lt=0.5,
        description="The same for variants with a MAF of 0.1 and more. Use 0.3 with `mode: genotype`.",
    )
    label_margin: float = Field(
        0.2,
        ge=0,
        lt=0.5,
        description="How far the threshold of a label may move from that of everybody. Use more (0.3 to 0.45) for few large labels, such as cases and controls, so that each gets its own frequencies; with many small labels this costs the length of shared haplotypes, and 0 costs what classifiers of the label learn.",
    )
    label_z: float | None = Field(
        None,
        ge=0,
        description="A label's threshold moves where the label's frequency would be off by more than so many standard errors: a difference of z counts 1 - (label_z / z)^2 of itself. 0: all of every difference. null: 1, and 0 where labels are a trait (`labels.case_label`, `labels.cuts`), whose effects are small differences.",
    )
    autozygosity: bool = Field(
        True,
        description="With `mode: haplotype`: give people stretches in which both of their haplotypes are the same, as long and as common as training people of the label have them because their parents were related. Without them people differ too little in heterozygosity.",
    )
    haplotype_carriers: int | None = Field(
        None,
        ge=2,
        description="With `matched` and a gene PCA: number of training haplotypes (in genotype mode of training people, whose genotypes count) that must carry what counts as common in a gene block, for example 5. Synthetic ones that are uncommon in a block become the common one that is nearest, until no more are uncommon than of real people: linkage and long haplotypes gain, the rarest alleles lose. null: they stay as they are.",
    )


class DiffusionGenerator(Section):
    """A diffusion model: what one normally releases."""

    kind: Literal["diffusion"] = Field(
        "diffusion", description="A diffusion model. It is the default and need not be written."
    )
    preset: Literal[
        "genetic_diffusion",
        "genetic_diffusion_few_people",
        "genetic_diffusion_pretrained",
        "genetic_diffusion_paper",
        "snpgen",
        "snpgen_paper",
    ] = Field(
        "genetic_diffusion",
        description="The recipe to start from; every other key of the generator changes one setting of it. `genetic_diffusion`: all variants; `snpgen`: the variants associated with a trait; `_few_people`: for cohorts of a few hundred; `_pretrained`: on other people first (needs `pretraining.panel`); `_paper`: as published.",
    )
    per_chromosome: bool = Field(
        False,
        strict=True,  # other settings follow from it before it is read
        description="Train a network for each chromosome, in jobs of their own that need the memory of one chromosome, instead of one for the whole genome. What chromosomes share, a person's global vector, is drawn first (needs denoiser `local` and a gene PCA).",
    )
    global_axes: int = Field(
        30,
        ge=1,
        le=200,
        description="With per_chromosome: most principal axes of a person's global vector. Validation people decide how many are used, at most one for 32 training rows.",
    )
    pretraining_epochs: int | None = Field(
        None,
        ge=1,
        description="Passes over the people of `pretraining.panel` before the training on the cohort, for the denoiser `local`. Prior factors, the scale of the latents and the weights that the training begins with are then learned from these people. null: the network is trained on the cohort alone.",
    )
    representation: Name = Field("gene_pca", description=_REPRESENTATION)
    denoiser: Annotated[
        AnyDenoiser,
        Field(discriminator="kind", description="The network. Its keys depend on its kind."),
    ] = LocalConfig()
    diffusion: DiffusionConfig = DiffusionConfig()
    training: TrainingConfig = TrainingConfig()
    sampling: SamplingConfig = SamplingConfig()
    decoding: DecodingConfig = DecodingConfig()

    @model_validator(mode="after")
    def _networks_fit(self):
        if self.per_chromosome and self.denoiser.kind != "local":
            raise ValueError(
                f"per_chromosome needs the denoiser local; {self.denoiser.kind} is one network over "
                "the whole genome, as published: leave per_chromosome out, or choose another denoiser"
            )
        if self.per_chromosome and self.denoiser.context:
            raise ValueError(
                "denoiser.context is a summary of the whole genome, which a network of one chromosome "
                "does not see: set it to 0, or leave it out"
            )
        if self.pretraining_epochs and self.denoiser.kind != "local":
            raise ValueError(
                f"pretraining_epochs needs the denoiser local; {self.denoiser.kind} is trained as "
                "published: leave pretraining_epochs out, or choose another denoiser"
            )
        return self

    @model_validator(mode="after")
    def _steps_fit(self):
        if self.sampling.steps > self.diffusion.n_steps:
            raise ValueError(
                f"sampling.steps {self.sampling.steps} exceeds diffusion.n_steps "
                f"{self.diffusion.n_steps}: use fewer sampling steps"
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
    """Baseline: a Gaussian with each label's mean and the covariance of the training people."""

    kind: Literal["block_gaussian"] = Field(
        "block_gaussian", description="A Gaussian of the latents."
    )
    representation: Name = Field("gene_pca", description=_REPRESENTATION)
    decoding: DecodingConfig = DecodingConfig()


class WGANGenerator(Section):
    """Baseline: a Wasserstein GAN with gradient penalty on principal components."""

    kind: Literal["wgan"] = Field("wgan", description="A Wasserstein GAN of the latents.")
    representation: Name = Field("gene_pca", description=_REPRESENTATION)
    decoding: DecodingConfig = DecodingConfig()


# What differs from the defaults, which are the preset `genetic_diffusion`.
PRESETS = {
    "genetic_diffusion": {"denoiser": {"kind": "local"}},  # so that single keys of it can change
    # Label means and factors of few people leak who they are (docs/measurements.md).
    "genetic_diffusion_few_people": {
        "denoiser": {"kind": "local", "layers": 3, "context": 64},
        "diffusion": {"prior_factors": 0, "residual_from_class_mean": False},
        "training": {"epochs": 40, "batch_size": 128, "weight_decay": 0.0},
        "sampling": {"centred": False, "rescaled": False, "refined_from": None},
        "decoding": {"label_margin": 0.1, "label_z": 0.0},
    },
    # On the cohort itself a network that knows what people share needs few epochs (docs/measurements.md).
    "genetic_diffusion_pretrained": {
        "denoiser": {"kind": "local"},
        "pretraining_epochs": 30,
        "training": {
            "epochs": 8,
            "batch_size": 128,
            "learning_rate": 1e-3,
            "weight_decay": 0.0,
        },
    },
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
            "weight_decay": 0.0,
            "ema_decay": 0.0,
            "patience": 100,
            "membership_max": 1.0,
        },
        "sampling": {
            "sampler": "ancestral",
            "steps": 500,
            "spacing": "time",
            "centred": False,
            "rescaled": False,
            "paired": False,
            "refined_from": None,
        },
        "decoding": {"rule": "rounding", "autozygosity": False},
    },
    "snpgen": {
        "representation": "snp_vae",
        # 8 latents to a position, of 16 SNPs each: windows of three positions
        "denoiser": {"kind": "local", "group_blocks": 1, "width": 96, "layers": 4, "context": 96},
        "training": {"epochs": 35, "batch_size": 128, "weight_decay": 0.0},
        "sampling": {"rescaled": False, "refined_from": None},
        # few large labels: each gets its own frequencies, and with them the effects of variants
        "decoding": {
            "rule": "matched",
            "rare_margin": 0.45,
            "common_margin": 0.45,
            "label_margin": 0.45,
            "label_z": 0.0,
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
            "weight_decay": 0.0,
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
            "rescaled": False,
            "paired": False,
            "refined_from": None,
        },
        "decoding": {"rule": "argmax", "autozygosity": False},
    },
}


# What differs with `per_chromosome`: the global vector is in the place of context and factors.
PER_CHROMOSOME = {
    "denoiser": {"kind": "local", "width": None, "layers": 5, "context": 0},
    "diffusion": {"prior_factors": 0},
}


def _with_preset(generator):
    """A generator's section as the user wrote it -> with its preset and its kind filled in."""
    if not isinstance(generator, dict) or generator.get("kind", "diffusion") != "diffusion":
        return generator
    name = generator.get("preset", "genetic_diffusion")
    preset = PRESETS.get(name, {}) if isinstance(name, str) else {}  # its field refuses others
    own = preset.get("denoiser", {}).get("kind", "local")
    if generator.get("per_chromosome") is True and own == "local":  # others are refused
        preset = merged(preset, PER_CHROMOSOME)
    return merged({"kind": "diffusion"} | preset, generator)


AnyGenerator = Annotated[
    DiffusionGenerator | BlockGaussianGenerator | WGANGenerator | AlleleGenerator,
    Field(discriminator="kind"),
    BeforeValidator(_with_preset),
]
