"""A graph worked out by hand, right and wrong, and what learners are told."""

from math import sqrt

import numpy as np
import pytest
import torch
from verdicts import verdict

from course_utils.checks.graph_by_hand import PAIRS, VALUES, check_graph_by_hand

ROW = (1, 1, 1, 1, 0)
DEGREES = (2, 2, 4, 3, 2)
ENTRY = 1 / sqrt(4 * 3)
VALUE = 6 / sqrt(8) + 3 / sqrt(8) + 8 / 4 + 9 / sqrt(12)


def said(row=ROW, degrees=DEGREES, entry=ENTRY, value=VALUE):
    return verdict(check_graph_by_hand, row, degrees, entry, value)


def test_the_numbers_of_the_exercise():
    assert PAIRS == ((0, 2), (1, 2), (2, 3), (3, 4))
    assert VALUES == (6, 3, 8, 9, 5)


@pytest.mark.parametrize(
    "answers",
    [
        {},
        {"entry": 0.29, "value": 7.78},
        {"row": list(ROW), "degrees": np.array(DEGREES), "entry": torch.tensor([ENTRY])},
        {"value": 7.7801},
        {"entry": 0.29, "value": 0.35 * 6 + 0.35 * 3 + 0.25 * 8 + 0.29 * 9},
        {"value": 0.35 * (6 + 3) + 8 / 4 + 9 / sqrt(12)},
    ],
)
def test_right_numbers(answers):
    assert said(**answers).startswith("Right: both directions, the self-loop, and both degrees.")


@pytest.mark.parametrize("name", ["row", "degrees", "entry", "value"])
def test_a_placeholder_is_no_attempt(name):
    assert said(**{name: ...}).startswith("Not attempted yet: ")


ONE_WAY = "The edges are read one way only"
NO_LOOP = "The self-loop is forgotten"


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ((1, 1, 0, 1, 0), f"row is not (1, 1, 0, 1, 0). {NO_LOOP}"),
        ((1, 1, 1, 0, 0), ONE_WAY),
        ((0, 0, 1, 1, 0), ONE_WAY),
        ((1, 1, 0, 0, 0), NO_LOOP),
        ((1, 1, 0, 0, 0), ONE_WAY),
        ((0, 0, 0, 1, 0), ONE_WAY),
        ((0, 1, 1, 0, 0), "This is the row of node 1: nodes are counted from 0."),
        ((0, 0, 1, 1, 1), "This is the row of node 3."),
        ((1, 1, 2, 1, 0), "The self-loop counts once"),
        ((0.25, 0.25, 0.25, 0.25, 0), "This row is normalized already"),
        ((0.35, 0.35, 0.25, 0.29, 0), "This row is normalized already"),
        ((1, 1, 1, 1, 1), "row[4] is not 1. Write 1 for each node"),
        ((0, 1, 2, 3), "row holds 4 numbers: write 5, one for each node."),
        (torch.eye(5), "row is of the shape [5, 5]"),
        ("11110", "row is the text '11110'"),
        ({0, 1}, "row is of the type set"),
    ],
)
def test_wrong_rows(row, words):
    assert words in said(row=row).partition("Not yet: ")[2]


@pytest.mark.parametrize(
    ("degrees", "words"),
    [
        ((1, 1, 3, 2, 1), "These are degrees before I is added."),
        ((1, 1, 3, 2, 2), ONE_WAY),
        ((2, 2, 2, 2, 1), ONE_WAY),
        ((0, 0, 2, 1, 1), ONE_WAY),
        ((1, 1, 1, 1, 0), NO_LOOP),
        ((3, 3, 5, 4, 3), "A self-loop adds 1 to the degree here, not 2"),
        ((1.41, 1.41, 2, 1.73, 1.41), "These are the roots of the degrees already"),
        ((0.5, 0.5, 0.25, 0.333, 0.5), "These are 1 / degree already"),
        ((0.71, 0.71, 0.5, 0.58, 0.71), "These are 1 / √degree already"),
        ((2, 2, 4, 4, 2), "degrees[3] is not 4. Sum each row of A + I."),
        (4, "degrees is one number: write 5"),
    ],
)
def test_wrong_degrees(degrees, words):
    assert words in said(degrees=degrees).partition("Not yet: ")[2]


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (1 / sqrt(3 * 2), "The degrees are those of A, before I was added."),
        (1 / 4, "This is row normalization"),
        (1 / 3, "This is column normalization"),
        (1 / 12, "The square root is forgotten"),
        (1 / sqrt(4), "You divided once, by the root of the receiver's degree."),
        (1 / sqrt(3), "You divided once, by the root of the sender's degree."),
        (sqrt(12), "You multiplied by the roots of the degrees"),
        (1 / sqrt(7), "You took the root of the sum of both degrees"),
        (1, "Nothing is normalized: divide"),
        (0, ONE_WAY),
        (0.2, "entry is not 0.2. Divide the 1 of A + I"),
        ((0, 1), "entry holds 2 numbers: one is asked for."),
        (None, "entry is None"),
    ],
)
def test_wrong_entries(entry, words):
    assert words in said(entry=entry).partition("Not yet: ")[2]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (6 / sqrt(3) + 3 / sqrt(3) + 8 / 3 + 9 / sqrt(6), "The degrees are those of A, before"),
        (6 / sqrt(3) + 3 / sqrt(3) + 9 / sqrt(6), "The self-loop is forgotten, in the matrix and"),
        (VALUE - 2, "The node's own value is missing."),
        (26 / 4, "This is row normalization"),
        (6 / 2 + 3 / 2 + 8 / 4 + 9 / 3, "This is column normalization"),
        (6 / 8 + 3 / 8 + 8 / 16 + 9 / 12, "The square root is forgotten"),
        (26 / 2, "You divided once, by the root of the receiver's degree."),
        (9 / sqrt(2) + 8 / 2 + 9 / sqrt(3), "You divided once, by the root of the sender's degree"),
        (9 * sqrt(8) + 8 * 4 + 9 * sqrt(12), "You multiplied by the roots of the degrees"),
        (9 / sqrt(6) + 8 / sqrt(8) + 9 / sqrt(7), "You took the root of the sum of both degrees"),
        (VALUE - 2 + 8, "The node's own value is not divided"),
        (18 / 3, "This is the mean over the neighbors"),
        (26, "Nothing is normalized: divide"),
        (18, "Nothing is normalized, and the self-loop is forgotten"),
        (9 / sqrt(8) + 2, ONE_WAY),
        (2 + 9 / sqrt(12), ONE_WAY),
        (9 / sqrt(12), "This is what comes from node 3 alone"),
        (2, "This is what comes from node 2 itself"),
        (7.7, "value is not 7.7. Multiply each entry of row 2 of P"),
        (float("nan"), "value is not nan."),
    ],
)
def test_wrong_values(value, words):
    assert words in said(value=value).partition("Not yet: ")[2]
