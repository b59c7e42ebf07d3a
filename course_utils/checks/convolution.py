"""Checkers of chapter 1: sizes, sums by hand, a kernel, a convolution, a receptive field."""

import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils.checks.base import (
    NotYet,
    as_numbers,
    checker,
    close,
    judge_count,
    require_attempted,
    show,
)
from course_utils.checks.functions import Misconception

# Exercise 1: [8, 3, 32, 32] through nn.Conv2d(3, 24, kernel_size=5, stride=2, padding=2).
OUTPUT_SHAPE = (8, 24, 16, 16)
PARAMETERS = 24 * (3 * 5 * 5 + 1)
SIZE_MISTAKES = {
    14: "the padding is forgotten: it adds 2 rows and columns on each side before the kernel moves",
    15: (
        "either the padding is counted on one side only (it is added on both), "
        "or the + 1 at the end of the formula is missing"
    ),
    17: "the division leaves a remainder, and the kernel must fit as a whole: round down",
    28: "both the padding and the stride are forgotten",
    30: "the stride is forgotten, and the padding counted on one side only",
    32: "the stride is forgotten: the kernel moves 2 pixels at a time",
    36: "this is the size of the padded picture: the kernel has yet to move over it",
}
CHANNEL_MISTAKES = {
    1: "a layer makes one feature map for each of its 24 kernels, not one in all",
    3: "a kernel takes in all 3 channels at once, and each of the 24 kernels makes one feature map",
    72: "a kernel adds its 3 channels up, so 24 kernels make 24 feature maps, not 3 times as many",
}
PARAMETER_MISTAKES = {
    1800: "The biases are missing: each of the 24 kernels has one.",
    624: "Each kernel has 5 × 5 weights for every input channel, and there are 3.",
    600: "Two things are missing: the 3 input channels of each kernel, and the biases.",
    3600: "You gave each weight a bias: there is one for a whole kernel.",
    1872: "You gave each kernel a bias for each input channel: there is one for a whole kernel.",
    1801: "You counted one bias in all: each of the 24 kernels has its own.",
    75: "These are the weights of one kernel: there are 24, and each has a bias.",
    76: "This is one kernel with its bias: there are 24.",
    360: "A kernel is 5 × 5, not a row of 5; and each of the 24 kernels has a bias.",
    384: "A kernel is 5 × 5, not a row of 5.",
    1800 * 256: (
        "This is the number of multiply-adds for one picture: "
        "the same weights are used at all 16 × 16 places, so they are stored once."
    ),
    1824 * 256: (
        "You multiplied by the 16 × 16 places of the output: "
        "the same weights are used at each, so they are stored once."
    ),
    1824 * 8: "You multiplied by the batch: all 8 pictures meet the same weights.",
}


@checker
def check_output_shape(output_shape: Any, parameters: Any) -> str:
    """Exercise 1: output shape (four numbers) and number of parameters of a convolution."""
    require_attempted(output_shape=output_shape, parameters=parameters)
    _judge_shape(output_shape)
    hint = "Count the weights of one kernel, add its bias, and multiply by the number of kernels."
    judge_count("parameters", parameters, PARAMETERS, PARAMETER_MISTAKES, hint)
    return (
        "24 kernels make 24 maps, the stride halves each side, and 24 × (3 × 5 × 5 + 1) "
        "parameters do it. Which of the four numbers of the shape would a larger picture change?"
    )


def _judge_shape(output_shape: Any) -> None:
    numbers = as_numbers(output_shape, "output_shape")
    if numbers.ndim != 1:
        raise NotYet("output_shape is a tuple of four numbers, (N, C, H, W).")
    if close(numbers, np.array(OUTPUT_SHAPE[1:], float)):
        raise NotYet("the batch axis is missing: 8 pictures go in, and 8 come out.")
    if close(numbers, np.array([8, 16, 16, 24], float)):
        raise NotYet("the numbers are right, the order is not: PyTorch writes (N, C, H, W).")
    if len(numbers) != 4:
        raise NotYet(f"output_shape has {len(numbers)} numbers: four are asked for, (N, C, H, W).")
    batch, channels, *sides = numbers.tolist()
    if batch != 8:
        raise NotYet("a convolution keeps the batch: 8 pictures go in, and 8 come out.")
    if channels != 24:
        reason = CHANNEL_MISTAKES.get(channels, "there is one feature map for each kernel")
        raise NotYet(f"the number of channels is not {show(channels)}: {reason}.")
    for side in sides:
        if side != 16:
            formula = "(size + 2 * padding - kernel) / stride, rounded down, + 1"
            reason = SIZE_MISTAKES.get(side, f"the formula is {formula}")
            raise NotYet(f"height and width are not {show(side)}: {reason}.")


# Exercise 2. The picture and the kernel also stand in the text of the exercise.
IMAGE = torch.tensor([[1.0, 2, 0, 1], [0, 1, 3, 2], [2, 0, 1, 0], [1, 3, 0, 2]])
KERNEL = torch.tensor([[0.0, 1, 0], [2, 0, -1], [0, 0, 3]])


def convolve(
    image: Tensor,
    kernel: Tensor,
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int, int, int] = (0, 0, 0, 0),
    mode: str = "constant",
) -> Tensor:
    """PyTorch's convolution of [H, W] by [kh, kw]; padding: left, right, top, bottom."""
    padded = F.pad(image[None, None], padding, mode=mode)
    return F.conv2d(padded, kernel[None, None], stride=stride)[0, 0]


def matrix_products(image: Tensor, kernel: Tensor, stride: int = 1) -> Tensor:
    """The wrong idea of a matrix product of patch and kernel at each place, summed; [OH, OW]."""
    height, width = kernel.shape
    patches = image.unfold(0, height, stride).unfold(1, width, stride)  # [OH, OW, kh, kw]
    return (patches @ kernel).sum(dim=(2, 3))


FLIPPED = (
    "you turned the kernel by 180 degrees, as mathematicians do when they say convolution. "
    "Deep learning lays the kernel on as it stands."
)
BY_HAND_MISTAKES = [
    Misconception(FLIPPED, lambda image, kernel: convolve(image, kernel.flip(0, 1))),
    Misconception(
        "you mirrored the kernel from left to right: lay it on as it stands.",
        lambda image, kernel: convolve(image, kernel.flip(1)),
    ),
    Misconception(
        "you mirrored the kernel from top to bottom: lay it on as it stands.",
        lambda image, kernel: convolve(image, kernel.flip(0)),
    ),
    Misconception(
        "you exchanged rows and columns of the kernel: lay it on as it stands.",
        lambda image, kernel: convolve(image, kernel.T),
    ),
    Misconception(
        "the four sums are right, but rows and columns of the result are exchanged: "
        "a step to the right fills the next column.",
        lambda image, kernel: convolve(image, kernel).T,
    ),
    Misconception(
        "this comes from a matrix product (row times column). "
        "Multiply each cell of the patch by the kernel's cell that lies on it.",
        matrix_products,
    ),
    Misconception(
        "you added up the pixels without the kernel: multiply each by the kernel's cell first.",
        lambda image, kernel: convolve(image, torch.ones_like(kernel)),
    ),
    Misconception(
        "you took the kernel's minus for a plus: its last number in the middle row is -1.",
        lambda image, kernel: convolve(image, kernel.abs()),
    ),
    Misconception(
        "you divided by the nine cells: a convolution is the sum of the products, not their mean.",
        lambda image, kernel: convolve(image, kernel) / 9,
    ),
    Misconception(
        "you padded the picture: here the kernel stays inside, so only 2 × 2 places are left.",
        lambda image, kernel: convolve(image, kernel, padding=(1, 1, 1, 1)),
    ),
]


@checker
def check_by_hand(result: Any) -> str:
    """Exercise 2: the 2 x 2 result of a convolution, as rows of numbers."""
    require_attempted(result=result)
    numbers = as_numbers(result, "result")
    right = convolve(IMAGE, KERNEL)
    expected = as_numbers(right, "")
    if not close(numbers, expected):
        for mistake in BY_HAND_MISTAKES:
            if close(numbers, as_numbers(mistake.wrong(IMAGE, KERNEL), "")):
                raise NotYet(mistake.sentence)
        if numbers.shape != (2, 2):
            raise NotYet(
                f"result has the shape {list(numbers.shape)}. A 3 × 3 kernel fits into a 4 × 4 "
                "picture at 2 × 2 places: write two rows of two numbers."
            )
        row, column = np.argwhere(~np.isclose(numbers, expected, rtol=1e-3)).tolist()[0]
        patch = IMAGE[row : row + 3, column : column + 3]
        raise NotYet(
            f"row {row}, column {column} is not {show(float(numbers[row, column]))}. There the "
            f"kernel lies on {show(patch)}: multiply cell by cell with {show(KERNEL)} and add up."
        )
    return (
        "four places, nine products each, and no flip. "
        "PyTorch's conv2d does just this, for every pixel."
    )


@checker
def check_move_right(move_right: Any) -> str:
    """Exercise 3: the 3 x 3 kernel that moves a picture one pixel to the right."""
    require_attempted(move_right=move_right)
    kernel = as_numbers(move_right, "move_right")
    if kernel.shape not in ((3, 3), (1, 1, 3, 3)):
        raise NotYet(f"move_right has the shape {list(kernel.shape)}: 3 × 3 is asked for.")
    kernel = kernel.reshape(3, 3)
    if not np.isfinite(kernel).all():
        raise NotYet("move_right holds a NaN or an infinity: no pixel survives that.")
    used = np.argwhere(~np.isclose(kernel, 0, atol=1e-5)).tolist()
    if len(used) == 1:
        _judge_move(*used[0], float(kernel.sum()))
    else:
        _judge_mixture(kernel, len(used))
    return (
        "each output pixel copies its left neighbor, so the whole picture moves right. "
        "What comes in at the left edge?"
    )


def _judge_move(row: int, column: int, weight: float) -> None:
    # An output pixel reads the pixel at (row - 1, column - 1) from its own place.
    upright = {0: "down", 1: "", 2: "up"}[row]
    sideways = {0: "right", 1: "", 2: "left"}[column]
    way = " and ".join(filter(None, [upright, sideways]))
    if way != "right":
        raise NotYet(
            f"this kernel {f'moves the picture {way}' if way else 'leaves the picture where it is'}"
            ". Which neighbor must an output pixel look at, so that the picture moves right?"
        )
    if not math.isclose(weight, 1, rel_tol=1e-3):
        raise NotYet(
            f"it moves the picture right, but multiplies its brightness by {show(weight)}: "
            "the kernel's numbers must sum to 1."
        )


def _judge_mixture(kernel: np.ndarray, used: int) -> None:
    if not used:
        raise NotYet("a kernel of zeros makes every picture black: one number must be 1.")
    total = float(kernel.sum())
    if np.allclose(kernel, total / 9, atol=1e-3):
        problem = "this kernel blurs: all nine neighbors count alike."
    else:
        problem = f"this kernel mixes {used} pixels into each output pixel."
    if not math.isclose(total, 1, rel_tol=1e-3):
        problem += f" Its numbers sum to {show(total)}, so the brightness changes, too."
    raise NotYet(f"{problem} To move a picture, copy one neighbor and leave out the others.")
