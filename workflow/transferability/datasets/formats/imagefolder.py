"""A folder for each class, as people have them: with a training and a validation folder around them, or without."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from transferability.datasets.formats.subsets import names_of_subsets
from transferability.datasets.formats.suffixes import (
    UNOPENED,
    Row,
    count_suffixes,
    is_image,
    is_image_by_content,
    is_leftover,
)

log = logging.getLogger(__name__)


def imagefolder(root: Path, faults: list[str]) -> Iterator[Row]:
    """List train/CLASS/** and val/CLASS/** (or what these are called), or CLASS/**: all images below a class's folder.

    Where there is no validation folder, the rows do not say which subset an image is in.
    """
    folders, _ = _folders_and_files(root, faults)
    chosen = names_of_subsets(folders)
    if "train" not in chosen:
        yield from _whole(root, chosen.get("val"), faults)
        return
    yield from _class_folders(root, chosen["train"], "train" if "val" in chosen else "", faults)
    if "val" in chosen:
        yield from _class_folders(root, chosen["val"], "val", faults)
    log.info("training images are those in %s, validation images those in %s", *_named(root, chosen))
    _note_what_is_beside(root, set(chosen.values()))


def _whole(root: Path, val: str | None, faults: list[str]) -> Iterator[Row]:
    """List the images of class folders right in the root; one called as a validation folder could be a class."""
    if val and not any(is_image(name) for name in _folders_and_files(root / val, faults)[1]):
        faults.append(f"there is a folder {val}, but none called train beside it; name that of the training images so")
        return
    log.info("no folder train in %s: its folders are the classes", root)
    yield from _class_folders(root, ".", "", faults)


def _named(root: Path, chosen: dict[str, str]) -> tuple[Path | str, Path | str]:
    return root / chosen["train"], root / chosen["val"] if "val" in chosen else "no folder"


def _note_what_is_beside(root: Path, used: set[str]) -> None:
    """Log what does not count: folders and images beside those of the subsets."""
    folders, files = _folders_and_files(root, [])
    for name in sorted(set(folders) - used):
        images = sum(is_image(path) for path in _files_below(root, root / name, []))
        log.info("%s does not count (%d images): %s do", root / name, images, " and ".join(sorted(used)))
    if images := sorted(name for name in files if is_image(name)):
        log.info("%d images right in %s do not count, e.g. %s", len(images), root, images[0])


def _class_folders(root: Path, folder: str, subset: str, faults: list[str]) -> Iterator[Row]:
    """List the images below the class folders in `folder`, and note what is wrong or does not count."""
    classes, loose = _folders_and_files(root / folder, faults)
    where = "" if folder == "." else f"{folder}: "
    if not classes:
        faults.append(
            f"{where}no class folders; config key dataset.root expects a directory that holds CLASS/*.jpg or so"
        )
    empty, others = [], []
    for name in sorted(classes):
        paths = list(_files_below(root, root / folder / name, faults))
        images = [path for path in paths if is_image(path)]
        others += [path for path in paths if not is_image(path)]
        yield from ((path, name, subset) for path in images)
        if not images:
            empty.append(name)
    if stray := sorted(name for name in loose if is_image(name)):
        faults.append(f"{where}{len(stray)} images lie beside the class folders, e.g. {stray[0]}; put them into one")
    if empty:
        faults.append(
            f"{where}{len(empty)} class folders without images: {', '.join(empty)}; add some or remove the folders"
        )
    _judge(root, others, where, faults)


def _judge(root: Path, others: list[str], where: str, faults: list[str]) -> None:
    """Tell of files that are no images by their names: images among them may not silently not count."""
    unopened = [path for path in others if PurePosixPath(path).suffix.lower() in UNOPENED]
    misnamed = [path for path in sorted(set(others) - set(unopened)) if is_image_by_content(root / path)]
    if unopened:
        faults.append(
            f"{where}{len(unopened)} images are of kinds that Pillow does not open ({count_suffixes(unopened)}), e.g. "
            f"{min(unopened)}; convert them to .jpg or .png, or remove them"
        )
    if misnamed:
        faults.append(
            f"{where}{len(misnamed)} files are images without the suffix of one ({count_suffixes(misnamed)}), e.g. "
            f"{min(misnamed)}; rename them to .jpg or what they are, or remove them"
        )
    if rest := set(others) - {*unopened, *misnamed}:
        log.info("%s%d files are no images and do not count: %s", where, len(rest), count_suffixes(sorted(rest)))


def _files_below(root: Path, folder: Path, faults: list[str]) -> Iterator[str]:
    """List all files below a folder, by their paths below the root, but leftovers."""

    def note(error: OSError) -> None:
        """Note a folder that cannot be read."""
        faults.append(_unreadable(error))

    for place, folders, names in os.walk(folder, followlinks=True, onerror=note):
        folders[:] = [name for name in folders if not is_leftover(name) and not _leads_back(Path(place, name))]
        start = Path(place).relative_to(root).as_posix()
        yield from (f"{start}/{name}" for name in names if not is_leftover(name))


def _leads_back(folder: Path) -> bool:
    """Whether a folder is a link to one that it is in: its images are listed already, and it would never end."""
    return folder.is_symlink() and folder.parent.resolve().is_relative_to(folder.resolve())


def _folders_and_files(folder: Path, faults: list[str]) -> tuple[list[str], list[str]]:
    """The names of the folders in a folder, and of what else is there, but leftovers."""
    try:
        found = [entry for entry in os.scandir(folder) if not is_leftover(entry.name)]
    except OSError as error:
        faults.append(_unreadable(error))
        return [], []
    return [entry.name for entry in found if entry.is_dir()], [entry.name for entry in found if not entry.is_dir()]


def _unreadable(error: OSError) -> str:
    return f"{error.filename} cannot be read ({error.strerror}); make it readable"
