"""The files of a small study whose images tell from their brightness which they are, as networks are trained from."""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from transferability.common.tables import write_table
from transferability.datasets.image_files import ImageFiles
from transferability.store.packing import pack
from transferability.store.reading import StoreFiles
from transferability.store.square import Square
from transferability.study.files import Results

WNIDS = [f"n0000000{k}" for k in range(8)]
CLASSES = {"A": WNIDS[1::2], "B": WNIDS[0::2], "all": WNIDS}


def write_study(root: Path, size: int, images_per_class: int) -> tuple[np.ndarray, list[tuple[str, str]]]:
    """Write index, store and manifests of eight classes; return the images, and (wnid, subset) of each.

    The classes lie mixed in the index; every third image of a class is for validation.

    Brightness differs between classes, subsets, and the first and last images of a class: a mean tells of which it is.
    """
    generator = np.random.default_rng(0)
    rows, images = [], []
    for number in range(images_per_class):
        for label, wnid in enumerate(WNIDS):
            subset = "val" if number % 3 == 2 else "train"
            image = generator.integers(0, 60, (size, size, 3), dtype=np.uint8)
            image += np.array([4 * label + 5 * number, 8 * label, 60 * (subset == "val")], dtype=np.uint8)
            image[size // 9 * label :][: size // 6, size // 4 : size // 2] += 100
            rows.append((f"{wnid}-{number:02d}.bmp", wnid, subset))
            images.append(image)
            Image.fromarray(image).save(root / rows[-1][0])
    index = pd.DataFrame(rows, columns=["path", "wnid", "subset"])
    write_table(index, root / "index.csv")
    for half, wnids in CLASSES.items():
        manifest = Results(root).manifest(split_of(half), half)
        manifest.parent.mkdir(parents=True, exist_ok=True)
        write_table(pd.DataFrame({"label": range(len(wnids)), "wnid": wnids, "name": wnids}), manifest)
    where = StoreFiles(*(root / name for name in ("index.csv", "store.npy", "store.crc32.npy", "store.json")))
    files = ImageFiles("imagefolder", root, index["path"].tolist())
    pack(files, where, Square(size), processes=1, code="code", notes=root / "pack.jsonl")
    return np.stack(images), [(wnid, subset) for _, wnid, subset in rows]


def split_of(name: str) -> str:
    return "whole" if name.startswith(("all", "random", "reduced")) else "random-0"
