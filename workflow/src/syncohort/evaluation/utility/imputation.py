"""Do synthetic people serve as a panel that real people are imputed from?

Holdout people are thinned to every third variant and imputed with Beagle from a panel: the real
training people, or as many synthetic ones. r2 is the squared correlation of true and imputed dosages
of the minor allele, over all hidden variants of a bin of frequency and all people.

Source: aggregate r2, as in Das et al. 2016.

Axes: V variants, v of a chunk, S holdout people, B = 3 bins of `IMPUTATION_BINS`.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from cyvcf2 import VCF

from syncohort.cohort_store import CohortStore
from syncohort.dosages import IMPUTATION_BINS, called_sums, imputation_bin, minor, share
from syncohort.evaluation.groups import Group
from syncohort.evaluation.intervals import percentile_interval, times_drawn
from syncohort.evaluation.tidy import (
    check_same_variants,
    metric_row,
    people_in,
    tidy,
    withhold_small,
)
from syncohort.formats.beagle import Beagle, read_records, write_people
from syncohort.formats.shared_sites import records_of
from syncohort.genotypes import Variants, to_rows
from syncohort.ploidy import MISSING, doubled

KEPT = 3  # every third variant of the holdout people is known
MOST_VARIANTS, MOST_PANEL, MOST_TARGETS = 20_000, 2_000, 200
R2, LOSS = "imputation_r2", "imputation_loss"
_SUMS = ["n", "x", "y", "xx", "yy", "xy"]  # of true dosages x and imputed ones y


def impute_holdout(
    real: CohortStore, panel: CohortStore | None, beagle: Beagle, *, seed: int
) -> pd.DataFrame:
    """Impute holdout people of one chromosome from a panel.

    At most `MOST_VARIANTS` consecutive variants in the middle of the chromosome, `MOST_PANEL` people
    of the panel and `MOST_TARGETS` holdout people are used, drawn at random; variants that share a
    position are left out, and on X those of which men have two copies, which Beagle takes apart. A
    missing allele of the panel is the panel's commoner one. Men of the panel have one haplotype of
    X; imputed ones have their copy twice, for dosages of 0 and 2 (see `ploidy`).

    Args:
        real: phased cohort with split people. panel: synthetic people, of whom at most as many are
            used as there are training people; None: the training people.
        seed: the same for all panels, so that the same people are imputed.

    Returns:
        A row for each maf_bin (of the training people) and person: contig, panel_people, variants,
        and the sums n, x, y, xx, yy, xy over the hidden variants.

    Raises:
        InputError: the panel holds other variants than the cohort; Beagle fails.
    """
    rng = np.random.default_rng(seed)
    targets = _some(people_in(real, "holdout"), MOST_TARGETS, rng)
    train = people_in(real, "train")
    n_panel = min(len(train), MOST_PANEL)
    source, donors = (real, train)
    if panel is not None:
        check_same_variants(real, panel)
        source, donors = panel, np.arange(len(panel.people))
    donors = _some(donors, n_panel, rng)
    used = _stretch(real.variants)
    with tempfile.TemporaryDirectory(prefix="syncohort-imputing-") as name:
        folder = Path(name)
        known = (
            (variants, doubled(calls)) for variants, calls in _parts(real, targets, used[::KEPT])
        )
        vcf = write_people(folder / "known.vcf.gz", real.people[targets], known, phased=True)
        filled = ((variants, _filled(calls)) for variants, calls in _parts(source, donors, used))
        ref = write_people(folder / "panel.vcf.gz", source.people[donors], filled, phased=True)
        imputed = beagle.run(vcf, folder / "imputed", ref=ref)
        sums, n_variants = _sums(real, targets, used, imputed)
    table = pd.DataFrame(sums.reshape(-1, len(_SUMS)), columns=_SUMS)
    table.insert(0, "contig", real.contig)
    table.insert(1, "maf_bin", np.repeat(IMPUTATION_BINS, len(targets)))
    table.insert(2, "person", np.tile(real.people.id[targets], len(IMPUTATION_BINS)))
    table.insert(3, "panel_people", len(donors))
    table.insert(4, "variants", np.repeat(n_variants, len(targets)))
    return table


def _some(people: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    """At most so many of some people, in their order."""
    return np.sort(rng.permutation(people)[:most])


def _stretch(variants: Variants) -> np.ndarray:
    """Indices of the variants that are used."""
    _, first, counts = np.unique(variants.position_bp, return_index=True, return_counts=True)
    alone = first[counts == 1]
    of_one = variants.male_haploid[alone]
    alone = alone[of_one] if of_one.any() else alone
    start = max(len(alone) - MOST_VARIANTS, 0) // 2
    return alone[start : start + MOST_VARIANTS]


def _parts(store: CohortStore, people: np.ndarray, used: np.ndarray) -> Iterator[tuple]:
    """Used variants and their calls int8 [v, S, 2], chunk by chunk."""
    for part in store.variant_slices():
        own = used[(used >= part.start) & (used < part.stop)]
        if len(own):
            yield store.variants[own], store.read(part, people)[own - part.start]


def _filled(calls: np.ndarray) -> np.ndarray:
    """Calls [v, S, 2] with the commoner allele in the place of missing ones."""
    total, called = _allele_sums(calls)
    common = (2 * total > called).astype(np.int8)
    return np.where(calls == MISSING, common[:, None, None], calls)


def _allele_sums(calls: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """ALT alleles and called alleles [v] of calls [v, S, 2]."""
    return called_sums(np.maximum(calls, MISSING).reshape(len(calls), -1), axis=1)


def _sums(
    real: CohortStore, targets: np.ndarray, used: np.ndarray, imputed: Path
) -> tuple[np.ndarray, np.ndarray]:
    """Sums [B, S, 6] of true and imputed dosages of the minor allele, and hidden variants [B]."""
    is_hidden = np.ones(len(real.variants), dtype=bool)
    is_hidden[used[::KEPT]] = False
    train, lines = people_in(real, "train"), iter(VCF(str(imputed)))
    sums = np.zeros((len(IMPUTATION_BINS), len(targets), len(_SUMS)))
    n_variants = np.zeros(len(IMPUTATION_BINS), dtype=int)
    for part in real.variant_slices():
        own = used[(used >= part.start) & (used < part.stop)]
        if not len(own):
            continue
        records = read_records(lines, records_of(real.variants[own]), imputed)
        dosages = np.stack([record.format("DS")[:, 0] for record in records])  # [v, S]
        hidden = is_hidden[own]
        places = own[hidden] - part.start
        frequency = share(*_allele_sums(real.read(part, train)[places]))
        truth = to_rows(real.read(part, targets)[places], "genotype").T  # [v, S]
        bins = imputation_bin(minor(frequency))
        n_variants += np.bincount(bins, minlength=len(n_variants))
        flipped = frequency > 0.5
        np.add.at(sums, bins, _products(truth, dosages[hidden], flipped))
    return sums, n_variants


def _products(truth: np.ndarray, imputed: np.ndarray, flipped: np.ndarray) -> np.ndarray:
    """What is summed, [v, S, 6], of dosages [v, S] of ALT, -1 missing; flipped [v]: REF is rarer."""
    known = truth >= 0
    x, y = (np.where(flipped[:, None], 2 - dosage, dosage) for dosage in (truth, imputed))
    x, y = np.where(known, x, 0.0), np.where(known, y, 0.0)
    return np.stack([known, x, y, x * x, y * y, x * y], axis=2)


def imputation_metrics(
    own: pd.DataFrame,
    real: pd.DataFrame | None,
    *,
    cohort: str,
    generator: str,
    minimum_people: int,
    seed: int,
) -> pd.DataFrame:
    """How well a panel imputes, and what is lost against the real training people as panel.

    own, real: of `impute_holdout`, all chromosomes; None: own is the real one's. Intervals are over
    people, the same for both panels.

    Returns a tidy table of imputation_r2 and imputation_loss (r2 of real less that of own) by
    maf_bin; without values where there are fewer than minimum_people.
    """
    rows = []
    for name in IMPUTATION_BINS:
        group = Group(maf_bin=name)
        sums = _person_sums(own, name)
        n_variants = int(own[own["maf_bin"] == name].groupby("contig")["variants"].first().sum())
        n_panel = int(own["panel_people"].iloc[0])
        note = f"{n_variants:,} variants of {len(sums):,} people, panel of {n_panel:,} people"
        if not n_variants:
            note = "no variants"
        rows.append(_row(R2, group, _r2, [sums], note, seed))
        if real is not None:
            both = [_person_sums(real, name), sums]
            rows.append(_row(LOSS, group, lambda a, b: _r2(a) - _r2(b), both, note, seed))
    n_people = own["person"].nunique()
    return tidy(withhold_small(rows, n_people, minimum_people), cohort=cohort, generator=generator)


def _person_sums(table: pd.DataFrame, maf_bin: str) -> np.ndarray:
    """The sums [S, 6] of each person over all chromosomes."""
    return table[table["maf_bin"] == maf_bin].groupby("person", sort=True)[_SUMS].sum().to_numpy()


def _row(metric: str, group: Group, statistic, sums: list, note: str, seed: int) -> dict:
    """A metric's row with its interval; statistic: of sums over people, [..., 6] for each panel."""
    value = statistic(*(each.sum(axis=0) for each in sums))
    weights = times_drawn(len(sums[0]), np.random.default_rng(seed))
    draws = statistic(*(weights @ each for each in sums))
    return metric_row(metric, group, value, *percentile_interval(draws), note=note)


def _r2(sums: np.ndarray) -> np.ndarray:
    """Squared correlation of what the sums [..., 6] are of; NaN where either does not vary."""
    n, x, y, xx, yy, xy = np.moveaxis(sums, -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return (n * xy - x * y) ** 2 / ((n * xx - x**2) * (n * yy - y**2))
