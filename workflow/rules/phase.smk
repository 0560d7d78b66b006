# Unphased genotypes -> phased ones, where haplotypes are asked for.


rule phase_chromosome:
    input:
        store="<results>/filter_variants/{chrom}.zarr.zip",
        recombination_map=lambda wildcards: foreign(
            map_of(STUDY.phasing.recombination_map, wildcards)
        ),
    output:
        store="<results>/phase_chromosome/{chrom}.zarr.zip",
    log:
        "<logs>/phase_chromosome/{chrom}.log",
    benchmark:
        "<benchmarks>/phase_chromosome/{chrom}.tsv"
    conda:
        "../../envs/syncohort.yaml"
    threads: THREADS
    resources:
        mem_mb=heavy_mb,
        runtime=training_minutes,
    params:
        code=code_of("phase_chromosome"),
        content=lambda wildcards: content_of(
            map_of(STUDY.phasing.recombination_map, wildcards)
        ),
        seed=lambda wildcards: seed_of("phase_chromosome", wildcards.chrom),
    script:
        "../scripts/phase_chromosome.py"
