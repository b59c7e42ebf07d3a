"""Lines, dots and areas for explorers, smooth at the edges."""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from PIL import ImageColor

from course_utils.explorers.drawing import PIXEL_RATIO

SUBPIXEL_BITS = 4  # OpenCV draws between pixels when it is given sixteenths

Place = tuple[float, float]  # x and y in screen pixels


class Plot:
    """A white picture of `width` x `height` screen pixels to draw lines on.

    Attributes:
        pixels: uint8 RGB [height * PIXEL_RATIO, width * PIXEL_RATIO, 3].
    """

    def __init__(self, width: int, height: int) -> None:
        self.pixels = np.full((height * PIXEL_RATIO, width * PIXEL_RATIO, 3), 255, np.uint8)

    def line(self, places: Sequence[Place], color: str, width: float) -> None:
        """A line from place to place; nothing where there is only one."""
        style = {"thickness": round(width * PIXEL_RATIO), "lineType": cv2.LINE_AA}
        shade = ImageColor.getrgb(color)
        cv2.polylines(self.pixels, [_fixed(places)], False, shade, shift=SUBPIXEL_BITS, **style)

    def dot(self, place: Place, color: str, radius: float) -> None:
        """A filled circle."""
        [center, [size, _]] = _fixed([place, (radius, 0)]).tolist()
        shade = ImageColor.getrgb(color)
        cv2.circle(self.pixels, center, size, shade, -1, cv2.LINE_AA, SUBPIXEL_BITS)

    def area(self, outline: Sequence[Place], color: str) -> None:
        """A filled polygon."""
        shade = ImageColor.getrgb(color)
        cv2.fillPoly(self.pixels, [_fixed(outline)], shade, cv2.LINE_AA, SUBPIXEL_BITS)


def spread(heights: Mapping[str, float], pitch: float, bottom: float) -> dict[str, float]:
    """Heights for labels: as near the wished ones as they can be in their order.

    Args:
        heights: the wished height of each label.
        pitch: the least distance between two.
        bottom: below it stands no label.
    """
    found: dict[str, float] = {}
    lowest = bottom - pitch * (len(heights) - 1)
    above = -np.inf
    for name in sorted(heights, key=heights.__getitem__):
        found[name] = above = max(min(heights[name], lowest), above + pitch)
        lowest += pitch
    return found


def _fixed(places: Sequence[Place]) -> np.ndarray:
    """Places as OpenCV takes them, int32 [N, 2]."""
    return np.round(np.array(places) * PIXEL_RATIO * 2**SUBPIXEL_BITS).astype(np.int32)
