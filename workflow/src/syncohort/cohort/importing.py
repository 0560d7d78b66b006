"""From the user's genotype files to a cohort dataset of each chromosome."""

import hashlib
import json
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from syncohort.cohort import pseudo_autosomal
from syncohort.cohort_store import CohortStore
from syncohort.errors import InputError, examples
from syncohort.formats.alleles import INDEL, MNP, kind_of
from syncohort.formats.fasta import open_sequence
from syncohort.formats.normalising import NormalisedCounts, normalised
from syncohort.formats.readers import open_source
from syncohort.formats.shared_sites import forget_conflicts, shared_sites
from syncohort.formats.sites import ALTS_MAX, DROP_REASONS, ID_MAX, Choice
from syncohort.formats.source import Chunk
from syncohort.genotype_writing import CohortWriter
from syncohort.genotypes import People, Variants, normalise_contig, variants_at_once
from syncohort.ploidy import ABSENT, MISSING, doubled

# Of neighbouring phased calls, the share that may be of different phase sets: about as many as
# statistical phasing gets wrong. Above it the file is no phased one.
BREAKS_MAX = 0.01

# Bins of equal width of minor-allele frequencies [0, 0.5] and of shares of missing calls [0, 1].
HISTOGRAM_BINS = 500

# Of each person: missing calls, those of them with one allele known, and heterozygous calls, on
# chromosome X those outside the regions it shares with Y; of X, calls of one copy outside and inside
# these regions.
CALL_COUNTS = ("n_missing", "n_half", "n_heterozygous", "n_single", "n_single_shared")


def import_chromosome(
    source: dict,
    contig: str,
    multiallelic: str,
    store_path,
    summary_path,
    people_path,
    *,
    variants: str = "snps",
    reference: list[str] | tuple = (),
    pass_only: bool = False,
    region: tuple[int, int] | None = None,
    build: str | None = None,
) -> None:
    """Read one chromosome of the user's genotypes into a cohort dataset of biallelic variants.

    On chromosome X, where a call with one known allele is that of one copy, however it is
    written, it is kept as such; who has one copy is not known yet. Elsewhere it is missing.

    Args:
        source: arguments of `open_source`. contig: chromosome, any spelling.
        multiallelic: "drop" or "split", of SNPs. variants: "snps" or "all".
        reference: FASTA files, to normalise variants by; none to have them as short as can be.
        pass_only: leave out records that fail a filter. region: first and last bp to use.
        build: see `pseudo_autosomal.build_of_x`; for chromosome X alone.
        store_path: cohort dataset to write; nothing is filtered by frequency yet.
        summary_path: JSON with the fields of `Tally` and what the files say of the chromosome.
        people_path: TSV, what the files say of people, and the columns `CALL_COUNTS`.
    """
    opened = open_source(**source)
    people = People.unlabelled(opened.sample_ids)
    tally = Tally()
    counts = _CallCounts(len(people))
    digest = hashlib.sha256()
    choice = Choice(multiallelic, variants, pass_only)
    chunks = opened.chunks(contig, size=variants_at_once(len(people)), **vars(choice))
    is_x = normalise_contig(contig) == pseudo_autosomal.CONTIG
    if is_x:
        length_bp = opened.contig_length(contig)
        build = pseudo_autosomal.build_of_x(build, length_bp, source["path"])
    with ExitStack() as opened_files:
        writer = opened_files.enter_context(CohortWriter(store_path, people))
        if choice.splits:
            sequence = None
            if reference:
                sequence = opened_files.enter_context(open_sequence(reference, contig))
            chunks = normalised(chunks, sequence, tally.normalised)
        for chunk in (_uncrowded(_within(each, region)) for each in chunks):
            _require_ids(chunk.variants, source["path"])
            tally.n_forgotten += forget_conflicts(chunk.calls, chunk.phased, chunk.variants)
            tally.add(chunk)
            own, calls = chunk.variants, chunk.calls
            if is_x:
                own = pseudo_autosomal.with_male_haploid(own, build, source["path"])
                calls = _one_copy_calls(calls)
                counts.add(doubled(calls), own.male_haploid)
                counts.add_single(calls, own.male_haploid)
            else:
                calls = _whole_calls(calls)
                counts.add(calls)
            digest.update(np.ascontiguousarray(calls))
            writer.append(own, calls, chunk.phased)
        if tally.n_kept == 0:
            kind = "SNP" if variants == "snps" else "variant"
            raise InputError(
                f"{source['path']}, chromosome {contig}: no biallelic {kind} among {tally.n_read:,} "
                f"records ({', '.join(in_words(tally.dropped)) or 'none'}). {_advice(tally)}"
            )
        if tally.n_breaks > BREAKS_MAX * tally.n_pairs:
            writer.forget_phase()
    store = CohortStore(store_path)
    summary = {
        "contig": store.contig,
        **tally.summary(),
        **_variant_counts(store.variants),
        "has_reference": bool(reference),
        "n_people": len(people),
        "phased": store.phased,
        "n_provisional": int(store.variants.provisional.sum()),
        "n_male_haploid": int(store.variants.male_haploid.sum()),
        "male_haploid_bp": _span_bp(store.variants),
        "first_position_bp": int(store.variants.position_bp[0]),
        "last_position_bp": int(store.variants.position_bp[-1]),
        "contig_length_bp": opened.contig_length(contig),
        "held": opened.counts(),
        "notes": list(opened.notes),
        "calls_sha256": digest.hexdigest(),
        **counts.summary(),
    }
    Path(summary_path).write_text(json.dumps(summary, indent=1) + "\n")
    own = {name: getattr(counts, name) for name in CALL_COUNTS}
    opened.people_columns().assign(**own).to_csv(people_path, sep="\t", index=False)


def _within(chunk: Chunk, region: tuple[int, int] | None) -> Chunk:
    """The chunk without what lies outside a region, first and last bp; None: all of it."""
    if region is None:
        return chunk
    position_bp = chunk.variants.position_bp
    return _without(chunk, (position_bp < region[0]) | (region[1] < position_bp), "region")


def _uncrowded(chunk: Chunk) -> Chunk:
    """The chunk without positions of more variants than one record can number."""
    _, at, n_there = np.unique(chunk.variants.position_bp, return_inverse=True, return_counts=True)
    return _without(chunk, n_there[at] > ALTS_MAX, "many_alleles")


def _without(chunk: Chunk, leaves: np.ndarray, reason: str) -> Chunk:
    """The chunk without some of its variants, bool [v], which are counted under a reason."""
    if not leaves.any():
        return chunk
    rows = np.flatnonzero(~leaves)
    return replace(
        chunk,
        variants=chunk.variants[rows],
        calls=chunk.calls[rows],
        phased=chunk.phased[rows],
        dropped=Counter(chunk.dropped) + Counter({reason: int(leaves.sum())}),
    )


def _span_bp(variants: Variants) -> int:
    """From the first to the last variant of which men have one copy; 0 without any."""
    own = variants.position_bp[variants.male_haploid]
    return int(own[-1] - own[0]) if len(own) else 0


def _one_copy_calls(calls: np.ndarray) -> np.ndarray:
    """Calls int8 [v, S, 2] of chromosome X: one known allele is a call of one copy."""
    first, second = calls[..., 0], calls[..., 1]
    half = (first < 0) ^ (second < 0)
    if not half.any():
        return calls
    known = np.where(half, calls.max(axis=2), first)
    return np.stack([known, np.where(half, ABSENT, second)], axis=2)


def _whole_calls(calls: np.ndarray) -> np.ndarray:
    """Calls int8 [v, S, 2] where everybody has two copies: missing where the file has one."""
    if calls.min(initial=0) > ABSENT:
        return calls
    return np.where(calls[..., 1:] == ABSENT, np.int8(MISSING), calls)


def _require_ids(variants: Variants, path: str) -> None:
    """Raise InputError for an id that cannot go into a release."""
    ids = pd.Series(variants.id, dtype=object)
    blank = ids.str.contains(r"\s").to_numpy(dtype=bool)
    long = ids.str.len().to_numpy() > ID_MAX
    if long.any():
        at = int(np.argmax(long))
        raise InputError(
            f"{path}: the record {variants.contig}:{variants.position_bp[at]} has an id of "
            f"{len(variants.id[at]):,} characters ({variants.id[at][:30]}...), and PLINK takes no such "
            f"ids: {ID_MAX:,} at most can be used. Write others with "
            "`bcftools annotate --set-id '%CHROM:%POS'`."
        )
    if blank.any():
        at = int(np.argmax(blank))
        raise InputError(
            f"{path}: the record {variants.contig}:{variants.position_bp[at]} has the id "
            f"{variants.id[at]!r}, and an id with blanks cannot go into PLINK files. Write others "
            "with `bcftools annotate --set-id '%CHROM:%POS:%REF:%ALT'`."
        )


@dataclass
class Tally:
    """What was read of a chromosome and what became of it; see `sites.Chunk`.

    n_haploid: calls with one allele alone. n_forgotten: see `shared_sites.forget_conflicts`.
    """

    n_read: int = 0
    n_kept: int = 0
    dropped: Counter = field(default_factory=Counter)
    failed: Counter = field(default_factory=Counter)
    codes: Counter = field(default_factory=Counter)
    symbols: Counter = field(default_factory=Counter)
    n_haploid: int = 0
    n_pairs: int = 0
    n_breaks: int = 0
    n_uncertain: int = 0
    n_forgotten: int = 0
    normalised: NormalisedCounts = field(default_factory=NormalisedCounts)

    def add(self, chunk: Chunk) -> None:
        """Take the next chunk."""
        self.n_read += chunk.n_read
        self.n_kept += len(chunk.variants)
        self.dropped.update(chunk.dropped)
        self.failed.update(chunk.failed)
        self.codes.update(chunk.codes)
        self.symbols.update(chunk.symbols)
        self.n_haploid += int(((chunk.calls[..., 1] == ABSENT) & (chunk.calls[..., 0] >= 0)).sum())
        self.n_pairs += chunk.n_pairs
        self.n_breaks += chunk.n_breaks
        self.n_uncertain += chunk.n_uncertain

    def summary(self) -> dict:
        """The fields, those of `normalised` among them; what it left out counts as dropped."""
        found = vars(self) | vars(self.normalised)
        dropped = self.dropped + Counter(duplicate=self.normalised.n_repeated)
        return {name: found[name] for name in found if name != "normalised"} | {"dropped": dropped}


def _variant_counts(variants: Variants) -> dict:
    """Variants of a chromosome by their kinds, and by whether they share their position."""
    position = variants.position_bp
    _, n_there = np.unique(position, return_counts=True)
    sites = shared_sites(variants)
    return {
        "kinds": Counter(kind_of(ref, alt) for ref, alt in variants.allele),
        "n_shared_sites": len(sites),
        "n_shared_variants": sum(site.stop - site.start for site in sites),
        "n_torn": int((n_there > 1).sum()) - len(sites),
    }


class _CallCounts:
    """Calls by person and by variant. Axes: v variants of a chunk, S people."""

    def __init__(self, n_people: int):
        self.n_missing, self.n_half, self.n_heterozygous = np.zeros((3, n_people), dtype=np.int64)
        self.n_single, self.n_single_shared = np.zeros((2, n_people), dtype=np.int64)
        self.maf = np.zeros(HISTOGRAM_BINS, dtype=np.int64)
        self.missing = np.zeros(HISTOGRAM_BINS, dtype=np.int64)
        self.n_monomorphic = 0
        self.expected_heterozygous = 0.0

    def add(self, calls: np.ndarray, telling: np.ndarray | slice = slice(None)) -> None:
        """Take the next variants: calls int8 [v, S, 2].

        telling: bool [v], variants at which heterozygous calls tell two copies from one.
        """
        n_missing = n_half = 0
        if calls.min(initial=0) < 0:
            n_missing, n_half = self._add_missing(calls)
            calls = np.maximum(calls, 0)
        pairs = calls.view("<u2")[..., 0]  # both alleles as one number, which is twice as fast
        dosage = pairs + (pairs >> 8) & 3
        alt = dosage.sum(axis=1, dtype=np.uint32)
        frequency = alt / np.maximum(2 * calls.shape[1] - 2 * n_missing + n_half, 1)
        self.n_heterozygous += (dosage[telling] & 1).sum(axis=0, dtype=np.uint16)
        self.expected_heterozygous += float((2 * frequency * (1 - frequency))[telling].sum())
        maf = np.minimum(frequency, 1 - frequency)
        self.n_monomorphic += int((maf == 0).sum())
        self.maf += _histogram(2 * maf[maf > 0])
        self.missing += _histogram(np.broadcast_to(n_missing, len(calls)) / max(calls.shape[1], 1))

    def add_single(self, calls: np.ndarray, male_haploid: np.ndarray) -> None:
        """Take calls of one copy int8 [v, S, 2] of chromosome X; male_haploid: see `Variants`."""
        single = (calls[..., 0] >= 0) & (calls[..., 1] == ABSENT)
        self.n_single += single[male_haploid].sum(axis=0)
        self.n_single_shared += single[~male_haploid].sum(axis=0)

    def _add_missing(self, calls: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Count the missing calls and the half of them by person; return them by variant [v]."""
        one, other = calls[..., 0] < 0, calls[..., 1] < 0
        missing, half = one | other, one ^ other
        self.n_missing += missing.sum(axis=0)
        self.n_half += half.sum(axis=0)
        # a known ALT beside a missing allele makes no heterozygote
        self.n_heterozygous -= (half & (calls.max(axis=2) == 1)).sum(axis=0)
        return missing.sum(axis=1), half.sum(axis=1)

    def summary(self) -> dict:
        """The counts of variants, for the check page."""
        return {
            "n_monomorphic": self.n_monomorphic,
            "maf_histogram": self.maf.tolist(),
            "missing_histogram": self.missing.tolist(),
            "expected_heterozygous": self.expected_heterozygous,
        }


def _histogram(shares: np.ndarray) -> np.ndarray:
    """How many of the shares in [0, 1] fall into each of `HISTOGRAM_BINS` equal bins."""
    bins = np.minimum((shares * HISTOGRAM_BINS).astype(np.int64), HISTOGRAM_BINS - 1)
    return np.bincount(bins, minlength=HISTOGRAM_BINS)


def in_words(dropped: dict[str, int]) -> list[str]:
    """Records that are left out, by reason, as a page says it."""
    return [f"{count:,} {DROP_REASONS[reason]}" for reason, count in dropped.items() if count]


def _advice(tally: Tally) -> str:
    """What to do about a chromosome of which nothing is used."""
    reason = max(tally.dropped, key=tally.dropped.get, default="")
    if reason == "coded":
        return allele_advice(tally.codes)
    if reason == "multiallelic":
        return "Keep one SNP for each ALT allele with filters.multiallelic: split."
    if reason in (INDEL, MNP):
        return "Keep indels and MNPs with filters.variants: all."
    if reason == "filter":
        return "Keep records that fail a filter with filters.pass_only: false."
    if reason == "region":
        return "Mend filters.regions, or is it of another genome build?"
    return "Leave the chromosome out with input.chromosomes."


def allele_advice(codes: dict[str, int]) -> str:
    """What allele codes mean that are no DNA, and how to write them anew.

    codes: records by their alleles, joined by "/".
    """
    found = f"The alleles are {examples(sorted(codes, key=codes.get, reverse=True))}"
    letters = {allele for pair in codes for allele in pair.split("/")} - {"0", "."}
    if letters <= {"1", "2", "3", "4"} and letters & {"3", "4"}:
        return f"{found}: codes of A, C, G and T. Write them with `plink --alleleACGT --make-bed`."
    if letters <= {"A", "B"}:
        return (
            f"{found}: codes of a genotyping chip. Write bases with `plink --update-alleles`, "
            "which takes a table of the chip's maker."
        )
    if letters <= {"1", "2"}:
        return (
            f"{found}: codes that stand for no base (0 and 1 in a VCF of tskit or another "
            "simulator, 1 and 2 of `plink --recode 12`). Write bases with `plink --update-alleles`, "
            "or simulate them (`msprime.sim_mutations` has bases by default)."
        )
    if letters <= set("ACGTRYSWKMBDHVN"):
        return (
            f"{found}: letters that stand for one of several bases (IUPAC). Records need bases: "
            "call them from a reference without such letters, or leave them out."
        )
    return f"{found}, and A, C, G and T are needed: `plink --update-alleles` writes them anew."
