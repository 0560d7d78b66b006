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
    resources:
        mem_mb=pairs_mb,
        runtime=long_minutes,
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
        recombination_map=foreign(every_map_of(STUDY.evaluation.recombination_map)),
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
        mem_mb=risk_mb,
        runtime=long_minutes,
    params:
        code=code_of("measure_risk"),
        content=content_of(every_map_of(STUDY.evaluation.recombination_map)),
        cohort=STUDY.cohort,
        mode=STUDY.mode,
        minimum_people=STUDY.evaluation.minimum_people,
        max_people=STUDY.evaluation.privacy_people,
        seed=seed_of("measure_risk"),
    script:
        "../scripts/measure_risk.py"


rule score_shadow:
    input:
        real=every_chrom(COHORT),
        people="<results>/draw_labels/people.tsv",
        genetic_map=lambda wildcards: foreign(every_recombination_map(wildcards)),
    output:
        scores="<results>/score_shadow/{generator}/{shadow}.tsv",
    log:
        "<logs>/score_shadow/{generator}/{shadow}.log",
    benchmark:
        "<benchmarks>/score_shadow/{generator}/{shadow}.tsv"
    wildcard_constraints:
        shadow=r"\d+",
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=pairs_mb,
        runtime=long_minutes,
    params:
        code=code_of("score_shadow"),
        content=lambda wildcards: content_of(every_recombination_map(wildcards)),
        generator=generator_of,
        mode=STUDY.mode,
        max_people=STUDY.evaluation.privacy_people,
        draw_seed=lambda wildcards: seed_of(
            "score_shadow", wildcards.generator, wildcards.shadow
        ),
        seed=seed_of("attack_with_shadows"),
    script:
        "../scripts/score_shadow.py"


rule score_latent_shadow:
    input:
        real=every_chrom(COHORT),
        blocks=every_chrom("<results>/assign_genes/{chrom}.blocks.tsv"),
        people="<results>/draw_labels/people.tsv",
    output:
        scores="<results>/score_latent_shadow/{generator}/{shadow}.tsv",
    log:
        "<logs>/score_latent_shadow/{generator}/{shadow}.log",
    benchmark:
        "<benchmarks>/score_latent_shadow/{generator}/{shadow}.tsv"
    wildcard_constraints:
        shadow=r"\d+",
    conda:
        "../../envs/syncohort.yaml"
    threads: THREADS
    resources:
        mem_mb=shadow_mb,
        most_mb=STUDY.compute.memory_mb,
        runtime=training_minutes,
        gpu=GPUS,
        device=DEVICE,
    params:
        code=code_of("score_latent_shadow", sampling_code),
        generator=generator_of,
        recentred=lambda wildcards: PLAN.is_recentred(wildcards.generator),
        pca=lambda wildcards: settings_of_representation(generator_of(wildcards)),
        mode=STUDY.mode,
        max_people=STUDY.evaluation.privacy_people,
        draw_seed=lambda wildcards: seed_of(
            "score_latent_shadow", wildcards.generator, wildcards.shadow
        ),
        seed=seed_of("attack_with_shadows"),
    script:
        "../scripts/score_latent_shadow.py"


rule attack_with_shadows:
    input:
        real=every_chrom(COHORT),
        synthetic=synthetic_stores,
        shadows=shadow_scores,
    output:
        metrics="<results>/attack_with_shadows/{generator}.tsv",
    log:
        "<logs>/attack_with_shadows/{generator}.log",
    benchmark:
        "<benchmarks>/attack_with_shadows/{generator}.tsv"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=pairs_mb,
        runtime=long_minutes,
    params:
        code=code_of("attack_with_shadows"),
        cohort=STUDY.cohort,
        mode=STUDY.mode,
        minimum_people=STUDY.evaluation.minimum_people,
        max_people=STUDY.evaluation.privacy_people,
        seed=seed_of("attack_with_shadows"),
    script:
        "../scripts/attack_with_shadows.py"


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
