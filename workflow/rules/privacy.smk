# Can it be told from a synthetic cohort, or from its generator, who was in the real one?


rule measure_privacy:
    input:
        real=every_chrom(COHORT),
        synthetic=synthetic_stores,
    output:
        metrics="<results>/measure_privacy/{generator}.tsv",
        people="<results>/measure_privacy/{generator}.people.tsv",
    log:
        "<logs>/measure_privacy/{generator}.log",
    benchmark:
        "<benchmarks>/measure_privacy/{generator}.tsv"
    conda:
        "../../envs/syncohort.yaml"
    threads: THREADS
    resources:
        mem_mb=pairs_mb,
        runtime=HEAVY_MINUTES,
    params:
        code=code_of("measure_privacy"),
        cohort=STUDY.cohort,
        mode=STUDY.mode,
        minimum_people=STUDY.evaluation.minimum_people,
        max_people=STUDY.evaluation.privacy_people,
        # the same for every generator, so that they differ by their people alone
        seed=seed_of("measure_privacy"),
    script:
        "../scripts/measure_privacy.py"


rule measure_risk:
    input:
        real=every_chrom(COHORT),
        synthetic=synthetic_stores,
    output:
        metrics="<results>/measure_risk/{generator}.tsv",
        people="<results>/measure_risk/{generator}.people.tsv",
    log:
        "<logs>/measure_risk/{generator}.log",
    benchmark:
        "<benchmarks>/measure_risk/{generator}.tsv"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=stream_mb,
        runtime=HEAVY_MINUTES,
    params:
        code=code_of("measure_risk"),
        cohort=STUDY.cohort,
        max_people=STUDY.evaluation.privacy_people,
        seed=seed_of("measure_risk"),
    script:
        "../scripts/measure_risk.py"


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
        runtime=HEAVY_MINUTES,
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


rule plot_labels:
    input:
        metrics="<results>/collect_metrics/metrics.tsv",
        people="<results>/split_people/people.tsv",
    output:
        figure=report(
            "<results>/plot_labels/labels.svg",
            category="5. Privacy",
            labels={"figure": "membership by size of the label"},
            caption="../report/labels.rst",
        ),
    log:
        "<logs>/plot_labels.log",
    benchmark:
        "<benchmarks>/plot_labels.tsv"
    group:
        "end"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=light_minutes,
    params:
        code=code_of("plot_labels"),
        released=GENERATORS,
        calibration=CALIBRATION_OF,
    script:
        "../scripts/plot_labels.py"
