"""What the explorer of convolution draws, pixel by pixel."""

import numpy as np
import pytest
from explorer_driver import shown
from pixels import TINY, at, convolve_by_loops, rgb, words_drawn

from course_utils.explorers.convolution import HEIGHT, ConvolutionExplorer
from course_utils.explorers.kernels import PRESETS, read_kernel
from course_utils.explorers.maps import BOTTOM, EDGE, MAP_TOP, MARK, NEVER_READ, PADDING, TABLES

ZOOM = 46  # screen pixels for each pixel of TINY
MAP_LEFT = 452  # of the feature map
TABLE_TOP, CELL_WIDTH = BOTTOM + TABLES, 90
SUM_KERNEL = "1 0 0\n0 2 0\n0 0 -1"
BLUE, VERMILION = (0x00, 0x72, 0xB2), (0xD5, 0x5E, 0x00)


def test_the_picture_shows_the_map_and_the_sum() -> None:
    explorer = ConvolutionExplorer({"tiny": TINY})
    explorer.choose(kernel=SUM_KERNEL, row=1, column=0)
    picture = shown(explorer)
    assert picture.shape == (2 * HEIGHT, 1760, 3)
    for (row, column), gray in np.ndenumerate(TINY.astype(float)):
        place = EDGE + column * ZOOM + 6, MAP_TOP + row * ZOOM + 6
        assert at(picture, *place) == (round(255 * gray / 5),) * 3
    for (row, column), total in np.ndenumerate([[0, 3], [12, 3]]):
        place = MAP_LEFT + column * ZOOM + 6, MAP_TOP + row * ZOOM + 6
        assert at(picture, *place) == (round(255 * total / 12),) * 3
    # Window and cell are framed: their upper edges, and none elsewhere.
    for left, frames in ((EDGE, {1}), (MAP_LEFT, {1})):
        marked = {
            row for row in range(4) if at(picture, left + 20, MAP_TOP + row * ZOOM - 1) == rgb(MARK)
        }
        assert marked == frames
    # Patch, kernel and products stand below, cell by cell, in tables 290 pixels apart.
    patch = TINY[1:4, 0:3].astype(float)
    tables = [(patch, 5, False), (read_kernel(SUM_KERNEL), 2, True)]
    tables += [(patch * read_kernel(SUM_KERNEL), 10, True)]
    for number, (values, largest, signed) in enumerate(tables):
        for (row, column), value in np.ndenumerate(values):
            color = at(
                picture, EDGE + 290 * number + CELL_WIDTH * column + 4, TABLE_TOP + 40 * row + 4
            )
            share = abs(value) / largest
            strongest = BLUE if value < 0 else VERMILION
            tinted = tuple(round(255 + share * (part - 255)) for part in strongest)
            assert color == (tinted if signed else (round(255 * share),) * 3)


def test_a_map_with_negative_numbers_is_blue_and_vermilion() -> None:
    explorer = ConvolutionExplorer({"tiny": TINY})
    explorer.choose(preset="Sobel, vertical edges", row=1, column=1)
    totals = convolve_by_loops(TINY, read_kernel(PRESETS["Sobel, vertical edges"]), 1, 0, 1)
    assert totals.min() < 0 < totals.max()
    for (row, column), total in np.ndenumerate(totals):
        place = MAP_LEFT + column * ZOOM + 6, MAP_TOP + row * ZOOM + 6
        strongest = BLUE if total < 0 else VERMILION
        share = abs(total) / np.abs(totals).max()
        expected = tuple(round(255 + share * (part - 255)) for part in strongest)
        assert at(shown(explorer), *place) == expected


def test_dilation_marks_the_pixels_that_are_read() -> None:
    explorer = ConvolutionExplorer({"ten": np.full((10, 10), 99, np.uint8)})
    explorer.choose(preset="Laplacian", dilation=3, row=1, column=2)
    zoom, picture = 18, shown(explorer)
    marked = {
        (row, column)
        for row, column in np.ndindex(10, 10)
        if at(picture, EDGE + (column + 0.5) * zoom, MAP_TOP + row * zoom - 1) == rgb(MARK)
    }
    assert marked == {(row, column) for row in (1, 4, 7) for column in (2, 5, 8)}


def test_padding_is_a_band_of_zeros() -> None:
    explorer = ConvolutionExplorer({"tiny": TINY})
    explorer.choose(preset="identity", padding=1, row=0, column=1)
    picture, zoom = shown(explorer), 30.5
    for row, column in np.ndindex(6, 6):
        color = at(picture, EDGE + column * zoom + 5, MAP_TOP + row * zoom + 5)
        inside = 1 <= row <= 4 and 1 <= column <= 4
        assert (color == rgb(PADDING)) == (not inside)
    assert at(picture, EDGE + 5, TABLE_TOP + 5) == rgb(PADDING)  # in the patch, too
    assert at(picture, EDGE + 5, TABLE_TOP + 45) == (round(255 / 5),) * 3  # the 1 of the corner
    assert "add up to 2; PyTorch" in explorer.status
    assert "Height: (4 + 2·1 − 1·(3 − 1) − 1) / 1 + 1 = 4." in explorer.status


@pytest.mark.parametrize(
    ("changes", "sentence", "unread"),
    [
        ({"stride": 2}, "1.5, rounded down to 1: the last {} is never read.", {3}),
        ({"stride": 3, "kernel": "7"}, "/ 3 + 1 = 2.", {1, 2}),
        ({"stride": 4, "kernel": "7"}, "1.75, rounded down to 1: the last 3 {}s are", {1, 2, 3}),
        (
            {"stride": 4, "padding": 1, "kernel": "7"},
            "2.25, rounded down to 2: the last {} of the padded picture is never read.",
            {1, 2, 3, 5},
        ),
        ({"dilation": 2, "padding": 1, "stride": 2}, "1.5, rounded down to 1", {1, 3, 5}),
    ],
)
def test_pixels_that_no_window_reads_are_tinted(
    changes: dict, sentence: str, unread: set[int]
) -> None:
    explorer = ConvolutionExplorer({"tiny": np.full((4, 4), 255, np.uint8)})
    explorer.choose(preset="box blur 3 × 3", **{"row": 0, "column": 0} | changes)
    for side, line in (("Height", "row"), ("Width", "column")):
        part = explorer.status.split(f"{side}: ")[1].split(" Width")[0]
        assert sentence.format(line) in part
    side = 4 + 2 * explorer.values["padding"]
    zoom = int(2 * 184 / side) / 2
    picture = shown(explorer)
    for row, column in np.ndindex(side, side):
        color = at(picture, EDGE + column * zoom + 6, MAP_TOP + row * zoom + 6)
        plain = color in {(255, 255, 255), rgb(PADDING)}
        assert plain == (row not in unread and column not in unread), (row, column)
    legend = picture[2 * BOTTOM : 2 * (BOTTOM + TABLES), : 2 * 300]
    assert (legend == rgb(NEVER_READ)).all(axis=2).any()


def test_the_picture_is_labeled(monkeypatch: pytest.MonkeyPatch) -> None:
    explorer = ConvolutionExplorer({"picture": np.full((5, 9), 100, np.uint8)})
    explorer.choose(kernel="1 1/2 -1; 0 0 2; 0 0 0", row=0, column=0)
    words = words_drawn(lambda: explorer.render(**explorer.values), monkeypatch)
    assert words == [
        "picture 5 × 9",
        "window",
        "feature map 3 × 7",
        "250 to 250",
        "patch",
        "×",
        "kernel 3 × 3",
        "=",
        "products",
        "",
        "sum  250",
    ]
    explorer.choose(kernel="-1; 0; 0", padding=2, stride=3, row=1, column=1)
    words = words_drawn(lambda: explorer.render(**explorer.values), monkeypatch)
    assert words[:5] == [
        "picture 5 × 9, padded 9 × 13",
        "window",
        "zero padding",
        "never read",
        "feature map 3 × 5",
    ]
    assert words[5] == "−100 to 0"
    assert words[-1] == "sum  −100"
