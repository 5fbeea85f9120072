"""The page of the advice: one arm first, in words; a table of arms; what is open; and advice.csv."""

import numpy as np
import pandas as pd
import pytest

from tests.unit.analysis.test_arms import FOUR, given, records, table
from transferability.analysis.advice_pages import COLUMNS, NOTHING, advice_sections, advice_table
from transferability.analysis.advice_words import in_points
from transferability.analysis.arms import sources

NETWORKS = ("baseB", "A3B+", "A1~2B", "A3B")


def study(means: dict[str, float], noise: float = 0.002, blocks: int = 5, images: int = 10**6, name: str = "mine"):
    """Accuracies of a given network whose networks have these means."""
    generator = np.random.default_rng(0)
    accuracies = {
        f"given-{name}-{k}": {network: mean + noise * generator.standard_normal() for network, mean in means.items()}
        for k in range(blocks)
    }
    return table(accuracies, val_images=images, train_images=4 * images)


def costs(accuracies: pd.DataFrame, operations: dict[str, float]) -> pd.DataFrame:
    found = accuracies[["split", "network"]].assign(operations=accuracies["network"].map(operations))
    return found.assign(cost=found["operations"] / max(operations.values()), seconds=60.0, memory_mb=np.nan)


def page(accuracies, **known):
    return advice_sections(accuracies, sources(records(accuracies, **known)))


def test_the_page_begins_with_one_arm_what_it_may_lose_and_what_more_would_cost():
    accuracies = study({"baseB": 0.67, "A3B+": 0.915, "A1~2B": 0.914, "A3B": 0.912})
    known = costs(accuracies, {"baseB": 90, "A3B+": 90, "A1~2B": 60, "A3B": 10})
    what, figure, still, rules = page(accuracies, costs=known)
    assert what.title == "Advice: layers of mine"
    assert what.text.startswith("Train only the classifier of mine: 91.")
    for said in (
        "Nothing tried is more than a point better; against the best it may lose ",
        "Fine-tuning everything costs 9 times as much.",
        "Training from scratch is ruled out (24 points below).",
        "This rests on 5 repeats and 1,000,000 validation images.",
    ):
        assert said in what.text, said
    assert what.table["verdict"].tolist() == ["", "", "advised", "ruled out"]
    assert what.table["what is done"].tolist() == [
        "everything fine-tuned",
        "first 1 of 3 frozen, the others fine-tuned",
        "only the classifier learns",
        "from scratch",
    ]
    assert list(what.table) == [
        *(
            "verdict",
            "network",
            "what is done",
            "up to",
            "accuracy",
            "points below the best",
            "at most",
            "cost",
            "minutes",
        )
    ]
    assert (
        figure.title == "Accuracy over n"
        and "2 other arms may be as good or better, or worse by less than a point (A3B+, A1~2B)" in still.text
    )
    assert "Cost is the number of operations" in rules.text


@pytest.mark.parametrize(
    ("best", "said"),
    [
        ("A3B+", "Fine-tune all layers of mine: "),
        ("A1~2B", "Freeze the first of 3 layers of mine (up to conv1) and fine-tune the others: "),
        ("A2~1B", "Freeze the first 2 of 3 layers of mine (up to layer1.0) and fine-tune the others: "),
        ("baseB", "Train from scratch: "),
    ],
)
def test_every_arm_has_words_of_its_own(best, said):
    means = dict.fromkeys(("baseB", "A3B+", "A1~2B", "A2~1B", "A3B"), 0.6) | {best: 0.9}
    text = page(study(means))[0].text
    assert text.startswith(said) and "It is surely better than all others that were tried." in text
    assert "Fine-tuning everything costs" not in text, "nothing is known about costs"
    assert ("Training from scratch" in text) == (best != "baseB")


@pytest.mark.parametrize(
    ("best", "said"),
    [
        ("A1B", "Copy the first layer of mine (up to conv1), freeze it, and train new layers above"),
        ("A2B+", "Copy the first 2 layers of mine (up to layer1.0), fine-tune them, and train new layers above"),
        ("B4B+", "Train from scratch, and then once more"),
    ],
)
def test_so_have_the_papers_treatments(best, said):
    means = dict.fromkeys(("baseB", "A1B", "A2B+", "B4B+"), 0.6) | {best: 0.9}
    assert page(study(means))[0].text.startswith(f"{said}: ")


def test_one_block_gives_no_certainty_and_the_page_says_so():
    what, *_, still, rules = page(study(dict.fromkeys(NETWORKS, 0.9) | {"baseB": 0.6}, blocks=1))
    assert "how sure this is cannot be said from one repeat" in what.text and "ruled out" not in what.text
    assert "Training from scratch is 30 points below." in what.text
    assert "two give some, four much more (`given.repeats`)" in still.text
    assert "nothing is ruled out" in rules.text and "at most" not in what.table


def test_networks_are_compared_and_one_that_loses_is_ruled_out():
    accuracies = pd.concat([study(dict.fromkeys(NETWORKS, 0.9)), study(dict.fromkeys(NETWORKS, 0.7), name="other")])
    what, *_ = page(accuracies)
    assert what.title == "Advice: the given networks" and "given network" in what.table
    assert what.text.startswith("Train only the classifier of mine: ")
    assert "All that was tried with other is ruled out." in what.text


def test_advice_csv_has_one_advised_arm_for_each_source():
    halves = {"baseA": 0.5, "baseB": 0.7, "A1B": 0.66, "B1A": 0.48, "A1B+": 0.74, "B1A+": 0.56}
    accuracies = pd.concat([table(given()), table({f"random-{k}": halves for k in range(2)})])
    found = advice_table(sources(records(accuracies)))
    assert list(found) == COLUMNS
    assert found.groupby("source")["advised"].sum().to_dict() == {"given": 1, "random": 1}
    advised = found[found["advised"]].set_index("source")
    assert advised["network"].to_dict() == {"given": "A3B", "random": "A1B+"}
    assert (found["loss"] >= 0).all() and (found["loss_bound"] >= found["loss"]).all()
    assert advised_row(found) == ("mine", "An~B", 3, "layer2.0", 3, 3)


def advised_row(found: pd.DataFrame) -> tuple:
    return tuple(found[found["advised"]].iloc[0][["given", "treatment", "n", "layer", "blocks", "networks"]])


def test_what_would_decide_is_said_for_repeats_and_for_folds():
    accuracies = study({"baseB": 0.6, "A3B+": 0.9, "A1~2B": 0.9, "A3B": 0.9}, noise=0.02, images=100)
    *_, still, _ = page(accuracies)
    assert "may lose would take about" in still.text and "repeats (now 5) and" in still.text
    *_, still, rules = page(accuracies, folds=5)
    assert "validation images (now 500) in all folds" in still.text
    assert "Nadeau & Bengio" in rules.text and "image by image" not in rules.text


def test_networks_that_end_worse_than_by_guessing_are_named_first():
    accuracies = study(dict.fromkeys(NETWORKS, 0.9)).assign(loss=0.6)
    assert page(accuracies)[0].title.startswith("Advice")
    accuracies.loc[accuracies["network"] == "A3B", "loss"] = 2.3
    first, second, *_ = page(accuracies)
    assert first.title == "Read this first" and second.title.startswith("Advice")
    assert "guessing**, which is ln(classes) = 0.69." in first.text and "given-mine-0/A3B 2.30" in first.text
    assert first.text.startswith(f"**5 of {len(accuracies)} networks end")


def test_a_study_without_transfer_gets_no_advice():
    accuracies = table({"random-0": {"baseA": 0.5, "baseB": 0.6, "B1B": 0.6}})
    assert [section.text for section in page(accuracies)] == [NOTHING]
    assert advice_table(sources(records(accuracies, layers=FOUR))).empty


@pytest.mark.parametrize(
    ("difference", "said"), [(0.0292, "2.9 points"), (-0.2449, "24 points"), (0.01, "1 point"), (0.0996, "10 points")]
)
def test_points_are_spelled_as_people_say_them(difference, said):
    assert in_points(difference) == said
