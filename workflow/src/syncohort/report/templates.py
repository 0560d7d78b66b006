"""The templates of the pages, in workflow/report: how they are filled, and what a page is made of.

All words of the report stand there: sections.yaml has those of the sections, templates/ those of
pages, and a .rst file those below a picture. Python gathers numbers and tables.
"""

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.meta import find_referenced_templates
from markupsafe import Markup

FOLDER = Path(__file__).parents[3] / "report"
SECTIONS = FOLDER / "sections.yaml"


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=lambda name: name is None or name.endswith(".html"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def fill(name: str, **values) -> Markup:
    """A template filled with values. Text in those of HTML is escaped, HTML made by templates is not.

    Raises:
        jinja2.UndefinedError: the template asks for something that is not given.
    """
    return Markup(_environment().get_template(name).render(values))


@cache
def parts():
    """The macros of parts.html, as functions that return HTML."""
    return _environment().get_template("parts.html").module


def template_files(*names: str) -> list[Path]:
    """The files that pages are made of: these templates, all they use, and the pieces of a page.

    Inputs of the rule that writes a page, so that an edited sentence writes it again.
    """
    found, queue = {}, [*names, "parts.html"]
    while queue:
        name = queue.pop()
        if name in found:
            continue
        source, file, _ = _environment().loader.get_source(_environment(), name)
        found[name] = Path(file)
        queue += find_referenced_templates(_environment().parse(source))
    return sorted(found.values())
