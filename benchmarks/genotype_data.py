"""The cohort that our stages and other programs work on."""

import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
from scale import write_cohort

from syncohort.cohort.importing import import_chromosome
from syncohort.cohort_store import CohortStore
from syncohort.genotype_writing import CohortWriter
from syncohort.genotypes import People, Variants

FEW_VARIANTS = 400


def write_stores(
    folder: Path, n_people: int, n_variants: int, vcf: Path | None, repeats: int = 1
) -> None:
    """Write cohort.zip, of people of one label who are all in training.

    vcf: real genotypes to take; None resamples simulated ones. repeats: how often the variants
    follow one another, each time at positions of their own. A folder `few` beside holds some
    hundred of the variants, on which our code is loaded before it is timed.
    """
    if vcf is None:
        write_cohort(folder / "drawn.zip", n_people, n_variants)
    else:
        source = {"kind": "vcf", "path": str(vcf)}
        outputs = [folder / name for name in ("drawn.zip", "drawn.json", "drawn.tsv")]
        contig = subprocess.run(
            ["bcftools", "index", "--stats", vcf], capture_output=True, text=True, check=True
        ).stdout.split("\t")[0]
        import_chromosome(source, contig, "drop", *outputs)
    drawn = CohortStore(folder / "drawn.zip")
    size = len(drawn.people)
    people = People(drawn.people.id, ["x"] * size, ["train"] * size)
    (folder / "few").mkdir()
    with CohortWriter(folder / "cohort.zip", people) as writer:
        for turn in range(repeats):
            for part, calls in drawn.variant_chunks():
                writer.append(_moved(drawn.variants, turn)[part], calls, True)
    with CohortWriter(folder / "few" / "cohort.zip", people) as writer:
        few = slice(0, FEW_VARIANTS)
        writer.append(drawn.variants[few], drawn.read(few), True)


def _moved(variants: Variants, turn: int) -> Variants:
    """The same variants further along the chromosome, so many times their length."""
    position_bp = variants.position_bp + turn * variants.position_bp[-1]
    return replace(variants, position_bp=position_bp, id=variants.id + f"_{turn}" * bool(turn))


def random_study(store: CohortStore) -> dict[str, np.ndarray]:
    """phenotype [S], covariates [S, 5] and p values [V] that are most often large."""
    random = np.random.default_rng(1)
    size = len(store.people)
    return {
        "phenotype": random.normal(size=size).round(6),
        "covariates": random.normal(size=(size, 5)).round(6),
        "p": random.random(len(store.variants)).round(6) ** 3,
    }
