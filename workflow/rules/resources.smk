# Public data sets (resources/datasets.tsv), fetched where a study names them. On a cluster whose nodes
# have no network the fetching stays where Snakemake runs, where
# `snakemake --cores 1 fetch_resources --configfile STUDY.yaml` does nothing else.


# Without a digest of its code: another program is no reason to make the cohort again.
rule fetch_resource:
    output:
        f"{RESOURCES}/{{dataset}}/{{file}}",
    log:
        "<logs>/fetch_resource/{dataset}/{file}.log",
    benchmark:
        "<benchmarks>/fetch_resource/{dataset}/{file}.tsv"
    wildcard_constraints:
        dataset="|".join(datasets()),
        file="[^/]+",
    localrule: True
    conda:
        "../../envs/syncohort.yaml"
    resources:
        mem_mb=light_mb,
        runtime=heavy_minutes,
    params:
        remote=remote_of,
    script:
        "../scripts/fetch_resource.py"


rule fetch_resources:
    input:
        named_resources,
    localrule: True
