"""How a run was made: versions, code, hashes of the released files, run times."""

import hashlib
import os
import platform
from importlib import metadata
from pathlib import Path

import pandas as pd

from syncohort import __version__
from syncohort.code_digest import PACKAGE

PROGRAMS = ("snakemake", "torch", "numpy", "pandas", "scipy", "scikit-learn", "zarr", "matplotlib")


def versions() -> pd.DataFrame:
    """Programs and their versions; SynCohort's with the digest of its source files."""
    rows = [("syncohort", f"{__version__}, source {source_digest(PACKAGE)}")]
    rows.append(("Python", platform.python_version()))
    rows += [(name, metadata.version(name)) for name in PROGRAMS]
    return pd.DataFrame(rows, columns=["program", "version"])


def source_digest(folder: Path) -> str:
    """Digest of the Python files below a folder, by name and content."""
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*.py")):
        digest.update(str(file.relative_to(folder)).encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def file_hashes(files: list[str | Path]) -> pd.DataFrame:
    """file, bytes, SHA-256 of these files and of all that lie beside them.

    The names start from the folder that holds them all.
    """
    found = sorted({other for file in files for other in Path(file).parent.iterdir()})
    found = [file for file in found if file.is_file()]
    root = os.path.commonpath([file.parent for file in found]) if found else ""
    rows = []
    for file in found:
        with open(file, "rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        rows.append((str(file.relative_to(root)), file.stat().st_size, digest))
    return pd.DataFrame(rows, columns=["file", "bytes", "SHA-256"])


def run_times(folder: str | Path) -> pd.DataFrame:
    """Jobs, total and longest time [s] and largest memory [MB] by rule, the longest rule first.

    folder: Snakemake's benchmark files, <rule>.tsv or <rule>/.../*.tsv.
    """
    folder, rows = Path(folder), []
    for file in sorted(folder.rglob("*.tsv")):
        rule = file.relative_to(folder).parts[0].removesuffix(".tsv")
        table = pd.read_csv(file, sep="\t")
        memory = pd.to_numeric(table["max_rss"], errors="coerce").max()
        rows.append((rule, table["s"].sum(), memory))
    names = ["jobs", "seconds", "longest job [s]", "largest memory [MB]"]
    table = pd.DataFrame(rows, columns=["rule", "s", "mb"])
    table = table.groupby("rule").agg(
        **dict(zip(names, [("s", "size"), ("s", "sum"), ("s", "max"), ("mb", "max")], strict=True))
    )
    table = table.sort_values("seconds", ascending=False)
    return table.round({"seconds": 0, "longest job [s]": 0, "largest memory [MB]": 0}).reset_index()
