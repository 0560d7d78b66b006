# All metrics in one table with verdicts, and the report.
CALIBRATION_OF = {SETTINGS[name]["kind"]: name for name in reversed(CALIBRATION)}
CAPTIONS = {
    file.stem: file.read_text()
    for file in sorted((ROOT / "workflow" / "report").glob("*.rst"))
}


rule collect_metrics:
    input:
        fidelity=expand(
            "<results>/summarise_fidelity/{generator}.tsv", generator=MEASURED
        ),
        privacy=expand("<results>/measure_privacy/{generator}.tsv", generator=MEASURED),
        white_box=expand(
            "<results>/attack_white_box/{generator}.tsv",
            generator=[*DIFFUSION, *REPLICATES],
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
        association=expand(
            "<results>/measure_association/{generator}.tsv",
            generator=EVALUATED if "association" in DIMENSIONS else [],
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
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=LIGHT_MINUTES,
    params:
        code=code_of("collect_metrics"),
        cohort=STUDY.cohort,
        sources=EVALUATED,
        calibration=CALIBRATION_OF,
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
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=LIGHT_MINUTES,
    params:
        code=code_of("tabulate_replicates"),
        replicates=REPLICATES,
    script:
        "../scripts/tabulate_replicates.py"


rule write_report:
    input:
        metrics="<results>/collect_metrics/metrics.tsv",
        people="<results>/split_people/people.tsv",
        synthetic="<results>/draw_labels/people.tsv",
        checks="<results>/check_cohort/checks.tsv",
        variants=every_chrom(COHORT_COUNTS),
        selection=("<results>/plot_selection/verdict.txt" if SELECTED else []),
        selection_counts=("<results>/choose_variants/counts.tsv" if SELECTED else []),
        pictures=PICTURES,
        checksums=CHECKSUMS,
        paper="<results>/tabulate_paper/paper.tsv" if DIFFUSION else [],
        guidance="<results>/tabulate_guidance/guidance.tsv" if GUIDED else [],
        replicates=(
            "<results>/tabulate_replicates/replicates.tsv" if REPLICATES else []
        ),
    output:
        report="<results>/write_report/report.html",
        page=report(
            "<results>/write_report/metrics.html",
            category="1. Summary",
            labels={"table": "all metrics"},
            caption="../report/metrics.rst",
        ),
    log:
        "<logs>/write_report.log",
    benchmark:
        "<benchmarks>/write_report.tsv"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=LIGHT_MINUTES,
    params:
        code=code_of("write_report"),
        study={
            "cohort": STUDY.cohort,
            "simulated": DEMO,
            "mode": STUDY.mode,
            "generators": {name: SETTINGS[name]["kind"] for name in GENERATORS},
            "calibration": CALIBRATION_OF,
            "presets": {name: SETTINGS[name].get("preset", "") for name in GENERATORS},
            "configuration": configuration_text(),
        },
        captions=CAPTIONS,
        benchmarks=f"{FOLDER}/benchmarks",
    script:
        "../scripts/write_report.py"
