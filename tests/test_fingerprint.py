import pytest
from transferability import fingerprint
from transferability.fingerprint import code_fingerprint


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A library of three modules: a imports b, c stands apart."""
    monkeypatch.setattr(fingerprint, "PACKAGE", tmp_path)
    (tmp_path / "a.py").write_text(
        '"""A."""\nfrom transferability.b import f\n\n\ndef g():\n    """Do."""\n    return f()\n'
    )
    (tmp_path / "b.py").write_text("def f():\n    return 1\n")
    (tmp_path / "c.py").write_text("def h():\n    return 2\n")
    return tmp_path


def value():
    fingerprint._tree.cache_clear()
    fingerprint._normal_form.cache_clear()
    return code_fingerprint("a")


def test_comments_docstrings_and_layout_do_not_count(package):
    before = value()
    (package / "a.py").write_text("# new\nfrom transferability.b import f\ndef g():\n    # why\n    return (f())\n")
    (package / "b.py").write_text('def f():\n    """Only now documented."""\n\n    return 1\n')
    assert value() == before


@pytest.mark.parametrize("module", ["a", "b"])
def test_code_counts_in_a_module_and_in_what_it_imports(package, module):
    before = value()
    with (package / f"{module}.py").open("a") as file:
        file.write("x = 3\n")
    assert value() != before


def test_other_modules_do_not_count(package):
    before = value()
    (package / "c.py").write_text("def h():\n    return 3\n")
    assert value() == before


def test_training_depends_on_all_that_computes_and_on_nothing_else():
    fingerprint._tree.cache_clear()
    seen, pending = set(), ["training"]
    while pending:
        module = pending.pop()
        if module not in seen:
            seen.add(module)
            pending += fingerprint.imported_modules(module)
    computing = {"training", "architectures", "compilation", "data", "optimizer", "seeds", "settings"}
    assert seen - fingerprint.NEUTRAL == computing
