"""Nothing that comes from a file or a configuration is ever executed."""

import ast

import pytest

from tests.conftest import REPOSITORY

SOURCES = [*(REPOSITORY / "workflow").rglob("*.py"), *(REPOSITORY / "benchmarks").rglob("*.py")]
FORBIDDEN_IMPORTS = {"pickle", "dill", "joblib", "shelve", "marshal", "cloudpickle"}
# CIFAR-100 is handed out as pickles. They are read by an unpickler of our own that calls nothing but its own stand-ins
# (test_hostile_files.py tries hostile ones); pickle.load and the like stay forbidden there too.
ALLOWED_IMPORTS = {"cifar100.py": {"pickle"}}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}
# Of names that files may call, torch's own list is not made longer but by stand-ins (tried there too).
ALLOWED_TO_ADD = {"given_weights.py": {"safe_globals"}}
SAFE_OPTIONS = {("torch", "load"): ("weights_only", True), ("np", "load"): ("allow_pickle", False)}


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: file.name)
def test_no_code_unpickles_or_evaluates(file):
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = {alias.name for alias in node.names} | {getattr(node, "module", None)}
            assert not names & (FORBIDDEN_IMPORTS - ALLOWED_IMPORTS.get(file.name, set()))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "pickle":
            assert node.attr in {"_Unpickler", "UnpicklingError", "BYTEARRAY8"}
        if isinstance(node, ast.Attribute) and node.attr in {"safe_globals", "add_safe_globals"}:
            assert node.attr in ALLOWED_TO_ADD.get(file.name, set())
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name):
            assert node.func.id not in FORBIDDEN_CALLS
        if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
            call = node.func.value.id, node.func.attr
            assert call not in {("yaml", "load"), ("yaml", "unsafe_load"), ("yaml", "full_load")}
            options = {keyword.arg: getattr(keyword.value, "value", None) for keyword in node.keywords}
            if call in SAFE_OPTIONS and "mmap_mode" not in options:
                name, value = SAFE_OPTIONS[call]
                assert options.get(name) is value, f"{file.name}:{node.lineno}"


HOSTILE = {
    "a tag": ("seed: !!python/object/apply:os.mkdir [WITNESS]", "not YAML: could not determine a constructor for"),
    "a template": ("__use_yte__: true\n__definitions__: ['import os', 'os.mkdir(\"WITNESS\")']", "__use_yte__: with"),
    "a value": ("__use_yte__: true\nseed: ?__import__('os').mkdir('WITNESS')", "__use_yte__: with this key"),
    "a template by inheritance": (
        "base: &base {__use_yte__: true}\n<<: *base\nseed: ?__import__('os').mkdir('WITNESS')",
        "__use_yte__: with this key",
    ),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_configuration_that_runs_code_is_refused_before_it_does(kind, checkout):
    content, message = HOSTILE[kind]
    witness, evil = checkout.root / "executed", checkout.root / "evil.yaml"
    evil.write_text(content.replace("WITNESS", str(witness)))
    run = checkout.snakemake("-n", "--configfile", str(evil), check=False)
    assert run.returncode == 1
    assert f"the configuration is wrong\n{evil}" in run.stdout and message in run.stdout
    assert "Traceback" not in run.stdout and not witness.exists()


def test_a_configuration_that_a_profile_names_is_looked_at_too(checkout):
    content, message = HOSTILE["a template"]
    witness, profile = checkout.root / "executed", checkout.root / "profile"
    profile.mkdir()
    (profile / "evil.yaml").write_text(content.replace("WITNESS", str(witness)))
    (profile / "config.yaml").write_text(f"configfile: {profile}/evil.yaml")
    run = checkout.snakemake("-n", "--profile", str(profile), check=False)
    assert run.returncode == 1 and message in run.stdout and not witness.exists()


def test_without_our_logger_a_template_is_refused_after_it_ran(checkout):
    """As config/README.md says: nothing of ours is asked before Snakemake reads its configuration files."""
    content, message = HOSTILE["a template"]
    witness, evil = checkout.root / "executed", checkout.root / "evil.yaml"
    evil.write_text(content.replace("WITNESS", str(witness)))
    run = checkout.snakemake("-n", "--configfile", str(evil), "--workflow-profile", "none", check=False)
    assert run.returncode == 1 and f"{evil}: {message}" in run.stdout and witness.exists()


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: file.name)
def test_text_is_read_and_written_as_utf8(file):
    """Without a word about the encoding it would be the locale's."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        given = {keyword.arg for keyword in node.keywords}
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        of_module = isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) in ("tarfile", "Image", "os")
        modes = [argument.value for argument in node.args[:1] if isinstance(argument, ast.Constant)]
        opened = name == "open" and not of_module and not any("b" in str(mode) for mode in modes)
        text = name in ("read_text", "write_text", "makefile") or opened
        assert not text or "encoding" in given, f"{file.name}:{node.lineno}"
        assert "text" not in given, f"{file.name}:{node.lineno}: give encoding instead"
