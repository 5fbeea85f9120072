"""The shapes in which a labelled image set lies on disk, and its index: one row per image."""

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd

from transferability.errors import InputError

IMAGE_SUFFIXES = {".jpeg", ".jpg", ".png", ".bmp", ".gif", ".ppm", ".tif", ".tiff", ".webp"}

Row = tuple[str, str, str]  # path below the root, wnid, subset


def index_images(layout: str, root: Path) -> pd.DataFrame:
    """List the images of a set: columns path (below `root`), wnid, subset (train or val), sorted by subset, wnid, path.

    Raises InputError if the tree is not of this layout, or if classes lack images in a subset (all are named).
    """
    if not root.is_dir():
        raise InputError(
            f"config key dataset.root: {root} is not a directory; give the root of a set in {layout} layout"
        )
    table = pd.DataFrame(LAYOUTS[layout](root), columns=["path", "wnid", "subset"])
    if unprintable := [path for path in table["path"] if not path.isprintable()]:
        raise InputError(
            f"{root}: {len(unprintable)} file names cannot be written down, e.g. {unprintable[0]!a}; rename them"
        )
    counts = table.groupby(["wnid", "subset"]).size().unstack(fill_value=0)
    counts = counts.reindex(columns=["train", "val"], fill_value=0)
    if counts.empty:
        raise InputError(f"{root}: no images found in {layout} layout")
    for subset in counts.columns:
        if missing := counts.index[counts[subset] == 0].tolist():
            raise InputError(
                f"{root}: no {subset} images for {len(missing)} of {len(counts)} classes: {', '.join(missing)}; "
                "add them or remove the classes"
            )
    # A numeric tail is sorted as text: the order only has to be the same on every machine.
    return table.sort_values(["subset", "wnid", "path"], ignore_index=True)


def _imagefolder(root: Path) -> Iterator[Row]:
    """train/WNID/* and val/WNID/*."""
    for subset in ("train", "val"):
        yield from _class_folders(root, subset, within=".")


def _tiny_imagenet(root: Path) -> Iterator[Row]:
    """train/WNID/images/*, val/images/* with val/val_annotations.txt (file, wnid, box)."""
    yield from _class_folders(root, "train", within="images")
    annotations = root / "val" / "val_annotations.txt"
    if not annotations.is_file():
        raise InputError(
            f"{annotations} is missing; dataset.layout tiny-imagenet wants it (dataset.layout imagefolder does not)"
        )
    try:
        columns = {"sep": "\t", "header": None, "usecols": [0, 1], "names": ["file", "wnid"], "quoting": csv.QUOTE_NONE}
        table = pd.read_csv(annotations, dtype=str, keep_default_na=False, **columns)
    except ValueError as error:
        raise InputError(f"{annotations} is no table of files and wnids ({error}); take it from the archive") from error
    yield from ((f"val/images/{row.file}", row.wnid, "val") for row in table.itertuples())


def _class_folders(root: Path, subset: str, within: str) -> Iterator[Row]:
    if not (root / subset).is_dir():
        raise InputError(f"{root / subset} is missing; dataset.root must hold train/ and val/")
    empty = []
    for folder in _visible(root / subset):
        if folder.is_dir():
            files = [file for file in _visible(folder / within) if file.suffix.lower() in IMAGE_SUFFIXES]
            yield from ((file.relative_to(root).as_posix(), folder.name, subset) for file in files)
            empty += [folder.name] * (not files)
    if empty:
        raise InputError(
            f"{root / subset}: {len(empty)} class folders without images: {', '.join(sorted(empty))}; "
            f"add some or remove the folders (images end in {', '.join(sorted(IMAGE_SUFFIXES))})"
        )


def _visible(folder: Path) -> Iterator[Path]:
    """List what is in a folder but hidden files, which are other programs' notes; OSError if it cannot be read."""
    return (path for path in folder.iterdir() if not path.name.startswith("."))


LAYOUTS: dict[str, Callable[[Path], Iterator[Row]]] = {
    "pictures": _imagefolder,
    "imagefolder": _imagefolder,
    "tiny-imagenet": _tiny_imagenet,
}
