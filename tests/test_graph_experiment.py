"""The experiment on graphs: its runs on a small graph, and how its names are handed on."""

from collections.abc import Iterator

import pytest
import torch

from course_utils import experiments
from course_utils.experiments import citation_runs, graphs
from course_utils.graph_data import Citations, NodeSplit
from course_utils.graphs import propagation, undirected
from course_utils.smoothing import multiplied

CLASSES, EACH = 3, 60
CITATION_NAMES = [
    "smoothing",
    *(f"{a}_{b}" for a in ("split", "component", "public") for b in ("gcn", "mlp", "propagation")),
    *(f"removed_{percent}" for percent in ("00", "25", "50", "75", "100")),
    *(f"rewired_{percent}" for percent in (25, 50, 100)),
    *(f"depth_{kind}_{layers}" for kind in ("gcn", "mlp") for layers in (1, 2, 4, 8, 16, 32)),
    *(f"depth_{kind}_{layers}" for kind in ("residual", "gcnii") for layers in (2, 4, 8, 16, 32)),
    *("depth_gcn_slow_32", "depth_mlp_slow_32"),
    *(f"depth_{kind}_free_{layers}" for kind in ("gcn", "mlp") for layers in (2, 4, 8, 16, 32)),
]
PARTS = ["train_accuracy", "validation_accuracy", "test_accuracy"]


def papers() -> Citations:
    """Three classes of 60 papers, whose words and edges tell much of the class but not all."""
    generator = torch.Generator().manual_seed(0)
    nodes = CLASSES * EACH
    labels = torch.arange(CLASSES).repeat_interleave(EACH)
    chances = torch.full((nodes, 6), 0.3)
    chances[torch.arange(nodes), labels] = 0.7
    features = torch.bernoulli(chances, generator=generator)
    features[features.sum(dim=1) == 0] = 1
    rings = {
        (c * EACH + i, c * EACH + (i + step) % EACH)
        for c in range(CLASSES)
        for i in range(EACH)
        for step in (1, 2)
    }
    wrong = torch.randint(EACH, (50, 2), generator=generator) + torch.tensor([0, EACH])
    edges = undirected(rings | {(0, 2 * EACH)} | set(map(tuple, wrong.tolist())), nodes)
    split = NodeSplit(*(torch.arange(start, nodes, 3) for start in range(3)))
    sparse = features.to_sparse().coalesce()
    return Citations(sparse, edges, labels, ("a", "b", "c"), public_split=split)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[Citations]:
    citations = papers()
    without_split = Citations(
        citations.features, citations.edge_index, citations.labels, citations.classes
    )
    monkeypatch.setattr(citation_runs, "cora", lambda: without_split)
    monkeypatch.setattr(citation_runs, "cora_public", lambda: citations)
    citation_runs._citations.cache_clear()
    yield citations
    citation_runs._citations.cache_clear()


def test_all_runs_of_the_chapter_are_there():
    assert sorted(citation_runs.RUNS) == sorted(CITATION_NAMES)
    assert set(CITATION_NAMES) <= set(graphs.RUNS)
    assert "graphs" in experiments.NAMES


@pytest.mark.parametrize("module", graphs.MODULES, ids=lambda module: module.__name__)
def test_every_name_is_handed_to_its_module(module, monkeypatch: pytest.MonkeyPatch):
    asked = []
    monkeypatch.setattr(module, "run", lambda *run: asked.append(run) or {"value": 1.0})
    for name in module.RUNS:
        assert graphs.run(name, 7) == {"value": 1.0}
        assert list(graphs.seeds(name)) == list(experiments.seeds_of(module, name))
    assert asked == [(name, 7) for name in module.RUNS]


def test_no_name_belongs_to_two_modules():
    assert len(graphs.RUNS) == sum(len(module.RUNS) for module in graphs.MODULES)


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("split_gcn", 20),
        ("component_mlp", 20),
        ("public_gcn", 20),
        ("public_propagation", 1),
        ("removed_00", 10),
        ("rewired_100", 10),
        ("depth_gcnii_32", 5),
        ("smoothing", 5),
    ],
)
def test_how_often_a_run_is_repeated(name, count):
    assert list(graphs.seeds(name)) == list(range(count))


@pytest.mark.parametrize(
    "name",
    [name for name in CITATION_NAMES if not name.endswith(("_16", "_32")) and name != "smoothing"],
)
def test_every_run_gives_three_accuracies(name, small, monkeypatch: pytest.MonkeyPatch):
    fit = citation_runs.fit_nodes
    monkeypatch.setattr(citation_runs, "fit_nodes", lambda *a, **o: fit(*a, **o | {"epochs": 2}))
    measured = graphs.run(name, 0)
    assert list(measured) == PARTS
    assert all(type(value) is float and 0 <= value <= 1 for value in measured.values())


def test_free_networks_are_held_back_by_nothing(small, monkeypatch: pytest.MonkeyPatch):
    trained = []

    def note(network, *given, weight_decay, rate, epochs):
        trained.append((network.dropout, weight_decay, rate, epochs))

    monkeypatch.setattr(citation_runs, "fit_nodes", note)
    for name in ("depth_gcn_4", "depth_mlp_free_4", "depth_mlp_slow_32"):
        graphs.run(name, 0)
    assert trained == [(0.5, 5e-4, 0.01, 200), (0, 0, 0.01, 200), (0, 0, 3e-4, 800)]


def test_edges_help_and_wrong_ones_harm(small):
    accuracies = {
        name: graphs.run(name, 1)["test_accuracy"]
        for name in ("split_gcn", "split_mlp", "removed_100", "rewired_100")
    }
    assert accuracies["split_gcn"] > accuracies["split_mlp"] + 0.03
    assert accuracies["removed_100"] > accuracies["rewired_100"] + 0.1
    assert accuracies["split_mlp"] == pytest.approx(accuracies["removed_100"])


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("split_gcn", 6 * 16 + 16 + 16 * 3 + 3),
        ("component_gcn", 6 * 64 + 64 + 64 * 3 + 3),
        ("depth_mlp_1", 6 * 3 + 3),
        ("depth_residual_4", 6 * 64 + 64 + 2 * (64 * 64 + 64) + 64 * 3 + 3),
        ("depth_gcnii_4", 6 * 64 + 64 + 4 * 64 * 64 + 64 * 3 + 3),
    ],
)
def test_what_is_trained(name, parameters, small, monkeypatch: pytest.MonkeyPatch):
    given = {}

    def note(network, features, matrix, labels, train, **options):
        given.update(options, network=network, features=features, matrix=matrix)

    monkeypatch.setattr(citation_runs, "fit_nodes", note)
    graphs.run(name, 0)
    network = given["network"]
    assert sum(weights.numel() for weights in network.parameters()) == parameters
    torch.testing.assert_close(
        given["features"].to_dense().sum(dim=1), torch.ones(len(small.labels))
    )
    assert (given["matrix"] is None) == ("mlp" in name)
    shchur = name.startswith("component")
    assert given["weight_decay"] == (1e-3 if shchur else 5e-4)
    expected = 0.8 if shchur else 0.6 if "gcnii" in name else 0.5
    assert network.dropout == expected
    assert getattr(network, "residual", False) == ("residual" in name)


@pytest.mark.parametrize("percent", [25, 50, 100])
@pytest.mark.parametrize("kind", ["removed", "rewired"])
def test_what_becomes_of_edges(kind, percent, small, monkeypatch: pytest.MonkeyPatch):
    kept = []

    def note(network, features, matrix, *given, **options):
        kept.append(set(zip(*matrix.indices().tolist(), strict=True)))

    monkeypatch.setattr(citation_runs, "fit_nodes", note)
    graphs.run("split_gcn", 3)
    graphs.run(f"{kind}_{percent}", 3)
    graphs.run(f"{kind}_{percent}", 4)
    loops = {(node, node) for node in range(len(small.labels))}
    before, after, other = (edges - loops for edges in kept)
    total = len(before)
    assert len(after) == pytest.approx(total * (1 - percent / 100 * (kind == "removed")), abs=2)
    assert len(before & after) == pytest.approx(total * (1 - percent / 100), abs=0.1 * total)
    assert (after != other) == (kind == "rewired" or percent < 100)


@pytest.mark.parametrize("name", ["split_gcn", "split_propagation", "removed_50"])
def test_the_same_seed_gives_the_same_and_another_seed_another(name, small):
    first = graphs.run(name, 0)
    torch.rand(1)
    assert graphs.run(name, 0) == first
    assert graphs.run(name, 1) != first


def test_powers_of_the_matrix_by_hand():
    """A path of three nodes, of which the middle one has two neighbors."""
    matrix = propagation(undirected([(0, 1), (1, 2)], 3), 3)
    side, middle, link = 1 / 2, 1 / 3, 1 / 6**0.5
    dense = torch.tensor([[side, link, 0], [link, middle, link], [0, link, side]])
    features = torch.eye(3)
    steps = list(multiplied(features, matrix, (0, 1, 3, 64)))
    assert torch.equal(steps[0], features)
    torch.testing.assert_close(steps[1], dense)
    torch.testing.assert_close(steps[2], dense @ dense @ dense)
    # In the end each row is the square roots of the degrees, times that of its own.
    roots = torch.tensor([2.0, 3.0, 2.0]).sqrt()
    torch.testing.assert_close(steps[3], roots[:, None] * roots / 7)


def test_smoothing_of_a_small_graph(small):
    measured = graphs.run("smoothing", 0)
    assert list(measured) == ["distance", "test_accuracy", "rescaled_test_accuracy"]
    assert all(len(values) == len(citation_runs.POWERS) for values in measured.values())
    distances = measured["distance"]
    assert distances == sorted(distances, reverse=True)
    assert graphs.run("smoothing", 1)["distance"] == distances
    for accuracies in (measured["test_accuracy"], measured["rescaled_test_accuracy"]):
        assert max(accuracies[1:5]) > accuracies[0] + 0.05 > 0.5


def test_wrong_labels_of_test_papers_change_the_accuracy_only(small, monkeypatch):
    """Nothing that is learned depends on them."""
    trained = []
    fit = citation_runs.fit_nodes

    def note(network, *given, **options):
        fit(network, *given, **options | {"epochs": 20})
        trained.append([weights.detach().clone() for weights in network.parameters()])

    monkeypatch.setattr(citation_runs, "fit_nodes", note)
    right = graphs.run("public_gcn", 0)
    small.labels[small.public_split.test] = 0
    wrong = graphs.run("public_gcn", 0)
    assert all(torch.equal(*pair) for pair in zip(*trained, strict=True))
    assert wrong["train_accuracy"] == right["train_accuracy"]
    assert wrong["test_accuracy"] != right["test_accuracy"]
