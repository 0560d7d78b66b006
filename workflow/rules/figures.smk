# Pictures for the report: each reads tables only.


rule plot_split:
    input:
        people="<results>/split_people/people.tsv",
    output:
        figure=report(
            "<results>/plot_split/split.svg",
            category="1. Summary",
            labels={"figure": "people by label and split"},
            caption="../report/split.rst",
        ),
    log:
        "<logs>/plot_split.log",
    benchmark:
        "<benchmarks>/plot_split.tsv"
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=LIGHT_MINUTES,
    params:
        code=code_of("plot_split"),
    script:
        "../scripts/plot_split.py"


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
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=LIGHT_MINUTES,
    params:
        code=code_of("plot_reconstruction"),
    script:
        "../scripts/plot_reconstruction.py"


rule plot_frequencies:
    input:
        tables=every_chrom(
            "<results>/measure_fidelity/{generator}/{chrom}.frequencies.tsv"
        ),
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
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=LIGHT_MINUTES,
    params:
        code=code_of("plot_frequencies"),
    script:
        "../scripts/plot_frequencies.py"


rule plot_linkage:
    input:
        tables=every_chrom("<results>/measure_fidelity/{generator}/{chrom}.linkage.tsv"),
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
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=LIGHT_MINUTES,
    params:
        code=code_of("plot_linkage"),
    script:
        "../scripts/plot_linkage.py"


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
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=LIGHT_MINUTES,
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
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=LIGHT_MINUTES,
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
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=LIGHT_MINUTES,
    params:
        code=code_of("plot_tsne"),
    script:
        "../scripts/plot_tsne.py"
