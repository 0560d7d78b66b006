# Where the labels are a disease: associations of synthetic people against those of real people.


rule scan_association:
    input:
        real=every_chrom(COHORT),
        synthetic=training_cohort,
    output:
        scan="<results>/scan_association/{source}.tsv",
    log:
        "<logs>/scan_association/{source}.log",
    benchmark:
        "<benchmarks>/scan_association/{source}.tsv"
    conda:
        "../../envs/syncohort.yaml"
    threads: THREADS
    resources:
        mem_mb=heavy_mb,
        runtime=long_minutes,
    params:
        code=code_of("scan_association"),
        case_label=STUDY.labels.case_label,
        n_components=STUDY.evaluation.covariate_pcs,
        minimum_people=STUDY.evaluation.minimum_people,
        # the same for every source, so that they differ by their people alone
        seed=seed_of("association"),
    script:
        "../scripts/scan_association.py"


rule measure_association:
    input:
        real=every_chrom(COHORT),
        real_scan="<results>/scan_association/real.tsv",
        synthetic_scan="<results>/scan_association/{generator}.tsv",
        causal=foreign(causal_table()),
    output:
        metrics="<results>/measure_association/{generator}.tsv",
        effects="<results>/measure_association/{generator}.effects.tsv",
    log:
        "<logs>/measure_association/{generator}.log",
    benchmark:
        "<benchmarks>/measure_association/{generator}.tsv"
    conda:
        "../../envs/syncohort.yaml"
    threads: THREADS
    resources:
        mem_mb=heavy_mb,
        runtime=long_minutes,
    params:
        code=code_of("measure_association"),
        content=content_of(causal_table()),
        cohort=STUDY.cohort,
        case_label=STUDY.labels.case_label,
        n_components=STUDY.evaluation.covariate_pcs,
        minimum_people=STUDY.evaluation.minimum_people,
        seed=seed_of("association"),
    script:
        "../scripts/measure_association.py"


rule tabulate_guidance:
    input:
        metrics=expand(
            "<results>/measure_association/{generator}.tsv",
            generator=PLAN.guidance_scales,
        ),
    output:
        table="<results>/tabulate_guidance/guidance.tsv",
    log:
        "<logs>/tabulate_guidance.log",
    benchmark:
        "<benchmarks>/tabulate_guidance.tsv"
    group:
        "end"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=light_minutes,
    params:
        code=code_of("tabulate_guidance"),
        scales=PLAN.guidance_scales,
        released={key: name for key, (name, _) in GUIDED.items()},
    script:
        "../scripts/tabulate_guidance.py"


rule plot_guidance:
    input:
        table="<results>/tabulate_guidance/guidance.tsv",
    output:
        figure=report(
            "<results>/plot_guidance/guidance.svg",
            category="7. Association",
            labels={"figure": "effects by guidance scale"},
            caption="../report/guidance.rst",
        ),
    log:
        "<logs>/plot_guidance.log",
    benchmark:
        "<benchmarks>/plot_guidance.tsv"
    group:
        "end"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=light_minutes,
    params:
        code=code_of("plot_guidance"),
    script:
        "../scripts/plot_guidance.py"


rule plot_effects:
    input:
        effects="<results>/measure_association/{generator}.effects.tsv",
    output:
        figure=report(
            "<results>/plot_effects/{generator}.svg",
            category="7. Association",
            labels={"figure": "effects of SNPs", "generator": "{generator}"},
            caption="../report/effects.rst",
        ),
    log:
        "<logs>/plot_effects/{generator}.log",
    benchmark:
        "<benchmarks>/plot_effects/{generator}.tsv"
    group:
        "end"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=light_minutes,
    params:
        code=code_of("plot_effects"),
    script:
        "../scripts/plot_effects.py"
