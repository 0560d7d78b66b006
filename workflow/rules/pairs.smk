# What makes a person of two haplotypes: how alike they are, and the stretches in which they are the same.


rule fit_pairing:
    input:
        latents=lambda wildcards: latents_of(wildcards.representation),
        rows=lambda wildcards: rows_beside(latents_of(wildcards.representation)),
        people="<results>/split_people/people.tsv",
    output:
        pairing="<results>/fit_pairing/{representation}.npz",
        partners="<results>/fit_pairing/{representation}.partners.npz",
    log:
        "<logs>/fit_pairing/{representation}.log",
    benchmark:
        "<benchmarks>/fit_pairing/{representation}.tsv"
    priority: LONGEST_FIRST
    conda:
        "../../envs/syncohort.yaml"
    threads: THREADS
    resources:
        mem_mb=stream_mb,
        runtime=long_minutes,
    params:
        code=code_of("fit_pairing"),
        seed=lambda wildcards: seed_of("fit_pairing", wildcards.representation),
    script:
        "../scripts/fit_pairing.py"


rule measure_autozygosity:
    input:
        store=COHORT,
        partners="<results>/fit_pairing/{representation}.partners.npz",
    output:
        runs="<results>/measure_autozygosity/{representation}/{chrom}.npz",
    log:
        "<logs>/measure_autozygosity/{representation}/{chrom}.log",
    benchmark:
        "<benchmarks>/measure_autozygosity/{representation}/{chrom}.tsv"
    group:
        "autozygosity_{representation}"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=stream_mb,
        runtime=stream_minutes,
    params:
        code=code_of("measure_autozygosity"),
    script:
        "../scripts/measure_autozygosity.py"


rule fit_autozygosity:
    input:
        runs=expand(
            "<results>/measure_autozygosity/{{representation}}/{chrom}.npz",
            chrom=CHROMS,
        ),
    output:
        model="<results>/fit_autozygosity/{representation}.json",
    log:
        "<logs>/fit_autozygosity/{representation}.log",
    benchmark:
        "<benchmarks>/fit_autozygosity/{representation}.tsv"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=light_minutes,
    params:
        code=code_of("fit_autozygosity"),
    script:
        "../scripts/fit_autozygosity.py"
