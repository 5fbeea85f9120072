"""An additive fit: accuracy = target half + treatment at n, by least squares over all networks of the random splits.

On a balanced grid the fit gives the same differences as pairing with base networks. If treatments were trained on
different halves, as the paper's AnB+ and BnB+ were, pairing adds the random error of one base network per half. The fit
has less of that error, as it estimates how easy a half is from all networks of the half. Its standard error assumes
independent networks, so it includes neither the error between splits nor that of the validation images.
"""

import numpy as np
import pandas as pd

from transferability.analysis.effects import EFFECTS
from transferability.analysis.relative import relative_accuracies

TEXT = """Accuracy fitted as target half + treatment at n, by least squares over all networks of the random splits: the
mean difference over all n of a treatment, with its standard error. On a balanced grid it equals the paired difference.
If networks are missing, pairing adds the random error of one base network per half, and this fit has less of that
error; but its standard error assumes independent networks, and does not include the error of the validation images."""
COLUMNS = ["effect", "difference", "value", "se", "networks", "degrees"]


def additive_fit(accuracies: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Return the EFFECTS of a table of accuracies, each a mean over its treatments' n, by the fit: COLUMNS, in shares.

    Effects whose treatments the study does not have are left out. The table is empty if there are too few networks to
    estimate an error.
    """
    table = accuracies[accuracies["split"].str.startswith("random-")]
    base = table[table["treatment"] == "base"].assign(treatment="base", accuracy=lambda rows: rows[measure])
    networks = pd.concat([base, relative_accuracies(table, measure)], ignore_index=True)
    half, halves = pd.factorize(networks["split"] + "/" + networks["target"])
    kinds = networks["treatment"] + " " + networks["n"].astype(str)
    kind, cells = pd.factorize(kinds.mask(networks["treatment"] == "base"))  # -1 for base, which the halves represent
    treatments = np.array([cell.partition(" ")[0] for cell in cells])
    design = np.hstack([np.eye(len(halves))[half], np.vstack([np.eye(len(cells)), np.zeros(len(cells))])[kind]])
    degrees = len(networks) - np.linalg.matrix_rank(design)
    if degrees < 1:
        return pd.DataFrame(columns=COLUMNS)
    inverse = np.linalg.pinv(design.T @ design)
    found = inverse @ design.T @ networks["accuracy"].to_numpy()
    variance = ((networks["accuracy"] - design @ found) ** 2).sum() / degrees
    rows = []
    for effect, (difference, weights) in EFFECTS.items():
        contrast = np.zeros(design.shape[1])
        for treatment, weight in weights.items():
            own = np.flatnonzero(treatments == treatment)
            contrast[len(halves) + own] = weight / max(1, len(own))
        if set(weights) <= set(treatments):
            error = np.sqrt(variance * contrast @ inverse @ contrast)
            rows.append([effect, difference, contrast @ found, error, len(networks), degrees])
    return pd.DataFrame(rows, columns=COLUMNS)
