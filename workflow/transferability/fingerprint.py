"""Which code a result depends on, as a checksum that comments, docstrings, messages and file names do not change."""

import ast
import hashlib
import json
from functools import cache
from pathlib import Path

from transferability.errors import InputError

PACKAGE = Path(__file__).parent
PREFIX = "transferability."
# Change no result: errors that give up, how files are written and processes started; nor do checksums and marks, as a
# change in these shows in their values.
NEUTRAL = {"errors", "files", "fingerprint", "marks", "pools"}
LOGS = {"log", "logging", "warnings"}  # a statement that calls one of these only tells


@cache
def code_fingerprint(*modules: str) -> str:
    """Return a checksum of library modules and of all library modules that they import, however deep.

    Names are relative to the package: "training", "figures.figure2". Of each module counts what its syntax tree says,
    without docstrings, log lines, texts of errors and lists of exceptions, and not where the module stands.
    """
    seen: set[str] = set()
    pending = list(modules)
    while pending:
        module = pending.pop()
        if module not in seen | NEUTRAL:
            seen.add(module)
            pending += imported_modules(module)
    return fingerprint(sorted(map(_normal_form, seen)))


def check_code(expected: str, *modules: str) -> None:
    """Compare the code that this process runs with what a rule's parameter says; raise InputError if it is another.

    It is called when the modules are imported: what is on the disk then is what runs.
    """
    if code_fingerprint(*modules) != expected:
        raise InputError(
            f"{PACKAGE}: the code was edited after snakemake started; let this run end, or stop it, and run again"
        )


def fingerprint(content) -> str:
    """Return a checksum (64 hexadecimal digits) of anything that JSON can hold."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def module_file(module: str) -> Path:
    """Return the file of a library module or package."""
    place = PACKAGE / module.replace(".", "/")
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")


def imported_modules(module: str) -> list[str]:
    """List the library modules that a module imports (`from transferability.x import y` is the house's form)."""
    found = []
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith(PREFIX):
            package = node.module.removeprefix(PREFIX.rstrip(".")).lstrip(".")
            members = [f"{package}.{alias.name}".lstrip(".") for alias in node.names]
            submodules = [name for name in members if module_file(name).is_file()]
            found += [package] if package and len(submodules) < len(members) else []
            found += submodules
    return found


@cache
def _tree(module: str) -> ast.Module:
    return ast.parse(module_file(module).read_text(encoding="utf-8"))


@cache
def _normal_form(module: str) -> str:
    return ast.unparse(_WhatCounts().visit(ast.parse(ast.unparse(_tree(module)))))


class _WhatCounts(ast.NodeTransformer):
    """Leaves of a syntax tree what a result can depend on."""

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.ImportFrom:
        """Where in the library a name comes from does not count: that module is hashed as well."""
        if f"{node.module}.".startswith(PREFIX):
            node.module = PREFIX.rstrip(".")
        return node

    def visit_Raise(self, node: ast.Raise) -> ast.Raise:
        """That it gives up counts, not what it says then."""
        return ast.Raise()

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        """What is done counts, not for which exceptions."""
        node.type = node.name = None
        return self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        """Docstrings and log lines."""
        call = node.value.func if isinstance(node.value, ast.Call) else None
        logs = isinstance(call, ast.Attribute) and isinstance(call.value, ast.Name) and call.value.id in LOGS
        text = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if logs or text else self.generic_visit(node)

    def generic_visit(self, node: ast.AST) -> ast.AST:
        """A block of which nothing is left still is one."""
        node = super().generic_visit(node)
        if getattr(node, "body", None) == [] and not isinstance(node, ast.Module):
            node.body = [ast.Pass()]
        return node
