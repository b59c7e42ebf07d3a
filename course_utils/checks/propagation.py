"""Checker of the propagation matrix of a graph convolution, D^-1/2 (A + I) D^-1/2."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from course_utils.checks.base import NotYet, checker, close
from course_utils.checks.functions import Attempt, Case, FunctionExercise, Misconception
from course_utils.graphs import adjacency, undirected

Idea = Callable[[Tensor, Tensor], Tensor]  # takes A and I, gives a matrix


def by_degrees(matrix: Tensor, degrees: Tensor, left: float, right: float) -> Tensor:
    """Each row times a power of its degree, each column times a power of its own."""
    return (degrees**left).unsqueeze(1) * matrix * degrees**right


def _symmetric(matrix: Tensor) -> Tensor:
    return by_degrees(matrix, matrix.sum(dim=1), -0.5, -0.5)


def _looped(matrix: Tensor) -> Tensor:
    """A + I, in which a self-loop that was there already counts once."""
    return matrix.clone().fill_diagonal_(1)


def _of_edges(idea: Idea) -> Callable[[Tensor, int], Tensor]:
    """An answer to the exercise: edges and number of nodes -> matrix."""
    return lambda edge_index, nodes: idea(adjacency(edge_index, nodes), torch.eye(nodes))


def _alike_where_finite(value: np.ndarray, wrong: np.ndarray) -> bool:
    """Whether two matrices agree where division by a degree of 0 does not come in.

    What becomes of such places depends on how the same idea is written: NaN, infinite or 0.
    """
    finite = np.isfinite(wrong)
    return value.shape == wrong.shape and close(value[finite], wrong[finite])


def _right_where_finite(value: np.ndarray, right: np.ndarray) -> bool:
    return bool(np.isfinite(value).any()) and _alike_where_finite(right, value)


def _misconception(sentence: str, idea: Idea) -> Misconception:
    return Misconception(sentence, _of_edges(idea), _alike_where_finite)


MISCONCEPTIONS = [
    _misconception(
        "I is forgotten: this is D^(−1/2) A D^(−1/2), in which no node keeps anything of its own, "
        "and a node without neighbors has the degree 0, by which nothing can be divided. Add I "
        "first.",
        lambda a, i: _symmetric(a),
    ),
    _misconception(
        "the degrees are those of A, taken before I was added, so they are too small by 1 and a "
        "node without neighbors divides by 0: add I first, then sum the rows.",
        lambda a, i: by_degrees(_looped(a), a.sum(dim=1), -0.5, -0.5),
    ),
    _misconception(
        "the degrees count the self-loop, but the matrix between them lacks it: it is A + I there, "
        "too.",
        lambda a, i: by_degrees(a, _looped(a).sum(dim=1), -0.5, -0.5),
    ),
    _misconception(
        "this is row normalization, D^(−1) (A + I): each row sums to 1, a plain mean. The "
        "symmetric one divides entry i, j by the roots of both degrees.",
        lambda a, i: by_degrees(_looped(a), _looped(a).sum(dim=1), -1, 0),
    ),
    _misconception(
        "this is column normalization, (A + I) D^(−1): each column sums to 1. The symmetric one "
        "divides entry i, j by the roots of both degrees.",
        lambda a, i: by_degrees(_looped(a), _looped(a).sum(dim=1), 0, -1),
    ),
    _misconception(
        "this is row normalization, and I is forgotten: a plain mean over the neighbors.",
        lambda a, i: by_degrees(a, a.sum(dim=1), -1, 0),
    ),
    _misconception(
        "this is column normalization, and I is forgotten.",
        lambda a, i: by_degrees(a, a.sum(dim=1), 0, -1),
    ),
    _misconception(
        "the square root is forgotten: this is D^(−1) (A + I) D^(−1), which divides by the "
        "product of both degrees and not by its root.",
        lambda a, i: by_degrees(_looped(a), _looped(a).sum(dim=1), -1, -1),
    ),
    _misconception(
        "D^(−1/2) stands on the left only: this divides by the receiver's degree, and the sender's "
        "is missing.",
        lambda a, i: by_degrees(_looped(a), _looped(a).sum(dim=1), -0.5, 0),
    ),
    _misconception(
        "D^(−1/2) stands on the right only: this divides by the sender's degree, and the "
        "receiver's is missing.",
        lambda a, i: by_degrees(_looped(a), _looped(a).sum(dim=1), 0, -0.5),
    ),
    _misconception(
        "you multiply by the roots of the degrees: divide, the exponent is −1/2.",
        lambda a, i: by_degrees(_looped(a), _looped(a).sum(dim=1), 0.5, 0.5),
    ),
    _misconception(
        "nothing is normalized: this is A + I, with which a node of many neighbors gets larger "
        "and larger numbers.",
        lambda a, i: _looped(a),
    ),
    _misconception(
        "nothing is normalized, and a self-loop that is there already is counted twice: this is "
        "A + I with a 2 in it.",
        lambda a, i: a + i,
    ),
    _misconception("this is A: add I, and normalize.", lambda a, i: a),
    _misconception(
        "a self-loop that is there already is counted twice: you add I on top of it. The diagonal "
        "of A + I is 1 everywhere: fill_diagonal_(1), or leave the graph's own self-loops out.",
        lambda a, i: _symmetric(a + i),
    ),
    _misconception(
        "I is added after normalizing: then a node counts fully for itself, however many "
        "neighbors it has. Add I to A first; the degrees are those of A + I.",
        lambda a, i: i + _symmetric(a).nan_to_num(0, 0, 0),
    ),
    _misconception(
        "this is the normalized Laplacian, I − D^(−1/2) A D^(−1/2), which takes differences to the "
        "neighbors: a graph convolution takes D^(−1/2) (A + I) D^(−1/2).",
        lambda a, i: i - _symmetric(a).nan_to_num(0, 0, 0),
    ),
    _misconception(
        "this is D, the degrees on a diagonal: put D^(−1/2) on both sides of A + I.",
        lambda a, i: torch.diag(_looped(a).sum(dim=1)),
    ),
    _misconception(
        "you divide by the root of the sum of both degrees: it is the root of their product.",
        lambda a, i: (
            _looped(a) / (_looped(a).sum(dim=1, keepdim=True) + _looped(a).sum(dim=1)).sqrt()
        ),
    ),
    Misconception(
        "the matrix holds NaN or infinity, and is right elsewhere: a node without neighbors has "
        "the degree 0 in A. In A + I it has the degree 1: sum the rows after I is added.",
        _of_edges(lambda a, i: _symmetric(_looped(a))),
        _right_where_finite,
    ),
]


def _case(pairs: list[tuple[int, int]], nodes: int, words: str) -> Case:
    edges = undirected(pairs, nodes)
    # In no order, so that an answer cannot rely on one.
    shuffled = edges[:, torch.randperm(edges.shape[1], generator=torch.Generator().manual_seed(0))]
    return Case({"edge_index": shuffled, "nodes": nodes}, f"the pairs {pairs}{words}")


PROPAGATION = FunctionExercise(
    name="propagation_matrix",
    right=_of_edges(lambda a, i: _symmetric(_looped(a))),
    cases=[
        _case([(0, 1), (1, 2), (1, 3)], 4, ""),
        _case([(0, 1), (2, 0), (1, 2), (2, 3), (3, 4)], 5, ""),
        _case([(0, 3), (3, 1)], 5, " and two nodes without neighbors"),
        _case([(0, 1), (1, 2), (2, 2)], 4, ", where 2 has a self-loop and 3 no neighbors"),
    ],
    misconceptions=MISCONCEPTIONS,
)


@checker
def check_propagation_matrix(propagation_matrix: Any) -> str:
    """Exercise 3: propagation_matrix(edge_index [2, E], nodes) -> D^-1/2 (A + I) D^-1/2 [N, N]."""
    attempts = PROPAGATION.attempts(propagation_matrix)
    for made in attempts:
        _require_dense(made)
    PROPAGATION.judge(attempts)
    return (
        "each entry is divided by the roots of both degrees, and no degree is 0, since each node "
        "has its self-loop. What is P of a graph without edges?"
    )


def _require_dense(made: Attempt) -> None:
    value = made.value
    if isinstance(value, Tensor) and value.layout != torch.strided:
        raise NotYet("the matrix is sparse: .to_dense() writes its zeros out, as is asked for.")
    if isinstance(value, tuple) and all(isinstance(item, Tensor) for item in value):
        raise NotYet(
            f"{len(value)} tensors come back. If they are edges and their weights, put the weights "
            "into a matrix [N, N], row target and column source."
        )
