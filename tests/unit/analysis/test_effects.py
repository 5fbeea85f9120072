"""Effects and their intervals: on the paper's numbers, and on simulated studies whose effects are known."""

import re

import numpy as np
import pandas as pd
import pytest

from simulated_studies import simulate_study
from tests.conftest import SHARED as SHARED_FOLDER
from transferability.analysis.additive import additive_fit
from transferability.analysis.effects import ALPHA, EFFECTS, effects_summary, effects_table, estimate
from transferability.analysis.image_errors import INDEPENDENT, SHARED
from transferability.analysis.paper_tables import table1, table_s1
from transferability.analysis.relative import CONTROL, relative_accuracies
from transferability.common.resources import RESOURCES
from transferability.results.paper import paper_accuracies

PAPER = paper_accuracies(RESOURCES / "paper_accuracies.csv")
STUDIES = 120


def test_table1_is_the_papers_to_the_printed_digit():
    table = table1(PAPER, "top1_best10")
    assert table["unpaired"].round(1).tolist() == [1.6, 1.8, 2.1, 1.4, 1.4, 1.7]
    assert table["paired"].round(2).tolist() == [0.97, 1.17, 1.16, -0.0, 0.06, 0.15]
    assert table["paired_low"].isna().tolist() == [False, False, True, False, False, True]  # layers 5-7: one split


@pytest.mark.parametrize(
    ("n", "ranges"),
    [
        ((1, 4), ["1, 4", "4"]),
        (range(1, 60), ["1-59", "20-59", "40-59"]),
        ((5,), ["5"]),
        ((3, 7, 12), ["3, 7, 12", "7, 12", "12"]),
    ],
)
def test_table1_has_the_ranges_that_a_study_has(n, ranges):
    table = table1(simulate_study({("AnB+", n[-1]): 0.3}, splits=2, seed=0, images=100, layers=n), "top1")
    assert table["layers"].tolist() == 2 * ranges
    assert table.notna().all().all()


def test_table1_of_networks_that_lose_is_negative():
    table = table1(simulate_study({("AnB+", 1): -0.2}, splits=2, seed=0, images=1000, layers=(1,)), "top1")
    row = table[table["comparison"] == "base"].iloc[0]
    assert row["unpaired"] == pytest.approx(-20, abs=5) and row["paired"] == pytest.approx(-20, abs=5)


def test_without_fine_tuned_transfer_table1_has_no_rows():
    assert table1(PAPER[~PAPER["fine_tuned"]], "top1_best10").empty


def test_a_running_study_without_its_control_has_none():
    """Its largest n so far is no control: BnB+ at n = 7 is a treatment."""
    table = simulate_study({}, splits=2, seed=0, images=100)
    tuned = table[(table["treatment"].isin(["base"])) | ((table["treatment"] == "selffer") & table["fine_tuned"])]
    assert set(relative_accuracies(tuned, "top1")["treatment"]) == {"BnB+"}
    assert "longer training" not in set(effects_summary(tuned, "top1")["effect"])


def test_effects_know_any_number_of_layers():
    table = effects_table(simulate_study({}, splits=2, seed=0, images=100, layers=(3, 58)), "top1")
    assert set(table["n"]) == {3, 58}


def test_table_s1_goes_from_one_example_to_all():
    table = table_s1(PAPER)
    assert table["examples_per_class"].tolist() == [1, 2, 5, 10, 25, 50, 100, 250, 500, 750, 1000, 1300, "all"]
    assert table["top1_best10"].iloc[-1] == 0.5763054


@pytest.mark.skipif(not SHARED_FOLDER.is_dir(), reason="../shared with the reference facts is not there")
def test_paired_means_are_the_reference_ones():
    reference = pd.read_csv(SHARED_FOLDER / "reference" / "layer_means.csv").set_index("n").loc[1:]
    means = relative_accuracies(PAPER[PAPER["split"].str.startswith("random-")], "top1_best10")
    means = means.pivot_table(index="n", columns="treatment", values="relative")
    columns = {"selffer": "BnB", "transfer": "AnB", "selffer_ft": "BnB+", "transfer_ft": "AnB+"}
    for theirs, ours in columns.items():
        assert means[ours].tolist() == pytest.approx(reference[f"{theirs}_paired"].tolist(), abs=2e-6)


def test_on_a_balanced_grid_the_error_between_splits_is_that_of_the_splits_means():
    relative = relative_accuracies(simulate_study({}, splits=4, seed=1, images=100), "top1")
    found = estimate(relative, {("BnB", (4,)): -1.0})
    by_split = relative[(relative["treatment"] == "BnB") & (relative["n"] == 4)].groupby("split")["relative"].mean()
    from scipy import stats  # takes a second, in every process that collects tests

    test = stats.ttest_1samp(-by_split, 0)
    assert found.value == pytest.approx(-by_split.mean())
    assert found.se_splits == pytest.approx(by_split.sem())
    assert found.degrees == test.df == 3
    by_split -= relative[(relative["treatment"] == "AnB") & (relative["n"] == 4)].groupby("split")["relative"].mean()
    both = estimate(relative, {("BnB", (4,)): 1.0, ("AnB", (4,)): -1.0})
    assert both.se_splits == pytest.approx(by_split.sem())


def test_where_networks_are_missing_the_error_is_clustered_by_split():
    """That of ordinary least squares on indicators of the groups (Liang & Zeger 1986), as matrices."""
    relative = relative_accuracies(simulate_study({("AnB", 4): -0.1}, splits=4, seed=1, images=100), "top1")
    relative = relative.query("not (split == 'random-0' and network == 'B3B')")
    found = estimate(relative, {("BnB", (3, 4)): 1.0, ("AnB", (4, 5)): -1.0})
    networks = relative.query("treatment == 'BnB' and n in (3, 4) or treatment == 'AnB' and n in (4, 5)")
    design = (networks["treatment"].to_numpy()[:, None] == ["BnB", "AnB"]).astype(float)
    assert design.sum(axis=0).tolist() == [15, 16]
    inverse = np.linalg.inv(design.T @ design)
    left = networks["relative"].to_numpy() - design @ inverse @ design.T @ networks["relative"].to_numpy()
    of_split = [networks["split"].to_numpy() == f"random-{k}" for k in range(4)]
    scores = [design[rows].T @ left[rows] for rows in of_split]
    covariance = 4 / 3 * inverse @ sum(np.outer(score, score) for score in scores) @ inverse
    assert found.se_splits == pytest.approx(np.sqrt([1, -1] @ covariance @ [1, -1]))


def test_splits_that_coincide_do_not_make_certain():
    relative = relative_accuracies(simulate_study({}, splits=2, seed=1, images=100), "top1")
    relative["relative"] = 0.1
    found = estimate(relative, {("AnB", (4,)): 2.0})
    assert found.se_splits == pytest.approx(2 * 0.5 / 50 / np.sqrt(2))  # half an image of the 50


def test_one_split_has_no_interval_but_says_how_precise_its_images_are():
    table = effects_table(simulate_study({("AnB", 7): -0.3}, splits=1, seed=0, images=400), "top1")
    row = table[(table["split"] == "random") & (table["n"] == 7) & (table["effect"] == "transfer loss")].iloc[0]
    assert row["value"] == pytest.approx(0.3, abs=0.1)
    assert np.isnan(row["low"]) and np.isnan(row["se_splits"])
    assert 0 < row["se_images"] < 0.05


def test_losses_add_up_and_pairs_are_of_the_same_half():
    table = effects_table(PAPER, "top1_best10").set_index(["split", "n", "effect"])["value"]
    for n in range(1, 8):
        parts = table["random", n, "co-adaptation loss"] + table["random", n, "specificity loss"]
        assert parts == pytest.approx(table["random", n, "transfer loss"])
    assert table["manmade-natural", 7, "transfer loss"] == pytest.approx(0.2501, abs=1e-4)
    assert table["random-0", 5, "transfer loss"] == pytest.approx(
        np.mean([0.6340832 - 0.5856678, 0.6151000 - 0.5652560])
    )


def test_preserving_is_compared_with_reinitialising():
    rows = [("baseB", 0.5), ("A4B", 0.3), ("A4~1B", 0.35), ("A4~12B", 0.4), ("B4B", 0.45), ("B4~1B", 0.5)]
    fields = {"split": "random-0", "target": "B", "fine_tuned": False, "control": False, "val_images": 100}
    treatments = ["base", "transfer", "preserved", "preserved", "selffer", "preserved"]
    table = pd.DataFrame(
        [
            fields | {"network": name, "top1": top1, "treatment": treatment, "n": 4 if name != "baseB" else 0}
            for (name, top1), treatment in zip(rows, treatments, strict=True)
        ]
    )
    effects = effects_table(table, "top1").set_index(["split", "effect"])["value"]["random"]
    assert effects["preserving 1 in AnB"] == pytest.approx(0.05)
    assert effects["preserving 12 in AnB"] == pytest.approx(0.1)
    assert effects["preserving 1 in BnB"] == pytest.approx(0.05)


@pytest.mark.slow
@pytest.mark.parametrize("splits", [2, 4])
def test_intervals_cover_the_truth_at_their_nominal_rate(splits):
    truth = {("BnB", 4): -0.02, ("AnB", 4): -0.05, ("BnB+", 4): 0.01, ("AnB+", 4): 0.02}
    hits = []
    for seed in range(STUDIES):
        relative = relative_accuracies(simulate_study(truth, splits, seed, images=200, layers=(4,)), "top1")
        for _, weights in EFFECTS.values():
            if CONTROL in weights:  # which no simulated study has
                continue
            low, high = estimate(relative, {(name, (4,)): weight for name, weight in weights.items()}).interval()
            hits.append(low <= sum(weight * truth[name, 4] for name, weight in weights.items()) <= high)
    # Effects of one study are correlated, so the error is that of STUDIES trials.
    error = 3 * np.sqrt(2 * ALPHA * (1 - 2 * ALPHA) / STUDIES)
    assert 1 - 2 * ALPHA - error < np.mean(hits)
    assert np.mean(hits) < 0.99


@pytest.mark.parametrize(("treatment", "share"), [("BnB", SHARED), ("AnB+", SHARED), ("AnB", INDEPENDENT)])
def test_without_outcomes_by_class_the_interval_holds_a_share_of_independent_errors(treatment, share):
    study = simulate_study({}, splits=4, seed=0, images=400)
    known, unknown = (
        estimate(relative_accuracies(table, "top1"), {(treatment, (4,)): -1.0})
        for table in (study, study.drop(columns="by_class"))
    )
    assert known.value == unknown.value
    assert known.se_images < unknown.se_images == pytest.approx(np.sqrt(share * 2 * 0.6 * 0.4 / 400), rel=0.1)


def test_networks_of_different_halves_do_not_cancel_their_bases_images():
    """As the paper's AnB+ and BnB+: their base networks are tested on different images."""
    table = relative_accuracies(simulate_study({}, splits=4, seed=0, images=400).drop(columns="by_class"), "top1")
    contrast = {("AnB+", (4,)): 1.0, ("BnB+", (4,)): -1.0}
    same, apart = (
        estimate(rows, contrast).se_images ** 2
        for rows in (
            table[table["target"] == "A"],
            table[((table["treatment"] == "AnB+") & (table["target"] == "A")) | (table["target"] == "B")].query(
                "not (treatment == 'AnB+' and target == 'B')"
            ),
        )
    )
    assert apart == pytest.approx(2 * same, rel=0.1)


@pytest.mark.skipif(not SHARED_FOLDER.is_dir(), reason="../shared with the reference facts is not there")
def test_the_additive_fit_is_the_reference_one():
    """Of the reference's README: value and standard error in points, 112 networks, 76 degrees of freedom."""
    text = (SHARED_FOLDER / "reference" / "README.md").read_text(encoding="utf-8")
    found = additive_fit(PAPER, "top1_best10").set_index("difference")
    assert set(found["networks"]) == {112} and set(found["degrees"]) == {76}
    numbers = re.findall(r"(\w+\+) - (\w+\+?) [=+ ]*(?:= )?\+?(\.\d+|\d\.\d+) \((?:standard error )?(\.\d+)\)", text)
    assert len(numbers) == 3
    for one, other, value, error in numbers:
        row = found.loc[f"{one} - {other}"]
        assert (f"{100 * row['value']:.2f}", f"{100 * row['se']:.2f}") == (f"{float(value):.2f}", f"{float(error):.2f}")


def test_on_a_balanced_grid_the_additive_fit_is_the_paired_difference():
    study = simulate_study({("AnB", 4): -0.1, ("AnB+", 2): 0.1}, splits=3, seed=0, images=100)
    paired = effects_summary(study, "top1").set_index("effect")["value"]
    assert additive_fit(study, "top1").set_index("effect")["value"].to_dict() == pytest.approx(paired.to_dict())
    assert additive_fit(PAPER[:0], "top1").empty


def test_what_splits_share_is_not_less_for_being_seen_twice():
    one = simulate_study({("AnB", 4): -0.3}, splits=1, seed=0, images=200, layers=(4,))
    same = pd.concat([one, one.assign(split="random-1")], ignore_index=True)
    errors = [estimate(relative_accuracies(table, "top1"), {("AnB", (4,)): 1.0}).se_images for table in (one, same)]
    assert errors[1] == pytest.approx(errors[0])


def test_an_effect_whose_treatments_have_no_n_in_common_is_left_out():
    """As where n is 3, and what is preserved follows n = 4."""
    rows = [("baseB", "base", 0), ("A3B", "transfer", 3), ("A4~1B", "preserved", 4)]
    fields = {"split": "random-0", "target": "B", "fine_tuned": False, "control": False, "val_images": 100}
    table = [fields | {"network": name, "treatment": treatment, "n": n, "top1": 0.5} for name, treatment, n in rows]
    summary = effects_summary(pd.DataFrame(table), "top1")
    assert summary["effect"].tolist() == ["transfer loss"]
