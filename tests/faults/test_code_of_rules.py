"""Edits of what rules use: their checksums of code see them, and no other rule's."""

from functools import cache

import pytest

from tests.conftest import REPOSITORY
from tests.faults.test_mutations import copy, unedited  # noqa: F401 (fixtures)
from transferability.jobs.recipe import training_code

FACTS = ["manual_68.csv", "cifar100.csv", "ilsvrc2012.csv", "wordnet30_cifar100.tsv", "wordnet30_ilsvrc2012.tsv"]
RULES = {file.stem for file in (REPOSITORY / "workflow" / "scripts").glob("*.py")} - {"train", "preflight", "plan"}
FIGURES = {"figure1", "figure2", "figure3", "figureS1", "filters", "curves", "advice", "distance", "mistakes"}
TABLES = {"table1", "tableS1", "effects", "claims", "classes", "wordnet_nodes", "provenance", "advice"}
TABLES |= {"distance", "distances", "configuration", "rates", "mistakes"}
OF_CLASSES = {"draw_pictures", "split", "classes", "wordnet_nodes", "distances"}
OF_NETWORKS = {"collect", "collect_all", "collect_paper", "figure2", "figure3", "figureS1", "table1", "tableS1"}
OF_NETWORKS |= {"effects", "claims", "advice", "distance"}


@pytest.mark.parametrize("name", FACTS)
def test_facts_that_decide_a_result_are_seen(copy, unedited, name):  # noqa: F811
    file = copy.root / "resources" / name
    before = file.read_bytes()
    file.write_bytes(before.replace(b"0", b"1", 1))
    assert copy.code() != unedited[0]
    file.write_bytes(before)


def test_another_architecture_in_the_catalogue_changes_no_network(copy, unedited):  # noqa: F811
    """What is known of a network's own is in its recipe, by value."""
    file = copy.root / "resources" / "architectures.csv"
    before = file.read_bytes()
    file.write_bytes(before + b"timm/new,stem head,1000,32,64,32,,\n")
    assert copy.compared() == unedited[1]
    file.write_bytes(before)


@cache
def before(copy, names):  # noqa: F811
    return copy.code(names)


def seen(copy, edit, names) -> set[str]:  # noqa: F811
    """For which of these the code is another after an edit; `names` has for each what is asked for."""
    asked = tuple(names.values())
    with copy.edited(*edit):
        after = copy.code(asked)
    return {name for name, one, two in zip(names, before(copy, asked), after, strict=True) if one != two}


@pytest.mark.parametrize(
    ("edit", "networks"),
    [
        (("models/architectures/caffenet_mini", "PIXEL_SCALE = 1 / 32", "PIXEL_SCALE = 1 / 16"), {"caffenet-mini"}),
        (("models/libraries", '"weights": None', '"weights": "DEFAULT"'), {"timm/resnet18"}),
        (("models/building", "module.bias.fill_(bias)", "module.bias.fill_(0)"), {"caffenet-mini", "timm/resnet18"}),
    ],
)
def test_the_builder_of_an_architecture_is_seen_where_it_builds(copy, edit, networks):  # noqa: F811
    assert seen(copy, edit, {name: training_code(name) for name in ("caffenet-mini", "timm/resnet18")}) == networks


@pytest.mark.parametrize(
    ("edit", "rules"),
    [
        (("figures/style", "savefig(", "savefig(dpi=50, *"), FIGURES),
        (("common/pages", '"<!doctype html>"', '"<!DOCTYPE html>"'), TABLES),
        (("datasets/wordnet", ".descendants(", ".ancestors("), OF_CLASSES),
        (
            ("study/grid", "set(HALVES) - {target}", "{target}"),
            OF_NETWORKS | {"filters", "costs", "mistakes", "model", "search_rates"},
        ),
        (("store/packing", "image[:] = pixels", "image[:] = 0"), {"pack"}),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_what_a_script_uses_is_seen_by_its_rule_and_no_other(copy, edit, rules):  # noqa: F811
    """So a change of plots draws them again, and trains nothing."""
    assert seen(copy, edit, {rule: (f"scripts.{rule}",) for rule in RULES}) == rules
