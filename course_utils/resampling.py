"""Random splits of the same few pictures, and what their accuracies say together."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from course_utils.intervals import Interval, mean_interval

HELD_OUT = 0.3  # of each class, in each split


def stratified_splits(labels: Tensor, splits: int, seed: int) -> list[Tensor]:
    """Draw the pictures to test on: 30% of each class, at least one of them and never all.

    Args:
        labels: int64 [N], each label that occurs at least twice.
        splits: how many.
        seed: of the lot.

    Returns:
        For each split bool [N], True where a picture is held out.
    """
    generator = torch.Generator().manual_seed(seed)
    masks = []
    for _ in range(splits):
        mask = torch.zeros(len(labels), dtype=torch.bool)
        for label in labels.unique():
            members = (labels == label).nonzero().squeeze(1)
            order = torch.randperm(len(members), generator=generator)
            count = round(HELD_OUT * len(members))  # of 2, 3, ... members at least 1, never all
            mask[members[order[:count]]] = True
        masks.append(mask)
    return masks


def resampled_interval(
    accuracies: Sequence[float], trained: int, tested: int, distinct: int
) -> Interval:
    """The 95% interval of a mean accuracy over random splits of the same pictures.

    The splits share pictures, so that their accuracies are alike and Student's t interval is too
    narrow. Nadeau and Bengio (2003) correct it: for J splits, the variance of the accuracies is
    multiplied by 1 / J + tested / trained instead of 1 / J. Splits may also agree by luck, for
    example when none has a mistake; so the interval is at least as wide as Wilson's (1927) for one
    test on as many different pictures as were held out.

    Args:
        accuracies: of each split, in 0..1, at least two.
        trained, tested: pictures to learn from and held out, in each split.
        distinct: different pictures that were held out in at least one split.

    Returns:
        Mean, low and high end, all in 0..1.
    """
    mean, _, high = mean_interval(accuracies)
    half = (high - mean) * math.sqrt(1 + len(accuracies) * tested / trained)
    z = 1.96  # standard deviations to either side that hold 95% of a normal distribution
    spread = z * math.sqrt(mean * (1 - mean) / distinct + (z / distinct / 2) ** 2)
    shrinkage = 1 + z**2 / distinct
    center = (mean + z**2 / distinct / 2) / shrinkage
    low = min(mean - half, center - spread / shrinkage)
    high = max(mean + half, center + spread / shrinkage)
    return Interval(mean, max(low, 0.0), min(high, 1.0))
