"""What all checkers share: placeholders, clumsy answers, and the choice of a sentence."""

import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
import torch
from torch import nn
from verdicts import verdict

from course_utils.checks.accuracy import ACCURACY
from course_utils.checks.base import NotYet, as_numbers, checker, close, judge_count, show
from course_utils.checks.convolution_code import CONV2D, FIELD
from course_utils.checks.dnn_vs_cnn import LOSS
from course_utils.checks.functions import Case, FunctionExercise, Misconception, attempt
from course_utils.checks.reporting import DIFFERENCE, REPORT

EXERCISES = [CONV2D, FIELD, LOSS, ACCURACY, REPORT, DIFFERENCE]
NAMED = [
    pytest.param(exercise, misconception, id=f"{exercise.name}-{number}")
    for exercise in EXERCISES
    for number, misconception in enumerate(exercise.misconceptions)
]

DOUBLE = FunctionExercise(
    name="double",
    right=lambda values: 2 * values,
    cases=[
        Case({"values": torch.tensor([0.0])}),
        Case({"values": torch.tensor([1.0, 2.0])}),
        Case({"values": torch.tensor([3.0, 0.5])}, "the third input"),
    ],
    misconceptions=[Misconception("you square.", lambda values: values**2)],
)


@checker
def check_double(double):
    attempts = DOUBLE.attempts(double)
    DOUBLE.judge(attempts)
    return "you double."


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)
def test_cases_leave_the_right_answer_standing(exercise):
    exercise.judge(exercise.attempts(exercise.right))


@pytest.mark.parametrize(("exercise", "misconception"), NAMED)
def test_cases_tell_each_misconception_from_all_others(exercise, misconception):
    attempts = exercise.attempts(misconception.wrong)
    assert not exercise._fits(attempts, exercise.right, close)
    fitting = {
        m.sentence for m in exercise.misconceptions if exercise._fits(attempts, m.wrong, m.same)
    }
    assert fitting == {misconception.sentence}
    with pytest.raises(NotYet, match=r"[\w)]\.$") as caught:
        exercise.judge(attempts)
    assert str(caught.value) == misconception.sentence


@torch.no_grad()
def decorated_placeholder(values):
    return ...


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (..., "put your answer in the place of the ... at double."),
        (decorated_placeholder, "double still returns a ... where your answer belongs."),
        (lambda values: ..., "double still returns a ... where your answer belongs."),
        (lambda values: (values, {"a": ...}), "double still returns a ..."),
        ([1, [2, ...]], "double still has a ... in it."),
        ({"a": (1, ...)}, "double still has a ... in it."),
    ],
)
def test_placeholders_are_not_attempts(answer, words):
    assert verdict(check_double, answer).startswith(f"Not attempted yet: {words}")


def forgets_to_return(values):
    doubled = 2 * values  # noqa: F841


def prints_instead(values):
    print((2 * values).tolist())


def doubles_in_place(values):
    values *= 2
    return values


def returns_sometimes(values):
    if len(values) == 1:
        return 2 * values


def stops(values):
    raise ValueError("a long story." + "\nwith a second line")


def says_nothing(values):
    raise RuntimeError


def raises_ellipsis_free_lookup(values):
    return {}["weight"]


def wrong_answers():
    yield 5, "double is no function: keep the line that begins with def."
    yield "2 * values", "double is no function"
    yield None, "double is no function"
    yield lambda: 1, "double must take the arguments values."
    yield lambda values, more: 1, "double must take the arguments values."
    yield forgets_to_return, "double returns None: end it with return and the result."
    yield prints_instead, "double returns None: end it with return and the result."
    yield doubles_in_place, "double changes its argument values, which whoever called it may"
    yield returns_sometimes, "what double returns is None"
    yield stops, "double stops with ValueError: a long story. It happens for values = [0]."
    yield says_nothing, "double stops with RuntimeError: no message. It happens for values = [0]."
    yield raises_ellipsis_free_lookup, "double stops with KeyError: 'weight'."
    yield lambda values: values**2, "you square."
    yield lambda values: values * 0, "double gives [0, 0] instead of [2, 4], for values = [1, 2]."
    yield lambda values: values + values.round(), "gives [6, 0.5] instead of [6, 1], for the third"
    yield lambda values: values * float("nan"), "double gives [nan] instead of [0], for values"
    yield (
        lambda values: 2 * values[:, None],
        "must return the shape [1], not the shape [1, 1], for values",
    )
    yield lambda values: "four", "what double returns is the text 'four': give numbers, without"
    yield lambda values: values > 0, "is a tensor of torch.bool: real numbers are asked for."
    yield lambda values: values * 1j, "is a tensor of torch.complex64: real numbers"
    yield lambda values: values.sum, "what double returns is a function: call it, with paren"
    yield lambda values: {1, 2}, "what double returns is of the type set: numbers are asked for."
    yield lambda values: [[1], [1, 2]], "has items of different sizes: all rows must be equally"
    yield lambda values: values.sum(), "must return the shape [1], not one number, for values"
    yield lambda values: np.array(["2"]), "what double returns is an array of <U1: numbers are"
    yield lambda values: (values > 0).numpy(), "what double returns is an array of bool"
    yield max, "double must return the shape [1], not one number"  # tells no parameters
    yield lambda values: values.to_sparse(), "what double returns is no ordinary tensor"
    yield lambda values: nn.Linear(1, 1), "what double returns is of the type Linear"
    yield lambda values: torch.ones(2, 3) @ values, "double stops with RuntimeError"
    yield lambda values: [True], "an item of what double returns is True: a number is asked for."
    yield lambda values: [10**400], "an item of what double returns is too large a number."
    yield lambda values: (v for v in values), "is of the type generator: numbers are asked for."


@pytest.mark.parametrize(("answer", "words"), list(wrong_answers()))
def test_wrong_answers_get_a_sentence(answer, words):
    said = verdict(check_double, answer)
    assert words in said.partition("Not yet: ")[2]


@pytest.mark.parametrize(
    "answer",
    [
        lambda values: 2 * values,
        lambda values: (2 * values).numpy(),
        lambda values: (2 * values).bfloat16(),
        lambda values: (2 * values.double()).requires_grad_(),
        lambda values: [2 * value for value in values],
        lambda values: [Fraction(2 * value.item()) for value in values],
        lambda values: 2 * values + 1e-7,
        lambda *values, unused=0: 2 * values[0],
    ],
)
def test_right_answers_of_any_number_type(answer):
    assert verdict(check_double, answer) == "Right: you double."


def test_a_module_is_a_function_too():
    class Double(nn.Module):
        def forward(self, values):
            return values * 2

    assert verdict(check_double, Double()) == "Right: you double."


def test_an_error_on_every_case_is_no_misconception():
    exercise = FunctionExercise(
        "f",
        lambda x: x,
        [Case({"x": 1}), Case({"x": 2})],
        [Misconception("named.", lambda x: x / 0)],
    )
    with pytest.raises(NotYet, match="f stops with ZeroDivisionError"):
        exercise.judge(exercise.attempts(lambda x: x / 0))


def test_a_misconception_may_be_an_error_on_some_cases():
    def halves(x):
        return 1 / (x - 1)

    exercise = FunctionExercise(
        "f", lambda x: x, [Case({"x": 1}), Case({"x": 3})], [Misconception("named.", halves)]
    )
    for answer, words in (
        (lambda x: 1 / (x - 1), "named."),
        (lambda x: 0.5, "f gives 0.5 instead"),
    ):
        with pytest.raises(NotYet, match=words):
            exercise.judge(exercise.attempts(answer))


def test_the_stop_button_works():
    def interrupted(values):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check_double(interrupted)


def test_a_changed_list_and_a_changed_network_are_noticed():
    def empties(layers):
        total = 1
        while layers:
            total += layers.pop()[0]
        return total

    with pytest.raises(NotYet, match="changes its argument layers"):
        FIELD.judge(FIELD.attempts(empties))

    def forgets(network, images, labels):
        loss = LOSS.right(network, images, labels)
        nn.init.zeros_(network[1].weight)
        return loss

    with pytest.raises(NotYet, match="changes its argument network"):
        LOSS.judge(LOSS.attempts(forgets))


def test_only_an_optimizer_that_has_stepped_has_changed():
    def steps(network, optimizer):
        network(torch.ones(1, 2)).sum().backward()
        optimizer.step()

    network = nn.Linear(2, 2)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    case = Case({"network": network, "optimizer": optimizer})
    assert attempt(lambda network, optimizer: None, case).changed == []
    assert attempt(steps, case).changed == ["network", "optimizer"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (torch.tensor([[1.0, -2.0], [0.12345, 1234.56]]), "[[1, -2], [0.1235, 1235]]"),
        (np.float32(0.25), "0.25"),
        (torch.zeros(7, 7), "an array of the shape [7, 7]"),
        ([(3, 1), (5, 2)], "[(3, 1), (5, 2)]"),
        (float("inf"), "inf"),
        (1e12, "1e+12"),
        (11520.0, "11520"),
    ],
)
def test_values_in_a_sentence(value, text):
    assert show(value) == text


def test_numbers_are_compared_with_tolerance_and_shape():
    one = np.array([1.0, 2.0])
    assert close(one, one + 1e-6)
    assert close(1000 * one, 1000 * one + 0.1)
    assert not close(one, one + 0.01)
    assert not close(one, one[:1])
    assert not close(one, np.array([1.0, np.nan]))


def test_counts_are_exact():
    judge_count("n", torch.tensor([4.0]), 4, {}, "")
    for value, words in [
        (3, r"^n is not 3\. Three\.$"),
        (5.5, r"^n is not 5\.5\. Think\.$"),
        (4.001, r"^n is not 4\.001\. Think\.$"),
        ([4, 4], "n holds 2 numbers: one is asked for"),
        ("4", "n is the text '4'"),
    ]:
        with pytest.raises(NotYet, match=words):
            judge_count("n", value, 4, {3: "Three."}, "Think.")


def test_numbers_come_as_float64():
    for value in (1, 1.0, np.int8(1), torch.tensor(1, dtype=torch.bfloat16), Fraction(1)):
        number = as_numbers(value, "it")
        assert (number.dtype, number.shape, float(number)) == (np.float64, (), 1.0)


def test_importing_the_checks_draws_no_random_number():
    code = """
import course_utils, torch
before = torch.get_rng_state()
from course_utils.checks import accuracy, convolution_code, reporting
assert torch.equal(before, torch.get_rng_state())
"""
    subprocess.run([sys.executable, "-c", code], check=True)
