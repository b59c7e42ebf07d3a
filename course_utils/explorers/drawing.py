"""Pictures for explorers: crisp text, bars and enlarged pixels on a white ground.

Coordinates and sizes are in screen pixels; a picture holds `PIXEL_RATIO` pixels for each, so that
text stays crisp on dense screens.
"""

import math
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from course_utils.figures import PALETTE

PIXEL_RATIO = 2
KEPT = 4096  # texts whose shapes are remembered
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


@lru_cache(KEPT)
def _shape(text: str, size: int, bold: bool, align: str) -> tuple[Image.Image, int, int]:
    """How much ink each pixel of a text has, and where its corner lies from where it is drawn."""
    font, anchor = _font(size, bold), _ANCHORS[align]
    left, top, right, bottom = font.getbbox(text, anchor=anchor)
    ink = Image.new("L", (right - left, bottom - top))
    ImageDraw.Draw(ink).text((-left, -top), text, fill=255, font=font, anchor=anchor)
    return ink, left, top


@lru_cache(KEPT)
def _length(text: str, size: int) -> float:
    return _font(size, False).getlength(text)


def text_width(text: str, size: int) -> float:
    """How wide a text is, in screen pixels."""
    return _length(text, size) / PIXEL_RATIO


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
        """One line of text, centered on the height `y`, aligned to `x`, cut to `width`.

        It is drawn ten times as fast if it was drawn before, wherever that was.
        """
        if width is not None:
            text = shorten(text, width, size, bold)
        ink, left, top = _shape(text, size, bold, align)
        at = (round(x * PIXEL_RATIO) + left, round(y * PIXEL_RATIO) + top)
        self._image.paste(color, at, ink)

    def figure(self, x: float, y: float, text: str, size: int, color: str) -> None:
        """A number in its cell, or what else is short and stands around a point."""
        self.text(x, y, text, size=size, color=color, align="center")

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

    def outline(
        self, x: float, y: float, width: float, height: float, color: str, thickness: float = 1
    ) -> None:
        """A frame around a rectangle, drawn outside of it."""
        outer = width + 2 * thickness
        self.rectangle(x - thickness, y - thickness, outer, thickness, color)
        self.rectangle(x - thickness, y + height, outer, thickness, color)
        self.rectangle(x - thickness, y, thickness, height, color)
        self.rectangle(x + width, y, thickness, height, color)

    def image(self, x: float, y: float, pixels: np.ndarray, zoom: float) -> None:
        """Gray uint8 [H, W] or RGB uint8 [H, W, 3], each pixel a square of `zoom` x `zoom`."""
        height, width = pixels.shape[:2]
        size = (round(width * zoom * PIXEL_RATIO), round(height * zoom * PIXEL_RATIO))
        enlarged = Image.fromarray(pixels).resize(size, Image.Resampling.NEAREST)
        self._image.paste(enlarged, (round(x * PIXEL_RATIO), round(y * PIXEL_RATIO)))

    def ink(self, left: int, top: int, mask: np.ndarray, color: str) -> None:
        """A color where `mask` is, uint8 [H, W]: 255 covers what lies below, 0 leaves it.

        Unlike elsewhere `left` and `top` count pixels of the picture; what lies outside is cut.
        """
        self._image.paste(color, (left, top), Image.fromarray(mask))

    def array(self) -> np.ndarray:
        """What was drawn: uint8 RGB [height * PIXEL_RATIO, width * PIXEL_RATIO, 3]."""
        return np.asarray(self._image)


def draw_legend(canvas: Canvas, x: float, y: float, entries: Sequence[tuple[str, str]]) -> None:
    """A row of colored squares, each with its label; `entries` are (label, color)."""
    for label, color in entries:
        canvas.rectangle(x, y - 5, 10, 10, color)
        canvas.text(x + 16, y, label)
        x += 16 + text_width(label, 12) + 24


def fitting_size(texts: Iterable[str], width: float, largest: int) -> int:
    """The font size, at most `largest`, at which the widest of `texts` fits into `width`."""
    widest = max(text_width(text, largest) for text in texts)
    return largest if widest <= width else int(largest * width / widest)


def number(value: float) -> str:
    """A number with four significant digits from 1 on and three below 1.

    Digits before the point are all shown, and what differs from 0 by rounding only is 0.
    """
    size = abs(float(value))
    if size < 1e-9:
        return "0"
    if size < 0.001:
        text = f"{value:.0e}".replace("e-0", "e-")
    else:
        decimals = (3 if size >= 1 else 2) - math.floor(math.log10(size))
        comma = "," if size >= 10_000 else ""
        text = f"{value:{comma}.{max(decimals, 0)}f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
    return text.replace("-", "−")


def percent(probability: float) -> str:
    """A probability as whole percent; what is not quite 0 or 1 never reads as 0% or 100%."""
    if 0 < probability < 0.005:
        return "<1%"
    if 0.995 <= probability < 1:
        return ">99%"
    return f"{probability:.0%}"
