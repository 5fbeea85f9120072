"""ImageNet (ILSVRC-2012) in the archives in which it is distributed; they are read without unpacking."""

import gzip
import io
import os
import tarfile
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path, PurePosixPath

from transferability.datasets.formats.contents import check_size
from transferability.datasets.formats.suffixes import Problems, Row, is_image, is_leftover, no_images

TRAIN = "ILSVRC2012_img_train.tar"  # holds one archive per class: n01440764.tar
VAL = "ILSVRC2012_img_val.tar"
DEVKIT = "ILSVRC2012_devkit_t12.tar.gz"
META = "data/meta.mat"
GROUND_TRUTH = "data/ILSVRC2012_validation_ground_truth.txt"
LARGEST_DEVKIT = 64 << 20  # bytes, unpacked


def imagenet(root: Path, problems: Problems) -> Iterator[Row]:
    """List the images of both archives, the validation images with the labels of the devkit."""
    faults = problems.faults
    for name, listing in ((TRAIN, _train), (VAL, _val)):
        try:
            yield from listing(root, faults)
        except FileNotFoundError as error:
            faults.append(f"{Path(error.filename).name} is missing; this layout expects {TRAIN}, {VAL} and {DEVKIT}")
        except Exception as error:  # readers of damaged files raise exceptions of many types
            if isinstance(error, (OSError, MemoryError)) and not isinstance(error, gzip.BadGzipFile):
                raise
            faults.append(f"{name} or {DEVKIT} is damaged ({error}); fetch it again")


def read(root: Path, path: str) -> bytes:
    """Return the content of an image, e.g. ILSVRC2012_img_train.tar/n01440764/n01440764_18.JPEG.

    Raises OSError if it cannot be read.
    """
    archive, *of_class, name = path.split("/")
    try:
        tar, members = _class_archive(root / archive, *of_class) if of_class else _archive(root / archive)
        check_size(members[name].size)
        return tar.extractfile(members[name]).read()
    except (EOFError, tarfile.TarError, KeyError, TypeError, ValueError) as error:
        raise OSError(f"not readable in {archive}: {error!r}") from error


def _train(root: Path, faults: list[str]) -> Iterator[Row]:
    counts, others = {}, []
    members = _archive(root / TRAIN)[1]
    if loose := [name for name in members if not name.endswith(".tar")]:
        faults.append(
            f"{TRAIN}: {len(loose)} entries are no archives of classes, e.g. {min(loose)}; fetch it again, or unpack "
            "it and use layout imagefolder"
        )
        return
    for wnid in [name.removesuffix(".tar") for name in members]:
        names = _class_archive(root / TRAIN, wnid)[1]
        images = [name for name in names if is_image(name)]
        others += [f"{TRAIN}/{wnid}/{name}" for name in names if not is_image(name)]
        yield from ((f"{TRAIN}/{wnid}/{name}", wnid, "train") for name in images)
        counts[wnid] = len(images)
    if others:
        faults.append(no_images(others))
    expected = {row["WNID"]: int(row["num_train_images"]) for row in _classes(root).values()}
    wrong = {wnid: f"{counts.get(wnid, 0)} of {n}" for wnid, n in expected.items() if counts.get(wnid, 0) != n}
    if wrong:
        listed = ", ".join(f"{wnid} {count}" for wnid, count in sorted(wrong.items()))
        faults.append(f"{TRAIN}: not the training images that the devkit counts in {len(wrong)} classes: {listed}")


def _val(root: Path, faults: list[str]) -> Iterator[Row]:
    """List the validation images; in the order of their names, their labels are the lines of the devkit's file."""
    found = _archive(root / VAL)[1]
    names = sorted(name for name in found if is_image(name))
    if others := [f"{VAL}/{name}" for name in found if not is_image(name)]:
        faults.append(no_images(others))
    labels = [int(line) for line in _devkit_file(root, GROUND_TRUTH).split()]
    if len(names) != len(labels):
        faults.append(f"{VAL}: {len(names)} images, and {len(labels)} labels in the devkit")
        return
    classes = _classes(root)
    yield from ((f"{VAL}/{name}", classes[label]["WNID"], "val") for name, label in zip(names, labels, strict=True))


def _classes(root: Path) -> dict[int, Mapping]:
    """The devkit's records of the classes by their number in it; synsets above the classes have further numbers."""
    from scipy.io import loadmat

    synsets = loadmat(io.BytesIO(_devkit_file(root, META)), squeeze_me=True)["synsets"].reshape(-1)
    return {int(row["ILSVRC2012_ID"]): row for row in synsets if not row["num_children"]}


@lru_cache(maxsize=2)
def _devkit_file(root: Path, name: str) -> bytes:
    with gzip.GzipFile(root / DEVKIT) as file:
        content = file.read(LARGEST_DEVKIT + 1)
    if len(content) > LARGEST_DEVKIT:
        raise ValueError(f"it has more than {LARGEST_DEVKIT:,} bytes")
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as devkit:
        found = [member for member in devkit if member.isfile() and member.name.endswith(name)]
        if len(found) != 1 or found[0].size > LARGEST_DEVKIT:
            raise ValueError(f"it holds {len(found)} files {name} of no more than {LARGEST_DEVKIT:,} bytes")
        return devkit.extractfile(found[0]).read()


Opened = tuple[tarfile.TarFile, dict[str, tarfile.TarInfo]]  # an open archive, and its files by name without folders


def _archive(path: Path) -> Opened:
    return _kept_open(path, os.getpid())


def _class_archive(path: Path, wnid: str) -> Opened:
    """The archive of a class within the archive of the training images."""
    return _class_kept_open(path, wnid, os.getpid())


# Archives stay open for later reads; only the last few archives of classes do, as images are read class by class. A
# forked process opens its own archives: otherwise it would share the position in the file with its parent.
@lru_cache(maxsize=2)
def _kept_open(path: Path, _process: int) -> Opened:
    return _listed(tarfile.open(path, "r:"))


@lru_cache(maxsize=8)
def _class_kept_open(path: Path, wnid: str, _process: int) -> Opened:
    outer, members = _archive(path)
    if (member := members[f"{wnid}.tar"]).issparse():  # a hole may hold a header that claims the hole's size
        raise ValueError(f"{member.name} has holes")
    return _listed(tarfile.open(fileobj=outer.extractfile(member), mode="r:"))


def _listed(tar: tarfile.TarFile) -> Opened:
    members = {}
    for member in tar:
        *folders, name = PurePosixPath(member.name).parts or [""]
        if not member.isfile() or any(map(is_leftover, [*folders, name])):
            continue
        if members.setdefault(name, member).name != member.name:
            raise ValueError(f"{member.name} beside {members[name].name}")
        members[name] = member  # the last member of a name counts, as in tar
    return tar, members
