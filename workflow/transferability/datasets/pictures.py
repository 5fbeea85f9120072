"""The built-in image set on disk: the choice of its classes, and its pictures as JPEG files in ImageNet's layout."""

import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from transferability.common.atomic_files import UNFINISHED
from transferability.common.errors import InputError
from transferability.common.resources import RESOURCES
from transferability.common.seeds import derive_seed
from transferability.common.worker_pool import worker_pool
from transferability.datasets.drawing import draw_pictures, inherit_genes
from transferability.datasets.wordnet import ORGANISM, ancestors, hypernym_graph

CLASSES = RESOURCES / "ilsvrc2012.csv"


def choose_classes(count: int, seed: int) -> list[str]:
    """Choose `count` ILSVRC-2012 wnids, half man-made and half natural; return them sorted.

    Raises InputError if there are too few.
    """
    table = pd.read_csv(CLASSES)
    sides = [sorted(group.wnid) for _, group in table.groupby("side")]
    wanted = [count // 2, count - count // 2]
    if any(k > len(wnids) for k, wnids in zip(wanted, sides, strict=True)):
        raise InputError(
            f"config key pictures.classes: {count} given; at most {2 * min(map(len, sides))} are available"
        )
    generator = np.random.default_rng(derive_seed(seed, "pictures", "classes"))
    return sorted(
        str(w) for k, wnids in zip(wanted, sides, strict=True) for w in generator.choice(wnids, k, replace=False)
    )


def write_pictures(root: Path, classes: int, per_class: dict[str, int], size: int, seed: int, processes: int) -> None:
    """Write the set as root/{subset}/{wnid}/{wnid}_{number}.JPEG; `per_class` maps subset to pictures per class.

    The directory `root` appears only when all pictures are written.
    """
    wnids = choose_classes(classes, seed)
    graph = hypernym_graph("snapshot", wnids)
    genes = inherit_genes(graph, seed)
    lobed = [ORGANISM in ancestors(graph, wnid) for wnid in wnids]
    unfinished = root.with_name(root.name + UNFINISHED)
    shutil.rmtree(unfinished, ignore_errors=True)
    write = partial(_write_class, root=unfinished, per_class=per_class, size=size, seed=seed)
    with worker_pool(processes) as pool:
        list(pool.map(write, wnids, [genes[wnid] for wnid in wnids], lobed))  # list() raises workers' errors
    if root.is_dir():
        root.rmdir()  # it exists already, and is empty
    unfinished.replace(root)


def foreign_file(root: Path) -> Path | None:
    """Return a file below a directory of pictures whose name is not one of `write_pictures`, or None."""
    return next(
        (
            file
            for file in sorted(root.rglob("*"))
            if file.is_file() and not file.name.startswith((".", f"{file.parent.name}_"))
        ),
        None,
    )


def _write_class(
    wnid: str, genes: np.ndarray, lobed: bool, root: Path, per_class: dict[str, int], size: int, seed: int
) -> None:
    for subset, count in per_class.items():
        generator = np.random.default_rng(derive_seed(seed, "pictures", wnid, subset))
        folder = root / subset / wnid
        folder.mkdir(parents=True)
        for number, picture in enumerate(draw_pictures(genes, lobed, count, size, generator)):
            Image.fromarray(picture).save(folder / f"{wnid}_{number}.JPEG", quality=92)
