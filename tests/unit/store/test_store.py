import errno
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest
from PIL import Image

from tests.conftest import REPOSITORY
from tests.faults.conftest import small_disk
from transferability.common.errors import InputError
from transferability.common.tables import write_table
from transferability.datasets.image_files import CHUNK, ImageFiles
from transferability.datasets.index import index_images
from transferability.planning.checks.images import check_images
from transferability.store.decoding import read_image
from transferability.store.packing import pack
from transferability.store.reading import StoreFiles, open_store
from transferability.store.square import Square


def packed(tree, where, processes=1, code="code"):
    where.mkdir(exist_ok=True)
    table = index_images("imagefolder", tree)
    write_table(table, where / "index.csv")
    files = ImageFiles("imagefolder", tree, table["path"].tolist())
    pack(
        files,
        StoreFiles(where / "index.csv", *names(where)),
        Square(16),
        processes,
        code,
        where / "state" / "pack.jsonl",
    )
    return files.paths, where


def names(where):
    return where / "store.npy", where / "store.crc32.npy", where / "store.json"


def reopened(where):
    return open_store(StoreFiles(where / "index.csv", *names(where)), Square(16))


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
    for name, what in (
        ("n01440764_1.JPEG", "it is truncated: it ends at byte 300, before the image does"),
        ("n02084071_0.JPEG", "it is a web page or other markup, not an image"),
        ("n03250847_1.JPEG", "it is empty"),
    ):
        assert f"{name}: {what}\n" in f"{message}\n"
    assert not (tmp_path / "store" / "store.npy").exists()


@pytest.mark.parametrize("kind", [np.float32, np.int32])
def test_pixels_without_an_agreed_scale_are_an_error_that_names_the_file(image_tree, tmp_path, kind):
    file = image_tree / "train" / "n01440764" / "n01440764_0.tif"
    Image.fromarray(np.linspace(0, 1, 400).reshape(20, 20).astype(kind)).save(file)
    with pytest.raises(
        InputError, match=r"n01440764_0\.tif: its pixels are .* without an agreed scale; give config key dataset"
    ):
        packed(image_tree, tmp_path / "store")
    index = index_images("imagefolder", image_tree)
    files = ImageFiles("imagefolder", image_tree, index["path"].tolist())
    found = check_images(files, index, None, 1)
    assert "without an agreed scale" in found.faults[0]


def test_a_full_disk_is_told_before_anything_is_decoded(image_tree, tmp_path):
    with small_disk(tmp_path / "small", megabytes=1) as disk:
        (disk / "filler").write_bytes(b"0" * 1_040_000)
        with pytest.raises(InputError, match=r"no room for the store, 0 MB needed, 0 MB free; free disk space"):
            packed(image_tree, disk / "store", processes=1)
        assert not list((disk / "store").glob("store*"))


def test_the_room_for_a_store_is_not_filled_with_zeros_first(many_images, tmp_path, monkeypatch):
    """Where a file system cannot reserve room, posix_fallocate writes all of it."""
    monkeypatch.setattr(
        "transferability.store.packing.work_through", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)
    )
    with pytest.raises(KeyboardInterrupt):
        packed(many_images, tmp_path / "store")
    file = (tmp_path / "store" / "store.npy.unfinished").stat()
    assert file.st_size > 250_000
    assert file.st_blocks * 512 < 10_000


def test_a_failure_at_the_end_loses_nothing(many_images, tmp_path, monkeypatch):
    """The store's own name comes last: Snakemake deletes what a failed job left under the names of its outputs."""
    save = np.save
    monkeypatch.setattr(
        "transferability.store.packing.np.save", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full"))
    )
    with pytest.raises(OSError, match="full"):
        packed(many_images, tmp_path / "store")
    assert [file.name for file in (tmp_path / "store").glob("store*")] == ["store.npy.unfinished"]
    monkeypatch.setattr("transferability.store.packing.np.save", save)
    decoded = counted(monkeypatch, tmp_path / "decoded")
    packed(many_images, tmp_path / "store")
    assert decoded() == 0


def test_a_worker_that_is_killed_ends_with_one_error(many_images, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "transferability.store.packing.read_image", lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
    )
    with pytest.raises(InputError, match=r"one of 2 processes was killed, probably as memory ran out: .*jobs\.mem_mb"):
        packed(many_images, tmp_path / "store", processes=2)


def test_where_semaphores_cannot_be_made_one_error_says_so(many_images, tmp_path, monkeypatch):
    """As with a /dev/shm that may not be written to."""

    def refused(*_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr("transferability.common.worker_pool.ProcessPoolExecutor", refused)
    with pytest.raises(
        InputError, match=r"2 processes cannot be started .*Read-only.*make /dev/shm a writable directory"
    ):
        packed(many_images, tmp_path / "store", processes=2)


def test_workers_end_with_their_parent(many_images, tmp_path):
    """kill -9 of the packing process; by themselves its workers would wait for ever."""
    script = HANGING.format(repository=str(REPOSITORY), tree=str(many_images), where=str(tmp_path / "killed"))
    process = subprocess.Popen([sys.executable, "-c", script])
    marks = tmp_path / "killed"
    deadline = time.monotonic() + 60
    while len(list(marks.glob("worker-*"))) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.kill()
    process.wait()
    workers = [int(mark.name.removeprefix("worker-")) for mark in marks.glob("worker-*")]
    while any(map(psutil.pid_exists, workers)):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_damaged_store_is_refused(image_tree, tmp_path):
    _, where = packed(image_tree, tmp_path / "store")
    store, checksums, _ = names(where)
    whole = store.read_bytes()
    store.write_bytes(whole[:-100])
    with pytest.raises(InputError, match="repack it"):
        reopened(where)
    store.write_bytes(whole)
    checksums.write_bytes(checksums.read_bytes()[:-4] + b"1234")
    with pytest.raises(InputError, match=r"store\.json records sha256 .*repack it"):
        reopened(where)


def test_a_stale_store_is_refused(image_tree, tmp_path):
    _, where = packed(image_tree, tmp_path / "store")
    write_table(index_images("imagefolder", image_tree).iloc[::-1], where / "index.csv")
    with pytest.raises(InputError, match=r"was not packed from .* as this study needs \(store\.json records index "):
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
from tests.unit.store import test_store
from transferability.store import packing
pack_chunk = packing._pack_chunk
def dying(files, rows, *arguments, **options):
    if rows.start >= 3 * test_store.CHUNK:
        journal = Path({where!r}, "state", "pack.jsonl")
        while journal.read_text().count("\\n[") < 3:  # chunks that were done before
            time.sleep(0.02)
        os.kill(os.getppid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)
    return pack_chunk(files, rows, *arguments, **options)
packing._pack_chunk = dying
test_store.packed(Path({tree!r}), Path({where!r}))
"""


HANGING = """
import os, sys, time
from pathlib import Path
sys.path.insert(0, {repository!r})
from tests.unit.store import test_store
from transferability.store import packing
def hanging(*_, **__):
    Path({where!r}, f"worker-{{os.getpid()}}").touch()
    time.sleep(1000)
packing._pack_chunk = hanging
test_store.packed(Path({tree!r}), Path({where!r}), processes=2)
"""


def counted(monkeypatch, file):
    """Let every image that is decoded add a byte to a file, whichever process decodes it."""

    def counting(*arguments, **options):
        with file.open("ab") as opened:
            opened.write(b".")
        return read_image(*arguments, **options)

    file.touch()
    monkeypatch.setattr("transferability.store.packing.read_image", counting)
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


def test_what_other_code_has_packed_is_packed_again(many_images, tmp_path, monkeypatch):
    """The code is all of the rule's, not only what decodes."""
    broken = many_images / "train" / "n1" / "1.png"
    content = broken.read_bytes()
    broken.write_text("no image")
    with pytest.raises(InputError):
        packed(many_images, tmp_path / "store", code="before")
    broken.write_bytes(content)
    decoded = counted(monkeypatch, tmp_path / "decoded")
    packed(many_images, tmp_path / "store", code="after")
    assert decoded() == 6 * CHUNK
