"""The arithmetic of one cell of a convolution, drawn: patches, kernels, their sums."""

import math

import numpy as np

from course_utils.explorers.cells import CellSum, Term
from course_utils.explorers.drawing import FAINT, Canvas, fitting_size, number
from course_utils.explorers.maps import BRIGHT, LINES, is_signed, shades

SMALL = 11
LABELS, SIGN, TITLES, TOTAL, GAP = 58, 18, 14, 24, 8
WIDEST_TABLE = 220
LARGEST_CELL = (60, 26)
LEAST_CELL = (40, 13)  # in which a number can be read


def draw_cell_sum(
    canvas: Canvas, x: float, y: float, width: float, height: float, cell: CellSum
) -> None:
    """Draw patch times kernel for some input channels, and below them the whole sum.

    Args:
        canvas: where to draw.
        x, y: the upper left corner.
        width, height: the room there is; `width` for the line of the sum.
        cell: what to draw.
    """
    rows = len(cell.terms)
    room = (height - TITLES - TOTAL - GAP * (rows - 1)) / rows
    shape = cell.terms[0].kernel.shape
    side = min(WIDEST_TABLE / shape[1], LARGEST_CELL[0]), min(room / shape[0], LARGEST_CELL[1])
    if not _readable(side):
        side = (min(side),) * 2
    for place, title in enumerate(("patch", "kernel")):
        left = x + LABELS + place * (shape[1] * side[0] + SIGN)
        canvas.text(left, y + 4, title, size=SMALL, color=FAINT)
    top = y + TITLES
    for term in cell.terms:
        _draw_term(canvas, x, top, term, side)
        top += shape[0] * side[1] + GAP
    canvas.text(x, top + TOTAL / 2 - GAP / 2, in_words(cell), size=13, bold=True, width=width)


def in_words(cell: CellSum) -> str:
    """The sum in one line, as "1.2 − 0.5 (30 other channels) + 0.1 (bias) = 0.8"."""
    parts = [(term.total, "") for term in cell.terms]
    if len(parts) == 1 and cell.bias is None:
        return f"all products together: {number(cell.total)}"
    if cell.others:
        channels = "channel" if cell.others == 1 else "channels"
        parts.append((cell.rest, f" ({cell.others} other {channels})"))
    if cell.bias is not None:
        parts.append((cell.bias, " (bias)"))
    words = ""
    for value, note in parts:
        sign = " − " if value < 0 else " + "
        words += (sign + number(abs(value)) if words else number(value)) + note
    return f"{words} = {number(cell.total)}"


def _draw_term(canvas: Canvas, x: float, y: float, term: Term, side: tuple[float, float]) -> None:
    height, width = term.kernel.shape
    middle = y + height * side[1] / 2
    canvas.text(x, middle - 7, "channel", size=SMALL)
    canvas.text(x, middle + 7, str(term.channel), size=SMALL)
    left = x + LABELS
    for values, sign in ((term.patch, "×"), (term.kernel, "=")):
        _draw_numbers(canvas, left, y, values, side)
        left += width * side[0] + SIGN
        canvas.text(left - SIGN / 2, middle, sign, size=14, align="center")
    canvas.text(left, middle, number(term.total), size=13)


def _draw_numbers(
    canvas: Canvas, x: float, y: float, values: np.ndarray, side: tuple[float, float]
) -> None:
    """A table in shades; with its numbers where the cells are large enough."""
    largest = float(np.abs(values).max())
    colors = shades(values, largest, signed=is_signed(values))
    rows, columns = values.shape
    canvas.outline(x, y, columns * side[0], rows * side[1], LINES, 0.5)
    width, height = side
    bright = colors @ np.array([0.299, 0.587, 0.114]) >= BRIGHT
    for (row, column), value in np.ndenumerate(values):
        left, top = x + column * width, y + row * height
        color = "#{:02X}{:02X}{:02X}".format(*colors[row, column])
        canvas.rectangle(left, top, width, height, color)
        if _readable(side):
            ink = "black" if bright[row, column] else "white"
            text = _fitting(value, width - 3)
            canvas.figure(left + width / 2, top + height / 2, text, SMALL, ink)


def _readable(side: tuple[float, float]) -> bool:
    return side[0] >= LEAST_CELL[0] and side[1] >= LEAST_CELL[1]


def _fitting(value: float, width: float) -> str:
    """A number with as many digits as fit, at least one."""
    text = number(value)
    if fitting_size([text], width, SMALL) == SMALL:
        return text
    digits = 2 - math.floor(math.log10(abs(value)))
    for decimals in (digits - 1, digits - 2):
        shorter = number(round(value, decimals))
        if fitting_size([shorter], width, SMALL) == SMALL:
            return shorter
    return f"{value:.0e}".replace("e-0", "e-").replace("e+0", "e").replace("-", "−", 1)
