"""Tables of the report, as HTML: the release checklist and every metric with its verdict."""

import numpy as np
import pandas as pd

from syncohort.cohort.value_bins import label_order
from syncohort.evaluation.groups import KEYS, groups_of, in_words
from syncohort.evaluation.verdicts.bounds import FAIL, NOT_MEASURED, VERDICTS, Bounds, number
from syncohort.evaluation.verdicts.judging import worst_verdict
from syncohort.evaluation.verdicts.metrics import (
    BOUND_COLUMNS,
    DIMENSIONS,
    METRICS,
    PRIVACY,
    describe,
    find_metric,
)
from syncohort.report import html as pages

_REAL_HAPLOTYPES = "Made of real haplotypes"
LABELS_SHOWN = 8  # more are folded away
_CSS = {NOT_MEASURED: "missing", "not judged": "missing"}


def checklist_matrix(checklist: pd.DataFrame, generators, beside, real_haplotypes=()) -> str:
    """One verdict per dimension (rows) and generator (columns), those beside in brackets.

    real_haplotypes: those whose people are made of haplotypes of real people. Where one of
    `generators` is, the first row says so. Privacy of `generators` that was not measured is a
    fail, as the first line says.
    """
    wide = checklist.pivot(index="dimension", columns="generator", values="verdict")
    wide = wide.reindex(columns=[*generators, *beside])
    wide = wide.reindex(index=wide.index.union(PRIVACY))
    own = wide.columns.isin(list(generators))
    is_risk = wide.index.isin(PRIVACY)
    no_evidence = wide.isna() & own & is_risk[:, None]
    wide = wide.fillna("not judged")
    rows = []
    if set(generators) & set(real_haplotypes):
        made_of = [
            pages.cell("yes", FAIL if name in generators else "")
            if name in real_haplotypes
            else pages.cell("no" if name in generators else "")
            for name in wide.columns
        ]
        rows.append(pages.cell(_REAL_HAPLOTYPES) + "".join(made_of))
    for dimension in (name for name in DIMENSIONS if name in wide.index):
        cells = [
            pages.cell(NOT_MEASURED, FAIL)
            if no_evidence.loc[dimension, name]
            else pages.cell(word, _CSS.get(word, word))
            for name, word in wide.loc[dimension].items()
        ]
        rows.append(pages.cell(DIMENSIONS[dimension]) + "".join(cells))
    return pages.rows_table(["", *generators, *(f"({name})" for name in beside)], rows)


def generator_checklist(
    checklist: pd.DataFrame, generator: str, *, real_haplotypes: bool = False
) -> str:
    """What a generator passes and what keeps it from passing, by dimension; first, where it is so,
    that its people are made of haplotypes of real people."""
    rows = []
    if real_haplotypes:
        text = "its people are made of haplotypes of real people, who are handed on with it"
        cells = [
            pages.cell(_REAL_HAPLOTYPES),
            pages.cell(FAIL, FAIL),
            *map(pages.cell, ("", text, "")),
        ]
        rows.append("".join(cells))
    for row in checklist[checklist["generator"] == generator].itertuples():
        counts = f"{row.passed} / {row.looked} / {row.failed} / {row.unmeasured}"
        cells = [
            pages.cell(DIMENSIONS[row.dimension]),
            pages.cell(row.verdict, _CSS.get(row.verdict, row.verdict)),
            pages.cell(counts),
            pages.cell(row.worst),
            pages.cell(row.labels),
        ]
        rows.append("".join(cells))
    head = ["", "verdict", "pass / look / fail / not measured", "farthest from passing", "by label"]
    return pages.rows_table(head, rows, words=True)


def dimension_table(judged: pd.DataFrame, dimension: str, sources: list[str]) -> str:
    """All metrics of a dimension: a row per group of SNPs or people, a column per generator.

    Rows of single labels are left to `label_tables`.
    """
    own = judged[(judged["dimension"] == dimension) & (judged["label"] == "")]
    own = own[own["generator"].isin(sources)]
    shown = [source for source in sources if source in set(own["generator"])]
    cells = {
        (row.metric, group, row.generator): value_cell(row)
        for row, group in zip(own.itertuples(), groups_of(own), strict=True)
    }
    rows, last = [], None
    for metric, group, row in _first_rows(own, shown):
        if metric.title != last:
            rows.append(pages.title_row(metric.title, f"good: {metric.good}", 2 + len(shown)))
            last = metric.title
        values = [cells.get((metric.name, group, source), pages.cell("")) for source in shown]
        rows.append(
            "".join([pages.cell(in_words(group) or "all"), pages.cell(bounds_text(row)), *values])
        )
    return pages.rows_table(["", "passes", *shown], rows)


def label_table(judged: pd.DataFrame, generator: str, people: dict[str, int]) -> tuple[str, str]:
    """A generator's metrics label by label, as HTML, and how the labels do, in words.

    people: label -> training people. Values that nothing judges are shown too. Both are empty
    without rows by label.
    """
    own = judged[judged["generator"] == generator]
    own = own[(own["verdict"] != "") | own["value"].notna()]
    own = own[own["label"] != ""]
    if own.empty:
        return "", ""
    metrics = [find_metric(*named) for named in zip(own["metric"], groups_of(own), strict=True)]
    own = own.assign(
        rank=[METRICS.index(metric) for metric in metrics],
        title=[
            describe(metric, group._replace(label=""))
            for metric, group in zip(metrics, groups_of(own), strict=True)
        ],
    )
    columns = sorted(set(zip(own["rank"], own["title"], strict=True)))
    head = ["label", "training people", *(title for _, title in columns)]
    rows, verdicts = [], {}
    for label, part in sorted(own.groupby("label"), key=lambda pair: label_order(pair[0])):
        values = {row.title: row for row in part.itertuples()}
        verdicts[label] = worst_verdict(part["verdict"])
        cells = [
            value_cell(values[title]) if title in values else pages.cell("") for _, title in columns
        ]
        size = number(people[label]) if label in people else ""
        rows.append("".join([pages.cell(str(label)), pages.cell(size, "number"), *cells]))
    counts = pd.Series(verdicts).value_counts()
    words = [f"{counts[word]} {word}" for word in VERDICTS if word in counts]
    return pages.rows_table(head, rows), f"{len(verdicts)} labels: {', '.join(words)}"


def notes_table(judged: pd.DataFrame, sources: list[str]) -> str:
    """Why values are missing: a row per reason."""
    own = judged[judged["value"].isna() & judged["generator"].isin(sources)]
    own = own[(own["note"] != "") & (own["label"] == "")]
    table = own.groupby(["metric", "note"], sort=False)["generator"].agg(
        lambda names: ", ".join(dict.fromkeys(names))
    )
    return pages.table(table.reset_index()[["metric", "generator", "note"]])


def _first_rows(own: pd.DataFrame, sources: list[str]) -> list[tuple]:
    """(metric, group, row) of each group, the row of the first source that has it, in the order
    of `METRICS` and, within a metric, as measured."""
    rank = {source: index for index, source in enumerate(sources)}
    ordered = own.assign(_rank=own["generator"].map(rank)).sort_values("_rank", kind="stable")
    first = ordered.drop_duplicates(["metric", *KEYS])
    found = [
        (find_metric(row["metric"], group), group, row)
        for (_, row), group in zip(first.iterrows(), groups_of(first), strict=True)
    ]
    return sorted(found, key=lambda each: METRICS.index(each[0]))


def value_cell(row, remark: str = "") -> str:
    """A value of a judged row with its interval, the smallest leak that is seen where it has one,
    and a remark, coloured by its verdict."""
    if not np.isfinite(row.value):
        return pages.cell(row.note or "-", "missing")
    interval = f" [{number(row.low)}, {number(row.high)}]" if np.isfinite(row.low) else ""
    seen = f"; sees {number(row.smallest)}" if np.isfinite(row.smallest) else ""
    return pages.cell(f"{number(row.value)}{interval}{seen}{remark}", row.verdict)


def bounds_text(row) -> str:
    """The values of a judged row's metric that pass, in words; "" without bounds."""
    limits = [float(getattr(row, name)) for name in BOUND_COLUMNS]
    return "" if np.isnan(limits).any() else str(Bounds(*limits))
