"""Image sets with a folder for each class, inside a training and a validation folder or directly in the root."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from transferability.datasets.formats.nesting import RIGHT_IN, judge_nesting
from transferability.datasets.formats.subsets import names_of_subsets
from transferability.datasets.formats.suffixes import (
    UNOPENED,
    Problems,
    Row,
    count_suffixes,
    is_image,
    is_image_by_content,
    is_leftover,
)

log = logging.getLogger(__name__)


def imagefolder(root: Path, problems: Problems) -> Iterator[Row]:
    """List all images below class folders: train/CLASS/** and val/CLASS/** (or other names of these), or CLASS/**.

    Without a validation folder the subset of all rows is "".
    """
    folders, _ = _folders_and_files(root, problems.faults)
    chosen = names_of_subsets(folders)
    if "train" not in chosen:
        yield from _whole(root, chosen.get("val"), problems)
        return
    yield from _class_folders(root, chosen["train"], "train" if "val" in chosen else "", problems)
    if "val" in chosen:
        yield from _class_folders(root, chosen["val"], "val", problems)
    log.info("training images are those in %s, validation images those in %s", *_named(root, chosen))
    problems.warnings.extend(_what_is_beside(root, set(chosen.values())))


def _whole(root: Path, val: str | None, problems: Problems) -> Iterator[Row]:
    """List the images of class folders directly in the root; a folder named like a validation folder may be a class."""
    if val and not any(is_image(name) for name in _folders_and_files(root / val, problems.faults)[1]):
        problems.faults.append(
            f"there is a folder {val}, but none called train beside it; rename the folder of training images to train"
        )
        return
    log.info("no folder train in %s: its folders are the classes", root)
    yield from _class_folders(root, ".", "", problems)


def _named(root: Path, chosen: dict[str, str]) -> tuple[Path | str, Path | str]:
    return root / chosen["train"], root / chosen["val"] if "val" in chosen else "no folder"


def _what_is_beside(root: Path, used: set[str]) -> Iterator[str]:
    """Yield a warning about each thing that does not count: folders and images next to the folders of the subsets."""
    folders, files = _folders_and_files(root, [])
    for name in sorted(set(folders) - used):
        images = sum(is_image(path) for path in _files_below(root, root / name, []))
        yield f"{root / name} does not count ({images} images): {' and '.join(sorted(used))} do"
    if images := sorted(name for name in files if is_image(name)):
        yield f"{len(images)} images directly in {root} do not count, e.g. {images[0]}"


def _class_folders(root: Path, folder: str, subset: str, problems: Problems) -> Iterator[Row]:
    """List the images below the class folders in `folder`, and note faults and files that do not count."""
    faults = problems.faults
    classes, loose = _folders_and_files(root / folder, faults)
    where = "" if folder == "." else f"{folder}: "
    if not classes:
        faults.append(
            f"{where}no class folders; config key dataset.root expects a directory that holds CLASS/*.jpg or similar"
        )
    empty, others, within = [], [], {}
    for name in sorted(classes):
        paths = list(_files_below(root, root / folder / name, faults))
        images = [path for path in paths if is_image(path)]
        others += [path for path in paths if not is_image(path)]
        within[name] = _folders_within(PurePosixPath(folder, name), images)
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
    judge_nesting(within, where, problems)


def _folders_within(of_class: PurePosixPath, images: list[str]) -> set[str]:
    """The folders directly in a class folder that hold images at any depth; RIGHT_IN for images directly in it."""
    depth = len(of_class.parts)
    below = [path.split("/")[depth:] for path in images]
    return {parts[0] if len(parts) > 1 else RIGHT_IN for parts in below}


def _judge(root: Path, others: list[str], where: str, faults: list[str]) -> None:
    """Report files that are no images by their names: no image among them may be left out silently."""
    unopened = [path for path in others if PurePosixPath(path).suffix.lower() in UNOPENED]
    misnamed = [path for path in sorted(set(others) - set(unopened)) if is_image_by_content(root / path)]
    if unopened:
        faults.append(
            f"{where}{len(unopened)} images are of kinds that Pillow does not open ({count_suffixes(unopened)}), e.g. "
            f"{min(unopened)}; convert them to .jpg or .png, or remove them"
        )
    if misnamed:
        faults.append(
            f"{where}{len(misnamed)} files are images without an image suffix ({count_suffixes(misnamed)}), e.g. "
            f"{min(misnamed)}; rename them to .jpg or the suffix of their format, or remove them"
        )
    if rest := set(others) - {*unopened, *misnamed}:
        log.info("%s%d files are no images and do not count: %s", where, len(rest), count_suffixes(sorted(rest)))


def _files_below(root: Path, folder: Path, faults: list[str]) -> Iterator[str]:
    """List all files below a folder except leftovers, as paths relative to the root."""

    def note(error: OSError) -> None:
        """Note a folder that cannot be read."""
        faults.append(_unreadable(error))

    for place, folders, names in os.walk(folder, followlinks=True, onerror=note):
        folders[:] = [name for name in folders if not is_leftover(name) and not _leads_back(Path(place, name))]
        start = Path(place).relative_to(root).as_posix()
        yield from (f"{start}/{name}" for name in names if not is_leftover(name))


def _leads_back(folder: Path) -> bool:
    """Return whether a folder is a link to one that contains it: following it would never end and find no new image."""
    return folder.is_symlink() and folder.parent.resolve().is_relative_to(folder.resolve())


def _folders_and_files(folder: Path, faults: list[str]) -> tuple[list[str], list[str]]:
    """The names of the folders in a folder, and of its other entries, except leftovers."""
    try:
        found = [entry for entry in os.scandir(folder) if not is_leftover(entry.name)]
    except OSError as error:
        faults.append(_unreadable(error))
        return [], []
    return [entry.name for entry in found if entry.is_dir()], [entry.name for entry in found if not entry.is_dir()]


def _unreadable(error: OSError) -> str:
    return f"{error.filename} cannot be read ({error.strerror}); make it readable"
