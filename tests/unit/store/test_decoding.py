"""Decoding one image: every kind becomes what a person sees, and what cannot is told."""

import errno
import os
from functools import partial

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from tests.image_files import twelve_bits
from transferability.store.decoding import read_image, try_to_decode


def test_every_kind_of_image_becomes_rgb(tmp_path):
    grey = Image.fromarray(np.full((20, 20), 100, dtype=np.uint8))
    colour = Image.new("RGB", (20, 20), (200, 100, 50))
    kinds = {
        "grey.jpg": (grey, (100, 100, 100)),
        "cmyk.jpg": (colour.convert("CMYK"), (200, 100, 50)),
        "palette.png": (colour.convert("P", palette=Image.Palette.ADAPTIVE), (200, 100, 50)),
        "alpha.png": (colour.convert("RGBA"), (200, 100, 50)),
        "bits16.png": (Image.fromarray(np.full((20, 20), 100 * 256, dtype=np.uint16)), (100, 100, 100)),
        "png-named.jpg": (colour, (200, 100, 50)),
    }
    for name, (image, expected) in kinds.items():
        image.save(tmp_path / name, format="PNG" if "png" in name else None)
        pixels = read_image(tmp_path / name, 8, scale="full")  # all 16 bits, though the image has one value only
        assert (pixels.shape, pixels.dtype) == ((8, 8, 3), np.uint8), name
        assert np.abs(pixels.astype(int) - expected).max() <= 3, name


SCALE = np.arange(20 * 20).reshape(20, 20) % 256  # from black to white, in 8 bits


@pytest.mark.parametrize(
    ("name", "image", "options"),
    [
        ("8.png", SCALE.astype(np.uint8), {}),
        ("16.png", (SCALE * 257).astype(np.uint16), {}),
        ("16.tif", (SCALE * 257).astype(np.uint16), {}),
        ("12.tif", SCALE, {"bits": 12}),
        ("16-white-is-zero.tif", ((255 - SCALE) * 257).astype(np.uint16), {"tiffinfo": {262: 0}}),
        ("16.pgm", (SCALE * 257).astype(np.uint16), {}),
        ("transparent-on-black.png", np.dstack([np.zeros_like(SCALE)] * 3 + [255 - SCALE]).astype(np.uint8), {}),
        ("transparent-grey.png", np.dstack([np.zeros_like(SCALE), 255 - SCALE]).astype(np.uint8), {}),
    ],
)
def test_pixels_are_what_a_person_sees(tmp_path, name, image, options):
    """None turns black or white: not 16 bits, not what is black below its transparency, on the white of a page."""
    if "bits" in options:
        (tmp_path / name).write_bytes(twelve_bits(image * 4095 // 255))
    else:
        Image.fromarray(image).save(tmp_path / name, **options)
    assert np.abs(read_image(tmp_path / name, 20)[..., 1].astype(int) - SCALE).max() <= 1


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "PA", "CMYK", "YCbCr", "LAB"])
def test_the_modes_that_files_have_all_keep_their_scale(tmp_path, mode):
    """A picture of black, white and a colour, in every mode that TIFF can hold."""
    picture = Image.new("RGB", (30, 10), "black")
    picture.paste((255, 255, 255), (10, 0, 20, 10))
    picture.paste((200, 100, 50), (20, 0, 30, 10))
    if mode == "LAB":
        lab = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        image = ImageCms.applyTransform(picture, ImageCms.buildTransform(lab[1], lab[0], "RGB", "LAB"))
    else:
        image = picture.convert(mode)
    file = tmp_path / ("a.png" if mode in ("P", "PA", "LA") else "a.tif")
    (image.convert("P") if mode == "PA" else image).save(file)
    pixels = read_image(file, 30)[15].astype(int)
    assert pixels[5].max() < 20 and pixels[15].min() > 235, mode
    expected = {"1": pixels[25], "L": [124] * 3, "LA": [124] * 3}.get(mode, [200, 100, 50])
    assert np.abs(pixels[25] - expected).max() < 30, (mode, pixels[25])


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "it is empty"),
        (b"\n <!DOCTYPE html><html>404</html>", "it is a web page or other markup, not an image"),
        (b"\0" * 100, "it is no image that Pillow can open (it begins with b'\\x00\\x00"),
        (b"GIF89a", "it is"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(content, what):
    pixels, reason = try_to_decode(lambda: content, partial(read_image, size=8))
    assert pixels is None
    assert reason.startswith(what)
    assert "BytesIO" not in reason


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "bmp", "webp", "tif"])
def test_a_truncated_file_of_any_format_is_told(tmp_path, suffix):
    file = tmp_path / f"a.{suffix}"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)).save(file)
    content = file.read_bytes()
    _, reason = try_to_decode(lambda: content[: len(content) // 2], partial(read_image, size=8))
    assert reason and "BytesIO" not in reason and "\n" not in reason


def test_a_file_that_may_not_be_read_is_no_broken_image():
    def refused():
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    assert try_to_decode(refused, read_image) == (None, "it cannot be read: Permission denied")


def test_the_orientation_in_exif_is_ignored_as_in_the_original_study(tmp_path):
    halves = Image.new("RGB", (20, 20))
    halves.paste((255, 255, 255), (10, 0, 20, 20))
    exif = halves.getexif()
    exif[0x0112] = 6  # to be turned by 90 degrees
    halves.save(tmp_path / "turned.jpg", exif=exif, quality=95)
    pixels = read_image(tmp_path / "turned.jpg", 20)
    assert pixels[:, :9].max() < 30
    assert pixels[:, 11:].min() > 225


def test_images_are_squeezed_into_the_square(tmp_path):
    halves = np.zeros((10, 40, 3), dtype=np.uint8)
    halves[:, 20:] = 255
    Image.fromarray(halves).save(tmp_path / "wide.png")
    pixels = read_image(tmp_path / "wide.png", 10)
    assert pixels[:, :4].max() == 0
    assert pixels[:, 6:].min() == 255


def corners(width: int, height: int) -> Image.Image:
    """A picture whose upper left quarter is red, on black: it tells all eight orientations apart if not a square."""
    image = Image.new("RGB", (width, height))
    image.paste((255, 0, 0), (0, 0, width // 2, height // 2))
    return image


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
def test_what_a_camera_noted_can_be_applied(tmp_path, orientation, suffix):
    """As Pillow's own function does it, once: TIFFs are turned while they are read."""
    upright = corners(40, 20)
    exif = upright.getexif()
    exif[0x0112] = orientation
    file = tmp_path / f"turned.{suffix}"
    upright.save(file, exif=exif, **({"quality": 95} if suffix in ("jpg", "webp") else {}))
    with Image.open(file) as image:
        image.load()
        expected = np.asarray(ImageOps.exif_transpose(image).convert("RGB").resize((20, 20), Image.Resampling.BILINEAR))
    assert np.array_equal(read_image(file, 20, orientation="apply"), expected)
    red = np.argwhere(expected[..., 0] > 200).mean(axis=0) // 10  # the quarter that is red: row, column
    assert red.tolist() == [[0, 0], [0, 1], [1, 1], [1, 0], [0, 0], [0, 1], [1, 1], [1, 0]][orientation - 1]


def test_a_turned_image_of_16_bits_keeps_its_scale(tmp_path):
    image = Image.fromarray((SCALE * 257).astype(np.uint16))
    exif = Image.Exif()
    exif[0x0112] = 3
    image.save(tmp_path / "16.png", exif=exif)
    assert np.abs(read_image(tmp_path / "16.png", 20, orientation="apply")[..., 1] - SCALE[::-1, ::-1]).max() <= 1


@pytest.mark.parametrize(("width", "height"), [(40, 10), (10, 40), (31, 10), (20, 20), (10, 10)])
def test_the_middle_is_cut_out(tmp_path, width, height):
    """As resizing the shorter side and cutting the centre, but in one go: the same where edges fall between pixels."""
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    found = read_image(tmp_path / "a.png", 10, fit="center-crop")
    side, (top, left) = min(width, height), ((height - min(width, height)) // 2, (width - min(width, height)) // 2)
    middle = Image.fromarray(pixels[top : top + side, left : left + side])
    expected = np.asarray(middle.resize((10, 10), Image.Resampling.BILINEAR), dtype=int)
    if (width - height) % 2 == 0:
        assert np.array_equal(found, expected)
    if width == height:
        assert np.array_equal(found, read_image(tmp_path / "a.png", 10))
    assert found.shape == (10, 10, 3)


@pytest.mark.parametrize("suffix", ["gif", "webp", "png", "tif"])
def test_of_several_frames_the_first_counts(tmp_path, suffix):
    frames = [Image.new("RGB", (20, 20), colour) for colour in ((200, 100, 50), (0, 0, 0))]
    frames[0].save(tmp_path / f"a.{suffix}", save_all=True, append_images=frames[1:])
    assert np.abs(read_image(tmp_path / f"a.{suffix}", 8).astype(int) - (200, 100, 50)).max() <= 5


def test_transparent_palettes_are_put_on_white(tmp_path):
    for suffix in ("gif", "png"):
        image = Image.new("P", (20, 20), 1)
        image.putpalette([0, 0, 0, 200, 100, 50])
        image.paste(0, (0, 0, 10, 20))
        image.save(tmp_path / f"a.{suffix}", transparency=0)
        pixels = read_image(tmp_path / f"a.{suffix}", 20)
        assert pixels[:, :9].min() == 255, suffix
        assert pixels[10, 15].tolist() == [200, 100, 50], suffix


def test_an_image_far_larger_than_photographs_is_told(tmp_path, monkeypatch):
    Image.new("1", (200, 200)).save(tmp_path / "bomb.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10_000)
    _, reason = try_to_decode((tmp_path / "bomb.png").read_bytes, partial(read_image, size=8))
    assert reason == "it is far larger than photographs are (40000 pixels); scale it down"
