"""Small image sets in every layout, with the same images, faithful to how each is handed out."""

import io
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from transferability.common.resources import RESOURCES
from transferability.store.decoding import read_image

# Four artifacts and four organisms of CIFAR-100, by their names there.
CLASSES = ["bear", "beaver", "bed", "bee", "bicycle", "bottle", "bowl", "camel"]
NAMES = pd.read_csv(RESOURCES / "cifar100.csv")
WNIDS = NAMES.set_index("name")["wnid"].loc[CLASSES].tolist()
TRAIN, VAL = 12, 4  # images per class

Images = list[tuple[str, int, bytes]]  # wnid, number within the class, content of a file


def make_images(count: int, seed: int) -> Images:
    """Images of 32x32 that a network can tell apart, class after class, with the quirks of ImageNet among them."""
    generator = np.random.default_rng(seed)
    images = []
    for label, wnid in enumerate(WNIDS):
        for number in range(count):
            pixels = generator.integers(0, 100, (32, 32, 3), dtype=np.uint8)
            pixels[4 * label : 4 * label + 4, 8:20] += 120
            images.append((wnid, number, _file(Image.fromarray(pixels), (label, number))))
    return images


def _file(image: Image.Image, place: tuple[int, int]) -> bytes:
    """What all is called .JPEG in ImageNet: JPEGs, some in CMYK, grey, or turned by EXIF; and one PNG."""
    buffer, exif = io.BytesIO(), image.getexif()
    exif[0x0112] = 6
    quirks = {
        (0, 1): lambda: image.convert("CMYK").save(buffer, "JPEG"),
        (1, 2): lambda: image.save(buffer, "PNG"),
        (2, 0): lambda: image.convert("L").save(buffer, "JPEG"),
        (3, 3): lambda: image.save(buffer, "JPEG", exif=exif),
    }
    quirks.get(place, lambda: image.save(buffer, "JPEG", quality=95))()
    return buffer.getvalue()


def validation_order(images: Images) -> Images:
    """Validation images as ImageNet numbers them: the classes mixed."""
    return sorted(images, key=lambda image: (image[1], image[0]))


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def imagefolder(root: Path, train: Images, val: Images) -> None:
    for wnid, number, content in train:
        write(root / "train" / wnid / f"{wnid}_{100 + number}.JPEG", content)
    for place, (wnid, _, content) in enumerate(validation_order(val), 1):
        write(root / "val" / wnid / f"ILSVRC2012_val_{place:08d}.JPEG", content)


def tiny_imagenet(root: Path, train: Images, val: Images) -> None:
    for wnid, number, content in train:
        write(root / "train" / wnid / "images" / f"{wnid}_{100 + number}.JPEG", content)
        write(root / "train" / wnid / f"{wnid}_boxes.txt", b"")
    lines = []
    for place, (wnid, _, content) in enumerate(validation_order(val), 100):
        write(root / "val" / "images" / f"val_{place}.JPEG", content)
        lines.append(f"val_{place}.JPEG\t{wnid}\t0\t0\t31\t31\n")
    write(root / "val" / "val_annotations.txt", "".join(lines).encode())


def kaggle(root: Path, train: Images, val: Images) -> None:
    images = root / "ILSVRC" / "Data" / "CLS-LOC"
    for wnid, number, content in train:
        write(images / "train" / wnid / f"{wnid}_{100 + number}.JPEG", content)
    lines = ["ImageId,PredictionString\n"]
    for place, (wnid, _, content) in enumerate(validation_order(val), 1):
        write(images / "val" / f"ILSVRC2012_val_{place:08d}.JPEG", content)
        lines.append(f"ILSVRC2012_val_{place:08d},{wnid} 1 1 20 20 {wnid} 5 5 30 30 \n")
    write(root / "LOC_val_solution.csv", "".join([lines[0], *reversed(lines[1:])]).encode())


def imagenet_archives(root: Path, train: Images, val: Images) -> None:
    root.mkdir(parents=True)
    of_class = {
        f"{wnid}.tar": tar({f"{wnid}_{100 + number}.JPEG": content for w, number, content in train if w == wnid})
        for wnid in reversed(WNIDS)
    }
    (root / "ILSVRC2012_img_train.tar").write_bytes(tar(of_class))
    ordered = validation_order(val)
    files = {f"ILSVRC2012_val_{place:08d}.JPEG": content for place, (_, _, content) in enumerate(ordered, 1)}
    (root / "ILSVRC2012_img_val.tar").write_bytes(tar(files))
    numbers = {wnid: 1 + (3 * k) % len(WNIDS) for k, wnid in enumerate(WNIDS)}  # in no order that could be guessed
    rows = [(numbers[wnid], wnid, "a, b", "a gloss", 0, [], 0, len(train) // len(WNIDS)) for wnid in WNIDS]
    rows.append((len(rows) + 1, "n00001740", "entity", "all", 2, [1, 2], 3, 0))  # a synset above the classes
    fields = [
        "ILSVRC2012_ID",
        "WNID",
        "words",
        "gloss",
        "num_children",
        "children",
        "wordnet_height",
        "num_train_images",
    ]
    synsets = np.array(rows, dtype=[(field, object) for field in fields]).reshape(-1, 1)
    meta = io.BytesIO()
    from scipy.io import savemat  # takes a second, in every process that collects tests

    savemat(meta, {"synsets": synsets})
    labels = "".join(f"{numbers[wnid]}\n" for wnid, _, _ in ordered)
    data = "ILSVRC2012_devkit_t12/data"
    devkit = {f"{data}/meta.mat": meta.getvalue(), f"{data}/ILSVRC2012_validation_ground_truth.txt": labels.encode()}
    (root / "ILSVRC2012_devkit_t12.tar.gz").write_bytes(tar(devkit, "w:gz"))


def tar(files: dict[str, bytes], mode: str = "w") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def cifar_100(root: Path, train: Images, val: Images) -> None:
    names = NAMES["name"].tolist()
    labels = dict(zip(NAMES["wnid"], range(len(NAMES)), strict=True))
    for subset, images in (("train", train), ("test", val)):
        ordered = validation_order(images)
        pixels = np.stack([read_image(io.BytesIO(content), 32) for _, _, content in ordered])
        content = {
            "filenames": [f"{place}.png" for place in range(len(ordered))],
            "batch_label": f"{subset}ing batch 1 of 1",
            "fine_labels": [labels[wnid] for wnid, _, _ in ordered],
            "coarse_labels": [0] * len(ordered),
            "data": pixels.transpose(0, 3, 1, 2).reshape(len(ordered), -1),
        }
        write(root / "cifar-100-python" / subset, pickle.dumps(content, protocol=2))
    meta = {"fine_label_names": names, "coarse_label_names": ["all"]}
    write(root / "cifar-100-python" / "meta", pickle.dumps(meta, protocol=2))


MAKERS = {
    "imagefolder": imagefolder,
    "tiny-imagenet": tiny_imagenet,
    "kaggle": kaggle,
    "imagenet-archives": imagenet_archives,
    "cifar-100": cifar_100,
}


def make_tree(layout: str, root: Path) -> Path:
    """Make the set in a layout, and return its root."""
    MAKERS[layout](root, make_images(TRAIN, seed=0), make_images(VAL, seed=1))
    return root
