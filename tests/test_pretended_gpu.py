"""The GPU that tests pretend: it computes, and refuses most of what a real one refuses."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from pretended_gpu import pretended_gpu
from torch import nn


@pytest.fixture
def gpu() -> Iterator[torch.device]:
    with pretended_gpu() as device:
        yield device


def test_numbers_go_there_and_back(gpu):
    here = torch.arange(6.0).view(2, 3)
    there = here.to(gpu)
    assert there.device == gpu
    assert (there.T @ there).device == gpu
    assert torch.equal((there + 1).cpu(), here + 1)
    assert torch.equal(here.clone().zero_().copy_(there), here)
    assert there[1].tolist() == [3, 4, 5]
    assert there[0, 1].item() == 1
    assert torch.tensor([1.0, 2], device=gpu).cpu().tolist() == [1, 2]


def test_writing_into_a_view_writes_into_the_whole(gpu):
    there = torch.zeros(3, device=gpu)
    there[1:].add_(1)
    assert there.tolist() == [0, 1, 1]


@pytest.mark.parametrize(
    "mixed",
    [
        lambda there: there + torch.ones(3),
        lambda there: torch.stack([there, torch.ones(3)]),
        lambda there: torch.zeros(3)[there.long()],
        lambda there: nn.Linear(3, 1)(there),
        lambda there: there.index_put_((torch.tensor([0]),), torch.ones(1)),
    ],
)
def test_it_does_not_mix_with_the_cpu(gpu, mixed):
    with pytest.raises(RuntimeError, match="same device"):
        mixed(torch.ones(3, device=gpu))


def test_it_draws_with_its_own_generator_only(gpu):
    with pytest.raises(RuntimeError, match="generator"):
        torch.rand(3, device=gpu, generator=torch.Generator())


def test_it_mixes_with_what_any_gpu_takes(gpu):
    there = torch.ones(3, device=gpu)
    assert (there * torch.tensor(2.0)).tolist() == [2, 2, 2]
    assert there[torch.tensor([0, 2])].tolist() == [1, 1]


@pytest.mark.parametrize("turn", [lambda there: there.numpy(), np.asarray])
def test_numpy_wants_it_on_the_cpu(gpu, turn):
    with pytest.raises(TypeError, match="cpu"):
        turn(torch.ones(3, device=gpu))


@pytest.mark.parametrize("fused", [False, True])
def test_networks_learn_there_what_they_learn_here(gpu, fused):
    learned = []
    for device in (torch.device("cpu"), gpu):
        torch.manual_seed(0)
        parts = nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(72, 3)
        network = nn.Sequential(*parts).to(device)
        optimizer = torch.optim.Adam(network.parameters(), fused=fused)
        network(torch.rand(4, 1, 8, 8).to(device)).sum().backward()
        optimizer.step()
        learned.append(network[0].weight.detach().cpu())
    torch.testing.assert_close(*learned)
