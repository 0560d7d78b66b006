# Classifiers of the label: trained on real or synthetic people, tested on holdout people.


rule train_classifiers:
    input:
        real=every_chrom(COHORT),
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
    resources:
        mem_mb=heavy_mb,
        runtime=long_minutes,
        gpu=GPUS,
        device=DEVICE,
    params:
        code=code_of("train_classifiers"),
        cohort=STUDY.cohort,
        kinds=STUDY.evaluation.classifiers,
        n_seeds=STUDY.evaluation.classifier_seeds,
        epochs=STUDY.evaluation.classifier_epochs,
        folds=STUDY.evaluation.folds,
        minimum_people=STUDY.evaluation.minimum_people,
        with_real=lambda wildcards: wildcards.source in GENERATORS,
        # the same for every source, so that they differ by their training people alone
        seed=seed_of("train_classifiers"),
    script:
        "../scripts/train_classifiers.py"


rule measure_augmentation:
    input:
        real=every_chrom(COHORT),
        synthetic=synthetic_stores,
    output:
        metrics="<results>/measure_augmentation/{generator}.tsv",
    log:
        "<logs>/measure_augmentation/{generator}.log",
    benchmark:
        "<benchmarks>/measure_augmentation/{generator}.tsv"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=heavy_mb,
        runtime=long_minutes,
        gpu=GPUS,
        device=DEVICE,
    params:
        code=code_of("measure_augmentation"),
        cohort=STUDY.cohort,
        shares=STUDY.evaluation.augmentation,
        kinds=STUDY.evaluation.classifiers,
        n_seeds=STUDY.evaluation.classifier_seeds,
        epochs=STUDY.evaluation.classifier_epochs,
        minimum_people=STUDY.evaluation.minimum_people,
        # the same for every generator, so that the rows of the real people are the same
        seed=seed_of("measure_augmentation"),
    script:
        "../scripts/measure_augmentation.py"


rule plot_utility:
    input:
        metrics="<results>/collect_metrics/metrics.tsv",
    output:
        figure=report(
            "<results>/plot_utility/utility.svg",
            category="6. Utility",
            labels={"figure": "classifiers of the label"},
            caption="../report/utility.rst",
        ),
    log:
        "<logs>/plot_utility.log",
    benchmark:
        "<benchmarks>/plot_utility.tsv"
    group:
        "end"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=light_minutes,
    params:
        code=code_of("plot_utility"),
    script:
        "../scripts/plot_utility.py"


rule plot_augmentation:
    input:
        metrics="<results>/collect_metrics/metrics.tsv",
    output:
        figure=report(
            "<results>/plot_augmentation/augmentation.svg",
            category="6. Utility",
            labels={"figure": "synthetic people added"},
            caption="../report/augmentation.rst",
        ),
    log:
        "<logs>/plot_augmentation.log",
    benchmark:
        "<benchmarks>/plot_augmentation.tsv"
    group:
        "end"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=light_minutes,
    params:
        code=code_of("plot_augmentation"),
    script:
        "../scripts/plot_augmentation.py"
