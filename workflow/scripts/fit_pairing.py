"""Find how alike the two haplotypes of training people are, and others who are as alike."""

from syncohort.cohort.people import read_people
from syncohort.generators.rows import EncodedPeople
from syncohort.global_vector.fitting import read_parts
from syncohort.global_vector.pair_fitting import find_partners, fit_pairing
from syncohort.job import job

with job(snakemake):
    encoded = EncodedPeople.read(
        snakemake.input.latents,
        snakemake.input.rows,
        read_people(snakemake.input.people),
        "haplotype",
    )
    parts = read_parts(encoded, residual_from_class_mean=False)
    pairing = fit_pairing(encoded, parts, snakemake.params.seed)
    pairing.save(snakemake.output.pairing)
    partners = find_partners(encoded, parts, pairing, snakemake.params.seed)
    partners.save(snakemake.output.partners)
