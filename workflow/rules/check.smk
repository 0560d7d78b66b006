# The check: what the data are, whether what is asked for can be had, and where the run stops.


rule examine_cohort:
    input:
        stores=every_chrom("<results>/import_chromosome/{chrom}.zarr.zip"),
        summaries=every_chrom("<results>/import_chromosome/{chrom}.json"),
        imported=every_chrom("<results>/import_chromosome/{chrom}.people.tsv"),
        people="<results>/join_labels/people.tsv",
        notes="<results>/join_labels/notes.json",
        genes=foreign(annotation_files()),
        builds=foreign(shipped("resources/genome_builds.tsv")),
    output:
        checks="<results>/examine_cohort/checks.tsv",
        variants="<results>/examine_cohort/variants.tsv",
    log:
        "<logs>/examine_cohort.log",
    benchmark:
        "<benchmarks>/examine_cohort.tsv"
    group:
        "start"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=stream_mb,
        runtime=stream_minutes,
    params:
        code=code_of("examine_cohort"),
        content=content_of(annotation_files(), shipped("resources/genome_builds.tsv")),
        annotation_format=STUDY.genes.format,
        study={
            "mode": STUDY.mode,
            "phasing": STUDY.phasing.program,
            "intergenic": STUDY.genes.intergenic,
            "simulated": DEMO,
            "train_share": TRAIN_SHARE,
            "kinship": STUDY.split.kinship_table is not None,
            "person_missing_max": STUDY.filters.person_missing_max,
            "filters": STUDY.filters.model_dump(
                include={"maf_min", "variant_missing_max"}
            ),
        },
    script:
        "../scripts/examine_cohort.py"


rule compare_reference:
    input:
        store="<results>/import_chromosome/{chrom}.zarr.zip",
        reference=lambda wildcards: foreign(reference_of(wildcards)),
    output:
        fit="<results>/compare_reference/{chrom}.json",
    log:
        "<logs>/compare_reference/{chrom}.log",
    benchmark:
        "<benchmarks>/compare_reference/{chrom}.tsv"
    priority: 100
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=stream_mb,
        runtime=stream_minutes,
    params:
        code=code_of("compare_reference"),
        content=lambda wildcards: content_of(reference_of(wildcards)),
    script:
        "../scripts/compare_reference.py"


rule compare_panel:
    input:
        store="<results>/import_chromosome/{chrom}.zarr.zip",
        panel=lambda wildcards: foreign(map_of(panel_of(wildcards).panel, wildcards)),
    output:
        fit="<results>/compare_panel/{section}/{chrom}.json",
    log:
        "<logs>/compare_panel/{section}/{chrom}.log",
    benchmark:
        "<benchmarks>/compare_panel/{section}/{chrom}.tsv"
    wildcard_constraints:
        section="expansion|pretraining",
    priority: 100
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=stream_mb,
        runtime=stream_minutes,
    params:
        code=code_of("compare_panel"),
        content=lambda wildcards: content_of(
            map_of(panel_of(wildcards).panel, wildcards)
        ),
        maf_min=STUDY.filters.maf_min,
        overlap_min=lambda wildcards: panel_of(wildcards).overlap_min,
    script:
        "../scripts/compare_panel.py"


rule relate_people:
    input:
        store="<results>/import_chromosome/{chrom}.zarr.zip",
        people="<results>/join_labels/people.tsv",
    output:
        products="<results>/relate_people/{chrom}.npy",
    log:
        "<logs>/relate_people/{chrom}.log",
    benchmark:
        "<benchmarks>/relate_people/{chrom}.tsv"
    priority: 100
    group:
        "relate"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=stream_mb,
        runtime=stream_minutes,
    params:
        code=code_of("relate_people"),
        maf_min=STUDY.filters.maf_min,
        # the same people of every chromosome
        seed=seed_of("relate_people"),
    script:
        "../scripts/relate_people.py"


# The page shows both: what the data are, which the split waits for, and whether what is asked for
# can be had, which it does not: another wish must not train again. A job that fails ends the run, and
# these and what they wait for have a high priority: what cannot be had is said before anything is trained.
rule check_cohort:
    input:
        checks="<results>/examine_cohort/checks.tsv",
        variants="<results>/examine_cohort/variants.tsv",
        summaries=every_chrom("<results>/import_chromosome/{chrom}.json"),
        people="<results>/join_labels/people.tsv",
        products=every_chrom("<results>/relate_people/{chrom}.npy"),
        reference=(
            every_chrom("<results>/compare_reference/{chrom}.json")
            if STUDY.input.reference
            else []
        ),
        expansion=comparisons_of("expansion"),
        pretraining=comparisons_of("pretraining"),
        panel_table=foreign(STUDY.pretraining.table or []),
        templates=templates_of("check.html"),
    output:
        page=report(
            "<results>/check_cohort/check.html",
            category="1. Summary",
            labels={"table": "compatibility check"},
            caption="../report/check.rst",
        ),
        checks="<results>/check_cohort/checks.tsv",
        estimates="<results>/check_cohort/estimates.tsv",
    log:
        "<logs>/check_cohort.log",
    benchmark:
        "<benchmarks>/check_cohort.tsv"
    priority: 100
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=light_minutes,
    params:
        code=code_of("check_cohort", trained_code),
        content=content_of(STUDY.pretraining.table or []),
        simulated=DEMO,
        without_effect=[list(each) for each in without_effect(config, STUDY)],
        training=training_plans(),
        beagle_for=[
            *(["expansion.panel"] if STUDY.expansion.panel else []),
            *(["evaluation.imputation"] if STUDY.evaluation.imputation else []),
        ],
        panel_people=PANEL_PEOPLE,
        panels_may_share={
            "expansion": STUDY.expansion.shared_people,
            "pretraining": STUDY.pretraining.shared_people,
        },
        plans={
            "case_label": STUDY.labels.case_label,
            "selection": STUDY.selection.model_dump() if SELECTED else None,
            "trait": STUDY.trait.model_dump() if STUDY.trait else None,
            "synthesis": {
                "how": STUDY.synthesis.labels,
                "n_people": STUDY.synthesis.people,
                "counts": STUDY.synthesis.counts,
            },
            "missing": STUDY.labels.missing,
            "train_share": TRAIN_SHARE,
            "shadows": shadow_plans(),
            "attacks": {
                "privacy_people": STUDY.evaluation.privacy_people,
                "mode": STUDY.mode,
                "memory_mb": STUDY.compute.memory_mb,
            },
        },
        frequencies={
            "seed": seed_of("relate_people"),
            "train_share": TRAIN_SHARE,
            "unseen_share": STUDY.split.validation + STUDY.split.holdout,
            "n_synthetic": STUDY.synthesis.people,
            "most_variants": STUDY.selection.variants if SELECTED else None,
            "public_frequencies": STUDY.release.public_frequencies,
        },
        sequences={
            **STUDY.release.fasta.model_dump(),
            "exported": SEQUENCES,
            "n_generators": len(GENERATORS),
            "mode": STUDY.mode,
        },
    script:
        "../scripts/check_cohort.py"


# The gates: everything waits for the first, the report for both. The first cannot wait for the page: what
# the page alone needs would train again, and Snakemake forgets what depends on an `ancient` input's job.
rule require_usable_cohort:
    input:
        checks="<results>/examine_cohort/checks.tsv",
    output:
        passed="<results>/require_usable_cohort/passed.txt",
    log:
        "<logs>/require_usable_cohort.log",
    benchmark:
        "<benchmarks>/require_usable_cohort.tsv"
    priority: 90
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=light_minutes,
    params:
        code=code_of("require_usable_cohort"),
        page=f"{FOLDER}/check_cohort/check.html",
    script:
        "../scripts/require_usable_cohort.py"


rule require_possible_plans:
    input:
        checks="<results>/check_cohort/checks.tsv",
    output:
        passed="<results>/require_possible_plans/passed.txt",
    log:
        "<logs>/require_possible_plans.log",
    benchmark:
        "<benchmarks>/require_possible_plans.tsv"
    priority: 90
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=light_minutes,
    params:
        code=code_of("require_possible_plans"),
        page=f"{FOLDER}/check_cohort/check.html",
    script:
        "../scripts/require_possible_plans.py"
