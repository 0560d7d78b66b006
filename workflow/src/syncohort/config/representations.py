"""The configuration of representations, and the named recipes of them."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from syncohort.config.sections import PositiveFraction, Section, merged


class GenePCAConfig(Section):
    """A PCA of each gene block, fitted on the training people."""

    kind: Literal["gene_pca"] = Field(
        "gene_pca", description="For whole genomes and all variants: a PCA of each gene block."
    )
    rule: Literal["loss", "counts"] = Field(
        "loss",
        description="How many components a block gets. `loss`: as many as keep variance_kept; a block that needs more than max_components is divided. `counts`: 8, 4 or 1 by its number of SNPs, as published.",
    )
    max_components: int = Field(8, ge=1, le=64, description="Most components of a block.")
    variance_kept: PositiveFraction = Field(
        0.99,
        description="Share of a block's variance that its components keep (with `rule: loss`).",
    )


class AutoencoderTraining(Section):
    """How the autoencoder is trained."""

    epochs: int = Field(40, ge=1, description="Passes over the training rows.")
    batch_size: int = Field(128, ge=1, description="Rows per step.")
    learning_rate: float = Field(2e-3, gt=0, description="Highest learning rate of AdamW.")
    patience: int = Field(
        15,
        ge=1,
        description="Stop after this many epochs without a better accuracy on validation people.",
    )


class SnpVAEConfig(Section):
    """A variational autoencoder of the SNPs of all chromosomes together, for selected variants."""

    kind: Literal["snp_vae"] = Field(
        "snp_vae", description="For some thousand selected variants: an autoencoder of genotypes."
    )
    network: Literal["patches", "published"] = Field(
        "patches",
        description="`patches`: ours, with separate weights for every stretch of SNPs; `published`: SNPgen's convolutions, loss and discriminator.",
    )
    patch_snps: int | None = Field(
        None,
        ge=1,
        le=64,
        description="Neighbouring SNPs that are encoded together, with weights of their own. 1: convolutions that treat all SNPs alike, as in the published network, which has no other. null: 16 with `patches`, 1 with `published`.",
    )
    shortening: Literal[8, 16, 32, 64] | None = Field(
        None,
        description="SNPs for each position of the latents, with `network: published` alone: the sizes that SNPgen's release has. 32 is its base configuration; its notebooks take 16 for 2,048 SNPs. null with `patches`, whose positions are the patches.",
    )
    latent_channels: int = Field(
        8,
        ge=1,
        le=64,
        description="Numbers at each position of the latents (for each patch). More: a better reconstruction.",
    )
    kl_weight: float = Field(
        0.3,
        ge=0,
        description="Weight of the KL divergence in the loss. More: smoother latents, a worse reconstruction.",
    )
    training: AutoencoderTraining = AutoencoderTraining()

    @model_validator(mode="before")
    @classmethod
    def _patches_are_those_of_the_network(cls, values):
        """Filled in here, so that every job is told the number."""
        if not isinstance(values, dict) or values.get("patch_snps") is not None:
            return values
        return values | {"patch_snps": 1 if values.get("network") == "published" else 16}

    @model_validator(mode="after")
    def _published_network_has_no_patches(self):
        if self.network == "published" and self.patch_snps != 1:
            raise ValueError(
                f"patch_snps is {self.patch_snps}, and `network: published` has no patches: leave "
                "patch_snps out, or choose `network: patches`"
            )
        return self

    @model_validator(mode="after")
    def _shortening_goes_with_the_published_network(self):
        if (self.network == "published") != (self.shortening is not None):
            raise ValueError(
                "`shortening` (8, 16, 32 or 64) is for `network: published`, which needs it: give "
                "both or none"
            )
        return self


# What differs from the defaults of a representation's kind.
REPRESENTATIONS = {
    "gene_pca": {"kind": "gene_pca"},
    "gene_pca_paper": {"kind": "gene_pca", "rule": "counts"},
    "snp_vae": {"kind": "snp_vae"},
    "snp_vae_paper": {
        "kind": "snp_vae",
        "network": "published",
        "shortening": 32,
        "latent_channels": 1,
        "kl_weight": 1.0,
        "training": {
            "epochs": 400,
            "batch_size": 256,
            # the release: 4.5e-6 for each GPU, for 515,000 steps on 330,000 people
            "learning_rate": 1e-4,
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
