"""Checkers of the functions that chapter 1 asks for: a convolution and a receptive field."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

from course_utils.checks.base import NotYet, checker
from course_utils.checks.convolution import FLIPPED, convolve, matrix_products
from course_utils.checks.functions import Case, FunctionExercise, Misconception


def _right_conv2d(image: Tensor, kernel: Tensor, stride: int, padding: int) -> Tensor:
    return convolve(image, kernel, (stride, stride), (padding,) * 4)


def _changed(change: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
    """The right convolution, with `change` applied to its result."""
    return lambda *arguments: change(_right_conv2d(*arguments))


def _zero_last(result: Tensor) -> Tensor:
    return F.pad(result[:-1, :-1], (0, 1, 0, 1))


def _range_too_short(image: Tensor, kernel: Tensor, stride: int, padding: int) -> Tensor:
    # The places range(0, size - kernel, stride) visits: the last is missing where it just fits.
    last = [side + 2 * padding - k for side, k in zip(image.shape, kernel.shape, strict=True)]
    rows, columns = (-(-end // stride) for end in last)
    return _right_conv2d(image, kernel, stride, padding)[:rows, :columns]


def _differ_by_constant(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and np.ptp(a - b) < 1e-4


def _conv2d_case(
    height: int, width: int, kernel: list[list[float]], stride: int, padding: int
) -> Case:
    # Small whole numbers without a pattern, the same ones at each call.
    pixels = [(7 * i * i + 5 * i + 1) % 29 % 10 for i in range(height * width)]
    return Case(
        {
            "image": torch.tensor(pixels, dtype=torch.float32).reshape(height, width),
            "kernel": torch.tensor(kernel, dtype=torch.float32),
            "stride": stride,
            "padding": padding,
        }
    )


ONE_SIDE = (
    "you pad on one side only: add `padding` rows above and below, and as many columns "
    "on the left and on the right."
)
TOO_SMALL = (
    "the last place where the kernel still fits is missing, so the output is one too small: "
    "there are (size + 2 * padding - kernel) // stride + 1 places along a side."
)
CONV2D = FunctionExercise(
    name="my_conv2d",
    right=_right_conv2d,
    cases=[
        _conv2d_case(3, 4, [[1, 2], [0, -1]], stride=1, padding=0),
        _conv2d_case(4, 3, [[0, 1, 0], [2, 0, -1], [0, 0, 3]], stride=1, padding=1),
        _conv2d_case(5, 6, [[1, 0.5], [-2, 3]], stride=2, padding=0),
        _conv2d_case(3, 4, [[1, -1, 2]], stride=1, padding=1),
        _conv2d_case(5, 4, [[1, 0, 2], [0, -1, 0], [0.5, 0, 0]], stride=2, padding=1),
        _conv2d_case(4, 3, [[2], [1]], stride=3, padding=2),
    ],
    misconceptions=[
        Misconception(
            FLIPPED, lambda image, kernel, *rest: _right_conv2d(image, kernel.flip(0, 1), *rest)
        ),
        Misconception(
            "you exchanged rows and columns of the kernel: multiply patch and kernel as they lie.",
            lambda image, kernel, *rest: _right_conv2d(image, kernel.T, *rest),
        ),
        Misconception(
            "the stride is ignored: from one output pixel to the next, the kernel moves `stride` "
            "pixels.",
            lambda image, kernel, stride, padding: _right_conv2d(image, kernel, 1, padding),
        ),
        Misconception(
            "the stride is used for the rows only: columns are skipped, too.",
            lambda image, kernel, stride, padding: convolve(
                image, kernel, (stride, 1), (padding,) * 4
            ),
        ),
        Misconception(
            "the stride is used for the columns only: rows are skipped, too.",
            lambda image, kernel, stride, padding: convolve(
                image, kernel, (1, stride), (padding,) * 4
            ),
        ),
        Misconception(
            "the padding is ignored: lay `padding` rows and columns of zeros around the picture.",
            lambda image, kernel, stride, padding: _right_conv2d(image, kernel, stride, 0),
        ),
        Misconception(
            ONE_SIDE,
            lambda image, kernel, stride, padding: convolve(
                image, kernel, (stride, stride), (padding, 0, padding, 0)
            ),
        ),
        Misconception(
            ONE_SIDE,
            lambda image, kernel, stride, padding: convolve(
                image, kernel, (stride, stride), (0, padding, 0, padding)
            ),
        ),
        Misconception(
            "you repeat the border pixels around the picture: zeros are asked for.",
            lambda image, kernel, stride, padding: convolve(
                image, kernel, (stride, stride), (padding,) * 4, mode="replicate"
            ),
        ),
        Misconception(TOO_SMALL, _changed(lambda result: result[:-1, :-1])),
        Misconception(TOO_SMALL, _range_too_short),
        Misconception(
            "the last row and column of the output stay 0: the loops stop one step too early.",
            _changed(_zero_last),
        ),
        Misconception(
            "the output has one row and one column too many: "
            "there are (size + 2 * padding - kernel) // stride + 1 places along a side.",
            _changed(lambda result: F.pad(result, (0, 1, 0, 1))),
        ),
        Misconception(
            "you take the mean of the products: a convolution is their sum.",
            lambda image, kernel, *rest: _right_conv2d(image, kernel / kernel.numel(), *rest),
        ),
        Misconception(
            "you add up the pixels without the kernel: multiply patch and kernel cell by cell.",
            lambda image, kernel, *rest: _right_conv2d(image, torch.ones_like(kernel), *rest),
        ),
        Misconception(
            "patch @ kernel is a matrix product: multiply cell by cell, patch * kernel, then sum.",
            lambda image, kernel, stride, padding: matrix_products(
                F.pad(image, (padding,) * 4), kernel, stride
            ),
        ),
        Misconception(
            "every output is off by the same number: you add a bias, and none is asked for.",
            _changed(lambda result: result + 1),
            same=_differ_by_constant,
        ),
    ],
)


@checker
def check_my_conv2d(my_conv2d: Any) -> str:
    """Exercise 4: my_conv2d(image [H, W], kernel [kh, kw], stride, padding) -> [OH, OW]."""
    with _Watch() as watch:
        attempts = CONV2D.attempts(my_conv2d)
    if any(isinstance(made.value, list) for made in attempts):
        raise NotYet("my_conv2d returns a list: make it a tensor with torch.tensor(...).")
    CONV2D.judge(attempts)
    if watch.convolved:
        raise NotYet(
            "my_conv2d gives the right numbers, but lets PyTorch's own convolution compute them: "
            "multiply and add up the patches yourself."
        )
    return (
        "your function agrees with PyTorch's conv2d, for odd and even kernels, "
        "with stride and padding. How many multiply-adds does it take for one output pixel?"
    )


class _Watch(TorchFunctionMode):
    """Notes whether PyTorch's own convolution is called."""

    convolved = False

    def __torch_function__(
        self, func: Callable, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        self.convolved |= "conv" in getattr(func, "__name__", "")
        return func(*args, **(kwargs or {}))


Layers = Sequence[tuple[int, int]]


def _right_field(layers: Layers) -> int:
    field, step = 1, 1
    for kernel, stride in layers:
        field += (kernel - 1) * step
        step *= stride
    return field


def _own_stride_first(layers: Layers) -> int:
    field, step = 1, 1
    for kernel, stride in layers:
        step *= stride
        field += (kernel - 1) * step
    return field


def _last_stride_only(layers: Layers) -> int:
    field, step = 1, 1
    for kernel, stride in layers:
        field += (kernel - 1) * step
        step = stride
    return field


def _strides_added(layers: Layers) -> int:
    field, step = 1, 1
    for kernel, stride in layers:
        field += (kernel - 1) * step
        step += stride - 1
    return field


FIELD = FunctionExercise(
    name="receptive_field",
    right=_right_field,
    cases=[
        Case({"layers": layers})
        for layers in (
            [(3, 1)],
            [(3, 2), (3, 1)],
            [(5, 1), (3, 2), (2, 3)],
            [(3, 2), (3, 2), (3, 1)],
            [(7, 2), (3, 2), (3, 1), (3, 3), (5, 1)],
        )
    ],
    misconceptions=[
        Misconception(
            "you add up the kernel sizes. The first kernel sees its own size; each later one adds "
            "only kernel - 1 steps, because neighboring windows overlap.",
            lambda layers: sum(kernel for kernel, _ in layers),
        ),
        Misconception(
            "you ignore the strides: after a layer of stride 2, a step of the next kernel "
            "is 2 input pixels wide.",
            lambda layers: 1 + sum(kernel - 1 for kernel, _ in layers),
        ),
        Misconception(
            "you count a layer's stride before its own kernel: it widens the steps of the layers "
            "behind it, not its own.",
            _own_stride_first,
        ),
        Misconception(
            "you multiply the whole field by the strides: only the kernel - 1 steps of a layer "
            "are widened, by the strides of the layers before it.",
            lambda layers: (
                (1 + sum(kernel - 1 for kernel, _ in layers))
                * math.prod(stride for _, stride in layers)
            ),
        ),
        Misconception(
            "you take the layers in reverse order: the first in the list is next to the picture.",
            lambda layers: _right_field(layers[::-1]),
        ),
        Misconception(
            "you multiply the kernel sizes: each layer adds to the field, because neighboring "
            "windows overlap.",
            lambda layers: math.prod(kernel for kernel, _ in layers),
        ),
        Misconception(
            "the field is 1 too small: before any layer, a pixel sees itself, so begin with 1.",
            lambda layers: _right_field(layers) - 1,
        ),
        Misconception(
            "this is an area: the number of pixels along one side is asked for.",
            lambda layers: _right_field(layers) ** 2,
        ),
        Misconception(
            "you widen the steps by the last stride only: the strides of all earlier layers "
            "multiply.",
            _last_stride_only,
        ),
        Misconception("you add the strides up: they multiply.", _strides_added),
    ],
)


@checker
def check_receptive_field(receptive_field: Any) -> str:
    """Exercise 5: receptive_field(layers), layers a list of (kernel, stride), first layer first."""
    FIELD.judge(FIELD.attempts(receptive_field))
    return (
        "small kernels see far once there are enough of them, and strides speed that up. "
        "What is cheaper, one 7 × 7 kernel or three 3 × 3 kernels in a row?"
    )
