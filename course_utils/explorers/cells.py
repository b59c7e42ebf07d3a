"""One number of a convolution layer's output, by hand: from the layer's input to the sum."""

from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils.explorers.base import ExplorerError
from course_utils.explorers.drawing import number
from course_utils.explorers.windows import require_same

SHOWN = 2  # input channels whose arithmetic is shown in full


class Convolution(NamedTuple):
    """The arguments with which a layer called PyTorch's convolution.

    Attributes:
        inputs: [channels, H, W]; a layer that pads with other than zeros has padded them.
        weight: [out, channels / groups, rows, columns].
        bias: [out], or None.
        stride, padding, dilation: along rows and columns.
        groups: into how many parts the channels are split.
    """

    inputs: Tensor
    weight: Tensor
    bias: Tensor | None
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    groups: int


class Term(NamedTuple):
    """What one input channel contributes.

    Attributes:
        channel: its index in the layer's input.
        patch, kernel: float64 [rows, columns].
        total: the sum of their products.
    """

    channel: int
    patch: np.ndarray
    kernel: np.ndarray
    total: float


class CellSum(NamedTuple):
    """How one number of the output comes about.

    Attributes:
        terms: the input channels that contribute most, at most `SHOWN`.
        others: the number of other input channels.
        rest: what these contribute.
        bias: what is added at the end, or None.
        products: how many products are added in all.
        total: the sum by hand.
        library: PyTorch's result, in double precision.
    """

    terms: tuple[Term, ...]
    others: int
    rest: float
    bias: float | None
    products: int
    total: float
    library: float


def cell_sum(
    convolution: Convolution, channel: int, row: int, column: int, output: float
) -> CellSum:
    """The sum behind one cell of a convolution's output, checked twice.

    By hand it must agree with PyTorch's `conv2d` in double precision, and with the layer's own
    output within the rounding of the layer's number format.

    Args:
        convolution: what the layer was given.
        channel, row, column: the cell.
        output: what the layer gave there, a finite number.

    Raises:
        ExplorerError: by hand the number is another one.
    """
    weight = convolution.weight[channel].cpu().double()
    bias = None if convolution.bias is None else float(convolution.bias[channel])
    inputs_used = len(weight)
    first = channel // (len(convolution.weight) // convolution.groups) * inputs_used
    window = _window(convolution, first, row, column)
    down, across = convolution.dilation
    patches, kernels = window[:, ::down, ::across].numpy(), weight.numpy()
    products = patches * kernels
    totals = products.sum(axis=(1, 2))
    total = float(totals.sum()) + (bias or 0.0)

    offset = None if bias is None else torch.tensor([bias], dtype=torch.float64)
    library = F.conv2d(window[None], weight[None], offset, dilation=convolution.dilation).item()
    size = float(np.abs(products).sum()) + abs(bias or 0.0)
    require_same(total, library, size, "conv2d")
    # Some libraries round inputs to 10 bits (TensorFloat-32), or rearrange the sum (Winograd).
    rounding = max(1e-3, 8 * torch.finfo(convolution.inputs.dtype).eps)
    if not abs(total - output) <= rounding * size + 1e-9:
        raise ExplorerError(
            f"By hand this cell is {number(total)}, but the layer gave {number(output)}: its "
            "output cannot be explained by its input and its weights. Run the cell again."
        )

    strongest = np.argsort(-np.abs(totals), kind="stable")[:SHOWN]
    terms = tuple(
        Term(first + int(place), patches[place], kernels[place], float(totals[place]))
        for place in strongest
    )
    rest = float(np.delete(totals, strongest).sum())
    others = inputs_used - len(terms)
    return CellSum(terms, others, rest, bias, products.size, total, library)


def _window(convolution: Convolution, first: int, row: int, column: int) -> Tensor:
    """All that lies below the kernel, float64 [channels, H, W]; 0 beyond the edge."""
    channels, *kernel = convolution.weight.shape[1:]
    inputs = convolution.inputs[first : first + channels]
    inside, target = [slice(None)], [slice(None)]
    shape = [channels]
    for axis, cell in enumerate((row, column)):
        reach = convolution.dilation[axis] * (kernel[axis] - 1) + 1
        start = cell * convolution.stride[axis] - convolution.padding[axis]
        low, high = max(start, 0), min(start + reach, inputs.shape[axis + 1])
        inside.append(slice(low, max(low, high)))
        target.append(slice(low - start, max(low, high) - start))
        shape.append(reach)
    window = torch.zeros(shape, dtype=torch.float64)
    window[tuple(target)] = inputs[tuple(inside)].cpu().double()
    return window
