# From the user's files, or simulated ones, to the cohort: who and what is used.


rule import_chromosome:
    input:
        genotypes=lambda wildcards: foreign(genotype_files(wildcards)),
        reference=lambda wildcards: foreign(normalising_reference_of(wildcards)),
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
        mem_mb=stream_mb,
        runtime=stream_minutes,
    params:
        code=code_of("import_chromosome"),
        content=lambda wildcards: content_of(
            genotype_files(wildcards), normalising_reference_of(wildcards)
        ),
        source=source_of,
        multiallelic=STUDY.filters.multiallelic,
        variants=STUDY.filters.variants,
        pass_only=STUDY.filters.pass_only,
        region=region_of,
        build=build_of,
    script:
        "../scripts/import_chromosome.py"


rule join_labels:
    input:
        people=every_chrom("<results>/import_chromosome/{chrom}.people.tsv"),
        summaries=every_chrom("<results>/import_chromosome/{chrom}.json"),
        labels=foreign(label_table()),
    output:
        people="<results>/join_labels/people.tsv",
        notes="<results>/join_labels/notes.json",
        key=KEY,
    log:
        "<logs>/join_labels.log",
    benchmark:
        "<benchmarks>/join_labels.tsv"
    group:
        "start"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=light_minutes,
    params:
        code=code_of("join_labels"),
        content=content_of(label_table()),
        labels=label_join(),
    script:
        "../scripts/join_labels.py"


rule split_people:
    input:
        usable="<results>/require_usable_cohort/passed.txt",
        people="<results>/join_labels/people.tsv",
        key=KEY,
        kinship=foreign(STUDY.split.kinship_table or []),
    output:
        people="<results>/split_people/people.tsv",
        relatives="<results>/split_people/relatives.tsv",
    log:
        "<logs>/split_people.log",
    benchmark:
        "<benchmarks>/split_people.tsv"
    group:
        "people"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=light_minutes,
    params:
        code=code_of("split_people"),
        content=content_of(STUDY.split.kinship_table or []),
        shares=STUDY.split.model_dump(
            include={"validation", "holdout", "training_share", "relatives"}
        ),
        kinship_min=STUDY.split.kinship_min,
        seed=seed_of("split_people"),
    script:
        "../scripts/split_people.py"


rule plot_split:
    input:
        people="<results>/split_people/people.tsv",
    output:
        figure=report(
            "<results>/plot_split/split.svg",
            category="1. Summary",
            labels={"figure": "people by label and split"},
            caption="../report/split.rst",
        ),
    log:
        "<logs>/plot_split.log",
    benchmark:
        "<benchmarks>/plot_split.tsv"
    group:
        "people"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=light_minutes,
    params:
        code=code_of("plot_split"),
    script:
        "../scripts/plot_split.py"


# Where SNPs outside genes are dropped.
DROPPING_GENES = annotation_files() if STUDY.genes.intergenic == "drop" else []


rule filter_variants:
    input:
        store="<results>/import_chromosome/{chrom}.zarr.zip",
        people="<results>/split_people/people.tsv",
        genes=foreign(DROPPING_GENES),
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
        mem_mb=stream_mb,
        runtime=stream_minutes,
    params:
        code=code_of("filter_variants"),
        content=content_of(DROPPING_GENES),
        filters=STUDY.filters.model_dump(
            include={"maf_min", "variant_missing_max", "hwe_p_min"}
        ),
        annotation_format=STUDY.genes.format,
    script:
        "../scripts/filter_variants.py"


# Variants that no model holds, drawn by release.rare.
rule filter_rare:
    input:
        store="<results>/import_chromosome/{chrom}.zarr.zip",
        people="<results>/split_people/people.tsv",
        genes=foreign(DROPPING_GENES),
    output:
        store="<results>/filter_rare/{chrom}.zarr.zip",
        summary="<results>/filter_rare/{chrom}.json",
    log:
        "<logs>/filter_rare/{chrom}.log",
    benchmark:
        "<benchmarks>/filter_rare/{chrom}.tsv"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=stream_mb,
        runtime=stream_minutes,
    params:
        code=code_of("filter_rare"),
        content=content_of(DROPPING_GENES),
        filters={
            **STUDY.filters.model_dump(
                include={"maf_min", "variant_missing_max", "hwe_p_min"}
            ),
            "carriers_min": STUDY.release.rare.carriers_min,
        },
        annotation_format=STUDY.genes.format,
    script:
        "../scripts/filter_rare.py"
