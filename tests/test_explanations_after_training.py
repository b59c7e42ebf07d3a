"""The explorers of explanations, when the network is trained on after they were made."""

import pytest
import torch
from explorer_driver import shown
from test_saliency_explorer import BRIGHT, CLASSES, NOISE, make, prepare, tiny_cnn
from torch import nn

from course_utils.attribution import METHODS
from course_utils.explorers.sanity import SanityExplorer

PICTURES = {"noise": NOISE, "bright": BRIGHT}


def make_sanity(network: nn.Module) -> SanityExplorer:
    return SanityExplorer(network, PICTURES, prepare, CLASSES)


def train_on(network: nn.Module) -> None:
    """Make the class that is now the least likely the likeliest, as no counted write does."""
    inputs = prepare(torch.from_numpy(NOISE).permute(2, 0, 1)[None])
    network.eval()
    target = network(inputs).argmin(dim=1)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01, fused=True)
    for _ in range(10):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(inputs), target).backward()
        optimizer.step()


@pytest.mark.parametrize("quick", [True, False])
def test_an_explanation_is_that_of_the_network_as_it_is_now(quick):
    network = tiny_cnn()
    explorer = make(network, images=PICTURES)
    before = explorer.status
    train_on(network)
    move = {"removed": 10} if quick else {"picture": "bright"}
    explorer.choose(**move)
    explorer.choose(removed=0, picture="noise")
    new = make(network, images=PICTURES)
    new.choose(target=explorer.values["target"])
    assert explorer.error is None
    assert explorer.controls["target"].options == new.controls["target"].options
    assert explorer.status == new.status != before
    assert (shown(explorer) == shown(new)).all()


def test_a_class_that_only_the_trained_network_finds_likely_can_be_chosen():
    network = tiny_cnn()
    explorer = make(network, images=PICTURES)
    offered = [kind for _, kind in explorer.controls["target"].options]
    [unlikely] = set(range(len(CLASSES))) - set(offered)
    train_on(network)
    explorer.choose(target=unlikely)
    assert explorer.error is None
    assert explorer.values["target"] == unlikely


def test_a_network_that_fails_now_is_said(monkeypatch):
    network = tiny_cnn()
    explorer = make(network)
    train_on(network)

    def fail(*_):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(network, "forward", fail)
    explorer.choose(removed=10)
    assert "out of memory" in explorer.error


@pytest.mark.parametrize("quick", [True, False])
def test_the_randomization_starts_from_the_network_as_it_is_now(quick):
    network = tiny_cnn()
    explorer = make_sanity(network)
    before = explorer.status
    train_on(network)
    explorer.choose(**({"randomized": 1} if quick else {"picture": "bright"}))
    explorer.choose(randomized=0, picture="noise")
    new = make_sanity(network)
    assert explorer.status == new.status != before
    assert (shown(explorer) == shown(new)).all()


def test_no_method_changes_the_network():
    network = tiny_cnn()
    explorer = make(network)
    for method in METHODS:
        explorer.choose(method=method)
        assert explorer.error is None
        assert explorer._gallery.is_current()
    asked = explorer._explained.cache_info().misses
    explorer.choose(method=next(iter(METHODS)), removed=10)
    assert explorer._explained.cache_info().misses == asked


def test_a_training_that_failed_is_said():
    network = tiny_cnn()
    explorer = make(network)
    picture, weight = explorer.picture_png, network[0].weight[0].clone()
    network[0].weight.data[0] = torch.nan
    for removed in (10, 20):
        explorer.choose(removed=removed)
        assert explorer.error.startswith("The network answers with NaN or infinity")
        assert explorer.picture_png == picture
    network[0].weight.data[0] = weight
    explorer.choose(removed=0)
    assert explorer.error is None
    assert explorer.picture_png == picture
