"""What a module says that a result can depend on, read from its syntax: the same for every version of Python.

Left out are comments, docstrings, type hints, log lines, the arguments of raised exceptions, and what only a type
checker or a person at the command line runs. What could not be followed is refused.
"""

import ast
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

LIBRARY = "transferability"
UNNAMED = ""  # stands for a module's statements that define nothing, as the settings of a library
WHOLE = "*"  # stands for all of a module
REPORTS = {"debug", "info", "warning", "error", "exception"}
BLOCKS = ast.If | ast.Try | ast.TryStar | ast.With | ast.For | ast.While | ast.Match
DEFINITIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
CLOSED = ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp  # define nothing outside


@dataclass(frozen=True)
class Imported:
    """An import from the library: the module, the name in it, and where the statement stands, "file:line"."""

    origin: str
    original: str
    place: str = field(compare=False)


@dataclass(frozen=True)
class Module:
    """What a module says, by the names that it defines, and what other names mean in it."""

    said: dict[str, str] = field(default_factory=dict)
    names: dict[str, set[str]] = field(default_factory=dict)  # that each definition uses
    facts: dict[str, set[str]] = field(default_factory=dict)  # files of facts that each definition names
    decorators: dict[str, set[str]] = field(default_factory=dict)  # names in those of a definition
    library: dict[str, Imported] = field(default_factory=dict)
    foreign: dict[str, list[str]] = field(default_factory=dict)  # imported from elsewhere: what the statements say


def read_module(file: Path) -> Module:
    """Read a module; raise ValueError, with file and line, for what cannot be followed from name to name."""
    module = Module()
    tree = _WhatCounts().visit(ast.parse(file.read_text(encoding="utf-8")))
    for statement in tree.body:
        if not isinstance(statement, ast.Import | ast.ImportFrom):
            _note(module, statement, file)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            _note_import(module, node, f"{file}:{node.lineno}")
    for name, imported in module.library.items():
        if name in module.said or name in module.foreign:
            raise ValueError(f"{imported.place}: {name} has another meaning in this module, give one another name")
    module.names[WHOLE] = {*module.said, *module.library}
    module.said[WHOLE] = ""
    return module


def _note(module: Module, statement: ast.stmt, file: Path) -> None:
    used = _names(statement)
    facts = set(_facts(statement, file)) if "RESOURCES" in used else set()
    decorators = set().union(*map(_names, getattr(statement, "decorator_list", [])))
    defined = _defined_by(statement) - {"_"}
    for name in defined | ({UNNAMED} if not defined or isinstance(statement, BLOCKS) else set()):
        module.said[name] = f"{module.said.get(name, '')}{written(statement)}\n"
        for noted, found in ((module.names, used), (module.facts, facts), (module.decorators, decorators)):
            noted[name] = noted.get(name, set()) | found


def _names(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def _note_import(module: Module, statement: ast.Import | ast.ImportFrom, place: str) -> None:
    whence = statement.module or "" if isinstance(statement, ast.ImportFrom) else None
    if getattr(statement, "level", 0):
        raise ValueError(f"{place}: a relative import, give the module's whole name")
    for alias in statement.names:
        name = alias.asname or alias.name.partition(".")[0]
        if alias.name == WHOLE:
            raise ValueError(f"{place}: import *, give the names")
        if whence is None and _of_library(alias.name):
            raise ValueError(f"{place}: import {alias.name}, write from {LIBRARY} ... import ...")
        if whence is not None and _of_library(whence):
            imported = Imported(whence.removeprefix(LIBRARY).lstrip("."), alias.name, place)
            if module.library.setdefault(name, imported) != imported:
                raise ValueError(f"{place}: {name} has another meaning in this module, give one another name")
        else:
            said = f"from {whence} import {alias.name}" if whence is not None else f"import {alias.name}"
            module.foreign.setdefault(name, []).append(said)


def _of_library(module: str) -> bool:
    return f"{module}.".startswith(f"{LIBRARY}.")


def _defined_by(node: ast.AST) -> set[str]:
    """The names that a statement of a module defines, also in its blocks."""
    if isinstance(node, DEFINITIONS):
        return {node.name}
    if isinstance(node, ast.Name):
        return {node.id} if isinstance(node.ctx, ast.Store) else set()  # not the x of x.y = 1
    if isinstance(node, CLOSED):
        return set()
    return set().union(*map(_defined_by, ast.iter_child_nodes(node)))


def _facts(statement: ast.stmt, file: Path) -> Iterator[str]:
    """Yield the files that a statement names as RESOURCES / "file"; raise ValueError if it names them otherwise."""
    followed = set()
    for node in ast.walk(statement):
        match node:
            case ast.BinOp(
                left=ast.Name(id="RESOURCES") as directory, op=ast.Div(), right=ast.Constant(value=str(name))
            ):
                followed.add(directory)
                yield name
            case ast.Name(id="RESOURCES", ctx=ast.Load()) if node not in followed:  # what holds a node comes before it
                raise ValueError(f'{file}:{node.lineno}: write RESOURCES / "file", so that its content counts')


def written(node: ast.AST) -> str:
    """Return what a syntax tree says, as text that is the same for every version of Python."""
    return json.dumps(_plain(node))


def _plain(node: object) -> object:
    match node:
        case ast.Constant():
            return [type(node.value).__name__, node.value if isinstance(node.value, str) else repr(node.value)]
        case ast.JoinedStr():
            return ["f", *_merged(node.values)]
        case ast.ImportFrom() if _of_library(
            node.module or ""
        ):  # where a name comes from does not count: its meaning does
            return ["library", _plain(node.names)]
        case ast.AST():
            fields = [(name, value) for name, value in ast.iter_fields(node) if name not in ("ctx", "type_comment")]
            return [type(node).__name__, *([name, _plain(value)] for name, value in fields if value not in (None, []))]
        case list():
            return [_plain(part) for part in node]
    return node


def _merged(parts: list[ast.expr]) -> list:
    """The parts of an f-string: versions of Python cut the text between the braces differently."""
    merged = []
    for part in parts:
        if not isinstance(part, ast.Constant):
            merged.append(_plain(part))
        elif merged and isinstance(merged[-1], str):
            merged[-1] += part.value
        elif part.value:
            merged.append(part.value)
    return merged


class _WhatCounts(ast.NodeTransformer):
    """Leaves of a syntax tree what a result can depend on. What is left of a block may be nothing."""

    def visit_Raise(self, node: ast.Raise) -> ast.Raise:
        """Which exception counts, not what it says."""
        node.cause = None
        if isinstance(node.exc, ast.Call):
            node.exc = node.exc.func
        return node

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        """Its name does not count where only a log line or an error named it."""
        self.generic_visit(node)
        if node.name not in set().union(*map(_names, node.body)):
            node.name = None
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        """Docstrings and log lines do not count."""
        match node.value:
            case ast.Constant():
                return None
            case ast.Call(func=ast.Attribute(value=ast.Name(id="log" | "logging"), attr=report)) if report in REPORTS:
                return None
            case ast.Call(func=ast.Attribute(value=ast.Name(id="warnings"), attr="warn")):
                return None
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """The name of a logger does not count."""
        if isinstance(node.func, ast.Attribute) and node.func.attr == "getLogger":
            node.args = []
        return self.generic_visit(node)

    def visit_Pass(self, node: ast.Pass) -> None:
        """It says nothing."""

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.AST] | None:
        """What is only for type checkers, or run by hand, does not count; nor a condition of which nothing depends."""
        self.generic_visit(node)
        match node.test:
            case ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
                return node.orelse
            case ast.Compare(
                left=ast.Name(id="__name__"), ops=[ast.Eq()], comparators=[ast.Constant(value="__main__")]
            ):
                return node.orelse
        acts = any(isinstance(part, ast.Call | ast.NamedExpr | ast.Await) for part in ast.walk(node.test))
        return node if node.body or node.orelse or acts else None

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        """The hints in a class's own body count: they are the fields of a dataclass."""
        for statement in node.body:
            statement.is_field = True
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        """Without its hint it is an assignment, or nothing."""
        self.generic_visit(node)
        if getattr(node, "is_field", False):
            return node
        plain = ast.Assign([node.target], node.value, lineno=node.lineno)
        return self.visit_Assign(plain) if node.value else None

    def visit_Assign(self, node: ast.Assign | ast.AugAssign) -> ast.AST | None:
        """Which names a module offers does not count."""
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        offers = any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets)
        return None if offers else self.generic_visit(node)

    visit_AugAssign = visit_Assign  # noqa: N815

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        """What it returns is no matter of its hint."""
        node.returns = None
        return self.generic_visit(node)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815

    def visit_arg(self, node: ast.arg) -> ast.arg:
        """Nothing here reads the hints of a function."""
        node.annotation = None
        return node
