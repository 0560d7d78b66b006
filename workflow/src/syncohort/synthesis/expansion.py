"""Sites that are not modelled: synthetic haplotypes imputed from a public panel.

The modelled sites stay exactly as they are. What lies between them is the panel's: a rare allele
there is one of the panel's people's, not of the cohort's.

Axes: V variants, u used ones of a chunk, S people, 2 alleles.
"""

import gzip
import heapq
import logging
import re
import tempfile
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path

import numpy as np
import pandas as pd

from syncohort.cohort_store import CohortStore
from syncohort.dosages import IMPUTATION_BINS, imputation_bin, minor
from syncohort.formats.beagle import Beagle, write_beagle_map, write_people
from syncohort.formats.genetic_map import GeneticMap, constant_map, read_genetic_map
from syncohort.formats.panel_sites import (
    FATES,
    USED,
    Panel,
    fates_of,
    read_panel,
    require_overlap,
    require_text,
)
from syncohort.formats.shared_sites import records_of
from syncohort.formats.vcf_writing import record_lines, vcf_header, write_indexed
from syncohort.genotypes import Variants
from syncohort.synthesis.released import expansion_statement

GOOD_DR2 = 0.8
_DECLARATIONS = (
    '##INFO=<ID=AF,Number=A,Type=Float,Description="Frequency of ALT, as estimated">',
    '##INFO=<ID=DR2,Number=A,Type=Float,Description="r2 of imputed and true dosage, as estimated">',
    '##INFO=<ID=IMP,Number=0,Type=Flag,Description="Not modelled: imputed from a public panel">',
    '##FORMAT=<ID=DS,Number=A,Type=Float,Description="Expected number of ALT alleles">',
)
_log = logging.getLogger(__name__)


def expand_cohort(
    store: CohortStore,
    panel_path: str | Path,
    vcf_path: str | Path,
    beagle: Beagle,
    *,
    recombination_map: str | None,
    overlap_min: float,
    people: str,
    threads: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Write one chromosome of a phased cohort with the sites of a panel between its own.

    Records between the first and the last site that both have are imputed; those at the position
    of a modelled site are left out, as are such sites as evidence unless REF and ALT are equal.
    Memory is that of a window of the panel.

    Args:
        panel_path: VCF of phased people. vcf_path: file to make, ending .vcf.gz.
        recombination_map: see `genetic_map.read_genetic_map`, None for 1 cM/Mb.
        overlap_min: least share of the modelled sites that the panel must have.
        people: what the header says of the people. threads: that compress.

    Returns:
        counts: a row with contig, modelled, the columns `FATES`, and imputed (records).
        accuracy: a row for each maf_bin of the imputed alleles that anybody carries: n, the sum
            of their dr2, and n_good, those of at least `GOOD_DR2`, as Beagle estimates it.

    Raises:
        InputError: the panel is no phased VCF, is of another genome build, or has too few of the
            sites; Beagle fails.
    """
    given = recombination_map and read_genetic_map(recombination_map, store.contig)
    with tempfile.TemporaryDirectory(prefix="syncohort-imputing-") as folder:
        panel = read_panel(Path(panel_path), store.variants, Path(folder))
        require_text(panel)
        records = records_of(store.variants)
        fates = fates_of(records, panel.records)
        require_overlap(fates, panel, store.contig, overlap_min)
        is_used = (fates == USED)[records.record]
        imputed = _impute(store, is_used, panel, beagle, given or None, Path(folder))
        told = f"##expansion={expansion_statement(panel.path.name)}"
        merged = _Merged(store, imputed)
        header = vcf_header(store, people=people, further=[told, *_DECLARATIONS])
        write_indexed(vcf_path, merged.pieces(header), threads)
    counts = {fate: int((fates == fate).sum()) for fate in FATES}
    row = {"contig": store.contig, "modelled": len(fates), **counts, "imputed": merged.n_imputed}
    _log.info("%s", row)
    return pd.DataFrame([row]), merged.accuracy()


def _impute(
    store: CohortStore,
    is_used: np.ndarray,
    panel: Panel,
    beagle: Beagle,
    genetic_map: GeneticMap | None,
    folder: Path,
) -> Path:
    """The VCF that Beagle makes of the used variants [V] and the panel between them."""
    positions_bp = store.variants.position_bp[is_used]
    first, last = int(positions_bp[0]), int(positions_bp[-1])
    inside = panel.records.loc[panel.records["position_bp"].between(first, last), "position_bp"]
    options = {}
    if genetic_map is not None:
        options["map"] = write_beagle_map(folder / "map.txt", genetic_map, panel.name, inside)
    length_cM = np.ptp((genetic_map or constant_map()).cM([first, last]))
    target = folder / "modelled.vcf.gz"
    return beagle.run(
        write_people(target, store.people, _used(store, is_used, panel.name), phased=True),
        folder / "imputed",
        ref=panel.path,
        chrom=f"{panel.name}:{first}-{last}",
        window=beagle.window_cM(
            len(inside), 2 * len(panel.people), 2 * len(store.people), length_cM
        ),
        **options,
    )


def _used(store: CohortStore, is_used: np.ndarray, name: str) -> Iterator[tuple]:
    """Used variants and their calls [u, S, 2], chunk by chunk, on a chromosome `name`."""
    for part, calls in store.variant_chunks():
        own = is_used[part]
        if own.any():
            known = store.variants[part][own]
            yield Variants(name, known.position_bp, known.id, known.allele), calls[own]


class _Merged:
    """The records of a cohort and those imputed between them, in genomic order.

    imputed: what Beagle wrote. While the records are walked through, n_imputed and what `accuracy`
    tells are counted.
    """

    def __init__(self, store: CohortStore, imputed: Path):
        self._store, self._imputed = store, imputed
        self.n_imputed = 0
        self._sums = np.zeros((len(IMPUTATION_BINS), 3))

    def pieces(self, header: bytes) -> Iterator[bytes]:
        """The lines of a VCF.

        Raises RuntimeError when Beagle changed a modelled site.
        """
        yield header
        modelled_at = set(self._store.variants.position_bp.tolist())
        at, seen = 0, {}
        # at one position Beagle's records come first
        both = heapq.merge(self._beagle_records(), self._modelled_records(), key=itemgetter(0))
        for position_bp, is_modelled, fields in both:
            if position_bp != at:
                at, seen = position_bp, {}
            alleles, calls = (fields[3], fields[4]), fields[9].rstrip(b"\n")
            if is_modelled:
                if b"." not in calls and seen.get(alleles, calls) != calls:
                    raise RuntimeError(f"{self._imputed}: Beagle changed the site {position_bp}")
            elif position_bp in modelled_at:
                seen[alleles] = re.sub(rb":[^\t]*", b"", calls)
                continue
            else:
                self._count(fields[7])
            yield b"\t".join(fields)

    def _modelled_records(self) -> Iterator[tuple[int, bool, list[bytes]]]:
        for lines in record_lines(self._store):
            for line in lines.splitlines(keepends=True):
                fields = line.split(b"\t", 9)
                yield int(fields[1]), True, fields

    def _beagle_records(self) -> Iterator[tuple[int, bool, list[bytes]]]:
        contig = self._store.contig.encode()
        with gzip.open(self._imputed) as file:
            for line in file:
                if not line.startswith(b"#"):
                    fields = line.split(b"\t", 9)
                    fields[0], fields[6] = contig, b"."  # no filter was applied
                    yield int(fields[1]), False, fields

    def _count(self, info: bytes) -> None:
        """Count the alleles of an imputed record by frequency."""
        self.n_imputed += 1
        values = dict(field.split("=") for field in info.decode().split(";") if "=" in field)
        frequency, dr2 = (np.array(values[name].split(","), dtype=float) for name in ("AF", "DR2"))
        rarer = minor(frequency)
        carried = rarer > 0
        columns = [np.ones(len(dr2)), dr2, dr2 >= GOOD_DR2]
        rows = np.stack(columns, axis=1)[carried]
        np.add.at(self._sums, imputation_bin(rarer[carried]), rows)

    def accuracy(self) -> pd.DataFrame:
        """Beagle's estimates of accuracy by frequency: see `expand_cohort`."""
        table = pd.DataFrame(self._sums, columns=["n", "dr2", "n_good"])
        table.insert(0, "maf_bin", IMPUTATION_BINS)
        return table
