"""Explanations as pictures: heat maps over pale gray pictures, all in one language of color.

Vermilion is what speaks for the class, blue what speaks against it; where a map is 0 the gray
picture is left. Maps that are never negative have no blue.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from PIL import ImageColor
from torch import Tensor

from course_utils.arrays import as_array
from course_utils.figures import PALETTE, subplots

AGAINST, FOR = PALETTE["blue"], PALETTE["vermilion"]
FULL_COLOR = 0.995  # the share of a map's pixels below full color: one outlier would pale the rest
CONTRAST = 0.5  # of the gray picture that lies below the colors
OPACITY = 0.85  # of full color
LUMINANCE = (0.299, 0.587, 0.114)  # ITU-R BT.601
LEGEND_HEIGHT = 0.6  # inches


class ExplainedPicture(NamedTuple):
    """A row of `explanation_grid`.

    Attributes:
        title: of the picture; may have several lines.
        picture: grayscale [1, H, W] or color [3, H, W]: uint8, or any other numbers, drawn from
            black at the smallest to white at the largest. So a network's input can be given.
        maps: title -> explanation [H, W].
    """

    title: str
    picture: Tensor | np.ndarray
    maps: Mapping[str, Tensor | np.ndarray]


def explanation_grid(rows: Sequence[ExplainedPicture], *, size: float = 1.7) -> Figure:
    """Pictures, each with heat maps of its explanations beside it, and one legend of the colors.

    Every map has a scale of its own: methods measure in different units.

    Args:
        rows: the pictures with their maps, at least one.
        size: width of a picture, in inches.

    Raises:
        ValueError: there is nothing to draw, or a map does not fit its picture or is not finite.
    """
    if not rows or not all(maps for _, _, maps in rows):
        raise ValueError("Give at least one row, each with a picture and at least one map.")
    columns = 1 + max(len(maps) for _, _, maps in rows)
    pictures = [pixels_of(picture) for _, picture, _ in rows]
    tallest = max(pixels.shape[0] / pixels.shape[1] for pixels in pictures)
    lines = max(1 + title.count("\n") for row in rows for title in (row[0], *row[2]))
    height = (size * tallest + 0.1 + 0.17 * lines) * len(rows) + LEGEND_HEIGHT
    figure, axes = subplots(len(rows), columns, figsize=(size * columns, height), squeeze=False)
    signed = False
    for axis in axes.flat:
        axis.axis("off")
        axis.set_anchor("S")  # what room is left is for the title
    for places, pixels, (title, _, maps) in zip(axes, pictures, rows, strict=True):
        places[0].imshow(pixels)
        places[0].set_title(title, fontsize=10)
        for axis, (name, values) in zip(places[1:], maps.items(), strict=False):
            array = _checked(values, pixels, name)
            axis.imshow(heat(array, pixels, strength(array)))
            axis.set_title(name, fontsize=10)
            signed |= array.min() < 0
    _draw_legend(figure, axes, bool(signed))
    methods = ", ".join(dict.fromkeys(name.replace("\n", " ") for row in rows for name in row[2]))
    names = ", ".join(title.replace("\n", " ") for title, _, _ in rows)
    figure.set_label(f"Pictures with heat maps by {methods} beside them. The pictures: {names}.")
    return figure


def pixels_of(picture: Tensor | np.ndarray) -> np.ndarray:
    """A picture or a network's input as uint8 RGB [H, W, 3].

    Args:
        picture: [C, H, W]; uint8 stays as it is, any other numbers are drawn from black at the
            smallest to white at the largest. Unless there are three channels, their mean is drawn.

    Raises:
        ValueError: `picture` has another number of axes, is empty or not finite.
    """
    array = as_array(picture)
    if array.ndim != 3 or array.size == 0:
        raise ValueError(f"A picture must have the shape [C, H, W], not {list(array.shape)}.")
    if array.dtype != np.uint8:
        if not np.isfinite(array).all():
            raise ValueError("A picture must not hold NaN or infinity.")
        low, high = float(array.min()), float(array.max())
        array = (255 * ((array - low) / ((high - low) or 1))).round().astype(np.uint8)
    if len(array) != 3:
        array = np.repeat(array.mean(axis=0, keepdims=True).round().astype(np.uint8), 3, axis=0)
    return np.ascontiguousarray(np.moveaxis(array, 0, -1))


def strength(values: np.ndarray) -> float:
    """The absolute value from which a map [H, W] has full color; 0 if all of it is 0."""
    sizes = np.abs(values)
    return float(np.quantile(sizes, FULL_COLOR)) or float(sizes.max())


def heat(values: np.ndarray, pixels: np.ndarray, largest: float) -> np.ndarray:
    """A heat map over a pale gray picture, uint8 RGB [H, W, 3].

    Args:
        values: the explanation [H, W].
        pixels: the picture, uint8 RGB [H, W, 3].
        largest: the absolute value that gets full color.
    """
    gray = (pixels @ np.array(LUMINANCE))[..., None]  # [H, W, 3] -> [H, W, 1]
    ground = 255 - CONTRAST * (255 - gray)
    share = (np.abs(values) / (largest or 1)).clip(0, 1)[..., None]
    color = np.where(values[..., None] < 0, _rgb(AGAINST), _rgb(FOR))
    return (ground + OPACITY * share * (color - ground)).round().astype(np.uint8)


def scale_strip(signed: bool, length: int) -> np.ndarray:
    """The colors of a map on white, from the least value to the greatest, uint8 RGB [1, length, 3].

    Args:
        signed: whether the least value is negative; else it is 0.
        length: number of pixels.
    """
    white = np.full((1, length, 3), 255, np.uint8)
    return heat(np.linspace(-1 if signed else 0, 1, length)[None], white, 1)


def _draw_legend(figure: Figure, axes: np.ndarray, signed: bool) -> None:
    colors = mpl.colors.ListedColormap(scale_strip(signed, 256)[0] / 255)
    scale = mpl.cm.ScalarMappable(mpl.colors.Normalize(-1 if signed else 0, 1), colors)
    labels = {-1: "against", 0: "0", 1: "for the class"} if signed else {0: "0", 1: "strongest"}
    bar = figure.colorbar(scale, ax=axes, location="bottom", shrink=0.5, aspect=30)
    bar.set_ticks(list(labels), labels=list(labels.values()))
    bar.ax.tick_params(labelsize=10)
    bar.outline.set_visible(False)


def _checked(values: Tensor | np.ndarray, pixels: np.ndarray, name: str) -> np.ndarray:
    array = as_array(values).astype(float)
    if array.shape != pixels.shape[:2]:
        raise ValueError(
            f"The map {name!r} has the shape {list(array.shape)} and its picture "
            f"{list(pixels.shape[:2])}: give the picture as the network sees it."
        )
    if not np.isfinite(array).all():
        raise ValueError(f"The map {name!r} holds NaN or infinity.")
    return array


def _rgb(color: str) -> np.ndarray:
    return np.array(ImageColor.getrgb(color))
