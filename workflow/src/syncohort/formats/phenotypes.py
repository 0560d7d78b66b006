"""What a release says of its people to plink1.9 and plink2: one decision for .fam and .psam.

Axes: S people.
"""

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np

from syncohort.genotypes import People, carries

# Names that say which of two labels are the cases, whatever the study is about.
CASES = frozenset({"case", "cases", "affected", "diseased", "patient", "patients", "yes", "true"})
CONTROLS = frozenset(
    {"control", "controls", "ctrl", "ctrls", "unaffected", "healthy", "no", "false"}
)
# Pairs of numbers that are plain codes, controls first: of statistics programs, and of PLINK.
CODES = ((0.0, 1.0), (1.0, 2.0))

MISSING = "-9"  # of both programs
_PLINK_CODES = (-9.0, 0.0, 1.0, 2.0)  # values all among them are cases and controls to PLINK
_TINY = 1e-300  # PLINK reads smaller numbers as 0
_NO_CODE = 1e-5  # added to a value that would be read as a code


@dataclass(frozen=True)
class Phenotype:
    """kind: cases and controls, numbers, or nothing that PLINK knows; code: [S] str as PLINK 1
    and PLINK 2 read it, -9 for a person without."""

    kind: Literal["binary", "quantitative", "none"]
    code: list[str]


def phenotype_of(people: People, case_label: str | None = None) -> Phenotype:
    """The phenotype of a release's people [S].

    Their values where the labels are bins of a number. Else, with `case_label`, cases are who
    carries it, alone or between the "/" of a joined label, and all other people are controls.
    Without it, cases and controls are distinguished where both labels are well-known names of them
    or plain codes (0 and 1, 1 and 2); two populations are neither.
    """
    if people.has_values:
        return Phenotype("quantitative", _numbers(people.value))
    labels = people.label.astype(str)
    is_labelled = labels != ""
    if case_label is not None:
        is_case = carries(labels, case_label)
    else:
        case = certain_case(sorted(set(labels[is_labelled].tolist())))
        if case is None:
            return Phenotype("none", [MISSING] * len(labels))
        is_case = labels == case
    codes = np.where(is_labelled, np.where(is_case, "2", "1"), MISSING)
    return Phenotype("binary", codes.tolist())


def categories(labels: np.ndarray) -> list[str]:
    """Labels [S] as names of plink2's categories, NONE for none; different labels have
    different names.

    A category may hold no blanks (underscores stand for them), not begin like a number and not
    be a word for "missing" (an underscore is put before it). A name that another label has
    already gets a number.
    """
    pattern = re.compile(r"(?i)^(?=[-+.\d]|(na|nan|none|inf|infinity)$)")
    names: dict[str, str] = {}
    for label in sorted(
        set(map(str, labels)) - {""}, key=lambda each: (len(each.split()) > 1, each)
    ):
        plain = name = pattern.sub("_", "_".join(label.split()))
        number = 2
        while name in names.values():
            name, number = f"{plain}_{number}", number + 1
        names[label] = name
    return [names.get(str(label), "NONE") for label in labels]


def certain_case(names: list[str]) -> str | None:
    """Which of two labels is certainly that of the cases, the other being that of controls.

    None: more labels or fewer, or any that may mean something else.
    """
    if len(names) != 2:
        return None
    for case, control in (names, names[::-1]):
        if case.lower() in CASES and control.lower() in CONTROLS:
            return case
        if (_number(control), _number(case)) in CODES:
            return case
    return None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _numbers(values: np.ndarray) -> list[str]:
    """Values [S] as text that PLINK takes for numbers: one that is a code of cases, controls or
    missing is moved by 0.00001."""
    known = np.isfinite(values)
    # what is a code after rounding is one to PLINK
    rounded = np.array([float(f"{value:.6g}") for value in values])
    rounded[np.abs(rounded) < _TINY] = 0
    is_code = rounded == -9
    if np.isin(rounded[known], _PLINK_CODES).all():
        is_code = known
    written = np.where(rounded == 0, 0, values)
    moved = np.where(is_code, rounded + np.where(rounded == -9, -_NO_CODE, _NO_CODE), written)
    return [f"{value:.15g}" if np.isfinite(value) else MISSING for value in moved]
