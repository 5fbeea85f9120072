import errno
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image
from transferability.errors import InputError
from transferability.images import read_image
from transferability.layouts import index_images
from transferability.layouts.files import CHUNK, ImageFiles
from transferability.packing import pack
from transferability.store import StoreFiles, open_store
from transferability.tables import write_table

from .conftest import REPOSITORY


def test_every_kind_of_image_becomes_rgb(tmp_path):
    grey = Image.fromarray(np.full((20, 20), 100, dtype=np.uint8))
    colour = Image.new("RGB", (20, 20), (200, 100, 50))
    kinds = {
        "grey.jpg": (grey, (100, 100, 100)),
        "cmyk.jpg": (colour.convert("CMYK"), (200, 100, 50)),
        "palette.png": (colour.convert("P", palette=Image.Palette.ADAPTIVE), (200, 100, 50)),
        "alpha.png": (colour.convert("RGBA"), (200, 100, 50)),
        "bits16.png": (Image.fromarray(np.full((20, 20), 100 * 256, dtype=np.uint16)), (100, 100, 100)),
        "png-named.jpg": (colour, (200, 100, 50)),
    }
    for name, (image, expected) in kinds.items():
        image.save(tmp_path / name, format="PNG" if "png" in name else None)
        pixels = read_image(tmp_path / name, 8)
        assert (pixels.shape, pixels.dtype) == ((8, 8, 3), np.uint8), name
        assert np.abs(pixels.astype(int) - expected).max() <= 3, name


def test_the_orientation_in_exif_is_ignored_as_in_the_original_study(tmp_path):
    halves = Image.new("RGB", (20, 20))
    halves.paste((255, 255, 255), (10, 0, 20, 20))
    exif = halves.getexif()
    exif[0x0112] = 6  # to be turned by 90 degrees
    halves.save(tmp_path / "turned.jpg", exif=exif, quality=95)
    pixels = read_image(tmp_path / "turned.jpg", 20)
    assert pixels[:, :9].max() < 30
    assert pixels[:, 11:].min() > 225


def test_images_are_squeezed_into_the_square(tmp_path):
    halves = np.zeros((10, 40, 3), dtype=np.uint8)
    halves[:, 20:] = 255
    Image.fromarray(halves).save(tmp_path / "wide.png")
    pixels = read_image(tmp_path / "wide.png", 10)
    assert pixels[:, :4].max() == 0
    assert pixels[:, 6:].min() == 255


def packed(tree, where, processes=1):
    where.mkdir(exist_ok=True)
    table = index_images("imagefolder", tree)
    write_table(table, where / "index.csv")
    files = ImageFiles("imagefolder", tree, table["path"].tolist())
    pack(files, StoreFiles(where / "index.csv", *names(where)), 16, processes, where / "state" / "pack.jsonl")
    return files.paths, where


def names(where):
    return where / "store.npy", where / "store.crc32.npy", where / "store.json"


def reopened(where):
    return open_store(StoreFiles(where / "index.csv", *names(where)))


def test_the_store_holds_the_images_in_the_order_of_the_index(image_tree, tmp_path):
    paths, where = packed(image_tree, tmp_path / "one", processes=1)
    store = reopened(where)
    for row, path in enumerate(paths):
        assert np.array_equal(store[np.array([row])][0], read_image(image_tree / path, 16))
    _, other = packed(image_tree, tmp_path / "two", processes=2)
    for one, two in zip(names(where), names(other), strict=True):
        assert one.read_bytes() == two.read_bytes()
    assert list((where / "state").iterdir()) == []


def test_the_description_tells_pixels_apart(image_tree, tmp_path):
    _, first = packed(image_tree, tmp_path / "one", processes=1)
    file = image_tree / "train" / "n01440764" / "n01440764_0.JPEG"
    Image.new("RGB", (30, 40)).save(file)
    _, second = packed(image_tree, tmp_path / "two", processes=1)
    sums = [json.loads((where / "store.json").read_text())["sha256"] for where in (first, second)]
    assert sums[0] != sums[1]


def test_all_broken_images_are_listed_in_one_error(image_tree, tmp_path):
    truncated = image_tree / "train" / "n01440764" / "n01440764_1.JPEG"
    truncated.write_bytes(truncated.read_bytes()[:300])
    (image_tree / "val" / "n02084071" / "n02084071_0.JPEG").write_text("<html>not found</html>")
    (image_tree / "val" / "n03250847" / "n03250847_1.JPEG").write_bytes(b"")
    with pytest.raises(InputError) as error:
        packed(image_tree, tmp_path / "store", processes=2)
    message = str(error.value)
    assert message.startswith("3 of 18 images cannot be decoded")
    for name in ("n01440764_1.JPEG", "n02084071_0.JPEG", "n03250847_1.JPEG"):
        assert name in message
    assert not (tmp_path / "store" / "store.npy").exists()


def test_a_full_disk_is_told_before_anything_is_decoded(image_tree, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("os.posix_fallocate", full)
    with pytest.raises(InputError, match=r"no room for the store, 0 MB .*No space left.*free disk space"):
        packed(image_tree, tmp_path / "store", processes=1)
    assert not list((tmp_path / "store").glob("store*"))


def test_a_damaged_store_is_refused(image_tree, tmp_path):
    _, where = packed(image_tree, tmp_path / "store")
    store, checksums, _ = names(where)
    whole = store.read_bytes()
    store.write_bytes(whole[:-100])
    with pytest.raises(InputError, match="pack anew"):
        reopened(where)
    store.write_bytes(whole)
    checksums.write_bytes(checksums.read_bytes()[:-4] + b"1234")
    with pytest.raises(InputError, match=r"store\.json tells of sha256 .*pack anew"):
        reopened(where)


def test_a_stale_store_is_refused(image_tree, tmp_path):
    _, where = packed(image_tree, tmp_path / "store")
    write_table(index_images("imagefolder", image_tree).iloc[::-1], where / "index.csv")
    with pytest.raises(InputError, match=r"was not packed from .*index\.csv \(store\.json tells of index "):
        reopened(where)


@pytest.fixture
def many_images(tmp_path):
    """Six chunks of images in two classes, and their contents."""
    generator = np.random.default_rng(0)
    for number in range(6 * CHUNK):
        folder = tmp_path / "many" / ("train" if number % 3 else "val") / f"n{number % 2}"
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(folder / f"{number}.png")
    return tmp_path / "many"


KILLED = """
import os, signal, sys, time
from pathlib import Path
sys.path.insert(0, {repository!r})
from tests import test_store
from transferability import packing
pack_chunk = packing._pack_chunk
def dying(files, rows, *arguments, **options):
    if rows.start >= 3 * test_store.CHUNK:
        time.sleep(0.5)  # what was done before is noted by then
        os.kill(os.getppid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)
    return pack_chunk(files, rows, *arguments, **options)
packing._pack_chunk = dying
test_store.packed(Path({tree!r}), Path({where!r}))
"""


def counted(monkeypatch, file):
    """Let every image that is decoded add a byte to a file, whichever process decodes it."""

    def counting(*arguments):
        with file.open("ab") as opened:
            opened.write(b".")
        return read_image(*arguments)

    file.touch()
    monkeypatch.setattr("transferability.packing.read_image", counting)
    return lambda: len(file.read_bytes())


def test_a_killed_pack_goes_on_where_it_was(many_images, tmp_path, monkeypatch):
    script = KILLED.format(repository=str(REPOSITORY), tree=str(many_images), where=str(tmp_path / "killed"))
    killed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not (tmp_path / "killed" / "store.npy").exists()
    decoded = counted(monkeypatch, tmp_path / "decoded")
    _, resumed = packed(many_images, tmp_path / "killed")
    assert decoded() == 3 * CHUNK
    _, undisturbed = packed(many_images, tmp_path / "undisturbed")
    for one, two in zip(names(resumed), names(undisturbed), strict=True):
        assert one.read_bytes() == two.read_bytes()


def test_what_a_crash_lost_or_the_user_replaced_is_packed_again(many_images, tmp_path, monkeypatch):
    broken = many_images / "train" / "n1" / "1.png"
    content = broken.read_bytes()
    broken.write_text("no image")
    with pytest.raises(InputError, match="1 of 384 images cannot be decoded"):
        packed(many_images, tmp_path / "store")
    unfinished = tmp_path / "store" / "store.npy.unfinished"
    pixels = np.load(unfinished, mmap_mode="r+")
    pixels[5] += 1
    pixels.flush()
    broken.write_bytes(content)
    os.utime(broken, (time.time() + 5, time.time() + 5))
    decoded = counted(monkeypatch, tmp_path / "decoded")
    paths, where = packed(many_images, tmp_path / "store")
    assert decoded() == 2 * CHUNK
    store = reopened(where)
    for row in (5, paths.index("train/n1/1.png")):
        assert np.array_equal(store[np.array([row])][0], read_image(many_images / paths[row], 16))
