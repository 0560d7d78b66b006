"""The documentation: it builds, needs no network, and what it names exists."""

import ast
import re
import subprocess
import sys

import pytest
from conftest import REPOSITORY

PAGES = sorted((REPOSITORY / "docs").glob("*.md"))
PROSE = [REPOSITORY / "README.md", REPOSITORY / "config/README.md", *PAGES]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The built documentation; a broken reference inside it is an error."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html"]
    result = subprocess.run(
        [*command, REPOSITORY / "docs", folder], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return folder


def test_every_page_is_built_and_loads_nothing_from_outside(site):
    for page in PAGES:
        text = (site / f"{page.stem}.html").read_text()
        loaded = re.findall(r'<(?:script|img|link)[^>]+(?:src|href)="(https?:[^"]+)"', text)
        assert not loaded, (page.name, loaded)


def test_equations_are_drawn_without_a_script(site):
    text = (site / "methods.html").read_text()
    assert text.count("<math ") > 20 and "mathjax.js" not in text.lower()


@pytest.mark.parametrize("page", PROSE, ids=lambda page: page.parent.name + "/" + page.name)
def test_links_between_files_lead_somewhere(page):
    links = re.findall(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)", page.read_text())
    missing = [link for link in links if not (page.parent / link).exists()]
    assert not missing


@pytest.mark.parametrize("page", PROSE, ids=lambda page: page.parent.name + "/" + page.name)
def test_files_of_the_project_that_pages_name_exist(page):
    named = re.findall(
        r"`((?:config|workflow|tests|docs|envs|resources|slurm|profiles)/[\w./-]+)`",
        page.read_text(),
    )
    added = re.findall(r"New file `([^`]+)`", page.read_text())  # by the recipes of extend.md
    missing = {name for name in named if not (REPOSITORY / name).exists()} - set(added)
    assert not missing


@pytest.mark.parametrize("page", PROSE, ids=lambda page: page.parent.name + "/" + page.name)
def test_a_target_is_named_with_what_snakemake_needs_to_run_it(page):
    """Cores, and the file of the study, without which the demo's would be meant."""
    named = re.findall(r"snakemake [^`\n]*\b(?:fetch_resources|purge)\b[^`\n]*", page.read_text())
    assert all("--cores" in each and "--configfile" in each for each in named)


def _texts(tree: ast.AST):
    """The texts of a program, what is computed in them left out."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = [each.value for each in node.values if isinstance(each, ast.Constant)]
            yield "\n".join(parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


FAQ = re.findall(r"^\| (`+)(?!-)(.+?)\1 ", (REPOSITORY / "docs/faq.md").read_text(), re.MULTILINE)


@pytest.fixture(scope="module")
def texts() -> str:
    folder = REPOSITORY / "workflow"
    # Functions and rules stand in files of their own; those of functions are plain Python.
    functions = [each for each in folder.glob("rules/*.smk") if "\ndef " in each.read_text()]
    files = [*folder.rglob("*.py"), *functions]
    return "\n\n".join(text for file in files for text in _texts(ast.parse(file.read_text())))


@pytest.mark.parametrize("message", [message for _, message in FAQ])
def test_messages_of_the_faq_are_those_of_the_program(message, texts):
    fixed = [part.strip() for part in message.split("...")]
    assert all(part in texts for part in fixed), fixed


def test_the_faq_has_the_messages_people_meet():
    assert len(FAQ) > 25


def test_what_the_methods_cite_is_among_their_references():
    text = " ".join((REPOSITORY / "docs/methods.md").read_text().split())
    body, references = text.split("## 5. References")
    authors = r"([A-Z][\w-]+)(?: et al\.|,? (?:[A-Z][a-z]+ )?(?:&|and) (?:[A-Z]\w+|[a-z]+ )+)?"
    cited = set(re.findall(authors + r" \(?((?:19|20)\d\d)", body))
    assert ("Carlini", "2022") in cited and len(cited) > 30
    missing = [
        f"{name} {year}" for name, year in cited if not re.search(f"{name}[^*]*{year}", references)
    ]
    assert not missing
