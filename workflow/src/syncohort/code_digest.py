"""Digest of the code that a script really runs."""

import ast
import hashlib
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent


@cache
def code_digest(script: str | Path) -> str:
    """Digest of a script and of every package module it imports, directly or not.

    Given to Snakemake as a parameter, it reruns a rule when code that the rule really runs
    changes. Syntax trees are compared: comments, docstrings, layout, file dates and the
    place of the clone do not matter.
    """
    files = [Path(script), *sorted(_imported_files(Path(script)))]
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode() + _tree_digest(file))
    return digest.hexdigest()[:16]


@cache
def _imported_files(file: Path) -> frozenset[Path]:
    found, queue = set(), [file]
    while queue:
        for name in _imported_names(queue.pop()):
            module = _module_file(name)
            if module is not None and module not in found:
                found.add(module)
                queue.append(module)
    return frozenset(found)


@cache
def _imported_names(file: Path) -> tuple[str, ...]:
    names = []
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            # `from package import x`: x may be a module or something inside the package
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return tuple(name for name in names if name.split(".")[0] == PACKAGE.name)


def _module_file(name: str) -> Path | None:
    base = PACKAGE.joinpath(*name.split(".")[1:])
    for file in (base.with_suffix(".py"), base / "__init__.py"):
        if file.is_file():
            return file
    return None


@cache
def _tree_digest(file: Path) -> bytes:
    tree = ast.parse(file.read_text())
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and _is_docstring(body[0]):
            node.body = body[1:]
    return hashlib.sha256(ast.dump(tree).encode()).digest()


def _is_docstring(node) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
