"""How many splits decide a claim: the claims' own rules applied to simulated studies with the effects of the paper.

The true effects are the paper's: the mean relative accuracy of each treatment at each n and, for B8B+, which the paper
lacks, that of BnB+ over all n. A simulated study draws deviations from them, with the variances of `Spread`:

- for each split, a deviation of the base networks, common to all treatments, and a deviation of each treatment, the
  same at all n; and a residual for each cell (split, treatment, n). A cell is the mean of its two halves, as claims
  give them equal weight;
- an error of the validation images, which all splits share, for each treatment and for the base networks: as large as
  the rules assume if accuracies by class are not known (`image_errors`). So images need not be drawn one by one
  (`simulate_study` in benchmarks/ does that, and is about ten times as slow).
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
from transferability.study.network import WHOLE
from transferability.study.study_plan import StudyPlan

SPLITS = (2, 4, 8, 16)
STUDIES = 240  # simulated studies in total: 10 s of a slow core, short enough for a plan
MEASURE, CLASSES = "top1_best10", 1000  # for the paper's accuracies
ONE_SPLIT, DISTANT = "random-0", "manmade-natural"

# Typical deviations, used if a study has none of its own; they lie between those `own_spread` finds in two studies:
# the default pictures, two splits, 2400 validation images: base .0005, treatment 0, rest .0105 (.27 / images);
# the paper's AnB, four splits, 50000 images: treatment .0005, rest .0017 (.14 / images).
# So the rest is little more than the error of finitely many images.
BASE, TREATMENT, REST = 0.0005, 0.0005, 0.2


@dataclass(frozen=True)
class Spread:
    """Standard deviations of relative accuracies (shares), as in the module, and the number of validation images."""

    base: float
    treatment: float
    rest: float
    images: int


def typical_spread(images: int) -> Spread:
    """Return the spread to expect in a study with this number of validation images."""
    return Spread(BASE, TREATMENT, float(np.sqrt(REST / images)), images)


def own_spread(accuracies: pd.DataFrame, measure: str, images: int) -> Spread | None:
    """Return the spread of a study's finished networks (`accuracies.COLUMNS`); None without two random splits for it.

    The method of moments: a treatment's cells (means of both halves), less the means of each split and of each n, give
    the rest. The covariance of treatments' means over splits gives the base networks' part. The further variance of
    these means is the treatments' own. A variance is at least 0.
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
    """Return the paper's mean relative accuracies.

    Columns: split (random-0 for all random splits), treatment, n, base (mean accuracy of the base networks), relative.
    """
    table = relative_accuracies(paper_accuracies(RESOURCES / "paper_accuracies.csv"), MEASURE)
    table["split"] = table["split"].str.replace(r"random-\d+", ONE_SPLIT, regex=True)
    effects = table.groupby(["split", "treatment", "n"], as_index=False)[["base", "relative"]].mean()
    tuned = effects[effects["treatment"] == "BnB+"]
    control = tuned.groupby(["split", "treatment"], as_index=False)[["base", "relative"]].mean()
    return pd.concat([effects, control.assign(treatment=CONTROL, n=0)], ignore_index=True)


def study_effects(config: Mapping) -> pd.DataFrame:
    """Return the rows of `paper_effects` for the networks that a study with one random split has.

    The n of the control is the number of all layers.
    """
    one = StudyPlan({**config, "splits": {**config["splits"], "random": 1}})
    rows = {
        (network.split, CONTROL if (network.split, network.name) in one.controls else network.notation, network.n)
        for network in one.networks
    }
    wanted = pd.DataFrame(sorted(rows), columns=["split", "treatment", "n"])
    effects = paper_effects()
    return wanted.merge(effects.assign(n=effects["n"].where(effects["treatment"] != CONTROL, len(one.main.layers))))


def simulated_study(
    effects: pd.DataFrame, splits: int, spread: Spread, seed: int, architecture: str = PAPERS_WEIGHTS
) -> Study:
    """Return a simulated study with this number of random splits; it has no base networks and no kernels."""
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
    """Draw relative accuracies (as `relative_accuracies`) on splits with these names; a row stands for both halves."""
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
    """Decide every claim by its own rules; None if the study lacks networks for a part, or cannot be compared."""
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
    """Return the shares of simulated studies that confirm and contradict each claim, for each number of splits.

    `studies` are simulated for each number. Columns: claim, splits, confirmed, contradicted; shares are NaN if a claim
    cannot be simulated.
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


TEXT = """The probability that each claim is decided (confirmed or contradicted) if your networks behave like the
paper's: shares of {studies} simulated studies, each within {error:.2f} of the true value. "Then" is the most frequent
verdict with the largest number of splits. Standard deviations are {origin}: between splits {base:.4f} for base networks
and {treatment:.4f} for treatments, {rest:.4f} for the rest, with {images} validation images. A claim is not simulated
if it depends on data other than relative accuracies, on networks that the configuration leaves out, or on initial
weights that are not drawn as the paper's."""
NOT_SIMULATED = "not simulated"


def power_section(study: StudyPlan, images: int, accuracies: pd.DataFrame, total: int = STUDIES) -> Section | None:
    """Return the table of how likely numbers of splits decide claims; None for networks that the claims do not cover.

    `images` is the number of validation images of all classes; `accuracies` has the finished networks.
    """
    if not study.has_the_papers_layers:
        return None
    own = own_spread(accuracies, "top1", images)
    spread = own or typical_spread(images)
    ours = study.config["splits"]["random"]
    numbers = sorted({*SPLITS, ours} - {0, 1})
    studies = max(1, total // len(numbers))
    rates = decision_rates(study_effects(study.config), spread, studies, numbers, study.main.architecture)
    text = TEXT.format(
        studies=studies,
        error=1.96 * np.sqrt(0.25 / studies),
        origin="those of your finished splits" if own else "typical values until two of your random splits finish",
        base=spread.base,
        treatment=spread.treatment,
        rest=spread.rest,
        images=images,
    )
    return Section("Power", text, power_table(rates, ours))


def power_table(rates: pd.DataFrame, ours: int = 0) -> pd.DataFrame:
    """Format `decision_rates` for a page: a row for each claim, a column for each number of splits."""
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
