"""Networks that forget, and how alike two explanations are."""

import copy

import pytest
import torch
from scipy.stats import spearmanr
from torch import Tensor, nn

from course_utils.models import FashionCNN
from course_utils.sanity import randomized, rank_correlation, stages


class Block(nn.Module):
    """Modules in another order than they run; one runs twice, one never, one is a parameter."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(4, 2)
        self.spare = nn.Linear(4, 4)
        self.norm2 = nn.BatchNorm2d(4, affine=False)
        self.conv = nn.Conv2d(4, 4, 3, padding=1)
        self.norm1 = nn.BatchNorm2d(4)
        self.stem = nn.Conv2d(1, 4, 3)
        self.scale = Scale()
        self.shift = nn.Parameter(torch.zeros(4))

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(self.stem(x)).relu()
        x = self.scale(self.norm1(x))
        x = self.norm2(self.conv(x)).relu()
        return self.head(x.mean((2, 3)) + self.shift)


class Scale(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        return self.factor * x


def trained() -> FashionCNN:
    torch.manual_seed(0)
    network = FashionCNN()
    with torch.no_grad():
        for value in network.state_dict().values():
            value.add_(1)
    return network


def test_stages_go_from_the_output_down():
    expected = [("fc3",), ("fc2",), ("fc1",), ("conv2", "bn2"), ("conv1", "bn1")]
    assert stages(FashionCNN(), torch.zeros(1, 1, 28, 28)) == expected


def test_stages_follow_the_forward_pass():
    found = stages(Block(), torch.zeros(1, 1, 9, 9))
    assert found == [("head",), ("conv", "norm2"), ("scale",), ("stem", "norm1")]


def test_a_batch_norm_that_comes_first_is_a_stage():
    network = nn.Sequential(nn.BatchNorm2d(1), nn.Conv2d(1, 1, 3), nn.BatchNorm2d(1))
    assert stages(network, torch.zeros(1, 1, 5, 5)) == [("1", "2"), ("0",)]


@pytest.mark.parametrize("side", [9, 2])  # 2 is too small for the kernel
def test_stages_leave_the_network_as_it_was(side):
    network = Block()
    network.norm1.eval()
    before = copy.deepcopy(network.state_dict())
    modes = [module.training for module in network.modules()]
    try:
        stages(network, torch.ones(1, 1, side, side))
    except RuntimeError:
        assert side == 2
    assert [module.training for module in network.modules()] == modes
    assert not any(module._forward_hooks for module in network.modules())
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_only_the_named_layers_forget():
    network = trained()
    before = copy.deepcopy(network.state_dict())
    random_state = torch.get_rng_state()
    fresh = randomized(network, ["fc3", "conv1", "bn1"], seed=3)
    assert torch.equal(torch.get_rng_state(), random_state)
    assert network.training
    assert not any(module.training for module in fresh.modules())
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name]), name
        kept = torch.equal(fresh.state_dict()[name], value)
        assert kept != name.startswith(("fc3", "conv1", "bn1")), name
    assert fresh.bn1.running_mean.eq(0).all()
    assert fresh.bn1.weight.eq(1).all()


def test_the_draw_is_pytorchs_and_depends_on_the_seed_alone():
    torch.manual_seed(3)
    expected = nn.Linear(120, 10)
    names = iter(["fc3"])
    fresh = randomized(trained(), names, seed=3).fc3
    assert torch.equal(fresh.weight, expected.weight)
    assert torch.equal(fresh.bias, expected.bias)
    assert not torch.equal(randomized(trained(), ["fc3"], seed=4).fc3.weight, expected.weight)


def test_more_stages_keep_the_draws_of_fewer():
    few = randomized(trained(), ["fc3"], seed=0)
    more = randomized(trained(), ["fc3", "fc2"], seed=0)
    assert torch.equal(few.fc3.weight, more.fc3.weight)
    assert not torch.equal(few.fc2.weight, more.fc2.weight)


def test_a_container_forgets_with_all_inside_and_stays_frozen():
    network = nn.Sequential(nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU()), nn.Conv2d(2, 2, 3))
    network.requires_grad_(False)
    fresh = randomized(network, ["0"], seed=0)
    assert not torch.equal(fresh[0][0].weight, network[0][0].weight)
    assert torch.equal(fresh[1].weight, network[1].weight)
    assert not any(parameter.requires_grad for parameter in fresh.parameters())


@pytest.mark.parametrize(
    ("name", "message"),
    [("fc3", "no layer 'fc3'"), ("scale", r"Scale has no reset_parameters\(\)")],
)
def test_layers_that_cannot_forget(name, message):
    network = Block()
    random_state = torch.get_rng_state()
    with pytest.raises(ValueError, match=message):
        randomized(network, ["conv", name], seed=0)
    assert torch.equal(torch.get_rng_state(), random_state)


@pytest.mark.parametrize("absolute", [True, False])
def test_rank_correlation_is_spearmans(absolute):
    generator = torch.Generator().manual_seed(0)
    a = torch.randn(5, 6, 4, generator=generator)
    b = (a + torch.randn(5, 6, 4, generator=generator)).round()  # many equal values
    found = rank_correlation(a, b, absolute=absolute)
    assert found.shape == (5,)
    assert found.dtype == torch.float32
    for one, x, y in zip(found, a, b, strict=True):
        x, y = (x.abs(), y.abs()) if absolute else (x, y)
        assert one == pytest.approx(spearmanr(x.flatten(), y.flatten()).statistic, abs=1e-6)


def test_rank_correlation_of_opposites_and_constants():
    a = torch.randn(3, 6, 5)
    torch.testing.assert_close(rank_correlation(a, 2 * a**3), torch.ones(3))
    torch.testing.assert_close(rank_correlation(a, -a), torch.ones(3))
    torch.testing.assert_close(rank_correlation(a, -a, absolute=False), -torch.ones(3))
    constant = torch.full_like(a, 0.1)
    assert rank_correlation(a, constant).tolist() == [0, 0, 0]
    assert rank_correlation(constant, constant).tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (torch.zeros(2, 3, 3), torch.zeros(3, 3), r"not \[2, 3, 3\] and \[3, 3\]"),
        (torch.zeros(3, 3), torch.zeros(3, 3), r"must both be \[N, H, W\]"),
        (torch.zeros(1, 1, 2), torch.full((1, 1, 2), torch.nan), "no numbers"),
        (torch.full((1, 1, 2), torch.nan), torch.zeros(1, 1, 2), "no numbers"),
    ],
)
def test_maps_that_cannot_be_compared(a, b, message):
    with pytest.raises(ValueError, match=message):
        rank_correlation(a, b)
