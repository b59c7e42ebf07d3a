"""Checker of an edge index: each edge of an undirected graph both ways, and no column twice."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from course_utils.checks.base import NotYet, as_numbers, checker
from course_utils.checks.functions import (
    Attempt,
    Case,
    FunctionExercise,
    attempt,
    require_no_error,
    require_unchanged,
)

Column = tuple[int, int]
Pairs = Sequence[Column]


def _both_ways(pairs: Pairs) -> list[Column]:
    """The columns of a right answer, in order."""
    return sorted({*pairs, *((second, first) for first, second in pairs)})


def _right_edges(pairs: Pairs, nodes: int) -> Tensor:
    return torch.tensor(_both_ways(pairs), dtype=torch.int64).reshape(-1, 2).T


EDGES = FunctionExercise(
    name="edge_index_of",
    right=_right_edges,
    cases=[  # no answer with two columns or two nodes, in which [2, E], [E, 2] and [N, N] are alike
        Case({"pairs": [(0, 1), (1, 2), (3, 1)], "nodes": 4}),
        Case({"pairs": [(0, 2), (3, 1)], "nodes": 5}),
        Case({"pairs": [(2, 0), (1, 1), (2, 3)], "nodes": 5}),
        Case({"pairs": [(0, 1), (2, 1), (1, 0)], "nodes": 3}),
        Case({"pairs": [(0, 2), (2, 2), (3, 0), (0, 2)], "nodes": 4}),
    ],
    misconceptions=[],
)
NO_EDGES = Case({"pairs": [], "nodes": 3})


@checker
def check_edge_index_of(edge_index_of: Any) -> str:
    """Exercise 2: edge_index_of(pairs, nodes) -> int64 [2, E], each edge both ways, none twice."""
    for made in EDGES.attempts(edge_index_of):
        require_no_error(EDGES, made)
        require_unchanged(EDGES.name, made)
        _judge_columns(made.case, _read(made))
    if not _knows_no_edges(attempt(edge_index_of, NO_EDGES)):
        return (
            "these are the edges. But a graph without edges is a graph, too: for pairs = [] the "
            "result should be int64 [2, 0], as .reshape(-1, 2).T gives it."
        )
    return (
        "each edge both ways, and none twice. "
        "Which columns would you leave out if an edge meant that one paper cites another?"
    )


def _read(made: Attempt) -> Tensor:
    """The edges that came back, int64 [2, E]; NotYet if they have another form."""
    edges, nodes = made.value, made.case.arguments["nodes"]
    if isinstance(edges, list | tuple):
        raise NotYet(
            f"edge_index_of returns a {type(edges).__name__}: make a tensor of it, "
            "torch.tensor(..., dtype=torch.int64)."
        )
    if isinstance(edges, np.ndarray):
        raise NotYet("edge_index_of returns a NumPy array: torch.from_numpy makes a tensor of it.")
    shape = list(as_numbers(edges, "what edge_index_of returns").shape)
    if not isinstance(edges, Tensor):
        raise NotYet("edge_index_of must return a tensor of the shape [2, E].")
    if shape == [nodes, nodes]:
        raise NotYet(
            "this is an adjacency matrix, with a place for every two nodes. edge_index lists only "
            "the edges: two rows, sources above targets, and a column for each edge."
        )
    if len(shape) == 2 and shape[1] == 2:
        raise NotYet(
            f"this is of the shape {shape}, a row for each edge. PyTorch Geometric wants a column "
            "for each, [2, E], sources above targets: transpose it, .T."
        )
    if len(shape) != 2 or shape[0] != 2:
        raise NotYet(
            f"edge_index_of must return the shape [2, E], sources above targets, not {shape}."
        )
    if edges.dtype != torch.int64:
        raise NotYet(
            f"these are numbers of {edges.dtype}. Nodes are numbers of rows, and PyTorch indexes "
            "rows with int64: torch.tensor(..., dtype=torch.int64)."
        )
    return edges


def _judge_columns(case: Case, edges: Tensor) -> None:
    """Compare edges with those of a case, whatever their order; NotYet about what is wrong."""
    pairs, nodes = case.arguments.values()
    right = _both_ways(pairs)
    columns = _columns(edges)
    if sorted(columns) == right:
        return
    where = f"for {case}"
    cut_anew = set(_columns(edges.reshape(-1, 2).T))
    complete = (set(right), set(pairs))
    if cut_anew in complete and set(columns) not in complete:
        raise NotYet(
            "reshape has cut the numbers anew, so that the ends of an edge no longer stand above "
            "each other: to make [2, E] of [E, 2], transpose it, .T."
        )
    for column in columns:
        if not all(0 <= end < nodes for end in column):
            raise NotYet(
                f"{column} leads to a node that is not there, {where}: the nodes are 0 to "
                f"{nodes - 1}."
            )
    _judge_missing(columns, right, where)
    for column in columns:
        if column not in right and column[0] == column[1]:
            raise NotYet(
                f"you add the self-loop {column}, which is none of the pairs, {where}. "
                "The I of A + I comes later: edge_index holds the graph as it is."
            )
        if column not in right:
            raise NotYet(f"the column {column} is none of the pairs, {where}.")
    _judge_repeated(columns, pairs, where)


def _columns(edges: Tensor) -> list[Column]:
    return [(source, target) for source, target in edges.T.tolist()]


def _judge_missing(columns: list[Column], right: list[Column], where: str) -> None:
    for source, target in right:
        if (source, target) in columns:
            continue
        if source == target:
            raise NotYet(
                f"the self-loop {(source, target)} is lost, {where}: a node that is joined to "
                "itself keeps this edge."
            )
        if (target, source) in columns:
            raise NotYet(
                f"the edge between {target} and {source} is listed one way only, {where}: "
                f"{target} sends to {source}, but {source} does not answer. An undirected edge is "
                "two columns, one for each direction."
            )
        raise NotYet(f"the column {(source, target)} is missing, {where}.")


def _judge_repeated(columns: list[Column], pairs: Pairs, where: str) -> None:
    for column, times in Counter(columns).items():
        if times == 1:
            continue
        if column[0] == column[1]:
            raise NotYet(
                f"the self-loop {column} stands there {times} times, {where}, and would count as "
                "often. There and back, it is the same edge: one column."
            )
        if sum(set(pair) == set(column) for pair in pairs) > 1:
            raise NotYet(
                f"the column {column} stands there {times} times, {where}, since the pair is "
                "listed twice. It is one edge, and would count as two: leave repeated columns out."
            )
        raise NotYet(
            f"the column {column} stands there {times} times, {where}: the edge would count as "
            "often."
        )


def _knows_no_edges(made: Attempt) -> bool:
    edges = made.value
    return isinstance(edges, Tensor) and edges.shape == (2, 0) and edges.dtype == torch.int64
