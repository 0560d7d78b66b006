"""Lines of a table of text, cut into fields: by tabs, commas, semicolons or blanks."""

import csv
import re

import numpy as np

BLANKS = "blanks"
_TOKEN = re.compile(r'[ \t]*(?:"((?:[^"]|"")*)"(?=[ \t]|$)|([^\s"]\S*))[ \t]*')


def heading_fields(line: str) -> list[str]:
    """The names in a heading, as its separator cuts them; [] where quotes do not close."""
    try:
        return [name.strip() for name in split_line(line.lstrip("#"), guess_separator(line))]
    except ValueError:
        return []


def guess_separator(heading: str) -> str:
    """The mark between the names of a heading: a tab if there is one, else the commoner."""
    bare_text = re.sub(r'"[^"]*"', "", heading)
    if "\t" in bare_text:
        return "\t"
    mark = max(",;", key=bare_text.count)
    return mark if mark in bare_text else BLANKS


def split_line(line: str, separator: str) -> list[str]:
    """The fields of a line; a field may stand in double quotes.

    Raises:
        ValueError: a quote does not close where the field ends.
    """
    if separator == BLANKS:
        return _split_blanks(line)
    try:
        reader = csv.reader([line], delimiter=separator, strict=True, skipinitialspace=True)
        return next(reader, [""])
    except csv.Error:
        raise ValueError(_quote_problem(line)) from None


def _split_blanks(line: str) -> list[str]:
    fields, at, line = [], 0, line.rstrip()
    while at < len(line):
        token = _TOKEN.match(line, at)
        if token is None:
            raise ValueError(_quote_problem(line))
        quoted, plain = token.groups()
        fields.append(plain if quoted is None else quoted.replace('""', '"'))
        at = token.end()
    return fields


def _quote_problem(line: str) -> str:
    return (
        f"a double quote opens a value and does not close it in this line ({line[:60]!r}); "
        "a value stands in one row, and a quote inside quotes is written twice"
    )


def has_blank_lines(block: bytes) -> bool:
    if block.startswith(b"\n") or b"\n\n" in block:
        return True
    starts = (b"\n ", b"\n\t")  # lines that begin with blanks may hold nothing else
    padded = block.startswith((b" ", b"\t")) or any(each in block for each in starts)
    return padded and re.search(rb"^[ \t]+\n", block, re.MULTILINE) is not None


def field_counts(block: bytes, separator: str) -> np.ndarray:
    """Fields of each line of a block, without regard to quotes."""
    data = np.frombuffer(block, np.uint8)
    ends = np.flatnonzero(data == 10)
    if separator == BLANKS:
        gap = (data == 32) | (data == 9) | (data == 10)
        begins = ~gap
        begins[1:] &= gap[:-1]
        return np.diff(np.searchsorted(np.flatnonzero(begins), ends), prepend=0)
    marks = np.flatnonzero(data == ord(separator))
    return np.diff(np.searchsorted(marks, ends), prepend=0) + 1


def is_padded(block: bytes, separator: str) -> bool:
    """Whether blanks stand around fields that something else separates."""
    if separator == BLANKS or b" " not in block:
        return not block.isascii()  # blanks that are no spaces
    mark = separator.encode()
    around = (mark + b" ", b" " + mark, b" \n", b"\n ")
    return block.startswith(b" ") or not block.isascii() or any(each in block for each in around)
