"""The shapes in which a labelled image set lies on disk, and its index: one row per image."""

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
    counts = (
        table.groupby(["wnid", "subset"]).size().unstack(fill_value=0).reindex(columns=["train", "val"], fill_value=0)
    )
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
        yield from _class_folders(root, subset, within="")


def _tiny_imagenet(root: Path) -> Iterator[Row]:
    """train/WNID/images/*, val/images/* with val/val_annotations.txt (file, wnid, box)."""
    yield from _class_folders(root, "train", within="images/")
    annotations = root / "val" / "val_annotations.txt"
    if not annotations.is_file():
        raise InputError(
            f"{annotations} is missing; dataset.layout tiny-imagenet wants it (dataset.layout imagefolder does not)"
        )
    table = pd.read_csv(annotations, sep="\t", header=None, usecols=[0, 1], names=["file", "wnid"], dtype=str)
    yield from ((f"val/images/{row.file}", row.wnid, "val") for row in table.itertuples())


def _class_folders(root: Path, subset: str, within: str) -> Iterator[Row]:
    if not (root / subset).is_dir():
        raise InputError(f"{root / subset} is missing; dataset.root must hold train/ and val/")
    for file in (root / subset).glob(f"[!.]*/{within}[!.]*"):  # hidden files are other programs' notes
        if file.suffix.lower() in IMAGE_SUFFIXES:
            path = file.relative_to(root)
            yield path.as_posix(), path.parts[1], subset


LAYOUTS: dict[str, Callable[[Path], Iterator[Row]]] = {
    "pictures": _imagefolder,
    "imagefolder": _imagefolder,
    "tiny-imagenet": _tiny_imagenet,
}
