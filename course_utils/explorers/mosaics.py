"""Many feature maps at once: their order, their shades, side by side."""

import math
from typing import NamedTuple

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils.explorers.maps import LINES, shades

ORDERS = ("index", "strength", "variance")
GAP = 2  # pixels between two tiles
DEAD = 1e-9  # a map with no larger number is 0 but for rounding, which must not be blown up


class Summary(NamedTuple):
    """What is needed of all maps of a layer to show them side by side.

    Attributes:
        levels: shades of the maps, made small, uint8 [C, h, w]; of signed maps 128 is 0. Each map
            has its own scale, on which its largest absolute value is the strongest.
        signed: whether any number lies below 0.
        strength: the mean absolute value of each map.
        variance: of each map.
    """

    levels: np.ndarray
    signed: bool
    strength: np.ndarray
    variance: np.ndarray

    def ranked(self, order: str) -> np.ndarray:
        """The channels by "index", or by "strength" or "variance" from the largest down."""
        if order == "index":
            return np.arange(len(self.levels))
        return np.argsort(-getattr(self, order), kind="stable")


def summarize(maps: Tensor, largest_side: int) -> Summary:
    """Summarize a layer's maps.

    Args:
        maps: float32 [C, H, W] in any memory format; NaN and infinity count as 0.
        largest_side: of a small map, in pixels; larger maps are averaged over areas.
    """
    if not maps.isfinite().all():
        maps = maps.nan_to_num(0, 0, 0)
    sizes = maps.abs()
    largest = sizes.amax(dim=(1, 2), keepdim=True)
    largest = torch.where(largest > DEAD, largest, 1)
    small = maps
    if (longest := max(maps.shape[1:])) > largest_side:
        shape = [max(round(largest_side * side / longest), 1) for side in maps.shape[1:]]
        small = F.adaptive_avg_pool2d(maps[None], shape)[0]
    signed = bool(maps.min() < -DEAD)
    levels = small / largest
    levels = 128 + 127 * levels if signed else 255 * levels.clamp(min=0)
    return Summary(
        levels.round().to(torch.uint8).numpy(),
        signed,
        sizes.mean(dim=(1, 2)).numpy(),
        maps.var(dim=(1, 2), correction=0).numpy(),
    )


class Mosaic(NamedTuple):
    """Maps side by side.

    Attributes:
        pixels: uint8 RGB [side, side, 3].
        tiles: where each map lies: left, top, width, height, in pixels.
    """

    pixels: np.ndarray
    tiles: list[tuple[int, int, int, int]]


def mosaic(levels: np.ndarray, side: int, *, signed: bool, columns: int) -> Mosaic:
    """Small maps side by side, each in a thin frame.

    Args:
        levels: as in `Summary`, uint8 [N, h, w].
        side: of the whole picture, in pixels.
        signed: as in `Summary`.
        columns: maps in a row; there is room for `columns` squared.
    """
    pixels = np.full((side, side, 3), 255, np.uint8)
    room = tile_side(side, columns)
    longest = max(levels.shape[1:])
    height, width = (max(round(room * edge / longest), 1) for edge in levels.shape[1:])
    numbers = (np.arange(256) - 128) / 127 if signed else np.arange(256) / 255
    colors = shades(numbers, 1, signed=signed)
    line = int(LINES[1:3], 16)
    tiles = []
    for place, small in enumerate(levels):
        top, left = ((room + GAP) * index for index in divmod(place, columns))
        top, left = top + 1 + (room - height) // 2, left + 1 + (room - width) // 2
        pixels[top - 1 : top + height + 1, left - 1 : left + width + 1] = line
        tile = cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST)
        pixels[top : top + height, left : left + width] = colors[tile]
        tiles.append((left, top, width, height))
    return Mosaic(pixels, tiles)


def columns_for(count: int) -> int:
    """Maps in a row, so that `count` of them fill a square."""
    return math.isqrt(max(count - 1, 0)) + 1


def tile_side(side: int, columns: int) -> int:
    """The longer side of a map in a mosaic, in pixels."""
    return max(side // columns - GAP, 1)
