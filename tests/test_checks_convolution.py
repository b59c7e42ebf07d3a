"""Answers that learners give in chapter 1 on paper, right and wrong, and what they are told."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from verdicts import verdict

from course_utils.checks.convolution import (
    IMAGE,
    KERNEL,
    check_by_hand,
    check_move_right,
    check_output_shape,
)

SHAPE, PARAMETERS = (8, 24, 16, 16), 1824


def test_the_layer_itself_agrees():
    layer = nn.Conv2d(3, 24, kernel_size=5, stride=2, padding=2)
    shape = layer(torch.zeros(8, 3, 32, 32)).shape
    count = sum(weight.numel() for weight in layer.parameters())
    assert verdict(check_output_shape, shape, count).startswith("Right: 24 kernels")
    assert verdict(check_output_shape, list(shape), float(count)).startswith("Right: ")
    assert verdict(check_output_shape, torch.tensor(shape), np.int64(count)).startswith("Right: ")


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((8, 24, (32 - 5) // 2 + 1, (32 - 5) // 2 + 1), "14: the padding is forgotten"),
        ((8, 24, (32 + 2 - 5) // 2 + 1, 15), "15: either the padding is counted on one side"),
        ((8, 24, (32 + 4 - 5) // 2, 15), "or the + 1 at the end of the formula is missing"),
        ((8, 24, 32 + 4 - 5 + 1, 32), "32: the stride is forgotten"),
        ((8, 24, 17, 17), "17: the division leaves a remainder, and the kernel must fit"),
        ((8, 24, 15.5 + 1, 16.5), "not 16.5: the formula is (size + 2 * padding - kernel)"),
        ((8, 24, 28, 28), "28: both the padding and the stride are forgotten"),
        ((8, 24, 30, 30), "30: the stride is forgotten, and the padding counted on one side"),
        ((8, 24, 36, 36), "36: this is the size of the padded picture"),
        ((8, 24, 16, 15), "height and width are not 15"),
        ((8, 24, 10, 16), "height and width are not 10: the formula is"),
        ((8, 3, 16, 16), "channels is not 3: a kernel takes in all 3 channels at once"),
        ((8, 1, 16, 16), "channels is not 1: a layer makes one feature map for each"),
        ((8, 72, 16, 16), "channels is not 72: a kernel adds its 3 channels up"),
        ((8, 5, 16, 16), "channels is not 5: there is one feature map for each kernel"),
        ((1, 24, 16, 16), "a convolution keeps the batch: 8 pictures go in, and 8 come out"),
        ((24, 16, 16), "the batch axis is missing"),
        ((8, 16, 16, 24), "the order is not: PyTorch writes (N, C, H, W)"),
        ((8, 24, 16), "has 3 numbers: four are asked for"),
        ((), "has 0 numbers: four are asked for"),
        (16, "output_shape is a tuple of four numbers"),
        ("8, 24, 16, 16", "is the text '8, 24, 16, 16': give numbers, without quotation marks"),
        ((8, 24, "16", 16), "an item of output_shape is the text '16'"),
        (None, "output_shape is None"),
        ((8, 24, float("nan"), 16), "height and width are not nan"),
        ((8, 24, -16, 16), "height and width are not -16"),
        ({8, 24, 16}, "is of the type set"),
    ],
)
def test_wrong_shapes(shape, words):
    assert words in verdict(check_output_shape, shape, PARAMETERS).partition("Not yet: ")[2]


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        (24 * 3 * 25, "parameters is not 1800. The biases are missing"),
        (24 * (25 + 1), "5 × 5 weights for every input channel"),
        (24 * 25, "Two things are missing"),
        (24 * 3 * 25 * 2, "You gave each weight a bias"),
        (24 * 3 * (25 + 1), "You gave each kernel a bias for each input channel"),
        (24 * 3 * 25 + 1, "You counted one bias in all"),
        (3 * 25, "These are the weights of one kernel"),
        (3 * 25 + 1, "This is one kernel with its bias"),
        (24 * 3 * 5, "A kernel is 5 × 5, not a row of 5; and each"),
        (24 * (3 * 5 + 1), "A kernel is 5 × 5, not a row of 5."),
        (24 * 16 * 16 * 3 * 25, "This is the number of multiply-adds"),
        (24 * 16 * 16 * (3 * 25 + 1), "You multiplied by the 16 × 16 places"),
        (8 * PARAMETERS, "You multiplied by the batch"),
        (PARAMETERS + 1, "parameters is not 1825. Count the weights of one kernel, add its bias"),
        ((1800, 24), "parameters holds 2 numbers: one is asked for"),
        ("1824", "parameters is the text '1824'"),
        (True, "parameters is True: a number is asked for"),
    ],
)
def test_wrong_parameters(parameters, words):
    said = verdict(check_output_shape, SHAPE, parameters)
    assert words in said.partition("Not yet: ")[2]


def test_half_an_answer_is_no_attempt():
    for shape, parameters, name in ((SHAPE, ..., "parameters"), (..., PARAMETERS, "output_shape")):
        said = verdict(check_output_shape, shape, parameters)
        assert said == f"Not attempted yet: put your answer in the place of the ... at {name}."
    said = verdict(check_output_shape, (8, ..., ..., ...), PARAMETERS)
    assert said == "Not attempted yet: output_shape still has a ... in it."


def test_by_hand_is_what_pytorch_gives():
    result = F.conv2d(IMAGE[None, None], KERNEL[None, None])[0, 0]
    for right in (result, result.numpy(), result.tolist(), result.half(), tuple(result.int())):
        assert verdict(check_by_hand, right).startswith("Right: four places")


def by_hand(cell):
    """A 2 x 2 result, each number computed from a patch by plain Python."""
    picture = IMAGE.int().tolist()
    patches = [[[row[c : c + 3] for row in picture[r : r + 3]] for c in range(2)] for r in range(2)]
    return [[cell(patch) for patch in row] for row in patches]


def summed(weight):
    """The sum over a patch of pixel times `weight(row, column)`."""
    return by_hand(lambda p: sum(p[i][j] * weight(i, j) for i in range(3) for j in range(3)))


K = KERNEL.int().tolist()
WRONG_BY_HAND = [
    (summed(lambda i, j: K[2 - i][2 - j]), "you turned the kernel by 180 degrees"),
    (summed(lambda i, j: K[i][2 - j]), "mirrored the kernel from left to right"),
    (summed(lambda i, j: K[2 - i][j]), "mirrored the kernel from top to bottom"),
    (summed(lambda i, j: K[j][i]), "you exchanged rows and columns of the kernel"),
    (np.transpose(summed(lambda i, j: K[i][j])), "rows and columns of the result are exchanged"),
    (summed(lambda i, j: 1), "you added up the pixels without the kernel"),
    (summed(lambda i, j: abs(K[i][j])), "you took the kernel's minus for a plus"),
    (summed(lambda i, j: K[i][j] / 9), "you divided by the nine cells"),
    (by_hand(lambda p: (np.array(p) @ np.array(K)).sum()), "this comes from a matrix product"),
    (F.conv2d(IMAGE[None], KERNEL[None, None], padding=1)[0], "you padded the picture"),
    ([2, 0, 4, 9], "the shape [4]. A 3 × 3 kernel fits into a 4 × 4 picture at 2 × 2 places"),
    ([[2, 0], [4, 8]], "row 1, column 1 is not 8. There the kernel lies on [[1, 3, 2], [0, 1, 0],"),
    ([[2, 1], [4, 9]], "row 0, column 1 is not 1. There the kernel lies on [[2, 0, 1], [1, 3, 2],"),
    ([[1, 0], [4, 8]], "row 0, column 0 is not 1."),
    ([[0, 0], [0, 0]], "row 0, column 0 is not 0."),
    ([[2, 0], [4, float("nan")]], "row 1, column 1 is not nan."),
    ([["2", 0], [4, 9]], "is the text '2': give numbers, without quotation marks"),
    ([[2, 0], [4]], "items of different sizes"),
    (9, "result has the shape []"),
]


@pytest.mark.parametrize(("result", "words"), WRONG_BY_HAND)
def test_wrong_results_by_hand(result, words):
    assert words in verdict(check_by_hand, result).partition("Not yet: ")[2]


def test_the_kernel_moves_a_picture_right():
    kernel = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 0, 0]])
    for answer in (kernel, kernel.tolist(), kernel.bool().int().numpy(), kernel[None, None]):
        assert verdict(check_move_right, answer).startswith("Right: each output pixel copies")


@pytest.mark.parametrize(
    ("row", "column"), [(r, c) for r in range(3) for c in range(3) if (r, c) != (1, 0)]
)
def test_what_is_said_of_a_move_is_what_the_picture_does(row, column):
    picture = torch.zeros(1, 1, 5, 5)
    picture[0, 0, 2, 2] = 1
    kernel = torch.zeros(3, 3)
    kernel[row, column] = 1
    [(y, x)] = F.conv2d(picture, kernel[None, None], padding=1)[0, 0].nonzero().tolist()
    ways = [{1: "up", 2: "", 3: "down"}[y], {1: "left", 2: "", 3: "right"}[x]]
    way = " and ".join(filter(None, ways))
    words = f"moves the picture {way}. Which" if way else "leaves the picture where it is. Which"
    assert f"Not yet: this kernel {words}" in verdict(check_move_right, kernel)


@pytest.mark.parametrize(
    ("kernel", "words"),
    [
        ([[0, 0, 0], [2, 0, 0], [0, 0, 0]], "but multiplies its brightness by 2"),
        ([[0, 0, 0], [0.5, 0, 0], [0, 0, 0]], "but multiplies its brightness by 0.5"),
        ([[0, 0, 0], [-1, 0, 0], [0, 0, 0]], "but multiplies its brightness by -1"),
        (np.full((3, 3), 1 / 9), "this kernel blurs: all nine neighbors count alike. To move"),
        (
            np.ones((3, 3)),
            "this kernel blurs: all nine neighbors count alike. Its numbers sum to 9",
        ),
        ([[0, 0, 0], [1, 1, 0], [0, 0, 0]], "mixes 2 pixels into each output pixel. Its numbers"),
        ([[1, 0, 0], [1, 0, 0], [1, 0, 0]], "mixes 3 pixels"),
        ([[0, 0, 0], [0.5, 0.5, 0], [0, 0, 0]], "mixes 2 pixels into each output pixel. To move"),
        ([[0, 0, 0], [1, 0, -1], [0, 0, 0]], "mixes 2 pixels"),
        (torch.zeros(3, 3), "a kernel of zeros makes every picture black"),
        ([[1, 0, 0]], "move_right has the shape [1, 3]: 3 × 3 is asked for"),
        ([0, 0, 0, 1, 0, 0, 0, 0, 0], "move_right has the shape [9]"),
        (np.full((3, 3), np.nan), "holds a NaN or an infinity"),
        ("right", "move_right is the text 'right'"),
        (lambda image: image, "move_right is a function"),
    ],
)
def test_wrong_kernels(kernel, words):
    assert words in verdict(check_move_right, kernel).partition("Not yet: ")[2]
