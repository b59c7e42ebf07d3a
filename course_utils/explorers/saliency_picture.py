"""The picture of the explorer of explanations: heat map, removed pixels, deletion and insertion."""

from typing import NamedTuple

import numpy as np
from torch import Tensor

from course_utils.explorers.drawing import FAINT, PIXEL_RATIO, TEXT, Canvas, draw_legend, percent
from course_utils.explorers.gallery import Seen
from course_utils.explorers.heat import (
    BELOW,
    CAPTION,
    PANEL,
    PITCH,
    WIDTH,
    draw_heat,
    draw_panel,
)
from course_utils.explorers.line_chart import Axes, Line, draw_lines, mark_place
from course_utils.explorers.lines import Plot
from course_utils.faithfulness import Curves, area

REMOVAL = 2  # the column of the panel with pixels removed
CHARTS = BELOW + 36
CHART_TOP, CHART_HEIGHT = CHARTS + 38, 130
CHART_LEFT, CHART_WIDTH, CHART_PITCH = 48, 360, 452
HEIGHT = CHART_TOP + CHART_HEIGHT + 44
TOPS = (0.05, 0.1, 0.25, 0.5, 1)  # what the scale of probabilities may end at
CHARTED = {  # curve -> its heading, and what grows to the right
    "deletion": ("deletion: lower is better", "pixels removed, the highest first"),
    "insertion": ("insertion: higher is better", "pixels shown, the highest first"),
}


class Explanation(NamedTuple):
    """An explanation, and how it stands the test.

    Attributes:
        method: what it is called.
        signed: whether it gives negative values, too.
        label: of the class that is explained.
        against: label of the class that it is explained against, or None.
        values: the map, float [H, W].
        ranks: the place of each pixel in the order of removal, integers [H, W]; 0 is the first.
        curves: of this order, one row each.
        chance: the same for random orders, a row for each.
    """

    method: str
    signed: bool
    label: str
    against: str | None
    values: np.ndarray
    ranks: np.ndarray
    curves: Curves
    chance: Curves

    def without(self, seen: Seen, step: int) -> np.ndarray:
        """The picture after so many steps of the deletion curve, uint8 RGB [H, W, 3]."""
        count = int((self.curves.shares[step] * self.ranks.size).round())
        return np.where((self.ranks < count)[..., None], seen.blank, seen.pixels)


def draw_backdrop(seen: Seen, explanation: Explanation) -> np.ndarray:
    """All that stays while pixels are removed, uint8 RGB."""
    canvas = Canvas(WIDTH, HEIGHT)
    method, label, against = explanation.method, explanation.label, explanation.against
    draw_panel(canvas, 0, "what the network sees", seen.pixels)
    draw_heat(canvas, 1, method, explanation.values, seen.pixels, signed=explanation.signed)
    about = label if against is None else f"{label}, against {against}"
    canvas.text(PITCH, BELOW, f"explains: {about}", width=PITCH - 12)
    _draw_answer(canvas, explanation, 0)
    for place, (kind, (heading, _)) in enumerate(CHARTED.items()):
        x = place * CHART_PITCH
        ours, chance = getattr(explanation.curves, kind), getattr(explanation.chance, kind)
        canvas.text(x, CHARTS, heading, bold=True)
        entries = [
            (f"{method}, area {area_in_words(ours)}", TEXT),
            (f"random order, {area_in_words(chance)}", FAINT),
        ]
        draw_legend(canvas, x, CHARTS + 18, entries)
        band = chance.amin(0).numpy(), chance.amax(0).numpy()
        lines = [Line(chance.mean(0).numpy(), FAINT, 1.5, band), Line(ours[0].numpy(), TEXT, 2.5)]
        draw_lines(canvas, _axes(explanation, kind), lines)
    return canvas.array()


def draw_removal(
    backdrop: np.ndarray, seen: Seen, explanation: Explanation, step: int
) -> np.ndarray:
    """The whole picture after so many steps of the curves, uint8 RGB."""
    shares = explanation.curves.shares
    panel = Canvas(PANEL, BELOW)
    title = f"without the highest {shares[step]:.0%}"
    draw_panel(panel, 0, title, explanation.without(seen, step))
    _draw_answer(panel, explanation, step)
    plot = Plot(WIDTH, HEIGHT)
    plot.pixels[:] = backdrop
    drawn, left = panel.array(), REMOVAL * PITCH * PIXEL_RATIO
    plot.pixels[: drawn.shape[0], left : left + drawn.shape[1]] = drawn
    for kind in CHARTED:
        value = float(getattr(explanation.curves, kind)[0, step])
        mark_place(plot, _axes(explanation, kind), float(shares[step]), value, TEXT)
    return plot.pixels


def area_in_words(curves: Tensor) -> str:
    """The mean area under some curves float [N, K]."""
    return f"{float(area(curves).mean()):.3f}"


def _draw_answer(canvas: Canvas, explanation: Explanation, step: int) -> None:
    """What the network says of the picture above, in the first column."""
    share = percent(float(explanation.curves.deletion[0, step]))
    canvas.text(0, CAPTION, f"{explanation.label}: {share}", width=PANEL)


def _axes(explanation: Explanation, kind: str) -> Axes:
    curves = getattr(explanation.curves, kind), getattr(explanation.chance, kind)
    highest = max(float(curve.max()) for curve in curves)
    top = next(top for top in TOPS if top >= min(highest, 1))
    return Axes(
        left=list(CHARTED).index(kind) * CHART_PITCH + CHART_LEFT,
        top=CHART_TOP,
        width=CHART_WIDTH,
        height=CHART_HEIGHT,
        ticks={share: f"{100 * share:g}%" for share in (0, top / 2, top)},
        marks={share: f"{share:.0%}" for share in (0, 0.25, 0.5, 0.75, 1)},
        caption=CHARTED[kind][1],
    )
