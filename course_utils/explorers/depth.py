"""Explorer of depth: features after more and more multiplications by P, without any training."""

from collections.abc import Sequence
from functools import cached_property

import cv2
import ipywidgets as widgets
import numpy as np
from PIL import ImageColor

from course_utils.explorers.base import Explorer, ExplorerError
from course_utils.explorers.drawing import FAINT, PIXEL_RATIO, TEXT, Canvas
from course_utils.explorers.line_chart import Axes, Line, draw_lines, mark_place
from course_utils.explorers.lines import SUBPIXEL_BITS, Plot
from course_utils.explorers.maps import LINES
from course_utils.figures import PALETTE
from course_utils.smoothing import Smoothing

SAME, FITTED = SCALES = ("the same for all depths", "fitted to the cloud")
CLASS_COLORS = [
    PALETTE[name] for name in ("blue", "orange", "green", "vermilion", "purple", "sky", "black")
]
PAIRS = {  # pairs of nodes -> color and width of their line
    "different classes": (PALETTE["vermilion"], 1.5),
    "the same class": (PALETTE["blue"], 1.5),
    "all pairs": (TEXT, 2.5),
}

WIDTH, HEIGHT = 880, 474
EDGE, TOP, SIDE = 1, 26, 424  # of the cloud's frame
FRAME_WIDTH = EDGE + SIDE + 1
DOT = 2.2
MOST = 0.9  # the share of nodes that a fitted frame holds
RIGHT = 470
CHART = Axes(
    left=RIGHT + 28,
    top=TOP + 8,
    width=WIDTH - RIGHT - 44,
    height=186,
    ticks={0: "0", 0.25: "0.25", 0.5: "0.5", 0.75: "0.75", 1: "1"},
    marks={},
    caption="depth k",
)
# Rows that hold negative numbers too may point in opposite directions.
SIGNED_TICKS = {0: "0", 0.5: "0.5", 1: "1", 1.5: "1.5", 2: "2"}
VALUES = CHART.top + CHART.height + 62
LEGEND = VALUES + 3 * 20 + 24
SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


class DepthExplorer(Explorer):
    """Follow a graph's nodes while their features are multiplied by P, k times.

    The cloud shows each node as a dot in the plane where the directions of all rows of P^k X
    differ most; the chart shows how far two nodes are apart on average.

    Args:
        propagated: what `course_utils.smoothing.smoothing` measured, at two depths or more.
        classes: the names of the classes, at most seven.

    Raises:
        ValueError: one sentence that says which input is not as described.
    """

    title = "Explorer of depth"

    def __init__(self, propagated: Smoothing, classes: Sequence[str]) -> None:
        if not isinstance(propagated, Smoothing) or len(propagated.depths) < 2:
            raise ValueError(
                "propagated must hold two depths or more, as smoothing(features, matrix, labels) "
                "of course_utils.smoothing measures them."
            )
        labels = propagated.labels
        if not labels.max() < len(classes) <= len(CLASS_COLORS):
            raise ValueError(
                f"classes must name the {labels.max() + 1} classes of the labels, and at most "
                f"{len(CLASS_COLORS)}: {len(classes)} are named."
            )
        self._found, self._classes = propagated, tuple(classes)
        self._distances = dict(
            zip(
                ("all pairs", "the same class", "different classes"),
                np.transpose(propagated.distances),
                strict=True,
            )
        )
        shares = np.linspace(0, 1, len(propagated.depths))
        marks = dict(zip(shares.tolist(), map(str, propagated.depths), strict=True))
        self._axes = CHART._replace(marks=marks)
        if any(values.max() > 1 for values in self._shown_distances.values()):
            self._axes = self._axes._replace(ticks=SIGNED_TICKS)
        # No class lies on top of all others, wherever its nodes stand in the data.
        self._order = np.random.default_rng(0).permutation(len(labels))
        colors = np.array([ImageColor.getrgb(color) for color in CLASS_COLORS])
        self._colors = colors[labels[self._order]]
        super().__init__(
            {
                "depth": widgets.SelectionSlider(
                    options=list(propagated.depths), description="Depth k"
                ),
                "scale": widgets.Dropdown(options=SCALES, description="Scale"),
            }
        )

    def describe(self, depth: int, scale: str) -> str:
        """The mean cosine distances at this depth."""
        step = self._step(depth, scale)
        times = f"After {depth} multiplication{'' if depth == 1 else 's'} by P"
        overall, within, between = self._found.distances[step]
        words = f"{times if depth else 'Before any multiplication'}, the mean cosine distance is"
        words = f"{words} {overall:.3f} over all pairs of nodes"
        if not np.isnan([within, between]).any():
            words += f": {within:.3f} within a class, {between:.3f} between classes"
        return f"{words}."

    def render(self, depth: int, scale: str) -> np.ndarray:
        """The nodes as a cloud, and their mean distances at all depths; uint8 RGB."""
        step = self._step(depth, scale)
        plot = Plot(WIDTH, HEIGHT)
        plot.pixels[:] = self._backdrop
        middle, half = self._frame(step, scale)
        self._draw_cloud(plot, step, middle, half)
        for pairs, values in self._shown_distances.items():
            share = step / (len(self._found.depths) - 1)
            mark_place(plot, self._axes, share, values[step], PAIRS[pairs][0])
        self._write(plot.pixels, step, middle, half)
        return plot.pixels

    def _step(self, depth: int, scale: str) -> int:
        """The place of a depth among all."""
        if depth not in self._found.depths:
            known = ", ".join(map(str, self._found.depths))
            raise ExplorerError(f"Depth {depth} was not computed: choose one of {known}.")
        if scale not in SCALES:
            raise ExplorerError(f"There is no scale {scale!r}: choose one of {', '.join(SCALES)}.")
        return self._found.depths.index(depth)

    def _frame(self, step: int, scale: str) -> tuple[np.ndarray, float]:
        """The place in the middle of the frame, [2], and from there to its edge."""
        if scale == SAME:
            return np.zeros(2), float(np.abs(self._found.places).max()) or 1.0
        places = self._found.places[step]
        middle = np.median(places, axis=0)
        return middle, float(np.quantile(np.abs(places - middle).max(axis=1), MOST)) or 1.0

    @property
    def _shown_distances(self) -> dict[str, np.ndarray]:
        """Which pairs -> their mean distances at all depths, where there are such pairs."""
        return {
            pairs: self._distances[pairs]
            for pairs in PAIRS
            if not np.isnan(self._distances[pairs]).any()
        }

    @cached_property
    def _backdrop(self) -> np.ndarray:
        """All that is the same at all depths, uint8 RGB."""
        canvas = Canvas(WIDTH, HEIGHT)
        canvas.outline(EDGE, TOP, SIDE, SIDE, LINES, 0.5)
        canvas.text(RIGHT, 10, "mean cosine distance between two nodes", bold=True)
        lines = [Line(values, *PAIRS[pairs]) for pairs, values in self._shown_distances.items()]
        draw_lines(canvas, self._axes, lines)
        for place, pairs in enumerate(self._shown_distances):
            y = VALUES + 20 * place
            color, width = PAIRS[pairs]
            canvas.rectangle(RIGHT, y - width, 22, 2 * width, color)
            canvas.text(RIGHT + 30, y, pairs)
        for place, label in enumerate(self._classes):
            x, y = RIGHT + place % 2 * 205, LEGEND + place // 2 * 20
            canvas.rectangle(x, y - 5, 10, 10, CLASS_COLORS[place])
            canvas.text(x + 16, y, label, width=180)
        return canvas.array()

    def _draw_cloud(self, plot: Plot, step: int, middle: np.ndarray, half: float) -> None:
        """A dot for each node in the frame; x to the right, y up."""
        unit = 2**SUBPIXEL_BITS * PIXEL_RATIO
        places = (self._found.places[step, self._order] - middle) / half
        inside = np.abs(places).max(axis=1) <= 1
        spread = places * np.array([1, -1]) * (SIDE / 2 - DOT - 2)
        points = np.round((spread + np.array([EDGE, TOP]) + SIDE / 2) * unit).astype(int)
        radius = round(DOT * unit)
        for point, color in zip(
            points[inside].tolist(), self._colors[inside].tolist(), strict=True
        ):
            cv2.circle(plot.pixels, point, radius, color, -1, cv2.LINE_AA, SUBPIXEL_BITS)

    def _write(self, pixels: np.ndarray, step: int, middle: np.ndarray, half: float) -> None:
        """What the cloud is, its scale, and the distances in numbers, onto the picture.

        Each text is on a strip of its own: to draw on a whole canvas would take twice the time.
        """
        depth = self._found.depths[step]
        power = f"P{str(depth).translate(SUPERSCRIPTS) if depth > 1 else ''}X" if depth else "X"
        title = Canvas(FRAME_WIDTH, TOP - 2)
        title.text(EDGE, 10, f"rows of {power}, scaled to length 1", bold=True)
        outside = int((np.abs(self._found.places[step] - middle).max(axis=1) > half).sum())
        if outside:
            words = f"{outside:,} node{' lies' if outside == 1 else 's lie'} outside"
            title.text(EDGE + SIDE, 10, words, size=11, color=FAINT, align="right")
        _stamp(pixels, 0, 0, title)

        below = TOP + SIDE + 2
        caption = Canvas(FRAME_WIDTH, HEIGHT - below)
        words = f"this plane holds {self._found.shares[step]:.0%} of the variance"
        caption.text(EDGE, 12, words, size=11, color=FAINT)
        words = f"width of the frame: {2 * half:.2g}"
        caption.text(EDGE + SIDE, 12, words, size=11, color=FAINT, align="right")
        _stamp(pixels, 0, below, caption)

        numbers = Canvas(60, 20 * len(self._shown_distances))
        for place, values in enumerate(self._shown_distances.values()):
            text = f"{values[step]:.3f}"
            numbers.text(60, 10 + 20 * place, text, bold=True, align="right")
        _stamp(pixels, RIGHT + 145, VALUES - 10, numbers)


def _stamp(pixels: np.ndarray, x: int, y: int, canvas: Canvas) -> None:
    """Put what is on a canvas onto a picture; x and y are of its upper left corner."""
    drawn = canvas.array()
    left, top = x * PIXEL_RATIO, y * PIXEL_RATIO
    pixels[top : top + drawn.shape[0], left : left + drawn.shape[1]] = drawn
