"""The shipped studies of real genotypes, through the real Snakefile, as far as the gene PCA."""

import json
import os
import subprocess
import sys

import pandas as pd
import pytest
import yaml
from clones import clone
from conftest import REPOSITORY

from syncohort.evaluation.models.reconstruction import combine_chromosomes
from syncohort.evaluation.tables import read_tables
from syncohort.genotypes import CohortStore

pytestmark = pytest.mark.slow


def run_study(name: str, folder, real_data, chroms: list[str], **changes):
    """Run a shipped study in a clone until what its representation loses is measured."""
    clone(folder)
    text = (REPOSITORY / "config" / f"{name}.yaml").read_text()
    # the study names the data beside the clone
    study = yaml.safe_load(text.replace("../shared/data", os.fspath(real_data)))
    (folder / "study.yaml").write_text(yaml.safe_dump(study | changes, sort_keys=False))
    results = folder / "results" / study["cohort"]
    targets = [
        f"results/{study['cohort']}/check_cohort/check.html",
        *(
            f"results/{study['cohort']}/measure_reconstruction/gene_pca/{chrom}.tsv"
            for chrom in chroms
        ),
    ]
    command = [sys.executable, "-m", "snakemake", *targets, "--cores", "2"]
    done = subprocess.run(
        [*command, "--configfile", "study.yaml"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    tables = [
        read_tables([results / f"measure_reconstruction/gene_pca/{chrom}.tsv"]) for chrom in chroms
    ]
    table = combine_chromosomes(tables)
    whole = table[(table["maf_bin"] == "all") & (table["group"] == "holdout")]
    return results, whole.set_index("metric")["value"]


def test_1000_genomes(tmp_path, real_data):
    results, holdout = run_study("1kg-chr20-22", tmp_path, real_data, ["20", "22"])
    people = pd.read_csv(results / "split_people/people.tsv", sep="\t")
    assert people["split"].value_counts().to_dict() == {
        "train": 2008,
        "validation": 248,
        "holdout": 248,
    }
    assert people["label"].nunique() == 26
    store = CohortStore(results / "filter_variants/22.zarr.zip")
    assert store.phased and len(store.people) == 2504
    page = (results / "check_cohort/check.html").read_text()
    assert "GRCh37/hg19" in page and "The cohort can be used." in page
    assert holdout["allele_concordance"] > 0.999
    assert holdout["minor_allele_sensitivity"] > 0.99


def test_hapmap3_with_missing_calls(tmp_path, real_data):
    chroms = [str(number) for number in range(1, 23)]
    results, holdout = run_study("hapmap3", tmp_path, real_data, ["21", "22"])
    imported = {path.stem for path in (results / "import_chromosome").glob("*.json")}
    assert imported == set(chroms)  # the check looks at all of them
    summary = json.loads((results / "import_chromosome/22.json").read_text())
    assert not summary["phased"]
    people = pd.read_csv(results / "split_people/people.tsv", sep="\t", dtype={"family": str})
    assert people["label"].nunique() == 11
    assert (people["missing"] > 0).any()
    assert (people.groupby("family")["split"].nunique() == 1).all()
    assert holdout["allele_concordance"] > 0.99
