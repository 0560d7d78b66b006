# Latents -> diffusion model -> synthetic latents -> synthetic genotypes.
MEMBERSHIP_LIMITS = {
    name: SETTINGS[name]["training"]["membership_max"] for name in DIFFUSION
}


rule train_diffusion:
    input:
        latents=representation_latents,
        rows=representation_rows,
        models=representation_models,
        people="<results>/split_people/people.tsv",
    output:
        checkpoint="<results>/train_diffusion/{generator}/checkpoint.safetensors",
        losses="<results>/train_diffusion/{generator}/losses.tsv",
    log:
        "<logs>/train_diffusion/{generator}.log",
    benchmark:
        "<benchmarks>/train_diffusion/{generator}.tsv"
    conda:
        "../../envs/syncohort.yaml"
    threads: TRAINING_THREADS
    resources:
        mem_mb=training_mb,
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
        seed=lambda wildcards: seed_of("train_diffusion", wildcards.generator),
        state=lambda wildcards: f"{FOLDER}/state/{wildcards.generator}.pt",
    script:
        "../scripts/train_diffusion.py"


rule plot_training:
    input:
        losses=expand(
            "<results>/train_diffusion/{generator}/losses.tsv", generator=DIFFUSION
        ),
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
    script:
        "../scripts/plot_training.py"


rule plot_mixing:
    input:
        losses=expand(
            "<results>/train_diffusion/{generator}/losses.tsv", generator=PLAN.mixing
        ),
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


rule sample_latents:
    input:
        checkpoint=checkpoint_of,
        models=representation_models,
        people="<results>/draw_labels/people.tsv",
    output:
        latents="<results>/sample_latents/{generator}/{shard}.npy",
    log:
        "<logs>/sample_latents/{generator}/{shard}.log",
    benchmark:
        "<benchmarks>/sample_latents/{generator}/{shard}.tsv"
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
        seed=lambda wildcards: seed_of("sample_latents", trained_as(wildcards)),
    script:
        "../scripts/sample_latents.py"


rule decode_cohort:
    input:
        latents=expand(
            "<results>/sample_latents/{generator}/{shard}.npy",
            shard=SHARDS,
            allow_missing=True,
        ),
        models=representation_models,
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
