"""What the explorers of windows draw with: texts, maps and marks."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from course_utils.explorers import drawing
from course_utils.explorers.drawing import Canvas, fitting_size, number, text_width
from course_utils.explorers.maps import (
    LINES,
    MARK,
    NEVER_READ,
    PADDING,
    draw_map,
    draw_scale,
    draw_table,
    is_signed,
    mark_cells,
    picture_colors,
    shades,
    table_cell,
    zoom_to_fit,
)

BLUE, VERMILION = (0x00, 0x72, 0xB2), (0xD5, 0x5E, 0x00)


def rgb(color: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(color[1:]))


def pixel(canvas: Canvas, x: float, y: float) -> tuple[int, ...]:
    """The color at a place, in screen pixels."""
    return tuple(int(part) for part in canvas.array()[round(2 * y), round(2 * x)])


# ---------------------------------------------------------------- numbers


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "0"),
        (312, "312"),
        (-40.0, "−40"),
        (254.99999999999997, "255"),
        (28.333333, "28.33"),
        (-254.75, "−254.8"),
        (1020.4, "1020"),
        (100, "100"),
        (12345.67, "12,346"),
        (-12_495_000, "−12,495,000"),
        (1 / 9, "0.111"),
        (0.9, "0.9"),
        (-1 / 49, "−0.0204"),
        (0.00204, "0.00204"),
        (3e-5, "3e−5"),
        (-2e-17, "0"),
    ],
)
def test_numbers_are_short_and_true(value: float, words: str) -> None:
    assert number(value) == words
    assert number(np.float64(value)) == words


def test_a_font_size_fits_the_widest_number() -> None:
    assert fitting_size(["1", "255"], 60, 16) == 16
    small = fitting_size(["1", "−255000"], 40, 16)
    assert 6 <= small < 16
    assert fitting_size(["−255000"], 80, 16) > small


# ---------------------------------------------------------------- the canvas


def test_colored_images_are_enlarged_by_half_pixels_too() -> None:
    canvas = Canvas(20, 20)
    colors = np.array([[BLUE, VERMILION]], np.uint8)
    canvas.image(1.5, 4, colors, zoom=2.5)
    picture = canvas.array()
    assert (picture[8:13, 3:8] == BLUE).all()
    assert (picture[8:13, 8:13] == VERMILION).all()
    assert (picture[8:13, [2, 13]] == 255).all()
    assert (picture[[7, 13], 3:13] == 255).all()


def test_an_outline_lies_outside() -> None:
    canvas = Canvas(40, 40)
    canvas.outline(10, 12, 6, 4, "black", 1.5)
    black = (canvas.array() == 0).all(axis=2)
    rows, columns = np.nonzero(black)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (21, 34, 17, 34)
    assert not black[24:32, 20:32].any()
    assert black.sum() == 14 * 18 - 8 * 12


@pytest.mark.parametrize("align", ["left", "center", "right"])
@pytest.mark.parametrize("bold", [False, True])
def test_text_looks_as_pillow_draws_it_again_and_again(align: str, bold: bool) -> None:
    plain = Image.new("RGB", (120, 40), "white")
    font, anchor = drawing._font(11, bold), {"left": "lm", "center": "mm", "right": "rm"}[align]
    ImageDraw.Draw(plain).text((60, 20), "−12.5", fill="black", font=font, anchor=anchor)
    assert np.asarray(plain).min() == 0
    for _ in range(2):  # the second from memory
        canvas = Canvas(60, 20)
        canvas.text(30, 10, "−12.5", size=11, color="black", bold=bold, align=align)
        np.testing.assert_array_equal(canvas.array(), np.asarray(plain))
    canvas.text(30, 10, "7", size=11, color="#0072B2", bold=bold, align=align)
    assert (canvas.array() == BLUE).all(axis=2).any()


def test_ink_covers_as_much_as_its_mask_and_is_cut_at_the_edges() -> None:
    canvas = Canvas(4, 3)
    canvas.ink(3, 1, np.array([[255, 102], [0, 255]], np.uint8), "#0072B2")
    mixed = [255 - round(0.4 * (255 - part)) for part in BLUE]
    picture = canvas.array().astype(int)
    assert tuple(picture[1, 3]) == BLUE
    assert np.abs(picture[1, 4] - mixed).max() <= 1
    assert (picture[2, 3] == 255).all()
    canvas.ink(-1, -1, np.full((2, 2), 255, np.uint8), "#0072B2")
    canvas.ink(7, 5, np.full((2, 2), 255, np.uint8), "#0072B2")
    assert tuple(canvas.array()[0, 0]) == tuple(canvas.array()[5, 7]) == BLUE
    assert (canvas.array() != 255).any(axis=2).sum() == 5


def test_texts_are_as_wide_as_their_ink() -> None:
    canvas = Canvas(100, 20)
    canvas.text(10, 10, "0.41 × [1, 2]", size=11)
    columns = np.nonzero((canvas.array() < 200).any(axis=(0, 2)))[0]
    width = (columns.max() - columns.min() + 1) / 2
    assert width <= text_width("0.41 × [1, 2]", 11) <= width + 3


# ---------------------------------------------------------------- maps


def test_gray_runs_from_0_to_the_largest() -> None:
    gray = shades(np.array([0.0, 100, 200, 300]), 200, signed=False)
    assert gray.tolist() == [[0] * 3, [128] * 3, [255] * 3, [255] * 3]
    assert shades(np.zeros((2, 2)), 0, signed=False).max() == 0


def test_signed_numbers_are_blue_white_and_vermilion() -> None:
    colors = shades(np.array([-4.0, -2, 0, 4]), 4, signed=True).tolist()
    assert colors[0] == list(BLUE)
    assert colors[1] == [128, 184, 216]
    assert colors[2] == [255, 255, 255]
    assert colors[3] == list(VERMILION)


def test_rounding_alone_is_no_sign() -> None:
    assert not is_signed(np.array([[3.0, -1e-14]]))
    assert is_signed(np.array([[3.0, -1e-3]]))


def test_padding_and_unread_pixels_are_tinted() -> None:
    never_read = np.zeros((4, 5), bool)
    never_read[:, 4] = never_read[2, 2] = True
    padded = np.zeros((4, 5))
    padded[1:3, 1:4] = 10
    colors = picture_colors(padded, 10, 1, never_read)
    assert tuple(colors[0, 0]) == rgb(PADDING)
    assert tuple(colors[1, 1]) == (255, 255, 255)
    mixed = [round(0.4 * 255 + 0.6 * part) for part in rgb(NEVER_READ)]
    assert colors[2, 2].tolist() == mixed
    assert tuple(colors[0, 4]) not in {rgb(PADDING), tuple(mixed)}
    assert tuple(picture_colors(padded, 20, 1, never_read)[1, 1]) == (128, 128, 128)
    assert tuple(picture_colors(padded, 10, 0, never_read)[0, 0]) == (0, 0, 0)


@pytest.mark.parametrize(
    ("shape", "zoom"),
    [
        ((60, 90), 3.5),
        ((90, 60), 2.5),
        ((1, 90), 3.5),
        ((4, 4), 57),
        ((1, 1), 58),
        ((900, 900), 0.5),
    ],
)
def test_a_map_fits(shape: tuple[int, int], zoom: float) -> None:
    assert zoom_to_fit(shape, 330, 228) == zoom


def test_large_pixels_hold_their_numbers() -> None:
    values = np.array([[0.0, 200], [100, 50]])
    colors = shades(values, 200, signed=False)
    for zoom, speaks in ((29, False), (30, True)):
        canvas = Canvas(80, 80)
        draw_map(canvas, 4, 4, values, colors, zoom)
        for row, column in np.ndindex(2, 2):
            x, y = 4 + column * zoom, 4 + row * zoom
            assert pixel(canvas, x + 2, y + 2) == tuple(colors[row, column])
            cell = canvas.array()[2 * y + 4 : 2 * (y + zoom) - 4, 2 * x + 4 : 2 * (x + zoom) - 4]
            assert (cell != colors[row, column]).any() == speaks
        assert pixel(canvas, 3.5, 10) == rgb(LINES)


def test_numbers_never_leave_their_cells_and_can_be_read() -> None:
    texts = [["−255,000", "0"], ["0.111", "−12,495,000"]]
    colors = np.array([[BLUE, VERMILION], [(255, 255, 255), (0, 0, 0)]], np.uint8)
    canvas = Canvas(120, 60)
    draw_table(canvas, 10, 10, texts, colors, (39, 21))
    picture = canvas.array().astype(int)
    for row, column in np.ndindex(2, 2):
        x, y = 20 + 78 * column, 20 + 42 * row
        cell, color = picture[y : y + 42, x : x + 78], colors[row, column]
        assert (cell[:, [0, 77]] == rgb(LINES)).all()
        assert (cell[3:39, [1, 76]] == color).all()
        ink = 255 if (row, column) in {(0, 0), (1, 1)} else 0
        assert (np.abs(cell - ink).max(axis=2) < 40).any()
    assert (picture[:18] == 255).all()


@pytest.mark.parametrize(
    ("shape", "cell"), [((7, 7), (39, 21)), ((3, 3), (90, 40)), ((1, 7), (39, 40))]
)
def test_a_table_fits(shape: tuple[int, int], cell: tuple[float, float]) -> None:
    assert table_cell(shape, 277) == cell


@pytest.mark.parametrize(("step", "frames"), [(1, 1), (2, 9)])
def test_neighbors_share_a_frame_and_others_have_their_own(step: int, frames: int) -> None:
    canvas, zoom = Canvas(120, 120), 10
    mark_cells(canvas, 10, 10, 1 + step * np.arange(3), 2 + step * np.arange(3), zoom)
    above = [
        (row, column)
        for row, column in np.ndindex(10, 10)
        if pixel(canvas, 10 + (column + 0.5) * zoom, 10 + row * zoom - 1) == rgb(MARK)
    ]
    read = [(1 + step * row, 2 + step * column) for row, column in np.ndindex(3, 3)]
    assert above == [cell for cell in read if frames > 1 or cell[0] == 1]


def test_a_scale_shows_the_shades_between_its_numbers() -> None:
    canvas = Canvas(220, 20)
    draw_scale(canvas, 10, 10, np.array([-2.0, 4]), 4, signed=True)
    assert pixel(canvas, 10, 10) == (128, 184, 216)
    assert pixel(canvas, 99, 10) == VERMILION
    assert (canvas.array()[:, 216:] < 150).any()  # the numbers
