import random

import numpy as np
import pytest

from course_utils.intervals import Interval, mean_interval, prediction_interval


def test_mean_interval_by_hand():
    # mean 2, standard deviation 1, t(0.975, 2 degrees of freedom) = 4.3027
    mean, low, high = mean_interval([1, 2, 3])
    assert mean == 2
    assert mean - low == pytest.approx(high - mean)
    assert high - mean == pytest.approx(4.3027 / 3**0.5, rel=1e-4)


def test_intervals_cover_as_often_as_they_say():
    draw = random.Random(0)
    trials = 2000
    covered = predicted = 0
    for _ in range(trials):
        values = [draw.gauss(5, 2) for _ in range(5)]
        covered += 5 in mean_interval(values)
        predicted += draw.gauss(5, 2) in prediction_interval(values, level=0.9)
    assert covered / trials == pytest.approx(0.95, abs=0.02)
    assert predicted / trials == pytest.approx(0.9, abs=0.02)


@pytest.mark.parametrize("number", [0.5, 1, np.float32(0.5), np.float64(0.5), np.int64(1)])
def test_any_real_number_may_lie_in_an_interval(number):
    assert number in Interval(0.5, 0.4, 1.5)
    assert number not in Interval(0, -1, 0.4)
    assert "0.5" not in Interval(0.5, 0.4, 1.5)


def test_one_value_has_no_interval():
    with pytest.raises(ValueError, match="at least two seeds"):
        mean_interval([1.0])


def test_intervals_in_words():
    assert Interval(0.884, 0.8816, 0.88649).percent() == "88.4% (88.2 to 88.6)"
    assert Interval(0.0, -0.0003, 0.0008).percent() == "0.0% (0.0 to 0.1)"
    assert Interval(0.0349, -0.001, 0.0374).points() == "+3.49 (−0.10 to +3.74)"
    assert Interval(0.1288, 0.1049, 0.1532).decimals() == "0.13 (0.10 to 0.15)"
    assert Interval(-0.001, -0.03, 0.02).decimals() == "0.00 (−0.03 to 0.02)"


def test_a_share_ends_where_it_must():
    assert Interval(0.984, 0.967, 1.001).percent() == "98.4% (96.7 to 100.0)"
    assert Interval(0.01, -0.02, 0.04).percent() == "1.0% (0.0 to 4.0)"


def test_membership():
    assert 2 in Interval(2, 1, 3)
    assert 4 not in Interval(2, 1, 3)
