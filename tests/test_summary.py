"""Reading tables of all stages, and joining their metrics."""

import numpy as np
import pandas as pd
import pytest

from syncohort.errors import InputError
from syncohort.evaluation.groups import ALL
from syncohort.evaluation.tables import join_metrics, read_tables
from syncohort.evaluation.tidy import metric_row, tidy


def test_names_stay_text_and_numbers_become_numbers(tmp_path):
    table = pd.DataFrame(
        {"label": ["1", "NA"], "label_2": ["1", ""], "value": ["0.5", ""], "note": ["", "x"]}
    )
    table.to_csv(tmp_path / "t.tsv", sep="\t", index=False)
    read = read_tables([tmp_path / "t.tsv", tmp_path / "t.tsv"])
    assert read["label"].tolist() == ["1", "NA"] * 2
    assert read["value"].tolist()[0] == 0.5 and np.isnan(read["value"][1])
    assert read["label_2"].tolist()[1] == ""


def test_open_bounds_are_read_back(tmp_path):
    table = pd.DataFrame({"verdict": ["pass"], "pass_low": [-np.inf], "pass_high": [0.5]})
    table.to_csv(tmp_path / "t.tsv", sep="\t", index=False)
    assert read_tables([tmp_path / "t.tsv"])["pass_low"].tolist() == [-np.inf]


def test_rows_that_several_stages_wrote_appear_once():
    shared = tidy([metric_row("power", ALL, 0.4)], cohort="c", generator="real")
    own = tidy([metric_row("power", ALL, 0.3)], cohort="c", generator="g")
    table = join_metrics([own, shared, shared])
    assert table["generator"].tolist() == ["g", "real"]
    assert table["value"].tolist() == [0.3, 0.4]


def test_text_in_a_column_that_is_not_known_is_an_error(tmp_path):
    pd.DataFrame({"label": ["a", "b"], "colour": ["1", "red"]}).to_csv(
        tmp_path / "t.tsv", sep="\t", index=False
    )
    with pytest.raises(InputError, match="t.tsv, line 3: column colour holds 'red', not a number"):
        read_tables([tmp_path / "t.tsv"])
    assert read_tables([tmp_path / "t.tsv"], ["label"])["label"].tolist() == ["a", "b"]
