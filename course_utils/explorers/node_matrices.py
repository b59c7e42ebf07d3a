"""Matrices of small graphs, drawn: rows and columns numbered like the nodes, cells marked."""

import math
from collections.abc import Iterable, Sequence

import numpy as np

from course_utils.explorers.drawing import FAINT, TEXT, Canvas, fitting_size, number
from course_utils.explorers.maps import LINES, MARK, shades

SMALL, USUAL = 11, 12
PALE = 2  # shades are half as strong as they could be, so that black text reads well on them


def short(value: float) -> str:
    """A number with at most two decimals; with three significant digits where it is tiny."""
    size = abs(float(value))
    if not 0.01 <= size < 100:
        return number(value)
    rounded = math.floor(100 * size + 0.5 + 1e-9) / 100  # 0.125 is 0.13, as taught at school
    return number(math.copysign(rounded, value))


def equals(values: Iterable[float]) -> str:
    """The sign between numbers shown by `short`: "=", or "≈" if one of them is rounded."""
    return "=" if all(_read(short(value)) == _tidy(value) for value in values) else "≈"


def row_text(values: Iterable[float]) -> str:
    """A row of numbers, as "[1, −2]"."""
    return f"[{', '.join(short(value) for value in values)}]"


def listed(numbers: Sequence[int]) -> str:
    """Numbers in words, as "0, 1 and 4"."""
    *first, last = map(str, numbers)
    return f"{', '.join(first)} and {last}" if first else last


def pale_shades(values: np.ndarray, largest: float) -> np.ndarray:
    """Colors of numbers, uint8 RGB [..., 3]: blue below 0, vermilion above, black text on them."""
    return shades(values, PALE * (largest or 1), signed=True)


def draw_matrix(
    canvas: Canvas,
    x: float,
    y: float,
    values: np.ndarray,
    cell: tuple[float, float],
    *,
    colors: np.ndarray | None = None,
    rows: bool = False,
    columns: bool = False,
) -> None:
    """Numbers in colored cells; zeros are faint.

    Args:
        canvas: where to draw.
        x, y: the upper left corner of the cells.
        values: the numbers [H, W].
        cell: the width and height of a cell.
        colors: of the cells, uint8 RGB [H, W, 3]; white if left out.
        rows, columns: whether the numbers of rows stand to the left, those of columns above.
    """
    height, width = values.shape
    texts = [[short(value) for value in row] for row in values]
    size = fitting_size((text for row in texts for text in row), cell[0] - 3, USUAL)
    canvas.rectangle(x, y, width * cell[0] + 0.5, height * cell[1] + 0.5, LINES)
    for row, column in np.ndindex(height, width):
        left, top = x + column * cell[0], y + row * cell[1]
        color = np.array([255] * 3) if colors is None else colors[row, column]
        shade = "#{:02X}{:02X}{:02X}".format(*color)
        canvas.rectangle(left + 0.5, top + 0.5, cell[0] - 0.5, cell[1] - 0.5, shade)
        ink = FAINT if texts[row][column] == "0" else "black"
        canvas.figure(left + cell[0] / 2, top + cell[1] / 2, texts[row][column], size, ink)
    if rows:
        for row in range(height):
            canvas.figure(x - 9, y + (row + 0.5) * cell[1], str(row), SMALL, TEXT)
    if columns:
        for column in range(width):
            canvas.figure(x + (column + 0.5) * cell[0], y - 9, str(column), SMALL, TEXT)


def mark_block(
    canvas: Canvas,
    x: float,
    y: float,
    cell: tuple[float, float],
    rows: tuple[int, int],
    columns: tuple[int, int],
) -> None:
    """Frame a block of cells of a matrix; `rows` and `columns` are its first and their number."""
    frame = (
        x + columns[0] * cell[0],
        y + rows[0] * cell[1],
        columns[1] * cell[0],
        rows[1] * cell[1],
    )
    canvas.outline(*frame, "black", 2.5)
    canvas.outline(*frame, MARK, 2)


def sign(canvas: Canvas, x: float, middle: float, text: str) -> None:
    """A sign between two matrices."""
    canvas.figure(x, middle, text, 15, TEXT)


def _read(text: str) -> float:
    return _tidy(float(text.replace("−", "-").replace(",", "")))


def _tidy(value: float) -> float:
    return round(float(value), 9)
