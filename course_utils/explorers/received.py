"""What each node of a small graph receives: the matrices, the numbers, and both in words."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from course_utils.explorers.base import ExplorerError
from course_utils.explorers.edge_text import Edge
from course_utils.explorers.node_matrices import equals, listed, short
from course_utils.graphs import adjacency, normalized

DEFAULT_PAIRS = ((0, 1), (0, 2), (1, 2), (2, 3), (3, 4))
NORMALIZATIONS = {"none": "none", "by row": "row", "symmetric": "symmetric"}


def matrices(
    edges: Sequence[Edge], nodes: int, how: str, self_loops: bool
) -> tuple[np.ndarray, np.ndarray]:
    """A (or A + I) and P, which is this matrix normalized, both float64 [N, N].

    Row i is what node i receives.

    Args:
        edges: (source, target) of each, each once.
        nodes: N.
        how: a key of `NORMALIZATIONS`.
        self_loops: whether A + I takes the place of A.

    Raises:
        ExplorerError: there is no such normalization, or this graph has none.
    """
    if how not in NORMALIZATIONS:
        known = ", ".join(NORMALIZATIONS)
        raise ExplorerError(f"There is no normalization {how!r}: choose one of {known}.")
    one_way = [edge for edge in edges if edge[::-1] not in edges]
    if how == "symmetric" and one_way:
        source, target = one_way[0]
        raise ExplorerError(
            "Symmetric normalization is for edges that go both ways, and the edge from "
            f"{source} to {target} does not: normalize by row, or add the other direction."
        )
    columns = torch.tensor(edges, dtype=torch.int64).reshape(-1, 2).T
    matrix = adjacency(columns, nodes, self_loops=self_loops).double()
    return matrix.numpy(), normalized(matrix, NORMALIZATIONS[how]).numpy()


class Received(NamedTuple):
    """A graph, its matrices, and what its nodes receive.

    Attributes:
        edges: (source, target) of each, without the self-loops of A + I.
        values: one for each node, float64 [N].
        matrix: A or A + I, float64 [N, N]; row i is what node i receives.
        degrees: the sums of its rows, float64 [N].
        weights: P, the normalized matrix, float64 [N, N].
        result: P times the values, float64 [N].
    """

    edges: list[Edge]
    values: np.ndarray
    matrix: np.ndarray
    degrees: np.ndarray
    weights: np.ndarray
    result: np.ndarray


def received(edges: Sequence[Edge], values: np.ndarray, how: str, self_loops: bool) -> Received:
    """What each node receives where nodes hold one value each, [N]; else as `matrices`."""
    matrix, weights = matrices(edges, len(values), how, self_loops)
    return Received(list(edges), values, matrix, matrix.sum(axis=1), weights, weights @ values)


def in_words(graph: Received, node: int) -> str:
    """How the new value of a node comes about, as "Node 1 receives 0.5 × 2 + 0.5 × (−3) = −0.5"."""
    senders = np.flatnonzero(graph.weights[node])
    if not len(senders):
        return f"Node {node} receives nothing: its new value is 0."
    terms = []
    for sender in senders:
        value = short(graph.values[sender])
        bracketed = f"({value})" if value.startswith("−") else value
        terms.append(f"{short(graph.weights[node, sender])} × {bracketed}")
    shown = [*graph.weights[node], *graph.values[senders], graph.result[node]]
    return f"Node {node} receives {' + '.join(terms)} {equals(shown)} {short(graph.result[node])}"


def size_in_words(graph: Received) -> str:
    """How many nodes, edges and self-loops there are."""
    loops = sum(source == target for source, target in graph.edges)
    one_way = sum(edge[::-1] not in graph.edges for edge in graph.edges)
    joined = (len(graph.edges) - loops + one_way) // 2
    nodes = "1 node" if len(graph.values) == 1 else f"{len(graph.values)} nodes"
    edges = "no edges" if not joined else "1 edge" if joined == 1 else f"{joined} edges"
    if one_way:
        edges += f" ({one_way} in one direction only)"
    if loops:
        edges += f", {loops} self-loop{'s' * (loops > 1)}"
    return f"{nodes}, {edges}."


def highest_in_words(graph: Received, how: str) -> str:
    """What a node of the highest degree receives; there are edges."""
    degree = graph.degrees.max()
    nodes = np.flatnonzero(graph.degrees == degree).tolist()
    node, count, result = nodes[0], int(degree), short(graph.result[nodes[0]])
    values = "1 value" if count == 1 else f"{count} values"
    outcome = {
        "none": f"adds up {values} to {result}",
        "by row": f"takes the mean of {values}, {result}",
        "symmetric": f"adds up {values}, each divided by √(dᵢ × dⱼ), to {result}",
    }[how]
    if len(nodes) == 1:
        return f"Node {node} has the highest degree, {count}: it {outcome}."
    return f"Nodes {listed(nodes)} have the highest degree, {count}; node {node} {outcome}."


def idle_in_words(graph: Received) -> str:
    """Which nodes receive nothing; "" if there are none."""
    idle = np.flatnonzero(graph.degrees == 0).tolist()
    if not idle:
        return ""
    if len(idle) == 1:
        return f"Node {idle[0]} receives nothing: its row is 0, so its new value is 0."
    return f"Nodes {listed(idle)} receive nothing: their rows are 0, so their new values are 0."


def edge_in_words(graph: Received, source: int, target: int) -> str:
    """Where an edge stands in the matrix, and its weight."""
    if not graph.matrix[target, source]:
        return f"No edge leads from {source} to {target}."
    return (
        f"The edge from {source} to {target} stands in row {target}, column {source}: "
        f"{short(graph.weights[target, source])}."
    )
