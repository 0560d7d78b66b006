# Pictures of the metrics: every generator beside those it is measured against.
MOSAICS = {
    name: SETTINGS[name]["effective_size"]
    for name in [*CALIBRATION, *CURVE]
    if SETTINGS[name]["kind"] == "mosaic"
}


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
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=LIGHT_MINUTES,
    params:
        code=code_of("plot_frontier"),
        released=GENERATORS,
        calibration=CALIBRATION_OF,
        mosaics=MOSAICS,
    script:
        "../scripts/plot_frontier.py"


rule plot_dimension:
    input:
        metrics="<results>/collect_metrics/metrics.tsv",
    output:
        figure=report(
            "<results>/plot_dimension/{dimension}.svg",
            category="1. Summary",
            labels={"figure": "beside calibration rows", "dimension": "{dimension}"},
            caption="../report/dimension.rst",
        ),
    log:
        "<logs>/plot_dimension/{dimension}.log",
    benchmark:
        "<benchmarks>/plot_dimension/{dimension}.tsv"
    wildcard_constraints:
        dimension="|".join(DIMENSIONS),
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=LIGHT_MINUTES,
    params:
        code=code_of("plot_dimension"),
        released=GENERATORS,
        calibration=CALIBRATION_OF,
    script:
        "../scripts/plot_dimension.py"


rule plot_labels:
    input:
        metrics="<results>/collect_metrics/metrics.tsv",
        people="<results>/split_people/people.tsv",
    output:
        figure=report(
            "<results>/plot_labels/labels.svg",
            category="5. Privacy",
            labels={"figure": "membership by size of the label"},
            caption="../report/labels.rst",
        ),
    log:
        "<logs>/plot_labels.log",
    benchmark:
        "<benchmarks>/plot_labels.tsv"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=LIGHT_MINUTES,
    params:
        code=code_of("plot_labels"),
        released=GENERATORS,
        calibration=CALIBRATION_OF,
    script:
        "../scripts/plot_labels.py"


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
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=LIGHT_MINUTES,
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
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=LIGHT_MINUTES,
    params:
        code=code_of("plot_augmentation"),
    script:
        "../scripts/plot_augmentation.py"


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
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=LIGHT_MINUTES,
    params:
        code=code_of("plot_effects"),
    script:
        "../scripts/plot_effects.py"
