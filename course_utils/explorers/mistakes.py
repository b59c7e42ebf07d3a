"""Explorer of mistakes: which pictures of one class a network takes for another."""

from collections.abc import Mapping, Sequence
from typing import Any

import ipywidgets as widgets
import numpy as np

from course_utils.explorers.base import Explorer
from course_utils.explorers.drawing import (
    FAINT,
    NETWORK_COLORS,
    TEXT,
    TRUE_COLOR,
    Canvas,
    draw_legend,
    percent,
)
from course_utils.explorers.inputs import checked_images, checked_probabilities

ANY = "any"
COLUMNS, ROWS = 2, 3
PER_PAGE = COLUMNS * ROWS
CLASSES_SHOWN = 3  # the true class, what the chosen network says, the likeliest other

WIDTH, CELL_WIDTH = 880, 448
LEGEND_HEIGHT = 30
ZOOM = 4
BARS_LEFT, BARS_TOP, BAR_LENGTH, BAR_PITCH, ROW_GAP = 218, 22, 150, 12, 6


class MistakeExplorer(Explorer):
    """Choose a network, a true and a predicted class; page through the mistakes of that kind.

    The most confident mistake comes first. Beside each picture stand the probabilities that every
    network gives to the true class, to what the chosen network says instead, and to the next.

    Args:
        images: uint8 [N, 1, 28, 28], array or tensor.
        labels: integers [N].
        probabilities: network name -> float [N, classes], rows that sum to 1.
        classes: the names of the classes.

    Raises:
        ValueError: one sentence that says which input is not as described.
    """

    title = "Explorer of mistakes"

    def __init__(
        self,
        images: Any,
        labels: Any,
        probabilities: Mapping[str, Any],
        classes: Sequence[str],
    ) -> None:
        self._classes = tuple(classes)
        self._images, self._labels = checked_images(images, labels, classes)
        if not 1 <= len(probabilities) <= len(NETWORK_COLORS):
            raise ValueError(
                f"probabilities must name 1 to {len(NETWORK_COLORS)} networks, "
                f"not {len(probabilities)}."
            )
        shape = (len(self._images), len(self._classes))
        self._probabilities = {
            name: checked_probabilities(name, values, shape)
            for name, values in probabilities.items()
        }
        self._predicted = {name: p.argmax(axis=1) for name, p in self._probabilities.items()}
        networks, kinds = list(self._probabilities), [ANY, *self._classes]
        super().__init__(
            {
                "network": widgets.Dropdown(
                    options=networks, value=networks[-1], description="Mistakes of"
                ),
                "true": widgets.Dropdown(options=kinds, description="True class"),
                "predicted": widgets.Dropdown(options=kinds, description="Called"),
                "page": widgets.IntSlider(min=1, max=1, description="Page"),
            }
        )

    def adjust(self, changed: set[str]) -> None:
        """Give the page slider as many pages as there are, and go to the first."""
        if changed == {"page"}:
            return
        network, true, predicted, _ = self.values.values()
        pages = -(-len(self._mistakes(network, true, predicted)) // PER_PAGE)
        page = self.controls["page"]
        page.max, page.value, page.disabled = max(pages, 1), 1, pages <= 1

    def describe(self, network: str, true: str, predicted: str, page: int) -> str:
        """How many mistakes of this kind each network makes, and which are shown."""
        if true == predicted != ANY:
            return f"{true} called {predicted} is no mistake: choose two different classes."
        found = len(self._mistakes(network, true, predicted))
        possible = np.ones(len(self._labels), bool)
        if true != ANY:
            possible &= self._labels == self._classes.index(true)
        if predicted != ANY:
            possible &= self._labels != self._classes.index(predicted)
        verb = "is wrong" if predicted == ANY else f"wrongly says {predicted}"
        noun = "pictures" if true == ANY else f"{true} pictures"
        count = f"{found:,}" if found else "none"
        sentence = f"{network} {verb} on {count} of {possible.sum():,} {noun}"
        others = [
            f"{name} on {len(self._mistakes(name, true, predicted)):,}"
            for name in self._probabilities
            if name != network
        ]
        sentence = ", ".join([sentence, *others]) + "."
        if found == 0:
            return sentence
        first = (page - 1) * PER_PAGE + 1
        last = min(first + PER_PAGE - 1, found)
        shown = f"{first:,}" if first == last else f"{first:,} to {last:,}"
        return f"{sentence} Shown: {shown}, the most confident first."

    def render(self, network: str, true: str, predicted: str, page: int) -> np.ndarray:
        """Up to six mistakes, uint8 RGB; an empty choice says so in the picture."""
        canvas = Canvas(WIDTH, LEGEND_HEIGHT + ROWS * self._cell_height)
        found = self._mistakes(network, true, predicted)
        if len(found) == 0:
            words = self.describe(network, true, predicted, page)
            y = LEGEND_HEIGHT + self._cell_height / 2
            canvas.text(WIDTH / 2, y, words, size=15, color=FAINT, align="center", width=WIDTH)
            return canvas.array()
        entries = list(zip(self._probabilities, NETWORK_COLORS, strict=False))
        draw_legend(canvas, 0, 10, [*entries, ("true class", TRUE_COLOR)])
        start = (page - 1) * PER_PAGE
        for place, index in enumerate(found[start : start + PER_PAGE]):
            row, column = divmod(place, COLUMNS)
            x, y = column * CELL_WIDTH, LEGEND_HEIGHT + row * self._cell_height
            self._draw_mistake(canvas, x, y, index, self._predicted[network][index])
        return canvas.array()

    @property
    def _row_height(self) -> int:
        return BAR_PITCH * len(self._probabilities) + ROW_GAP

    @property
    def _cell_height(self) -> int:
        return max(28 * ZOOM, BARS_TOP + CLASSES_SHOWN * self._row_height) + 16

    def _mistakes(self, network: str, true: str, predicted: str) -> np.ndarray:
        """Indices of the mistakes of this kind, the most confident first."""
        chosen = self._predicted[network] != self._labels
        if true != ANY:
            chosen &= self._labels == self._classes.index(true)
        if predicted != ANY:
            chosen &= self._predicted[network] == self._classes.index(predicted)
        found = np.flatnonzero(chosen)
        confidence = self._probabilities[network][found].max(axis=1)
        return found[np.argsort(-confidence, kind="stable")]

    def _draw_mistake(self, canvas: Canvas, x: int, y: int, index: int, said: int) -> None:
        true = self._labels[index]
        canvas.image(x, y, self._images[index], ZOOM)
        text = x + 28 * ZOOM + 14
        canvas.text(text, y + 8, f"true: {self._classes[true]}", color=TRUE_COLOR, bold=True)
        canvas.text(x + CELL_WIDTH - 32, y + 8, f"image {index}", color=FAINT, align="right")

        answers = np.stack([p[index] for p in self._probabilities.values()])  # [networks, classes]
        likeliest = np.argsort(-answers.max(axis=0), kind="stable")
        others = [kind for kind in likeliest if kind not in (true, said)]
        rows = [true, said, *others][:CLASSES_SHOWN]
        for row, kind in enumerate(rows):
            top = y + BARS_TOP + row * self._row_height
            middle = top + BAR_PITCH * len(answers) / 2 - 1
            canvas.text(
                x + BARS_LEFT - 8,
                middle,
                self._classes[kind],
                color=TRUE_COLOR if kind == true else TEXT,
                bold=kind == said,
                align="right",
                width=BARS_LEFT - 28 * ZOOM - 22,
            )
            left, thickness = x + BARS_LEFT, BAR_PITCH - 2
            for bar, probability in enumerate(answers[:, kind]):
                bar_top = top + bar * BAR_PITCH
                canvas.bar(left, bar_top, BAR_LENGTH, thickness, probability, NETWORK_COLORS[bar])
                figure = percent(probability)
                canvas.text(left + BAR_LENGTH + 6, bar_top + thickness / 2, figure, size=10)
