"""Holding out training images for validation, by a hash of their paths, in sets without validation images."""

import hashlib
import unicodedata

import pandas as pd


def hold_out(table: pd.DataFrame, share: float, faults: list[str]) -> pd.DataFrame:
    """Return a list of images (path, wnid, subset) with a `share` of each class in subset val, the rest in train.

    The validation images are the first in the order of the SHA-256 of their paths below the root: the same on every
    machine, whatever the order of files. Adds a fault to `faults` for classes that would be left without training or
    validation images.
    """
    ordered = table.assign(hash=table["path"].map(_hash)).sort_values(["hash", "path"])
    place = ordered.groupby("wnid").cumcount()
    images = ordered.groupby("wnid")["path"].transform("size")
    held_out = (share * images + 0.5).astype(int)
    sizes = images.groupby(ordered["wnid"]).first()
    for subset, left in (("validation", held_out), ("training", images - held_out)):
        if short := sorted(set(ordered.loc[left == 0, "wnid"])):
            named = ", ".join(f"{wnid} ({sizes[wnid]} images)" for wnid in short)
            faults.append(
                f"dataset.validation {share:g} leaves no {subset} images for {len(short)} of {len(sizes)} classes: "
                f"{named}; add images, remove the classes, or give another share"
            )
    return table.assign(subset=(place < held_out).map({True: "val", False: "train"}))


def _hash(path: str) -> str:
    # macOS may store an accent separately from its letter: the same name must give the same hash.
    return hashlib.sha256(unicodedata.normalize("NFC", path).encode(errors="surrogateescape")).hexdigest()
