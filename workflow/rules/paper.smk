# Figures and tables of the GeneticDiffusion paper, of the diffusion models of one run.


rule embed_bottleneck:
    input:
        checkpoint=CHECKPOINT.replace("{part}", "all"),
        models=representation_models,
        real=every_chrom(COHORT),
        synthetic=[
            store for name in GENERATORS for store in every_chrom(cohort_pattern(name))
        ],
    output:
        places="<results>/embed_bottleneck/{generator}.tsv",
    log:
        "<logs>/embed_bottleneck/{generator}.log",
    benchmark:
        "<benchmarks>/embed_bottleneck/{generator}.tsv"
    wildcard_constraints:
        generator="|".join(PLAN.bottlenecks) or "none",
    conda:
        "../../envs/syncohort.yaml"
    threads: THREADS
    resources:
        mem_mb=heavy_mb,
        runtime=long_minutes,
        gpu=GPUS,
        device=DEVICE,
    params:
        code=code_of("embed_bottleneck", attack_code),
        generators=GENERATORS,
        seed=seed_of("embed_bottleneck"),
    script:
        "../scripts/embed_bottleneck.py"


rule plot_bottleneck:
    input:
        places="<results>/embed_bottleneck/{generator}.tsv",
    output:
        figure=report(
            "<results>/plot_bottleneck/{generator}.png",
            category="3. Training",
            labels={"figure": "bottleneck", "generator": "{generator}"},
            caption="../report/bottleneck.rst",
        ),
    log:
        "<logs>/plot_bottleneck/{generator}.log",
    benchmark:
        "<benchmarks>/plot_bottleneck/{generator}.tsv"
    group:
        "end"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=light_minutes,
    params:
        code=code_of("plot_bottleneck"),
    script:
        "../scripts/plot_bottleneck.py"


rule tabulate_costs:
    input:
        checkpoints=every_network(CHECKPOINT),
        losses=every_network(LOSSES),
        panel_losses=pretraining_losses,
        latents=lambda wildcards: expand(
            "<results>/{rule_name}/{generator}/{part}/{shard}.npy",
            rule_name=drawing_rules(wildcards.generator)[-1],
            generator=wildcards.generator,
            part=networks_of(wildcards.generator),
            shard=SHARDS,
        ),
    output:
        costs=report(
            "<results>/tabulate_costs/{generator}.tsv",
            category="3. Training",
            labels={"table": "costs", "generator": "{generator}"},
            caption="../report/costs.rst",
        ),
    log:
        "<logs>/tabulate_costs/{generator}.log",
    benchmark:
        "<benchmarks>/tabulate_costs/{generator}.tsv"
    wildcard_constraints:
        generator="|".join(DIFFUSION) or "none",
    group:
        "generator_{generator}"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=heavy_mb,
        runtime=heavy_minutes,
    params:
        code=code_of("tabulate_costs", denoiser_code),
        mode=STUDY.mode,
        sampling=lambda wildcards: generator_of(wildcards)["sampling"],
        # looked up, no inputs: a benchmark that was deleted must not train a model again
        training_benchmarks=lambda wildcards: [
            f"{FOLDER}/benchmarks/{rule_name}/{wildcards.generator}/{part}.tsv"
            for rule_name in trainings_of(wildcards.generator)
            for part in networks_of(wildcards.generator)
        ],
        sampling_benchmarks=lambda wildcards: [
            f"{FOLDER}/benchmarks/{rule_name}/{wildcards.generator}/{part}/{shard}.tsv"
            for rule_name in drawing_rules(wildcards.generator)
            for part in networks_of(wildcards.generator)
            for shard in SHARDS
        ],
    script:
        "../scripts/tabulate_costs.py"


rule tabulate_paper:
    input:
        metrics="<results>/collect_metrics/metrics.tsv",
        people="<results>/split_people/people.tsv",
        costs=expand("<results>/tabulate_costs/{generator}.tsv", generator=DIFFUSION),
        printed=foreign(shipped("resources/genetic_diffusion_tables.tsv")),
        templates=templates_of("page.html"),
    output:
        table="<results>/tabulate_paper/paper.tsv",
        page=report(
            "<results>/tabulate_paper/paper.html",
            category="1. Summary",
            labels={"table": "beside the paper's"},
            caption="../report/paper_tables.rst",
        ),
    log:
        "<logs>/tabulate_paper.log",
    benchmark:
        "<benchmarks>/tabulate_paper.tsv"
    group:
        "end"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=light_minutes,
    params:
        code=code_of("tabulate_paper"),
        content=content_of(shipped("resources/genetic_diffusion_tables.tsv")),
        sources=[*GENERATORS, *CALIBRATION],
    script:
        "../scripts/tabulate_paper.py"
