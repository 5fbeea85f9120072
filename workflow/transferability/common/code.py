"""Which code a result depends on, as a checksum of what that code says, wherever in the library it stands.

A result depends on some definitions (functions, classes, constants), on all that these name, and so on. Comments,
docstrings, log lines and texts of errors do not count, nor do the names of modules and the imports between them: code
that only moves has the same checksum.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from transferability.common.checksums import fingerprint
from transferability.common.errors import InputError

PACKAGE = Path(__file__).parents[1]
LIBRARY = "transferability"
# These change no result: errors that give up, how files are written and processes started, where files are; nor do
# checksums and recipes, as a change in these shows in their values.
NEUTRAL = {
    "common.atomic_files",
    "common.checksums",
    "common.code",
    "common.errors",
    "common.processes",
    "common.resources",
    "jobs.recipe",
}
LOGS = {"log", "logging", "warnings"}  # a statement that calls one of these only reports
UNNAMED = ""  # stands for a module's statements that define nothing, as the settings of a library

Definition = tuple[str, str]  # a module, "training.trainer", and a name that is defined there


@cache
def code_fingerprint(*names: str) -> str:
    """Return a checksum of code and of all library code that it uses, however deep.

    Names are relative to the library: of a module, "figures.figure2", or of one definition, "tasks.splits.class_sides".
    """
    seen: set[Definition] = set()
    pending = [definition for name in names for definition in _definitions_of(name)]
    while pending:
        definition = pending.pop()
        if definition not in seen:
            seen.add(definition)
            pending += _used(*definition)
    return fingerprint(sorted({_said_in_context(*definition) for definition in seen}))


def check_code(expected: str, *names: str) -> None:
    """Compare the code that this process runs with what a rule's parameter says; raise InputError if it is another.

    It is called when the modules are imported: what is on the disk then is what runs.
    """
    if code_fingerprint(*names) != expected:
        raise InputError(
            f"{PACKAGE}: the code was edited after snakemake started; let this run end, or stop it, and run again"
        )


@dataclass(frozen=True)
class _Module:
    """What a module says, by the names that it defines, and what other names mean in it."""

    said: dict[str, str] = field(default_factory=dict)
    names: dict[str, set[str]] = field(default_factory=dict)  # that each definition uses
    library: dict[str, Definition] = field(default_factory=dict)  # imported from the library
    foreign: dict[str, str] = field(default_factory=dict)  # imported from elsewhere: the statement


def _definitions_of(name: str) -> list[Definition]:
    """All definitions of a module, or the one that is named."""
    if _file(name).is_file():
        return [(name, defined) for defined in _module(name).said]
    module, _, defined = name.rpartition(".")
    if defined not in _module(module).said:
        raise ValueError(f"{name} is neither a module of {PACKAGE} nor a definition in one")
    return [(module, defined)]


def _used(module: str, defined: str) -> Iterator[Definition]:
    """Yield the definitions that a definition names, and its module's statements that define nothing."""
    here = _module(module)
    if UNNAMED in here.said:
        yield module, UNNAMED
    for name in here.names[defined]:
        yield from _meant(module, name)


def _meant(module: str, name: str) -> list[Definition]:
    """What a name means in a module: a definition of the library, all of an imported module, or nothing of ours."""
    here = _module(module)
    if name in here.said:
        return [(module, name)]
    if name not in here.library:
        return []
    origin, original = here.library[name]
    if _file(f"{origin}.{original}".lstrip(".")).is_file():
        origin, original = f"{origin}.{original}".lstrip("."), ""
    if origin in NEUTRAL:
        return []
    return _meant(origin, original) if original else _definitions_of(origin)


@cache
def _said_in_context(module: str, defined: str) -> str:
    """What a definition says, and what each name in it stands for: two modules may use one name for two things."""
    here = _module(module)
    context = {}
    for name in here.names[defined]:
        if name in here.foreign:
            context[name] = here.foreign[name]
        elif meant := _meant(module, name):
            context[name] = fingerprint(sorted(_module(place).said[one] for place, one in meant))
    return f"{here.said[defined]}\n{fingerprint(context)}"


@cache
def _module(name: str) -> _Module:
    module = _Module()
    tree = ast.parse(_file(name).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith(f"{LIBRARY}."):
            origin = node.module.removeprefix(LIBRARY).lstrip(".")
            module.library.update({alias.asname or alias.name: (origin, alias.name) for alias in node.names})
    for statement in _WhatCounts().visit(tree).body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            _note_foreign(module, statement)
            continue
        text = ast.unparse(statement)
        used = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
        for defined in _defined_by(statement) or [UNNAMED]:
            module.said[defined] = f"{module.said.get(defined, '')}{text}\n"
            module.names[defined] = module.names.get(defined, set()) | used
    return module


def _note_foreign(module: _Module, statement: ast.Import | ast.ImportFrom) -> None:
    for alias in statement.names:
        name = alias.asname or alias.name.partition(".")[0]
        if name not in module.library:
            origin = f"from {statement.module} " if isinstance(statement, ast.ImportFrom) else ""
            module.foreign[name] = f"{module.foreign.get(name, '')}{origin}import {alias.name}\n"


def _defined_by(statement: ast.stmt) -> list[str]:
    """The names that a statement of a module defines."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return [statement.name]
    if not isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign):
        return []
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    names = [node for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)]
    return [name.id for name in names if isinstance(name.ctx, ast.Store)]  # not the x of x.y = 1


def _file(module: str) -> Path:
    """Return the file of a library module or package."""
    place = PACKAGE / module.replace(".", "/")
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")


class _WhatCounts(ast.NodeTransformer):
    """Leaves of a syntax tree what a result can depend on."""

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.ImportFrom:
        """Where in the library a name comes from does not count: what it means does."""
        if f"{node.module}.".startswith(f"{LIBRARY}."):
            node.module = LIBRARY
        return node

    def visit_Raise(self, node: ast.Raise) -> ast.Raise:
        """That it gives up counts, not what it says then."""
        return ast.Raise()

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        """What is done counts, not for which exceptions."""
        node.type = node.name = None
        return self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        """Docstrings and log lines do not count."""
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
