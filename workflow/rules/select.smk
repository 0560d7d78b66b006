# The variants most associated with the label, where the configuration asks for them.
ADJUSTMENT = {
    "columns": STUDY.selection.covariates,
    "missing": STUDY.labels.missing,
    "n_components": STUDY.selection.covariate_pcs,
    "seed": seed_of("selection"),
}


rule scan_training:
    input:
        stores=every_chrom(UNSELECTED),
        people="<results>/split_people/people.tsv",
    output:
        scan="<results>/scan_training/scan.tsv",
        counts="<results>/scan_training/counts.tsv",
    log:
        "<logs>/scan_training.log",
    benchmark:
        "<benchmarks>/scan_training.tsv"
    priority: LONGEST_FIRST
    conda:
        "../../envs/syncohort.yaml"
    threads: THREADS
    resources:
        mem_mb=heavy_mb,
        runtime=long_minutes,
    params:
        code=code_of("scan_training"),
        case_label=STUDY.labels.case_label,
        adjustment=ADJUSTMENT,
    script:
        "../scripts/scan_training.py"


rule choose_variants:
    input:
        stores=every_chrom(UNSELECTED),
        scan="<results>/scan_training/scan.tsv",
        counts="<results>/scan_training/counts.tsv",
        statistics=foreign(STUDY.selection.statistics or []),
    output:
        variants="<results>/choose_variants/variants.tsv",
        counts="<results>/choose_variants/counts.tsv",
        quantiles="<results>/choose_variants/quantiles.tsv",
        summary="<results>/choose_variants/summary.tsv",
    log:
        "<logs>/choose_variants.log",
    benchmark:
        "<benchmarks>/choose_variants.tsv"
    priority: LONGEST_FIRST
    conda:
        "../../envs/syncohort.yaml"
    threads: THREADS
    resources:
        mem_mb=heavy_mb,
        runtime=long_minutes,
    params:
        code=code_of("choose_variants"),
        content=content_of(STUDY.selection.statistics or []),
        choice={
            "case_label": STUDY.labels.case_label,
            "n_variants": STUDY.selection.variants,
            "clump_r2": STUDY.selection.clump_r2,
            "clump_kb": STUDY.selection.clump_kb,
        },
    script:
        "../scripts/choose_variants.py"


rule select_variants:
    input:
        store=UNSELECTED,
        variants="<results>/choose_variants/variants.tsv",
    output:
        store="<results>/select_variants/{chrom}.zarr.zip",
        summary="<results>/select_variants/{chrom}.json",
    log:
        "<logs>/select_variants/{chrom}.log",
    benchmark:
        "<benchmarks>/select_variants/{chrom}.tsv"
    priority: LONGEST_FIRST
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=stream_mb,
        runtime=stream_minutes,
    params:
        code=code_of("select_variants"),
    script:
        "../scripts/select_variants.py"


rule check_selection:
    input:
        stores=every_chrom(UNSELECTED),
        people="<results>/split_people/people.tsv",
        variants="<results>/choose_variants/variants.tsv",
    output:
        effects="<results>/check_selection/effects.tsv",
    log:
        "<logs>/check_selection.log",
    benchmark:
        "<benchmarks>/check_selection.tsv"
    conda:
        "../../envs/syncohort.yaml"
    threads: THREADS
    resources:
        mem_mb=heavy_mb,
        runtime=long_minutes,
    params:
        code=code_of("check_selection"),
        split="train" if STUDY.selection.statistics else "validation",
        case_label=STUDY.labels.case_label,
        adjustment=ADJUSTMENT,
        minimum_people=STUDY.evaluation.minimum_people,
    script:
        "../scripts/check_selection.py"


rule plot_selection:
    input:
        quantiles="<results>/choose_variants/quantiles.tsv",
        summary="<results>/choose_variants/summary.tsv",
        effects="<results>/check_selection/effects.tsv",
    output:
        figure=report(
            "<results>/plot_selection/selection.svg",
            category="1. Summary",
            labels={"figure": "selection of variants"},
            caption="../report/selection.rst",
        ),
        verdict="<results>/plot_selection/verdict.txt",
    log:
        "<logs>/plot_selection.log",
    benchmark:
        "<benchmarks>/plot_selection.tsv"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=light_minutes,
    params:
        code=code_of("plot_selection"),
    script:
        "../scripts/plot_selection.py"
