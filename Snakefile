# SynCohort: from genotypes that may not be shared to a synthetic cohort that may.
#
#   snakemake --cores 2                                        the demo cohort
#   snakemake --cores 4 --configfile config/my_study.yaml      your own
#   snakemake --profile slurm --configfile config/my_study.yaml    on a cluster
#
# Every stage is a rule of its own, run again only when its inputs, parameters or code change
# (docs/reruns.md). A picture is drawn by the rule beside the one that measures its numbers.
# The configuration is described in config/README.md, the report in README.md.
from snakemake.utils import min_version

min_version("9.19")

if not workflow.overwrite_configfiles:

    configfile: "config/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/runs.smk"
include: "workflow/rules/public.smk"
include: "workflow/rules/inputs.smk"
include: "workflow/rules/chromosomes.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/panels.smk"
include: "workflow/rules/requests.smk"
include: "workflow/rules/lookups.smk"
include: "workflow/rules/cohorts.smk"
include: "workflow/rules/loaded.smk"
include: "workflow/rules/networks.smk"
include: "workflow/rules/targets.smk"


pathvars:
    results=FOLDER,
    logs=f"{FOLDER}/logs",
    benchmarks=f"{FOLDER}/benchmarks",


wildcard_constraints:
    chrom=CHROM,
    representation="|".join(STUDY.representations),
    generator="|".join([*MEASURED, *GUIDED]),
    source="|".join(["real", *EVALUATED, *GUIDED]),
    shard="[0-9]+",


report: "workflow/report/workflow.rst"


include: "workflow/rules/resources.smk"
include: "workflow/rules/simulate.smk"
include: "workflow/rules/cohort.smk"
include: "workflow/rules/check.smk"
include: "workflow/rules/phase.smk"


if SELECTED:

    include: "workflow/rules/select.smk"


include: "workflow/rules/represent.smk"


if STUDY.pretraining.panel:

    include: "workflow/rules/pretrain.smk"


include: "workflow/rules/train.smk"
include: "workflow/rules/pairs.smk"
include: "workflow/rules/generate.smk"
include: "workflow/rules/baselines.smk"
include: "workflow/rules/export.smk"
include: "workflow/rules/release.smk"
include: "workflow/rules/fidelity.smk"
include: "workflow/rules/embedding.smk"
include: "workflow/rules/privacy.smk"
include: "workflow/rules/models.smk"
include: "workflow/rules/utility.smk"
include: "workflow/rules/imputation.smk"
include: "workflow/rules/association.smk"
include: "workflow/rules/metrics.smk"
include: "workflow/rules/paper.smk"
include: "workflow/rules/report.smk"


onstart:
    begin_run()
    make_private()
    withdraw_release()
    start_jobs_at_once()


onsuccess:
    end_run()
    require_inputs_at_rest()


onerror:
    end_run()
    say_what_failed(log)


localrules:
    all,
    require_usable_cohort,
    require_possible_plans,


rule all:
    default_target: True
    input:
        RELEASE,
        FIGURES,
