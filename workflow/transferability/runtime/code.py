"""Checksums of the code that a result depends on.

A checksum covers every statement of the modules that are imported, directly or indirectly, also inside functions,
together with the definitions of the names in it and the resource files that it reads. Comments, docstrings, type hints,
log calls, error messages and names of modules do not count. The checksum stays the same if code only moves to another
module, and under every version of Python.
"""

import ast
from functools import cache
from pathlib import Path

from transferability.common.checksums import file_sha256, fingerprint
from transferability.common.errors import InputError
from transferability.common.resources import RESOURCES

WORKFLOW = Path(__file__).parents[2]
SCRIPTS = "scripts"  # "scripts.pack" is the script of rule pack, beside the library
NEUTRAL = {  # modules that change no result, and why; their imports are not followed
    "transferability": "lists what notebooks import",
    "transferability.common.atomic_files": "how files are written, whatever is in them",
    "transferability.common.checksums": "a change shows in the checksums",
    "transferability.runtime.code": "a change shows in the checksums",
    "transferability.common.errors": "how jobs give up",
    "transferability.runtime.locks": "how jobs wait for each other",
    "transferability.common.worker_pool": "how work is shared",
    "transferability.common.own_process": "how a process is asked",
    "transferability.runtime.processes": "how processes start and end",
    "transferability.common.resources": "where facts are: their content counts",
    "transferability.runtime.script": "how scripts start and what they log",
    "transferability.jobs.recipe": "a change shows in the recipes and marks, which are compared by value",
}
REPORTS = {"debug", "info", "warning", "error", "exception", "warn"}
ROOMS = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef, ast.comprehension)  # names defined inside are local
SILENT = {"ctx", "type_comment", "returns"}  # fields of the syntax tree that do not count
NOTHING = ""


@cache
def code_fingerprint(*names: str) -> str:
    """Return a checksum of modules of the library ("jobs.assembly") or scripts ("scripts.pack") and all they import.

    Raises ValueError for an unknown module, for a relative import, and for a use of RESOURCES without a file name.
    """
    pending = [name if name.startswith(f"{SCRIPTS}.") else f"transferability.{name}" for name in names]
    if unknown := [name for name in pending if not _file(name)]:
        raise ValueError(f"{', '.join(unknown)}: no such module in {WORKFLOW}")
    seen = set()
    while pending:
        module = pending.pop()
        if module not in seen:
            seen.add(module)
            pending += [whole for part in _statements(module) for _, whole in part.imports]
            pending.append(module.rpartition(".")[0])  # its package, or the module that a name is imported from
    return fingerprint(sorted(set().union(*map(_said, seen))))


def script_code(script: str | Path) -> str:
    """Return the checksum of a script in workflow/scripts and of all code that it uses."""
    return code_fingerprint(f"{SCRIPTS}.{Path(script).stem}")


def check_code(expected: str, *names: str) -> None:
    """Raise InputError if the code that this process runs differs from `expected`, the parameter of a rule.

    Call it when the modules have been imported: the code on disk at that moment is the code that runs.
    """
    if code_fingerprint(*names) != expected:
        raise InputError(
            f"{WORKFLOW}: the code was edited after snakemake started; let this run end, or stop it, and run again"
        )


class _Statement:
    """A statement of a module: the checksum of its content, the names that it defines and uses, and its imports."""

    def __init__(self, node: ast.stmt, file: Path):
        self.file, self.defines, self.uses = file, set(), set()
        self.imports: list[tuple[str, str]] = []  # bound name, full name of the imported object
        said = self._say(node)
        self.says = fingerprint(said) if said and not isinstance(node, ast.Import | ast.ImportFrom) else NOTHING

    def _say(self, node: object) -> object:
        """The content of a part of the syntax tree, as JSON that is the same for every version of Python."""
        if not isinstance(node, (ast.AST, list)):
            return node
        match node:
            case list():
                return [said for part in node if (said := self._say(part)) != NOTHING]
            case ast.Name("RESOURCES"):
                raise ValueError(f'{self.file}:{node.lineno}: write RESOURCES / "file", so that its content counts')
            case ast.Name():
                (self.defines if isinstance(node.ctx, ast.Store) else self.uses).add(node.id)
                return ["Name", node.id]
            case ast.Constant():
                return ascii(node.value)
            case ast.Pass() | ast.Expr(ast.Constant()):
                return NOTHING
            case ast.Expr(ast.Call(ast.Attribute(ast.Name("log" | "logging" | "warnings"), name))) if name in REPORTS:
                return NOTHING
            case ast.If(ast.Name("TYPE_CHECKING") | ast.Compare(ast.Name("__name__"), [ast.Eq()])):
                return self._say(node.orelse) or NOTHING
            case ast.If():  # does not count if it only logs, and its condition has no side effects
                acts = any(isinstance(part, ast.Call | ast.NamedExpr) for part in ast.walk(node.test))
                blocks = [self._say(node.body), self._say(node.orelse)]
                return ["If", self._say(node.test), *blocks] if any(blocks) or acts else NOTHING
            case ast.Raise(ast.Call(kind)) | ast.Raise(kind):  # the message does not count
                return ["Raise", self._say(kind)]
            case ast.ExceptHandler():
                return ["except", self._say(node.type), self._say(node.body)]
            case ast.arg():
                return ["arg", node.arg]
            case ast.AnnAssign() if not hasattr(node, "is_field"):
                return self._say(ast.Assign([node.target], node.value)) if node.value else NOTHING
            case ast.JoinedStr():  # versions of Python split the text between the braces differently
                parts = (part.value if isinstance(part, ast.Constant) else [self._say(part)] for part in node.values)
                return ["f", "".join(map(str, parts))]
            case ast.BinOp(ast.Name("RESOURCES"), ast.Div(), ast.Constant(str(name))):
                return ["facts", name, file_sha256(RESOURCES / name)]
            case ast.ImportFrom() if node.level:
                raise ValueError(f"{self.file}:{node.lineno}: a relative import, give the module's whole name")
            case ast.Import() | ast.ImportFrom():
                origin = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
                found = [(alias.asname or alias.name.partition(".")[0], origin + alias.name) for alias in node.names]
                self.imports += found
                return ["import", *(bound for bound, _ in found)]
        return self._say_fields(node)

    def _say_fields(self, node: ast.AST) -> list:
        outside = set(self.defines) if isinstance(node, ROOMS) else None
        for part in node.body if isinstance(node, ast.ClassDef) else []:
            part.is_field = True  # of a dataclass, where type hints count
        said = [(name, self._say(value)) for name, value in ast.iter_fields(node) if name not in SILENT]
        if outside is not None:
            self.defines = outside | {getattr(node, "name", NOTHING)}
        return [type(node).__name__, *(field for field in said if field[1] not in (None, [], NOTHING))]


@cache
def _statements(module: str) -> list[_Statement]:
    file = None if module in NEUTRAL else _file(module)
    return [_Statement(node, file) for node in ast.parse(file.read_text(encoding="utf-8")).body] if file else []


@cache
def _said(module: str) -> set[str]:
    """The checksums of the statements of a module, each together with the definitions of its names."""
    said = set()
    for part in _statements(module):
        names = {name: sorted(meaning) for name in part.uses if (meaning := _meaning(module, name))}
        imports = [sorted(_imported(whole)) for _, whole in part.imports]
        said |= {fingerprint([part.says, names, imports])} if part.says else set()
    return said


@cache
def _meaning(module: str, name: str) -> set[str]:
    """The checksums of the statements that define a name in a module, or of its import; none for local names."""
    imports = [imported for part in _statements(module) for imported in part.imports]
    said = {part.says for part in _statements(module) if name in part.defines}
    return said.union(*(_imported(whole) for bound, whole in imports if bound == name))


def _imported(whole: str) -> set[str]:
    module, _, name = whole.rpartition(".")
    if _file(whole):
        return {part.says for part in _statements(whole)}
    return _meaning(module, name) if _file(module) else {whole}


@cache
def _file(module: str) -> Path | None:
    place = WORKFLOW / module.replace(".", "/")
    file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    return file if file.is_file() else None
