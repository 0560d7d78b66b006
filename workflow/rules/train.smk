# Training of diffusion models, and how it went.
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
    priority: LONGEST_FIRST
    conda:
        "../../envs/syncohort.yaml"
    threads: THREADS
    resources:
        mem_mb=stream_mb,
        runtime=long_minutes,
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
        start=pretrained_start,
    output:
        checkpoint=CHECKPOINT,
        losses=LOSSES,
    log:
        "<logs>/train_diffusion/{generator}/{part}.log",
    benchmark:
        "<benchmarks>/train_diffusion/{generator}/{part}.tsv"
    priority: LONGEST_FIRST
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


rule fit_rescaling:
    input:
        checkpoint=CHECKPOINT,
        latents=network_latents,
        rows=network_rows,
        models=network_models,
        scores=global_file("fit_global_vector", "scores.npy"),
        people="<results>/split_people/people.tsv",
    output:
        rescaling=RESCALING,
    log:
        "<logs>/fit_rescaling/{generator}/{part}.log",
    benchmark:
        "<benchmarks>/fit_rescaling/{generator}/{part}.tsv"
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
        code=code_of("fit_rescaling", denoiser_code),
        mode=STUDY.mode,
        seed=lambda wildcards: seed_of(
            *stage_of("fit_rescaling", wildcards.generator, wildcards.part)
        ),
    script:
        "../scripts/fit_rescaling.py"


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
