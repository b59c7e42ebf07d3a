"""The picture of the explorer of the randomization test: two heat maps, and a curve below."""

from typing import NamedTuple

import numpy as np

from course_utils.attribution import METHODS
from course_utils.explorers.drawing import (
    PIXEL_RATIO,
    TEXT,
    Canvas,
    percent,
    shorten,
    text_width,
)
from course_utils.explorers.gallery import Seen
from course_utils.explorers.heat import BELOW, CAPTION, PANEL, PITCH, WIDTH, draw_heat, draw_panel
from course_utils.explorers.line_chart import Axes, Line, draw_lines, mark_place
from course_utils.explorers.lines import Plot

PARTLY_RANDOM = 2  # the column of the panel that changes
CHART = BELOW + 36
CHART_TOP, CHART_HEIGHT = CHART + 22, 140
CHART_LEFT, CHART_WIDTH = 48, 640
HEIGHT = CHART_TOP + CHART_HEIGHT + 44
LABELS = CHART_LEFT + CHART_WIDTH + 14


class Forgetting(NamedTuple):
    """How an explanation and the answer change while a network forgets, step by step.

    Attributes:
        maps: the explanations, float [steps + 1, H, W]; the first is the trained network's.
        correlations: rank correlation of each map with the first, float [steps + 1].
        answers: the likeliest class and its probability, for each step.
    """

    maps: np.ndarray
    correlations: np.ndarray
    answers: list[tuple[str, float]]


def draw_backdrop(seen: Seen, method: str, found: Forgetting) -> np.ndarray:
    """All that stays while the network forgets, uint8 RGB."""
    canvas = Canvas(WIDTH, HEIGHT)
    draw_panel(canvas, 0, "what the network sees", seen.pixels)
    canvas.text(0, CAPTION, f"explained: {found.answers[0][0]}", width=PITCH - 12)
    _draw_map(canvas, 1, f"{METHODS[method].name}, trained", seen, method, found, 0)
    canvas.text(0, CHART, "rank correlation with the map of the trained network", bold=True)
    axes = _axes(found)
    draw_lines(canvas, axes, [Line(found.correlations, TEXT, 2.5)])
    y = axes.y(float(found.correlations[-1]))
    canvas.text(LABELS, y, METHODS[method].name, bold=True, width=WIDTH - LABELS)
    return canvas.array()


def draw_step(
    backdrop: np.ndarray, seen: Seen, method: str, found: Forgetting, step: int
) -> np.ndarray:
    """The whole picture after so many steps, uint8 RGB."""
    steps = len(found.answers) - 1
    panel = Canvas(WIDTH - PARTLY_RANDOM * PITCH, CHART - 18)
    _draw_map(panel, 0, f"{step} of {steps} steps random", seen, method, found, step)
    plot = Plot(WIDTH, HEIGHT)
    plot.pixels[:] = backdrop
    drawn = panel.array()
    plot.pixels[: drawn.shape[0], PARTLY_RANDOM * PITCH * PIXEL_RATIO :] = drawn
    correlation = float(found.correlations[step])
    mark_place(plot, _axes(found), step / steps, correlation, TEXT)
    return plot.pixels


def decimal(value: float) -> str:
    """A correlation with two decimals."""
    return f"{value:.2f}".replace("-0.00", "0.00").replace("-", "−")


def _draw_map(
    canvas: Canvas,
    column: int,
    title: str,
    seen: Seen,
    method: str,
    found: Forgetting,
    step: int,
) -> None:
    """The heat map after so many steps, and what the network then says."""
    draw_heat(canvas, column, title, found.maps[step], seen.pixels, signed=METHODS[method].signed)
    label, share = found.answers[step]
    behind = f" ({percent(share)})"
    words = shorten(f"the network says {label}", PANEL - text_width(behind, 12))
    canvas.text(column * PITCH, BELOW, words + behind)


def _axes(found: Forgetting) -> Axes:
    lowest = float(found.correlations.min())
    low = next(low for low in (0, -0.5, -1) if low <= lowest or low == -1)
    steps = len(found.answers) - 1
    return Axes(
        left=CHART_LEFT,
        top=CHART_TOP,
        width=CHART_WIDTH,
        height=CHART_HEIGHT,
        ticks={tick: decimal(tick) for tick in sorted({low, 0, 0.5, 1})},
        marks={step / steps: str(step) for step in range(steps + 1)},
        caption="steps that are random, from the output down",
    )
