"""A line chart for explorers, and a marker on it that a slider moves."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from course_utils.explorers.drawing import PIXEL_RATIO, TRACK, Canvas
from course_utils.explorers.lines import Place, Plot
from course_utils.explorers.maps import LINES

MARGIN = 8  # around the axes, so that dots and lines at the edge are whole
SMALL = 11
BAND = "#E4E4E4"


class Line(NamedTuple):
    """One line of a chart.

    Attributes:
        values: at evenly spaced places from the left to the right edge, floats [K].
        color: of the line.
        width: in screen pixels.
        band: the lowest and the highest values [K], between which lies a band; or None.
    """

    values: np.ndarray
    color: str
    width: float = 1.5
    band: tuple[np.ndarray, np.ndarray] | None = None


class Axes(NamedTuple):
    """Where a chart lies on a canvas, in screen pixels, and what its edges mean.

    Attributes:
        left, top, width, height: of the rectangle between the axes.
        ticks: value -> its label; the least and the greatest are the lower and upper edge.
        marks: share of the width -> its label.
        caption: what grows to the right.
    """

    left: int
    top: int
    width: int
    height: int
    ticks: Mapping[float, str]
    marks: Mapping[float, str]
    caption: str

    def x(self, share: float) -> float:
        """The place of a share of the width."""
        return self.left + self.width * share

    def y(self, value: float) -> float:
        """The height at which a value is drawn."""
        low, high = min(self.ticks), max(self.ticks)
        return self.top + self.height * (1 - (value - low) / (high - low))


def draw_lines(canvas: Canvas, axes: Axes, lines: Sequence[Line]) -> None:
    """Draw lines, the last one on top, with their bands below all of them."""
    plot = Plot(axes.width + 2 * MARGIN, axes.height + 2 * MARGIN)
    left, top = axes.left - MARGIN, axes.top - MARGIN

    def places(values: np.ndarray) -> list[Place]:
        shares = np.linspace(0, 1, len(values))
        at = zip(shares, values, strict=True)
        return [(axes.x(share) - left, axes.y(value) - top) for share, value in at]

    for line in lines:
        if line.band is not None:
            low, high = map(places, line.band)
            plot.area([*low, *reversed(high)], BAND)
    for tick in axes.ticks:
        plot.line(places(np.full(2, tick)), TRACK, 1)
    for line in lines:
        plot.line(places(line.values), line.color, line.width)
    canvas.image(left, top, plot.pixels, 1 / PIXEL_RATIO)
    for tick, label in axes.ticks.items():
        canvas.text(left - 2, axes.y(tick), label, size=SMALL, align="right")
    below = axes.top + axes.height + 16
    for share, label in axes.marks.items():
        canvas.text(axes.x(share), below, label, size=SMALL, align="center")
    canvas.text(axes.x(0.5), below + 18, axes.caption, align="center")


def mark_place(plot: Plot, axes: Axes, share: float, value: float, color: str) -> None:
    """Mark a place of a line, on a plot as large as the canvas."""
    x = axes.x(share)
    plot.line([(x, axes.top), (x, axes.top + axes.height)], LINES, 1)
    plot.dot((x, axes.y(value)), "white", 7)
    plot.dot((x, axes.y(value)), color, 5)
