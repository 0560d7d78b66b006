# Synthetic people as a panel that holdout people are imputed from.


rule measure_imputation:
    input:
        real=COHORT,
        panel=panel_store,
    output:
        sums="<results>/measure_imputation/{source}/{chrom}.tsv",
    log:
        "<logs>/measure_imputation/{source}/{chrom}.log",
    benchmark:
        "<benchmarks>/measure_imputation/{source}/{chrom}.tsv"
    conda:
        "../../envs/syncohort.yaml"
    threads: THREADS
    resources:
        mem_mb=heavy_mb,
        runtime=heavy_minutes,
    params:
        code=code_of("measure_imputation"),
        # the same for every panel: the same people are imputed
        seed=lambda wildcards: seed_of("measure_imputation", wildcards.chrom),
    script:
        "../scripts/measure_imputation.py"


rule summarise_imputation:
    input:
        own=expand(
            "<results>/measure_imputation/{source}/{chrom}.tsv",
            chrom=CHROMS,
            allow_missing=True,
        ),
        real=expand("<results>/measure_imputation/real/{chrom}.tsv", chrom=CHROMS),
    output:
        metrics="<results>/summarise_imputation/{source}.tsv",
    log:
        "<logs>/summarise_imputation/{source}.log",
    benchmark:
        "<benchmarks>/summarise_imputation/{source}.tsv"
    group:
        "end"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=light_minutes,
    params:
        code=code_of("summarise_imputation"),
        cohort=STUDY.cohort,
        minimum_people=STUDY.evaluation.minimum_people,
        seed=seed_of("summarise_imputation"),
    script:
        "../scripts/summarise_imputation.py"


rule plot_imputation:
    input:
        metrics="<results>/collect_metrics/metrics.tsv",
    output:
        figure=report(
            "<results>/plot_imputation/imputation.svg",
            category="6. Utility",
            labels={"figure": "imputation from these people"},
            caption="../report/imputation.rst",
        ),
    log:
        "<logs>/plot_imputation.log",
    benchmark:
        "<benchmarks>/plot_imputation.tsv"
    group:
        "end"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=light_minutes,
    params:
        code=code_of("plot_imputation"),
        panels=PLAN.panels,
    script:
        "../scripts/plot_imputation.py"
