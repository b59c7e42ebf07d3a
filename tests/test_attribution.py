"""Explanations against what can be worked out by hand, and against captum."""

import copy
import math
from itertools import product

import pytest
import torch
import torch.nn.functional as F
from captum.attr import GuidedBackprop, LayerAttribution, LayerGradCam
from timm import create_model
from torch import Tensor, nn

from course_utils import attribution
from course_utils.attribution import METHODS, explain
from course_utils.models import FashionCNN


class Residual(nn.Module):
    """Two convolutions; what the first ReLU reads goes around it too. `act` is used twice."""

    def __init__(self, act=F.relu) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv1 = nn.Conv2d(2, 6, 3, padding=1)
        self.conv2 = nn.Conv2d(6, 6, 3, padding=1)
        self.head = nn.Linear(6, 4)
        self.act = act

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)
        x = self.conv2(self.act(x)) + x
        return self.head(self.act(x).mean((2, 3)))


def inplace_relu6() -> nn.Sequential:
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(2, 12, 3, padding=1),
        nn.BatchNorm2d(12),
        nn.ReLU6(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(12, 16, 2),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(16, 4),
    )
    nn.init.uniform_(network[1].running_mean)
    nn.init.uniform_(network[1].running_var, 0.1, 2)
    return network


def linear() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(2 * 8 * 6, 4))


def pictures(count: int = 3, channels: int = 2, height: int = 8, width: int = 6) -> Tensor:
    return 3 * torch.randn(
        count, channels, height, width, generator=torch.Generator().manual_seed(1)
    )


TARGETS = torch.tensor([2, 0, 3])
RIVALS = torch.tensor([0, 1, 2])


def logit(network: nn.Module, x: Tensor, against: Tensor | None = None) -> Tensor:
    logits = network.eval()(x)
    rows = torch.arange(len(x))
    return logits[rows, TARGETS] - (0 if against is None else logits[rows, against])


@pytest.mark.parametrize("against", [None, RIVALS])
def test_a_linear_network_is_explained_by_its_weights(against):
    network, x = linear(), pictures()
    weight = network[1].weight.detach().view(4, 2, 8, 6)
    slope = weight[TARGETS] - (0 if against is None else weight[against])
    expected = {
        "saliency": slope.abs().amax(1),
        "integrated_gradients": (slope * x).sum(1),
    }
    for method, maps in expected.items():
        found = explain(method, network, x, TARGETS, against=against)
        torch.testing.assert_close(found, maps)
    # A window of one pixel: the logit falls by what this pixel added.
    found = explain("occlusion", network, x, TARGETS, against=against, window=1)
    torch.testing.assert_close(found, (slope * x).sum(1), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_one_class_for_all_pictures(method):
    network, x = inplace_relu6(), pictures()
    found = explain(method, network, x, 2, against=1)
    expected = explain(method, network, x, torch.full((3,), 2), against=torch.ones(3).long())
    assert found.shape == (3, 8, 6)
    assert found.dtype == torch.float32
    assert torch.equal(found, expected)
    assert not torch.equal(found, explain(method, network, x, 2))


@pytest.mark.parametrize("method", METHODS)
def test_only_signed_methods_give_negative_values(method):
    maps = explain(method, inplace_relu6(), pictures(), TARGETS)
    assert (maps.min() < 0) == METHODS[method].signed
    assert maps.max() > 0


@pytest.mark.parametrize("against", [None, RIVALS])
def test_integrated_gradients_sum_to_the_difference_of_the_logits(against):
    network, x = Residual(), pictures()
    with torch.no_grad():
        expected = logit(network, x, against) - logit(network, torch.zeros_like(x), against)
    few = explain("integrated_gradients", network, x, TARGETS, against=against)
    many = explain("integrated_gradients", network, x, TARGETS, against=against, steps=200)
    torch.testing.assert_close(few.sum((1, 2)), expected, atol=0.02, rtol=0.01)
    torch.testing.assert_close(many.sum((1, 2)), expected, atol=0.001, rtol=0.001)
    assert not torch.equal(few, many)


@pytest.mark.parametrize(("window", "stride"), [(1, 1), (2, 1), (3, 2), (4, 2), (6, 3)])
def test_occlusion_is_the_mean_drop_over_the_windows_on_a_pixel(window, stride):
    network, x = Residual(), pictures()
    drops, windows = torch.zeros(3, 8, 6), torch.zeros(8, 6)
    rows, columns = (range(math.ceil((side - window) / stride) + 1) for side in (8, 6))
    with torch.no_grad():
        for row, column in product(rows, columns):
            top, left = row * stride, column * stride
            covered = x.clone()
            covered[:, :, top : top + window, left : left + window] = 0
            drop = logit(network, x) - logit(network, covered)
            drops[:, top : top + window, left : left + window] += drop[:, None, None]
            windows[top : top + window, left : left + window] += 1
    found = explain("occlusion", network, x, TARGETS, window=window)
    torch.testing.assert_close(found, drops / windows, atol=1e-5, rtol=1e-4)


def test_a_window_is_an_eighth_of_the_side():
    network, x = FashionCNN(), pictures(1, 1, 28, 28)
    found = explain("occlusion", network, x, 0)
    assert torch.equal(found, explain("occlusion", network, x, 0, window=3))


def grad_cam_by_hooks(network: nn.Module, layer: str, x: Tensor) -> Tensor:
    kept = []

    def keep(module: nn.Module, inputs: tuple, output: Tensor) -> Tensor:
        kept.append(output)
        return output.clone()  # what follows may work in place

    hook = network.get_submodule(layer).register_forward_hook(keep)
    score = logit(network, x.clone().requires_grad_()).sum()
    hook.remove()
    [gradient] = torch.autograd.grad(score, kept[-1])
    maps = (gradient.mean((2, 3), keepdim=True) * kept[-1]).sum(1, keepdim=True).relu()
    return F.interpolate(maps, x.shape[2:], mode="bilinear").squeeze(1).detach()


@pytest.mark.parametrize(
    ("build", "size", "last", "other"),
    [
        (FashionCNN, (1, 28, 28), "pool2", "conv1"),
        (Residual, (2, 8, 6), "conv2", "conv1"),
        (inplace_relu6, (2, 8, 6), "5", "1"),
    ],
)
def test_grad_cam_agrees_with_hooks_and_with_captum(build, size, last, other):
    network, x = build().eval(), pictures(3, *size)
    for layer in (last, other):
        found = explain("grad_cam", network, x, TARGETS, layer=layer)
        torch.testing.assert_close(found, grad_cam_by_hooks(network, layer, x))
        captum = LayerGradCam(network, network.get_submodule(layer))
        coarse = captum.attribute(x, TARGETS, relu_attributions=True)
        enlarged = LayerAttribution.interpolate(coarse, x.shape[2:], "bilinear")
        torch.testing.assert_close(found, enlarged.squeeze(1).detach())
        assert (found > 0).any()
    default = explain("grad_cam", network, x, TARGETS)
    assert torch.equal(default, explain("grad_cam", network, x, TARGETS, layer=last))


class _Guided(torch.autograd.Function):
    """ReLU with Springenberg's backward pass, up to a ceiling."""

    @staticmethod
    def forward(ctx, x, ceiling):
        ctx.save_for_backward((x > 0) & (x < ceiling))
        return x.clamp(0, ceiling)

    @staticmethod
    def backward(ctx, gradient):
        [passes] = ctx.saved_tensors
        return gradient * passes * (gradient > 0), None


class Guided(nn.Module):
    def __init__(self, ceiling: float = math.inf) -> None:
        super().__init__()
        self.ceiling = ceiling

    def forward(self, x: Tensor) -> Tensor:
        return _Guided.apply(x, self.ceiling)


def slopes(network: nn.Module, x: Tensor) -> Tensor:
    x = x.clone().requires_grad_()
    return torch.autograd.grad(logit(network, x).sum(), x)[0].sum(1)


@pytest.mark.parametrize(
    ("act", "ceiling"),
    [
        (F.relu, math.inf),
        (torch.relu, math.inf),
        (nn.ReLU(), math.inf),
        (F.relu6, 6),
        (nn.ReLU6(), 6),
    ],
)
def test_guided_backprop_by_hand(act, ceiling):
    x = 6 * pictures()
    found = explain("guided_backprop", Residual(act), x, TARGETS)
    torch.testing.assert_close(found, slopes(Residual(Guided(ceiling)), x))
    assert not torch.allclose(found, slopes(Residual(act), x))


def test_guided_backprop_of_activations_in_place():
    network, x = inplace_relu6(), pictures()
    by_hand = copy.deepcopy(network)
    by_hand[2], by_hand[5] = Guided(6), Guided()
    torch.testing.assert_close(explain("guided_backprop", network, x, TARGETS), slopes(by_hand, x))


def test_guided_backprop_finds_every_relu6_of_efficientnet():
    torch.manual_seed(0)
    network = create_model("tf_efficientnet_lite0", num_classes=4)
    by_hand = copy.deepcopy(network)
    for module in list(by_hand.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.ReLU6):
                setattr(module, name, Guided(6))
    x = pictures(3, 3, 32, 32)
    found = explain("guided_backprop", network, x, TARGETS)
    torch.testing.assert_close(found, slopes(by_hand, x))
    assert not torch.allclose(found, slopes(network, x))


def test_guided_backprop_is_captums_where_captum_knows_the_relu():
    network, x = FashionCNN(head_relu=True).eval(), pictures(3, 1, 28, 28)
    with pytest.warns(UserWarning, match="Setting backward hooks"):
        captum = GuidedBackprop(network).attribute(x.clone().requires_grad_(), TARGETS)
    torch.testing.assert_close(explain("guided_backprop", network, x, TARGETS), captum.sum(1))


def test_hardtanh_below_zero_is_no_relu():
    network, x = inplace_relu6(), pictures()
    network[2] = nn.Hardtanh(-1, 1)
    by_hand = copy.deepcopy(network)
    by_hand[5] = Guided()
    torch.testing.assert_close(explain("guided_backprop", network, x, TARGETS), slopes(by_hand, x))


@pytest.mark.parametrize("method", METHODS)
def test_batches_change_nothing(method, monkeypatch):
    network, x = Residual(), pictures()
    expected = explain(method, network, x, TARGETS, against=RIVALS)
    for pixels in (1, 2 * 8 * 6, 7 * 8 * 6):
        monkeypatch.setattr(attribution, "PIXELS_AT_ONCE", pixels)
        found = explain(method, network, x, TARGETS, against=RIVALS)
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_no_more_pixels_at_once_than_allowed(method, monkeypatch):
    network, x = Residual(), pictures()
    sizes = []
    network.conv1.register_forward_pre_hook(lambda _, inputs: sizes.append(len(inputs[0])))
    monkeypatch.setattr(attribution, "PIXELS_AT_ONCE", 2 * 8 * 6)
    explain(method, network, x, TARGETS)
    assert max(sizes) == 2
