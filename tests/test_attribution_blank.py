"""Explanations with an empty picture of one's own, and with tensors from inference mode."""

import pytest
import torch
from torch import nn

from course_utils.attribution import METHODS, explain


@pytest.fixture
def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(2 * 8 * 8, 3))


@pytest.fixture
def inputs():
    return torch.randn(3, 2, 8, 8, generator=torch.Generator().manual_seed(1))


def rise(network, inputs, blank):
    """What each pixel adds to the logit of class 1, [N, H, W]; exact for a linear network."""
    return (network[1].weight[1].view(2, 8, 8) * (inputs - blank)).sum(dim=1).detach()


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (1, 2, 1, 1), (2, 8, 8)])
def test_integrated_gradients_start_from_it(network, inputs, shape):
    blank = torch.randn(shape, generator=torch.Generator().manual_seed(2))
    found = explain("integrated_gradients", network, inputs, 1, blank=blank)
    torch.testing.assert_close(found, rise(network, inputs, blank))


def test_occlusion_covers_with_it(network, inputs):
    blank = torch.tensor([2.0, -1.0]).view(1, 2, 1, 1)
    found = explain("occlusion", network, inputs, 1, blank=blank, window=1)
    torch.testing.assert_close(found, rise(network, inputs, blank))


def test_a_pixel_that_is_blank_already_counts_nothing(network, inputs):
    inputs[:, :, 3, 4] = 7.0
    blank = torch.full((1, 1, 1, 1), 7.0)
    for method in ("integrated_gradients", "occlusion"):
        found = explain(method, network, inputs, 1, blank=blank, window=1)
        assert (found[:, 3, 4].abs() < 1e-5).all()


@pytest.mark.parametrize("method", METHODS)
def test_a_blank_that_does_not_fit_is_refused(method, network, inputs):
    with pytest.raises(ValueError, match=r"must fit the inputs \[1, 2, 8, 8\], not \[5, 1, 1\]"):
        explain(method, network, inputs, 1, blank=torch.zeros(5, 1, 1))


@pytest.mark.parametrize("method", [*METHODS][:3])
def test_inputs_and_classes_may_come_from_inference_mode(method, network, inputs):
    with torch.inference_mode():
        same, classes = inputs.clone(), network(inputs).argmax(dim=1)
    found = explain(method, network, same, classes)
    torch.testing.assert_close(
        found, explain(method, network, inputs, torch.tensor(classes.tolist()))
    )
