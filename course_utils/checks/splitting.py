"""Checker of the split that chapter 3 asks for: no emoji on both sides, in whatever drawing."""

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from course_utils.checks.base import NotYet, as_numbers, checker
from course_utils.checks.functions import Attempt, Case, FunctionExercise
from course_utils.environment import kept_random_state

# All drawings of one artist, then all of the other; the two of an emoji side by side; any order.
BY_ARTIST = [*range(10), *range(10)]
BY_EMOJI = [emoji for emoji in range(12) for _ in range(2)]
MIXED = [40, 7, 88, 40, 19, 3, 7, 19, 61, 40, 3, 88, 25, 61, 72, 25]
SEEDS = (0, 0, 1, 2, 3)
# What sets random numbers of the whole program anew, and what draws apart from them.
APART = {
    "torch.manual_seed": "torch.Generator().manual_seed(seed)",
    "np.random.seed": "np.random.default_rng(seed)",
    "random.seed": "random.Random(seed)",
}


def _right_split(emoji: Tensor, test_share: float, seed: int) -> tuple[Tensor, Tensor]:
    kinds = emoji.unique()
    order = torch.randperm(len(kinds), generator=torch.Generator().manual_seed(seed))
    is_test = torch.isin(emoji, kinds[order[: round(test_share * len(kinds))]])
    return (~is_test).nonzero().squeeze(1), is_test.nonzero().squeeze(1)


def _case(emoji: list[int], test_share: float, seed: int) -> Case:
    return Case({"emoji": torch.tensor(emoji), "test_share": test_share, "seed": seed})


SPLIT = FunctionExercise(
    name="split_drawings",
    right=_right_split,
    cases=[
        *(_case(BY_ARTIST, 0.4, seed) for seed in SEEDS),
        _case(BY_EMOJI, 0.25, 0),
        _case(BY_EMOJI, 0.25, 7),
        _case(MIXED, 0.3, 5),
    ],
    misconceptions=[],
)


def _states() -> dict[str, Any]:
    """States of the random numbers of the whole program, each under what sets it anew."""
    _, numbers, *rest = np.random.get_state()
    return {
        "torch.manual_seed": torch.get_rng_state().tolist(),
        "np.random.seed": [numbers.tolist(), *rest],
        "random.seed": random.getstate(),
    }


@contextmanager
def _restored() -> Iterator[None]:
    """End whatever a learner does to the random numbers of the whole program."""
    python, numpy = random.getstate(), np.random.get_state()
    with kept_random_state():
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)


@dataclass(frozen=True)
class _Split:
    """A split whose sides are lists of whole numbers, and what it is a split of."""

    emoji: list[int]
    share: float
    train: list[int]
    test: list[int]

    @property
    def kinds(self) -> set[int]:
        return set(self.emoji)

    @property
    def test_kinds(self) -> set[int]:
        return {self.emoji[drawing] for drawing in self.test}

    @property
    def seen(self) -> set[int]:
        """Emoji on both sides."""
        return self.test_kinds & {self.emoji[drawing] for drawing in self.train}


@checker
def check_split_drawings(split_drawings: Any) -> str:
    """Exercise 3: split_drawings(emoji [N], test_share, seed) -> indices to train and test on."""
    with _restored():
        before = _states()
        attempts = SPLIT.attempts(split_drawings)
        changed = [name for name, state in _states().items() if state != before[name]]
    splits = [_read(made) for made in attempts]
    for split in splits:
        _require_all_drawings(split)
    for split in splits:
        _require_unseen(split)
    for split in splits:
        _require_share(split)
    _require_lot(splits[: len(SEEDS)])
    if changed:
        return (
            f"no emoji is on both sides. But {changed[0]} sets the random numbers of the whole "
            f"program anew: {APART[changed[0]]} keeps yours apart."
        )
    return (
        "all drawings of an emoji are on one side, so the test asks about emoji that the network "
        "has never seen. Which question would a split by artist ask?"
    )


def _read(made: Attempt) -> _Split:
    if made.error or made.changed:
        SPLIT.judge([made])
    value = made.value
    if not isinstance(value, tuple | list):
        as_numbers(value, "what split_drawings returns")  # says what it is if not numbers
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise NotYet(
            "split_drawings must return two things, with a comma between: the indices of the "
            "drawings to train on, and those of the drawings to test on."
        )
    emoji = made.arguments[0].tolist()
    train, test = (
        _indices(side, name) for side, name in zip(value, ("train", "test"), strict=True)
    )
    _require_places(train + test, emoji)
    return _Split(emoji, made.arguments[1], train, test)


def _indices(side: Any, name: str) -> list[int]:
    if str(getattr(side, "dtype", "")) in ("bool", "torch.bool"):
        raise NotYet(
            f"{name} is a mask of True and False: mask.nonzero().squeeze(1) turns it into indices."
        )
    numbers = as_numbers(side, name)
    if numbers.ndim == 2 and numbers.shape[1] == 1:
        raise NotYet(f"{name} has the shape {list(numbers.shape)}: add .squeeze(1).")
    if numbers.ndim != 1:
        raise NotYet(
            f"{name} has the shape {list(numbers.shape)}: one row of indices is asked for."
        )
    if not np.isfinite(numbers).all() or (numbers != numbers.round()).any():
        raise NotYet(f"{name} holds numbers that are not whole: an index is a whole number.")
    return numbers.astype(int).tolist()


def _require_places(given: list[int], emoji: list[int]) -> None:
    count = len(emoji)
    outside = [index for index in given if not 0 <= index < count]
    if outside and set(given) <= set(emoji):
        raise NotYet(
            "you return which emoji are on each side: return the places of their drawings in the "
            "list. torch.isin(emoji, chosen) says which drawings show one of the chosen."
        )
    if outside:
        raise NotYet(
            f"you return the index {outside[0]}, but the {count} drawings have the indices "
            f"0 to {count - 1}."
        )


def _require_all_drawings(split: _Split) -> None:
    if both := set(split.train) & set(split.test):
        raise NotYet(
            f"drawing {min(both)} is on both sides: the test would ask for what was learned "
            "by heart."
        )
    for side in (split.train, split.test):
        drawing, times = Counter(side).most_common(1)[0] if side else (None, 1)
        if times > 1:
            raise NotYet(f"drawing {drawing} stands {times} times on one side: once is enough.")
    left_out = set(range(len(split.emoji))) - {*split.train, *split.test}
    if left_out and {*split.train, *split.test} <= split.kinds == set(range(len(split.kinds))):
        raise NotYet(
            f"you split the numbers of the emoji, 0 to {max(split.kinds)}, so the drawings behind "
            "them are lost: return the places of all drawings of the chosen emoji. "
            "torch.isin(emoji, chosen) finds them."
        )
    if left_out:
        raise NotYet(
            f"{len(left_out)} of {len(split.emoji)} drawings are on neither side, the first is "
            f"drawing {min(left_out)}: each must be on one."
        )


def _require_unseen(split: _Split) -> None:
    if not split.seen:
        return
    half = len(BY_ARTIST) // 2
    by_artist = [set(range(half)), set(range(half, 2 * half))]
    if (
        split.emoji == BY_ARTIST
        and sorted(map(set, (split.train, split.test)), key=min) == by_artist
    ):
        raise NotYet(
            "you train on one artist's drawings and test on the other's. That asks whether the "
            "network copes with a new style, but it has seen every emoji of the test: "
            "split by emoji."
        )
    emoji = min(split.seen)
    [trained, tested] = (
        next(drawing for drawing in side if split.emoji[drawing] == emoji)
        for side in (split.train, split.test)
    )
    raise NotYet(
        f"emoji {emoji} is in training as drawing {trained} and in the test as drawing {tested}, "
        "so the network has seen it. Draw lots among the emoji, not among the drawings: "
        "all drawings of an emoji go with it."
    )


def _require_share(split: _Split) -> None:
    total, held_out = len(split.kinds), len(split.test_kinds)
    wanted = split.share * total
    if abs(held_out - wanted) < 1:
        return
    if abs(held_out - (total - wanted)) < 1:
        raise NotYet("train and test are exchanged: first what to train on, then what to test on.")
    if held_out in (0, total):
        empty = "test" if held_out == 0 else "train"
        raise NotYet(f"{empty} is empty: both sides need drawings.")
    problem = f"{held_out} of {total} emoji are in the test"
    if held_out == round(split.share * len(split.emoji)):
        raise NotYet(
            f"{problem}: you take test_share of the number of drawings, but draw emoji. "
            "Take it of the number of emoji, len(emoji.unique())."
        )
    raise NotYet(
        f"{problem}, and test_share = {split.share} asks for {round(wanted)}. A coin for each "
        "emoji misses the number: shuffle the emoji and take the first of them."
    )


def _require_lot(splits: list[_Split]) -> None:
    drawn = [split.test_kinds for split in splits]
    kinds = sorted(splits[0].kinds)
    count = len(drawn[0])
    if all(before == now for before, now in pairwise(drawn)):
        if drawn[0] in (set(kinds[:count]), set(kinds[-count:])):
            raise NotYet(
                "the test always gets the emoji at one end of the list. Lists are often sorted, "
                "here by class, so whole classes would be missing in training: draw lots."
            )
        raise NotYet("every seed gives the same split: give the seed to the random generator.")
    if drawn[0] != drawn[1]:
        raise NotYet(
            "the same seed gives another split the next time, so what was held out yesterday is "
            "trained on today: draw with torch.Generator().manual_seed(seed)."
        )
