# SNPs -> gene blocks -> principal components per block; or SNPs -> an autoencoder's latents.


rule assign_genes:
    input:
        store=COHORT,
        genes=foreign(annotation_files()),
    output:
        blocks="<results>/assign_genes/{chrom}.blocks.tsv",
    log:
        "<logs>/assign_genes/{chrom}.log",
    benchmark:
        "<benchmarks>/assign_genes/{chrom}.tsv"
    priority: LONGEST_FIRST
    group:
        "chromosome"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=stream_mb,
        runtime=stream_minutes,
    params:
        code=code_of("assign_genes"),
        content=content_of(annotation_files()),
        annotation_format=STUDY.genes.format,
        intergenic=STUDY.genes.intergenic,
        max_snps=STUDY.genes.max_snps,
    script:
        "../scripts/assign_genes.py"


rule fit_gene_pca:
    input:
        store=COHORT,
        blocks="<results>/assign_genes/{chrom}.blocks.tsv",
    output:
        model="<results>/fit_gene_pca/{representation}/{chrom}.npz",
        blocks="<results>/fit_gene_pca/{representation}/{chrom}.blocks.tsv",
    log:
        "<logs>/fit_gene_pca/{representation}/{chrom}.log",
    benchmark:
        "<benchmarks>/fit_gene_pca/{representation}/{chrom}.tsv"
    priority: LONGEST_FIRST
    group:
        "chromosome"
    conda:
        "../../envs/syncohort.yaml"
    threads: THREADS
    resources:
        mem_mb=heavy_mb,
        runtime=heavy_minutes,
    params:
        code=code_of("fit_gene_pca"),
        mode=STUDY.mode,
        pca=lambda wildcards: representation_of(wildcards).model_dump(exclude={"kind"}),
    script:
        "../scripts/fit_gene_pca.py"


rule fit_snp_vae:
    input:
        stores=every_chrom(COHORT),
    output:
        model="<results>/fit_snp_vae/{representation}/all.safetensors",
        losses="<results>/fit_snp_vae/{representation}/losses.tsv",
    log:
        "<logs>/fit_snp_vae/{representation}.log",
    benchmark:
        "<benchmarks>/fit_snp_vae/{representation}.tsv"
    priority: LONGEST_FIRST
    conda:
        "../../envs/syncohort.yaml"
    threads: THREADS
    resources:
        mem_mb=autoencoder_mb,
        runtime=TRAINING_MINUTES,
        gpu=GPUS,
        device=DEVICE,
    params:
        code=code_of("fit_snp_vae"),
        mode=STUDY.mode,
        vae=lambda wildcards: representation_of(wildcards).model_dump(exclude={"kind"}),
        seed=lambda wildcards: seed_of("fit_snp_vae", wildcards.representation),
        state=lambda wildcards: f"{FOLDER}/state/{wildcards.representation}.vae.pt",
    script:
        "../scripts/fit_snp_vae.py"


rule encode_people:
    input:
        stores=stores_of_part,
        model=model_of_part,
    output:
        latents="<results>/encode_people/{representation}/{part}.npy",
        rows="<results>/encode_people/{representation}/{part}.npz",
    log:
        "<logs>/encode_people/{representation}/{part}.log",
    benchmark:
        "<benchmarks>/encode_people/{representation}/{part}.tsv"
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


rule measure_reconstruction:
    input:
        stores=stores_of_part,
        model=model_of_part,
    output:
        table="<results>/measure_reconstruction/{representation}/{part}.tsv",
        blocks="<results>/measure_reconstruction/{representation}/{part}.blocks.tsv",
    log:
        "<logs>/measure_reconstruction/{representation}/{part}.log",
    benchmark:
        "<benchmarks>/measure_reconstruction/{representation}/{part}.tsv"
    group:
        group_of_part
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=heavy_mb,
        runtime=heavy_minutes,
    params:
        code=code_of("measure_reconstruction", representation_code),
    script:
        "../scripts/measure_reconstruction.py"


rule plot_reconstruction:
    input:
        tables=reconstruction_tables,
    output:
        figure=report(
            "<results>/plot_reconstruction/{representation}.svg",
            category="2. Representation",
            labels={"figure": "what is lost", "representation": "{representation}"},
            caption="../report/reconstruction.rst",
        ),
    log:
        "<logs>/plot_reconstruction/{representation}.log",
    benchmark:
        "<benchmarks>/plot_reconstruction/{representation}.tsv"
    group:
        "end"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=light_minutes,
    params:
        code=code_of("plot_reconstruction"),
    script:
        "../scripts/plot_reconstruction.py"
