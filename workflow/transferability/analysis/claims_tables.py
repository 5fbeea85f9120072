"""What becomes of the claims in a study, as tables and sentences: verdicts, premises, and what hangs on assumptions."""

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
RULES = """What differs by less than one point (.01) counts as equal, and "more" means by more than a point. A part is
confirmed if its whole 90 % interval (low to high) keeps the rule, contradicted if all of it breaks the rule, else not
decided. A claim is confirmed if all of its parts are, contradicted if one is; parts that are ours stand beside it and
do not count. Parts of which this study has no networks are not tested here; those that hang on initial weights are not
comparable where these are not drawn as the paper's. Levels are such that a verdict errs in at most 5 % of studies (for
a claim of several parts to be contradicted each is asked at 5 % divided by their number); docs/statistics.md says for
which that was simulated. Values are shares of 1. Where a part names several n, their mean decides. The paper's values
come from its own accuracies by the same rules."""
NOT_ITS_LAYERS = """The paper's claims speak of the eight layers of its network, and this study's network has others:
what its layers give is in advice.md."""


def claims_table(study: Study, paper: Study) -> pd.DataFrame:
    """Decide every claim; one row per part.

    Columns: claim, conclusion, verdict (the claim's), part, whose (ours: it does not decide the paper's claim),
    quantity, rule, paper (its value), value, low, high, networks, part_verdict, reason (why a part is not decided).
    Accuracies are shares.
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
    """What `claims_table` gives where the network has other layers than the paper's: nothing is decided, and why."""
    rows = [
        {"claim": number, "conclusion": conclusion, "verdict": NOT_TESTED, "reason": " ".join(NOT_ITS_LAYERS.split())}
        for number, (conclusion, _) in CLAIMS.items()
    ]
    return pd.DataFrame(rows)


def claims_summary(table: pd.DataFrame) -> pd.DataFrame:
    """Return a row per claim of `claims_table`: claim, verdict, conclusion, and its parts by their verdicts."""
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
    """Statements in a row; what is said at several n is said once: "equals base at 1-3"."""
    numbers: dict[str, list[int]] = {}
    for statement in statements:
        said, at, n = statement.rpartition(" at ")
        if at and n.isdecimal():
            numbers.setdefault(said, []).append(int(n))
        else:
            numbers[statement] = []
    return "; ".join(f"{said} at {range_in_words(tuple(n))}" if n else said for said, n in numbers.items())


def premises(study: Study) -> list[str]:
    """Say where claims 2 to 5 take for granted what this study does not show: training that had converged.

    That is, the control for longer training (B8B+) wins no more than MARGIN over base; where there is none, BnB at the
    smallest n does, whose layers above n are trained as long again.
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
            "than a point. Claims 2 to 5 take that for granted."
        ]
    return [
        f"{said}: training had not converged, and claims 2 to 5 speak of the schedule as much as of features. Train "
        "longer (training.length) before you rely on them."
    ]


def hangs_on_images(study: Study) -> list[str]:
    """Say which verdicts would be others if networks erred independently; nothing where outcomes by class are known."""
    if study.random_splits.empty or outcomes_known(study.random_splits):
        return []
    independent = study.with_independent_images()
    others = []
    for number, (_, parts) in CLAIMS.items():
        for part in parts:
            one, other = (part.verdict(each, part.estimate(each)) for each in (study, independent))
            others += [f"claim {number}, {part.statement}: {other} instead of {one}"] if one != other else []
    said = (
        "What networks had right of each class is not known here, so the error of the validation images is a share of "
        "that of networks that err independently, as in studies of which it is known (docs/statistics.md). "
    )
    if not others:
        return [f"{said}With all of it, every verdict is the same."]
    return [f"{said}With all of it, these verdicts would be others: {'; '.join(others)}."]


def _reason(verdict: str, found: Estimate) -> str:
    if verdict == NOT_COMPARABLE:
        return "its networks begin with other weights than the paper's"
    if verdict == NOT_TESTED:
        return "this study lacks networks that could tell"
    if verdict != NOT_DECIDED:
        return ""
    return "the interval crosses the bound" if found.degrees else "one split alone has no interval"
