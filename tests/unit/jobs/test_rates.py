"""The search for learning rates: on training images alone, one for each family."""

import numpy as np
import pandas as pd
import pytest

from tests.study_files import write_study
from transferability.common.errors import InputError
from transferability.common.tables import write_table
from transferability.jobs.rate_search import best_of, without_validation
from transferability.jobs.rates_file import Trial, chosen_rate, write_rates
from transferability.jobs.recipe import Source, recipe_of
from transferability.results.rates import rates_in_words, rates_table
from transferability.study.configuration import complete_config
from transferability.study.network import Network
from transferability.study.study_plan import StudyPlan
from transferability.tasks.task import Examples, Task

SEARCH = {
    "experiments": ["given"],
    "treatments": ["An~B"],
    "network": {"architecture": "torchvision/resnet18", "n": [2, 4, 8]},
    "dataset": {"image_size": 64},
    "training": {"input_size": 64, "optimizer": "adamw", "learning_rate": [0.001, 0.01]},
    "given": {"weights": {"one": "f", "two": "f"}},
}


def test_each_family_of_each_given_network_is_searched_with_the_one_in_the_middle():
    complete_config(config := dict(SEARCH), [])
    found = StudyPlan(config).searches
    assert {key: network.name for key, network in found.items()} == {
        (f"given-{name}-0", family): network
        for name in ("one", "two")
        for family, network in {"scratch": "baseB", "fine-tuned": "A4~5B", "frozen": "A9B"}.items()
    }


@pytest.mark.parametrize(
    ("treatments", "n", "names"),
    [
        (["An~B"], [2, 3, 4, 5, 8], {"scratch": "baseB", "fine-tuned": "A4~5B", "frozen": "A9B"}),  # n decides nothing
        (["An~B", "AnB", "AnB+"], [2, 8], {"scratch": "baseB", "fine-tuned": "A4~5B", "frozen": "A9B"}),
        (["AnB", "AnB+"], [2, 4, 8], {"scratch": "baseB", "fine-tuned": "A4B+", "frozen": "A4B"}),  # no control
        (["BnB"], [2, 4], {"scratch": "baseB", "frozen": "B4B"}),
    ],
)
def test_the_network_of_a_search_copies_the_given_network(treatments, n, names):
    network = SEARCH["network"] | {"n": n}
    config = {**SEARCH, "treatments": treatments, "network": network, "given": {"weights": {"one": "f"}}}
    complete_config(config, [])
    found = StudyPlan(config).searches
    assert {family: network.name for (_, family), network in found.items()} == names


def test_the_images_that_decide_are_training_images_and_no_group_is_divided(tmp_path):
    generator = np.random.default_rng(0)
    groups = [f"animal {number}" for number in generator.integers(0, 20, 100)]
    index = pd.DataFrame({"path": [f"{k}.jpg" for k in range(100)], "wnid": "x", "subset": "train", "group": groups})
    write_table(index, tmp_path / "index.csv")
    labels = np.arange(100) % 2
    rows = np.arange(20, 100)
    task = Task(Examples(None, rows, labels[rows]), Examples(None, np.arange(20), labels[:20]), 2)
    found = without_validation(task, Source(tmp_path / "index.csv", *[None] * 4))
    assert sorted([*found.train.rows, *found.val.rows]) == rows.tolist()
    assert not {groups[row] for row in found.train.rows} & {groups[row] for row in found.val.rows}
    assert len(found.val) == pytest.approx(16, abs=4)
    assert (found.val.labels == labels[found.val.rows]).all()


@pytest.mark.parametrize("images", [4, 2, 1])
def test_small_classes_give_a_larger_part(tmp_path, images):
    index = pd.DataFrame({"path": [f"{k}.jpg" for k in range(2 * images)], "wnid": "x", "subset": "train"})
    write_table(index, tmp_path / "index.csv")
    labels = np.arange(2 * images) % 2
    task = Task(Examples(None, np.arange(2 * images), labels), Examples(None, np.arange(0), labels[:0]), 2)
    source = Source(tmp_path / "index.csv", *[None] * 4)
    if images == 1:
        with pytest.raises(InputError, match=r"learning_rate: a list given, but a class has only one training image"):
            without_validation(task, source)
        return
    found = without_validation(task, source)
    assert set(found.val.labels) == set(found.train.labels) == {0, 1}


def test_accuracy_decides_then_the_loss():
    assert best_of([Trial(0.1, 0.5, 1.0), Trial(0.2, 0.75, 2.0), Trial(0.3, 0.75, 1.5), Trial(0.4, None, None)]) == 0.3
    with pytest.raises(InputError, match=r"learning_rate: training diverges with each of \[1, 2\]; add smaller ones"):
        best_of([Trial(1, None, None), Trial(2, None, None)])


def test_the_recipe_has_the_rate_of_its_family(tmp_path):
    complete_config(config := {**SEARCH, "results_dir": str(tmp_path)}, [])
    study, tuned = StudyPlan(config), Network("given-one-2", "A", "B", 4, preserved=5)
    with pytest.raises(FileNotFoundError):
        recipe_of(study, tuned, "code")
    path = study.results.rates("given-one-0", "fine-tuned")
    path.parent.mkdir(parents=True)
    write_rates(path, "A4~5B", 0.001, [Trial(0.001, 0.5, 1.0), Trial(0.01, 0.25, 2.0)])
    assert recipe_of(study, tuned, "code").training["learning_rate"] == 0.001
    assert recipe_of(study, tuned, "code", rate=0.01).training["learning_rate"] == 0.01
    path.write_text(path.read_text().replace('"chosen": 0.001', '"chosen": 0.01'))
    with pytest.raises(InputError, match=r"fine-tuned\.json is damaged; delete it and run again"):
        chosen_rate(path)


def test_the_table_says_where_the_best_rate_may_lie_outside(tmp_path):
    files = [tmp_path / "given-one-0" / f"{family}.json" for family in ("frozen", "scratch")]
    files[0].parent.mkdir()
    write_rates(files[0], "A9B", 0.01, [Trial(0.001, 0.5, 1.0), Trial(0.01, 0.9, 2.0), Trial(0.1, None, None)])
    write_rates(files[1], "baseB", 0.001, [Trial(0.001, 0.9, 1.0), Trial(0.01, 0.5, 2.0), Trial(0.1, 0.4, 2.0)])
    table = rates_table(files)
    assert table.groupby("family")["at_end"].first().to_dict() == {"frozen": False, "scratch": True}
    shown = rates_in_words(table).set_index("family")
    assert shown.loc["frozen", ["0.001", "0.01", "0.1"]].tolist() == ["50.0 %", "90.0 %", "diverged"]
    assert shown["chosen"].to_dict() == {"frozen": "0.01", "scratch": "0.001 (at the end of the list)"}


def test_a_list_is_for_given_networks(tmp_path):
    with pytest.raises(InputError, match=r"training\.learning_rate: \[0\.1, 0\.2\] given with experiments.* one rate"):
        complete_config({"training": {"learning_rate": [0.1, 0.2]}}, [])
    with pytest.raises(InputError, match=r"training\.learning_rate: \[0\.1\] given; accepted: number, more"):
        complete_config({"training": {"learning_rate": [0.1]}}, [])


def test_without_a_list_nothing_is_read(tmp_path):
    write_study(tmp_path, 32, 9)
    complete_config(config := {"results_dir": str(tmp_path)}, [])
    assert recipe_of(StudyPlan(config), Network("random-0", "A", "A"), "code").training["learning_rate"] == 0.04
