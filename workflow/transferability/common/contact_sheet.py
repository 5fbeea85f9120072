"""Contact sheets: rows of small images with captions, as one picture."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from transferability.common.pages import one_line

COLUMNS = 8
TILE, LARGEST = 96, 256  # pixels: smaller images are enlarged, larger ones are reduced
CAPTION, GAP = 14, 6  # pixels: height of a line of a caption, space between images


@dataclass(frozen=True)
class Tile:
    """An image, uint8 (size, size, 3), RGB, with the lines of its caption.

    A caption may extend below the tiles to the right that have none.
    """

    image: np.ndarray
    caption: Sequence[str] = ()


def contact_sheet(rows: Sequence[Sequence[Tile]]) -> Image.Image:
    """Draw rows of at most COLUMNS tiles, whose images all have one size.

    Images are enlarged by a whole number, or reduced by one, without interpolation.
    """
    size = rows[0][0].image.shape[0]
    side = size * max(1, round(TILE / size)) if size <= LARGEST else size // -(-size // LARGEST)
    width, height = side + GAP, side + GAP + CAPTION * max(len(tile.caption) for row in rows for tile in row)
    sheet = Image.new("RGB", (GAP + COLUMNS * width, GAP + len(rows) * height), "white")
    draw, font = ImageDraw.Draw(sheet), _font()
    for number, row in enumerate(rows):
        top = GAP + number * height
        for column, (tile, columns) in enumerate(zip(row, _rooms(row), strict=True)):
            left = GAP + column * width
            image = Image.fromarray(tile.image).resize((side, side), Image.Resampling.NEAREST)
            sheet.paste(image, (left, top))
            for line, text in enumerate(tile.caption):
                shown = _shortened(one_line(text), columns * width - GAP, font)
                draw.text((left, top + side + line * CAPTION), shown, "black", font)
    return sheet


def in_rows(tiles: Sequence[Tile]) -> list[Sequence[Tile]]:
    """Divide tiles into rows of COLUMNS."""
    return [tiles[start : start + COLUMNS] for start in range(0, len(tiles), COLUMNS)]


def _rooms(row: Sequence[Tile]) -> Iterator[int]:
    """Yield for each tile the number of columns that its caption may extend over."""
    captioned = [place for place, tile in enumerate(row) if tile.caption] + [COLUMNS]
    for place in range(len(row)):
        yield next(other for other in captioned if other > place) - place


def _font() -> ImageFont.FreeTypeFont:
    from matplotlib.font_manager import findfont  # the font is part of matplotlib: the same on every machine

    return ImageFont.truetype(io.BytesIO(Path(findfont("DejaVu Sans")).read_bytes()), CAPTION - 3)


def _shortened(caption: str, width: int, font: ImageFont.FreeTypeFont) -> str:
    """Return as much of a caption as fits, with an ellipsis if it is shortened."""
    if font.getlength(caption) <= width:
        return caption
    while caption and font.getlength(caption + "…") > width:
        caption = caption[:-1]
    return caption + "…"
