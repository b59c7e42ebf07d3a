"""Checkers of what chapter 4 asks last: when a saliency map is evidence, and of what."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from course_utils.checks.base import NotYet, checker
from course_utils.checks.choices import ChoiceExercise
from course_utils.checks.functions import (
    Attempt,
    Case,
    FunctionExercise,
    require_no_error,
    require_unchanged,
)

SUPPORTED = ChoiceExercise(
    name="supported",
    right="34",
    sentences={
        "1": (
            "claim 1 takes a map for proof because it looks right. The edges of the picture lie on "
            "the animal, too, and no network was asked for them: where a map lies says what is in "
            "the picture, not what the network used."
        ),
        "2": (
            "claim 2 compares with random order only. The picture's edges beat that as well as B "
            "does, so B shows no more than edges would, and it stays almost the same when the "
            "weights are drawn anew."
        ),
        "3": (
            "you leave out claim 3: with all weights drawn anew B's maps still agree with the old "
            "ones (0.94), so they come from the picture and hardly from what was learned."
        ),
        "4": (
            "you leave out claim 4: deleting A's first pixels hurts the network more than deleting "
            "edges does, the interval of the paired difference lies below zero, and A finds the "
            "mark that the network was made to use."
        ),
        "5": (
            "claim 5 takes a map for proof. The tests speak for method A over many pictures; its "
            "map of one picture says where pixels mattered, not why, and the snow behind a wolf "
            "can matter as well as its ears."
        ),
    },
)


@checker
def check_supported(supported: Any) -> str:
    """Exercise 4: the claims about saliency maps that a table of measurements supports."""
    SUPPORTED.judge(SUPPORTED.read(supported))
    return (
        "a map becomes evidence by the tests that it could have failed. "
        "Which further test would you ask for before you trusted A on X-rays?"
    )


PICTURES = 40
T_OF_FORTY = 2.023  # Student's t for 95% and 39 degrees of freedom
Baselines = Mapping[str, Tensor]
Idea = Callable[[Tensor, Baselines], bool]


def _beats(better: Tensor, worse: Tensor) -> bool:
    """Whether the 95% interval of the mean of worse - better lies above zero."""
    gain = worse - better
    return bool(gain.mean() > T_OF_FORTY * gain.std() / len(gain) ** 0.5)


def _of_all(test: Callable[[Tensor, Tensor], bool]) -> Idea:
    """An answer that asks for the same test against each baseline."""
    return lambda areas, baselines: all(test(areas, other) for other in baselines.values())


def _unpaired(areas: Tensor, other: Tensor) -> bool:
    spread = ((areas.var() + other.var()) / len(areas)) ** 0.5
    return bool(other.mean() - areas.mean() > T_OF_FORTY * spread)


def _intervals_apart(areas: Tensor, other: Tensor) -> bool:
    halves = T_OF_FORTY * (areas.std() + other.std()) / len(areas) ** 0.5
    return bool(other.mean() - areas.mean() > halves)


def _strongest(areas: Tensor, baselines: Baselines) -> bool:
    return _beats(areas, min(baselines.values(), key=lambda other: other.mean()))


def _above(bar: Callable[[Tensor], Tensor]) -> Idea:
    """An answer that asks for a mean difference above some number of the differences."""
    return _of_all(lambda areas, other: bool((other - areas).mean() > bar(other - areas)))


UNPAIRED = (
    "you treat the two as unpaired. Both were measured on the same pictures, and some pictures are "
    "easy for every map: take the differences picture by picture, then their interval."
)
MISCONCEPTIONS: list[tuple[str, Idea]] = [
    (
        "you compare with random order only. The edges of a picture beat that without knowing the "
        "network: a map must beat every baseline.",
        lambda areas, baselines: _beats(areas, baselines["random"]),
    ),
    (
        "you compare with the edges only: a map must beat every baseline, random order, too.",
        lambda areas, baselines: _beats(areas, baselines["edges"]),
    ),
    (
        "it is enough for you that one baseline is beaten: the map must beat every one of them.",
        lambda areas, baselines: any(_beats(areas, other) for other in baselines.values()),
    ),
    (
        'you compare with "random" and "edges" by name, and there can be others: go through '
        "baselines.values().",
        lambda areas, baselines: all(_beats(areas, baselines[n]) for n in ("random", "edges")),
    ),
    (
        "the direction is wrong: the smaller the deletion area, the sooner the probability falls, "
        "and the better the map.",
        _of_all(lambda areas, other: _beats(other, areas)),
    ),
    (
        "you ask whether there is a difference in whatever direction: the method's area must be "
        "the smaller one.",
        _of_all(lambda areas, other: _beats(areas, other) or _beats(other, areas)),
    ),
    (
        "you compare means only. Part of a difference is chance: ask that the whole interval of "
        "the mean difference lies on the right side of zero.",
        _of_all(lambda areas, other: bool(areas.mean() < other.mean())),
    ),
    (
        "you look at the first picture only: one picture proves nothing, take all of them.",
        _of_all(lambda areas, other: bool(areas[0] < other[0])),
    ),
    (
        "you count the pictures on which the method wins. That leaves out by how much it loses on "
        "the others, and chance: take the interval of the mean difference.",
        _of_all(lambda areas, other: bool((areas < other).float().mean() > 0.5)),
    ),
    (
        "you ask that the method wins on every single picture, which no method does: take the "
        "interval of the mean difference.",
        _of_all(lambda areas, other: bool((areas < other).all())),
    ),
    (UNPAIRED, _of_all(_unpaired)),
    (UNPAIRED, _of_all(_intervals_apart)),
    (
        "your interval is too narrow. A mean is uncertain by about 2 standard errors to each side: "
        "mean - 2.02 · s / √N must lie above zero, and you take off less than that.",
        _above(lambda gain: gain.std() / len(gain) ** 0.5),
    ),
    (
        "your interval is far too narrow: take the standard deviation, not its square, and divide "
        "it by the root of the number of pictures, not by the number itself.",
        _above(lambda gain: T_OF_FORTY * gain.std() / len(gain)),
    ),
    (
        "you ask for the baseline of the smallest mean only. Another one may lie higher and vary "
        "so much that it is not beaten beyond chance: test each by itself.",
        _strongest,
    ),
    (
        "this is where single differences lie. Their mean is steadier: divide the standard "
        "deviation by the root of the number of pictures.",
        _above(lambda gain: T_OF_FORTY * gain.std()),
    ),
]


def _gains() -> dict[str, Tensor]:
    """By how much a baseline's area is above the method's, picture by picture."""
    waves = -torch.cos(torch.arange(PICTURES) * 2.4)  # no drift, no random numbers, -1 at first
    fourth = torch.arange(PICTURES) % 4 == 1
    return {
        "far above": 0.15 + 0.03 * waves,
        "a little above on every picture": 0.03 + 0.01 * waves,
        "far above on a few pictures, a little on all others": torch.where(fourth, 0.4, 0.02),
        "above on most pictures, and clearly so on average": 0.15 + 0.2 * waves,
        "above on average, by less than chance may give": 0.02 + 0.2 * waves,
        "a little above on most pictures, far below on some": torch.where(fourth, -0.06, 0.01),
        "far below": -0.12 + 0.03 * waves,
        "1.7 standard errors above on average": _errors_above(1.7, waves),
        "2.6 standard errors above on average": _errors_above(2.6, waves),
        "0.2 standard errors above on average": _errors_above(0.2, waves),
        "above on average, by far less than it varies": 0.06 + 0.3 * waves,
        "clearly above on average, but not on the first picture": 0.05 + 0.1 * waves,
        "clearly above on average, and on the first picture": 0.05 - 0.1 * waves,
    }


def _errors_above(t: float, waves: Tensor) -> Tensor:
    """Differences whose mean is `t` standard errors."""
    return 0.2 * (t * waves.std() / PICTURES**0.5 + waves - waves.mean())


def _case(low: float, high: float, **baselines: str) -> Case:
    """A method's areas from `low` to `high`, and baselines described by a key of `_gains`."""
    areas = torch.linspace(low, high, PICTURES)
    gains = _gains()
    arguments = {
        "areas": areas,
        "baselines": {name: areas + gains[words] for name, words in baselines.items()},
    }
    described = [f'"{name}" lies {words}' for name, words in baselines.items()]
    return Case(arguments, f"areas of which {', and '.join(described)}")


ABOVE, STEADY, SKEWED, WIDE, NOISY, MOSTLY, BELOW, *CLOSE = _gains()
HARDLY, NARROWLY, ALMOST_NONE, WILD, WAVING, OPPOSED = CLOSE
EVIDENCE = FunctionExercise(
    name="is_evidence",
    right=_of_all(_beats),
    cases=[  # two methods, of small and of large areas, each sometimes evidence and sometimes not
        _case(0.1, 0.4, random=ABOVE, edges=ABOVE),
        _case(0.1, 0.4, random=ABOVE, edges=BELOW),
        _case(0.1, 0.4, random=ABOVE, edges=STEADY),
        _case(0.1, 0.4, random=ABOVE, edges=NOISY),
        _case(0.4, 0.7, random=ABOVE, edges=SKEWED),
        _case(0.4, 0.7, random=ABOVE, edges=WIDE),
        _case(0.4, 0.7, random=ABOVE, edges=ABOVE, center=ABOVE),
        _case(0.4, 0.7, random=ABOVE, edges=ABOVE, center=BELOW),
        _case(0.4, 0.7, random=NOISY, edges=ABOVE),
        _case(0.4, 0.7, random=ABOVE, edges=MOSTLY),
        _case(0.4, 0.7, random=BELOW, edges=BELOW),
        _case(0.30, 0.31, random=ABOVE, edges=STEADY),  # pictures that are equally hard
        _case(0.1, 0.4, random=ABOVE, edges=HARDLY),
        _case(0.1, 0.4, random=ABOVE, edges=NARROWLY),
        _case(0.1, 0.4, random=ABOVE, edges=ALMOST_NONE),
        _case(0.1, 0.4, random=STEADY, edges=WILD),  # the lower one is beaten, the higher one not
        _case(0.1, 0.4, random=WAVING, edges=OPPOSED),
    ],
    misconceptions=[],
)


@checker
def check_is_evidence(is_evidence: Any) -> str:
    """Exercise 5: is_evidence(areas [N], baselines name -> [N]) -> bool."""
    attempts = EVIDENCE.attempts(is_evidence)
    answers = [_read(made) for made in attempts]
    right = _answers(EVIDENCE.right)
    if answers != right:
        _require_comparison(answers)
        for sentence, idea in MISCONCEPTIONS:
            if answers == _answers(idea):
                raise NotYet(sentence)
        first = next(i for i, answer in enumerate(answers) if answer is not right[i])
        raise NotYet(
            f"is_evidence gives {answers[first]} for {attempts[first].case}: "
            f"{right[first]} is right."
        )
    return (
        "every baseline beaten, on the same pictures, by more than chance. "
        "Does that prove that the network looks where a person would?"
    )


def _answers(idea: Idea) -> list[bool]:
    return [idea(*case.arguments.values()) for case in EVIDENCE.cases]


def _read(made: Attempt) -> bool:
    require_no_error(EVIDENCE, made)
    require_unchanged(EVIDENCE.name, made)
    value = made.value
    if isinstance(value, Tensor | np.ndarray | np.generic) and value.shape in ((), (1,)):
        value = value.item()
    if value is None:
        raise NotYet(
            f"is_evidence returns None for {made.case}: end it with return, whatever happens "
            "before."
        )
    if not isinstance(value, bool):
        raise NotYet("is_evidence must return True or False.")
    return value


def _require_comparison(answers: list[bool]) -> None:
    """Raise NotYet for an answer in which the baselines play no part."""
    by_areas: dict[tuple[float, ...], set[bool]] = {}
    for case, answer in zip(EVIDENCE.cases, answers, strict=True):
        by_areas.setdefault(tuple(case.arguments["areas"].tolist()), set()).add(answer)
    if not any(answers):
        raise NotYet("you call nothing evidence: a test that nobody can pass says nothing.")
    if all(len(given) == 1 for given in by_areas.values()):
        raise NotYet(
            "you take a map for proof by itself: your answer does not depend on the baselines. "
            "Whether a deletion area is small shows only beside those of maps that know nothing of "
            "the network."
        )
