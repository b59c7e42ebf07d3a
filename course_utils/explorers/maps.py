"""Pictures of numbers for explorers: maps, the cells that a window reads, tables of numbers."""

from collections.abc import Sequence

import numpy as np
from PIL import ImageColor

from course_utils.explorers.drawing import FAINT, Canvas, draw_legend, fitting_size, number
from course_utils.figures import PALETTE

NEGATIVE, POSITIVE = PALETTE["blue"], PALETTE["vermilion"]
MARK = PALETTE["yellow"]  # with a black edge it stands out on every gray and on both colors
PADDING = "#BFE0F2"
NEVER_READ = PALETTE["purple"]
LINES = "#BBBBBB"

# The layout of the explorers of windows, in screen pixels: maps above, tables of numbers below.
WIDTH = 880
EDGE = 4  # room for the frame of a cell at the edge
MAP_TITLE, MAP_TOP, MAP_HEIGHT = 10, 23, 184
BOTTOM = MAP_TOP + MAP_HEIGHT  # of the maps
CAPTION = 15  # from the maps to the line below them
TABLE_TITLE, TABLES = 37, 47  # from the maps to the tables
TABLE_HEIGHT = 147

LARGEST_CELL = (90, 40)  # of a table
LARGEST_ZOOM = 58
NUMBERS_FROM = 30  # the zoom from which a map's cells hold their numbers
BRIGHT = 118  # from this luminance on black text reads better than white
TINT = 0.6  # how much of a tint covers the pixel below


def shades(values: np.ndarray, largest: float, *, signed: bool) -> np.ndarray:
    """Colors of numbers, uint8 RGB [..., 3].

    Args:
        values: numbers of any shape.
        largest: the absolute value that has the strongest color.
        signed: whether negative numbers are blue, 0 white and positive numbers vermilion; else 0
            is black and `largest` is white.
    """
    share = (np.abs(values) / (largest or 1)).clip(0, 1)[..., None]  # [...] -> [..., 1]
    if not signed:
        return np.repeat((255 * share).round().astype(np.uint8), 3, axis=-1)
    strongest = np.where(values[..., None] < 0, _rgb(NEGATIVE), _rgb(POSITIVE))
    return (255 + share * (strongest - 255.0)).round().astype(np.uint8)


def is_signed(values: np.ndarray) -> bool:
    """Whether any of the numbers lies below 0 by more than rounding."""
    return bool(values.min() < -1e-9)


def picture_colors(
    padded: np.ndarray, largest: float, padding: int, never_read: np.ndarray
) -> np.ndarray:
    """Colors of a picture's pixels, uint8 RGB [H, W, 3]; 0 is black.

    Args:
        padded: the picture with its padding [H, W].
        largest: the number that is white.
        padding: the width of the band of zeros around it, in pixels.
        never_read: booleans [H, W], which pixels no window reads.
    """
    colors = shades(padded, largest, signed=False)
    band = np.ones(padded.shape, bool)
    band[padding : padded.shape[0] - padding, padding : padded.shape[1] - padding] = False
    colors[band] = _rgb(PADDING)
    _tint(colors, never_read, NEVER_READ)
    return colors


def draw_picture_legend(canvas: Canvas, x: float, y: float, padded: bool, never_read: bool) -> None:
    """What the colors of a picture mean, in a row."""
    entries = [("window", MARK)]
    entries += [("zero padding", PADDING)] if padded else []
    entries += [("never read", NEVER_READ)] if never_read else []
    draw_legend(canvas, x, y, entries)


def zoom_to_fit(shape: tuple[int, ...], width: float, height: float) -> float:
    """The largest side of a pixel, in half screen pixels, at which a map [H, W] fits."""
    zoom = min(width / shape[1], height / shape[0], LARGEST_ZOOM)
    return max(int(2 * zoom) / 2, 0.5)


def draw_map(
    canvas: Canvas, x: float, y: float, values: np.ndarray, colors: np.ndarray, zoom: float
) -> None:
    """A framed map; where its pixels are large, each holds its number.

    Args:
        canvas: where to draw.
        x, y: the upper left corner.
        values: the numbers [H, W].
        colors: their colors, uint8 RGB [H, W, 3].
        zoom: the side of a pixel.
    """
    height, width = values.shape
    canvas.outline(x, y, width * zoom, height * zoom, LINES, 0.5)
    if zoom < NUMBERS_FROM:
        canvas.image(x, y, colors, zoom)
    else:
        draw_table(canvas, x, y, texts_of(values), colors, (zoom, zoom))


def mark_cells(
    canvas: Canvas, x: float, y: float, rows: np.ndarray, columns: np.ndarray, zoom: float
) -> None:
    """Frame the cells of a map where these rows and columns cross; neighbors share a frame.

    Args:
        canvas: where to draw.
        x, y: the upper left corner of the map.
        rows, columns: evenly spaced indices.
        zoom: the side of a pixel of the map.
    """
    frames = [
        (x + left * zoom, y + top * zoom, wide * zoom, high * zoom)
        for top, high in _runs(rows)
        for left, wide in _runs(columns)
    ]
    thickness = 2 if zoom >= 8 else 1 if len(frames) == 1 else 0.5
    for frame in frames:
        canvas.outline(*frame, "black", thickness + 0.5)
    for frame in frames:
        canvas.outline(*frame, MARK, thickness)


def table_cell(shape: tuple[int, ...], room: float) -> tuple[float, float]:
    """The width and height of a cell of a table [H, W] that is at most `room` wide."""
    height, width = shape
    return min(room // width, LARGEST_CELL[0]), min(TABLE_HEIGHT // height, LARGEST_CELL[1])


def draw_table(
    canvas: Canvas,
    x: float,
    y: float,
    texts: Sequence[Sequence[str]],
    colors: np.ndarray,
    cell: tuple[float, float],
) -> None:
    """Numbers in colored cells.

    The font is the same for all numbers of up to six characters, and smaller where one is longer.

    Args:
        canvas: where to draw.
        x, y: the upper left corner.
        texts: the numbers, row by row.
        colors: the colors of their cells, uint8 RGB [H, W, 3].
        cell: the width and height of a cell.
    """
    width, height = cell
    largest = min(18, int(0.56 * height), int(width / 3.7))
    size = fitting_size((text for row in texts for text in row), width - 3, largest)
    rows, columns = colors.shape[:2]
    canvas.rectangle(x, y, columns * width, rows * height, LINES)
    bright = colors @ np.array([0.299, 0.587, 0.114]) >= BRIGHT
    for row, column in np.ndindex(rows, columns):
        left, top = x + column * width, y + row * height
        color = "#{:02X}{:02X}{:02X}".format(*colors[row, column])
        canvas.rectangle(left + 0.5, top + 0.5, width - 1, height - 1, color)
        ink = "black" if bright[row, column] else "white"
        canvas.figure(left + width / 2, top + height / 2, texts[row][column], size, ink)


def texts_of(values: np.ndarray) -> list[list[str]]:
    """Numbers [H, W] as short texts, row by row."""
    return [[number(value) for value in row] for row in values]


def draw_scale(
    canvas: Canvas, x: float, y: float, values: np.ndarray, largest: float, *, signed: bool
) -> None:
    """The shades of a map from its least to its greatest number, and these two numbers."""
    strip = shades(np.linspace(values.min(), values.max(), 90)[None], largest, signed=signed)
    canvas.outline(x, y - 5, 90, 10, LINES, 0.5)
    canvas.image(x, y - 5, np.repeat(strip, 10, axis=0), 1)
    words = f"{number(values.min())} to {number(values.max())}"
    canvas.text(x + 98, y, words, size=11, color=FAINT)


def _tint(colors: np.ndarray, where: np.ndarray, color: str) -> None:
    """Mix a color into those of `colors` [H, W, 3] that `where` [H, W] names."""
    colors[where] = ((1 - TINT) * colors[where] + TINT * _rgb(color)).round()


def _rgb(color: str) -> np.ndarray:
    return np.array(ImageColor.getrgb(color))


def _runs(indices: np.ndarray) -> list[tuple[int, int]]:
    """Where neighbors among evenly spaced indices begin, and how many there are."""
    touching = len(indices) == 1 or indices[1] - indices[0] == 1
    return [(indices[0], len(indices))] if touching else [(index, 1) for index in indices]
