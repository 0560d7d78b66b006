"""Small self-contained HTML pages: what the report and the check page show as tables and text."""

from html import escape
from pathlib import Path

import pandas as pd

_STYLE = """
body {font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 60em; margin: 2em auto; padding: 0 1em}
h1 {font-size: 1.5em} h2 {font-size: 1.15em; margin-top: 1.8em}
table {border-collapse: collapse; margin: .8em 0} td, th {padding: .25em .8em; text-align: left;
border-bottom: 1px solid #ddd; vertical-align: top} td.number {text-align: right;
font-variant-numeric: tabular-nums} th {border-bottom: 2px solid #888}
.ok {color: #1b7837} .look {color: #b35806; font-weight: 600} .stop {color: #b2182b; font-weight: 700}
.banner {background: #fff4d6; border-left: 4px solid #e0a100; padding: .5em 1em}
"""


def paragraph(text: str, kind: str = "") -> str:
    """One paragraph; kind "banner" makes it stand out."""
    return f'<p class="{kind}">{escape(text)}</p>'


def heading(text: str) -> str:
    """A second-level heading."""
    return f"<h2>{escape(text)}</h2>"


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
        kind = f' class="{value}"' if value in ("ok", "look", "stop") else ""
        return f"<td{kind}>{escape(str(value))}</td>"
    whole = float(value).is_integer() and abs(value) < 1e15
    return f'<td class="number">{f"{int(value):,}" if whole else f"{value:.4g}"}</td>'


def write_page(path: str | Path, title: str, parts: list[str]) -> None:
    """Write an HTML page that needs nothing from outside.

    Args:
        path: file to write. title: heading of the page.
        parts: HTML made by `paragraph`, `heading` and `table`.
    """
    Path(path).write_text(
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>{''.join(parts)}</body></html>\n"
    )
