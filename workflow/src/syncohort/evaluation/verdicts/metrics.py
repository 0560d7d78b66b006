"""Every metric of the tidy table: what it measures, what good looks like, how it is judged.

The bounds of a metric come from the same metric, and the same group of SNPs or people, of the
calibration generators: validation people, a bootstrap copy of the training people,
independent SNPs and a mosaic of real haplotypes.
"""

from syncohort.dosages import IMPUTATION_BINS
from syncohort.evaluation.groups import (
    HOLDOUT,
    REAL,
    TRAIN,
    TRUTH,
    WITH_REAL,
    Group,
    in_words,
)
from syncohort.evaluation.verdicts.bounds import (
    VALIDATION,
    above,
    at_least,
    at_most,
    near,
    near_level,
    share_of,
    shortfall,
    times,
    within,
)
from syncohort.evaluation.verdicts.metric import Metric
from syncohort.evaluation.verdicts.privacy_metrics import (
    INFERENCE,
    LINKABILITY,
    MODEL,
    PRIVACY_METRICS,
    SINGLING_OUT,
)

BOOTSTRAP, MOSAIC = "bootstrap", "mosaic"

DIMENSIONS = {
    SINGLING_OUT: "Singling out",
    LINKABILITY: "Linkability",
    INFERENCE: "Inference",
    MODEL: "The trained network",
    "frequencies": "Allele frequencies",
    "linkage": "Linkage",
    "individuals": "Individuals",
    "structure": "Population structure",
    "utility": "Utility",
    "association": "Association",
}

BOUND_COLUMNS = ("pass_low", "pass_high", "look_low", "look_high")  # of a judged table
COUNTED_PEOPLE = (
    "copied_people",
    "near_copies",
    "related_people",
)  # metrics whose value is a number of people

PRIVACY = (SINGLING_OUT, LINKABILITY, INFERENCE)
FIDELITY = ("frequencies", "linkage", "individuals", "structure")


METRICS = (
    Metric(
        "frequency_error",
        "frequencies",
        "Error of allele frequencies",
        "as small as the bootstrap copy's, which has but the error of sampling",
        times(BOOTSTRAP, passes=1.15, looks=1.5),
    ),
    Metric(
        "balanced_frequency_error",
        "frequencies",
        "Error of allele frequencies, mean over labels",
        "as small as the bootstrap copy's, which has but the error of sampling",
        times(BOOTSTRAP, passes=1.15, looks=1.5),
    ),
    Metric(
        "minor_frequency_kept",
        "frequencies",
        "Rare alleles kept",
        "near 1 for rare alleles too; below, they were lost",
        near(1, 0.07, 0.2),
    ),
    Metric(
        "frequency_r",
        "frequencies",
        "Correlation of allele frequencies",
        "as near 1 as the bootstrap copy's; almost any generator comes close",
        shortfall(BOOTSTRAP, 1.3, 2.25),
    ),
    Metric(
        "sfs_distance",
        "frequencies",
        "Distance of site-frequency spectra",
        "as small as validation people's",
        times(VALIDATION, BOOTSTRAP, passes=1.3, looks=2),
    ),
    Metric(
        "burden_r",
        "frequencies",
        "Burden: people who carry a rare allele in a gene, correlation with the holdout's",
        "as near 1 as the bootstrap copy's",
        shortfall(BOOTSTRAP, 1.5, 3),
    ),
    Metric(
        "burden_kept",
        "frequencies",
        "Burden: people who carry a rare allele in a gene, over the holdout's",
        "near 1",
        near(1, 0.07, 0.2),
    ),
    Metric(
        "settled_alleles",
        "frequencies",
        "ALT alleles taken away where a site of several had too many",
        "far below independent SNPs': the alleles of a site were learned to exclude each other",
    ),
    Metric(
        "ld_r",
        "linkage",
        "Linkage: correlation with the holdout's",
        "as near 1 as the bootstrap copy's; independent SNPs are near 0",
        shortfall(BOOTSTRAP, 1.5, 3),
    ),
    Metric(
        "ld_slope",
        "linkage",
        "Linkage: slope on the holdout's",
        "the bootstrap copy's; below, linkage is too weak",
        near_level(BOOTSTRAP, 0.05, 0.2),
    ),
    Metric(
        "ld_kept",
        "linkage",
        "Linkage kept",
        "near 1 at every distance; below, long haplotypes are lost",
        near(1, 0.15, 0.4),
    ),
    Metric(
        "ld_kept_cM",
        "linkage",
        "Linkage kept, by genetic distance",
        "near 1 at every distance",
        near(1, 0.15, 0.4),
    ),
    Metric(
        "ld_r_train",
        "linkage",
        "Linkage: correlation with the training people's",
        "as near 1 as validation people's; nearer is no virtue",
        shortfall(VALIDATION, 1.1, 3),
    ),
    Metric(
        "ld_slope_train",
        "linkage",
        "Linkage: slope on the training people's",
        "as validation people's",
        near_level(VALIDATION, 0.05, 0.2),
    ),
    Metric(
        "haplotype_match_length",
        "linkage",
        "Length of haplotypes two people share",
        "near 1; below, haplotypes are broken up, above, people are too alike",
        near(1, 0.1, 0.3),
    ),
    Metric(
        "proxy_r2_kept",
        "linkage",
        "Linkage kept with the best common proxy",
        "near 1; below, rare alleles lie on the wrong haplotypes",
        near(1, 0.15, 0.4),
    ),
    Metric(
        "heterozygosity_ratio",
        "individuals",
        "Heterozygosity",
        "near 1; below, people are too uniform",
        near(1, 0.03, 0.1),
    ),
    Metric(
        "heterozygosity_spread",
        "individuals",
        "Spread of heterozygosity between people",
        "near 1; below, people differ too little from each other",
        near(1, 0.08, 0.3),
    ),
    Metric(
        "homozygosity_runs",
        "individuals",
        "Length of homozygous stretches",
        "near 1",
        near(1, 0.1, 0.3),
    ),
    Metric(
        "inbreeding_f",
        "individuals",
        "Inbreeding coefficient F",
        "as validation people's; above, too few heterozygotes for the frequencies",
        near_level(VALIDATION, 0.01, 0.05, relative=False),
    ),
    Metric(
        "hwe_rejected",
        "individuals",
        "SNPs out of Hardy-Weinberg equilibrium",
        "as few as in real people",
    ),
    Metric(
        "hwe_rejected_ratio",
        "individuals",
        "SNPs out of Hardy-Weinberg equilibrium, over real",
        "near 1; at most 3",
        at_most(3, 6),
    ),
    Metric(
        "kinship_pairs",
        "individuals",
        "Close relatives among the people",
        "no more than among real people",
        at_most(1.5, 3),
    ),
    Metric(
        "pairwise_distance",
        "individuals",
        "Distances between people of a label",
        "distributed as validation people's",
        times(VALIDATION, passes=1.3, looks=2),
    ),
    Metric(
        "knn_precision",
        "individuals",
        "Precision: synthetic people among real ones",
        "as high as validation people's",
        share_of(VALIDATION, 0.95, 0.8),
    ),
    Metric(
        "knn_recall",
        "individuals",
        "Recall: real people among synthetic ones",
        "as high as validation people's; below, kinds of people are missing",
        share_of(VALIDATION, 0.95, 0.8),
    ),
    Metric(
        "aa_truth",
        "individuals",
        "Adversarial accuracy: holdout people nearer to their own than to synthetic people",
        "near 0.5; above, synthetic people are far from real ones",
        within(0.4, 0.65, 0.3, 0.8),
        only={"against": HOLDOUT},
    ),
    Metric(
        "aa_syn",
        "individuals",
        "Adversarial accuracy: synthetic people nearer to their own than to holdout people",
        "near 0.5; above, synthetic people are too like one another",
        within(0.4, 0.65, 0.3, 0.8),
        only={"against": HOLDOUT},
    ),
    Metric(
        "fst_r",
        "structure",
        "Fst between labels: correlation with the holdout's",
        "as near 1 as the bootstrap copy's",
        shortfall(BOOTSTRAP, 2, 5),
    ),
    Metric(
        "fst_error",
        "structure",
        "Fst between labels: error",
        "as small as the bootstrap copy's",
        times(BOOTSTRAP, passes=1.3, looks=2),
    ),
    Metric(
        "pca_distance",
        "structure",
        "Distance on principal axes",
        "as small as validation people's",
        times(VALIDATION, BOOTSTRAP, passes=1.3, looks=2),
    ),
    Metric(
        "global_distance",
        "structure",
        "Global vectors: distance from validation people's",
        "not more than the training people's",
    ),
    Metric(
        "global_haplotype_r",
        "structure",
        "Global vectors: correlation of a person's two haplotypes",
        "the training people's",
    ),
    *PRIVACY_METRICS,
    Metric(
        "recovery_rate",
        "utility",
        "Recovery of the classifier's accuracy",
        "as high as the bootstrap copy's; independent SNPs come near it, so it proves little alone",
        only={"trained_on": WITH_REAL},
    ),
    Metric(
        "recovery_rate",
        "utility",
        "Recovery of the classifier's accuracy",
        "as high as the bootstrap copy's; independent SNPs come near it, so it proves little alone",
        share_of(BOOTSTRAP, 0.95, 0.85),
        needs_many=True,
    ),
    Metric(
        "projection_variance",
        "utility",
        "Principal axes learned from synthetic people: real people's variance on them",
        "as much as on the bootstrap copy's axes",
        share_of(BOOTSTRAP, 0.95, 0.85),
        needs_many=True,
    ),
    Metric("accuracy", "utility", "Accuracy of a classifier", "as high as trained on real people"),
    Metric(
        "balanced_accuracy",
        "utility",
        "Accuracy, mean over labels",
        "as high as trained on real people",
    ),
    Metric("auc", "utility", "AUC of a classifier", "as high as trained on real people"),
    Metric("trained_people", "utility", "People trained on", "as many as real training people"),
    Metric(
        "augmentation_gain",
        "utility",
        "Accuracy gained by adding synthetic people to few real ones",
        "above 0; the generator has seen all training people, and most of the gain is theirs",
    ),
    Metric("augmented_accuracy", "utility", "Accuracy with synthetic people added", "high"),
    Metric(
        "augmented_balanced_accuracy",
        "utility",
        "Accuracy with synthetic people added, mean over labels",
        "high",
    ),
    Metric("augmented_auc", "utility", "AUC with synthetic people added", "high"),
    Metric(
        "imputation_r2",
        "utility",
        "Imputation of holdout people from these people (r2)",
        "as high as from real training people",
    ),
    Metric(
        "imputation_loss",
        "utility",
        "Imputation of holdout people: r2 less than from real training people, rare alleles",
        "near 0",
        only={"maf_bin": IMPUTATION_BINS[0]},
    ),
    Metric(
        "imputation_loss",
        "utility",
        "Imputation of holdout people: r2 less than from real training people",
        "near 0",
        at_most(0.03, 0.1),
    ),
    Metric(
        "effect_r",
        "association",
        "Effects: correlation with the true ones",
        "as high as real people's",
        share_of(REAL, 0.8, 0.5),
        only={"against": TRUTH},
        needs_many=True,
    ),
    Metric(
        "effect_r",
        "association",
        "Effects: correlation with real people's",
        "as high as the bootstrap copy's; shuffled labels are near 0",
        share_of(BOOTSTRAP, 0.8, 0.5),
        needs_many=True,
    ),
    Metric(
        "effect_slope",
        "association",
        "Effects: slope on real people's",
        "0.8 to 1.2, or as validation people's; below, associations are washed out",
        near(1, 0.2, 0.5),
    ),
    Metric(
        "sign_agreement",
        "association",
        "Effects of the same sign",
        "as often as in the bootstrap copy; chance is 0.5",
        share_of(BOOTSTRAP, 0.9, 0.75),
        needs_many=True,
    ),
    Metric(
        "power",
        "association",
        "Power: causal SNPs found",
        "as many as in as many real people",
        share_of(REAL, 0.8, 0.5),
        needs_many=True,
    ),
    Metric(
        "false_discoveries",
        "association",
        "False discoveries",
        "no larger a share than in real people",
        above(REAL, 0.05, 0.2),
    ),
    Metric(
        "score_auc",
        "association",
        "Polygenic score on the holdout, less the one trained on real people",
        "near 0",
        at_least(-0.03, -0.1),
        only={"against": REAL},
        needs_many=True,
    ),
    Metric("score_auc", "association", "Polygenic score on the holdout (AUC)", "as after real"),
    Metric(
        "score_r",
        "association",
        "Polygenic score on the holdout, less the one trained on real people",
        "near 0",
        at_least(-0.05, -0.15),
        only={"against": REAL},
        needs_many=True,
    ),
    Metric(
        "score_r",
        "association",
        "Polygenic score on the holdout (correlation)",
        "as after real",
    ),
)

_SAID_APART = ("part", "trained_on")  # columns that no title says


def find_metric(name: str, group: Group) -> Metric | None:
    """The entry of `METRICS` for a group of a metric, the first that fits; None: not known."""
    columns = group._asdict()
    for metric in METRICS:
        if metric.name == name and metric.only and metric.only.items() <= columns.items():
            return metric
    entries = (metric for metric in METRICS if metric.name == name and not metric.only)
    return next(entries, None)


def judged_by(group: Group) -> Group | None:
    """The group that a group of the same generator is a level for; None for most groups.

    What real people show is the level of what the generator's people show, and a
    comparison with holdout people that of the same comparison with training people.
    """
    if group.part:
        return group._replace(part="")
    return group._replace(against=TRAIN) if group.against == HOLDOUT else None


def describe(metric: Metric, group: Group) -> str:
    """A metric and its group in words; what its title says is not said again."""
    said = {column: "" for column in metric.only if column not in _SAID_APART}
    words = in_words(group._replace(**said))
    return f"{metric.title}, {words}" if words else metric.title
