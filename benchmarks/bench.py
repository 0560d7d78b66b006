"""Speed and memory of the package against plain ways to do the same: `make bench`.

Every run has a process of its own, so that its peak memory is its own, and all have the
same machine one after the other. The data are simulated. What the table says:
docs/benchmarks.md.
"""

import argparse
import csv
import os
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path

from real_programs import COLUMNS as PROGRAM_COLUMNS
from real_programs import FAMILIES, measure, report

HERE = Path(__file__).resolve().parent
COLUMNS = ("what", "how", "unit", "per_second", "times_plain", "peak_mb", "measured_on")


@dataclass(frozen=True)
class Run:
    """how: in words; work: "module:function" of (folder, size) -> Timed."""

    how: str
    work: str


@dataclass(frozen=True)
class Comparison:
    """Ways to do one thing, the first of them the plain one.

    data: "module:function" of (folder, size) that writes what the runs read; unit: of what
    is counted.
    """

    what: str
    unit: str
    data: str
    runs: tuple[Run, ...]


_GENE_PCA_RUNS = (
    Run("loop of scikit-learn fits", "gene_pca:sklearn_default"),
    Run("the same by full SVD, its default until 1.4", "gene_pca:sklearn_full"),
    Run("syncohort, 1 thread", "gene_pca:ours_one_thread"),
    Run("syncohort, 2 threads", "gene_pca:ours_two_threads"),
)

COMPARISONS = (
    Comparison(
        "train mlp_cnn",
        "rows",
        "diffusion_data:prepare",
        (
            Run("plain loop: float32, a file per person, batches of 16", "plain_diffusion:train"),
            Run("syncohort: batches of 16", "our_diffusion:train_16"),
            Run("syncohort: batches of 128", "our_diffusion:train_128"),
        ),
    ),
    Comparison(
        "sample mlp_cnn",
        "genomes",
        "diffusion_data:prepare",
        (
            Run("plain loop: float32, all 500 steps, a file per genome", "plain_diffusion:sample"),
            Run("syncohort: ancestral, 80 steps", "our_diffusion:sample_ancestral_80"),
            Run("syncohort: ancestral, 40 steps", "our_diffusion:sample_ancestral_40"),
            Run("syncohort: sde_dpm2m, 40 steps", "our_diffusion:sample_sde_dpm2m_40"),
            Run("syncohort: sde_dpm2m, 20 steps", "our_diffusion:sample_sde_dpm2m_20"),
        ),
    ),
    Comparison("gene PCA, 14 SNPs a gene", "genes", "gene_pca:prepare_array", _GENE_PCA_RUNS),
    Comparison("gene PCA, 32 SNPs a gene", "genes", "gene_pca:prepare_dense", _GENE_PCA_RUNS),
    Comparison(
        "nearest neighbours",
        "pairs",
        "neighbours:prepare",
        (
            Run("scikit-learn, brute force", "neighbours:by_sklearn"),
            Run("double loop in Python", "neighbours:by_loop"),
            Run("syncohort", "neighbours:by_bits"),
        ),
    ),
)


def _call(work: str, folder: Path, size_name: str):
    """In a child process: the result of a function, and the peak memory [MB]."""
    sys.path[:0] = [str(HERE), str(HERE.parent / "workflow" / "src")]
    module, function = work.split(":")
    size = import_module("sizes").SIZES[size_name]
    result = getattr(import_module(module), function)(folder, size)
    return result, import_module("timing").peak_mb()


def in_child(work: str, folder: Path, size_name: str):
    """`_call` in a process that starts empty and ends with it."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_call, work, folder, size_name).result()


def compare(comparison: Comparison, size_name: str) -> list[dict]:
    """Rows of the table, in the order of the runs."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="bench_") as name:
        folder = Path(name)
        in_child(comparison.data, folder, size_name)
        for run in comparison.runs:
            timed, peak = in_child(run.work, folder, size_name)
            rate = timed.amount / timed.seconds
            rows.append(
                {
                    "what": comparison.what,
                    "how": run.how,
                    "unit": comparison.unit,
                    "per_second": rate,
                    "times_plain": rate / rows[0]["per_second"] if rows else 1.0,
                    "peak_mb": peak,
                    "measured_on": f"{timed.amount:,} in {timed.seconds:.3g} s",
                }
            )
    return rows


def compare_programs(size_name: str, only: str | None, vcf: Path | None, repeats: int) -> list:
    """Rows of the table of our stages beside other programs; each is printed as it is had.

    vcf, repeats: see `genotype_data.write_stores`.
    """
    sys.path.insert(0, str(HERE.parent / "workflow" / "src"))
    own, rows = import_module("sizes").SIZES[size_name].programs, []
    for family in map(import_module, FAMILIES):
        lines = [line for line in family.LINES if only is None or only in line.what]
        if not lines:
            continue
        print("\n" + " ".join(PROGRAM_COLUMNS), flush=True)
        with tempfile.TemporaryDirectory(prefix="bench_") as folder:
            family.prepare(Path(folder), own.n_people, own.n_variants, vcf, repeats)
            for line in lines:
                rows.append(measure(family.__name__, line, Path(folder)))
                print(report(rows[-1:]).splitlines()[1], flush=True)
    return rows


def _print_rows(rows: list[dict]) -> None:
    print(f"\n{rows[0]['what']} ({rows[0]['unit']} per second)", flush=True)
    for row in rows:
        print(
            f"  {row['how']:<58} {row['per_second']:>12,.4g} {row['times_plain']:>9.3g} x "
            f"{row['peak_mb']:>7,.0f} MB   {row['measured_on']}",
            flush=True,
        )


def _write(path: Path, rows: list[dict]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, COLUMNS, delimiter="\t", lineterminator="\n")
        table.writeheader()
        for row in rows:
            rounded = {name: f"{row[name]:.4g}" for name in COLUMNS[3:6]}
            table.writerow(row | rounded)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", choices=("small", "full", "tiny"), default="full")
    parser.add_argument("--only", help="part of a comparison's name, e.g. PCA")
    parser.add_argument("--out", type=Path, default=Path("results/bench/bench.tsv"))
    parser.add_argument("--vcf", type=Path, help="real genotypes for the lines beside programs")
    parser.add_argument("--repeats", type=int, default=1, help="how often their variants follow")
    given = parser.parse_args()
    # as the workflow does: threads that wait leave the processor to others
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    print(f"size {given.size}, {os.cpu_count()} cores", flush=True)
    rows = []
    for comparison in COMPARISONS:
        if given.only is None or given.only in comparison.what:
            rows += compare(comparison, given.size)
            _print_rows([row for row in rows if row["what"] == comparison.what])
    _write(given.out, rows)
    beside = compare_programs(given.size, given.only, given.vcf, given.repeats)
    if beside:
        table = given.out.with_name("programs.tsv")
        table.write_text(report(beside))
        print(table)
    print(f"\n{given.out}")


if __name__ == "__main__":
    main()
