"""What every section of the configuration is made of."""

from collections.abc import Iterator
from typing import Annotated, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

# A part of the names of files, whose length a file system bounds.
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=100)]


def _as_text(value) -> str:
    """A value of YAML as the text that was typed: 20 and -9 are numbers there, NO and 007 lost."""
    if isinstance(value, str):
        return value.strip()
    if type(value) in (int, float):
        return str(value)
    raise PydanticCustomError("text_wanted", "is no text")


Text = Annotated[str, BeforeValidator(_as_text)]
Fraction = Annotated[float, Field(ge=0, le=1)]
PositiveFraction = Annotated[float, Field(gt=0, le=1)]


class Section(BaseModel):
    """A part of the configuration: unknown keys are refused, values are not changed later."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False
    )

    @model_validator(mode="before")
    @classmethod
    def _truth_is_no_number(cls, values):
        """Words in the place of true and false where a number is wanted: they would count as 1
        and 0, and words are refused."""
        if not isinstance(values, dict):
            return values
        numeric = {
            name
            for name, field in cls.model_fields.items()
            if (types := _types(field.annotation)) & {int, float} and bool not in types
        }
        return {key: _in_words(each) if key in numeric else each for key, each in values.items()}


def _types(annotation) -> set:
    """The plain types in an annotation."""
    parts = get_args(annotation)
    return set().union(*map(_types, parts)) if parts else {annotation}


def _in_words(value):
    """A value with "true" and "false" for truth values, those of lists and mappings included."""
    if isinstance(value, dict):
        return {key: _in_words(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_in_words(each) for each in value]
    return str(value).lower() if isinstance(value, bool) else value


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
