"""Explorer of pooling: one number for each window, and what a push of the picture changes."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import ipywidgets as widgets
import numpy as np
import torch
import torch.nn.functional as F

from course_utils.explorers.base import ExplorerError
from course_utils.explorers.drawing import Canvas, number
from course_utils.explorers.maps import (
    BOTTOM,
    CAPTION,
    EDGE,
    MAP_HEIGHT,
    MAP_TITLE,
    MAP_TOP,
    MARK,
    TABLE_HEIGHT,
    TABLE_TITLE,
    TABLES,
    WIDTH,
    draw_map,
    draw_picture_legend,
    draw_table,
    mark_cells,
    picture_colors,
    shades,
    table_cell,
    texts_of,
    zoom_to_fit,
)
from course_utils.explorers.windows import (
    Sweep,
    Sweeps,
    WindowExplorer,
    checked_pictures,
    require_same,
    size_in_words,
    slider,
)
from course_utils.figures import PALETTE
from course_utils.transforms import shift

MAX, AVERAGE, GLOBAL_AVERAGE, GLOBAL_MAX = KINDS = (
    "max",
    "average",
    "global average",
    "global max",
)
LARGEST_WINDOW, LARGEST_STRIDE, LARGEST_PUSH = 8, 8, 8

MAPS, GAP = 3, 20
MAP_WIDTH = (WIDTH - 2 * EDGE - (MAPS - 1) * GAP) / MAPS
HEIGHT = BOTTOM + TABLES + TABLE_HEIGHT + EDGE
TABLE_WIDTH = 352
CHANGE_LEFT, CHANGE_WIDTH = EDGE + 2 * (MAP_WIDTH + GAP), 150


class Pooled(NamedTuple):
    """A pooled map, and how one of its numbers comes about.

    Attributes:
        pixels: the pushed picture, float64 [H, W].
        sweeps: the window's way over it.
        window: what the window reads for this cell, as indices into `pixels`.
        result: the number worked out by hand.
        pooled: PyTorch's result, float64 [h, w].
        unpushed: PyTorch's result for the picture in its place, float64 [h, w].
        pixel_change: by how many gray levels the push changes a pixel, on average.
        pooled_change: by how many it changes a pooled number.
    """

    pixels: np.ndarray
    sweeps: Sweeps
    window: tuple[np.ndarray, np.ndarray]
    result: float
    pooled: np.ndarray
    unpushed: np.ndarray
    pixel_change: float
    pooled_change: float


class PoolingExplorer(WindowExplorer):
    """Pool a picture by its largest or its mean number, push it, and see what changes.

    Each number is compared with that of PyTorch's `max_pool2d` or `avg_pool2d`.

    Args:
        pictures: name -> uint8 gray [H, W] or RGB [H, W, 3], which is made gray; large ones are
            made smaller, so that single pixels can be seen.

    Raises:
        ValueError: there is no picture, or one of them is none.
    """

    title = "Explorer of pooling"

    def __init__(self, pictures: Mapping[str, Any]) -> None:
        super().__init__(
            checked_pictures(pictures),
            {
                "kind": widgets.Dropdown(options=KINDS, description="Pooling"),
                "push": slider(0, LARGEST_PUSH, 0, "Push (px)"),
                "size": slider(1, LARGEST_WINDOW, 2, "Window"),
                "row": slider(0, 10, 10, "Row"),
                "stride": slider(1, LARGEST_STRIDE, 2, "Stride"),
                "column": slider(0, 10, 10, "Column"),
            },
        )

    def adjust(self, changed: set[str]) -> None:
        """Let the stride follow the window; global pooling needs neither. Then as for any window.

        The stride may be set apart from the window afterward.
        """
        size, stride = self.controls["size"], self.controls["stride"]
        if "size" in changed and "stride" not in changed:
            stride.value = size.value
        size.disabled = stride.disabled = _is_global(self.controls["kind"].value)
        super().adjust(changed)

    def sweeps(self, *, picture: str, kind: str, size: int, stride: int, **_: Any) -> Sweeps:
        """The window's way over the picture; a global window has one place."""
        if kind not in KINDS:
            raise ExplorerError(f"There is no pooling {kind!r}: choose one of {', '.join(KINDS)}.")
        height, width = self.picture(picture).shape
        if _is_global(kind):
            return Sweeps(Sweep(height, height, height), Sweep(width, width, width))
        for name, value in (("window", size), ("stride", stride)):
            if value < 1:
                raise ExplorerError(f"The {name} must be at least 1, not {value}.")
        if size > min(height, width):
            raise ExplorerError(
                f"The window of {size} × {size} is larger than the picture of {height} × {width}: "
                f"choose a window of at most {min(height, width)}."
            )
        return Sweeps(Sweep(height, size, stride), Sweep(width, size, stride))

    def describe(self, **values: Any) -> str:
        """The cell's number by hand and by PyTorch, the map's size, and what the push changes."""
        pooled, kind = self._pool(**values), values["kind"]
        row, column = values["row"], values["column"]
        numbers, result = pooled.pixels[pooled.window], number(pooled.result)
        if numbers.size == 1:
            by_hand = f"the only number is {result}"
        elif _is_max(kind):
            by_hand = f"the largest of {numbers.size:,} numbers is {result}"
        else:
            by_hand = (
                f"the sum of {numbers.size:,} numbers, {number(numbers.sum())}, "
                f"divided by {numbers.size:,} is {result}"
            )
        where = "Whole picture" if _is_global(kind) else f"Row {row}, column {column}"
        library = number(pooled.pooled[row, column])
        sentences = [f"{where}: {by_hand}; PyTorch's {_function(kind)} gives {library}."]
        if not _is_global(kind):
            for sweep, side, line in zip(
                pooled.sweeps, ("Height", "Width"), ("row", "column"), strict=True
            ):
                formula = f"({sweep.length} − {sweep.window}) / {sweep.stride} + 1"
                sentences.append(size_in_words(sweep, formula, side=side, line=line))
        if push := values["push"]:
            sentences.append(
                f"Pushed {push} px to the right: pixels change by "
                f"{pooled.pixel_change:.1f} gray levels on average, "
                f"pooled numbers by {pooled.pooled_change:.1f}."
            )
        return " ".join(sentences)

    def render(self, **values: Any) -> np.ndarray:
        """The pushed picture, its pooled map and the one without a push; the cell's arithmetic."""
        pooled, kind = self._pool(**values), values["kind"]
        largest = self.picture(values["picture"]).max()  # white in all three
        canvas = Canvas(WIDTH, HEIGHT)
        zoom = zoom_to_fit(pooled.pixels.shape, MAP_WIDTH, MAP_HEIGHT)
        colors = picture_colors(pooled.pixels, largest, 0, pooled.sweeps.never_read())
        _draw_picture(canvas, pooled, colors, values["push"], zoom)

        height, length = pooled.pixels.shape
        map_zoom = zoom_to_fit(pooled.pooled.shape, zoom * length, zoom * height)
        rows, columns = pooled.pooled.shape
        maps = {
            f"{kind} pooling {rows} × {columns}": pooled.pooled,
            "without the push": pooled.unpushed,
        }
        marked = np.array([values["row"]]), np.array([values["column"]])
        for place, (title, numbers) in enumerate(maps.items(), start=1):
            x = EDGE + place * (MAP_WIDTH + GAP)
            canvas.text(x, MAP_TITLE, title)
            shaded = shades(numbers, largest, signed=False)
            draw_map(canvas, x, MAP_TOP, numbers, shaded, map_zoom)
            mark_cells(canvas, x, MAP_TOP, *marked, map_zoom)
        _draw_result(canvas, pooled, colors[pooled.window], kind)
        _draw_changes(canvas, pooled)
        return canvas.array()

    def _pool(self, *, picture: str, push: int, row: int, column: int, **values: Any) -> Pooled:
        if push < 0:
            raise ExplorerError(f"The push must be at least 0 pixels, not {push}.")
        sweeps = self.sweeps(picture=picture, **values)
        sweeps.require_cell(row, column)
        kind = values["kind"]
        original = torch.from_numpy(self.picture(picture)).double()[None, None]  # [1, 1, H, W]
        pushed = shift(original, push, 0)
        pooled, unpushed = (_library(kind, pixels, sweeps) for pixels in (pushed, original))
        pixels = pushed[0, 0].numpy()
        window = np.ix_(sweeps.rows.read_at(row), sweeps.columns.read_at(column))
        numbers = pixels[window]
        result = float(numbers.max() if _is_max(kind) else numbers.sum() / numbers.size)
        require_same(result, pooled[row, column], numbers.max(), _function(kind))
        return Pooled(
            pixels,
            sweeps,
            window,
            result,
            pooled,
            unpushed,
            pixel_change=float((pushed - original).abs().mean()),
            pooled_change=float(np.abs(pooled - unpushed).mean()),
        )


def _is_global(kind: str) -> bool:
    return kind in (GLOBAL_AVERAGE, GLOBAL_MAX)


def _is_max(kind: str) -> bool:
    return kind in (MAX, GLOBAL_MAX)


def _function(kind: str) -> str:
    return "max_pool2d" if _is_max(kind) else "avg_pool2d"


def _library(kind: str, pixels: torch.Tensor, sweeps: Sweeps) -> np.ndarray:
    """PyTorch's result for pixels [1, 1, H, W], float64 [h, w]."""
    pool = getattr(F, _function(kind))
    window, stride = zip(*((sweep.window, sweep.stride) for sweep in sweeps), strict=True)
    return pool(pixels, window, stride)[0, 0].numpy()


def _draw_picture(
    canvas: Canvas, pooled: Pooled, colors: np.ndarray, push: int, zoom: float
) -> None:
    height, width = pooled.pixels.shape
    title = f"picture {height} × {width}"
    if push:
        title += f", pushed {push} px"
    canvas.text(EDGE, MAP_TITLE, title)
    draw_map(canvas, EDGE, MAP_TOP, pooled.pixels, colors, zoom)
    mark_cells(canvas, EDGE, MAP_TOP, *(side.ravel() for side in pooled.window), zoom)
    draw_picture_legend(canvas, EDGE, BOTTOM + CAPTION, False, pooled.sweeps.never_read().any())


def _draw_result(canvas: Canvas, pooled: Pooled, colors: np.ndarray, kind: str) -> None:
    """The window's numbers, if they can all be shown, and what becomes of them."""
    numbers, x, y = pooled.pixels[pooled.window], float(EDGE), BOTTOM + TABLES
    if not _is_global(kind):
        cell = table_cell(numbers.shape, TABLE_WIDTH)
        canvas.text(x, BOTTOM + TABLE_TITLE, "window")
        draw_table(canvas, x, y, texts_of(numbers), colors, cell)
        if _is_max(kind):
            row, column = np.unravel_index(numbers.argmax(), numbers.shape)
            left, top = x + column * cell[0], y + row * cell[1]
            canvas.outline(left, top, *cell, "black", 2.5)
            canvas.outline(left, top, *cell, MARK, 2)
        x += numbers.shape[1] * cell[0] + 28
    words = f"largest of {numbers.size:,}"
    if not _is_max(kind):
        words = f"sum {number(numbers.sum())}, divided by {numbers.size:,}"
    canvas.text(x, y + 12, words, size=15)
    canvas.text(x, y + 44, number(pooled.result), size=26, bold=True)


def _draw_changes(canvas: Canvas, pooled: Pooled) -> None:
    """By how much the push changes a pixel and a pooled number, side by side."""
    x, y = CHANGE_LEFT, BOTTOM + TABLES
    canvas.text(x, BOTTOM + TABLE_TITLE, "mean change by the push, in gray levels")
    changes = {"pixels": pooled.pixel_change, "pooled": pooled.pooled_change}
    largest = max(*changes.values()) or 1
    for place, (name, change) in enumerate(changes.items()):
        middle = y + 14 + place * 26
        canvas.text(x, middle, name)
        canvas.bar(x + 52, middle - 8, CHANGE_WIDTH, 16, change / largest, PALETTE["blue"])
        canvas.text(x + 52 + CHANGE_WIDTH + 10, middle, f"{change:.1f}")
