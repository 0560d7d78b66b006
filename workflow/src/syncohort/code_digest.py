"""Digest of the code that a job really runs."""

import ast
import hashlib
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent


@cache
def code_digest(script: str | Path, modules: tuple[str, ...] = ()) -> str:
    """Digest of a script and of every package module it imports, directly or not.

    Given to Snakemake as a parameter, it reruns a rule when code that the rule really runs
    changes. Syntax trees are compared: comments, docstrings, layout, file dates and the
    place of the clone do not matter.

    Args:
        script: its file.
        modules: full names of package modules that the script loads by name, which no import
            statement shows (see `config.loaded_code`).
    """
    digest = hashlib.sha256()
    for file in code_files(script, modules):
        digest.update(file.name.encode() + _facts(file)[0])
    return digest.hexdigest()[:16]


@cache
def code_files(script: str | Path, modules: tuple[str, ...] = ()) -> list[Path]:
    """The files a digest is of: the script, then the package's; arguments as in `code_digest`."""
    queue = [Path(script), *filter(None, map(_module_file, modules))]
    found = set(queue[1:])
    while queue:
        for name in _facts(queue.pop())[1]:
            module = _module_file(name)
            if module is not None and module not in found:
                found.add(module)
                queue.append(module)
    return [Path(script), *sorted(found)]


@cache
def _module_file(name: str) -> Path | None:
    base = PACKAGE.joinpath(*name.split(".")[1:])
    for file in (base.with_suffix(".py"), base / "__init__.py"):
        if file.is_file():
            return file
    return None


@cache
def _facts(file: Path) -> tuple[bytes, list[str]]:
    """Digest of a file's syntax tree, and the names of the package that it imports."""
    content = file.read_bytes()
    kept = FACTS.file_of(content)
    found = kept and _read(kept)
    if not found:
        tree = ast.parse(content)
        names = _imported_names(tree)  # before the docstrings are taken out of the tree
        found = _tree_digest(tree), names
        if kept:
            _write(kept, *found)
    return found


@dataclass
class _Facts:
    """Where facts are kept from one start of Snakemake to the next, by the content they are of.

    Parsing all files takes seconds, and every job of a cluster starts Snakemake anew.
    """

    folder: Path | None = None  # None: nowhere

    def file_of(self, content: bytes) -> Path | None:
        """The file for a source file's content, as this module and this Python read it."""
        if self.folder is None:
            return None
        reader = Path(__file__).read_bytes() + sys.version.encode()
        return self.folder / hashlib.sha256(reader + content).hexdigest()


FACTS = _Facts()


def _read(kept: Path) -> tuple[bytes, list[str]] | None:
    with suppress(OSError, ValueError):
        lines = kept.read_text().splitlines()
        if lines and lines[-1] == "end":
            return bytes.fromhex(lines[0]), lines[1:-1]
    return None


def _write(kept: Path, digest: bytes, names: list[str]) -> None:
    """Keep facts; where they cannot be written they are found anew at the next start."""
    partial = kept.with_name(f"{kept.name}.{os.getpid()}")
    with suppress(OSError):
        kept.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text("\n".join([digest.hex(), *names, "end"]))
        os.replace(partial, kept)


def _imported_names(tree: ast.AST) -> list[str]:
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            # `from package import x`: x may be a module or something inside the package
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return [name for name in names if name.split(".")[0] == PACKAGE.name]


def _tree_digest(tree: ast.AST) -> bytes:
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and _is_docstring(body[0]):
            node.body = body[1:]
    return hashlib.sha256(ast.dump(tree).encode()).digest()


def _is_docstring(node) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
