"""Decoding one image: a change here makes the store, and with it all results, anew."""

from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

# What Pillow raises for files that are no images, or damaged ones.
UNREADABLE = (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError)


def read_image(file: Path | BinaryIO, size: int) -> np.ndarray:
    """Decode an image file to RGB, resized to a square without keeping its aspect ratio: uint8 (size, size, 3).

    Greyscale, palette and CMYK images become RGB; EXIF orientation is ignored, as in the original study.
    Raises one of UNREADABLE if it cannot be decoded.
    """
    with Image.open(file) as image:
        if image.mode.startswith("I"):  # 16 bits a pixel, which Pillow would clip to 255
            image = Image.fromarray((np.asarray(image) / 256).astype(np.uint8))
        image = image.convert("RGB")
        if image.size != (size, size):
            image = image.resize((size, size), Image.Resampling.BILINEAR)
        return np.asarray(image)
