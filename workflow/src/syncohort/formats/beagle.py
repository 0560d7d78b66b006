"""Beagle, which phases and imputes: finding it, running it, what goes in and what comes out.

Source: Browning et al. 2021 (phasing), Browning et al. 2018 (imputation).

Axes: v variants of a chunk, S people, 2 alleles.
"""

import logging
import os
import shutil
import subprocess
import time
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import psutil

from syncohort.cohort_store import CohortStore
from syncohort.errors import InputError
from syncohort.formats.genetic_map import GeneticMap
from syncohort.formats.shared_sites import Records
from syncohort.formats.vcf_writing import write_vcf
from syncohort.genotype_writing import CohortWriter
from syncohort.genotypes import People, Variants

PROGRAM = "beagle"
NOT_HERE = "there is no program `beagle` here"
HOW_TO_HAVE_IT = (
    "Install it (`apt-get install beagle`, or `conda install -c bioconda beagle`), run with "
    "`--software-deployment-method conda`"
)

# Memory of a job that the Java machine may fill; it needs some beside its heap.
HEAP_SHARE = 0.8
# What a window takes, as measured: of the panel, and of each target haplotype and cluster of
# markers (0.005 cM); targets without linkage take several times as much.
_BYTES_PER_ALLELE, _BYTES_PER_RECORD = 0.25, 2_000
_BYTES_PER_CLUSTER, _CLUSTERS_PER_CM = 400, 200
_WIDEST_CM, _NARROWEST_CM = 40, 5  # Beagle's default, and 2.5 times the overlap of two windows
_LINES_SHOWN = 15
_FAILED, _OF_A_TRACE = "Exception in thread", "\tat "  # Java's words
# without memory Beagle's threads end, and what they should have made is missed
_OUT_OF_MEMORY = ("OutOfMemoryError", "NullPointerException")
_log = logging.getLogger(__name__)


class Beagle:
    """The program with what all its runs in a job share.

    wanted_by: configuration that asks for it. instead: what to set to do without it.
    seed: 0 to 2**63. memory_mb: of the whole job.

    Raises InputError when the program is not installed.
    """

    def __init__(self, wanted_by: str, instead: str, *, seed: int, threads: int, memory_mb: int):
        program = shutil.which(PROGRAM)
        if program is None:
            raise InputError(f"{wanted_by}, but {NOT_HERE}. {HOW_TO_HAVE_IT}, or set {instead}.")
        self._command = [program, f"seed={seed}", f"nthreads={threads}"]
        self._heap_mb = int(memory_mb * HEAP_SHARE)
        # the wrappers of Debian and Bioconda differ in how they take it; this all Javas read
        java = f"{os.environ.get('_JAVA_OPTIONS', '')} -Xmx{self._heap_mb}m"
        self._environment = {**os.environ, "_JAVA_OPTIONS": java.strip()}

    def run(self, vcf: Path, prefix: Path, **options: object) -> Path:
        """Phase the people of a VCF, or impute them when `options` name a panel (ref).

        prefix: of the files to make. options: Beagle's own, without gt, out, seed and nthreads.

        Returns the VCF. Raises InputError with the last that Beagle said when it fails, MemoryError
        for lack of memory.
        """
        given = [f"{name}={value}" for name, value in options.items()]
        command = [*self._command, *given, f"gt={vcf}", f"out={prefix}"]
        said, failed = deque(maxlen=_LINES_SHOWN), False
        with subprocess.Popen(
            command,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            for line in filter(str.strip, process.stdout):
                _log.info("%s", line.rstrip())
                if not line.startswith(_OF_A_TRACE):
                    said.append(line.rstrip())
                if line.startswith(_FAILED) and not failed:  # its other threads wait for ever
                    failed = True
                    end_program(process.pid)
        if failed or process.returncode != 0:
            how = "failed" if failed else f"ended with code {process.returncode}"
            last = "\n".join(said)
            if any(sign in last for sign in _OUT_OF_MEMORY):
                raise MemoryError(f"Beagle {how}: {last.splitlines()[-1]}")
            raise InputError(
                f"Beagle {how}. The last it said:\n{last}\n"
                "For lack of memory raise compute.memory_mb."
            )
        return Path(f"{prefix}.vcf.gz")

    def window_cM(
        self, n_records: int, n_haplotypes: int, n_targets: int, length_cM: float
    ) -> float:
        """Length of the windows that fit into the memory of the job.

        n_records, n_haplotypes: of the panel, over length_cM of a chromosome; n_targets: haplotypes
        that are imputed.
        """
        panel_bytes = n_records * (_BYTES_PER_RECORD + _BYTES_PER_ALLELE * n_haplotypes)
        target_bytes = n_targets * _BYTES_PER_CLUSTER * _CLUSTERS_PER_CM * length_cM
        fitting = self._heap_mb * 1e6 / 2 / (panel_bytes + target_bytes)
        return round(float(np.clip(fitting * length_cM, _NARROWEST_CM, _WIDEST_CM)), 2)


def end_program(pid: int) -> None:
    """End a program and those that it started: a wrapper may leave Java alone."""
    program = psutil.Process(pid)
    program.suspend()  # or it starts another while they are counted
    while program.status() not in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
        time.sleep(0.001)
    for process in [*program.children(recursive=True), program]:
        process.kill()


def write_people(
    vcf: Path, people: People, parts: Iterable[tuple[Variants, np.ndarray]], *, phased: bool
) -> Path:
    """Write the VCF that Beagle reads, of consecutive parts of a chromosome.

    parts: variants and calls int8 [v, S, 2]. Returns `vcf`.
    """
    store_path = vcf.with_name(f"{vcf.name}.zarr.zip")
    with CohortWriter(store_path, people) as writer:
        for variants, calls in parts:
            writer.append(variants, calls, phased)
    write_vcf(CohortStore(store_path), vcf)
    store_path.unlink()
    return vcf


def write_beagle_map(path: Path, genetic_map: GeneticMap, contig: str, position_bp) -> Path:
    """Write a genetic map at some positions as Beagle reads it. Returns `path`.

    contig: as the VCF spells it.
    """
    position_bp = np.unique(position_bp)
    cM = genetic_map.cM(position_bp)
    table = pd.DataFrame({"contig": contig, "id": ".", "cM": cM, "bp": position_bp})
    table.to_csv(path, sep="\t", header=False, index=False)
    return path


def read_records(lines: Iterator, records: Records, vcf: Path) -> Iterator:
    """The next records (cyvcf2) of a VCF, which must be these.

    lines: of the file `vcf`. Raises RuntimeError when it holds others.
    """
    for position_bp, _, ref, alt, _ in records.lines():
        line = next(lines, None)
        if line is None or (line.POS, line.REF, ",".join(line.ALT)) != (position_bp, ref, alt):
            raise RuntimeError(f"{vcf}: no record {position_bp} {ref}>{alt} where expected")
        yield line
