"""Means over seeds with their uncertainty (Student's t, small samples)."""

import math
from collections.abc import Sequence
from numbers import Real
from statistics import fmean, stdev
from typing import NamedTuple


class Interval(NamedTuple):
    """A mean and the interval around it, in the unit of the values."""

    mean: float
    low: float
    high: float

    def percent(self) -> str:
        """A share of 0..1 as "88.4% (88.2 to 88.6)".

        What is shown ends at 0 and 100: no accuracy lies beyond, though Student's t, which does
        not know that, may put an end of the interval there.
        """
        low, high = (100 * min(max(0.0, value), 1.0) for value in self[1:])
        return f"{self.mean:.1%} ({low:.1f} to {high:.1f})"

    def decimals(self) -> str:
        """A number without a unit as "0.13 (0.10 to 0.15)"."""
        mean, low, high = (f"{value:z.2f}".replace("-", "\N{MINUS SIGN}") for value in self)
        return f"{mean} ({low} to {high})"

    def points(self) -> str:
        """A difference of shares in percentage points, as "−3.49 (−3.74 to −3.25)"."""
        mean, low, high = (f"{100 * value:+z.2f}".replace("-", "\N{MINUS SIGN}") for value in self)
        return f"{mean} ({low} to {high})"

    def __contains__(self, value: object) -> bool:
        return isinstance(value, Real) and self.low <= value <= self.high


def _interval(values: Sequence[float], level: float, spread: float) -> Interval:
    from scipy.special import stdtrit

    if len(values) < 2:
        raise ValueError("An interval needs the results of at least two seeds.")
    mean = fmean(values)
    half = float(stdtrit(len(values) - 1, (1 + level) / 2)) * stdev(values) * spread
    return Interval(mean, mean - half, mean + half)


def mean_interval(values: Sequence[float], level: float = 0.95) -> Interval:
    """Confidence interval of the mean: where the mean over all possible seeds would lie."""
    return _interval(values, level, math.sqrt(1 / len(values)) if values else 0)


def prediction_interval(values: Sequence[float], level: float = 0.999) -> Interval:
    """Where the result of one more seed falls, with probability `level`."""
    return _interval(values, level, math.sqrt(1 + 1 / len(values)) if values else 0)
