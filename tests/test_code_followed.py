"""How far code is followed from name to name, and what of it counts: small edits of a library of three modules."""

import ast

import pytest

from transferability.common import code
from transferability.common.syntax import read_module

from .conftest import REPOSITORY
from .test_code import forgotten, package, value  # noqa: F401 (fixtures)

WORKFLOW = REPOSITORY / "workflow"
LIBRARY = WORKFLOW / "transferability"


def lines(*parts: str) -> str:
    return "\n".join(parts) + "\n"


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("from .b import f", "a.py:1: a relative import"),
        ("\nfrom transferability.b import *", r"a.py:2: import \*"),
        ("import transferability.b", "a.py:1: import transferability.b"),
        ("from transferability.b import f\nfrom transferability.c import h as f", "a.py:2: f has another meaning"),
        ("from transferability.b import f\nif f:\n    def f():\n        pass", "a.py:1: f has another meaning"),
        ("from transferability.b import f\nfrom os import path as f", "a.py:1: f has another meaning"),
        ("from transferability.b import nothing\nx = nothing", "a.py:1: transferability.b has no nothing"),
        ("from transferability.nowhere import f\nx = f", "a.py:1: there is no module transferability.nowhere"),
        ("from transferability.common.resources import RESOURCES\nx = list(RESOURCES.glob('*'))", "a.py:2: write RES"),
    ],
)
def test_what_cannot_be_followed_is_refused(package, source, fault):  # noqa: F811
    (package / "a.py").write_text(source)
    with pytest.raises(ValueError, match=fault):
        value()


F = "def f():\n"
B = F + "    return 1\n"
COUNT = {
    "a definition in a block": (B, f"try:\n    {B.replace('    ', '        ')}except ImportError:\n    pass\n"),
    "which of two": (f"if X:\n    def f():\n        return 1\n{B}", f"if not X:\n    def f():\n        return 1\n{B}"),
    "a list called log": (
        F + "    log = []\n    return log\n",
        F + "    log = []\n    log.append(1)\n    return log\n",
    ),
    "an exception raised": (F + "    raise KeyError\n", F + "    raise ValueError\n"),
    "an exception caught": (
        F + "    try:\n        pass\n    except OSError:\n        return 1\n",
        F + "    try:\n        pass\n    except (OSError, MemoryError):\n        return 1\n",
    ),
    "the field of a class": ("class f:\n    x: int = 1\n", "class f:\n    x = 1\n"),
    "a condition that acts": (F + "    return 1\n", F + "    if draw():\n        log.info('x')\n    return 1\n"),
    "text between braces": (F + '    return f"{x} 1"\n', F + '    return f"{x} 2"\n'),
    "a format": (F + '    return f"{x:.3f}"\n', F + '    return f"{x:.4f}"\n'),
}
COUNT_NOT = {
    "type hints": (
        "X: int = 1\ndef f(x: int, *y: int) -> int:\n    z: int = X\n    return z\n",
        "X = 1\ndef f(x, *y):\n    z = X\n    return z\n",
    ),
    "a block for type checkers": (B, f"if TYPE_CHECKING:\n    from transferability.nowhere import X\n{B}"),
    "what is run by hand": (B, f"{B}if __name__ == '__main__':\n    f()\n"),
    "names on offer": (B, f"__all__ = ['f']\n{B}"),
    "a log line with its condition": (B, F + "    if x > 1:\n        log.info('x')\n    return 1\n"),
    "a warning": (B, F + "    warnings.warn('x')\n    return 1\n"),
    "a logger's name": (
        "log = logging.getLogger(__name__)\ndef f():\n    return log\n",
        "log = logging.getLogger('x')\ndef f():\n    return log\n",
    ),
    "how a text is cut": (F + '    return f"a{x}b"\n', F + '    return "a" f"{x}" "b"\n'),
}


def values(folder, texts) -> list[str]:
    """The checksum with each of these texts as a module."""
    found = []
    for text in texts:
        (folder / "b.py").write_text(text)
        found.append(value())
    return found


@pytest.mark.parametrize("edit", COUNT)
def test_what_counts(package, edit):  # noqa: F811
    before, after = values(package, COUNT[edit])
    assert before != after


@pytest.mark.parametrize("edit", COUNT_NOT)
def test_what_does_not_count(package, edit):  # noqa: F811
    before, after = values(package, COUNT_NOT[edit])
    assert before == after


def test_names_are_told_apart_however_deep(package):  # noqa: F811
    """f of b and of c say the same, call the same name, and that the same: only the third differs."""
    chain = "from transferability.{0}2 import g\n\n\ndef f():\n    return g()\n"
    for name, number in (("b", 1), ("c", 2)):
        (package / f"{name}.py").write_text(chain.format(name))
        (package / f"{name}2.py").write_text(f"def h():\n    return {number}\n\n\ndef g():\n    return h()\n")
    both = "from transferability.{} import f as x\nfrom transferability.{} import f as y\nz = x() - y()\n"
    (package / "a.py").write_text(both.format("b", "c"))
    before = value()
    (package / "a.py").write_text(both.format("c", "b"))
    assert value() != before


def test_definitions_that_name_each_other_have_a_checksum(package):  # noqa: F811
    (package / "b.py").write_text("def f():\n    return g()\n\n\ndef g():\n    return f() or 1\n")
    before = value()
    (package / "b.py").write_text("def f():\n    return g()\n\n\ndef g():\n    return f() or 2\n")
    assert value() != before


IMPORTS = {
    "package": ("from transferability.sub.part import f", "sub/__init__.py", "import torch\ntorch.x = {}\n"),
    "root": ("from transferability.b import f", "__init__.py", "import torch\ntorch.x = {}\n"),
    "unused": (
        "from transferability import c\nfrom transferability.b import f",
        "c.py",
        "import torch\ntorch.x = {}\n",
    ),
    "indirect": ("from transferability.indirect import f", "c.py", "import torch\ntorch.x = {}\n"),
    "in a block": (
        "from transferability.b import f",
        "b.py",
        "if True:\n    import torch\n    torch.x = {}\n    y = 1\n" + B,
    ),
    "registry": (
        "from transferability import c\nfrom transferability.b import f",
        "c.py",
        "from transferability.b import register\n\n\n@register\ndef h():\n    return {}\n",
    ),
    "re-export": ("from transferability.c import np as f", "c.py", "import numpy{} as np\n"),
    "facts": ("from transferability.c import f", "facts.csv", "{}"),
}


@pytest.mark.parametrize("case", IMPORTS)
def test_what_runs_when_modules_are_imported_counts(package, case):  # noqa: F811
    (package / "sub").mkdir()
    (package / "sub" / "__init__.py").touch()
    (package / "sub" / "part.py").write_text(B)
    (package / "indirect.py").write_text("from transferability import c\n" + B)
    (package / "b.py").write_text(f"def register(g):\n    return g\n\n\n{B}")
    (package / "c.py").write_text(
        "from transferability.common.resources import RESOURCES\nf = RESOURCES / 'facts.csv'\n"
    )
    imports, file, content = IMPORTS[case]
    (package / "a.py").write_text(f"{imports}\n\n\ndef g():\n    return f()\n")
    values = set()
    for number in (1, 2):
        (package / file).write_text(content.format(number))
        values.add(value())
    assert len(values) == 2


def test_a_script_is_followed_beside_the_library(package, monkeypatch):  # noqa: F811
    monkeypatch.setattr(code, "PACKAGE", package / "library")
    (package / "library").mkdir()
    (package / "b.py").rename(package / "library" / "b.py")
    (package / "scripts").mkdir()
    script = package / "scripts" / "draw.py"
    script.write_text("from transferability.b import f\n\nCOUNT = 20\n\n\ndef main(job):\n    f(COUNT)\n")
    before = value("scripts.draw")
    script.write_text(script.read_text().replace("20", "30"))
    edited = value("scripts.draw")
    (package / "library" / "b.py").write_text("def f():\n    return 2\n")
    assert len({before, edited, value("scripts.draw")}) == 3


def test_few_modules_do_anything_when_they_are_imported():
    """Of modules that nothing reached imports, nothing counts: what they set for all should be in no other place."""
    files = [file for file in LIBRARY.rglob("*.py") if file != LIBRARY / "common" / "code.py"]  # it reads any fact
    acting = {str(file.relative_to(LIBRARY)) for file in files if code.UNNAMED in read_module(file).said}
    assert acting == {"figures/style.py", "study/configuration.py"}


def test_modules_are_imported_by_name_where_training_code_names_them():
    """`import_module` and the like are not followed: `jobs.recipe.training_code` names what is imported so."""
    by_name = {
        str(file.relative_to(LIBRARY))
        for file in LIBRARY.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Name) and node.id in ("import_module", "importlib", "__import__", "exec", "eval")
    }
    assert by_name == {"models/building.py", "jobs/fork_server.py", "__init__.py"}  # the last one is for notebooks


def test_every_rule_with_a_script_names_its_code():
    """Those of trainings have it in the recipe; preflight and plan leave no files."""
    rules = "".join(file.read_text() for file in (WORKFLOW / "rules").glob("*.smk"))
    scripts = {file.stem for file in (WORKFLOW / "scripts").glob("*.py")}
    assert {name for name in scripts if f'code=script_code("{name}")' not in rules} == {"train", "preflight", "plan"}
    assert "code=code_fingerprint(" not in rules
