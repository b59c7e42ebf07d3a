"""Random splits, and the interval of their accuracies."""

import random

import pytest
import torch

from course_utils.resampling import resampled_interval, stratified_splits


def test_the_interval_by_hand() -> None:
    # Mean 0.7 and standard deviation 0.1 over three splits; t(0.975, 2 degrees) = 4.3027. With
    # 30 pictures held out of 100 the variance is multiplied by 1/3 + 30/70, so that half the
    # width is 4.3027 * 0.1 * sqrt(0.33333 + 0.42857) = 0.37556.
    mean, low, high = resampled_interval([0.6, 0.7, 0.8], trained=70, tested=30, distinct=66)
    assert mean == pytest.approx(0.7)
    assert low == pytest.approx(0.7 - 0.37556, abs=2e-5)
    assert high == 1  # and not 1.07556
    assert resampled_interval([0.2, 0.3, 0.4], trained=70, tested=30, distinct=66).low == 0


def test_splits_that_agree_leave_wilson_s_interval() -> None:
    # Wilson for 20 of 20: from 1 / (1 + 1.96**2 / 20) = 0.83887 to 1.
    assert resampled_interval([1, 1, 1], 14, 6, 20) == pytest.approx((1, 0.83887, 1), abs=1e-5)
    # For 5 of 10: (0.5 + z²/20 ± z sqrt(0.25/10 + z²/400)) / (1 + z²/10) = 0.23659 and 0.76341.
    expected = pytest.approx((0.5, 0.23659, 0.76341), abs=1e-5)
    assert resampled_interval([0.5, 0.5], 7, 3, 10) == expected
    assert resampled_interval([0, 0], 14, 6, 20) == pytest.approx((0, 0, 0.16113), abs=1e-5)


def test_a_single_split_has_no_interval() -> None:
    with pytest.raises(ValueError, match="at least two"):
        resampled_interval([0.5], 7, 3, 3)


def test_pure_chance_is_covered_as_often_as_promised() -> None:
    """Guesses, right with probability 0.5: the truth is known, and the splits share pictures."""
    draw, trials, covered = random.Random(0), 300, 0
    labels = torch.arange(20) % 2
    for trial in range(trials):
        right = torch.tensor([float(draw.random() < 0.5) for _ in labels])
        masks = stratified_splits(labels, 10, trial)
        tested = int(masks[0].sum())
        accuracies = [right[mask].mean().item() for mask in masks]
        interval = resampled_interval(accuracies, len(labels) - tested, tested, len(labels))
        covered += 0.5 in interval
    assert covered / trials >= 0.93


def test_a_split_holds_out_thirty_percent_of_each_class() -> None:
    labels = torch.tensor([0] * 100 + [1] * 10 + [2] * 3 + [3] * 2)[torch.randperm(115)]
    masks = stratified_splits(labels, 6, seed=0)
    for mask in masks:
        assert mask.dtype == torch.bool
        assert labels[mask].bincount().tolist() == [30, 3, 1, 1]
        assert labels[~mask].bincount().tolist() == [70, 7, 2, 1]
    assert len({tuple(mask.tolist()) for mask in masks}) == 6


def test_every_picture_has_its_turn() -> None:
    masks = torch.stack(stratified_splits(torch.arange(40) % 2, 400, seed=0))
    assert (masks.float().mean(dim=0) - 0.3).abs().max() < 0.1


def test_the_seed_decides_and_nothing_else() -> None:
    labels = torch.arange(30) % 3
    state = torch.get_rng_state()
    first, again, other = (torch.stack(stratified_splits(labels, 3, seed)) for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
