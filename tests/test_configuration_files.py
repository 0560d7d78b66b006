"""Configuration files as they are typed: keys twice, and words that YAML takes for something else."""

import pytest
import yaml
from clones import clone, snakemake
from warm_python import run_snakemake

from syncohort.config.study import parse_config
from syncohort.config.yaml_files import read_typed
from syncohort.errors import InputError


def write(folder, text, name="study.yaml"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def parse(folder, text):
    path = write(folder, text)
    return parse_config(yaml.safe_load(text), read_typed([path]))


def message(folder, text) -> str:
    with pytest.raises(InputError) as caught:
        parse(folder, text)
    return str(caught.value)


# --- keys that stand twice


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("filters: {maf_min: 0.1}\nseed: 1\nfilters:\n  hwe_p_min: 0\n", ["filters stands on line 1 and on line 3"]),
        ("filters:\n  maf_min: 0.1\n\n  maf_min: 0.2\n", ["filters.maf_min stands on line 2 and on line 4"]),
        ("seed: 1\nseed: 1\n", ["seed stands on line 1 and on line 2"]),
        ('seed: 1\n"seed": 1\n', ["seed stands on line 1 and on line 2"]),
        (
            "generators:\n  a:\n    training: {epochs: 1}\n    training: {epochs: 2}\n  b: {}\n  a: {}\n",
            ["generators.a.training stands on line 3 and on line 4", "generators.a stands on line 2 and on line 6"],
        ),
        ("evaluation:\n  x: [{a: 1, a: 2}]\n", ["evaluation.x.0.a stands on line 2 and on line 2"]),
        ("synthesis:\n  counts:\n    1: 3\n    1: 4\n", ["synthesis.counts.1 stands on line 3 and on line 4"]),
    ],
)  # fmt: skip
def test_a_key_that_stands_twice_is_named_with_both_lines(tmp_path, text, expected):
    path = write(tmp_path, text)
    with pytest.raises(InputError) as caught:
        read_typed([path])
    for line in expected:
        assert f"{path}: {line}" in str(caught.value)
    assert f"({len(expected)})" in str(caught.value)


def test_equal_keys_of_different_sections_and_files_are_fine(tmp_path):
    first = write(tmp_path, "seed: 1\nsplit: {holdout: 0.1}\n", "a.yaml")
    second = write(tmp_path, "seed: 2\nfilters: {maf_min: 0.1}\n", "b.yaml")
    assert read_typed([first, second])[("seed",)] == "2"
    base = "x: &base {epochs: 1}\ngenerators:\n  a:\n    training: {<<: *base, epochs: 2}\n"
    read_typed([write(tmp_path, base)])  # a key that a merge brings is no second one
    assert read_typed([write(tmp_path, "")]) == {}
    assert read_typed([write(tmp_path, '{"seed": 3}', "c.json")])[("seed",)] == "3"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a: &x [*x]\n", "an alias"), ("!mine a: 1\n", "cannot be read as YAML.*!mine")],
)
def test_aliases_of_themselves_and_unknown_tags_are_refused(tmp_path, text, expected):
    with pytest.raises(InputError, match=expected):
        read_typed([write(tmp_path, text)])


def test_what_is_no_yaml(tmp_path):
    with pytest.raises(InputError, match="(?s)study.yaml: cannot be read as YAML: .*line 1"):
        read_typed([write(tmp_path, "seed: [1\n")])
    with pytest.raises(InputError, match="an alias .* stands inside what it names"):
        read_typed([write(tmp_path, "labels: &a {missing: *a}\n")])


# --- words in no quotes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("labels: {missing: [NO]}", "labels.missing: write 'NO' in quotes; YAML read False"),
        ("labels: {missing: [a, off]}", "labels.missing: write 'off' in quotes"),
        ("labels:\n  missing:\n    - 007", "labels.missing: write '007' in quotes; YAML read 7"),
        ("labels: {missing: [~]}", "labels.missing: write '~' in quotes; YAML read None"),
        ("labels: {missing: [null]}", "labels.missing: write 'null' in quotes"),
        ("labels: {missing: [1.50]}", "labels.missing: write '1.50' in quotes; YAML read 1.5"),
        ("labels: {missing: [12:30]}", "labels.missing: write '12:30' in quotes; YAML read 750"),
        ("labels: {missing: [0x1F]}", "labels.missing: write '0x1F' in quotes; YAML read 31"),
        ("labels: {missing: [1_000]}", "labels.missing: write '1_000' in quotes"),
        ("labels: {missing: [2024-01-01]}", "labels.missing: write '2024-01-01' in quotes"),
        ("labels: {case_label: yes}", "labels.case_label: write 'yes' in quotes; YAML read True"),
        ("labels: {case_label: Yes}", "labels.case_label: write 'Yes' in quotes"),
        ("labels: {label_column: on}", "labels.label_column: write 'on' in quotes"),
        ("labels: {label_column: [country, NO]}", "labels.label_column: write 'NO' in quotes"),
        ("labels: {id_column: 1}", "labels.id_column: write '1' in quotes"),
        ("cohort: 2024", "cohort: write '2024' in quotes; YAML read 2024"),
        ("input: {chromosomes: [1, 02]}", "input.chromosomes: write '02' in quotes; YAML read 2"),
        ("selection: {kind: association, covariates: [no]}", "covariates: write 'no' in quotes"),
        ("synthesis: {labels: counts, counts: {NO: 3}}", "synthesis.counts: write 'NO' in quotes"),
        ("split: {family_column: y, kinship_table: true}", "split.kinship_table: write 'true' in quotes"),
    ],
)  # fmt: skip
def test_words_that_yaml_takes_for_something_else(tmp_path, text, expected):
    found = message(tmp_path, text)
    assert expected in found and "has 1 problem(s)" in found


def test_quotes_and_whole_numbers_are_text(tmp_path):
    text = """
    labels: {missing: ['NO', "007", '~', -9, 0], case_label: 'yes', label_column: ['on', y]}
    input: {kind: plink, path: x, chromosomes: [1, chr2, 22]}
    genes: {intergenic: own}
    synthesis: {labels: counts, counts: {1: 3, 'NO': 4}}
    """
    study = parse(tmp_path, text)
    assert study.labels.missing == ["NO", "007", "~", "-9", "0"]
    assert (study.labels.case_label, study.labels.label_column) == ("yes", ["on", "y"])
    assert study.input.chromosomes == ["1", "chr2", "22"]
    assert study.synthesis.counts == {"1": 3, "NO": 4}


def test_numbers_keep_their_spelling_to_themselves(tmp_path):
    text = "filters: {maf_min: 0.050}\nsplit: {validation: 1.0e-1}\nseed: 0x10\nlabels: {case_label: 2}"
    study = parse(tmp_path, text)
    assert (study.filters.maf_min, study.split.validation, study.seed) == (0.05, 0.1, 16)
    assert study.labels.case_label == "2" and study.labels.id_column is None
    assert type(study.seed) is int


def test_without_a_file_the_text_is_an_example():
    with pytest.raises(InputError, match="labels.case_label: should be text; YAML read False"):
        parse_config({"labels": {"case_label": False}})


def test_a_value_of_the_command_line_is_not_the_files(tmp_path):
    path = write(tmp_path, "labels: {missing: [007]}\n")
    assert parse_config({"labels": {"missing": [8]}}, read_typed([path])).labels.missing == ["8"]


# --- through Snakemake


def plan(folder, *options: str, study: str) -> str:
    page = "results/tiny/check_cohort/check.html"
    result = snakemake(folder, "--dry-run", page, *options, study=study)
    return result.stdout + result.stderr


@pytest.mark.slow
def test_snakemake_stops_at_what_it_would_lose_itself(tmp_path):
    folder = clone(tmp_path / "clone")
    tiny = (folder / "tiny.yaml").read_text()
    write(folder, tiny + "\ncohort: tiny\n", "twice.yaml")
    assert "cohort stands on line" in plan(folder, study="twice.yaml")
    write(folder, "labels: {missing: [NO]}\n", "more.yaml")
    both = ["--configfile", "tiny.yaml", "more.yaml"]
    result = run_snakemake(["--dry-run", "--cores", "1", *both], folder)
    assert "labels.missing: write 'NO' in quotes" in result.stdout + result.stderr
    assert "check_cohort" in plan(folder, "--config", "seed=5", study="tiny.yaml")
    assert "Did you mean 'seed'" in plan(folder, "--config", "sed=5", study="tiny.yaml")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("seed: true\n", "seed: should be a whole number; found 'true'"),
        ("synthesis: {people: yes}\n", "synthesis.people: should be a whole number; found 'true'"),
        ("filters: {maf_min: off}\n", "filters.maf_min: should be a number; found 'false'"),
        (
            "synthesis: {labels: counts, counts: {GBR: yes}}\n",
            "synthesis.counts.GBR: should be a whole",
        ),
        ("labels: {cuts: [.nan, 25]}\n", "labels.cuts.0: should be a finite number; found nan"),
        ("labels: {label_column: [a, a]}\n", "name each column once"),
        ("filters: {maf_min: 0,1}\n", "is it a comma in a number? 0.1 is written with a point"),
        ("labels.case_label: x\n", "Write it as a section: `labels: {case_label: ...}`"),
        ("input: {chromosomes: []}\n", "input.chromosomes: "),
        (
            "synthesis: {labels: counts, counts: {1: 5, '1': 6}}\n",
            "synthesis.counts.1 stands on line 1",
        ),
        (
            "synthesis: {labels: counts, counts: {1.0: 5, 1: 6}}\n",
            "synthesis.counts.1 stands on line 1",
        ),
    ],
)
def test_what_would_be_taken_for_something_else(tmp_path, text, expected):
    assert expected in message(tmp_path, text)


def test_a_value_of_the_command_line_is_not_spelled_as_the_file_spells_another(tmp_path):
    """--config cohort=01 labels={case_label: yes} over a file that has other words there."""
    path = tmp_path / "study.yaml"
    path.write_text("cohort: asthma\nlabels: {case_label: case}\n")
    with pytest.raises(InputError) as caught:
        parse_config({"cohort": 1, "labels": {"case_label": True}}, read_typed([path]))
    said = str(caught.value)
    assert "cohort: write '1' in quotes; YAML read 1" in said
    assert "labels.case_label: should be text; YAML read True" in said
    assert "asthma" not in said and "'case'" not in said


def test_blanks_around_a_text_are_none_of_it(tmp_path):
    assert parse(tmp_path, 'labels: {case_label: " case "}\n').labels.case_label == "case"
    assert parse(tmp_path, "filters: {pass_only: true}\n").filters.pass_only is True
