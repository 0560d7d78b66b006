"""Small self-contained HTML: what the report and the check page show as tables, text, pictures.

Every page is one file that needs nothing from outside.
"""

import base64
from html import escape
from pathlib import Path

import pandas as pd

from syncohort.files import all_or_nothing

_STYLE = """
body {font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 74em; margin: 2em auto;
padding: 0 1em}
h1 {font-size: 1.6em} h2 {font-size: 1.35em; margin-top: 2.4em; border-bottom: 2px solid #888}
h3 {font-size: 1.1em; margin-top: 1.8em} h4 {margin: 1.2em 0 .2em}
table {border-collapse: collapse; margin: .8em 0} td, th {padding: .25em .8em; text-align: left;
border-bottom: 1px solid #ddd; vertical-align: top} td.number {text-align: right;
font-variant-numeric: tabular-nums} thead th {border-bottom: 2px solid #888; background: #fff;
position: sticky; top: 0} tr.metric th {background: #f4f4f4; font-weight: 600}
tr.metric small {font-weight: 400; color: #555}
.wide {overflow: auto; max-height: 42em; border: 1px solid #eee; padding: 0 .4em}
.wide table {font-size: .87em} .wide td {white-space: nowrap}
.wide td:first-child {position: sticky; left: 0; background: #fff} .words td {white-space: normal}
.ok, .pass {color: #176c34} .look {color: #9a4d00; font-weight: 600}
.stop, .fail {color: #b2182b; font-weight: 700} .missing {color: #777}
td.pass {background: #eaf6ec} td.look {background: #fff4d6} td.fail {background: #fbe5e4}
.banner {background: #fff4d6; border-left: 4px solid #e0a100; padding: .5em 1em}
figure {margin: 1.2em 0} figure img {max-width: 100%; height: auto}
figcaption, figcaption p {color: #444; font-size: .93em; margin: .3em 0}
details {margin: .6em 0} summary {cursor: pointer; color: #1a4f8a}
pre {background: #f6f6f6; padding: .8em; overflow: auto; font-size: .82em; max-height: 40em}
nav ul {columns: 2; padding-left: 1.2em} .hash {font-family: monospace; font-size: .8em}
@media print {body {max-width: none; font-size: 11px} .wide {max-height: none; overflow: visible}
figure, tr {break-inside: avoid} h2, h3 {break-after: avoid} thead th {position: static}}
"""

_MIME = {".svg": "image/svg+xml", ".png": "image/png"}
_VERDICTS = ("ok", "look", "stop", "pass", "fail")


def paragraph(text: str, kind: str = "") -> str:
    """One paragraph; kind "banner" makes it stand out."""
    return f'<p class="{kind}">{escape(text)}</p>'


def heading(text: str, level: int = 2, anchor: str = "") -> str:
    """A heading; anchor: a name that `contents` links to."""
    named = f' id="{escape(anchor)}"' if anchor else ""
    return f"<h{level}{named}>{escape(text)}</h{level}>"


def contents(anchors: dict[str, str]) -> str:
    """Links within the page: anchor -> text."""
    items = (f'<li><a href="#{escape(a)}">{escape(text)}</a></li>' for a, text in anchors.items())
    return f"<nav><ul>{''.join(items)}</ul></nav>"


def table(frame: pd.DataFrame) -> str:
    """A data frame as an HTML table: numbers aligned and rounded, verdict words coloured."""
    head = "".join(f"<th>{escape(str(column))}</th>" for column in frame.columns)
    rows = ("".join(_cell(value) for value in row) for row in frame.itertuples(index=False))
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value) -> str:
    if value is None or (isinstance(value, float) and pd.isna(value)):
        return "<td></td>"
    if isinstance(value, bool) or not hasattr(value, "__float__"):
        return cell(str(value), value if value in _VERDICTS else "")
    whole = float(value).is_integer() and abs(value) < 1e15
    return cell(f"{int(value):,}" if whole else f"{value:.4g}", "number")


def cell(text: str, kind: str = "") -> str:
    """A cell of `rows_table`; kind: "number", or a verdict that colours it."""
    named = f' class="{escape(kind)}"' if kind else ""
    return f"<td{named}>{escape(text)}</td>"


def rows_table(head: list[str], rows: list[str], *, words: bool = False) -> str:
    """A table of rows that are made already (of `cell`, or `title_row`).

    It scrolls when wide; with words, its cells are broken into lines instead.
    """
    kind = "wide words" if words else "wide"
    names = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join(row if row.startswith("<tr") else f"<tr>{row}</tr>" for row in rows)
    return f'<div class="{kind}"><table><thead><tr>{names}</tr></thead><tbody>{body}</tbody></table></div>'


def title_row(title: str, remark: str, columns: int) -> str:
    """A row of `rows_table` that names the rows below it."""
    words = f"{escape(title)} <small>{escape(remark)}</small>"
    return f'<tr class="metric"><th colspan="{columns}">{words}</th></tr>'


def details(summary: str, parts: list[str], *, is_open: bool = False) -> str:
    """Parts that a reader opens by the summary."""
    how = " open" if is_open else ""
    return f"<details{how}><summary>{escape(summary)}</summary>{''.join(parts)}</details>"


def preformatted(text: str) -> str:
    """Text as it is."""
    return f"<pre>{escape(text)}</pre>"


def picture(path: str | Path, title: str, caption: str = "") -> str:
    """An SVG or PNG with its caption (HTML), carried within the page."""
    path = Path(path)
    source = _data_link(path.read_bytes(), _MIME[path.suffix])
    return f'<figure><img src="{source}" alt="{escape(title)}"><figcaption>{caption}</figcaption></figure>'


def download(name: str, text: str) -> str:
    """A link that saves a text file carried within the page."""
    source = _data_link(text.encode(), "text/plain;charset=utf-8")
    size = f"{len(text.encode()) / 1_000:,.0f} kB"
    return f'<a download="{escape(name)}" href="{source}">{escape(name)}</a> ({size})'


def _data_link(content: bytes, mime: str) -> str:
    return f"data:{mime};base64,{base64.b64encode(content).decode()}"


def write_page(path: str | Path, title: str, parts: list[str]) -> None:
    """Write an HTML page that needs nothing from outside.

    Args:
        path: file to write. title: heading of the page.
        parts: HTML made by the functions of this module.
    """
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><h1>{escape(title)}</h1>{''.join(parts)}</body></html>\n"
    )
    with all_or_nothing(path) as (partial,):
        partial.write_text(page)
