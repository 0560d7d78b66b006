# What the rules share: the checked configuration, digests of code and content, the stores of the cohort.
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
from syncohort.config.study import parse_config
from syncohort.config.without_effect import without_effect
from syncohort.config.yaml_files import read_typed
from syncohort.errors import InputError
from syncohort.code_digest import FACTS
from syncohort.code_digest import code_digest
from syncohort.report.templates import template_files
from syncohort.formats.contents import Contents
from syncohort.formats.contents import WHOLE_BYTES
from syncohort.formats.contents import hash_once
from syncohort.formats.contents import size_of
from syncohort.resources.registry import dataset_of
from syncohort.seeds import stage_seed

try:
    STUDY = parse_config(config, read_typed(workflow.configfiles))
except InputError as problem:
    raise WorkflowError(str(problem)) from None

DEMO = STUDY.input.kind == "demo"
ROOT = Path(workflow.basedir)
FOLDER = f"results/{STUDY.cohort}"
FACTS.folder = Path(".snakemake/syncohort_code")
RESOURCES = STUDY.resources.rstrip("/")


def code_of(rule_name, modules=lambda wildcards: []):
    """Digest of the code that a rule's script really runs; a parameter of every rule.

    It is taken when a job is looked at, not at every start. modules: look-up of those that the
    job loads by the name of a kind.
    """
    script = ROOT / "workflow" / "scripts" / f"{rule_name}.py"
    return lambda wildcards: code_digest(script, tuple(modules(wildcards)))


def shipped(file):
    """A file of the clone, from where Snakemake stands: there, or in another folder (--directory)."""
    return os.path.relpath(ROOT / file)


def templates_of(*names):
    """The files with the words and the look of a page, inputs of the rule that writes it."""
    return [shipped(file) for file in template_files(*names)]


def seed_of(*stage):
    """The seed of a named stage."""
    return stage_seed(STUDY.seed, *stage)


# What random numbers depend on beside the seed, which is published; see `keyed_seed`.
KEY = "<results>/join_labels/key.txt"


# Snakemake compares contents only where a file's date is newer than what was made of it. Of files
# that no rule makes the content alone decides; their dates are not looked at, and a digest of them
# is a parameter of the rules that read them. Large ones are also read again when newer.
CONTENTS = Contents(Path(".snakemake") / "syncohort_contents.json")
hash_once()


def as_list(files):
    """A file, several, or none, as a list."""
    return [files] if isinstance(files, (str, Path)) else list(files)


def is_foreign(file):
    """Whether no rule makes a file, nor fetches it."""
    own = str(file).startswith(("<results>", f"{FOLDER}/"))
    return not own and dataset_of(file, RESOURCES) is None


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
    path = Path(files)
    known = path.is_dir() or path.is_file() and size_of(path) <= WHOLE_BYTES
    return ancient(files) if is_foreign(files) and known else files


def content_of(*files):
    """Digest of the content of those of these files that no rule makes; a parameter."""
    return CONTENTS.digest(
        file for each in files for file in as_list(each) if is_foreign(file)
    )


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


def statement_of(wildcards):
    """What the headers of a generator's files say of its people."""
    from syncohort.synthesis.released import statement

    name = wildcards.generator
    return statement(STUDY.cohort, name, SETTINGS[name]["kind"])


def configuration_text():
    """The configuration as YAML, without what jobs ask for and where public data sets lie, which
    change no result, and without the folders where the user's files lie."""
    import yaml

    settings = STUDY.model_dump(mode="json", exclude={"compute", "resources"})
    return yaml.safe_dump(by_name(settings), sort_keys=False)
