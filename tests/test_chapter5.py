"""What chapter 5 writes out, and what its experiment promises."""

import ast
from pathlib import Path

import nbformat
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_utils.experiments import graphs
from course_utils.graph_data import cora
from course_utils.graph_training import GCN, fit_nodes, row_normalized
from course_utils.graphs import grid, normalized, propagation, undirected
from course_utils.results import Results

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "05_graph_convolution.ipynb"


@pytest.fixture(scope="module")
def written():
    """The functions and classes that the chapter writes out."""
    names = {"torch": torch, "nn": nn, "F": F}
    for cell in nbformat.read(NOTEBOOK, as_version=4).cells:
        if cell.cell_type == "code" and cell.id.startswith("code") and "%pip" not in cell.source:
            tree = ast.parse(cell.source)
            defined = [
                node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)
            ]
            exec(compile(ast.Module(defined, []), cell.id, "exec"), names)
    return names


def test_its_loop_over_edges_is_a_convolution(written):
    edges, kinds = grid(4, 6)
    conv = nn.Conv2d(2, 3, 3, padding=1, bias=False).requires_grad_(False)
    picture = torch.randn(2, 4, 6, generator=torch.Generator().manual_seed(0))
    taps = conv.weight.flatten(2).permute(2, 0, 1)
    out = written["relational_convolution"](picture.flatten(1).T, edges, kinds, taps)
    torch.testing.assert_close(out.T.view(3, 4, 6), conv(picture[None])[0])


def test_its_network_and_its_training_are_those_of_the_package(written):
    edges = undirected([(0, 1), (1, 2), (2, 3), (0, 3), (3, 4)], 5)
    P = propagation(edges, 5)
    x = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    labels, train = torch.tensor([0, 1, 0, 1, 1]), torch.tensor([0, 1])
    torch.manual_seed(1)
    ours = written["GCN"](4, 3, 2, dropout=0)
    theirs = GCN([4, 3, 2], dropout=0)
    with torch.no_grad():
        for weight, layer in zip(theirs.weights, (ours.first, ours.second), strict=True):
            weight.copy_(layer.weight)
    written["train"](ours, x, P, labels, train, epochs=30)
    fit_nodes(theirs, x, P, labels, train, epochs=30)
    assert not ours.training
    torch.testing.assert_close(ours(x, P), theirs(x, P), rtol=1e-3, atol=1e-4)


def test_its_layer_is_the_matrix_product(written):
    P = normalized(torch.ones(3, 3))
    layer = written["GraphConvolution"](2, 4)
    x = torch.randn(3, 2)
    torch.testing.assert_close(layer(x, P), P @ x @ layer.weight + layer.bias)


def test_results_hold_every_run():
    runs = Results.load("graphs").runs
    assert {name: set(found) for name, found in runs.items()} == {
        name: {str(seed) for seed in graphs.seeds(name)} for name in graphs.RUNS
    }


@pytest.mark.parametrize("name", ["split_propagation", "component_propagation"])
def test_what_draws_nothing_but_the_split_can_be_repeated(name):
    known = Results.load("graphs").runs[name]["7"]["test_accuracy"]
    assert graphs.run(name, 7)["test_accuracy"] == pytest.approx(known, abs=0.005)


def test_a_trained_run_can_be_repeated():
    known = Results.load("graphs").values("split_gcn", "test_accuracy")[:2]
    found = [graphs.run("split_gcn", seed)["test_accuracy"] for seed in (0, 1)]
    assert found == pytest.approx(known, abs=0.03)


def test_targets_of_the_published_settings():
    results = Results.load("graphs")
    assert results.mean("public_gcn", "test_accuracy").mean >= 0.814
    assert results.mean("component_gcn", "test_accuracy").mean >= 0.81


def test_wide_networks_have_the_parameters_of_nine_kinds():
    runs = Results.load("graphs").runs
    sizes = {name: runs[name]["0"]["parameters"] for name in runs if name.startswith("pixels")}
    for name in ("pixels_1_wide", "pixels_2_wide"):
        assert sizes[name] == pytest.approx(sizes["pixels_9"], rel=0.02)


def test_how_alike_tied_papers_are():
    """The chapter prints 81%."""
    source, target = cora().edge_index
    labels = cora().labels
    assert (labels[source] == labels[target]).double().mean().item() == pytest.approx(
        0.81, abs=0.005
    )


def test_a_paper_s_words_sum_to_one():
    sums = row_normalized(cora().features).to_dense().sum(dim=1)
    torch.testing.assert_close(sums, torch.ones_like(sums))
