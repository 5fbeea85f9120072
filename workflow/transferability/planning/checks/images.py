"""Are the images those that there should be, and can all be decoded?"""

import hashlib
import io
import tempfile
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import pandas as pd
from PIL import Image

from transferability.common.errors import counted, some_of
from transferability.datasets.image_files import ImageFiles, work_through
from transferability.planning.checks import Finding
from transferability.store.decoding import check_scale, try_to_decode

ODD = 20  # a format counts as odd where fewer than one in so many images have it
SUBSETS = {"train": "training", "val": "validation"}


def check_classes(expected: Mapping, counts: pd.DataFrame) -> Finding:
    """Compare the numbers of images per class with those that config key dataset.expected names."""
    faults = []
    for subset, name in SUBSETS.items():
        number = int(counts[subset].sum())
        if expected[subset] not in (None, number):
            faults.append(f"{number:,} {name} images, {expected[subset]:,} expected (dataset.expected.{subset})")
    span = "; ".join(f"{counts[s].min()} to {counts[s].max()} {name}" for s, name in SUBSETS.items() if len(counts))
    note = f"{len(counts):,} classes; images per class: {span or 'none'}"
    if (images := counts["val"].sum()) > 0:
        note += (
            f"; always naming the commonest class has {counts['val'].max() / images:.1%} of the validation images right"
        )
    if expected["classes"] is None:
        return Finding("classes", faults, f"{note}; dataset.expected.classes names none to compare with")
    try:
        wanted = pd.read_csv(expected["classes"], dtype={"wnid": str}).set_index("wnid")
    except (OSError, ValueError, KeyError) as error:
        faults.append(f"config key dataset.expected.classes: {expected['classes']} is no table of wnids ({error})")
        return Finding("classes", faults, note)
    if missing := sorted(set(wanted.index) - set(counts.index)):
        faults.append(f"{len(missing)} of {len(wanted)} expected classes are missing: {', '.join(missing)}")
    if surplus := sorted(set(counts.index) - set(wanted.index)):
        faults.append(f"{counted(len(surplus), 'class')} not expected: {', '.join(surplus)}")
    present = wanted.index.intersection(counts.index)
    for subset, name in SUBSETS.items():
        if subset in wanted:
            pairs = zip(present, counts.loc[present, subset], wanted.loc[present, subset], strict=True)
            wrong = [f"{wnid} {number} of {of}" for wnid, number, of in pairs if number != of]
            if wrong:
                faults.append(
                    f"{counted(len(wrong), 'class')} with another number of {name} images: {', '.join(wrong)}"
                )
    return Finding("classes", faults, f"{note}; compared with {expected['classes']}")


def check_images(files: ImageFiles, subsets: Sequence[str], results: Path | None, processes: int) -> Finding:
    """Decode every image, and look for the same ones in training and validation; `subsets` are those of `files.paths`.

    Notes of what is done are kept below `results` until all are.
    """
    with tempfile.TemporaryDirectory() as scratch:
        journal = (results / "state" if results else Path(scratch)) / "preflight.jsonl"
        done = work_through(files, _decode, processes, journal, "preflight")
        broken = [pair for result in done for pair in result["broken"]]
        if not broken:
            journal.unlink()
    faults = [f"{files.folder / path} cannot be decoded: {reason}; replace it" for path, reason in broken]
    seen = [image for result in done for image in result["seen"]]
    note = f"{len(files.paths) - len(broken):,} of {len(files.paths):,} can be decoded"
    formats = _formats(files.paths, [name for name, _ in seen])
    warnings = _duplicates(files.paths, subsets, [digest for _, digest in seen])
    return Finding("images", faults, f"{note}: {formats}" if formats else note, warnings)


def _formats(paths: Sequence[str], formats: Sequence[str]) -> str:
    """Count the formats; of one that few images have, name them: a placeholder, for instance, is often a GIF."""
    parts = []
    for name, count in Counter(filter(None, formats)).most_common():
        odd = [path for path, other in zip(paths, formats, strict=True) if other == name]
        named = f" ({some_of(odd)})" if count * ODD < len(paths) else ""
        parts.append(f"{count:,} {name}{named}")
    return ", ".join(parts)


def _duplicates(paths: Sequence[str], subsets: Sequence[str], digests: Sequence[str]) -> list[str]:
    """Tell of validation images whose files are those of training images, byte for byte."""
    places = defaultdict(dict)
    for path, subset, digest in zip(paths, subsets, digests, strict=True):
        if digest:
            places[digest].setdefault(subset, []).append(path)
    both = [of for of in places.values() if len(of) == 2]
    if not both:
        return []
    pairs = some_of([f"{of['val'][0]} is {of['train'][0]}" for of in both])
    count = sum(len(of["val"]) for of in both)
    images = counted(count, "validation image")
    return [f"{images} also among the training images, byte for byte: {pairs}; remove one of each"]


def _decode(files: ImageFiles, rows: range, before: dict | None) -> dict:
    """Return the images that cannot be decoded, (path, reason), and of each its format and a checksum of its file.

    JPEGs are decoded to an eighth of their size.
    """
    if before is not None and not before["broken"]:
        return before
    broken, seen = [], []
    for row in rows:
        found, reason = try_to_decode(partial(files.read, row), _look)
        seen.append(found or ["", ""])
        if reason:
            broken.append([files.paths[row], reason])
    return {"broken": broken, "seen": seen}


def _look(file: io.BytesIO) -> list[str]:
    with Image.open(file) as image:
        image.draft(image.mode, (1, 1))
        image.load()
        check_scale(image)
        return [image.format, hashlib.blake2b(file.getbuffer(), digest_size=16).hexdigest()]
