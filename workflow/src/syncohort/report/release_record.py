"""What a release says of itself: README.md for people, ro-crate-metadata.json for programs.

Files of the user go by their names: two of one name in different folders are two inputs. Of one above
`contents.WHOLE_BYTES` the digest is of pieces. The record has the form of an RO-Crate 1.1 (Soiland-Reyes et al. 2022). It bears no date, so that the same run
writes the same bytes: whoever publishes the release adds `datePublished`.
"""

import hashlib
import json
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from syncohort import __version__
from syncohort.code_digest import PACKAGE
from syncohort.cohort.synthetic_people import ID_PREFIX
from syncohort.config.allele_generators import REAL_HAPLOTYPES
from syncohort.errors import examples
from syncohort.evaluation.verdicts.metrics import DIMENSIONS, PRIVACY
from syncohort.evaluation.verdicts.release import PUBLIC_FREQUENCIES, Release, answer
from syncohort.files import all_or_nothing
from syncohort.report.methods import source_digest
from syncohort.report.templates import fill
from syncohort.synthesis.released import CHECKSUMS, expansion_statement

README, RECORD = "README.md", "ro-crate-metadata.json"
_NAMED_LABELS = 8
_FORMATS = {
    ".tsv": "text/tab-separated-values",
    ".gz": "application/gzip",
    ".md": "text/markdown",
    ".json": "application/json",
    ".fai": "text/tab-separated-values",
}


@dataclass(frozen=True)
class Released:
    """What a release is about.

    cohort, generator, kind: names, and the kind of the generator.
    mode: "haplotype" or "genotype".
    simulated: nobody in the real cohort exists either.
    public_frequencies: the study declares that the labels' allele frequencies are public.
    seed: of the configuration.
    configuration: as YAML.
    panel: name of the public panel that other sites were imputed from, "" for none.
    first_panel: name of the public panel that networks were trained on first, "" for none.
    inputs: (name, digest of the content) of each file of the user.
    files: of the release, as named below its folder.
    kinds: of its variants, "snps" or "all".
    variants: chromosome -> number of variants.
    rare: chromosome -> number of rare variants, drawn given the haplotypes around them; carriers_min:
        fewest training people who carry one of them.
    sequences: of each chromosome with DNA sequences, the fields of `fasta_writing.Written`.
    """

    cohort: str
    generator: str
    kind: str
    mode: str
    simulated: bool
    seed: int
    configuration: str
    panel: str
    first_panel: str
    inputs: list[tuple[str, str]]
    files: list[str]
    kinds: str
    variants: dict[str, int]
    rare: dict[str, int] = field(default_factory=dict)
    carriers_min: int | None = None
    public_frequencies: bool = False
    sequences: list[dict] = field(default_factory=list)


def write_release_record(
    released: Released,
    judged: pd.DataFrame,
    checklist: pd.DataFrame,
    people: pd.DataFrame,
    labels: pd.Series,
    n_drawn: int,
    key: str,
    folder: str | Path,
) -> None:
    """Write README.md and ro-crate-metadata.json of a release.

    judged, checklist: from `judging`.
    people: of the real cohort, columns sample, label, split.
    labels: of the synthetic people.
    n_drawn: number of people who were drawn; those who are no more among them were withheld.
    key: of the cohort, see `joining.write_key`.
    folder: of the release.
    """
    found = answer(judged, released.generator, released.kind)
    folder = Path(folder)
    with all_or_nothing(folder / README, folder / RECORD) as (readme, record):
        n_withheld = n_drawn - len(labels)
        readme.write_text(_readme(released, found, checklist, people, labels, n_withheld))
        fingerprint = split_fingerprint(people, key)
        entries = _record(released, found, checklist, people, labels, n_withheld, fingerprint)
        record.write_text(json.dumps(entries, indent=1, ensure_ascii=False) + "\n")


def _readme(released: Released, found: Release, checklist, people, labels, n_withheld: int) -> str:
    counts = labels.astype(str).value_counts(sort=False).sort_index()
    named = [f"{_plain(label)} {count:,}" for label, count in counts.head(_NAMED_LABELS).items()]
    more = len(counts) - len(named)
    own = checklist[checklist["generator"] == released.generator]
    return fill(
        "release_readme.md",
        cohort=released.cohort,
        generator=released.generator,
        kind=released.kind,
        real_haplotypes=released.kind in REAL_HAPLOTYPES,
        simulated=released.simulated,
        id_prefix=ID_PREFIX,
        answer=found,
        declared=PUBLIC_FREQUENCIES if released.public_frequencies else "",
        n_people=len(labels),
        n_withheld=n_withheld,
        labels=", ".join(named) + (f" and {more} more, in samples.tsv" if more else ""),
        expansion=expansion_statement(released.panel) if released.panel else "",
        first_panel=released.first_panel,
        n_rare=sum(released.rare.values()),
        carriers_min=released.carriers_min,
        kinds=released.kinds,
        variants=", ".join(f"{n:,} on chromosome {name}" for name, n in released.variants.items()),
        has_x="X" in released.variants,
        joining=_folders(released.files, "vcf", "pgen"),
        parting=_folders(released.files, "plink", "bgen"),
        one_allele=_folders(released.files, "vcf", "bgen"),
        two_alleles=_folders(released.files, "plink", "pgen"),
        mode=released.mode,
        sequences=_sequences(released.sequences),
        n_training=int((people["split"] == "train").sum()),
        version=__version__,
        commit=_commit(),
        source=source_digest(PACKAGE),
        seed=released.seed,
        fit=[
            {"title": DIMENSIONS[row.dimension], "verdict": row.verdict, "words": row.worst}
            for row in own.itertuples()
            if row.dimension not in (*PRIVACY, "model")
        ],
    )


def _folders(files: list[str], *names: str) -> str:
    """Those of some folders that a release has, as words; files: as named below it."""
    held = {file.split("/")[0] for file in files}
    return " and ".join(f"`{name}/`" for name in names if name in held)


def _plain(label: str) -> str:
    """A label as it is read in a cell of a table, whatever of it Markdown would take for itself."""
    return re.sub(r"([\\`*\[\]<>|])", r"\\\1", " ".join(label.split()))


def _sequences(parts: list[dict]) -> dict:
    """What was written as DNA sequences, all chromosomes together; empty without any."""
    if not parts:
        return {}
    whole = {name: sum(part[name] for part in parts) for name in parts[0] if name[:2] == "n_"}
    references = list(dict.fromkeys(part["reference"] for part in parts))
    return {**whole, "references": examples(references)}


def _record(
    released: Released, found: Release, checklist, people, labels, n_withheld: int, fingerprint: str
) -> dict:
    """The record as an RO-Crate: its context and its graph of entities."""
    own = checklist[checklist["generator"] == released.generator]
    verdicts = dict(zip(own["dimension"], own["verdict"], strict=True))
    files = [*released.files, README, CHECKSUMS]
    synthetic = released.kind not in REAL_HAPLOTYPES
    release = {
        "@id": "./",
        "@type": "Dataset",
        "name": f"{released.cohort}, {released.generator}: synthetic people",
        "description": "Synthetic people: nobody here exists."
        if synthetic
        else "Not synthetic: made of haplotypes of real people.",
        "hasPart": [{"@id": name} for name in files],
        "mayBeReleased": {"level": found.level, "sentence": found.sentence},
        **({"declared": PUBLIC_FREQUENCIES} if released.public_frequencies else {}),
        "verdicts": verdicts,
        "people": len(labels),
        "peopleWithheld": n_withheld,
        "variants": released.variants,
        "mode": released.mode,
        **({"rareVariants": released.rare} if released.rare else {}),
        **({"sequences": released.sequences} if released.sequences else {}),
    }
    if released.first_panel:
        release["learnedFirstFrom"] = f"the public panel {released.first_panel}"
    if released.panel:
        release["expansion"] = expansion_statement(released.panel)
    software = {
        "@id": "#syncohort",
        "@type": "SoftwareApplication",
        "name": "SynCohort",
        "softwareVersion": __version__,
        "commit": _commit() or None,
        "sourceDigest": source_digest(PACKAGE),
    }
    inputs = [
        {"@id": f"#input/{place}", "@type": "File", "name": name, "contentDigest": digest}
        for place, (name, digest) in enumerate(released.inputs, start=1)
    ]
    action = {
        "@id": "#run",
        "@type": "CreateAction",
        "instrument": {"@id": "#syncohort"},
        "object": [{"@id": each["@id"]} for each in inputs],
        "result": {"@id": "./"},
        "seed": released.seed,
        "generator": {"name": released.generator, "kind": released.kind},
        "configuration": released.configuration,
        "trainingPeople": int((people["split"] == "train").sum()),
        "splitFingerprint": fingerprint,
    }
    descriptor = {
        "@id": RECORD,
        "@type": "CreativeWork",
        "about": {"@id": "./"},
        "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
    }
    parts = [
        {
            "@id": name,
            "@type": "File",
            "encodingFormat": _FORMATS.get(Path(name).suffix, "application/octet-stream"),
        }
        for name in files
    ]
    graph = [descriptor, release, software, action, *inputs, *parts]
    return {"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": graph}


def split_fingerprint(people: pd.DataFrame, key: str) -> str:
    """SHA-256 of who is in which split: it tells whether two runs split alike, and not how.

    people: columns sample, split. key: of the cohort, so that nobody can try splits of a list of
    people until one has the fingerprint.
    """
    rows = sorted(zip(people["sample"].astype(str), people["split"].astype(str), strict=True))
    text = "\n".join([key.strip(), *(f"{name}\t{split}" for name, split in rows)])
    return hashlib.sha256(text.encode()).hexdigest()


def _commit() -> str:
    """The commit of the clone that runs, "" where it is none."""
    command = ["git", "-C", str(PACKAGE), "rev-parse", "--short=12", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
