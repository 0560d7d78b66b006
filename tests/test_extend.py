"""The recipes of docs/extend.md, applied to a copy of the project as they are written."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from clones import clone, planned_rules
from conftest import REPOSITORY

PAGE = (REPOSITORY / "docs/extend.md").read_text()
STEP = re.compile(
    r"^(?:New file `(?P<new>[^`]+)`"
    r"|In `(?P<file>[^`]+)`, (?P<how>before|after|in place of) `(?P<text>[^`]+)`):\n\n"
    r"```(?:python|\{code-block\} python)\n(?P<code>.*?)```$",
    re.MULTILINE | re.DOTALL,
)


def recipe(heading: str) -> str:
    return PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def apply(heading: str, folder: Path) -> int:
    """Do the steps of a recipe; return their number."""
    steps = list(STEP.finditer(recipe(heading)))
    for step in steps:
        if step["new"]:
            (folder / step["new"]).write_text(step["code"])
            continue
        path, code = folder / step["file"], step["code"]
        before, found, after = path.read_text().partition(step["text"])
        assert found and step["text"] not in after, step[0]
        if step["how"] == "before":
            margin = before[before.rfind("\n") + 1 :]
            code = code + margin + found
        elif step["how"] == "after":
            code = found + code.rstrip("\n")
        else:
            code = code.rstrip("\n")
        path.write_text(before + code + after)
    return len(steps)


def run(folder: Path, code: str) -> str:
    """What a program prints that imports the package of the copy."""
    path = os.pathsep.join(map(str, (folder / "workflow/src", REPOSITORY / "tests")))
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy with every recipe that has steps applied."""
    folder = clone(tmp_path_factory.mktemp("extended") / "clone")
    assert apply("Add a denoiser", folder) == 3
    assert apply("Add a metric", folder) == 2
    assert apply("Add an export", folder) == 3
    return folder


def test_every_file_that_the_page_names_exists():
    added = {step["new"] for step in STEP.finditer(PAGE) if step["new"]}
    named = set(re.findall(r"`((?:workflow|tests|config|docs)/[\w./-]+)`", PAGE))
    assert len(named) > 15
    assert not [name for name in named - added if not (REPOSITORY / name).exists()]
    assert not [name for name in added if (REPOSITORY / name).exists()]


def test_a_file_holds_the_constants_and_classes_that_its_line_of_the_page_names():
    lines = re.findall(r"^- `(workflow/[\w/]+\.py)`: ((?:.|\n(?!\n|- ))*)", PAGE, re.MULTILINE)
    named = r"`(_?[A-Z][A-Z_]{3,}|[A-Z][a-z]+[A-Z]\w+)`"
    found = [(file, name) for file, words in lines for name in re.findall(named, words)]
    assert len(found) > 4
    for file, name in found:
        assert name in (REPOSITORY / file).read_text(), (file, name)


def test_every_recipe_names_a_test_that_shows_it_complete():
    for heading in re.findall(r"^## (.*)$", PAGE, re.MULTILINE):
        assert re.search(r"Complete when .*`tests/", recipe(heading), re.DOTALL), heading


STUDY_WITH_THE_DENOISER = """
from syncohort.code_digest import code_files
from syncohort.config.loaded_code import denoiser_module
from syncohort.config.plan import Plan
from syncohort.config.study import parse_config

study = parse_config({"generators": {"mine": {"denoiser": {"kind": "dense", "width": 16}}}})
plan = Plan(study)
print(plan.diffusion, plan.settings["mine"]["denoiser"])
script = "workflow/scripts/train_diffusion.py"
for kind in ("dense", "local"):
    names = [file.name for file in code_files(script, (denoiser_module(kind),))]
    print(kind, "dense.py" in names)
"""


def test_a_study_names_the_denoiser_and_its_code_counts_where_it_is_used(copy):
    assert run(copy, STUDY_WITH_THE_DENOISER).splitlines() == [
        "['mine'] {'kind': 'dense', 'width': 16}",
        "dense True",
        "local False",
    ]


TRAINING = """
from pathlib import Path
import numpy as np
from latent_cohorts import RECIPE, make_cohort, train_diffusion
from syncohort.diffusion.denoisers import denoiser_kinds
from syncohort.diffusion.model import load_generator

folder = Path("latents")
folder.mkdir()
options = RECIPE | {"denoiser": {"kind": "dense", "width": 16}, "epochs": 2}
train_diffusion(**make_cohort(folder, 200), **options, checkpoint_path=folder / "model")
network = load_generator(folder / "model").network
print("dense" in denoiser_kinds(), type(network).__name__, network.enter.out_features)
"""


def test_the_denoiser_is_trained_and_read_again(copy):
    assert run(copy, TRAINING).split() == ["True", "DenseDenoiser", "16"]


METRIC = """
import pandas as pd
from syncohort.evaluation.fidelity.heterozygosity import summarise_people
from syncohort.evaluation.groups import ALL
from syncohort.evaluation.tidy import tidy, tidy_value
from syncohort.evaluation.verdicts.judging import judge

counts = {"holdout": [10, 20, 90], "synthetic": [30, 30, 30]}
rows = [
    [f"p{i}", source, "a", 100, count, 40.0, 1.0]
    for source, all_counts in counts.items() for i, count in enumerate(all_counts)
]
columns = "person source label called heterozygous expected homozygous_bp".split()
found = summarise_people(pd.DataFrame(rows, columns=columns), seed=1)
judged = judge(tidy(found, cohort="c", generator="g"), {})
print(tidy_value(judged, "g", "heterozygosity_median", ALL)["value"])
row = judged[(judged.metric == "heterozygosity_median") & (judged.label == "")].iloc[0]
print(row.pass_low, row.pass_high)
"""


def test_the_metric_is_measured_and_judged(copy):
    """Medians of 30 and 20 heterozygous calls of 100; it passes within .03 of 1."""
    found = [float(word) for word in run(copy, METRIC).split()]
    assert found == pytest.approx([1.5, 0.97, 1.03])


def test_the_export_is_planned_for_every_released_generator(copy):
    assert "export_variants" in planned_rules(copy)


def test_generated_files_follow_the_new_denoiser(copy):
    run(
        copy,
        "import runpy; runpy.run_module('syncohort.config.generated_files', run_name='__main__')",
    )
    assert "kind: dense" in (copy / "config/README.md").read_text()
    assert '"DenseConfig"' in (copy / "workflow/schemas/config.schema.json").read_text()


EXPORT = """
import runpy
from types import SimpleNamespace
import numpy as np
from cohorts import people_of, store_of

calls = np.zeros((3, 2, 2))
paths = [f"{contig}.zarr.zip" for contig in ("21", "22")]
for path in paths:
    store_of(path, calls, people_of(["a", "a"]), contig=path[:2])
class Named(list):
    pass  # files in order, some under names too, as Snakemake hands them over
files, made = Named(paths), Named(["variants.tsv"])
files.stores, made.variants = paths, "variants.tsv"
stand_in = SimpleNamespace(
    input=files,
    output=made,
    log=["export.log"], threads=1, rule="export_variants", wildcards={},
)
runpy.run_path("workflow/scripts/export_variants.py", {"snakemake": stand_in})
"""


def test_the_script_of_the_export_lists_the_variants_of_all_chromosomes(copy):
    run(copy, EXPORT)
    rows = [line.split("\t") for line in (copy / "variants.tsv").read_text().splitlines()]
    places = [[contig, str(place)] for contig in ("21", "22") for place in (1000, 2000, 3000)]
    assert rows == [["chromosome", "position"], *places]
