"""Which values of a table mean that there is none.

The rule: a value is compared without blanks around it, in any case, and as a number where it is
one (-9 is -9.0). What the usual programs write for "no value" is missing, and so is what
`labels.missing` adds. What often means it, and as often is a value, is kept and shown on the
check page.
"""

import re
import unicodedata

import numpy as np
import pandas as pd

# R, pandas, BIDS, SQL, Excel, Stata, SPSS, SAS, PLINK, and people
_WORDS = r"""
    na n/a n.a. n.a n\a nan -nan +nan none null nil <na> <n/a> <none> <null> <nan>
    <missing> <unknown> (null) (none) (na) (missing) (unknown) (blank) [null] [na] [none]
    [missing] [unknown] \n #na #n/a #null! #null #value! #ref! #div/0! #num! #name? #nan
    #missing 1.#ind -1.#ind 1.#qnan -1.#qnan 1.#nan 1.#inf na_character_ na_integer_ na_real_
    sysmis unknown unk unkn missing undefined unspecified unavailable
"""
_PHRASES = (
    "#n/a n/a",
    "not available",
    "not applicable",
    "not known",
    "not recorded",
    "not reported",
    "not specified",
    "not provided",
    "not collected",
    "not stated",
    "not ascertained",
    "not measured",
    "not tested",
    "no data",
    "no value",
    "no label",
    "no information",
    "no phenotype",
    "nodata",
    "missing data",
    "missing value",
    "do not know",
    "don't know",
    "dont know",
    "prefer not to answer",
    "prefer not to say",
)
# only marks, such as - . ? * _, and the dotted letters of Stata and SAS
_MARKS = re.compile(r"[-–—.?*_/~]+|\._|\.[a-z]")
_CODES = frozenset([*_WORDS.split(), *_PHRASES])
_NUMBER = re.compile(r"(?:[-+]?(?:0|[1-9]\d*|0?(?=\.\d))|[-+]0+\d+)(\.\d*)?(e[-+]?\d+)?")
_SUSPICIOUS_WORDS = """
    unclassified undetermined indeterminate inconclusive unassigned unlabelled unlabeled
    uncertain nd n.d. n/d tbd tba refused declined withheld excluded redacted failed error fail
    invalid blank empty void nat np ns nr ni x xx xxx ?? ! nk n.k. n/k dk d/k n.r. nul pd.na
    unknow unascertained ungenotyped pending inf -inf +inf infinity notavailable
"""
_SUSPICIOUS_PHRASES = (
    *_SUSPICIOUS_WORDS.split(),
    "not determined",
    "not done",
    "not sure",
    "to be determined",
    "not asked",
    "not given",
    "no answer",
    "no response",
    "n / a",
)
# characters nobody sees (zero width, byte order mark), and those that look like - and '
_INVISIBLE = (
    dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"))
    | dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2212"), "-")
    | {0x2019: "'"}
)
_WRAPPED = re.compile(r"[<\[({#].*|.*[>\])}]")
_SUSPICIOUS_NUMBERS = frozenset(
    float(sign + digit * length)
    for digit in "6789"
    for length in range(1, 7)
    for sign in ("-", "")
    if length > 1 or sign
) | {-1.0, -2.0, -3.0, -5.0}


class MissingCodes:
    """The values that mean "none": those every program knows, and `more` of the configuration."""

    def __init__(self, more=()):
        folded = [_fold(value) for value in more]
        self._texts = frozenset(folded)
        self._numbers = frozenset(
            number for each in folded if (number := number_of(each)) is not None
        )

    def is_missing(self, values: pd.Series) -> np.ndarray:
        """Which values of a column of str are missing, bool [N]."""
        unique = values.unique()
        codes = {value for value in unique if self.is_code(value)}
        if any(_fold(value) == "+" for value in unique):  # plus and minus are two classes
            codes = {value for value in codes if _fold(value) != "-"}
        return values.isin(codes).to_numpy()

    def is_code(self, value) -> bool:
        """Whether one value is missing."""
        text = _fold(value)
        if not text or text in _CODES or text in self._texts or _MARKS.fullmatch(text):
            return True
        if re.sub(r"[\s_-]+", " ", text) in _CODES:
            return True
        number = number_of(text)
        return number is not None and (_is_certain(number) or number in self._numbers)

    def is_nobody(self, names: pd.Series) -> np.ndarray:
        """Which names of parents or families [N] stand for nobody: what is missing, and zeros."""
        zeros = names.astype(str).str.strip().str.fullmatch(r"[-+]?0+(\.0*)?")
        return self.is_missing(names) | zeros.to_numpy(bool)

    def suspicious(self, values: pd.Series) -> dict[str, int]:
        """Kept values that look like a code for "none", with how often they occur.

        values: classes, or numbers. In a column of numbers a code such as 99 counts only where
        it stands outside the rest, and 0 only beside 1 and 2 alone, or beside words. Up to three
        negative whole numbers count where all others are not negative, or beside words. In a
        column of a few small numbers 7, 8 and 9 count where they stand apart (1, 2, 9).
        """
        counts = values[~self.is_missing(values)].value_counts()
        numbers = {value: number_of(_fold(value)) for value in counts.index}
        known = {value: n for value, n in numbers.items() if n is not None}
        found = [value for value in counts.index if value not in known and _looks(value)]
        odd = _negative_codes(known, len(counts) > len(known))
        rest = [n for n in known.values() if n not in _SUSPICIOUS_NUMBERS]
        low, high = (min(rest), max(rest)) if rest else (np.inf, -np.inf)
        for value, number in known.items():
            code = number in _SUSPICIOUS_NUMBERS and not low <= number <= high
            beside_words = len(known) == 1 and len(counts) > 1
            zero = number == 0 and (beside_words or set(known.values()) == {0.0, 1.0, 2.0})
            if (
                (code and (rest or len(counts) > len(known)))
                or zero
                or number in odd
                or _stands_apart(number, known)
            ):
                found.append(value)
        return {value: int(counts[value]) for value in found}


def _negative_codes(known: dict[str, float], has_words: bool) -> set[float]:
    """The negative numbers of a column, if they are few and whole and all others are not negative."""
    negative = {number for number in known.values() if number < 0}
    others = set(known.values()) - negative
    few = len(negative) <= 3 and all(number % 1 == 0 for number in negative)
    return negative if few and (has_words or len(others) > len(negative)) else set()


def _stands_apart(number: float, known: dict[str, float]) -> bool:
    """Whether 7, 8 or 9 follows a gap in a column of a few numbers up to 9."""
    lower = [each for each in known.values() if each < number]
    few = len(known) <= 10 and max(known.values()) <= 9
    return number in (7, 8, 9) and few and bool(lower) and number - max(lower) >= 2


def number_of(text: str) -> float | None:
    """A text as a number; None for words, infinities and numbers with leading zeros (ids)."""
    folded = _fold(text)
    return float(folded) if _NUMBER.fullmatch(folded) and folded not in ("", "-", "+") else None


def without_invisible(text: str) -> str:
    """A text without characters of no width, and with plain dashes and apostrophes."""
    return text.translate(_INVISIBLE)


def _fold(value) -> str:
    text = without_invisible(unicodedata.normalize("NFKC", str(value)))
    return text.strip().strip("'\"").strip().casefold()


def _is_certain(number: float) -> bool:
    """-9, and -999, -9999 and so on."""
    return number == -9 or (number <= -999 and re.fullmatch(r"-9+(\.0)?", repr(number)) is not None)


def _looks(value: str) -> bool:
    text = _fold(value)
    spaced = re.sub(r"[\s_-]+", " ", text)
    return (
        text in _SUSPICIOUS_PHRASES
        or spaced in _SUSPICIOUS_PHRASES
        or _WRAPPED.fullmatch(text) is not None
        or _is_repeated_code(text)
        or any(re.fullmatch(rf"{word}\W+.*", spaced) for word in ("unknown", "missing", "none"))
    )


def _is_repeated_code(text: str) -> bool:
    """Codes alone, as joined columns have them (NA/NA, -9/-9), or one with a mark after it."""
    parts = re.split(r"[\s/|_;,]+", text.rstrip(".?!*"))
    numbers = {part: number_of(part) for part in parts}
    return all(
        part in _CODES or (numbers[part] is not None and _is_certain(numbers[part]))
        for part in parts
    )
