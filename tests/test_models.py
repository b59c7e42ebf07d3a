import pytest
import torch
from torch import nn

from course_utils.models import (
    FashionCNN,
    FashionDNN,
    GlobalPoolCNN,
    SmallHeadCNN,
    count_parameters,
    layer_summary,
    layer_table,
)

EXAMPLE = torch.zeros(1, 1, 28, 28)


@pytest.mark.parametrize(
    ("model", "parameters"),
    [
        (FashionDNN(), 235_146),
        (FashionCNN(), 1_475_338),
        (FashionCNN(head_relu=True), 1_475_338),
        (GlobalPoolCNN(), 19_658),
        (SmallHeadCNN(), 234_313),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)
def test_networks_have_their_published_size(model, parameters):
    assert count_parameters(model) == parameters
    assert model(EXAMPLE.expand(3, -1, -1, -1)).shape == (3, 10)
    assert sum(row.parameters for row in layer_table(model, EXAMPLE)) == parameters


def test_published_head_is_linear_and_the_mended_one_is_not():
    features = torch.randn(2, 2304)
    for head_relu in (False, True):
        model = FashionCNN(head_relu).eval()
        head = nn.Sequential(*list(model)[list(model._modules).index("fc1") :])
        bias = head(torch.zeros(1, 2304))
        sum_of_parts = head(features[:1]) + head(features[1:]) - bias
        is_linear = torch.allclose(head(features.sum(0, keepdim=True)), sum_of_parts, atol=1e-5)
        assert is_linear is not head_relu


def test_layer_table_counts_a_convolution():
    conv = nn.Conv2d(3, 8, kernel_size=5, stride=2)
    [row] = layer_table(conv, torch.zeros(1, 3, 21, 21))
    assert row.kind == "Conv2d"
    assert row.shape == (8, 9, 9)
    assert row.parameters == 8 * (3 * 25 + 1)
    assert row.multiply_adds == 8 * 9 * 9 * 3 * 25


def test_layer_table_leaves_the_model_as_it_was():
    model = FashionCNN()
    rows = layer_table(model, EXAMPLE)
    assert [row.name for row in rows] == list(model._modules)
    assert model.training
    assert model.bn1.num_batches_tracked == 0
    assert not any(module._forward_hooks for module in model.modules())
    with pytest.raises(RuntimeError):
        layer_table(model, torch.zeros(1, 5, 28, 28))
    assert not any(module._forward_hooks for module in model.modules())


def test_layer_summary_ends_with_the_totals():
    last = repr(layer_summary(FashionDNN(), EXAMPLE)).splitlines()[-1]
    assert last.split() == ["total", "235,146", "234,752"]


def test_frozen_layers_have_parameters_too():
    frozen = FashionDNN().requires_grad_(False)
    assert layer_table(frozen, EXAMPLE) == layer_table(FashionDNN(), EXAMPLE)
    last = repr(layer_summary(frozen, EXAMPLE)).splitlines()[-1]
    assert last.split() == ["total", "235,146", "234,752"]


def test_a_layer_used_twice_counts_once_in_the_total():
    layer = nn.Linear(4, 4)
    table = layer_summary(nn.Sequential(layer, nn.ReLU(), layer), torch.zeros(1, 4))
    rows = [line.split() for line in repr(table).splitlines()]
    assert [row[-2:] for row in rows if row[0] == "Linear"] == [["20", "16"], ["20", "16"]]
    assert rows[-1] == ["total", "20", "32"]


def test_a_layer_that_gives_several_tensors_has_no_shape():
    network = nn.Sequential(nn.LSTM(4, 5))
    [row] = layer_table(network, torch.zeros(1, 3, 4))
    assert (row.kind, row.shape, row.parameters) == ("LSTM", None, 220)
    assert "no single tensor" in repr(layer_summary(network, torch.zeros(1, 3, 4)))
