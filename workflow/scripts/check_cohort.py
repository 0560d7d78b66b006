"""Write the page of the check: what the data are, and whether what is asked for can be had."""

import numpy as np
import pandas as pd

from syncohort.cohort.foreseen_membership import frequency_check
from syncohort.cohort.joining import read_joined
from syncohort.cohort.panel_checks import panel_checks, panel_table, pretraining_checks
from syncohort.cohort.panel_people import PANEL_SHARES
from syncohort.cohort.people_checks import check_plans, key_checks, read_checks, write_checks
from syncohort.cohort.program_checks import program_checks
from syncohort.cohort.reference_checks import reference_checks
from syncohort.diffusion.estimates import (
    autoencoder_checks,
    estimate_autoencoders,
    estimate_trainings,
    expected_chromosomes,
    training_checks,
    write_estimates,
)
from syncohort.job import job
from syncohort.report.check_page import write_check_page

with job(snakemake):
    people = read_joined(snakemake.input.people)
    training = snakemake.params.training
    chromosomes = expected_chromosomes(snakemake.input.summaries, **training["filters"])
    estimates = estimate_trainings(
        training["models"],
        chromosomes,
        people,
        **training["shares"],
        **training["compute"],
        max_snps=training["max_snps"],
        memory_mb=training["limits"]["memory_mb"],
    )
    panel = panel_table(snakemake.input.pretraining)
    if len(panel):
        estimates += estimate_trainings(
            training["on_panel"],
            chromosomes,
            panel,
            **training["shares"] | PANEL_SHARES,
            **training["compute"],
            max_snps=training["max_snps"],
            memory_mb=training["limits"]["memory_mb"],
        )
    autoencoders = estimate_autoencoders(
        training["autoencoders"], chromosomes, people, **training["shares"], **training["places"]
    )
    write_estimates(estimates + autoencoders, snakemake.output.estimates)
    checks = read_checks(snakemake.input.checks) + check_plans(people, **snakemake.params.plans)
    checks.append(
        frequency_check(
            [np.load(path) for path in snakemake.input.products],
            people,
            **snakemake.params.frequencies,
        )
    )
    checks += training_checks(
        estimates, training["trainings"], **training["limits"], **training["compute"]
    )
    checks += autoencoder_checks(autoencoders, **training["limits"], **training["places"])
    checks += key_checks(snakemake.params.without_effect)
    checks += program_checks(snakemake.params.beagle_for)
    checks += reference_checks(
        snakemake.input.reference,
        people,
        snakemake.params.plans["synthesis"],
        **snakemake.params.sequences,
    )
    for section, may_share in snakemake.params.panels_may_share.items():
        checks += panel_checks(snakemake.input[section], may_share=may_share, section=section)
    checks += pretraining_checks(
        snakemake.input.pretraining,
        set(people.loc[people["excluded"] == "", "label"]),
        snakemake.input.panel_table or None,
        **snakemake.params.panel_people,
    )
    write_checks(checks, snakemake.output.checks)
    write_check_page(
        snakemake.output.page,
        checks,
        people,
        pd.read_csv(
            snakemake.input.variants, sep="\t", keep_default_na=False, dtype={"chromosome": str}
        ),
        simulated=snakemake.params.simulated,
    )
