"""The configuration of the denoisers, one section for each kind.

What is inside a published network is no key: it stands as constants beside the network.
"""

from typing import Annotated, Literal

from pydantic import Field

from syncohort.config.sections import Section

Size = Annotated[
    Literal["published", "small"],
    Field(
        description="`published`: as in the paper, meant for a GPU; `small`: a much smaller network of the same kind, to try it on a processor."
    ),
]


class LocalConfig(Section):
    """Our denoiser: each layer sees a window of neighbouring gene blocks and has separate weights for every position."""

    kind: Literal["local"] = Field("local", description="Our denoiser, the default.")
    group_blocks: int = Field(
        4, ge=1, description="Neighbouring gene blocks that form a group, the unit of the network."
    )
    width: int | None = Field(
        96,
        ge=8,
        description="Channels of a group: the capacity of the network. null: by the number of training rows, 96 for 4,000 of them.",
    )
    layers: int = Field(
        5,
        ge=1,
        description="Residual layers. Each mixes a group with its two neighbours, twice as far away as in the layer before.",
    )
    sight_kb: float | None = Field(
        None,
        gt=0,
        description="How far every place must see to both sides, in thousand base pairs: the number of layers follows from the gene blocks, and `layers` does not count. It needs a gene PCA. null: `layers`.",
    )
    networks: int = Field(
        1,
        ge=1,
        le=16,
        description="Networks of this size whose predictions are averaged: shared haplotypes and linkage come closer to real ones, and no more is told of training people. Each is trained as one alone, with as many epochs and batches of the same size, so training, drawing people and the memory of the weights take so many times as much.",
    )
    context: int = Field(
        32,
        ge=0,
        description="Channels of a summary of the whole genome that every group sees. 0: none.",
    )
    experts: int | None = Field(
        None,
        ge=1,
        description="For whole genomes: number of weight sets that positions share, each position with its own mix of them (32 saves most of the memory). null: every position has separate weights, up to about a chromosome.",
    )


class MLPConfig(Section):
    """The dense UNet of GeneticDiffusion."""

    kind: Literal["mlp"] = Field("mlp", description="The published UNet of dense layers.")
    widths: (
        Annotated[list[Annotated[int, Field(ge=32, multiple_of=32)]], Field(min_length=2)] | None
    ) = Field(
        None,
        description="Widths of the layers, from the outermost to the bottleneck, for example [256, 128, 64]. null: the published ones.",
    )


class CNNConfig(Section):
    """The convolutional UNet of GeneticDiffusion."""

    kind: Literal["cnn"] = Field("cnn", description="The published 1-D convolutional UNet.")
    size: Size = "published"


class MLPCNNConfig(Section):
    """The mix of both that GeneticDiffusion recommends."""

    kind: Literal["mlp_cnn"] = Field(
        "mlp_cnn", description="The published mix of `mlp` and `cnn`, weighted by the noise level."
    )
    size: Size = "published"


class TransformerConfig(Section):
    """The Transformer of GeneticDiffusion."""

    kind: Literal["transformer"] = Field(
        "transformer", description="The published Transformer over patches of gene blocks."
    )
    size: Size = "published"


class LatentUNetConfig(Section):
    """The UNet of SNPgen."""

    kind: Literal["latent_unet"] = Field(
        "latent_unet",
        description="SNPgen's 1-D UNet with attention to all positions and to the label.",
    )
    size: Size = "published"


# Every denoiser a study may name: a new kind stands here, and nowhere else in the configuration.
AnyDenoiser = (
    LocalConfig | MLPConfig | CNNConfig | MLPCNNConfig | TransformerConfig | LatentUNetConfig
)
