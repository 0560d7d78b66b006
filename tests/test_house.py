"""The rooms of the package: who may import whom, and what may stand on the ground."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

from conftest import REPOSITORY

from syncohort.synthesis.stays_inside import STAYS_INSIDE

PACKAGE = REPOSITORY / "workflow/src/syncohort"
# From the ground up: a room imports from rooms below it and from the ground, never from above.
FLOORS = (
    "ground",
    "resources",
    "config",
    "formats",
    "simulation",
    "association",
    "cohort",
    "training",
    "networks",  # layers shared by representations, denoisers and classifiers
    "representations",
    "generators",
    "global_vector",
    "diffusion.denoisers",
    "diffusion",
    "baselines",
    "synthesis",
    "classifiers",
    "evaluation",
    "evaluation.privacy",
    "evaluation.fidelity",
    "evaluation.models",
    "evaluation.association",
    "evaluation.utility",
    "evaluation.verdicts",
    "figures",
    "report",
)
GROUND = {"errors", "seeds", "files", "checksums", "slurm", "job"} | {
    "failed_jobs",
    "killed_runs",
    "code_digest",
    "genotypes",
    "cohort_store",
    "genotype_writing",
    "ploidy",
    "dosages",
    "bits",
    "call_bits",
    "packed_calls",
    "auc",
}


def modules() -> dict[str, Path]:
    """Every module of the package by its name below the package's."""
    files = {}
    for file in PACKAGE.rglob("*.py"):
        parts = file.relative_to(PACKAGE).with_suffix("").parts
        files[".".join(parts).removesuffix("__init__").rstrip(".")] = file
    return files


def room_of(name: str, files: dict[str, Path]) -> str:
    """The folder a module stands in; the package root is the ground."""
    folder = files[name].parent.relative_to(PACKAGE)
    return ".".join(folder.parts) or "ground"


def imports_of(file: Path, files: dict[str, Path]) -> set[str]:
    """The package's modules that a file imports, inside functions too."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            # `from package import x`: x may be a module or something inside the package
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        inside = (name.removeprefix("syncohort.") for name in names if name.startswith("syncohort"))
        found |= {name for name in inside if name in files}
    return found


def test_every_room_is_on_a_floor_and_only_the_ground_is_in_the_root():
    files = modules()
    assert {room_of(name, files) for name in files} == set(FLOORS)
    root = {name for name in files if room_of(name, files) == "ground"} - {""}
    assert root == GROUND


def test_no_room_imports_from_a_floor_above_it():
    files = modules()
    upward = [
        f"{name} ({room_of(name, files)}) imports {imported} ({room_of(imported, files)})"
        for name, file in files.items()
        for imported in imports_of(file, files)
        if FLOORS.index(room_of(imported, files)) > FLOORS.index(room_of(name, files))
    ]
    assert not upward, "\n".join(upward)


def test_no_module_imports_itself_by_a_detour():
    files = modules()
    graph = {name: imports_of(file, files) - {name} for name, file in files.items()}
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


def test_what_draws_for_the_release_or_splits_people_has_the_key():
    """The seed is published: whoever knew the random numbers could undo them."""
    drawing = []
    for name in ["split_people", *STAYS_INSIDE["drawn"]]:
        script = REPOSITORY / f"workflow/scripts/{name}.py"
        text = script.read_text() if script.exists() else ""
        if "seed=" in text or "params.seed" in text:
            drawing.append(name)
            assert text.count("params.seed") + text.count("params.people_seed") == text.count(
                "keyed_seed("
            ), name
    assert len(drawing) == 10


def test_test_files_do_not_import_each_other():
    folder = REPOSITORY / "tests"
    crossing = [
        f"{file.name}: {node.module}"
        for file in folder.glob("test_*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("test_")
    ]
    assert not crossing, crossing
