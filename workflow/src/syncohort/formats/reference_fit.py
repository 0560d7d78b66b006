"""Whether variants are at home on a reference genome: what it has where they are.

Axes: V variants.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from syncohort.formats.fasta import Sequence
from syncohort.genotypes import Variants

# What the reference has at a variant, and how a page says it.
FITS = {
    "same": "have the reference's base as REF",
    "provisional": "have it as ALT, where REF was marked as provisional",
    "swapped": "have it as ALT",
    "unknown": "are where the reference has N",
    "other": "have neither allele of the reference",
    "beyond": "lie beyond the end of the reference",
}
_FITTING = ("same", "provisional")
SWAPPED = ("provisional", "swapped")
UNPLACED = ("other", "beyond")  # such variants cannot be written into a sequence
_EXAMPLES = 5
_COMPLEMENT = str.maketrans("ACGT", "TGCA")
_CODES = {"R": "AG", "Y": "CT", "S": "CG", "W": "AT", "K": "GT", "M": "AC"} | {
    "B": "CGT",
    "D": "AGT",
    "H": "ACT",
    "V": "ACG",
    "N": "ACGT",
}
CODE_OF = {frozenset(bases): code for code, bases in _CODES.items()}  # IUPAC, of several bases


@dataclass
class ReferenceFit:
    """How the variants of one chromosome fit its reference.

    length_bp: of the reference. counts: variants by `FITS`. n_complement: of those of kind
    "other", those whose alleles fit on the other strand. examples: the first that do not fit.
    """

    contig: str
    length_bp: int
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(FITS, 0))
    n_complement: int = 0
    examples: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, sequence: Sequence, variants: Variants) -> tuple[Self, np.ndarray]:
        """Compare variants with the reference of their chromosome.

        Returns the counts, and of each variant the kind, [V] str of `FITS`.
        """
        fit = cls(variants.contig, sequence.length)
        kinds = np.empty(len(variants), dtype=object)
        rows = zip(variants.position_bp.tolist(), variants.allele.tolist(), strict=True)
        for at, (position, (ref, alt)) in enumerate(rows):
            start = position - 1
            text = sequence.read(start, start + max(len(ref), len(alt))).decode().upper()
            kinds[at] = _kind_of(ref, alt, text, provisional=bool(variants.provisional[at]))
            if kinds[at] not in _FITTING:
                fit._note(f"{variants.contig}:{position}", kinds[at], ref, alt, text)
        fit.counts.update(Counter(kinds.tolist()))
        return fit, kinds

    def _note(self, place: str, kind: str, ref: str, alt: str, text: str) -> None:
        turned = (each.translate(_COMPLEMENT)[::-1] for each in (ref, alt))
        self.n_complement += kind == "other" and any(fits(each, text) for each in turned)
        if len(self.examples) < _EXAMPLES:
            found = f"the reference has {text[: len(ref)]}" if text else "beyond the reference"
            self.examples.append(f"{place} REF {ref}, ALT {alt}: {found}")

    @property
    def n_misfits(self) -> int:
        """Variants that do not fit; a provisional REF may be the reference's ALT."""
        return sum(count for kind, count in self.counts.items() if kind not in _FITTING)

    @classmethod
    def total(cls, parts: list[Self]) -> Self:
        """The fit of several chromosomes together."""
        whole = cls(", ".join(part.contig for part in parts), sum(p.length_bp for p in parts))
        for part in parts:
            for kind, count in part.counts.items():
                whole.counts[kind] += count
            whole.n_complement += part.n_complement
            whole.examples = (whole.examples + part.examples)[:_EXAMPLES]
        return whole

    def is_beyond(self, mismatch_max: float) -> bool:
        """Whether the share of variants that do not fit is above what is allowed."""
        return self.n_misfits > mismatch_max * sum(self.counts.values())

    def in_words(self) -> str:
        """The counts, and the first variants that do not fit."""
        parts = [f"{count:,} {FITS[kind]}" for kind, count in self.counts.items() if count]
        shown = f" (the first: {'; '.join(self.examples)})" if self.examples else ""
        return f"of {sum(self.counts.values()):,} variants {', '.join(parts)}{shown}"

    def cause(self) -> str:
        """The likely cause of what does not fit, and what to do; "" where all fits."""
        if not self.n_misfits:
            return ""
        most = max(set(FITS) - set(_FITTING), key=self.counts.get)
        if most == "swapped":
            return (
                "REF and ALT stand the other way round, as PLINK 1 files have them: set them with "
                "`plink2 --ref-from-fa force --fa GENOME --make-pgen`."
            )
        if most == "unknown":
            return (
                "The reference is masked or in part unknown: take the one in which repeats are in "
                "lower case (of Ensembl dna_sm, not dna_rm)."
            )
        if self.n_complement > self.counts["other"] / 2:
            return (
                "Alleles are those of the other strand: turn them (`bcftools +fixref`, "
                "`plink --flip`)."
            )
        return (
            "The reference is of another genome build than the genotypes, or another chromosome: "
            "take that of their build, or lift the genotypes over."
        )


def fits(allele: str, text: str) -> bool:
    """Whether an allele may be what a reference begins with, whose codes stand for any of theirs."""
    if text.startswith(allele):
        return True
    return len(text) >= len(allele) and all(
        base == code or base in _CODES.get(code, "")
        for base, code in zip(allele, text, strict=False)
    )


def _kind_of(ref: str, alt: str, text: str, *, provisional: bool) -> str:
    """Which of `FITS` a variant is; text: what the reference has from its position on."""
    if len(text) < len(ref):
        return "beyond"
    if not fits(ref, text):
        if fits(alt, text):
            return "provisional" if provisional else "swapped"
        return "other"
    return "unknown" if "N" in text[: len(ref)] else "same"
