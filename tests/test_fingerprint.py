import pytest
from transferability import fingerprint
from transferability.errors import InputError
from transferability.fingerprint import check_code, code_fingerprint


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


def value(*modules):
    for cached in (fingerprint._tree, fingerprint._normal_form, fingerprint.code_fingerprint):
        cached.cache_clear()
    return code_fingerprint(*(modules or ("a",)))


@pytest.fixture(autouse=True)
def forget():
    yield
    for cached in (fingerprint._tree, fingerprint._normal_form, fingerprint.code_fingerprint):
        cached.cache_clear()


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


GUARDED = """
def f():
    try:
        log.info("tries")
        return 1
    except (OSError, ValueError) as error:
        raise RuntimeError("no luck") from error
"""


def test_log_lines_texts_of_errors_and_lists_of_exceptions_do_not_count(package):
    (package / "b.py").write_text(GUARDED)
    before = value()
    edits = {
        "tries": "tries once more",
        "no luck": "bad luck",
        "(OSError, ValueError)": "OSError",
        "RuntimeError": "KeyError",
    }
    for old, new in edits.items():
        assert old in GUARDED
        (package / "b.py").write_text(GUARDED.replace(old, new))
        assert value() == before, old
    (package / "b.py").write_text(GUARDED.replace("return 1", "return 2"))
    assert value() != before


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
    (package / "sub" / "__init__.py").write_text("from transferability.sub import part\n")
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
