"""The one reader of tables of text that people hand in: labels, relatives, GWAS results, maps.

Columns are apart by tabs, commas, semicolons or blanks, as the heading has them; plain, gzipped or
compressed with zstd; UTF-8, with or without a byte order mark. Above the heading may stand lines
that begin with `##` and comments after `#`, and the heading may begin with `#`; below it, a line
that begins with `#` is a comment, too. Every row has the fields of the heading: a row that has not
is an error with its line number, never a shift.
"""

import csv
import io
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import NoReturn

import numpy as np
import pandas as pd

from syncohort.errors import InputError, examples
from syncohort.formats.columns import HOW_NUMBERS, is_odd_number
from syncohort.formats.compression import open_unpacked
from syncohort.formats.fields import (
    BLANKS,
    field_counts,
    guess_separator,
    has_blank_lines,
    heading_fields,
    is_padded,
    split_line,
)
from syncohort.formats.missing_codes import number_of

_BLOCK_BYTES = 1 << 24
_SHOWN = 5  # problems of a file that a message lists
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
        wanted: whether a list of fields names the columns that are looked for; tells the heading
            from a comment above it.
        n_above: lines above the heading of a PLINK file, or above the first row where `names` are
            given. As for plink2, no line below may begin with #.

    `columns` are the names, without `#` and blanks around them; `separator` is a tab, a comma,
    a semicolon or `BLANKS`; `heading_line` is the heading's number, 0 without one; `n_comments`
    counts the comments below it among the rows that were read.

    Raises:
        InputError: no such file, no text, no heading, or a column name that stands twice.
    """

    def __init__(
        self,
        path: str | Path,
        key: str = "",
        names: Iterable[str] | None = None,
        separator: str | None = None,
        wanted: Callable[[list[str]], bool] | None = None,
        n_above: int | None = None,
    ):
        self.path, self.n_comments = Path(path), 0
        self._place = f"{key}: {path}" if key else str(path)
        self._quoted = names is None and separator is None
        self._comments_end = n_above is not None
        self._n_above = n_above or 0
        if names is not None:
            self.columns, self.separator, self.heading_line = list(names), BLANKS, 0
            return
        if n_above is None:
            self.heading_line, heading = self._find_heading(separator, wanted)
        else:
            self.heading_line, heading = n_above + 1, self._line(n_above + 1)
        self._n_above = self.heading_line
        self.separator = separator or guess_separator(heading)
        try:
            fields = split_line(heading.lstrip("#"), self.separator)
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
        self.n_comments = n_rows = 0
        for first_line, block in self._blocks():
            block, lines = self._body(block, first_line)
            n_rows += len(lines)
            if not len(lines):
                continue
            if self._quoted and b'"' in block:
                table = self._parse_quoted(block, lines)[wanted]
            else:
                table = self._parse_plain(block, lines, wanted)
            # rows of an export that hold separators only
            yield table[(table != "").any(axis=1)] if (table.iloc[:, 0] == "").any() else table
        if self.n_comments and not n_rows:
            raise InputError(
                f"{self._place}: every row begins with #, which marks comments; take it away, or "
                "put the value in double quotes"
            )

    def _empty(self, columns) -> pd.DataFrame:
        return pd.DataFrame(columns=self.columns if columns is None else list(columns), dtype=str)

    def _body(self, block: bytes, first_line: int) -> tuple[bytes, np.ndarray]:
        """The rows of a block, heading and blank lines left out, and their line numbers."""
        for _ in range(max(0, min(self._n_above - first_line + 1, block.count(b"\n")))):
            block = block[block.index(b"\n") + 1 :]
            first_line += 1
        if self._comments_end and (block.startswith(b"#") or b"\n#" in block):
            self._refuse_comment(block, first_line)
        n_lines = block.count(b"\n")
        lines = first_line + np.arange(n_lines)
        comments = self._quoted and (block.startswith(b"#") or b"\n#" in block)
        if comments or has_blank_lines(block):
            rows = block.split(b"\n")[:-1]
            full = [bool(row.strip()) for row in rows]
            if comments:
                is_row = [not row.startswith(b"#") for row in rows]
                self.n_comments += is_row.count(False)
                full = [each and not_blank for each, not_blank in zip(full, is_row, strict=True)]
            block = b"".join(
                row + b"\n" for row, is_full in zip(rows, full, strict=True) if is_full
            )
            lines = lines[np.array(full, dtype=bool)]
        return block, lines

    def _refuse_comment(self, block: bytes, first_line: int) -> NoReturn:
        at = 0 if block.startswith(b"#") else block.index(b"\n#") + 1
        text = block[at : block.index(b"\n", at)].decode()
        raise InputError(
            f"{self._place}, line {first_line + block.count(10, 0, at)}: {text[:60]!r} begins with # "
            "among the rows: plink1.9 passes over it, plink2 refuses it. Comments stand above the "
            "heading and all rows; a person or variant is taken out with plink2 --remove or --exclude"
        )

    def _parse_plain(self, block: bytes, lines: np.ndarray, wanted: list[str]) -> pd.DataFrame:
        counts = field_counts(block, self.separator)
        self._require_fields(counts, lines, lambda at: self._plain_fields(block, at))
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
        return _stripped(table) if is_padded(block, self.separator) else table

    def _parse_quoted(self, block: bytes, lines: np.ndarray) -> pd.DataFrame:
        rows, problems = [], []
        for number, line in zip(lines, block.decode().split("\n")[:-1], strict=True):
            try:
                rows.append(split_line(line, self.separator))
            except ValueError as error:
                problems.append(f"line {number}: {error}")
        self._raise(problems)
        self._require_fields(np.array([len(row) for row in rows]), lines, rows.__getitem__)
        index = pd.Index(lines, name="line")
        return _stripped(pd.DataFrame(rows, columns=self.columns, index=index, dtype=str))

    def _plain_fields(self, block: bytes, at: int) -> list[str]:
        line = block.split(b"\n")[at].decode()
        return line.split() if self.separator == BLANKS else line.split(self.separator)

    def _require_fields(self, counts: np.ndarray, lines: np.ndarray, fields: Callable) -> None:
        """Raise InputError for rows of another length; fields: of the row at an index."""
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
        every = len(wrong) == len(counts)
        shown = [fields(at) for at in wrong[:_SHOWN]]
        self._raise(problems, self._advice(shown, every) if self.heading_line else "")

    def _advice(self, rows: list[list[str]], every: bool) -> str:
        """What may have made rows longer or shorter than the heading; every: whether all are so."""
        n = len(self.columns)
        if all(len(row) > n and not "".join(row[n:]).strip() for row in rows):
            return (
                "These rows end with a separator that the heading does not have: take it away, or "
                "end the heading with one, too."
            )
        if every and self.columns[-1] == f"column {n}" and all(len(row) < n for row in rows):
            return "The heading ends with a separator that the rows do not have: take it away."
        if self.separator == "," and any(
            is_odd_number(f"{left.strip()},{right.strip()}")
            for row in rows
            for left, right in pairwise(row)
        ):
            return (
                f"Are there numbers with a comma in them? {HOW_NUMBERS} A value that holds ',' "
                "needs quotes around it."
            )
        if every and all(len(row) == n + 1 for row in rows):
            return "Name the first column too (R: write.table with row.names = FALSE)."
        if self.separator == BLANKS:
            return "A value that holds blanks needs quotes; or save the table with tabs."
        if self.separator != "\t" and any(len(row) > n for row in rows):
            return f"A value that holds {self.separator!r} needs quotes around it."
        return ""

    def _raise(self, problems: list[str], advice: str = "") -> None:
        if not problems:
            return
        shown = [f"{self._place}, {problem}" for problem in problems[:_SHOWN]]
        if len(problems) > _SHOWN:
            shown.append(f"and {len(problems) - _SHOWN:,} more lines")
        raise InputError("\n  ".join([*shown, advice] if advice else shown))

    def _require_unique(self, number: int) -> None:
        twice = sorted({name for name in self.columns if self.columns.count(name) > 1})
        if twice and all(number_of(name) is not None for name in self.columns):
            raise InputError(
                f"{self._place}, line {number}: the first line holds numbers ({examples(twice)}) "
                "where the names of the columns should stand; put a heading above it"
            )
        if twice:
            raise InputError(
                f"{self._place}, line {number}: the heading names more than one column "
                f"{examples(map(repr, twice))}; give every column a name of its own"
            )

    def _find_heading(self, separator: str | None, wanted: Callable | None) -> tuple[int, str]:
        """Line number and text of the heading: the first line that is no comment, or the comment
        above it that names its columns."""
        comments, row = self._above_rows()
        if row is None:
            if len(comments) > 1 and _is_heading(comments[-2][1], comments[-1][1], separator):
                raise InputError(
                    f"{self._place}: every line begins with #, which marks comments; take it away"
                )
            if not comments:
                raise InputError(
                    f"{self._place}: not a table of text: it is empty; expected a heading and rows"
                )
            return comments[-1]
        if wanted is not None:
            for line in (row, *comments[::-1]):
                if wanted(heading_fields(line[1])):
                    return line
        if comments and _is_heading(comments[-1][1], row[1], separator):
            return comments[-1]
        return row

    def _above_rows(self) -> tuple[list[tuple[int, str]], tuple[int, str] | None]:
        """The lines that begin with one # above all others, and the first other line."""
        comments = []
        for first_line, block in self._blocks():
            for number, row in enumerate(block.decode().split("\n")[:-1], first_line):
                if not row.strip() or row.startswith("##") or _EXCEL_MARK.fullmatch(row):
                    continue
                if not row.startswith("#"):
                    return comments, (number, row)
                comments = [*comments[-99:], (number, row)]
        return comments, None

    def _line(self, number: int) -> str:
        for first, block in self._blocks():
            if number < first + block.count(b"\n"):
                return block.split(b"\n", number - first + 1)[number - first].decode()
        return ""

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


def read_table(path: str | Path, key: str = "", **options) -> pd.DataFrame:
    """The rows of a table as str, indexed by their line in the file; see `TextTable`.

    attrs["n_comments"]: lines below the heading that begin with # and are left out.
    """
    opened = TextTable(path, key, **options)
    table = opened.read()
    table.attrs["n_comments"] = opened.n_comments
    return table


def plink_start(path: str | Path, headings: tuple[str, ...] = ()) -> tuple[list[str], str]:
    """The lines above the heading, or the first row, of a PLINK file, and that line; "" for none.

    headings: words that a heading begins with. As for plink2, every other line that begins with #
    is a comment there.
    """
    above = []
    for _, block in TextTable(path, names=())._blocks():
        start = 0
        while start < len(block):
            end = block.index(b"\n", start)
            line = block[start:end].decode()
            if line.strip() and (not line.startswith("#") or line.split()[0] in headings):
                return above, line
            above.append(line)
            start = end + 1
    return above, ""


def require_order(above: list[str], row: str, names: dict[str, int], path: str | Path) -> None:
    """Raise InputError for a comment above rows that names their columns in another order.

    row: the first one. names: where columns stand, from 0, by each name they go by, in capitals.
    """
    n_fields = len(row.split())
    for number, line in enumerate(above, 1):
        words = line.lstrip("#").split()
        for at, word in enumerate(words if len(words) == n_fields else ()):
            if names.get(word.upper(), at) != at:
                raise InputError(
                    f"{path}, line {number}: {line[:80]!r} names {word} as column {at + 1}, which is "
                    f"column {names[word.upper()] + 1} of a file without a heading of PLINK's: bring "
                    "the columns into its order, or take the line away if they are"
                )


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


def _is_heading(comment: str, row: str, separator: str | None) -> bool:
    """Whether a line that begins with # names the columns of the row after it."""
    if separator is not None:
        return not comment.startswith("# ")
    mark, next_mark = guess_separator(comment), guess_separator(row)
    if mark == "\t" and not comment.startswith("# "):
        return True
    return mark == next_mark and len(heading_fields(comment)) == len(heading_fields(row)) > 1


def _stripped(table: pd.DataFrame) -> pd.DataFrame:
    return table.apply(lambda column: column.str.strip())
