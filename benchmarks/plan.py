"""What a cohort will take that nobody has run: hours, disk and the networks, from smaller sizes.

    python benchmarks/plan.py docs/scale.tsv 2504 5000000

Prints two Markdown tables: the stages of `scale.py`, each as if it were linear beyond the largest
size that was measured, and the networks by the estimates of the check. The chromosomes are as long as
the human ones, and each has a network of its own (`per_chromosome`).
"""

import argparse
import sys
from pathlib import Path

import pandas as pd
import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow/src"))

GENERATOR = "genetic_diffusion"
WRITTEN_BY_SNPS = ["fit_gene_pca"]  # the same for any number of people
COLUMNS = {"cpu_s": "processor hours", "written_mb": "written [GB]", "peak_mb": "memory [MB]"}


def stages(table: pd.DataFrame, n_people: int, n_snps: int) -> pd.DataFrame:
    """Of each stage the hours and the disk; memory is that of the largest size measured.

    table: what `scale.py` wrote.
    """
    calls = table["people"] * table["snps"]
    largest = table[calls == calls.max()].set_index("stage")
    times = n_people * n_snps / calls.max()
    written = pd.Series(times, index=largest.index)
    written.update(n_snps / largest.loc[largest.index.isin(WRITTEN_BY_SNPS), "snps"])
    return pd.DataFrame(
        {
            "cpu_s": largest["cpu_s"] * times / 3600,
            "written_mb": largest["written_mb"] * written / 1000,
            "peak_mb": largest["peak_mb"],
        }
    ).rename(columns=COLUMNS)


def study():
    """`config/whole-genome.yaml` with the recipe as it stands, not cut short."""
    from syncohort.config.study import parse_config

    values = yaml.safe_load((ROOT / "config/whole-genome.yaml").read_text())
    return parse_config(values | {"generators": {GENERATOR: {"per_chromosome": True}}})


def networks(planned, n_people: int, n_snps: int) -> dict[str, str]:
    """What the networks of the chromosomes take, and sampling as many people as were trained on.

    planned: the configuration, see `study`.
    """
    from syncohort.config.plan import Plan
    from syncohort.diffusion.demand import CPU_FLOPS, GPU_FLOPS, demand_of
    from syncohort.diffusion.estimates import Chromosome, estimate_trainings, latent_shape
    from syncohort.diffusion.sizing import sized_denoiser

    settings = Plan(planned).settings[GENERATOR]
    representation = planned.representations[settings["representation"]].model_dump()
    shares = {name: getattr(planned.split, name) for name in ("validation", "holdout")}
    lengths = planned.demo.length_mb
    chromosomes = [
        Chromosome(str(name), round(n_snps * own / sum(lengths.values())), 20_000 * own)
        for name, own in lengths.items()
    ]
    labels = list(planned.demo.people_per_population)
    people = pd.DataFrame({"label": [labels[i % len(labels)] for i in range(n_people)]})
    train_share = 1 - sum(shares.values())
    estimates = estimate_trainings(
        {
            GENERATOR: {
                "representation": representation,
                **{name: settings[name] for name in ("denoiser", "diffusion", "training")},
                "per_chromosome": True,
                "global_axes": settings["global_axes"],
            }
        },
        chromosomes,
        people.assign(excluded=""),
        mode=planned.mode,
        max_snps=planned.genes.max_snps,
        train_share=train_share,
        validation_share=shares["validation"],
        threads=1,
        on_gpu=True,
        memory_mb=planned.compute.memory_mb,
    )
    largest = max(estimates, key=lambda each: each.request_mb)
    n_rows = round(2 * n_people * train_share)
    denoiser = sized_denoiser(settings["denoiser"], n_rows) | {"n_scores": settings["global_axes"]}
    denoiser.pop("sight_kb", None)
    gflop = sum(
        demand_of(
            denoiser,
            *latent_shape(representation, each.n_snps, planned.genes.max_snps),
            len(labels),
        ).gflop
        for each in chromosomes
    )
    sampling = n_rows * settings["sampling"]["steps"] * gflop * 1e9 / 3600
    return {
        "networks": f"{len(estimates)}",
        "blocks of all, of the largest": _pair(estimates, largest, "n_blocks", 1, ",.0f"),
        "weights of all, of the largest [million]": _pair(
            estimates, largest, "n_weights", 1e-6, ",.0f"
        ),
        "memory of the largest training [GB]": f"{largest.request_mb / 1000:.1f}",
        "latents on disk [GB]": f"{sum(each.latents_mb for each in estimates) / 1000:,.0f}",
        "training, GPU hours of all, of the largest": _pair(estimates, largest, "hours", 1, ",.1f"),
        "training without a GPU, hours of one processor": _pair(
            estimates, largest, "hours_without_gpu", 1, ",.0f"
        ),
        "sampling as many people as training has, GPU hours": f"{sampling / GPU_FLOPS:,.1f}",
        "the same, hours of one processor": f"{sampling / CPU_FLOPS:,.0f}",
    }


def _pair(estimates: list, largest, name: str, unit: float, form: str) -> str:
    """Sum over all networks, and the largest one's."""
    total = sum(getattr(each, name) for each in estimates)
    return f"{total * unit:{form}}, {getattr(largest, name) * unit:{form}}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("table", type=Path, help="what scale.py wrote")
    parser.add_argument("people", type=int)
    parser.add_argument("snps", type=int)
    given = parser.parse_args()
    found = stages(pd.read_csv(given.table, sep="\t"), given.people, given.snps)
    lines = [("stage", *found.columns), ["---"] * (1 + found.shape[1])]
    lines += [
        (name, *(f"{each:,.1f}" for each in row))
        for name, row in zip(found.index, found.to_numpy(), strict=True)
    ]
    lines.append(())
    lines += [("of the networks", ""), ("---", "---")]
    lines += networks(study(), given.people, given.snps).items()
    for line in lines:
        print(f"| {' | '.join(line)} |" if line else "")


if __name__ == "__main__":
    main()
