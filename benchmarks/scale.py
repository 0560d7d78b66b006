"""Time and memory of every stage that sees all people and all SNPs, at growing sizes.

    python benchmarks/scale.py docs/scale.tsv docs/_static/scale.svg
    python benchmarks/scale.py table.tsv picture.svg --sizes 1000x5000 4000x5000

Cohorts are resampled: msprime's founders, of whom every haplotype is a mosaic. Each stage runs in a
process of its own, on one processor; memory is the largest it holds at once, program included.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from timing import in_own_process, own_use

SOURCE = Path(__file__).resolve().parents[1] / "workflow/src"
sys.path.insert(0, str(SOURCE))

SIZES = (
    (1_000, 5_000),
    (4_000, 5_000),
    (16_000, 5_000),
    (1_000, 50_000),
    (4_000, 50_000),
    (1_000, 300_000),
)
N_FOUNDERS = 200
SNPS_AT_ONCE = 50_000  # simulated together: msprime's time grows with the square of the length
MORGANS = 0.5
LABELS = np.array(["A", "B"])


def founders(n_snps: int):
    """Haplotypes int8 [V, 2 N_FOUNDERS] and positions [V] of common SNPs of one chromosome."""
    from syncohort.genotypes import slices

    parts = [
        _founders(part.stop - part.start, seed=1 + number)
        for number, part in enumerate(slices(n_snps, SNPS_AT_ONCE))
    ]
    ends = np.cumsum([0] + [position[-1] for _, position in parts[:-1]])
    calls = np.concatenate([calls for calls, _ in parts])
    return calls, np.concatenate([end + own for end, (_, own) in zip(ends, parts, strict=True)])


def _founders(n_snps: int, seed: int):
    """As `founders`, of one simulation."""
    import msprime

    length = 1_500 * n_snps
    trees = msprime.sim_ancestry(
        N_FOUNDERS,
        sequence_length=length,
        recombination_rate=1e-8,
        population_size=1e4,
        random_seed=seed,
    )
    mutated = msprime.sim_mutations(trees, rate=1.5e-8, random_seed=seed)
    calls, position = mutated.genotype_matrix(), mutated.sites_position.astype(np.int64) + 1
    common = (calls.max(axis=1) == 1) & (np.abs(calls.mean(axis=1) - 0.5) < 0.48)
    chosen = np.flatnonzero(common)[:n_snps]
    return calls[chosen].astype(np.int8), position[chosen]


def write_cohort(path: Path, n_people: int, n_snps: int) -> None:
    """A store of mosaics of the founders."""
    from syncohort.genotype_writing import CohortWriter
    from syncohort.genotypes import People, Variants, slices

    random = np.random.default_rng(2)
    haplotypes, position = founders(n_snps)
    n_snps = len(position)
    numbers = np.arange(n_people)
    split = np.array(["train"] * 8 + ["validation", "holdout"])[numbers % 10]
    people = People([f"P{i}" for i in numbers], LABELS[numbers % 2], split)
    ids = [f"rs{i}" for i in range(n_snps)]
    variants = Variants("22", position, ids, np.tile([["A", "C"]], (n_snps, 1)))
    copied = random.integers(haplotypes.shape[1], size=2 * n_people)
    with CohortWriter(path, people) as writer:
        for part in slices(n_snps, 500):
            calls = np.empty((part.stop - part.start, 2 * n_people), dtype=np.int8)
            for row in range(len(calls)):
                switch = random.random(2 * n_people) < MORGANS * 10 / n_snps
                copied[switch] = random.integers(haplotypes.shape[1], size=switch.sum())
                calls[row] = haplotypes[part.start + row, copied]
            writer.append(variants[part], calls.reshape(len(calls), -1, 2), True)


def run_stage(stage: str, folder: Path) -> None:
    """Do one stage on the files that those before it left in a folder."""
    from syncohort.cohort_store import CohortStore

    store = CohortStore(folder / "raw.zip")
    if stage == "import":
        from syncohort.cohort.importing import import_chromosome

        source = {"kind": "plink", "path": str(folder / "plink")}
        outputs = [folder / name for name in ("imported.zip", "imported.json", "people.tsv")]
        import_chromosome(source, "22", "drop", *outputs)
    elif stage == "filter":
        from syncohort.cohort.filters import filter_variants

        limits = {"maf_min": 0.01, "variant_missing_max": 0.1, "hwe_p_min": 1e-6}
        outputs = [folder / name for name in ("cohort.zip", "cohort.json")]
        filter_variants(store, store.people, None, *outputs, **limits)
    elif stage == "fit_gene_pca":
        from syncohort.representations.blocks import assign_genes
        from syncohort.representations.gene_pca_fitting import fit_gene_pca

        cohort = CohortStore(folder / "cohort.zip")
        blocks = assign_genes(cohort.variants, None, intergenic="own", max_snps=100)
        train = cohort.people.split == "train"
        fit_gene_pca(cohort, blocks, train=train, mode="haplotype").save(folder / "model.npz")
    elif stage == "encode":
        from syncohort.generators.encoding import encode_people
        from syncohort.representations import load_representation

        model = load_representation(folder / "model.npz")
        outputs = [folder / name for name in ("latents.npy", "rows.npz")]
        encode_people([CohortStore(folder / "cohort.zip")], model, *outputs)
    elif stage == "decode":
        from syncohort.representations import load_representation
        from syncohort.synthesis.decoding import Decision, decode_cohort

        cohort = CohortStore(folder / "cohort.zip")
        decode_cohort(
            [folder / "latents.npy"],
            load_representation(folder / "model.npz"),
            cohort,
            cohort.people[cohort.people.split != "holdout"],
            folder / "decoded.zip",
            first_position=0,
            decision=Decision("matched", 0.3, 0.15, 0.1),
            seed=1,
        )
    elif stage == "export_vcf":
        from syncohort.formats.vcf_writing import write_vcf

        write_vcf(CohortStore(folder / "decoded.zip"), folder / "decoded.vcf.gz")


STAGES = ("import", "filter", "fit_gene_pca", "encode", "decode", "export_vcf")


def measure_all(sizes) -> pd.DataFrame:
    """A row for each size and stage."""
    from syncohort.cohort_store import CohortStore
    from syncohort.formats.plink import write_plink

    rows = []
    for n_people, n_snps in sizes:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write_cohort(folder / "raw.zip", n_people, n_snps)
            write_plink([CohortStore(folder / "raw.zip")], folder / "plink")
            for stage in STAGES:
                before = _held_bytes(folder)
                rows.append(
                    {"stage": stage, "people": n_people, "snps": n_snps}
                    | in_own_process(stage, __file__, "--stage", stage, folder)
                    | {"written_mb": (_held_bytes(folder) - before) / 1e6}
                )
                print(rows[-1], flush=True)
    return pd.DataFrame(rows).round({"cpu_s": 1, "peak_mb": 1, "written_mb": 3})


def _held_bytes(folder: Path) -> int:
    """What the files of a folder take."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def exponent(table: pd.DataFrame, size: str, value: str) -> float:
    """Power of a size that a value grows with, from the two largest at one other size."""
    other = {"people": "snps", "snps": "people"}[size]
    own = table[table[other] == table[other].mode()[0]].sort_values(size).iloc[-2:]
    if len(own) < 2:
        return np.nan
    return np.diff(np.log(own[value])).item() / np.diff(np.log(own[size])).item()


def draw(table: pd.DataFrame, path: Path) -> None:
    """Two log-log pictures: seconds and memory by calls."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
    for axis, column, title in zip(
        axes, ("cpu_s", "peak_mb"), ("processor seconds", "peak memory [MB]"), strict=True
    ):
        for stage, own in table.groupby("stage", sort=False):
            calls = own["people"] * own["snps"]
            axis.loglog(
                *zip(*sorted(zip(calls, own[column], strict=True)), strict=True), "o-", label=stage
            )
        axis.set(xlabel="people x SNPs", title=title)
        axis.grid(alpha=0.3)
    axes[0].legend()
    figure.savefig(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sizes", nargs="*", help="PEOPLExSNPS")
    parser.add_argument("--stage", choices=STAGES)
    parser.add_argument("paths", nargs="+", type=Path, help="table, picture; or a stage's folder")
    given = parser.parse_args()
    if given.stage:
        run_stage(given.stage, given.paths[0])
        print(json.dumps(own_use()))
        return
    sizes = [tuple(map(int, each.split("x"))) for each in given.sizes or []] or SIZES
    table = measure_all(sizes)
    table.to_csv(given.paths[0], sep="\t", index=False)
    draw(table, given.paths[1])
    for stage, own in table.groupby("stage", sort=False):
        powers = [
            f"{value} by {size} {exponent(own, size, value):.2f}"
            for value in ("cpu_s", "peak_mb")
            for size in ("people", "snps")
        ]
        print(stage, *powers, sep="; ")


if __name__ == "__main__":
    main()
