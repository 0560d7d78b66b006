# The report.
CAPTIONS = {
    file.stem: file.read_text()
    for file in sorted((ROOT / "workflow" / "report").glob("*.rst"))
}


rule write_report:
    input:
        metrics="<results>/collect_metrics/metrics.tsv",
        checklist="<results>/collect_metrics/checklist.tsv",
        labels="<results>/collect_metrics/labels.tsv",
        people="<results>/split_people/people.tsv",
        drawn="<results>/draw_labels/people.tsv",
        synthetic=released_people(GENERATORS[0]),
        checks="<results>/check_cohort/checks.tsv",
        relatives="<results>/split_people/relatives.tsv",
        possible="<results>/require_possible_plans/passed.txt",
        variants=every_chrom(COHORT_COUNTS),
        selection=("<results>/plot_selection/verdict.txt" if SELECTED else []),
        selection_counts=("<results>/choose_variants/counts.tsv" if SELECTED else []),
        pictures=PICTURES,
        expansion=EXPANSION_COUNTS,
        imputed=[file.replace(".tsv", ".accuracy.tsv") for file in EXPANSION_COUNTS],
        sequences=SEQUENCE_COUNTS,
        rare=RARE_COUNTS,
        checksums=CHECKSUMS,
        paper="<results>/tabulate_paper/paper.tsv" if DIFFUSION else [],
        guidance="<results>/tabulate_guidance/guidance.tsv" if GUIDED else [],
        replicates=(
            "<results>/tabulate_replicates/replicates.tsv" if REPLICATES else []
        ),
        sections=shipped("workflow/report/sections.yaml"),
        templates=templates_of(
            "report.html",
            "metrics.html",
            "selection.html",
            "methods.html",
            "downloads.html",
            "five_safes.html",
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
    group:
        "end"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=light_minutes,
    params:
        code=code_of("write_report"),
        study={
            "cohort": STUDY.cohort,
            "simulated": DEMO,
            "mode": STUDY.mode,
            "generators": {name: SETTINGS[name]["kind"] for name in GENERATORS},
            "calibration": CALIBRATION_OF,
            "drawn": PLAN.drawn,
            "public_frequencies": STUDY.release.public_frequencies,
            "presets": {name: SETTINGS[name].get("preset", "") for name in GENERATORS},
            "configuration": configuration_text(),
            "folders": folders_of(STUDY.model_dump(mode="json")),
        },
        panel=lambda wildcards: PANEL,  # a function: its {chrom} is no wildcard
        captions=CAPTIONS,
        benchmarks=f"{FOLDER}/benchmarks",
    script:
        "../scripts/write_report.py"
