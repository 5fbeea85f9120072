"""Edits of what rules use: their checksums of code see them, and no other rule's."""

import json
from functools import cache

import pytest

from .test_mutations import LIBRARY, copy, unedited  # noqa: F401 (fixtures)

FACTS = ["manual_68.csv", "cifar100.csv", "ilsvrc2012.csv", "wordnet30_cifar100.tsv", "wordnet30_ilsvrc2012.tsv"]


@cache
def printed(checkout, program: str) -> str:
    """What a program prints where nothing is edited."""
    return checkout.python("-c", program)


def around(checkout, edit, program: str) -> tuple:
    """What a program prints, as JSON, before and after an edit, which is taken back."""
    before = printed(checkout, program)
    content = checkout.edit(*edit)
    try:
        return json.loads(before), json.loads(checkout.python("-c", program))
    finally:
        (checkout.root / LIBRARY / f"{edit[0]}.py").write_text(content, encoding="utf-8")


@pytest.mark.parametrize("name", FACTS)
def test_facts_that_decide_a_result_are_seen(copy, unedited, name):  # noqa: F811
    file = copy.root / "resources" / name
    before = file.read_bytes()
    file.write_bytes(before.replace(b"0", b"1", 1))
    try:
        assert copy.compared() != unedited
    finally:
        file.write_bytes(before)


def test_another_architecture_in_the_catalogue_changes_no_network(copy, unedited):  # noqa: F811
    """What is known of a network's own is in its recipe, by value."""
    file = copy.root / "resources" / "architectures.csv"
    before = file.read_bytes()
    file.write_bytes(before + b"timm/new,stem head,1000,32,64,32,,\n")
    try:
        assert copy.compared() == unedited
    finally:
        file.write_bytes(before)


BUILDERS = """
import json
from transferability.common.code import code_fingerprint
from transferability.jobs.recipe import training_code
print(json.dumps([code_fingerprint(*training_code(name)) for name in ("caffenet-mini", "torchvision/resnet18")]))
"""


@pytest.mark.parametrize(
    ("edit", "seen"),
    [
        (("models/architectures/caffenet_mini", "PIXEL_SCALE = 1 / 32", "PIXEL_SCALE = 1 / 16"), [True, False]),
        (("models/libraries", '"weights": None', '"weights": "DEFAULT"'), [False, True]),
        (("models/building", "module.bias.fill_(bias)", "module.bias.fill_(0)"), [True, True]),
    ],
)
def test_the_builder_of_an_architecture_is_seen_where_it_builds(copy, edit, seen):  # noqa: F811
    before, after = around(copy, edit, BUILDERS)
    assert [one != two for one, two in zip(before, after, strict=True)] == seen


SCRIPTS = """
import json, pathlib
from transferability.common.code import code_fingerprint
names = sorted(file.stem for file in pathlib.Path("workflow/scripts").glob("*.py"))
print(json.dumps({name: code_fingerprint(f"scripts.{name}") for name in names}))
"""
FIGURES = {"figure1", "figure2", "figure3", "figureS1", "filters", "curves"}
TABLES = {"table1", "tableS1", "effects", "claims", "classes", "wordnet_nodes", "provenance", "plan", "advice"}
TABLES |= {"distance", "distances", "configuration"}


@pytest.mark.parametrize(
    ("edit", "seen"),
    [
        (("figures/style", "savefig(", "savefig(dpi=50, *"), FIGURES | {"advice", "distance"}),
        (("common/pages", '"<!doctype html>"', '"<!DOCTYPE html>"'), TABLES),
        (
            ("datasets/wordnet", ".descendants(", ".ancestors("),
            {"draw_pictures", "split", "classes", "wordnet_nodes", "preflight", "distances"},
        ),
        (("jobs/weights_files", "file.get_tensor(name)", "2 * file.get_tensor(name)"), {"filters"}),
        (("study/grid", "set(HALVES) - {target}", "{target}"), {"collect", "plan", "preflight"}),
        (("store/packing", "image[:] = pixels", "image[:] = 0"), {"pack"}),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_what_a_script_uses_is_seen_by_its_rule_and_no_other(copy, edit, seen):  # noqa: F811
    """So a change of plots draws them again, and trains nothing."""
    before, after = around(copy, edit, SCRIPTS)
    assert {name for name in before if before[name] != after[name]} - {"train"} == seen
