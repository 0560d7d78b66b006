"""The cohort that our stages and other programs work on."""

import subprocess
from pathlib import Path

import numpy as np
from scale import write_cohort

from syncohort.cohort.importing import import_chromosome
from syncohort.genotype_writing import CohortWriter
from syncohort.genotypes import CohortStore, People

FEW_VARIANTS = 400


def write_stores(folder: Path, n_people: int, n_variants: int, vcf: Path | None) -> None:
    """Write cohort.zip, of people of one label who are all in training.

    vcf: real genotypes to take; None resamples simulated ones. A folder `few` beside holds some
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
    for place, n in ((folder, len(drawn.variants)), (folder / "few", FEW_VARIANTS)):
        with CohortWriter(place / "cohort.zip", people) as writer:
            for part, calls in drawn.variant_chunks():
                kept = slice(part.start, min(part.stop, n))
                if kept.start < n:
                    writer.append(drawn.variants[kept], calls[: kept.stop - kept.start], True)


def random_study(store: CohortStore) -> dict[str, np.ndarray]:
    """phenotype [S], covariates [S, 5] and p values [V] that are most often large."""
    random = np.random.default_rng(1)
    size = len(store.people)
    return {
        "phenotype": random.normal(size=size).round(6),
        "covariates": random.normal(size=(size, 5)).round(6),
        "p": random.random(len(store.variants)).round(6) ** 3,
    }
