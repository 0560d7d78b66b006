"""The files that are written from the configuration's types: `python -m syncohort.config.generated_files`.

A test fails, and says so, when they drift from `config`. The prose of config/README.md stands in
guide.md beside this module.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Annotated, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from syncohort.config.generators import PRESETS
from syncohort.config.representations import REPRESENTATIONS
from syncohort.config.sections import Section, key_of, kind_of, sections_below, sections_of
from syncohort.config.study import Config

GUIDE = Path(__file__).with_name("guide.md")
LAST = "generators"  # the longest part of the tables

# The keys of an ordinary study, each with an example.
ORDINARY = {
    "cohort": "my_study",
    "mode": "haplotype",
    "input.kind": "vcf",
    "input.path": "/data/chr{chrom}.vcf.gz",
    "labels.table": "/data/people.tsv",
    "labels.id_column": "sample",
    "labels.label_column": "disease",
    "labels.case_label": "case",
    "split.kinship_table": "/data/relatives.kin0",
    "genes.annotation": "/data/genes.gtf.gz",
    "generators.NAME.preset": "genetic_diffusion",
    "synthesis.people": 5000,
    "compute.memory_mb": 8000,
}


def default_yaml() -> str:
    """The default configuration as commented YAML."""
    lines = [
        "# The default configuration: the demo cohort. Written by `make config`; a study of your",
        "# own goes into a file of its own that names only what differs (see config/README.md).",
    ]

    def add(model: Section, indent: str):
        for name, field in type(model).model_fields.items():
            value, sections = getattr(model, name), sections_of(field)
            if not sections:
                lines.append(f"{indent}{name}: {json.dumps(value)}  # {field.description}")
                continue
            section = type(value) if isinstance(value, Section) else sections[0]
            doc = field.description or _first_line(section)
            if value is None:
                lines.append(f"{indent}{name}: null  # {doc}")
                continue
            lines.append(f"{'' if indent else chr(10)}{indent}{name}:  # {doc}")
            if isinstance(value, dict):
                for key, item in value.items():
                    lines.append(f"{indent}  {key}:")
                    add(item, indent + "    ")
            else:
                add(value, indent + "  ")

    add(Config(), "")
    return "\n".join(lines) + "\n"


def readme() -> str:
    """config/README.md: the guide with the tables of keys filled in, generators last."""
    parts = {
        "ordinary": _ordinary_table(),
        "presets": _recipe_table(PRESETS),
        "representations": _recipe_table(REPRESENTATIONS),
        "tables": "\n\n".join(_tables()),
    }
    text = GUIDE.read_text()
    for name, part in parts.items():
        text = text.replace(f"<!-- {name} -->", part)
    return text


def _first_line(section: type[Section]) -> str:
    return section.__doc__.splitlines()[0]


def _ordinary_table() -> str:
    rows = ["| key | example | meaning |", "| --- | --- | --- |"]
    fields = dict(_fields(Config))
    for key, example in ORDINARY.items():
        rows.append(f"| `{key}` | `{example}` | {fields[key].description} |")
    return "\n".join(rows)


def _fields(model: type[Section], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every key one can type, and its field; one of several kinds of section comes for each."""
    for name, field in model.model_fields.items():
        if not sections_of(field):
            yield f"{prefix}{name}", field
    for key, section, _ in sections_below(model, prefix):
        for name, field in section.model_fields.items():
            if not sections_of(field):
                yield f"{key}.{name}", field


def _recipe_table(recipes: dict[str, dict]) -> str:
    """What each named recipe changes."""
    rows = ["| name | changes |", "| --- | --- |"]
    for name, changes in recipes.items():
        found = [f"`{key}: {_value(value)}`" for key, value in _flat(changes)]
        rows.append(f"| `{name}` | {', '.join(found)} |")
    return "\n".join(rows)


def _flat(changes: dict, prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, value in changes.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _value(value) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _tables() -> Iterator[str]:
    """A heading and a table for each section; one that several keys share is printed once."""
    yield _table("The study", "", Config, "")
    found = list(sections_below(Config))
    owners = {}  # the generators' own sections stand with them
    for key, section, _ in sorted(found, key=lambda each: not each[0].startswith(LAST)):
        owners.setdefault(section, key)
    for last in (False, True):
        printed = set()
        for key, section, is_one_of_several in found:
            if owners[section] == key and key.startswith(LAST) == last and section not in printed:
                printed.add(section)
                which = f" with `kind: {kind_of(section)}`" if is_one_of_several else ""
                yield _table(f"`{key}`{which}", _first_line(section), section, f"{key}.")


def _table(heading: str, doc: str, model: type[Section], prefix: str) -> str:
    rows = ["| key | type | default | meaning |", "| --- | --- | --- | --- |"]
    for name, field in model.model_fields.items():
        key = key_of(name, field)
        if not sections_of(field):
            default = json.dumps(field.default)
            rows.append(
                f"| `{prefix}{key}` | {_type_name(field)} | `{default}` | {field.description} |"
            )
        elif prefix:  # the sections of the study itself have headings of their own
            rows.append(_section_row(f"{prefix}{key}", field))
    return "\n".join([f"### {heading}", "", *([doc, ""] if doc else []), *rows])


def _section_row(key: str, field: FieldInfo) -> str:
    sections = sections_of(field)
    kinds = " / ".join(f"`{kind_of(each)}`" for each in sections if len(sections) > 1)
    doc = field.description or (_first_line(sections[0]) if len(sections) == 1 else "By `kind`.")
    return f"| `{key}` | {f'section {kinds}'.strip()} | | {doc} |"


def _type_name(field: FieldInfo) -> str:
    signs = {"Ge": "≥", "Gt": ">", "Le": "≤", "Lt": "<"}
    limits = [
        f"{signs[type(bound).__name__]} {getattr(bound, type(bound).__name__.lower())}"
        for bound in field.metadata
        if type(bound).__name__ in signs
    ]
    return " ".join([_type_text(field.annotation), ", ".join(limits)]).strip()


def _type_text(kind) -> str:
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Literal:
        return " / ".join(f"`{part}`" for part in parts)
    if origin is Annotated:
        return _type_text(parts[0])
    if origin in (UnionType, Union):
        return " or ".join(_type_text(part) for part in parts)
    if origin is list:
        return f"list of {_type_text(parts[0])}"
    if origin is dict:
        return f"{_type_text(parts[1])} by name"
    names = {type(None): "null", str: "text", int: "integer", float: "number", bool: "true / false"}
    return names[kind]


def generated_files(root: Path) -> dict[Path, str]:
    """Every file that is generated from this module, with the text it should have."""
    return {
        root / "config/config.yaml": default_yaml(),
        root / "workflow/schemas/config.schema.json": json.dumps(
            Config.model_json_schema(), indent=2
        )
        + "\n",
        root / "config/README.md": readme(),
    }


if __name__ == "__main__":
    for file, text in generated_files(Path(__file__).resolve().parents[4]).items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
