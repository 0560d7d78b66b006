# What the rules share: the checked configuration, the chromosomes, the files of the cohort.
import hashlib
import os
import sys
import time
from pathlib import Path

# Threads that spin while they wait make training four times slower where a processor is shared.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
# Jobs know by it whether they were tried before in the same run.
RUN = os.environ.setdefault(
    "SYNCOHORT_RUN", f"{os.uname().nodename}-{os.getpid()}-{time.time():.0f}"
)
# Snakemake hands its own search path on to every script: locally, with conda, on a cluster.
sys.path.insert(0, str(Path(workflow.basedir) / "workflow" / "src"))

from syncohort.config.places import by_name
from syncohort.config.places import folders_of
from syncohort.config.requests import pairs_mb as request_of_pairs
from syncohort.config.requests import request_mb
from syncohort.config.requests import request_minutes
from syncohort.config.requests import simulation_mb as request_of_simulation
from syncohort.config.requests import training_mb as request_of_training
from syncohort.config.study import parse_config
from syncohort.config.yaml_files import read_typed
from syncohort.errors import InputError
from syncohort.errors import examples
from syncohort.errors import raise_all
from syncohort.code_digest import code_digest
from syncohort.killed_runs import Runs
from syncohort.report.templates import template_files
from syncohort.formats.contents import Contents
from syncohort.formats.contents import WHOLE_BYTES
from syncohort.formats.contents import hash_once
from syncohort.seeds import stage_seed

try:
    STUDY = parse_config(config, read_typed(workflow.configfiles))
except InputError as problem:
    raise WorkflowError(str(problem)) from None

DEMO = STUDY.input.kind == "demo"
ROOT = Path(workflow.basedir)
FOLDER = f"results/{STUDY.cohort}"


def code_of(rule_name, modules=lambda wildcards: []):
    """Digest of the code that a rule's script really runs; a parameter of every rule.

    It is taken when a job is looked at, not at every start. modules: look-up of those that the
    job loads by the name of a kind.
    """
    script = ROOT / "workflow" / "scripts" / f"{rule_name}.py"
    return lambda wildcards: code_digest(script, tuple(modules(wildcards)))


def templates_of(*names):
    """The files with the words and the look of a page, inputs of the rule that writes it."""
    return [str(file.relative_to(ROOT)) for file in template_files(*names)]


def seed_of(*stage):
    """The seed of a named stage."""
    return stage_seed(STUDY.seed, *stage)


# On a cluster small jobs are grouped (rules name their `group`) and each takes the one turn of its
# group, so that a group asks for the memory of the largest and the time of all of them. Jobs have a
# turn to take by slurm/profile.yaml alone: elsewhere they run side by side.
workflow.register_resource("turn", 1)
workflow.resourcescope(turn="local")


# Snakemake compares contents only where a file's date is newer than what was made of it. Of files
# that no rule makes the content alone decides; their dates are not looked at, and a digest of them
# is a parameter of the rules that read them. Large ones are also read again when newer.
CONTENTS = Contents(Path(".snakemake") / "syncohort_contents.json")
hash_once()


def as_list(files):
    """A file, several, or none, as a list."""
    return [files] if isinstance(files, (str, Path)) else list(files)


def is_foreign(file):
    """Whether no rule makes a file."""
    return not str(file).startswith(("<results>", f"{FOLDER}/"))


def without_braces(file):
    """A file under a name that holds no wildcards for Snakemake: a link to it, if its own does."""
    if not is_foreign(file) or "{" not in file:
        return file
    name = Path(file).name.replace("{", "(").replace("}", ")")
    link = (
        Path(".snakemake")
        / "syncohort_links"
        / hashlib.sha256(file.encode()).hexdigest()[:16]
        / name
    )
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        link.symlink_to(Path(file).absolute())
    return str(link)


def foreign(files):
    """A file, or several, as inputs; the dates of those that no rule makes do not matter."""
    if not isinstance(files, str):
        return [foreign(str(file)) for file in files]
    files = without_braces(files)
    small = is_foreign(files) and Path(files).is_file()
    small = small and os.path.getsize(files) <= WHOLE_BYTES
    return ancient(files) if small else files


def content_of(*files):
    """Digest of the content of those of these files that no rule makes; a parameter."""
    return CONTENTS.digest(
        file for each in files for file in as_list(each) if is_foreign(file)
    )


def digests_of_inputs():
    """Names of the user's files that the cohort is made of, and digests of their content."""
    files = [file for chrom in CHROMS for file in genotype_files_of(chrom)]
    files += [*as_list(label_table()), *as_list(annotation_files())]
    files += as_list(getattr(STUDY.selection, "statistics", None) or [])
    own = [Path(file) for file in dict.fromkeys(files) if is_foreign(file)]
    return [(file.name, CONTENTS.of_file(file)) for file in own]


def source():
    """Arguments of the genotype reader."""
    files = {"bim", "fam", "pvar", "psam"}
    if DEMO:
        return {"kind": "vcf", "path": f"{FOLDER}/simulate_chromosome/{{chrom}}.vcf.gz"}
    return STUDY.input.model_dump(include={"kind", "path", *files}, exclude_none=True)


def make_private():
    """Let nobody but the user open the folder of the cohort, unless the configuration says so."""
    try:
        os.makedirs(FOLDER, mode=0o700, exist_ok=True)
        if STUDY.compute.private_results and os.stat(FOLDER).st_uid == os.getuid():
            os.chmod(FOLDER, 0o700)
        if not os.access(FOLDER, os.W_OK | os.X_OK):
            raise PermissionError(0, "no right to write there")
    except OSError as problem:
        raise WorkflowError(
            f"{FOLDER}: cannot be written: {problem.strerror}. Make it writable, or run where "
            "it is."
        ) from None


def source_of(wildcards):
    """Arguments of the genotype reader for one chromosome.

    Of the demo's own files only the one that is there by then, whatever lies beside it.
    """
    arguments = source()
    if DEMO:
        arguments["path"] = arguments["path"].format(chrom=wildcards.chrom)
    return arguments


def held_chromosomes():
    """The chromosomes that the genotype files hold; large tables of variants are read once."""
    from syncohort.formats.readers import source_files

    files = source()
    if any("{chrom}" in str(file) for file in files.values()):
        return find_chromosomes(files)
    own = source_files("", **files)
    indexes = [f"{file}{end}" for file in own for end in (".tbi", ".csi")]
    return CONTENTS.once(
        f"chromosomes {files}", [*own, *indexes], lambda: find_chromosomes(files)
    )


def find_chromosomes(files):
    """The chromosomes that genotype files hold; what that takes on disk lies in the results."""
    from syncohort.files import temporary_folder
    from syncohort.formats.readers import held_contigs
    from syncohort.job import temporary_files_in

    if files["kind"] != "vcf":
        return held_contigs(**files)
    make_private()
    with temporary_files_in(temporary_folder(Path(FOLDER), "chromosomes")):
        return held_contigs(**files)


def study_chromosomes():
    """The chromosomes of the study, in genomic order: from the configuration or the files."""
    from syncohort.genotypes import contig_order
    from syncohort.genotypes import normalise_contig

    named = STUDY.demo.chromosomes if DEMO else STUDY.input.chromosomes
    if named is None:
        held = held_chromosomes()
        named = [contig for contig in held if contig.isdigit() and int(contig) <= 22]
        if not named:
            raise InputError(
                f"{STUDY.input.path}: no autosome; found {examples(held, 30)}. Name the "
                "chromosomes to use in input.chromosomes"
            )
    return sorted({normalise_contig(name) for name in named}, key=contig_order)


def require_files(chroms):
    """Stop before the DAG when a file the configuration names does not exist.

    Those that are one for each chromosome are looked for under the names of `chroms`.
    """
    named = {
        "labels.table": STUDY.labels.table,
        "split.kinship_table": STUDY.split.kinship_table,
        "genes.annotation": STUDY.genes.annotation,
        "phasing.recombination_map": STUDY.phasing.recombination_map,
        "selection.statistics": getattr(STUDY.selection, "statistics", None),
        "evaluation.causal_snps": STUDY.evaluation.causal_snps,
        "evaluation.recombination_map": STUDY.evaluation.recombination_map,
    }
    for section, generators in (
        ("generators", STUDY.generators),
        ("evaluation.calibration", STUDY.evaluation.calibration),
    ):
        for name, generator in generators.items():
            file = getattr(generator, "recombination_map", None)
            named[f"{section}.{name}.recombination_map"] = file
    files = [
        (key, name.replace("{chrom}", chrom))
        for key, name in named.items()
        if name
        for chrom in (chroms if "{chrom}" in name else [""])
    ]
    missing = [f"{key}: {file}" for key, file in files if not Path(file).is_file()]
    raise_all(missing, "These files of the configuration do not exist")


try:
    require_files([])
    CHROMS = study_chromosomes()
    require_files(CHROMS)
except InputError as problem:
    raise WorkflowError(str(problem)) from None

# The real cohort after the filters, and what is selected of it, which everything else reads.
PHASED = STUDY.mode == "haplotype" and STUDY.phasing.program != "none"
UNSELECTED = (
    "<results>/phase_chromosome/{chrom}.zarr.zip"
    if PHASED
    else "<results>/filter_variants/{chrom}.zarr.zip"
)
SELECTED = STUDY.selection.kind == "association"
COHORT = "<results>/select_variants/{chrom}.zarr.zip" if SELECTED else UNSELECTED
COHORT_COUNTS = (
    "<results>/select_variants/{chrom}.json"
    if SELECTED
    else "<results>/filter_variants/{chrom}.json"
)


def every_chrom(pattern):
    """The files of a pattern for all chromosomes, other wildcards left alone."""
    return expand(pattern, chrom=CHROMS, allow_missing=True)


def known_mb(files):
    """Size of a job's input files [MB].

    A genotype file that a group of jobs makes for itself is not there yet when the group asks: it
    counts as large as the largest that is.
    """
    sizes = {file: os.path.getsize(file) for file in files if os.path.exists(file)}
    stores = [size for file, size in sizes.items() if str(file).endswith(".zarr.zip")]
    missing = sum(
        str(file).endswith(".zarr.zip") for file in files if file not in sizes
    )
    return (sum(sizes.values()) + missing * max(stores, default=0)) / 1e6


def memory_of(kind):
    """What the jobs of a class of rules ask for, from the size of their input files: more each time
    they are tried again (retries: in the profile)."""
    return lambda wildcards, input, attempt: request_mb(
        kind, known_mb(input), STUDY.compute.memory_mb, attempt
    )


def minutes_of(kind):
    """How long they ask for, from the same."""
    return lambda wildcards, input, attempt: request_minutes(
        kind, known_mb(input), HEAVY_MINUTES, attempt
    )


light_mb = memory_of("table")
stream_mb = memory_of("stream")
heavy_mb = memory_of("cohort")


def pairs_mb(wildcards, input, attempt):
    """What the attacks ask for, which compare all pairs of people."""
    return request_of_pairs(
        STUDY.evaluation.privacy_people,
        2 if STUDY.mode == "haplotype" else 1,
        input.size_mb,
        STUDY.compute.memory_mb,
        attempt,
    )


TRAINING_MINUTES = round(STUDY.compute.training_hours * 60)
HEAVY_MINUTES = max(30, TRAINING_MINUTES // 4)
light_minutes = minutes_of("table")
stream_minutes = minutes_of("stream")
heavy_minutes = minutes_of("cohort")

THREADS = STUDY.compute.threads
GPUS = min(1, STUDY.compute.gpus)
# A resource, for where a job computes is no reason to run it again; parameters are.
DEVICE = STUDY.compute.device

# The training of a diffusion model has a process for each of its GPUs.
TRAINING_GPUS = STUDY.compute.gpus
TRAINING_THREADS = THREADS * max(1, TRAINING_GPUS)


def training_mb(wildcards, input, attempt):
    """What the training of a diffusion model asks for, from the check's table and the latents.

    The table is no input, for another wish must not train again; it is there long before.
    """
    latents_mb = sum(Path(file).stat().st_size for file in input.latents) / 1e6
    name = PLAN.replicates.get(wildcards.generator, wildcards.generator)
    most_mb = STUDY.compute.memory_mb
    estimates = f"{FOLDER}/check_cohort/estimates.tsv"
    own = request_of_training(
        estimates, name, wildcards.part, latents_mb, most_mb, attempt
    )
    return own * max(1, TRAINING_GPUS)


def genotype_files(wildcards):
    """The files one chromosome is read from."""
    return genotype_files_of(wildcards.chrom)


def genotype_files_of(chrom):
    """The files that a chromosome is read from."""
    if DEMO:
        path = f"<results>/simulate_chromosome/{chrom}.vcf.gz"
        return [path, f"{path}.tbi"]
    from syncohort.formats.readers import source_files

    return [str(file) for file in source_files(chrom, **source())]


def untouched_table():
    """The label table as it is without the simulated trait, when there is one."""
    if DEMO and STUDY.labels.table is None:
        return "<results>/simulate_people/people.tsv"
    return STUDY.labels.table or []


def label_table():
    """The label table, when there is one."""
    return "<results>/simulate_trait/people.tsv" if STUDY.trait else untouched_table()


def label_join():
    """Arguments of `join_labels` but for the table."""
    own_table = STUDY.labels.table is not None
    family = STUDY.split.family_column
    if DEMO and not own_table:
        family = family or "family"
    return {
        **STUDY.labels.model_dump(exclude={"table", "case_label"}),
        "id_column": STUDY.labels.id_column if own_table else None,
        "family_column": family,
        "person_missing_max": STUDY.filters.person_missing_max,
    }


def label_columns():
    """The columns of the label table that make the labels."""
    column = STUDY.labels.label_column
    return [column] if isinstance(column, str) else column


def causal_table():
    """The known causal SNPs, when the labels are a simulated trait."""
    if STUDY.evaluation.causal_snps:
        return STUDY.evaluation.causal_snps
    own = STUDY.trait and {"trait", "liability"} & set(label_columns())
    return "<results>/simulate_trait/causal_snps.tsv" if own else []


def map_of(path, wildcards):
    """The genetic map of the chromosome that a wildcard names, when there is one."""
    return path.replace("{chrom}", wildcards.chrom) if path else []


def annotation_files():
    """The gene annotation: the user's file, the demo's, or none."""
    if STUDY.genes.annotation:
        return [STUDY.genes.annotation]
    return (
        every_chrom("<results>/simulate_chromosome/{chrom}.genes.gtf") if DEMO else []
    )


def statement_of(wildcards):
    """What the headers of a generator's files say of its people."""
    from syncohort.synthesis.released import statement

    name = wildcards.generator
    return statement(STUDY.cohort, name, SETTINGS[name]["kind"])


def configuration_text():
    """The configuration as YAML, without what jobs ask for, which changes no result, and without
    the folders where the user's files lie."""
    import yaml

    settings = STUDY.model_dump(mode="json", exclude={"compute"})
    return yaml.safe_dump(by_name(settings), sort_keys=False)


RUNS = Runs(".snakemake", FOLDER)
if workflow.is_main_process:
    RUNS.mark_doubtful()


def begin_run():
    """Note that this run begins, unless it cannot go well."""
    from syncohort.slurm import forgets_too_soon

    command = getattr(workflow.executor_settings, "status_command", None)
    problem = forgets_too_soon(command) if command else ""
    if problem:
        raise WorkflowError(problem)
    try:
        RUNS.begin(RUN)
    except InputError as problem:
        raise WorkflowError(str(problem)) from None


def end_run():
    """Note that this run has come to its end, and say which jobs did not use the GPU they had."""
    from syncohort.failed_jobs import on_processors

    RUNS.end(RUN)
    if told := on_processors(f"{FOLDER}/logs"):
        print(told, file=sys.stderr)


def say_what_failed():
    """Say of each job that failed in this run why, once, and which file to read."""
    from syncohort.failed_jobs import failures

    told = failures(f"{FOLDER}/logs")
    if told:
        print(f"\nJobs that failed:\n\n{told}\n", file=sys.stderr)


def withdraw_release():
    """Take out of the release, before any job, what this configuration does not release."""
    from syncohort.synthesis.released import withdraw

    own = [file.replace("<results>", FOLDER) for file in RELEASE]
    withdraw(f"{FOLDER}/release", own, f"{FOLDER}/withdrawn")


def require_inputs_at_rest():
    """Fail a run during which the user's files changed, for its results may be of both contents."""
    changed = CONTENTS.changed()
    if changed:
        raise WorkflowError(
            f"{examples(changed)}: changed during the run, so that results may be of both "
            "contents. Run again: what reads them is made anew."
        )
