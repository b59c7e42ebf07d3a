"""Explorer of learning curves: how much each strategy learns from few emoji, and what it misreads.

What the results say is worked out once; a control only chooses what of it is drawn.
"""

from collections.abc import Mapping, Sequence

import ipywidgets as widgets
import numpy as np

from course_utils.datasets import Emoji
from course_utils.explorers.base import Explorer
from course_utils.explorers.drawing import (
    FAINT,
    PIXEL_RATIO,
    TEXT,
    TRACK,
    TRUE_COLOR,
    Canvas,
    percent,
    text_width,
)
from course_utils.explorers.lines import Plot, spread
from course_utils.explorers.maps import LINES
from course_utils.explorers.readings import COUNTS, Reading, readings_of
from course_utils.explorers.texts import wrap
from course_utils.figures import PALETTE
from course_utils.results import Results

ARTISTS = {"Noto": "noto", "Twemoji": "twemoji"}
MOST_STRATEGIES = 6
CHOSEN, BAND = PALETTE["blue"], "#CCE3F0"  # the band is the color on white

WIDTH, HEIGHT, HEADING = 880, 376, 10
PLOT_LEFT, PLOT_TOP, PLOT_WIDTH, PLOT_HEIGHT = 40, 32, 226, 290
TICKS = (0, 0.25, 0.5, 0.75, 1)
PLOT_MARGIN = 16  # from the sides of the plot to its first and last point
LABELS, LABEL_WIDTH, LABEL_PITCH = 286, 132, 16
MISREAD_LEFT, CELL_WIDTH, CELL_HEIGHT = 440, 222, 87
COLUMNS, ROWS = 2, 4
PER_PAGE = COLUMNS * ROWS
DRAWING = 64
LINE, SMALL = 16, 11
WORDS_WIDTH = CELL_WIDTH - DRAWING - 18


class LearningCurveExplorer(Explorer):
    """Compare strategies of transfer by the number of pictures, and look at what they misread.

    On the left is the accuracy on held-out emoji: the chosen strategy with the 95% interval of
    its mean, the others gray. On the right are the emoji that it most often misread when they
    were held out.

    Args:
        results: of the experiment `emoji_transfer`: its runs are called as "frozen_10", a strategy
            and a number of pictures per class (2, 5, 10, 20 or all). For each artist a run has an
            accuracy in 0..1, as `noto_accuracy`, and answers, as `noto_answers`: for each
            held-out emoji, in the order of `emoji.split(seed)`, the predicted class as a digit.
        emoji: the emoji that the results are about.
        strategies: name to show -> what the strategy is called in the results; one to six.

    Raises:
        ValueError: one sentence that says which input is not as described.
    """

    title = "Explorer of learning curves"

    def __init__(self, results: Results, emoji: Emoji, strategies: Mapping[str, str]) -> None:
        if not 1 <= len(strategies) <= MOST_STRATEGIES:
            raise ValueError(
                f"strategies must name 1 to {MOST_STRATEGIES} strategies, not {len(strategies)}."
            )
        self._readings = {
            (name, artist): readings_of(results, emoji, prefix, ARTISTS[artist])
            for name, prefix in strategies.items()
            for artist in ARTISTS
        }
        self._counts = [
            count for count in COUNTS if any(count in found for found in self._readings.values())
        ]
        self._names, self._classes = emoji.names, emoji.classes
        self._labels = emoji.labels.numpy()
        self._drawings = {
            artist: emoji.drawings[key].permute(0, 2, 3, 1).contiguous().numpy()  # [N, 64, 64, 3]
            for artist, key in ARTISTS.items()
        }
        held_out = self._labels[emoji.split(0)[1].numpy()]  # as many of each class in every split
        self._largest = int(np.bincount(held_out).argmax())
        self._largest_share = float((held_out == self._largest).mean())
        first = self._readings[next(iter(self._readings))]
        middle = "10" if "10" in first else next(iter(first))
        super().__init__(
            {
                "strategy": widgets.Dropdown(options=list(strategies), description="Strategy"),
                "count": widgets.SelectionSlider(
                    options=self._counts, value=middle, description="Per class"
                ),
                "artist": widgets.Dropdown(options=list(ARTISTS), description="Drawn by"),
                "page": widgets.IntSlider(min=1, max=1, description="Page"),
            }
        )

    def adjust(self, changed: set[str]) -> None:
        """Give the page slider as many pages as there are, and go to the first."""
        if changed == {"page"}:
            return
        strategy, count, artist, _ = self.values.values()
        reading = self._readings[strategy, artist].get(count)
        pages = 0 if reading is None else -(-len(reading.worst) // PER_PAGE)
        page = self.controls["page"]
        page.max, page.value, page.disabled = max(pages, 1), 1, pages <= 1

    def describe(self, strategy: str, count: str, artist: str, page: int) -> str:
        """The accuracy with its interval, and which emoji are shown."""
        found = self._readings[strategy, artist]
        if count not in found:
            return f"{_not_run(strategy, count)}; it was run with {_listed(found)}."
        reading = found[count]
        sentence = f"{strategy} with {_pictures(count)}, drawn by {artist}: {_accuracy(reading)}."
        if len(reading.worst) == 0:
            return f"{sentence} No emoji was misread."
        first = (page - 1) * PER_PAGE
        last = min(first + PER_PAGE, len(reading.worst))
        shown = f"{first + 1} to {last}" if first + 1 < last else f"{last}"
        leader = reading.worst[first]
        return (
            f"{sentence} Misread at least once: {len(reading.worst)} of the "
            f"{(reading.held_out > 0).sum()} emoji that were held out. Shown: {shown}, the most "
            f"often misread first, from {self._names[leader]} ({_times(reading, leader)})."
        )

    def render(self, strategy: str, count: str, artist: str, page: int) -> np.ndarray:
        """The curves of all strategies, and up to eight misread emoji; uint8 RGB."""
        canvas = Canvas(WIDTH, HEIGHT)
        self._draw_curves(canvas, strategy, count, artist)
        canvas.text(MISREAD_LEFT, HEADING, "held-out emoji most often misread", bold=True)
        reading = self._readings[strategy, artist].get(count)
        if reading is None or len(reading.worst) == 0:
            words = "no emoji was misread" if reading else _not_run(strategy, count)
            x, y = (MISREAD_LEFT + WIDTH) / 2, HEIGHT / 2
            room = WIDTH - MISREAD_LEFT
            canvas.text(x, y, words, color=FAINT, align="center", width=room)
            return canvas.array()
        start = (page - 1) * PER_PAGE
        for place, index in enumerate(reading.worst[start : start + PER_PAGE]):
            row, column = divmod(place, COLUMNS)
            x, y = MISREAD_LEFT + column * CELL_WIDTH, 28 + row * CELL_HEIGHT
            self._draw_misread(canvas, x, y, reading, index, artist)
        return canvas.array()

    def _draw_misread(
        self, canvas: Canvas, x: float, y: float, reading: Reading, index: int, artist: str
    ) -> None:
        canvas.image(x, y, self._drawings[artist][index], DRAWING / 64)
        canvas.outline(x, y, DRAWING, DRAWING, TRACK)
        name = wrap(self._names[index], WORDS_WIDTH, SMALL, bold=True)
        lines = [(words, TEXT, True) for words in name]
        lines.append((f"true: {self._classes[self._labels[index]]}", TRUE_COLOR, False))
        lines.append((_taken_for(reading.taken[index], self._classes), CHOSEN, False))
        lines.append((_times(reading, index), FAINT, False))
        left = x + DRAWING + 10
        for row, (words, color, bold) in enumerate(lines):
            middle = y + 6 + LINE * row
            canvas.text(left, middle, words, color=color, bold=bold, size=SMALL, width=WORDS_WIDTH)

    # ------------------------------------------------------------ the curves

    def _draw_curves(self, canvas: Canvas, strategy: str, count: str, artist: str) -> None:
        curves = {
            name: [
                (self._x(place), reading)
                for place, (at, reading) in enumerate(
                    (at, self._readings[name, artist].get(at)) for at in self._counts
                )
                if reading is not None
            ]
            for name, _ in self._readings
        }
        order = [*(name for name in curves if name != strategy), strategy]  # the chosen on top
        plot = Plot(LABELS, HEIGHT)
        intervals = [(x, reading.accuracy) for x, reading in curves[strategy]]
        low = [(x, _y(accuracy.low)) for x, accuracy in intervals]
        high = [(x, _y(accuracy.high)) for x, accuracy in intervals]
        plot.area([*low, *reversed(high)], BAND)
        right, chosen = PLOT_LEFT + PLOT_WIDTH, self._x(self._counts.index(count))
        for share in TICKS:
            plot.line([(PLOT_LEFT, _y(share)), (right, _y(share))], TRACK, 1)
        plot.line([(chosen, _y(0)), (chosen, _y(1))], LINES, 1)
        level = _y(self._largest_share)
        for left in range(PLOT_LEFT, right, 8):
            plot.line([(left, level), (min(left + 4, right), level)], FAINT, 1)
        means = {
            name: [(x, _y(reading.accuracy.mean)) for x, reading in curves[name]] for name in order
        }
        always = f"always {self._classes[self._largest]}: {percent(self._largest_share)}"
        ends = {name: means[name][-1] for name in order} | {always: (right, level)}
        labels = spread({name: y for name, (_, y) in ends.items()}, LABEL_PITCH, _y(0))
        for name, end in ends.items():
            plot.line([end, (LABELS - 4, labels[name])], TRACK, 1)
        for name in order:
            color, width = (CHOSEN, 2.5) if name == strategy else (LINES, 1.5)
            plot.line(means[name], color, width)
            for place in means[name]:
                plot.dot(place, color, 2.5)
        marked = self._readings[strategy, artist].get(count)
        if marked is not None:
            plot.dot((chosen, _y(marked.accuracy.mean)), "white", 8)
            plot.dot((chosen, _y(marked.accuracy.mean)), CHOSEN, 6)
        canvas.image(0, 0, plot.pixels, 1 / PIXEL_RATIO)

        canvas.text(0, HEADING, f"accuracy on held-out emoji, drawn by {artist}", bold=True)
        for share in TICKS:
            canvas.text(PLOT_LEFT - 6, _y(share), f"{share:.0%}", size=11, align="right")
        for at in self._counts:
            x, here = self._x(self._counts.index(at)), at == count
            color = CHOSEN if here else TEXT
            canvas.text(x, _y(0) + 14, at, align="center", bold=here, color=color)
        canvas.text(PLOT_LEFT + PLOT_WIDTH / 2, _y(0) + 34, "pictures per class", align="center")
        for name, y in labels.items():
            color = CHOSEN if name == strategy else FAINT
            canvas.text(LABELS, y, name, color=color, bold=name == strategy, width=LABEL_WIDTH)

    def _x(self, place: int) -> float:
        if len(self._counts) == 1:
            return PLOT_LEFT + PLOT_WIDTH / 2
        room = PLOT_WIDTH - 2 * PLOT_MARGIN
        return PLOT_LEFT + PLOT_MARGIN + room * place / (len(self._counts) - 1)


def _y(share: float) -> float:
    return PLOT_TOP + PLOT_HEIGHT * (1 - share)


def _pictures(count: str) -> str:
    return "all pictures of each class" if count == "all" else f"{count} pictures per class"


def _not_run(strategy: str, count: str) -> str:
    return f"{strategy} was not run with {_pictures(count)}"


def _listed(words: Sequence[str]) -> str:
    *rest, last = words
    return f"{', '.join(rest)} and {last}" if rest else last


def _accuracy(reading: Reading) -> str:
    if reading.splits == 1:
        return f"{reading.accuracy.mean:.1%} are right in one split, too few for an interval"
    return (
        f"{reading.accuracy.percent()} are right, mean and 95% interval of {reading.splits} splits"
    )


def _times(reading: Reading, index: int) -> str:
    held_out = reading.held_out[index]
    return f"misread {reading.misread[index]} of {held_out} time{'' if held_out == 1 else 's'}"


def _taken_for(taken: np.ndarray, classes: Sequence[str]) -> str:
    """The class that an emoji was most often taken for; how many if too many tie to name them."""
    most = [classes[kind] for kind in np.flatnonzero(taken == taken.max())]
    if len(most) > 1:
        words = f"called {' or '.join(most)}"
        fits = len(most) == 2 and text_width(words, SMALL) <= WORDS_WIDTH
        return words if fits else f"called {len(most)} things"
    return f"called {most[0]}" if taken.max() == taken.sum() else f"called mostly {most[0]}"
