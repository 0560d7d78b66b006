"""The files that are written from the configuration's types: `python -m syncohort.config.generated_files`.

A test fails, and says so, when they drift from `config`.
"""

import json
from pathlib import Path
from types import UnionType
from typing import Annotated, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from syncohort.config.sections import Section, sections_of
from syncohort.config.study import Config


def _walk(model, prefix: str = ""):
    """Yield (key, what it holds) for every key of the configuration, sections before their keys.

    What it holds is a field, or a section; a key with several kinds of section appears once
    for each kind.
    """
    for name, field in model.model_fields.items():
        sections = sections_of(field)
        if not sections:
            yield f"{prefix}{name}", field
        named = "<name>." if isinstance(field.default, dict) else ""
        for section in sections:
            kind = section.model_fields.get("kind")
            which = f" ({kind.default})" if kind is not None and len(sections) > 1 else ""
            yield f"{prefix}{name}{which}", section
            yield from _walk(section, f"{prefix}{name}{which}.{named}")


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
            doc = (field.description or section.__doc__).splitlines()[0]
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


def key_table() -> str:
    """The key table of config/README.md, in Markdown."""
    rows = ["| key | type | default | meaning |", "| --- | --- | --- | --- |"]
    for key, field in _walk(Config):
        if not isinstance(field, FieldInfo):
            rows.append(f"| **{key}** | | | {field.__doc__.splitlines()[0]} |")
            continue
        kind = _type_name(field)
        rows.append(f"| `{key}` | {kind} | `{json.dumps(field.default)}` | {field.description} |")
    return "\n".join(rows) + "\n"


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
    return "null" if kind is type(None) else kind.__name__


README_MARK = "<!-- keys: written by `make config` -->"


def generated_files(root: Path) -> dict[Path, str]:
    """Every file that is generated from this module, with the text it should have."""
    readme = root / "config/README.md"
    head = readme.read_text().split(README_MARK)[0]
    return {
        root / "config/config.yaml": default_yaml(),
        root / "workflow/schemas/config.schema.json": json.dumps(
            Config.model_json_schema(), indent=2
        )
        + "\n",
        readme: f"{head}{README_MARK}\n\n{key_table()}",
    }


if __name__ == "__main__":
    for file, text in generated_files(Path(__file__).resolve().parents[4]).items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
