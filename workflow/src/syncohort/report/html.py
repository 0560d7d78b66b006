"""Pieces of a page as HTML: tables, text, pictures. How they look stands in the templates.

Every page is one file that needs nothing from outside.
"""

import base64
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from syncohort.files import all_or_nothing
from syncohort.report.templates import fill, parts

_MIME = {".svg": "image/svg+xml", ".png": "image/png"}
_VERDICTS = ("ok", "look", "stop", "pass", "fail")


@dataclass(frozen=True)
class Picture:
    """An SVG or PNG carried within the page; name: which of several under one title."""

    link: str
    title: str
    name: str = ""


@dataclass(frozen=True)
class Download:
    """A text file carried within the page."""

    link: str
    name: str
    size_kb: str


def paragraph(text: str, kind: str = "") -> Markup:
    """One paragraph; kind "banner" makes it stand out."""
    return parts().paragraph(text, kind)


def heading(text: str, level: int = 2) -> Markup:
    """A heading."""
    return parts().heading(text, level)


def table(frame: pd.DataFrame) -> Markup:
    """A data frame as an HTML table: numbers aligned and rounded, verdict words coloured."""
    rows = ["".join(_cell(value) for value in row) for row in frame.itertuples(index=False)]
    numbers = [i for i, kind in enumerate(frame.dtypes) if pd.api.types.is_numeric_dtype(kind)]
    return parts().rows_table(list(frame.columns), _whole(rows), "wide words", numbers)


def _cell(value) -> str:
    if value is None or (isinstance(value, float) and pd.isna(value)):
        return cell("")
    if isinstance(value, bool) or not hasattr(value, "__float__"):
        return cell(str(value), value if value in _VERDICTS else "")
    whole = float(value).is_integer() and abs(value) < 1e15
    return cell(f"{int(value):,}" if whole else f"{value:.4g}", "number")


def cell(text: str, kind: str = "") -> str:
    """A cell of a row of `rows_table`, as text to be joined; kind: "number", or a verdict that
    colours it."""
    return str(parts().cell(text, kind))


def rows_table(head: list[str], rows: list[str], *, words: bool = False) -> Markup:
    """A table of rows that are made already (of `cell`, or `title_row`).

    It scrolls when wide; with words, its cells are broken into lines first.
    """
    return parts().rows_table(head, _whole(rows), "wide words" if words else "wide")


def _whole(rows: list[str]) -> list[Markup]:
    return [Markup(row if row.startswith("<tr") else f"<tr>{row}</tr>") for row in rows]


def title_row(title: str, remark: str, columns: int) -> str:
    """A row of `rows_table` that names the rows below it."""
    return str(parts().title_row(title, remark, columns))


def details(summary: str, inside: list[str], *, is_open: bool = False) -> Markup:
    """Pieces of a page that a reader opens by the summary."""
    return parts().details(summary, [Markup(each) for each in inside], is_open)


def picture(path: str | Path, title: str, name: str = "") -> Picture:
    """An SVG or PNG to be carried within the page."""
    path = Path(path)
    return Picture(_data_link(path.read_bytes(), _MIME[path.suffix]), title, name)


def download(name: str, text: str) -> Download:
    """A text file to be carried within the page."""
    content = text.encode()
    link = _data_link(content, "text/plain;charset=utf-8")
    return Download(link, name, f"{len(content) / 1_000:,.0f}")


def _data_link(content: bytes, mime: str) -> str:
    return f"data:{mime};base64,{base64.b64encode(content).decode()}"


def write_page(path: str | Path, title: str, inside: list[str]) -> None:
    """Write an HTML page that needs nothing from outside.

    Args:
        path: file to write. title: heading of the page.
        inside: HTML made by the functions of this module.
    """
    write(path, "page.html", title=title, inside=[Markup(each) for each in inside])


def write(path: str | Path, template: str, **values) -> None:
    """Write the page that a template makes of values."""
    page = fill(template, **values)
    with all_or_nothing(path) as (partial,):
        partial.write_text(page)
