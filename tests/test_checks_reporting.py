"""Reports and intervals, right and wrong, and what learners are told."""

import math
import statistics

import numpy as np
import pytest
import torch
from verdicts import verdict

from course_utils.checks.reporting import check_paired_difference, check_report
from course_utils.intervals import mean_interval


def argmax(values):
    return int(np.argmax(values))


@pytest.mark.parametrize("wrap", [tuple, list, torch.tensor, np.array])
def test_right_reports(wrap):
    def report(history):
        epoch = argmax(history["validation"])
        return wrap([epoch, history["test"][epoch]])

    assert verdict(check_report, report).startswith("Right: validation chooses, test measures")


def sorts(history):
    epoch = argmax(history["validation"])
    for values in history.values():
        values.sort()
    return epoch, history["test"][-1]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda h: (argmax(h["test"]), max(h["test"])), "you choose the epoch on the test acc"),
        (
            lambda h: (argmax(h["test"]), h["validation"][argmax(h["test"])]),
            "you choose the epoch on the test accuracy",
        ),
        (
            lambda h: (argmax(h["train"]), h["test"][argmax(h["train"])]),
            "you choose the epoch on the training accuracy",
        ),
        (lambda h: (argmax(h["train"]), max(h["train"])), "you choose the epoch on the training"),
        (lambda h: (len(h["train"]) - 1, h["test"][-1]), "you keep the last epoch"),
        (
            lambda h: (argmax(h["validation"]), max(h["validation"])),
            "you report its validation accuracy",
        ),
        (
            lambda h: (argmax(h["validation"]), h["train"][argmax(h["validation"])]),
            "you report its training accuracy",
        ),
        (
            lambda h: (argmax(h["validation"]), max(h["test"])),
            "you report the best test accuracy of all epochs",
        ),
        (
            lambda h: (1 + argmax(h["validation"]), h["test"][argmax(h["validation"])]),
            "you count epochs from 1",
        ),
        (
            lambda h: (int(np.argmin(h["validation"])), h["test"][np.argmin(h["validation"])]),
            "you keep the lowest validation accuracy",
        ),
        (
            lambda h: (h["test"][argmax(h["validation"])], argmax(h["validation"])),
            "the two are in the wrong order",
        ),
        (lambda h: h["test"][argmax(h["validation"])], "return two numbers: the epoch, then"),
        (sorts, "report changes its argument history"),
        (lambda h: (-1, h["test"][-1]), "report gives (-1, 0.66) instead of (1, 0.68)"),
        (lambda h: argmax(h["validation"]), "report must return 2 numbers, not 1."),
        (lambda h: (1, "68%"), "an item of what report returns is the text '68%'"),
        (lambda h: (1, 0.68), "report gives (1, 0.68) instead of (3, 0.6), for history = {'train'"),
        (lambda h: h["val"], "report stops with KeyError: 'val'. It happens for history = {"),
        (lambda h: {"epoch": 1}, "what report returns is of the type dict"),
        (lambda h: None, "report returns None"),
    ],
)
def test_wrong_reports(answer, words):
    assert words in verdict(check_report, answer)
    assert not verdict(check_report, answer).startswith("Right")


def plain(t=2.776, spread=statistics.stdev, root=math.sqrt, order=lambda m, h: (m, m - h, m + h)):
    """A learner's interval in plain Python, with one thing done differently."""

    def paired_difference(a, b):
        d = [x - y for x, y in zip(a.tolist(), b.tolist(), strict=True)]
        return order(sum(d) / len(d), t * spread(d) / root(len(d)))

    return paired_difference


def unpaired(a, b):
    half = 2.776 * math.sqrt(a.var().item() / 5 + b.var().item() / 5)
    mean = a.mean().item() - b.mean().item()
    return mean, mean - half, mean + half


@pytest.mark.parametrize(
    "answer",
    [
        plain(),
        plain(order=lambda m, h: [m, m - h, m + h]),
        plain(order=lambda m, h: torch.tensor([m, m - h, m + h])),
        lambda a, b: mean_interval((a - b).tolist()),
    ],
)
def test_right_intervals(answer):
    assert verdict(check_paired_difference, answer).startswith("Right: pairs first")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (plain(t=1.96), "you use 1.96"),
        (plain(t=2.571), "you use 2.571"),
        (plain(t=1), "t is missing"),
        (plain(root=lambda n: 1), "this is where single differences lie"),
        (plain(root=lambda n: n), "you divide the standard deviation by 5"),
        (plain(spread=statistics.pstdev), "your standard deviation divides by n"),
        (plain(spread=statistics.variance), "you use the variance"),
        (unpaired, "you treat the two as unpaired"),
        (lambda a, b: plain()(b, a), "this is b - a"),
        (plain(order=lambda m, h: (m, m, m + h)), "reaches t * s / sqrt(5) to both sides"),
        (plain(order=lambda m, h: (m, m - h, m)), "reaches t * s / sqrt(5) to both sides"),
        (plain(t=2.776 / 2), "the interval is half as wide"),
        (plain(order=lambda m, h: (m, -h, h)), "low and high lie around zero"),
        (plain(order=lambda m, h: (m, h)), "you return the half-width"),
        (plain(order=lambda m, h: (m - h, m, m + h)), "their order is not: mean, low, high"),
        (plain(order=lambda m, h: (m, m + h, m - h)), "low and high are exchanged"),
        (plain(order=lambda m, h: m), "paired_difference must return 3 numbers, not 1."),
        (plain(order=lambda m, h: (0, 0, 0)), "gives (0, 0, 0) instead of (0.034, 0.01985, 0.04"),
        (plain(order=lambda m, h: "0.03 ± 0.01"), "is the text '0.03 ± 0.01'"),
        (lambda a, b: a.sub_(b), "paired_difference changes its argument a"),
        (lambda a, b: a.to_list(), "stops with AttributeError: 'Tensor' object has no attribute"),
        (lambda d: d, "paired_difference must take the arguments a, b."),
    ],
)
def test_wrong_intervals(answer, words):
    assert words in verdict(check_paired_difference, answer).partition("Not yet: ")[2]
