"""Names of the generators that the workflow derives, and the names that nobody else may use.

Beside the generators of the configuration stand others that are made from them: further
trainings, other guidance scales, mosaics of a curve, the validation people. Each is a folder and
a row of the report, so that two of one name would silently be one.
"""

import re
from collections.abc import Iterable

VALIDATION = "validation"  # validation people as if they were synthetic, beside every generator
RESERVED = ("real", VALIDATION, "train", "holdout", "synthetic")


def curve_name(effective_size: float) -> str:
    """A mosaic of the curve, by its effective size."""
    return f"mosaic_ne{effective_size:g}".replace("+", "")  # a part of a path and of a pattern


def replicate_name(generator: str, training: int) -> str:
    """A further training of a released generator, the second being 2."""
    return f"{generator}_seed{training}"


def guided_name(generator: str, guidance_scale: float) -> str:
    """A released generator sampled at another guidance scale."""
    return f"{generator}_g{guidance_scale:g}"


def drawn_name(generator: str) -> str:
    """A released generator with the people who are withheld from its release."""
    return f"{generator}_drawn"


def reserved_problems(generators: Iterable[str], calibration: Iterable[str]) -> list[str]:
    """What is wrong with the names of `generators` and `evaluation.calibration`, in words."""
    generators, calibration = list(generators), list(calibration)
    names = "|".join(map(re.escape, generators))
    number = r"\d[\d.e+-]*"
    derived = re.compile(rf"mosaic_ne{number}|(?:{names})_(?:seed\d+|g{number}|drawn)")
    problems = [
        f"a generator cannot be called {name}: the report has a row or a word of that name. "
        f"Reserved are {', '.join(RESERVED)}, mosaic_ne<number>, and <generator>_seed<number>, "
        f"<generator>_g<number> and <generator>_drawn of {', '.join(generators)}; rename it"
        for name in (*generators, *calibration)
        if name in RESERVED or derived.fullmatch(name)
    ]
    twice = [name for name in generators if name in calibration]
    if twice:
        problems.append(
            f"{', '.join(twice)}: a name of both `generators` and `evaluation.calibration`; "
            "rename one"
        )
    return problems


def same_names(key: str, values: Iterable[float], name) -> list[str]:
    """What is wrong with numbers of a key of which two give one name, in words.

    name: makes a name of a number.
    """
    found = {}
    for value in values:
        found.setdefault(name(value), []).append(value)
    return [
        f"{key}: {' and '.join(map(str, each))} would both be called {derived}; leave one out"
        for derived, each in found.items()
        if len(each) > 1
    ]
