"""The compatibility check: the first look at a user's data, on one page, before hours are spent."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from syncohort.cohort import genotype_checks, people_checks
from syncohort.cohort.genes import inside_genes
from syncohort.cohort.importing import CALL_COUNTS, in_words
from syncohort.cohort.labels import join_labels
from syncohort.cohort.people_checks import Check
from syncohort.errors import InputError, examples
from syncohort.genotypes import CohortStore, contig_order

_INTERGENIC = {
    "nearest": "go to the nearest gene",
    "own": "form blocks of their own",
    "drop": "are dropped",
}


def check_cohort(
    raw_paths: list[str],
    summary_paths: list[str],
    people_paths: list[str],
    genes: pd.DataFrame | None,
    builds: pd.DataFrame,
    checks_path,
    joined_path,
    *,
    mode: str,
    phasing: str,
    intergenic: str,
    simulated: bool,
    train_share: float,
    kinship: bool,
    synthesis: dict,
    case_label: str | None,
    selection: dict | None,
    trait: dict | None,
    labels: dict,
    filters: dict,
) -> tuple[list[Check], pd.DataFrame, pd.DataFrame]:
    """Look at imported genotypes, labels and annotation; write what fits and what does not.

    Args:
        raw_paths, summary_paths, people_paths: what `import_chromosome` wrote, by chromosome.
        genes: annotation, or None. builds: chromosome lengths (contig, build, length_bp).
        checks_path: TSV of the checks. joined_path: TSV of all people
            with label, family and the reason why somebody is left out.
        phasing: program that will phase unphased genotypes, or "none".
        kinship: whether there is a table of relatives. synthesis: arguments of `draw_labels`.
        case_label: label of the cases, or None. selection: covariates and statistics of a
            selection by association, or None. trait: settings of an imposed trait, or None.
        labels: arguments of `join_labels`. filters: maf_min and variant_missing_max.

    Returns the checks, all people and a row per chromosome, which `report.check_page` shows.
    Never raises for a cohort that cannot be used: `require_usable` stops the run.
    """
    stores = [CohortStore(path) for path in raw_paths]
    summaries = [json.loads(Path(path).read_text()) for path in summary_paths]
    tables = [pd.read_csv(p, sep="\t", dtype=str, keep_default_na=False) for p in people_paths]
    checks = _same_people(stores)
    file_people = tables[0].drop(columns=list(CALL_COUNTS))
    missing = np.zeros(len(file_people))
    if not checks:
        missing = _missing_shares(summaries, tables)
    joined = join_labels(file_people, missing, **labels)
    people = joined.people
    ploidy = []
    if not checks:
        known = pd.concat([file_people, people], axis=1)  # both may have a column of sex
        ploidy = genotype_checks.ploidy_checks(summaries, tables, known)
    # share of each chromosome's SNPs in genes; none without an annotation
    inside = [inside_genes(store.variants, genes).mean() for store in stores if genes is not None]
    variants = _variant_table(summaries, genes, inside)

    checks += people_checks.label_checks(joined)
    checks += people_checks.synthesis_checks(people, synthesis)
    checks += people_checks.size_checks(people, mode, train_share)
    checks += people_checks.case_checks(people, case_label)
    if trait is not None:
        checks.append(people_checks.trait_check(trait))
    if selection is not None:
        none = labels["missing"]
        checks += people_checks.selection_checks(people, selection, case_label, none, train_share)
    checks.append(people_checks.relatives_check(people, kinship))
    checks += _annotation_checks(variants, inside, genes, intergenic)
    if not simulated:  # simulated chromosomes have no build
        checks += _build_checks(summaries, genes, builds)
    checks += genotype_checks.phase_checks(summaries, mode, phasing)
    checks += ploidy
    checks += genotype_checks.file_checks(summaries)
    checks += genotype_checks.name_checks(summaries)
    checks.append(genotype_checks.unused_check(summaries, **filters))
    checks.append(people_checks.missing_check(missing, labels["person_missing_max"]))

    people.to_csv(joined_path, sep="\t", index=False)
    pd.DataFrame(checks).to_csv(checks_path, sep="\t", index=False)
    return checks, people, variants


def require_usable(checks_path: str | Path, page_path: str | Path) -> None:
    """Stop with everything that makes the cohort unusable.

    Raises:
        InputError: lists the checks of level "stop".
    """
    checks = pd.read_csv(checks_path, sep="\t", keep_default_na=False)
    stops = checks[checks["level"] == "stop"]
    if len(stops):
        lines = [f"{c.name}: {c.found}. {c.advice}" for c in stops.itertuples()]
        problems = "\n  - ".join(lines)
        raise InputError(
            f"The cohort cannot be used as it is ({len(lines)} problem(s)):\n  - {problems}\n"
            f"The whole check: {page_path}"
        )


def _same_people(stores: list[CohortStore]) -> list[Check]:
    first = stores[0].people.id
    for store in stores[1:]:
        if not np.array_equal(first, store.people.id):
            return [
                Check(
                    "people of the chromosomes",
                    f"chromosomes {stores[0].contig} and {store.contig} hold different people or orders",
                    "stop",
                    "Bring all files to the same samples in the same order (bcftools view -S).",
                )
            ]
    return []


def _missing_shares(summaries: list[dict], tables: list[pd.DataFrame]) -> np.ndarray:
    """Share of missing calls of each person [S], on chromosomes with two copies if there are any:
    where men have one copy, half of a call of theirs is no fault."""
    both = [
        (summary["n_kept"], table["n_missing"].astype(int).to_numpy())
        for summary, table in zip(summaries, tables, strict=True)
    ]
    diploid = [
        pair for pair, s in zip(both, summaries, strict=True) if s["contig"] not in ("X", "Y", "MT")
    ]
    used = diploid or both
    return sum(n for _, n in used) / sum(n_kept for n_kept, _ in used)


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
    checks = []
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
            f"{share:.0%}; the others {_INTERGENIC[intergenic]}",
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
        "" if certain else "Positions alone cannot tell the build: make sure both use the same."
    )
    return [Check("genome build", found, "ok" if certain else "look", advice)]


def _or(builds: list[str]) -> str:
    return " or ".join(builds) or "no build known here"
