"""A picture as a graph: 3 x 3 convolutions whose nine weights are tied, down to one for all."""

from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Kinds = Literal[1, 2, 9]


class TiedConv2d(nn.Module):
    """A 3 x 3 convolution on a picture's graph, where each pixel is tied to its 8 neighbors.

    With 9 kinds of weights, each of the nine taps has a matrix of its own: `nn.Conv2d` with zero
    padding. With 2, the eight taps around the pixel share one, divided by 8: it is applied to the
    mean of the neighbors, where those beyond the border are 0. With 1, all taps share one matrix W,
    normalized as in a graph convolutional network (Kipf and Welling, 2017):
    D^-1/2 (A + I) D^-1/2 X W + b, where the border has fewer neighbors.

    Input: float [N, inputs, H, W]. Output: float [N, outputs, H, W].

    Args:
        inputs, outputs: channels.
        kinds: 1, 2 or 9.

    Raises:
        ValueError: `kinds` is another number.
    """

    def __init__(self, inputs: int, outputs: int, kinds: Kinds) -> None:
        super().__init__()
        if kinds not in get_args(Kinds):
            raise ValueError(f"A tied convolution has 1, 2 or 9 kinds of weights, not {kinds}.")
        self.kinds = kinds
        if kinds == 9:
            self.weights = nn.Conv2d(inputs, outputs, 3, padding=1)
        else:
            self.weights = nn.Conv2d(kinds * inputs, outputs, 1)  # with 2: the pixel, then the ring
        # He et al. (2015). PyTorch's own first weights are smaller, and 1 and 2 kinds learn slowly.
        nn.init.kaiming_normal_(self.weights.weight, nonlinearity="relu")
        nn.init.zeros_(self.weights.bias)

    def forward(self, x: Tensor) -> Tensor:
        """The pixels' next features."""
        if self.kinds == 1:
            scale = _box_sum(torch.ones_like(x[:1, :1])).rsqrt()  # [1, 1, H, W]
            x = scale * _box_sum(scale * x)
        if self.kinds == 2:
            x = torch.cat([x, (_box_sum(x) - x) / 8], dim=1)
        return self.weights(x)


def _box_sum(x: Tensor) -> Tensor:
    """The sum over each pixel and its neighbors; those beyond the border are 0."""
    channels = x.shape[1]
    return F.conv2d(x, x.new_ones(channels, 1, 3, 3), padding=1, groups=channels)


class PixelNetwork(nn.Sequential):
    """Three tied convolutions with ReLU, the mean over the pixels, and one linear layer.

    Input: float [N, inputs, H, W]. Output: logits [N, classes].

    Args:
        kinds: of weights in each convolution: 1, 2 or 9.
        width: channels of each convolution.
        inputs: channels of the pictures.
        classes: number of classes.
    """

    def __init__(self, kinds: Kinds, width: int = 24, inputs: int = 1, classes: int = 10) -> None:
        layers: list[nn.Module] = []
        for channels in (inputs, width, width):
            layers += [TiedConv2d(channels, width, kinds), nn.ReLU()]
        super().__init__(
            *layers,
            nn.AdaptiveAvgPool2d(1),  # [N, width, H, W] -> [N, width, 1, 1]
            nn.Flatten(),
            nn.Linear(width, classes),
        )


def with_positions(images: Tensor) -> Tensor:
    """Pictures [N, C, H, W] with two more channels: row and column, from −1 to 1."""
    count, _, height, width = images.shape
    rows = torch.linspace(-1, 1, height, dtype=images.dtype, device=images.device)
    columns = torch.linspace(-1, 1, width, dtype=images.dtype, device=images.device)
    places = torch.stack(torch.meshgrid(rows, columns, indexing="ij"))  # [2, H, W]
    return torch.cat([images, places.expand(count, -1, -1, -1)], dim=1)
