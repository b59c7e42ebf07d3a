"""Kernels as learners type them."""

import numpy as np
import pytest

from course_utils.explorers.base import ExplorerError
from course_utils.explorers.kernels import OWN, PRESETS, kernel_labels, preset_of, read_kernel


@pytest.mark.parametrize(
    ("text", "kernel"),
    [
        ("5", [[5]]),
        (" 1 2 3 ", [[1, 2, 3]]),
        ("1,2, 3", [[1, 2, 3]]),
        ("1;2;3", [[1], [2], [3]]),
        ("\n1 0 1;\n\n2 0 2 \r\n3 0 3;;\n", [[1, 0, 1], [2, 0, 2], [3, 0, 3]]),
        ("1/4 -1/2 −3", [[0.25, -0.5, -3]]),
        ("+.5 1e2 -1000", [[0.5, 100, -1000]]),
        ("1 2 3 4 5 6 7", [[1, 2, 3, 4, 5, 6, 7]]),
    ],
)
def test_kernels_are_read(text: str, kernel: list) -> None:
    read = read_kernel(text)
    assert read.dtype == np.float64
    assert read.tolist() == kernel


EVEN = "has no middle pixel, so its result sits half a pixel off"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "The kernel is empty: write rows of numbers"),
        (" \n;, ", "The kernel is empty"),
        ("1 2;3 4", f"A kernel of 2 × 2 {EVEN}"),
        (
            "1 2;3 4",
            "PyTorch takes it; this explorer shows odd sizes: make it, for example, 3 × 3.",
        ),
        ("1;2;3;4", "make it, for example, 5 × 1."),
        ("1 2", f"A kernel of 1 × 2 {EVEN}"),
        ("1 2 3;4 5 6", "make it, for example, 3 × 3."),
        ("1 2 3;4 5;6 7 8", "rows hold 3, 2 and 3 numbers: give every row as many"),
        ("1 2 3;0,5 1 1;1 1 1", "with a point for decimals (0.5)."),
        ("1 x 3", "'x' in the kernel is no number: write numbers such as 2, -0.5 or 1/9"),
        ("<b>", "'<b>' in the kernel is no number"),
        ("x" * 1000, f"'{'x' * 11}…' in the kernel is no number"),
        ("nan", "'nan' in the kernel is no number"),
        ("1/0", "'1/0' in the kernel is no number"),
        ("1/2/3", "'1/2/3' in the kernel is no number"),
        ("1/", "'1/' in the kernel is no number"),
        ("-", "'-' in the kernel is no number"),
        ("inf", "may lie between -1000 and 1000: choose smaller ones."),
        ("1e999", "may lie between -1000 and 1000"),
        ("0 -1001 0", "may lie between -1000 and 1000"),
        ("1 2 3 4 5 6 7 8", "more than 7 rows or columns: make it at most 7 × 7."),
        ("1;2;3;4;5;6;7;8;9", "more than 7 rows or columns"),
    ],
)
def test_what_is_no_kernel_gets_a_sentence(text: str, words: str) -> None:
    with pytest.raises(ExplorerError) as caught:
        read_kernel(text)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 250
    assert preset_of(text) == OWN


def test_presets_do_what_their_names_say() -> None:
    kernels = {name: read_kernel(text) for name, text in PRESETS.items()}
    sums = {name: round(float(kernel.sum()), 12) for name, kernel in kernels.items()}
    means = {"identity", "move down", "sharpen"} | {name for name in kernels if "blur" in name}
    assert {name for name, total in sums.items() if total == 1} == means
    assert sums.pop("negative 1 × 1") == -1
    assert {total for name, total in sums.items() if name not in means} == {0}
    assert kernels["move down"].tolist() == [[0, 1, 0], [0, 0, 0], [0, 0, 0]]
    vertical = kernels["Sobel, vertical edges"]
    np.testing.assert_array_equal(vertical.T, kernels["Sobel, horizontal edges"])
    assert vertical[:, 2].tolist() == [1, 2, 1]  # positive where it gets brighter to the right
    for name, kernel in kernels.items():
        if "×" in name:
            assert name.endswith(" × ".join(map(str, kernel.shape)))
    gauss = kernels["Gaussian blur 5 × 5"]
    np.testing.assert_allclose(gauss, np.outer(gauss.sum(0), gauss.sum(1)))
    assert gauss[2].tolist() == (np.array([6, 24, 36, 24, 6]) / 256).tolist()


def test_a_preset_is_recognized_by_its_numbers() -> None:
    for name, text in PRESETS.items():
        assert preset_of(text) == name
        assert preset_of(text.replace("\n", " ; ").replace(" ", "  ")) == name
    assert preset_of("0,1.0,0; 0,0,0; 0,0,0") == "move down"
    assert preset_of("0.1111 0.1111 0.1111;" * 3) == OWN
    assert preset_of("-1; 0; 1") == OWN  # not the row with the same numbers


def test_labels_keep_fractions() -> None:
    assert kernel_labels("1/9 -4/256 0.25;2.50 −3 0; 1/3 100/12345 1") == [
        ["1/9", "−4/256", "0.25"],
        ["2.5", "−3", "0"],
        ["1/3", "0.0081", "1"],
    ]
