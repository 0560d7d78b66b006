"""What lies in the folder of a release: the files of this configuration, and nothing else."""

import logging
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from syncohort.config.allele_generators import REAL_HAPLOTYPES
from syncohort.errors import InputError, examples
from syncohort.files import all_or_nothing, sha256

CHECKSUMS = "SHA256SUMS"
PARTIAL = ".partial"  # begins or ends names of what is not complete
# What this workflow writes below release/<generator>/, by glob.
_WRITTEN = (
    "samples.tsv",
    "README.md",
    "ro-crate-metadata.json",
    CHECKSUMS,
    "vcf/*.vcf.gz",
    "vcf/*.vcf.gz.tbi",
    "rare/*.tsv",
    "expanded/*.vcf.gz",
    "expanded/*.vcf.gz.tbi",
    "plink/synthetic.*",
    "pgen/synthetic.*",
    "bgen/synthetic.*",
    "fasta/*.fa.gz*",
)

_log = logging.getLogger(__name__)


def statement(cohort: str, generator: str, kind: str) -> str:
    """What the header of a released file says of its people."""
    if kind in REAL_HAPLOTYPES:
        return f"NOT SYNTHETIC: {generator} ({kind}) joins haplotypes of real people of {cohort}"
    return f"synthetic, nobody here exists: drawn by {generator} ({kind}) for the cohort {cohort}"


def expansion_statement(panel: str) -> str:
    """What header and README of a release say of sites that were not modelled; panel: its name."""
    return (
        f"records with IMP were not modelled but imputed from the panel {panel}: rare alleles "
        "there are the panel's people's"
    )


def withdraw(release: str | Path, released: Iterable[str | Path], kept: str | Path) -> list[Path]:
    """Move what other configurations released out of a folder of releases.

    release: results/<cohort>/release, one folder a generator; released: the files this
    configuration releases there; kept: folder beside it, where files are moved to under the
    names they had. Incomplete files that killed jobs left are removed.

    Returns the files moved, as they were named below `release`.
    """
    release, kept = Path(release), Path(kept)
    for leaving in sorted(release.glob("**/*")):
        if leaving.name.startswith(PARTIAL) or leaving.name.endswith(PARTIAL):
            _log.warning("%s: removed, an incomplete file of a job that was ended", leaving)
            is_folder = leaving.is_dir() and not leaving.is_symlink()
            shutil.rmtree(leaving) if is_folder else leaving.unlink(missing_ok=True)
    moved = []
    for file in _strangers(release, released):
        name = file.relative_to(release)
        if not any(Path(*name.parts[1:]).match(pattern) for pattern in _WRITTEN):
            continue
        target = kept / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(file, target)  # release/ may be a link to another disk
        _log.warning("%s: not released by this configuration, moved to %s", file, target)
        moved.append(name)
    _remove_empty(release)
    return moved


def require_released_only(release: str | Path, released: Iterable[str | Path]) -> None:
    """Raise InputError that names the files below `release` that are not among `released`."""
    strangers = _strangers(Path(release), released)
    if strangers:
        raise InputError(
            f"{release}: holds files that this workflow did not write: {examples(strangers)}. "
            "What lies there is handed on as synthetic; move your own files elsewhere."
        )


def write_checksums(path: str | Path, released: Iterable[str | Path]) -> None:
    """Write the SHA-256 of files as `sha256sum --check` reads them.

    path: the list, in the folder of a generator; released: the files in and below that folder.
    """
    folder = Path(path).parent
    lines = [f"{sha256(file)}  {Path(file).relative_to(folder)}\n" for file in sorted(released)]
    with all_or_nothing(path) as (partial,):
        partial.write_text("".join(lines))


def read_checksums(path: str | Path) -> dict[Path, str]:
    """SHA-256 of each file that a list of `write_checksums` names."""
    rows = (line.split("  ", 1) for line in Path(path).read_text().splitlines())
    return {Path(path).parent / name: digest for digest, name in rows}


def purge(results: str | Path, kept: Iterable[str]) -> list[tuple[str, int]]:
    """Remove from the folder of a cohort all that must not leave, once it has been released.

    results: results/<cohort>; kept: names of folders and files in it that stay. What is removed
    holds real genotypes or what was learned from single people: stores, latents, checkpoints,
    thresholds, scores of people, logs.

    Returns name and bytes of each file removed, as named below `results`.
    Raises InputError unless every release is as its list of checksums says, and nothing else there.
    """
    results, kept = Path(results), set(kept)
    lists = sorted(results.glob(f"release/*/{CHECKSUMS}"))
    if not lists:
        raise InputError(
            f"{results}: nothing has been released (no release/*/{CHECKSUMS}), so nothing was "
            "removed. Run the workflow to its end first."
        )
    released = {
        file: (digest, path) for path in lists for file, digest in read_checksums(path).items()
    }
    strangers = _strangers(results / "release", [*lists, *released])
    if strangers:
        raise InputError(
            f"{results}/release: holds files that nobody released, in no {CHECKSUMS}: "
            f"{examples(strangers)}, so nothing was removed. Move them elsewhere, or run the workflow "
            "to its end."
        )
    for file, (digest, path) in released.items():
        if not file.is_file() or sha256(file) != digest:
            raise InputError(
                f"{file}: not as it was released ({path}), so nothing was removed. Run the "
                "workflow again."
            )
    removed = []
    for entry in sorted(results.iterdir()):
        if entry.name in kept:
            continue
        is_folder = entry.is_dir() and not entry.is_symlink()
        files = sorted(entry.rglob("*")) if is_folder else [entry]
        removed += [
            (str(file.relative_to(results)), file.lstat().st_size)
            for file in files
            if file.is_symlink() or file.is_file()
        ]
        shutil.rmtree(entry) if is_folder else entry.unlink()
    return removed


def _strangers(release: Path, released: Iterable[str | Path]) -> list[Path]:
    own = {os.path.abspath(file) for file in released}
    files = (file for file in sorted(release.rglob("*")) if file.is_symlink() or file.is_file())
    # Snakemake's own mark of a folder it made
    return [
        file
        for file in files
        if os.path.abspath(file) not in own and not file.name.startswith(".snakemake")
    ]


def _remove_empty(folder: Path) -> None:
    for below in sorted(folder.glob("**/"), reverse=True):
        if below != folder and not any(below.iterdir()):
            below.rmdir()
