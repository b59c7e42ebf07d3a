"""Explorer of learning: a kernel after each step of gradient descent, and what it does."""

from collections.abc import Sequence
from typing import Any

import ipywidgets as widgets
import numpy as np
import torch
import torch.nn.functional as F

from course_utils.arrays import as_array
from course_utils.explorers.base import Explorer
from course_utils.explorers.drawing import FAINT, TRACK, Canvas, number
from course_utils.explorers.maps import EDGE, draw_map, draw_table, shades, zoom_to_fit
from course_utils.figures import PALETTE
from course_utils.pictures import shrink, to_gray

WIDTH, HEIGHT, TOP = 880, 262, 24
CELL = (64, 48)
MAP_LEFT, MAP_WIDTH = 236, 340
LOSS_LEFT, LOSS_WIDTH, LOSS_HEIGHT = 610, 260, 180
LONGEST = 170  # pixels of the photograph
FIRST_STEP = 3  # before the first one there is nothing to see
STRONG = 0.995  # the share of the last map's values that the colors reach


class LearningExplorer(Explorer):
    """Step through a training: the kernel's numbers, the photograph through it, the loss.

    Args:
        kernels: float [steps, 3, 3], the kernel before each step.
        losses: the loss before each step, at least 0.
        picture: uint8 gray [H, W] or RGB [H, W, 3], which is made gray; its longer side is made
            at most 170 pixels.

    Raises:
        ValueError: the kernels are no finite numbers [steps, 3, 3], there is not one loss of at
            least 0 for each, or the picture is none or smaller than a kernel.
    """

    title = "Explorer of learning"

    def __init__(self, kernels: Any, losses: Sequence[float], picture: Any) -> None:
        self._kernels, self._losses = _finite(kernels), _finite(losses)
        if self._kernels is None:
            raise ValueError("kernels must be finite numbers [steps, 3, 3].")
        if self._kernels.shape[1:] != (3, 3) or (steps := len(self._kernels)) == 0:
            found = list(self._kernels.shape)
            raise ValueError(f"kernels must be finite numbers [steps, 3, 3], not {found}.")
        if self._losses is None or self._losses.shape != (steps,) or (self._losses < 0).any():
            raise ValueError(
                f"losses must be {steps} finite numbers of at least 0, one for each kernel."
            )
        gray = shrink(to_gray(picture), LONGEST)
        if min(gray.shape) < 3:
            size = " × ".join(map(str, gray.shape))
            raise ValueError(f"The picture must have at least 3 × 3 pixels, not {size}.")
        photo = torch.from_numpy(np.array(gray, np.float64))
        filters = torch.from_numpy(self._kernels)[:, None]  # [steps, 1, 3, 3]
        self._maps = F.conv2d(photo[None, None], filters)[0].numpy()  # [steps, H, W]
        # One scale for all steps, that of the last map: the picture comes up as the kernel grows.
        self._strongest = np.quantile(np.abs(self._maps[-1]), STRONG)
        start = min(FIRST_STEP, steps - 1)
        super().__init__(
            {"step": widgets.IntSlider(min=0, max=steps - 1, value=start, description="Step")}
        )

    def describe(self, step: int) -> str:
        """The step, its loss and the kernel's numbers."""
        loss, first = self._losses[step], self._losses[0]
        steps = f"{step} step{'' if step == 1 else 's'}"
        rows = " / ".join(" ".join(row) for row in _texts(self._kernels[step]))
        share = loss / first if first else 0.0
        return (
            f"After {steps} the loss is {number(loss)}, {share:.1%} of the first. Kernel: {rows}."
        )

    def render(self, step: int) -> np.ndarray:
        """The kernel, the photograph through it, and the loss of all steps; uint8 RGB."""
        canvas = Canvas(WIDTH, HEIGHT)
        kernel, values = self._kernels[step], self._maps[step]
        canvas.text(EDGE, 10, "kernel")
        colors = shades(kernel, np.abs(self._kernels).max(), signed=True)
        draw_table(canvas, EDGE, TOP, _texts(kernel), colors, CELL)
        canvas.text(MAP_LEFT, 10, "photograph through it")
        zoom = zoom_to_fit(values.shape, MAP_WIDTH, HEIGHT - TOP - EDGE)
        colors = shades(values, self._strongest, signed=True)
        draw_map(canvas, MAP_LEFT, TOP, values, colors, zoom)
        self._draw_losses(canvas, step)
        return canvas.array()

    def _draw_losses(self, canvas: Canvas, step: int) -> None:
        canvas.text(LOSS_LEFT, 10, "loss, step by step")
        canvas.rectangle(LOSS_LEFT, TOP, LOSS_WIDTH, LOSS_HEIGHT, TRACK)
        width = LOSS_WIDTH / len(self._losses)
        for place, share in enumerate(self._losses / (self._losses.max() or 1)):
            height = max(share * LOSS_HEIGHT, 1)
            color = PALETTE["vermilion"] if place == step else FAINT
            left, top = LOSS_LEFT + place * width, TOP + LOSS_HEIGHT - height
            canvas.rectangle(left + 0.1 * width, top, 0.8 * width, height, color)
        words = f"step {step}: {number(self._losses[step])}"
        canvas.text(LOSS_LEFT, TOP + LOSS_HEIGHT + 16, words, color=PALETTE["vermilion"], bold=True)


def _finite(values: Any) -> np.ndarray | None:
    """Numbers as float64, or None if they are none or not all of them are finite."""
    try:
        numbers = as_array(values).astype(np.float64)
    except (TypeError, ValueError):
        return None
    return numbers if np.isfinite(numbers).all() else None


def _texts(kernel: np.ndarray) -> list[list[str]]:
    rounded = kernel.round(2) + 0.0  # -0.0 + 0.0 is 0.0
    return [[f"{weight:.2f}".replace("-", "−") for weight in row] for row in rounded]
