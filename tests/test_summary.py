"""The table of all metrics and the pages that show tables."""

import numpy as np
import pandas as pd

from syncohort import pages
from syncohort.evaluation import MAJORITY, REAL_TRAIN, metric_row, tidy
from syncohort.evaluation.summary import collect_metrics, read_tables, write_metrics_page


def predictions(hits: list[bool]) -> pd.DataFrame:
    people = [f"p{i}" for i in range(len(hits))]
    labels = np.where(np.arange(len(hits)) % 2, "b", "a")
    return pd.DataFrame(
        {
            "person": people,
            "label": labels,
            "classifier": "mlp",
            "seed": 1,
            "predicted": np.where(hits, labels, "?"),
        }
    )


def test_names_stay_text_and_numbers_become_numbers(tmp_path):
    table = pd.DataFrame(
        {"label": ["1", "NA"], "group": ["label 1", ""], "value": ["0.5", ""], "note": ["", "x"]}
    )
    table.to_csv(tmp_path / "t.tsv", sep="\t", index=False)
    read = read_tables([tmp_path / "t.tsv", tmp_path / "t.tsv"])
    assert read["label"].tolist() == ["1", "NA"] * 2
    assert read["value"].tolist()[0] == 0.5 and np.isnan(read["value"][1])
    assert read["group"].tolist()[1] == ""


def test_calibration_rows_appear_once_and_recovery_is_the_ratio_of_accuracies():
    shared = tidy([metric_row("ld_r", "all", 0.98)], cohort="c", generator=REAL_TRAIN)
    own = tidy([metric_row("ld_r", "all", 0.7)], cohort="c", generator="g")
    table = collect_metrics(
        pd.concat([own, shared, shared]),
        predictions([True] * 8 + [False] * 2),
        {"g": predictions([True] * 4 + [False] * 6)},
        cohort="c",
        seed=0,
    )
    assert (table[table["metric"] == "ld_r"]["generator"] == ["g", REAL_TRAIN]).all()
    rates = table[table["metric"] == "recovery_rate"].set_index("generator")["value"]
    assert rates["g"] == 0.4 / 0.8
    assert MAJORITY in rates


def test_the_page_shows_what_was_measured_beside_unseen_people(tmp_path):
    metrics = pd.concat(
        [
            tidy(
                [
                    metric_row("frequency_error", "all", 0.0123456, note=""),
                    metric_row("accuracy", "mlp", 0.5, 0.4, 0.6),
                    metric_row("auc", "mlp", np.nan, note="too few: 1 person of <b>"),
                ],
                cohort="c",
                generator="mine",
            ),
            tidy([metric_row("frequency_error", "all", 0.01)], cohort="c", generator=REAL_TRAIN),
        ]
    )
    write_metrics_page(metrics, tmp_path / "m.html")
    text = (tmp_path / "m.html").read_text()
    for expected in ("0.01235", REAL_TRAIN, "0.5 [0.4, 0.6]", "too few", "person of &lt;b&gt;"):
        assert expected in text
    assert "http" not in text  # opens offline


def test_tables_align_numbers_and_colour_verdicts():
    html = pages.table(pd.DataFrame({"n": [1234567.0], "x": [0.123456], "level": ["stop"]}))
    assert '<td class="number">1,234,567</td>' in html
    assert '<td class="number">0.1235</td>' in html
    assert '<td class="stop">stop</td>' in html
