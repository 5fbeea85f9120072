"""An additive fit: accuracy = target half + treatment at n, by least squares over all networks of the random splits.

Where the grid is balanced it gives the same differences as pairing with base networks. Where treatments were trained on
different halves, as the paper's AnB+ and BnB+ were, pairing adds the luck of one base network per half, and a fit has
less of it: every network of a half says how easy that half is. Its error takes networks as independent, so it holds
neither that of splits nor that of validation images.
"""

import numpy as np
import pandas as pd

from transferability.analysis.effects import EFFECTS
from transferability.analysis.relative import relative_accuracies

TEXT = """Accuracy fitted as target half + treatment at n, by least squares over all networks of the random splits: the
mean difference over all n of a treatment, with its standard error. On a balanced grid it is the paired difference. With
gaps, pairing adds the luck of one base network per half, and this fit has less of it; but its error takes networks as
independent, and holds no error of the validation images."""
COLUMNS = ["effect", "difference", "value", "se", "networks", "degrees"]


def additive_fit(accuracies: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Return the EFFECTS of a table of accuracies, each a mean over its treatments' n, by the fit: COLUMNS, in shares.

    An effect whose treatments the study does not have is left out, all of them without networks to spare for an error.
    """
    table = accuracies[accuracies["split"].str.startswith("random-")]
    base = table[table["treatment"] == "base"].assign(treatment="base", accuracy=lambda rows: rows[measure])
    networks = pd.concat([base, relative_accuracies(table, measure)], ignore_index=True)
    half, halves = pd.factorize(networks["split"] + "/" + networks["target"])
    kinds = networks["treatment"] + " " + networks["n"].astype(str)
    kind, cells = pd.factorize(kinds.mask(networks["treatment"] == "base"))  # -1 for base, which the halves stand for
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
