"""What every section of the configuration is made of."""

from collections.abc import Iterator
from typing import Annotated, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.fields import FieldInfo

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]

# YAML reads 20 and -9 as numbers
Text = Annotated[str, BeforeValidator(lambda value: str(value))]
Fraction = Annotated[float, Field(ge=0, le=1)]
PositiveFraction = Annotated[float, Field(gt=0, le=1)]


class Section(BaseModel):
    """A part of the configuration: unknown keys are refused, values are not changed later."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


def sections_of(field: FieldInfo) -> list[type[Section]]:
    """The sections a field may hold, itself or as the values of a dictionary; [] for plain values."""

    def found(annotation) -> list:
        if isinstance(annotation, type) and issubclass(annotation, Section):
            return [annotation]
        return [each for part in get_args(annotation) for each in found(part)]

    return found(field.annotation)


def key_of(name: str, field: FieldInfo) -> str:
    """A field's key as one types it: NAME stands for the names of a user's own sections."""
    is_named = isinstance(field.default, dict) and sections_of(field)
    return f"{name}.NAME" if is_named else name


def sections_below(
    model: type[Section], prefix: str = ""
) -> Iterator[tuple[str, type[Section], bool]]:
    """The key of every section below `model`, the section, and whether it is one of several
    kinds; a section before those below it."""
    for name, field in model.model_fields.items():
        sections, key = sections_of(field), f"{prefix}{key_of(name, field)}"
        for section in sections:
            yield key, section, len(sections) > 1
            yield from sections_below(section, f"{key}.")


def kind_of(model: type[Section]) -> str | None:
    """The kind that a section is of, where there are several for one key."""
    field = model.model_fields.get("kind")
    return field.default if field is not None else None


def merged(base: dict, changes: dict) -> dict:
    """`base` with `changes` put over it, section by section; another `kind` replaces a section."""
    if "kind" in changes and changes["kind"] != base.get("kind", changes["kind"]):
        return changes
    result = dict(base)
    for key, value in changes.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else value
    return result
