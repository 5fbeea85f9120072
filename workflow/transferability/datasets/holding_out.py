"""Setting images aside for validation, in sets that have none: a share of each class, or each of several folds in turn.

What decides is a hash of the images' paths below the root: the same on every machine, whatever the order of files.
Images that belong together are never divided.
"""

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from transferability.common.subsets import FOLD


@dataclass(frozen=True)
class HoldOut:
    """How images are set aside: the keys validation, folds and group of config section dataset.

    `validation` is the share of each class; `folds` a number of folds; `group` says what belongs together.
    """

    validation: float | None = None
    folds: int | None = None
    group: str | None = None

    @classmethod
    def of(cls, dataset: Mapping) -> "HoldOut":
        """Return what config section `dataset` specifies."""
        return cls(dataset["validation"], dataset["folds"], dataset["group"])


def hold_out(table: pd.DataFrame, together: pd.Series, share: float, faults: list[str]) -> pd.DataFrame:
    """Return a list of images (path, wnid, subset) with a `share` of each class in subset val, the rest in train.

    `together` has the same number for images that are not divided. The validation images are the first in the order of
    the SHA-256 of their paths. Adds a fault to `faults` for classes that would be left without training or validation
    images.
    """
    wanted = (share * table["wnid"].value_counts() + 0.5).astype(int)
    held_out, taken = set(), Counter()
    for unit, images in _units(table, together):
        if all(taken[wnid] + count <= wanted[wnid] for wnid, count in images.items()):
            held_out.add(unit)
            taken.update(images)
    table = table.assign(subset=together.isin(held_out).map({True: "val", False: "train"}))
    _check(table, {"validation": "val", "training": "train"}, f"dataset.validation {share:g}", faults)
    return table


def into_folds(table: pd.DataFrame, together: pd.Series, folds: int, faults: list[str]) -> pd.DataFrame:
    """Return a list of images (path, wnid, subset) whose subsets are fold-0, fold-1, ...: as many as `folds`.

    Each class is divided as evenly as possible: units, the largest first, then in the order of the SHA-256 of their
    paths, go to the fold that has the smallest share of their classes so far, or is the smallest. `together` is that of
    `hold_out`. Adds a fault to `faults` for classes that a fold would have none of.
    """
    sizes = table["wnid"].value_counts()
    in_fold, of_class = Counter(), Counter()
    fold_of = {}
    for unit, images in sorted(_units(table, together), key=lambda one: -one[1].total()):

        def filled(fold: int, images: Counter = images) -> tuple[float, int, int]:
            """Return how full a fold is of the classes of these images, then in all."""
            share = sum(count * of_class[fold, wnid] / sizes[wnid] for wnid, count in images.items())
            return share, in_fold[fold], fold

        fold = fold_of[unit] = min(range(folds), key=filled)
        in_fold[fold] += images.total()
        of_class.update({(fold, wnid): count for wnid, count in images.items()})
    table = table.assign(subset=together.map(fold_of).map(lambda fold: f"{FOLD}{fold}"))
    _check(table, {f"fold {fold}": f"{FOLD}{fold}" for fold in range(folds)}, f"dataset.folds {folds}", faults)
    return table


def _units(table: pd.DataFrame, together: pd.Series) -> list[tuple[int, Counter]]:
    """Return each unit of images that belong together, with its number of images by class, in the order of a hash."""
    ordered = table.assign(hash=table["path"].map(_hash), unit=together).sort_values(["hash", "path"])
    units = {}
    for unit, wnid in zip(ordered["unit"], ordered["wnid"], strict=True):
        units.setdefault(unit, Counter())[wnid] += 1
    return list(units.items())


def _check(table: pd.DataFrame, subsets: Mapping[str, str], given: str, faults: list[str]) -> None:
    counts = table.groupby(["wnid", "subset"]).size().unstack(fill_value=0)
    for name, subset in subsets.items():
        left = counts[subset] if subset in counts else pd.Series(0, index=counts.index)
        if short := left.index[left == 0].tolist():
            named = ", ".join(f"{wnid} ({counts.loc[wnid].sum()} images)" for wnid in short)
            faults.append(
                f"{given} leaves no {name} images for {len(short)} of {len(counts)} classes: {named}; add images, "
                "remove the classes, or give another share or number"
            )
            return


def _hash(path: str) -> str:
    # macOS may store an accent separately from its letter: the same name must give the same hash.
    return hashlib.sha256(unicodedata.normalize("NFC", path).encode(errors="surrogateescape")).hexdigest()
