"""Put every metric into one table, with its verdict, and sum the verdicts up."""

from syncohort.evaluation.tables import join_metrics, read_tables
from syncohort.evaluation.utility.recovery import recovery_rate
from syncohort.evaluation.verdicts.excess import with_excess
from syncohort.evaluation.verdicts.judging import judge, label_checklist, release_checklist
from syncohort.job import job

with job(snakemake):
    found, params = snakemake.input, snakemake.params
    real = read_tables([found.real_predictions])
    rates = [
        recovery_rate(
            read_tables([path]), real, cohort=params.cohort, generator=name, seed=params.seed
        )
        for name, path in zip(params.sources, found.predictions, strict=True)
    ]
    stages = (
        "fidelity",
        "privacy",
        "risk",
        "shadows",
        "white_box",
        "global_vector",
        "likelihood",
        "embedding",
        "utility",
        "augmentation",
        "imputation",
        "rare",
    )
    files = [path for stage in (*stages, "association") for path in found[stage]]
    attacked = {
        name: read_tables([path])
        for name, path in zip(params.measured, found.attacked, strict=True)
    }
    metrics = with_excess(join_metrics([read_tables(files), *rates]), params.calibration, attacked)
    judged = judge(metrics, params.calibration, public_frequencies=params.public_frequencies)
    judged.to_csv(snakemake.output.metrics, sep="\t", index=False)
    release_checklist(judged).to_csv(snakemake.output.checklist, sep="\t", index=False)
    label_checklist(judged).to_csv(snakemake.output.labels, sep="\t", index=False)
