"""What the results of the emoji experiment say about single emoji."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from course_utils.datasets import Emoji
from course_utils.intervals import Interval, mean_interval
from course_utils.results import Results

COUNTS = ("2", "5", "10", "20", "all")  # pictures per class
ROUNDING = 0.001  # how far a recorded accuracy may lie from that of the answers


class Reading(NamedTuple):
    """How a strategy, at one number of pictures per class, read one artist's drawings.

    Attributes:
        splits: the number of splits, at least one.
        accuracy: share of right answers, mean over the splits with its 95% interval, which
            ends at 0 and 1; after a single split it has no width.
        held_out: how often each emoji was held out, integers [N].
        misread: how often it was misread then, integers [N].
        taken: how often it was taken for each other class, integers [N, classes].
        worst: indices of the misread emoji, the most often misread first.
    """

    splits: int
    accuracy: Interval
    held_out: np.ndarray
    misread: np.ndarray
    taken: np.ndarray
    worst: np.ndarray


def readings_of(results: Results, emoji: Emoji, strategy: str, artist: str) -> dict[str, Reading]:
    """The readings of one strategy, by the number of pictures per class as in `COUNTS`.

    Args:
        results: runs called `{strategy}_{count}`, each with `{artist}_accuracy` in 0..1 and
            `{artist}_answers`: for each held-out emoji, in the order of `emoji.split(seed)`, the
            predicted class as a digit.
        emoji: the emoji that the results are about.
        strategy: what it is called in the results.
        artist: "noto" or "twemoji".

    Raises:
        ValueError: there is no run of the strategy, or a run is not as described.
    """
    keys = {count: f"{strategy}_{count}" for count in COUNTS}
    found = {
        count: _reading(key, results.runs[key], emoji, artist)
        for count, key in keys.items()
        if results.runs.get(key)
    }
    if not found:
        known = ", ".join(results.runs) or "none"
        raise ValueError(
            f"The results of {results.name!r} hold no run of {strategy!r}, as {strategy}_10; "
            f"their runs: {known}."
        )
    return found


def _reading(key: str, runs: Mapping[str, Mapping[str, Any]], emoji: Emoji, artist: str) -> Reading:
    labels = emoji.labels.numpy()
    held_out, misread = np.zeros((2, len(labels)), np.int64)
    taken = np.zeros((len(labels), len(emoji.classes)), np.int64)
    accuracies = []
    for seed, run in runs.items():
        test = emoji.split(int(seed))[1].numpy()
        where = f"{key}, seed {seed}"
        said = _answers(where, run.get(f"{artist}_answers"), len(test), len(emoji.classes))
        wrong = said != labels[test]
        accuracies.append(_accuracy(where, run.get(f"{artist}_accuracy"), 1 - wrong.mean()))
        held_out[test] += 1
        misread[test] += wrong
        taken[test[wrong], said[wrong]] += 1  # an emoji is held out once in a split
    mean, low, high = mean_interval(accuracies) if len(accuracies) > 1 else accuracies * 3
    accuracy = Interval(mean, max(low, 0.0), min(high, 1.0))
    # The most often misread; of those the ones that were read right least often.
    order = np.lexsort((held_out, -misread))
    worst = order[: (misread > 0).sum()]
    return Reading(len(accuracies), accuracy, held_out, misread, taken, worst)


def _answers(where: str, answers: Any, count: int, classes: int) -> np.ndarray:
    """The predicted classes, integers [count]."""
    if not isinstance(answers, str) or len(answers) != count:
        given = f"{len(answers)}" if isinstance(answers, str) else "none"
        raise ValueError(
            f"{where}: the answers must be a text of {count} digits, one for each held-out "
            f"emoji, not {given}."
        )
    digits = set("0123456789"[:classes])
    if unknown := set(answers) - digits:
        raise ValueError(
            f"{where}: the answers must be digits from 0 to {classes - 1}, "
            f"but {min(unknown)!r} is among them."
        )
    return np.array([int(digit) for digit in answers])


def _accuracy(where: str, accuracy: Any, of_answers: float) -> float:
    if not isinstance(accuracy, int | float) or not math.isfinite(accuracy):
        raise ValueError(f"{where}: the accuracy must be a number in 0..1, not {accuracy!r}.")
    if abs(accuracy - of_answers) > ROUNDING:
        raise ValueError(
            f"{where}: the accuracy is {accuracy:.3f}, but {of_answers:.3f} of the answers are "
            "right: are they in the order of emoji.split(seed)?"
        )
    return float(accuracy)
