"""Advice follows stated rules: on the paper's numbers, on simulated studies, and at its level."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from simulated_studies import advice_error_rates, simulate_study
from transferability.analysis.advice import FREEZE, NO, NONE, TUNE, YES, Advice, advise, sources, with_all_copied
from transferability.analysis.advice_pages import NOTHING, advice_sections, advice_table
from transferability.analysis.claim_parts import NOT_DECIDED
from transferability.analysis.effects import ALPHA
from transferability.analysis.relative import relative_accuracies
from transferability.common.resources import RESOURCES
from transferability.results.paper import paper_accuracies
from transferability.study.network import Network

PAPER = paper_accuracies(RESOURCES / "paper_accuracies.csv")
STUDIES = 80  # of each kind
NAMES = ("conv1", "layer1.0", "layer2.0")
EXACT = {"images": 4000, "between_splits": 0.001, "between_networks": 0.001, "layers": (1, 2, 3)}


def advice(table: pd.DataFrame, source: str = "random", measure: str = "top1") -> Advice:
    return advise(sources(relative_accuracies(table, measure))[source])


def study(frozen: tuple, tuned: tuple, own_tuned: float = 0.0, splits: int = 8) -> pd.DataFrame:
    """A simulated study with little noise, with these effects at n = 1, 2, 3."""
    effects = {("AnB", n): effect for n, effect in enumerate(frozen, 1)}
    effects |= {("AnB+", n): effect for n, effect in enumerate(tuned, 1)}
    effects |= {("BnB+", n): own_tuned for n in (1, 2, 3)}
    return simulate_study(effects, splits, seed=0, **EXACT)


def page(accuracies, layers):
    return advice_sections(accuracies, advice_table(accuracies, "top1", layers), "top1", layers)


def test_networks_that_end_worse_than_by_guessing_are_named_first():
    table = study(frozen=(0, 0, -0.1), tuned=(0.05, 0.1, 0.2)).assign(classes=2, loss=0.6)
    assert all(section.title != "Read this first" for section in page(table, NAMES))
    table.loc[table["network"] == "A3B", "loss"] = 2.3
    first, second, *_ = page(table, NAMES)
    assert first.title == "Read this first" and second.title.startswith("Advice")
    assert "guessing**, which is ln(classes) = 0.69." in first.text and "random-0/A3B 2.30, " in first.text
    assert first.text.startswith(f"**8 of {len(table)} networks end") and first.text.endswith(" and 3 more.")


def test_what_is_large_is_decided():
    found = advice(study(frozen=(0, 0, -0.1), tuned=(0.05, 0.1, 0.2)))
    assert (found.pays.answer, found.beyond_training.answer) == (YES, YES)
    assert (found.freezable.answer, found.freezable.left) == ("2", (1, 2))
    assert (found.best_tuned.answer, found.best_tuned.left) == ("3", (3,))
    assert found.freeze_or_tune.answer == TUNE


@pytest.mark.parametrize(("gain", "answer"), [(0.0, YES), (0.3, NO)])
def test_the_control_tells_copies_from_longer_training(gain, answer):
    table = study(frozen=(0, 0, 0), tuned=(0.1, 0.1, 0.1), own_tuned=0.2)
    control = table[table["treatment"] == "base"].assign(treatment="selffer", n=8, fine_tuned=True, control=True)
    control["network"] = control["target"] + "8" + control["target"] + "+"
    found = advice(pd.concat([table, control.assign(top1=control["top1"] + gain)])).beyond_training
    assert (found.answer, found.treatments, found.n) == (answer, ("AnB+", "control"), (1, 2, 3))


def test_what_hurts_is_advised_against():
    found = advice(study(frozen=(-0.1, -0.1, -0.1), tuned=(-0.05, -0.05, -0.05), own_tuned=0.05))
    assert (found.pays.answer, found.freezable.answer, found.beyond_training.answer) == (NO, NONE, NO)


def test_frozen_layers_that_cost_nothing_are_frozen():
    found = advice(study(frozen=(0.1, 0.2, 0.2), tuned=(0.0, 0.1, 0.1)))
    assert (found.freeze_or_tune.answer, found.freezable.answer) == (FREEZE, "3")
    assert found.pays.answer == YES


def test_one_n_can_pay_where_the_mean_does_not():
    found = advice(study(frozen=(0.1, -0.2, -0.2), tuned=(-0.1, -0.1, -0.1)))
    assert (found.pays.answer, found.pays.treatments, found.pays.n) == (YES, ("AnB",), (1,))


def test_an_n_that_loses_ends_the_sequence_but_not_the_search():
    found = advice(study(frozen=(0, -0.1, 0), tuned=(0, 0, 0))).freezable
    assert (found.answer, found.left) == ("3", (1, 3))
    assert advice(study(frozen=(0, -0.1, -0.1), tuned=(0, 0, 0))).freezable.left == (1,)


def test_a_gain_at_a_large_n_counts_where_small_ones_cannot_be_told():
    found = advice(study(frozen=(-0.008, 0.2, 0.3), tuned=(0, 0, 0), splits=3)).freezable
    assert (found.answer, found.left[-1]) == ("3", 3)


def test_one_split_decides_nothing():
    table = study(frozen=(0, 0, -0.1), tuned=(0.1, 0.2, 0.3), splits=1)
    found = advice(table)
    answers = [found.pays, found.freezable, found.best_tuned, found.freeze_or_tune, found.beyond_training]
    assert {answer.answer for answer in answers} == {NOT_DECIDED}
    text = page(table, NAMES)[0].text
    assert text.count("not decided") == 3
    assert text.count("one split alone has no interval") == 3


def test_the_papers_networks_allow_two_frozen_layers_and_decide_little_else():
    found = advice(PAPER, measure="top1_best10")
    assert found.freezable.answer == "2"
    assert {found.pays.answer, found.freeze_or_tune.answer} == {NOT_DECIDED}
    assert found.beyond_training.answer == NO  # less than a point
    assert found.beyond_training.found.value == pytest.approx(0, abs=1e-4)  # the boost over BnB+, once paired


def test_splits_that_differ_in_their_number_are_one_source():
    table = study(frozen=(0, 0, 0), tuned=(0, 0, 0), splits=2)
    given = table.assign(split=table["split"].str.replace("random", "given-resnet-18"))
    relative = relative_accuracies(pd.concat([table, given[given["target"] == "B"], PAPER]), "top1")
    assert set(sources(relative)) == {"random", "given-resnet-18", "manmade-natural"}
    rows = advice_table(given[given["target"] == "B"], "top1", NAMES)
    assert set(rows["source"]) == {"given-resnet-18"}
    assert (rows["splits"] == 2).all() and (rows["networks"] == 2).all()
    assert rows.set_index(["treatment", "n"]).loc[("AnB", 2), "layer"] == "layer1.0"
    assert (rows["low"] < rows["difference"]).all()


def test_the_page_says_what_to_do_in_three_sentences_and_shows_every_n():
    table = study(frozen=(0, 0, -0.1), tuned=(0.05, 0.1, 0.2))
    what, figure, why, rules = page(table, NAMES)
    assert what.text.startswith("Copy layers: that beats training from scratch (")
    assert "it is more than longer training alone gives." in what.text
    assert (
        "The largest n that can stay frozen is n = 2 (layer1.0): no loss against training from scratch (" in what.text
    )
    assert "This rests on " in what.text
    assert figure.text.startswith("Accuracy over the number n of copied layers")
    assert "Fine-tune rather than freeze; fine-tuned, n = 3 (layer2.0) is best." in what.text
    assert what.table["layer"].tolist() == list(NAMES)
    assert why.table["answer"].tolist() == ["yes", "2", "3", "fine-tune", "yes"]
    assert "In simulated studies of random splits each answer errs in at most 5 %." in rules.text.replace("\n", " ")
    assert "random numbers only" not in rules.text + what.text


def test_repeats_of_a_given_network_hold_no_error_of_training_images_and_the_page_says_so():
    table = study(frozen=(0, 0, -0.1), tuned=(0.05, 0.1, 0.2))
    given = table.assign(split=table["split"].str.replace("random", "given-mine"))
    what, *_, rules = page(given[given["target"] == "B"], NAMES)
    assert "Repeats differ in their random numbers only" in what.text
    said = rules.text.replace("\n", " ")
    assert "intervals hold no error of the training images" in said
    assert "5 % of studies" not in said and "errs in at most" not in said, "nobody simulated given networks"


@pytest.mark.parametrize(("gain", "answers"), [(0.002, (NO, FREEZE)), (0.03, (YES, TUNE))])
def test_one_margin_decides_all(gain, answers):
    """What gains .2 points, however surely, does not pay, and is no reason to fine-tune."""
    table = simulate_study({}, 2, seed=0, images=10, layers=(1, 2)).drop(columns="by_class")
    tuned = (table["treatment"] == "transfer") & table["fine_tuned"]
    found = advice(table.assign(top1=0.5 + gain * tuned, val_images=10**9))
    assert (found.pays.answer, found.freeze_or_tune.answer) == answers
    assert found.beyond_training.answer == answers[0]


@pytest.mark.parametrize("kept", [["AnB"], ["AnB+"], ["BnB", "BnB+"], []])
def test_a_study_with_few_treatments_gets_what_advice_there_is(kept):
    table = study(frozen=(0, 0, 0), tuned=(0, 0, 0), splits=2)
    names = [Network.parse(*key).notation for key in zip(table["split"], table["network"], strict=True)]
    some = table[[name in ("base", *kept) for name in names]]
    sections = page(some, ())
    if set(kept) & {"AnB", "AnB+"}:
        assert "This study has no networks with" in sections[0].text
        assert "layer" not in sections[0].table
    else:
        assert sections[0].text == NOTHING
        assert advice_table(some, "top1", ()).empty


@pytest.mark.slow
def test_where_it_can_be_wrong_an_answer_is_wrong_no_more_often_than_its_level():
    rates = advice_error_rates(splits=2, studies=STUDIES, layers=(1, 4), images=100)
    assert len(rates) == 10
    assert (rates <= ALPHA + 3 * np.sqrt(ALPHA * (1 - ALPHA) / STUDIES)).all(), rates


FOUR = ("conv1", "layer1.0", "layer2.0", "fc")
SPLITS = 4


def all_copied(effects: dict[str, float], images: int = 10**12) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Accuracies of a given network of four layers, .6 from scratch, with effects by network; and those by network."""
    generator, rows, found = np.random.default_rng(0), [], {}
    for name, effect in {"baseB": 0.0, **effects}.items():
        found[name] = 0.6 + effect + generator.normal(0, 0.002, SPLITS)
        for split, top1 in enumerate(found[name]):
            facts = Network.parse(f"given-mine-{split}", name).facts()
            rows.append(facts | {"top1": top1, "control": False, "val_images": images, "classes": 2, "loss": 0.5})
    return pd.DataFrame(rows), found


def test_of_all_layers_copied_as_many_are_frozen_as_lose_less_than_a_point():
    """The bound of what that may lose is the highest of t intervals (Bonferroni), here by their textbook formula."""
    table, found = all_copied({"A3B+": 0.3, "A1~2B": 0.302, "A2~1B": 0.296, "A3B": 0.25})
    answer = advice_of_four(table).all_copied
    assert (answer.answer, answer.n, answer.found.smallest_of) == ("2", (2,), 3)
    differences = [found[name] - found["A2~1B"] for name in ("A3B+", "A1~2B", "A3B")]
    quantile = stats.t.ppf(1 - ALPHA / 3, SPLITS - 1)
    bounds = [each.mean() + quantile * each.std(ddof=1) / np.sqrt(SPLITS) for each in differences]
    assert answer.found.interval(ALPHA / 3)[1] == pytest.approx(max(bounds), rel=1e-3)
    text = page(table, FOUR)[0].text
    accuracies = [100 * found[name].mean() for name in ("A2~1B", "baseB")]
    assert text.startswith("Copy all layers and freeze the first 2 of 3 (up to layer1.0): ")
    assert f"{accuracies[0]:.1f} %, against {accuracies[1]:.1f} % from scratch" in text
    assert f"against the best, it may lose {100 * max(bounds):.1f} points." in text
    assert "Whether copying" not in text and "frozen copies" not in text, "nothing of the paper's question was trained"


@pytest.mark.parametrize(("best", "how"), [("A3B+", "fine-tune everything"), ("A3B", "train only the new classifier")])
def test_both_ends_have_words_of_their_own(best, how):
    table, _ = all_copied({"A3B+": 0.2, "A1~2B": 0.2, "A2~1B": 0.2, "A3B": 0.2} | {best: 0.3})
    assert page(table, FOUR)[0].text.startswith(f"Copy all layers and {how}: ")
    csv = advice_table(table, "top1", FOUR)
    assert csv["treatment"].unique().tolist() == ["An~B"] and csv["n"].tolist() == [0, 1, 2, 3]
    assert csv["layer"].tolist() == ["", *FOUR[:3]]


def test_beside_the_papers_networks_both_questions_are_answered():
    effects = {"A3B+": 0.3, "A1~2B": 0.3, "A3B": 0.25, "A1B": 0.1, "A1B+": 0.2}
    table, _ = all_copied(effects)
    text = page(table, FOUR)[0].text
    assert text.startswith("Copy all layers and ") and "Copy layers: that beats training from scratch" in text
    csv = advice_table(table, "top1", FOUR).groupby("treatment")["n"].agg(list).to_dict()
    assert csv == {"An~B": [0, 1, 3], "AnB": [1, 3], "AnB+": [1, 3]}


def advice_of_four(table: pd.DataFrame) -> Advice:
    return advise(sources(with_all_copied(relative_accuracies(table, "top1"), len(FOUR)))["given-mine"])
