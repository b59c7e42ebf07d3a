"""Chapter 5, Cora: with edges, without and with wrong ones; deep networks; smoothing alone."""

import functools
from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.environment import seed_everything
from course_utils.graph_data import (
    Citations,
    NodeSplit,
    cora,
    cora_public,
    largest_component,
    random_split,
)
from course_utils.graph_training import (
    GCN,
    GCNII,
    accuracy_on,
    fit_nodes,
    row_normalized,
)
from course_utils.graphs import propagation, rewired, without_edges
from course_utils.label_propagation import label_propagation
from course_utils.probes import probe_accuracy
from course_utils.results import Measurements
from course_utils.smoothing import DEPTHS as POWERS
from course_utils.smoothing import mean_distances, multiplied

REMOVED = (0, 25, 50, 75, 100)  # percent of the edges
REWIRED = (25, 50, 100)
DEPTHS = (1, 2, 4, 8, 16, 32)
DEEP_HIDDEN = 64  # features in each layer, as in Chen and others (2020)
SHCHUR = {"hidden": 64, "dropout": 0.8, "weight_decay": 1e-3}  # Shchur and others (2018)

GRAPHS = ("split", "component", "public")  # all of Cora, its largest part, its public split


@functools.cache
def _citations(graph: str) -> Citations:
    if graph == "public":
        return cora_public()
    return largest_component(cora()) if graph == "component" else cora()


def _split(graph: str, seed: int) -> NodeSplit:
    citations = _citations(graph)
    return citations.public_split or random_split(citations.labels, seed)


def learn(
    graph: str,
    seed: int,
    *,
    layers: int = 2,
    hidden: int = 16,
    deep: bool = False,
    dropout: float = 0.5,
    residual: bool = False,
    weight_decay: float = 5e-4,
    rate: float = 0.01,
    epochs: int = 200,
    edges: Callable[[Tensor, int, int], Tensor | None] = lambda edges, nodes, seed: edges,
) -> Measurements:
    """Train a GCN, or a GCNII with its own dropout if it is to be `deep`, on the words of papers.

    Args:
        graph: one of `GRAPHS`.
        seed: of the first weights, of dropout and, but for the public split, of the split.
        layers, hidden, dropout, residual: of the network.
        weight_decay, rate, epochs: of its training.
        deep: whether it is a GCNII.
        edges: what becomes of the edges, given with the number of nodes and the seed; None leaves
            a dense network.

    Returns:
        Accuracies in 0..1 on the three parts of the split.
    """
    citations = _citations(graph)
    nodes, size = citations.features.shape
    classes = len(citations.classes)
    seed_everything(seed)
    if deep:
        network: nn.Module = GCNII(size, hidden, classes, layers)
    else:
        network = GCN([size, *[hidden] * (layers - 1), classes], dropout, residual)
    kept = edges(citations.edge_index, nodes, seed)
    inputs = (
        row_normalized(citations.features),
        None if kept is None else propagation(kept, nodes),
        citations.labels,
    )
    split = _split(graph, seed)
    options = {"weight_decay": weight_decay, "rate": rate, "epochs": epochs}
    fit_nodes(network, *inputs, split.train, **options)
    return {
        f"{part}_accuracy": accuracy_on(network, *inputs, at)
        for part, at in split._asdict().items()
    }


def propagate(graph: str, seed: int) -> Measurements:
    """Accuracies in 0..1 of label propagation, which looks at no words."""
    citations, split = _citations(graph), _split(graph, seed)
    labels = citations.labels
    named = label_propagation(citations.edge_index, labels, split.train, len(citations.classes))
    return {
        f"{part}_accuracy": (named[at] == labels[at]).double().mean().item()
        for part, at in split._asdict().items()
    }


def smooth(seed: int) -> Measurements:
    """What P^k X, with no weights at all, leaves of the papers' differences, for k in `POWERS`.

    Returns:
        distance: the mean cosine distance of two papers, in 0..1; the same for each seed.
        test_accuracy: in 0..1, of a linear layer trained as the networks are.
        rescaled_test_accuracy: the same of ridge regression after the features were centered and
            rescaled, which brings out differences that are small but still there.
    """
    citations, split = _citations("component"), _split("component", seed)
    labels = citations.labels
    matrix = propagation(citations.edge_index, len(labels))
    measured: Measurements = {"distance": [], "test_accuracy": [], "rescaled_test_accuracy": []}
    for features in multiplied(row_normalized(citations.features), matrix, POWERS):
        units = F.normalize(features, dim=1)
        measured["distance"].append(mean_distances(units, labels).overall)
        seed_everything(seed)
        line = GCN([features.shape[1], len(citations.classes)], dropout=0)
        fit_nodes(
            line, features[split.train], None, labels[split.train], torch.arange(len(split.train))
        )
        measured["test_accuracy"].append(accuracy_on(line, features, None, labels, split.test))
        measured["rescaled_test_accuracy"].append(
            probe_accuracy(features, labels, split.train, split.test)
        )
    return measured


def _none(edges: Tensor, nodes: int, seed: int) -> None:
    return None


def _removed(percent: int) -> Callable[[Tensor, int, int], Tensor]:
    return lambda edges, nodes, seed: without_edges(edges, percent / 100, seed)


def _rewired(percent: int) -> Callable[[Tensor, int, int], Tensor]:
    return lambda edges, nodes, seed: rewired(edges, nodes, percent / 100, seed)


RUNS: dict[str, Callable[[int], Measurements]] = {"smoothing": smooth}
for _graph in GRAPHS:
    _settings = SHCHUR if _graph == "component" else {}
    RUNS[f"{_graph}_gcn"] = partial(learn, _graph, **_settings)
    RUNS[f"{_graph}_mlp"] = partial(learn, _graph, edges=_none, **_settings)
    RUNS[f"{_graph}_propagation"] = partial(propagate, _graph)
for _percent in REMOVED:
    RUNS[f"removed_{_percent:02d}"] = partial(learn, "split", edges=_removed(_percent))
for _percent in REWIRED:
    RUNS[f"rewired_{_percent}"] = partial(learn, "split", edges=_rewired(_percent))
for _layers in DEPTHS:
    _at = partial(learn, "split", layers=_layers, hidden=DEEP_HIDDEN)
    RUNS[f"depth_gcn_{_layers}"] = _at
    RUNS[f"depth_mlp_{_layers}"] = partial(_at, edges=_none)
    if _layers > 1:
        _free = partial(_at, dropout=0, weight_decay=0)
        RUNS[f"depth_gcn_free_{_layers}"] = _free
        RUNS[f"depth_mlp_free_{_layers}"] = partial(_free, edges=_none)
        if _layers == DEPTHS[-1]:
            _slow = partial(_free, rate=3e-4, epochs=800)
            RUNS[f"depth_gcn_slow_{_layers}"] = _slow
            RUNS[f"depth_mlp_slow_{_layers}"] = partial(_slow, edges=_none)
        RUNS[f"depth_residual_{_layers}"] = partial(_at, residual=True)
        RUNS[f"depth_gcnii_{_layers}"] = partial(_at, deep=True)


def seeds(name: str) -> range:
    """The seeds of the runs `name`: fewer where a run takes long, one where nothing is drawn."""
    if name == "public_propagation":
        return range(1)
    kind = name.split("_")[0]
    return range({"depth": 5, "smoothing": 5, "removed": 10, "rewired": 10}.get(kind, 20))


def run(name: str, seed: int) -> Measurements:
    """One of `RUNS` with `seed`: accuracies in 0..1, as `learn`, `propagate` or `smooth` say."""
    return RUNS[name](seed)
