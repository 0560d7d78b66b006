"""The report: one HTML file for a genetics group and a data-access committee.

Summary first: what this is, the cohort, the release checklist. Then fidelity against leakage,
fidelity, privacy, utility, association, representation and training, methods, downloads.
"""

from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from docutils.core import publish_parts

from syncohort.config.generators import REAL_HAPLOTYPES
from syncohort.evaluation.tidy import MAJORITY
from syncohort.evaluation.verdicts.bounds import UNSEEN
from syncohort.evaluation.verdicts.judging import label_checklist, release_checklist
from syncohort.evaluation.verdicts.metrics import (
    BOOTSTRAP,
    DIMENSIONS,
    FIDELITY,
    INDEPENDENT,
    MOSAIC,
    REAL,
)
from syncohort.report import html as pages
from syncohort.report import methods as report_methods
from syncohort.report import tables as report_tables
from syncohort.report.comparison import comparison_parts, guidance_parts, trait_parts

_SIMULATED = "Simulated data: nobody in this cohort exists."

_REAL_PEOPLE = (
    "This report itself is made from real people: some pictures show a point for each of them. "
    "Ask whoever is responsible for the data before you pass it on."
)

_NOT_SYNTHETIC = (
    "Not synthetic: these people are made of haplotypes of real people. The configuration releases "
    "them all the same (release_real_haplotypes). Whoever gets them gets real genotypes."
)

_ABOUT = (
    "A generator learned from the training people of a cohort and drew synthetic people. "
    "Everything below compares them with holdout people, whom nothing that was fitted has seen. "
    "Beside each number stands what unseen real people, copies of training people, independent "
    "SNPs and a mosaic of real haplotypes score on the same test."
)

_HOW_TO_READ = (
    "pass: as good as real people on this test, within chance. look: between, or too few people "
    "to tell; read the section. fail: a reason not to release, or not to use for that purpose. "
    "A dimension is as good as its worst metric; nothing is averaged. Where most metrics could not "
    "be measured, it is at best a look. A pass says that these tests found nothing, not that "
    "nothing can be found. In brackets: not for release, but what unseen real people and known "
    "cheats get on the same tests."
)

_WHO = {
    UNSEEN: "real people the generators never saw (validation people): they should pass everything",
    BOOTSTRAP: "copies of training people: nearly perfect, and a privacy disaster; must fail there",
    INDEPENDENT: "each SNP drawn by itself at the label's frequency: nobody's genome and of little "
    "use; must fail linkage. Small labels leak through their frequencies even here",
    MOSAIC: "pieces of real haplotypes put together: what a simple method reaches",
}

# section of the report -> pictures by rule, in order, and the title of each
_PICTURES = {
    "cohort": {"plot_split": "People by label and split"},
    "selection": {"plot_selection": "Association of the variants with the label"},
    "frontier": {"plot_frontier": "Fidelity against leakage"},
    "frequencies": {"plot_frequencies": "Allele frequencies"},
    "linkage": {"plot_linkage": "Linkage disequilibrium"},
    "structure": {
        "plot_pca": "Principal components",
        "plot_umap": "UMAP",
        "plot_tsne": "t-SNE",
    },
    "privacy": {"plot_labels": "Membership by size of the label"},
    "utility": {
        "plot_utility": "Classifiers of the label",
        "plot_augmentation": "Few real people, and synthetic ones added",
    },
    "association": {
        "plot_effects": "Effect sizes",
        "plot_guidance": "Effects by guidance scale",
    },
    "training": {
        "plot_reconstruction": "What encoding loses",
        "plot_training": "All diffusion models, by epoch",
        "plot_mixing": "MLP against CNN",
        "plot_bottleneck": "Bottleneck",
    },
}

_DIMENSION_PICTURE = "plot_dimension"


@dataclass(frozen=True)
class Study:
    """What a report is about.

    generators: name -> kind of those that are released; calibration: kind -> name of its
    generator; configuration: as YAML; simulated: nobody in the cohort exists; presets: released
    generator -> its preset, "" for none.
    """

    cohort: str
    simulated: bool
    mode: str
    generators: dict[str, str]
    calibration: dict[str, str]
    configuration: str
    variants: dict[str, int] = field(default_factory=dict)
    presets: dict[str, str] = field(default_factory=dict)

    @property
    def sources(self) -> list[str]:
        """Released generators, then those they are measured against."""
        return [*self.generators, *self.calibration.values()]


@dataclass(frozen=True)
class Material:
    """What a report is made of.

    judged: from `calibration.judge`; people: columns label, split; checks: name, found, level,
    advice; pictures: files; released: their lists, `released.write_checksums`; captions: picture -> its reStructuredText; benchmarks:
    folder; paper: HTML of `paper_tables.paper_parts`, when there are diffusion models;
    selection: HTML of `selection_report.selection_parts`, when variants are selected;
    guidance: `guidance_table`, replicates: `replicate_table`, where there are any.
    """

    judged: pd.DataFrame
    people: pd.DataFrame
    checks: pd.DataFrame
    synthetic_people: int
    pictures: list[str]
    captions: dict[str, str]
    released: list[str]
    benchmarks: str
    paper: list[str] = field(default_factory=list)
    selection: list[str] = field(default_factory=list)
    guidance: pd.DataFrame | None = None
    replicates: pd.DataFrame | None = None


def write_report(study: Study, material: Material, path: str | Path) -> None:
    """Write the whole report as one self-contained HTML file."""
    checklist = release_checklist(material.judged)
    beside = comparison_parts(material.judged, study.presets, material.replicates)
    sections = {
        "comparison": ("Released generators side by side", beside),
        "frontier": ("Fidelity against leakage", _pictures(material, "frontier")),
        "fidelity": ("Fidelity", _dimension_parts(study, material, FIDELITY)),
        "privacy": ("Privacy", _privacy_parts(study, material)),
        "utility": ("Utility", _dimension_parts(study, material, ("utility",))),
        "association": ("Association", _association_parts(study, material)),
        "paper": ("Beside the GeneticDiffusion paper", material.paper),
        "cohort": ("Cohort", _cohort_parts(material)),
        "selection": (
            "Selection of variants",
            [*material.selection, *_pictures(material, "selection")],
        ),
        "training": ("Representation and training", _pictures(material, "training")),
        "methods": ("Methods", _method_parts(study, material)),
        "downloads": ("Downloads", _download_parts(study, material, checklist)),
    }
    sections = {anchor: section for anchor, section in sections.items() if section[1]}
    parts = [*_summary_parts(study, material, checklist)]
    parts += [pages.heading("Contents"), pages.contents({a: t for a, (t, _) in sections.items()})]
    for anchor, (title, section) in sections.items():
        parts += [pages.heading(title, anchor=anchor), *section]
    pages.write_page(path, f"Synthetic cohort: {study.cohort}", parts)


def write_metrics_page(study: Study, judged: pd.DataFrame, path: str | Path) -> None:
    """Write the checklist and all tables without pictures, a page of Snakemake's own report."""
    checklist = release_checklist(judged)
    parts = [pages.heading("Release checklist"), _matrix(study, checklist)]
    for dimension in _measured(judged, DIMENSIONS):
        parts.append(pages.heading(DIMENSIONS[dimension]))
        parts.append(report_tables.dimension_table(judged, dimension, _columns(study)))
    parts += [pages.heading("Not measured"), report_tables.notes_table(judged, _columns(study))]
    pages.write_page(path, "All metrics", parts)


def render_caption(text: str) -> str:
    """A caption (reStructuredText) as HTML."""
    settings = {"raw_enabled": False, "file_insertion_enabled": False, "report_level": 5}
    return publish_parts(text, writer="html5", settings_overrides=settings)["body"]


# --- summary ---------------------------------------------------------------------------------


def _summary_parts(study: Study, material: Material, checklist: pd.DataFrame) -> list[str]:
    banner = _SIMULATED if study.simulated else _REAL_PEOPLE
    parts = [pages.paragraph(_ABOUT), pages.paragraph(banner, "banner")]
    parts += [pages.table(_facts(study, material)), pages.heading("Release checklist")]
    parts += [_matrix(study, checklist), pages.paragraph(_HOW_TO_READ)]
    for generator, kind in study.generators.items():
        parts.append(pages.heading(f"{generator} ({kind})", 3))
        if kind in REAL_HAPLOTYPES:
            parts.append(pages.paragraph(_NOT_SYNTHETIC, "fail"))
        parts.append(report_tables.generator_checklist(checklist, generator))
    beside = []
    for kind, generator in study.calibration.items():
        beside.append(pages.paragraph(f"{generator}: {_WHO.get(kind, kind)}"))
        beside.append(report_tables.generator_checklist(checklist, generator))
    parts.append(pages.details("Those beside them: what known cheats and real people get", beside))
    return parts


def _matrix(study: Study, checklist: pd.DataFrame) -> str:
    return report_tables.checklist_matrix(
        checklist, list(study.generators), list(study.calibration.values())
    )


def _columns(study: Study) -> list[str]:
    """Columns of the tables of metrics."""
    return [*study.sources, REAL, MAJORITY]


def _facts(study: Study, material: Material) -> pd.DataFrame:
    split = material.people["split"].value_counts()
    sizes = material.people.loc[material.people["split"] == "train", "label"].value_counts()
    of_label = f"{sizes.min():,} to {sizes.max():,}" if len(sizes) else "0"
    rows = [
        (
            "real people",
            ", ".join(f"{split.get(s, 0):,} {s}" for s in ("train", "validation", "holdout")),
        ),
        ("labels", f"{len(sizes):,}, with {of_label} training people each"),
        ("synthetic people", f"{material.synthetic_people:,} from each generator"),
        ("generators", ", ".join(f"{name} ({kind})" for name, kind in study.generators.items())),
        ("rows are", "haplotypes, two a person" if study.mode == "haplotype" else "people"),
    ]
    if study.variants:
        total = f"{sum(study.variants.values()):,} on chromosomes {', '.join(study.variants)}"
        rows.insert(2, ("SNPs", total))
    return pd.DataFrame(rows, columns=["", study.cohort])


# --- sections --------------------------------------------------------------------------------


def _measured(judged: pd.DataFrame, dimensions) -> list[str]:
    return [name for name in dimensions if (judged["dimension"] == name).any()]


def _dimension_parts(study: Study, material: Material, dimensions) -> list[str]:
    parts = []
    for dimension in _measured(material.judged, dimensions):
        if len(dimensions) > 1:
            parts.append(pages.heading(DIMENSIONS[dimension], 3))
        parts += _pictures(material, dimension)
        table = report_tables.dimension_table(material.judged, dimension, _columns(study))
        parts.append(pages.details(f"{DIMENSIONS[dimension]}: all values", [table]))
    if parts and dimensions == FIDELITY:
        parts += _label_parts(study, material, FIDELITY)
    return parts


def _association_parts(study: Study, material: Material) -> list[str]:
    return [
        *trait_parts(material.judged, [*study.sources, REAL], material.replicates),
        *_dimension_parts(study, material, ("association",)),
        *guidance_parts(material.guidance),
    ]


def _privacy_parts(study: Study, material: Material) -> list[str]:
    parts = _dimension_parts(study, material, ("privacy", "model"))
    return parts + (_label_parts(study, material, ("privacy",)) if parts else [])


def _label_parts(study: Study, material: Material, dimensions) -> list[str]:
    judged = material.judged[material.judged["dimension"].isin(dimensions)]
    train = material.people.loc[material.people["split"] == "train", "label"].astype(str)
    parts = []
    for generator in study.generators:
        table, words = report_tables.label_table(judged, generator, dict(train.value_counts()))
        if table:
            few = train.nunique() <= report_tables.LABELS_SHOWN
            parts.append(pages.details(f"{generator}, {words}", [table], is_open=few))
    return [pages.heading("Label by label", 3), *parts] if parts else []


def _pictures(material: Material, section: str) -> list[str]:
    """The pictures of a section; those of the section's own metrics first."""
    parts = []
    for file in material.pictures:
        if Path(file).parent.name == _DIMENSION_PICTURE and Path(file).stem == section:
            said = section in FIDELITY[1:]  # once is enough
            caption = "" if said else render_caption(material.captions.get("dimension", ""))
            parts.append(pages.picture(file, DIMENSIONS[section], caption))
    for rule, title in _PICTURES.get(section, {}).items():
        files = [file for file in material.pictures if Path(file).parent.name == rule]
        if not files:
            continue
        caption = render_caption(material.captions.get(rule.removeprefix("plot_"), ""))
        shown = []
        for index, file in enumerate(files):
            if len(files) > 1:
                shown.append(pages.heading(f"{title}: {Path(file).stem}", 4))
            shown.append(pages.picture(file, title, caption if index == 0 else ""))
        if len(files) == 1 and section != "frontier":
            shown.insert(0, pages.heading(title, 4))
        parts += shown
    return parts


def _cohort_parts(material: Material) -> list[str]:
    checks = material.checks.rename(columns={"name": "check"})
    parts = [pages.table(checks)] if len(checks) else []
    return [*parts, *_pictures(material, "cohort")]


# --- methods and downloads -------------------------------------------------------------------


def _method_parts(study: Study, material: Material) -> list[str]:
    hashes = report_methods.file_hashes(material.released)
    times = report_methods.run_times(material.benchmarks)
    total = times["seconds"].sum() / 60
    return [
        pages.paragraph(
            "Frequencies, representations, thresholds and networks are fitted on training people; "
            "validation people choose (checkpoint, stopping, penalties); holdout people are read "
            "by the comparison alone. One seed in the configuration decides every random draw."
        ),
        pages.table(report_methods.versions()),
        pages.details("Configuration", [pages.preformatted(study.configuration)]),
        pages.details(
            f"Released files and their SHA-256 ({len(hashes)})",
            ['<div class="wide hash">', pages.table(hashes), "</div>"],
        ),
        pages.details(
            f"Run times: {times['jobs'].sum():,.0f} jobs, {total:,.0f} minutes of jobs",
            [pages.table(times)],
        ),
        pages.details(
            "Not measured, and why",
            [report_tables.notes_table(material.judged, _columns(study))],
        ),
    ]


def _download_parts(study: Study, material: Material, checklist: pd.DataFrame) -> list[str]:
    files = {
        "metrics.tsv": material.judged.to_csv(sep="\t", index=False),
        "checklist.tsv": checklist.to_csv(sep="\t", index=False),
        "labels.tsv": label_checklist(material.judged).to_csv(sep="\t", index=False),
        "config.yaml": study.configuration,
    }
    links = "".join(f"<li>{pages.download(name, text)}</li>" for name, text in files.items())
    return [
        pages.paragraph("Tables of this report, tab-separated, and the configuration:"),
        f"<ul>{links}</ul>",
    ]
