# Synthetic people against holdout people: alleles, linkage, and where people lie.
FIDELITY = "<results>/measure_fidelity/{generator}/{chrom}"


rule measure_fidelity:
    input:
        real=COHORT,
        synthetic=synthetic_store,
        recombination_map=lambda wildcards: foreign(
            map_of(STUDY.evaluation.recombination_map, wildcards)
        ),
    output:
        frequencies=f"{FIDELITY}.frequencies.tsv",
        labels=f"{FIDELITY}.labels.tsv",
        equilibrium=f"{FIDELITY}.equilibrium.tsv",
        fst=f"{FIDELITY}.fst.tsv",
        people=f"{FIDELITY}.people.tsv",
        haplotypes=f"{FIDELITY}.haplotypes.tsv",
        linkage=f"{FIDELITY}.linkage.tsv",
        label_linkage=f"{FIDELITY}.label_linkage.tsv",
        sizes=f"{FIDELITY}.sizes.tsv",
        shared=f"{FIDELITY}.shared.tsv",
    log:
        "<logs>/measure_fidelity/{generator}/{chrom}.log",
    benchmark:
        "<benchmarks>/measure_fidelity/{generator}/{chrom}.tsv"
    group:
        READING_GROUP
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=heavy_mb,
        runtime=heavy_minutes,
    params:
        code=code_of("measure_fidelity"),
        content=lambda wildcards: content_of(
            map_of(STUDY.evaluation.recombination_map, wildcards)
        ),
        window_kb=STUDY.evaluation.ld_window_kb,
        # the same for every generator, so that they are compared on the same pairs
        seed=seed_of("measure_fidelity"),
    script:
        "../scripts/measure_fidelity.py"


rule summarise_fidelity:
    input:
        frequencies=every_chrom(f"{FIDELITY}.frequencies.tsv"),
        labels=every_chrom(f"{FIDELITY}.labels.tsv"),
        equilibrium=every_chrom(f"{FIDELITY}.equilibrium.tsv"),
        fst=every_chrom(f"{FIDELITY}.fst.tsv"),
        people=every_chrom(f"{FIDELITY}.people.tsv"),
        haplotypes=every_chrom(f"{FIDELITY}.haplotypes.tsv"),
        linkage=every_chrom(f"{FIDELITY}.linkage.tsv"),
        label_linkage=every_chrom(f"{FIDELITY}.label_linkage.tsv"),
        sizes=every_chrom(f"{FIDELITY}.sizes.tsv"),
        shared=every_chrom(f"{FIDELITY}.shared.tsv"),
    output:
        metrics="<results>/summarise_fidelity/{generator}.tsv",
    log:
        "<logs>/summarise_fidelity/{generator}.log",
    benchmark:
        "<benchmarks>/summarise_fidelity/{generator}.tsv"
    group:
        "generator_{generator}"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=light_minutes,
    params:
        code=code_of("summarise_fidelity"),
        cohort=STUDY.cohort,
        minimum_people=STUDY.evaluation.minimum_people,
        seed=seed_of("summarise_fidelity"),
    script:
        "../scripts/summarise_fidelity.py"


rule measure_rare:
    input:
        real=expand(COHORT, chrom=RARE),
        rare=expand("<results>/filter_rare/{chrom}.zarr.zip", chrom=RARE),
        synthetic=lambda wildcards: expand(
            cohort_pattern(wildcards.generator), chrom=RARE
        ),
        drawn=expand(
            "<results>/draw_rare/{generator}/{chrom}.zarr.zip",
            chrom=RARE,
            allow_missing=True,
        ),
        genes=foreign(annotation_files()),
    output:
        metrics="<results>/measure_rare/{generator}.tsv",
    log:
        "<logs>/measure_rare/{generator}.log",
    benchmark:
        "<benchmarks>/measure_rare/{generator}.tsv"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=heavy_mb,
        runtime=long_minutes,
    params:
        code=code_of("measure_rare"),
        content=content_of(annotation_files()),
        annotation_format=STUDY.genes.format,
        cohort=STUDY.cohort,
        minimum_people=STUDY.evaluation.minimum_people,
        max_people=STUDY.evaluation.privacy_people,
        # the same for every generator, so that they differ by their people alone
        seed=seed_of("measure_rare"),
    script:
        "../scripts/measure_rare.py"


rule plot_frequencies:
    input:
        tables=every_chrom(f"{FIDELITY}.frequencies.tsv"),
    output:
        figure=report(
            "<results>/plot_frequencies/{generator}.png",
            category="4. Fidelity",
            labels={"figure": "allele frequencies", "generator": "{generator}"},
            caption="../report/frequencies.rst",
        ),
    log:
        "<logs>/plot_frequencies/{generator}.log",
    benchmark:
        "<benchmarks>/plot_frequencies/{generator}.tsv"
    group:
        "generator_{generator}"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=light_minutes,
    params:
        code=code_of("plot_frequencies"),
    script:
        "../scripts/plot_frequencies.py"


rule plot_linkage:
    input:
        tables=every_chrom(f"{FIDELITY}.linkage.tsv"),
    output:
        figure=report(
            "<results>/plot_linkage/{generator}.png",
            category="4. Fidelity",
            labels={"figure": "linkage disequilibrium", "generator": "{generator}"},
            caption="../report/linkage.rst",
        ),
    log:
        "<logs>/plot_linkage/{generator}.log",
    benchmark:
        "<benchmarks>/plot_linkage/{generator}.tsv"
    group:
        "generator_{generator}"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=light_minutes,
    params:
        code=code_of("plot_linkage"),
    script:
        "../scripts/plot_linkage.py"
