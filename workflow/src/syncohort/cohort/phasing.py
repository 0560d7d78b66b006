"""Phasing with Beagle: which allele of an unphased person lies on which chromosome copy.

Nobody is phased with the help of holdout people, or relatives set aside, but themselves: training and
validation people are phased together, the others then with the phased training people as reference panel.

Axes: V variants, v of a chunk, S people, P = 2 ploidy.
"""

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from cyvcf2 import VCF

from syncohort.cohort_store import CohortStore
from syncohort.files import private_folder, remove_private_folder
from syncohort.formats.beagle import Beagle, read_records, write_beagle_map, write_people
from syncohort.formats.genetic_map import read_genetic_map
from syncohort.formats.shared_sites import records_of
from syncohort.formats.sites import own_calls
from syncohort.genotype_writing import CohortWriter
from syncohort.genotypes import UNSEEN
from syncohort.ploidy import ABSENT, MISSING, doubled, keep_one

_log = logging.getLogger(__name__)


def phase_chromosome(
    store: CohortStore,
    out_path: str | Path,
    *,
    recombination_map: str | None,
    seed: int,
    threads: int,
    memory_mb: int,
) -> None:
    """Write the phased dataset of one chromosome; a phased one is copied as it is.

    Method: Browning et al. 2021 (Beagle 5). Phase that the input has in part is not used.
    Missing calls come out imputed; other genotypes do not change. One copy is two of the same to
    Beagle.

    store: unphased cohort with split people, of whom at least two are in training or
    validation. recombination_map: see `genetic_map.read_genetic_map`, None for 1 cM/Mb.
    seed: 0 to 2**32. memory_mb: of the whole job.

    Raises InputError when Beagle is not installed or fails.
    """
    if store.phased:
        _log.info("chromosome %s is phased already", store.contig)
        shutil.copyfile(store.path, out_path)
        return
    beagle = Beagle(
        "phasing.program is beagle",
        "mode: genotype",
        seed=seed,
        threads=threads,
        memory_mb=memory_mb,
    )
    Path(out_path).parent.mkdir(parents=True, exist_ok=True)
    folder = private_folder(Path(out_path).with_suffix(".phasing"))
    try:
        options = {}
        if recombination_map is not None:
            given = read_genetic_map(recombination_map, store.contig)
            options["map"] = write_beagle_map(
                folder / "map.txt", given, store.contig, store.variants.position_bp
            )
        phased = _phase_groups(store, beagle, folder, options)
        _join(store, phased, out_path)
    finally:
        remove_private_folder(folder)


def _phase_groups(store: CohortStore, beagle: Beagle, folder: Path, options: dict) -> list[tuple]:
    """Phase training and validation people, then all others by the training people.

    options: of Beagle. Returns people (indices) and their phased VCF, of each group.
    """
    split = store.people.split
    is_unseen = np.isin(split, UNSEEN)
    fitted, unseen = np.flatnonzero(~is_unseen), np.flatnonzero(is_unseen)
    panel = beagle.run(
        _write_unphased(store, fitted, folder / "fitted.vcf.gz"),
        folder / "fitted.phased",
        **options,
    )
    if not len(unseen):
        return [(fitted, panel)]
    left_out = folder / "validation.txt"
    validation = store.people.id[split == "validation"]
    left_out.write_text("".join(f"{sample}\n" for sample in validation))
    phased = beagle.run(
        _write_unphased(store, unseen, folder / "unseen.vcf.gz"),
        folder / "unseen.phased",
        **options,
        ref=panel,
        impute="false",
        excludesamples=left_out,
    )
    return [(fitted, panel), (unseen, phased)]


def _write_unphased(store: CohortStore, people: np.ndarray, vcf: Path) -> Path:
    """VCF of some people of a cohort, nobody's phase in it."""
    parts = (
        (store.variants[part], np.sort(doubled(calls), axis=2))
        for part, calls in store.variant_chunks(people)
    )
    return write_people(vcf, store.people[people], parts, phased=False)


def _join(store: CohortStore, phased: list[tuple], out_path: str | Path) -> None:
    """Write the cohort from groups of people, each (indices, phased VCF)."""
    readers = [(people, _phased_chunks(vcf, store)) for people, vcf in phased]
    n_imputed = 0
    with CohortWriter(out_path, store.people) as writer:
        for part, calls in store.variant_chunks():
            result = np.empty_like(calls)
            for people, chunks in readers:
                result[:, people] = next(chunks)
            two = doubled(calls)
            known = (two != MISSING).all(axis=2)  # [v, S]
            if (known & (two.sum(axis=2) != result.sum(axis=2))).any():
                raise RuntimeError(f"{store.path}: Beagle changed genotypes, not phase alone")
            n_imputed += int((~known).sum())
            result = keep_one(result, calls[..., 1] == ABSENT)
            writer.append(store.variants[part], result, phased=True)
    share = n_imputed / (len(store.variants) * len(store.people))
    _log.info("%d missing calls (%.2f %%) were imputed", n_imputed, 100 * share)


def _phased_chunks(vcf: Path, store: CohortStore) -> Iterator[np.ndarray]:
    """Calls int8 [v, S, P] of a VCF that must hold the variants of a store, chunk by chunk.

    Raises RuntimeError when it holds others.
    """
    lines = iter(VCF(str(vcf)))
    for some in store.variant_slices():
        records = records_of(store.variants[some])
        codes = [line.genotype.array()[:, :2] for line in read_records(lines, records, vcf)]
        numbers = records.number[:, None, None]
        yield own_calls(np.stack(codes)[records.record], numbers, "all")
