"""Place real and synthetic people by what a network's narrowest layer gives for them."""

from syncohort.cohort_store import CohortStore
from syncohort.diffusion.model import load_generator
from syncohort.evaluation.models.bottleneck import embed_bottleneck
from syncohort.files import file_fingerprints
from syncohort.job import job
from syncohort.representations import load_representation

with job(snakemake):
    real = [CohortStore(path) for path in snakemake.input.real]
    drawn = iter(snakemake.input.synthetic)  # all chromosomes of the first generator, and so on
    places = embed_bottleneck(
        load_generator(snakemake.input.checkpoint, file_fingerprints(snakemake.input.models)),
        real,
        {name: [CohortStore(next(drawn)) for _ in real] for name in snakemake.params.generators},
        [load_representation(path) for path in snakemake.input.models],
        seed=snakemake.params.seed,
        device=snakemake.resources.device,
    )
    places.to_csv(snakemake.output.places, sep="\t", index=False)
