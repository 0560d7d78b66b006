# What is not the user's own: the demo cohort, and a trait imposed on any cohort.


rule simulate_chromosome:
    output:
        vcf="<results>/simulate_chromosome/{chrom}.vcf.gz",
        index="<results>/simulate_chromosome/{chrom}.vcf.gz.tbi",
        genes="<results>/simulate_chromosome/{chrom}.genes.gtf",
    log:
        "<logs>/simulate_chromosome/{chrom}.log",
    benchmark:
        "<benchmarks>/simulate_chromosome/{chrom}.tsv"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=simulation_mb,
        runtime=long_minutes,
    params:
        code=code_of("simulate_chromosome"),
        people_per_population=STUDY.demo.people_per_population,
        families=STUDY.demo.families,
        chromosome=simulation_of,
        seed=seed_of("simulate_chromosome"),
    script:
        "../scripts/simulate_chromosome.py"


rule simulate_people:
    output:
        people="<results>/simulate_people/people.tsv",
    log:
        "<logs>/simulate_people.log",
    benchmark:
        "<benchmarks>/simulate_people.tsv"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=light_minutes,
    params:
        code=code_of("simulate_people"),
        people_per_population=STUDY.demo.people_per_population,
        families=STUDY.demo.families,
    script:
        "../scripts/simulate_people.py"


if STUDY.trait:

    rule simulate_trait:
        input:
            stores=every_chrom("<results>/import_chromosome/{chrom}.zarr.zip"),
            table=foreign(
                untouched_table()
                or f"<results>/import_chromosome/{CHROMS[0]}.people.tsv"
            ),
        output:
            people="<results>/simulate_trait/people.tsv",
            causal="<results>/simulate_trait/causal_snps.tsv",
        log:
            "<logs>/simulate_trait.log",
        benchmark:
            "<benchmarks>/simulate_trait.tsv"
        conda:
            "../../envs/syncohort.yaml"
        resources:
            mem_mb=stream_mb,
            runtime=long_minutes,
        params:
            code=code_of("simulate_trait"),
            content=content_of(untouched_table()),
            id_column=label_join()["id_column"],
            trait=STUDY.trait.model_dump(),
            seed=seed_of("simulate_trait"),
        script:
            "../scripts/simulate_trait.py"
