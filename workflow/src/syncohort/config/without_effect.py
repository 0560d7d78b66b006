"""Keys that a study sets and that change nothing in it, for the check page.

A key whose value is the default counts as not set: config/config.yaml has all of them.
"""

from collections.abc import Callable
from operator import attrgetter
from typing import NamedTuple

from syncohort.config.sections import Section
from syncohort.config.study import Config


class _Rule(NamedTuple):
    """When keys have an effect, by a study, or by one of its sections; otherwise: why they have none."""

    keys: tuple[str, ...]
    has_effect: Callable
    otherwise: str


def _is_measured(study: Config) -> bool:
    return bool(study.labels.case_label or study.labels.cuts)


_ASSOCIATION = "association is measured with labels.case_label or labels.cuts, and there is neither"
_OF_STUDIES = (
    _Rule(("labels.id_column",), attrgetter("labels.table"), "there is no labels.table"),
    _Rule(
        ("phasing.program",),
        lambda study: study.mode == "haplotype",
        "nothing is phased with mode: genotype",
    ),
    _Rule(
        ("phasing.recombination_map",),
        lambda study: study.mode == "haplotype" and study.phasing.program != "none",
        "nothing is phased, which needs mode: haplotype and phasing.program",
    ),
    _Rule(
        ("expansion.recombination_map", "expansion.overlap_min", "expansion.shared_people"),
        attrgetter("expansion.panel"),
        "there is no expansion.panel",
    ),
    _Rule(
        (
            "pretraining.id_column",
            "pretraining.label_column",
            "pretraining.overlap_min",
            "pretraining.shared_people",
        ),
        attrgetter("pretraining.panel"),
        "there is no pretraining.panel",
    ),
    _Rule(("evaluation.causal_snps", "evaluation.covariate_pcs"), _is_measured, _ASSOCIATION),
    _Rule(
        ("evaluation.replicates",),
        lambda study: any(each.kind == "diffusion" for each in study.generators.values()),
        "only diffusion models are trained several times, and there is none",
    ),
    _Rule(
        ("split.kinship_min",), attrgetter("split.kinship_table"), "there is no split.kinship_table"
    ),
    _Rule(
        ("release.fasta.people", "release.fasta.mismatch_max"),
        lambda study: "fasta" in study.release.export,
        "release.export has no fasta",
    ),
)
_OF_GENERATORS = (
    _Rule(("global_axes",), attrgetter("per_chromosome"), "it is for per_chromosome: true"),
    _Rule(
        ("sampling.paired",),
        lambda generator: not generator.per_chromosome,
        "networks per chromosome draw the haplotypes of a person together",
    ),
    _Rule(
        (
            "decoding.rare_margin",
            "decoding.common_margin",
            "decoding.label_margin",
            "decoding.label_z",
        ),
        lambda generator: generator.decoding.rule == "matched",
        "it is for decoding.rule: matched",
    ),
)
_OF_REPRESENTATIONS = (
    _Rule(("variance_kept",), lambda section: section.rule == "loss", "it is for rule: loss"),
)


def without_effect(given: dict, study: Config) -> list[tuple[str, str]]:
    """Keys and why each has no effect.

    given: the configuration as it was typed; study: the same, checked.
    """
    found = _unused(given, study, _OF_STUDIES)
    for part, rules in (("generators", _OF_GENERATORS), ("representations", _OF_REPRESENTATIONS)):
        for name, section in getattr(study, part).items():
            own = (given.get(part) or {}).get(name) or {}
            found += [(f"{part}.{name}.{key}", why) for key, why in _unused(own, section, rules)]
    return found


def _unused(given: dict, section: Section, rules: tuple[_Rule, ...]) -> list[tuple[str, str]]:
    return [
        (key, rule.otherwise)
        for rule in rules
        for key in rule.keys
        if _is_set(given, section, key) and not rule.has_effect(section)
    ]


def _is_set(given: dict, section: Section, key: str) -> bool:
    """Whether a key was typed, with another value than its default."""
    *sections, name = key.split(".")
    for each in sections:
        given, section = given.get(each) or {}, getattr(section, each, None)
    if name not in given or section is None:
        return False
    return getattr(section, name) != type(section).model_fields[name].default
