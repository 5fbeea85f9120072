"""ImageNet's archives as people have them, with folders in them, and files that are far larger than they look."""

import gzip
import io
import itertools
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.trees import WNIDS, make_tree, tar
from transferability.common.errors import InputError
from transferability.datasets.formats import archives, cifar100
from transferability.datasets.image_files import ImageFiles
from transferability.datasets.index import index_images
from transferability.store.decoding import read_image, try_to_decode

TRAIN, VAL, DEVKIT = archives.TRAIN, archives.VAL, archives.DEVKIT
TERABYTE = 1 << 40


@pytest.fixture
def tree(tmp_path):
    yield make_tree("imagenet-archives", tmp_path / "tree")
    archives._kept_open.cache_clear()
    archives._class_kept_open.cache_clear()
    archives._devkit_file.cache_clear()


def rewritten(archive: Path, name) -> None:
    """Give each file of an archive another name, and its folder an entry of its own."""
    with tarfile.open(archive) as found:
        files = {name(member.name): found.extractfile(member).read() for member in found}
    buffer = io.BytesIO(tar(files))
    with tarfile.open(fileobj=buffer, mode="a") as made:
        for folder in sorted({str(Path(file).parent) for file in files} - {"."}):
            entry = tarfile.TarInfo(folder)
            entry.type = tarfile.DIRTYPE
            made.addfile(entry)
    archive.write_bytes(buffer.getvalue())


def in_class_archives(name):
    """Do so in the archive of each class."""

    def rewrite(archive: Path) -> None:
        with tarfile.open(archive) as found:
            files = {member.name: found.extractfile(member).read() for member in found}
        for of_class, content in files.items():
            inner = archive.with_name("inner.tar")
            inner.write_bytes(content)
            rewritten(inner, lambda file, of_class=of_class: name(of_class.removesuffix(".tar"), file))
            files[of_class] = inner.read_bytes()
            inner.unlink()
        archive.write_bytes(tar(files))

    return rewrite


FOLDERS = {
    "val/": (VAL, lambda archive: rewritten(archive, lambda name: f"val/{name}")),
    "./": (VAL, lambda archive: rewritten(archive, lambda name: f"./{name}")),
    "deep": (VAL, lambda archive: rewritten(archive, lambda name: f"./ILSVRC/Data/val/{name}")),
    "classes in train/": (TRAIN, lambda archive: rewritten(archive, lambda name: f"train/{name}")),
    "images in the folder of their class": (TRAIN, in_class_archives(lambda wnid, name: f"{wnid}/{name}")),
    "images in folders": (TRAIN, in_class_archives(lambda wnid, name: f"train/{wnid}/{name}")),
}


@pytest.mark.parametrize("kind", FOLDERS)
def test_folders_in_archives_change_nothing(kind, tree, tmp_path):
    expected = index_images("imagenet-archives", make_tree("imagenet-archives", tmp_path / "plain"))
    plain = ImageFiles("imagenet-archives", tmp_path / "plain", expected["path"].tolist())
    name, rewrite = FOLDERS[kind]
    rewrite(tree / name)
    found = index_images("imagenet-archives", tree)
    files = ImageFiles("imagenet-archives", tree, found["path"].tolist())
    assert found.equals(expected)
    assert all(files.read(row) == plain.read(row) for row in range(len(found)))


def first_twice(archive: Path) -> None:
    folders = itertools.cycle("ab")
    rewritten(archive, lambda name: f"{next(folders)}/ILSVRC2012_val_00000001.JPEG")


UNCLEAR = {
    "two images of a name": (VAL, first_twice, r"is damaged \(./ILSVRC.* beside"),
    "images instead of archives": (
        TRAIN,
        lambda archive: archive.write_bytes(tar({f"{WNIDS[0]}/{WNIDS[0]}_1.JPEG": b""})),
        rf"1 entries are no archives of classes, e\.g\. {WNIDS[0]}_1\.JPEG; fetch it again, or unpack it",
    ),
    "a devkit of folders": (
        DEVKIT,
        lambda archive: archive.write_bytes(gzip.compress(tar({"ILSVRC2012_devkit_t12/data/meta.mat/x": b""}))),
        r"devkit_t12\.tar\.gz is damaged \(it holds 0 files data/.*fetch it again",
    ),
    "a devkit without Matlab": (
        DEVKIT,
        lambda archive: archive.write_bytes(gzip.compress(tar({"x/data/meta.mat": b"no"}))),
        r"devkit_t12\.tar\.gz is damaged \(",
    ),
    "a bomb of a devkit": (
        DEVKIT,
        lambda archive: archive.write_bytes(gzip.compress(bytes(80 << 20))),
        r"devkit_t12\.tar\.gz is damaged \(it has more than 67,108,864 bytes\); fetch it again",
    ),
}


@pytest.mark.parametrize("kind", UNCLEAR)
def test_what_is_not_clear_is_one_error(kind, tree):
    name, rewrite, message = UNCLEAR[kind]
    rewrite(tree / name)
    with pytest.raises(InputError, match=message):
        index_images("imagenet-archives", tree)


def with_a_hole(archive: Path, name: str, folder: Path) -> None:
    """Make a file of an archive one of a terabyte that nobody wrote: the archive stays as small as it was."""
    with tarfile.open(archive) as found:
        names = found.getnames()
        found.extractall(folder, filter="data")
    with (folder / name).open("r+b") as file:
        file.truncate(TERABYTE)
    subprocess.run(["tar", "--sparse", "-cf", archive, "-C", folder, *names], check=True)
    assert archive.stat().st_size < 10_000_000


def test_an_image_that_is_a_hole_of_a_terabyte_is_named(tree, tmp_path):
    name = "ILSVRC2012_val_00000003.JPEG"
    with_a_hole(tree / VAL, name, tmp_path / "unpacked")
    paths = index_images("imagenet-archives", tree)["path"].tolist()
    files = ImageFiles("imagenet-archives", tree, paths)
    broken = [path for row, path in enumerate(paths) if not read_or_not(files, row)]
    assert broken == [f"{VAL}/{name}"]
    _, reason = try_to_decode(lambda: files.read(paths.index(broken[0])), lambda file: read_image(file, 8))
    assert reason == (
        "it cannot be read: it has 1,099,511,627,776 bytes, but images have at most 536,870,912; replace or remove it"
    )


def read_or_not(files: ImageFiles, row: int) -> bool:
    try:
        return bool(files.read(row))
    except OSError:
        return False


def test_an_archive_of_a_class_with_a_hole_is_refused(tree, tmp_path):
    with_a_hole(tree / TRAIN, f"{WNIDS[0]}.tar", tmp_path / "unpacked")
    with pytest.raises(InputError, match=rf"is damaged \({WNIDS[0]}\.tar has holes\); fetch it again"):
        index_images("imagenet-archives", tree)


@pytest.mark.parametrize("layout", ["imagefolder", "tiny-imagenet", "cifar-100"])
def test_a_file_that_is_a_hole_of_a_terabyte_is_named(layout, tmp_path):
    root = make_tree(layout, tmp_path / "tree")
    paths = index_images(layout, root)["path"].tolist()
    file = root / (paths[0] if layout != "cifar-100" else "cifar-100-python/train")
    with file.open("r+b") as opened:
        opened.truncate(TERABYTE)
    cifar100._content.cache_clear()
    if layout == "cifar-100":
        with pytest.raises(InputError, match="cifar-100-python/train: it has 1,099,511,627,776 bytes, but images"):
            index_images(layout, root)
    with pytest.raises(OSError, match="it has 1,099,511,627,776 bytes, but images have at most"):
        ImageFiles(layout, root, [path for path in paths if path.startswith(file.relative_to(root).as_posix())]).read(0)


def test_a_program_that_draws_is_not_run(tmp_path):
    content = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n(called) run\n%%EOF\n"
    read, reason = try_to_decode(lambda: content, lambda file: read_image(file, 8))
    assert read is None and reason == "it is a program in PostScript, which is not run; convert it to PNG"
