"""Which edits of code change its checksum: small edits of a library of three modules."""

import ast
import json
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from transferability.common.errors import InputError
from transferability.jobs.recipe import training_code
from transferability.runtime import code
from transferability.runtime.code import check_code, code_fingerprint

WORKFLOW = REPOSITORY / "workflow"
B = "def f():\n    return 1\n"


def forget():
    for cached in vars(code).values():
        getattr(cached, "cache_clear", lambda: None)()


@contextmanager
def code_of(root: Path):
    """Checksums are of the code below this folder meanwhile, as in a process of its own."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(code, "WORKFLOW", root / "workflow")
        patched.setattr(code, "RESOURCES", root / "resources")
        forget()
        yield
    forget()


@pytest.fixture
def package(tmp_path):
    """A library of three modules: a imports b, c stands apart."""
    library = tmp_path / "workflow" / "transferability"
    library.mkdir(parents=True)
    (tmp_path / "resources").mkdir()
    (library / "a.py").write_text("from transferability.b import f\n\n\ndef g():\n    return f()\n")
    (library / "b.py").write_text(B)
    (library / "c.py").write_text("def h():\n    return 2\n")
    with code_of(tmp_path):
        yield library


def value(*modules):
    forget()
    return code_fingerprint(*(modules or ("a",)))


def values(file: Path, *texts: str) -> list[str]:
    """The checksum with each of these texts in a file."""
    found = []
    for text in texts:
        file.write_text(text)
        found.append(value())
    return found


def of_f(*lines: str) -> str:
    return "\n    ".join(("def f():", *lines)) + "\n"


COUNT = {
    "what a function does": (B, of_f("return 2")),
    "a constant": (f"X = 1\n{B}", f"X = 2\n{B}"),
    "what only runs": (B, f"import torch\ntorch.x = 1\n{B}"),
    "which of two": (f"if X:\n    def f():\n        return 1\n{B}", f"if not X:\n    def f():\n        return 1\n{B}"),
    "a list called log": (of_f("log = []"), of_f("log = []", "log.append(1)")),
    "an exception raised": (of_f("raise KeyError('x')"), of_f("raise ValueError('x')")),
    "an exception caught": (
        of_f("try:", "    x()", "except OSError:", "    return 1"),
        of_f("try:", "    x()", "except (OSError, MemoryError):", "    return 1"),
    ),
    "the field of a class": ("class f:\n    x: int = 1\n", "class f:\n    x = 1\n"),
    "a condition that acts": (B, of_f("if draw():", "    log.info('x')", "return 1")),
    "text between braces": (of_f('return f"{x} 1"'), of_f('return f"{x} 2"')),
    "a format": (of_f('return f"{x:.3f}"'), of_f('return f"{x:.4f}"')),
    "a default": ("def f(*, x, y=1):\n    pass\n", "def f(*, x=1, y):\n    pass\n"),
    "where a name is from": ("import numpy as x\n" + of_f("x"), "import scipy as x\n" + of_f("x")),
    "an import in a function": (of_f("return 1"), of_f("from transferability.c import h", "return 1")),
}
COUNT_NOT = {
    "comments, docstrings, layout": (B, '"""B."""\n\n\n' + of_f('"""Return."""', "# One:", "return (1)", "")),
    "type hints": (
        "X: int = 1\ndef f(x: int, *y: int) -> int:\n    z: int = X\n    return z\n",
        "X = 1\ndef f(x, *y):\n    z = X\n    return z\n",
    ),
    "a block for type checkers": (B, f"if TYPE_CHECKING:\n    from transferability.nowhere import X\n{B}"),
    "what is run by hand": (B, f"{B}if __name__ == '__main__':\n    f()\n"),
    "an import": (B, f"import os\nfrom transferability.common.errors import InputError\n{B}"),
    "a log line": (of_f("log.info('x')", "return 1"), of_f("log.warning('y')", "return 1")),
    "a log line with its condition": (B, of_f("if x > 1:", "    log.info('x')", "return 1")),
    "a warning": (B, of_f("warnings.warn('x')", "return 1")),
    "a message": (
        of_f("try:", "    x()", "except OSError as error:", "    raise KeyError('x', error) from error"),
        of_f("try:", "    x()", "except OSError:", "    raise KeyError"),
    ),
    "how a text is cut": (of_f('return f"a{x}b"'), of_f('return "a" f"{x}" "b"')),
}


@pytest.mark.parametrize("edit", COUNT)
def test_what_counts(package, edit):
    before, after = values(package / "b.py", *COUNT[edit])
    assert before != after


@pytest.mark.parametrize("edit", COUNT_NOT)
def test_what_does_not_count(package, edit):
    before, after = values(package / "b.py", *COUNT_NOT[edit])
    assert before == after


def test_a_function_that_moves_does_not_count_nor_does_what_nothing_imports(package):
    before = value()
    (package / "a.py").write_text(f"{B}\n\ndef g():\n    return f()\n")
    (package / "c.py").write_text("def h():\n    return 3\n")
    assert value() == before


def test_where_a_module_stands_does_not_count_what_its_package_does_counts(package):
    before = value()
    (package / "sub").mkdir()
    (package / "sub" / "__init__.py").write_text("")
    (package / "b.py").rename(package / "sub" / "moved.py")
    (package / "a.py").write_text("from transferability.sub.moved import f\n\n\ndef g():\n    return f()\n")
    assert value() == before
    assert values(package / "sub" / "__init__.py", "import torch\ntorch.x = 1\n") != [before]


@pytest.mark.parametrize(
    "imports",
    [
        "from transferability import {} as x, {} as y",
        "from transferability.{} import f as x; from transferability.{} import f as y",
        "import transferability.{} as x, transferability.{} as y",
    ],
)
def test_one_name_for_two_things_is_told_apart(package, imports):
    """Modules b and c are both used, before and after; which of them is x counts."""
    (package / "c.py").write_text(of_f("return 2"))
    before, after = values(package / "a.py", *(f"{imports.format(*names)}\nz = x - y\n" for names in ("bc", "cb")))
    assert before != after


def test_facts_count_by_content(package):
    (package / "b.py").write_text(f"from transferability.common.resources import RESOURCES\nX = RESOURCES / 'x'\n{B}")
    before, after = values(package.parents[1] / "resources" / "x", "1", "2")
    assert before != after


def test_a_script_is_followed_beside_the_library(package):
    script = package.parent / "scripts" / "draw.py"
    script.parent.mkdir()
    found = set()
    for text, edited in (("20", B), ("30", B), ("30", of_f("return 2"))):
        script.write_text(f"from transferability.b import f\n\nf({text})\n")
        (package / "b.py").write_text(edited)
        found.add(value("scripts.draw"))
    assert len(found) == 3


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("from .b import f", "a.py:1: a relative import"),
        ("from transferability.common.resources import RESOURCES\nx = list(RESOURCES.glob('*'))", "a.py:2: write RES"),
        (None, "transferability.a: no such module"),
    ],
)
def test_what_cannot_be_followed_is_refused(package, source, fault):
    (package / "a.py").write_text(source) if source else (package / "a.py").unlink()
    with pytest.raises(ValueError, match=fault):
        value()


def test_code_that_was_edited_is_refused(package):
    before = value()
    (package / "b.py").write_text(of_f("return 3"))
    check_code(before, "a")  # what this process runs is what it imported
    forget()
    with pytest.raises(InputError, match="the code was edited after snakemake started"):
        check_code(before, "a")


def other_pythons():
    """Pythons of versions that are supported, other than this one, on the path or under pyenv."""
    for minor in {11, 12, 13} - {sys.version_info.minor}:
        for python in (shutil.which(f"python3.{minor}"), *Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/python")):
            if python and subprocess.run([python, "-c", ""], capture_output=True).returncode == 0:  # pyenv's may fail
                yield python
                break


@pytest.mark.slow
def test_checksums_of_code_are_the_same_for_every_python():
    """They need nothing but the standard library."""
    names = [list(training_code(name)) for name in ("caffenet", "caffenet-mini", "torchvision/resnet18")]
    names += [[f"scripts.{file.stem}"] for file in sorted((WORKFLOW / "scripts").glob("*.py"))]
    pythons = list(other_pythons())
    if not pythons:
        pytest.skip("no other Python of 3.11 to 3.13 here")
    show = "import json, sys; from transferability.runtime.code import code_fingerprint as checksum; "
    show += "print(json.dumps([checksum(*names) for names in json.loads(sys.argv[1])]))"
    for python in pythons:
        command = [python, "-c", show, json.dumps(names)]
        run = subprocess.run(command, cwd=WORKFLOW, capture_output=True, text=True, check=True)
        assert json.loads(run.stdout) == [code_fingerprint(*each) for each in names], python


def test_modules_are_imported_by_name_where_training_code_names_them():
    """`import_module` and the like are not followed: `jobs.recipe.training_code` names what is imported so."""
    library = WORKFLOW / "transferability"
    by_name = {
        str(file.relative_to(library))
        for file in library.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Name) and node.id in ("import_module", "importlib", "__import__", "exec", "eval")
    }
    assert by_name == {"models/building.py", "runtime/fork_server.py", "__init__.py"}  # the last one is for notebooks
