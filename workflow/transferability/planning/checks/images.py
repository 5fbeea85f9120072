"""Checks of the images: the expected ones exist, all can be decoded, and there are no duplicates."""

import hashlib
import io
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import pandas as pd
from PIL import Image

from transferability.common.errors import counted, some_of
from transferability.datasets.image_files import ImageFiles, work_through
from transferability.datasets.names import as_seen
from transferability.planning.checks import Finding
from transferability.store.decoding import told_once, try_to_decode
from transferability.store.meaning import AUTO, Scale, numbers_of, to_rgb

ODD = 20  # a format counts as unusual if fewer than one in so many images have it
PARTS = ("MPO", "PSD")  # formats whose further images are a preview, a stereo view, or layers of the first
SUBSETS = {"train": "training", "val": "validation"}


def check_classes(expected: Mapping, counts: pd.DataFrame) -> Finding:
    """Compare the numbers of images per class with those in config key dataset.expected."""
    faults = []
    for subset, name in SUBSETS.items():
        number = int(counts[subset].sum())
        if expected[subset] not in (None, number):
            faults.append(f"{number:,} {name} images, {expected[subset]:,} expected (dataset.expected.{subset})")
    span = "; ".join(f"{counts[s].min()} to {counts[s].max()} {name}" for s, name in SUBSETS.items() if len(counts))
    note = f"{len(counts):,} classes; images per class: {span or 'none'}"
    if (images := counts["val"].sum()) > 0:
        note += f"; majority-class baseline: {counts['val'].max() / images:.1%} of the validation images"
    if expected["classes"] is None:
        return Finding("classes", faults, f"{note}; not compared: config key dataset.expected.classes not given")
    try:
        wanted = pd.read_csv(expected["classes"], dtype={"wnid": str}).set_index("wnid")
    except (OSError, ValueError, KeyError) as error:
        faults.append(
            f"config key dataset.expected.classes: {expected['classes']} is not a table with a column wnid ({error})"
        )
        return Finding("classes", faults, note)
    if missing := sorted(set(wanted.index) - set(counts.index)):
        faults.append(f"{len(missing)} of {len(wanted)} expected classes are missing: {', '.join(missing)}")
    if surplus := sorted(set(counts.index) - set(wanted.index)):
        faults.append(f"{counted(len(surplus), 'class')} not expected: {', '.join(surplus)}")
    alike = [f"{one!a} exists as {other!a}" for one in missing for other in surplus if as_seen(one) == as_seen(other)]
    if alike:
        faults.append(
            f"{counted(len(alike), 'expected class')} under a name that looks the same: {some_of(alike)}; "
            "spell both in the same way"
        )
    present = wanted.index.intersection(counts.index)
    for subset, name in SUBSETS.items():
        if subset in wanted:
            pairs = zip(present, counts.loc[present, subset], wanted.loc[present, subset], strict=True)
            wrong = [f"{wnid} {number} of {of}" for wnid, number, of in pairs if number != of]
            if wrong:
                faults.append(
                    f"{counted(len(wrong), 'class')} with a wrong number of {name} images: {', '.join(wrong)}"
                )
    return Finding("classes", faults, f"{note}; compared with {expected['classes']}")


def check_images(
    files: ImageFiles, index: pd.DataFrame, results: Path | None, processes: int, scale: Scale = AUTO
) -> Finding:
    """Decode every image, as packing does; find duplicates in two subsets or classes, and files with several images.

    `index` is the index of `files`. A journal of the decoded images is kept below `results` until all can be decoded.
    """
    with tempfile.TemporaryDirectory() as scratch:
        journal = (results / "state" if results else Path(scratch)) / "preflight.jsonl"
        done = work_through(files, partial(_decode, scale=scale), processes, journal, "preflight")
        broken = [pair for result in done for pair in result["broken"]]
        if not broken:
            journal.unlink()
    faults = [
        f"{files.folder / path} cannot be decoded: {reason if ';' in reason else f'{reason}; replace it'}"
        for path, reason in told_once(broken)
    ]
    seen = [image for result in done for image in result["seen"]]
    note = f"{len(files.paths) - len(broken):,} of {len(files.paths):,} can be decoded"
    formats = _formats(files.paths, [name for name, _, _ in seen])
    warnings = _duplicates(index, [digest for _, digest, _ in seen])
    if several := [path for path, (_, _, more) in zip(files.paths, seen, strict=True) if more]:
        warnings.append(
            f"{len(several):,} files hold several images, of which only the first is used: {some_of(several)}; if they "
            "are separate images, save each as a file"
        )
    return Finding("images", faults, f"{note}: {formats}" if formats else note, warnings)


def _formats(paths: Sequence[str], formats: Sequence[str]) -> str:
    """Count the formats, and name the images with a rare one: a placeholder, for example, is often a GIF."""
    parts = []
    for name, count in Counter(filter(None, formats)).most_common():
        odd = [path for path, other in zip(paths, formats, strict=True) if other == name]
        named = f" ({some_of(odd)})" if count * ODD < len(paths) else ""
        parts.append(f"{count:,} {name}{named}")
    return ", ".join(parts)


def _duplicates(index: pd.DataFrame, digests: Sequence[str]) -> list[str]:
    """Return warnings about identical files in both training and validation, or in two classes."""
    seen = index.assign(digest=digests)
    seen = seen[(seen["digest"] != "") & seen["digest"].duplicated(keep=False)]
    warnings = []
    validation, training = (seen[seen["subset"] == subset] for subset in ("val", "train"))
    first = training.drop_duplicates("digest").set_index("digest")["path"]
    both = validation[validation["digest"].isin(first.index)]
    if len(both):
        pairs = some_of([f"{row.path} is {first[row.digest]}" for row in both.itertuples()])
        warnings.append(
            f"{counted(len(both), 'validation image')} also among the training images, byte for byte: {pairs}; "
            "remove one of each"
        )
    mixed = seen[seen.groupby("digest")["wnid"].transform("nunique") > 1]
    if same := mixed.groupby("digest", sort=False)["path"].agg(" is ".join).tolist():
        warnings.append(
            f"{counted(len(same), 'image')} in two classes, byte for byte: {some_of(same)}; keep each in the right one"
        )
    return warnings


def _decode(files: ImageFiles, rows: range, before: dict | None, scale: Scale) -> dict:
    """Return the images that cannot be decoded (path, reason), and the result of `_look` for each image.

    JPEGs are decoded to an eighth of their size.
    """
    if before is not None and not before["broken"] and before.get("scale") == scale:
        return before
    broken, seen = [], []
    for row in rows:
        found, reason = try_to_decode(partial(files.read, row), partial(_look, scale=scale))
        seen.append(found or ["", "", False])
        if reason:
            broken.append([files.paths[row], reason])
    return {"broken": broken, "seen": seen, "scale": scale}


def _look(file: io.BytesIO, scale: Scale) -> list:
    """Return the format of an image, a checksum of its file, and whether the file has more images."""
    with Image.open(file) as image:
        numbers = numbers_of(image)
        more = getattr(image, "is_animated", False) and image.format not in PARTS
        image.draft(image.mode, (1, 1))
        to_rgb(image, numbers, scale)
        return [image.format, hashlib.blake2b(file.getbuffer(), digest_size=16).hexdigest(), more]
