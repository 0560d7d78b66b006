"""The shipped studies of real genotypes, through the real Snakefile, as far as the gene PCA."""

import json

import pandas as pd
import pytest
import yaml
from clones import clone, snakemake
from conftest import REPOSITORY

from syncohort.cohort_store import CohortStore
from syncohort.evaluation.models.reconstruction import combine_chromosomes
from syncohort.evaluation.tables import read_tables

pytestmark = pytest.mark.slow


def run_study(name: str, folder, chroms: list[str], **changes):
    """Run a shipped study in a clone until what its representation loses is measured."""
    clone(folder)
    study = yaml.safe_load((REPOSITORY / "config" / f"{name}.yaml").read_text())
    for section, values in changes.items():  # the slices at hand in the place of what is fetched
        study[section] = study.get(section, {}) | values
    (folder / "study.yaml").write_text(yaml.safe_dump(study, sort_keys=False))
    results = folder / "results" / study["cohort"]
    targets = [
        f"results/{study['cohort']}/check_cohort/check.html",
        *(
            f"results/{study['cohort']}/measure_reconstruction/gene_pca/{chrom}.tsv"
            for chrom in chroms
        ),
    ]
    done = snakemake(folder, *targets, study="study.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    tables = [
        read_tables([results / f"measure_reconstruction/gene_pca/{chrom}.tsv"]) for chrom in chroms
    ]
    table = combine_chromosomes(tables)
    whole = table[(table["maf_bin"] == "all") & (table["group"] == "holdout")]
    return results, whole.set_index("metric")["value"]


def test_1000_genomes(tmp_path, real_data):
    kg3 = real_data / "kg3"
    results, holdout = run_study(
        "1kg-chr20-22",
        tmp_path,
        ["20", "22"],
        input={"path": f"{kg3}/kg3_chr{{chrom}}_*.hg19.vcf.gz"},
        labels={"table": f"{kg3}/integrated_call_samples_v3.20130502.ALL.panel"},
        genes={"annotation": f"{real_data}/annotation/genes.hg19.v32.csv"},
    )
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
    hapmap3 = real_data / "hapmap3"
    prefix = f"{hapmap3}/hapmap3_957_14079"
    results, holdout = run_study(
        "hapmap3",
        tmp_path,
        ["21", "22"],
        input={"path": f"{prefix}.hg18", "bim": f"{prefix}.hg19.bim"},
        labels={"table": f"{hapmap3}/hapmap3_relationships_w_pops_121708.txt"},
        genes={"annotation": f"{real_data}/annotation/glist-hg19"},
    )
    imported = {path.stem for path in (results / "import_chromosome").glob("*.json")}
    assert imported == set(chroms)  # the check looks at all of them
    summary = json.loads((results / "import_chromosome/22.json").read_text())
    assert not summary["phased"]
    people = pd.read_csv(results / "split_people/people.tsv", sep="\t", dtype={"family": str})
    assert people["label"].nunique() == 11
    assert (people["missing"] > 0).any()
    assert (people.groupby("family")["split"].nunique() == 1).all()
    assert holdout["allele_concordance"] > 0.99
