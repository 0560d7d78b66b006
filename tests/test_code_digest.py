"""Digests of the code a script really runs, and seeds by stage."""

import os
import shutil

import pytest
from conftest import REPOSITORY

from syncohort import code_digest as digests
from syncohort.seeds import stage_seed


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package with a script: script -> alpha -> beta; gamma is imported by nobody."""
    root = tmp_path / "syncohort"
    (root / "sub").mkdir(parents=True)
    for folder in (root, root / "sub"):
        (folder / "__init__.py").write_text('"""A package."""\n')
    (root / "alpha.py").write_text("def run():\n    from syncohort.sub import beta\n    beta.x\n")
    (root / "sub/beta.py").write_text("x = 1\n")
    (root / "gamma.py").write_text("y = 1\n")
    (tmp_path / "script.py").write_text("from syncohort.alpha import run\nrun()\n")
    monkeypatch.setattr(digests, "PACKAGE", root)

    def digest(*modules):
        forget()
        return digests.code_digest(tmp_path / "script.py", modules)

    yield tmp_path, digest
    monkeypatch.undo()
    forget()


def forget():
    for cached in ("code_digest", "code_files", "_facts", "_module_file"):
        getattr(digests, cached).cache_clear()


@pytest.mark.parametrize("file", ["script.py", "syncohort/alpha.py", "syncohort/sub/beta.py"])
def test_code_that_runs_changes_the_digest(package, file):
    root, digest = package
    before = digest()
    with open(root / file, "a") as text:
        text.write("z = 2\n")
    assert digest() != before


def test_other_modules_comments_docstrings_and_places_do_not(package, tmp_path):
    root, digest = package
    before = digest()
    (root / "syncohort/gamma.py").write_text("y = 2\n")
    (root / "syncohort/sub/beta.py").write_text('"""Now documented."""\n\n# why\nx  =  1\n')
    assert digest() == before


def test_what_is_kept_from_start_to_start_follows_the_content_alone(package, tmp_path, monkeypatch):
    root, digest = package
    without = digest()
    folder = tmp_path / "kept/facts"
    monkeypatch.setattr(digests.FACTS, "folder", folder)
    assert digest() == without
    parsed, parse = [], digests.ast.parse
    monkeypatch.setattr(digests.ast, "parse", lambda text: parsed.append(text) or parse(text))
    assert digest() == without and not parsed
    file = root / "syncohort/sub/beta.py"
    status = file.stat()
    file.write_text("x = 2\n")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))  # as large, of the same date
    changed = digest()
    assert changed != without and len(parsed) == 1
    file.write_text("x = 1\n")
    assert digest() == without and len(parsed) == 1
    whole = [each.read_text() for each in folder.iterdir()]
    for damaged in ("", "end", "not a number\nend", max(whole, key=len)[:-3]):
        for each in folder.iterdir():
            each.write_text(damaged)
        assert digest() == without
    for each in folder.iterdir():
        each.unlink()
    monkeypatch.setattr(digests.os, "replace", refuse)  # a folder that cannot be written
    assert digest() == without


def refuse(*_):
    raise PermissionError


def test_modules_loaded_by_name_count_where_they_are_named(package):
    root, digest = package
    before, with_gamma = digest(), digest("syncohort.gamma")
    assert before != with_gamma
    (root / "syncohort/gamma.py").write_text("y = 2\n")
    assert digest() == before and digest("syncohort.gamma") != with_gamma


def test_a_digest_does_not_depend_on_where_the_clone_is(package, tmp_path, monkeypatch):
    root, digest = package
    before = digest()
    copy = tmp_path / "elsewhere"
    shutil.copytree(root / "syncohort", copy / "syncohort")
    shutil.copy(root / "script.py", copy)
    monkeypatch.setattr(digests, "PACKAGE", copy / "syncohort")
    assert digests.code_digest(copy / "script.py") == before


def test_every_script_has_a_digest_of_its_own():
    scripts = sorted((REPOSITORY / "workflow/scripts").glob("*.py"))
    assert scripts
    assert len({digests.code_digest(script) for script in scripts}) == len(scripts)


def test_stage_seeds_differ_by_stage_and_by_seed_and_stay():
    seeds = {stage_seed(s, *stage) for s in (1, 2) for stage in (("a",), ("a", "b"))}
    assert len(seeds) == 4
    assert stage_seed(1, "a") == stage_seed(1, "a")
