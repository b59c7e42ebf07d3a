"""The picture of the explorer of the randomization test: two heat maps, and a curve below."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from course_utils.attribution import METHODS
from course_utils.explorers.drawing import FAINT, PIXEL_RATIO, TEXT, Canvas, percent
from course_utils.explorers.gallery import Seen
from course_utils.explorers.heat import BELOW, CAPTION, PITCH, WIDTH, draw_heat, draw_panel
from course_utils.explorers.line_chart import Axes, Line, draw_lines, mark_place
from course_utils.explorers.lines import Plot, spread
from course_utils.explorers.maps import LINES

PARTLY_RANDOM = 2  # the column of the panel that changes
CHART = BELOW + 36
CHART_TOP, CHART_HEIGHT = CHART + 22, 140
CHART_LEFT, CHART_WIDTH = 48, 640
HEIGHT = CHART_TOP + CHART_HEIGHT + 44
LABELS, LABEL_PITCH = CHART_LEFT + CHART_WIDTH + 14, 16


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


def draw_backdrop(seen: Seen, method: str, found: Mapping[str, Forgetting]) -> np.ndarray:
    """All that stays while the network forgets, uint8 RGB.

    Args:
        seen: the picture.
        method: the chosen one.
        found: what is known of it, and of the methods that were looked at before.
    """
    canvas = Canvas(WIDTH, HEIGHT)
    draw_panel(canvas, 0, "what the network sees", seen.pixels)
    answer = found[method].answers[0][0]
    canvas.text(0, CAPTION, f"explained: {answer}", width=PITCH - 12)
    _draw_map(canvas, 1, f"{METHODS[method].name}, trained", seen, method, found[method], 0)
    canvas.text(0, CHART, "rank correlation with the map of the trained network", bold=True)
    order = [*(key for key in found if key != method), method]  # the chosen on top
    lines = [Line(found[key].correlations, LINES) for key in order[:-1]]
    axes = _axes(found)
    draw_lines(canvas, axes, [*lines, Line(found[method].correlations, TEXT, 2.5)])
    ends = {key: axes.y(float(found[key].correlations[-1])) for key in order}
    for key, y in spread(ends, LABEL_PITCH, axes.y(min(axes.ticks))).items():
        color, bold = (TEXT, True) if key == method else (FAINT, False)
        canvas.text(LABELS, y, METHODS[key].name, color=color, bold=bold, width=WIDTH - LABELS)
    return canvas.array()


def draw_step(
    backdrop: np.ndarray, seen: Seen, method: str, found: Mapping[str, Forgetting], step: int
) -> np.ndarray:
    """The whole picture after so many steps, uint8 RGB."""
    steps = len(found[method].answers) - 1
    panel = Canvas(WIDTH - PARTLY_RANDOM * PITCH, CHART - 18)
    _draw_map(panel, 0, f"{step} of {steps} steps random", seen, method, found[method], step)
    plot = Plot(WIDTH, HEIGHT)
    plot.pixels[:] = backdrop
    drawn = panel.array()
    plot.pixels[: drawn.shape[0], PARTLY_RANDOM * PITCH * PIXEL_RATIO :] = drawn
    correlation = float(found[method].correlations[step])
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
    words = f"the network says {label} ({percent(share)})"
    canvas.text(column * PITCH, BELOW, words, width=PITCH - 36)


def _axes(found: Mapping[str, Forgetting]) -> Axes:
    lowest = min(float(each.correlations.min()) for each in found.values())
    low = next(low for low in (0, -0.5, -1) if low <= lowest or low == -1)
    steps = len(next(iter(found.values())).answers) - 1
    return Axes(
        left=CHART_LEFT,
        top=CHART_TOP,
        width=CHART_WIDTH,
        height=CHART_HEIGHT,
        ticks={tick: decimal(tick) for tick in sorted({low, 0, 0.5, 1})},
        marks={step / steps: str(step) for step in range(steps + 1)},
        caption="steps that are random, from the output down",
    )
