"""The alleles of a record: what kind of variant they make, and their shortest and leftmost writing."""

import re

BASES = {"A": 0, "C": 1, "G": 2, "T": 3}
SNP, INDEL, MNP = "snp", "indel", "mnp"
KINDS = {SNP: "SNPs", INDEL: "indels", MNP: "MNPs (several bases replaced by as many)"}
_NO_ALLELE = ("0", ".")
_OPEN_END = re.compile("[.][ACGTN]+|[ACGTN]+[.]")  # a breakend without a mate
_SYMBOL = re.compile("<[^:>]+")  # <DEL:ME:ALU> is a deletion


def kind_of(ref: str, alt: str) -> str:
    """The kind of a record with one ALT allele: of `KINDS`, or why it is none of them.

    An indel or MNP may have letters that are no bases; see `is_spelled`.
    """
    pair = {ref, alt}
    if len(pair & BASES.keys()) == 2:
        return SNP
    one_alone = alt == "." or alt == "0" and not ref.isdigit() or ref in _NO_ALLELE and alt in BASES
    if ref == alt or one_alone:
        return "monomorphic_code"
    if any(mark in allele for allele in pair for mark in "<[]") or _OPEN_END.fullmatch(alt):
        return "structural"
    if pair & {"I", "D", "-"}:
        return INDEL
    if all(re.fullmatch("[ACGTN]+|[*]", allele) for allele in pair) and "N" not in pair:
        if "*" in pair:
            return "spanning"
        return MNP if len(ref) == len(alt) else INDEL
    return "coded"


def is_spelled(ref: str, alt: str) -> bool:
    """Whether both alleles are bases and nothing else."""
    return not (ref + alt).strip("ACGT")


def symbol_of(ref: str, alt: str) -> str:
    """What a structural variant calls itself: `<DEL>` of `<DEL:ME:ALU>`, or a breakend."""
    found = _SYMBOL.match(alt) or _SYMBOL.match(ref)
    return f"{found[0]}>" if found else "breakends"


def trimmed(position: int, ref: str, alt: str) -> tuple[int, str, str]:
    """The same change with as few bases as can be, one at least: from the right, then from the left.

    Source: Tan et al. 2015, parsimony.
    """
    end = 0
    shortest = min(len(ref), len(alt)) - 1
    while end < shortest and ref[-1 - end] == alt[-1 - end]:
        end += 1
    ref, alt = ref[: len(ref) - end], alt[: len(alt) - end]
    start, shortest = 0, shortest - end
    while start < shortest and ref[start] == alt[start]:
        start += 1
    return position + start, ref[start:], alt[start:]


def left_aligned(position: int, ref: str, alt: str, before: str) -> tuple[int, str, str]:
    """The same change as far to the left as it can stand, with as few bases as can be.

    before: the reference before `position`, as far as the change may go; a letter that is no base
    ends the way. Source: Tan et al. 2015, algorithm 1.
    """
    position, ref, alt = trimmed(position, ref, alt)
    at = len(before)
    while ref[-1] == alt[-1] and at > 0 and before[at - 1] in BASES:
        # the last base of both goes, and so that none is empty, the one before comes in
        at -= 1
        ref, alt = before[at] + ref[:-1], before[at] + alt[:-1]
    return trimmed(position - (len(before) - at), ref, alt)
