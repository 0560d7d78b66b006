"""How a run was made: versions, code, hashes of the released files, run times."""

import hashlib
import platform
from importlib import metadata
from pathlib import Path

import pandas as pd

from syncohort import __version__
from syncohort.code_digest import PACKAGE
from syncohort.evaluation.tables import read_benchmarks
from syncohort.synthesis.released import read_checksums

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


def file_hashes(checksums: list[str | Path]) -> pd.DataFrame:
    """file, bytes, SHA-256 of the released files, from the lists that lie with them.

    checksums: a list of `released.write_checksums` for each generator. The names start from the
    folder that holds the generators'.
    """
    rows = []
    for path in checksums:
        root = Path(path).parent.parent
        for file, digest in read_checksums(path).items():
            rows.append((str(file.relative_to(root)), file.stat().st_size, digest))
    return pd.DataFrame(rows, columns=["file", "bytes", "SHA-256"])


def run_times(folder: str | Path) -> pd.DataFrame:
    """Jobs, total and longest time [s] and largest memory [MB] by rule, the longest rule first.

    folder: Snakemake's benchmark files, <rule>.tsv or <rule>/.../*.tsv.
    """
    folder, rows = Path(folder), []
    for file in sorted(folder.rglob("*.tsv")):
        rule = file.relative_to(folder).parts[0].removesuffix(".tsv")
        table = read_benchmarks([file])
        rows.append((rule, table["s"].sum(), table["max_rss"].max()))
    names = ["jobs", "seconds", "longest job [s]", "largest memory [MB]"]
    table = pd.DataFrame(rows, columns=["rule", "s", "mb"])
    table = table.groupby("rule").agg(
        **dict(zip(names, [("s", "size"), ("s", "sum"), ("s", "max"), ("mb", "max")], strict=True))
    )
    table = table.sort_values("seconds", ascending=False)
    return table.round({"seconds": 0, "longest job [s]": 0, "largest memory [MB]": 0}).reset_index()
