"""The list of a network's layers, and that it leaves the network as it was."""

import pytest
import torch
import torch.nn.functional as F
from layered_networks import Doubled, Gives, X, hooks, network
from torch import Tensor, nn

from course_utils.activations import Layer, ModelError, layers_table, list_layers
from course_utils.models import FashionCNN
from course_utils.receptive_fields import ReceptiveField


def test_a_residual_network():
    layers = {layer.name: layer for layer in list_layers(network(), X)}
    # Block 0 hands on what its ReLU gives when it runs for the second time; block 1 adds.
    blocks = ["0.conv1", "0.conv2", "0.norm", "0.relu", "1.inner.0", "1.inner.1", "1"]
    assert list(layers) == [*blocks, "2", "3", "4", "5"]
    field = ReceptiveField(start=(-3, -3), jump=(1, 1), size=(7, 7))
    parameters = 2 * (2 * 9 + 1) + 2
    assert layers["1"] == Layer("1", "Residual", (2, 8, 8), parameters, field, None)
    assert layers["1"].is_map
    assert layers["5"].reason == "a vector of 10 numbers"
    assert not layers["5"].is_map
    assert str(layers["3"].receptive_field) == "whole picture"


def test_a_container_that_changes_its_last_layers_output_is_a_layer():
    layers = list_layers(nn.Sequential(Doubled(nn.Conv2d(2, 2, 1))), X)
    assert [layer.name for layer in layers] == ["0.0", "0"]


def test_fashion_cnn():
    model = FashionCNN()
    layers = list_layers(model, torch.zeros(1, 1, 28, 28))
    assert [layer.name for layer in layers] == [name for name, _ in model.named_children()]
    sizes = [str(layer.receptive_field).split()[0] for layer in layers[:8]]
    assert sizes == ["3", "3", "3", "4", "8", "8", "8", "10"]
    assert sum(layer.parameters for layer in layers) == 1_475_338


@pytest.mark.parametrize(
    ("function", "shape", "reason"),
    [
        (
            lambda x: x.flatten(2).transpose(1, 2),
            (64, 2),
            "a sequence of 64 tokens with 2 numbers each",
        ),
        (lambda x: x[:, :1].mean((2, 3)), (1,), "a vector of 1 number"),
        (lambda x: x.sum((1, 2, 3)), (), "a single number"),
        (lambda x: x[..., None], (2, 8, 8, 1), "an array of 2 × 8 × 8 × 1 numbers"),
        (lambda x: (x, x, x), None, "gives a tuple of 3 things"),
        (lambda x: {"x": x}, None, "gives no tensor: dict"),
    ],
)
def test_outputs_that_are_no_maps(function, shape, reason):
    [layer] = list_layers(nn.Sequential(Gives(function)), X)
    assert layer.shape == shape
    assert layer.reason == reason
    assert not layer.is_map


def snapshot(model: nn.Module) -> list[object]:
    values = [tensor.clone() for tensor in model.state_dict().values()]
    gradients = [(p.requires_grad, p.grad) for p in model.parameters()]
    return [values, gradients, [module.training for module in model.modules()], hooks(model)]


@pytest.mark.parametrize("error", [None, RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode, torch.enable_grad])
def test_everything_is_left_as_it_was(error, mode):
    modes = []

    def last(x: Tensor) -> Tensor:
        modes.append((torch.is_grad_enabled(), torch.is_inference_mode_enabled()))
        x = F.dropout(x, 0.5, training=True)
        if error is not None:
            raise error("stop")
        return x

    model = nn.Sequential(nn.ReLU(inplace=True), network(), Gives(last))
    model[1][3].eval()
    model[1][0].conv1.requires_grad_(False)
    before, pixels, random_state = snapshot(model), X.clone(), torch.get_rng_state()
    with mode():
        if error is None:
            list_layers(model, pixels)
        else:
            with pytest.raises(ModelError if error is RuntimeError else error):
                list_layers(model, pixels)
    assert modes == [(False, False)]
    torch.testing.assert_close(snapshot(model), before, rtol=0, atol=0)
    assert torch.equal(pixels, X)
    assert torch.equal(torch.get_rng_state(), random_state)


def test_models_made_in_inference_mode():
    with torch.inference_mode():
        model, pixels = nn.Sequential(nn.ReLU(inplace=True), nn.Conv2d(2, 2, 3)), X.clone()
    assert [layer.shape for layer in list_layers(model, pixels)] == [(2, 8, 8), (2, 6, 6)]


class TwoInputs(nn.Module):
    def forward(self, picture: Tensor, caption: Tensor) -> Tensor:
        return picture + caption


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        (nn.Sequential(nn.Conv2d(5, 2, 3)), r"an input of shape \[1, 2, 8, 8\] \(RuntimeError: "),
        (TwoInputs(), r"forward takes 2 inputs \(picture, caption\), not one: wrap it"),
        (network().to("meta"), r"on meta and its input on cpu: move the input with \.to\('meta'\)"),
        (nn.Sequential(nn.LazyConv2d(2, 3)), "lazy layers, which have no parameters yet"),
        (nn.Module(), "NotImplementedError"),
        (nn.Sequential(Gives(lambda x: 1 / 0)), "ZeroDivisionError: division by zero"),
        (nn.Sequential(Gives(lambda x: next(iter([])))), "StopIteration: no message"),
    ],
)
def test_models_that_cannot_be_used(model, sentence):
    with pytest.raises(ModelError, match=sentence) as caught:
        list_layers(model, X)
    assert "\n" not in str(caught.value)
    assert hooks(model) == 0


def test_models_without_layers_or_parameters():
    assert list_layers(nn.Conv2d(2, 2, 3), X) == []
    assert [layer.kind for layer in list_layers(nn.Sequential(nn.ReLU()), X)] == ["ReLU"]


def test_table():
    lines = repr(layers_table(list_layers(network(), X))).splitlines()
    assert lines[1].split() == ["0.conv1", "Conv2d", "[2,", "8,", "8]", "38", "3", "×", "3"]
    assert lines[-1].split() == ["5", "Linear", "[10]", "30", "whole", "picture"]
    odd = list_layers(nn.Sequential(Gives(lambda x: (x, x)), nn.Identity()), X)
    assert "gives a tuple of 2 things" in repr(layers_table(odd))
