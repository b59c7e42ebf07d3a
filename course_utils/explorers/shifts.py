"""Explorer of shifts: move and turn a picture while the networks answer."""

from collections.abc import Mapping, Sequence
from typing import Any

import ipywidgets as widgets
import numpy as np
import torch
from torch import nn

from course_utils.explorers.base import Explorer, ExplorerError
from course_utils.explorers.drawing import (
    FAINT,
    NETWORK_COLORS,
    TEXT,
    TRUE_COLOR,
    Canvas,
    percent,
)
from course_utils.explorers.inputs import checked_images
from course_utils.training import Prepare, predict, standardize
from course_utils.transforms import shift_and_turn

LARGEST_SHIFT = 8  # pixels
LARGEST_TURN = 90  # degrees
WIDTH = 880
ZOOM = 7
PICTURE = 28 * ZOOM
HEADING = 26
ROW_HEIGHT = 20
BARS_LEFT = 520
BARS_WIDTH = WIDTH - BARS_LEFT
FIGURES_WIDTH = 52  # room for "100%" after a bar


class ShiftExplorer(Explorer):
    """Shift and turn a picture; every network answers at once.

    The label of the true class is green; what a network says is bold.

    Args:
        networks: name -> network that takes what `prepare` gives and answers with logits
            [N, classes], as `course_utils.training.predict` asks it.
        images: uint8 [N, 1, 28, 28], array or tensor: the few pictures to choose from.
        labels: integers [N].
        classes: the names of the classes.
        prepare: makes the networks' input from images uint8 [N, 1, 28, 28].

    Raises:
        ValueError: one sentence that says which input is not as described.
    """

    title = "Explorer of shifts and turns"

    def __init__(
        self,
        networks: Mapping[str, nn.Module],
        images: Any,
        labels: Any,
        classes: Sequence[str],
        prepare: Prepare = standardize,
    ) -> None:
        self._classes = tuple(classes)
        self._prepare = prepare
        self._images, self._labels = checked_images(images, labels, classes)
        if not 1 <= len(networks) <= len(NETWORK_COLORS):
            raise ValueError(
                f"networks must name 1 to {len(NETWORK_COLORS)} networks, not {len(networks)}."
            )
        for name, network in networks.items():
            if not isinstance(network, nn.Module):
                raise ValueError(f"{name} is no network: give an nn.Module.")
        self._networks = dict(networks)
        shift = {"min": -LARGEST_SHIFT, "max": LARGEST_SHIFT, "value": 0}
        super().__init__(
            {
                "picture": widgets.IntSlider(
                    min=1, max=len(self._images), value=1, description="Picture"
                ),
                "dx": widgets.IntSlider(**shift, description="Right (px)"),
                "dy": widgets.IntSlider(**shift, description="Down (px)"),
                "degrees": widgets.IntSlider(
                    min=-LARGEST_TURN,
                    max=LARGEST_TURN,
                    step=5,
                    value=0,
                    description="Turn (°)",
                ),
            }
        )

    def describe(self, picture: int, dx: int, dy: int, degrees: int) -> str:
        """The movement, what each network says, and the true class."""
        image = shift_and_turn(self._images[picture - 1], dx, dy, degrees)
        answers = [
            f"{name} says {self._classes[p.argmax()]} ({percent(p.max())})"
            for name, p in self._answers(image).items()
        ]
        truth = self._classes[self._labels[picture - 1]]
        return f"{_movement(dx, dy, degrees)}: {', '.join(answers)}. True class: {truth}."

    def render(self, picture: int, dx: int, dy: int, degrees: int) -> np.ndarray:
        """The original, the moved picture, and each network's probabilities; uint8 RGB."""
        original, true = self._images[picture - 1], self._labels[picture - 1]
        moved = shift_and_turn(original, dx, dy, degrees)
        answers = self._answers(moved)
        said = {int(p.argmax()) for p in answers.values()}

        canvas = Canvas(WIDTH, HEADING + max(PICTURE, ROW_HEIGHT * len(self._classes)))
        for x, heading, image in ((0, "original", original), (PICTURE + 16, "moved", moved)):
            canvas.text(x, 10, heading, color=FAINT)
            canvas.image(x, HEADING, image, ZOOM)
        right = BARS_LEFT - 10
        canvas.text(right, 10, "■ true class", color=TRUE_COLOR, align="right")
        for kind, label in enumerate(self._classes):
            y = HEADING + (kind + 0.5) * ROW_HEIGHT
            canvas.text(
                right,
                y,
                f"■ {label}" if kind == true else label,
                color=TRUE_COLOR if kind == true else TEXT,
                bold=kind in said,
                align="right",
                width=right - 2 * PICTURE - 16,
            )
        column = BARS_WIDTH // len(answers)
        for place, (name, probabilities) in enumerate(answers.items()):
            self._draw_answer(
                canvas, BARS_LEFT + place * column, column, place, name, probabilities
            )
        return canvas.array()

    def _draw_answer(
        self, canvas: Canvas, x: int, width: int, place: int, name: str, probabilities: np.ndarray
    ) -> None:
        color = NETWORK_COLORS[place]
        canvas.text(x, 10, name, color=color, bold=True, width=width)
        for kind, probability in enumerate(probabilities):
            y = HEADING + kind * ROW_HEIGHT
            length = width - FIGURES_WIDTH
            canvas.bar(x, y + 3, length, ROW_HEIGHT - 6, probability, color)
            canvas.text(
                x + length + 6,
                y + ROW_HEIGHT / 2,
                percent(probability),
                size=11,
                bold=kind == probabilities.argmax(),
            )

    def _answers(self, image: np.ndarray) -> dict[str, np.ndarray]:
        """Each network's probabilities [classes] for an image uint8 [28, 28]."""
        return {name: self._ask(name, image) for name in self._networks}

    def _ask(self, name: str, image: np.ndarray) -> np.ndarray:
        images = torch.from_numpy(image)[None, None]  # [28, 28] -> [1, 1, 28, 28]
        logits = predict(self._networks[name], images, prepare=self._prepare)
        if tuple(logits.shape) != (1, len(self._classes)):
            raise ExplorerError(
                f"{name} answered with the shape {list(logits.shape)}, "
                f"not one row of {len(self._classes)} logits."
            )
        probabilities = logits.softmax(dim=1)[0].numpy()
        if not np.isfinite(probabilities).all():
            raise ExplorerError(f"{name} answered with NaN or infinity: was its training stable?")
        return probabilities


def _movement(dx: int, dy: int, degrees: int) -> str:
    sideways = f"{abs(dx)} px {'left' if dx < 0 else 'right'}"
    upright = f"{abs(dy)} px {'up' if dy < 0 else 'down'}"
    turn = f"{abs(degrees)}° {'counterclockwise' if degrees < 0 else 'clockwise'}"
    return f"Moved {sideways} and {upright}, turned {turn}"
