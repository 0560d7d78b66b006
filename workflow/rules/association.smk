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
        runtime=HEAVY_MINUTES,
    params:
        code=code_of("scan_association"),
        case_label=STUDY.evaluation.case_label,
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
        causal=causal_table(),
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
        runtime=HEAVY_MINUTES,
    params:
        code=code_of("measure_association"),
        cohort=STUDY.cohort,
        case_label=STUDY.evaluation.case_label,
        n_components=STUDY.evaluation.covariate_pcs,
        minimum_people=STUDY.evaluation.minimum_people,
        seed=seed_of("association"),
    script:
        "../scripts/measure_association.py"
