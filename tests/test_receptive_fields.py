"""Receptive fields: the rectangle that is told holds the pixels that are read, and no more."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.receptive_fields import ReceptiveField, ReceptiveFields

HEIGHT, WIDTH = 29, 34


def field_of(network, example: Tensor | None = None) -> ReceptiveField | None:
    example = torch.rand(1, 2, HEIGHT, WIDTH) if example is None else example
    with torch.no_grad(), ReceptiveFields(example) as fields:
        return fields.of(network(example))


def pixels_read(network, row: int, column: int) -> tuple[int, int, int, int]:
    """The box around the pixels with a gradient; with positive weights none cancels out."""
    example = torch.rand(1, 2, HEIGHT, WIDTH, dtype=torch.float64, requires_grad=True)
    network(example)[0, :, row, column].sum().backward()
    rows, columns = (example.grad != 0).sum((0, 1)).nonzero(as_tuple=True)
    return int(rows.min()), int(columns.min()), int(rows.max()) + 1, int(columns.max()) + 1


def clipped(window: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    top, left, bottom, right = window
    return max(top, 0), max(left, 0), min(bottom, HEIGHT), min(right, WIDTH)


class Shortcut(nn.Module):
    def __init__(self, *layers: nn.Module, join=torch.add) -> None:
        super().__init__()
        self.layers, self.join = nn.Sequential(*layers), join

    def forward(self, x: Tensor) -> Tensor:
        return self.join(x, self.layers(x))


class Padding(nn.Module):
    def __init__(self, *widths: int) -> None:
        super().__init__()
        self.widths = widths

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x, self.widths)


def concatenated(*tensors: Tensor) -> Tensor:
    return torch.cat(tensors, dim=1)


def conv(kernel, in_channels: int = 2, **settings) -> nn.Conv2d:
    return nn.Conv2d(in_channels, 2, kernel, **settings)


LINEAR_NETWORKS = {
    "one convolution": conv(3),
    "stride": nn.Sequential(conv(3, stride=2), conv(3, stride=(1, 2)), conv(2)),
    "padding": nn.Sequential(conv(5, padding=2), conv((3, 5), padding=(1, 2))),
    "padding same": nn.Sequential(conv(3, padding="same"), conv(5, padding="same")),
    "dilation": nn.Sequential(conv(3, dilation=2), conv(3, dilation=(1, 3), padding=1)),
    "depthwise": conv(3, stride=2, groups=2, padding=1),
    "average pooling": nn.Sequential(conv(3), nn.AvgPool2d(2), conv(2), nn.AvgPool2d(3, 2, 1)),
    "ceiling": nn.Sequential(nn.AvgPool2d(3, stride=2, ceil_mode=True), conv(3)),
    "overlapping pooling": nn.Sequential(nn.AvgPool2d((2, 3), stride=1), conv(2, stride=3)),
    "adaptive pooling": nn.Sequential(nn.ZeroPad2d((1, 1, 0, 0)), nn.AdaptiveAvgPool2d((29, 12))),
    "lopsided zeros": nn.Sequential(conv(3, stride=2), nn.ZeroPad2d((2, 0, 1, 3)), conv(3)),
    "zeros at the sides": nn.Sequential(Padding(3, 1), conv(3)),
    "cropping": nn.Sequential(conv(3, stride=2), nn.ZeroPad2d(-2), conv(3)),
    "batch norm": nn.Sequential(conv(3), nn.BatchNorm2d(2), nn.Dropout2d(), conv(3)),
    "activations": nn.Sequential(conv(3), nn.ReLU(inplace=True), nn.ReLU6(), nn.PReLU(), conv(2)),
    "more activations": nn.Sequential(conv(2), nn.Mish(), nn.Hardswish(), nn.Softplus(), nn.ELU()),
    "residual": nn.Sequential(conv(3, stride=2), Shortcut(conv(3, padding=1), conv(5, padding=2))),
    "concatenation": nn.Sequential(
        conv(3, stride=2),
        Shortcut(nn.AvgPool2d(3, 1, 1), conv(5, padding=2), join=concatenated),
        conv(3, in_channels=4, stride=2),
    ),
    "branches to the left and right": Shortcut(
        nn.ZeroPad2d((2, -2, 0, 0)), nn.ZeroPad2d((0, 0, -3, 3)), join=torch.add
    ),
}


def positive(network: nn.Module) -> nn.Module:
    network = network.double().eval()
    for parameter in network.parameters():
        parameter.data.uniform_(0.1, 0.2)
    return network


def double_example() -> Tensor:
    return torch.rand(1, 2, HEIGHT, WIDTH, dtype=torch.float64)


@pytest.mark.parametrize("network", LINEAR_NETWORKS.values(), ids=LINEAR_NETWORKS)
def test_the_rectangle_is_where_the_gradient_is(network):
    network = positive(network)
    field = field_of(network, double_example())
    *_, rows, columns = network(double_example()).shape
    cells = [(row, column) for row in range(rows) for column in range(columns)]
    inside = [cell for cell in cells if clipped(field.window(*cell)) == field.window(*cell)]
    assert len(inside) >= 8
    for cell in [*inside[:: len(inside) // 4], inside[-1]]:
        assert pixels_read(network, *cell) == field.window(*cell)


@pytest.mark.parametrize("name", ["padding", "padding same", "average pooling", "residual"])
def test_at_the_border_the_rectangle_reaches_into_the_padding(name):
    network = positive(LINEAR_NETWORKS[name])
    field = field_of(network, double_example())
    assert field.start[0] < 0
    assert field.start[1] < 0
    assert pixels_read(network, 0, 0) == clipped(field.window(0, 0))


def test_by_hand():
    network = nn.Sequential(conv(3, padding=1), nn.MaxPool2d(2), conv(3, padding=1))
    assert field_of(network[:1]) == ReceptiveField(start=(-1, -1), jump=(1, 1), size=(3, 3))
    assert field_of(network[:2]) == ReceptiveField(start=(-1, -1), jump=(2, 2), size=(4, 4))
    assert field_of(network) == ReceptiveField(start=(-3, -3), jump=(2, 2), size=(8, 8))
    assert field_of(network).window(2, 5) == (1, 7, 9, 15)
    assert str(field_of(network)) == "8 × 8"


def rows_that_matter(layer, example: Tensor, row: int) -> tuple[int, int]:
    """First and last row of pixels that reach a row of cells: "not a number" goes everywhere."""
    size = example.shape[2]
    marked = example.repeat(size, 1, 1, 1)
    marked[torch.arange(size), :, torch.arange(size)] = torch.nan
    with torch.inference_mode():
        reached = layer(marked)[:, :, row].isnan().flatten(1).any(dim=1).nonzero()
    return int(reached.min()), int(reached.max())


@pytest.mark.parametrize(
    ("last", "size", "row"),
    [("maxpool", 11, 7), ("layer1", 43, 7), ("layer2", 99, 6), ("layer3", 211, 1)],
)
def test_resnet18(last, size, row):
    from torchvision.models import resnet18

    network = resnet18().eval()
    network.fc = nn.Identity()
    children = dict(network.named_children())
    layer = nn.Sequential(*list(children.values())[: list(children).index(last) + 1])
    example = torch.rand(1, 3, 64, 16)
    field = field_of(layer, example)
    assert field.size == (size, size)  # as published: Araujo, Norris and Sim (2019)
    top, _, bottom, _ = field.window(row, 0)
    assert rows_that_matter(layer, example, row) == (max(top, 0), min(bottom, 64) - 1)
    assert str(field_of(network, example)) == "whole picture"


def written_through_view(x: Tensor) -> Tensor:
    means = x.mean((2, 3))
    means.view(1, 2, 1, 1).relu_()
    return means


WHOLE_PICTURE = {
    "mean": lambda x: x.mean((2, 3)),
    "mean of all": lambda x: x - x.mean(),
    "global average pooling": nn.AdaptiveAvgPool2d(1),
    "global maximum pooling": nn.AdaptiveMaxPool2d(1),
    "a classifier": nn.Sequential(conv(3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 5)),
    "in place": lambda x: F.linear(x.mean((2, 3)), torch.ones(5, 2)).relu_(),
    "written through a view": written_through_view,
    "squeeze and excitation": lambda x: x * torch.sigmoid(x.amax((-2, -1), keepdim=True)),
    "in other words": lambda x: x * x.mean((2, 3)).view(1, 2, 1, 1).expand_as(x),
    "then a convolution": lambda x: F.conv2d(
        x * x.sum((2, 3), keepdim=True), torch.ones(2, 2, 3, 3)
    ),
    "pooling that covers all": lambda x: x * F.avg_pool2d(x, (HEIGHT, WIDTH)),
}


@pytest.mark.parametrize("network", WHOLE_PICTURE.values(), ids=WHOLE_PICTURE)
def test_the_whole_picture(network):
    field = field_of(network)
    assert field == ReceptiveField.whole(HEIGHT, WIDTH)
    assert field.window(3, 4) == (0, 0, HEIGHT, WIDTH)
    assert str(field) == "whole picture"


def written_buffer(x: Tensor) -> Tensor:
    buffer = torch.zeros(1, 2, HEIGHT + 2, WIDTH)
    buffer[:, :, 1:-1].copy_(x)
    return buffer


def view_of_written_buffer(x: Tensor) -> Tensor:
    buffer = torch.zeros(1, 2, HEIGHT + 2, WIDTH)
    below = buffer[:, :, 2:]
    buffer[:, :, 1:-1].copy_(x)
    return below + x


def written_alias(x: Tensor) -> Tensor:
    x = x.clone()
    alias = x.detach()
    x += x.flip(2)
    return alias


LEFT_OVER = nn.Sequential(conv(5), nn.MaxPool2d(2), conv(5), nn.MaxPool2d(3))


@pytest.mark.parametrize(
    "pooling",
    [nn.AdaptiveAvgPool2d(1), nn.AdaptiveMaxPool2d(1), lambda x: x.mean((2, 3), keepdim=True)],
)
def test_pixels_that_no_cell_reads_are_not_seen_after_global_pooling(pooling):
    network = positive(LEFT_OVER)
    field = field_of(lambda x: pooling(network(x)).relu(), double_example())
    assert field.window(0, 0) == (0, 0, 24, 30)
    assert str(field) == "24 × 30"
    means = nn.Sequential(network, nn.AdaptiveAvgPool2d(1))
    bottom, right = pixels_read(means, 0, 0)[2:]
    assert bottom <= 24
    assert right <= 30


UNDEFINED = {
    "transposed convolution": nn.ConvTranspose2d(2, 2, 3),
    "interpolation": nn.Upsample(scale_factor=2),
    "reflection": conv(3, padding=1, padding_mode="reflect"),
    "wrapped around": conv(3, padding=1, padding_mode="circular"),
    "batch norm's own statistics": nn.BatchNorm2d(2, track_running_stats=False),
    "uneven adaptive pooling": nn.AdaptiveAvgPool2d((2, 3)),
    "flattening": nn.Flatten(),
    "softmax over cells": nn.Softmax(dim=3),
    "mean of rows": lambda x: x.mean(2, keepdim=True),
    "put side by side": lambda x: torch.cat([x, x], dim=2),
    "turned": lambda x: x.flip(2),
    "transposed": lambda x: x.transpose(2, 3),
    "part of the rows": lambda x: x[:, :, 1:],
    "two scales": lambda x: F.conv2d(x, torch.ones(2, 2, 1, 1), stride=2) + x[:, :, :15, :17],
    "two jumps": lambda x: F.max_pool2d(x, 2) + F.pad(x, (0, -17, 0, -15)),
    "one cell for all": lambda x: x + F.avg_pool2d(x, (HEIGHT - 1, WIDTH)),
    "weights made of pixels": lambda x: F.conv2d(torch.ones(1, 2, 50, 50), x),
    "five axes": lambda x: (x * torch.ones(1, 1, 1, 1, 1)).mean((2, 3)),
    "a written buffer": written_buffer,
    "a view of a written buffer": view_of_written_buffer,
    "a written alias": written_alias,
}


@pytest.mark.parametrize("network", UNDEFINED.values(), ids=UNDEFINED)
def test_undefined(network):
    assert field_of(network) is None
    assert field_of(lambda x: network(x).relu() + 1) is None


def test_channels_may_be_split_and_joined():
    def shuffled(x: Tensor) -> Tensor:
        left, right = x.chunk(2, dim=1)
        return torch.cat([right, left[:, :1, :, :], torch.ones_like(left)], dim=1)

    field = field_of(lambda x: shuffled(F.max_pool2d(x, 3)))
    assert field == ReceptiveField(start=(0, 0), jump=(3, 3), size=(3, 3))


def test_constants_have_none_and_count_for_nothing():
    assert field_of(lambda x: torch.ones(1, 2, HEIGHT, WIDTH)) is None
    grid = torch.linspace(0, 1, WIDTH).expand(1, 1, HEIGHT, WIDTH)
    assert field_of(lambda x: torch.cat([x, grid], dim=1)).size == (1, 1)
    assert field_of(lambda x: torch.zeros_like(x).add_(x)).size == (1, 1)
    assert field_of(lambda x: torch.maximum(x, x.new_zeros(x.shape))).size == (1, 1)


def test_other_inputs_are_undefined():
    assert field_of(lambda x: x + 1, torch.rand(1, 7)) is None
    assert field_of(nn.Embedding(5, 3), torch.tensor([[1, 2]])) is None


def test_tensors_without_memory_share_none():
    def network(x: Tensor) -> Tensor:
        F.avg_pool2d(x, 3, stride=1, padding=1).relu_()
        return x + 1

    assert field_of(network, torch.rand(1, 2, 9, 9, device="meta")).size == (1, 1)


def test_tensors_are_not_kept_alive():
    sizes = []

    def network(x: Tensor) -> Tensor:
        for _ in range(3):
            x = F.max_pool2d(x, 2)
            sizes.append(len(fields._known))
        return x

    example = torch.rand(1, 1, 64, 64)
    with torch.no_grad(), ReceptiveFields(example) as fields:
        network(example)
    assert max(sizes) <= 4
