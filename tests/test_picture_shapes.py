"""Pictures made gray, smaller, square or of three channels."""

import numpy as np
import pytest
from picture_files import GRAY, RGB

from course_utils.pictures import PictureError, central_square, shrink, to_gray, to_rgb


def test_gray_is_the_luminance() -> None:
    gray = to_gray(RGB)
    assert gray.dtype == np.uint8
    assert gray.shape == (40, 60)
    assert [gray[0, 0], gray[-1, 0], gray[-1, -1]] == [76, 29, 150]  # 255 times 0.299 0.114 0.587
    assert to_gray(gray) is gray


NO_PICTURES = [
    (None, "not NoneType"),
    ([[1, 2], [3, 4]], "not list"),
    (RGB / 255, r"not float64 \[40, 60, 3\]"),
    (RGB[0, :, 0], r"not uint8 \[60\]"),
    (RGB[..., :2], r"not uint8 \[40, 60, 2\]"),
    (RGB[None], r"not uint8 \[1, 40, 60, 3\]"),
    (RGB[:0], r"not an empty array \[0, 60, 3\]"),
    (GRAY[:, :0], r"not an empty array \[40, 0\]"),
    (GRAY > 9, r"not bool \[40, 60\]"),
]


@pytest.mark.parametrize(("thing", "words"), NO_PICTURES)
def test_what_is_no_picture_cannot_be_gray_or_smaller(thing, words: str) -> None:
    with pytest.raises(PictureError, match=words):
        to_gray(thing)
    with pytest.raises(PictureError, match=words):
        shrink(thing, 10)
    with pytest.raises(PictureError, match=words):
        central_square(thing, 10)


@pytest.mark.parametrize(
    ("shape", "longest", "expected"),
    [
        ((40, 60, 3), 30, (20, 30, 3)),
        ((60, 40), 30, (30, 20)),
        ((1, 5000), 100, (1, 100)),
        ((5000, 1, 3), 100, (100, 1, 3)),
        ((50, 50), 1, (1, 1)),
    ],
)
def test_a_large_picture_shrinks_in_proportion(shape, longest: int, expected) -> None:
    small = shrink(np.full(shape, 77, np.uint8), longest)
    assert small.shape == expected
    assert small.dtype == np.uint8
    assert (small == 77).all()


def test_a_smaller_picture_averages_what_it_covers() -> None:
    stripes = np.tile(np.array([0, 200], np.uint8), (64, 32))  # [64, 64]
    inner = shrink(stripes, 16)[:, 2:-2]
    assert np.abs(inner.astype(int) - 100).max() <= 2


def test_a_small_picture_stays_as_it_is() -> None:
    assert shrink(RGB, 60) is RGB
    with pytest.raises(ValueError, match="at least 1 pixel, not 0"):
        shrink(RGB, 0)


@pytest.mark.parametrize("pixels", [RGB, np.rot90(RGB), GRAY], ids=["wide", "tall", "gray"])
def test_the_central_square_loses_the_ends_of_the_longer_side(pixels: np.ndarray) -> None:
    height, width = pixels.shape[:2]
    top, left = (height - 40) // 2, (width - 40) // 2
    square = central_square(pixels, 40)
    np.testing.assert_array_equal(square, pixels[top : top + 40, left : left + 40])


def test_a_smaller_square_averages_what_it_covers() -> None:
    stripes = np.tile(np.array([0, 200], np.uint8), (64, 40))  # [64, 80]
    square = central_square(stripes, 16)
    assert square.shape == (16, 16)
    assert np.abs(square[:, 2:-2].astype(int) - 100).max() <= 2


def test_the_square_of_a_strip_is_cut_before_it_is_enlarged() -> None:
    strip = np.full((1, 5001, 3), 200, np.uint8)
    strip[0, 2500] = 77
    assert (central_square(strip, 64) == 77).all()


def test_a_square_of_no_pixels() -> None:
    with pytest.raises(ValueError, match="side must be at least 1 pixel, not 0"):
        central_square(RGB, 0)


def test_three_channels_in_a_copy() -> None:
    gray = np.arange(12, dtype=np.uint8).reshape(3, 4)
    color = to_rgb(gray)
    assert color.shape == (3, 4, 3)
    assert (color == gray[..., None]).all()
    copy = to_rgb(color)
    copy[:] = 0
    assert color.max() == 11
    with pytest.raises(PictureError, match=r"must be an array uint8 .* not float64 \[3, 4\]"):
        to_rgb(gray / 255)
