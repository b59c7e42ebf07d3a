"""Graphs as edges and matrices, against PyTorch Geometric and against sums done by hand."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_utils.graphs import (
    GraphError,
    adjacency,
    check_edges,
    check_features,
    check_labels,
    grid,
    is_undirected,
    normalized,
    propagation,
    rewired,
    undirected,
    without_edges,
)

PAIRS = [(0, 1), (0, 2), (1, 2), (2, 3), (3, 4)]


def random_edges(nodes: int = 30, count: int = 60, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    pairs = {
        tuple(sorted(torch.randint(nodes, (2,), generator=generator).tolist()))
        for _ in range(count)
    }
    return undirected([pair for pair in sorted(pairs) if pair[0] != pair[1]], nodes)


# Edges


def test_pairs_go_both_ways_and_a_loop_once():
    edges = undirected([(0, 1), (2, 2)], 3)
    assert edges.tolist() == [[0, 1, 2], [1, 0, 2]]
    assert undirected([], 2).shape == (2, 0)


@pytest.mark.parametrize(
    ("pairs", "sentence"),
    [
        ([(0, 1), (1, 0)], "The edge 1, 0 is listed twice: it would count double."),
        ([(0, 0), (0, 0)], "The self-loop at 0 is listed twice: it would count double."),
        ([(0, 3)], "from 0 to 3 leads to a node that is not there: the nodes are 0 to 2."),
        ([(0, 1, 2)], "An edge joins two nodes, not 3: [0, 1, 2]."),
    ],
)
def test_wrong_pairs_are_named(pairs, sentence):
    with pytest.raises(GraphError) as caught:
        undirected(pairs, 3)
    assert str(caught.value).endswith(sentence)


@pytest.mark.parametrize(
    ("edges", "nodes", "sentence"),
    [
        (torch.zeros(2, 1, dtype=torch.int64), 0, "has no nodes"),
        (torch.zeros(2, 1), 1, "must be a tensor of int64, not torch.float32"),
        ([[0], [0]], 1, "must be a tensor of int64, not list"),
        (torch.zeros(3, 2, dtype=torch.int64), 1, "must have the shape [2, E]"),
        (torch.tensor([[0, 1], [1, -1]]), 2, "from 1 to -1"),
        (torch.tensor([[0, 5], [1, 0]]), 2, "from 5 to 0"),
    ],
)
def test_wrong_edges_are_named(edges, nodes, sentence):
    with pytest.raises(GraphError) as caught:
        check_edges(edges, nodes)
    assert sentence in str(caught.value)


def test_one_way_is_seen():
    assert is_undirected(undirected(PAIRS, 5))
    assert is_undirected(torch.tensor([[0], [0]]))
    assert not is_undirected(torch.tensor([[0, 1], [1, 2]]))


@pytest.mark.parametrize(
    ("features", "sentence"),
    [
        (torch.zeros(2, 4), "one row for each of the 3 nodes: [3, F], not [2, 4]"),
        (torch.zeros(3), "not [3]"),
        (torch.zeros(3, 1, dtype=torch.int64), "not torch.int64"),
        (torch.tensor([[0.0], [float("nan")], [1.0]]), "NaN or infinite"),
        (torch.tensor([[0.0], [float("inf")], [1.0]]).to_sparse(), "NaN or infinite"),
    ],
)
def test_wrong_features_are_named(features, sentence):
    with pytest.raises(GraphError) as caught:
        check_features(features, 3)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        (torch.tensor([0, 1]), "one for each node, not torch.int64 [2]"),
        (torch.tensor([0.0, 1, 1]), "not torch.float32 [3]"),
        (torch.tensor([0, -1, 2]), "2 of 3 nodes have no label of 0 to 1"),
    ],
)
def test_wrong_labels_are_named(labels, sentence):
    with pytest.raises(GraphError) as caught:
        check_labels(labels, 3, 2)
    assert sentence in str(caught.value)


def test_what_is_right_passes():
    labels, features = torch.tensor([0, 1, 1]), torch.ones(3, 2)
    assert check_labels(labels, 3, 2) is labels
    assert check_features(features, 3) is features
    assert check_features(features.to_sparse().coalesce(), 3).is_sparse


# Matrices


def test_row_i_holds_what_node_i_receives():
    matrix = adjacency(torch.tensor([[0, 2], [1, 1]]), 3)  # 0 and 2 send to 1
    assert matrix.tolist() == [[0, 0, 0], [1, 0, 1], [0, 0, 0]]


def test_a_self_loop_counts_once():
    edges = undirected([(0, 1), (1, 1)], 2)
    assert adjacency(edges, 2, self_loops=True).tolist() == [[1, 1], [1, 1]]
    assert adjacency(edges, 2).tolist() == [[0, 1], [1, 1]]


def test_an_edge_listed_twice_is_refused():
    edges = torch.tensor([[0, 0], [1, 1]])
    with pytest.raises(GraphError, match="from 0 to 1 is listed twice"):
        adjacency(edges, 2)
    both = torch.cat([edges, edges.flip(0)], dim=1)
    with pytest.raises(GraphError, match="listed twice"):
        propagation(both, 2)


def test_normalized_by_hand():
    matrix = adjacency(undirected([(0, 1), (0, 2)], 3), 3, self_loops=True)  # degrees 3, 2, 2
    root = 1 / np.sqrt(6)
    expected = [[1 / 3, root, root], [root, 1 / 2, 0], [root, 0, 1 / 2]]
    np.testing.assert_allclose(normalized(matrix), expected, rtol=1e-6)
    rows = [[1 / 3, 1 / 3, 1 / 3], [1 / 2, 1 / 2, 0], [1 / 2, 0, 1 / 2]]
    np.testing.assert_allclose(normalized(matrix, "row"), rows, rtol=1e-6)
    assert torch.equal(normalized(matrix, "none"), matrix)


@pytest.mark.parametrize("how", ["row", "symmetric"])
def test_an_isolated_node_stays_zero(how):
    matrix = normalized(adjacency(undirected([(0, 1)], 3), 3), how)
    assert matrix.isfinite().all()
    assert (matrix[2] == 0).all()


def test_symmetric_normalization_needs_both_ways():
    one_way = torch.tensor([[0, 1], [1, 2]])
    with pytest.raises(GraphError, match="edges that go both ways"):
        normalized(adjacency(one_way, 3))
    with pytest.raises(GraphError, match="edges that go both ways"):
        propagation(one_way, 3)
    assert normalized(adjacency(one_way, 3), "row").sum() == 2


def test_an_unknown_normalization_is_named():
    with pytest.raises(GraphError, match="not 'column'"):
        normalized(torch.eye(2), "column")


def test_propagation_is_that_of_the_library():
    from torch_geometric.nn import GCNConv

    edges = torch.cat([random_edges(), torch.tensor([[3], [3]])], dim=1)  # one self-loop
    features = torch.randn(30, 4, generator=torch.Generator().manual_seed(1))
    layer = GCNConv(4, 5, bias=False)
    expected = layer(features, edges)
    matrix = propagation(edges, 30)
    torch.testing.assert_close(matrix @ (features @ layer.lin.weight.T), expected)
    dense = normalized(adjacency(edges, 30, self_loops=True))
    torch.testing.assert_close(matrix.to_dense(), dense)


# Changed edges


def as_set(edges: torch.Tensor) -> set[tuple[int, int]]:
    return set(zip(*edges.tolist(), strict=True))


@pytest.mark.parametrize("share", [0, 0.25, 1])
def test_removed_edges_are_gone_in_both_directions(share):
    edges = random_edges()
    left = without_edges(edges, share, seed=2)
    once = edges.shape[1] // 2
    assert left.shape[1] == 2 * (once - round(share * once))
    assert as_set(left) <= as_set(edges)
    assert is_undirected(left)
    assert torch.equal(left, without_edges(edges, share, seed=2))


def test_rewired_edges_keep_their_number():
    edges = random_edges()
    changed = rewired(edges, 30, 0.5, seed=2)
    assert len(as_set(changed)) == changed.shape[1] == edges.shape[1]
    assert is_undirected(changed)
    assert (changed[0] != changed[1]).all()
    kept = len(as_set(changed) & as_set(edges)) / edges.shape[1]
    assert 0.45 < kept < 0.7
    assert as_set(rewired(edges, 30, 0, seed=2)) == as_set(edges)
    assert as_set(rewired(edges, 30, 0.5, seed=3)) != as_set(changed)


@pytest.mark.parametrize("share", [-0.1, 1.5])
def test_a_share_lies_between_none_and_all(share):
    with pytest.raises(GraphError, match="0 to 1"):
        without_edges(random_edges(), share, seed=0)


# Grids


def test_kinds_of_edges_are_the_taps_of_a_kernel():
    edges, kinds = grid(4, 5)
    conv = nn.Conv2d(1, 1, 3, padding=1, bias=False).requires_grad_(False)
    x = torch.randn(1, 1, 4, 5, generator=torch.Generator().manual_seed(0))
    source, target = edges
    out = torch.zeros(20).index_add_(0, target, x.flatten()[source] * conv.weight.flatten()[kinds])
    torch.testing.assert_close(out.view(1, 1, 4, 5), F.conv2d(x, conv.weight, padding=1))


def test_a_grid_ties_each_pixel_to_itself_and_its_neighbors():
    edges, kinds = grid(3, 3)
    assert edges.shape[1] == 9 + 2 * (6 + 6 + 4 + 4)
    assert (edges[:, kinds == 4] == torch.arange(9)).all()
    assert sorted(edges[0, edges[1] == 4].tolist()) == list(range(9))
    assert is_undirected(edges)
    assert grid(1, 1)[0].tolist() == [[0], [0]]
    with pytest.raises(GraphError, match="not 0 × 3"):
        grid(0, 3)
