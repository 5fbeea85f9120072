"""What networks answered to each validation image, from accuracy files: right or wrong, image by image."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from transferability.common.errors import InputError
from transferability.common.subsets import in_subset
from transferability.jobs.accuracy_file import read_record
from transferability.jobs.answers import unpack_answers

COLUMNS = ["split", "network", "row", "wnid", "predicted", "confidence", "right"]


def read_outcomes(files: Iterable[Path], index: pd.DataFrame) -> pd.DataFrame:
    """Return a row per network and validation image: COLUMNS, in the order of `files` and of the index.

    row is the image's row in `index` (`tables.read_index`), wnid its class, predicted the class that the network
    answered in its last test, confidence the probability of that class (0 to 1, in steps of 1/255).

    Raises InputError for a damaged file, and for one whose images are not those of the index.
    """
    tables = [_outcomes(read_record(file), index, file) for file in files]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=COLUMNS)


def read_units(files: Iterable[Path], index: pd.DataFrame) -> pd.DataFrame:
    """Return `read_outcomes` with a column unit: the image's group if the index has groups, else its row.

    Units are what a set of images is a sample of: images of one group (a patient, a camera) are not independent.
    """
    table = read_outcomes(files, index)
    return table.assign(unit=index["group"].to_numpy()[table["row"]] if "group" in index else table["row"])


def _outcomes(record: Mapping, index: pd.DataFrame, file: Path) -> pd.DataFrame:
    wnids = list(record["by_class"])  # in the order of labels
    rows = np.flatnonzero(in_subset(index, "val", record["fold"]) & index["wnid"].isin(wnids))
    predicted, confidence = unpack_answers(record)
    if len(rows) != len(predicted):
        raise InputError(f"{file} answers {len(predicted)} images, the index has {len(rows)}; delete it and run again")
    table = pd.DataFrame({"row": rows, "wnid": index["wnid"].to_numpy()[rows]})
    table = table.assign(predicted=np.array(wnids)[predicted], confidence=confidence)
    names = {"split": record["split"], "network": record["network"]}
    return table.assign(**names, right=table["predicted"] == table["wnid"])[COLUMNS]
