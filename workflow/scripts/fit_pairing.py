"""Find how alike the two haplotypes of training people are, and others who are as alike."""

from syncohort.cohort.people import read_people
from syncohort.generators.rows import EncodedPeople
from syncohort.global_vector.pair_fitting import find_partners, fit_pairing
from syncohort.job import job

with job(snakemake):
    encoded = EncodedPeople.read(
        snakemake.input.latents,
        snakemake.input.rows,
        read_people(snakemake.input.people),
        "haplotype",
    )
    pairing = fit_pairing(encoded, snakemake.params.seed)
    pairing.save(snakemake.output.pairing)
    find_partners(encoded, pairing, snakemake.params.seed).save(snakemake.output.partners)
