"""Predict the class of images: python predict.py FOLDER_OR_IMAGES... > predictions.csv (see README.md)."""

import csv
import json
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps

BATCH = 100
DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "U8": "u1", "BOOL": "?"}
UNREADABLE = (OSError, ValueError, SyntaxError, EOFError, IndexError, Image.DecompressionBombError)


def load_model(folder: Path, spec: dict) -> torch.nn.Module:
    """Build the library's model and fill it with model.safetensors; all names and shapes have to agree."""
    library, _, name = spec["architecture"].partition("/")
    if library == "timm":
        from timm import create_model as build
    else:
        from torchvision.models import get_model as build
    model = build(name, num_classes=len(spec["classes"]), **spec["options"])
    for name in spec["identity"]:
        model.set_submodule(name, torch.nn.Identity())
    content = (folder / "model.safetensors").read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    parts = json.loads(content[8:start])
    parts.pop("__metadata__", None)
    own = model.state_dict()
    if {name: list(tensor.shape) for name, tensor in own.items()} != {name: parts[name]["shape"] for name in parts}:
        raise SystemExit(f"model.safetensors does not fit this {spec['architecture']}; use {spec['library']}")
    for name, part in parts.items():
        first, last = part["data_offsets"]
        values = np.frombuffer(content[start + first : start + last], DTYPES[part["dtype"]]).reshape(part["shape"])
        own[name].copy_(torch.from_numpy(values.copy()))
    return model.eval().to(memory_format=torch.channels_last)


def read_image(file: Path, spec: dict) -> np.ndarray | None:
    """Decode an image to what the network sees: uint8 (input_size, input_size, 3), RGB. None if that fails."""
    try:
        with Image.open(file) as image:
            return decoded(image, spec)
    except UNREADABLE as error:
        print(f"{file}: not read: {error}", file=sys.stderr)


def decoded(image: Image.Image, spec: dict) -> np.ndarray:
    """Return an image as the training's: turned, on white where transparent, a square, of it the middle."""
    if image.format in ("EPS", "FITS"):
        raise ValueError("images of this format are not read in training either")
    if image.mode[0] in "IF":
        raise ValueError("it has more than 8 bits a value; convert it to 8 bits")
    if spec["orientation"] == "apply":
        ImageOps.exif_transpose(image, in_place=True)
    if image.has_transparency_data:
        image = (image.convert("LA") if image.mode == "La" else image).convert("RGBA")
        if image.getchannel("A").getextrema()[1] == 0:
            raise ValueError("it is transparent everywhere")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image, size, seen = image.convert("RGB"), spec["image_size"], spec["input_size"]
    if image.size != (size, size):
        side = min(image.size)
        left, upper = ((length - side) / 2 for length in image.size)
        box = (left, upper, left + side, upper + side) if spec["fit"] == "center-crop" else None
        image = image.resize((size, size), Image.Resampling.BILINEAR, box)
    margin = (size - seen) // 2
    return np.asarray(image)[margin : margin + seen, margin : margin + seen]


def predict(model: torch.nn.Module, images: list[np.ndarray], spec: dict, device: str) -> tuple[list, list]:
    """Return the label and its probability for each image."""
    pixels = torch.from_numpy(np.stack(images)).to(device).float()
    pixels = pixels.flip(-1) if spec["pixels"]["order"] == "bgr" else pixels
    mean, std = (255 * torch.tensor(spec["pixels"][key], device=device) for key in ("mean", "std"))
    inputs = ((pixels - mean) * (1 / std)).permute(0, 3, 1, 2)
    with torch.inference_mode(), torch.autocast(device, torch.bfloat16, enabled=spec["precision"] == "bfloat16"):
        scores = model(inputs).float()
    return scores.argmax(1).tolist(), scores.softmax(1).amax(1).tolist()


def main(arguments: list[str]) -> None:
    """Write path, predicted class and confidence of each image; report the accuracy where folders are classes."""
    folder = Path(__file__).resolve().parent
    spec = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    classes, device = spec["classes"], "cuda" if torch.cuda.is_available() else "cpu"
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = spec["precision"] != "float32"
    model = load_model(folder, spec).to(device)
    files, suffixes = [], Image.registered_extensions()
    for place in map(Path, arguments):
        inside = [file for file in sorted(place.rglob("*")) if file.suffix.lower() in suffixes]
        files += [(file, file.relative_to(place).parts[:-1]) for file in inside] or [(place, place.parts[:-1])]
    sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")
    table, right, known = csv.writer(sys.stdout, lineterminator="\n"), 0, 0
    table.writerow(["path", "predicted", "confidence"])
    for start in range(0, len(files), BATCH):
        read = [(read_image(file, spec), file, folders) for file, folders in files[start : start + BATCH]]
        batch = [part for part in read if part[0] is not None]
        answers = predict(model, [image for image, *_ in batch], spec, device) if batch else ([], [])
        for (_, file, folders), label, confidence in zip(batch, *answers, strict=True):
            table.writerow([file, classes[label], f"{confidence:.4f}"])
            if labelled := [name for name in folders if name in classes]:
                known, right = known + 1, right + (labelled[-1] == classes[label])
    if known:
        print(f"{right} of {known} right ({100 * right / known:.1f} %)", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:]) if sys.argv[1:] else print(__doc__)
