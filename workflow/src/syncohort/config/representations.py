"""The configuration of representations, and the named recipes of them."""

from typing import Annotated, Literal

from pydantic import Field

from syncohort.config.sections import PositiveFraction, Section, merged


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


class DiscriminatorConfig(Section):
    """The adversary of the SNP autoencoder."""

    weight: float = Field(
        0.5, gt=0, description="Weight of the adversarial term, at the scale of the reconstruction."
    )
    start_step: int = Field(20_001, ge=0, description="Training step from which it plays.")
    channels: int = Field(128, ge=8, description="Channels of its convolutions.")
    depth: int = Field(6, ge=3, le=10, description="Its convolutions.")


class AutoencoderTraining(Section):
    """How the SNP autoencoder is trained."""

    epochs: int = Field(40, ge=1, description="Passes over the training rows.")
    batch_size: int = Field(128, ge=1, description="Rows per step.")
    learning_rate: float = Field(2e-3, gt=0, description="Peak learning rate of AdamW.")
    weight_decay: float = Field(0.0, ge=0, description="Weight decay of AdamW.")
    warmup_steps: int = Field(100, ge=0, description="Linear warm-up, then cosine to 0.")
    clip_norm: float | None = Field(
        1.0, gt=0, description="Largest norm of the gradient; null: any."
    )
    ema_decay: float = Field(
        0.99, ge=0, lt=1, description="Decay of the averaged weights; 0 switches them off."
    )
    patience: int = Field(
        15, ge=1, description="Stop after so many epochs without a better validation accuracy."
    )


class SnpVAEConfig(Section):
    """Convolutional autoencoder of the SNPs of all chromosomes, for selected variants."""

    kind: Literal["snp_vae"] = Field("snp_vae", description="The representation.")
    patch_snps: int = Field(
        16,
        ge=1,
        le=64,
        description="SNPs of a patch: the outermost and the innermost layers have weights of their own for each; 1: convolutions that treat all SNPs alike, the paper's way.",
    )
    width: int = Field(96, ge=8, multiple_of=8, description="Channels of the first layer.")
    widths: list[Annotated[int, Field(ge=8, multiple_of=8)]] = Field(
        [96],
        min_length=1,
        max_length=8,
        description="Channels of the levels; each further level halves the length.",
    )
    blocks_per_level: int = Field(1, ge=1, description="Residual blocks a level.")
    latent_channels: int = Field(
        8, ge=1, le=64, description="Numbers at each position of the latents."
    )
    kl_weight: float = Field(
        0.3, ge=0, description="Weight of the KL divergence, summed over the latents."
    )
    learned_scale: bool = Field(
        False,
        description="Learn a log-variance of the cross-entropy, the paper's way: the better the reconstruction, the less the divergence weighs.",
    )
    discriminator: DiscriminatorConfig | None = Field(
        None, description="Adversary that tells genotypes from reconstructions; null: none."
    )
    training: AutoencoderTraining = AutoencoderTraining()


# What differs from the defaults of a representation's kind.
REPRESENTATIONS = {
    "gene_pca": {"kind": "gene_pca"},
    "gene_pca_paper": {"kind": "gene_pca", "rule": "counts"},
    "snp_vae": {"kind": "snp_vae"},
    "snp_vae_paper": {
        "kind": "snp_vae",
        "patch_snps": 1,
        "width": 32,
        "widths": [32, 64, 64, 128, 128],
        "blocks_per_level": 2,
        "latent_channels": 1,
        "kl_weight": 1.0,
        "learned_scale": True,
        "discriminator": {},
        "training": {
            "epochs": 400,
            "batch_size": 256,
            "learning_rate": 1e-4,  # the release does not say
            "clip_norm": None,
            "ema_decay": 0.9999,
            "patience": 400,
        },
    },
}

AnyRepresentation = Annotated[GenePCAConfig | SnpVAEConfig, Field(discriminator="kind")]


def with_representations(given):
    """The representations the user wrote, over those that are always there; a new one without a
    kind is a gene PCA."""
    if not isinstance(given, dict):
        return given
    found = dict(REPRESENTATIONS)
    for name, changes in given.items():
        base = found.get(name, {"kind": "gene_pca"})
        found[name] = merged(base, changes) if isinstance(changes, dict) else changes
    return found
