"""Compare a synthetic cohort's associations with those of the real training people."""

from syncohort.association.scan import read_scan
from syncohort.cohort_store import CohortStore
from syncohort.evaluation.association.discoveries import read_causal_snps
from syncohort.evaluation.association.measure import measure_association
from syncohort.job import job

with job(snakemake):
    found, params = snakemake.input, snakemake.params
    association = measure_association(
        [CohortStore(path) for path in found.real],
        read_scan(found.real_scan),
        read_scan(found.synthetic_scan),
        read_causal_snps(found.causal) if found.causal else None,
        generator=snakemake.wildcards.generator,
        cohort=params.cohort,
        case_label=params.case_label,
        n_components=params.n_components,
        minimum_people=params.minimum_people,
        seed=params.seed,
    )
    association.metrics.to_csv(snakemake.output.metrics, sep="\t", index=False)
    association.effects.to_csv(snakemake.output.effects, sep="\t", index=False)
