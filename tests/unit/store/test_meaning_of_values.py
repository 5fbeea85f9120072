"""Which values of an image are black and white, and which bands are colours: as agreed, as told, or an error."""

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageCms

from tests.image_files import deep_png, portable, saved, tiff, twelve_bits
from transferability.store.decoding import read_image

SIDE = 16
GREY = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)  # from black to white, in 8 bits
COLOURS = np.stack([GREY, GREY[::-1], GREY.T], axis=-1)
MASK = np.where(GREY < 100, 0, 255)
ALPHA = np.dstack([COLOURS, MASK])  # transparent at its top
SEEN = np.where(ALPHA[..., 3:] == 0, 255, COLOURS)  # what is seen of that, on white
INFRARED = np.dstack([COLOURS, GREY[:, ::-1]])


def u1(pixels: np.ndarray) -> np.ndarray:
    return pixels.astype(np.uint8)


def u2(pixels: np.ndarray, factor: int = 257) -> np.ndarray:
    return (pixels * factor).astype(np.uint16)


def read(content: bytes, scale="auto") -> np.ndarray:
    return read_image(io.BytesIO(content), SIDE, scale=scale)


def jpeg_2000(pixels: np.ndarray, **options) -> bytes:
    return saved(pixels, "JPEG2000", irreversible=False, **options)


def lab() -> bytes:
    profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    flat = Image.new("RGB", (SIDE, SIDE), (200, 100, 50))
    buffer = io.BytesIO()
    ImageCms.applyTransform(flat, ImageCms.buildTransform(*profiles, "RGB", "LAB")).save(buffer, "TIFF")
    return buffer.getvalue()


def palette() -> bytes:
    """A GIF of two colours, of which the first is transparent."""
    image, buffer = Image.fromarray(u1(MASK // 255)), io.BytesIO()
    image.putpalette([0, 0, 0, 200, 100, 50])
    image.save(buffer, "GIF", transparency=0)
    return buffer.getvalue()


FLAT = np.full((SIDE, SIDE, 3), (200, 100, 50))
AGREED: dict[str, tuple[Callable[[], bytes], np.ndarray]] = {
    "PNG of 16 bits": (lambda: saved(u2(GREY), "PNG"), GREY),
    "PNG of 16 bits, one value transparent": (
        lambda: saved(u2(GREY), "PNG", transparency=50 * 257),
        np.where(GREY == 50, 255, GREY),
    ),
    "PNG of 16 bits in colours": (lambda: deep_png(u2(COLOURS)), COLOURS),
    "PNG of 16 bits in colours, transparent": (lambda: deep_png(u2(ALPHA)), SEEN),
    "PNG of 16 bits in grey, transparent": (
        lambda: deep_png(u2(np.dstack([GREY, MASK]))),
        np.where(MASK == 0, 255, GREY),
    ),
    "TIFF of 8 bits": (lambda: tiff(u1(GREY)), GREY),
    "TIFF of 8 bits, white is zero": (lambda: tiff(u1(255 - GREY), photometric=0), GREY),
    "TIFF of 12 bits": (lambda: twelve_bits(GREY * 4095 // 255), GREY),
    "TIFF of 16 bits, big-endian": (lambda: tiff(u2(GREY), ">"), GREY),
    "TIFF of 16 bits, big-endian, compressed": (lambda: tiff(u2(GREY), ">", compressed=True), GREY),
    "TIFF of 16 bits, white is zero": (lambda: tiff(u2(255 - GREY), photometric=0), GREY),
    "TIFF of 16 bits in colours": (lambda: tiff(u2(COLOURS)), COLOURS),
    "TIFF of 16 bits in colours, big-endian, compressed": (lambda: tiff(u2(COLOURS), ">", compressed=True), COLOURS),
    "TIFF of planes": (lambda: tiff(u1(COLOURS), planes=True), COLOURS),
    "TIFF of planes of 16 bits, compressed": (lambda: tiff(u2(COLOURS), planes=True, compressed=True), COLOURS),
    "TIFF of CMYK": (lambda: tiff(u1(np.dstack([255 - COLOURS, GREY * 0])), photometric=5), COLOURS),
    "TIFF of CMYK, 16 bits": (lambda: tiff(u2(np.dstack([255 - COLOURS, GREY * 0])), photometric=5), COLOURS),
    "TIFF of CIELAB": (lab, FLAT),
    "TIFF with transparency": (lambda: tiff(u1(ALPHA), extra=(2,)), SEEN),
    "TIFF with transparency, multiplied in": (
        lambda: tiff(u1(np.dstack([COLOURS * (MASK[..., None] > 0), MASK])), extra=(1,)),
        SEEN,
    ),
    "TIFF of grey with transparency": (
        lambda: tiff(u1(np.dstack([GREY, MASK])), extra=(2,)),
        np.where(MASK == 0, 255, GREY),
    ),
    "TIFF of grey with transparency, multiplied in": (
        lambda: tiff(u1(np.dstack([GREY * (MASK > 0), MASK])), extra=(1,)),
        np.where(MASK == 0, 255, GREY),
    ),
    "PGM from 0 to 4095": (lambda: portable(GREY * 4095 // 255, 4095), GREY),
    "PGM from 0 to 65535": (lambda: portable(GREY * 257, 65535), GREY),
    "PPM from 0 to 4095": (lambda: portable(COLOURS * 4095 // 255, 4095), COLOURS),
    "PPM from 0 to 65535": (lambda: portable(COLOURS * 257, 65535), COLOURS),
    "JPEG 2000": (lambda: jpeg_2000(u1(COLOURS)), COLOURS),
    "JPEG 2000 of 16 bits": (lambda: jpeg_2000(u2(GREY)), GREY),
    "JPEG 2000 of 16 bits, bare": (lambda: jpeg_2000(u2(GREY), no_jp2=True), GREY),
    "JPEG 2000 with transparency": (lambda: jpeg_2000(u1(ALPHA)), SEEN),
    "WebP with transparency": (lambda: saved(u1(ALPHA), "WEBP", lossless=True), SEEN),
    "TGA with transparency": (lambda: saved(u1(ALPHA), "TGA"), SEEN),
    "GIF with a transparent colour": (palette, np.where(MASK[..., None] == 0, 255, FLAT)),
    "PNG of 1 bit": (lambda: saved(MASK > 0, "PNG"), MASK),
}


@pytest.mark.parametrize("kind", AGREED)
def test_what_has_an_agreed_meaning_is_what_a_person_sees(kind):
    make, expected = AGREED[kind]
    expected = expected if expected.ndim == 3 else np.dstack([expected] * 3)
    for scale in ("auto", "full"):
        differs = np.abs(read(make(), scale).astype(int) - expected)
        assert differs.max() <= 2, f"{kind}, scale {scale}: {differs.max()} of 255 off"


TOLD: dict[str, tuple[Callable[[], bytes], tuple[float, float]]] = {
    "12 bits of 16": (lambda: saved(u2(GREY, 16), "PNG"), (0, 4080)),
    "12 bits of 16, big-endian": (lambda: tiff(u2(GREY, 16), ">"), (0, 4080)),
    "10 bits of 12": (lambda: twelve_bits(GREY * 4), (0, 1020)),
    "around 20000": (lambda: tiff(u2(GREY, 1) + np.uint16(20000)), (20000, 20255)),
    "white is zero": (lambda: tiff(u2(255 - GREY, 16), photometric=0), (0, 4080)),
    "floats": (lambda: tiff((GREY / 255).astype(np.float32)), (0, 1)),
    "floats, big-endian": (lambda: tiff((GREY / 255).astype(np.float32), ">"), (0, 1)),
    "floats, compressed": (lambda: tiff((GREY / 255).astype(np.float32), compressed=True), (0, 1)),
    "floats, white is zero": (lambda: tiff(1 - (GREY / 255).astype(np.float32), photometric=0), (0, 1)),
    "signed 16 bits": (lambda: tiff((GREY - 128).astype(np.int16)), (-128, 127)),
    "signed 16 bits, big-endian": (lambda: tiff((GREY - 128).astype(np.int16), ">"), (-128, 127)),
    "signed 32 bits": (lambda: tiff((GREY * 2**22 - 2**29).astype(np.int32)), (-(2**29), 255 * 2**22 - 2**29)),
    "32 bits": (lambda: tiff((GREY * 2**24).astype(np.uint32)), (0, 255 * 2**24)),
    "PGM from 0 to 1023": (lambda: portable(GREY * 4, 1023), (0, 1020)),
    "PGM from 0 to 65535": (lambda: portable(GREY * 16, 65535), (0, 4080)),
    "PFM": (lambda: f"Pf {SIDE} {SIDE} -1.0\n".encode() + GREY[::-1].astype("<f4").tobytes(), (0, 255)),
    "JPEG 2000 of 16 bits": (lambda: jpeg_2000(u2(GREY, 16)), (0, 4080)),
}


@pytest.mark.parametrize("kind", TOLD)
def test_a_scale_says_which_values_of_the_file_are_black_and_white(kind):
    make, scale = TOLD[kind]
    differs = np.abs(read(make(), scale)[..., 1].astype(int) - GREY)
    assert differs.max() <= 1, f"{kind}: {differs.max()} of 255 off"


def test_the_scale_is_that_of_the_set_whatever_the_image_holds():
    """Half as bright stays half as bright, and what lies outside becomes black or white."""
    bright, dark = (read(saved(u2(GREY, factor), "PNG"), [0, 4080]) for factor in (16, 8))
    assert np.abs(bright.astype(int) - 2 * dark.astype(int)).max() <= 1
    clipped = read(saved(u2(GREY, 16), "PNG"), [1000, 2000])[..., 0]
    assert (clipped[GREY * 16 <= 1000] == 0).all() and (clipped[GREY * 16 >= 2000] == 255).all()
