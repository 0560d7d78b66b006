# The release: who is in it, what it says of itself, that it holds nothing else, and the end of the rest.


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


rule draw_rare:
    input:
        real=COHORT,
        rare="<results>/filter_rare/{chrom}.zarr.zip",
        synthetic=synthetic_store,
        key=KEY,
    output:
        store="<results>/draw_rare/{generator}/{chrom}.zarr.zip",
    log:
        "<logs>/draw_rare/{generator}/{chrom}.log",
    benchmark:
        "<benchmarks>/draw_rare/{generator}/{chrom}.tsv"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=stream_mb,
        runtime=long_minutes,
    params:
        code=code_of("draw_rare"),
        kind=lambda wildcards: SETTINGS[wildcards.generator]["kind"],
        carriers_min=STUDY.release.rare.carriers_min,
        seed=lambda wildcards: seed_of("draw_rare", wildcards.generator),
    script:
        "../scripts/draw_rare.py"


rule join_rare:
    input:
        common=synthetic_store,
        rare=drawn_rare,
    output:
        store="<results>/join_rare/{generator}/{chrom}.zarr.zip",
        sites="<results>/release/{generator}/rare/{chrom}.tsv",
    log:
        "<logs>/join_rare/{generator}/{chrom}.log",
    benchmark:
        "<benchmarks>/join_rare/{generator}/{chrom}.tsv"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=stream_mb,
        runtime=stream_minutes,
    params:
        code=code_of("join_rare"),
    script:
        "../scripts/join_rare.py"


rule describe_release:
    input:
        metrics="<results>/collect_metrics/metrics.tsv",
        checklist="<results>/collect_metrics/checklist.tsv",
        people="<results>/split_people/people.tsv",
        key=KEY,
        drawn="<results>/draw_labels/people.tsv",
        synthetic=lambda wildcards: released_people(wildcards.generator),
        variants=every_chrom(COHORT_COUNTS),
        rare=RARE_COUNTS,
        sequences=(
            every_chrom("<results>/export_fasta/{generator}/{chrom}.tsv")
            if SEQUENCES
            else []
        ),
        templates=templates_of("release_readme.md"),
    output:
        readme="<results>/release/{generator}/README.md",
        record="<results>/release/{generator}/ro-crate-metadata.json",
    log:
        "<logs>/describe_release/{generator}.log",
    benchmark:
        "<benchmarks>/describe_release/{generator}.tsv"
    group:
        "end"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=light_minutes,
    params:
        code=code_of("describe_release"),
        released=lambda wildcards: {
            "cohort": STUDY.cohort,
            "kind": SETTINGS[wildcards.generator]["kind"],
            "mode": STUDY.mode,
            "kinds": STUDY.filters.variants,
            "simulated": DEMO,
            "public_frequencies": STUDY.release.public_frequencies,
            "seed": STUDY.seed,
            "configuration": configuration_text(),
            "panel": PANEL,
            "first_panel": (
                os.path.basename(STUDY.pretraining.panel)
                if wildcards.generator in PLAN.pretrained
                else ""
            ),
            "carriers_min": STUDY.release.rare.carriers_min,
            "files": [
                file.split("/", 3)[-1]
                for file in RELEASED[wildcards.generator]
                if not file.endswith(tuple(DESCRIPTIONS))
            ],
        },
        inputs=lambda wildcards: digests_of_inputs(),
    script:
        "../scripts/describe_release.py"


rule check_release:
    input:
        released=sum(RELEASED.values(), []),
    output:
        checksums=CHECKSUMS,
    log:
        "<logs>/check_release.log",
    benchmark:
        "<benchmarks>/check_release.tsv"
    group:
        "end"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=stream_mb,
        runtime=stream_minutes,
    params:
        code=code_of("check_release"),
        copies=COPIES,
    script:
        "../scripts/check_release.py"


# Not part of a run: `snakemake --cores 1 purge --configfile STUDY.yaml` once the release has
# left. No inputs, so that it makes nothing.
rule purge:
    log:
        "<results>/purged.log",
    localrule: True
    conda:
        "../../envs/syncohort.yaml"
    params:
        code=code_of("purge"),
        results=FOLDER,
    script:
        "../scripts/purge.py"
