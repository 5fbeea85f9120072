"""Power: what simulated studies decide, from variances that are typical or those of a study's finished networks."""

import numpy as np
import pandas as pd
import pytest

from simulated_studies import simulate_study
from transferability.analysis.claim_parts import CONFIRMED, CONTRADICTED
from transferability.analysis.claims import CLAIMS
from transferability.analysis.effects import ALPHA, estimate
from transferability.analysis.power import (
    Spread,
    decision_rates,
    own_spread,
    paper_effects,
    power_section,
    power_table,
    simulated_study,
    study_effects,
    typical_spread,
    verdicts,
)
from transferability.results.accuracies import COLUMNS
from transferability.study.configuration import default_config
from transferability.study.study_plan import StudyPlan

NOTHING = pd.DataFrame(columns=COLUMNS)
FEW = 12  # simulated studies


@pytest.fixture
def effects() -> pd.DataFrame:
    return study_effects(default_config())


def test_the_truth_is_the_papers(effects):
    values = effects.set_index(["split", "treatment", "n"])["relative"]
    assert values["random-0", "AnB", 7] == pytest.approx(-0.0826, abs=1e-4)
    assert values["manmade-natural", "AnB", 7] == pytest.approx(-0.2501, abs=1e-4)
    assert values["random-0", "control", 8] == pytest.approx(values["random-0", "BnB+"].mean())
    assert len(effects) == 4 * 7 + 1 + 7 + 7
    assert effects.notna().all().all() and paper_effects().notna().all().all()


def test_more_splits_decide_more(effects):
    rates = decision_rates(effects, Spread(0.001, 0.002, 0.003, 50000), FEW, (2, 8)).set_index(["claim", "splits"])
    decided = (rates[CONFIRMED] + rates[CONTRADICTED]).unstack()
    simulated = decided.dropna()
    assert set(simulated.index) >= {2, 3, 4, 5, 6, 7}
    assert simulated[8].mean() > simulated[2].mean() + 0.1
    assert decided.loc[[1, 8]].isna().all().all()  # base accuracies and kernels are not simulated


def test_what_is_certain_is_confirmed(effects):
    sure = Spread(0, 1e-6, 1e-6, 10**8)
    found = verdicts(simulated_study(effects, 4, sure, seed=0))
    assert {found[claim] for claim in (2, 6, 7)} == {CONFIRMED}
    assert found[4] == CONTRADICTED  # co-adaptation dominates at 3 to 5 by .7 points, which is less than one


def test_what_power_promises_is_what_the_claims_decide(effects):
    """One rule for the error of images: simulated networks have the one that an interval takes them to have."""
    spread, studies = Spread(0, 0, 1e-9, 50000), 60
    tables = [simulated_study(effects, 2, spread, seed).random_splits for seed in range(studies)]
    for treatment, slack in {"BnB": 1.0, "AnB+": 1.0, "AnB": 0.75}.items():  # of AnB, base networks have a share only
        found = [estimate(table, {(treatment, (7,)): 1.0}) for table in tables]
        ratio = np.var([one.value for one in found]) / np.mean([one.se_images**2 for one in found])
        assert ratio == pytest.approx(slack, rel=0.55), f"{treatment}: simulated over assumed variance of images"


def test_random_filters_of_other_initial_weights_are_not_simulated(effects):
    rates = decision_rates(effects, typical_spread(2400), 1, (2,), "caffenet-mini").set_index("claim")
    assert rates.loc[7].isna().any() and rates.loc[6].notna().all()


@pytest.mark.slow
def test_with_no_effect_wrong_verdicts_are_rare(effects):
    studies = 80
    none = effects.assign(relative=0.0)
    rates = decision_rates(none, typical_spread(2400), studies, (2,)).set_index("claim")
    error = 3 * np.sqrt(ALPHA * (1 - ALPHA) / studies)
    assert (rates.loc[[2, 3, 4, 5, 6], CONFIRMED] <= ALPHA + error).all()
    assert rates.loc[3, CONTRADICTED] <= ALPHA + error  # of its parts, those of equality are true


def test_a_studys_own_variances_are_found_again():
    spreads = [
        own_spread(simulate_study({}, 8, seed, 400, between_splits=0.05, between_networks=0.02), "top1", 400)
        for seed in range(6)
    ]
    base, treatment, rest = (
        np.mean([getattr(spread, name) ** 2 for spread in spreads]) for name in ("base", "treatment", "rest")
    )
    luck = (0.02**2 + 0.14 / 200) / 2  # of two networks, and of the images of both halves
    assert base < 4 * luck
    assert treatment == pytest.approx(0.05**2, rel=0.35)
    assert rest == pytest.approx(luck, rel=0.15)


def test_variances_need_two_splits():
    assert own_spread(NOTHING, "top1", 100) is None
    assert own_spread(simulate_study({}, 1, 0, images=100), "top1", 100) is None
    two = simulate_study({}, 2, 0, images=100)
    assert own_spread(two, "top1", 100).images == 100
    unfinished = two[(two["split"] == "random-0") | (two["target"] == "A")]  # half B of the second split is missing
    assert own_spread(unfinished, "top1", 100) is None


def test_the_plan_has_a_column_for_the_studys_own_splits():
    config = default_config()
    config["splits"]["random"] = 3
    section = power_section(StudyPlan(config), 2400, NOTHING, total=5)
    numbers = ["2 splits", "3 splits (yours)", "4 splits", "8 splits", "16 splits"]
    assert section.table.columns.tolist() == ["claim", "conclusion", "then", *numbers]
    assert section.table["claim"].tolist() == list(CLAIMS)
    assert "typical" in section.text and "2400 validation images" in section.text
    found = simulate_study({}, 2, 0, images=100)
    assert "of your finished splits" in power_section(StudyPlan(config), 100, found, total=5).text


def test_other_networks_and_smaller_studies():
    config = default_config()
    config["treatments"] = ["AnB"]
    rates = decision_rates(study_effects(config), typical_spread(2400), 1, (2,))
    table = power_table(rates).set_index("claim")
    assert table.loc[[1, 2, 3, 5, 8], "then"].eq("not simulated").all()
    assert table.loc[6, "2 splits"] in ("0.00", "1.00")
    config["network"]["architecture"] = "torchvision/resnet18"
    assert power_section(StudyPlan(config), 2400, NOTHING) is None
