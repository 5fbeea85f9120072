"""A task, the images that a network is trained and tested on, read from an index, a store and a manifest."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from transferability.common.errors import InputError
from transferability.common.subsets import in_subset
from transferability.common.tables import read_index, read_manifest
from transferability.store.reading import StoreFiles, open_store
from transferability.store.square import Square


@dataclass(frozen=True)
class Examples:
    """One subset of a task: the rows of its images in the store, and their labels (int64, 0 <= label < classes).

    `store` is a `store.reading.Store`, or an array, uint8 (images, size, size, 3), RGB.
    """

    store: np.ndarray
    rows: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class Task:
    """The training and validation images of some classes; `wnids` are the classes in the order of labels, if known."""

    train: Examples
    val: Examples
    classes: int
    wnids: Sequence[str] = ()


def read_task(
    files: StoreFiles, square: Square, manifest_file: Path, examples: int = 0, fold: int | None = None
) -> Task:
    """Read the task of a manifest from a store whose images are squares as `square` specifies.

    `examples` is the number of training images per class to use, the first ones in the index; 0 means all.
    In a set of folds, `fold` is the one for validation.

    Raises InputError if the files are damaged or do not fit together.
    """
    index = read_index(files.index)
    manifest = read_manifest(manifest_file)
    store = open_store(files, square)
    subsets = {name: in_subset(index, name, fold) for name in ("train", "val")}
    train = select_examples(store, index[subsets["train"]], manifest, examples)
    val = select_examples(store, index[subsets["val"]], manifest)
    for subset, images in (("train", train), ("val", val)):
        missing = sorted(set(manifest["label"]) - set(np.unique(images.labels)))
        if missing:
            wnids = ", ".join(manifest.set_index("label").loc[missing, "wnid"])
            raise InputError(
                f"{manifest_file}: {files.index} lists no {subset} images of {wnids}; delete both and run again"
            )
    return Task(train, val, len(manifest), manifest["wnid"].tolist())


def select_examples(store: np.ndarray, listed: pd.DataFrame, manifest: pd.DataFrame, per_class: int = 0) -> Examples:
    """Select a task's images among those listed, in their order: all, or the first `per_class` of each class.

    `listed` is a part of an index, which has a row for each image of `store`.
    """
    label_of = dict(zip(manifest["wnid"], manifest["label"], strict=True))
    chosen = listed[listed["wnid"].isin(label_of)]
    if per_class:
        chosen = chosen[chosen.groupby("wnid").cumcount() < per_class]
    labels = chosen["wnid"].map(label_of).to_numpy(dtype=np.int64, copy=True)
    return Examples(store, chosen.index.to_numpy(), labels)
