"""Attack a diffusion model itself: is its loss smaller on people it was trained on?"""

from syncohort.diffusion.model import load_generator
from syncohort.evaluation.privacy.white_box import attack_generator
from syncohort.files import file_fingerprints
from syncohort.genotypes import CohortStore
from syncohort.job import job
from syncohort.representations import load_representation

with job(snakemake):
    metrics, people = attack_generator(
        load_generator(snakemake.input.checkpoint, file_fingerprints(snakemake.input.models)),
        [CohortStore(path) for path in snakemake.input.real],
        [load_representation(path) for path in snakemake.input.models],
        cohort=snakemake.params.cohort,
        name=snakemake.wildcards.generator,
        minimum_people=snakemake.params.minimum_people,
        max_people=snakemake.params.max_people,
        seed=snakemake.params.seed,
        device=snakemake.resources.device,
    )
    metrics.to_csv(snakemake.output.metrics, sep="\t", index=False)
    people.to_csv(snakemake.output.people, sep="\t", index=False)
