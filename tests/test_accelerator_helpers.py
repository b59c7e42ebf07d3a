"""Figures, graphs, checkers and other helpers that are handed what lies on a GPU."""

import copy

import pytest
import torch
import torch.nn.functional as F
from node_networks import EDGES, LABELS, MATRIX, NODES, TRAIN, network, words
from pretended_gpu import PRETENDED
from test_accelerator import DEVICE, digits, gpu  # noqa: F401
from verdicts import verdict

from course_utils.charts import confusion_matrices
from course_utils.checks.fine_tuning import check_tune_and_test
from course_utils.checks.freezing import check_feature_extractor
from course_utils.checks.gradients import check_saliency
from course_utils.checks.node_training import check_train_nodes
from course_utils.classifier import train_on_features
from course_utils.environment import random_state
from course_utils.experiments.layer_probes import probe_layers
from course_utils.explorers.messages import MessagePassingExplorer
from course_utils.explorers.social import SocialNetworkExplorer
from course_utils.figures import image_grid, number_grids
from course_utils.graph_data import FACTIONS, Citations, karate_club, largest_component
from course_utils.graph_figures import graph_figures, group_figures
from course_utils.graph_training import accuracy_on, fit_nodes
from course_utils.graphs import adjacency, normalized, propagation, rewired, without_edges
from course_utils.pretrained import efficientnet_lite0
from course_utils.probes import shared_coordinates
from course_utils.shortcuts import plant_mark, share_found
from course_utils.transfer import linear_head

sparse = pytest.mark.skipif(DEVICE == PRETENDED, reason="it holds no sparse matrices")


def close(found: torch.Tensor, expected: torch.Tensor) -> None:
    assert found.device.type == DEVICE.type
    torch.testing.assert_close(found.cpu().to_dense(), expected.to_dense())


@pytest.mark.parametrize(
    "make",
    [
        lambda edges: adjacency(edges, NODES, self_loops=True),
        lambda edges: normalized(adjacency(edges, NODES), "row"),
        lambda edges: without_edges(edges, 0.5, seed=0),
        lambda edges: rewired(edges, NODES, 0.5, seed=0),
    ],
)
def test_graphs(make):
    close(make(EDGES.to(DEVICE)), make(EDGES))


@sparse
def test_propagation():
    close(propagation(EDGES.to(DEVICE), NODES), MATRIX)


def test_nodes_go_to_the_network():
    graph = words(), MATRIX, LABELS, TRAIN
    here, there = network(), network().to(DEVICE)
    assert fit_nodes(there, *graph) == pytest.approx(fit_nodes(here, *graph), rel=1e-2)
    assert accuracy_on(there, *graph) == accuracy_on(here, *graph)


@sparse
def test_the_largest_component():
    parts = words().to_sparse(), EDGES, LABELS
    here, there = (
        largest_component(Citations(*(part.to(d) for part in parts), ("a", "b", "c")))
        for d in (torch.device("cpu"), DEVICE)
    )
    close(there.edge_index, here.edge_index)


def test_figures():
    grid = torch.arange(4.0, device=DEVICE).view(2, 2).requires_grad_()
    assert number_grids({"numbers": grid}).get_label()
    assert image_grid([grid[None]], [""], columns=1).get_label()
    assert confusion_matrices({"CNN": grid.long()}, ["a", "b"]).get_label()
    places = torch.rand(NODES, 2).numpy()
    values = torch.ones(NODES, device=DEVICE)
    assert graph_figures({"": (EDGES.to(DEVICE), values)}, places).get_label()
    groups = {"": LABELS.to(DEVICE)}
    assert group_figures(groups, EDGES.to(DEVICE), places, ["a", "b", "c"]).get_label()


def test_linear_heads_and_coordinates():
    features, labels = torch.rand(12, 4), torch.arange(12) % 2
    moved = features.to(DEVICE), labels.to(DEVICE)
    here, there = linear_head(features, labels, 2), linear_head(*moved, 2)
    torch.testing.assert_close(there.weight, here.weight)
    classifier = train_on_features(*moved, ["a", "b"], backbone=None, splits=2, progress=False)
    assert classifier.counts == (6, 6)
    train, test = torch.arange(8), torch.arange(8, 12)
    here = shared_coordinates(features, train, test)
    there = shared_coordinates(*(each.to(DEVICE) for each in (features, train, test)))
    products = [known @ asked.T for known, asked in (here, there)]
    torch.testing.assert_close(*products, rtol=0, atol=1e-5)


def test_shortcuts():
    images = digits(3, 1, 28, 28)
    expected, mark = plant_mark(images, seed=0)
    found, marked = plant_mark(images.to(DEVICE), seed=0)
    close(found, expected)
    assert share_found(mark.float().to(DEVICE), marked).tolist() == [1, 1, 1]
    close(marked, mark)


def test_the_club():
    club = karate_club()
    explorer = SocialNetworkExplorer(club.edge_index.to(DEVICE), club.y.to(DEVICE), FACTIONS)
    assert explorer.error is None


def test_chance_on_the_cpu_leaves_a_gpu_alone(monkeypatch):
    seeded = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeded.append)
    with random_state(3, torch.device("cpu")):
        first = torch.rand(1)
    with random_state(3, torch.device("cpu")):
        assert torch.rand(1) == first
    assert not seeded


def test_the_explorer_of_messages():
    explorer = MessagePassingExplorer(features=torch.ones(5, 2, device=DEVICE))
    assert explorer.error is None


def test_probing_leaves_the_network_where_it_is(monkeypatch):
    monkeypatch.setattr("course_utils.experiments.layer_probes.pick_device", lambda: DEVICE)
    network, prepare, _ = efficientnet_lite0(32)
    train, test = torch.arange(8), torch.arange(8, 12)
    labels = torch.arange(12) % 2
    probe_layers(network, prepare, digits(12, 3, 32, 32), labels, train, test)
    assert {each.device.type for each in network.parameters()} == {"cpu"}


def tuned(network, optimizer, augment, train, test, epochs):
    network.to(DEVICE).eval()
    pictures, labels = (each.to(DEVICE) for each in train)
    for _ in range(epochs):
        optimizer.zero_grad()
        F.cross_entropy(network(augment(pictures)), labels).backward()
        optimizer.step()
    with torch.no_grad():
        return (network(test[0].to(DEVICE)).argmax(1) == test[1].to(DEVICE)).float().mean()


def extractor(network, classes):
    network.requires_grad_(False)
    network.classifier = torch.nn.Linear(network.classifier.in_features, classes)
    network.eval().to(DEVICE)
    return network, torch.optim.Adam(network.classifier.parameters())


def copied(network, classes):
    return extractor(copy.deepcopy(network), classes)


def saliency(network, pictures, prepare, target):
    inputs = prepare(pictures).to(DEVICE).requires_grad_()
    network.to(DEVICE)(inputs)[:, target].sum().backward()
    return inputs.grad.abs().amax(dim=1)


def on_nodes(network, optimizer, features, matrix, labels, train, steps):
    network.to(DEVICE).train()
    features, matrix, labels, train = (e.to(DEVICE) for e in (features, matrix, labels, train))
    for _ in range(steps):
        optimizer.zero_grad()
        F.cross_entropy(network(features, matrix)[train], labels[train]).backward()
        optimizer.step()
    with torch.no_grad():
        return network.eval()(features, matrix).argmax(dim=1)


@pytest.mark.parametrize(
    ("check", "answer"),
    [
        (check_tune_and_test, tuned),
        (check_feature_extractor, extractor),
        (check_feature_extractor, copied),
        (check_saliency, saliency),
        (check_train_nodes, on_nodes),
    ],
)
def test_answers_that_move_the_network(check, answer):
    assert f"{answer_name(check)} moves the network to another device" in verdict(check, answer)


def answer_name(check) -> str:
    return check.__name__.removeprefix("check_")
