"""Values and bands of images without an agreed meaning are errors that say what would do, never black or white."""

import re
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from PIL import Image

from tests.image_files import deep_png, portable, saved, tiff, twelve_bits
from tests.unit.store.test_meaning_of_values import ALPHA, COLOURS, GREY, INFRARED, MASK, SIDE, jpeg_2000, u1, u2
from tests.unit.store.test_store import packed
from transferability.common.errors import InputError
from transferability.store.decoding import read_image, try_to_decode


def why_not(content: bytes, scale="auto") -> str:
    """What is said of an image that cannot be read."""
    pixels, reason = try_to_decode(lambda: content, partial(read_image, size=SIDE, scale=scale))
    assert pixels is None, "it became an image"
    return reason


OF_ALL = "the values of black and white in all images"
SCALES = rf"give config key dataset\.scale: \[low, high\], {OF_ALL}, or full, if they are 0 and"
NARROW = "its values have 16 bits, 0 to 65535, but 98 % of them lie between"
TO_8 = r"; give config key dataset\.scale: full, if 0 and 65535 are black and white, or convert all images to 8 bits"
REFUSED: dict[str, tuple[Callable[[], bytes], str | tuple, str]] = {
    "12 bits of 16": (
        lambda: saved(u2(GREY, 16), "PNG"),
        "auto",
        f"{NARROW} 41 and 4039, so .*; {SCALES}",
    ),
    "15 bits of 16": (lambda: saved(u2(GREY, 128), "PNG"), "auto", f"{NARROW} 326 and 32314"),
    "around 20000": (lambda: tiff(u2(GREY, 1) + np.uint16(20000)), "auto", f"{NARROW} 20003 and 20252, so it would be"),
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
        r"Pillow reads at most 8 bits of its colours, .*\[0, 4095\] cannot apply",
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
        r"some of its values are no numbers \(NaN or infinite\); replace them",
    ),
    "all below the scale": (
        lambda: tiff(GREY.astype(np.float32) / 255),
        (200, 4095),
        r"its values, 0 to 1, are all outside config key dataset\.scale \[200, 4095\]: it would be all black",
    ),
    "all above the scale": (
        lambda: saved(u2(GREY, 16) + 99, "PNG"),
        (0, 1),
        "99 to 4179, are all .* be all white",
    ),
    "8 bits and a scale": (
        lambda: saved(u1(COLOURS), "PNG"),
        (0, 4095),
        r"its values have 8 bits, .* \[0, 4095\] is for",
    ),
    "signed 8 bits": (
        lambda: tiff((GREY - 128).astype(np.int8)),
        "auto",
        "its values are signed, which Pillow ignores",
    ),
    "red, green, blue and infrared": (
        lambda: tiff(u1(INFRARED)),
        "auto",
        "it has 4 bands, .* after the first 3 .*: keep",
    ),
    "infrared as an unspecified band": (
        lambda: tiff(u1(INFRARED), extra=(0,)),
        "auto",
        r"4 bands, .*ExtraSamples \[0\]",
    ),
    "infrared called transparency": (
        lambda: tiff(u1(INFRARED), extra=(2,)),
        "auto",
        "its last band is read as transparency, but 99% of it is neither opaque nor .*, as in infrared images; save it",
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
        "it is transparent everywhere, so nothing is visible; save it without its last band",
    ),
    # Pillow reads these without a word, and wrong.
    "planes of 16 bits": (
        lambda: tiff(u2(COLOURS), planes=True),
        "auto",
        "Pillow does not read planar TIFFs of 16 bits",
    ),
    "big-endian floats, compressed": (
        lambda: tiff(GREY.astype(np.float32), ">", compressed=True),
        (0, 255),
        "Pillow does not read such big-endian TIFFs correctly; save it without compression",
    ),
    "big-endian signed, compressed": (
        lambda: tiff(GREY.astype(np.int16), ">", compressed=True),
        (0, 255),
        "Pillow does not read such big-endian TIFFs correctly",
    ),
    "FITS": (
        lambda: b"".join(f"{card:80}".encode() for card in FITS).ljust(2880) + GREY.astype(">i2").tobytes().ljust(2880),
        (0, 255),
        r"Pillow ignores the scale of a FITS file's values \(BZERO, BSCALE\); convert it to TIFF",
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


def test_a_fault_of_the_whole_set_is_told_once(image_tree, tmp_path):
    """As a set of floating-point images has one; what is wrong with single files is told of each."""
    for folder in sorted((image_tree / "train").iterdir()):
        for number in range(3):
            Image.fromarray(np.full((20, 20), number / 7, np.float32)).save(folder / f"more-{number}.tif")
        (folder / "empty.png").touch()
    with pytest.raises(InputError) as error:
        packed(image_tree, tmp_path / "store")
    first, *listing = str(error.value).splitlines()
    assert first.startswith("12 of 30 images cannot be decoded")
    assert len(listing) == 4
    assert sum(line.endswith("empty.png: it is empty") for line in listing) == 3
    (told,) = (line for line in listing if "dataset.scale" in line)
    assert told.endswith("or convert it to 8 bits (8 more images like it)")
