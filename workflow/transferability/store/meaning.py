"""The meaning of the numbers in an image file: which bands are colours, which values are black and white.

Numbers without an agreed meaning raise a ValueError that names a remedy; they never become an image that is all black
or all white.
"""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image, TiffImagePlugin

from transferability.store.square import AUTO, FULL, Scale

KEY = "config key dataset.scale"
FROM_0_TO_255 = 8  # bits per value
COLOURS = {2: 3, 5: 4, 6: 3, 8: 3}  # number of bands by TIFF's PhotometricInterpretation; all others have one
KINDS = {1: "unsigned", 2: "signed", 3: "floating-point"}  # TIFF's SampleFormat
ASSOCIATED, UNASSOCIATED = 1, 2  # values of TIFF's ExtraSamples for transparency; Corel Draw 10 writes 999
IGNORED = 1  # percent of the values at either end that are ignored: a few dead or hot pixels do not fill a range


@dataclass(frozen=True)
class Numbers:
    """The properties of an image's values according to the header of its file.

    `deep` is whether they have more than 8 bits; `top` is the highest possible value, None if there is no agreed one;
    `unit` is the value to which Pillow converts a 1 in the file. `vague` is whether a band that is read as transparency
    may be something else.
    """

    deep: bool = False
    top: int | None = None
    unit: float = 1.0
    vague: bool = False


def numbers_of(image: Image.Image) -> Numbers:
    """Return the properties in an image's header; the image comes from Image.open and is not yet loaded.

    Raises ValueError for bands without an agreed meaning, and for values that Pillow does not read correctly.
    """
    if image.format == "EPS":
        raise ValueError("it is a program in PostScript, which is not run; convert it to PNG")
    if image.format == "TIFF":
        return _of_tiff(image)
    if image.format == "JPEG2000":
        return _of_jpeg_2000(image)
    if image.format == "FITS" and image.mode != "L":
        raise ValueError("Pillow ignores the scale of a FITS file's values (BZERO, BSCALE); convert it to TIFF")
    arguments = image.tile[0].args if image.tile else ""
    layout, *more = (arguments,) if isinstance(arguments, str) else arguments or ("",)
    if image.format == "PPM" and image.mode != "F":
        top = more[0] if more else 65535 if image.mode == "I" else 255
        return Numbers(top > 255, 65535, 65535 / top)
    deep = image.mode[0] in "IF" or str(layout).endswith((";16B", ";16L", ";16N"))
    return Numbers(deep, 65535 if image.mode.startswith("I;16") else None, vague=image.format == "PSD")


def to_rgb(image: Image.Image, numbers: Numbers, scale: Scale) -> Image.Image:
    """Return an image converted to RGB as a viewer shows it; transparent parts become white.

    Raises ValueError if `numbers` and `scale` do not determine which of its values are black and white.
    """
    if not numbers.deep and not isinstance(scale, str):
        raise ValueError(
            f"its values have 8 bits, black is 0 and white 255; {KEY} {list(scale)} is for images of more bits, and a "
            "set has one scale: convert the image to the scale of the others, or leave the key out"
        )
    if image.mode[0] in "IF":
        return Image.fromarray(_grey(image, numbers, scale)).convert("RGB")
    if numbers.deep:
        _check_colours(image, scale)
    if image.has_transparency_data:
        return _on_white(image, numbers.vague)
    return image.convert("RGB")


def _of_tiff(image: Image.Image) -> Numbers:
    tags = image.tag_v2
    bits, signed = max(tags.get(258, (1,))), 2 in tags.get(339, (1,))
    colours, bands, extra = COLOURS.get(tags.get(262), 1), tags.get(277, 1), tags.get(338, ())
    if bands > colours + 1 or (bands == colours + 1 and extra[:1] not in ((ASSOCIATED,), (UNASSOCIATED,), (999,))):
        raise ValueError(
            f"it has {bands} bands, and no agreed meaning for those after the first {colours} (ExtraSamples "
            f"{list(extra)}): keep the first {colours} only or, if a further one is transparency, save it as PNG"
        )
    compressed = image.tile[0].codec_name == "libtiff"
    if signed and bits <= FROM_0_TO_255:
        raise ValueError("its values are signed, which Pillow ignores in 8 bits; convert it to unsigned values")
    if tags.get(284, 1) == 2 and not compressed and (bits != FROM_0_TO_255 or tags.get(262) == 0):
        raise ValueError(f"Pillow does not read planar TIFFs of {bits} bits correctly; save it compressed")
    if tags.prefix == b"MM" and compressed and image.mode in ("I", "F"):
        raise ValueError("Pillow does not read such big-endian TIFFs correctly; save it without compression")
    top = 2**bits - 1 if bits <= 16 and not signed else None
    return Numbers(bits > FROM_0_TO_255, top, vague=extra[:1] == (UNASSOCIATED,))


def _of_jpeg_2000(image: Image.Image) -> Numbers:
    image.fp.seek(0)
    header, _, codestream = image.fp.read().partition(b"\xff\x4f\xff\x51")  # the first marker, SIZ
    bits = (codestream[38] & 127) + 1
    return Numbers(bits > FROM_0_TO_255, 65535, 2.0 ** (16 - bits), vague=b"cdef" not in header)


def _grey(image: Image.Image, numbers: Numbers, scale: Scale) -> np.ndarray:
    """Return the values of an image with one band of more than 8 bits, converted to 8: uint8 (height, width)."""
    values, tags = np.asarray(image), image.tag_v2 if image.format == "TIFF" else {}
    if numbers.top is None and values.dtype != np.float32 and 2 not in tags.get(339, (1,)):
        values = values.view(np.uint32)  # Pillow has only signed 32-bit values
    if not np.isfinite(values).all():
        raise ValueError("some of its values are no numbers (NaN or infinite); replace them")
    told = not isinstance(scale, str)
    grey = _between(values / numbers.unit, *scale) if told else _by_header(values, numbers.top, scale)
    if tags.get(262) == 0:  # white is zero
        grey = 255 - grey
    if (transparent := image.info.get("transparency")) is not None:  # a PNG can declare one value transparent
        grey[values == transparent] = 255
    return grey


def _by_header(values: np.ndarray, top: int | None, scale: str) -> np.ndarray:
    if top is None:
        kind = "floating-point" if values.dtype.kind == "f" else "signed or 32-bit"
        raise ValueError(
            f"its pixels are {kind} numbers, {values.min():g} to {values.max():g}, without an agreed scale; give "
            f"{KEY}: [low, high], the values of black and white in all images, or convert it to 8 bits"
        )
    if scale == AUTO:
        _check_range(
            values, top, f"[low, high], the values of black and white in all images, or {FULL}, if they are 0 and {top}"
        )
    return (values >> (top.bit_length() - FROM_0_TO_255)).astype(np.uint8)


def _between(values: np.ndarray, low: float, high: float) -> np.ndarray:
    if values.max() < low or values.min() > high:
        raise ValueError(
            f"its values, {values.min():g} to {values.max():g}, are all outside {KEY} [{low:g}, {high:g}]: it would be "
            f"all {'black' if values.max() < low else 'white'}; give the range of all images, or leave the key out"
        )
    return np.rint((np.clip(values, low, high) - low) * (255 / (high - low))).astype(np.uint8)


def _check_range(values: np.ndarray, top: int, remedy: str) -> None:
    """Raise ValueError if values use less than half of their range: they may have fewer bits than their type."""
    low, high = np.percentile(values, (IGNORED, 100 - IGNORED))
    if high - low < top / 2:
        raise ValueError(
            f"its values have {top.bit_length()} bits, 0 to {top}, but {100 - 2 * IGNORED} % of them lie between "
            f"{low:.0f} and {high:.0f}, so it would be dark or have few shades; give {KEY}: {remedy}"
        )


def _check_colours(image: Image.Image, scale: Scale) -> None:
    """Check the range of 16-bit colours by their upper 8 bits, which Pillow reads and which show the range used."""
    if not isinstance(scale, str):
        raise ValueError(
            f"Pillow reads at most 8 bits of its colours, so {KEY} {list(scale)} cannot apply; convert all images "
            "to 8 bits"
        )
    if scale == AUTO:
        upper = np.asarray(image.convert("RGB")).astype(np.uint16)
        _check_range(upper * 257, 65535, f"{FULL}, if 0 and 65535 are black and white, or convert all images to 8 bits")


def _on_white(image: Image.Image, vague: bool) -> Image.Image:
    if image.mode == "La":
        image = image.convert("LA")
    image = image.convert("RGBA")
    histogram = np.array(image.getchannel("A").histogram())
    between = 1 - (histogram[0] + histogram[255]) / histogram.sum()
    if histogram[0] == histogram.sum():
        raise ValueError("it is transparent everywhere, so nothing is visible; save it without its last band")
    if vague and between > 0.5:
        raise ValueError(
            f"its last band is read as transparency, but {between:.0%} of it is neither opaque nor transparent, as in "
            "infrared images; save it without that band, or as PNG if it is transparency"
        )
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


def what_kind_of_tiff(content: bytes) -> str:
    """Describe the content of a TIFF that Pillow does not open; return "" if it is no TIFF, or damaged."""
    try:
        tags = TiffImagePlugin.ImageFileDirectory_v2(content[: 16 if content[2] == 43 else 8])
        file = io.BytesIO(content)
        file.seek(tags.next)
        tags.load(file)
        bands, bits, kind = tags.get(277, 1), max(tags[258]), KINDS.get(tags.get(339, (1,))[0], "other")
    except Exception:  # a damaged directory raises exceptions of many types
        return ""
    return f"a TIFF of {bands} bands of {bits}-bit {kind} numbers"
