"""The compatibility check's part on genotype files: which variants are used, and which are not.

Functions take the summaries that `import_chromosome` wrote, a dictionary per chromosome, and
return lines of the page.
"""

from collections import Counter

import numpy as np

from syncohort.cohort.importing import allele_advice
from syncohort.cohort.people_checks import Check
from syncohort.errors import examples
from syncohort.formats.alleles import KINDS, SNP
from syncohort.formats.sites import DROP_REASONS
from syncohort.genotypes import contig_order

# Above it, what is not used is worth a look.
_UNUSED_LOOK = 0.2
# Above it, so are probabilities that are no hard calls.
_UNCERTAIN_LOOK = 0.05


def file_checks(summaries: list[dict]) -> list[Check]:
    """What was odd about the files; records that fail a filter; probabilities that are no calls;
    reference alleles; what is used beside SNPs, how it was normalised, sites of several ALT alleles; MNPs and codes left out."""
    return [
        *_note_checks(summaries),
        *_filter_checks(summaries),
        *_uncertain_checks(summaries),
        *_reference_checks(summaries),
        *_kind_checks(summaries),
        *_site_checks(summaries),
        *_mnp_checks(summaries),
        *_code_checks(summaries),
    ]


def _total(summaries: list[dict], name: str) -> int:
    return sum(summary[name] for summary in summaries)


def _kinds(summaries: list[dict]) -> Counter:
    return sum((Counter(summary["kinds"]) for summary in summaries), Counter())


def _noun(summaries: list[dict]) -> str:
    return "SNPs" if set(_kinds(summaries)) <= {SNP} else "variants"


def _note_checks(summaries) -> list[Check]:
    notes = sorted({note for summary in summaries for note in summary["notes"]})
    return [Check("genotype files", note, "look", "") for note in notes]


def _filter_checks(summaries) -> list[Check]:
    failed = sum((Counter(summary["failed"]) for summary in summaries), Counter())
    if not failed:
        return []
    names = Counter()
    for text, count in failed.items():
        names.update(dict.fromkeys(set(text.split(";")) - {"PASS"}, count))
    listed = examples([f"{name} {count:,}" for name, count in names.most_common()])
    dropped = sum(summary["dropped"].get("filter", 0) for summary in summaries)
    advice = "" if dropped else "They are used; filters.pass_only: true leaves them out."
    found = f"{failed.total():,} ({listed})" + ("; left out" if dropped else "")
    return [Check("records that fail a filter", found, "ok" if dropped else "look", advice)]


def _uncertain_checks(summaries) -> list[Check]:
    n_uncertain = sum(summary["n_uncertain"] for summary in summaries)
    if not n_uncertain:
        return []
    n_calls = sum(summary["n_kept"] * summary["n_people"] for summary in summaries)
    look = n_uncertain > _UNCERTAIN_LOOK * n_calls
    return [
        Check(
            "imputed genotypes",
            f"{n_uncertain:,} of {n_calls:,} probabilities ({n_uncertain / n_calls:.2%}) are further "
            "from a hard call than input.hard_call_threshold: missing",
            "look" if look else "ok",
            "Many. Leave variants out that were imputed badly (INFO, r2) before the run."
            if look
            else "",
        )
    ]


def _reference_checks(summaries) -> list[Check]:
    n_provisional = sum(summary["n_provisional"] for summary in summaries)
    if not n_provisional:
        return []
    n_kept = sum(summary["n_kept"] for summary in summaries)
    return [
        Check(
            "reference alleles",
            f"provisional at {n_provisional:,} of {n_kept:,} {_noun(summaries)}: the files do not say which "
            "allele is the reference genome's (PLINK 1 and BGEN files never do)",
            "look",
            "The release marks them so (PR in the VCF and .pvar). Where the reference matters, set "
            "it first: `plink2 --ref-from-fa force --fa GENOME --make-pgen`. Of a BGEN whose first allele "
            "is known to be the reference genome's, say input.ref_allele: first.",
        )
    ]


def _kind_checks(summaries) -> list[Check]:
    kinds = _kinds(summaries)
    if set(kinds) <= {SNP}:
        return []
    listed = ", ".join(f"{count:,} {KINDS[kind]}" for kind, count in kinds.most_common())
    n_changed = _total(summaries, "n_changed")
    checks = [Check("kinds of variants", listed)]
    if not all(summary["has_reference"] for summary in summaries):
        checks.append(
            Check(
                "normalised variants",
                f"{n_changed:,} records were written with fewer bases. There is no reference genome, "
                "so indels stand where the files say",
                "look",
                "The same indel can stand at several places of a repeat: with input.reference, "
                "each is put at its leftmost.",
            )
        )
        return checks
    n_differing = _total(summaries, "n_differing")
    found = f"{n_changed:,} records were written further to the left or with fewer bases"
    if n_differing:
        found += f"; of {n_differing:,} REF is not the reference's, and they stay where they are"
    advice = "Are genotypes and input.reference of the same genome build?" if n_differing else ""
    checks.append(Check("normalised variants", found, "look" if n_differing else "ok", advice))
    return checks


def _site_checks(summaries) -> list[Check]:
    """Positions of several variants: what becomes of them, and what contradicts itself there."""
    checks = []
    n_sites, n_variants = (_total(summaries, f"n_shared_{what}") for what in ("sites", "variants"))
    if n_sites:
        checks.append(
            Check(
                "sites of several ALT alleles",
                f"{n_sites:,}, modelled as {n_variants:,} variants; the VCF and PGEN of the release "
                "have each as one record",
            )
        )
    n_torn, n_forgotten = (_total(summaries, name) for name in ("n_torn", "n_forgotten"))
    if n_torn:
        checks.append(
            Check(
                "positions without a common REF",
                f"{n_torn:,} positions have several variants whose REF alleles contradict each other: "
                "they stay apart, and a synthetic person may carry more than two alleles there",
                "look",
                "Set REF first: `plink2 --ref-from-fa force --fa GENOME --make-pgen`.",
            )
        )
    if n_forgotten:
        checks.append(
            Check(
                "calls of too many alleles",
                f"{n_forgotten:,}: a person with more ALT alleles of a site than places for them. "
                "They count as missing",
                "look",
                "Records of one position contradict each other: look at their genotypes.",
            )
        )
    return checks


def _mnp_checks(summaries) -> list[Check]:
    n = sum(summary["dropped"].get("mnp", 0) for summary in summaries)
    if not n:
        return []
    advice = (
        "filters.variants: all uses them; `bcftools norm --atomize` writes each base that differs as "
        "a SNP of its own."
    )
    return [Check("MNPs", f"{n:,} records of several bases, not used", "look", advice)]


def _code_checks(summaries) -> list[Check]:
    codes = sum((Counter(summary["codes"]) for summary in summaries), Counter())
    if not codes:
        return []
    found = f"{codes.total():,} records with alleles that are not A, C, G or T, not used"
    return [Check("allele codes", found, "look", allele_advice(codes))]


def unused_check(summaries: list[dict], *, maf_min: float, variant_missing_max: float) -> Check:
    """What is in the files and is not used, with counts and shares of the records read.

    What frequency and missing calls will take is estimated from all people; the filter itself
    looks at training people.
    """
    used = {summary["contig"] for summary in summaries}
    elsewhere = {}
    for summary in summaries:
        elsewhere |= {name: n for name, n in summary["held"].items() if name not in used}
    parts = [
        f"{name} ({count:,} records)" if count is not None else f"{name} (a file of its own)"
        for name, count in sorted(elsewhere.items(), key=lambda each: contig_order(each[0]))
    ]
    parts = [f"chromosomes {examples(parts, 8)}"] if parts else []
    n_read = sum(summary["n_read"] for summary in summaries)
    dropped = sum((Counter(summary["dropped"]) for summary in summaries), Counter())
    symbols = sum((Counter(summary["symbols"]) for summary in summaries), Counter())
    named = {"structural": ": " + examples(f"{n:,} {s}" for s, n in symbols.most_common())}
    parts += [
        f"{DROP_REASONS[reason]} ({count:,}, {count / n_read:.1%}{named.get(reason, '')})"
        for reason, count in dropped.most_common()
    ]
    rare, missing = estimated_losses(summaries, maf_min, variant_missing_max)
    n_kept = sum(summary["n_kept"] for summary in summaries)
    parts += [
        f"about {count:,} {_noun(summaries)} ({count / n_kept:.1%}) {why}"
        for count, why in (
            (rare, f"rarer than {maf_min:g} or of one allele alone"),
            (missing, f"with more than {variant_missing_max:.0%} of calls missing"),
        )
        if count
    ]
    share = (dropped.total() + min(rare + missing, n_kept)) / n_read
    look = share > _UNUSED_LOOK
    return Check(
        "not used",
        "; ".join(parts) or "nothing: every record of the files is used",
        "look" if look else "ok",
        f"{share:.0%} of the records read: is this meant? See the sections `input` and `filters`"
        f"{' (variants: all uses indels)' if dropped['indel'] else ''}."
        if look
        else "",
    )


def estimated_losses(
    summaries: list[dict], maf_min: float, variant_missing_max: float
) -> tuple[int, int]:
    """SNPs below a frequency and SNPs above a share of missing calls, from the histograms."""
    maf = np.sum([summary["maf_histogram"] for summary in summaries], axis=0)
    missing = np.sum([summary["missing_histogram"] for summary in summaries], axis=0)
    rare = sum(summary["n_monomorphic"] for summary in summaries) + _below(maf, 2 * maf_min)
    return round(rare), round(missing.sum() - _below(missing, variant_missing_max))


def _below(histogram: np.ndarray, share: float) -> float:
    """How many of a histogram of [0, 1] lie below a share; a bin is taken to be even."""
    place = share * len(histogram)
    whole = min(int(place), len(histogram))
    part = histogram[whole] * (place - whole) if whole < len(histogram) else 0
    return histogram[:whole].sum() + part
