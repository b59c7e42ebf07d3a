"""Whether explorers notice that a network was changed, however that was done."""

import copy

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from course_utils.explorers.feature_maps import FeatureMapExplorer
from course_utils.explorers.layer_maps import State

PICTURES = {"noise": np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)}


def prepare(images: Tensor) -> Tensor:
    return images.float() / 255 - 0.5


@pytest.fixture
def network() -> nn.Sequential:
    torch.manual_seed(0)
    layers = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    return nn.Sequential(*layers, nn.Linear(4, 3)).eval()


def fit_a_little(network: nn.Module) -> None:
    optimizer = torch.optim.Adam(network.parameters(), lr=0.1, fused=True)
    network(torch.ones(1, 3, 16, 16)).square().sum().backward()
    optimizer.step()


def fill(network: nn.Module) -> None:
    with torch.no_grad():
        network[0].weight.fill_(1)


CHANGES = {
    "a counted write": fill,
    "a fused optimizer": fit_a_little,
    "a write through data": lambda network: network[1].running_var.data.mul_(3),
    "other data": lambda network: setattr(network[0].weight, "data", -network[0].weight),
    "a new parameter": lambda network: setattr(network[0], "bias", nn.Parameter(torch.ones(4))),
    "assigned weights": lambda network: network.load_state_dict(
        {name: values + 1 for name, values in network.state_dict().items()}, assign=True
    ),
    "a new layer": lambda network: network.append(nn.ReLU()),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_the_explorer_of_feature_maps_notices_a_change(network, change):
    explorer = FeatureMapExplorer(network, PICTURES, prepare)
    before = explorer._view
    explorer.choose(row=3)
    assert explorer._view is before
    change(network)
    explorer.choose(row=2)
    assert explorer.error is None
    look = explorer._view.look
    with torch.no_grad():
        assert torch.equal(look.output, network(look.inputs))
    assert not torch.equal(look.output, before.look.output)


def test_what_is_no_change(network):
    network[0].weight.data[0, 0, 0, 0] = torch.nan  # as after a training that failed
    network.register_buffer("matrix", torch.eye(3).to_sparse())
    network.register_buffer("phases", torch.ones(2, dtype=torch.complex64))
    state = State(network)
    network(torch.rand(1, 3, 16, 16))
    copy.deepcopy(network)
    network.train().eval().requires_grad_(False)
    assert state.is_current()
    network.phases.data.mul_(2)
    assert not state.is_current()
    assert State(nn.ReLU()).is_current()
