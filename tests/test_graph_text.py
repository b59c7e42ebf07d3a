"""Small graphs as text and in numbers: what is typed, what each node receives."""

from collections.abc import Iterable

import numpy as np
import pytest
import torch
from torch_geometric.nn import GCNConv, SimpleConv

from course_utils.explorers.base import ExplorerError
from course_utils.explorers.edge_text import read_edges, read_values, write_edges, write_values
from course_utils.explorers.node_matrices import equals, short
from course_utils.explorers.received import NORMALIZATIONS, in_words, received

PAIRS = [(0, 1), (1, 0), (0, 2), (2, 0), (1, 2), (2, 1), (2, 3), (3, 2), (3, 4), (4, 3)]
VALUES = np.array([2.0, 1, -3, 4, 6])
ALL = ", ".join(f"{i}-{j}" for i in range(8) for j in range(i, 8))


# ---------------------------------------------------------------- what is typed


@pytest.mark.parametrize(
    ("text", "edges"),
    [
        ("0-1, 0-2", [(0, 1), (0, 2), (1, 0), (2, 0)]),
        ("0>1", [(0, 1)]),
        ("1 -> 0; 3 → 2", [(1, 0), (3, 2)]),
        ("4-4", [(4, 4)]),
        ("4>4", [(4, 4)]),
        (" 0 - 1\n2−3,\t3–4 ,", [(0, 1), (1, 0), (2, 3), (3, 2), (3, 4), (4, 3)]),
        ("0-1 1-2", [(0, 1), (1, 0), (1, 2), (2, 1)]),
        ("0>1, 1>0", [(0, 1), (1, 0)]),
        ("", []),
        (" , ;", []),
    ],
)
def test_edges_are_read(text: str, edges: list) -> None:
    assert read_edges(text, 5) == edges


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0-5", ["no node 5", "0-5", "nodes 0 to 4", "add a value"]),
        ("0-1, 7>2", ["no node 7", "7>2"]),
        ("0-1, 1-0", ["edge 1-0", "twice"]),
        ("0-1, 0>1", ["edge 0>1", "twice"]),
        ("0>1 0>1", ["edge 0>1", "twice"]),
        ("2-2, 2-2", ["self-loop at 2", "twice"]),
        ("0-1, hello", ["'hello' is no edge", "0-1", "0>1", "2-2"]),
        ("0-1-2", ["'0-1-2' is no edge"]),
        ("-1-0", ["'-1-0' is no edge"]),
        ("0.5-1", ["'0.5-1' is no edge"]),
        ("3", ["'3' is no edge"]),
        ("x" * 1000, ["'xxxxxxxxxxx…' is no edge"]),
        ("9" * 5000 + "-0", ["'99999999999…' is no edge"]),
        ("٣-١", ["is no edge"]),
    ],
)
def test_what_is_no_list_of_edges_gets_a_sentence(text: str, words: Iterable[str]) -> None:
    with pytest.raises(ExplorerError) as raised:
        read_edges(text, 5)
    for word in words:
        assert word in str(raised.value)


@pytest.mark.parametrize(
    ("edges", "text"),
    [
        ({(3, 2), (1, 0), (0, 1), (2, 2)}, "0-1, 2-2, 3>2"),
        ({(0, 2), (0, 1)}, "0>1, 0>2"),
        (set(), ""),
    ],
)
def test_edges_are_written_as_they_are_read(edges: set, text: str) -> None:
    assert write_edges(edges) == text
    assert read_edges(text, 5) == sorted(edges)


def test_values_are_read_and_written() -> None:
    assert read_values("2, 1;-0.5 −3").tolist() == [2, 1, -0.5, -3]
    assert write_values([2.0, 1, -0.5]) == "2, 1, -0.5"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no values"),
        ("1 2 3 4 5 6 7 8 9", "9 values"),
        ("1, nan", "'nan' is no value that can be shown"),
        ("inf", "'inf' is no value that can be shown"),
        ("1e9", "from −100 to 100"),
        ("-101", "from −100 to 100"),
        ("1, two", "'two' is no number"),
    ],
)
def test_what_are_no_values_gets_a_sentence(text: str, words: str) -> None:
    with pytest.raises(ExplorerError, match=words):
        read_values(text)


# ---------------------------------------------------------------- what is computed


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (1, "1"), (-3.0, "−3"), (1 / 3, "0.33"), (0.125, "0.13"), (-0.125, "−0.13"),
     (0.5, "0.5"), (2.004, "2"), (99.996, "100"), (-766.66, "−766.7"), (0.004, "0.004"),
     (12.345, "12.35")],
)  # fmt: skip
def test_numbers_have_two_decimals(value: float, text: str) -> None:
    assert short(value) == text


def test_rounded_numbers_are_only_nearly_equal() -> None:
    assert equals([0.5, 2, -3.25]) == "="
    assert equals([1e-12 + 0.5, 250.0]) == "="
    assert equals([0.5, 1 / 3]) == "≈"
    assert equals([100.25]) == "≈"


@pytest.mark.parametrize("self_loops", [False, True])
@pytest.mark.parametrize("how", NORMALIZATIONS)
def test_each_node_receives_what_numpy_says(how: str, self_loops: bool) -> None:
    matrix = np.zeros((5, 5))
    for source, target in PAIRS:
        matrix[target, source] = 1
    matrix += self_loops * np.eye(5)
    degrees = np.array([matrix[i].sum() for i in range(5)])
    scale = {
        "none": np.ones((5, 5)),
        "by row": 1 / degrees[:, None],
        "symmetric": 1 / np.sqrt(np.outer(degrees, degrees)),
    }[how]
    graph = received(PAIRS, VALUES, how, self_loops)
    np.testing.assert_array_equal(graph.matrix, matrix)
    np.testing.assert_array_equal(graph.degrees, degrees)
    np.testing.assert_allclose(graph.weights, matrix * scale, atol=1e-12)
    np.testing.assert_allclose(graph.result, (matrix * scale) @ VALUES, atol=1e-12)


def test_symmetric_normalization_with_self_loops_is_that_of_a_graph_convolution() -> None:
    layer = GCNConv(1, 1, bias=False)
    torch.nn.init.ones_(layer.lin.weight)
    edge_index, values = torch.tensor(PAIRS).T, torch.tensor(VALUES).float()[:, None]
    with torch.no_grad():
        expected = layer(values, edge_index).flatten().numpy()
    graph = received(PAIRS, VALUES, "symmetric", True)
    np.testing.assert_allclose(graph.result, expected, rtol=1e-5)


@pytest.mark.parametrize(("how", "aggregation"), [("none", "sum"), ("by row", "mean")])
def test_directed_edges_carry_from_their_source_to_their_target(how: str, aggregation: str) -> None:
    edges = [(0, 1), (2, 1), (1, 3), (3, 3)]
    layer = SimpleConv(aggregation)
    values = torch.tensor(VALUES).float()[:, None]
    expected = layer(values, torch.tensor(edges).T).flatten().numpy()
    graph = received(edges, VALUES, how, False)
    np.testing.assert_allclose(graph.result, expected, rtol=1e-6)


def test_symmetric_normalization_needs_edges_both_ways() -> None:
    with pytest.raises(ExplorerError, match=r"from 3 to 1 does not: normalize by row, or add the"):
        received([(0, 1), (1, 0), (3, 1)], VALUES, "symmetric", True)
    with pytest.raises(ExplorerError, match="no normalization 'x': choose one of none, by row"):
        received([], VALUES, "x", True)


def test_a_row_in_words() -> None:
    graph = received(PAIRS, VALUES, "by row", False)
    assert in_words(graph, 3) == "Node 3 receives 0.5 × (−3) + 0.5 × 6 = 1.5"
    assert in_words(graph, 2) == "Node 2 receives 0.33 × 2 + 0.33 × 1 + 0.33 × 4 ≈ 2.33"
    alone = received([], VALUES, "none", False)
    assert in_words(alone, 2) == "Node 2 receives nothing: its new value is 0."
