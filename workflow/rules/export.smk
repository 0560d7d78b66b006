# The synthetic cohort in the formats others read: results/<cohort>/release/<generator>/.


rule export_vcf:
    input:
        store=released_store,
    output:
        vcf="<results>/release/{generator}/vcf/{chrom}.vcf.gz",
        index="<results>/release/{generator}/vcf/{chrom}.vcf.gz.tbi",
    log:
        "<logs>/export_vcf/{generator}/{chrom}.log",
    benchmark:
        "<benchmarks>/export_vcf/{generator}/{chrom}.tsv"
    group:
        READING_GROUP
    conda:
        "../../envs/syncohort.yaml"
    threads: min(2, THREADS)
    resources:
        mem_mb=stream_mb,
        runtime=stream_minutes,
    params:
        code=code_of("export_vcf"),
        statement=statement_of,
    script:
        "../scripts/export_vcf.py"


rule export_plink:
    input:
        stores=released_stores,
    output:
        multiext(
            "<results>/release/{generator}/plink/synthetic",
            bed=".bed",
            bim=".bim",
            fam=".fam",
        ),
    log:
        "<logs>/export_plink/{generator}.log",
    benchmark:
        "<benchmarks>/export_plink/{generator}.tsv"
    group:
        "generator_{generator}"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=stream_mb,
        runtime=stream_minutes,
    params:
        code=code_of("export_plink"),
        case_label=STUDY.labels.case_label,
    script:
        "../scripts/export_plink.py"


rule export_pgen:
    input:
        stores=released_stores,
    output:
        multiext(
            "<results>/release/{generator}/pgen/synthetic",
            pgen=".pgen",
            pvar=".pvar",
            psam=".psam",
        ),
    log:
        "<logs>/export_pgen/{generator}.log",
    benchmark:
        "<benchmarks>/export_pgen/{generator}.tsv"
    group:
        "generator_{generator}"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=stream_mb,
        runtime=stream_minutes,
    params:
        code=code_of("export_pgen"),
        statement=statement_of,
        case_label=STUDY.labels.case_label,
    script:
        "../scripts/export_pgen.py"


rule export_bgen:
    input:
        stores=released_stores,
    output:
        multiext(
            "<results>/release/{generator}/bgen/synthetic",
            bgen=".bgen",
            sample=".sample",
        ),
    log:
        "<logs>/export_bgen/{generator}.log",
    benchmark:
        "<benchmarks>/export_bgen/{generator}.tsv"
    group:
        "generator_{generator}"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=stream_mb,
        runtime=stream_minutes,
    params:
        code=code_of("export_bgen"),
        statement=statement_of,
        case_label=STUDY.labels.case_label,
    script:
        "../scripts/export_bgen.py"


rule export_fasta:
    input:
        store=released_store,
        reference=lambda wildcards: foreign(reference_of(wildcards)),
    output:
        fasta="<results>/release/{generator}/fasta/{chrom}.fa.gz",
        fai="<results>/release/{generator}/fasta/{chrom}.fa.gz.fai",
        gzi="<results>/release/{generator}/fasta/{chrom}.fa.gz.gzi",
        counts="<results>/export_fasta/{generator}/{chrom}.tsv",
    log:
        "<logs>/export_fasta/{generator}/{chrom}.log",
    benchmark:
        "<benchmarks>/export_fasta/{generator}/{chrom}.tsv"
    conda:
        "../../envs/syncohort.yaml"
    threads: min(2, THREADS)
    resources:
        mem_mb=stream_mb,
        runtime=sequences_minutes,
    params:
        code=code_of("export_fasta"),
        content=lambda wildcards: content_of(reference_of(wildcards)),
        statement=statement_of,
        mode=STUDY.mode,
        export=STUDY.release.fasta.model_dump(),
    script:
        "../scripts/export_fasta.py"


rule expand_cohort:
    input:
        store=released_store,
        key=KEY,
        possible="<results>/require_possible_plans/passed.txt",  # the panel holds other people
        panel=lambda wildcards: foreign(map_of(STUDY.expansion.panel, wildcards)),
        recombination_map=lambda wildcards: foreign(
            map_of(STUDY.expansion.recombination_map, wildcards)
        ),
    output:
        vcf="<results>/release/{generator}/expanded/{chrom}.vcf.gz",
        index="<results>/release/{generator}/expanded/{chrom}.vcf.gz.tbi",
        counts="<results>/expand_cohort/{generator}/{chrom}.tsv",
        accuracy="<results>/expand_cohort/{generator}/{chrom}.accuracy.tsv",
    log:
        "<logs>/expand_cohort/{generator}/{chrom}.log",
    benchmark:
        "<benchmarks>/expand_cohort/{generator}/{chrom}.tsv"
    conda:
        "../../envs/syncohort.yaml"
    threads: THREADS
    resources:
        mem_mb=heavy_mb,
        runtime=training_minutes,
    params:
        code=code_of("expand_cohort"),
        content=lambda wildcards: content_of(
            map_of(STUDY.expansion.panel, wildcards),
            map_of(STUDY.expansion.recombination_map, wildcards),
        ),
        statement=statement_of,
        overlap_min=STUDY.expansion.overlap_min,
        seed=lambda wildcards: seed_of(
            "expand_cohort", wildcards.generator, wildcards.chrom
        ),
    script:
        "../scripts/expand_cohort.py"


rule export_samples:
    input:
        people=lambda wildcards: released_people(wildcards.generator),
    output:
        people="<results>/release/{generator}/samples.tsv",
    log:
        "<logs>/export_samples/{generator}.log",
    benchmark:
        "<benchmarks>/export_samples/{generator}.tsv"
    group:
        "generator_{generator}"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=light_minutes,
    params:
        code=code_of("export_samples"),
    script:
        "../scripts/export_samples.py"
