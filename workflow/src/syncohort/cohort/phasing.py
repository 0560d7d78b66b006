"""Phasing with Beagle: which allele of an unphased person lies on which chromosome copy.

Nobody is phased with the help of holdout people but themselves: training and validation people
are phased together, holdout people then with the phased training people as reference panel.

Axes: V variants, v of a chunk, S people, P = 2 ploidy.
"""

import logging
import os
import shutil
import subprocess
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from cyvcf2 import VCF

from syncohort.errors import InputError
from syncohort.files import private_folder, remove_private_folder
from syncohort.formats.genetic_map import read_genetic_map
from syncohort.formats.shared_sites import records_of
from syncohort.formats.sites import own_calls
from syncohort.formats.vcf_writing import write_vcf
from syncohort.genotype_writing import CohortWriter
from syncohort.genotypes import MISSING, CohortStore, Variants

PROGRAM = "beagle"

# Memory of a job that the Java machine may fill; it needs some beside its heap.
HEAP_SHARE = 0.8
_LINES_SHOWN = 15
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
    Missing calls come out imputed; other genotypes do not change.

    store: unphased cohort with split people, of whom at least two are in training or
    validation. recombination_map: see `genetic_map.read_genetic_map`, None for 1 cM/Mb.
    seed: 0 to 2**32. memory_mb: of the whole job.

    Raises InputError when Beagle is not installed or fails.
    """
    if store.phased:
        _log.info("chromosome %s is phased already", store.contig)
        shutil.copyfile(store.path, out_path)
        return
    program = find_beagle()
    Path(out_path).parent.mkdir(parents=True, exist_ok=True)
    folder = private_folder(Path(out_path).with_suffix(".phasing"))
    try:
        options = [f"seed={seed}", f"nthreads={threads}"]
        if recombination_map is not None:
            options.append(f"map={_write_map(store.variants, recombination_map, folder)}")
        beagle = _Beagle(program, options, int(memory_mb * HEAP_SHARE))
        split = store.people.split
        groups = [np.flatnonzero(split != "holdout"), np.flatnonzero(split == "holdout")]
        fitted = beagle.phase(_write_people(store, groups[0], folder / "fitted"))
        phased = [(groups[0], fitted)]
        if len(groups[1]):
            left_out = folder / "validation.txt"
            validation = store.people.id[split == "validation"]
            left_out.write_text("".join(f"{sample}\n" for sample in validation))
            panel = [f"ref={fitted}", "impute=false", f"excludesamples={left_out}"]
            holdout = beagle.phase(_write_people(store, groups[1], folder / "holdout"), panel)
            phased.append((groups[1], holdout))
        _join(store, phased, out_path)
    finally:
        remove_private_folder(folder)


def find_beagle() -> str:
    """Path of the program. Raises InputError when it is not installed."""
    program = shutil.which(PROGRAM)
    if program is None:
        raise InputError(
            "phasing.program is beagle, but there is no program `beagle` here. Install it "
            "(`apt-get install beagle`, or `conda install -c bioconda beagle`), run with "
            "`--software-deployment-method conda`, or set mode: genotype."
        )
    return program


class _Beagle:
    """The program with what all its runs share. options: arguments; heap_mb: of Java."""

    def __init__(self, program: str, options: list[str], heap_mb: int):
        self._command = [program, *options]
        # the wrappers of Debian and Bioconda differ in how they take it; this all Javas read
        java = f"{os.environ.get('_JAVA_OPTIONS', '')} -Xmx{heap_mb}m"
        self._environment = {**os.environ, "_JAVA_OPTIONS": java.strip()}

    def phase(self, vcf: Path, panel: tuple | list = ()) -> Path:
        """Phase the people of a VCF; panel: arguments of a reference. Returns the phased VCF."""
        prefix = vcf.with_name(vcf.name.replace(".vcf.gz", ".phased"))
        command = [*self._command, *panel, f"gt={vcf}", f"out={prefix}"]
        said = deque(maxlen=_LINES_SHOWN)
        with subprocess.Popen(
            command,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            for line in filter(str.strip, process.stdout):
                _log.info("%s", line.rstrip())
                said.append(line.rstrip())
        if process.returncode != 0:
            raise InputError(
                f"Beagle ended with code {process.returncode}. The last it said:\n"
                + "\n".join(said)
                + "\nFor lack of memory raise compute.memory_mb."
            )
        return Path(f"{prefix}.vcf.gz")


def _write_map(variants: Variants, path: str, folder: Path) -> Path:
    """The map at the variants' positions as Beagle reads it: PLINK .map, same contig name."""
    position_bp = np.unique(variants.position_bp)
    cM = read_genetic_map(path, variants.contig).cM(position_bp)
    table = pd.DataFrame({"contig": variants.contig, "id": ".", "cM": cM, "bp": position_bp})
    table.to_csv(folder / "map.txt", sep="\t", header=False, index=False)
    return folder / "map.txt"


def _write_people(store: CohortStore, people: np.ndarray, prefix: Path) -> Path:
    """VCF of some people of a cohort, nobody's phase in it."""
    part_path = prefix.with_suffix(".zarr.zip")
    with CohortWriter(part_path, store.people[people]) as writer:
        for part, calls in store.variant_chunks(people):
            writer.append(store.variants[part], np.sort(calls, axis=2), phased=False)
    vcf = prefix.with_suffix(".vcf.gz")
    write_vcf(CohortStore(part_path), vcf)
    part_path.unlink()
    return vcf


def _join(store: CohortStore, phased: list[tuple], out_path: str | Path) -> None:
    """Write the cohort from groups of people, each (indices, phased VCF)."""
    readers = [(people, _phased_chunks(vcf, store)) for people, vcf in phased]
    n_imputed = 0
    with CohortWriter(out_path, store.people) as writer:
        for part, calls in store.variant_chunks():
            result = np.empty_like(calls)
            for people, chunks in readers:
                result[:, people] = next(chunks)
            known = (calls != MISSING).all(axis=2)  # [v, S]
            if (known & (calls.sum(axis=2) != result.sum(axis=2))).any():
                raise RuntimeError(f"{store.path}: Beagle changed genotypes, not phase alone")
            n_imputed += int((~known).sum())
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
        codes = []
        for position_bp, _, ref, alt, _ in records.lines():
            line = next(lines, None)
            if line is None or (line.POS, line.REF, ",".join(line.ALT)) != (position_bp, ref, alt):
                raise RuntimeError(f"{vcf}: no record {position_bp} {ref}>{alt} where expected")
            codes.append(line.genotype.array()[:, :2])
        numbers = records.number[:, None, None]
        yield own_calls(np.stack(codes)[records.record], numbers, "all")
