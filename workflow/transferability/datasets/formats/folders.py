"""Published image sets in folders: Tiny ImageNet, Kaggle's ImageNet (CLS-LOC)."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from transferability.datasets.formats.contents import content_of
from transferability.datasets.formats.suffixes import Problems, Row, is_image, is_leftover, no_images


def read(root: Path, path: str) -> bytes:
    """Return the content of an image file; raise OSError if it cannot be read."""
    return content_of(root / path)


def tiny_imagenet(root: Path, problems: Problems) -> Iterator[Row]:
    """List train/WNID/images/*, and val/images/* with the labels of val/val_annotations.txt (file, wnid, box)."""
    faults = problems.faults
    yield from _class_folders(root, "train", "train", faults, within="images")
    columns = {"sep": "\t", "header": None, "names": ["file", "wnid"], "usecols": [0, 1], "quoting": csv.QUOTE_NONE}
    labels = _labels(root / "val" / "val_annotations.txt", faults, columns)
    yield from _flat_folder(root, "val/images", {row.file: row.wnid for row in labels.itertuples()}, faults)


def kaggle(root: Path, problems: Problems) -> Iterator[Row]:
    """List ILSVRC/Data/CLS-LOC/train/WNID/*, and .../val/* with the labels of LOC_val_solution.csv.

    The columns of that file are ImageId and PredictionString ("WNID x y x y ...").
    """
    faults, images = problems.faults, "ILSVRC/Data/CLS-LOC"
    yield from _class_folders(root, f"{images}/train", "train", faults)
    labels = _labels(root / "LOC_val_solution.csv", faults, {"usecols": ["ImageId", "PredictionString"]})
    wnids = {f"{row[0]}.JPEG": row[1].split(" ")[0] for row in labels.itertuples(index=False)}
    yield from _flat_folder(root, f"{images}/val", wnids, faults)


def _class_folders(root: Path, folder: str, subset: str, faults: list[str], within: str = ".") -> Iterator[Row]:
    """List the images of the class folders in `folder`, or in the subfolder `within` of each."""
    if not (root / folder).is_dir():
        faults.append(f"{folder} is missing; config key dataset.root expects a directory that holds it")
        return
    empty, others = [], []
    classes, loose = _folders_and_files(root / folder)
    for of_class in classes:
        names = _names(of_class / within)
        images = [name for name in names if is_image(name)]
        start = (of_class / within).relative_to(root).as_posix()
        yield from ((f"{start}/{name}", of_class.name, subset) for name in images)
        others += [f"{start}/{name}" for name in names if not is_image(name)]
        if not images:
            empty.append(of_class.name)
    if others:
        faults.append(f"{folder}: {no_images(others)}")
    if stray := sorted(name for name in loose if is_image(name)):
        faults.append(f"{folder}: {len(stray)} images lie beside the class folders, e.g. {stray[0]}; put them into one")
    if empty:
        faults.append(
            f"{folder}: {len(empty)} class folders without images: {', '.join(sorted(empty))}; "
            "add some or remove the folders"
        )


def _flat_folder(root: Path, folder: str, wnids: dict[str, str], faults: list[str]) -> Iterator[Row]:
    """List the validation images of a folder without class folders, with the labels of a file (name -> wnid)."""
    if not (root / folder).is_dir():
        faults.append(f"{folder} is missing; config key dataset.root expects a directory that holds it")
        return
    found = _names(root / folder)
    names = {name for name in found if is_image(name)}
    if others := [f"{folder}/{name}" for name in found if not is_image(name)]:
        faults.append(no_images(others))
    yield from ((f"{folder}/{name}", wnids[name], "val") for name in names & wnids.keys())
    if missing := sorted(wnids.keys() - names):
        faults.append(f"{folder}: {len(missing)} images that have labels are missing, e.g. {missing[0]}; restore them")
    if unlabelled := sorted(names - wnids.keys()):
        faults.append(f"{folder}: {len(unlabelled)} images have no label, e.g. {unlabelled[0]}; remove them")


def _labels(file: Path, faults: list[str], columns: dict) -> pd.DataFrame:
    """Read a table of validation labels; if that fails, add a fault and return an empty table."""
    try:
        return pd.read_csv(file, dtype=str, keep_default_na=False, encoding="utf-8", **columns)
    except FileNotFoundError:
        faults.append(f"{file.name} is missing at {file}; it is part of this layout (imagefolder needs none)")
    except ValueError as error:
        faults.append(f"{file} is no table of validation labels ({error}); extract it from the archive again")
    return pd.DataFrame(columns=["file", "wnid"])


def _folders_and_files(folder: Path) -> tuple[list[Path], list[str]]:
    """The class folders in a folder, and the names of all other entries."""
    found = list(_visible(folder))
    return [path for path in found if path.is_dir()], [path.name for path in found if not path.is_dir()]


def _names(folder: Path) -> list[str]:
    return [path.name for path in _visible(folder)] if folder.is_dir() else []


def _visible(folder: Path) -> Iterator[Path]:
    """List the entries of a folder except leftovers; raise OSError if it cannot be read."""
    return (path for path in folder.iterdir() if not is_leftover(path.name))
