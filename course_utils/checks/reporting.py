"""Checkers of what chapter 2 asks about reporting: an honest number, and an interval."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from course_utils.checks.base import checker
from course_utils.checks.functions import Case, FunctionExercise, Misconception

History = dict[str, list[float]]


def _best(history: History, split: str) -> int:
    return max(range(len(history[split])), key=history[split].__getitem__)


def _kept(chosen_on: str, reported: str) -> Callable[[History], tuple[int, float]]:
    """Keep the epoch that is best on one split, report its accuracy on another."""

    def report(history: History) -> tuple[int, float]:
        epoch = _best(history, chosen_on)
        return epoch, history[reported][epoch]

    return report


def _history(train: Sequence[float], validation: Sequence[float], test: Sequence[float]) -> Case:
    history = {"train": list(train), "validation": list(validation), "test": list(test)}
    return Case({"history": history}, f"history = {history}")


CHOSEN_ON_TEST = (
    "you choose the epoch on the test accuracy. What was selected for being high is no longer an "
    "honest measurement: choose on validation, and open the test pile once."
)
CHOSEN_ON_TRAIN = (
    "you choose the epoch on the training accuracy, which keeps rising while the network learns "
    "its pictures by heart: choose on validation."
)
REPORT = FunctionExercise(
    name="report",
    right=_kept("validation", "test"),
    cases=[
        _history([0.61, 0.75, 0.93, 0.88], [0.6, 0.74, 0.7, 0.69], [0.71, 0.68, 0.65, 0.66]),
        _history(
            [0.5, 0.6, 0.7, 0.8, 0.9], [0.52, 0.58, 0.57, 0.66, 0.62], [0.4, 0.51, 0.63, 0.6, 0.59]
        ),
        _history([0.7, 0.95, 0.8], [0.81, 0.79, 0.78], [0.76, 0.72, 0.82]),
    ],
    misconceptions=[
        Misconception(CHOSEN_ON_TEST, _kept("test", "test")),
        Misconception(CHOSEN_ON_TEST, _kept("test", "validation")),
        Misconception(CHOSEN_ON_TRAIN, _kept("train", "test")),
        Misconception(CHOSEN_ON_TRAIN, _kept("train", "train")),
        Misconception(CHOSEN_ON_TRAIN, _kept("train", "validation")),
        Misconception(
            "you keep the last epoch: keep the one that is best on validation.",
            lambda history: (len(history["test"]) - 1, history["test"][-1]),
        ),
        Misconception(
            "the epoch is right, but you report its validation accuracy, which you selected for "
            "being high: report the test accuracy of that epoch.",
            _kept("validation", "validation"),
        ),
        Misconception(
            "the epoch is right, but you report its training accuracy: these pictures it has seen.",
            _kept("validation", "train"),
        ),
        Misconception(
            "the epoch is right, but you report the best test accuracy of all epochs: report that "
            "of the epoch you keep.",
            lambda history: (_best(history, "validation"), max(history["test"])),
        ),
        Misconception(
            "you count epochs from 1: Python's lists begin at index 0.",
            lambda history: (
                _best(history, "validation") + 1,
                history["test"][_best(history, "validation")],
            ),
        ),
        Misconception(
            "you keep the lowest validation accuracy: low is good for a loss, not for an accuracy.",
            lambda history: _kept("validation", "test")(
                history | {"validation": [-value for value in history["validation"]]}
            ),
        ),
        Misconception(
            "the two are in the wrong order: first the epoch, then the accuracy.",
            lambda history: _kept("validation", "test")(history)[::-1],
        ),
        Misconception(
            "the accuracy is right, but return two numbers: the epoch, then the accuracy.",
            lambda history: history["test"][_best(history, "validation")],
        ),
    ],
)


@checker
def check_report(report: Any) -> str:
    """Exercise 4: report(history) -> index of the epoch to keep, accuracy to report."""
    REPORT.judge(REPORT.attempts(report))
    return (
        "validation chooses, test measures. Your number is often below the best test accuracy, "
        "and it is the one that a new picture will confirm."
    )


T_OF_FIVE = 2.776  # Student's t for 95% and four degrees of freedom


def _interval(mean: Tensor, half: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return mean, mean - half, mean + half


def _paired(
    spread: Callable[[Tensor], Tensor] = lambda difference: difference.std(),
    t: float = T_OF_FIVE,
) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]:
    """The interval of the mean of five differences, with another spread or t where given."""
    return lambda a, b: _interval((a - b).mean(), t * spread(a - b) / len(a) ** 0.5)


def _of_interval(change: Callable[[Tensor, Tensor], Any]) -> Callable[..., Any]:
    """What `change` makes of the mean and the half-width."""

    def changed(a: Tensor, b: Tensor) -> Any:
        mean, low, _ = _paired()(a, b)
        return change(mean, mean - low)

    return changed


def _unpaired(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    half = T_OF_FIVE * ((a.var() + b.var()) / len(a)) ** 0.5
    return _interval(a.mean() - b.mean(), half)


def _seeds_case(a: list[float], b: list[float]) -> Case:
    return Case({"a": torch.tensor(a), "b": torch.tensor(b)})


TWO_SIDED = "the interval reaches t * s / sqrt(5) to both sides of the mean, not to one only."
DIFFERENCE = FunctionExercise(
    name="paired_difference",
    right=_paired(),
    cases=[
        _seeds_case([0.92, 0.93, 0.91, 0.94, 0.92], [0.88, 0.9, 0.88, 0.89, 0.9]),
        _seeds_case([0.81, 0.84, 0.86, 0.8, 0.83], [0.82, 0.83, 0.87, 0.82, 0.85]),
        _seeds_case([0.7, 0.65, 0.72, 0.61, 0.68], [0.5, 0.58, 0.61, 0.47, 0.56]),
    ],
    misconceptions=[
        Misconception(
            "you use 1.96, which is right for many seeds. With five, the spread itself is "
            "uncertain, so t is 2.776.",
            _paired(t=1.96),
        ),
        Misconception(
            "you use 2.571, which is t for six pairs. Five pairs leave four degrees of freedom, "
            "so t is 2.776.",
            _paired(t=2.571),
        ),
        Misconception(
            "t is missing: multiply the standard error by 2.776.",
            _paired(t=1),
        ),
        Misconception(
            "this is where single differences lie. The mean of five is steadier: divide the "
            "standard deviation by the root of 5.",
            _paired(spread=lambda difference: difference.std() * len(difference) ** 0.5),
        ),
        Misconception(
            "you divide the standard deviation by 5: divide it by the root of 5.",
            _paired(spread=lambda difference: difference.std() / len(difference) ** 0.5),
        ),
        Misconception(
            "your standard deviation divides by n. Divide by n - 1, because the mean was "
            "estimated from the same five numbers (std in PyTorch does, NumPy's does not).",
            _paired(spread=lambda difference: difference.std(correction=0)),
        ),
        Misconception(
            "you use the variance: take its root, the standard deviation.",
            _paired(spread=lambda difference: difference.var()),
        ),
        Misconception(
            "you treat the two as unpaired, adding their variances. Take the differences first: "
            "what a seed does to both then cancels.",
            _unpaired,
        ),
        Misconception(
            "this is b - a: a - b is asked for.",
            lambda a, b: _paired()(b, a),
        ),
        Misconception(TWO_SIDED, _of_interval(lambda mean, half: (mean, mean, mean + half))),
        Misconception(TWO_SIDED, _of_interval(lambda mean, half: (mean, mean - half, mean))),
        Misconception(
            "the interval is half as wide as it should be: t * s / sqrt(5) is its half-width.",
            _of_interval(lambda mean, half: (mean, mean - half / 2, mean + half / 2)),
        ),
        Misconception(
            "low and high lie around zero: lay the interval around the mean.",
            _of_interval(lambda mean, half: (mean, -half, half)),
        ),
        Misconception(
            "you return the half-width: return the two ends, mean - half and mean + half.",
            _of_interval(lambda mean, half: (mean, half)),
        ),
        Misconception(
            "the numbers are right, their order is not: mean, low, high.",
            _of_interval(lambda mean, half: (mean - half, mean, mean + half)),
        ),
        Misconception(
            "low and high are exchanged: low is mean - half.",
            _of_interval(lambda mean, half: (mean, mean + half, mean - half)),
        ),
    ],
)


@checker
def check_paired_difference(paired_difference: Any) -> str:
    """Exercise 5: paired_difference(a, b), tensors [5] -> mean, low and high of a - b."""
    DIFFERENCE.judge(DIFFERENCE.attempts(paired_difference))
    return (
        "pairs first, then the root of n and the t of a small sample. "
        "If zero lies inside the interval, what may you say about the two methods?"
    )
