"""Tables 2 to 6 of the GeneticDiffusion paper: ours beside those it prints.

The printed accuracies stand beside ours only where the task is the same, telling the 26
populations of the 1000 Genomes; those of Table 5 always, with the size they are for.
"""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from syncohort.evaluation.groups import KEYS, REAL, WITH_REAL, groups_of, in_words
from syncohort.evaluation.verdicts.bounds import number
from syncohort.report import html as pages

PAPER = "paper: "
COLUMNS = ("table", "metric", *KEYS, "source", "value", "low", "high", "note")

POPULATIONS = (
    "ACB ASW BEB CDX CEU CHB CHS CLM ESN FIN GBR GIH GWD "
    "IBS ITU JPT KHV LWK MSL MXL PEL PJL PUR STU TSI YRI"
)

_NAMES = {"cnn": "CNN", "mlp": "MLP", "mlp_cnn": "MLP+CNN", "transformer": "Transformer"}


@dataclass(frozen=True)
class _PaperTable:
    """metrics: name -> words; remark: how to read it."""

    title: str
    metrics: dict[str, str]
    remark: str


TABLES = {
    2: _PaperTable(
        "Recovery rate by classifier",
        {"recovery_rate": "Accuracy after training on synthetic people over that after real"},
        "4x: four times as many synthetic as training people. The paper draws as many as there are "
        "training people; then even SNPs drawn one by one recover most.",
    ),
    3: _PaperTable(
        "Few real people, and synthetic ones added",
        {"augmented_accuracy": "Accuracy on holdout people"},
        "The paper's generator had seen all training people, and so has ours unless "
        "split.training_share leaves all other real people out: most of the gain is theirs.",
    ),
    4: _PaperTable(
        "Adversarial accuracy of nearest neighbours",
        {
            "aa_truth": "Real people nearer to their own than to synthetic people",
            "aa_syn": "Synthetic people nearer to their own than to real people",
            "privacy_loss": "Privacy loss: holdout less training people",
        },
        "Ours are taken on alleles, the paper's on its principal components, and its code leaves "
        "out neighbours nearer than 0.001, that is copies. The paper prints privacy losses of "
        "mixed sign; here all are computed from its own values, and above 0 is memorised.",
    ),
    5: _PaperTable(
        "Costs",
        {
            "blocks": "Gene blocks",
            "channels": "Channels of a block",
            "parameters": "Weights",
            "gflop_per_pass": "GFLOP of a pass of one row",
            "gflop_per_genome": "GFLOP of a genome: passes x steps x rows, twice when guided",
            "training_seconds": "Training time [s]",
            "training_epochs": "Epochs trained",
            "training_memory_mb": "Largest memory in training [MB]",
            "genomes_per_second": "Genomes sampled per second, start of the jobs included",
            "sampling_memory_mb": "Largest memory in sampling [MB]",
        },
        "The paper's are for 18,432 blocks of 8 (ALS), 100 epochs on one Quadro RTX 5000. What it "
        "calls Tflops per genome are GFLOP of one pass, by a profiler that leaves out 1-D "
        "convolutions and the products of attention: with these the CNN has 30.56, MLP+CNN 31.18 and "
        "the Transformer 73.78 at that size. Its weights include layers that are not used. Memory is "
        "the processor's, not a GPU's.",
    ),
    6: _PaperTable(
        "Accuracy by classifier",
        {"accuracy": "Accuracy on holdout people"},
        "What the recovery rates are made of. real: trained on real people.",
    ),
}


def is_papers_task(labels) -> bool:
    """Whether these labels [S] are the 26 populations that the paper tells apart."""
    return " ".join(sorted(set(labels))) == POPULATIONS


def tabulate_paper(
    metrics: pd.DataFrame,
    costs: pd.DataFrame,
    printed: pd.DataFrame,
    *,
    sources: list[str],
    same_task: bool,
) -> pd.DataFrame:
    """Our values and the paper's, one below the other: COLUMNS.

    metrics: tidy table; costs: `costs.measure_costs` of all diffusion models; printed: the
    shipped table of the paper's values. sources: generators in the order they are shown.
    same_task: see `is_papers_task`; without it only the paper's Table 5 is taken. The paper's
    sources are called "paper: mlp" and so on.
    """
    parts = []
    for table, about in TABLES.items():
        ours = _costs_rows(costs) if table == 5 else metrics
        chosen = ours["metric"].isin(about.metrics) & ours["generator"].isin([REAL, *sources])
        chosen &= ours["trained_on"] != WITH_REAL
        parts.append(ours[chosen].rename(columns={"generator": "source"}).assign(table=table))
        if same_task or table == 5:
            theirs = _with_keys(printed[printed["table"] == table])
            parts.append(theirs.assign(source=PAPER + theirs["source"]))
    return pd.concat(parts, ignore_index=True).reindex(columns=COLUMNS)


def _costs_rows(costs: pd.DataFrame) -> pd.DataFrame:
    """The costs as a tidy table."""
    measured = [name for name in TABLES[5].metrics if name in costs]
    rows = costs.melt("generator", measured, var_name="metric", value_name="value")
    return _with_keys(rows.assign(note=""))


def _with_keys(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with all `KEYS`, "" for those they lack."""
    return rows.assign(**{key: "" for key in KEYS if key not in rows})


def write_page(comparison: pd.DataFrame, path: str | Path, *, same_task: bool) -> None:
    """Write the tables as a page. comparison: `tabulate_paper`."""
    title = "Tables of the GeneticDiffusion paper"
    pages.write_page(path, title, paper_parts(comparison, same_task=same_task))


def paper_parts(comparison: pd.DataFrame, *, same_task: bool) -> list[str]:
    """The tables as HTML, to be put into a page. comparison: `tabulate_paper`."""
    words = "The task is the paper's, telling 26 populations, on other SNPs than its own."
    if not same_task:
        words = (
            "This study tells other labels than the paper, so that its accuracies are not shown; "
            "a study of the 26 populations of the 1000 Genomes has them beside its own."
        )
    parts = [pages.paragraph(words)]
    for table, about in TABLES.items():
        rows = comparison[comparison["table"] == table]
        if rows.empty:
            continue
        parts += [pages.heading(f"Table {table}: {about.title}", 3), pages.paragraph(about.remark)]
        parts.append(_html_table(rows, about))
    return parts


def _html_table(rows: pd.DataFrame, about: _PaperTable) -> str:
    """A line per metric and group, a column per source."""
    sources = list(dict.fromkeys(rows["source"]))
    sources.sort(key=lambda name: (name.startswith(PAPER), name not in (REAL, PAPER + REAL)))
    lines = []
    for metric, words in about.metrics.items():
        own = rows[rows["metric"] == metric]
        if own.empty:
            continue
        lines.append(pages.title_row(words, "", 1 + len(sources)))
        own = own.assign(group=groups_of(own))
        for group in dict.fromkeys(own["group"]):
            by_source = own[[each == group for each in own["group"]]].set_index("source")
            cells = [pages.cell(in_words(group))]
            cells += [_value_cell(by_source, source) for source in sources]
            lines.append("".join(cells))
    return pages.rows_table(["", *map(_title, sources)], lines)


def _title(source: str) -> str:
    name = source.removeprefix(PAPER)
    return f"{PAPER}{_NAMES.get(name, name)}" if source.startswith(PAPER) else name


def _value_cell(by_source: pd.DataFrame, source: str) -> str:
    if source not in by_source.index:
        return pages.cell("")
    row = by_source.loc[source]
    if pd.isna(row["value"]):
        return pages.cell("not measured", "missing")
    text = number(row["value"])
    if pd.notna(row["low"]):
        text += f" [{number(row['low'])}, {number(row['high'])}]"
    return pages.cell(text, "number")
