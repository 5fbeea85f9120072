"""How many splits decide which claim: the claims' own rules, on simulated studies whose networks behave as the paper's.

The truth is the paper's: the mean relative accuracy of each treatment at each n, and for B8B+, which the paper lacks,
that of BnB+ over all n. A study draws around it, with the variances of `Spread`:

- for each split a deviation of the base networks, which all treatments have in common, and one of each treatment, at
  all n the same; and a rest of each cell (split, treatment, n). A cell is the mean of its two halves, as claims weigh
  them alike;
- an error of the validation images, which all splits share, of each treatment and one of base networks: as large as
  the rules take it to be where outcomes by class are not known (`image_errors`). So images need not be drawn one by one
  (`simulate_study` in benchmarks/ does, some ten times as slowly).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pandas as pd

from transferability.analysis.claim_parts import (
    CONFIRMED,
    CONTRADICTED,
    NOT_COMPARABLE,
    NOT_DECIDED,
    PAPERS_WEIGHTS,
    Study,
)
from transferability.analysis.claims import CLAIMS, decide
from transferability.analysis.image_errors import IMAGE_SHARE, SHARED, image_shares
from transferability.analysis.kernels import read_kernels
from transferability.analysis.relative import CONTROL, relative_accuracies
from transferability.common.pages import Section
from transferability.common.resources import RESOURCES
from transferability.results.accuracies import COLUMNS
from transferability.results.paper import paper_accuracies
from transferability.study.architectures import has_the_papers_layers, study_layers
from transferability.study.grid import control_names, study_networks
from transferability.study.network import WHOLE

SPLITS = (2, 4, 8, 16)
STUDIES = 240  # simulated in all: 10 s of a slow core, which a plan can wait for
MEASURE, CLASSES = "top1_best10", 1000  # of the paper's accuracies
ONE_SPLIT, DISTANT = "random-0", "manmade-natural"

# Typical deviations, where a study has none of its own, between what `own_spread` finds in two:
# the default pictures, two splits, 2400 validation images: base .0005, treatment 0, rest .0105 (.27 / images),
# the paper's AnB, four splits, 50000 images: treatment .0005, rest .0017 (.14 / images).
# So the rest is what finitely many images give, and little more.
BASE, TREATMENT, REST = 0.0005, 0.0005, 0.2


@dataclass(frozen=True)
class Spread:
    """Standard deviations of relative accuracies (shares), as the module says, and the number of validation images."""

    base: float
    treatment: float
    rest: float
    images: int


def typical_spread(images: int) -> Spread:
    """Return the spread to expect of a study with so many validation images."""
    return Spread(BASE, TREATMENT, float(np.sqrt(REST / images)), images)


def own_spread(accuracies: pd.DataFrame, measure: str, images: int) -> Spread | None:
    """Return the spread of a study's finished networks (`accuracies.COLUMNS`), None if no two random splits have it.

    Moments: what is left of a treatment's cells (mean of both halves), less the means of each split and of each n, is
    the rest; what treatments' means of splits have in common (covariance) comes from the base networks; what they vary
    beyond these two is their own. A variance is never less than nothing.
    """
    relative = relative_accuracies(accuracies, measure)
    relative = relative[relative["split"].str.startswith("random-")]
    squares, degrees, shares, means = 0.0, 0, [], {}
    for treatment, rows in relative.groupby("treatment"):
        halves = rows.groupby(["split", "n"])["relative"].agg(["mean", "size"])
        cells = halves["mean"].where(halves["size"] == 2).unstack().dropna(how="all").dropna(axis=1)
        splits, numbers = cells.shape
        if splits < 2 or numbers < 2:
            continue
        means[treatment] = cells.mean(axis=1)
        rest = cells.sub(means[treatment], axis=0)
        squares += float(((rest - rest.mean()) ** 2).to_numpy().sum())
        degrees += (splits - 1) * (numbers - 1)
        shares.append(1 / numbers)
    if not degrees:
        return None
    rest = squares / degrees
    covariances = pd.DataFrame(means).cov().to_numpy()
    others = covariances[~np.eye(len(covariances), dtype=bool) & ~np.isnan(covariances)]
    common = max(0.0, float(others.mean())) if len(others) else 0.0
    own = max(0.0, float(np.mean(np.diag(covariances))) - common - rest * np.mean(shares))
    return Spread(*map(float, np.sqrt([common, own, rest])), images)


@cache
def paper_effects() -> pd.DataFrame:
    """Return the paper's mean relative accuracies: columns split (random-0 for all random ones), treatment, n, ...

    base (mean accuracy of the base networks) and relative.
    """
    table = relative_accuracies(paper_accuracies(RESOURCES / "paper_accuracies.csv"), MEASURE)
    table["split"] = table["split"].str.replace(r"random-\d+", ONE_SPLIT, regex=True)
    effects = table.groupby(["split", "treatment", "n"], as_index=False)[["base", "relative"]].mean()
    tuned = effects[effects["treatment"] == "BnB+"]
    control = tuned.groupby(["split", "treatment"], as_index=False)[["base", "relative"]].mean()
    return pd.concat([effects, control.assign(treatment=CONTROL, n=0)], ignore_index=True)


def study_effects(config: Mapping) -> pd.DataFrame:
    """Return the rows of `paper_effects` for the networks that a study has, were it of one random split.

    The control has the number of all layers as n.
    """
    layers = len(study_layers(config))
    one = {**config, "splits": {**config["splits"], "random": 1}}
    controls = control_names(one)
    rows = {
        (network.split, CONTROL if (network.split, network.name) in controls else network.notation, network.n)
        for network in study_networks(one)
    }
    wanted = pd.DataFrame(sorted(rows), columns=["split", "treatment", "n"])
    effects = paper_effects()
    return wanted.merge(effects.assign(n=effects["n"].where(effects["treatment"] != CONTROL, layers)))


def simulated_study(
    effects: pd.DataFrame, splits: int, spread: Spread, seed: int, architecture: str = PAPERS_WEIGHTS
) -> Study:
    """Return a study of so many random splits, to decide claims from; of base networks and kernels it has nothing."""
    rng = np.random.default_rng(seed)
    randomly = effects[effects["split"] == ONE_SPLIT]
    whole = effects[effects["split"] == WHOLE]
    return replace(
        _empty_study(),
        random_splits=_drawn(randomly, [f"random-{k}" for k in range(splits)], spread, rng),
        manmade_natural=_drawn(effects[effects["split"] == DISTANT], [DISTANT], spread, rng),
        random_filters=_drawn(whole, [WHOLE], spread, rng),
        whole=pd.DataFrame({MEASURE: whole["base"], "classes": CLASSES}),
        papers_weights=architecture == PAPERS_WEIGHTS,
    )


@cache
def _empty_study() -> Study:
    return Study.from_tables(pd.DataFrame(columns=COLUMNS), read_kernels([]), MEASURE)


def _drawn(effects: pd.DataFrame, names: Sequence[str], spread: Spread, rng: np.random.Generator) -> pd.DataFrame:
    """Relative accuracies (as `relative_accuracies`) on splits of these names; a row stands for both halves."""
    share = image_shares(effects).to_numpy()
    kinds = pd.factorize(effects["treatment"])[0]
    base = effects["base"].to_numpy()
    truth = effects["relative"].to_numpy()
    accuracy = base + truth
    shared = rng.standard_normal(len(effects))[kinds] * np.sqrt(share * accuracy * (1 - accuracy) / spread.images)
    shared += rng.standard_normal() * np.sqrt(SHARED * base * (1 - base) / spread.images)
    own = rng.normal(0, spread.base, (len(names), 1))
    own = own + rng.normal(0, spread.treatment, (len(names), len(effects)))[:, kinds]
    relative = truth + shared + own + rng.normal(0, spread.rest, (len(names), len(effects)))
    table = effects.loc[effects.index.repeat(len(names)), ["treatment", "n", "base"]].reset_index(drop=True)
    table = table.assign(split=list(names) * len(effects), target="both", relative=relative.T.ravel())
    table = table.assign(val_images=spread.images, **{IMAGE_SHARE: np.repeat(share, len(names))})
    return table.assign(accuracy=(table["base"] + table["relative"]).clip(0, 1))


def verdicts(study: Study) -> dict[int, str | None]:
    """Decide every claim by its own rules; None where the study lacks what a part needs, or cannot be compared."""
    decided = {}
    for number, (_, parts) in CLAIMS.items():
        needed = [part for part in parts if not part.ours]
        found = [part.estimate(study) for part in needed]
        verdict = decide(study, needed, found) if all(one.networks for one in found) else None
        decided[number] = None if verdict == NOT_COMPARABLE else verdict
    return decided


def decision_rates(
    effects: pd.DataFrame,
    spread: Spread,
    studies: int,
    splits: Sequence[int] = SPLITS,
    architecture: str = PAPERS_WEIGHTS,
) -> pd.DataFrame:
    """Return the shares of `studies` simulated studies of each number of splits that confirm and contradict each claim.

    Columns: claim, splits, confirmed, contradicted; shares are NaN where a claim cannot be simulated.
    """
    rows = []
    for number in splits:
        drawn = (simulated_study(effects, number, spread, seed, architecture) for seed in range(studies))
        table = pd.DataFrame(map(verdicts, drawn))
        for claim, column in table.items():
            shares = [np.nan, np.nan]
            if column.notna().all():
                shares = [float((column == verdict).mean()) for verdict in (CONFIRMED, CONTRADICTED)]
            rows.append([claim, number, *shares])
    return pd.DataFrame(rows, columns=["claim", "splits", CONFIRMED, CONTRADICTED])


TEXT = """How likely each claim is decided, confirmed or contradicted, if your networks behave as the paper's: shares of
{studies} simulated studies, each within {error:.2f} of the truth. "Then" is the most frequent verdict with the most
splits. Standard deviations are {origin}: between splits {base:.4f} of base networks and {treatment:.4f} of treatments,
{rest:.4f} of the rest, with {images} validation images. A claim that other data than relative accuracies decide,
networks that the configuration leaves out, or initial weights that are not the paper's, is not simulated."""
NOT_SIMULATED = "not simulated"


def power_section(config: Mapping, images: int, accuracies: pd.DataFrame, total: int = STUDIES) -> Section | None:
    """Return the table of what how many splits decide; None for networks that the claims do not speak of.

    `images` is the number of validation images of all classes, `accuracies` has the networks that are finished.
    """
    architecture = config["network"]["architecture"]
    if not has_the_papers_layers(architecture):
        return None
    own = own_spread(accuracies, "top1", images)
    spread = own or typical_spread(images)
    ours = config["splits"]["random"]
    numbers = sorted({*SPLITS, ours} - {0, 1})
    studies = max(1, total // len(numbers))
    rates = decision_rates(study_effects(config), spread, studies, numbers, architecture)
    text = TEXT.format(
        studies=studies,
        error=1.96 * np.sqrt(0.25 / studies),
        origin="those of your finished splits" if own else "typical ones, until two of your random splits are finished",
        base=spread.base,
        treatment=spread.treatment,
        rest=spread.rest,
        images=images,
    )
    return Section("Power", text, power_table(rates, ours))


def power_table(rates: pd.DataFrame, ours: int = 0) -> pd.DataFrame:
    """Lay out `decision_rates` for a reader: a row for each claim, a column for each number of splits."""
    decided = rates.assign(decided=rates[CONFIRMED] + rates[CONTRADICTED]).pivot(
        index="claim", columns="splits", values="decided"
    )
    decided = decided.map(lambda share: "" if pd.isna(share) else f"{share:.2f}")
    decided.columns = [f"{n} splits{' (yours)' if n == ours else ''}" for n in decided.columns]
    most = rates[rates["splits"] == rates["splits"].max()].set_index("claim")[[CONFIRMED, CONTRADICTED]]
    then = {claim: _expected(row) for claim, row in most.iterrows()}
    names = {claim: conclusion for claim, (conclusion, _) in CLAIMS.items()}
    table = decided.rename_axis("claim").reset_index()
    table.insert(1, "conclusion", table["claim"].map(names))
    table.insert(2, "then", table["claim"].map(then))
    return table


def _expected(shares: pd.Series) -> str:
    """The most frequent verdict."""
    if shares.isna().any():
        return NOT_SIMULATED
    return str(shares.idxmax()) if shares.max() > 1 - shares.sum() else NOT_DECIDED
