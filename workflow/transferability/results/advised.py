"""The arm that a study's advice names for given networks, from advice.csv."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from transferability.common.errors import InputError
from transferability.study.network import given_name
from transferability.study.study_plan import StudyPlan


@dataclass(frozen=True)
class Advised:
    """The advised arm: its name as a network without the split (A15~3B), and the NAME of its given network.

    `given` is "" for an arm of all given networks together, such as training from scratch. `loss_bound` is what the
    arm may lose at most against the best arm, as a share; None if it is not known.
    """

    given: str
    network: str
    loss_bound: float | None

    def repeats(self, outcomes: pd.DataFrame) -> pd.Series:
        """Return whether each row of a table with columns split and network is one of this arm's repeats, as bool."""
        is_own = (outcomes["split"].map(given_name) == self.given) | (self.given == "")
        return (outcomes["network"] == self.network) & is_own

    def name_in(self, study: StudyPlan) -> str:
        """Return the name by which `given_arms.first_repeat` finds this arm: NAME/A15~3B."""
        return f"{self.given or next(iter(study.config['given']['weights']))}/{self.network}"


def read_advised(advice: Path) -> Advised:
    """Read the advised arm of given networks; raise InputError if the table does not name exactly one."""
    table = pd.read_csv(advice, dtype={"given": str, "network": str, "source": str}, keep_default_na=False)
    missing = {"source", "given", "network", "advised"} - set(table)
    rows = table if missing else table[(table["source"] == "given") & table["advised"].isin([True, "True"])]
    if not missing and rows.empty:
        raise InputError(
            f"{advice} names no network: no layers of a given network are copied; add An~B to config key treatments"
        )
    if missing or len(rows) != 1:
        wrong = f"no column {min(missing)}" if missing else f"{len(rows)} advised arms of given networks"
        raise InputError(f"{advice} is damaged ({wrong}); delete it and run again")
    row = rows.iloc[0]
    bound = pd.to_numeric(row.get("loss_bound"), errors="coerce")
    return Advised(row["given"], row["network"], None if pd.isna(bound) else float(bound))
