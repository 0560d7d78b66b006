"""Memory of every job that sees the synthetic people, for more and more of them.

    python benchmarks/people.py table.tsv --people 1000 4000 16000 --snps 1000

The real cohort and its network stay the same (2,504 people). Each job runs in a process of its own, on
one processor; memory is the largest it holds at once, program included.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))
from scale import LABELS, write_cohort
from timing import in_own_process, own_use

N_REAL = 2_504
PREPARED = ("fit_gene_pca", "encode", "train", "fit_embedding")
JOBS = (
    "sample_latents",
    "decode_cohort",
    "draw_alleles",
    "export_vcf",
    "export_plink",
    "export_pgen",
    "measure_fidelity",
    "summarise_fidelity",
    "embed_people",
    "measure_privacy",
    "train_classifiers",
)
SIZES = {"cohort": "c", "generator": "g", "minimum_people": 20, "seed": 1}


def synthetic_people(n_people: int):
    """Of two labels, in turn."""
    from syncohort.genotypes import People

    numbers = np.arange(n_people)
    blank = np.full(n_people, "", dtype=object)
    return People([f"S{i}" for i in numbers], LABELS[numbers % 2], blank)


def prepare(job: str, folder: Path) -> None:
    """What is made once of the real cohort."""
    from syncohort.cohort_store import CohortStore

    real = CohortStore(folder / "real.zip")
    if job == "fit_gene_pca":
        from syncohort.representations.blocks import assign_genes
        from syncohort.representations.gene_pca_fitting import fit_gene_pca

        blocks = assign_genes(real.variants, None, intergenic="own", max_snps=100)
        train = real.people.split == "train"
        fit_gene_pca(real, blocks, train=train, mode="haplotype").save(folder / "model.npz")
    elif job == "encode":
        from syncohort.generators.encoding import encode_people
        from syncohort.representations import load_representation

        model = load_representation(folder / "model.npz")
        encode_people([real], model, folder / "latents.npy", folder / "rows.npz")
    elif job == "train":
        from syncohort.config.generators import DiffusionConfig, TrainingConfig
        from syncohort.diffusion.settings import DiffusionSettings, DiffusionTraining
        from syncohort.diffusion.training import train_diffusion
        from syncohort.generators.rows import EncodedPeople
        from syncohort.training.settings import Workplace

        paths = [folder / "latents.npy"], [folder / "rows.npz"]
        train_diffusion(
            EncodedPeople.read(*paths, real.people, "haplotype"),
            {"kind": "local", "width": 16},
            DiffusionSettings(**DiffusionConfig().model_dump()),
            DiffusionTraining(**TrainingConfig(epochs=1).model_dump()),
            Workplace(result_path=folder / "checkpoint.safetensors", threads=1),
            seed=1,
            device="cpu",
        )
    else:
        from syncohort.evaluation.fidelity.embedding import fit_embedding

        fit_embedding([real], seed=1).save(folder / "embedding.npz")


def run_job(job: str, folder: Path, n_people: int) -> None:
    """Do one job on the files that those before it left in a folder."""
    from syncohort.cohort_store import CohortStore

    people, real = synthetic_people(n_people), CohortStore(folder / "real.zip")
    if job == "sample_latents":
        from syncohort.synthesis.sampling import sample_shard

        options = {"mode": "haplotype", "n_shards": 1, "shard": 0, "seed": 1, "threads": 1}
        options |= {"sampler": "sde_dpm2m", "steps": 4, "spacing": "balanced", "centred": True}
        checkpoint = folder / "checkpoint.safetensors"
        return sample_shard(checkpoint, people, folder / "0.npy", **options)
    if job == "decode_cohort":
        from syncohort.representations import load_representation
        from syncohort.synthesis.decoding import Decision, decode_cohort
        from syncohort.synthesis.recentring import recentring_of

        return decode_cohort(
            [folder / "0.npy"],
            load_representation(folder / "model.npz"),
            real,
            people,
            folder / "synthetic.zip",
            first_position=0,
            decision=Decision("matched", 0.3, 0.15, 0.1),
            seed=1,
            recentring=recentring_of(folder / "checkpoint.safetensors", people, "haplotype"),
        )
    if job == "draw_alleles":
        from syncohort.baselines.alleles import draw_alleles

        settings = {"kind": "mosaic", "effective_size": 1e4, "recombination_map": None}
        return draw_alleles(real, people, folder / "m.zip", seed=1, mutation_rate=0.0, **settings)
    store = CohortStore(folder / "synthetic.zip")
    if job == "export_vcf":
        from syncohort.formats.vcf_writing import write_vcf

        return write_vcf(store, folder / "synthetic.vcf.gz")
    if job == "export_plink":
        from syncohort.formats.plink import write_plink

        return write_plink([store], folder / "synthetic")
    if job == "export_pgen":
        from syncohort.formats.pgen import write_pgen

        return write_pgen([store], folder / "synthetic2")
    evaluate(job, folder, real, store)


def evaluate(job: str, folder: Path, real, store) -> None:
    """The jobs that measure."""
    if job == "measure_fidelity":
        from syncohort.evaluation.fidelity.measure import Fidelity, measure_fidelity
        from syncohort.formats.genetic_map import constant_map

        options = {"genetic_map": constant_map(), "window_kb": 200.0, "seed": 1}
        tables = measure_fidelity(real, store, **options)
        for name in Fidelity.names():
            getattr(tables, name).to_csv(folder / f"{name}.tsv", sep="\t", index=False)
    elif job == "summarise_fidelity":
        from syncohort.evaluation.fidelity.measure import Fidelity, summarise_fidelity
        from syncohort.evaluation.tables import read_tables

        tables = {name: read_tables([folder / f"{name}.tsv"]) for name in Fidelity.names()}
        summarise_fidelity(Fidelity(**tables), **SIZES)
    elif job == "embed_people":
        from syncohort.evaluation.fidelity.embedding import Embedding, embed_people

        embed_people(Embedding.load(folder / "embedding.npz"), [real], [store], tsne=False, **SIZES)
    elif job == "measure_privacy":
        from syncohort.evaluation.privacy.measure import measure_privacy

        measure_privacy([real], [store], mode="haplotype", max_people=1_000, **SIZES)
    else:
        from syncohort.evaluation.utility.bench import Training
        from syncohort.evaluation.utility.measure import measure_utility

        training = Training(["mlp", "logistic"], [1], 1)
        options = {name: SIZES[name] for name in ("cohort", "generator", "minimum_people")}
        measure_utility([real], [store], training, **options)


def measured(job: str, folder: Path, n_people: int) -> dict:
    """Processor seconds and peak memory of a job in a process of its own."""
    used = in_own_process(job, __file__, "--job", job, folder, "--people", n_people)
    return {"job": job, "people": n_people} | used


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--people", nargs="*", type=int, default=[1_000, 4_000, 16_000])
    parser.add_argument("--snps", type=int, default=1_000)
    parser.add_argument("--job", choices=(*PREPARED, *JOBS))
    parser.add_argument("path", type=Path, help="table; or a job's folder")
    given = parser.parse_args()
    if given.job in PREPARED:
        prepare(given.job, given.path)
    elif given.job:
        run_job(given.job, given.path, given.people[0])
    if given.job:
        print(json.dumps(own_use()))
        return
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_cohort(folder / "real.zip", N_REAL, given.snps)
        for n_people, jobs in [(N_REAL, PREPARED), *((n, JOBS) for n in given.people)]:
            for job in jobs:
                rows.append(measured(job, folder, n_people))
                print(rows[-1], flush=True)
                pd.DataFrame(rows).round(1).to_csv(given.path, sep="\t", index=False)


if __name__ == "__main__":
    main()
