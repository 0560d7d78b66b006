"""The report: one file that opens offline, with its sections, tables, verdicts and pictures."""

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from conftest import REPOSITORY
from fabricated import CALIBRATION, MOSAICS, RELEASED, metrics

from syncohort.errors import InputError
from syncohort.evaluation.groups import Group
from syncohort.evaluation.tidy import metric_row, tidy
from syncohort.evaluation.verdicts.judging import judge, label_checklist, release_checklist
from syncohort.evaluation.verdicts.metrics import DIMENSIONS, PRIVACY
from syncohort.figures import metrics as metric_figures
from syncohort.report import html as pages
from syncohort.report import methods as report_methods
from syncohort.report import tables as report_tables
from syncohort.report.page import Material, Study, write_metrics_page, write_report
from syncohort.report.sections import render_caption
from syncohort.synthesis.released import write_checksums
from syncohort.synthesis.stays_inside import STAYS_INSIDE

CAPTIONS = {file.stem: file.read_text() for file in (REPOSITORY / "workflow/report").glob("*.rst")}
VOID = {"img", "meta", "br", "hr", "link", "input"}


class Page(HTMLParser):
    """What a page holds; fails on tags that are not closed in order."""

    def __init__(self, text: str):
        super().__init__()
        self.open, self.texts, self.links = [], [], []
        self.headings, self.cells = {}, []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        assert tag != "script"
        self.links += [attrs[name] for name in ("src", "href") if name in attrs]
        if tag not in VOID:
            self.open.append((tag, attrs))

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        tag, attrs = self.open[-1] if self.open else ("", {})
        self.texts.append(data)
        if tag in ("h2", "h3", "h4"):
            self.headings[data] = attrs.get("id", "")
        if tag == "td":
            self.cells.append((data, attrs.get("class", "")))


@pytest.fixture(scope="module")
def judged() -> pd.DataFrame:
    return judge(metrics(), CALIBRATION)


RELEASED_FILES = ("samples.tsv", "vcf/21.vcf.gz", "vcf/21.vcf.gz.tbi")


@pytest.fixture(scope="module")
def material(judged, tmp_path_factory) -> Material:
    """A small result folder: pictures, released files, benchmarks."""
    folder = tmp_path_factory.mktemp("results")
    options = {"released": RELEASED, "calibration": CALIBRATION}
    people = pd.DataFrame({"label": ["case"] * 60 + ["control"] * 300, "split": "train"})
    frontier, privacy = folder / "plot_frontier/a.svg", folder / "plot_dimension/linkability.svg"
    metric_figures.plot_frontier(judged, frontier, mosaics=MOSAICS, **options)
    metric_figures.plot_dimension(judged, privacy, dimension="linkability", **options)
    for generator in RELEASED:
        (folder / "release" / generator / "vcf").mkdir(parents=True)
        (folder / "release" / generator / "samples.tsv").write_text("sample_id\tlabel\n")
        (folder / "release" / generator / "vcf/21.vcf.gz").write_text(generator)
        (folder / "release" / generator / "vcf/21.vcf.gz.tbi").write_text("index")
        (folder / "release" / generator / "vcf/22.vcf.gz").write_text("of another run")
        own = [folder / "release" / generator / name for name in RELEASED_FILES]
        write_checksums(folder / "release" / generator / "SHA256SUMS", own)
    (folder / "benchmarks/train_diffusion").mkdir(parents=True)
    for name, seconds in (("good", 60), ("memoriser", 120)):
        table = pd.DataFrame({"s": [seconds], "max_rss": [100.0], "h:m:s": ["x"]})
        table.to_csv(folder / f"benchmarks/train_diffusion/{name}.tsv", sep="\t", index=False)
    return Material(
        checklist=release_checklist(judged),
        labels=label_checklist(judged),
        judged=judged,
        people=people,
        checks=pd.DataFrame({"name": ["phase"], "found": ["all"], "level": ["ok"], "advice": [""]}),
        drawn_people=360,
        synthetic_people=360,
        pictures=[str(frontier), str(privacy)],
        captions=CAPTIONS,
        released=[str(file) for file in sorted((folder / "release").rglob("SHA256SUMS"))],
        benchmarks=str(folder / "benchmarks"),
    )


def study(**changes) -> Study:
    settings = {
        "cohort": "a <cohort>",
        "simulated": True,
        "mode": "haplotype",
        "generators": dict.fromkeys(RELEASED, "diffusion"),
        "calibration": CALIBRATION,
        "configuration": "seed: 1\n",
        "variants": {"21": 1_500, "22": 500},
    }
    return Study(**settings | changes)


@pytest.fixture(scope="module")
def text(material, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report(study(), material, path)
    return path.read_text()


@pytest.fixture(scope="module")
def page(text) -> Page:
    return Page(text)


def test_the_summary_comes_first_and_the_sections_in_order(page):
    order = [
        *("Release checklist", "Disclosure risk", "Fidelity against leakage", "Fidelity"),
        *("Utility", "Cohort", "Methods", "Downloads"),
    ]
    assert [name for name in page.headings if name in order] == order
    assert "Association" not in page.headings  # nothing was measured
    linked = [link[1:] for link in page.links if link.startswith("#")]
    assert linked == [anchor for anchor in page.headings.values() if anchor]


def test_it_opens_offline(text, page):
    assert all(link.startswith(("data:", "#")) for link in page.links)
    outside = re.sub(r"data:[^\"]*", "", text)
    assert "http" not in outside and "@import" not in outside and "url(" not in outside
    images = [link for link in page.links if link.startswith("data:image")]
    assert len(images) == 2
    assert b"<svg" in base64.b64decode(images[0].split(",")[1])


def test_it_says_who_it_is_about(page):
    words = " ".join(page.texts)
    assert "a <cohort>" in words  # escaped in the file
    assert "Simulated data: nobody in this cohort exists." in words
    assert "2,000 on chromosomes 21, 22" in words
    assert "360 training, 0 validation, 0 holdout" in words


def test_a_report_on_real_people_warns_of_itself(material, tmp_path):
    write_report(study(simulated=False), material, tmp_path / "r.html")
    text = (tmp_path / "r.html").read_text()
    assert "made from real people" in text and "nobody in this cohort exists" not in text


def test_what_is_declared_stands_beside_the_answer(material, text, tmp_path):
    assert "Declared, not measured" not in text
    write_report(study(public_frequencies=True), material, tmp_path / "r.html")
    said = (tmp_path / "r.html").read_text()
    assert said.index("Declared, not measured") < said.index('id="checklist"')
    assert "The study declares that the allele frequencies of its labels are public" in said


def test_the_questions_of_a_committee_name_the_risks_of_each_generator(text, material):
    section = text.split('id="five_safes"')[1].split("</section>")[0]
    verdicts = material.checklist.set_index(["generator", "dimension"])["verdict"]
    for generator in RELEASED:
        for risk in PRIVACY:
            verdict = verdicts.get((generator, risk), "not measured")
            said = section.split(f"{generator}: ")[1].split(". ")[0]
            assert f"{DIMENSIONS[risk].lower()} {verdict}" in said
    assert (
        "snakemake --cores 1 purge --configfile" in section and "checkpoint.safetensors" in section
    )
    for folder in sum(STAYS_INSIDE.values(), ()):
        assert f"<code>{folder}</code>" in section


def test_the_checklist_has_a_coloured_verdict_for_each_generator(page):
    assert ("pass", "pass") in page.cells and ("fail", "fail") in page.cells
    assert ("not judged", "missing") in page.cells  # validation people, utility
    words = " ".join(page.texts)
    for generator in (*RELEASED, *(f"({name})" for name in CALIBRATION)):
        assert generator in words
    assert "slope on the holdout's: 0.67 (passes: 0.941 to 1.04)" in words


def test_all_values_are_in_the_tables_beside_what_passes(page):
    assert ("0.67 [0.66, 0.68]", "fail") in page.cells
    assert ("at most 0.53", "") in page.cells
    assert ("too few: 9 people", "missing") in page.cells
    labels = [text for text, _ in page.cells if text in ("case", "control", "NA")]
    assert {"case", "control", "NA"} == set(labels)


def test_captions_are_rendered(page):
    words = " ".join(page.texts).replace("\n", " ")
    assert "Fidelity against leakage of each generator" in words
    assert render_caption("A **word** <here>.") == "<p>A <strong>word</strong> &lt;here&gt;.</p>\n"


def test_tables_and_configuration_can_be_saved(text, judged):
    found = dict(re.findall(r'download="([^"]+)" href="data:[^,]+,([^"]+)"', text))
    assert set(found) == {"metrics.tsv", "checklist.tsv", "labels.tsv", "config.yaml"}
    saved = base64.b64decode(found["metrics.tsv"]).decode().splitlines()
    assert len(saved) == len(judged) + 1 and "verdict" in saved[0]
    assert base64.b64decode(found["config.yaml"]) == b"seed: 1\n"


def test_no_person_of_the_cohort_is_in_it(material, tmp_path):
    people = material.people.assign(sample=[f"SECRET{i}" for i in range(len(material.people))])
    write_report(study(), Material(**vars(material) | {"people": people}), tmp_path / "r.html")
    assert "SECRET" not in (tmp_path / "r.html").read_text()


def test_methods_have_hashes_of_all_released_files_and_run_times(page, material):
    words = " ".join(page.texts)
    assert hashlib.sha256(b"memoriser").hexdigest() in words
    assert "21.vcf.gz.tbi" in words
    assert not any(hidden in words for hidden in ("22.vcf.gz", str(material.released[0])))
    times = report_methods.run_times(material.benchmarks).iloc[0]
    assert times["rule"] == "train_diffusion" and times["jobs"] == 2
    assert times["seconds"] == 180 and times["longest job [s]"] == 120


def test_real_haplotypes_stand_in_red(material, tmp_path):
    write_report(study(), material, tmp_path / "r.html")
    assert "Not synthetic" not in (tmp_path / "r.html").read_text()
    kinds = dict.fromkeys(RELEASED, "diffusion") | {RELEASED[0]: "mosaic"}
    write_report(study(generators=kinds), material, tmp_path / "r.html")
    written = (tmp_path / "r.html").read_text()
    assert '<p class="fail">Not synthetic: ' in written
    rows = re.findall(r"<tr>\s*<td[^>]*>Made of real haplotypes</td>(.*?)</tr>", written, re.DOTALL)
    matrix, *own = [re.findall(r"<td([^>]*)>(.*?)</td>", row, re.DOTALL) for row in rows]
    assert [text for _, text in matrix[:2]] == ["yes", "no"] and "fail" in matrix[0][0]
    assert own[0][0] == (' class="fail"', "fail") and len(own) == 3  # beside copies and mosaics
    text = " ".join((tmp_path / "r.html").read_text().split())
    assert "must not be released as synthetic: its people are made of haplotypes" in text


def test_many_labels_are_folded_away(material, tmp_path):
    """Only the tables of few labels are open."""
    table = material.judged
    many = [table]
    for index in range(20):
        part = table[table["label"] == "case"]
        many.append(part.assign(label=f"L{index}"))
    own = Material(**vars(material) | {"judged": pd.concat(many, ignore_index=True)})
    people = pd.DataFrame({"label": np.arange(23).astype(str), "split": "train"})
    write_report(study(), Material(**vars(own) | {"people": people}), tmp_path / "r.html")
    text = (tmp_path / "r.html").read_text()
    assert "23 labels: " in text and "<details open>" not in text


def test_linkage_by_label_is_listed_by_value_and_shown_without_bounds_too():
    """No validation people of the labels: ld_r_train is shown, without a verdict."""
    bins = ["below 18.5", "18.5 to 25", "30 and above"]
    rows = [
        metric_row(name, Group(label=label), 0.98)
        for label in sorted(bins)
        for name in ("ld_r", "ld_r_train")
    ]
    tables = [tidy(rows, cohort="c", generator=name) for name in ("good", "bootstrap")]
    html, words = report_tables.label_table(judge(pd.concat(tables), CALIBRATION), "good", {})
    cells = Page(html).cells
    assert [text for text, _ in cells if text in bins] == bins
    assert cells.count(("0.98", "pass")) == 3 and cells.count(("0.98", "")) == 3
    assert words == "3 labels: 3 pass"


def test_the_page_of_all_metrics(judged, tmp_path):
    write_metrics_page(study(), judged, release_checklist(judged), tmp_path / "m.html")
    text = (tmp_path / "m.html").read_text()
    page = Page(text)
    assert {"Release checklist", "Linkage", "Linkability", "Not measured"} <= set(page.headings)
    assert ("0.67 [0.66, 0.68]", "fail") in page.cells
    assert "http" not in text


def test_tables_align_numbers_and_colour_verdicts():
    html = pages.table(pd.DataFrame({"n": [1234567.0], "x": [0.123456], "level": ["stop"]}))
    assert '<td class="number">1,234,567</td>' in html
    assert '<td class="number">0.1235</td>' in html
    assert '<td class="stop">stop</td>' in html


@pytest.mark.parametrize("file", ["plot_dimension/fairness.svg", "plot_fairness/good.svg"])
def test_a_picture_without_a_section_is_an_error(material, tmp_path, file):
    lost = Material(**vars(material) | {"pictures": [*material.pictures, tmp_path / file]})
    with pytest.raises(InputError, match=f"{file}: no section of .* shows this picture"):
        write_report(study(), lost, tmp_path / "r.html")


def test_the_first_line_says_whether_a_cohort_may_be_released(material, judged, tmp_path):
    write_report(study(), material, tmp_path / "r.html")
    write_metrics_page(study(), judged, release_checklist(judged), tmp_path / "m.html")
    for name in ("r.html", "m.html"):
        text = (tmp_path / name).read_text()
        body = text[text.index("</h1>") :]
        assert body.split()[1:6] == ["<p", 'class="answer', 'pass">good', "may", "be"]
        assert (
            '<p class="answer fail">memoriser must not be released: People who are copies' in body
        )


@pytest.mark.parametrize("only", ["ld_slope", "none"])
def test_privacy_that_was_not_measured_is_red_in_the_checklist(judged, tmp_path, only):
    table = judged[judged["metric"] == only]
    write_metrics_page(study(), table, release_checklist(table), tmp_path / "m.html")
    text = (tmp_path / "m.html").read_text()
    for risk in PRIVACY:
        row = re.search(rf"<td[^>]*>{DIMENSIONS[risk]}</td>(.*?)</tr>", text, re.DOTALL)[1]
        cells = re.findall(r"<td([^>]*)>(.*?)</td>", row, re.DOTALL)
        assert cells[: len(RELEASED)] == [(' class="fail"', "not measured")] * len(RELEASED)
    assert text.count("cannot be released on this evidence") == len(RELEASED)


def test_what_withholding_changes_is_shown_before_beside_after(material, judged, tmp_path):
    before = judged[judged["generator"] == "memoriser"].assign(generator="good_drawn")
    changed = replace(
        material, judged=pd.concat([judged, before], ignore_index=True), drawn_people=364
    )
    write_report(study(drawn={"good_drawn": "good"}), changed, tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    assert "The riskiest people are withheld" in text and "good_drawn</th>" in text
    assert "360 from each generator; the 4 riskiest of 364 are withheld" in text
