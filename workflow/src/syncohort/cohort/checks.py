"""The compatibility check: the first look at a user's data, on one page, before hours are spent."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from syncohort.cohort import genotype_checks, pedigree_checks, people_checks, variant_checks
from syncohort.cohort.genes import inside_genes
from syncohort.cohort.importing import in_words
from syncohort.cohort.labels import LabelJoin
from syncohort.cohort.people_checks import Check
from syncohort.cohort.sexes import sex_of
from syncohort.cohort_store import CohortStore
from syncohort.errors import examples
from syncohort.genotypes import contig_order

_INTERGENIC = {
    "nearest": "go to the nearest gene",
    "own": "form blocks of their own",
    "drop": "are dropped",
}


def examine_cohort(
    raw_paths: list[str],
    summary_paths: list[str],
    people_paths: list[str],
    joined: LabelJoin,
    genes: pd.DataFrame | None,
    builds: pd.DataFrame,
    *,
    mode: str,
    phasing: str,
    intergenic: str,
    simulated: bool,
    train_share: float,
    kinship: bool,
    person_missing_max: float,
    filters: dict,
) -> tuple[list[Check], pd.DataFrame]:
    """Look at imported genotypes, labels and annotation: what fits and what does not.

    Args:
        raw_paths, summary_paths, people_paths: what `import_chromosome` wrote, by chromosome.
        joined: people and labels.
        genes: annotation, or None. builds: chromosome lengths (contig, build, length_bp).
        phasing: program that will phase unphased genotypes, or "none".
        kinship: whether there is a table of relatives.
        person_missing_max: share of missing calls above which a person is left out.
        filters: maf_min and variant_missing_max.

    Returns the checks and a row per chromosome.
    Never raises for a cohort that cannot be used: `gate.require_usable` stops the run.
    """
    stores = [CohortStore(path) for path in raw_paths]
    summaries = [json.loads(Path(path).read_text()) for path in summary_paths]
    tables = [pd.read_csv(p, sep="\t", dtype=str, keep_default_na=False) for p in people_paths]
    checks = _same_people(stores)
    people = joined.people
    ploidy, sex = [], None
    if not checks:
        known = pd.concat([tables[0], people], axis=1)  # both may have a column of sex
        sex = sex_of(known)
        used = (people["excluded"] == "").to_numpy()
        ploidy = genotype_checks.ploidy_checks(summaries, tables, known, used, mode)
    # share of each chromosome's SNPs in genes; none without an annotation
    inside = [inside_genes(store.variants, genes).mean() for store in stores if genes is not None]
    variants = _variant_table(summaries, genes, inside)

    checks += people_checks.label_checks(joined)
    checks += people_checks.size_checks(people, mode, train_share)
    checks += pedigree_checks.relatives_checks(joined, kinship, sex)
    checks += _annotation_checks(variants, inside, genes, intergenic)
    if not simulated:  # simulated chromosomes have no build
        checks += _build_checks(summaries, genes, builds)
    checks += genotype_checks.phase_checks(summaries, mode, phasing)
    checks += ploidy
    checks += variant_checks.file_checks(summaries)
    checks += genotype_checks.name_checks(summaries)
    checks.append(variant_checks.unused_check(summaries, **filters))
    checks.append(people_checks.missing_check(people["missing"].to_numpy(), person_missing_max))
    return checks, variants


def _same_people(stores: list[CohortStore]) -> list[Check]:
    first = stores[0].people.id
    for store in stores[1:]:
        if not np.array_equal(first, store.people.id):
            return [
                Check(
                    "people of the chromosomes",
                    f"chromosomes {stores[0].contig} and {store.contig} hold different people, or the same in another order",
                    "stop",
                    "Bring all files to the same samples in the same order (bcftools view -S).",
                )
            ]
    return []


def _variant_table(summaries, genes, inside: list[float]) -> pd.DataFrame:
    rows = []
    for i, summary in enumerate(summaries):
        rows.append(
            {
                "chromosome": summary["contig"],
                "records read": summary["n_read"],
                "biallelic SNPs": summary["n_kept"],
                "dropped": ", ".join(in_words(summary["dropped"])),
                "share in genes": f"{inside[i]:.0%}" if inside else "",
                "genes": 0 if genes is None else int((genes["contig"] == summary["contig"]).sum()),
            }
        )
    return pd.DataFrame(rows)


def _annotation_checks(variants: pd.DataFrame, inside: list[float], genes, intergenic: str):
    if genes is None:
        return [Check("gene annotation", "none; blocks are cut without it")]
    share = np.average(inside, weights=variants["biallelic SNPs"])
    without = variants.loc[variants["genes"] == 0, "chromosome"]
    checks = [Check("gene annotation", note) for note in genes.attrs.get("notes", [])]
    if len(without) and intergenic != "own":
        named = sorted(genes["contig"].unique(), key=contig_order)
        checks.append(
            Check(
                "chromosomes in the annotation",
                f"no gene on chromosome {examples(without)}; the annotation has {examples(named, 8)}",
                "stop",
                "Use an annotation that covers these chromosomes, leave them out with "
                "input.chromosomes, or set genes.intergenic: own.",
            )
        )
    checks.append(
        Check(
            "SNPs inside genes",
            f"{share:.0%}; SNPs between genes {_INTERGENIC[intergenic]}",
            "look" if share < 0.1 else "ok",
            "Few SNPs fall into genes: do genotypes and annotation use the same genome build?"
            if share < 0.1
            else "",
        )
    )
    return checks


def consistent_builds(last_bp: dict[str, int], builds: pd.DataFrame) -> list[str]:
    """Genome builds whose chromosomes are long enough for every position.

    last_bp: largest position by chromosome. builds: contig, build, length_bp.
    """
    found = []
    for build, table in builds.groupby("build", sort=False):
        length = dict(zip(table["contig"].astype(str), table["length_bp"], strict=True))
        if all(position <= length.get(contig, position) for contig, position in last_bp.items()):
            found.append(build)
    return found


def _build_checks(summaries, genes, builds: pd.DataFrame) -> list[Check]:
    exact = {
        build
        for s in summaries
        for build, contig, length in zip(
            builds["build"], builds["contig"].astype(str), builds["length_bp"], strict=True
        )
        if contig == s["contig"] and length == s["contig_length_bp"]
    }
    possible = consistent_builds({s["contig"]: s["last_position_bp"] for s in summaries}, builds)
    ours = sorted(exact) or possible
    found = f"genotypes fit {_or(ours)}"
    theirs = None
    if genes is not None:
        theirs = consistent_builds(genes.groupby("contig")["end_bp"].max().to_dict(), builds)
        found += f"; annotation fits {_or(theirs)}"
    if theirs is not None and not set(ours) & set(theirs):
        advice = "Lift one of them over, or use the annotation of the genotypes' build."
        return [Check("genome build", found, "stop", advice)]
    certain = len(ours) == 1 and (theirs is None or len(theirs) == 1)
    advice = (
        ""
        if certain
        else "Positions do not settle the build: make sure genotypes and annotation use the same."
    )
    return [Check("genome build", found, "ok" if certain else "look", advice)]


def _or(builds: list[str]) -> str:
    return " or ".join(builds) or "no build known here"
