"""How large a benchmark is."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Diffusion:
    """n_blocks gene blocks of 8 channels; denoiser: options of "mlp_cnn".

    plain_batches: training steps of the plain loop; epochs: of ours, over 128 rows;
    plain_genomes, genomes: sampled by either; plain_steps: of the plain sampler, all of T.
    """

    n_blocks: int
    denoiser: dict = field(default_factory=dict)
    n_classes: int = 26
    plain_batches: int = 24
    epochs: int = 6
    plain_genomes: int = 16
    genomes: int = 64
    plain_steps: int = 500


@dataclass(frozen=True)
class GenePCA:
    """n_genes, and people of which people_at_once are read together."""

    n_genes: int
    n_people: int = 1_000
    people_at_once: int = 500


@dataclass(frozen=True)
class Neighbours:
    """All pairs of n_rows and n_rows; sklearn_rows, loop_rows: of the first, by the slow ways."""

    n_rows: int
    n_variants: int
    sklearn_rows: int
    loop_rows: int = 1
    loop_partners: int = 20


@dataclass(frozen=True)
class Programs:
    """People and variants that our stages and other programs work on."""

    n_people: int
    n_variants: int


@dataclass(frozen=True)
class Size:
    diffusion: Diffusion
    gene_pca: GenePCA
    neighbours: Neighbours
    programs: Programs


_SMALL_DENOISER = {
    "mlp": {"widths": [256, 128, 64]},
    "cnn": {
        "base_width": 32,
        "multipliers": [1, 1, 2, 2],
        "blocks_per_level": 1,
        "attention_at": [8],
        "head_width": 32,
    },
}

SIZES = {
    "tiny": Size(
        Diffusion(16, _SMALL_DENOISER, 3, 2, 1, plain_genomes=2, genomes=4, plain_steps=12),
        GenePCA(12, n_people=60, people_at_once=25),
        Neighbours(30, 200, sklearn_rows=5),
        Programs(300, 900),
    ),
    "small": Size(
        Diffusion(256, _SMALL_DENOISER, plain_batches=48, epochs=10),
        GenePCA(2_000),
        Neighbours(1_000, 20_000, sklearn_rows=50),
        Programs(1_000, 5_000),
    ),
    "full": Size(
        Diffusion(512),  # the paper's network
        GenePCA(20_000),
        Neighbours(2_504, 50_000, sklearn_rows=100),
        Programs(2_504, 25_000),
    ),
}
