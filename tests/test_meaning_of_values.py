"""Which values of an image are black and white, and which bands are colours: as agreed, as told, or an error."""

import io
import re
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from PIL import Image, ImageCms

from transferability.store.decoding import read_image, try_to_decode

from .image_files import deep_png, portable, saved, tiff, twelve_bits

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


def why_not(content: bytes, scale="auto") -> str:
    """What is said of an image that cannot be read."""
    pixels, reason = try_to_decode(lambda: content, partial(read_image, size=SIDE, scale=scale))
    assert pixels is None, "it became an image"
    return reason


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


SCALES = r"give config key dataset\.scale: \[low, high\], which are black and white in all images, or full, if 0 and"
NARROW = "its values have 16 bits, 0 to 65535, but 98 % of them lie between"
TO_8 = r"; give config key dataset\.scale: full, if 0 and 65535 are black and white, or convert all images to 8 bits"
REFUSED: dict[str, tuple[Callable[[], bytes], str | tuple, str]] = {
    "12 bits of 16": (
        lambda: saved(u2(GREY, 16), "PNG"),
        "auto",
        f"{NARROW} 41 and 4039, so that .*; {SCALES}",
    ),
    "15 bits of 16": (lambda: saved(u2(GREY, 128), "PNG"), "auto", f"{NARROW} 326 and 32314"),
    "around 20000": (lambda: tiff(u2(GREY, 1) + np.uint16(20000)), "auto", f"{NARROW} 20003 and 20252, so that it wou"),
    "above the middle": (lambda: tiff(u2(GREY, 1) + np.uint16(65000)), "auto", f"{NARROW} 65003 and 65252"),
    "a hot pixel": (lambda: tiff(u2(np.where(GREY == 7, 65535, GREY), 1)), "auto", f"{NARROW} 3 and 253"),
    "white is zero": (lambda: tiff(u2(GREY, 16), photometric=0), "auto", f"{NARROW} 41 and 4039"),
    "10 bits of 12": (
        lambda: twelve_bits(GREY * 4),
        "auto",
        "have 12 bits, 0 to 4095, but 98 % of them lie between 10 and 1010",
    ),
    "a PGM of 12 bits as 16": (lambda: portable(GREY * 16, 65535), "auto", f"{NARROW} 41 and 4039"),
    "a JPEG 2000 of 12 bits as 16": (lambda: jpeg_2000(u2(GREY, 16)), "auto", f"{NARROW} 41 and 4039"),
    "colours of 12 bits of 16": (lambda: deep_png(u2(COLOURS, 16)), "auto", f"{NARROW} 0 and 3855, .*{TO_8}"),
    "colours of 12 bits of 16 in a TIFF": (lambda: tiff(u2(COLOURS, 16)), "auto", f"{NARROW} 0 and"),
    "colours of 12 bits of 16, transparent": (lambda: deep_png(u2(ALPHA, 16)), "auto", f"{NARROW} 0 and"),
    "colours of 12 bits of 16 in a PPM": (lambda: portable(COLOURS * 16, 65535), "auto", f"{NARROW} 0 and"),
    "grey of 12 bits of 16, transparent": (lambda: deep_png(u2(np.dstack([GREY, MASK]), 16)), "auto", NARROW),
    "colours of 16 bits and a scale": (
        lambda: deep_png(u2(COLOURS)),
        (0, 4095),
        r"Pillow reads 8 bits of its colours at most, .*\[0, 4095\] cannot apply",
    ),
    "floats": (
        lambda: tiff((GREY / 255).astype(np.float32)),
        "auto",
        "its pixels are floating-point numbers, 0 to 1, without an agreed scale; give config key dataset.scale: .low",
    ),
    "floats and full": (
        lambda: tiff(GREY.astype(np.float32)),
        "full",
        "floating-point numbers, 0 to 255, without an a",
    ),
    "signed 16 bits": (
        lambda: tiff((GREY - 99).astype(np.int16)),
        "full",
        "signed or 32-bit numbers, -99 to 156, witho",
    ),
    "32 bits": (lambda: tiff((GREY * 2**24).astype(np.uint32)), "full", r"32-bit numbers, 0 to 4\.27819e\+09, without"),
    "not a number": (
        lambda: tiff(np.where(GREY == 5, np.nan, GREY).astype(np.float32)),
        (0, 255),
        r"some of its values are no numbers \(NaN or infinite\); fill them in",
    ),
    "all below the scale": (
        lambda: tiff(GREY.astype(np.float32) / 255),
        (200, 4095),
        r"its values, 0 to 1, are all outside config key dataset\.scale \[200, 4095\]: it would be black all over",
    ),
    "all above the scale": (
        lambda: saved(u2(GREY, 16) + 99, "PNG"),
        (0, 1),
        "99 to 4179, are all .* be white all over",
    ),
    "8 bits and a scale": (
        lambda: saved(u1(COLOURS), "PNG"),
        (0, 4095),
        r"its values have 8 bits, .* \[0, 4095\] is for",
    ),
    "signed 8 bits": (
        lambda: tiff((GREY - 128).astype(np.int8)),
        "auto",
        "its values are signed, which Pillow does not",
    ),
    "red, green, blue and infrared": (
        lambda: tiff(u1(INFRARED)),
        "auto",
        "it has 4 bands, .* for the first 3 .*: keep",
    ),
    "infrared as an unspecified band": (
        lambda: tiff(u1(INFRARED), extra=(0,)),
        "auto",
        r"4 bands, .*ExtraSamples \[0\]",
    ),
    "infrared called transparency": (
        lambda: tiff(u1(INFRARED), extra=(2,)),
        "auto",
        "its last band is read as transparency, but 99% of it is neither opaque nor .*, as in infrared; save it",
    ),
    "infrared by Pillow": (lambda: saved(u1(INFRARED), "TIFF"), "full", "its last band is read as transparency, but"),
    "infrared of 16 bits": (lambda: tiff(u2(INFRARED), extra=(2,)), "auto", "its last band is read as transparency"),
    "infrared in JPEG 2000": (
        lambda: jpeg_2000(u1(INFRARED), no_jp2=True),
        "auto",
        "its last band is read as transpare",
    ),
    "five bands": (
        lambda: tiff(u1(np.dstack([INFRARED, GREY])), extra=(0, 0)),
        "auto",
        "it has 5 bands, and no agreed",
    ),
    "five bands, one transparency": (
        lambda: tiff(u1(np.dstack([ALPHA, GREY])), extra=(2, 0)),
        "auto",
        "it has 5 bands",
    ),
    "five bands, undeclared": (
        lambda: tiff(u1(np.dstack([INFRARED, GREY]))),
        "auto",
        "a TIFF of 5 bands of 8-bit unsig",
    ),
    "seven bands": (
        lambda: tiff(u2(np.dstack([COLOURS, INFRARED]))),
        "auto",
        "it is a TIFF of 7 bands of 16-bit unsigned",
    ),
    "four grey bands": (
        lambda: tiff(u1(INFRARED), photometric=1, extra=(0,) * 3),
        "auto",
        "a TIFF of 4 bands of 8-bit",
    ),
    "grey and another band": (
        lambda: tiff(u1(np.dstack([GREY, MASK])), extra=(0,)),
        "auto",
        "it has 2 bands, .* first 1",
    ),
    "CMYK and another band": (lambda: tiff(u1(np.dstack([ALPHA, GREY])), photometric=5, extra=(0,)), "auto", "5 bands"),
    "colours as floats": (
        lambda: tiff(COLOURS.astype(np.float32)),
        "auto",
        "TIFF of 3 bands of 32-bit floating-point n",
    ),
    "64 bits": (
        lambda: tiff(GREY.astype(np.float64)),
        (0, 255),
        "TIFF of 1 bands of 64-bit floating-point numbers, which",
    ),
    "transparent everywhere": (
        lambda: saved(u1(np.dstack([COLOURS, GREY * 0])), "PNG"),
        "auto",
        "it is transparent everywhere, so that nothing is seen; save it without its last band",
    ),
    # Pillow reads these without a word, and wrong.
    "planes of 16 bits": (
        lambda: tiff(u2(COLOURS), planes=True),
        "auto",
        "Pillow does not read TIFFs of 16 bits, band a",
    ),
    "big-endian floats, compressed": (
        lambda: tiff(GREY.astype(np.float32), ">", compressed=True),
        (0, 255),
        "Pillow does not read such big-endian TIFFs right; save it without compression",
    ),
    "big-endian signed, compressed": (
        lambda: tiff(GREY.astype(np.int16), ">", compressed=True),
        (0, 255),
        "Pillow does not read such big-endian TIFFs right",
    ),
    "FITS": (
        lambda: b"".join(f"{card:80}".encode() for card in FITS).ljust(2880) + GREY.astype(">i2").tobytes().ljust(2880),
        (0, 255),
        r"Pillow ignores what FITS says of its values \(BZERO, BSCALE\); convert it to TIFF",
    ),
}
FITS = ["SIMPLE  =                    T", "BITPIX  =                   16", "NAXIS   =                    2"]
FITS += [f"NAXIS1  = {SIDE:20}", f"NAXIS2  = {SIDE:20}", "BZERO   =                32768", "END"]


@pytest.mark.parametrize("kind", REFUSED)
def test_what_has_no_agreed_meaning_is_an_error_with_its_remedy(kind):
    make, scale, message = REFUSED[kind]
    reason = why_not(make(), scale)
    assert re.search(message, reason), reason
    assert "\n" not in reason


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
