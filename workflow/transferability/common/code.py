"""Which code a result depends on, as a checksum of what that code says, wherever in the library it stands.

A result depends on some definitions (functions, classes, constants), on all that these name, on the files of facts
that they read, and on what modules do when they are imported. Comments, docstrings, type hints, log lines and texts of
errors do not count (`syntax`), nor do the names of modules and the imports between them: code that only moves has the
same checksum.

To read all code takes half a second, so checksums are kept beside what Python compiles, for the sources as they are.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from transferability.common.checksums import file_sha256, fingerprint
from transferability.common.errors import InputError
from transferability.common.resources import RESOURCES
from transferability.common.syntax import LIBRARY, UNNAMED, WHOLE, Module, read_module

PACKAGE = Path(__file__).parents[1]
SCRIPTS = "scripts"  # "scripts.pack" is the script of rule pack, beside the library
# These change no result: errors that give up, how jobs log and end, how files are written and locked, how processes are
# started; of facts, the content counts. A change in checksums and recipes shows in their values.
NEUTRAL = {
    "common.atomic_files",
    "common.checksums",
    "common.code",
    "common.errors",
    "common.locks",
    "common.logs",
    "common.processes",
    "common.resources",
    "common.script",
    "common.syntax",
    "jobs.recipe",
}

Definition = tuple[str, str]  # a module, "training.trainer", and a name that is defined there


@cache
def code_fingerprint(*names: str) -> str:
    """Return a checksum of code and of all library code that it uses, however deep.

    Names are relative to the library: of a module, "figures.figure2", or of one definition, "tasks.splits.class_sides";
    or of a script, "scripts.figure2". Raises ValueError where the code is not such that it can be followed.
    """
    sources, known, asked = _sources(), _known(), " ".join(names)
    if asked not in known:
        known[asked] = computed_fingerprint(*names)
        if _read_sources() == sources:  # else what was read may be of before an edit, or of after
            _keep(known)
    return known[asked]


def computed_fingerprint(*names: str) -> str:
    """Do what `code_fingerprint` does, from the code alone."""
    seen: set[Definition] = set()
    pending = [definition for name in names for definition in _named(name)]
    while pending:
        definition = pending.pop()
        if definition not in seen:
            seen.add(definition)
            pending += [*_used(*definition), *_run_by_import_of(definition[0])]
    # Definitions that say the same are distinguished by what their names mean, and these by what theirs mean, until no
    # more are distinguished: then going deeper shows nothing new.
    depth, told_apart, checksums = 0, -1, set()
    while len(checksums) > told_apart:
        told_apart, checksums = len(checksums), {_said(*definition, depth) for definition in seen}
        depth += 1
    return fingerprint(sorted(checksums))


def check_code(expected: str, *names: str) -> None:
    """Compare the code that this process runs with what a rule's parameter says; raise InputError if it is another.

    It is called when the modules are imported: what is on the disk then is what runs.
    """
    if code_fingerprint(*names) != expected:
        raise InputError(
            f"{PACKAGE}: the code was edited after snakemake started; let this run end, or stop it, and run again"
        )


def _read_sources() -> str:
    """Return a checksum of all files that can matter here, byte for byte."""
    files = {
        *PACKAGE.rglob("*.py"),
        *(PACKAGE.parent / SCRIPTS).glob("*.py"),
        *filter(Path.is_file, RESOURCES.iterdir()),
    }
    return fingerprint({str(file.relative_to(PACKAGE.parent.parent)): file_sha256(file) for file in files})


@cache
def _sources() -> str:
    """The checksum of all files when this process first asked."""
    return _read_sources()


@cache
def _known() -> dict[str, str]:
    """The checksums that are kept for these sources, by the names that they were asked for with."""
    with suppress(OSError, ValueError):  # not there, or damaged
        checksum, known = json.loads(_kept_file().read_text(encoding="utf-8"))
        if checksum == fingerprint([_sources(), known]):
            return known
    return {}


def _keep(checksums: dict[str, str]) -> None:
    place = _kept_file()
    with suppress(OSError):  # as where the library is another user's
        place.parent.mkdir(exist_ok=True)
        with TemporaryDirectory(dir=place.parent) as folder:
            new = Path(folder, place.name)
            new.write_text(json.dumps([fingerprint([_sources(), checksums]), checksums]), encoding="utf-8")
            new.replace(place)


def _kept_file() -> Path:
    return PACKAGE / "__pycache__" / "fingerprints.json"


def _named(name: str) -> list[Definition]:
    """All of a module, or of a package's modules, or the one definition that is named."""
    if _file(name).is_file():
        below = sorted(_file(name).parent.rglob("*.py")) if _file(name).name == "__init__.py" else []
        parts = [file.relative_to(PACKAGE).with_suffix("").parts for file in below]
        modules = [".".join(part).removesuffix(".__init__") for part in parts] or [name]
        return [(module, WHOLE) for module in modules if module not in NEUTRAL]
    module, _, defined = name.rpartition(".")
    if not _file(module).is_file() or defined not in _module(module).said:
        raise ValueError(f"{name} is neither a module of {PACKAGE} nor a definition in one")
    return [(module, defined)]


def _used(module: str, defined: str) -> Iterator[Definition]:
    """Yield the definitions that a definition names."""
    for name in _module(module).names[defined]:
        yield from _meaning(module, name)[0]


@cache
def _meaning(module: str, name: str) -> tuple[list[Definition], list[str]]:
    """What a name means in a module: definitions of the library, and what is said of it as an import from elsewhere."""
    here = _module(module)
    if name not in here.library:  # a local name or one of Python's own has no meaning here
        return [(module, name)] if name in here.said else [], here.foreign.get(name, [])
    imported = here.library[name]
    part = f"{imported.origin}.{imported.original}".lstrip(".")
    if imported.origin in NEUTRAL or part in NEUTRAL:
        return [], []
    if not _file(imported.origin).is_file() and not _file(part).is_file():
        raise ValueError(f"{imported.place}: there is no module {LIBRARY}.{imported.origin}")
    origin = _module(imported.origin) if _file(imported.origin).is_file() else Module()
    is_named = imported.original in {*origin.said, *origin.library, *origin.foreign}
    if _file(part).is_file():
        if imported.original in origin.said:
            raise ValueError(f"{imported.place}: {part} is a module and a definition, give one another name")
        return _named(part), []
    if not is_named:
        raise ValueError(f"{imported.place}: {LIBRARY}.{imported.origin} has no {imported.original}")
    return _meaning(imported.origin, imported.original)


@cache
def _said(module: str, defined: str, depth: int) -> str:
    """A checksum of what a definition says, of facts that it reads, and, to a depth, of what the names in it mean."""
    here = _module(module)
    context = {}
    for name in here.names[defined] if depth else ():
        definitions, foreign = _meaning(module, name)
        if definitions or foreign:
            context[name] = sorted({_said(*definition, depth - 1) for definition in definitions}), foreign
    facts = {name: file_sha256(RESOURCES / name) for name in here.facts.get(defined, ())}
    return fingerprint([here.said[defined], facts, context])


@cache
def _run_by_import_of(module: str) -> frozenset[Definition]:
    """What runs when a module is imported, there and in all that it imports: statements, and decorators of ours."""
    seen, pending, found = set(), [module], set()
    while pending:
        name = pending.pop()
        if name in seen or name in NEUTRAL or not _file(name).is_file():
            continue
        seen.add(name)
        here = _module(name)
        found |= {(name, UNNAMED)} & {(name, defined) for defined in here.said}
        found |= {
            (name, defined)
            for defined, decorators in here.decorators.items()
            if any(_meaning(name, decorator)[0] for decorator in decorators)
        }
        parts = name.split(".")
        pending += [".".join(parts[:length]) for length in range(len(parts))]
        for imported in here.library.values():
            pending += [imported.origin, f"{imported.origin}.{imported.original}".lstrip(".")]
    return frozenset(found)


@cache
def _module(name: str) -> Module:
    return read_module(_file(name))


def _file(module: str) -> Path:
    """Return the file of a module or package of the library, or of a script."""
    place = (PACKAGE.parent if module.startswith(f"{SCRIPTS}.") else PACKAGE) / module.replace(".", "/")
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
