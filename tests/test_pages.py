"""The words of the pages: each in one place, no picture or table without one, all escaped."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
import yaml
from conftest import REPOSITORY
from fabricated import CALIBRATION, metrics
from jinja2 import UndefinedError
from markupsafe import Markup

from syncohort.cohort.people_checks import Check
from syncohort.errors import InputError
from syncohort.evaluation.verdicts.judging import judge, label_checklist, release_checklist
from syncohort.evaluation.verdicts.metrics import DIMENSIONS
from syncohort.report import html as pages
from syncohort.report.check_page import write_check_page
from syncohort.report.page import (
    Material,
    Study,
    write_metrics_page,
    write_report,
)
from syncohort.report.sections import DIMENSION_PICTURE, fill_sections, read_sections
from syncohort.report.templates import FOLDER, fill, template_files

RULES = [file.read_text() for file in (REPOSITORY / "workflow/rules").glob("*.smk")]
HOSTILE = ("<script>alert(1)</script>", "$x_{$", "\"'><img src=x onerror=y>", "{{ 7 * 7 }}", "&lt;")
CAPTIONS = {"split": "Good: **even**.", "dimension": "Good: green."}


class Text(HTMLParser):
    """The text of a page; fails on a tag that only a label could have brought in."""

    def __init__(self, page: str):
        super().__init__()
        self.text = ""
        self.feed(str(page))

    def handle_starttag(self, tag, attrs):
        assert tag not in {"script", "iframe", "link", "object", "embed"}
        for name, value in attrs:
            assert not name.startswith("on")
            if name in {"src", "href"}:
                assert value.startswith(("data:", "#"))

    def handle_data(self, data):
        self.text += data


def picture(folder: Path, rule: str, name: str = "a") -> str:
    (folder / rule).mkdir(exist_ok=True)
    file = folder / rule / f"{name}.svg"
    file.write_text("<svg/>")
    return str(file)


def filled(sections=None, pictures=(), captions=CAPTIONS, tables=None, values=None):
    return fill_sections(
        sections or read_sections(), list(pictures), captions, tables or {}, values or {}
    )


# --- sections


def test_every_picture_that_a_rule_draws_has_a_section_and_a_caption():
    drawn = set(re.findall(r"^rule (plot_\w+):", "\n".join(RULES), flags=re.MULTILINE))
    shown = {
        rule
        for section in read_sections()
        for part in section.parts
        for rule in part.pictures or {}
    }
    assert drawn == shown | {DIMENSION_PICTURE}
    for rule in drawn:
        caption = (FOLDER / f"{rule.removeprefix('plot_')}.rst").read_text()
        assert "Good" in caption and "Bad" in caption, rule


def test_every_dimension_and_every_table_has_one_section():
    parts = [part for section in read_sections() for part in section.parts]
    assert sorted(part.dimension for part in parts if part.dimension) == sorted(DIMENSIONS)
    source = (REPOSITORY / "workflow/src/syncohort/report/page.py").read_text()
    for table in (part.table for part in parts if part.table):
        assert f'"{table}":' in source


def test_a_picture_without_a_section_stops(tmp_path):
    with pytest.raises(InputError, match=r"plot_new/a.svg: no section of .*sections.yaml shows"):
        filled(pictures=[picture(tmp_path, "plot_new")])
    with pytest.raises(InputError, match="no section of .* shows this picture"):
        filled(pictures=[picture(tmp_path, DIMENSION_PICTURE, "beauty")])


def test_a_picture_without_a_caption_stops(tmp_path):
    with pytest.raises(InputError, match=r"has no caption; write .*report/pca.rst"):
        filled(pictures=[picture(tmp_path, "plot_pca")])


def test_a_table_or_dimension_without_a_section_stops():
    with pytest.raises(InputError, match="shows the table 'novel'"):
        filled(tables={"novel": Markup("<p>new</p>")})
    with pytest.raises(InputError, match="shows the dimension 'beauty'"):
        filled(values={"beauty": Markup("<p>new</p>")})


def test_only_sections_with_something_to_show_are_left(tmp_path):
    names = [picture(tmp_path, "plot_split", name) for name in ("one", "two")]
    (section,) = filled(pictures=names)
    (group,) = section.parts[0].groups
    assert section.id == "cohort" and group.title == "People by label and split"
    assert [each.name for each in group.pictures] == ["one", "two"]
    assert group.caption == "<p>Good: <strong>even</strong>.</p>\n"
    assert filled() == []


def test_the_caption_of_the_dimensions_stands_once_in_a_section(tmp_path):
    names = [picture(tmp_path, DIMENSION_PICTURE, name) for name in ("frequencies", "linkage")]
    names.append(picture(tmp_path, DIMENSION_PICTURE, "linkability"))
    values = {name: Markup("<table></table>") for name in ("frequencies", "linkage")}
    privacy, fidelity = filled(pictures=names, values=values)
    assert [part.title for part in fidelity.parts] == ["Allele frequencies", "Linkage"]
    assert [bool(part.groups[0].caption) for part in fidelity.parts] == [True, False]
    assert privacy.parts[0].groups[0].caption  # again where another section begins
    assert privacy.parts[0].title == ""  # the only one of its section


@pytest.mark.parametrize(
    "change, problem",
    [
        ({"pictur": {}}, r"section 'a': unknown key 'pictur'; allowed: title, sentence"),
        ({"dimension": "beauty"}, r"section 'a': no dimension 'beauty'; there are singling_out"),
        ({"table": "t"}, "the table 't' stands in two places"),
    ],
)
def test_a_mistake_in_the_list_of_sections_is_named(tmp_path, change, problem):
    sections = [{"id": "a", "title": "A", "parts": [{"table": "t"}, change]}]
    (tmp_path / "sections.yaml").write_text(yaml.safe_dump(sections))
    with pytest.raises(InputError, match=problem):
        read_sections(tmp_path / "sections.yaml")


def test_a_section_without_a_title_is_named(tmp_path):
    (tmp_path / "sections.yaml").write_text("- id: a\n  parts: []\n")
    with pytest.raises(InputError, match="section 'a': no 'title'"):
        read_sections(tmp_path / "sections.yaml")


# --- templates


def test_every_template_is_an_input_of_a_rule():
    named = re.findall(
        r'"(\w+\.(?:html|md))"', "\n".join(re.findall(r"templates_of\(([^)]*)\)", "\n".join(RULES)))
    )
    inputs = {file.name for file in template_files(*named)}
    assert inputs == {file.name for file in (FOLDER / "templates").iterdir()}


def test_the_files_of_a_page_are_those_it_uses():
    names = [file.name for file in template_files("report.html")]
    assert names == [
        "answers.html",
        "page.html",
        "parts.html",
        "report.html",
        "style.css",
        "summary.html",
    ]
    assert "report.html" not in [file.name for file in template_files("check.html")]


@pytest.mark.parametrize("name", sorted(f.name for f in (FOLDER / "templates").glob("*.html")))
def test_a_value_that_is_not_given_stops(name):
    """Templates without values of their own are those that others fill."""
    if name in {"parts.html", "page.html"}:
        return
    with pytest.raises(UndefinedError):
        fill(name)


def test_nothing_in_a_template_asks_for_something_outside():
    for file in (FOLDER / "templates").iterdir():
        text = file.read_text()
        for outside in (
            "http:",
            "https:",
            "//cdn",
            "@import",
            "url(",
            "<script",
            "<link",
            "<iframe",
        ):
            assert outside not in text, file.name


def test_what_each_calibration_row_is_stands_in_the_summary():
    text = (FOLDER / "templates/summary.html").read_text()
    for kind in CALIBRATION:
        assert f'"{kind}"' in text


# --- hostile text


def write_hostile_check(path: Path) -> None:
    checks = [Check(text, text, "look", text) for text in HOSTILE]
    people = pd.DataFrame({"excluded": "", "label": HOSTILE})
    variants = pd.DataFrame({"chromosome": HOSTILE, "dropped": HOSTILE})
    write_check_page(path, checks, people, variants, simulated=True)


def test_a_label_cannot_bring_anything_into_the_check_page(tmp_path):
    write_hostile_check(tmp_path / "check.html")
    text = Text((tmp_path / "check.html").read_text()).text
    for hostile in HOSTILE:
        assert text.count(hostile) == 6  # three columns of the checks, two of variants, the labels


@pytest.mark.parametrize("hostile", HOSTILE)
def test_names_and_labels_cannot_bring_anything_into_the_report(tmp_path, hostile):
    rows = metrics().assign(label=lambda table: table["label"].replace("case", hostile))
    judged = judge(rows, CALIBRATION).map(
        lambda value: value.replace("memoriser", hostile) if isinstance(value, str) else value
    )
    study = Study(
        cohort=hostile,
        simulated=False,
        mode="genotype",
        generators={hostile: hostile, "good": "diffusion"},
        calibration=CALIBRATION,
        configuration=hostile,
        variants={hostile: 1},
        presets={hostile: hostile, "good": ""},
    )
    material = Material(
        judged=judged,
        checklist=release_checklist(judged),
        labels=label_checklist(judged),
        people=pd.DataFrame({"label": [hostile], "split": "train"}),
        checks=pd.DataFrame({"name": [hostile], "found": "", "level": "ok", "advice": hostile}),
        drawn_people=1,
        synthetic_people=1,
        pictures=[],
        captions={},
        released=[],
        benchmarks=str(tmp_path),
    )
    write_report(study, material, tmp_path / "report.html")
    write_metrics_page(study, judged, material.checklist, tmp_path / "metrics.html")
    for page, times in {"report": 20, "metrics": 5}.items():
        assert Text((tmp_path / f"{page}.html").read_text()).text.count(hostile) > times


@pytest.mark.parametrize("hostile", HOSTILE)
def test_pieces_of_a_page_escape_what_they_are_given(hostile):
    row = pages.cell(hostile, hostile) + pages.cell("plain")
    pieces = [
        pages.paragraph(hostile),
        pages.heading(hostile),
        pages.table(pd.DataFrame({hostile: [hostile]})),
        pages.rows_table([hostile], [row, pages.title_row(hostile, hostile, 1)]),
        pages.details(hostile, [pages.paragraph(hostile)]),
    ]
    for piece, times in zip(pieces, (1, 1, 2, 4, 2), strict=True):
        assert Text(piece).text.count(hostile) == times


def test_the_page_of_a_stopped_run_says_what_to_do_first(tmp_path):
    people = pd.DataFrame({"excluded": [""], "label": ["a"]})
    variants = pd.DataFrame({"chromosome": ["21"]})

    def said(*levels: str) -> str:
        checks = [Check("n", "f", level, "a") for level in levels]
        write_check_page(tmp_path / "c.html", checks, people, variants, simulated=False)
        return " ".join(Text((tmp_path / "c.html").read_text()).text.split())

    assert "The run stops here: 1 line below marked stop. Mend what it says" in said("stop", "ok")
    assert "The run stops here: 2 lines below marked stop. Mend what they say" in said(
        "stop", "stop"
    )
    assert "The cohort can be used. 1 line marked look deserves a thought" in said("ok", "look")
    assert "The cohort can be used. This check" in said("ok")
