"""One store for several studies: packed once, linked to, waited for, finished, and mended; what stores tell."""

import errno
import json
import logging
import multiprocessing
import os
import time

import numpy as np
import pytest
from PIL import Image

from tests.unit.datasets.test_own_images import class_folders, picture
from tests.unit.store.test_store import packed
from transferability.common.tables import write_table
from transferability.datasets.holding_out import HoldOut
from transferability.datasets.image_files import ImageFiles
from transferability.datasets.index import index_images
from transferability.runtime import shared_store
from transferability.store.decoding import read_image
from transferability.store.packing import pack
from transferability.store.reading import StoreFiles, open_store
from transferability.store.square import Square


@pytest.fixture
def images(tmp_path):
    return class_folders(tmp_path / "images", 5)


@pytest.fixture
def decoded(tmp_path, monkeypatch):
    """How many images were decoded, whichever process did it."""
    file = tmp_path / "decoded"
    file.touch()

    def counting(*arguments, **options):
        with file.open("ab") as opened:
            opened.write(b".")
        return read_image(*arguments, **options)

    monkeypatch.setattr("transferability.store.packing.read_image", counting)
    return lambda: file.stat().st_size


def study(root, where, size=16, fit="center-crop", scale="auto", shelf="shelf") -> StoreFiles:
    """Pack for a study in `where`, on the shelf beside it."""
    where.mkdir(exist_ok=True)
    table = index_images("imagefolder", root, HoldOut(0.2))
    write_table(table, where / "index.csv")
    names = [where / name for name in ("index.csv", "store.npy", "store.crc32.npy", "store.json")]
    files = ImageFiles("imagefolder", root, table["path"].tolist())
    shared_store.pack_shared(
        files, StoreFiles(*names), Square(size, fit, "apply", scale), 1, "code", where.parent / shelf
    )
    return StoreFiles(*names)


def pixels(where: StoreFiles, square=Square(16, "center-crop", "apply")) -> np.ndarray:  # noqa: B008
    store = open_store(where, square)
    return store[np.arange(store.shape[0])]


def test_a_second_study_packs_nothing(images, tmp_path, decoded, caplog):
    first = study(images, tmp_path / "first")
    assert decoded() == 20
    with caplog.at_level(logging.INFO):
        second = study(images, tmp_path / "second")
    assert decoded() == 20
    assert "found the store at" in caplog.text and "nothing is packed" in caplog.text
    assert np.array_equal(pixels(first), pixels(second))
    assert first.store.samefile(second.store) and not second.store.is_symlink()
    assert second.store.stat().st_mtime >= second.index.stat().st_mtime  # or Snakemake packs again and again
    (home,) = (tmp_path / "shelf").iterdir()
    assert sorted(file.name for file in home.iterdir()) == ["images.json", "store.crc32.npy", "store.json", "store.npy"]
    assert json.loads((home / "images.json").read_text())["orientation"] == "apply"


@pytest.mark.parametrize("changed", [{"size": 8}, {"fit": "stretch"}, {"scale": "full"}])
def test_what_decides_pixels_makes_another_store(images, tmp_path, decoded, changed):
    study(images, tmp_path / "first")
    study(images, tmp_path / "second", **changed)
    assert decoded() == 40
    assert len(list((tmp_path / "shelf").iterdir())) == 2


def test_a_scale_of_two_numbers_finds_its_store_again(tmp_path, decoded):
    for number in range(10):
        file = tmp_path / "deep" / "ab"[number % 2] / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 8), 400 * number, dtype=np.uint16)).save(file)
    first = study(tmp_path / "deep", tmp_path / "first", scale=[0, 4000])
    study(tmp_path / "deep", tmp_path / "second", scale=[0, 4000])
    assert decoded() == 10, "packed twice"
    scaled = pixels(first, Square(16, "center-crop", "apply", [0, 4000]))
    assert sorted({int(image.mean()) for image in scaled}) == [round(25.5 * k) for k in range(10)]
    study(tmp_path / "deep", tmp_path / "third", scale=[0, 8000])
    assert decoded() == 20, "another scale has the same store"


def test_an_image_that_was_replaced_is_packed_again_and_others_keep_theirs(images, tmp_path, decoded):
    first = study(images, tmp_path / "first")
    before = pixels(first)
    os.utime(picture(images / "ant" / "0.png", 99), (1, 1))
    second = study(images, tmp_path / "second")
    assert decoded() == 40
    assert np.array_equal(pixels(first), before)
    assert not np.array_equal(pixels(second), before)


def test_a_damaged_store_is_packed_again_and_others_keep_theirs(images, tmp_path, decoded, caplog):
    first = study(images, tmp_path / "first")
    whole = pixels(first)
    with first.store.open("r+b") as file:
        file.seek(-50, os.SEEK_END)
        file.write(b"damaged")
    damaged = first.store.read_bytes()
    second = study(images, tmp_path / "second")
    assert decoded() == 40
    assert "store.npy is damaged at image 19" in caplog.text
    assert np.array_equal(pixels(second), whole)
    assert first.store.read_bytes() == damaged
    assert not first.store.samefile(second.store)


@pytest.mark.parametrize("name", ["store.npy", "store.crc32.npy", "store.json", "images.json"])
def test_a_store_that_lacks_a_file_is_packed_again(images, tmp_path, decoded, name):
    study(images, tmp_path / "first")
    (home,) = (tmp_path / "shelf").iterdir()
    (home / name).unlink()
    assert pixels(study(images, tmp_path / "second")).shape == (20, 16, 16, 3)
    assert decoded() == 40


def test_a_half_made_store_goes_on_where_it_was(images, tmp_path, decoded, monkeypatch):
    monkeypatch.setattr("transferability.datasets.image_files.CHUNK", 4)
    save = np.save
    monkeypatch.setattr(
        "transferability.store.packing.np.save", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full"))
    )
    with pytest.raises(OSError, match="full"):
        study(images, tmp_path / "first")
    assert not (tmp_path / "first" / "store.npy").exists()
    monkeypatch.setattr("transferability.store.packing.np.save", save)
    study(images, tmp_path / "second")
    assert decoded() == 20


def test_of_two_at_once_one_waits(images, tmp_path, decoded):
    fork = multiprocessing.get_context("fork")
    processes = [fork.Process(target=study, args=(images, tmp_path / name)) for name in ("one", "two", "three")]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert decoded() == 20


@pytest.mark.parametrize("refused", ["link", "utime"])
def test_on_another_file_system_links_are_symbolic(images, tmp_path, monkeypatch, refused):
    """Or where the file is another user's, whose time cannot be set."""

    def refuse(*_):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(f"transferability.runtime.shared_store.os.{refused}", refuse)
    first = study(images, tmp_path / "first")
    time.sleep(0.01)
    second = study(images, tmp_path / "second")
    assert first.store.is_symlink() and second.store.samefile(first.store)
    assert pixels(second).shape == (20, 16, 16, 3)
    assert second.store.lstat().st_mtime >= second.index.stat().st_mtime
    study(images, tmp_path / "second")  # over its own link


def test_a_shelf_that_cannot_be_made_is_an_error(images, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(shared_store.InputError, match=r"config key dataset\.store: cannot write to .*file"):
        study(images, tmp_path / "first", shelf="file/shelf")


def test_the_description_says_how_images_became_squares_if_not_as_in_the_paper(image_tree, tmp_path):
    _, where = packed(image_tree, tmp_path / "one")
    table = index_images("imagefolder", image_tree)
    files = ImageFiles("imagefolder", image_tree, table["path"].tolist())
    other = StoreFiles(where / "index.csv", *(tmp_path / name for name in ("s.npy", "c.npy", "s.json")))
    pack(files, other, Square(16, "center-crop", "apply", "full"), 1, "code", tmp_path / "notes")
    usual, told = (json.loads(file.read_text()) for file in (where / "store.json", other.description))
    assert list(usual) == ["images", "size", "pixels", "sha256", "index"]
    assert {key: told[key] for key in told if key not in usual} == {
        "fit": "center-crop",
        "orientation": "apply",
        "scale": "full",
    }
    assert open_store(other, Square(16, "center-crop", "apply", "full")).shape == (18, 16, 16, 3)
