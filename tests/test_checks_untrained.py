"""Choices about the maps of untrained networks, right and wrong, and what learners are told."""

import numpy as np
import pytest
import torch
from verdicts import verdict

from course_utils.checks import untrained as module
from course_utils.checks.untrained import check_untrained, draw_rows, kernels_by_row
from course_utils.pretrained import efficientnet_lite0

ROWS, STATEMENTS = {"A", "C"}, {2, 4}


@pytest.mark.parametrize("rows", [ROWS, ["C", "A"], "AC", "a, c", ("A", "C", "C")])
@pytest.mark.parametrize("statements", [STATEMENTS, [4, 2], "2 4", {np.int64(2), 4}, {"2", "4"}])
def test_right_choices(rows, statements):
    assert verdict(check_untrained, rows, statements).startswith("Right: the cat is in all three")


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ({"A", "B", "C"}, "row B is the trained one: in its kernels neighboring weights belong"),
        ({"B"}, "row B is the trained one"),
        ({"A", "B"}, "row B is the trained one"),
        ({"C"}, "row A is untrained: its kernels are confetti"),
        ("A", "row C is untrained: its kernels are confetti"),
        (set(), "row A is untrained"),
        ({}, "row A is untrained"),
        (
            {"D"},
            "untrained holds D: choose among A, B and C, and write your choice in braces, such",
        ),
        ({1}, "untrained holds 1: choose among A, B and C"),
        (None, "untrained holds None: choose among A, B and C"),
        ({"A": True}, "untrained holds {'A': True}: choose among A, B and C"),
    ],
)
def test_wrong_rows(rows, words):
    assert words in verdict(check_untrained, rows, STATEMENTS).partition("Not yet: ")[2]


@pytest.mark.parametrize(
    ("statements", "words"),
    [
        ({1, 2, 4}, "statement 1 reads knowledge into maps of a layer that has learned nothing"),
        ({2, 3, 4}, "statement 3 takes the picture's cat for the layer's"),
        ({2, 4, 5}, "statement 5 takes clearness for learning"),
        ({4}, "you leave out statement 2"),
        ({2}, "you leave out statement 4"),
        (set(), "you leave out statement 2"),
        ({1, 3, 5}, "statement 1 reads knowledge into maps"),
        (3, "statement 3 takes the picture's cat"),
        ({6}, "allowed holds 6: choose among 1, 2, 3, 4 and 5, and write your choice in braces"),
        ({2.5}, "allowed holds 2.5"),
        ({True}, "allowed holds True"),
        ([[2, 4]], "allowed holds [2, 4]"),
        (np.array([2, 4]), "allowed holds [2 4]"),
    ],
)
def test_wrong_statements(statements, words):
    assert words in verdict(check_untrained, ROWS, statements).partition("Not yet: ")[2]


@pytest.mark.parametrize(
    "answers", [(..., ...), ({"B"}, ...), (..., STATEMENTS), ({...}, STATEMENTS), (ROWS, {2, ...})]
)
def test_a_placeholder_is_no_attempt(answers):
    assert verdict(check_untrained, *answers).startswith("Not attempted yet: ")


def test_every_choice_has_a_sentence_of_its_own():
    for exercise in (module.UNTRAINED, module.ALLOWED):
        assert len(set(exercise.sentences.values())) == len(exercise.sentences)
        assert all(sentence.endswith(".") for sentence in exercise.sentences.values())


def test_the_rows_are_what_the_answer_says():
    trained = efficientnet_lite0().network.conv_stem.weight.detach()
    rows = kernels_by_row(trained)
    assert list(rows) == ["A", "B", "C"]
    assert torch.equal(rows["B"], trained)
    assert not torch.allclose(rows["A"], rows["C"])
    for letter, kernels in rows.items():
        assert torch.equal(kernels, kernels_by_row(trained)[letter])
        assert torch.isclose(kernels.std(), trained.std(), rtol=0.1)
        # Kernels that have learned are smoother than chance.
        rough = (kernels.diff(dim=-1).square().mean() + kernels.diff(dim=-2).square().mean()) / 2
        assert (rough > 1.9 * kernels.var()) == (letter in ROWS), letter


def test_the_picture_shows_each_row_twice():
    state = torch.get_rng_state()
    figure = draw_rows()
    assert torch.equal(state, torch.get_rng_state())
    titles = [axis.get_title() for axis in figure.axes]
    kinds = [f"{row}: {kind}" for row in "ABC" for kind in ("kernel", "map")]
    assert titles[::8] == titles[7::8] == kinds
    shapes = [axis.images[0].get_array().shape for axis in figure.axes]
    assert shapes[:16] == [(3, 3, 3)] * 8 + [(56, 56)] * 8
    assert "Three first layers" in figure.get_label()
    assert not {"trained", "random"} & set(figure.get_label().split())
