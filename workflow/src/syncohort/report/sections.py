"""The sections of the report, as sections.yaml names them, filled with pictures and tables."""

from dataclasses import dataclass, fields
from pathlib import Path

import yaml
from docutils.core import publish_parts
from markupsafe import Markup

from syncohort.errors import InputError
from syncohort.evaluation.verdicts.metrics import DIMENSIONS
from syncohort.report import html as pages
from syncohort.report.templates import SECTIONS

DIMENSION_PICTURE = "plot_dimension"


@dataclass(frozen=True)
class Part:
    """One part of a section in sections.yaml, where its fields are described."""

    title: str = ""
    sentence: str = ""
    dimension: str = ""
    pictures: dict[str, str] | None = None
    table: str = ""


@dataclass(frozen=True)
class Section:
    """One section in sections.yaml, where its fields are described."""

    id: str
    title: str
    parts: tuple[Part, ...]
    sentence: str = ""


@dataclass(frozen=True)
class PictureGroup:
    """The pictures of one rule. caption: HTML, what good and bad look like."""

    title: str
    caption: Markup
    pictures: list[pages.Picture]


@dataclass(frozen=True)
class FilledPart:
    """A part with what a study has for it."""

    title: str
    sentence: str
    groups: list[PictureGroup]
    table: Markup


@dataclass(frozen=True)
class FilledSection:
    """A section with the parts for which a study has something."""

    id: str
    title: str
    sentence: str
    parts: list[FilledPart]


def read_sections(path: str | Path = SECTIONS) -> list[Section]:
    """The sections in their order.

    Raises:
        InputError: unknown keys or dimensions, or something that stands in two places.
    """
    sections = []
    for entry in yaml.safe_load(Path(path).read_text()):
        own = [_checked(Part, part, path, entry) for part in entry.get("parts", [])]
        sections.append(_checked(Section, entry | {"parts": tuple(own)}, path, entry))
    inside = [part for section in sections for part in section.parts]
    _stop_at_doubles([section.id for section in sections], "section", path)
    _stop_at_doubles([part.table for part in inside if part.table], "table", path)
    _stop_at_doubles([part.dimension for part in inside if part.dimension], "dimension", path)
    _stop_at_doubles([rule for part in inside for rule in part.pictures or {}], "picture", path)
    return sections


def _checked(kind, entry: dict, path, section: dict):
    allowed = [field.name for field in fields(kind)]
    where = f"{path}, section {section.get('id', '?')!r}"
    if unknown := sorted(set(entry) - set(allowed)):
        raise InputError(f"{where}: unknown key {unknown[0]!r}; allowed: {', '.join(allowed)}.")
    if kind is Section and (lacking := sorted({"id", "title"} - set(entry))):
        raise InputError(f"{where}: no {lacking[0]!r}; every section has an id and a title.")
    if entry.get("dimension", "") not in ("", *DIMENSIONS):
        raise InputError(
            f"{where}: no dimension {entry['dimension']!r}; there are {', '.join(DIMENSIONS)}."
        )
    return kind(**entry)


def _stop_at_doubles(names: list[str], what: str, path) -> None:
    doubles = sorted({name for name in names if names.count(name) > 1})
    if doubles:
        raise InputError(f"{path}: the {what} {doubles[0]!r} stands in two places; keep one.")


def fill_sections(
    sections: list[Section],
    pictures: list[str],
    captions: dict[str, str],
    tables: dict[str, Markup],
    values: dict[str, Markup],
) -> list[FilledSection]:
    """The sections that have something to show, with their pictures and tables.

    Args:
        pictures: files, each in a folder named after the rule that drew it.
        captions: name of the rule without plot_ -> reStructuredText.
        tables: name in sections.yaml -> HTML, "" where this study has none.
        values: dimension -> its table of all values, those that were measured.

    Raises:
        InputError: a picture or table has no section, a picture no caption.
    """
    placed = [part for section in sections for part in section.parts]
    _stop_at_homeless(placed, pictures, captions, tables, values)
    filled = []
    for section in sections:
        of_dimension = sum(part.dimension in values for part in section.parts if part.dimension)
        parts, said = [], set()
        for part in section.parts:
            title = part.title
            if part.dimension and of_dimension > 1:
                title = DIMENSIONS[part.dimension]
            groups = _groups(part, pictures, captions, said)
            table = Markup().join(
                [values.get(part.dimension, Markup()), tables.get(part.table, Markup())]
            )
            if groups or table:
                parts.append(FilledPart(title, part.sentence, groups, table))
        if parts:
            filled.append(FilledSection(section.id, section.title, section.sentence, parts))
    return filled


def _stop_at_homeless(placed: list[Part], pictures, captions, tables, values) -> None:
    """Stop when something would be missing from the report without a word."""
    rules = {rule for part in placed for rule in part.pictures or {}}
    dimensions = {part.dimension for part in placed}
    for file in map(Path, pictures):
        rule = file.parent.name
        known = file.stem in dimensions if rule == DIMENSION_PICTURE else rule in rules
        if not known:
            raise InputError(f"{file}: no section of {SECTIONS} shows this picture; add it to one.")
        if not captions.get(_caption_of(rule)):
            caption = SECTIONS.with_name(f"{_caption_of(rule)}.rst")
            raise InputError(
                f"{file}: the picture has no caption; write {caption}: what it shows, and what "
                "good and bad look like."
            )
    for kind, given, known in (
        ("table", tables, {part.table for part in placed}),
        ("dimension", values, dimensions),
    ):
        if homeless := sorted(set(given) - known):
            raise InputError(f"No section of {SECTIONS} shows the {kind} {homeless[0]!r}; add it.")


def _caption_of(rule: str) -> str:
    return rule.removeprefix("plot_")


def _groups(part: Part, pictures, captions, said: set[str]) -> list[PictureGroup]:
    """The pictures of a part by rule; a rule's caption stands once in a section (said)."""
    groups = []
    wanted = {DIMENSION_PICTURE: ""} if part.dimension else {}
    for rule, title in (wanted | (part.pictures or {})).items():
        files = [Path(file) for file in pictures if Path(file).parent.name == rule]
        if rule == DIMENSION_PICTURE:
            files = [file for file in files if file.stem == part.dimension]
        if not files:
            continue
        named = len(files) > 1  # one by generator or representation
        alt = title or DIMENSIONS.get(part.dimension) or _caption_of(rule)
        shown = [pages.picture(file, alt, file.stem if named else "") for file in files]
        caption = Markup() if rule in said else render_caption(captions[_caption_of(rule)])
        said.add(rule)
        groups.append(PictureGroup(title, caption, shown))
    return groups


def render_caption(text: str) -> Markup:
    """A caption (reStructuredText) as HTML."""
    settings = {"raw_enabled": False, "file_insertion_enabled": False, "report_level": 5}
    return Markup(publish_parts(text, writer="html5", settings_overrides=settings)["body"])
