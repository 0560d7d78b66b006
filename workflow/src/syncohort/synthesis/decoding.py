"""Decoding: sampled latents to alleles and dosages, cut where the label's training people say.

What a generator draws is a little too smooth: the values of a rare allele stay low, those of a
heterozygote spread. Rounding then loses rare alleles, and in genotype mode heterozygotes. A
matched threshold lies where as many synthetic rows are above it as the training frequencies of
their labels let expect. What a generator draws for a label is also a little off its frequencies,
which a classifier of the label takes for signal; so a label's threshold may leave the common one
by a margin, for the part of the difference that is more than chance. Each threshold that moves
breaks a few shared haplotypes, and in small labels most differences are chance
(docs/measurements.md).

A representation that gives probabilities of the calls can also take the likeliest, or draw.

Axes: S people, R rows (2 S haplotypes or S people), G positions of the latents, K channels, V
variants, L labels, C calls, T thresholds of a call: one in haplotype mode (ALT), two in genotype
mode (at least one ALT, two ALT).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from syncohort.cohort_store import CohortStore
from syncohort.dosages import minor
from syncohort.errors import InputError
from syncohort.files import RowFile
from syncohort.formats.shared_sites import settle, settle_one_copy, shared_sites
from syncohort.genotype_writing import CohortWriter
from syncohort.genotypes import (
    CHUNK_VARIANTS,
    People,
    from_rows,
    rows_per_person,
    site_slices,
    slices,
)
from syncohort.ploidy import has_one_copy, keep_one
from syncohort.representations.base import Representation
from syncohort.seeds import child_seed
from syncohort.synthesis.autozygosity import Alike, Autozygosity
from syncohort.synthesis.block_haplotypes import BlockHaplotypes
from syncohort.synthesis.recentring import Recentring
from syncohort.synthesis.training_rows import TrainingRows, block_edges, block_slices

# The last two need the probabilities of the calls.
RULES = ("matched", "rounding", "argmax", "sampled")

# With so many synthetic rows a label's own threshold counts half, that of all rows the other
# half: a quantile of a handful of values is mostly chance.
HALF_TRUSTED_ROWS = 20
WIDEST = 0.49  # that any threshold is from half way

# From this frequency of the minor allele a variant has the margin of the common ones.
COMMON_MAF = 0.1

# Values held at once; the sorting takes a few times as many.
_CHUNK_ELEMENTS = 1 << 23
_ROWS_AT_ONCE = 512


@dataclass(frozen=True)
class Decision:
    """How values become calls.

    rule: "matched"; "rounding", half way between two calls; "argmax", the likeliest call; or
    "sampled", a call drawn with the probabilities. rare_margin: how far from half way the
    matched threshold of the rarest variant may be, in [0, 0.5); common_margin: that of variants
    of MAF 0.1 and more, with a straight line between; label_margin: how far a label's threshold
    may be from the one for all; label_z: it is for what the label's share is off by more than so
    many standard errors. Rare alleles need the freedom, for their values are small;
    common ones are nearly right as they are, and each allele turned over to meet a frequency is
    an error of linkage. haplotype_carriers: see `block_haplotypes`; autozygosity: whether people get
    autozygous stretches, where they are known.
    """

    rule: str
    rare_margin: float
    common_margin: float
    label_margin: float
    haplotype_carriers: int | None = None
    autozygosity: bool = False
    label_z: float = 0.0

    @property
    def looks_at_blocks(self) -> bool:
        """Whether what is uncommon in a block is brought back."""
        return self.rule == "matched" and bool(self.haplotype_carriers)

    def __post_init__(self):
        if self.rule not in RULES:
            raise InputError(
                f"decoding rule {self.rule!r} is unknown; use one of {', '.join(RULES)}"
            )


def decode_cohort(
    shard_paths: list[str | Path],
    model: Representation,
    real: CohortStore,
    people: People,
    out_path: str | Path,
    *,
    first_position: int,
    decision: Decision,
    seed: int,
    recentring: Recentring | None = None,
    autozygosity: Autozygosity | None = None,
    people_seed: int = 0,
) -> None:
    """Decode one chromosome of the sampled latents to a cohort dataset.

    shard_paths: latents [R, G, K] of consecutive people. model: of the chromosome, and maybe of
    others; its latents are positions `first_position` ... of the G. real: the chromosome's real
    cohort, of which training people alone are read. people: ids, labels and split of the whole
    synthetic cohort. seed: of the draws, which depend on it, the person and the variant.
    recentring: of the latents, before they are decoded. autozygosity: of the training people, to draw stretches from
    in haplotype mode; people_seed: of what they draw for a person on all chromosomes alike. Calls are phased in haplotype mode. Variants
    are decoded in chunks, the fewer at once the more rows there are. Where more ALT alleles of a
    site are decoded for a row than it has places for, those of the highest values stay
    (`shared_sites.settle`), and the dataset says how many did not. Of one copy the first row is
    taken, in genotype mode ALT where there is any.

    Raises InputError when latents, model, real cohort and people do not fit together, or for a
    rule that needs probabilities the model does not give.
    """
    mode, variants = model.mode, real.variants
    n_rows = len(people) * rows_per_person(mode)
    sampled = _SampledRows(shard_paths, model, real.contig, first_position, recentring)
    sampled.require(n_rows)
    model.require_variants(real)
    edges = block_edges(model, real) if decision.looks_at_blocks else None
    training = TrainingRows(real, mode, edges, decision.haplotype_carriers)
    labels = np.repeat(training.label_indices(people.label), rows_per_person(mode))
    alike = None
    if autozygosity is not None and decision.autozygosity and mode == "haplotype":
        span_bp = (variants.position_bp[0], variants.position_bp[-1])
        draws = {"people_seed": people_seed, "seed": seed}
        drawn = autozygosity.stretches(people.label, real.contig, span_bp, **draws)
        stay = {"heterozygous": autozygosity.heterozygous, "seed": seed}
        alike = Alike(drawn, variants.position_bp, len(people), **stay)
    with CohortWriter(out_path, people) as writer:
        size = _variants_at_once(max(n_rows, len(training.labels)))
        for part in site_slices(variants, size) if edges is None else block_slices(edges, size):
            values = None
            if decision.rule == "argmax":
                rows = sampled.decode(lambda *given: likeliest(model.probabilities(*given)), part)
            elif decision.rule == "sampled":
                rows = draw_calls(sampled.decode(model.probabilities, part), part.start, seed)
            else:
                values = sampled.decode(model.decode_variants, part)
                if decision.rule == "rounding":
                    rows = model.round_rows(values)
                else:
                    shares, blocks = training.shares[:, :, part], training.blocks_of(part)
                    rows = matched_rows(values, labels, shares, training.n_rows, blocks, decision)
            own = variants[part]
            if shared_sites(own):
                if values is None:
                    values = sampled.decode(model.decode_variants, part)
                writer.n_settled += settle(rows, values, own, mode)
            if alike is not None:
                alike.put_into(rows, part)
            one_copy = has_one_copy(own.male_haploid, people.sex)
            calls = keep_one(from_rows(rows, mode), one_copy, second=mode == "genotype")
            writer.n_settled += settle_one_copy(calls, own, people.sex)
            writer.append(own, calls, phased=mode == "haplotype")


def model_of(chrom: str, models: list[Representation]) -> tuple[Representation, int]:
    """The model that holds a chromosome, and the place of its first position in the latents of all.

    models: those of all that the latents hold, in the order the generator was given.
    """
    place = [chrom in model.contigs for model in models].index(True)
    return models[place], sum(len(model.mask) for model in models[:place])


def likeliest(probabilities: np.ndarray) -> np.ndarray:
    """Rows int8 [R, V] of the likeliest calls, of probabilities [R, V, C]."""
    return probabilities.argmax(axis=2).astype(np.int8)


def draw_calls(probabilities: np.ndarray, first_variant: int, seed: int) -> np.ndarray:
    """Rows int8 [R, V] drawn with probabilities [R, V, C].

    first_variant: place of the first variant in the chromosome. The draw of row r at a variant is
    the r-th of that variant's own stream, whatever is decoded together.
    """
    rows = np.empty(probabilities.shape[:2], dtype=np.int8)
    for column in range(rows.shape[1]):
        random = np.random.default_rng(child_seed(seed, first_variant + column))
        reached = probabilities[:, column, :-1].cumsum(axis=1)  # [R, C - 1]
        rows[:, column] = (random.random(len(rows))[:, None] >= reached).sum(axis=1)
    return rows


def matched_thresholds(
    values: np.ndarray,
    labels: np.ndarray,
    shares: np.ndarray,
    training_rows: np.ndarray,
    decision: Decision,
) -> np.ndarray:
    """Thresholds float32 [T, L, V] above which the given shares of the values lie.

    values: float32 [R, V] of all synthetic rows.
    labels: int [R].
    shares: [T, L, V] of the training rows, see `training_shares`.
    training_rows: [L], how many they are.

    One threshold for all, within its margin; and each label's beside it, within the label's
    margin, where the share it would get is off by more than `label_z` standard errors, and as far
    as it is trusted (see `HALF_TRUSTED_ROWS`). A single label has that for all. All stay within
    WIDEST of half way, so that the thresholds of two calls cannot change places.
    """
    n_rows = np.bincount(labels, minlength=shares.shape[1])  # [L]
    expected = np.average(shares, axis=1, weights=n_rows)  # [T, V]
    half_way = np.arange(len(shares))[:, None] + 0.5
    margin = _margin(expected, decision)
    shared = np.clip(_cut(values, expected), half_way - margin, half_way + margin)
    thresholds = np.repeat(shared[:, None], shares.shape[1], axis=1).astype(np.float32)
    present = np.flatnonzero(n_rows)
    for label in present if len(present) > 1 and decision.label_margin else ():
        own = values[labels == label]
        drawn = np.stack([(own > threshold).mean(axis=0) for threshold in shared])  # [T, V]
        n_both = n_rows[label], training_rows[label]
        wanted = beyond_chance(drawn, shares[:, label], n_both, decision.label_z)
        trust = n_rows[label] / (n_rows[label] + HALF_TRUSTED_ROWS)
        apart = np.where(wanted == drawn, 0, trust * (_cut(own, wanted) - shared))
        thresholds[:, label] += np.clip(apart, -decision.label_margin, decision.label_margin)
    return np.clip(thresholds, half_way[:, None] - WIDEST, half_way[:, None] + WIDEST)


def beyond_chance(drawn, real, n_both: tuple[int, int], least_z: float) -> np.ndarray:
    """Shares as drawn, moved towards the real ones by what of the difference is more than chance.

    drawn, real: shares of the same shape; n_both: how many rows they are of. A difference of z
    standard errors (of two samples with the same share) counts 1 - (least_z / z)^2 of itself, and
    nothing below least_z: the non-negative garrote (Breiman 1995, Technometrics 37:373, section 2).
    """
    n_drawn, n_real = n_both
    both = (n_drawn * drawn + n_real * real) / (n_drawn + n_real)
    variance = both * (1 - both) * (1 / n_drawn + 1 / n_real)
    apart = real - drawn
    chance = np.ones_like(apart)
    np.divide(variance, apart**2, out=chance, where=apart != 0)
    return drawn + apart * np.maximum(0, 1 - least_z**2 * chance)


def matched_rows(
    values: np.ndarray,
    labels: np.ndarray,
    shares: np.ndarray,
    training_rows: np.ndarray,
    blocks: list[tuple[slice, BlockHaplotypes]],
    decision: Decision,
) -> np.ndarray:
    """Rows int8 [R, V] cut at matched thresholds, uncommon haplotypes of blocks brought back.

    values, labels, shares, training_rows: see `matched_thresholds`; blocks: where they are, and
    what is common there. What bringing back takes from the share of an allele is given back once:
    the values are cut a second time, at thresholds of the shares and as much more.
    """
    thresholds = matched_thresholds(values, labels, shares, training_rows, decision)
    rows = cut_values(values, labels, thresholds)
    if not blocks:
        return rows
    once = _brought_back(rows, values, labels, thresholds, blocks)
    taken = np.stack(
        [(rows > call).mean(axis=0) - (once > call).mean(axis=0) for call in range(len(shares))]
    )  # [T, V]
    wanted = np.clip(shares + taken[:, None], 0, 1)
    thresholds = matched_thresholds(values, labels, wanted, training_rows, decision)
    rows = cut_values(values, labels, thresholds)
    return _brought_back(rows, values, labels, thresholds, blocks)


def _brought_back(rows, values, labels, thresholds, blocks) -> np.ndarray:
    """Rows [R, V], block by block; values count as if the thresholds were half way."""
    result = np.empty_like(rows)
    for part, block in blocks:
        own = [threshold[labels, part] for threshold in thresholds]
        result[:, part] = block.bring_back(rows[:, part], _centred(values[:, part], own), labels)
    return result


def _centred(values: np.ndarray, thresholds: list[np.ndarray]) -> np.ndarray:
    """Values [R, V] moved so that their thresholds [R, V] are half way, evenly between two."""
    if len(thresholds) == 1:
        return values - thresholds[0] + 0.5
    first, second = thresholds
    between = 0.5 + (values - first) / (second - first)
    ends = np.where(values < first, values - first + 0.5, values - second + 1.5)
    return np.where((values >= first) & (values <= second), between, ends)


def _margin(expected: np.ndarray, decision: Decision) -> np.ndarray:
    """How far from half way a threshold may be, [V], from the expected shares [T, V]."""
    frequency = expected.mean(axis=0)
    common = np.minimum(minor(frequency) / COMMON_MAF, 1)
    return decision.rare_margin + common * (decision.common_margin - decision.rare_margin)


def cut_values(values: np.ndarray, labels: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Rows int8 [R, V]: how many thresholds [T, L, V] of its label each value [R, V] exceeds."""
    rows = np.zeros(values.shape, dtype=np.int8)
    for label in range(thresholds.shape[1]):
        own = np.flatnonzero(labels == label)
        reached = [values[own] > threshold for threshold in thresholds[:, label]]
        rows[own] = np.sum(reached, axis=0, dtype=np.int8)
    return rows


def _cut(values: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Where to cut values [R, V] so that shares [T, V] lie above: halfway between two, [T, V]."""
    ordered = np.sort(np.ascontiguousarray(values.T), axis=1)  # [V, R]
    place = np.clip((1 - shares) * len(values) - 0.5, 0, len(values) - 1)  # [T, V]
    below = place.astype(np.int64)
    above = np.minimum(below + 1, len(values) - 1)
    lower, upper = (np.take_along_axis(ordered, at.T, axis=1).T for at in (below, above))
    return lower + (place - below) * (upper - lower)


def _variants_at_once(n_rows: int) -> int:
    """So many that the values held are bounded, and their slices fit the chunks of the dataset."""
    pieces = -(-CHUNK_VARIANTS * n_rows // _CHUNK_ELEMENTS)
    return max(1, CHUNK_VARIANTS // pieces)


class _SampledRows:
    """The synthetic rows of one chromosome: shards of latents laid end to end, on disk."""

    def __init__(self, shard_paths, model: Representation, contig: str, first_position, recentring):
        self._shards = [RowFile(path) for path in shard_paths]
        self._starts = np.cumsum([0, *map(len, self._shards)])
        self._model, self._contig, self._first = model, contig, first_position
        self._recentring = recentring

    def require(self, n_rows: int) -> None:
        """Raise InputError unless there are `n_rows` rows, of latents the model knows."""
        found = self._starts[-1]
        if found != n_rows:
            raise InputError(
                f"the shards hold {found:,} rows of latents, the cohort needs {n_rows:,}; "
                "sample every shard again with the present labels"
            )
        n_positions, n_channels = self._model.mask.shape
        for shard in self._shards:
            if shard.shape[1] < self._first + n_positions or shard.shape[2] != n_channels:
                raise InputError(
                    f"latents have {shard.shape[1]} positions of {shard.shape[2]} channels, the "
                    f"representation needs {self._first + n_positions} of {n_channels}; they "
                    "belong to different models"
                )

    def decode(self, function: Callable, variants: slice) -> np.ndarray:
        """function(latents, contig, variants) of all rows, so many at a time whatever the shards."""
        needed = self._model.positions_of(self._contig, variants)
        positions = slice(self._first + needed.start, self._first + needed.stop)
        return np.concatenate(
            [function(part, self._contig, variants) for part in self._parts(positions)]
        )

    def _parts(self, positions: slice) -> Iterator[np.ndarray]:
        """Latents [r, g, K] at some positions, of so many rows at a time."""
        if self._recentring is None:
            return (latents for _, latents in self._drawn(positions))
        shift = self._recentring.shift(self._drawn(positions), positions)
        return (
            self._recentring.apply(latents, rows, shift) for rows, latents in self._drawn(positions)
        )

    def _drawn(self, positions: slice) -> Iterator[tuple[slice, np.ndarray]]:
        """Rows, and their latents [r, g, K] as they were drawn."""
        for rows in slices(int(self._starts[-1]), _ROWS_AT_ONCE):
            parts = [
                shard.read(slice(max(rows.start - first, 0), max(rows.stop - first, 0)), positions)
                for shard, first in zip(self._shards, self._starts, strict=False)
            ]
            yield rows, np.concatenate(parts)
