"""Selection of variants by their association with the label, as SNPgen takes them.

`scan_training` tests every variant in the training people, `choose_variants` clumps and takes
the K best of that scan or of summary statistics, `select_variants` writes the cohort of those,
`check_selection` tests them once more in other people. Nothing but training people is looked
at for the choice.

Axes: V variants of the joined chromosomes, S people, K covariates.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import chdtri  # quantiles of chi-squared from above

from syncohort.association.ancestry import ancestry_components
from syncohort.association.clumping import clump, top_variants
from syncohort.association.covariates import covariate_values
from syncohort.association.harmonise import STEP, harmonise
from syncohort.association.regression import linear_estimates, logistic_estimates, separates
from syncohort.association.scan import has_same_sites, scan_variants
from syncohort.cohort_store import SITE_COLUMNS, CohortStore, site_table
from syncohort.dosages import read_dosages
from syncohort.errors import InputError, examples
from syncohort.genotype_writing import CohortWriter
from syncohort.genotypes import People, carries

# Clumping looks at so many of the smallest p-values per variant wanted, then at more.
CANDIDATES = 10
QUANTILES = 1_000  # of each half of the points of a QQ plot
_MEDIAN_CHI2 = chdtri(1, 0.5)


@dataclass(frozen=True)
class Contrast:
    """What a scan tests: people with a label (bool [S]) against the others, or a number [S].

    name: the label; "" for a number.
    """

    name: str
    phenotype: np.ndarray

    @property
    def model(self) -> str:
        return "logistic" if self.phenotype.dtype == bool else "linear"


@dataclass(frozen=True)
class Adjustment:
    """How the scans are adjusted: columns of the table of people, its values that mean `none`,
    principal components of the training people, and the seed of their decomposition."""

    columns: list[str]
    missing: list[str]
    n_components: int
    seed: int


@dataclass(frozen=True)
class Choice:
    """variants: the chosen ones in genomic order, `SITE_COLUMNS`, beta, se, p, frequency (NaN
    where unknown), label (the `Contrast`) and index (within its chromosome); counts: step,
    count; quantiles: expected, observed -log10 p of all variants, thinned; summary: one row."""

    variants: pd.DataFrame
    counts: pd.DataFrame
    quantiles: pd.DataFrame
    summary: pd.DataFrame


def contrasts(people: People, case_label: str | None) -> list[Contrast]:
    """What the labels of people ask: cases against controls, their number, or, for several
    labels none of which is the case, each against all others."""
    if case_label is not None:
        return [Contrast(case_label, carries(people.label, case_label))]
    if people.has_values:
        return [Contrast("", people.value)]
    labels = sorted(set(people.label))
    named = labels[-1:] if len(labels) == 2 else labels  # the first of two says nothing new
    return [Contrast(label, people.label == label) for label in named]


def scan_training(
    stores: list[CohortStore], table: pd.DataFrame, case_label: str | None, adjustment: Adjustment
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Test every variant for association with the label in the training people.

    stores: one per chromosome; table: the people, of str, one row each with the column sample.
    Returns the scan (the columns of `association.SCAN_COLUMNS`, and label: of several
    contrasts the one with the smallest p, times their number) and counts (step, count).
    Raises InputError for a label that everybody or nobody has, and for covariates that cannot
    be used.
    """
    people = np.flatnonzero(stores[0].people.split == "train")
    own, components, filled = _covariates(stores, people, table, adjustment)
    best, without = None, 0
    scanned = contrasts(stores[0].people[people], case_label)
    for contrast in scanned:
        covariates, dropped = _usable(own, components, contrast)
        without += dropped
        found = scan_variants(
            stores, people, contrast.phenotype, covariates, model=contrast.model
        ).assign(label=contrast.name)
        found["p"] = np.minimum(found["p"] * len(scanned), 1)
        if best is None:
            best = found
        else:
            better = (found["p"] < best["p"]) | best["p"].isna()
            best.loc[better] = found[better]
    first = scanned[0].phenotype
    steps = [("training people in the scan", len(people))]
    if len(scanned) > 1:
        steps.append(("labels, each compared with all other people", len(scanned)))
    elif first.dtype == bool:
        steps.append((f"training people with the label {scanned[0].name}", int(first.sum())))
    steps += [
        (f"training people without {name}, who get the mean", n) for name, n in filled.items()
    ]
    steps.append(("principal components as covariates", components.shape[1]))
    if without:
        steps.append(
            ("scans without principal components, because these alone predict the label", without)
        )
    return best, _counts(steps)


def _covariates(stores, people, table, adjustment) -> tuple[np.ndarray, np.ndarray, dict]:
    """Of people: columns of the table [S, K], components [S, K]; how many got a mean."""
    rows = table.set_index("sample").loc[stores[0].people.id[people]].reset_index()
    own, filled = covariate_values(rows, adjustment.columns, adjustment.missing)
    n_components, seed = adjustment.n_components, adjustment.seed
    return own, ancestry_components(stores, stores, people, n_components, seed), filled


def _usable(own, components, contrast) -> tuple[np.ndarray, bool]:
    """The covariates of a scan, and whether its principal components had to be left out."""
    both = np.column_stack([own, components])
    if contrast.model == "linear" or not separates(both, contrast.phenotype):
        return both, False
    if own.shape[1] and separates(own, contrast.phenotype):
        raise InputError(
            f"selection.covariates alone predict who has the label {contrast.name!r}, which "
            "leaves no association to test; leave out the covariate that does"
        )
    return own, components.shape[1] > 0


def choose_variants(
    stores: list[CohortStore],
    scan: pd.DataFrame,
    statistics: pd.DataFrame | None,
    *,
    case_label: str | None,
    n_variants: int,
    clump_r2: float,
    clump_kb: float,
) -> Choice:
    """Take the n_variants most associated variants, none behind a better one near it.

    scan: from `scan_training`, of these stores; statistics: from `read_summary_statistics`,
    of other people, which then decide instead of the scan; clump_r2, clump_kb: see
    `association.clump`, measured in training people. Every chromosome keeps its best variant.
    Raises InputError for a chromosome without a p-value.
    """
    steps = [("variants of the cohort", len(scan))]
    columns = [*SITE_COLUMNS, "beta", "se", "p", "frequency", "label"]
    table = scan[columns].assign(index=np.concatenate([np.arange(len(s.variants)) for s in stores]))
    if statistics is not None:
        aligned = harmonise(statistics, stores)
        steps += [(STEP.format(name), n) for name, n in aligned.counts.items()]
        table = table.assign(beta=np.nan, se=np.nan, p=np.nan, label=case_label or "")
        table.loc[aligned.table.index, ["beta", "p"]] = aligned.table[["beta", "p"]]
    tested = table["p"].notna()
    steps.append(("variants with a p-value", int(tested.sum())))
    _check_chromosomes(table)
    looked_at, table["lead"] = _leads(stores, table, n_variants, clump_r2, clump_kb)
    chosen = top_variants(table, n_variants)
    last = table.loc[table["lead"], "p"].nsmallest(n_variants).max()
    steps += [
        ("variants with the smallest p-values, given to clumping", looked_at),
        ("variants left by clumping", int(table["lead"].sum())),
        ("variants chosen", len(chosen)),
        ("variants chosen only as the best of their chromosome", int((chosen["p"] > last).sum())),
    ]
    p = np.sort(table.loc[tested, "p"].to_numpy())
    summary = {
        "source": "training people" if statistics is None else "summary statistics",
        "tested": len(p),
        "chosen": len(chosen),
        "last_p": last,
        "as_small": int((p <= last).sum()),
        "by_chance": len(p) * last,
        # the smallest of several p-values has no such median
        "inflation": np.nan
        if scan["label"].nunique() > 1
        else chdtri(1, np.median(p)) / _MEDIAN_CHI2,
    }
    variants = chosen.drop(columns="lead").reset_index(drop=True)
    return Choice(variants, _counts(steps), _quantiles(p), pd.DataFrame([summary]))


def _check_chromosomes(table) -> None:
    empty = table.groupby("contig", sort=False)["p"].count().loc[lambda n: n == 0].index
    if len(empty):
        raise InputError(
            f"selection: no variant of chromosome {examples(empty)} has a p-value; leave such "
            "chromosomes out with input.chromosomes, or give summary statistics that cover them"
        )


def _leads(stores, table, n_variants, r2, kb) -> tuple[int, np.ndarray]:
    """How many variants clumping looked at, and the leads among them, bool [V].

    The leads below a p-value do not depend on how many variants above it are looked at, so
    that the n_variants best are those of a clumping of everything.
    """
    people = np.flatnonzero(stores[0].people.split == "train")
    p = np.sort(table["p"].dropna().to_numpy())
    size = CANDIDATES * n_variants
    while True:
        limit = p[min(size, len(p)) - 1]
        leads, looked_at = [], 0
        for store in stores:
            own = table.loc[table["contig"] == store.contig, "p"].to_numpy()
            p1 = max(limit, np.nanmin(own))  # the best of a chromosome always leads
            leads.append(clump(store, people, own, p1=p1, r2=r2, kb=kb))
            looked_at += int((own <= p1).sum())
        leads = np.concatenate(leads)
        if (leads & (table["p"] <= limit)).sum() >= n_variants or size >= len(p):
            return looked_at, leads
        size *= 4


def _counts(steps: list[tuple[str, int]]) -> pd.DataFrame:
    return pd.DataFrame(steps, columns=["step", "count"])


def _quantiles(p: np.ndarray) -> pd.DataFrame:
    """Expected and observed -log10 of sorted p-values, the smallest all, the others thinned."""
    rest = np.geomspace(min(QUANTILES, len(p)), len(p), QUANTILES).round().astype(int) - 1
    rank = np.union1d(np.arange(min(QUANTILES, len(p))), rest)
    observed = -np.log10(np.maximum(p[rank], np.finfo(float).tiny))
    return pd.DataFrame({"expected": -np.log10((rank + 0.5) / len(p)), "observed": observed})


def select_variants(store: CohortStore, chosen: pd.DataFrame, store_path: str | Path) -> int:
    """Write the cohort dataset of one chromosome with its chosen variants alone.

    chosen: `Choice.variants`, all chromosomes. Returns how many they are.
    """
    own = chosen[chosen["contig"] == store.contig]
    index = own["index"].to_numpy(dtype=int)
    found = site_table(store).iloc[index[index < len(store.variants)]]
    if not has_same_sites(found, own):
        raise InputError(
            f"{store.path}: does not hold the variants that were chosen; choose them again"
        )
    is_chosen = np.zeros(len(store.variants), dtype=bool)
    is_chosen[index] = True
    with CohortWriter(store_path, store.people) as writer:
        for part, calls in store.variant_chunks():
            keep = is_chosen[part]
            if keep.any():
                phasing = store.read_phasing(part)
                writer.append(store.variants[part][keep], calls[keep], phasing[keep])
    return len(own)


def check_selection(
    stores: list[CohortStore],
    table: pd.DataFrame,
    chosen: pd.DataFrame,
    split: str,
    case_label: str | None,
    adjustment: Adjustment,
    *,
    minimum_people: int,
) -> pd.DataFrame:
    """Effects of the chosen variants in people who had no part in the choice.

    stores, table: as for `scan_training`; chosen: `Choice.variants`; split: whose people,
    "validation", or "train" where summary statistics of others chose.
    Returns chosen, with tested_beta and tested_se, people (in the test) and fewest (of those
    with and those without the label): NaN where these are fewer than minimum_people.
    """
    people = np.flatnonzero(stores[0].people.split == split)
    own, components, _ = _covariates(stores, people, table, adjustment)
    sizes = [len(store.variants) for store in stores]
    first = dict(zip([s.contig for s in stores], np.cumsum([0, *sizes[:-1]]), strict=True))
    dosages = read_dosages(stores, people, chosen["contig"].map(first) + chosen["index"])
    tested = chosen.assign(tested_beta=np.nan, tested_se=np.nan, people=len(people), fewest=0)
    for contrast in contrasts(stores[0].people[people], case_label):
        variants = np.flatnonzero(chosen["label"] == contrast.name)
        is_binary = contrast.model == "logistic"
        with_label = int(contrast.phenotype.sum()) if is_binary else len(people)
        fewest = min(with_label, len(people) - with_label) if is_binary else len(people)
        tested.loc[variants, "fewest"] = fewest
        if not len(variants) or fewest < minimum_people:
            continue
        covariates = np.column_stack([own, components])
        if is_binary and separates(covariates, contrast.phenotype):
            covariates = covariates[:, :0]
        estimate = logistic_estimates if is_binary else linear_estimates
        found = estimate(dosages[:, variants], contrast.phenotype, covariates)
        tested.loc[variants, "tested_beta"] = found.beta
        tested.loc[variants, "tested_se"] = found.se
    return tested
