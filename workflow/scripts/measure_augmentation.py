"""Train classifiers on few real people, alone and with synthetic ones; test on the holdout."""

from syncohort.cohort_store import CohortStore
from syncohort.evaluation.utility.augmentation import measure_augmentation
from syncohort.evaluation.utility.bench import Training
from syncohort.job import job
from syncohort.seeds import child_seed

with job(snakemake):
    training = Training(
        kinds=snakemake.params.kinds,
        seeds=[child_seed(snakemake.params.seed, i) for i in range(snakemake.params.n_seeds)],
        epochs=snakemake.params.epochs,
        device=snakemake.resources.device,
        threads=snakemake.threads,
    )
    metrics = measure_augmentation(
        [CohortStore(path) for path in snakemake.input.real],
        [CohortStore(path) for path in snakemake.input.synthetic],
        training,
        shares=snakemake.params.shares,
        cohort=snakemake.params.cohort,
        generator=snakemake.wildcards.generator,
        minimum_people=snakemake.params.minimum_people,
    )
    metrics.to_csv(snakemake.output.metrics, sep="\t", index=False)
