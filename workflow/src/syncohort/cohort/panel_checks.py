"""The compatibility check's part on public panels: does one fit, and are its people other people?

Sites that are not modelled are imputed from the panel of `expansion`, so a rare allele there is one of the
panel's people's, and networks are trained on the people of the panel of `pretraining` for as long as it takes. If
these are people of the cohort, that is what the release was to keep inside. The ids need not tell: a
person is known by the genotypes.

Axes: V variants, S people of the cohort, T people of the panel, N compared sites.
"""

import json
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd

from syncohort.cohort.panel_people import NO_LABEL, panel_people
from syncohort.cohort.people_checks import Check
from syncohort.cohort_store import CohortStore
from syncohort.dosages import called_sums, minor, share
from syncohort.errors import InputError, examples
from syncohort.formats.panel_sites import (
    USED,
    fates_of,
    read_dosages,
    read_panel,
    require_overlap,
    require_text,
)
from syncohort.formats.shared_sites import records_of
from syncohort.genotypes import to_rows

MOST_SITES = 400
_COMMON = 0.05  # MAF from which a site tells people apart
_FREQUENCY_PEOPLE = 500  # who tell how common the sites are
# Of the same person typed twice some calls differ; two people without a common parent are alike at about half.
_ALIKE = 0.97
_LEAST_COMPARED = 50
_PAIRS_HELD = 1 << 24
# Section of the configuration -> what would become of people who are in the panel and in the cohort.
_HARM = {
    "expansion": "Their rare alleles would leave with the release.",
    "pretraining": "A network would be trained on them for as long as on the panel.",
}
_ALLOWED = {
    "expansion": "Their rare alleles leave with the release, as expansion.shared_people: true allows.",
    "pretraining": "Networks are trained on them for as long as on the panel, as pretraining.shared_people: true allows.",
}


@dataclass
class PanelFit:
    """One chromosome of a panel beside the cohort's.

    people: ids of the panel's. n_sites: that were compared. pairs: ids of people of the cohort and of the
    panel who have the same genotypes. unknown: ids of people of the cohort who have too few calls to say.
    problem: why the panel cannot be used, "" where it can. n_modelled: sites of the cohort that may be
    modelled; n_used: those of them that the panel has with the same alleles.
    """

    contig: str
    people: set[str] = field(default_factory=set)
    n_sites: int = 0
    pairs: set[tuple[str, str]] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    problem: str = ""
    n_modelled: int = 0
    n_used: int = 0

    @classmethod
    def of(
        cls,
        store: CohortStore,
        path: str | Path,
        maf_min: float,
        overlap_min: float,
        section: str = "expansion",
    ) -> Self:
        """Compare a chromosome of a panel with the cohort's.

        store: imported. maf_min: of the sites that count for `require_overlap`, see there for
        overlap_min. section: of the configuration, which names the panel.
        """
        frequency = _frequency(store)
        try:
            with tempfile.TemporaryDirectory(prefix="syncohort-panel-") as folder:
                panel = read_panel(Path(path), store.variants, Path(folder))
                if section == "expansion":
                    require_text(panel)
                modelled = records_of(store.variants[minor(frequency) >= max(maf_min, 1e-9)])
                fates = fates_of(modelled, panel.records)
                require_overlap(fates, panel, store.contig, overlap_min, section)
                fit = cls._compared(store, panel, Path(folder), frequency)
                return replace(fit, n_modelled=len(fates), n_used=int((fates == USED).sum()))
        except InputError as problem:
            return cls(store.contig, problem=str(problem))

    @classmethod
    def _compared(cls, store, panel, folder, frequency) -> Self:
        chosen = _spread(np.flatnonzero(_tells_people_apart(store, panel, frequency)))
        ours, theirs = _both_dosages(store, panel, folder, chosen)
        ids = store.people.id.astype(str)
        pairs = {(str(ids[i]), panel.people[j]) for i, j in alike_people(ours.T, theirs.T)}
        unknown = set(ids[(ours >= 0).sum(axis=0) < _LEAST_COMPARED].tolist())
        return cls(store.contig, set(panel.people), n_sites=len(ours), pairs=pairs, unknown=unknown)

    def contradicts(self, pair: tuple[str, str]) -> bool:
        """Whether two people who are one on another chromosome are two here."""
        own, other = pair
        return pair not in self.pairs and own not in self.unknown and other in self.people

    def write(self, path: str | Path) -> None:
        """As JSON, for `read`."""
        kept = {
            name: sorted(value) if isinstance(value, set) else value
            for name, value in asdict(self).items()
        }
        Path(path).write_text(json.dumps(kept, indent=1) + "\n")

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """What `write` wrote."""
        kept = json.loads(Path(path).read_text())
        sets = {name: set(kept[name]) for name in ("people", "unknown")}
        return cls(**kept | sets | {"pairs": {tuple(pair) for pair in kept["pairs"]}})


def _people_of(fits: Iterable[PanelFit]) -> set[str]:
    """Ids of a panel's people, of all its chromosomes."""
    return set().union(*(fit.people for fit in fits))


def panel_table(paths: list[str]) -> pd.DataFrame:
    """The people of a panel as a join lists people, nobody left out; paths: as of `panel_checks`."""
    ids = sorted(_people_of(map(PanelFit.read, paths)))
    return pd.DataFrame({"sample": ids, "label": NO_LABEL, "excluded": ""})


def pretraining_checks(
    paths: list[str],
    cohort_labels: set[str],
    table: str | None,
    *,
    id_column: str | None,
    label_column: str,
    seed: int,
) -> list[Check]:
    """What a panel that networks are trained on has of the cohort: its sites and its labels.

    paths: as of `panel_checks`, none without a panel; cohort_labels: of the people who are used; others: as of
    `panel_people`.
    """
    fits = [PanelFit.read(path) for path in paths]
    if not fits or any(fit.problem for fit in fits):
        return []
    n_modelled, n_used = sum(fit.n_modelled for fit in fits), sum(fit.n_used for fit in fits)
    found = (
        f"the panel has {n_used:,} of about {n_modelled:,} modelled sites with the same REF and ALT"
    )
    if n_used < n_modelled:
        found += "; the other sites are missing in all of its people"
    checks = [Check("sites of pretraining.panel", found)]
    ids = sorted(_people_of(fits))
    try:
        people = panel_people(ids, table, id_column=id_column, label_column=label_column, seed=seed)
    except InputError as problem:
        advice = "See the section `pretraining` in config/README.md."
        return [*checks, Check("pretraining.table", str(problem), "stop", advice)]
    if table is None:
        return checks
    shared = cohort_labels & set(people.label)
    found = (
        f"{len(people):,} of the panel's {len(ids):,} people have a label; {len(shared):,} of the cohort's "
        f"{len(cohort_labels):,} labels are among theirs"
    )
    if shared:
        return [*checks, Check("pretraining.table", found)]
    advice = (
        f"Nothing is learned for a label: the panel's are {examples(sorted(set(people.label)))}, the "
        f"cohort's {examples(sorted(cohort_labels))}. Are they spelled in the same way?"
    )
    return [*checks, Check("pretraining.table", found, "look", advice)]


def require_other_people(paths: list[str], *, may_share: bool) -> None:
    """Raise InputError for a panel of `pretraining` that `panel_checks` refuses; arguments as there."""
    for check in panel_checks(paths, may_share=may_share, section="pretraining"):
        if check.level == "stop":
            raise InputError(f"{check.name}: {check.found}. {check.advice}")


def _frequency(store: CohortStore) -> np.ndarray:
    """Frequency of ALT [V], of at most _FREQUENCY_PEOPLE people of the cohort; NaN without a call."""
    n = len(store.people)
    index = np.unique(np.linspace(0, n - 1, min(n, _FREQUENCY_PEOPLE)).astype(int))
    found = [np.zeros(0)]
    for _, calls in store.variant_chunks(index):
        found.append(share(*called_sums(calls.reshape(len(calls), -1), axis=1)))
    return np.concatenate(found)


def _tells_people_apart(store: CohortStore, panel, frequency: np.ndarray) -> np.ndarray:
    """Which variants [V] are common sites of one ALT allele that the panel has, too."""
    records = records_of(store.variants)
    usable = (fates_of(records, panel.records) == USED) & (records.n_alts == 1)
    return usable[records.record] & (minor(frequency) >= _COMMON)


def _spread(index: np.ndarray) -> np.ndarray:
    """At most MOST_SITES of some variants, at equal steps."""
    if len(index) <= MOST_SITES:
        return index
    return index[np.linspace(0, len(index) - 1, MOST_SITES).astype(int)]


def _both_dosages(store, panel, folder, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Copies of ALT at the chosen variants, [N, S] of the cohort and [N, T] of the panel, -1 missing."""
    sites, theirs = read_dosages(panel, folder, store.variants.position_bp[chosen])
    row_of = {site: row for row, site in enumerate(sites)}
    keys = [
        (int(position), *alleles)
        for position, alleles in zip(
            store.variants.position_bp[chosen], store.variants.allele[chosen].tolist(), strict=True
        )
    ]
    own = np.full((len(chosen), len(store.people)), -1, dtype=np.int8)
    for part in store.variant_slices():
        inside = (chosen >= part.start) & (chosen < part.stop)
        if inside.any():
            calls = store.read(part)[chosen[inside] - part.start]
            own[inside] = to_rows(calls, "genotype").T
    return own, theirs[[row_of[key] for key in keys]]


def alike_people(ours: np.ndarray, theirs: np.ndarray) -> list[tuple[int, int]]:
    """Who of two groups is the same person, by genotypes.

    ours [S, N], theirs [T, N]: copies of ALT, -1 missing. Two people are the same where they agree at
    _ALIKE of the sites that both have, which must be _LEAST_COMPARED.

    Returns pairs of indices.
    """
    found = []
    step = max(1, _PAIRS_HELD // max(len(theirs), 1))
    for start in range(0, len(ours), step):
        part = ours[start : start + step]
        both = _shared(part >= 0, theirs >= 0)
        same = sum(_shared(part == dosage, theirs == dosage) for dosage in (0, 1, 2))
        alike = (both >= _LEAST_COMPARED) & (same >= _ALIKE * both)
        found += [(int(i) + start, int(j)) for i, j in np.argwhere(alike)]
    return found


def _shared(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """How many sites two rows both have, of all pairs of rows."""
    return first.astype(np.float32) @ second.astype(np.float32).T


def panel_checks(paths: list[str], *, may_share: bool, section: str = "expansion") -> list[Check]:
    """Whether a panel fits, and whether its people are other people than the cohort's.

    paths: what `PanelFit.write` wrote, by chromosome; none without a panel. may_share: whether the panel
    may hold people of the cohort, which is then public itself. section: of the configuration, which names the panel.
    """
    fits = [PanelFit.read(path) for path in paths]
    problems = [fit.problem for fit in fits if fit.problem]
    if problems:
        advice = f"See the section `{section}` in config/README.md."
        return [Check(f"{section}.panel", problem, "stop", advice) for problem in problems]
    name = f"people of {section}.panel"
    compared = [fit for fit in fits if fit.n_sites >= _LEAST_COMPARED]
    if fits and not compared:
        found = f"not compared with the cohort's people: it takes {_LEAST_COMPARED} common sites that both have"
        return [
            Check(name, found, "look", "Make sure that the panel's people are not the cohort's.")
        ]
    if not fits:
        return []
    alike = set().union(*(fit.pairs for fit in compared))
    same = {pair for pair in alike if not any(fit.contradicts(pair) for fit in compared)}
    n_sites = sum(fit.n_sites for fit in compared)
    if not same:
        found = (
            f"none has the genotypes of a person of the cohort ({n_sites:,} sites were compared)"
        )
        return [Check(name, found)]
    shown = examples(f"{own} as {other}" for own, other in sorted(same))
    n_people = len(_people_of(compared))
    found = (
        f"{len({other for _, other in same}):,} of {n_people:,} have the genotypes of a person of "
        f"the cohort: {shown} ({n_sites:,} sites were compared)"
    )
    if may_share:
        return [Check(name, found, "look", _ALLOWED[section])]
    return [
        Check(
            name,
            found,
            "stop",
            f"{_HARM[section]} Leave these people out of the panel "
            "(`bcftools view --samples ^ID`), or take another panel. Where the cohort itself is public, set "
            f"{section}.shared_people: true.",
        )
    ]
