import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from transferability.common import code
from transferability.common.code import check_code, code_fingerprint, computed_fingerprint
from transferability.common.errors import InputError
from transferability.jobs.recipe import training_code

from .conftest import REPOSITORY


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A library of three modules: a imports b, c stands apart."""
    monkeypatch.setattr(code, "PACKAGE", tmp_path)
    monkeypatch.setattr(code, "RESOURCES", tmp_path)
    (tmp_path / "a.py").write_text(
        '"""A."""\nfrom transferability.b import f\n\n\ndef g():\n    """Do."""\n    return f()\n'
    )
    (tmp_path / "b.py").write_text("def f():\n    return 1\n")
    (tmp_path / "c.py").write_text("def h():\n    return 2\n")
    return tmp_path


def forget():
    for cached in vars(code).values():
        getattr(cached, "cache_clear", lambda: None)()


def value(*modules):
    forget()
    return code_fingerprint(*(modules or ("a",)))


@pytest.fixture(autouse=True)
def forgotten():
    yield
    forget()


def test_comments_docstrings_and_layout_do_not_count(package):
    before = value()
    (package / "a.py").write_text("# new\nfrom transferability.b import f\ndef g():\n    # why\n    return (f())\n")
    (package / "b.py").write_text('def f():\n    """Only now documented."""\n\n    return 1\n')
    assert value() == before


@pytest.mark.parametrize(("module", "old", "new"), [("a", "return f()", "return -f()"), ("b", "return 1", "return 2")])
def test_code_counts_in_a_module_and_in_what_it_uses(package, module, old, new):
    before = value()
    file = package / f"{module}.py"
    file.write_text(file.read_text().replace(old, new))
    assert value() != before


def test_what_nothing_names_does_not_count(package):
    before = value()
    (package / "b.py").write_text("import os\n\n\ndef f():\n    return 1\n\n\ndef unused():\n    return os.name\n")
    assert value() == before


def test_constants_and_settings_of_a_module_count(package):
    (package / "b.py").write_text("X = 1\n\n\ndef f():\n    return X\n")
    before = value()
    (package / "b.py").write_text("X = 2\n\n\ndef f():\n    return X\n")
    assert value() != before
    before = value()
    (package / "b.py").write_text("import torch\n\ntorch.x = 1\nX = 2\n\n\ndef f():\n    return X\n")
    assert value() != before


def test_one_name_for_two_things_is_told_apart(package):
    """Modules b and c are both used, before and after; that a takes `f` from the other counts."""
    (package / "c.py").write_text("def f():\n    return 2\n")
    both = (
        "from transferability.{} import f\nfrom transferability.{} import f as h\n\n\ndef g():\n    return f() - h()\n"
    )
    (package / "a.py").write_text(both.format("b", "c"))
    before = value()
    (package / "a.py").write_text(both.format("c", "b"))
    assert value() != before


def test_a_function_that_moves_does_not_count(package):
    before = value()
    (package / "a.py").write_text("def f():\n    return 1\n\n\ndef g():\n    return f()\n")
    assert value() == before


def test_other_modules_do_not_count(package):
    before = value()
    (package / "c.py").write_text("def h():\n    return 3\n")
    assert value() == before


GUARDED = """
def f():
    try:
        log.info("tries")
        return 1
    except (OSError, ValueError) as error:
        raise RuntimeError("no luck") from error
"""


def test_log_lines_and_texts_of_errors_do_not_count(package):
    (package / "b.py").write_text(GUARDED)
    before = value()
    edits = {
        "tries": "tries once more",
        "no luck": "bad luck",
        '        log.info("tries")\n': "",
        ' as error:\n        raise RuntimeError("no luck") from error': ":\n        raise RuntimeError",
    }
    for old, new in edits.items():
        assert old in GUARDED
        (package / "b.py").write_text(GUARDED.replace(old, new))
        assert value() == before, old
    for old, new in {"return 1": "return 2", "(OSError, ValueError)": "OSError", "RuntimeError": "KeyError"}.items():
        (package / "b.py").write_text(GUARDED.replace(old, new))
        assert value() != before, old


def test_where_a_module_stands_does_not_count(package):
    before = value()
    (package / "sub").mkdir()
    (package / "sub" / "__init__.py").write_text("")
    (package / "b.py").rename(package / "sub" / "moved.py")
    a = package / "a.py"
    a.write_text(a.read_text().replace("transferability.b", "transferability.sub.moved"))
    assert value() == before
    (package / "sub" / "moved.py").write_text("def f():\n    return 2\n")
    assert value() != before


def test_packages_and_their_modules_are_followed(package):
    (package / "sub").mkdir()
    (package / "sub" / "__init__.py").write_text("from transferability.sub import part\nTABLE = {1: part.x}\n")
    (package / "sub" / "part.py").write_text("x = 1\n")
    before = value("sub")
    (package / "sub" / "part.py").write_text("x = 2\n")
    assert value("sub") != before


def test_code_that_was_edited_is_refused(package):
    before = value()
    check_code(before, "a")
    (package / "b.py").write_text("def f():\n    return 3\n")
    check_code(before, "a")  # what this process runs is what it imported
    value()
    with pytest.raises(InputError, match="the code was edited after snakemake started"):
        check_code(before, "a")


def test_checksums_are_kept_for_the_same_sources_alone(package, monkeypatch):
    before = value()
    with monkeypatch.context() as patched:
        patched.setattr(code, "computed_fingerprint", lambda *names: "computed")
        assert value() == before
        (package / "c.py").write_text("def h():\n    return 3\n")
        assert value() == value("b") == "computed"


@pytest.mark.parametrize("damage", [lambda text: "", lambda text: text[:-9], lambda text: text.replace("0", "1")])
def test_kept_checksums_that_are_damaged_are_computed_again(package, damage):
    before = value()
    kept = package / "__pycache__" / "fingerprints.json"
    kept.write_text(damage(kept.read_text()))
    assert value() == before


def test_checksums_of_code_that_is_edited_meanwhile_are_not_kept(package, monkeypatch):
    def edited(*names):
        (package / "b.py").write_text("def f():\n    return 3\n")
        return computed_fingerprint(*names)

    monkeypatch.setattr(code, "computed_fingerprint", edited)
    after = value()
    assert not (package / "__pycache__").exists()
    assert value() == after
    assert (package / "__pycache__" / "fingerprints.json").exists()


def test_where_nothing_can_be_kept_checksums_are_computed(package):
    (package / "__pycache__").write_text("a file")
    before = value()
    assert value() == before


def other_pythons():
    """Pythons of versions that are supported, other than this one, on the path or under pyenv."""
    for minor in {11, 12, 13} - {sys.version_info.minor}:
        found = [shutil.which(f"python3.{minor}"), *Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/python")]
        for python in filter(None, found):
            if (
                subprocess.run([python, "-c", ""], capture_output=True).returncode == 0
            ):  # pyenv's names may lead nowhere
                yield python
                break


FINGERPRINTS = [
    *(list(training_code(name)) for name in ("caffenet", "caffenet-mini", "torchvision/resnet18")),
    *([f"scripts.{file.stem}"] for file in sorted((REPOSITORY / "workflow" / "scripts").glob("*.py"))),
]


@pytest.mark.slow
def test_checksums_of_code_are_the_same_for_every_python():
    """They need nothing but the standard library."""
    pythons = list(other_pythons())
    if not pythons:
        pytest.skip("no other Python of 3.11 to 3.13 here")
    show = (
        "import json, sys; from transferability.common.code import computed_fingerprint; "
        "print(json.dumps([computed_fingerprint(*names) for names in json.loads(sys.argv[1])]))"
    )
    here = [computed_fingerprint(*names) for names in FINGERPRINTS]
    for python in pythons:
        command = [python, "-c", show, json.dumps(FINGERPRINTS)]
        run = subprocess.run(command, cwd=REPOSITORY / "workflow", capture_output=True, text=True, check=True)
        assert json.loads(run.stdout) == here, python
