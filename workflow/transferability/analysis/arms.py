"""The arms of a study: the ways to train a network that advice chooses from, with what the study found about each.

An arm is a treatment at an n, of a given network if there are several: An~B (all layers but the classifier are copied,
the first n frozen), AnB and AnB+, and for reference training from scratch and, if trained, longer training.
All arms are compared in the same blocks. A block of given networks is a repeat, which is a fold in an image set divided
into folds; all given networks of a study share it. Otherwise a block is a split, and both directions are averaged.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from transferability.analysis.claim_parts import MARGIN
from transferability.analysis.decision import Evidence
from transferability.analysis.image_errors import image_shares
from transferability.analysis.paired_images import independent_variance, one_more_image, shared_variance
from transferability.results.accuracies import BY_CLASS, with_residuals
from transferability.study.network import ALL_COPIED, GIVEN, Network, given_name

FROZEN, TUNED, SCRATCH, LONGER = "AnB", "AnB+", "scratch", "longer training"
COPIES = (ALL_COPIED, FROZEN, TUNED)
TREATMENTS = (*COPIES, LONGER, SCRATCH)  # in the order of tables
SPLITS, FOLDS, REPEATS = "split", "fold", "repeat"  # kinds of blocks
GIVEN_SOURCE = "given"
KEY = ["given", "treatment", "n"]


@dataclass(frozen=True)
class Records:
    """The tables of a study: accuracies (`accuracies.COLUMNS`) with the column `measure` to compare, and what is known.

    `layers` are the names of the layers on each split. `by_class` is a table of `by_class_table`, `outcomes` one of
    `read_units`. `costs` has the columns split, network, operations, cost, seconds and memory_mb. `folds` is the number
    of folds of the image set, if it is divided into folds; differences up to `margin` do not matter.
    """

    accuracies: pd.DataFrame
    measure: str
    layers: Mapping[str, Sequence[str]]
    by_class: pd.DataFrame = field(default_factory=pd.DataFrame)
    outcomes: pd.DataFrame = field(default_factory=pd.DataFrame)
    costs: pd.DataFrame = field(default_factory=pd.DataFrame)
    folds: int | None = None
    margin: float = MARGIN


@dataclass(frozen=True)
class Source:
    """The arms with one source of features: `given` (all given networks), `random` or `manmade-natural`.

    `arms` has a row per arm, in the order of `evidence`: given, network, treatment, n, layer, layers (their number),
    learning (the number of layers that are trained), networks, balanced_accuracy, operations, cost, minutes, memory_mb.
    `kind` is that of its blocks, of which the study has `all_blocks`; `images` is the number of validation images.
    `by_image` is whether differences are paired by image (or class, on splits).
    """

    name: str
    arms: pd.DataFrame
    evidence: Evidence
    kind: str
    all_blocks: int
    images: int
    by_image: bool
    costs_known: bool


def sources(records: Records) -> list[Source]:
    """Return the sources of a study that copies layers, in the order in which the table of accuracies has them."""
    networks = _networks(records)
    groups = networks.groupby("source", sort=False)
    return [_source(name, rows, records) for name, rows in groups if rows["treatment"].isin(COPIES).any()]


def _networks(records: Records) -> pd.DataFrame:
    """The networks that belong to an arm, with their arm and block; `value` is the accuracy."""
    table = with_residuals(records.accuracies, records.by_class).reset_index(drop=True)
    parsed = [Network.parse(*key) for key in zip(table["split"], table["network"], strict=True)]
    counts = [len(records.layers.get(network.split, ())) for network in parsed]
    rows = zip(parsed, table["control"].astype(bool), counts, strict=True)
    table["treatment"] = [_treatment(*row) for row in rows]
    table["layers"], table["value"] = counts, table[records.measure]
    table["learning"] = [layers - one.frozen for one, layers in zip(parsed, counts, strict=True)]
    copied = np.array([network.copied for network in parsed])
    both = table["split"].isin(table.loc[table["treatment"] == ALL_COPIED, "split"])
    ends = both & (copied == table["layers"] - 1) & table["treatment"].isin(COPIES)
    table.loc[ends & (table["treatment"] == TUNED), "n"] = 0
    table.loc[ends, "treatment"] = ALL_COPIED
    table["n"] = table["n"].where(table["treatment"] != LONGER, 0)
    found = pd.DataFrame([source_of(split) for split in table["split"]], columns=["source", "given"], index=table.index)
    block = table["split"].str.extract(r"-(\d+)$")[0].fillna("0").astype(int)
    return table.assign(source=found["source"], given=found["given"], block=block).dropna(subset=["treatment"])


def source_of(split: str) -> tuple[str, str]:
    """Return the source of features that a split belongs to, and the name of its given network, or ""."""
    if split.startswith(GIVEN):
        return GIVEN_SOURCE, given_name(split)
    return re.sub(r"-\d+$", "", split), ""


def _treatment(network: Network, control: bool, layers: int) -> str | None:
    """The treatment of the arm of a network; None if it belongs to none."""
    if control:
        return LONGER
    if network.treatment == "base":
        return SCRATCH
    if network.treatment == "preserved" and network.source != network.target and network.copied == layers - 1:
        return ALL_COPIED
    return network.notation if network.notation in (FROZEN, TUNED) else None


def _source(name: str, rows: pd.DataFrame, records: Records) -> Source:
    found = _cells(rows)
    cells = _complete(found, list(rows["given"].unique()))
    rows = rows[rows["block"].isin(cells.columns)]
    arms = _arms(rows, cells.index, records)
    folds = records.folds if name == GIVEN_SOURCE else None
    per_block = rows.groupby(["block", "target"])["val_images"].max().groupby("block").sum()
    images = int(per_block[:folds].sum() if folds else per_block.max())
    shared = np.zeros((len(arms), len(arms))) if folds else _by_image(rows, cells, records.outcomes, name)
    by_image = shared is not None
    if not by_image:
        shared = independent_variance(cells.mean(axis=1).to_numpy(), images, _shares(arms, rows))
    variance = shared + one_more_image(images) * (1 - np.eye(len(arms)))
    overlap = float((rows["val_images"] / rows["train_images"]).mean()) if folds else 0.0
    evidence = Evidence(
        cells.to_numpy(), arms["operations"].fillna(np.inf).to_numpy(), variance, overlap, records.margin
    )
    kind = FOLDS if folds else REPEATS if name == GIVEN_SOURCE else SPLITS
    return Source(name, arms, evidence, kind, found.shape[1], images, by_image, not records.costs.empty)


def _complete(cells: pd.DataFrame, given: list[str]) -> pd.DataFrame:
    """Keep the arms of the fullest block, and the blocks that have all of these; sort arms as in tables."""
    fullest = cells.notna().sum().idxmax()
    chosen = cells[cells[fullest].notna()].dropna(axis="columns")
    orders = {"given": given, "treatment": TREATMENTS}
    return chosen.sort_index(key=lambda level: level.map(orders[level.name].index) if level.name in orders else level)


def _cells(rows: pd.DataFrame) -> pd.DataFrame:
    """The accuracy of each arm (KEY) in each block; missing where it has no network.

    It is the base networks' mean accuracy plus the mean difference from the base network of the same half, so that a
    missing direction favours neither side.
    """
    base = rows[rows["treatment"] == SCRATCH]
    own_base = base.set_index(["split", "target"])["value"].rename("base")
    rows = rows.join(own_base, on=["split", "target"])
    relative = (rows["value"] - rows["base"]).groupby([rows[name] for name in (*KEY, "block")]).mean().unstack("block")
    means = base.groupby(["given", "block"])["value"].mean().unstack("block")
    return relative + means.loc[relative.index.get_level_values("given")].to_numpy()


def _arms(rows: pd.DataFrame, keys: pd.MultiIndex, records: Records) -> pd.DataFrame:
    """The table `Source.arms`."""
    rows = _with_balanced_accuracy(_with_costs(rows, records.costs), records.by_class)
    by_arm = rows.sort_values("target", ascending=False, kind="stable").groupby(KEY, sort=False)
    first = by_arm[["network", "split", "layers", "learning"]].first()
    numbers = by_arm[["balanced_accuracy", "operations", "minutes", "memory_mb"]].mean()
    arms = first.join(numbers).assign(networks=by_arm.size()).loc[keys].reset_index()
    names = zip(arms["split"], arms["n"], strict=True)
    arms["layer"] = [_layer(records.layers.get(split, ()), int(n)) for split, n in names]
    scratch = arms[arms["treatment"] == SCRATCH].set_index("given")[["operations", "minutes"]]
    longer = arms["treatment"] == LONGER  # trained twice: the base network, and again
    arms.loc[longer, ["operations", "minutes"]] += scratch.loc[arms.loc[longer, "given"]].to_numpy()
    whole = (rows["operations"] / rows["cost"]).max()
    return arms.drop(columns="split").assign(cost=arms["operations"] / whole)


def _layer(names: Sequence[str], n: int) -> str:
    return names[n - 1] if 0 < n <= len(names) else ""


def _with_costs(rows: pd.DataFrame, costs: pd.DataFrame) -> pd.DataFrame:
    """Add operations, cost, minutes and memory_mb; without costs, the share of layers that learn is the cost."""
    if costs.empty:
        share = rows["learning"] / rows["layers"].where(rows["layers"] > 0, 1)
        return rows.assign(operations=share, cost=share, minutes=np.nan, memory_mb=np.nan)
    known = costs.set_index(["split", "network"])[["operations", "cost", "seconds", "memory_mb"]].astype(float)
    joined = rows.join(known, on=["split", "network"])
    return joined.assign(minutes=joined["seconds"] / 60)


def _with_balanced_accuracy(rows: pd.DataFrame, by_class: pd.DataFrame) -> pd.DataFrame:
    """Add the mean over classes of the share of images that are right; empty where it is not known."""
    if by_class.empty:
        return rows.assign(balanced_accuracy=np.nan)
    share = (by_class["correct"] / by_class["images"]).rename("balanced_accuracy")
    return rows.join(share.groupby([by_class["split"], by_class["network"]]).mean(), on=["split", "network"])


def _by_image(rows: pd.DataFrame, cells: pd.DataFrame, outcomes: pd.DataFrame, name: str) -> np.ndarray | None:
    """The variance that all blocks share (`shared_variance`); None for one block, and where outcomes are not known."""
    given = name == GIVEN_SOURCE
    known = _influences(outcomes) if given else dict(zip(_names(rows), rows[BY_CLASS], strict=True))
    if cells.shape[1] < 2 or any(known.get(network) is None for network in _names(rows)):
        return None
    groups = rows.groupby([*KEY, "block"])
    tables = {key: [known[network] for network in _names(own)] for key, own in groups}
    units = pd.Index(np.unique(np.concatenate([one.index for table in tables.values() for one in table])))
    influence = np.zeros((*cells.shape, len(units)))
    for arm, key in enumerate(cells.index):
        for place, block in enumerate(cells.columns):
            own = tables[*key, block]
            for one in own:
                influence[arm, place, units.get_indexer(one.index)] += one.to_numpy() / len(own)
    return shared_variance(influence)


def _influences(outcomes: pd.DataFrame) -> dict[tuple[str, str], pd.Series]:
    """What each unit adds to the accuracy of each network: (right - accuracy) / images, summed over its images."""
    if outcomes.empty:
        return {}
    networks = outcomes.groupby(["split", "network"])["right"]
    influence = (outcomes["right"] - networks.transform("mean")) / networks.transform("size")
    sums = influence.groupby([outcomes["split"], outcomes["network"], outcomes["unit"]]).sum()
    return {key: one.droplevel([0, 1]) for key, one in sums.groupby(level=[0, 1])}


def _names(rows: pd.DataFrame) -> list[tuple[str, str]]:
    return list(zip(rows["split"], rows["network"], strict=True))


def _shares(arms: pd.DataFrame, rows: pd.DataFrame) -> np.ndarray:
    """The share of the variance of independent errors that stands for outcomes that are not known."""
    return image_shares(arms[["treatment"]].assign(split=rows["split"].iloc[0])).to_numpy()
