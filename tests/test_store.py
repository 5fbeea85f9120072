import errno
import json
import os

import numpy as np
import pytest
from PIL import Image
from transferability.errors import InputError
from transferability.images import read_image
from transferability.layouts import index_images
from transferability.store import open_store, pack


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


def test_images_are_squeezed_into_the_square(tmp_path):
    halves = np.zeros((10, 40, 3), dtype=np.uint8)
    halves[:, 20:] = 255
    Image.fromarray(halves).save(tmp_path / "wide.png")
    pixels = read_image(tmp_path / "wide.png", 10)
    assert pixels[:, :4].max() == 0
    assert pixels[:, 6:].min() == 255


def packed(tree, where, processes):
    where.mkdir()
    paths = index_images("imagefolder", tree)["path"].tolist()
    pack(tree, paths, where / "store.npy", where / "store.crc32.npy", where / "store.json", 16, processes)
    return paths, where


def test_the_store_holds_the_images_in_the_order_of_the_index(image_tree, tmp_path):
    paths, where = packed(image_tree, tmp_path / "one", processes=1)
    store = open_store(where / "store.npy", where / "store.crc32.npy", len(paths))
    for row, path in enumerate(paths):
        assert np.array_equal(store[np.array([row])][0], read_image(image_tree / path, 16))
    _, other = packed(image_tree, tmp_path / "two", processes=2)
    for name in ("store.npy", "store.crc32.npy", "store.json"):
        assert (where / name).read_bytes() == (other / name).read_bytes()


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
    assert list((tmp_path / "store").iterdir()) == []


def test_a_full_disk_is_told_before_anything_is_decoded(image_tree, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("os.posix_fallocate", full)
    with pytest.raises(InputError, match=r"no room for the store, 0 MB .*No space left.*free disk space"):
        packed(image_tree, tmp_path / "store", processes=1)
    assert list((tmp_path / "store").iterdir()) == []


def test_a_damaged_store_is_refused(image_tree, tmp_path):
    paths, where = packed(image_tree, tmp_path / "store", processes=1)
    store = where / "store.npy"
    with pytest.raises(InputError, match="pack anew"):
        open_store(store, where / "store.crc32.npy", len(paths) + 1)
    store.write_bytes(store.read_bytes()[:-100])
    with pytest.raises(InputError, match="pack anew"):
        open_store(store, where / "store.crc32.npy", len(paths))
