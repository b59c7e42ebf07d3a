"""Panels of explorers: a picture or a heat map under its title, with a scale of the colors."""

import numpy as np

from course_utils.explanation_figures import heat, scale_strip, strength
from course_utils.explorers.drawing import FAINT, Canvas, number
from course_utils.explorers.maps import LINES, zoom_to_fit
from course_utils.pictures import shrink

WIDTH, PANEL, PITCH = 880, 264, 308  # of the explorer, of a panel, from one panel to the next
TITLE, TOP = 10, 24
BOTTOM = TOP + PANEL
CAPTION, BELOW = BOTTOM + 15, BOTTOM + 35  # lines of text below a panel
SCALE, SCALE_LEFT = 70, 116  # the scale of colors: its width, its place in a panel


def draw_panel(canvas: Canvas, column: int, title: str, pixels: np.ndarray) -> None:
    """A picture uint8 RGB [H, W, 3], as large as fits, under its title; columns are 0, 1, 2."""
    x = column * PITCH
    canvas.text(x, TITLE, title, bold=True, width=PITCH - 12)
    fitting = shrink(pixels, 2 * PANEL)  # the zoom of a half is the smallest
    canvas.image(x, TOP, fitting, zoom_to_fit(fitting.shape, PANEL, PANEL))


def draw_heat(
    canvas: Canvas,
    column: int,
    title: str,
    values: np.ndarray,
    pixels: np.ndarray,
    *,
    signed: bool,
) -> None:
    """A heat map over its picture, with the scale of its colors below.

    Args:
        canvas: where to draw.
        column: of the panel, 0, 1 or 2.
        title: stands above.
        values: the explanation [H, W].
        pixels: the picture, uint8 RGB [H, W, 3].
        signed: whether the method gives negative values, too.
    """
    largest = strength(values)
    draw_panel(canvas, column, title, heat(values, pixels, largest))
    x = column * PITCH
    if largest == 0:
        canvas.text(x, CAPTION, "0 everywhere: this map shows nothing", color=FAINT)
        return
    left = x + SCALE_LEFT
    low, high = (f"against −{number(largest)}", " for") if signed else ("0", "")
    canvas.text(left - 7, CAPTION, low, align="right")
    canvas.text(left + SCALE + 7, CAPTION, number(largest) + high)
    strip = np.repeat(scale_strip(signed, 2 * SCALE), 20, axis=0)  # [20, 2 * SCALE, 3]
    canvas.outline(left, CAPTION - 5, SCALE, 10, LINES, 0.5)
    canvas.image(left, CAPTION - 5, strip, 0.5)
