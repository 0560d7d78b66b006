"""The one reader of tables of text that people hand in: labels, relatives, GWAS results, maps.

Columns are apart by tabs, commas, semicolons or blanks, as the heading has them; plain, gzipped or
compressed with zstd; UTF-8, with or without a byte order mark. Above the heading may stand lines
that begin with `##` and comments after `#`, and the heading may begin with `#`. Every row has the
fields of the heading: a row that has not is an error with its line number, never a shift.
"""

import csv
import io
import re
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from syncohort.errors import InputError, examples
from syncohort.formats.compression import open_unpacked

BLANKS = "blanks"
_BLOCK_BYTES = 1 << 24
_SHOWN = 5  # problems of a file that a message lists
_TOKEN = re.compile(r'[ \t]*(?:"((?:[^"]|"")*)"(?=[ \t]|$)|([^\s"]\S*))[ \t]*')
_EXCEL_MARK = re.compile(r'"?sep=."?')  # a first line that tells Excel the separator
FOREIGN = {  # how files begin that are no tables of text
    b"PK\x03\x04": "a zip archive or an Excel workbook",
    b"\xd0\xcf\x11\xe0": "an Excel workbook",
    b"\xff\xfe": "text in UTF-16",
    b"\xfe\xff": "text in UTF-16",
    b"BZh": "compressed with bzip2",
    b"\xfd7zXZ": "compressed with xz",
}


class TextTable:
    """A table of text, opened: its heading is read and checked, its rows are not yet.

    Args:
        path: plain or gzipped.
        key: the configuration key or the kind of file, put before messages; "" for none.
        names: columns of a file without a heading, which are then apart by blanks.
        separator: what the columns are apart by, where it is not to be guessed from the heading;
            a double quote is then a letter as any other.

    `columns` are the names, without `#` and blanks around them; `separator` is a tab, a comma,
    a semicolon or `BLANKS`; `heading_line` is the heading's number, 0 without one.

    Raises:
        InputError: no such file, no text, no heading, or a column name that stands twice.
    """

    def __init__(
        self,
        path: str | Path,
        key: str = "",
        names: Iterable[str] | None = None,
        separator: str | None = None,
    ):
        self.path = Path(path)
        self._place = f"{key}: {path}" if key else str(path)
        self._quoted = names is None and separator is None
        if names is not None:
            self.columns, self.separator, self.heading_line = list(names), BLANKS, 0
            return
        self.heading_line, heading = self._find_heading(separator)
        self.separator = separator or _guess_separator(heading)
        try:
            fields = _split(heading.lstrip("#"), self.separator)
        except ValueError as error:
            raise InputError(f"{self._place}, line {self.heading_line}: {error}") from None
        self.columns = [field.strip() or f"column {k}" for k, field in enumerate(fields, 1)]
        self._require_unique(self.heading_line)

    def read(self, columns: Iterable[str] | None = None) -> pd.DataFrame:
        """The rows as str, indexed by their line in the file; columns: those wanted, or all."""
        parts = list(self.chunks(columns))
        return pd.concat(parts) if parts else self._empty(columns)

    def chunks(self, columns: Iterable[str] | None = None) -> Iterator[pd.DataFrame]:
        """Walk along the rows; see `read`.

        Raises:
            InputError: lists lines with more or fewer fields than the heading, quotes that do
                not close in their row, and what is no UTF-8.
        """
        wanted = self.columns if columns is None else list(columns)
        for first_line, block in self._blocks():
            block, lines = self._body(block, first_line)
            if not len(lines):
                continue
            if self._quoted and b'"' in block:
                table = self._parse_quoted(block, lines)[wanted]
            else:
                table = self._parse_plain(block, lines, wanted)
            # rows of an export that hold separators only
            yield table[(table != "").any(axis=1)] if (table.iloc[:, 0] == "").any() else table

    def _empty(self, columns) -> pd.DataFrame:
        return pd.DataFrame(columns=self.columns if columns is None else list(columns), dtype=str)

    def _body(self, block: bytes, first_line: int) -> tuple[bytes, np.ndarray]:
        """The rows of a block, heading and blank lines left out, and their line numbers."""
        for _ in range(max(0, min(self.heading_line - first_line + 1, block.count(b"\n")))):
            block = block[block.index(b"\n") + 1 :]
            first_line += 1
        n_lines = block.count(b"\n")
        lines = first_line + np.arange(n_lines)
        if _has_blank_lines(block):
            rows = block.split(b"\n")[:-1]
            full = [bool(row.strip()) for row in rows]
            block = b"".join(
                row + b"\n" for row, is_full in zip(rows, full, strict=True) if is_full
            )
            lines = lines[np.array(full, dtype=bool)]
        return block, lines

    def _parse_plain(self, block: bytes, lines: np.ndarray, wanted: list[str]) -> pd.DataFrame:
        counts = _field_counts(block, self.separator)
        self._require_fields(counts, lines)
        table = pd.read_csv(
            io.BytesIO(block),
            sep=r"\s+" if self.separator == BLANKS else self.separator,
            header=None,
            names=self.columns,
            usecols=wanted,
            dtype=str,
            na_filter=False,
            quoting=csv.QUOTE_NONE,
            index_col=False,
            skip_blank_lines=False,
            encoding="utf-8",
        )[wanted]
        table.index = pd.Index(lines, name="line")
        return _stripped(table) if _is_padded(block, self.separator) else table

    def _parse_quoted(self, block: bytes, lines: np.ndarray) -> pd.DataFrame:
        rows, problems = [], []
        for number, line in zip(lines, block.decode().split("\n")[:-1], strict=True):
            try:
                rows.append(_split(line, self.separator))
            except ValueError as error:
                problems.append(f"line {number}: {error}")
        self._raise(problems)
        self._require_fields(np.array([len(row) for row in rows]), lines)
        index = pd.Index(lines, name="line")
        return _stripped(pd.DataFrame(rows, columns=self.columns, index=index, dtype=str))

    def _require_fields(self, counts: np.ndarray, lines: np.ndarray) -> None:
        wrong = np.flatnonzero(counts != len(self.columns))
        if not len(wrong):
            return
        n = len(self.columns)
        expected = (
            f"the heading has {n}"
            if self.heading_line
            else f"expected {n}: {', '.join(self.columns)}"
        )
        problems = [
            f"line {lines[at]}: found {counts[at]} {'field' if counts[at] == 1 else 'fields'}, {expected}"
            for at in wrong
        ]
        advice = ""
        if self.heading_line and len(wrong) == len(counts) and (counts == n + 1).all():
            advice = "Name the first column too (R: write.table with row.names = FALSE)."
        elif self.heading_line and self.separator == BLANKS:
            advice = "A value that holds blanks needs quotes; or save the table with tabs."
        elif self.heading_line and self.separator != "\t" and (counts[wrong] > n).any():
            advice = f"A value that holds {self.separator!r} needs quotes around it."
        self._raise(problems, advice)

    def _raise(self, problems: list[str], advice: str = "") -> None:
        if not problems:
            return
        shown = [f"{self._place}, {problem}" for problem in problems[:_SHOWN]]
        if len(problems) > _SHOWN:
            shown.append(f"and {len(problems) - _SHOWN:,} more lines")
        raise InputError("\n  ".join([*shown, advice] if advice else shown))

    def _require_unique(self, number: int) -> None:
        twice = sorted({name for name in self.columns if self.columns.count(name) > 1})
        if twice:
            raise InputError(
                f"{self._place}, line {number}: the heading names more than one column "
                f"{examples(map(repr, twice))}; give every column a name of its own"
            )

    def _find_heading(self, separator: str | None) -> tuple[int, str]:
        """Line number and text of the heading: the first line that is no comment."""
        comment = None
        for first_line, block in self._blocks():
            for number, row in enumerate(block.decode().split("\n")[:-1], first_line):
                if not row.strip() or row.startswith("##") or _EXCEL_MARK.fullmatch(row):
                    continue
                if row.startswith("#"):
                    comment = number, row
                    continue
                if comment is not None and _is_heading(comment[1], row, separator):
                    return comment
                return number, row
        if comment is None:
            raise InputError(
                f"{self._place}: not a table of text: it is empty; expected a heading and rows"
            )
        return comment

    def _blocks(self) -> Iterator[tuple[int, bytes]]:
        """Whole lines of the file, ended by line feeds, with the number of the first of them."""
        line = 1
        try:
            for block in _whole_lines(self.path, self._place):
                self._require_text(block, line)
                yield line, block
                line += block.count(b"\n")
        except (OSError, EOFError, zlib.error) as error:
            raise InputError(
                f"{self._place}, after line {line - 1}: cannot be read ({error}); is the file cut short?"
            ) from None

    def _require_text(self, block: bytes, line: int) -> None:
        if b"\0" in block:
            line += block.count(b"\n", 0, block.index(b"\0"))
            raise InputError(
                f"{self._place}, line {line}: not a table of text (a zero byte). Save it as TSV or "
                "CSV, encoded as UTF-8."
            )
        if block.isascii():
            return
        try:
            block.decode()
        except UnicodeDecodeError as error:
            line += block.count(b"\n", 0, error.start)
            raise InputError(
                f"{self._place}, line {line}: not a table of text encoded as UTF-8 (byte "
                f"{block[error.start]:#04x}). Save it as UTF-8 (iconv -f LATIN1 -t UTF-8)."
            ) from None


def read_table(path: str | Path, key: str = "", names: Iterable[str] | None = None) -> pd.DataFrame:
    """The rows of a table as str, indexed by their line in the file; see `TextTable`."""
    return TextTable(path, key, names).read()


def first_fields(path: str | Path, key: str = "") -> list[str]:
    """The fields, apart by blanks, of the first line that is neither blank nor begins with ##."""
    return first_line(path, key)[1].split()


def first_line(path: str | Path, key: str = "") -> tuple[list[str], str]:
    """The first line that is neither blank nor begins with ##, "" for none, after those above."""
    above = []
    for _, block in TextTable(path, key, names=())._blocks():
        start = 0
        while start < len(block):
            end = block.index(b"\n", start)
            line = block[start:end].decode()
            if line.strip() and not line.startswith("##"):
                return above, line
            above.append(line)
            start = end + 1
    return above, ""


def bare(name: str) -> str:
    """A column name for comparison: small letters and digits alone."""
    return "".join(filter(str.isalnum, name.lower()))


def heading_fields(line: str) -> list[str]:
    """The names in a heading, as its separator cuts them; [] where quotes do not close."""
    try:
        return [name.strip() for name in _split(line.lstrip("#"), _guess_separator(line))]
    except ValueError:
        return []


def find_columns(columns: Iterable[str], aliases: str, path: str | Path) -> list[str]:
    """The columns that carry one of `aliases` (apart by blanks), by preference.

    Names are compared by `bare`. Raises InputError when two columns read as the same alias.
    """
    held: dict[str, list[str]] = {}
    for column in columns:
        held.setdefault(bare(column), []).append(column)
    found = [held[alias] for alias in aliases.split() if alias in held]
    for same in found[:1]:
        if len(same) > 1:
            raise InputError(
                f"{path}: the columns {' and '.join(map(repr, same))} mean the same; leave one out"
            )
    return [same[0] for same in found]


def numbers_of(column: pd.Series, path: str | Path, name: str) -> pd.Series:
    """A column of `read_table` as finite float64.

    Raises:
        InputError: names the first line whose value is no number.
    """
    numbers = pd.to_numeric(column, errors="coerce").astype(np.float64)
    wrong = ~np.isfinite(numbers.to_numpy())
    if wrong.any():
        at = int(np.argmax(wrong))
        raise InputError(
            f"{path}, line {column.index[at]}: the {name} {column.iloc[at]!r} is not a number"
        )
    return numbers


def _whole_lines(path: Path, place: str) -> Iterator[bytes]:
    """Blocks of whole lines with line feeds at their ends, whatever ends them in the file."""
    if not path.is_file():
        raise InputError(f"{place}: no such file")
    with open(path, "rb") as raw:
        start = raw.read(8)
    for magic, kind in FOREIGN.items():
        if start.startswith(magic):
            raise InputError(
                f"{place}: not a table of text but {kind}. Save it as TSV or CSV, encoded as "
                "UTF-8, plain or gzipped."
            )
    with open_unpacked(path) as file:
        rest, is_first = b"", True
        while data := file.read(_BLOCK_BYTES):
            if is_first:
                data, is_first = data.removeprefix(b"\xef\xbb\xbf"), False
            data = rest + data
            if b"\r" in data:
                held = data.endswith(b"\r")  # its line feed may come with the next block
                data = data[: len(data) - held].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
                data += b"\r" * held
            cut = data.rfind(b"\n") + 1
            if cut:
                yield data[:cut]
            rest = data[cut:]
        if rest.rstrip(b"\r"):
            yield rest.rstrip(b"\r") + b"\n"


def _guess_separator(heading: str) -> str:
    """The mark between the names of a heading: a tab if there is one, else the commoner."""
    bare_text = re.sub(r'"[^"]*"', "", heading)
    if "\t" in bare_text:
        return "\t"
    mark = max(",;", key=bare_text.count)
    return mark if mark in bare_text else BLANKS


def _is_heading(comment: str, row: str, separator: str | None) -> bool:
    """Whether a line that begins with # names the columns of the row after it."""
    if separator is not None:
        return not comment.startswith("# ")
    mark, next_mark = _guess_separator(comment), _guess_separator(row)
    if mark == "\t" and not comment.startswith("# "):
        return True
    return mark == next_mark and len(heading_fields(comment)) == len(heading_fields(row)) > 1


def _split(line: str, separator: str) -> list[str]:
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


def _has_blank_lines(block: bytes) -> bool:
    if block.startswith(b"\n") or b"\n\n" in block:
        return True
    starts = (b"\n ", b"\n\t")  # lines that begin with blanks may hold nothing else
    padded = block.startswith((b" ", b"\t")) or any(each in block for each in starts)
    return padded and re.search(rb"^[ \t]+\n", block, re.MULTILINE) is not None


def _field_counts(block: bytes, separator: str) -> np.ndarray:
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


def _is_padded(block: bytes, separator: str) -> bool:
    """Whether blanks stand around fields that something else separates."""
    if separator == BLANKS or b" " not in block:
        return not block.isascii()  # blanks that are no spaces
    mark = separator.encode()
    around = (mark + b" ", b" " + mark, b" \n", b"\n ")
    return block.startswith(b" ") or not block.isascii() or any(each in block for each in around)


def _stripped(table: pd.DataFrame) -> pd.DataFrame:
    return table.apply(lambda column: column.str.strip())
