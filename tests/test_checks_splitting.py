"""Splits of drawings, right and wrong, and what learners are told."""

import random

import numpy as np
import pytest
import torch
from sklearn.model_selection import GroupShuffleSplit
from verdicts import verdict

from course_utils.checks.splitting import check_split_drawings


def generator_of(seed):
    return torch.Generator().manual_seed(seed)


def written_split(
    shuffled=lambda n, seed: torch.randperm(n, generator=generator_of(seed)),
    count=lambda share, kinds, drawings: round(share * kinds),
    finally_=lambda train, test: (train, test),
):
    """A learner's function, with one thing done differently."""

    def split_drawings(emoji, test_share, seed):
        kinds = emoji.unique()
        order = shuffled(len(kinds), seed)
        held_out = kinds[order[: count(test_share, len(kinds), len(emoji))]].tolist()
        is_test = torch.tensor([kind in held_out for kind in emoji.tolist()])
        return finally_((~is_test).nonzero().squeeze(1), is_test.nonzero().squeeze(1))

    return split_drawings


def with_scikit_learn(emoji, test_share, seed):
    splitter = GroupShuffleSplit(1, test_size=test_share, random_state=seed)
    return next(splitter.split(emoji, groups=emoji))


def with_numpy(n, seed):
    return np.random.default_rng(seed).permutation(n)


def filled_up(emoji, test_share, seed):
    """Emoji by lot, until the test has its share of the drawings."""
    kinds = emoji.unique()
    test = []
    for kind in kinds[torch.randperm(len(kinds), generator=generator_of(seed))]:
        if len(test) < test_share * len(emoji):
            test += (emoji == kind).nonzero().squeeze(1).tolist()
    return [drawing for drawing in range(len(emoji)) if drawing not in test], test


@pytest.mark.parametrize(
    "answer",
    [
        written_split(),
        written_split(count=lambda share, kinds, drawings: int(share * kinds)),
        written_split(shuffled=with_numpy),
        written_split(finally_=lambda train, test: [train.tolist(), test.flip(0).tolist()]),
        written_split(finally_=lambda train, test: (train.numpy(), test.double())),
        with_scikit_learn,
        filled_up,
    ],
)
def test_right_splits(answer):
    said = verdict(check_split_drawings, answer)
    assert said.startswith("Right: all drawings of an emoji are on one side")


def sets_all_random_numbers(n, seed):
    torch.manual_seed(seed)
    return torch.randperm(n)


def test_a_seed_for_the_whole_program_is_right_and_said():
    before = torch.get_rng_state()
    said = verdict(check_split_drawings, written_split(shuffled=sets_all_random_numbers))
    assert said.startswith("Right: no emoji is on both sides. But torch.manual_seed sets the rand")
    assert torch.equal(before, torch.get_rng_state())


def sets_all_of_numpy(n, seed):
    np.random.seed(seed)
    return np.random.permutation(n)


def sets_all_of_python(n, seed):
    random.seed(seed)
    return random.sample(range(n), n)


def next_numbers():
    """The next random numbers of numpy and Python, which draw these again."""
    states = np.random.get_state(), random.getstate()
    numbers = np.random.random(), random.random()
    np.random.set_state(states[0])
    random.setstate(states[1])
    return numbers


@pytest.mark.parametrize(
    ("shuffled", "words"),
    [
        (sets_all_of_numpy, "np.random.seed sets the random numbers of the whole program anew: np"),
        (sets_all_of_python, "random.seed sets the random numbers of the whole program anew: ran"),
    ],
)
def test_a_seed_for_all_of_numpy_or_python_is_right_and_said(shuffled, words):
    before = next_numbers()
    said = verdict(check_split_drawings, written_split(shuffled=shuffled))
    assert said.startswith(f"Right: no emoji is on both sides. But {words}")
    assert next_numbers() == before


def by_drawing(emoji, test_share, seed):
    order = torch.randperm(len(emoji), generator=generator_of(seed))
    count = round(test_share * len(emoji))
    return order[count:], order[:count]


def by_artist(emoji, test_share, seed):
    half = len(emoji) // 2
    return torch.arange(half), torch.arange(half, len(emoji))


def second_half_is_the_first_again(emoji, test_share, seed):
    half = len(emoji) // 2
    order = torch.randperm(half, generator=generator_of(seed))
    test = order[: round(test_share * half)]
    train = order[len(test) :]
    return torch.cat([train, train + half]), torch.cat([test, test + half])


def of_unique(emoji, test_share, seed):
    return by_drawing(emoji.unique(), test_share, seed)


def emoji_themselves(emoji, test_share, seed):
    kinds = emoji.unique()
    train, test = by_drawing(kinds, test_share, seed)
    return kinds[train], kinds[test]


def one_drawing_of_each(emoji, test_share, seed):
    train, test = written_split()(emoji, test_share, seed)
    return train, [d for d in test.tolist() if emoji[d] not in emoji[:d]]


def by_coin(emoji, test_share, seed):
    coins = torch.rand(int(emoji.max()) + 1, generator=generator_of(seed))
    is_test = (coins < test_share)[emoji]
    return (~is_test).nonzero()[:, 0], is_test.nonzero()[:, 0]


def with_replacement(emoji, test_share, seed):
    picks = torch.randint(len(emoji), (len(emoji),), generator=generator_of(seed))
    return picks[1::2], torch.empty(0)


def changes(emoji, test_share, seed):
    emoji[0] = 5
    return written_split()(emoji, test_share, seed)


def sides(change):
    return written_split(finally_=change)


TWO = "split_drawings must return two things, with a comma between"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (by_drawing, "so the network has seen it. Draw lots among the emoji, not among the draw"),
        (by_artist, "you train on one artist's drawings and test on the other's"),
        (second_half_is_the_first_again, "emoji 0 is in training as drawing"),
        (of_unique, "you split the numbers of the emoji, 0 to 9, so the drawings behind them"),
        (emoji_themselves, "you return which emoji are on each side: return the places"),
        (one_drawing_of_each, "4 of 20 drawings are on neither side, the first is drawing"),
        (by_coin, "asks for 4. A coin for each emoji misses the number"),
        (with_replacement, "times on one side: once is enough"),
        (changes, "split_drawings changes its argument emoji"),
        (
            written_split(count=lambda share, kinds, drawings: round(share * drawings)),
            "you take test_share of the number of drawings, but draw emoji",
        ),
        (written_split(count=lambda share, kinds, drawings: 0), "test is empty: both sides need"),
        (written_split(count=lambda *sizes: sizes[1]), "train is empty: both sides need"),
        (written_split(shuffled=lambda n, seed: torch.arange(n)), "emoji at one end of the list"),
        (written_split(shuffled=lambda n, seed: range(n)[::-1]), "emoji at one end of the list"),
        (
            written_split(shuffled=lambda n, seed: with_numpy(n, 3)),
            "every seed gives the same split: give the seed to the random generator",
        ),
        (
            written_split(shuffled=lambda n, seed: torch.randperm(n)),
            "the same seed gives another split the next time",
        ),
        (sides(lambda train, test: (test, train)), "train and test are exchanged"),
        (sides(lambda train, test: (torch.cat([train, test]), test)), "is on both sides: the test"),
        (sides(lambda train, test: (train, torch.cat([test, test]))), "stands 2 times on one side"),
        (sides(lambda train, test: (train + 1, test + 1)), "you return the index 20, but the 20"),
        (sides(lambda train, test: (train - 1, test - 1)), "you return the index -1, but the 20"),
        (sides(lambda train, test: (train[:, None], test)), "train has the shape [12, 1]: add .sq"),
        (sides(lambda train, test: (train, test.reshape(2, -1))), "test has the shape [2, 4]: one"),
        (sides(lambda train, test: (train, test > 3)), "test is a mask of True and False"),
        (sides(lambda train, test: (train.numpy() > 3, test)), "train is a mask of True and False"),
        (sides(lambda train, test: (train, test + 0.5)), "test holds numbers that are not whole"),
        (sides(lambda train, test: (train / 0, test)), "train holds numbers that are not whole"),
        (sides(lambda train, test: (train, test * float("nan"))), "numbers that are not whole"),
        (sides(lambda train, test: (None, test)), "train is None"),
        (sides(lambda train, test: (train, "all")), "test is the text 'all'"),
        (sides(lambda train, test: test), TWO),
        (sides(lambda train, test: 4), TWO),
        (sides(lambda train, test: (train, test, test)), TWO),
        (sides(lambda train, test: {"train": train}), "is of the type dict: numbers are asked for"),
        (sides(lambda train, test: "train"), "what split_drawings returns is the text 'train'"),
        (sides(lambda train, test: None), "split_drawings returns None"),
        (lambda emoji, test_share, seed: emoji[100], "split_drawings stops with IndexError"),
        (lambda emoji, seed: emoji, "must take the arguments emoji, test_share, seed."),
        (None, "split_drawings is no function"),
    ],
)
def test_wrong_splits(answer, words):
    assert words in verdict(check_split_drawings, answer).partition("Not yet: ")[2]


@pytest.mark.parametrize("answer", [..., lambda emoji, test_share, seed: (..., ...)])
def test_a_placeholder_is_no_attempt(answer):
    assert verdict(check_split_drawings, answer).startswith("Not attempted yet: ")
