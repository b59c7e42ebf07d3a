"""Features after many multiplications by P, against sums over all pairs and numpy's SVD."""

import math
from itertools import combinations

import numpy as np
import pytest
import torch
from torch import Tensor

from course_utils import smoothing as module
from course_utils.graphs import GraphError, propagation, undirected
from course_utils.smoothing import Smoothing, smoothing

# A triangle with a tail of two, and a pair on its own.
EDGES = [(0, 1), (1, 2), (2, 0), (2, 3), (3, 4), (5, 6)]
NODES = 7
LABELS = torch.tensor([0, 0, 1, 1, 2, 2, 0])


def random_features(nodes: int, count: int, seed: int = 0) -> Tensor:
    return torch.rand(nodes, count, generator=torch.Generator().manual_seed(seed))


def smooth(features: Tensor, edges: Tensor, labels: Tensor, *depths: int) -> Smoothing:
    return smoothing(features, propagation(edges, len(labels)), labels, depths, progress=None)


def by_hand(edges: list[tuple[int, int]], features: Tensor, depth: int) -> np.ndarray:
    """P^k X in float64, from the definition."""
    linked = np.eye(len(features))
    for one, other in edges:
        linked[one, other] = linked[other, one] = 1
    roots = np.sqrt(linked.sum(axis=1))
    return (
        np.linalg.matrix_power(linked / np.outer(roots, roots), depth) @ features.double().numpy()
    )


def mean_distance(rows: np.ndarray, pairs: list[tuple[int, int]]) -> float:
    total = 0.0
    for i, j in pairs:
        dot = sum(a * b for a, b in zip(rows[i], rows[j], strict=True))
        total += 1 - dot / math.sqrt(sum(a * a for a in rows[i]) * sum(b * b for b in rows[j]))
    return total / len(pairs)


def test_features_and_a_matrix_that_are_learned_are_measured_as_they_are() -> None:
    features, matrix = random_features(NODES, 4), propagation(undirected(EDGES, NODES), NODES)
    expected = smoothing(features, matrix, LABELS, (0, 2), progress=None)
    learned = [features.requires_grad_(), matrix.requires_grad_()]
    found = smoothing(*learned, LABELS, (0, 2), progress=None)
    assert found.distances == expected.distances
    assert features.requires_grad


def test_distances_are_means_over_all_pairs() -> None:
    features, depths = random_features(NODES, 4), (0, 1, 3, 10)
    found = smooth(features, undirected(EDGES, NODES), LABELS, *depths)
    assert found.depths == depths
    pairs = list(combinations(range(NODES), 2))
    same = [(i, j) for i, j in pairs if LABELS[i] == LABELS[j]]
    assert (len(pairs), len(same)) == (21, 5)
    for depth, distances in zip(depths, found.distances, strict=True):
        rows = by_hand(EDGES, features, depth)
        expected = [
            mean_distance(rows, which)
            for which in (pairs, same, [p for p in pairs if p not in same])
        ]
        assert list(distances) == pytest.approx(expected, abs=1e-6)


def test_depth_0_is_the_features_themselves() -> None:
    features = torch.tensor([[3.0, 0.0], [0.0, 2.0], [1.0, 1.0]])
    found = smooth(features, undirected([(0, 1), (1, 2)], 3), torch.tensor([0, 0, 1]), 0)
    slanted = 1 - math.sqrt(0.5)
    assert found.distances[0].within == pytest.approx(1)
    assert found.distances[0].between == pytest.approx(slanted)
    assert found.distances[0].overall == pytest.approx((1 + 2 * slanted) / 3)


@pytest.mark.parametrize("count", [2, 5, 130])
def test_places_are_those_of_principal_components(count: int) -> None:
    features = random_features(NODES, count, seed=count) ** 3
    found = smooth(features, undirected(EDGES, NODES), LABELS, 0, 1, 2)
    assert found.places.shape == (3, NODES, 2)
    assert found.places.dtype == np.float32
    for place, depth in enumerate(found.depths):
        rows = by_hand(EDGES, features, depth)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        left, values, _ = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)
        expected = left[:, :2] * values[:2]
        places = found.places[place].astype(float)
        # What does not change when a plane is turned: the products of all pairs of places.
        np.testing.assert_allclose(places @ places.T, expected @ expected.T, atol=2e-6)
        share = (values[:2] ** 2).sum() / (values**2).sum()
        assert found.shares[place] == pytest.approx(share, abs=1e-5)


def test_each_cloud_is_turned_to_the_one_before() -> None:
    features = random_features(60, 20)
    edges = undirected([(i, (i + 1) % 60) for i in range(60)], 60)
    found = smooth(features, edges, torch.zeros(60, dtype=torch.int64), 0, 1, 2, 4, 8)
    for before, places in zip(found.places[:-1], found.places[1:], strict=True):
        gap = ((places - before) ** 2).sum()
        for mirror in (1, -1):
            for angle in np.arange(0.05, 2 * np.pi, 0.05):
                turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
                turned = places @ (turn * [1, mirror])
                assert ((turned - before) ** 2).sum() >= gap - 1e-5


def test_in_the_limit_a_connected_graph_has_one_direction() -> None:
    edges = EDGES[:5]  # without the pair
    features = random_features(5, 3)
    found = smooth(features, undirected(edges, 5), LABELS[:5], 0, 500)
    assert found.distances[0].overall > 0.1
    assert max(found.distances[1]) < 1e-6
    assert np.abs(found.places[1]).max() < 1e-3
    # All rows are the same one, as long as the square root of the degree with its self-loop.
    matrix = propagation(undirected(edges, 5), 5).to_dense()
    rows = torch.linalg.matrix_power(matrix.double(), 500) @ features.double()
    roots = torch.tensor([3.0, 3, 4, 3, 2]).double().sqrt()
    torch.testing.assert_close(rows / roots[:, None], (rows[:1] / roots[0]).expand(5, 3))


def test_in_the_limit_each_component_has_its_own_direction() -> None:
    features = random_features(NODES, 3, seed=1)
    component = torch.tensor([0, 0, 0, 0, 0, 1, 1])
    found = smooth(features, undirected(EDGES, NODES), component, 500)
    # P^k tends to the projection on the square roots of the degrees, in each component.
    roots = np.sqrt([3, 3, 4, 3, 2, 2, 2])
    one = roots[:5] @ features[:5].numpy()
    two = roots[5:] @ features[5:].numpy()
    cosine = one @ two / np.linalg.norm(one) / np.linalg.norm(two)
    assert cosine < 0.99
    assert found.distances[0].within == pytest.approx(0, abs=1e-6)
    assert found.distances[0].between == pytest.approx(1 - cosine, abs=1e-6)


def test_sparse_and_dense_are_the_same() -> None:
    features = random_features(NODES, 4).round() + torch.eye(NODES)[:, :4] + 0.5
    features[0, 1:] = 0
    before = features.clone()
    matrix = propagation(undirected(EDGES, NODES), NODES)
    dense = smoothing(features, matrix.to_dense(), LABELS, (0, 2), progress=None)
    sparse = smoothing(features.to_sparse(), matrix, LABELS, (0, 2), progress=None)
    np.testing.assert_allclose(dense.distances, sparse.distances, atol=1e-6)
    np.testing.assert_allclose(dense.places, sparse.places, atol=1e-5)
    assert torch.equal(features, before)
    np.testing.assert_array_equal(dense.labels, LABELS)


def test_many_features_take_the_faster_way(monkeypatch: pytest.MonkeyPatch) -> None:
    features = random_features(NODES, 40)
    fine = smooth(features, undirected(EDGES, NODES), LABELS, 0, 3)
    monkeypatch.setattr(module, "LARGE", 1)
    fast = smooth(features, undirected(EDGES, NODES), LABELS, 0, 3)
    np.testing.assert_allclose(fine.places, fast.places, atol=1e-5)


def test_equal_nodes_have_no_distance() -> None:
    found = smooth(torch.ones(3, 150), undirected([(0, 1)], 3), torch.tensor([0, 1, 1]), 0, 1)
    np.testing.assert_allclose(found.distances, 0, atol=1e-6)
    assert not found.places.any()
    assert found.shares.tolist() == [1, 1]


@pytest.mark.parametrize(("labels", "missing"), [([0, 0, 0], "between"), ([0, 1, 2], "within")])
def test_pairs_that_there_are_not(labels: list[int], missing: str) -> None:
    found = smooth(random_features(3, 2), undirected([(0, 1)], 3), torch.tensor(labels), 0)
    distances = found.distances[0]._asdict()
    assert math.isnan(distances.pop(missing))
    one, other = distances.values()
    assert one == pytest.approx(other, abs=1e-9)
    assert one > 1e-3


def test_the_bar_counts_multiplications(capsys: pytest.CaptureFixture) -> None:
    matrix = propagation(undirected(EDGES, NODES), NODES)
    smoothing(random_features(NODES, 3), matrix, LABELS, (0, 2, 5), progress="smoothing")
    assert "5/5" in capsys.readouterr().err


GOOD = {
    "features": random_features(3, 2),
    "matrix": torch.eye(3),
    "labels": torch.tensor([0, 1, 1]),
    "depths": (0, 1),
}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"features": torch.ones(3, 2, dtype=torch.int64)}, "Features must be floating-point"),
        ({"features": torch.full((3, 2), torch.nan)}, "Some features are NaN or infinite"),
        ({"features": torch.ones(3, 1)}, "at least two nodes with two features"),
        ({"matrix": torch.eye(4)}, r"The matrix must be \[3, 3\], not \[4, 4\]."),
        ({"labels": torch.tensor([0, 1])}, "Labels must be int64 .3., one for each node"),
        ({"labels": torch.tensor([0, 1, -1])}, "1 of 3 nodes have no label of 0 to 1"),
        ({"labels": torch.tensor([], dtype=torch.int64)}, "Labels must be int64 .3."),
        ({"depths": ()}, "Depths must increase from 0 on"),
        ({"depths": (1, 1)}, r"as in 0, 1, 2, 4, not \[1, 1\]."),
        ({"depths": (-1, 1)}, "Depths must increase from 0 on"),
        (
            {"features": torch.tensor([[1.0, 0], [0, 0], [0, 0]])},
            "At depth 0, 2 of 3 nodes have only zeros",
        ),
        ({"matrix": torch.diag(torch.tensor([1.0, 1, 0]))}, "At depth 1, 1 of 3 nodes have only"),
    ],
)
def test_bad_input_gets_a_sentence(changes: dict, words: str) -> None:
    with pytest.raises(GraphError, match=words):
        smoothing(**(GOOD | changes), progress=None)
    smoothing(**GOOD, progress=None)
