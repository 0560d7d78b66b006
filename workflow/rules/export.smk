# The synthetic cohort in the formats others read: results/<cohort>/release/<generator>/.


rule export_vcf:
    input:
        store="<results>/decode_cohort/{generator}/{chrom}.zarr.zip",
    output:
        vcf="<results>/release/{generator}/vcf/{chrom}.vcf.gz",
        index="<results>/release/{generator}/vcf/{chrom}.vcf.gz.tbi",
    log:
        "<logs>/export_vcf/{generator}/{chrom}.log",
    benchmark:
        "<benchmarks>/export_vcf/{generator}/{chrom}.tsv"
    params:
        code=code_of("export_vcf"),
    resources:
        mem_mb=light_mb,
        runtime=HEAVY_MINUTES,
    script:
        "../scripts/export_vcf.py"


rule export_plink:
    input:
        stores=every_chrom("<results>/decode_cohort/{generator}/{chrom}.zarr.zip"),
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
    params:
        code=code_of("export_plink"),
    resources:
        mem_mb=light_mb,
        runtime=HEAVY_MINUTES,
    script:
        "../scripts/export_plink.py"


rule export_pgen:
    input:
        stores=every_chrom("<results>/decode_cohort/{generator}/{chrom}.zarr.zip"),
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
    params:
        code=code_of("export_pgen"),
    resources:
        mem_mb=light_mb,
        runtime=HEAVY_MINUTES,
    script:
        "../scripts/export_pgen.py"


rule export_samples:
    input:
        people="<results>/draw_labels/people.tsv",
    output:
        people="<results>/release/{generator}/samples.tsv",
    log:
        "<logs>/export_samples/{generator}.log",
    benchmark:
        "<benchmarks>/export_samples/{generator}.tsv"
    params:
        code=code_of("export_samples"),
    resources:
        mem_mb=light_mb,
        runtime=LIGHT_MINUTES,
    script:
        "../scripts/export_samples.py"
