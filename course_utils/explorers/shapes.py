"""Lines, circles and arrows on a canvas of explorers, smooth at the edges.

Places are x and y in screen pixels.
"""

import math
from collections.abc import Callable, Sequence

import cv2
import numpy as np

from course_utils.explorers.drawing import PIXEL_RATIO, Canvas
from course_utils.explorers.lines import SUBPIXEL_BITS, Place

# How far an arrowhead reaches back and to each side, as multiples of the width of its line.
HEAD_LENGTH, HEAD_SIDE = 4.5, 2.2
EDGE = 0.3  # by which OpenCV's smooth shapes reach too far, on each side
AROUND = 2  # pixels of the picture that a mask has to spare
LEAST_HEAD = 1.6  # the width of a line whose head is the smallest that can be seen


def draw_lines(
    canvas: Canvas, lines: Sequence[tuple[Place, Place]], color: str, width: float = 1
) -> None:
    """Straight lines, each between two places; those of one color are drawn fastest in one call."""
    corners = [corner for line in lines for corner in _corners(*line, width)]
    if corners:
        _ink(canvas, corners, color, lambda mask, places: _fill(mask, places.reshape(-1, 4, 2)))


def draw_circle(canvas: Canvas, center: Place, radius: float, color: str) -> None:
    """A filled circle."""
    draw_ring(canvas, center, radius / 2, color, radius)


def draw_ring(canvas: Canvas, center: Place, radius: float, color: str, width: float = 1) -> None:
    """A circle that is empty inside; `radius` reaches to the middle of its line."""
    outer, inner = radius + width / 2 - EDGE, radius - width / 2 - EDGE

    def paint(mask: np.ndarray, places: np.ndarray) -> None:
        middle = places.mean(axis=0).round().astype(int).tolist()
        for size, shade in ((outer, 255), (inner, 0)):
            if size > 0:
                _circle(mask, middle, size, shade)

    x, y = center
    reach = radius + width / 2
    _ink(canvas, [(x - reach, y - reach), (x + reach, y + reach)], color, paint)


def draw_head(canvas: Canvas, tip: Place, angle: float, color: str, width: float = 1) -> None:
    """The head of an arrow that points in the direction `angle` (0: right, π/2: down).

    It suits a line of the given width.
    """
    length, side = (max(width, LEAST_HEAD) * size for size in (HEAD_LENGTH, HEAD_SIDE))
    cos, sin = math.cos(angle), math.sin(angle)
    back = tip[0] - length * cos, tip[1] - length * sin
    corners = [
        tip,
        (back[0] - side * sin, back[1] + side * cos),
        (back[0] + side * sin, back[1] - side * cos),
    ]
    _ink(canvas, corners, color, lambda mask, places: _fill(mask, [places]))


def draw_arrow(canvas: Canvas, start: Place, tip: Place, color: str, width: float = 1) -> None:
    """A line that ends in a head, whose point is `tip`."""
    angle = math.atan2(tip[1] - start[1], tip[0] - start[0])
    short = max(width, LEAST_HEAD) * HEAD_LENGTH / 2  # the line would be wider than the tip
    end = tip[0] - short * math.cos(angle), tip[1] - short * math.sin(angle)
    draw_lines(canvas, [(start, end)], color, width)
    draw_head(canvas, tip, angle, color, width)


def _corners(start: Place, end: Place, width: float) -> list[Place]:
    """The corners of a line that is a rectangle; none where it has no length."""
    length = math.dist(start, end)
    if not length:
        return []
    half = max(width / 2 - EDGE, 0.05) / length
    x, y = half * (start[1] - end[1]), half * (end[0] - start[0])
    return [
        (start[0] + x, start[1] + y),
        (end[0] + x, end[1] + y),
        (end[0] - x, end[1] - y),
        (start[0] - x, start[1] - y),
    ]


def _fill(mask: np.ndarray, polygons: Sequence[np.ndarray]) -> None:
    for polygon in polygons:
        cv2.fillConvexPoly(mask, polygon, 255, cv2.LINE_AA, SUBPIXEL_BITS)


def _circle(mask: np.ndarray, middle: Sequence[int], radius: float, shade: int) -> None:
    size = round(radius * PIXEL_RATIO * 2**SUBPIXEL_BITS)
    cv2.circle(mask, middle, size, shade, -1, cv2.LINE_AA, SUBPIXEL_BITS)


def _ink(
    canvas: Canvas,
    places: Sequence[Place],
    color: str,
    paint: Callable[[np.ndarray, np.ndarray], None],
) -> None:
    """Paint into a mask around all places, where they are what OpenCV takes, then onto a canvas."""
    points = np.asarray(places, float) * PIXEL_RATIO - 0.5  # OpenCV's are the middles of pixels
    low = np.floor(points.min(axis=0)).astype(int) - AROUND
    high = np.ceil(points.max(axis=0)).astype(int) + AROUND
    mask = np.zeros((high - low + 1)[::-1], np.uint8)
    paint(mask, np.round((points - low) * 2**SUBPIXEL_BITS).astype(np.int32))
    canvas.ink(int(low[0]), int(low[1]), mask, color)
