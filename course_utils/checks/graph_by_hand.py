"""Checker of a small graph worked out by hand: adjacency, degrees, normalization, a new value."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from course_utils.checks.base import NotYet, as_numbers, checker, require_attempted, show
from course_utils.checks.propagation import by_degrees
from course_utils.graphs import adjacency, undirected

# The pairs and the values also stand in the text of the exercise.
PAIRS = ((0, 2), (1, 2), (2, 3), (3, 4))
VALUES = (6.0, 3.0, 8.0, 9.0, 5.0)
NODE, NEIGHBOR = 2, 3
ROUNDING = 0.006  # two decimals are enough

_A = adjacency(undirected(PAIRS, len(VALUES)), len(VALUES)).double()
_I = torch.eye(len(VALUES)).double()
_LOOPED = _A + _I
_FIRST_TO_SECOND = adjacency(torch.tensor(PAIRS).T, len(VALUES)).double()
_X = torch.tensor(VALUES).double()

Mistakes = Sequence[tuple[str, Tensor]]


_D, _D_LOOPED = _A.sum(dim=1), _LOOPED.sum(dim=1)
RIGHT = by_degrees(_LOOPED, _D_LOOPED, -0.5, -0.5)  # P
# Whoever multiplies with entries of two decimals adds up their rounding, too.
VALUE_ROUNDING = ROUNDING + float((RIGHT[NODE].round(decimals=2) - RIGHT[NODE]).abs() @ _X)

NO_LOOP = "The self-loop is forgotten: in A + I, each node also receives from itself."
ONE_WAY = (
    "The edges are read one way only: a pair of an undirected graph is an edge in both directions."
)
BOTH = f"{ONE_WAY} {NO_LOOP}"
ROW_MISTAKES: Mistakes = [
    (NO_LOOP, _A[NODE]),
    (ONE_WAY, (_FIRST_TO_SECOND + _I)[NODE]),
    (ONE_WAY, (_FIRST_TO_SECOND.T + _I)[NODE]),
    (BOTH, _FIRST_TO_SECOND[NODE]),
    (BOTH, _FIRST_TO_SECOND.T[NODE]),
    ("This is the row of node 1: nodes are counted from 0.", _LOOPED[NODE - 1]),
    ("This is the row of node 3.", _LOOPED[NODE + 1]),
    ("The self-loop counts once, so there is no 2 in A + I.", (_LOOPED + _I)[NODE]),
    (
        "This row is normalized already: the row of A + I holds only 0 and 1.",
        RIGHT[NODE],
    ),
    (
        "This row is normalized already: the row of A + I holds only 0 and 1.",
        _LOOPED[NODE] / _D_LOOPED[NODE],
    ),
]
DEGREE_MISTAKES: Mistakes = [
    (
        "These are degrees before I is added. Sum the rows of A + I: each is larger by 1, "
        "for the self-loop.",
        _D,
    ),
    (ONE_WAY, (_FIRST_TO_SECOND + _I).sum(dim=1)),
    (ONE_WAY, (_FIRST_TO_SECOND + _I).sum(dim=0)),
    (BOTH, _FIRST_TO_SECOND.sum(dim=1)),
    (BOTH, _FIRST_TO_SECOND.sum(dim=0)),
    ("A self-loop adds 1 to the degree here, not 2: sum the rows of A + I.", _D + 2),
    (
        "These are the roots of the degrees already: first the degrees themselves.",
        _D_LOOPED.sqrt(),
    ),
    ("These are 1 / degree already: first the degrees themselves.", 1 / _D_LOOPED),
    (
        "These are 1 / √degree already: first the degrees themselves.",
        _D_LOOPED.rsqrt(),
    ),
]
MATRIX_MISTAKES: Mistakes = [
    (
        "The degrees are those of A, before I was added. Divide by the roots of the degrees "
        "that you have just written down.",
        by_degrees(_LOOPED, _D, -0.5, -0.5),
    ),
    (
        "The self-loop is forgotten, in the matrix and in the degrees: normalize A + I.",
        by_degrees(_A, _D, -0.5, -0.5),
    ),
    (
        "The node's own value is missing. It reaches the node through the self-loop, divided by "
        "the node's degree.",
        by_degrees(_A, _D_LOOPED, -0.5, -0.5),
    ),
    (
        "This is row normalization, D^(−1) (A + I), which takes a plain mean. The symmetric one "
        "divides by the roots of both degrees, √dᵢ √dⱼ.",
        by_degrees(_LOOPED, _D_LOOPED, -1, 0),
    ),
    (
        "This is column normalization: it divides by the sender's degree alone. The symmetric "
        "one divides by the roots of both degrees, √dᵢ √dⱼ.",
        by_degrees(_LOOPED, _D_LOOPED, 0, -1),
    ),
    (
        "The square root is forgotten: divide by √dᵢ √dⱼ, not by dᵢ dⱼ.",
        by_degrees(_LOOPED, _D_LOOPED, -1, -1),
    ),
    (
        "You divided once, by the root of the receiver's degree. The sender's is missing: "
        "divide by √dᵢ √dⱼ.",
        by_degrees(_LOOPED, _D_LOOPED, -0.5, 0),
    ),
    (
        "You divided once, by the root of the sender's degree. The receiver's is missing: "
        "divide by √dᵢ √dⱼ.",
        by_degrees(_LOOPED, _D_LOOPED, 0, -0.5),
    ),
    (
        "You multiplied by the roots of the degrees: divide by them.",
        by_degrees(_LOOPED, _D_LOOPED, 0.5, 0.5),
    ),
    (
        "You took the root of the sum of both degrees: it is the root of their product.",
        _LOOPED / (_D_LOOPED.unsqueeze(1) + _D_LOOPED).sqrt(),
    ),
    (
        "The node's own value is not divided: the self-loop is an edge like the others, and both "
        "its ends have the node's degree.",
        _I + by_degrees(_A, _D_LOOPED, -0.5, -0.5),
    ),
    (
        "This is the mean over the neighbors: the self-loop is forgotten, and the normalization "
        "is that of rows.",
        by_degrees(_A, _D, -1, 0),
    ),
    ("Nothing is normalized: divide each term by √dᵢ √dⱼ.", _LOOPED),
    ("Nothing is normalized, and the self-loop is forgotten: use row 2 of P.", _A),
    (ONE_WAY, RIGHT * (_FIRST_TO_SECOND + _I)),
    (ONE_WAY, RIGHT * (_FIRST_TO_SECOND.T + _I)),
    (
        "This is what comes from node 3 alone: add what node 2 receives from the others.",
        RIGHT * _I[NEIGHBOR],
    ),
    ("This is what comes from node 2 itself: add its neighbors.", RIGHT * _I[NODE]),
]


@checker
def check_graph_by_hand(row: Any, degrees: Any, entry: Any, value: Any) -> str:
    """Exercise 1: row 2 of A + I, degrees of A + I, entry 2, 3 of P, new value of node 2."""
    require_attempted(row=row, degrees=degrees, entry=entry, value=value)
    _judge(
        "row",
        row,
        _LOOPED[NODE],
        ROW_MISTAKES,
        "Write 1 for each node that node 2 receives from, itself included.",
    )
    _judge("degrees", degrees, _D_LOOPED, DEGREE_MISTAKES, "Sum each row of A + I.")
    _judge(
        "entry",
        entry,
        RIGHT[NODE, NEIGHBOR],
        [(sentence, matrix[NODE, NEIGHBOR]) for sentence, matrix in MATRIX_MISTAKES],
        "Divide the 1 of A + I by the roots of two degrees, that of node 2 and that of node 3.",
    )
    _judge(
        "value",
        value,
        RIGHT[NODE] @ _X,
        [(sentence, matrix[NODE] @ _X) for sentence, matrix in MATRIX_MISTAKES],
        "Multiply each entry of row 2 of P by the value of the node in its column, and add up.",
        room=VALUE_ROUNDING,
    )
    return (
        "both directions, the self-loop, and both degrees. The entries of row 2 of P sum to "
        f"{show(float(RIGHT[NODE].sum()))}, and not to 1: what does that do to the node's value?"
    )


def _judge(
    name: str,
    answer: Any,
    right: Tensor,
    mistakes: Mistakes,
    hint: str,
    room: float = ROUNDING,
) -> None:
    """Raise NotYet if an answer is not, up to rounding by `room`, the right numbers."""
    given, expected = as_numbers(answer, name), right.numpy()
    if given.size == 1:
        given = given.reshape(1)[0] if expected.ndim == 0 else given
    if given.shape != expected.shape:
        raise NotYet(f"{name} {_wanted(given, expected)}")
    if _same(given, expected, room):
        return
    for sentence, wrong in mistakes:
        if _same(given, wrong.numpy(), room):
            raise NotYet(f"{name} is not {_written(given)}. {sentence}")
    if given.ndim:
        place = int(np.flatnonzero(~np.isclose(given, expected, rtol=0, atol=room))[0])
        raise NotYet(f"{name}[{place}] is not {show(float(given[place]))}. {hint}")
    raise NotYet(f"{name} is not {_written(given)}. {hint}")


def _same(given: np.ndarray, other: np.ndarray, room: float) -> bool:
    return np.allclose(given, other, rtol=0, atol=room)


def _written(numbers: np.ndarray) -> str:
    return show(tuple(numbers.tolist()) if numbers.ndim else float(numbers))


def _wanted(given: np.ndarray, expected: np.ndarray) -> str:
    if expected.ndim == 0:
        return f"holds {given.size} numbers: one is asked for."
    if given.ndim == 0:
        return f"is one number: write {expected.size}, one for each node."
    if given.ndim == 1:
        return f"holds {given.size} numbers: write {expected.size}, one for each node."
    return f"is of the shape {list(given.shape)}: write {expected.size} numbers, one for each node."
