# Baselines: cohorts drawn straight from the training people, and simple models of latents.


rule draw_alleles:
    input:
        real=COHORT,
        people="<results>/draw_labels/people.tsv",
        key=KEY,
        genetic_map=lambda wildcards: foreign(recombination_map_of(wildcards)),
        model=fitted_trees,
    output:
        store="<results>/draw_alleles/{generator}/{chrom}.zarr.zip",
    log:
        "<logs>/draw_alleles/{generator}/{chrom}.log",
    benchmark:
        "<benchmarks>/draw_alleles/{generator}/{chrom}.tsv"
    group:
        "cohort_{generator}"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=stream_mb,
        runtime=stream_minutes,
    params:
        code=code_of("draw_alleles"),
        content=lambda wildcards: content_of(recombination_map_of(wildcards)),
        generator=generator_of,
        seed=lambda wildcards: seed_of("draw_alleles", wildcards.generator),
    script:
        "../scripts/draw_alleles.py"


rule fit_hidden_chow_liu:
    input:
        real=COHORT,
    output:
        model="<results>/fit_hidden_chow_liu/{generator}/{chrom}.npz",
    log:
        "<logs>/fit_hidden_chow_liu/{generator}/{chrom}.log",
    benchmark:
        "<benchmarks>/fit_hidden_chow_liu/{generator}/{chrom}.tsv"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=stream_mb,
        runtime=long_minutes,
    params:
        code=code_of("fit_hidden_chow_liu"),
        trees=trees_of,
        seed=lambda wildcards: seed_of("fit_hidden_chow_liu", wildcards.generator),
    script:
        "../scripts/fit_hidden_chow_liu.py"


rule fit_block_gaussian:
    input:
        latents=representation_latents,
        rows=representation_rows,
        models=representation_models,
        people="<results>/split_people/people.tsv",
    output:
        checkpoint="<results>/fit_block_gaussian/{generator}/checkpoint.safetensors",
    log:
        "<logs>/fit_block_gaussian/{generator}.log",
    benchmark:
        "<benchmarks>/fit_block_gaussian/{generator}.tsv"
    conda:
        "../../envs/syncohort.yaml"
    threads: THREADS
    resources:
        mem_mb=heavy_mb,
        runtime=long_minutes,
    params:
        code=code_of("fit_block_gaussian"),
        mode=STUDY.mode,
    script:
        "../scripts/fit_block_gaussian.py"


rule train_wgan:
    input:
        latents=representation_latents,
        rows=representation_rows,
        models=representation_models,
        people="<results>/split_people/people.tsv",
    output:
        checkpoint="<results>/train_wgan/{generator}/checkpoint.safetensors",
    log:
        "<logs>/train_wgan/{generator}.log",
    benchmark:
        "<benchmarks>/train_wgan/{generator}.tsv"
    conda:
        "../../envs/syncohort.yaml"
    threads: THREADS
    resources:
        mem_mb=heavy_mb,
        runtime=training_minutes,
        gpu=GPUS,
        device=DEVICE,
    params:
        code=code_of("train_wgan"),
        mode=STUDY.mode,
        seed=lambda wildcards: seed_of("train_wgan", wildcards.generator),
    script:
        "../scripts/train_wgan.py"
