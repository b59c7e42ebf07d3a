"""Pixels of explorers' pictures, and pictures as files."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from course_utils.explorers.drawing import Canvas

# A picture to work out by hand.
TINY = np.array([[1, 2, 0, 3], [4, 1, 1, 0], [2, 5, 3, 1], [0, 1, 2, 4]], np.uint8)


def rgb(color: str) -> tuple[int, ...]:
    """A color such as "#0072B2" as three numbers."""
    return tuple(bytes.fromhex(color[1:]))


def at(picture: np.ndarray, x: float, y: float) -> tuple[int, ...]:
    """The color at a place, in screen pixels."""
    return tuple(int(part) for part in picture[round(2 * y), round(2 * x)])


def words_drawn(draw: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The lines of text that `draw` puts on a canvas; single numbers in cells do not count."""
    words: list[str] = []
    text = Canvas.text

    def note(canvas: Canvas, x: float, y: float, line: str, **how: object) -> None:
        words.append(line)
        text(canvas, x, y, line, **how)

    with monkeypatch.context() as patch:
        patch.setattr(Canvas, "text", note)
        patch.setattr(Canvas, "figure", lambda self, x, y, number, size, color: None)
        draw()
    return words


def png(picture: np.ndarray) -> bytes:
    """A PNG file of a picture uint8 [H, W]."""
    return cv2.imencode(".png", picture)[1].tobytes()


def convolve_by_loops(
    image: np.ndarray, kernel: np.ndarray, stride: int, padding: int, dilation: int
) -> np.ndarray:
    """Convolution as the definition has it: one sum for each place where the kernel fits."""
    height, width = image.shape
    sums: list[list[float]] = []
    for top in range(-padding, height + padding - dilation * (len(kernel) - 1), stride):
        sums.append([])
        for left in range(-padding, width + padding - dilation * (len(kernel[0]) - 1), stride):
            total = 0.0
            for (row, column), weight in np.ndenumerate(kernel):
                y, x = top + dilation * row, left + dilation * column
                if 0 <= y < height and 0 <= x < width:
                    total += weight * image[y, x]
            sums[-1].append(total)
    return np.array(sums)
