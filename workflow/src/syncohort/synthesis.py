"""From labels to a synthetic cohort: whom to draw, and decoding of the sampled latents.

Axes: S people, R rows (2 S haplotypes or S people), G gene blocks, K channels, V variants.
"""

from pathlib import Path

import numpy as np

from syncohort.errors import InputError, examples
from syncohort.genotypes import (
    CHUNK_SAMPLES,
    CohortWriter,
    People,
    from_rows,
    rows_per_person,
)

ID_DIGITS = 5


def largest_remainder(weights: np.ndarray, total: int) -> np.ndarray:
    """Share out `total` things in proportion to weights >= 0, in whole numbers.

    Hamilton's method: each gets the whole part of its quota, the largest fractions get the
    rest, earlier entries first when they tie. Returns [len(weights)] int64.
    """
    weights = np.asarray(weights, dtype=np.float64)
    quota = weights / weights.sum() * total
    shares = np.floor(quota).astype(np.int64)
    order = np.argsort(shares - quota, kind="stable")
    shares[order[: total - shares.sum()]] += 1
    return shares


def _matched(names: list[str], counts_real: dict[str, int], n_people: int) -> np.ndarray:
    """One person for every label, the rest so that the whole is in proportion."""
    counts = np.array([counts_real[name] for name in names])
    shares = largest_remainder(counts, n_people)
    for label in np.flatnonzero(shares == 0):
        shares[label] += 1
        shares[np.argmax(shares)] -= 1
    return shares


def _given(names: list[str], counts: dict[str, int]) -> np.ndarray:
    unknown = sorted(set(counts) - set(names))
    if unknown:
        raise InputError(
            f"people are asked for labels nobody in training carries: {examples(unknown)}; "
            f"the labels are {examples(names, limit=30)}"
        )
    return np.array([counts.get(name, 0) for name in names])


def draw_labels(
    counts_real: dict[str, int],
    *,
    how: str,
    n_people: int | None = None,
    counts: dict[str, int] | None = None,
    seed: int,
) -> np.ndarray:
    """Return the labels of the synthetic people, [S] str, in an order drawn from `seed`.

    counts_real: training people per label, each at least 1. how: "matched", in their
    proportions with at least one person each; "balanced", equally many of each (up to one);
    both make exactly `n_people`; or "counts", as many per label as `counts` says.

    Raises InputError for too few people, an unknown label or an unknown `how`.
    """
    names = sorted(counts_real)
    if how == "counts":
        shares = _given(names, counts)
    elif how not in ("matched", "balanced"):
        raise InputError(f"labels {how!r} is unknown; use one of matched, balanced, counts")
    elif n_people < len(names):
        raise InputError(
            f"{n_people} synthetic people cannot cover {len(names)} labels; ask for at least "
            f"{len(names)}, or give the people per label"
        )
    elif how == "matched":
        shares = _matched(names, counts_real, n_people)
    else:
        shares = largest_remainder(np.ones(len(names)), n_people)
    if not shares.sum():
        raise InputError("no synthetic people are asked for: every count per label is 0")
    labels = np.repeat(np.array(names, dtype=object), shares)
    return np.random.default_rng(seed).permutation(labels)


def synthetic_ids(n_people: int, prefix: str = "SYN") -> np.ndarray:
    """Sample ids SYN00001, SYN00002, ... [S] str, of equal length."""
    digits = max(ID_DIGITS, len(str(n_people)))
    return np.array([f"{prefix}{i:0{digits}d}" for i in range(1, n_people + 1)], dtype=object)


def draw_people(
    real: People,
    *,
    labels: str,
    people: int | None = None,
    counts: dict[str, int] | None = None,
    seed: int,
) -> People:
    """Return the synthetic people: ids, labels, and no split.

    real: the real cohort, whose training people set the proportions; labels: `how` of
    `draw_labels`; people: how many, None for as many as there are training people.
    """
    trained, counts_real = np.unique(
        real.label[real.split == "train"].astype(str), return_counts=True
    )
    drawn = draw_labels(
        dict(zip(trained.tolist(), counts_real.tolist(), strict=True)),
        how=labels,
        n_people=int(counts_real.sum()) if people is None else people,
        counts=counts,
        seed=seed,
    )
    return People(synthetic_ids(len(drawn)), drawn, np.full(len(drawn), "", dtype=object))


def decode_cohort(
    shard_paths: list[str | Path],
    gene_pca,
    people: People,
    out_path: str | Path,
    *,
    first_block: int,
) -> None:
    """Decode one chromosome of the sampled latents to a cohort dataset.

    shard_paths: latents [R, G, K] of consecutive people. gene_pca: the chromosome's model
    (`mask` [G_c, K], `variants`, `mode`, `decode_rows`); its latents are blocks
    `first_block` ... of the G. people: ids, labels and split of the whole cohort. Calls
    are phased in haplotype mode. Memory is bounded by a chunk of people.

    Raises InputError when latents, model and people do not fit together.
    """
    shards = [np.load(path, mmap_mode="r") for path in shard_paths]
    each = rows_per_person(gene_pca.mode)
    _check_shards(shards, gene_pca.mask.shape, len(people) * each, first_block)
    blocks = slice(first_block, first_block + len(gene_pca.mask))
    with CohortWriter(out_path, people, gene_pca.variants) as writer:
        for start in range(0, len(people), CHUNK_SAMPLES):
            stop = min(start + CHUNK_SAMPLES, len(people))
            latents = _rows_of(shards, start * each, stop * each, blocks)
            calls = from_rows(gene_pca.decode_rows(latents), gene_pca.mode)
            writer.write_people(start, calls, phased=gene_pca.mode == "haplotype")


def _check_shards(shards: list, block_shape: tuple, n_rows: int, first_block: int) -> None:
    found = sum(len(shard) for shard in shards)
    if found != n_rows:
        raise InputError(
            f"the shards hold {found:,} rows of latents, the cohort needs {n_rows:,}; "
            "sample every shard again with the present labels"
        )
    needed = (first_block + block_shape[0], block_shape[1])
    for shard in shards:
        if shard.shape[1] < needed[0] or shard.shape[2] != needed[1]:
            raise InputError(
                f"latents have {shard.shape[1]} blocks of {shard.shape[2]} channels, the gene "
                f"PCA needs {needed[0]} of {needed[1]}; they belong to different models"
            )


def _rows_of(shards: list, start: int, stop: int, blocks: slice) -> np.ndarray:
    """Rows start..stop of the shards laid end to end, [stop - start, G_c, K]."""
    parts, offset = [], 0
    for shard in shards:
        part = slice(max(start - offset, 0), max(stop - offset, 0))
        parts.append(shard[part, blocks])
        offset += len(shard)
    return np.concatenate(parts)
