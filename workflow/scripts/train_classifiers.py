"""Train classifiers of the label on real or synthetic people; test on the holdout."""

from syncohort.cohort_store import CohortStore
from syncohort.evaluation.utility.bench import Training
from syncohort.evaluation.utility.measure import measure_utility
from syncohort.job import job
from syncohort.seeds import child_seed

with job(snakemake):
    training = Training(
        kinds=snakemake.params.kinds,
        seeds=[child_seed(snakemake.params.seed, i) for i in range(snakemake.params.n_seeds)],
        epochs=snakemake.params.epochs,
        folds=snakemake.params.folds,
        device=snakemake.resources.device,
        threads=snakemake.threads,
    )
    synthetic = [CohortStore(path) for path in snakemake.input.get("synthetic", [])]
    utility = measure_utility(
        [CohortStore(path) for path in snakemake.input.real],
        synthetic or None,
        training,
        cohort=snakemake.params.cohort,
        generator=snakemake.wildcards.source,
        with_real=snakemake.params.with_real,
        minimum_people=snakemake.params.minimum_people,
    )
    utility.metrics.to_csv(snakemake.output.metrics, sep="\t", index=False)
    utility.predictions.to_csv(snakemake.output.predictions, sep="\t", index=False)
