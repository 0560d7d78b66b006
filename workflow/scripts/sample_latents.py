"""Draw the latents of one shard of the synthetic people."""

from syncohort.files import file_fingerprints
from syncohort.formats.sample_sheet import read_sample_sheet
from syncohort.job import job
from syncohort.seeds import keyed_seed
from syncohort.synthesis.sampling import sample_shard

with job(snakemake):
    sampling = dict(snakemake.params.sampling)
    if sampling.pop("rescaled", False):
        sampling["rescaling"] = snakemake.input.rescaling
    sample_shard(
        snakemake.input.checkpoint,
        read_sample_sheet(snakemake.input.people),
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
