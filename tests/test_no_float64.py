"""Apple's GPUs have no float64: numbers from a network go to the CPU before they become that."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from course_utils.explorers.answers import answers
from course_utils.explorers.cells import Convolution, cell_sum
from course_utils.explorers.gallery import Gallery
from course_utils.graph_training import accuracy_on
from course_utils.sanity import rank_correlation


class OnMetal(Tensor):
    """A tensor that behaves as one on an Apple GPU, as far as float64 is concerned."""

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is Tensor.cpu:
            return args[0].as_subclass(Tensor)
        given = (*args, *kwargs.values())
        if func is Tensor.double or any(value is torch.float64 for value in given):
            raise TypeError("Cannot convert a MPS Tensor to float64 dtype")
        return super().__torch_function__(func, types, args, kwargs)


def on_metal(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0)).as_subclass(OnMetal)


class Network(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return images.mean((2, 3)).as_subclass(OnMetal)


def test_answers():
    assert len(answers(on_metal(1, 3), None).likeliest) == 3


def test_the_gallery_of_explanations():
    picture = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    gallery = Gallery(Network(), {"noise": picture}, lambda x: x / 255, ["a", "b", "c"])
    assert gallery["noise"].probabilities.dtype == np.float64


def test_the_arithmetic_of_a_cell():
    inputs, weight = on_metal(2, 5, 5), on_metal(4, 2, 3, 3)
    plain = [values.as_subclass(Tensor) for values in (inputs, weight)]
    maps = torch.conv2d(plain[0][None], plain[1])
    layer = Convolution(inputs, weight, None, (1, 1), (0, 0), (1, 1), 1)
    assert cell_sum(layer, 1, 2, 0, maps[0, 1, 2, 0].item()).products == 18


def test_rank_correlation():
    assert rank_correlation(on_metal(2, 4, 4), on_metal(2, 4, 4)).tolist() == [1, 1]


def test_accuracy_on_nodes():
    class GraphNetwork(Network):
        def forward(self, features: Tensor, matrix: Tensor) -> Tensor:
            return features.as_subclass(OnMetal)

    nodes = torch.arange(3)
    assert accuracy_on(GraphNetwork(), torch.eye(3), torch.eye(3), nodes, nodes) == 1
