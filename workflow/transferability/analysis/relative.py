"""Accuracies relative to the base network of the same split and target half."""

from functools import cache

import pandas as pd

from transferability.analysis.image_errors import IMAGE_SHARE, image_shares
from transferability.results.accuracies import BY_CLASS
from transferability.study.network import Network

CONTROL = "control"  # the treatment with all layers copied and trained again, B8B+


def relative_accuracies(accuracies: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Pair each network that is not a base network with the base network of its split and target half.

    Returns columns split, network, target, n, treatment (BnB, BnB+, AnB, AnB+, control, Bn~1B, An~1B, random),
    accuracy, base, relative (accuracy - base), val_images, image_share (`image_errors`) and, if `accuracies` has a
    column by_class (as from `read_study`), by_class less that of the base network. Networks without a base network are
    left out.
    """
    known = [BY_CLASS] if BY_CLASS in accuracies else []
    base = accuracies[accuracies["treatment"] == "base"].set_index(["split", "target"])[[measure, *known]]
    base = base.rename(columns={measure: "base", BY_CLASS: "base_by_class"})
    others = accuracies[~accuracies["treatment"].isin(["base", "reduced"])]
    table = others.join(base, on=["split", "target"], how="inner").rename(columns={measure: "accuracy"})
    notations = list(map(_notation, table["split"], table["network"]))
    table["treatment"] = pd.Series(notations, index=table.index).mask(table["control"].astype(bool), CONTROL)
    table["relative"] = table["accuracy"] - table["base"]
    table[IMAGE_SHARE] = image_shares(table)
    if known:
        pairs = zip(table[BY_CLASS], table["base_by_class"], strict=True)
        table[BY_CLASS] = [None if own is None or its is None else own - its for own, its in pairs]
    columns = ["split", "network", "target", "n", "treatment", "accuracy", "base", "relative", "val_images"]
    return table[[*columns, IMAGE_SHARE, *known]].reset_index(drop=True)


@cache
def _notation(split: str, network: str) -> str:
    return Network.parse(split, network).notation
