# All metrics in one table with verdicts, and what is drawn of it as a whole.


rule collect_metrics:
    input:
        fidelity=expand(
            "<results>/summarise_fidelity/{generator}.tsv", generator=MEASURED
        ),
        privacy=expand("<results>/measure_privacy/{generator}.tsv", generator=MEASURED),
        attacked=expand(
            "<results>/measure_privacy/{generator}.people.tsv", generator=MEASURED
        ),
        risk=expand(
            "<results>/measure_risk/{generator}.tsv",
            generator=[*EVALUATED, *PLAN.drawn],
        ),
        shadows=expand(
            "<results>/attack_with_shadows/{generator}.tsv", generator=PLAN.shadowed
        ),
        white_box=expand(
            "<results>/attack_white_box/{generator}.tsv",
            generator=[*DIFFUSION, *REPLICATES],
        ),
        global_vector=expand(
            "<results>/measure_global_vector/{generator}.tsv",
            generator=[
                name
                for name in [*DIFFUSION, *REPLICATES]
                if name in PLAN.per_chromosome
            ],
        ),
        likelihood=expand(
            "<results>/measure_likelihood/{generator}.tsv",
            generator=PLAN.with_likelihood,
        ),
        embedding=expand(
            "<results>/embed_people/{generator}.metrics.tsv", generator=EVALUATED
        ),
        utility=expand(
            "<results>/train_classifiers/{source}.tsv", source=["real", *EVALUATED]
        ),
        augmentation=expand(
            "<results>/measure_augmentation/{generator}.tsv",
            generator=GENERATORS if STUDY.evaluation.augmentation else [],
        ),
        imputation=expand(
            "<results>/summarise_imputation/{source}.tsv", source=PLAN.panels
        ),
        association=expand(
            "<results>/measure_association/{generator}.tsv",
            generator=EVALUATED if "association" in DIMENSIONS else [],
        ),
        rare=expand(
            "<results>/measure_rare/{generator}.tsv",
            generator=EVALUATED if RARE else [],
        ),
        real_predictions="<results>/train_classifiers/real.predictions.tsv",
        predictions=expand(
            "<results>/train_classifiers/{source}.predictions.tsv", source=EVALUATED
        ),
    output:
        metrics="<results>/collect_metrics/metrics.tsv",
        checklist="<results>/collect_metrics/checklist.tsv",
        labels="<results>/collect_metrics/labels.tsv",
    log:
        "<logs>/collect_metrics.log",
    benchmark:
        "<benchmarks>/collect_metrics.tsv"
    group:
        "end"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=light_minutes,
    params:
        code=code_of("collect_metrics"),
        cohort=STUDY.cohort,
        sources=EVALUATED,
        measured=MEASURED,
        calibration=CALIBRATION_OF,
        public_frequencies=STUDY.release.public_frequencies,
        seed=seed_of("collect_metrics"),
    script:
        "../scripts/collect_metrics.py"


rule tabulate_replicates:
    input:
        metrics="<results>/collect_metrics/metrics.tsv",
    output:
        table="<results>/tabulate_replicates/replicates.tsv",
    log:
        "<logs>/tabulate_replicates.log",
    benchmark:
        "<benchmarks>/tabulate_replicates.tsv"
    group:
        "end"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=light_minutes,
    params:
        code=code_of("tabulate_replicates"),
        replicates=REPLICATES,
    script:
        "../scripts/tabulate_replicates.py"


rule plot_frontier:
    input:
        metrics="<results>/collect_metrics/metrics.tsv",
    output:
        figure=report(
            "<results>/plot_frontier/frontier.svg",
            category="1. Summary",
            labels={"figure": "fidelity against leakage"},
            caption="../report/frontier.rst",
        ),
    log:
        "<logs>/plot_frontier.log",
    benchmark:
        "<benchmarks>/plot_frontier.tsv"
    group:
        "end"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=light_minutes,
    params:
        code=code_of("plot_frontier"),
        released=GENERATORS,
        calibration=CALIBRATION_OF,
        mosaics=PLAN.mosaics,
    script:
        "../scripts/plot_frontier.py"


rule plot_dimension:
    input:
        metrics="<results>/collect_metrics/metrics.tsv",
    output:
        figures=[
            report(
                f"<results>/plot_dimension/{name}.svg",
                category="1. Summary",
                labels={"figure": "beside calibration rows", "dimension": name},
                caption="../report/dimension.rst",
            )
            for name in DIMENSIONS
        ],
    log:
        "<logs>/plot_dimension.log",
    benchmark:
        "<benchmarks>/plot_dimension.tsv"
    group:
        "end"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=light_minutes,
    params:
        code=code_of("plot_dimension"),
        released=GENERATORS,
        calibration=CALIBRATION_OF,
    script:
        "../scripts/plot_dimension.py"
