"""Matplotlib figures of the course: one palette, one look, alt text on every picture.

The functions, here and in `charts`, return a figure that knows its alt text; `show` displays it.
Importing this module sets the look for a notebook's own figures too.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from itertools import cycle
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image
from torch import Tensor

from course_utils.arrays import as_array

# Okabe and Ito (2008): eight colors that remain distinct under color blindness.
PALETTE = {
    "black": "#000000",
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "green": "#009E73",
    "yellow": "#F0E442",
    "blue": "#0072B2",
    "vermilion": "#D55E00",
    "purple": "#CC79A7",
}
GRAY = "#555555"
# What is compared keeps its color through a chapter: names that begin alike share a family of
# colors, chapter 2's kinds of networks and chapter 3's ways to train one.
FAMILIES = {
    "DNN": ("blue", "sky"),
    "CNN": ("vermilion", "orange", "purple"),
    "last block": ("orange",),
    "half": ("blue",),
    "everything": ("purple",),
    "from scratch": ("sky",),
    "": ("green", "black", "orange", "blue", "purple", "sky"),
}
# Signed values: blue below zero, white at zero, vermilion above.
SIGNED = mpl.colors.LinearSegmentedColormap.from_list(
    "signed", [PALETTE["blue"], "#FFFFFF", PALETTE["vermilion"]]
)

UNSEEN = 24  # of 256 levels: how far a palette may be off, in one channel of one pixel

mpl.rcParams.update(
    {
        "axes.grid": True,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlesize": "medium",
        "figure.constrained_layout.use": True,
        "font.size": 11,
        "grid.alpha": 0.3,
    }
)


def colors_for(names: Iterable[str]) -> list[str]:
    """A color for each name, of the family in `FAMILIES` whose beginning it has."""
    left = {family: cycle(PALETTE[color] for color in FAMILIES[family]) for family in FAMILIES}
    return [next(left[next(filter(name.startswith, FAMILIES))]) for name in names]


def subplots(rows: int = 1, columns: int = 1, **options: Any) -> tuple[Figure, Any]:
    """A figure and its axes, as `plt.subplots` makes them, but unknown to pyplot.

    So a cell that is interrupted while it draws leaves no half a figure to the next one.

    Args:
        rows, columns: of axes.
        options: `figsize` in inches, and what `Figure.subplots` takes.
    """
    figure = Figure(figsize=options.pop("figsize", None))
    return figure, figure.subplots(rows, columns, **options)


def show(figure: Figure, alt: str | None = None) -> None:
    """Display `figure` with alt text, at twice the screen's resolution, and close it.

    Args:
        figure: a figure of this module, or your own.
        alt: what a person who cannot see the figure should know; figures of this module know it.

    Raises:
        ValueError: there is no alt text.
    """
    from IPython.display import display

    alt = alt or figure.get_label()
    if not alt:
        raise ValueError("Say what the figure shows: show(figure, alt='...').")
    width, height = (round(inches * figure.dpi) for inches in figure.get_size_inches())
    mime, content = _encode(figure)
    plt.close(figure)
    display(
        {mime: content, "text/plain": alt},
        metadata={mime: {"alt": alt, "width": width, "height": height}},
        raw=True,
    )


def _encode(figure: Figure) -> tuple[str, bytes]:
    """The picture's type and bytes: drawings as PNG with a palette, photographs as JPEG.

    A PNG in full color would be up to ten times as large, and a notebook has dozens of pictures.
    """
    raw, png, jpeg = BytesIO(), BytesIO(), BytesIO()
    figure.savefig(raw, format="png", dpi=2 * figure.dpi)
    picture = Image.open(raw).convert("RGB")
    palette = picture.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    loss = np.abs(np.subtract(picture, palette.convert("RGB"), dtype=np.int16)).max()
    (palette if loss <= UNSEEN else picture).save(png, "PNG", optimize=True)
    picture.save(jpeg, "JPEG", quality=80)
    if len(jpeg.getvalue()) < len(png.getvalue()):
        return "image/jpeg", jpeg.getvalue()
    return "image/png", png.getvalue()


def image_grid(
    images: Iterable[Tensor | np.ndarray],
    titles: Sequence[str],
    *,
    columns: int = 5,
    size: float = 1.6,
    signed: bool = False,
    what: str = "pictures",
) -> Figure:
    """Pictures side by side, each under its title.

    Args:
        images: one after the other, each grayscale [1, H, W] of any number type, black where its
            smallest value is, or color [3, H, W] (uint8, or float in 0..1).
        titles: one for each picture; may have several lines.
        columns: pictures in a row.
        size: width of one, in inches.
        signed: whether grayscale is drawn as negative (blue), zero (white) and positive
            (vermilion), on one scale for all pictures.
        what: what the pictures are, for the alt text.
    """
    images = [as_array(image) for image in images]
    style = {"cmap": "gray"}
    if signed:
        largest = max(float(np.quantile(np.abs(image), 0.995)) for image in images)
        style = {"cmap": SIGNED, "vmin": -largest, "vmax": largest}
    rows = math.ceil(len(images) / columns)
    title_height = 0.1 + 0.17 * max(1 + title.count("\n") for title in titles)
    height = size * max(image.shape[1] / image.shape[2] for image in images) + title_height
    figure, axes = subplots(rows, columns, figsize=(size * columns, height * rows), squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for axis, image, title in zip(axes.flat, images, titles, strict=False):
        axis.imshow(image[0] if len(image) == 1 else np.moveaxis(image, 0, -1), **style)
        axis.set_anchor("S")  # what room is left is for the title
        axis.set_title(title, fontsize=10)
    names = ", ".join(title.replace("\n", " ") for title in titles[:columns] if title)
    count = f"{len(images)} {what}, {columns} in a row. The first row"
    figure.set_label(f"{count if len(images) > 1 else 'One picture. Its title'}: {names}.")
    return figure


def number_grids(
    grids: Mapping[str, Tensor | np.ndarray],
    *,
    between: Sequence[str] = (),
    marked: Mapping[str, Sequence[tuple[int, int]]] | None = None,
) -> Figure:
    """Small matrices side by side, their numbers in cells tinted by sign and size.

    Args:
        grids: title -> numbers [H, W].
        between: signs to draw between one grid and the next, as "×" or "=".
        marked: title -> (row, column) of the cells that get a frame.
    """
    arrays = {title: as_array(grid).astype(float) for title, grid in grids.items()}
    tallest = max(len(array) for array in arrays.values())
    starts = np.cumsum([0, *(array.shape[1] + 1.2 for array in arrays.values())])
    width = starts[-1] - 1.2
    cell = min(0.5, 8.6 / width)  # inches
    style = {"ha": "center", "va": "center", "fontsize": 20 * cell}
    figure, axis = subplots(figsize=(cell * width, cell * (tallest + 0.9)))
    for (title, array), left in zip(arrays.items(), starts, strict=False):
        top = (tallest - len(array)) / 2
        largest = np.abs(array).max() or 1
        for (row, column), value in np.ndenumerate(array):
            frame = (row, column) in (marked or {}).get(title, ())
            axis.add_patch(
                Rectangle(
                    (left + column, top + row),
                    *(1, 1),
                    facecolor=SIGNED(0.5 + 0.3 * value / largest),
                    edgecolor="black" if frame else "#CCCCCC",
                    linewidth=2.5 if frame else 0.8,
                    zorder=3 if frame else 2,
                )
            )
            axis.text(left + column + 0.5, top + row + 0.52, _number(value), zorder=4, **style)
        axis.text(left + array.shape[1] / 2, top - 0.4, title, **style)
    for sign, right in zip(between, starts[1:], strict=False):
        axis.text(right - 0.6, tallest / 2, sign, **style)
    axis.set(xlim=(-0.1, width + 0.1), ylim=(tallest + 0.1, -0.8), aspect="equal")
    axis.axis("off")
    words = [
        f"{title}: {' / '.join(' '.join(map(_number, row)) for row in array)}"
        for title, array in arrays.items()
    ]
    figure.set_label(f"Grids of numbers. {'; '.join(words)}.")
    return figure


def _number(value: float) -> str:
    text = f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return "0" if text == "-0" else text.replace("-", "\N{MINUS SIGN}")
