"""Which code a result depends on, as a checksum that comments, docstrings and layout do not change."""

import ast
import hashlib
import json
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent
NEUTRAL = {"errors"}  # what a module raises when it gives up changes no result


def code_fingerprint(*modules: str) -> str:
    """Return a checksum of library modules and of all library modules that they import, however deep.

    Names are relative to the package: "training". Of each module counts the syntax tree without docstrings.
    """
    seen: set[str] = set()
    pending = list(modules)
    while pending:
        module = pending.pop()
        if module not in seen | NEUTRAL:
            seen.add(module)
            pending += imported_modules(module)
    return fingerprint({module: _normal_form(module) for module in sorted(seen)})


def fingerprint(content) -> str:
    """Return a checksum (64 hexadecimal digits) of anything that JSON can hold."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@cache
def _tree(module: str) -> ast.Module:
    return ast.parse((PACKAGE / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8"))


def imported_modules(module: str) -> list[str]:
    """List the library modules that a module imports (`from transferability.x import ...` is the house's form)."""
    prefix = "transferability."
    imports = (node for node in ast.walk(_tree(module)) if isinstance(node, ast.ImportFrom))
    return [node.module.removeprefix(prefix) for node in imports if (node.module or "").startswith(prefix)]


@cache
def _normal_form(module: str) -> str:
    tree = ast.parse(ast.unparse(_tree(module)))
    for node in ast.walk(tree):
        if (
            isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
            and ast.get_docstring(node) is not None
        ):
            node.body[0:1] = [] if len(node.body) > 1 else [ast.Pass()]
    return ast.unparse(tree)
