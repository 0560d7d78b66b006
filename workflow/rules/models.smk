# What the trained models themselves tell: their attack, and how well they fit.


rule attack_white_box:
    input:
        checkpoints=every_network(CHECKPOINT),
        models=representation_models,
        global_model=global_file("fit_global_vector", "model.npz"),
        axes=global_file("fit_global_vector", "axes.npy"),
        offsets=global_file("fit_global_vector", "offsets.npy"),
        real=every_chrom(COHORT),
    output:
        metrics="<results>/attack_white_box/{generator}.tsv",
        people="<results>/attack_white_box/{generator}.people.tsv",
    log:
        "<logs>/attack_white_box/{generator}.log",
    benchmark:
        "<benchmarks>/attack_white_box/{generator}.tsv"
    wildcard_constraints:
        generator="|".join([*DIFFUSION, *REPLICATES]) or "none",
    conda:
        "../../envs/syncohort.yaml"
    threads: THREADS
    resources:
        mem_mb=heavy_mb,
        runtime=long_minutes,
        gpu=GPUS,
        device=DEVICE,
    params:
        code=code_of("attack_white_box", attack_code),
        cohort=STUDY.cohort,
        minimum_people=STUDY.evaluation.minimum_people,
        max_people=STUDY.evaluation.privacy_people,
        seed=seed_of("attack_white_box"),
    script:
        "../scripts/attack_white_box.py"


rule measure_global_vector:
    input:
        model="<results>/fit_global_vector/{generator}/model.npz",
        scores="<results>/fit_global_vector/{generator}/scores.npy",
        rows=representation_rows,
        vectors="<results>/draw_global_vectors/{generator}/vectors.npy",
    output:
        metrics="<results>/measure_global_vector/{generator}.tsv",
    log:
        "<logs>/measure_global_vector/{generator}.log",
    benchmark:
        "<benchmarks>/measure_global_vector/{generator}.tsv"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=stream_mb,
        runtime=light_minutes,
    params:
        code=code_of("measure_global_vector"),
        cohort=STUDY.cohort,
        minimum_people=STUDY.evaluation.minimum_people,
        seed=seed_of("measure_global_vector"),
    script:
        "../scripts/measure_global_vector.py"


rule measure_likelihood:
    input:
        real=every_chrom(COHORT),
        models=every_chrom("<results>/fit_hidden_chow_liu/{generator}/{chrom}.npz"),
    output:
        metrics="<results>/measure_likelihood/{generator}.tsv",
    log:
        "<logs>/measure_likelihood/{generator}.log",
    benchmark:
        "<benchmarks>/measure_likelihood/{generator}.tsv"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=stream_mb,
        runtime=long_minutes,
    params:
        code=code_of("measure_likelihood"),
        cohort=STUDY.cohort,
        minimum_people=STUDY.evaluation.minimum_people,
        max_people=STUDY.evaluation.privacy_people,
        seed=seed_of("measure_likelihood"),
    script:
        "../scripts/measure_likelihood.py"
