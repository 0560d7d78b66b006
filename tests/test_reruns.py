"""What each kind of change runs again: the lines of docs/reruns.md, planned or looked up.

Results are pretended: empty files of the right names, which Snakemake is told are up to date.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from clones import change_study, clone, job_texts, planned_jobs, planned_rules, snakemake
from conftest import REPOSITORY

from syncohort.code_digest import PACKAGE, code_files
from syncohort.config.loaded_code import denoiser_module, generator_modules, representation_module
from syncohort.config.plan import Plan
from syncohort.config.study import parse_config

SCRIPTS = {file.stem: file for file in (REPOSITORY / "workflow/scripts").glob("*.py")}
TINY = yaml.safe_load((REPOSITORY / "tests/studies/tiny.yaml").read_text())

# --- code, looked up


def rules_with(module: str, study: dict = TINY) -> set[str]:
    """Rules of a study whose digest a module of the package is in, `module` a path below it."""
    plan = Plan(parse_config(study))
    settings = [plan.settings[name] for name in plan.latent_generators]
    kinds = {plan._study.representations[name].kind for name in plan.representations}
    representations = [representation_module(kind) for kind in kinds]
    networks = [
        denoiser_module(each["denoiser"]["kind"]) for each in settings if "denoiser" in each
    ]
    generators = [name for each in settings for name in generator_modules(each)]
    loaded = {
        "encode_people": representations,
        "measure_reconstruction": representations,
        "draft_cohort": representations,
        "decode_cohort": representations,
        "train_diffusion": networks,
        "fit_rescaling": networks,
        "tabulate_costs": networks,
        "check_cohort": networks,
        "sample_latents": generators,
        "refine_latents": generators + representations,
        "attack_white_box": networks + representations,
        "embed_bottleneck": networks + representations,
    }
    unused = set() if "snp_vae" in kinds else {"fit_snp_vae"}
    unused |= {"train_wgan", "fit_block_gaussian"} - {f"train_{each['kind']}" for each in settings}
    if not any(each.get("sampling", {}).get("refined_from") for each in settings):
        unused |= {"draft_cohort", "refine_latents"}
    if not plan.with_likelihood:
        unused |= {"fit_hidden_chow_liu", "measure_likelihood"}
    if not plan.shadowed:
        unused |= {"score_shadow", "score_latent_shadow", "attack_with_shadows"}
    if not plan._study.release.rare.carriers_min:
        unused |= {"filter_rare", "draw_rare", "join_rare", "measure_rare"}
    return {
        name
        for name, script in SCRIPTS.items()
        if PACKAGE / module in code_files(script, tuple(loaded.get(name, [])))
    } - unused


TRAININGS = {"train_diffusion", "train_wgan", "fit_block_gaussian", "fit_snp_vae"}
CODE = {
    "the reader of gene annotations": (
        "formats/annotation.py",
        {"examine_cohort", "filter_variants", "assign_genes"},
    ),
    "the split": ("cohort/splits.py", {"split_people", "examine_cohort"}),
    "sums of products of blocks (`block_covariance`)": (
        "representations/block_covariance.py",
        {"fit_gene_pca"},
    ),
    "a network that no generator uses": ("diffusion/denoisers/transformer.py", set()),
    "a network": (
        "diffusion/denoisers/mlp.py",
        {
            "check_cohort",
            "train_diffusion",
            "fit_rescaling",
            "sample_latents",
            "refine_latents",
            "attack_white_box",
            "tabulate_costs",
            "embed_bottleneck",
        },
    ),
    "the SNP autoencoder": ("representations/snp_vae.py", {"check_cohort"}),
    "a module of figures": (
        "figures/fidelity.py",
        {"plot_frequencies", "plot_linkage"},
    ),
}


@pytest.mark.parametrize("line", CODE)
def test_an_edited_module_changes_the_rules_that_really_run_it(line):
    module, expected = CODE[line]
    assert (PACKAGE / module).exists()
    assert rules_with(module) == expected


def test_no_training_reads_the_code_of_what_comes_before_it():
    for module in ("formats/annotation.py", "cohort/splits.py", "representations/gene_pca.py"):
        assert not rules_with(module) & TRAININGS
    study = TINY | {"generators": {"snps": {"preset": "snpgen"}}}
    assert "encode_people" in rules_with("representations/snp_vae.py", study)
    assert "train_diffusion" not in rules_with("representations/snp_vae.py", study)


@pytest.mark.parametrize(
    "names",
    [
        ("train_diffusion", "diffusion", "mlp_cnn"),
        ("sample_latents", "diffusion", "local"),
        ("sample_latents", "wgan", None),
        ("sample_latents", "block_gaussian", None),
    ],
)
def test_a_digest_holds_every_module_that_the_job_loads(names):
    """Nothing is loaded behind the digest's back: compared with what Python says it imported."""
    rule, kind, denoiser = names
    generator = {"kind": kind, "denoiser": {"kind": denoiser}}
    modules = generator_modules(generator) if rule == "sample_latents" else []
    modules += [denoiser_module(denoiser)] if denoiser else []
    script = SCRIPTS[rule].read_text()
    imports = "\n".join(line for line in script.splitlines() if line.startswith("from syncohort"))
    build = f"build_denoiser({denoiser!r}, torch.ones(64, 8, dtype=torch.bool), 2)\n"
    code = f"{imports}\nimport sys, importlib, torch\n"
    code += "".join(f"importlib.import_module({name!r})\n" for name in modules if kind not in name)
    if denoiser:
        code += f"from syncohort.diffusion.denoisers import build_denoiser\n{build}"
    code += "print(*(getattr(sys.modules[n], '__file__', '') for n in sys.modules"
    code += " if n.startswith('syncohort')), sep='\\n')"
    source = str(PACKAGE.parent)
    result = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {source!r})\n{code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    held = {str(file) for file in code_files(SCRIPTS[rule], tuple(modules))}
    packages = {str(file) for file in PACKAGE.rglob("__init__.py") if not _has_code(file)}
    assert set(result.stdout.split()) <= held | packages


def _has_code(file: Path) -> bool:
    """Whether a package's own file is more than a docstring."""
    return "import" in file.read_text()


# --- the configuration, planned


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """A clone with pretended results of the tiny study."""
    return pretend(clone(tmp_path_factory.mktemp("clone")))


def pretend(folder: Path) -> Path:
    """Make empty files of all results, and have Snakemake believe them."""
    listed = snakemake(folder, "--summary")
    assert listed.returncode == 0, listed.stderr
    for line in listed.stdout.splitlines():
        name = line.split("\t")[0]
        if name.startswith("results/"):
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
    touched = snakemake(folder, "--touch")
    assert touched.returncode == 0, touched.stdout + touched.stderr
    return folder


SUMMARY = {"collect_metrics", "write_report", "tabulate_paper"} | {
    f"plot_{name}" for name in ("dimension", "frontier", "labels", "utility")
}
SUMMARY |= {"describe_release", "check_release"}  # a release says what was measured of it
FIDELITY = {"measure_fidelity", "summarise_fidelity", "plot_frequencies", "plot_linkage"}
CHECK = {"check_cohort", "require_possible_plans"}
COHORT = (
    FIDELITY
    | {"embed_people", "measure_privacy", "measure_risk", "train_classifiers"}
    | {"plot_pca", "plot_umap", "plot_tsne"}
    | {"export_vcf", "export_plink", "export_pgen"}
    | SUMMARY
)
SAMPLING = {"sample_latents", "draft_cohort", "refine_latents", "decode_cohort"}
SAMPLING |= {"tabulate_costs", "embed_bottleneck", "plot_bottleneck"} | COHORT
SMALL = TINY["generators"]["small"]
CONFIGURATION = {
    "nothing": ({}, set()),
    "`compute`: device, memory, hours, threads": (
        {"compute": {"device": "cpu", "memory_mb": 3000, "training_hours": 1, "threads": 2}},
        CHECK | {"write_report"},
    ),
    "`synthesis.people`, `synthesis.labels`, `synthesis.counts`": (
        {"synthesis": {"people": 50, "labels": "balanced"}},
        CHECK | {"draw_labels", "draw_alleles", "export_samples"} | SAMPLING,
    ),
    "`synthesis.shards`": ({"synthesis": {"shards": 3}}, SAMPLING),
    "`labels.case_label`": (
        {"labels": {"case_label": "EUR"}},
        CHECK
        | {"scan_association", "measure_association", "plot_effects"}
        | SAMPLING - {"sample_latents"},
    ),
    "a generator's `sampling`": (
        {"generators": {"small": SMALL | {"sampling": {"steps": 4}}}},
        SAMPLING,
    ),
    "a generator's `sampling.refined_from`": (
        {"generators": {"small": SMALL | {"sampling": SMALL["sampling"] | {"refined_from": 0.5}}}},
        SAMPLING - {"sample_latents", "draft_cohort"},
    ),
    "a generator's `sampling.paired`": (
        {"generators": {"small": SMALL | {"sampling": SMALL["sampling"] | {"paired": False}}}},
        SAMPLING - {"sample_latents", "draft_cohort"},
    ),
    "`evaluation.ld_window_kb`": ({"evaluation": {"ld_window_kb": 50}}, FIDELITY | SUMMARY),
    "`evaluation.classifier_epochs`": (
        {"evaluation": {"classifier_epochs": 2}},
        {"train_classifiers"} | SUMMARY,
    ),
    "`release.public_frequencies`": ({"release": {"public_frequencies": True}}, CHECK | SUMMARY),
    "a representation's settings": (
        {"representations": {"gene_pca": {"variance_kept": 0.9}}},
        {"fit_gene_pca", "encode_people", "measure_reconstruction", "plot_reconstruction"}
        | {"train_diffusion", "fit_rescaling", "attack_white_box", "plot_training"}
        | {"fit_pairing", "measure_autozygosity", "fit_autozygosity"}
        | SAMPLING,
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("line", CONFIGURATION)
def test_a_changed_configuration_runs_exactly_what_depends_on_it(run, line):
    changes, expected = CONFIGURATION[line]
    assert planned_rules(run, study=change_study(run, **changes)) == expected


def names_of(jobs: list[tuple[str, dict]], rule: str, wildcard: str = "generator") -> set[str]:
    """What a wildcard of the planned jobs of a rule stands for."""
    return {wildcards.get(wildcard, "") for name, wildcards in jobs if name == rule}


@pytest.mark.slow
def test_another_generator_trains_itself_alone(run):
    study = change_study(run, generators={"second": {"kind": "block_gaussian"}})
    jobs = planned_jobs(run, study=study)
    assert names_of(jobs, "train_diffusion") == set()
    assert names_of(jobs, "fit_block_gaussian") == {"second"}
    assert names_of(jobs, "measure_privacy") == {"second"}


@pytest.mark.slow
def test_a_renamed_generator_leaves_all_others_alone(run):
    tiny = yaml.safe_load((run / "tiny.yaml").read_text())
    (run / "renamed.yaml").write_text(yaml.safe_dump(tiny | {"generators": {"other": SMALL}}))
    jobs = planned_jobs(run, study="renamed.yaml")
    for rule in ("train_diffusion", "sample_latents", "measure_fidelity", "measure_privacy"):
        assert names_of(jobs, rule) == {"other"}
    assert names_of(jobs, "train_classifiers", "source") == {"other"}
    planned = {name for name, _ in jobs}
    assert not planned & {"split_people", "fit_gene_pca", "encode_people", "draw_alleles"}


@pytest.mark.slow
def test_new_dates_comments_and_networks_nobody_uses_run_nothing(run, tmp_path):
    folder = shutil.copytree(run, tmp_path / "moved")
    for file in (folder / "workflow").rglob("*.py"):
        file.write_text(file.read_text() + "\n# a remark\n")
    for file in (folder / "resources").iterdir():
        file.touch()
    denoisers = folder / "workflow/src/syncohort/diffusion/denoisers"
    for name in ("transformer", "local", "latent_unet"):
        edit(denoisers / f"{name}.py")
    (denoisers / "newest.py").write_text("class NewestDenoiser:\n    pass\n")
    edit(folder / "workflow/src/syncohort/baselines/wgan.py")
    assert planned_rules(folder) == set()
    edit(folder / "workflow/src/syncohort/representations/snp_vae.py")
    pages = {"check_cohort", "require_possible_plans", "write_report"}
    assert planned_rules(folder) == pages
    edit(folder / "workflow/src/syncohort/figures/fidelity.py")
    assert planned_rules(folder) == CODE["a module of figures"][1] | pages


@pytest.mark.slow
@pytest.mark.parametrize("line", ["a network", "the split", "the reader of gene annotations"])
def test_the_rules_are_given_the_digests_that_are_looked_up(run, line):
    module, expected = CODE[line]
    file = run / "workflow/src/syncohort" / module
    before = file.read_text()
    try:
        edit(file)
        result = snakemake(run, "--dry-run")
    finally:
        file.write_text(before)
    reasons = [
        (name, re.search(r"^ +reason: (.*)$", text, re.MULTILINE)[1])
        for name, text in job_texts(result.stdout)
    ]
    itself = {name for name, reason in reasons if "Params have changed" in reason}
    through_inputs = {name for name, reason in reasons if "updated by another job" in reason}
    assert itself and itself <= expected <= itself | through_inputs


def edit(file: Path) -> None:
    file.write_text(file.read_text() + "\nEDITED = True\n")


def test_every_line_of_the_page_is_a_test():
    page = (REPOSITORY / "docs/reruns.md").read_text()
    configuration, code = page.split("## Changed code")
    elsewhere = {"file dates, comments, docstrings", "another generator", "a generator's name"}
    assert lines(configuration) == set(CONFIGURATION) | elsewhere
    assert lines(code) == set(CODE)


def lines(part: str) -> set[str]:
    """First cells of a table's rows."""
    cells = re.findall(r"^\| (.*?) \|", part, re.MULTILINE)
    return set(cells) - {"you change", "you edit", "---"}
