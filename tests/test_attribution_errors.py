"""Explanations leave everything as it was, and refuse what they cannot explain in one sentence."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.attribution import METHODS, explain


class Net(nn.Module):
    """A small CNN with all that could be left changed; `fails` is raised at the third picture."""

    def __init__(self, fails: BaseException | None = None) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.fails = fails
        self.pictures = 0
        self.conv = nn.Conv2d(1, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.relu = nn.ReLU(inplace=True)
        self.dropout = nn.Dropout(0.5)
        self.head = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        self.pictures += len(x)
        x = self.relu(self.norm(self.conv(x)))
        if self.fails and self.pictures > 2:
            raise self.fails
        return self.head(self.dropout(x.mean((2, 3))))


def state(network: nn.Module) -> list:
    hooks = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return [
        [module.training for module in network.modules()],
        [len(getattr(module, name)) for module in network.modules() for name in hooks],
        [(p.requires_grad, p.grad) for p in network.parameters()],
        [value.tolist() for value in network.state_dict().values()],
        torch.get_rng_state().tolist(),
        torch.is_grad_enabled(),
    ]


def mixed_modes(network: nn.Module) -> nn.Module:
    network.train()
    network.norm.eval()
    network.conv.requires_grad_(False)
    return network


X = torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("method", METHODS)
def test_everything_is_left_as_it_was(method):
    network, x = mixed_modes(Net()), X.clone()
    before = state(network)
    explain(method, network, x, 1, against=0)
    assert state(network) == before
    assert torch.equal(x, X)
    assert not x.requires_grad
    assert x.grad is None


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("problem", [RuntimeError("no"), KeyboardInterrupt()])
def test_everything_is_left_as_it_was_after_a_failure(method, problem):
    network = mixed_modes(Net(problem))
    before = state(network)
    with pytest.raises(type(problem)):
        explain(method, network, X, 1)
    assert state(network) == before


@pytest.mark.parametrize("method", METHODS)
def test_modes_frozen_layers_and_gradients_off_change_no_map(method):
    expected = explain(method, Net().eval(), X, 1)
    assert expected.any()
    assert not expected.requires_grad
    with torch.no_grad():
        frozen = explain(method, Net().train().requires_grad_(False), X, 1)
    assert torch.equal(frozen, expected)
    with torch.inference_mode():
        inputs = X.clone()
    assert torch.equal(explain(method, Net(), inputs, 1), expected)
    part_of_a_graph = X.clone().requires_grad_() * 1
    assert torch.equal(explain(method, Net(), part_of_a_graph, [1, 1, 1, 1]), expected)


@pytest.mark.parametrize("method", METHODS)
def test_double_precision(method):
    found = explain(method, Net().double(), X.double(), 1)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, explain(method, Net(), X, 1), atol=1e-5, rtol=1e-3)


@pytest.mark.parametrize("method", METHODS)
def test_a_network_that_starts_in_place(method):
    network = nn.Sequential(nn.ReLU(inplace=True), Net())
    x = X.clone()
    found = explain(method, network, x, 1)
    assert torch.equal(x, X)
    later = nn.Sequential(nn.ReLU(), Net())
    torch.testing.assert_close(found, explain(method, later, x, 1))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": "gradcam"}, "no method 'gradcam': choose one of saliency, integrated_grad"),
        ({"inputs": X[0]}, r"inputs must be float \[N, C, H, W\] .* not float32 \[1, 8, 8\]"),
        ({"inputs": X[:0]}, r"at least one picture, not float32 \[0, 1, 8, 8\]"),
        ({"inputs": X.byte()}, r"inputs must be float .* not uint8 \[4, 1, 8, 8\]"),
        ({"targets": 3}, "no class 3: the network has classes 0 to 2"),
        ({"targets": -1}, "no class -1"),
        ({"targets": torch.tensor([0, 1])}, r"one integer or int64 \[4\].* not int64 \[2\]"),
        ({"targets": torch.rand(4)}, r"int64 \[4\], one for each picture, not float32 \[4\]"),
        ({"against": 5}, "no class 5"),
        ({"against": torch.tensor([0, 0, 0, 7])}, "no class 7"),
        ({"against": torch.tensor([0, 1])}, r"not int64 \[2\]"),
        ({"steps": 0}, "steps must be at least 1, not 0"),
        ({"window": 0}, "window must be from 1 to 8 pixels, not 0"),
        ({"window": 9}, "window must be from 1 to 8 pixels, not 9"),
        ({"method": "grad_cam", "layer": "convv"}, "no layer 'convv'.* 'conv'"),
        ({"method": "grad_cam", "layer": "head"}, "maps larger than 1 × 1: layer 'head' does not"),
    ],
)
def test_arguments_out_of_range(change, message):
    network = Net()
    before = state(network)
    arguments = {"method": "saliency", "network": network, "inputs": X, "targets": 1} | change
    with pytest.raises(ValueError, match=message):
        explain(**arguments)
    assert state(network) == before


class Odd(nn.Module):
    """Gives something else than logits."""

    def __init__(self, output) -> None:
        super().__init__()
        self.net, self.output = Net(), output

    def forward(self, x: Tensor):
        return self.output(self.net(x))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("output", "message"),
    [
        (lambda x: (x, x), "it gives a tuple"),
        (lambda x: x.sum(1), r"logits \[4, classes\] for 4 pictures; it gives float32 \[4\]"),
        (lambda x: x.sum(0, keepdim=True), r"it gives float32 \[1, 3\]"),
        (lambda x: x[..., None], r"it gives float32 \[4, 3, 1\]"),
        (lambda x: x / 0, "no finite numbers"),
    ],
)
def test_outputs_that_are_no_logits(method, output, message):
    if method == "integrated_gradients":  # it runs several copies of the pictures
        message = message.replace("4 pictures", r"\d+ pictures").replace("[4", r"[\d+")
    with pytest.raises(ValueError, match=message):
        explain(method, Odd(output), X, 1)


@pytest.mark.parametrize("method", [method for method in METHODS if method != "occlusion"])
def test_a_network_without_gradients(method):
    with pytest.raises(ValueError, match=r"no gradient: its forward\(\) switches them off"):
        explain(method, Odd(torch.detach), X, 1)


@pytest.mark.parametrize("method", METHODS)
def test_inference_mode_is_refused(method):
    with torch.inference_mode(), pytest.raises(ValueError, match=r"leave torch\.inference_mode"):
        explain(method, Net(), X, 1)


def test_no_relu_no_guided_backprop():
    smooth = nn.Sequential(nn.Conv2d(1, 3, 3), nn.GELU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    with pytest.raises(ValueError, match="needs a network with ReLU or ReLU6; this one has none"):
        explain("guided_backprop", smooth, X, 1)


def test_no_maps_no_grad_cam():
    dense = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1, 3))
    with pytest.raises(ValueError, match="maps larger than 1 × 1: there is none"):
        explain("grad_cam", dense, X, 1)


def test_a_layer_that_gives_no_tensor_has_no_grad_cam():
    class Twins(nn.Module):
        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            return x, F.relu(x)

    class Pair(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.twins, self.head = Twins(), Net()

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.twins(x)[1])

    with pytest.raises(ValueError, match="layer 'twins' does not"):
        explain("grad_cam", Pair(), X, 1, layer="twins")
