"""What a study's networks leave to doubt, before anything is concluded from them."""

import numpy as np
import pandas as pd

from transferability.common.errors import some_of
from transferability.common.pages import Section
from transferability.jobs.accuracy_file import worse_than_guessing

NAMED = 5  # networks


def doubts(accuracies: pd.DataFrame) -> list[Section]:
    """Return a warning that names networks which end worse than by guessing, or nothing."""
    doubtful = accuracies[[bool(worse_than_guessing(row)) for _, row in accuracies.iterrows()]]
    if doubtful.empty:
        return []
    losses = [f"{row.split}/{row.network} {row.loss:.2f}" for row in doubtful.itertuples()]
    text = (
        f"**{len(doubtful)} of {len(accuracies)} networks end with a validation loss above that of guessing**, which "
        f"is ln(classes) = {np.log(doubtful['classes'].min()):.2f}. They diverged, are sure of their errors, or were "
        "trained too short to undo their initial weights: their accuracy may say more about the training than about "
        f"the layers. Their losses: {some_of(losses, NAMED)}."
    )
    return [Section("Read this first", text)]
