"""Speed of packing images, and of random reads from the store: python benchmarks/pack.py [images]

Uses generated JPEGs of ImageNet's mean size (500x375 pixels, about 110 kB). Times are extrapolated to ILSVRC-2012.
"""

import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageFilter

from record import record
from transferability.common.tables import write_table
from transferability.datasets.image_files import ImageFiles
from transferability.datasets.index import index_images
from transferability.store.packing import pack
from transferability.store.reading import StoreFiles, open_store
from transferability.store.square import Square

ILSVRC = 1_281_167 + 50_000
SIZE, BATCH, REPEATS = 256, 256, 3


def make_images(root: Path, count: int) -> None:
    """Write an image folder of `count` JPEGs with 100 different contents, half for training, half for validation."""
    generator = np.random.default_rng(0)
    contents = []
    for _ in range(100):
        noise = Image.fromarray(generator.integers(0, 256, (375, 500, 3), dtype=np.uint8))
        smooth = noise.filter(ImageFilter.GaussianBlur(1.2))
        smooth.save(root / "one.jpg", quality=96)
        contents.append((root / "one.jpg").read_bytes())
    for number in range(count):
        folder = root / ("train", "val")[number % 2] / f"n{number // 2 % 10:08d}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.JPEG").write_bytes(contents[number % 100])


def packed_in(files: ImageFiles, where: StoreFiles, processes: int) -> float:
    """Return the seconds that packing takes."""
    began = time.perf_counter()
    pack(files, where, Square(SIZE), processes, "code", where.index.with_name("notes.jsonl"))
    return time.perf_counter() - began


def reads_per_second(where: StoreFiles, generator: np.random.Generator) -> tuple[float, float]:
    """Return images per second of random batches: in the first read, which compares checksums, and in the second."""
    store = open_store(where, Square(SIZE))
    speeds = []
    for _ in range(2):
        order = generator.permutation(store.shape[0])
        began = time.perf_counter()
        for start in range(0, len(order), BATCH):
            store[order[start : start + BATCH]]
        speeds.append(len(order) / (time.perf_counter() - began))
    return tuple(speeds)


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        (root / "images").mkdir()
        make_images(root / "images", count)
        kilobytes = np.mean([file.stat().st_size for file in (root / "images").rglob("*.JPEG")]) / 1000
        index = index_images("imagefolder", root / "images")
        write_table(index, root / "index.csv")
        files = ImageFiles("imagefolder", root / "images", index["path"].tolist())
        where = StoreFiles(root / "index.csv", root / "store.npy", root / "crc.npy", root / "store.json")
        for processes in (1, 2):
            speed = count / statistics.median(packed_in(files, where, processes) for _ in range(REPEATS))
            memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000
            rows.append([f"pack, {processes} processes", speed, speed / processes, ILSVRC / speed / 3600, memory])
        first, again = reads_per_second(where, np.random.default_rng(0))
        rows.append(["random reads, first (checked)", first, first, None, None])
        rows.append(["random reads, again", again, again, None, None])
    columns = ["what", "images/s", "images/s per core", "hours for ILSVRC-2012", "MB of the largest process"]
    notes = f"{count} JPEGs of 500x375 pixels, {kilobytes:.0f} kB; store of {SIZE}x{SIZE}; all in the page cache"
    record("pack", pd.DataFrame(rows, columns=columns), notes)
