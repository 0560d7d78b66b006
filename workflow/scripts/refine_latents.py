"""Draw the latents of one shard of the synthetic people a second time, from their genotypes."""

from syncohort.cohort_store import CohortStore
from syncohort.files import file_fingerprints
from syncohort.formats.sample_sheet import read_sample_sheet
from syncohort.job import job
from syncohort.representations import load_representation
from syncohort.seeds import keyed_seed
from syncohort.synthesis.refining import refine_shard

with job(snakemake):
    sampling = dict(snakemake.params.sampling)
    if sampling.pop("rescaled"):
        sampling["rescaling"] = snakemake.input.rescaling
    refine_shard(
        snakemake.input.checkpoint,
        read_sample_sheet(snakemake.input.people),
        [CohortStore(path) for path in snakemake.input.drafts],
        [load_representation(path) for path in snakemake.input.models],
        snakemake.output.latents,
        mode=snakemake.params.mode,
        n_shards=snakemake.params.shards,
        shard=int(snakemake.wildcards.shard),
        seed=keyed_seed(snakemake.params.seed, snakemake.input.key),
        device=snakemake.resources.device,
        representation_fingerprints=file_fingerprints(snakemake.input.models),
        threads=snakemake.threads,
        global_vectors=snakemake.input.get("global_vectors") or None,
        pairing=snakemake.input.get("pairing") or None,
        **sampling,
    )
