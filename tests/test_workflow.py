"""The real Snakefile end to end, in a copy of the clone, on a tiny cohort."""

import gzip
import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pysam
import pytest
from clones import change_study, clone, job_texts, planned_rules, snakemake

from syncohort.cohort_store import CohortStore
from syncohort.formats.readers import open_source

pytestmark = pytest.mark.slow
CHROMS = ("21", "22")


@pytest.fixture(scope="module")
def run(finished_study, tmp_path_factory) -> Path:
    """A clone in which the tiny study has run to the end."""
    return shutil.copytree(finished_study, tmp_path_factory.mktemp("clone") / "clone")


# --- what comes out


def test_exports_agree_genotype_by_genotype_and_keep_the_variants(run):
    release = run / "results/tiny/release/small"
    sheet = pd.read_csv(release / "samples.tsv", sep="\t")
    for chrom in CHROMS:
        truth = CohortStore(run / f"results/tiny/decode_cohort/small/{chrom}.zarr.zip")
        real = CohortStore(run / f"results/tiny/filter_variants/{chrom}.zarr.zip")
        for column in ("position_bp", "id", "allele"):
            assert (getattr(truth.variants, column) == getattr(real.variants, column)).all()
        for kind, path in (
            ("vcf", release / f"vcf/{chrom}.vcf.gz"),
            ("plink", release / "plink/synthetic"),
            ("pgen", release / "pgen/synthetic"),
        ):
            source = open_source(kind, str(path))
            assert source.sample_ids.tolist() == sheet["sample_id"].tolist()
            chunks = list(source.chunks(chrom))
            calls = np.concatenate([chunk.calls for chunk in chunks])
            variants = np.concatenate([chunk.variants.id for chunk in chunks])
            assert (variants == truth.variants.id).all()
            if kind == "plink":  # knows no phase
                assert (calls.sum(axis=2) == truth.read().sum(axis=2)).all()
            else:
                assert (calls == truth.read()).all()
                assert all(chunk.phased.all() for chunk in chunks)


def test_other_programs_accept_the_exports(run, tmp_path):
    release = run / "results/tiny/release/small"
    commands = [
        ["bcftools", "index", "--nrecords", release / "vcf/21.vcf.gz"],
        ["plink1.9", "--bfile", release / "plink/synthetic", "--freq", "--out", tmp_path / "a"],
        ["plink2", "--pfile", release / "pgen/synthetic", "--validate", "--out", tmp_path / "b"],
    ]
    for command in commands:
        if shutil.which(command[0]) is None:
            pytest.skip(f"{command[0]} is not installed")
        subprocess.run(command, check=True, capture_output=True)


def test_the_release_is_what_its_checksums_list(run, finished_study):
    for folder in (run / "results/tiny/release").iterdir():
        names = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
        listed = {line.split("  ")[1] for line in (folder / "SHA256SUMS").read_text().splitlines()}
        assert names == listed | {"SHA256SUMS"}
        command = ["sha256sum", "--check", "--quiet", "SHA256SUMS"]
        subprocess.run(command, cwd=folder, check=True)
    text = (run / "results/tiny/write_report/report.html").read_text()
    assert "SHA256SUMS" not in text and "small/vcf/21.vcf.gz.tbi" in text
    assert str(finished_study) not in text  # where it was made


def test_synthetic_labels_match_the_training_peoples(run):
    people = pd.read_csv(run / "results/tiny/split_people/people.tsv", sep="\t")
    sheet = pd.read_csv(run / "results/tiny/release/small/samples.tsv", sep="\t")
    train = people.loc[people["split"] == "train", "label"]
    assert sheet["label"].value_counts().to_dict() == train.value_counts().to_dict()


def test_families_stay_on_one_side(run):
    people = pd.read_csv(run / "results/tiny/split_people/people.tsv", sep="\t")
    assert (people.groupby("family").size() > 1).any()
    assert (people.groupby("family")["split"].nunique() == 1).all()


def test_the_report_is_one_file_with_its_tables(run):
    text = (run / "results/tiny/write_report/report.html").read_text()
    for expected in ("Release checklist", "Simulated data", "Singling out", "Downloads"):
        assert expected in text
    assert re.search(r"\b(pass|look|fail)\b", text)
    page = (run / "results/tiny/write_report/metrics.html").read_text()
    for expected in (
        "validation",
        "bootstrap",
        "Error of allele frequencies",
        "Membership inference AUC",
    ):
        assert expected in page


def test_snakemakes_own_report_has_the_pictures(run):
    result = snakemake(run, "--report", "report.html")
    assert result.returncode == 0, result.stderr
    text = (run / "report.html").read_text()
    for expected in ("compatibility check", "all metrics", "principal components", "UMAP"):
        assert expected in text


def test_every_job_leaves_a_log_and_a_benchmark(run):
    logs = {
        p.relative_to(run / "results/tiny/logs").with_suffix("")
        for p in run.rglob("*.log")
        if "results" in p.parts
    }
    root = run / "results/tiny/benchmarks"
    benchmarks = {p.relative_to(root).with_suffix("") for p in root.rglob("*.tsv")}
    assert logs == benchmarks and len(logs) > 30
    assert "cpu" in (run / "results/tiny/logs/train_diffusion/small/all.log").read_text()


def test_the_published_recipe_and_networks_of_chromosomes_go_into_one_report(run, tmp_path):
    folder = shutil.copytree(run, tmp_path / "both")
    paper = {
        "preset": "genetic_diffusion_paper",
        "denoiser": {"size": "small"},
        "diffusion": {"n_steps": 20},
        "training": {"epochs": 2},
        "sampling": {"steps": 20},
    }
    genome = {
        "per_chromosome": True,
        "denoiser": {"width": 16, "group_blocks": 2, "sight_kb": 50},
        "diffusion": {"n_steps": 20},
        "training": {"epochs": 2},
        "sampling": {"steps": 5, "rescaled": True},
    }
    study = change_study(
        folder, generators={"paper": paper, "genome": genome}, release={"export": ["vcf"]}
    )
    result = snakemake(folder, study=study)
    assert result.returncode == 0, result.stdout + result.stderr
    results = folder / "results/tiny"
    kept = "train_diffusion/small/all/checkpoint.safetensors"
    assert (results / kept).stat().st_mtime == (run / "results/tiny" / kept).stat().st_mtime
    both = {"small": "gene_pca", "paper": "gene_pca_paper", "genome": "gene_pca"}
    for name, representation in both.items():
        assert (results / f"release/{name}/vcf/21.vcf.gz").exists()
        assert (results / f"fit_gene_pca/{representation}/21.npz").exists()
    metrics = pd.read_csv(results / "collect_metrics/metrics.tsv", sep="\t")
    ours, published, genome = (
        set(metrics.loc[metrics["generator"] == name, "metric"]) for name in both
    )
    assert "ld_slope" in ours and ours == published
    assert genome - ours == {"global_distance", "global_haplotype_r"} and ours <= genome
    networks = [results / f"train_diffusion/genome/{chrom}" for chrom in ("21", "22")]
    assert all((folder / "checkpoint.safetensors").exists() for folder in networks)
    rescaled = {path.stem for path in (results / "fit_rescaling/genome").glob("*.npz")}
    assert rescaled == {"21", "22"}
    assert "the published recipe" in (results / "write_report/report.html").read_text()


def test_a_network_is_attacked_with_shadow_models_where_the_study_asks_for_them(run, tmp_path):
    folder = shutil.copytree(run, tmp_path / "shadows")
    gauss = {"kind": "block_gaussian"}
    study = change_study(
        folder,
        generators={"gauss": gauss},
        evaluation={"shadow_models": 2, "shadow_networks": True},
    )
    attacked = ("small", "gauss", "independent")
    wanted = [f"results/tiny/attack_with_shadows/{name}.tsv" for name in attacked]
    page = "results/tiny/check_cohort/check.html"
    result = snakemake(folder, *wanted, page, study=study)
    assert result.returncode == 0, result.stdout + result.stderr
    for file in wanted:
        rows = pd.read_csv(folder / file, sep="\t")
        assert (rows["method"] == "shadow models").all()
        found = rows.loc[rows["metric"] == "membership_auc", "value"].dropna()  # of enough people
        assert len(found) and found.between(0, 1).all()
    text = (folder / page).read_text()
    assert "with its replicates and shadow models" in text and "2 each of small, gauss" in text


# --- DNA sequences


def made_up_reference(run: Path, chrom: str) -> str:
    """Random bases with the REF alleles of the simulated chromosome where they belong, as FASTA."""
    variants = CohortStore(run / f"results/tiny/import_chromosome/{chrom}.zarr.zip").variants
    rng = np.random.default_rng(int(chrom))
    bases = rng.choice(list("ACGTacgt"), variants.position_bp[-1] + 100)
    bases[variants.position_bp - 1] = variants.allele[:, 0]
    text = "".join(bases)
    return f">chr{chrom}\n" + "\n".join(text[i : i + 70] for i in range(0, len(text), 70)) + "\n"


def test_sequences_are_written_where_the_study_asks_for_them(run, tmp_path):
    folder = shutil.copytree(run, tmp_path / "sequences")
    (folder / "genome.fa").write_text("".join(made_up_reference(run, chrom) for chrom in CHROMS))
    study = change_study(
        folder,
        input={"reference": "genome.fa"},
        release={"export": ["vcf", "fasta"], "fasta": {"people": ["SYN00002"]}},
    )
    assert planned_rules(folder, study=study) == {
        *("compare_reference", "check_cohort", "require_possible_plans"),
        *("export_fasta", "describe_release", "check_release", "write_report"),
    }
    result = snakemake(folder, study=study)
    assert result.returncode == 0, result.stdout + result.stderr
    release = folder / "results/tiny/release/small"
    assert {path.name for path in release.iterdir() if path.is_dir()} == {"vcf", "fasta"}
    for chrom in CHROMS:
        vcf = release / f"vcf/{chrom}.vcf.gz"
        with pysam.FastaFile(str(release / f"fasta/{chrom}.fa.gz")) as file:
            for haplotype in ("1", "2"):
                command = ["bcftools", "consensus", "-H", haplotype, "-s", "SYN00002", "-f"]
                # the released VCF says 21, and bcftools takes no other spelling
                renamed = tmp_path / f"{chrom}.fa"
                renamed.write_text(made_up_reference(run, chrom).replace("chr", "", 1))
                done = subprocess.run(
                    [*command, renamed, vcf], check=True, capture_output=True, text=True
                )
                expected = "".join(done.stdout.split("\n")[1:])
                assert file.fetch(f"SYN00002#{haplotype}#{chrom}") == expected
    text = (release / "README.md").read_text()
    assert "4 sequences" in text and "genome.fa" in text and "ID#1#CHROMOSOME" in text
    assert "fasta/21.fa.gz.gzi" in (release / "ro-crate-metadata.json").read_text()
    report = (folder / "results/tiny/write_report/report.html").read_text()
    assert "small/fasta/21.fa.gz.fai" in report and "The reference: genome.fa." in report
    page = (folder / "results/tiny/check_cohort/check.html").read_text()
    assert "have the reference&#39;s base as REF" in page and "2 of 1 people" in page
    assert planned_rules(folder, study=study) == set()


# --- what runs again: more in test_reruns.py


def test_a_second_run_has_nothing_to_do(run):
    assert planned_rules(run) == set()


@pytest.mark.parametrize("days", ["in the future", "of any order"])
def test_dates_of_a_clock_that_was_set_back_rerun_nothing_and_hide_nothing(run, days, tmp_path):
    folder = shutil.copytree(run, tmp_path / "clock")
    results = [file for file in (folder / "results").rglob("*") if file.is_file()]
    rng = np.random.default_rng(0)
    for file in results:
        shift = 900 if days == "in the future" else rng.integers(-900, 900)
        date = file.stat().st_mtime + 86_400 * float(shift)
        os.utime(file, (date, date))
    assert planned_rules(folder) == set()
    # another split, made by a run that ended before anything was made of it
    target = "results/tiny/split_people/people.tsv"
    study = change_study(folder, split={"validation": 0.2})
    assert snakemake(folder, target, study=study).returncode == 0
    assert planned_rules(folder, study=study) >= {"filter_variants", "train_diffusion"}


@pytest.mark.parametrize("file", ["sections.yaml", "templates/methods.html", "pca.rst"])
def test_an_edited_sentence_writes_the_report_alone(run, file):
    words = run / "workflow/report" / file
    before = words.read_text()
    try:
        words.write_text(before + "\n")
        assert planned_rules(run) == {"write_report"}
    finally:
        words.write_text(before)


def test_new_file_dates_and_comments_rerun_nothing(run):
    for file in (run / "workflow").rglob("*.py"):
        file.write_text(file.read_text() + "\n# a remark\n")
    assert planned_rules(run) == set()


# --- nothing that is fitted sees the holdout


def noisy_vcf(source: Path, target: Path, people: set[str]) -> None:
    """Copy a VCF with the genotypes of some people replaced by coin flips."""
    rng = np.random.default_rng(0)
    with gzip.open(source, "rt") as old, pysam.BGZFile(str(target), "wb") as new:
        for line in old:
            if not line.startswith("##"):
                fields = line.rstrip("\n").split("\t")
                if line.startswith("#"):
                    columns = [i for i, name in enumerate(fields) if name in people]
                else:
                    for column in columns:
                        fields[column] = "|".join(map(str, rng.integers(0, 2, 2)))
                line = "\t".join(fields) + "\n"
            new.write(line.encode())
    pysam.tabix_index(str(target), preset="vcf", force=True)


def _give_key(folder: Path, key: str) -> None:
    """Let a clone draw with a key that it is given: its own would follow from all calls, those of the holdout too."""
    module = folder / "workflow/src/syncohort/cohort/joining.py"
    own = 'hashlib.sha256(f"{calls}\\n{known}".encode()).hexdigest() + "\\n"'
    text = module.read_text()
    assert text.count(own) == 1
    module.write_text(text.replace(own, repr(key)))


def test_holdout_swapped_for_noise_changes_no_fitted_file(run, tmp_path):
    simulated = run / "results/tiny/simulate_chromosome"
    people = pd.read_csv(run / "results/tiny/split_people/people.tsv", sep="\t", dtype=str)
    holdout = set(people.loc[people["split"] == "holdout", "sample"])
    assert holdout
    other = clone(tmp_path / "noise")
    (other / "data").mkdir()
    for chrom in CHROMS:
        noisy_vcf(simulated / f"{chrom}.vcf.gz", other / f"data/{chrom}.vcf.gz", holdout)
    _give_key(other, (run / "results/tiny/join_labels/key.txt").read_text())
    genes = [(simulated / f"{chrom}.genes.gtf").read_text() for chrom in CHROMS]
    (other / "data/genes.gtf").write_text("".join(genes))
    shutil.copy(run / "results/tiny/simulate_people/people.tsv", other / "data")
    study = change_study(
        other,
        input={"kind": "vcf", "path": "data/{chrom}.vcf.gz"},
        labels={"table": "data/people.tsv"},
        genes={"annotation": "data/genes.gtf"},
        split={"family_column": "family"},
    )
    targets = [
        *(f"results/tiny/release/small/vcf/{chrom}.vcf.gz" for chrom in CHROMS),
        "results/tiny/release/small/samples.tsv",
    ]
    result = snakemake(other, *targets, study=study)
    assert result.returncode == 0, result.stdout + result.stderr

    noise = CohortStore(other / "results/tiny/filter_variants/21.zarr.zip")
    truth = CohortStore(run / "results/tiny/filter_variants/21.zarr.zip")
    assert (noise.variants.id == truth.variants.id).all()
    different = (noise.read() != truth.read()).any(axis=(0, 2))
    assert set(truth.people.id[different]) == holdout  # the noise is really there

    fitted = [
        "split_people/people.tsv",
        "train_diffusion/small/all/checkpoint.safetensors",
        "release/small/samples.tsv",
    ]
    for chrom in CHROMS:
        fitted += [
            f"assign_genes/{chrom}.blocks.tsv",
            f"fit_gene_pca/gene_pca/{chrom}.npz",
            f"encode_people/gene_pca/{chrom}.npy",
            f"encode_people/gene_pca/{chrom}.npz",
            f"release/small/vcf/{chrom}.vcf.gz",
        ]
    for file in fitted:
        own, noisy = (folder / "results/tiny" / file for folder in (run, other))
        assert own.read_bytes() == noisy.read_bytes(), f"{file} depends on holdout people"


# --- what a user sees when something is wrong


def failure(folder: Path, study: str, *options: str) -> str:
    result = snakemake(folder, *options, study=study)
    assert result.returncode != 0
    text = result.stdout + result.stderr
    assert "Traceback" not in text
    return text


def test_bad_configuration_stops_before_any_job(run):
    text = failure(run, change_study(run, splitt={"holdout": 0.1}))
    assert "splitt: unknown key. Did you mean 'split'?" in text


@pytest.mark.parametrize(
    "regions, said",
    [
        ({"19": [1, 9]}, "filters.regions: chromosome 19 is not in the study, which has 21, 22"),
        ({"21": [1, 9], "chr21": [1, 7]}, "two of 21, chr21 are the same chromosome"),
    ],
)
def test_stretches_of_chromosomes_that_cannot_be_meant(run, regions, said):
    assert said in failure(run, change_study(run, filters={"regions": regions}))


def test_a_path_that_does_not_exist(run):
    study = change_study(
        run,
        input={"kind": "vcf", "path": "nowhere/{chrom}.vcf.gz"},
        labels={"table": "people.tsv"},
        genes={"annotation": "genes.gtf"},
    )
    text = failure(run, study)
    assert "labels.table: people.tsv" in text and "genes.annotation: genes.gtf" in text
    assert "input.path: no file fits nowhere/{chrom}.vcf.gz" in text
    for name in ("people.tsv", "genes.gtf"):
        (run / name).touch()
    assert "input.path: no file fits nowhere/{chrom}.vcf.gz" in failure(run, study)


@pytest.mark.parametrize(
    ("files", "chromosomes", "message"),
    [
        (["chr1", "chr01"], None, "chromosome 1: several files fit data/{chrom}.vcf: data/chr"),
        (["1"], ["HLA-A*01:01"], "input.chromosomes: HLA-A*01:01: contigs that are no chromosomes"),
        (["0"], None, "data/{chrom}.vcf: no autosome; found 0"),
    ],
)
def test_chromosomes_that_cannot_be_used_stop_before_any_job(run, files, chromosomes, message):
    shutil.rmtree(run / "data", ignore_errors=True)
    (run / "data").mkdir()
    for name in files:
        (run / f"data/{name}.vcf").touch()
    genotypes = {"kind": "vcf", "path": "data/{chrom}.vcf", "chromosomes": chromosomes}
    (run / "data/x.tsv").touch()
    study = change_study(
        run, input=genotypes, labels={"table": "data/x.tsv"}, genes={"annotation": "data/x.tsv"}
    )
    assert message in failure(run, study, "--dry-run")


def test_results_may_lie_elsewhere_than_the_clone(tmp_path):
    folder = clone(tmp_path / "clone")
    result = snakemake(folder, "--dry-run", "--directory", str(tmp_path / "elsewhere"))
    assert result.returncode == 0, result.stdout + result.stderr
    assert "write_report" in result.stdout and not (folder / "results").exists()


@pytest.mark.parametrize(
    ("name", "heading", "stops"),
    [
        ("map.txt", "position rate(cM/Mb) Map(cM)", True),
        ("map.txt", "pos Map(cM) chr", False),
        ("map{chrom}.txt", "position rate(cM/Mb) Map(cM)", False),
    ],
)
def test_one_genetic_map_of_no_chromosome_stops_before_any_job(tmp_path, name, heading, stops):
    folder = clone(tmp_path / "clone")
    for chrom in CHROMS:
        (folder / name.format(chrom=chrom)).write_text(f"{heading}\n1 1 0\n2000000 1 2\n")
    study = change_study(folder, evaluation={"recombination_map": name})
    if stops:
        text = failure(folder, study, "--dry-run")
        assert "map.txt: has no column of chromosomes" in text and "21, 22" in text
    else:
        assert "measure_fidelity" in planned_rules(folder, study=study)


def test_files_of_the_user_that_are_dated_in_the_future_stop_before_any_job(run):
    table = run / "future.tsv"
    shutil.copy(run / "results/tiny/simulate_people/people.tsv", table)
    os.utime(table, (4e9, 4e9))
    study = change_study(run, labels={"table": "future.tsv"})
    assert "future.tsv (2096-" in failure(run, study, "--dry-run")
    table.touch()
    assert "join_labels" in planned_rules(run, study=study)


def test_braces_in_a_path_are_no_wildcards(run):
    (run / "{a}").mkdir(exist_ok=True)
    shutil.copy(run / "results/tiny/simulate_people/people.tsv", run / "{a}/x{y}.tsv")
    study = change_study(run, labels={"table": "{a}/x{y}.tsv"})
    assert "join_labels" in planned_rules(run, study=study)
    (link,) = (run / ".snakemake/syncohort_links").rglob("*.tsv")
    assert link.name == "x(y).tsv" and link.samefile(run / "{a}/x{y}.tsv")


def test_labels_of_other_people_are_told_with_the_page(run, tmp_path):
    (run / "others.tsv").write_text("sample\tsuperpopulation\nnobody\tEUR\nelse\tAFR\n")
    study = change_study(run, cohort="wrong", labels={"table": "others.tsv"})
    page = "results/wrong/check_cohort/check.html"
    text = failure(run, study, page, "results/wrong/split_people/people.tsv")
    assert "none of its 2 ids in column 'sample' (such as nobody, else)" in text
    assert "The run stops here" in (run / page).read_text()
    assert not (run / "results/wrong/split_people/people.tsv").exists()


def test_a_wish_that_cannot_be_had_stops_before_training(run):
    study = change_study(run, cohort="wish", synthesis={"labels": "counts", "counts": {"A": 3}})
    text = failure(run, study)
    assert "people are asked for labels nobody in training carries: A" in text
    assert not (run / "results/wish/train_diffusion").exists()


# --- the cluster


def test_the_slurm_profile_plans_everything(run, tmp_path):
    folder = clone(tmp_path / "cluster")
    result = snakemake(folder, "--profile", "slurm", "--dry-run")
    text = result.stdout + result.stderr
    assert result.returncode == 0, text
    asks = {
        name: (re.search(r"^ +resources: (.*)$", job, re.MULTILINE) or [""] * 2)[1]
        for name, job in job_texts(text)
    }
    assert "gpu=1" in asks["train_diffusion"] and "gpu" not in asks["fit_gene_pca"]
    for name, resources in asks.items():
        assert name == "all" or ("mem_mb=" in resources and "runtime=" in resources)
