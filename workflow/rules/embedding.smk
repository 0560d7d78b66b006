# Where people lie: principal axes of the training people, and everybody on them.


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
