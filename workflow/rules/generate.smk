# Synthetic people: their labels, latents and genotypes.


rule draw_labels:
    input:
        people="<results>/split_people/people.tsv",
        key=KEY,
    output:
        people="<results>/draw_labels/people.tsv",
    log:
        "<logs>/draw_labels.log",
    benchmark:
        "<benchmarks>/draw_labels.tsv"
    priority: LONGEST_FIRST
    group:
        "people"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=light_minutes,
    params:
        code=code_of("draw_labels"),
        synthesis=STUDY.synthesis.model_dump(exclude={"shards"}),
        seed=seed_of("draw_labels"),
    script:
        "../scripts/draw_labels.py"


rule draw_global_vectors:
    input:
        model=global_file("fit_global_vector", "model.npz"),
        people="<results>/draw_labels/people.tsv",
        key=KEY,
    output:
        vectors="<results>/draw_global_vectors/{generator}/vectors.npy",
    log:
        "<logs>/draw_global_vectors/{generator}.log",
    benchmark:
        "<benchmarks>/draw_global_vectors/{generator}.tsv"
    priority: LONGEST_FIRST
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=light_minutes,
    params:
        code=code_of("draw_global_vectors"),
        seed=lambda wildcards: seed_of("draw_global_vectors", wildcards.generator),
    script:
        "../scripts/draw_global_vectors.py"


rule sample_latents:
    input:
        checkpoint=checkpoint_of,
        rescaling=rescaling_of,
        models=network_models,
        global_vectors=global_file("draw_global_vectors", "vectors.npy"),
        pairing=pairing_of("sample_latents"),
        people="<results>/draw_labels/people.tsv",
        key=KEY,
    output:
        latents="<results>/sample_latents/{generator}/{part}/{shard}.npy",
    log:
        "<logs>/sample_latents/{generator}/{part}/{shard}.log",
    benchmark:
        "<benchmarks>/sample_latents/{generator}/{part}/{shard}.tsv"
    priority: LONGEST_FIRST
    conda:
        "../../envs/syncohort.yaml"
    threads: THREADS
    resources:
        mem_mb=heavy_mb,
        runtime=long_minutes,
        gpu=GPUS,
        device=DEVICE,
    params:
        code=code_of("sample_latents", sampling_code),
        mode=STUDY.mode,
        shards=STUDY.synthesis.shards,
        sampling=drawn_once,
        # the same noise at every guidance scale, so that points of a curve differ by it alone
        seed=lambda wildcards: seed_of(
            *stage_of("sample_latents", trained_as(wildcards), wildcards.part)
        ),
    script:
        "../scripts/sample_latents.py"


rule draft_cohort:
    input:
        latents=first_latents,
        models=decoding_models,
        checkpoint=centring_checkpoint,
        store=COHORT,
        people="<results>/draw_labels/people.tsv",
        key=KEY,
    output:
        store="<results>/draft_cohort/{generator}/{chrom}.zarr.zip",
    log:
        "<logs>/draft_cohort/{generator}/{chrom}.log",
    benchmark:
        "<benchmarks>/draft_cohort/{generator}/{chrom}.tsv"
    priority: LONGEST_FIRST
    group:
        "draft_{generator}"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=heavy_mb,
        runtime=stream_minutes,
    params:
        code=code_of("draft_cohort", decoding_code),
        decoding=lambda wildcards: generator_of(wildcards)["decoding"],
        seed=lambda wildcards: seed_of(
            "draft_cohort", wildcards.generator, wildcards.chrom
        ),
    script:
        "../scripts/draft_cohort.py"


rule refine_latents:
    input:
        checkpoint=checkpoint_of,
        rescaling=rescaling_of,
        models=network_models,
        drafts=drafts_of_network,
        global_vectors=global_file("draw_global_vectors", "vectors.npy"),
        pairing=pairing_of("refine_latents"),
        people="<results>/draw_labels/people.tsv",
        key=KEY,
    output:
        latents="<results>/refine_latents/{generator}/{part}/{shard}.npy",
    log:
        "<logs>/refine_latents/{generator}/{part}/{shard}.log",
    benchmark:
        "<benchmarks>/refine_latents/{generator}/{part}/{shard}.tsv"
    priority: LONGEST_FIRST
    conda:
        "../../envs/syncohort.yaml"
    threads: THREADS
    resources:
        mem_mb=heavy_mb,
        runtime=long_minutes,
        gpu=GPUS,
        device=DEVICE,
    params:
        code=code_of("refine_latents", refining_code),
        mode=STUDY.mode,
        shards=STUDY.synthesis.shards,
        sampling=drawn_twice,
        seed=lambda wildcards: seed_of(
            *stage_of("refine_latents", trained_as(wildcards), wildcards.part)
        ),
    script:
        "../scripts/refine_latents.py"


rule decode_cohort:
    input:
        latents=final_latents,
        models=decoding_models,
        checkpoint=centring_checkpoint,
        autozygosity=autozygosity_of,
        store=COHORT,
        people="<results>/draw_labels/people.tsv",
        key=KEY,
    output:
        store="<results>/decode_cohort/{generator}/{chrom}.zarr.zip",
    log:
        "<logs>/decode_cohort/{generator}/{chrom}.log",
    benchmark:
        "<benchmarks>/decode_cohort/{generator}/{chrom}.tsv"
    priority: LONGEST_FIRST
    group:
        "cohort_{generator}"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=heavy_mb,
        runtime=stream_minutes,
    params:
        code=code_of("decode_cohort", decoding_code),
        decoding=lambda wildcards: generator_of(wildcards)["decoding"],
        seed=lambda wildcards: seed_of(
            "decode_cohort", wildcards.generator, wildcards.chrom
        ),
        people_seed=lambda wildcards: seed_of("autozygosity", wildcards.generator),
    script:
        "../scripts/decode_cohort.py"
