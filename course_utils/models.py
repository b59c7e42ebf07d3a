"""The networks that more than one chapter uses. Chapter 2 writes the first two out."""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from course_utils.tables import Table


class FashionDNN(nn.Sequential):
    """Dense network 784 -> 256 -> 128 -> 10, as published; 235,146 parameters.

    Input: float [N, 1, 28, 28]. Output: logits [N, 10].
    """

    def __init__(self) -> None:
        super().__init__(
            OrderedDict(
                flatten=nn.Flatten(),  # [N, 1, 28, 28] -> [N, 784]
                fc1=nn.Linear(784, 256),
                relu1=nn.ReLU(),
                dropout=nn.Dropout(0.25),
                fc2=nn.Linear(256, 128),
                relu2=nn.ReLU(),
                fc3=nn.Linear(128, 10),
            )
        )


def _convolutional_base() -> OrderedDict[str, nn.Module]:
    return OrderedDict(
        conv1=nn.Conv2d(1, 32, kernel_size=3, padding=1),
        bn1=nn.BatchNorm2d(32),
        relu1=nn.ReLU(),
        pool1=nn.MaxPool2d(2),  # [N, 32, 28, 28] -> [N, 32, 14, 14]
        conv2=nn.Conv2d(32, 64, kernel_size=3),
        bn2=nn.BatchNorm2d(64),
        relu2=nn.ReLU(),
        pool2=nn.MaxPool2d(2),  # [N, 64, 12, 12] -> [N, 64, 6, 6]
    )


class FashionCNN(nn.Sequential):
    """Two convolution blocks and three linear layers, as published; 1,475,338 parameters.

    As published there is no non-linearity between the linear layers, so that they are together
    one linear map; `head_relu=True` adds the two that are missing.

    Input: float [N, 1, 28, 28]. Output: logits [N, 10].
    """

    def __init__(self, head_relu: bool = False) -> None:
        layers = _convolutional_base()
        layers["flatten"] = nn.Flatten()  # [N, 64, 6, 6] -> [N, 2304]
        layers["fc1"] = nn.Linear(2304, 600)
        if head_relu:
            layers["relu3"] = nn.ReLU()
        layers["dropout"] = nn.Dropout(0.25)
        layers["fc2"] = nn.Linear(600, 120)
        if head_relu:
            layers["relu4"] = nn.ReLU()
        layers["fc3"] = nn.Linear(120, 10)
        super().__init__(layers)


class GlobalPoolCNN(nn.Sequential):
    """The convolution blocks of `FashionCNN`, then each feature map's mean; 19,658 parameters.

    Input: float [N, 1, H, W], H and W at least 10. Output: logits [N, 10].
    """

    def __init__(self) -> None:
        layers = _convolutional_base()
        layers["global_pool"] = nn.AdaptiveAvgPool2d(1)  # [N, 64, 6, 6] -> [N, 64, 1, 1]
        layers["flatten"] = nn.Flatten()
        layers["fc"] = nn.Linear(64, 10)
        super().__init__(layers)


class SmallHeadCNN(nn.Sequential):
    """`FashionCNN` with one hidden layer of 93: 234,313 parameters, `FashionDNN` less 0.4%.

    Input: float [N, 1, 28, 28]. Output: logits [N, 10].
    """

    def __init__(self) -> None:
        layers = _convolutional_base()
        layers["flatten"] = nn.Flatten()
        layers["fc1"] = nn.Linear(2304, 93)
        layers["relu3"] = nn.ReLU()
        layers["dropout"] = nn.Dropout(0.25)
        layers["fc2"] = nn.Linear(93, 10)
        super().__init__(layers)


def count_parameters(model: nn.Module) -> int:
    """Number of trainable parameters."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode inside; afterward each layer is in the mode in which it was."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


@dataclass(frozen=True)
class LayerRow:
    """One layer of a network, for one example.

    `shape` is the output's without the batch axis, None if the layer gave no single tensor;
    `parameters` counts frozen ones too; `multiply_adds` counts those of matrix products and
    convolutions, which are nearly all.
    """

    name: str
    kind: str
    shape: tuple[int, ...] | None
    parameters: int
    multiply_adds: int


def layer_table(model: nn.Module, example: Tensor) -> list[LayerRow]:
    """Each layer of `model` that has no layers inside, in the order in which `example` meets them.

    Args:
        model: any network; it is left in the mode in which it was.
        example: one input [1, ...] on the model's device.
    """
    from torch.utils.flop_counter import FlopCounterMode  # loads much that nothing else needs

    rows: list[LayerRow] = []
    names = {module: name for name, module in model.named_modules()}
    counter = FlopCounterMode(display=False)
    before = 0

    def note(module: nn.Module, inputs: tuple[Tensor, ...], output: Any) -> None:
        nonlocal before
        total = counter.get_total_flops()
        # The counter follows the usual convention: a multiply-add is two operations.
        multiply_adds, before = (total - before) // 2, total
        shape = tuple(output.shape[1:]) if isinstance(output, Tensor) else None
        kind, parameters = type(module).__name__, _all_parameters(module)
        rows.append(LayerRow(names[module], kind, shape, parameters, multiply_adds))

    leaves = [module for module in model.modules() if not list(module.children())]
    hooks = [module.register_forward_hook(note) for module in leaves]
    try:
        with evaluating(model), torch.inference_mode(), counter:
            model(example)
    finally:
        for hook in hooks:
            hook.remove()
    return rows


def layer_summary(model: nn.Module, example: Tensor) -> Table:
    """`layer_table` for reading, with a row of totals: all the network's parameters, once each."""
    rows = layer_table(model, example)
    shapes = ["no single tensor" if row.shape is None else list(row.shape) for row in rows]
    lines = [
        [row.kind, shape, f"{row.parameters:,}", f"{row.multiply_adds:,}"]
        for row, shape in zip(rows, shapes, strict=True)
    ]
    multiply_adds = sum(row.multiply_adds for row in rows)
    lines.append(["total", "", f"{_all_parameters(model):,}", f"{multiply_adds:,}"])
    return Table(["layer", "output shape", "parameters", "multiply-adds"], lines)


def _all_parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())
