"""May a synthetic cohort be released, and if not, why: the first line of every checklist."""

from dataclasses import dataclass
from math import inf

import numpy as np
import pandas as pd

from syncohort.config.allele_generators import REAL_HAPLOTYPES
from syncohort.evaluation.groups import Group, groups_of
from syncohort.evaluation.verdicts.bounds import FAIL, LOOK, NOT_MEASURED, PASS, Bounds, number
from syncohort.evaluation.verdicts.metrics import (
    BOUND_COLUMNS,
    COUNTED_PEOPLE,
    PRIVACY,
    describe,
    find_metric,
)

# without these nothing is known
REQUIRED = ("copied_people", "near_copies", "membership_auc", "attribute_gain")
NO_EVIDENCE = "cannot be released on this evidence"
PUBLIC_FREQUENCIES = (
    "The study declares that the allele frequencies of its labels are public, or may be. What they tell by "
    "themselves of who was in the cohort is left out of this answer: membership is judged by what the people tell beyond "
    "independent SNPs of these frequencies."
)
_FREQUENCIES_ALONE = (
    " Independent SNPs with the allele frequencies of the labels tell as much, and so would these frequencies: if they "
    "are public already, or may be, say so (release.public_frequencies)."
)
_MOST_NAMED = 3


@dataclass(frozen=True)
class Release:
    """Whether a generator's people may be released.

    level: "pass", "look" or "fail", the colour of the line; sentence: it and why, in words.
    """

    generator: str
    level: str
    sentence: str


def unmeasured_privacy(privacy: pd.DataFrame, dimensions=PRIVACY) -> str:
    """Why the privacy of a generator's people is not known, or "" where it is.

    privacy: its judged rows, those by label left out. dimensions: of `PRIVACY`, which to ask for.
    """
    measured = privacy[privacy["verdict"].isin((PASS, LOOK, FAIL))]
    asked = [name for name in REQUIRED if find_metric(name, Group()).dimension in dimensions]
    missing = [name for name in asked if name not in set(measured["metric"])]
    if not missing:
        return ""
    notes = privacy.loc[privacy["verdict"] == NOT_MEASURED, "note"]
    titles = ", ".join(find_metric(name, Group()).title for name in missing)
    reason = next((note for note in notes if note), "no such rows")
    return f"not measured: {titles} ({reason})"


def release_verdict(judged: pd.DataFrame, generator: str) -> Release:
    """May the people of a generator be released? judged: from `judge`."""
    own = judged[(judged["generator"] == generator) & (judged["label"] == "")]
    privacy = own[(own["dimension"].isin(PRIVACY)) & (own["verdict"] != "")]
    failing, looking = (privacy[privacy["verdict"] == word] for word in (FAIL, LOOK))
    if len(failing):
        sentence = f"{generator} must not be released: {_reasons(failing)}."
        if _is_of_frequencies(failing, privacy):
            sentence += _FREQUENCIES_ALONE
        return Release(generator, FAIL, sentence)
    if unknown := unmeasured_privacy(privacy):
        return Release(generator, FAIL, f"{generator} {NO_EVIDENCE}: {unknown}.")
    unmeasured = _unmeasured(privacy)
    if len(looking):
        sentence = f"{generator} may be released only after a look at {_reasons(looking)}."
        return Release(generator, LOOK, sentence + unmeasured)
    passed = (privacy["verdict"] == PASS).sum()
    sentence = f"all {passed} tests of the people's privacy pass."
    caution = " These tests found no leak; that does not prove that there is none."
    if any(_mostly_unmeasured(part) for _, part in privacy.groupby("dimension")):
        sentence = f"{generator} may be released only after a look, though {sentence}"
        return Release(generator, LOOK, sentence + unmeasured + caution)
    return Release(generator, PASS, f"{generator} may be released: {sentence}{unmeasured}{caution}")


def _mostly_unmeasured(rows: pd.DataFrame) -> bool:
    """Whether more of judged rows could not be measured than pass."""
    return (rows["verdict"] == NOT_MEASURED).sum() > (rows["verdict"] == PASS).sum()


def _unmeasured(rows: pd.DataFrame) -> str:
    """How many of judged rows could not be measured, with the first reason; "" for none."""
    missing = rows[rows["verdict"] == NOT_MEASURED]
    if missing.empty:
        return ""
    reason = next((note for note in missing["note"] if note), "")
    tests = "One more test" if len(missing) == 1 else f"{len(missing)} more tests"
    return f" {tests} could not be made ({reason})."


def answer(judged: pd.DataFrame, generator: str, kind: str) -> Release:
    """May the people of a released generator, of a kind, be passed on? judged: from `judge`."""
    if kind in REAL_HAPLOTYPES:
        return not_synthetic(generator, kind)
    return release_verdict(judged, generator)


def not_synthetic(generator: str, kind: str) -> Release:
    """The line of a generator whose people are made of haplotypes of real people."""
    sentence = (
        f"{generator} must not be released as synthetic: its people are made of haplotypes of real "
        f"people (kind {kind})."
    )
    return Release(generator, FAIL, sentence)


def _is_of_frequencies(failing: pd.DataFrame, privacy: pd.DataFrame) -> bool:
    """Whether all that fails is membership that the labels' frequencies tell by themselves."""
    excess = privacy[privacy["metric"] == "membership_excess"]
    beyond = dict(zip(groups_of(excess), excess["verdict"], strict=True))
    return all(
        metric in ("membership_auc", "membership_tpr")
        and beyond.get(group._replace(fpr="", label_size="")) == PASS
        for metric, group in zip(failing["metric"], groups_of(failing), strict=True)
    )


def _reasons(rows: pd.DataFrame) -> str:
    """What keeps rows from passing, in words: counts of people first, a lack of power last."""
    bounds = [Bounds(*each) for each in rows[list(BOUND_COLUMNS)].itertuples(index=False)]
    within = [not each.excess(value) for each, value in zip(bounds, rows["value"], strict=True)]
    order = np.lexsort([~rows["metric"].isin(COUNTED_PEOPLE), within])
    ordered = rows.iloc[order]
    named = without_repeats(ordered).head(_MOST_NAMED)
    texts = [value_in_words(named.iloc[[place]]) for place in range(len(named))]
    more = len(ordered) - len(named)
    return "; ".join(texts) + (f"; and {more} more" if more else "")


def without_repeats(rows: pd.DataFrame) -> pd.DataFrame:
    """Judged rows without those that say the same once more, as that of the only size of labels does."""
    return rows.drop_duplicates(["metric", "value"])


def value_in_words(row: pd.DataFrame) -> str:
    """A judged value and what passes, in words; row: a table of one row.

    A count of people says of how many.
    """
    (group,), own = groups_of(row), row.iloc[0]
    title = describe(find_metric(own["metric"], group), group)
    value = own["note"] if own["metric"] in COUNTED_PEOPLE else number(own["value"])
    bounds = Bounds(*own[list(BOUND_COLUMNS)])
    if own["verdict"] == LOOK and not bounds.excess(own["value"]):
        return f"{title}: {value}, but with so few people {_unseen(bounds, own['smallest'])}"
    return f"{title}: {value} (passes: {bounds})"


def _unseen(bounds: Bounds, smallest: float) -> str:
    """What a test without power may miss."""
    side = "below" if bounds.pass_low == -inf else "above"
    return f"anything {side} {number(smallest)} may go unseen"
