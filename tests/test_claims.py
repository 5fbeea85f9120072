"""Claims are decided by rules: on the paper's numbers, on small studies, and at their level."""

import runpy
from functools import cache
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from transferability.analysis.claim_parts import (
    CONFIRMED,
    CONTRADICTED,
    MARGIN,
    NOT_DECIDED,
    NOT_TESTED,
    POSITIVE,
    SHARE,
    Part,
    Rule,
    Study,
)
from transferability.analysis.claims import CLAIMS, claims_left_out, claims_summary, claims_table, decide, premises
from transferability.analysis.effects import ALPHA, Estimate
from transferability.analysis.kernels import read_kernels
from transferability.analysis.simulation import simulate_study
from transferability.common.resources import RESOURCES
from transferability.results.paper import paper_accuracies
from transferability.study.architectures import has_the_papers_layers

from .conftest import REPOSITORY

NO_KERNELS = read_kernels([])
TABLE = paper_accuracies(RESOURCES / "paper_accuracies.csv")
PAPER = Study.from_tables(TABLE, NO_KERNELS, "top1_best10")
STUDIES = 100


def verdicts(study: Study) -> dict[int, str]:
    return claims_table(study, PAPER).groupby("claim")["verdict"].first().to_dict()


def test_the_papers_own_data_go_through_the_rules():
    table = claims_table(PAPER, PAPER)
    assert (table["paper"].dropna() == table["value"].dropna()).all()
    values = table.set_index(["claim", "part"])["value"]
    assert values[1, "reaches .625"] == pytest.approx(0.6251, abs=1e-4)
    assert values[6, "drops deeper at n = 7"] == pytest.approx(0.2501 - 0.0826, abs=1e-4)
    assert values[5, "beats BnB+"] == pytest.approx(-0.0000, abs=1e-4)
    assert verdicts(PAPER) == {
        1: CONFIRMED,
        2: NOT_DECIDED,  # it drops in the middle; that it equals base at n = 1 is within the error
        3: NOT_DECIDED,  # paired, BnB+ lies .97 points above base
        4: NOT_DECIDED,  # whether co-adaptation dominates at 3 to 5 is within the error
        5: NOT_DECIDED,  # the boost over BnB+ is nothing, once paired
        6: CONFIRMED,
        7: CONFIRMED,
        8: NOT_TESTED,  # the weights are not at hand
        9: NOT_TESTED,  # there are no splits between man-made/natural and random ones
    }


def test_one_split_decides_nothing():
    table = TABLE[TABLE["split"].isin(["random-0", "manmade-natural", "whole"])]
    one = claims_table(Study.from_tables(table, NO_KERNELS, "top1_best10"), PAPER)
    assert one.groupby("verdict")["claim"].unique().map(list).to_dict() == {
        NOT_DECIDED: [1, 2, 3, 4, 5, 6, 7],
        NOT_TESTED: [8, 9],
    }
    assert set(one.loc[one["claim"].isin([2, 4, 6, 7]), "reason"]) == {"one split alone has no interval"}


def test_what_was_not_run_is_not_tested():
    nothing = claims_table(Study.from_tables(TABLE[:0], NO_KERNELS, "top1"), PAPER)
    assert set(nothing["verdict"]) == set(nothing["part_verdict"]) == {NOT_TESTED}
    assert set(nothing["reason"]) == {"this study lacks networks that could tell"}


def test_networks_with_other_layers_get_no_verdict_but_a_reason(tmp_path):
    table = claims_left_out()
    assert table["claim"].tolist() == list(CLAIMS)
    assert set(table["verdict"]) == {NOT_TESTED}
    assert table["reason"].str.contains("eight layers").all() and table["reason"].str.contains("advice.md").all()

    script = runpy.run_path(str(REPOSITORY / "workflow" / "scripts" / "claims.py"))["main"]
    files = [tmp_path / f"claims.{suffix}" for suffix in ("csv", "md", "html")]
    script(SimpleNamespace(params=SimpleNamespace(papers_layers=False), output=list(map(str, files))))
    assert len(pd.read_csv(files[0])) == len(CLAIMS)
    assert all("its layers give is in advice.md." in file.read_text() for file in files)
    assert files[1].read_text().count(".\n") == 1  # one sentence, no table


def test_the_papers_claims_are_for_the_networks_of_the_house():
    assert has_the_papers_layers("caffenet") and has_the_papers_layers("caffenet-mini")
    assert not has_the_papers_layers("torchvision/resnet18") and not has_the_papers_layers("nobody/knows")


def test_the_claim_about_500_classes_is_not_for_other_sets():
    other = TABLE.assign(classes=20)
    assert verdicts(Study.from_tables(other, NO_KERNELS, "top1_best10"))[1] == NOT_TESTED
    better = TABLE.assign(top1_best10=TABLE["top1_best10"] + 0.05)
    assert verdicts(Study.from_tables(better, NO_KERNELS, "top1_best10"))[1] == CONFIRMED
    low = TABLE.assign(top1_best10=TABLE["top1_best10"] - 0.05)
    assert verdicts(Study.from_tables(low, NO_KERNELS, "top1_best10"))[1] == CONTRADICTED


@pytest.mark.parametrize(
    ("value", "se", "verdict"),
    [(0.1, 0.01, CONFIRMED), (-0.1, 0.01, CONTRADICTED), (0.01, 0.01, NOT_DECIDED), (np.nan, np.nan, NOT_TESTED)],
)
def test_a_part_is_decided_by_its_whole_interval(value, se, verdict):
    assert POSITIVE.verdict(Estimate(value, se, 0.0, degrees=3 * (value == value))) == verdict


def test_a_claim_needs_all_of_its_parts():
    parts = CLAIMS[2][1][-3:]
    holds = [Estimate(0.0, 0.001, 0.0, 3), Estimate(0.1, 0.001, 0.0, 3), Estimate(0.1, 0.001, 0.0, 3)]
    fails, unsure = Estimate(-0.1, 0.001, 0.0, 3), Estimate(0.0, 0.1, 0.0, 3)
    assert decide(parts, holds) == CONFIRMED
    assert decide(parts, [*holds[:2], fails]) == CONTRADICTED
    assert decide(parts, [*holds[:2], unsure]) == NOT_DECIDED
    barely = Estimate(-0.0024, 0.001, 0.0, 3)  # contradicted at 5 %, not at 5 % / 3
    assert parts[2].rule.verdict(barely) == CONTRADICTED
    assert decide(parts, [*holds[:2], barely]) == NOT_DECIDED
    assert str(Rule(-0.01, 0.01)) == "-0.01 to 0.01"
    assert [str(Rule(low=0)), str(Rule(high=0.1))] == ["> 0", "< 0.1"]


def test_the_summary_shows_what_became_of_the_parts_of_a_claim():
    summary = claims_summary(claims_table(PAPER, PAPER)).set_index("claim")
    assert summary.index.tolist() == list(CLAIMS)
    assert summary.loc[1, "parts"] == ""  # it has one only
    assert summary.loc[5, "parts"] == (
        "confirmed: beats base. not decided: more so for larger n; beats BnB+. not tested here: beats longer training"
    )


def with_control(gain: float, effects=()) -> Study:
    """A simulated study of four splits whose networks B8B+ lie so much above base."""
    table = simulate_study(dict(effects), 4, seed=0)
    control = table[table["treatment"] == "base"].assign(treatment="selffer", n=8, fine_tuned=True, control=True)
    control = control.assign(network=control["target"] + "8" + control["target"] + "+", top1=control["top1"] + gain)
    return Study.from_tables(pd.concat([table, control]), NO_KERNELS, "top1")


def test_a_premise_that_is_not_met_is_said():
    assert premises(with_control(0.01)) == []
    (said,) = premises(with_control(0.05))
    assert said.startswith("B8B+ lies 5.0 points above base: training had not converged")
    (said,) = premises(Study.from_tables(simulate_study({("BnB", 1): 0.06}, 4, seed=0), NO_KERNELS, "top1"))
    assert said.startswith("BnB at n = 1 lies ")
    assert premises(PAPER) == []  # BnB at n = 1 lies below base


def test_the_boost_is_compared_with_the_control_for_longer_training():
    effects = {("AnB+", n): 0.04 for n in range(1, 8)}
    part = next(part for part in CLAIMS[5][1] if part.statement == "beats longer training")
    assert part.rule.verdict(part.estimate(with_control(0.0, effects.items()))) == CONFIRMED
    assert part.rule.verdict(part.estimate(with_control(0.1, effects.items()))) == CONTRADICTED
    assert part.rule.verdict(part.estimate(PAPER)) == NOT_TESTED


def test_a_share_has_an_interval_between_0_and_1():
    wide = Estimate(0.2, 0.1, 0.0, degrees=1, networks=4)
    assert wide.interval()[0] < 0
    assert Part("", "", POSITIVE, lambda _: wide, SHARE).interval(wide)[0] == 0
    assert Part("", "", POSITIVE, lambda _: wide).interval(wide) == pytest.approx(wide.interval())


def test_opposite_differences_do_not_make_equal():
    effects = {("BnB", n): 0.1 if n < 3 else -0.1 for n in (1, 2, 6, 7)}
    study = Study.from_tables(simulate_study(effects, 8, seed=0), NO_KERNELS, "top1")
    table = claims_table(study, PAPER).set_index("part")
    assert set(table.loc[["equals base at 1", "equals base at 7"]].query("claim == 2")["part_verdict"]) == {
        CONTRADICTED
    }


def test_a_part_wants_all_of_its_n():
    some = TABLE[TABLE["n"].isin([0, 1, 3])]
    table = claims_table(Study.from_tables(some, NO_KERNELS, "top1_best10"), PAPER).set_index(["claim", "part"])
    assert table.loc[(2, "drops at 3 to 5"), "networks"] == 0
    assert table.loc[(4, "equals base at 1"), "networks"] == 8


@cache
def simulated(effects: frozenset) -> list[Study]:
    """Simulated studies of two splits with these effects (items of simulate_study's)."""
    tables = [simulate_study(dict(effects), 2, seed, images=200) for seed in range(STUDIES)]
    return [Study.from_tables(table, NO_KERNELS, "top1") for table in tables]


def share_confirmed(effects, claim: int, part: str) -> float:
    """Share of simulated studies that confirm a part of a claim."""
    chosen = next(p for p in CLAIMS[claim][1] if p.statement == part)
    found = [chosen.estimate(study) for study in simulated(frozenset(effects.items()))]
    return float(np.mean([chosen.rule.verdict(one) == CONFIRMED for one in found]))


LEVEL = ALPHA + 3 * np.sqrt(ALPHA * (1 - ALPHA) / STUDIES)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("claim", "part"), [(2, "drops at 3 to 5"), (2, "most at 4 and 5"), (4, "3 to 7 drop"), (5, "beats base")]
)
def test_with_no_effect_a_claim_is_not_confirmed_more_often_than_its_level(claim, part):
    assert share_confirmed({}, claim, part) <= LEVEL


@pytest.mark.slow
def test_at_the_margin_equality_is_not_confirmed_more_often_than_its_level():
    assert share_confirmed({("AnB", 1): -MARGIN}, 4, "equals base at 1") <= LEVEL


@pytest.mark.slow
def test_large_effects_are_confirmed():
    effects = {("AnB", n): -0.3 for n in range(3, 8)}
    assert share_confirmed(effects, 4, "3 to 7 drop") > 0.9


def test_kernels_decide_the_last_claim():
    rows = [
        {"split": f"random-{k}", "network": f"base{half}", "edge": j % 2 == 0, "blob": j % 10 == 0}
        for k in range(4)
        for half in "AB"
        for j in range(90)
    ]
    study = Study.from_tables(TABLE, pd.DataFrame(rows), "top1_best10")
    table = claims_table(study, PAPER).set_index(["claim", "part"])
    assert table.loc[(8, "oriented edges"), "value"] == 0.5
    assert table.loc[(8, "colour blobs"), "part_verdict"] == CONFIRMED
    assert table.loc[(8, "oriented edges"), "verdict"] == CONFIRMED
