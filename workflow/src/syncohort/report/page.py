"""The report: one HTML file for a genetics group and a data-access committee.

The answer first: may this be released, and if not, why. Then the checklist, then the sections of
workflow/report/sections.yaml. Words stand in the templates; here numbers and tables are gathered.
"""

from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from syncohort.config.allele_generators import REAL_HAPLOTYPES
from syncohort.config.places import without_folders
from syncohort.evaluation.tidy import MAJORITY
from syncohort.evaluation.verdicts.metrics import DIMENSIONS, FIDELITY, PRIVACY, REAL
from syncohort.evaluation.verdicts.release import PUBLIC_FREQUENCIES, Release, answer
from syncohort.genotypes import RELATIVES
from syncohort.report import html as pages
from syncohort.report import methods as report_methods
from syncohort.report import tables as report_tables
from syncohort.report.comparison import (
    comparison_parts,
    guidance_parts,
    trait_parts,
    withheld_parts,
)
from syncohort.report.sections import fill_sections, read_sections
from syncohort.report.templates import fill
from syncohort.synthesis.stays_inside import STAYS_INSIDE


@dataclass(frozen=True)
class Study:
    """What a report is about.

    generators: name -> kind of those that are released; calibration: kind -> name of its
    generator; configuration: as YAML; simulated: nobody in the cohort exists; presets: released
    generator -> its preset, "" for none; folders: where the user's files lie, which are not named;
    drawn: the name of a released generator with the people who are withheld -> the generator;
    public_frequencies: the study declares that the labels' allele frequencies are public.
    """

    cohort: str
    simulated: bool
    mode: str
    generators: dict[str, str]
    calibration: dict[str, str]
    configuration: str
    variants: dict[str, int] = field(default_factory=dict)
    presets: dict[str, str] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)
    drawn: dict[str, str] = field(default_factory=dict)
    public_frequencies: bool = False

    @property
    def sources(self) -> list[str]:
        """Released generators, then those they are measured against."""
        return [*self.generators, *self.calibration.values()]


@dataclass(frozen=True)
class Material:
    """What a report is made of.

    judged: from `judging.judge`; checklist, labels: `release_checklist` and `label_checklist` of
    it; people: columns label, split; checks: name, found, level,
    advice; drawn_people: as many as were drawn, synthetic_people: as are released; pictures: files; released: their lists, `released.write_checksums`; captions: picture -> its reStructuredText; benchmarks:
    folder; paper: HTML of `paper_tables.paper_parts`, when there are diffusion models;
    selection: HTML of `selection_report.selection_parts`, when variants are selected;
    guidance: `guidance_table`, replicates: `replicate_table`, where there are any.
    expansion: HTML of `expansion.expansion_parts`, when other sites are imputed.
    sequences: HTML of `sequences.sequence_parts`, when DNA sequences are written.
    rare: HTML of `rare_variants.rare_parts`, when rare variants are drawn.
    """

    judged: pd.DataFrame
    checklist: pd.DataFrame
    labels: pd.DataFrame
    people: pd.DataFrame
    checks: pd.DataFrame
    drawn_people: int
    synthetic_people: int
    pictures: list[str]
    captions: dict[str, str]
    released: list[str]
    benchmarks: str
    paper: list[str] = field(default_factory=list)
    selection: list[str] = field(default_factory=list)
    guidance: pd.DataFrame | None = None
    replicates: pd.DataFrame | None = None
    expansion: list[str] = field(default_factory=list)
    sequences: list[str] = field(default_factory=list)
    rare: list[str] = field(default_factory=list)


def write_report(study: Study, material: Material, path: str | Path) -> None:
    """Write the whole report as one self-contained HTML file.

    Raises:
        InputError: a picture or table has no section, a picture no caption.
    """
    pages.write(
        path,
        "report.html",
        title=f"Synthetic cohort: {study.cohort}",
        sections=fill_sections(
            read_sections(),
            material.pictures,
            material.captions,
            _tables(study, material),
            _all_values(study, material.judged),
        ),
        **_summary(study, material),
    )


def write_metrics_page(
    study: Study, judged: pd.DataFrame, checklist: pd.DataFrame, path: str | Path
) -> None:
    """Write the checklist and all tables without pictures, a page of Snakemake's own report."""
    measured = [
        {
            "title": DIMENSIONS[name],
            "table": report_tables.dimension_table(judged, name, _columns(study)),
        }
        for name in _measured(judged)
    ]
    pages.write(
        path,
        "metrics.html",
        title="All metrics",
        answers=_answers(study, judged),
        declared=_declared(study),
        matrix=_matrix(study, checklist),
        dimensions=measured,
        not_measured=report_tables.notes_table(judged, _columns(study)),
    )


# --- summary ---------------------------------------------------------------------------------


def _summary(study: Study, material: Material) -> dict:
    """What the template summary.html shows."""

    def with_checklist(generators: dict[str, str]) -> list[dict]:
        return [
            {
                "name": name,
                "kind": kind,
                "real_haplotypes": kind in REAL_HAPLOTYPES,
                "checklist": report_tables.generator_checklist(
                    material.checklist, name, real_haplotypes=kind in REAL_HAPLOTYPES
                ),
            }
            for name, kind in generators.items()
        ]

    return {
        "answers": _answers(study, material.judged),
        "declared": _declared(study),
        "simulated": study.simulated,
        "facts": pages.table(_facts(study, material)),
        "matrix": _matrix(study, material.checklist),
        "generators": with_checklist(study.generators),
        "calibration": with_checklist({name: kind for kind, name in study.calibration.items()}),
    }


def _answers(study: Study, judged: pd.DataFrame) -> list[Release]:
    """May it be released: a line for each released generator, before all else."""
    return [answer(judged, name, kind) for name, kind in study.generators.items()]


def _declared(study: Study) -> str:
    """What the answers rest on that the study says and nothing measures."""
    return PUBLIC_FREQUENCIES if study.public_frequencies else ""


def _matrix(study: Study, checklist: pd.DataFrame) -> str:
    kinds = study.generators | {name: kind for kind, name in study.calibration.items()}
    return report_tables.checklist_matrix(
        checklist,
        list(study.generators),
        list(study.calibration.values()),
        [name for name, kind in kinds.items() if kind in REAL_HAPLOTYPES],
    )


def _columns(study: Study) -> list[str]:
    """Columns of the tables of metrics."""
    return [*study.sources, REAL, MAJORITY]


def _facts(study: Study, material: Material) -> pd.DataFrame:
    split = material.people["split"].value_counts()
    sizes = material.people.loc[material.people["split"] == "train", "label"].value_counts()
    extremes = sorted({sizes.min(), sizes.max()}) if len(sizes) else [0]
    of_label = " to ".join(f"{size:,}" for size in extremes)
    rows = [
        (
            "real people",
            ", ".join(
                f"{split.get(key, 0):,} {name}"
                for key, name in (
                    ("train", "training"),
                    *((s, s) for s in ("validation", "holdout")),
                    *((s, "relatives set aside") for s in {RELATIVES} & set(split.index)),
                )
            ),
        ),
        ("labels", f"{len(sizes):,}, with {of_label} training people each"),
        ("synthetic people", _released_people(material)),
        ("generators", ", ".join(f"{name} ({kind})" for name, kind in study.generators.items())),
        ("rows are", "haplotypes, two a person" if study.mode == "haplotype" else "people"),
    ]
    if study.variants:
        total = f"{sum(study.variants.values()):,} on chromosomes {', '.join(study.variants)}"
        rows.insert(2, ("SNPs", total))
    return pd.DataFrame(rows, columns=["", study.cohort])


def _released_people(material: Material) -> str:
    text = f"{material.synthetic_people:,} from each generator"
    withheld = material.drawn_people - material.synthetic_people
    if not withheld:
        return text
    return f"{text}; the {withheld:,} riskiest of {material.drawn_people:,} are withheld"


# --- tables ----------------------------------------------------------------------------------


def _tables(study: Study, material: Material) -> dict[str, Markup]:
    """All tables that sections.yaml names, "" for those that this study has not."""
    judged, replicates = material.judged, material.replicates
    tables = {
        "comparison": comparison_parts(judged, study.presets, replicates),
        "fidelity_labels": _label_parts(study, material, FIDELITY),
        "privacy_labels": _label_parts(study, material, PRIVACY),
        "withheld": withheld_parts(judged, study.drawn),
        "five_safes": [_five_safes(study, material)],
        "trait": trait_parts(judged, [*study.sources, REAL], replicates),
        "guidance": guidance_parts(material.guidance),
        "paper": material.paper,
        "checks": _check_parts(study, material),
        "selection": material.selection,
        "expansion": material.expansion,
        "sequences": material.sequences,
        "rare": material.rare,
        "methods": [_methods(study, material)],
        "downloads": [_downloads(study, material)],
    }
    return {name: Markup("".join(inside)) for name, inside in tables.items()}


def _measured(judged: pd.DataFrame) -> list[str]:
    return [name for name in DIMENSIONS if (judged["dimension"] == name).any()]


def _all_values(study: Study, judged: pd.DataFrame) -> dict[str, Markup]:
    """Dimension -> all its values, folded; those that were measured."""
    return {
        name: pages.details(
            f"{DIMENSIONS[name]}: all values",
            [report_tables.dimension_table(judged, name, _columns(study))],
        )
        for name in _measured(judged)
    }


def _label_parts(study: Study, material: Material, dimensions) -> list[str]:
    judged = material.judged[material.judged["dimension"].isin(dimensions)]
    train = material.people.loc[material.people["split"] == "train", "label"].astype(str)
    parts = []
    for generator in study.generators:
        table, words = report_tables.label_table(judged, generator, dict(train.value_counts()))
        if table:
            few = train.nunique() <= report_tables.LABELS_SHOWN
            parts.append(pages.details(f"{generator}, {words}", [table], is_open=few))
    return parts


def _five_safes(study: Study, material: Material) -> Markup:
    found = material.checklist.set_index(["generator", "dimension"])["verdict"]
    risks = [
        {
            "generator": name,
            "verdicts": ", ".join(
                f"{DIMENSIONS[risk].lower()} {found.get((name, risk), 'not measured')}"
                for risk in PRIVACY
            ),
        }
        for name in study.generators
    ]
    return fill(
        "five_safes.html",
        risks=risks,
        has_association=(material.checklist["dimension"] == "association").any(),
        n_files=f"{len(report_methods.file_hashes(material.released)):,}",
        simulated=study.simulated,
        inside=STAYS_INSIDE,
    )


def _check_parts(study: Study, material: Material) -> list[str]:
    checks = material.checks.rename(columns={"name": "check"})
    for column in ("found", "advice"):
        checks[column] = [without_folders(str(text), study.folders) for text in checks[column]]
    return [pages.table(checks)] if len(checks) else []


def _methods(study: Study, material: Material) -> Markup:
    hashes = report_methods.file_hashes(material.released)
    times = report_methods.run_times(material.benchmarks)
    return fill(
        "methods.html",
        versions=pages.table(report_methods.versions()),
        configuration=study.configuration,
        n_files=len(hashes),
        hashes=pages.table(hashes),
        n_jobs=f"{times['jobs'].sum():,.0f}",
        minutes=f"{times['seconds'].sum() / 60:,.0f}",
        times=pages.table(times),
        not_measured=report_tables.notes_table(material.judged, _columns(study)),
    )


def _downloads(study: Study, material: Material) -> Markup:
    files = {
        "metrics.tsv": material.judged.to_csv(sep="\t", index=False),
        "checklist.tsv": material.checklist.to_csv(sep="\t", index=False),
        "labels.tsv": material.labels.to_csv(sep="\t", index=False),
        "config.yaml": study.configuration,
    }
    return fill(
        "downloads.html", files=[pages.download(name, text) for name, text in files.items()]
    )
