"""Heat maps over pictures, without an explorer."""

from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from course_utils.explanation_figures import (
    explanation_grid,
    heat,
    pixels_of,
    scale_strip,
    strength,
)

SIGNED = torch.linspace(-2, 1, 48).view(6, 8)
UNSIGNED = SIGNED.clamp(min=0)
PICTURE = torch.arange(144, dtype=torch.uint8).view(3, 6, 8)


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    plt.close("all")


def legend(figure) -> list[str]:
    return [label.get_text() for label in figure.axes[-1].get_xticklabels()]


def test_a_row_for_each_picture_and_a_column_for_each_map():
    rows = [
        ("cat", PICTURE, {"Saliency": UNSIGNED, "Guided\nBackprop": SIGNED}),
        ("dog", PICTURE[:1], {"Saliency": UNSIGNED.numpy()}),
    ]
    figure = explanation_grid(rows)
    *axes, bar = figure.axes
    assert [axis.get_title() for axis in axes] == [
        *("cat", "Saliency", "Guided\nBackprop"),
        *("dog", "Saliency", ""),
    ]
    assert [len(axis.images) for axis in axes] == [1, 1, 1, 1, 1, 0]
    assert not any(axis.axison for axis in axes)
    assert bar.get_xlim() == (-1, 1)
    assert figure.get_label() == (
        "Pictures with heat maps by Saliency, Guided Backprop beside them. The pictures: cat, dog."
    )
    picture = np.moveaxis(PICTURE.numpy(), 0, -1)
    np.testing.assert_array_equal(axes[0].images[0].get_array(), picture)
    expected = heat(SIGNED.numpy(), picture, strength(SIGNED.numpy()))
    np.testing.assert_array_equal(axes[2].images[0].get_array(), expected)


def test_the_legend_tells_of_both_signs_only_where_there_are_both():
    assert legend(explanation_grid([("a", PICTURE, {"m": SIGNED})])) == [
        *("against", "0", "for the class")
    ]
    assert legend(explanation_grid([("a", PICTURE, {"m": UNSIGNED})])) == ["0", "strongest"]
    both = {"m": UNSIGNED, "n": SIGNED}
    assert len(legend(explanation_grid([("a", PICTURE, both)]))) == 3


def test_titles_stay_inside_the_figure():
    rows = [("two\nlines", PICTURE, {"m": SIGNED}), ("b", PICTURE, {"three\nlong\nlines": SIGNED})]
    figure = explanation_grid(rows)
    figure.draw_without_rendering()
    height = figure.get_window_extent().height
    boxes = [axis.title.get_window_extent() for axis in figure.axes]
    assert all(box.y0 >= 0 and box.y1 <= height for box in boxes)
    pictures = [axis.get_window_extent() for axis in figure.axes[:2]]
    assert not any(box.overlaps(picture) for box in boxes[2:4] for picture in pictures)


def test_zero_leaves_the_pale_picture_and_signs_have_their_colors():
    values = np.array([[0.0, 1.0, -1.0, 5.0]])
    white, black = (np.full((1, 4, 3), level, np.uint8) for level in (255, 0))
    zero, positive, negative, beyond = heat(values, white, 1.0)[0].astype(int)
    assert zero.tolist() == [255, 255, 255]
    assert positive[0] > positive[1] > positive[2]  # vermilion
    assert negative[2] > negative[1] > negative[0]  # blue
    assert beyond.tolist() == positive.tolist()
    assert heat(values, black, 1.0)[0, 0].tolist() == [128, 128, 128]
    dark = heat(values, black, 1.0)[0, 1].astype(int)
    assert 0 < positive[2] - dark[2] < 40  # full color still lets the picture through


def test_half_the_value_has_half_the_color():
    white = np.full((1, 1, 3), 255, np.uint8)
    half, whole = (255 - heat(np.array([[v]]), white, 1.0).astype(int) for v in (0.5, 1.0))
    np.testing.assert_allclose(2 * half, whole, atol=1)


def test_the_legend_has_the_colors_of_maps_on_white():
    strip, white = scale_strip(True, 5)[0], np.full((1, 5, 3), 255, np.uint8)
    np.testing.assert_array_equal(strip, heat(np.linspace(-1, 1, 5)[None], white, 1)[0])
    np.testing.assert_array_equal(scale_strip(False, 3)[0], strip[2:])


def test_one_outlier_does_not_pale_a_map():
    values = np.ones((40, 40))
    values[0, 0] = -1e6
    assert strength(values) == 1
    assert strength(np.zeros((40, 40))) == 0
    sparse = np.zeros((40, 40))
    sparse[0, 0] = -3
    assert strength(sparse) == 3
    assert (heat(np.zeros((2, 2)), np.zeros((2, 2, 3), np.uint8), 0.0) == 128).all()


def test_pictures_and_inputs_become_pixels():
    np.testing.assert_array_equal(pixels_of(PICTURE), PICTURE.permute(1, 2, 0).numpy())
    assert pixels_of(PICTURE[:1]).shape == (6, 8, 3)
    assert pixels_of(torch.tensor([[[-1.0, 0.0, 3.0]]]))[0, :, 0].tolist() == [0, 64, 255]
    assert (pixels_of(torch.ones(3, 2, 2)) == 0).all()
    assert (pixels_of(torch.ones(5, 2, 2, requires_grad=True)) == 0).all()
    two = torch.tensor([[[0, 100]], [[100, 200]]], dtype=torch.uint8)
    assert pixels_of(two)[0].tolist() == [[50] * 3, [150] * 3]


@pytest.mark.parametrize(
    ("words", "rows"),
    [
        ("at least one row", []),
        ("at least one map", [("a", PICTURE, {"m": SIGNED}), ("b", PICTURE, {})]),
        (
            r"'m' has the shape \[5, 8\] and its picture \[6, 8\]",
            [("a", PICTURE, {"m": SIGNED[1:]})],
        ),
        ("'m' holds NaN", [("a", PICTURE, {"m": SIGNED * torch.nan})]),
        (r"must have the shape \[C, H, W\], not \[6, 8\]", [("a", PICTURE[0], {"m": SIGNED})]),
        (r"not \[0, 6, 8\]", [("a", PICTURE[:0], {"m": SIGNED})]),
        ("A picture must not hold NaN", [("a", PICTURE / 0.0 * 0, {"m": SIGNED})]),
    ],
)
def test_bad_input_is_a_sentence(words, rows):
    with pytest.raises(ValueError, match=words):
        explanation_grid(rows)
