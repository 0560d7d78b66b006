# What a run is for: the synthetic cohorts in every format, and the report's pages and pictures.
DESCRIPTIONS = ["README.md", "ro-crate-metadata.json"]
# The files of each format of release.export, in the folder of its name.
EXPORTS = {
    "vcf": expand("{chrom}.vcf.gz{index}", chrom=CHROMS, index=["", ".tbi"]),
    "plink": expand("synthetic.{plink}", plink=["bed", "bim", "fam"]),
    "pgen": expand("synthetic.{pgen}", pgen=["pgen", "pvar", "psam"]),
    "bgen": expand("synthetic.{bgen}", bgen=["bgen", "sample"]),
    "fasta": expand("{chrom}.fa.gz{index}", chrom=CHROMS, index=["", ".fai", ".gzi"]),
}
EXPORTED = [f"{form}/{file}" for form in STUDY.release.export for file in EXPORTS[form]]
SEQUENCES = "fasta" in STUDY.release.export
PANEL = os.path.basename(STUDY.expansion.panel or "")
EXPANSIONS = expand(
    "expanded/{chrom}.vcf.gz{index}",
    chrom=AUTOSOMES if PANEL else [],
    index=["", ".tbi"],
)
RARE_LISTS = expand("rare/{chrom}.tsv", chrom=RARE)
RELEASED = {
    generator: expand(
        "<results>/release/{generator}/{file}",
        generator=generator,
        file=[
            "samples.tsv",
            *EXPORTED,
            *EXPANSIONS,
            *RARE_LISTS,
            *DESCRIPTIONS,
        ],
    )
    for generator in GENERATORS
}
RARE_COUNTS = expand("<results>/filter_rare/{chrom}.json", chrom=RARE)
EXPANSION_COUNTS = expand(
    "<results>/expand_cohort/{generator}/{chrom}.tsv",
    generator=GENERATORS if PANEL else [],
    chrom=AUTOSOMES,
)
SEQUENCE_COUNTS = expand(
    "<results>/export_fasta/{generator}/{chrom}.tsv",
    generator=GENERATORS if SEQUENCES else [],
    chrom=CHROMS,
)
CHECKSUMS = [f"<results>/release/{generator}/SHA256SUMS" for generator in GENERATORS]
RELEASE = [*sum(RELEASED.values(), []), *CHECKSUMS]
PICTURES = [
    "<results>/plot_frontier/frontier.svg",
    "<results>/plot_labels/labels.svg",
    "<results>/plot_split/split.svg",
    *(["<results>/plot_selection/selection.svg"] if SELECTED else []),
    "<results>/plot_utility/utility.svg",
    *expand(
        "<results>/plot_dimension/{dimension}.svg",
        dimension=DIMENSIONS,
    ),
    *expand("<results>/plot_reconstruction/{name}.svg", name=REPRESENTATIONS),
    *(["<results>/plot_training/training.svg"] if DIFFUSION else []),
    *(["<results>/plot_mixing/mixing.svg"] if PLAN.mixing else []),
    *expand("<results>/plot_bottleneck/{generator}.png", generator=PLAN.bottlenecks),
    *expand(
        "<results>/plot_{picture}/{generator}.png",
        picture=["frequencies", "linkage", "pca", "umap", "tsne"],
        generator=GENERATORS,
    ),
    *(
        ["<results>/plot_augmentation/augmentation.svg"]
        if STUDY.evaluation.augmentation
        else []
    ),
    *(["<results>/plot_imputation/imputation.svg"] if PLAN.panels else []),
    *expand(
        "<results>/plot_effects/{generator}.svg",
        generator=GENERATORS if "association" in DIMENSIONS else [],
    ),
    *(["<results>/plot_guidance/guidance.svg"] if GUIDED else []),
]
FIGURES = [
    "<results>/check_cohort/check.html",
    "<results>/write_report/report.html",
    *PICTURES,
]
