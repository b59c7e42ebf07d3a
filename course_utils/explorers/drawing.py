"""Pictures for explorers: crisp text, bars and enlarged pixels on a white ground.

Coordinates and sizes are in screen pixels; a picture holds `PIXEL_RATIO` pixels for each, so that
text stays crisp on dense screens.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Literal

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from course_utils.figures import PALETTE

PIXEL_RATIO = 2
TEXT = "#333333"
FAINT = "#767676"  # the lightest gray that still reads well on white
TRACK = "#EEEEEE"  # what a bar runs on
TRUE_COLOR = PALETTE["green"]
NETWORK_COLORS = [PALETTE[name] for name in ("blue", "vermilion", "orange", "purple", "sky")]

_ANCHORS = {"left": "lm", "center": "mm", "right": "rm"}


@cache
def _font(size: int, bold: bool) -> ImageFont.FreeTypeFont:
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name
    return ImageFont.truetype(path, size * PIXEL_RATIO, layout_engine=ImageFont.Layout.BASIC)


@cache
def shorten(text: str, width: float, size: int = 12, bold: bool = False) -> str:
    """`text`, cut with an ellipsis where it is wider than `width`."""
    font = _font(size, bold)
    if font.getlength(text) <= width * PIXEL_RATIO:
        return text
    while text and font.getlength(text + "…") > width * PIXEL_RATIO:
        text = text[:-1]
    return text.rstrip() + "…"


class Canvas:
    """A white picture to draw on, `width` x `height` screen pixels."""

    def __init__(self, width: int, height: int) -> None:
        self._image = Image.new("RGB", (width * PIXEL_RATIO, height * PIXEL_RATIO), "white")
        self._draw = ImageDraw.Draw(self._image)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: int = 12,
        color: str = TEXT,
        bold: bool = False,
        align: Literal["left", "center", "right"] = "left",
        width: float | None = None,
    ) -> None:
        """One line of text, centered on the height `y`, aligned to `x`, cut to `width`."""
        if width is not None:
            text = shorten(text, width, size, bold)
        at = (x * PIXEL_RATIO, y * PIXEL_RATIO)
        self._draw.text(at, text, fill=color, font=_font(size, bold), anchor=_ANCHORS[align])

    def rectangle(self, x: float, y: float, width: float, height: float, color: str) -> None:
        """A filled rectangle; nothing where it has no area."""
        left, top = round(x * PIXEL_RATIO), round(y * PIXEL_RATIO)
        right, bottom = round((x + width) * PIXEL_RATIO), round((y + height) * PIXEL_RATIO)
        if right > left and bottom > top:
            self._draw.rectangle((left, top, right - 1, bottom - 1), fill=color)

    def bar(
        self, x: float, y: float, width: float, height: float, fraction: float, color: str
    ) -> None:
        """A horizontal bar, filled up to `fraction` of its `width`."""
        self.rectangle(x, y, width, height, TRACK)
        self.rectangle(x, y, width * fraction, height, color)

    def image(self, x: int, y: int, pixels: np.ndarray, zoom: int) -> None:
        """Grayscale uint8 [H, W], each pixel a square of `zoom` x `zoom`."""
        height, width = pixels.shape
        size = (width * zoom * PIXEL_RATIO, height * zoom * PIXEL_RATIO)
        enlarged = Image.fromarray(pixels).resize(size, Image.Resampling.NEAREST)
        self._image.paste(enlarged, (x * PIXEL_RATIO, y * PIXEL_RATIO))

    def array(self) -> np.ndarray:
        """What was drawn: uint8 RGB [height * PIXEL_RATIO, width * PIXEL_RATIO, 3]."""
        return np.asarray(self._image)


def draw_legend(canvas: Canvas, x: float, y: float, entries: Sequence[tuple[str, str]]) -> None:
    """A row of colored squares, each with its label; `entries` are (label, color)."""
    for label, color in entries:
        canvas.rectangle(x, y - 5, 10, 10, color)
        canvas.text(x + 16, y, label)
        x += 16 + _font(12, False).getlength(label) / PIXEL_RATIO + 24


def percent(probability: float) -> str:
    """A probability as whole percent; what is not quite 0 or 1 never reads as 0% or 100%."""
    if 0 < probability < 0.005:
        return "<1%"
    if 0.995 <= probability < 1:
        return ">99%"
    return f"{probability:.0%}"
