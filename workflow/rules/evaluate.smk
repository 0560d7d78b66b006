# Synthetic people against unseen real people: one tidy table of metrics.


rule measure_fidelity:
    input:
        real="<results>/filter_variants/{chrom}.zarr.zip",
        synthetic="<results>/decode_cohort/{generator}/{chrom}.zarr.zip",
    output:
        frequencies="<results>/measure_fidelity/{generator}/{chrom}.frequencies.tsv",
        labels="<results>/measure_fidelity/{generator}/{chrom}.labels.tsv",
        heterozygosity="<results>/measure_fidelity/{generator}/{chrom}.heterozygosity.tsv",
        linkage="<results>/measure_fidelity/{generator}/{chrom}.linkage.tsv",
    log:
        "<logs>/measure_fidelity/{generator}/{chrom}.log",
    benchmark:
        "<benchmarks>/measure_fidelity/{generator}/{chrom}.tsv"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=heavy_mb,
        runtime=HEAVY_MINUTES,
    params:
        code=code_of("measure_fidelity"),
        window_kb=STUDY.evaluation.ld_window_kb,
        seed=seed_of("measure_fidelity"),
    script:
        "../scripts/measure_fidelity.py"


rule summarise_fidelity:
    input:
        frequencies=every_chrom(
            "<results>/measure_fidelity/{generator}/{chrom}.frequencies.tsv"
        ),
        labels=every_chrom("<results>/measure_fidelity/{generator}/{chrom}.labels.tsv"),
        heterozygosity=every_chrom(
            "<results>/measure_fidelity/{generator}/{chrom}.heterozygosity.tsv"
        ),
        linkage=every_chrom(
            "<results>/measure_fidelity/{generator}/{chrom}.linkage.tsv"
        ),
    output:
        metrics="<results>/summarise_fidelity/{generator}.tsv",
    log:
        "<logs>/summarise_fidelity/{generator}.log",
    benchmark:
        "<benchmarks>/summarise_fidelity/{generator}.tsv"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=LIGHT_MINUTES,
    params:
        code=code_of("summarise_fidelity"),
        cohort=STUDY.cohort,
        seed=seed_of("summarise_fidelity"),
    script:
        "../scripts/summarise_fidelity.py"


rule embed_people:
    input:
        real=every_chrom("<results>/filter_variants/{chrom}.zarr.zip"),
        synthetic=every_chrom("<results>/decode_cohort/{generator}/{chrom}.zarr.zip"),
    output:
        embedding="<results>/embed_people/{generator}.tsv",
        metrics="<results>/embed_people/{generator}.metrics.tsv",
    log:
        "<logs>/embed_people/{generator}.log",
    benchmark:
        "<benchmarks>/embed_people/{generator}.tsv"
    conda:
        "../../envs/syncohort.yaml"
    threads: THREADS
    resources:
        mem_mb=heavy_mb,
        runtime=HEAVY_MINUTES,
    params:
        code=code_of("embed_people"),
        cohort=STUDY.cohort,
        max_people=STUDY.evaluation.umap_people,
        seed=seed_of("embed_people"),
    script:
        "../scripts/embed_people.py"


rule train_classifiers:
    input:
        real=every_chrom("<results>/filter_variants/{chrom}.zarr.zip"),
        synthetic=training_cohort,
    output:
        metrics="<results>/train_classifiers/{source}.tsv",
        predictions="<results>/train_classifiers/{source}.predictions.tsv",
    log:
        "<logs>/train_classifiers/{source}.log",
    benchmark:
        "<benchmarks>/train_classifiers/{source}.tsv"
    conda:
        "../../envs/syncohort.yaml"
    threads: THREADS
    resources:
        mem_mb=heavy_mb,
        runtime=HEAVY_MINUTES,
        gpu=GPUS,
    params:
        code=code_of("train_classifiers"),
        cohort=STUDY.cohort,
        kinds=STUDY.evaluation.classifiers,
        n_seeds=STUDY.evaluation.classifier_seeds,
        epochs=STUDY.evaluation.classifier_epochs,
        device=STUDY.compute.device,
        # the same for every source, so that they differ by their training people alone
        seed=seed_of("train_classifiers"),
    script:
        "../scripts/train_classifiers.py"


rule collect_metrics:
    input:
        fidelity=expand(
            "<results>/summarise_fidelity/{generator}.tsv", generator=GENERATORS
        ),
        embedding=expand(
            "<results>/embed_people/{generator}.metrics.tsv", generator=GENERATORS
        ),
        utility=expand(
            "<results>/train_classifiers/{source}.tsv", source=["real", *GENERATORS]
        ),
        real_predictions="<results>/train_classifiers/real.predictions.tsv",
        predictions=expand(
            "<results>/train_classifiers/{source}.predictions.tsv", source=GENERATORS
        ),
    output:
        metrics="<results>/collect_metrics/metrics.tsv",
        page=report(
            "<results>/collect_metrics/metrics.html",
            category="1. Summary",
            labels={"table": "all metrics"},
            caption="../report/metrics.rst",
        ),
    log:
        "<logs>/collect_metrics.log",
    benchmark:
        "<benchmarks>/collect_metrics.tsv"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=LIGHT_MINUTES,
    params:
        code=code_of("collect_metrics"),
        cohort=STUDY.cohort,
        generators=GENERATORS,
        seed=seed_of("collect_metrics"),
    script:
        "../scripts/collect_metrics.py"
