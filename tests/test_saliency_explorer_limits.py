"""What the explorer of explanations computes and when, and what it refuses."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from pixels import words_drawn
from test_saliency_explorer import BRIGHT, CLASSES, SIDE, make, prepare, tiny_cnn
from torch import nn

from course_utils.explorers.saliency import SaliencyExplorer

# ---------------------------------------------------------------- what the slider takes


@pytest.mark.parametrize(("typed", "taken"), [(24, 25), (12, 0), (49, 50), (90, 100), (75, 75)])
def test_a_typed_share_is_moved_to_the_next_step(typed, taken, monkeypatch):
    explorer = make(steps=4)
    words = words_drawn(lambda: explorer.choose(removed=typed), monkeypatch)
    assert explorer.error is None
    assert explorer.controls["removed"].value == taken
    assert f"without the highest {taken}%" in words
    assert (f"without the {taken}% of the pixels" in explorer.status) == (taken > 0)


# ---------------------------------------------------------------- what is computed when


def count_calls(network: nn.Module) -> Callable[[], int]:
    calls = []
    network.register_forward_hook(lambda *_: calls.append(1))
    return lambda: len(calls)


def test_the_slider_only_draws_and_known_explanations_are_kept():
    network = tiny_cnn()
    explorer = make(network, methods=["saliency", "grad_cam"])
    calls = count_calls(network)
    said = []
    explorer._status.observe(lambda change: said.append(change["new"]), names="value")
    for removed in (5, 50, 100, 0):
        explorer.choose(removed=removed)
    assert calls() == 0
    assert not any("Computing" in words for words in said)
    explorer.choose(method="grad_cam", removed=30)
    assert 0 < (first := calls()) < 10
    assert "Computing …" in said
    assert said[-1] == explorer.status
    explorer.choose(method="saliency")
    explorer.choose(method="grad_cam")
    assert calls() == first
    assert explorer.status == said[-1]


def test_the_network_and_the_lot_are_left_as_they_were():
    network = tiny_cnn().train()
    network[1].eval()
    network[0].weight.requires_grad_(False)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    modes = [module.training for module in network.modules()]
    torch.manual_seed(5)
    np.random.seed(5)
    with torch.no_grad():
        explorer = make(network, methods=["saliency", "grad_cam", "guided_backprop"])
        explorer.choose(method="grad_cam")
        explorer.choose(method="guided_backprop", removed=50)
    assert explorer.error is None
    drawn, lot = torch.rand(3), np.random.rand()
    torch.manual_seed(5)
    np.random.seed(5)
    assert torch.equal(drawn, torch.rand(3))
    assert lot == np.random.rand()
    assert modes == [module.training for module in network.modules()]
    assert all(parameter.grad is None for parameter in network.parameters())
    assert [p.requires_grad for p in network.parameters()] == [False] + [True] * 7
    assert not any(module._forward_hooks for module in network.modules())
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


# ---------------------------------------------------------------- what cannot be used


@pytest.mark.parametrize(
    ("words", "changes"),
    [
        ("Give the network as an nn.Module, not str", {"network": "cnn"}),
        ("images must name at least one picture", {"images": {}}),
        ("images must name at least one picture", {"images": [BRIGHT]}),
        ("The picture 'a' cannot be used: A picture must be", {"images": {"a": BRIGHT / 255}}),
        ("prepare makes no input .* of this picture .*TypeError", {"prepare": None}),
        ("prepare makes no input", {"prepare": lambda images: images[0].float()}),
        ("prepare makes no input .*NaN", {"prepare": lambda images: prepare(images) * torch.nan}),
        ("cannot take the input .1, 3, 8, 8. that", {"prepare": lambda x: x.float()[..., :8, :8]}),
        ("logits .1, 5., one for each of the classes, not .1, 6.", {"classes": CLASSES[1:]}),
        ("not tuple", {"network": type("Two", (nn.Module,), {"forward": lambda s, x: (x, x)})()}),
        ("answers with NaN", {"network": nn.Sequential(tiny_cnn(), nn.Threshold(9e9, np.nan))}),
        ("methods must name some of saliency, .*, not 'lime'", {"methods": ["lime"]}),
        ("methods must name some of saliency", {"methods": []}),
        ("steps must be one of 1, 2, 4, 5, 10, 20, 25, 50, 100, not 28", {"steps": 28}),
    ],
)
def test_bad_input_is_a_sentence(words, changes):
    good = {"network": tiny_cnn(), "images": {"a": BRIGHT}, "prepare": prepare, "classes": CLASSES}
    with pytest.raises(ValueError, match=words) as problem:
        SaliencyExplorer(**(good | changes))
    assert "\n" not in str(problem.value)


def test_a_method_that_fails_is_a_sentence_and_the_explorer_goes_on():
    linear = nn.Sequential(nn.Flatten(), nn.Linear(3 * SIDE * SIDE, 6))
    explorer = make(linear)
    before = explorer.picture_png
    for method, name in (("guided_backprop", "Guided Backprop"), ("grad_cam", "Grad-CAM")):
        explorer.controls["method"].value = method
        assert explorer.error.startswith(f"{name} cannot explain this network. ")
        assert explorer.picture_png == before
    explorer.controls["method"].value = "saliency"
    assert explorer.error is None
    assert explorer.picture_png == before
