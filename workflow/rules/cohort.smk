# From the user's files, or simulated ones, to the cohort: who and what is used.


rule import_chromosome:
    input:
        genotype_files,
    output:
        store="<results>/import_chromosome/{chrom}.zarr.zip",
        summary="<results>/import_chromosome/{chrom}.json",
        people="<results>/import_chromosome/{chrom}.people.tsv",
    log:
        "<logs>/import_chromosome/{chrom}.log",
    benchmark:
        "<benchmarks>/import_chromosome/{chrom}.tsv"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=HEAVY_MINUTES,
    params:
        code=code_of("import_chromosome"),
        source=source(),
        multiallelic=STUDY.filters.multiallelic,
        pass_only=STUDY.filters.pass_only,
    script:
        "../scripts/import_chromosome.py"


rule check_cohort:
    input:
        stores=every_chrom("<results>/import_chromosome/{chrom}.zarr.zip"),
        summaries=every_chrom("<results>/import_chromosome/{chrom}.json"),
        people=every_chrom("<results>/import_chromosome/{chrom}.people.tsv"),
        labels=label_table(),
        genes=annotation_files(),
        builds="resources/genome_builds.tsv",
    output:
        page=report(
            "<results>/check_cohort/check.html",
            category="1. Summary",
            labels={"table": "compatibility check"},
            caption="../report/check.rst",
        ),
        checks="<results>/check_cohort/checks.tsv",
        people="<results>/check_cohort/people.tsv",
    log:
        "<logs>/check_cohort.log",
    benchmark:
        "<benchmarks>/check_cohort.tsv"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=LIGHT_MINUTES,
    params:
        code=code_of("check_cohort"),
        annotation_format=STUDY.genes.format,
        checks={
            "mode": STUDY.mode,
            "phasing": STUDY.phasing.program,
            "intergenic": STUDY.genes.intergenic,
            "simulated": DEMO,
            "train_share": (1 - STUDY.split.validation - STUDY.split.holdout)
            * STUDY.split.training_share,
            "kinship": STUDY.split.kinship_table is not None,
            "case_label": STUDY.labels.case_label,
            "selection": STUDY.selection.model_dump() if SELECTED else None,
            "trait": STUDY.trait.model_dump() if STUDY.trait else None,
            "filters": STUDY.filters.model_dump(
                include={"maf_min", "variant_missing_max"}
            ),
            "synthesis": {
                "how": STUDY.synthesis.labels,
                "n_people": STUDY.synthesis.people,
                "counts": STUDY.synthesis.counts,
            },
        },
        labels=label_join(),
    script:
        "../scripts/check_cohort.py"


rule split_people:
    input:
        checks="<results>/check_cohort/checks.tsv",
        page="<results>/check_cohort/check.html",
        people="<results>/check_cohort/people.tsv",
        kinship=STUDY.split.kinship_table or [],
    output:
        people="<results>/split_people/people.tsv",
    log:
        "<logs>/split_people.log",
    benchmark:
        "<benchmarks>/split_people.tsv"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=LIGHT_MINUTES,
    params:
        code=code_of("split_people"),
        shares=STUDY.split.model_dump(
            include={"validation", "holdout", "training_share"}
        ),
        kinship_min=STUDY.split.kinship_min,
        seed=seed_of("split_people"),
    script:
        "../scripts/split_people.py"


rule filter_variants:
    input:
        store="<results>/import_chromosome/{chrom}.zarr.zip",
        people="<results>/split_people/people.tsv",
        genes=annotation_files() if STUDY.genes.intergenic == "drop" else [],
    output:
        store="<results>/filter_variants/{chrom}.zarr.zip",
        summary="<results>/filter_variants/{chrom}.json",
    log:
        "<logs>/filter_variants/{chrom}.log",
    benchmark:
        "<benchmarks>/filter_variants/{chrom}.tsv"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=HEAVY_MINUTES,
    params:
        code=code_of("filter_variants"),
        filters=STUDY.filters.model_dump(
            include={"maf_min", "variant_missing_max", "hwe_p_min"}
        ),
        annotation_format=STUDY.genes.format,
    script:
        "../scripts/filter_variants.py"
