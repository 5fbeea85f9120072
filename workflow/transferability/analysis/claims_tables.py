"""The results of the claims in a study, as tables and sentences: verdicts, premises, and the effect of assumptions."""

from collections.abc import Iterable, Iterator

import pandas as pd

from transferability.analysis.claim_parts import (
    CONFIRMED,
    CONTRADICTED,
    MARGIN,
    NOT_COMPARABLE,
    NOT_DECIDED,
    NOT_TESTED,
    Rule,
    Study,
)
from transferability.analysis.claims import CLAIMS, LONGER, OURS, decide
from transferability.analysis.effects import Estimate, estimate, range_in_words
from transferability.analysis.image_errors import outcomes_known

VERDICTS = (CONFIRMED, CONTRADICTED, NOT_DECIDED, NOT_COMPARABLE, NOT_TESTED)
RULES = """A difference of less than one point (.01) counts as equal, and "more" means by more than a point. A part is
confirmed if its whole 90 % interval (low to high) fulfils the rule, contradicted if the whole interval breaks the rule,
and otherwise not decided. A claim is confirmed if all of its parts are, and contradicted if one is; our own parts are
shown beside it and do not count. Parts whose networks this study lacks are not tested here. Parts that depend on
initial weights are not comparable if these are not drawn as the paper's. Levels are chosen so that a verdict errs in at
most 5 % of studies: a claim with several parts is contradicted at 5 % divided by their number. docs/statistics.md
reports for which verdicts this was simulated. Values are shares of 1. If a part names several n, their mean decides.
The paper's values are computed from its own accuracies by the same rules."""
NOT_ITS_LAYERS = """The paper's claims are about the eight layers of its network, and this study's network has other
layers: advice.md shows the results for these."""


def claims_table(study: Study, paper: Study) -> pd.DataFrame:
    """Decide every claim; one row per part.

    Columns: claim, conclusion, verdict (of the claim), part, whose ("ours" does not decide the paper's claim),
    quantity, rule, paper (the paper's value), value, low, high, networks, part_verdict, reason (why a part is not
    decided). Accuracies are shares.
    """
    rows = []
    for number, (conclusion, parts) in CLAIMS.items():
        found = [part.estimate(study) for part in parts]
        verdict = decide(study, parts, found)
        for part, ours in zip(parts, found, strict=True):
            own = part.verdict(study, ours)
            rows.append(
                {
                    "claim": number,
                    "conclusion": conclusion,
                    "verdict": verdict,
                    "part": part.statement,
                    "whose": "ours" if part.ours or number == OURS else "the paper's",
                    "quantity": part.quantity,
                    "rule": str(part.rule),
                    "paper": part.estimate(paper).value,
                    "value": ours.value,
                    "low": part.interval(ours)[0],
                    "high": part.interval(ours)[1],
                    "networks": ours.networks,
                    "part_verdict": own,
                    "reason": _reason(own, ours),
                }
            )
    return pd.DataFrame(rows)


def claims_left_out() -> pd.DataFrame:
    """Return the table to use instead of `claims_table` if the network has other layers than the paper's.

    Columns: claim, conclusion, verdict ("not tested here"), reason.
    """
    rows = [
        {"claim": number, "conclusion": conclusion, "verdict": NOT_TESTED, "reason": " ".join(NOT_ITS_LAYERS.split())}
        for number, (conclusion, _) in CLAIMS.items()
    ]
    return pd.DataFrame(rows)


def claims_summary(table: pd.DataFrame) -> pd.DataFrame:
    """Return a row per claim of `claims_table`: claim, verdict, conclusion, and parts (a text, grouped by verdict)."""
    rows = []
    for (claim, conclusion, verdict), parts in table.groupby(["claim", "conclusion", "verdict"], sort=False):
        beside = (parts["whose"] == "ours") & (claim != OURS)
        said = list(_by_verdict(parts[~beside])) if len(parts) > 1 else []
        said += [f"Ours, beside it: {one}" for one in _by_verdict(parts[beside])]
        rows.append({"claim": claim, "verdict": verdict, "conclusion": conclusion, "parts": ". ".join(said)})
    return pd.DataFrame(rows)


def _by_verdict(parts: pd.DataFrame) -> Iterator[str]:
    by_verdict = parts.groupby("part_verdict", sort=False)["part"].agg(_joined)
    return (f"{own}: {by_verdict[own]}" for own in VERDICTS if own in by_verdict)


def _joined(statements: Iterable[str]) -> str:
    """Join statements; a statement repeated at several n appears once: "equals base at 1-3"."""
    numbers: dict[str, list[int]] = {}
    for statement in statements:
        said, at, n = statement.rpartition(" at ")
        if at and n.isdecimal():
            numbers.setdefault(said, []).append(int(n))
        else:
            numbers[statement] = []
    return "; ".join(f"{said} at {range_in_words(tuple(n))}" if n else said for said, n in numbers.items())


def premises(study: Study) -> list[str]:
    """Return a warning if this study does not show that training had converged, which claims 2 to 5 assume.

    Training had converged if the control for longer training (B8B+) wins at most MARGIN over base. Without a control,
    this is tested on BnB at the smallest n, whose layers above n are trained for as long again.
    """
    numbers = study.random_splits.loc[study.random_splits["treatment"] == "BnB", "n"]
    candidates = [("B8B+", LONGER)]
    if len(numbers):
        candidates.append((f"BnB at n = {numbers.min()}", ("BnB", (numbers.min(),))))
    for name, group in candidates:
        found = estimate(study.random_splits, {group: 1.0})
        if found.networks:
            return _converged(name, found)
    return []


def _converged(name: str, found: Estimate) -> list[str]:
    verdict = Rule(high=MARGIN).verdict(found)
    if verdict == CONFIRMED:
        return []
    low, high = found.interval()
    interval = f" ({100 * low:+.1f} to {100 * high:+.1f})" if found.degrees else ""
    said = f"{name} lies {100 * found.value:+.1f} points{interval} from base"
    if verdict == NOT_DECIDED:
        return [
            f"{said}: it is not decided whether training had converged, that is, whether longer training wins less "
            "than a point. Claims 2 to 5 assume that it had."
        ]
    return [
        f"{said}: training had not converged, and claims 2 to 5 reflect the schedule as much as the features. Train "
        "longer (training.length) before you rely on them."
    ]


def hangs_on_images(study: Study) -> list[str]:
    """Return which verdicts would differ if networks erred independently; empty if outcomes by class are known."""
    if study.random_splits.empty or outcomes_known(study.random_splits):
        return []
    independent = study.with_independent_images()
    others = []
    for number, (_, parts) in CLAIMS.items():
        for part in parts:
            one, other = (part.verdict(each, part.estimate(each)) for each in (study, independent))
            others += [f"claim {number}, {part.statement}: {other} instead of {one}"] if one != other else []
    said = (
        "Accuracies by class are not known here, so the error of the validation images is taken as a share of that of "
        "networks that err independently, as measured in studies with known accuracies by class (docs/statistics.md). "
    )
    if not others:
        return [f"{said}With all of that error, every verdict is the same."]
    return [f"{said}With all of that error, these verdicts would differ: {'; '.join(others)}."]


def _reason(verdict: str, found: Estimate) -> str:
    if verdict == NOT_COMPARABLE:
        return "its networks begin with other weights than the paper's"
    if verdict == NOT_TESTED:
        return "this study lacks the networks to test it"
    if verdict != NOT_DECIDED:
        return ""
    return "the interval crosses the bound" if found.degrees else "one split alone has no interval"
