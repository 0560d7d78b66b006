"""Configuration files as they are typed: keys that stand twice, and what YAML takes for no text.

YAML keeps the last of two equal keys and makes a truth value of NO, 7 of 007 and nothing of ~;
Snakemake passes on what is left. These functions read the files once more.
"""

from collections.abc import Iterable
from pathlib import Path

import yaml

from syncohort.errors import InputError, raise_all

Place = tuple[str, ...]

_MERGE = "tag:yaml.org,2002:merge"


class TypedInt(int):
    """A whole number with `typed`, how the file spells it (007)."""

    typed: str


class TypedFloat(float):
    """A number with `typed`, how the file spells it (1.50)."""

    typed: str


def read_typed(files: Iterable[str | Path]) -> dict[Place, str]:
    """How the plain words and numbers of configuration files are spelled, by place.

    A place is the keys, and the index within a list, as str. Of several files the last decides,
    as with Snakemake.

    Raises:
        InputError: names each key that stands twice in one section, with file and both lines.
    """
    typed: dict[Place, str] = {}
    problems = []
    for file in files:
        try:
            with open(file, encoding="utf-8-sig") as stream:
                loader = yaml.SafeLoader(stream)
                root = loader.get_single_node()
            if root is not None:
                _walk(root, (), loader, file, typed, problems)
        except RecursionError:
            raise InputError(
                f"{file}: an alias (*name) stands inside what it names; write the values out"
            ) from None
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise InputError(f"{file}: cannot be read as YAML: {error}") from None
    raise_all(problems, "Keys of the configuration that stand twice; keep one of each")
    return typed


def with_spelling(values, typed: dict[Place, str], place: Place = ()):
    """A copy of a configuration in which numbers that are not spelled as Python spells them
    know it (`TypedInt`, `TypedFloat`)."""
    if isinstance(values, dict):
        return {key: with_spelling(each, typed, (*place, str(key))) for key, each in values.items()}
    if isinstance(values, list):
        return [with_spelling(each, typed, (*place, str(i))) for i, each in enumerate(values)]
    kind = {int: TypedInt, float: TypedFloat}.get(type(values))
    spelling = typed.get(place)
    if kind is None or spelling is None or spelling == str(values) or not is_of(values, spelling):
        return values
    spelled = kind(values)
    spelled.typed = spelling
    return spelled


def is_of(value, spelling: str) -> bool:
    """Whether a value is the file's and not one that --config put in its place."""
    return yaml.safe_load(spelling) == value


def _walk(node, place: Place, loader, file, typed: dict, problems: list) -> None:
    if isinstance(node, yaml.ScalarNode):
        if node.style is None:
            typed[place] = node.value
    elif isinstance(node, yaml.SequenceNode):
        for i, each in enumerate(node.value):
            _walk(each, (*place, str(i)), loader, file, typed, problems)
    elif isinstance(node, yaml.MappingNode):
        lines = {}
        for key, value in node.value:
            if key.tag == _MERGE:  # what the section starts from; its own keys may differ
                bases = value.value if isinstance(value, yaml.SequenceNode) else [value]
                for base in bases:
                    _walk(base, place, loader, file, typed, problems)
                continue
            name = loader.construct_object(key, deep=True)
            name = str(name) if isinstance(name, list | dict) else name
            line = key.start_mark.line + 1
            # 1 and "1" are one text, 1 and 1.0 are one number
            first = lines.get(name, lines.get(str(name)))
            if first is not None:
                named = ".".join((*place, str(name)))
                problems.append(f"{file}: {named} stands on line {first} and on line {line}")
            lines.setdefault(name, line)
            lines.setdefault(str(name), line)
            below = (*place, str(name))
            if isinstance(key, yaml.ScalarNode) and key.style is None:
                typed[(*below, "[key]")] = key.value
            _walk(value, below, loader, file, typed, problems)
