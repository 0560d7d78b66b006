"""What tables are that hold no GWAS summary statistics, and what to do with them."""

import re

from syncohort.errors import examples
from syncohort.formats.columns import bare
from syncohort.formats.missing_codes import number_of

# Columns, as `bare` compares them, that say why a table cannot be read, and what to do.
_KNOWN = (
    (
        {"effectweight"},
        (
            "This is a polygenic score (PGS Catalog): it has weights of chosen variants and no "
            "p-values. Give the GWAS summary statistics that it was made from."
        ),
    ),
    (
        {"strongestsnpriskallele"},
        (
            "The associations of the GWAS Catalog are the first hits of many studies: give the full "
            "summary statistics of one."
        ),
    ),
    (
        {"qual", "filter", "info", "format"},
        (
            "This is a GWAS-VCF. Make a table of it: (printf 'CHR\\tPOS\\tSNP\\tREF\\tALT\\tBETA\\t"
            "LOG10P\\n'; bcftools query -f '%CHROM\\t%POS\\t%ID\\t%REF\\t%ALT[\\t%ES\\t%LP]\\n' x.vcf.gz)"
        ),
    ),
    (
        {"variant", "minorallele"},
        (
            "The effect is that of the last allele in the column variant (1:100:G:A), which is not "
            "always the minor allele: write it as columns CHR, POS, REF and ALT."
        ),
    ),
    (
        {"allelea", "alleleb"},
        (
            "SNPTEST's effects are those of allele B: rename alleleB to A1, alleleA to A2, and the "
            "columns of effect and p-value to BETA and P."
        ),
    ),
    (
        {"nmiss", "r2", "t", "beta"},
        ("plink --assoc of a number does not say whose effect it is; plink --linear does."),
    ),
    (
        {"z"},
        (
            "A Z-score is no effect: write BETA = Z / sqrt(2 f (1 - f) (N + Z^2)), f being the frequency "
            "of the effect allele and N the number of people."
        ),
    ),
    (
        {"zscore"},
        (
            "A Z-score is no effect: write BETA = Z / sqrt(2 f (1 - f) (N + Z^2)), f being the frequency "
            "of the effect allele and N the number of people, or run METAL with SCHEME STDERR."
        ),
    ),
)


def why_unreadable(columns: list[str]) -> str:
    """What a table is whose columns do not do, and what to do; "" where nothing is known."""
    names = {bare(name) for name in columns}
    if any(number_of(name) is not None for name in columns):
        return "The first line holds data: put a heading above it. "
    populations = [
        name for name in columns if re.match(r"(?i)(beta|neglog10_pval|pval)_[A-Z]{3}$", name)
    ]
    if populations:
        return (
            f"There are columns of populations ({examples(populations, 3)}): rename those of one to "
            "BETA and P, or NEGLOG10_PVAL. "
        )
    return next((f"{text} " for marks, text in _KNOWN if marks <= names), "")
