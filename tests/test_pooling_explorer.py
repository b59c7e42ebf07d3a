"""The explorer of pooling, driven without a browser."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from explorer_driver import drive
from pixels import TINY

from course_utils.explorers.pooling import KINDS, PoolingExplorer


@pytest.fixture
def pictures() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    return {
        "color": generator.integers(0, 256, (120, 180, 3), dtype=np.uint8),
        "gray": generator.integers(0, 256, (31, 24), dtype=np.uint8),
        "nine": generator.integers(0, 256, (9, 9), dtype=np.uint8),
    }


# ---------------------------------------------------------------- what it says


def test_every_control(pictures: dict) -> None:
    assert drive(PoolingExplorer(pictures)) == 3 + len(KINDS) + 5 * 2


def test_the_numbers_are_those_done_in_the_head() -> None:
    explorer = PoolingExplorer({"tiny": TINY})
    size = "Height: (4 − 2) / 2 + 1 = 2. Width: (4 − 2) / 2 + 1 = 2."
    largest = {(0, 0): "4", (0, 1): "3", (1, 0): "5", (1, 1): "4"}
    sums = {(0, 0): (8, "2"), (0, 1): (4, "1"), (1, 0): (8, "2"), (1, 1): (10, "2.5")}
    for row, column in largest:
        explorer.choose(kind="max", row=row, column=column)
        number = largest[row, column]
        assert explorer.status == (
            f"Row {row}, column {column}: the largest of 4 numbers is {number}; "
            f"PyTorch's max_pool2d gives {number}. {size}"
        )
        explorer.choose(kind="average")
        total, mean = sums[row, column]
        assert explorer.status == (
            f"Row {row}, column {column}: the sum of 4 numbers, {total}, divided by 4 is {mean}; "
            f"PyTorch's avg_pool2d gives {mean}. {size}"
        )
    explorer.choose(kind="global average")
    assert explorer.status == (
        "Whole picture: the sum of 16 numbers, 30, divided by 16 is 1.875; "
        "PyTorch's avg_pool2d gives 1.875."
    )
    explorer.choose(kind="global max")
    assert explorer.status == (
        "Whole picture: the largest of 16 numbers is 5; PyTorch's max_pool2d gives 5."
    )
    alt = explorer._repr_mimebundle_()[1]["image/png"]["alt"]
    assert alt == f"Explorer of pooling. {explorer.status}"


def test_random_settings_agree_with_pytorch(pictures: dict) -> None:
    generator = np.random.default_rng(1)
    explorer = PoolingExplorer(pictures)
    for _ in range(25):
        kind = str(generator.choice(["max", "average"]))
        size, stride = (int(side) for side in generator.integers(1, 9, 2))
        push = int(generator.integers(0, 9))
        image = np.pad(pictures["gray"], ((0, 0), (push, 0)))[:, :24].astype(float)
        pool = F.max_pool2d if kind == "max" else F.avg_pool2d
        expected = pool(torch.tensor(image)[None], size, stride)[0].numpy()
        row, column = (int(generator.integers(side)) for side in expected.shape)
        explorer.choose(
            picture="gray", kind=kind, size=size, stride=stride, push=push, row=row, column=column
        )
        assert explorer.error is None
        assert explorer.sweeps(**explorer.values).shape == expected.shape
        assert [explorer.controls[name].max + 1 for name in ("row", "column")] == list(
            expected.shape
        )
        words = explorer.status.split(": ")[1].split("; ")[0]
        said = float(words.split(" is ")[1])
        assert said == pytest.approx(expected[row, column], abs=0.051)
        assert explorer.status.startswith(f"Row {row}, column {column}: ")


def test_a_number_that_differs_from_pytorchs_is_never_shown(
    pictures: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    explorer = PoolingExplorer({"tiny": TINY})
    before = explorer.picture_png
    monkeypatch.setattr(F, "avg_pool2d", F.max_pool2d)
    explorer.choose(kind="average", row=0, column=0)
    assert explorer.error.startswith("By hand this cell is 2, but PyTorch's avg_pool2d gives 4: ")
    assert explorer.picture_png == before
    explorer.choose(kind="max")
    assert explorer.error is None


@pytest.mark.parametrize(
    ("size", "stride", "height", "width"),
    [
        (2, 2, "(31 − 2) / 2 + 1 = 15.5, rounded down to 15: the last row is never read.", "= 12."),
        (8, 8, "= 3.875, rounded down to 3: the last 7 rows are never read.", "= 3."),
        (
            5,
            4,
            "= 7.5, rounded down to 7: the last 2 rows are never read.",
            "the last 3 columns are",
        ),
        (7, 5, "= 5.8, rounded down to 5: the last 4 rows are", "= 4.4, rounded down to 4: the la"),
    ],
)
def test_what_is_left_over_is_said(
    pictures: dict, size: int, stride: int, height: str, width: str
) -> None:
    explorer = PoolingExplorer({"gray": pictures["gray"]})
    explorer.choose(size=size, stride=stride)
    said = explorer.status.split("Height: ")[1].split(" Width: ")
    assert height in said[0]
    assert width in said[1]


def test_a_push_changes_pixels_and_pooled_numbers() -> None:
    edge = np.zeros((4, 8), np.uint8)
    edge[:, :4] = 100
    explorer = PoolingExplorer({"edge": edge})
    explorer.choose(push=1)
    # One column of eight turns black, one turns white; of four pooled columns, one turns white:
    # the first still holds a white pixel.
    assert explorer.status.endswith(
        "Pushed 1 px to the right: pixels change by 25.0 gray levels on average, "
        "pooled numbers by 25.0."
    )
    explorer.choose(kind="average")
    assert explorer.status.endswith(
        "pixels change by 25.0 gray levels on average, pooled numbers by 25.0."
    )
    explorer.choose(kind="global average")
    assert explorer.status.endswith("gray levels on average, pooled numbers by 0.0.")
    explorer.choose(kind="max", push=8)
    assert explorer.status.endswith(
        "pixels change by 50.0 gray levels on average, pooled numbers by 50.0."
    )
    explorer.choose(push=0)
    assert "Pushed" not in explorer.status


# ---------------------------------------------------------------- controls that go together


def test_the_stride_follows_the_window_until_it_is_set_apart(pictures: dict) -> None:
    explorer = PoolingExplorer(pictures)
    size, stride = explorer.controls["size"], explorer.controls["stride"]
    assert size.value == stride.value == 2
    size.value = 5
    assert stride.value == 5
    stride.value = 3
    assert (size.value, stride.value) == (5, 3)
    explorer.controls["push"].value = 2
    assert (size.value, stride.value) == (5, 3)
    explorer.choose(size=4, stride=1)
    assert (size.value, stride.value) == (4, 1)
    size.value = 6
    assert stride.value == 6


def test_global_pooling_has_one_cell_and_needs_no_window(pictures: dict) -> None:
    explorer = PoolingExplorer(pictures)
    idle = [explorer.controls[name] for name in ("size", "stride", "row", "column")]
    explorer.choose(row=5, column=9)
    for kind in KINDS:
        explorer.controls["kind"].value = kind
        assert explorer.error is None
        assert {control.disabled for control in idle} == {kind.startswith("global")}
    explorer.choose(kind="max", row=5, column=9)
    assert explorer.status.startswith("Row 5, column 9:")


def test_the_first_cell_survives_a_wider_window(pictures: dict) -> None:
    explorer = PoolingExplorer(pictures)
    before = explorer.picture_png
    for name in ("size", "stride", "push", "row"):
        control = explorer.controls[name]
        control.value += 1
        assert explorer.picture_png != before
        control.value -= 1
        assert explorer.picture_png == before


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize("strip", [TINY[:3], TINY[:, :3]])
def test_a_window_larger_than_the_picture_gets_a_sentence(
    pictures: dict, strip: np.ndarray
) -> None:
    explorer = PoolingExplorer({"gray": pictures["gray"], "strip": strip})
    height, width = strip.shape
    before = explorer.picture_png
    explorer.choose(picture="strip", size=4)
    assert explorer.error == (
        f"The window of 4 × 4 is larger than the picture of {height} × {width}: "
        "choose a window of at most 3."
    )
    assert explorer.picture_png == before
    explorer.controls["size"].value = 3
    assert explorer.error is None
    assert "the largest of 9 numbers is 5" in explorer.status


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"size": 0}, "The window must be at least 1, not 0."),
        ({"stride": 0}, "The stride must be at least 1, not 0."),
        ({"push": -1}, "The push must be at least 0 pixels, not -1."),
        ({"row": 30}, "There is no row 30: choose a row from 0 to 29."),
        ({"column": -1}, "There is no column -1: choose a column from 0 to 44."),
        ({"kind": "min"}, "There is no pooling 'min': choose one of max, average, global aver"),
        ({"kind": "global max", "row": 1, "column": 0}, "no row 1: choose a row from 0 to 0."),
        ({"picture": "dog"}, "There is no picture 'dog': choose one of color, gray, nine."),
    ],
)
def test_values_that_no_control_gives_get_a_sentence(
    pictures: dict, changes: dict, words: str
) -> None:
    explorer = PoolingExplorer(pictures)
    for function in (explorer.render, explorer.describe):
        with pytest.raises(ValueError, match=words):
            function(**(explorer.values | changes))
