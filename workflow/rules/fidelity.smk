# Synthetic people against holdout people: alleles, linkage, and where people lie.
FIDELITY = "<results>/measure_fidelity/{generator}/{chrom}"


rule measure_fidelity:
    input:
        real=COHORT,
        synthetic=synthetic_store,
        recombination_map=lambda wildcards: foreign(
            map_of(STUDY.evaluation.recombination_map, wildcards)
        ),
    output:
        frequencies=f"{FIDELITY}.frequencies.tsv",
        labels=f"{FIDELITY}.labels.tsv",
        equilibrium=f"{FIDELITY}.equilibrium.tsv",
        fst=f"{FIDELITY}.fst.tsv",
        people=f"{FIDELITY}.people.tsv",
        haplotypes=f"{FIDELITY}.haplotypes.tsv",
        linkage=f"{FIDELITY}.linkage.tsv",
        label_linkage=f"{FIDELITY}.label_linkage.tsv",
        sizes=f"{FIDELITY}.sizes.tsv",
        shared=f"{FIDELITY}.shared.tsv",
    log:
        "<logs>/measure_fidelity/{generator}/{chrom}.log",
    benchmark:
        "<benchmarks>/measure_fidelity/{generator}/{chrom}.tsv"
    group:
        READING_GROUP
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=heavy_mb,
        runtime=heavy_minutes,
    params:
        code=code_of("measure_fidelity"),
        content=lambda wildcards: content_of(
            map_of(STUDY.evaluation.recombination_map, wildcards)
        ),
        window_kb=STUDY.evaluation.ld_window_kb,
        # the same for every generator, so that they are compared on the same pairs
        seed=seed_of("measure_fidelity"),
    script:
        "../scripts/measure_fidelity.py"


rule summarise_fidelity:
    input:
        frequencies=every_chrom(f"{FIDELITY}.frequencies.tsv"),
        labels=every_chrom(f"{FIDELITY}.labels.tsv"),
        equilibrium=every_chrom(f"{FIDELITY}.equilibrium.tsv"),
        fst=every_chrom(f"{FIDELITY}.fst.tsv"),
        people=every_chrom(f"{FIDELITY}.people.tsv"),
        haplotypes=every_chrom(f"{FIDELITY}.haplotypes.tsv"),
        linkage=every_chrom(f"{FIDELITY}.linkage.tsv"),
        label_linkage=every_chrom(f"{FIDELITY}.label_linkage.tsv"),
        sizes=every_chrom(f"{FIDELITY}.sizes.tsv"),
        shared=every_chrom(f"{FIDELITY}.shared.tsv"),
    output:
        metrics="<results>/summarise_fidelity/{generator}.tsv",
    log:
        "<logs>/summarise_fidelity/{generator}.log",
    benchmark:
        "<benchmarks>/summarise_fidelity/{generator}.tsv"
    group:
        "generator_{generator}"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=light_minutes,
    params:
        code=code_of("summarise_fidelity"),
        cohort=STUDY.cohort,
        minimum_people=STUDY.evaluation.minimum_people,
        seed=seed_of("summarise_fidelity"),
    script:
        "../scripts/summarise_fidelity.py"


rule plot_frequencies:
    input:
        tables=every_chrom(f"{FIDELITY}.frequencies.tsv"),
    output:
        figure=report(
            "<results>/plot_frequencies/{generator}.png",
            category="4. Fidelity",
            labels={"figure": "allele frequencies", "generator": "{generator}"},
            caption="../report/frequencies.rst",
        ),
    log:
        "<logs>/plot_frequencies/{generator}.log",
    benchmark:
        "<benchmarks>/plot_frequencies/{generator}.tsv"
    group:
        "generator_{generator}"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=light_minutes,
    params:
        code=code_of("plot_frequencies"),
    script:
        "../scripts/plot_frequencies.py"


rule plot_linkage:
    input:
        tables=every_chrom(f"{FIDELITY}.linkage.tsv"),
    output:
        figure=report(
            "<results>/plot_linkage/{generator}.png",
            category="4. Fidelity",
            labels={"figure": "linkage disequilibrium", "generator": "{generator}"},
            caption="../report/linkage.rst",
        ),
    log:
        "<logs>/plot_linkage/{generator}.log",
    benchmark:
        "<benchmarks>/plot_linkage/{generator}.tsv"
    group:
        "generator_{generator}"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=light_minutes,
    params:
        code=code_of("plot_linkage"),
    script:
        "../scripts/plot_linkage.py"


rule fit_embedding:
    input:
        real=every_chrom(COHORT),
    output:
        embedding="<results>/fit_embedding/embedding.npz",
    log:
        "<logs>/fit_embedding.log",
    benchmark:
        "<benchmarks>/fit_embedding.tsv"
    conda:
        "../../envs/syncohort.yaml"
    threads: THREADS
    resources:
        mem_mb=heavy_mb,
        runtime=heavy_minutes,
    params:
        code=code_of("fit_embedding"),
        seed=seed_of("fit_embedding"),
    script:
        "../scripts/fit_embedding.py"


rule embed_people:
    input:
        embedding="<results>/fit_embedding/embedding.npz",
        real=every_chrom(COHORT),
        synthetic=synthetic_stores,
    output:
        embedding="<results>/embed_people/{generator}.tsv",
        metrics="<results>/embed_people/{generator}.metrics.tsv",
    log:
        "<logs>/embed_people/{generator}.log",
    benchmark:
        "<benchmarks>/embed_people/{generator}.tsv"
    group:
        "generator_{generator}"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=heavy_mb,
        runtime=heavy_minutes,
    params:
        code=code_of("embed_people"),
        cohort=STUDY.cohort,
        tsne=lambda wildcards: wildcards.generator in GENERATORS,
        minimum_people=STUDY.evaluation.minimum_people,
        # the same for every generator: the same holdout people are drawn
        seed=seed_of("embed_people"),
    script:
        "../scripts/embed_people.py"


rule plot_pca:
    input:
        embedding="<results>/embed_people/{generator}.tsv",
    output:
        figure=report(
            "<results>/plot_pca/{generator}.png",
            category="4. Fidelity",
            labels={"figure": "principal components", "generator": "{generator}"},
            caption="../report/pca.rst",
        ),
    log:
        "<logs>/plot_pca/{generator}.log",
    benchmark:
        "<benchmarks>/plot_pca/{generator}.tsv"
    group:
        "generator_{generator}"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=light_minutes,
    params:
        code=code_of("plot_pca"),
    script:
        "../scripts/plot_pca.py"


rule plot_umap:
    input:
        embedding="<results>/embed_people/{generator}.tsv",
    output:
        figure=report(
            "<results>/plot_umap/{generator}.png",
            category="4. Fidelity",
            labels={"figure": "UMAP", "generator": "{generator}"},
            caption="../report/umap.rst",
        ),
    log:
        "<logs>/plot_umap/{generator}.log",
    benchmark:
        "<benchmarks>/plot_umap/{generator}.tsv"
    group:
        "generator_{generator}"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=light_minutes,
    params:
        code=code_of("plot_umap"),
    script:
        "../scripts/plot_umap.py"


rule plot_tsne:
    input:
        embedding="<results>/embed_people/{generator}.tsv",
    output:
        figure=report(
            "<results>/plot_tsne/{generator}.png",
            category="4. Fidelity",
            labels={"figure": "t-SNE", "generator": "{generator}"},
            caption="../report/tsne.rst",
        ),
    log:
        "<logs>/plot_tsne/{generator}.log",
    benchmark:
        "<benchmarks>/plot_tsne/{generator}.tsv"
    group:
        "generator_{generator}"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=light_minutes,
    params:
        code=code_of("plot_tsne"),
    script:
        "../scripts/plot_tsne.py"
