"""Warnings about a study's networks, to be read before drawing conclusions from them."""

import numpy as np
import pandas as pd

from transferability.common.errors import some_of
from transferability.common.pages import Section
from transferability.jobs.accuracy_file import worse_than_guessing

NAMED = 5  # networks


def doubts(accuracies: pd.DataFrame) -> list[Section]:
    """Return a warning that names networks whose final loss is above that of guessing; an empty list if none is."""
    doubtful = accuracies[[bool(worse_than_guessing(row)) for _, row in accuracies.iterrows()]]
    if doubtful.empty:
        return []
    losses = [f"{row.split}/{row.network} {row.loss:.2f}" for row in doubtful.itertuples()]
    text = (
        f"**{len(doubtful)} of {len(accuracies)} networks end with a validation loss above that of guessing**, which "
        f"is ln(classes) = {np.log(doubtful['classes'].min()):.2f}. They diverged, are overconfident in their errors, "
        "or were trained too briefly to undo their initial weights: their accuracy may reflect the training more than "
        f"the layers. Their losses: {some_of(losses, NAMED)}."
    )
    return [Section("Read this first", text)]
