"""The explorer of convolution, driven without a browser."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from explorer_driver import drive
from pixels import TINY, convolve_by_loops

from course_utils.explorers.convolution import ConvolutionExplorer
from course_utils.explorers.kernels import OWN, PRESETS

SUM_KERNEL = "1 0 0\n0 2 0\n0 0 -1"


@pytest.fixture
def pictures() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    return {
        "color": generator.integers(0, 256, (120, 180, 3), dtype=np.uint8),
        "gray": generator.integers(0, 256, (31, 24), dtype=np.uint8),
        "tiny": TINY,
    }


# ---------------------------------------------------------------- what it shows


def test_every_control_and_every_preset(pictures: dict) -> None:
    kernels = ["5", "1 2 3", "1;2;3", SUM_KERNEL, "\n".join(["-0.125 1/3 -1000 2.5 0 1e-5 1"] * 7)]
    states = drive(ConvolutionExplorer(pictures), kernel=kernels)
    assert states == 3 + len(PRESETS) + 1 + len(kernels) + 5 * 2


def test_it_starts_where_the_feature_map_is_strongest() -> None:
    picture = np.zeros((20, 30), np.uint8)
    picture[4:7, 21] = 200  # its left edge is read with the kernel's right column
    explorer = ConvolutionExplorer({"spot": picture})
    assert (explorer.values["row"], explorer.values["column"]) == (4, 19)
    assert "the 9 products add up to 800;" in explorer.status


def test_the_sums_are_those_done_in_the_head() -> None:
    explorer = ConvolutionExplorer({"tiny": TINY})
    explorer.choose(kernel=SUM_KERNEL, row=0, column=0)
    # 1·1 + 2·1 − 1·3 = 0; one to the right 2 + 2·1 − 1 = 3; below 4 + 2·5 − 2 = 12
    tail = (
        "Height: (4 + 2·0 − 1·(3 − 1) − 1) / 1 + 1 = 2. "
        "Width: (4 + 2·0 − 1·(3 − 1) − 1) / 1 + 1 = 2."
    )
    sums = {(0, 0): 0, (0, 1): 3, (1, 0): 12, (1, 1): 3}
    for (row, column), total in sums.items():
        explorer.choose(row=row, column=column)
        assert explorer.error is None
        assert explorer.status == (
            f"Row {row}, column {column}: the 9 products add up to {total}; "
            f"PyTorch's conv2d gives {total}. {tail}"
        )
    alt = explorer._repr_mimebundle_()[1]["image/png"]["alt"]
    assert alt == f"Explorer of convolution. {explorer.status}"
    explorer.choose(kernel="-3", row=3, column=3)
    assert explorer.status.startswith("Row 3, column 3: the only product is −12; PyTorch's")


def test_random_settings_agree_with_loops_and_with_pytorch(pictures: dict) -> None:
    generator = np.random.default_rng(1)
    explorer = ConvolutionExplorer(pictures)
    for _ in range(25):
        sides = 1 + 2 * generator.integers(0, 4, 2)
        kernel = generator.integers(-9, 10, sides).astype(float)
        settings = {
            "stride": int(generator.integers(1, 5)),
            "padding": int(generator.integers(0, 7)),
            "dilation": int(generator.integers(1, 4)),
        }
        expected = convolve_by_loops(pictures["gray"], kernel, **settings)
        image, weight = (
            torch.tensor(x, dtype=torch.float64)[None, None] for x in (pictures["gray"], kernel)
        )
        np.testing.assert_array_equal(expected, F.conv2d(image, weight, **settings)[0, 0])
        row, column = (int(generator.integers(side)) for side in expected.shape)
        text = ";".join(" ".join(f"{weight:g}" for weight in line) for line in kernel)
        explorer.choose(picture="gray", kernel=text, row=row, column=column, **settings)
        assert explorer.error is None
        assert (explorer.values["row"], explorer.values["column"]) == (row, column)
        total = f"{expected[row, column]:.0f}".replace("-", "−")
        if abs(expected[row, column]) >= 10_000:
            total = f"{total[:-3]},{total[-3:]}"
        assert f" {total}; PyTorch's conv2d gives {total}." in explorer.status
        for side, window, line in zip((31, 24), sides, ("Height", "Width"), strict=True):
            stride, padding, dilation = settings.values()
            formula = f"({side} + 2·{padding} − {dilation}·({window} − 1) − 1) / {stride} + 1"
            assert f"{line}: {formula} = " in explorer.status
        assert explorer.sweeps(**explorer.values).shape == expected.shape
        sliders = [explorer.controls[name].max + 1 for name in ("row", "column")]
        assert sliders == list(expected.shape)


def test_a_number_that_differs_from_pytorchs_is_never_shown(
    pictures: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    explorer = ConvolutionExplorer(pictures)
    conv2d = F.conv2d
    monkeypatch.setattr(F, "conv2d", lambda x, w, **options: conv2d(x, w.flip(-1), **options))
    before = explorer.picture_png
    explorer.choose(picture="tiny", row=0, column=0)
    assert explorer.error.startswith("By hand this cell is −6, but PyTorch's conv2d gives 6: run")
    assert explorer.picture_png == before
    monkeypatch.setattr(F, "conv2d", conv2d)
    explorer.choose(row=0, column=1)
    assert explorer.error is None


# ---------------------------------------------------------------- controls that go together


def test_a_preset_writes_its_numbers_and_numbers_find_their_preset(pictures: dict) -> None:
    explorer = ConvolutionExplorer(pictures)
    preset, kernel = explorer.controls["preset"], explorer.controls["kernel"]
    assert kernel.value == PRESETS[preset.value]
    for name in PRESETS:
        preset.value = name
        assert kernel.value == PRESETS[name]
        assert preset.value == name
    kernel.value = "0 0 0; 0 1 0; 0 0 0"
    assert preset.value == "identity"
    assert kernel.value == "0 0 0; 0 1 0; 0 0 0"  # as it was typed
    kernel.value = "0 0 0; 0 1 0; 0 0"
    assert preset.value == OWN
    kernel.value = "0 0 0; 0 1 0; 0 0 7"
    assert preset.value == OWN
    preset.value = "sharpen"
    assert kernel.value == PRESETS["sharpen"]
    preset.value = OWN
    assert kernel.value == PRESETS["sharpen"]  # a start for the learner's own
    explorer.choose(preset="identity", kernel=SUM_KERNEL)
    assert (preset.value, kernel.value) == (OWN, SUM_KERNEL)


def test_the_cell_stays_on_the_map(pictures: dict) -> None:
    explorer = ConvolutionExplorer({"gray": pictures["gray"]})
    row, column = explorer.controls["row"], explorer.controls["column"]
    explorer.choose(row=28, column=21)
    assert (row.value, column.value) == (28, 21)
    explorer.controls["stride"].value = 4
    assert (row.max, column.max) == (7, 5)
    assert explorer.status.startswith("Row 7, column 5:")
    explorer.choose(stride=1, row=28, column=21)  # beyond what the sliders reach now
    assert explorer.status.startswith("Row 28, column 21:")
    explorer.choose(row=99)
    assert explorer.status.startswith("Row 28, column 21:")
    assert not row.disabled
    explorer.choose(picture="gray", kernel="1 1 1 1 1 1 1", dilation=3, padding=0)
    assert (row.max, column.max) == (30, 5)


def test_a_first_cell_that_a_stride_of_two_keeps(pictures: dict) -> None:
    explorer = ConvolutionExplorer(pictures)
    before = explorer.picture_png
    for name in ("stride", "dilation", "padding"):
        control = explorer.controls[name]
        control.value += 1
        assert explorer.picture_png != before
        control.value -= 1
        assert explorer.picture_png == before


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kernel": ""}, "The kernel is empty: write rows of numbers"),
        ({"kernel": "1 2;3 4"}, "make it, for example, 3 × 3."),
        ({"kernel": "1 2 3;4"}, "give every row as many"),
        ({"kernel": "one"}, "'one' in the kernel is no number"),
        ({"kernel": "nan"}, "is no number"),
        ({"kernel": "inf"}, "may lie between -1000 and 1000"),
        ({"kernel": "1 2 3 4 5 6 7 8 9"}, "at most 7 × 7"),
        (
            {"picture": "tiny", "dilation": 2},
            "The kernel reaches over 5 × 5 pixels, the picture with its padding has 4 × 4: "
            "choose a smaller kernel or dilation, or more padding.",
        ),
        ({"picture": "tiny", "kernel": "1 1 1 1 1"}, "reaches over 1 × 5 pixels"),
        ({"picture": "tiny", "kernel": "1;1;1", "dilation": 4, "padding": 2}, "over 9 × 1 pixels"),
    ],
)
def test_a_setting_that_makes_no_sense_gets_a_sentence(
    pictures: dict, changes: dict, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    explorer = ConvolutionExplorer(pictures)
    good, before = explorer.values, explorer.picture_png
    explorer.choose(**changes)
    assert words in explorer.error
    assert not explorer.error.startswith("Something went wrong")
    assert explorer.status == explorer.error
    assert explorer.picture_png == before
    explorer.choose(**good)
    assert explorer.error is None
    assert explorer.values == good
    assert explorer.picture_png == before
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"stride": 0}, "The stride must be at least 1, not 0."),
        ({"padding": -1}, "The padding must be at least 0, not -1."),
        ({"dilation": 0}, "The dilation must be at least 1, not 0."),
        ({"row": 58}, "There is no row 58: choose a row from 0 to 57."),
        ({"row": -1}, "There is no row -1"),
        ({"column": 88}, "There is no column 88: choose a column from 0 to 87."),
        ({"picture": "dog"}, "There is no picture 'dog': choose one of color, gray, tiny."),
    ],
)
def test_values_that_no_control_gives_get_a_sentence(
    pictures: dict, changes: dict, words: str
) -> None:
    explorer = ConvolutionExplorer(pictures)
    for function in (explorer.render, explorer.describe):
        with pytest.raises(ValueError, match=words):
            function(**(explorer.values | changes))
