# Networks that are trained on a public panel first: its people at the cohort's variants, and their latents.


rule label_panel:
    input:
        panel=foreign(panel_files(STUDY.pretraining.panel)[0]),
        table=foreign(STUDY.pretraining.table or []),
        fits=comparisons_of("pretraining"),
    output:
        people="<results>/label_panel/people.tsv",
    log:
        "<logs>/label_panel.log",
    benchmark:
        "<benchmarks>/label_panel.tsv"
    priority: LONGEST_FIRST
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=light_minutes,
    params:
        code=code_of("label_panel"),
        content=content_of(
            panel_files(STUDY.pretraining.panel)[0], STUDY.pretraining.table or []
        ),
        people=PANEL_PEOPLE,
        may_share=STUDY.pretraining.shared_people,
    script:
        "../scripts/label_panel.py"


rule import_panel:
    input:
        store=COHORT,
        panel=lambda wildcards: foreign(map_of(STUDY.pretraining.panel, wildcards)),
        people="<results>/label_panel/people.tsv",
    output:
        store="<results>/import_panel/{chrom}.zarr.zip",
    log:
        "<logs>/import_panel/{chrom}.log",
    benchmark:
        "<benchmarks>/import_panel/{chrom}.tsv"
    priority: LONGEST_FIRST
    group:
        "chromosome"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=stream_mb,
        runtime=stream_minutes,
    params:
        code=code_of("import_panel"),
        content=lambda wildcards: content_of(map_of(STUDY.pretraining.panel, wildcards)),
        mode=STUDY.mode,
        variants=STUDY.filters.variants,
    script:
        "../scripts/import_panel.py"


rule encode_panel:
    input:
        stores=lambda wildcards: expand(
            "<results>/import_panel/{chrom}.zarr.zip",
            chrom=CHROMS if wildcards.part == "all" else wildcards.part,
        ),
        model=model_of_part,
    output:
        latents="<results>/encode_panel/{representation}/{part}.npy",
        rows="<results>/encode_panel/{representation}/{part}.npz",
    log:
        "<logs>/encode_panel/{representation}/{part}.log",
    benchmark:
        "<benchmarks>/encode_panel/{representation}/{part}.tsv"
    priority: LONGEST_FIRST
    group:
        group_of_part
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=heavy_mb,
        runtime=heavy_minutes,
    params:
        code=code_of("encode_people", representation_code),
    script:
        "../scripts/encode_people.py"


rule project_panel:
    input:
        latents=panel_latents,
        rows=panel_rows,
        model="<results>/fit_global_vector/{generator}/model.npz",
        axes="<results>/fit_global_vector/{generator}/axes.npy",
        people="<results>/label_panel/people.tsv",
    output:
        scores="<results>/project_panel/{generator}/scores.npy",
    log:
        "<logs>/project_panel/{generator}.log",
    benchmark:
        "<benchmarks>/project_panel/{generator}.tsv"
    priority: LONGEST_FIRST
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=stream_mb,
        runtime=long_minutes,
    params:
        code=code_of("project_panel"),
        mode=STUDY.mode,
        residual_from_class_mean=lambda wildcards: generator_of(wildcards)[
            "diffusion"
        ]["residual_from_class_mean"],
    script:
        "../scripts/project_panel.py"


rule pretrain_diffusion:
    input:
        latents=of_network(panel_latents),
        rows=of_network(panel_rows),
        models=network_models,
        blocks=network_blocks,
        scores=global_file("project_panel", "scores.npy"),
        people="<results>/label_panel/people.tsv",
        cohort="<results>/split_people/people.tsv",
    output:
        checkpoint="<results>/pretrain_diffusion/{generator}/{part}/checkpoint.safetensors",
        losses="<results>/pretrain_diffusion/{generator}/{part}/losses.tsv",
    log:
        "<logs>/pretrain_diffusion/{generator}/{part}.log",
    benchmark:
        "<benchmarks>/pretrain_diffusion/{generator}/{part}.tsv"
    priority: LONGEST_FIRST
    conda:
        "../../envs/syncohort.yaml"
    threads: TRAINING_THREADS
    resources:
        mem_mb=pretraining_mb,
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
        training=lambda wildcards: pretraining_of(generator_of(wildcards)),
        seed=lambda wildcards: seed_of(
            *stage_of("pretrain_diffusion", wildcards.generator, wildcards.part)
        ),
        state=lambda wildcards: (
            f"{FOLDER}/state/{wildcards.generator}.{wildcards.part}.panel.pt"
        ),
    script:
        "../scripts/train_diffusion.py"
