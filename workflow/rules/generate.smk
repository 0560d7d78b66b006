# Latents -> diffusion model -> synthetic latents -> synthetic genotypes.
MEMBERSHIP_LIMITS = {
    name: SETTINGS[name]["training"]["membership_max"] for name in DIFFUSION
}


rule fit_global_vector:
    input:
        latents=representation_latents,
        rows=representation_rows,
        people="<results>/split_people/people.tsv",
    output:
        model="<results>/fit_global_vector/{generator}/model.npz",
        axes="<results>/fit_global_vector/{generator}/axes.npy",
        offsets="<results>/fit_global_vector/{generator}/offsets.npy",
        scores="<results>/fit_global_vector/{generator}/scores.npy",
    log:
        "<logs>/fit_global_vector/{generator}.log",
    benchmark:
        "<benchmarks>/fit_global_vector/{generator}.tsv"
    conda:
        "../../envs/syncohort.yaml"
    threads: THREADS
    resources:
        mem_mb=stream_mb,
        runtime=HEAVY_MINUTES,
    params:
        code=code_of("fit_global_vector"),
        mode=STUDY.mode,
        n_axes=lambda wildcards: generator_of(wildcards)["global_axes"],
        residual_from_class_mean=lambda wildcards: generator_of(wildcards)[
            "diffusion"
        ]["residual_from_class_mean"],
        seed=lambda wildcards: seed_of("fit_global_vector", wildcards.generator),
    script:
        "../scripts/fit_global_vector.py"


rule train_diffusion:
    input:
        latents=network_latents,
        rows=network_rows,
        models=network_models,
        blocks=network_blocks,
        scores=global_file("fit_global_vector", "scores.npy"),
        people="<results>/split_people/people.tsv",
    output:
        checkpoint=CHECKPOINT,
        losses=LOSSES,
    log:
        "<logs>/train_diffusion/{generator}/{part}.log",
    benchmark:
        "<benchmarks>/train_diffusion/{generator}/{part}.tsv"
    conda:
        "../../envs/syncohort.yaml"
    threads: TRAINING_THREADS
    resources:
        mem_mb=training_mb,
        most_mb=STUDY.compute.memory_mb,
        runtime=TRAINING_MINUTES,
        gpu=TRAINING_GPUS,
        device=DEVICE,
        nodes=1,
    params:
        code=code_of("train_diffusion", denoiser_code),
        mode=STUDY.mode,
        denoiser=lambda wildcards: generator_of(wildcards)["denoiser"],
        diffusion=lambda wildcards: generator_of(wildcards)["diffusion"],
        training=lambda wildcards: generator_of(wildcards)["training"],
        seed=lambda wildcards: seed_of(
            *stage_of("train_diffusion", wildcards.generator, wildcards.part)
        ),
        state=lambda wildcards: (
            f"{FOLDER}/state/{wildcards.generator}.{wildcards.part}.pt"
        ),
    script:
        "../scripts/train_diffusion.py"


rule plot_training:
    input:
        losses=[
            file
            for name in DIFFUSION
            for file in expand(LOSSES, generator=name, part=networks_of(name))
        ],
    output:
        figure=report(
            "<results>/plot_training/training.svg",
            category="3. Training",
            labels={"figure": "all diffusion models"},
            caption="../report/training.rst",
        ),
    log:
        "<logs>/plot_training.log",
    benchmark:
        "<benchmarks>/plot_training.tsv"
    group:
        "end"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=light_minutes,
    params:
        code=code_of("plot_training"),
        membership_max=MEMBERSHIP_LIMITS,
        networks={name: len(networks_of(name)) for name in DIFFUSION},
    script:
        "../scripts/plot_training.py"


rule plot_mixing:
    input:
        losses=expand(LOSSES, generator=PLAN.mixing, part="all"),
    output:
        figure=report(
            "<results>/plot_mixing/mixing.svg",
            category="3. Training",
            labels={"figure": "MLP against CNN"},
            caption="../report/mixing.rst",
        ),
    log:
        "<logs>/plot_mixing.log",
    benchmark:
        "<benchmarks>/plot_mixing.tsv"
    group:
        "end"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=light_minutes,
    params:
        code=code_of("plot_mixing"),
        membership_max={name: MEMBERSHIP_LIMITS[name] for name in PLAN.mixing},
    script:
        "../scripts/plot_mixing.py"


rule draw_labels:
    input:
        people="<results>/split_people/people.tsv",
    output:
        people="<results>/draw_labels/people.tsv",
    log:
        "<logs>/draw_labels.log",
    benchmark:
        "<benchmarks>/draw_labels.tsv"
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
    output:
        vectors="<results>/draw_global_vectors/{generator}/vectors.npy",
    log:
        "<logs>/draw_global_vectors/{generator}.log",
    benchmark:
        "<benchmarks>/draw_global_vectors/{generator}.tsv"
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
        models=network_models,
        global_vectors=global_file("draw_global_vectors", "vectors.npy"),
        people="<results>/draw_labels/people.tsv",
    output:
        latents="<results>/sample_latents/{generator}/{part}/{shard}.npy",
    log:
        "<logs>/sample_latents/{generator}/{part}/{shard}.log",
    benchmark:
        "<benchmarks>/sample_latents/{generator}/{part}/{shard}.tsv"
    conda:
        "../../envs/syncohort.yaml"
    threads: THREADS
    resources:
        mem_mb=heavy_mb,
        runtime=HEAVY_MINUTES,
        gpu=GPUS,
        device=DEVICE,
    params:
        code=code_of("sample_latents", sampling_code),
        mode=STUDY.mode,
        shards=STUDY.synthesis.shards,
        sampling=lambda wildcards: generator_of(wildcards).get("sampling", {}),
        # the same noise at every guidance scale, so that points of a curve differ by it alone
        seed=lambda wildcards: seed_of(
            *stage_of("sample_latents", trained_as(wildcards), wildcards.part)
        ),
    script:
        "../scripts/sample_latents.py"


rule decode_cohort:
    input:
        latents=sampled_latents,
        models=decoding_models,
        checkpoint=centring_checkpoint,
        store=COHORT,
        people="<results>/draw_labels/people.tsv",
    output:
        store="<results>/decode_cohort/{generator}/{chrom}.zarr.zip",
    log:
        "<logs>/decode_cohort/{generator}/{chrom}.log",
    benchmark:
        "<benchmarks>/decode_cohort/{generator}/{chrom}.tsv"
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
    script:
        "../scripts/decode_cohort.py"


rule withhold_people:
    input:
        people="<results>/draw_labels/people.tsv",
        risk=risk_of_drawn,
    output:
        people="<results>/withhold_people/{generator}/people.tsv",
    log:
        "<logs>/withhold_people/{generator}.log",
    benchmark:
        "<benchmarks>/withhold_people/{generator}.tsv"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=light_minutes,
    params:
        code=code_of("withhold_people"),
        share=STUDY.release.withhold,
    script:
        "../scripts/withhold_people.py"


rule keep_people:
    input:
        store=drawn_store,
        people="<results>/withhold_people/{generator}/people.tsv",
    output:
        store="<results>/keep_people/{generator}/{chrom}.zarr.zip",
    log:
        "<logs>/keep_people/{generator}/{chrom}.log",
    benchmark:
        "<benchmarks>/keep_people/{generator}/{chrom}.tsv"
    group:
        READING_GROUP
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=stream_mb,
        runtime=stream_minutes,
    params:
        code=code_of("keep_people"),
    script:
        "../scripts/keep_people.py"
