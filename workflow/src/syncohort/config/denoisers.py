"""The configuration of the denoising networks, one section for each kind."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from syncohort.config.sections import Section


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


class LatentUNetConfig(Section):
    """SNPgen's 1-D UNet, with cross-attention to the label."""

    kind: Literal["latent_unet"] = Field(
        "latent_unet", description="Denoiser: SNPgen's 1-D UNet with cross-attention to the label."
    )
    base_width: int = Field(64, ge=32, multiple_of=32, description="Channels of the first level.")
    multipliers: list[Annotated[int, Field(ge=1)]] = Field(
        [1, 2, 4],
        min_length=1,
        description="Channels of each level, in base widths; each level halves the length.",
    )
    blocks_per_level: int = Field(2, ge=1, description="Residual blocks a level.")
    label_width: int = Field(128, ge=8, description="Channels of the label's embedding.")
    heads: int = Field(4, ge=1, description="Attention heads; they share base_width evenly.")
    dropout: float = Field(0.0, ge=0, lt=1, description="Dropout in the residual blocks.")
    position_embedding: bool = Field(
        False, description="Learned numbers for every position of the latents (ours)."
    )

    @model_validator(mode="after")
    def _heads_fit(self):
        if self.base_width % self.heads:
            raise ValueError(f"heads {self.heads} do not divide base_width {self.base_width}")
        return self
