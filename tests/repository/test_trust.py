"""Nothing that comes from a configuration is ever executed. Ruff looks for unpicklers and eval (pyproject.toml)."""

import pytest

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
