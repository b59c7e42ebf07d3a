"""Explorer of convolution: one cell of a feature map, from the pixels to the sum."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import ipywidgets as widgets
import numpy as np
import torch
import torch.nn.functional as F

from course_utils.explorers.base import ExplorerError
from course_utils.explorers.drawing import Canvas, number
from course_utils.explorers.kernels import OWN, PRESETS, kernel_labels, preset_of, read_kernel
from course_utils.explorers.maps import (
    BOTTOM,
    CAPTION,
    EDGE,
    MAP_HEIGHT,
    MAP_TITLE,
    MAP_TOP,
    TABLE_HEIGHT,
    TABLE_TITLE,
    TABLES,
    WIDTH,
    draw_map,
    draw_picture_legend,
    draw_scale,
    draw_table,
    is_signed,
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

DEFAULT = "Sobel, vertical edges"
LARGEST_STRIDE, LARGEST_PADDING, LARGEST_DILATION = 4, 6, 4

SUM_HEIGHT = 25  # below the tables
HEIGHT = BOTTOM + TABLES + TABLE_HEIGHT + SUM_HEIGHT
GAP = 24  # between the two maps
SIGN_WIDTH = 20  # the multiplication sign and the equals sign


class Cell(NamedTuple):
    """A feature map, and how one of its numbers comes about.

    Attributes:
        padded: the picture with its padding, float64 [H, W].
        sweeps: the window's way over it.
        patch: what the window reads for this cell, as indices into `padded`.
        kernel, products: float64 [kh, kw].
        total: the sum of the products.
        feature_map: PyTorch's result, float64 [H, W].
    """

    padded: np.ndarray
    sweeps: Sweeps
    patch: tuple[np.ndarray, np.ndarray]
    kernel: np.ndarray
    products: np.ndarray
    total: float
    feature_map: np.ndarray


class ConvolutionExplorer(WindowExplorer):
    """Move a kernel over a picture: the pixels below it, the products, their sum.

    Each sum is compared with that of PyTorch's `conv2d`.

    Args:
        pictures: name -> uint8 gray [H, W] or RGB [H, W, 3], which is made gray; large ones are
            made smaller, so that single pixels can be seen.

    Raises:
        ValueError: there is no picture, or one of them is none.
    """

    title = "Explorer of convolution"

    def __init__(self, pictures: Mapping[str, Any]) -> None:
        super().__init__(
            checked_pictures(pictures),
            {
                "preset": widgets.Dropdown(
                    options=[*PRESETS, OWN], value=DEFAULT, description="Kernel"
                ),
                "kernel": widgets.Textarea(
                    value=PRESETS[DEFAULT], rows=3, description="Its numbers"
                ),
                "stride": slider(1, LARGEST_STRIDE, 1, "Stride"),
                "row": slider(0, 20, 20, "Row"),
                "padding": slider(0, LARGEST_PADDING, 0, "Padding"),
                "column": slider(0, 30, 30, "Column"),
                "dilation": slider(1, LARGEST_DILATION, 1, "Dilation"),
            },
        )
        if self.error is None:
            self._choose_strongest()

    def adjust(self, changed: set[str]) -> None:
        """Keep the kernel's name and its numbers in line; then as for any window."""
        preset, kernel = self.controls["preset"], self.controls["kernel"]
        if "kernel" in changed:
            preset.value = preset_of(kernel.value)
        elif "preset" in changed and preset.value != OWN:
            kernel.value = PRESETS[preset.value]
        super().adjust(changed)

    def sweeps(
        self, *, picture: str, kernel: str, stride: int, padding: int, dilation: int, **_: Any
    ) -> Sweeps:
        """The kernel's way over the picture."""
        for name, value, least in (
            ("stride", stride, 1),
            ("padding", padding, 0),
            ("dilation", dilation, 1),
        ):
            if value < least:
                raise ExplorerError(f"The {name} must be at least {least}, not {value}.")
        window = read_kernel(kernel).shape
        rows, columns = (
            Sweep(length, side, stride, padding, dilation)
            for length, side in zip(self.picture(picture).shape, window, strict=True)
        )
        if rows.reach > rows.padded or columns.reach > columns.padded:
            raise ExplorerError(
                f"The kernel reaches over {rows.reach} × {columns.reach} pixels, the picture with "
                f"its padding has {rows.padded} × {columns.padded}: choose a smaller kernel or "
                "dilation, or more padding."
            )
        return Sweeps(rows, columns)

    def describe(self, **values: Any) -> str:
        """The cell's sum by hand and by PyTorch, and the arithmetic of the map's size."""
        cell = self._cell(**values)
        row, column, total = values["row"], values["column"], number(cell.total)
        products = f"the {cell.products.size} products add up to {total}"
        if cell.products.size == 1:
            products = f"the only product is {total}"
        rows, columns = cell.sweeps
        return " ".join(
            [
                f"Row {row}, column {column}: {products}; "
                f"PyTorch's conv2d gives {number(cell.feature_map[row, column])}.",
                size_in_words(rows, _formula(rows), side="Height", line="row"),
                size_in_words(columns, _formula(columns), side="Width", line="column"),
            ]
        )

    def render(self, **values: Any) -> np.ndarray:
        """The picture and the feature map; below them the cell's arithmetic; uint8 RGB."""
        cell = self._cell(**values)
        canvas = Canvas(WIDTH, HEIGHT)
        width = (WIDTH - 2 * EDGE - GAP) / 2
        zoom = zoom_to_fit(cell.padded.shape, width, MAP_HEIGHT)
        padding, never_read = values["padding"], cell.sweeps.never_read()
        colors = picture_colors(cell.padded, cell.padded.max(), padding, never_read)
        _draw_picture(canvas, cell, colors, padding, zoom)
        # A cell of the map is as wide as the way to the next one in the picture, if that fits.
        map_zoom = zoom_to_fit(cell.feature_map.shape, width, MAP_HEIGHT)
        map_zoom = min(map_zoom, zoom * values["stride"])
        place = values["row"], values["column"]
        _draw_feature_map(canvas, cell, EDGE + width + GAP, place, map_zoom)
        _draw_sum(canvas, cell, colors[cell.patch], kernel_labels(values["kernel"]))
        return canvas.array()

    def _choose_strongest(self) -> None:
        """Choose the cell of the feature map that lies farthest from 0."""
        strength = np.abs(self._cell(**self.values).feature_map)
        row, column = np.unravel_index(strength.argmax(), strength.shape)
        self.choose(row=int(row), column=int(column))

    def _cell(
        self, *, picture: str, kernel: str, padding: int, row: int, column: int, **values: Any
    ) -> Cell:
        sweeps = self.sweeps(picture=picture, kernel=kernel, padding=padding, **values)
        sweeps.require_cell(row, column)
        pixels, weights = self.picture(picture).astype(np.float64), read_kernel(kernel)
        padded = np.pad(pixels, padding)
        patch = np.ix_(sweeps.rows.read_at(row), sweeps.columns.read_at(column))
        products = padded[patch] * weights
        feature_map = F.conv2d(
            torch.from_numpy(pixels)[None, None],  # [H, W] -> [1, 1, H, W]
            torch.from_numpy(weights)[None, None],
            stride=sweeps.rows.stride,
            padding=padding,
            dilation=sweeps.rows.dilation,
        )[0, 0].numpy()
        total = float(products.sum())
        require_same(total, feature_map[row, column], np.abs(products).sum(), "conv2d")
        return Cell(padded, sweeps, patch, weights, products, total, feature_map)


def _draw_picture(
    canvas: Canvas, cell: Cell, colors: np.ndarray, padding: int, zoom: float
) -> None:
    rows, columns = cell.sweeps
    title = f"picture {rows.length} × {columns.length}"
    if padding:
        title += f", padded {rows.padded} × {columns.padded}"
    canvas.text(EDGE, MAP_TITLE, title)
    draw_map(canvas, EDGE, MAP_TOP, cell.padded, colors, zoom)
    mark_cells(canvas, EDGE, MAP_TOP, *(side.ravel() for side in cell.patch), zoom)
    unread = cell.sweeps.never_read().any()
    draw_picture_legend(canvas, EDGE, BOTTOM + CAPTION, padding > 0, unread)


def _draw_feature_map(
    canvas: Canvas, cell: Cell, x: float, place: tuple[int, int], zoom: float
) -> None:
    values = cell.feature_map
    signed, largest = is_signed(values), np.abs(values).max()
    canvas.text(x, MAP_TITLE, f"feature map {values.shape[0]} × {values.shape[1]}")
    draw_map(canvas, x, MAP_TOP, values, shades(values, largest, signed=signed), zoom)
    mark_cells(canvas, x, MAP_TOP, *np.array(place)[:, None], zoom)
    draw_scale(canvas, x, BOTTOM + CAPTION, values, largest, signed=signed)


def _draw_sum(
    canvas: Canvas, cell: Cell, patch_colors: np.ndarray, labels: list[list[str]]
) -> None:
    height, width = cell.kernel.shape
    room = (WIDTH - 2 * EDGE - 2 * SIGN_WIDTH) / 3
    side = table_cell(cell.kernel.shape, room)
    signed, largest = is_signed(cell.kernel), np.abs(cell.kernel).max()
    tables = [
        ("patch", texts_of(cell.padded[cell.patch]), patch_colors),
        (f"kernel {height} × {width}", labels, shades(cell.kernel, largest, signed=signed)),
        (
            "products",
            texts_of(cell.products),
            shades(cell.products, largest * cell.padded.max(), signed=signed),
        ),
    ]
    x, y = float(EDGE), BOTTOM + TABLES
    middle, end = y + height * side[1] / 2, y + height * side[1]
    for sign, (title, texts, colors) in zip(("×", "=", ""), tables, strict=True):
        canvas.text(x, BOTTOM + TABLE_TITLE, title)
        draw_table(canvas, x, y, texts, colors, side)
        x += width * side[0] + SIGN_WIDTH
        canvas.text(x - SIGN_WIDTH / 2, middle, sign, size=16, align="center")
    words = f"sum  {number(cell.total)}"
    canvas.text(x - SIGN_WIDTH, end + 14, words, size=17, bold=True, align="right")


def _formula(sweep: Sweep) -> str:
    return (
        f"({sweep.length} + 2·{sweep.padding} − {sweep.dilation}·({sweep.window} − 1) − 1)"
        f" / {sweep.stride} + 1"
    )
