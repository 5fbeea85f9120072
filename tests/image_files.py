"""Image files written byte by byte, of kinds that Pillow reads and does not write."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

KINDS = {"u": 1, "i": 2, "f": 3}  # TIFF's SampleFormat


def tiff(
    pixels: np.ndarray,
    order: str = "<",
    photometric: int | None = None,
    extra: tuple[int, ...] = (),
    compressed: bool = False,
    planes: bool = False,
) -> bytes:
    """A TIFF of an array (height, width) or (height, width, bands), its bands interleaved or plane after plane."""
    height, width, bands = (*pixels.shape, 1)[:3]
    parts = np.moveaxis(pixels.reshape(height, width, bands), -1, 0) if planes else [pixels]
    strips = [np.ascontiguousarray(part, part.dtype.newbyteorder(order)).tobytes() for part in parts]
    strips = [zlib.compress(strip) for strip in strips] if compressed else strips
    lengths = [len(strip) for strip in strips]
    tags = {256: [width], 257: [height], 258: [8 * pixels.itemsize] * bands, 259: [8 if compressed else 1]}
    tags |= {262: [(2 if bands > 2 else 1) if photometric is None else photometric]}
    tags |= {273: [8 + sum(lengths[:k]) for k in range(len(strips))], 277: [bands], 278: [height], 279: lengths}
    tags |= {284: [2 if planes else 1], 338: list(extra), 339: [KINDS[pixels.dtype.kind]] * bands}
    return header(order, b"".join(strips), {tag: values for tag, values in tags.items() if values})


def twelve_bits(pixels: np.ndarray) -> bytes:
    """A TIFF with 12 bits a pixel, as some cameras and microscopes write it, of pixels from 0 to 4095."""
    pairs = pixels.reshape(-1, 2)
    packed = np.stack([pairs[:, 0] >> 4, (pairs[:, 0] & 15) << 4 | pairs[:, 1] >> 8, pairs[:, 1] & 255], axis=1)
    data = packed.astype(np.uint8).tobytes()
    height, width = pixels.shape
    tags = {256: width, 257: height, 258: 12, 259: 1, 262: 1, 273: 8, 277: 1, 278: height, 279: len(data)}
    return header("<", data, {tag: [value] for tag, value in tags.items()})


def header(order: str, data: bytes, tags: dict[int, list[int]]) -> bytes:
    """A TIFF of such tags, every value with 32 bits; `data` begins at byte 8."""
    data += b"\0" * (len(data) % 2)
    place, entries, long = 8 + len(data) + 2 + 12 * len(tags) + 4, b"", b""
    for tag, values in tags.items():
        packed = struct.pack(f"{order}{len(values)}I", *values)
        if len(values) > 1:
            packed, long = struct.pack(f"{order}I", place + len(long)), long + packed
        entries += struct.pack(f"{order}HHI", tag, 4, len(values)) + packed
    start = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, 8 + len(data))
    return start + data + struct.pack(f"{order}H", len(tags)) + entries + b"\0" * 4 + long


def saved(pixels: np.ndarray, kind: str, **options) -> bytes:
    """What Pillow writes of an array."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


def portable(pixels: np.ndarray, top: int) -> bytes:
    """A PGM or PPM whose highest value is `top`."""
    height, width = pixels.shape[:2]
    start = f"{'P6' if pixels.ndim == 3 else 'P5'} {width} {height} {top}\n".encode()
    return start + pixels.astype(">u2" if top > 255 else "u1").tobytes()


def deep_png(pixels: np.ndarray) -> bytes:
    """A PNG of uint16 (height, width, bands): two bands are grey and transparency, three colours, four both."""
    height, width, bands = pixels.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    ihdr = struct.pack(">IIBBBBB", width, height, 16, {2: 4, 3: 2, 4: 6}[bands], 0, 0, 0)
    chunks = ((b"IHDR", ihdr), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    body = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body
