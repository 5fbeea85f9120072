"""What the numbers in an image file mean: which bands are colours, which values are black and white.

What has no agreed meaning is a ValueError that says what would do, never an image that is black or white all over.
"""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image, TiffImagePlugin

from transferability.store.square import AUTO, FULL, Scale

KEY = "config key dataset.scale"
FROM_0_TO_255 = 8  # bits a value
COLOURS = {2: 3, 5: 4, 6: 3, 8: 3}  # bands by TIFF's PhotometricInterpretation; of others one
KINDS = {1: "unsigned", 2: "signed", 3: "floating-point"}  # TIFF's SampleFormat
ASSOCIATED, UNASSOCIATED = 1, 2  # what TIFF's ExtraSamples calls transparency; 999 is what Corel Draw 10 calls it
IGNORED = 1  # percent of the values at either end: a few dead or hot pixels do not make a range full


@dataclass(frozen=True)
class Numbers:
    """What the header of an image file says of its values.

    `deep` is whether they have more than 8 bits, `top` the highest that there may be, None if there is no agreed one;
    `unit` is what Pillow makes of a 1 in the file. `vague` is whether a band of transparency may be something else.
    """

    deep: bool = False
    top: int | None = None
    unit: float = 1.0
    vague: bool = False


def numbers_of(image: Image.Image) -> Numbers:
    """Return what the header of an image says, as Image.open gave it: not yet loaded.

    Raises ValueError for bands without an agreed meaning, and for values that Pillow does not read as they are.
    """
    if image.format == "EPS":
        raise ValueError("it is a program in PostScript, which is not run; convert it to PNG")
    if image.format == "TIFF":
        return _of_tiff(image)
    if image.format == "JPEG2000":
        return _of_jpeg_2000(image)
    if image.format == "FITS" and image.mode != "L":
        raise ValueError("Pillow ignores what FITS says of its values (BZERO, BSCALE); convert it to TIFF")
    arguments = image.tile[0].args if image.tile else ""
    layout, *more = (arguments,) if isinstance(arguments, str) else arguments or ("",)
    if image.format == "PPM" and image.mode != "F":
        top = more[0] if more else 65535 if image.mode == "I" else 255
        return Numbers(top > 255, 65535, 65535 / top)
    deep = image.mode[0] in "IF" or str(layout).endswith((";16B", ";16L", ";16N"))
    return Numbers(deep, 65535 if image.mode.startswith("I;16") else None, vague=image.format == "PSD")


def to_rgb(image: Image.Image, numbers: Numbers, scale: Scale) -> Image.Image:
    """Return an image as a person sees it, in RGB, on white where it is transparent.

    Raises ValueError if `numbers` and `scale` do not say which of its values are black and white.
    """
    if not numbers.deep and not isinstance(scale, str):
        raise ValueError(
            f"its values have 8 bits, black is 0 and white 255; {KEY} {list(scale)} is for images of more bits, and a "
            "set has one scale: convert it to theirs, or leave it out"
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
            f"it has {bands} bands, and no agreed meaning but for the first {colours} (ExtraSamples {list(extra)}): "
            "keep these, or for transparency save it as PNG"
        )
    compressed = image.tile[0].codec_name == "libtiff"
    if signed and bits <= FROM_0_TO_255:
        raise ValueError("its values are signed, which Pillow does not see in 8 bits; convert it to unsigned ones")
    if tags.get(284, 1) == 2 and not compressed and (bits != FROM_0_TO_255 or tags.get(262) == 0):
        raise ValueError(f"Pillow does not read TIFFs of {bits} bits, band after band, right; save it compressed")
    if tags.prefix == b"MM" and compressed and image.mode in ("I", "F"):
        raise ValueError("Pillow does not read such big-endian TIFFs right; save it without compression")
    top = 2**bits - 1 if bits <= 16 and not signed else None
    return Numbers(bits > FROM_0_TO_255, top, vague=extra[:1] == (UNASSOCIATED,))


def _of_jpeg_2000(image: Image.Image) -> Numbers:
    image.fp.seek(0)
    header, _, codestream = image.fp.read().partition(b"\xff\x4f\xff\x51")  # the marker of sizes, its first
    bits = (codestream[38] & 127) + 1
    return Numbers(bits > FROM_0_TO_255, 65535, 2.0 ** (16 - bits), vague=b"cdef" not in header)


def _grey(image: Image.Image, numbers: Numbers, scale: Scale) -> np.ndarray:
    """Return the values of an image with one band of more than 8 bits, as they become 8: uint8 (height, width)."""
    values, tags = np.asarray(image), image.tag_v2 if image.format == "TIFF" else {}
    if numbers.top is None and values.dtype != np.float32 and 2 not in tags.get(339, (1,)):
        values = values.view(np.uint32)  # Pillow knows signed ones only
    if not np.isfinite(values).all():
        raise ValueError("some of its values are no numbers (NaN or infinite); fill them in")
    told = not isinstance(scale, str)
    grey = _between(values / numbers.unit, *scale) if told else _by_header(values, numbers.top, scale)
    if tags.get(262) == 0:  # white is zero
        grey = 255 - grey
    if (transparent := image.info.get("transparency")) is not None:  # one value, in PNG
        grey[values == transparent] = 255
    return grey


def _by_header(values: np.ndarray, top: int | None, scale: str) -> np.ndarray:
    if top is None:
        kind = "floating-point" if values.dtype.kind == "f" else "signed or 32-bit"
        raise ValueError(
            f"its pixels are {kind} numbers, {values.min():g} to {values.max():g}, without an agreed scale; give "
            f"{KEY}: [low, high], which are black and white in all images, or convert it to 8 bits"
        )
    if scale == AUTO:
        _check_range(
            values, top, f"[low, high], which are black and white in all images, or {FULL}, if 0 and {top} are"
        )
    return (values >> (top.bit_length() - FROM_0_TO_255)).astype(np.uint8)


def _between(values: np.ndarray, low: float, high: float) -> np.ndarray:
    if values.max() < low or values.min() > high:
        raise ValueError(
            f"its values, {values.min():g} to {values.max():g}, are all outside {KEY} [{low:g}, {high:g}]: it would be "
            f"{'black' if values.max() < low else 'white'} all over; give the range of all images, or leave it out"
        )
    return np.rint((np.clip(values, low, high) - low) * (255 / (high - low))).astype(np.uint8)


def _check_range(values: np.ndarray, top: int, remedy: str) -> None:
    """Raise ValueError if values leave half of what they could be unused: they may have fewer bits than they take."""
    low, high = np.percentile(values, (IGNORED, 100 - IGNORED))
    if high - low < top / 2:
        raise ValueError(
            f"its values have {top.bit_length()} bits, 0 to {top}, but {100 - 2 * IGNORED} % of them lie between "
            f"{low:.0f} and {high:.0f}, so that it would be dark or have few shades; give {KEY}: {remedy}"
        )


def _check_colours(image: Image.Image, scale: Scale) -> None:
    """Of values of 16 bits in colours Pillow reads the upper 8: enough to see whether they take the whole range."""
    if not isinstance(scale, str):
        raise ValueError(
            f"Pillow reads 8 bits of its colours at most, so that {KEY} {list(scale)} cannot apply; convert all images "
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
        raise ValueError("it is transparent everywhere, so that nothing is seen; save it without its last band")
    if vague and between > 0.5:
        raise ValueError(
            f"its last band is read as transparency, but {between:.0%} of it is neither opaque nor transparent, as in "
            "infrared; save it without that band, or as PNG if it is transparency"
        )
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


def what_kind_of_tiff(content: bytes) -> str:
    """Return what the content of a TIFF that Pillow does not open holds, in words; "" if it is no TIFF, or damaged."""
    try:
        tags = TiffImagePlugin.ImageFileDirectory_v2(content[: 16 if content[2] == 43 else 8])
        file = io.BytesIO(content)
        file.seek(tags.next)
        tags.load(file)
        bands, bits, kind = tags.get(277, 1), max(tags[258]), KINDS.get(tags.get(339, (1,))[0], "other")
    except Exception:  # whatever a damaged directory makes of it
        return ""
    return f"a TIFF of {bands} bands of {bits}-bit {kind} numbers"
