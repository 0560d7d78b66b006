"""The metrics of what a release, or the network it was drawn from gives away about people."""

from syncohort.evaluation.groups import HOLDOUT, REAL, TRAIN
from syncohort.evaluation.verdicts.bounds import (
    above,
    at_least,
    at_most,
    at_most_or_above,
    below,
    look_above,
    no_more_than,
    share_of,
    times_above,
    within_chance,
)
from syncohort.evaluation.verdicts.metric import Metric

INDEPENDENT = (
    "independent"  # the kind of generator that has the labels' frequencies and nothing else
)
SINGLING_OUT, LINKABILITY, INFERENCE = "singling_out", "linkability", "inference"
MODEL = "model"
_WHITE_BOX = {  # method -> what its titles name
    "white box": "the trained network itself",
    "white box, fitted": "all losses of the trained network",
}
_OF_HOLDOUT = {"part": HOLDOUT}  # what the holdout people show on the same test

PRIVACY_METRICS = (
    *(
        Metric(
            "membership_auc",
            MODEL,
            f"Membership inference AUC of {words}",
            "0.5; it matters when the network is released too, not for the people alone",
            at_most(0.55, 0.62),
            only={"method": method},
        )
        for method, words in _WHITE_BOX.items()
    ),
    Metric(
        "beyond_limit",
        MODEL,
        "Kept weights beyond the limit on membership inference in training",
        "0; above, no epoch of the training was within training.membership_max",
        at_most(0, 0),
    ),
    Metric(
        "membership_auc",
        MODEL,
        "Membership inference AUC of the model of global vectors, against validation people",
        "0.5; it matters when the model is released too",
        at_most(0.55, 0.62),
        only={"method": "global vector"},
    ),
    Metric(
        "membership_auc",
        MODEL,
        "Membership inference AUC of the model's likelihood",
        "0.5; it matters when the model is released too",
        at_most(0.55, 0.62),
        only={"method": "likelihood"},
    ),
    Metric(
        "log_likelihood",
        MODEL,
        "Log likelihood of people under the model [nats per SNP of a row]",
        "high for holdout people, and no higher for training people",
    ),
    Metric(
        "membership_auc",
        LINKABILITY,
        "Membership inference AUC",
        "0.5, or no more than validation people reach by chance; the copy shows what a leak is",
        at_most(0.53, 0.6),
        public_frequencies=at_most_or_above(0.53, 0.6, INDEPENDENT, 0.02),
    ),
    Metric(
        "membership_excess",
        LINKABILITY,
        "Membership inference AUC above that of independent SNPs",
        "at most 0.02; independent SNPs have the labels' frequencies and nothing else of anybody",
        at_most(0.02, 0.07),
    ),
    *(
        Metric(
            "membership_tpr",
            MODEL,
            f"Training people found by {words}",
            "no more than the share of false positives",
            at_most(0.02, 0.05),
            only={"method": method, "fpr": "1 %"},
        )
        for method, words in _WHITE_BOX.items()
    ),
    *(
        Metric(
            "membership_tpr",
            MODEL,
            "Training people found by the trained model itself",
            "no more than the share of false positives",
            only={"method": method},
        )
        for method in (*_WHITE_BOX, "global vector", "likelihood")
    ),
    Metric(
        "membership_tpr",
        LINKABILITY,
        "Training people found",
        "no more than the share of false positives",
        at_most(0.02, 0.05),
        only={"fpr": "1 %"},
        public_frequencies=at_most_or_above(0.02, 0.05, INDEPENDENT, 0.01),
    ),
    Metric(
        "membership_tpr",
        LINKABILITY,
        "Training people found",
        "no more than the share of false positives",
    ),
    Metric(
        "linkability_gain",
        LINKABILITY,
        "Two profiles of a training person linked, less those of holdout people",
        "0: the synthetic people link no more profiles than chance does",
        at_most(0.02, 0.05),
    ),
    Metric(
        "attribute_gain",
        INFERENCE,
        "Hidden alleles or label of training people told, less those of holdout people",
        "0: what is told of a person follows from the population, not from the person",
        at_most(0.02, 0.05),
    ),
    Metric(
        "copied_people",
        SINGLING_OUT,
        "People who are copies of training people",
        "expected from real people that nothing was trained on",
        only={"part": REAL},
    ),
    Metric(
        "copied_people",
        SINGLING_OUT,
        "People who are copies of training people",
        "no more than chance gives at the rate of real people: mostly nobody",
        no_more_than(HOLDOUT),
    ),
    Metric(
        "near_copies",
        SINGLING_OUT,
        "People who are near copies of training people",
        "expected from real people that nothing was trained on",
        only={"part": REAL},
    ),
    Metric(
        "near_copies",
        SINGLING_OUT,
        "People who are near copies of training people",
        "no more than chance gives at the rate of real people; where validation people have more, "
        "some are relatives of training people whom nothing declares",
        no_more_than(HOLDOUT),
    ),
    Metric(
        "related_people",
        SINGLING_OUT,
        "People who are relatives of training people",
        "what chance stays within in 19 of 20 studies, at the rate of real people",
        only={"part": REAL},
    ),
    Metric(
        "related_people",
        SINGLING_OUT,
        "People who are relatives of training people",
        "no more than chance gives at the rate of real people",
        within_chance(HOLDOUT),
    ),
    Metric(
        "longest_segment",
        SINGLING_OUT,
        "Longest stretch that a training haplotype has too [cM]",
        "of real people that nothing was trained on",
        only={"part": REAL},
    ),
    Metric(
        "longest_segment",
        SINGLING_OUT,
        "Longest stretch that a training haplotype has too [cM]",
        "no longer than real people's; longer, relatives of training people or pieces of their haplotypes",
        times_above(HOLDOUT, 1.1, 1.5),
    ),
    Metric(
        "shared_segments",
        SINGLING_OUT,
        "Share of haplotypes in long stretches that a training haplotype has too",
        "of real people that nothing was trained on",
        only={"part": REAL},
    ),
    Metric(
        "shared_segments",
        SINGLING_OUT,
        "Share of haplotypes in long stretches that a training haplotype has too",
        "no more than of real people; one allele that differs ends a stretch, so that a low share alone proves little",
        above(HOLDOUT, 0.01, 0.1),
    ),
    Metric(
        "riskiest_person",
        SINGLING_OUT,
        "Riskiest person: chance that the nearest of as many real people is as near",
        "not below 0.05; below, somebody is nearer to a training person than chance brings people",
        at_least(0.05, 0.001),
    ),
    Metric(
        "identical_share",
        SINGLING_OUT,
        "Whole copies of training people",
        "the level of the holdout people",
        only=_OF_HOLDOUT,
    ),
    Metric(
        "identical_share",
        SINGLING_OUT,
        "Whole copies of training people",
        "no more than among holdout people",
        above(HOLDOUT, 0, 0.01),
    ),
    Metric(
        "window_copies",
        SINGLING_OUT,
        "Windows copied from training people",
        "the level of the holdout people",
        only=_OF_HOLDOUT,
    ),
    Metric(
        "window_copies",
        SINGLING_OUT,
        "Windows copied from training people",
        "no more than among holdout people",
        above(HOLDOUT, 0.01, 0.1),
    ),
    Metric(
        "rare_haplotypes",
        SINGLING_OUT,
        "Rare haplotypes that training people have",
        "the level of the holdout people",
        only=_OF_HOLDOUT,
    ),
    Metric(
        "rare_haplotypes",
        SINGLING_OUT,
        "Rare haplotypes that training people have",
        "of a person's haplotypes with few carriers or none, as large a share as of holdout people's",
        above(HOLDOUT, 0.02, 0.1),
    ),
    Metric(
        "rare_alleles",
        SINGLING_OUT,
        "Alleles of few training people, per person",
        "the level of the holdout people",
        only=_OF_HOLDOUT,
    ),
    Metric(
        "rare_alleles",
        SINGLING_OUT,
        "Alleles of few training people, per person",
        "as many as holdout people have",
        times_above(HOLDOUT, 1.1, 1.5),
    ),
    Metric(
        "small_counts",
        SINGLING_OUT,
        "Labels of few training people in the release",
        "0; a label of few people is for people to decide on",
        look_above(0),
        only={"method": "labels"},
    ),
    Metric(
        "small_counts",
        SINGLING_OUT,
        "Different alleles or haplotypes of few training people in the release",
        "the rows above say whether chance gives as many",
    ),
    Metric(
        "closest_record_ratio",
        SINGLING_OUT,
        "Distance to the closest training person, over holdout people's",
        "near 1; below, synthetic people lean on training people",
        at_least(0.97, 0.9),
    ),
    Metric(
        "closest_record_tail",
        SINGLING_OUT,
        "Share nearer to a training person than 99 % of real people",
        "what chance stays within in 19 of 20 studies",
        only={"part": REAL},
    ),
    Metric(
        "closest_record_tail",
        SINGLING_OUT,
        "Share nearer to a training person than 99 % of real people",
        "no more than chance gives, about 0.01; above, some are near copies",
        within_chance(HOLDOUT),
    ),
    Metric(
        "neighbour_distance_ratio",
        SINGLING_OUT,
        "Nearest over second nearest training person",
        "the level of the holdout people",
        only=_OF_HOLDOUT,
    ),
    Metric(
        "neighbour_distance_ratio",
        SINGLING_OUT,
        "Nearest over second nearest training person",
        "as holdout people's; below, single training people are leaned on",
        share_of(HOLDOUT, 0.97, 0.9),
    ),
    Metric(
        "data_copying",
        SINGLING_OUT,
        "Data-copying test (z)",
        "above -3; below, synthetic people are nearer to training people than holdout people are",
        at_least(-3, -5),
    ),
    Metric(
        "privacy_loss",
        SINGLING_OUT,
        "Privacy loss",
        "near 0; it barely sees even a copy, so little follows from a pass",
        at_most(0.02, 0.05),
    ),
    Metric(
        "aa_truth",
        SINGLING_OUT,
        "Adversarial accuracy: training people nearer to their own than to synthetic people",
        "not below that of the holdout people; below, training people have synthetic doubles",
        below(HOLDOUT, 0.02, 0.1),
        only={"against": TRAIN},
    ),
    Metric(
        "aa_syn",
        SINGLING_OUT,
        "Adversarial accuracy: synthetic people nearer to their own than to training people",
        "not below that of the holdout people; below, they are doubles of training people",
        below(HOLDOUT, 0.02, 0.1),
        only={"against": TRAIN},
    ),
)
