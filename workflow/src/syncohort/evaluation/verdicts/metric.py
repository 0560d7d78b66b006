"""One entry of the list of metrics, `metrics.METRICS`."""

from dataclasses import dataclass, field

from syncohort.evaluation.verdicts.bounds import Rule


@dataclass(frozen=True)
class Metric:
    """One metric of the tidy table.

    only: columns of `Group` and what they hold in the rows it is for, {} for all others. rule:
    None for a number that only explains others. needs_many: it depends on how many people there are to learn from, so
    that validation people, a tenth as many, are not judged by it. public_frequencies: the rule instead where the allele
    frequencies of the labels are public.
    """

    name: str
    dimension: str
    title: str
    good: str
    rule: Rule | None = None
    only: dict[str, str] = field(default_factory=dict)
    needs_many: bool = False
    public_frequencies: Rule | None = None
