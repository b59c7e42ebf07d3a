"""What all checkers share: the verdict they print, and numbers in an answer."""

import textwrap
from collections.abc import Callable, Mapping
from functools import wraps
from inspect import isroutine
from numbers import Real
from typing import Any

import numpy as np
import torch

LINE = 88  # characters of a printed line
LARGEST_SHOWN = 40  # numbers of an array that is written out


class NotYet(Exception):
    """A sentence for the learner: what is wrong with an answer, and what to do."""


class NotAttempted(Exception):
    """A sentence for the learner: where a placeholder still stands."""


def checker(judge: Callable[..., str]) -> Callable[..., None]:
    """Make a checker, which prints one paragraph, of a function that judges an answer.

    `judge` returns what a right answer shows, or raises NotYet or NotAttempted.
    """

    @wraps(judge)
    def check(*answers: Any) -> None:
        try:
            verdict = f"Right: {judge(*answers)}"
        except NotYet as problem:
            verdict = f"Not yet: {problem}"
        except NotAttempted as problem:
            verdict = f"Not attempted yet: {problem}"
        print(textwrap.fill(verdict, LINE, break_long_words=False, break_on_hyphens=False))

    return check


def require_attempted(**answers: Any) -> None:
    """Raise NotAttempted if one of the named answers is or holds `...`."""
    for name, answer in answers.items():
        if answer is ...:
            raise NotAttempted(f"put your answer in the place of the ... at {name}.")
        if holds_placeholder(answer):
            raise NotAttempted(f"{name} still has a ... in it.")


def holds_placeholder(value: Any) -> bool:
    """Whether `value` is `...`, or a dict, list or tuple with one in it."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return any(map(holds_placeholder, value))
    return value is ...


def as_numbers(value: Any, what: str) -> np.ndarray:
    """A number, array, tensor of any device and number format, or list of these, as float64.

    Raises:
        NotYet: anything else, in a sentence that begins with `what`.
    """
    if isinstance(value, torch.Tensor):
        if value.dtype == torch.bool or value.is_complex():
            raise NotYet(f"{what} is a tensor of {value.dtype}: real numbers are asked for.")
        try:
            return value.detach().cpu().double().numpy()
        except (RuntimeError, TypeError):  # sparse, or without data
            raise NotYet(f"{what} is no ordinary tensor: its numbers cannot be read.") from None
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "iuf":
        return np.asarray(value, np.float64)
    if isinstance(value, list | tuple):
        items = [as_numbers(item, f"an item of {what}") for item in value]
        if len({item.shape for item in items}) > 1:
            raise NotYet(f"{what} has items of different sizes: all rows must be equally long.")
        return np.array(items)
    if isinstance(value, Real) and not isinstance(value, bool):
        try:
            return np.array(float(value))
        except OverflowError:
            raise NotYet(f"{what} is too large a number.") from None
    raise NotYet(f"{what} {_no_number(value)}")


def _no_number(value: Any) -> str:
    if value is None:
        return "is None: a function without return gives that, and so does print."
    if isinstance(value, str):
        return f"is the text {value[:20]!r}: give numbers, without quotation marks."
    if isinstance(value, bool | np.bool_):
        return f"is {value}: a number is asked for."
    if isroutine(value):
        return "is a function: call it, with parentheses behind its name."
    if isinstance(value, np.ndarray):
        return f"is an array of {value.dtype}: numbers are asked for."
    return f"is of the type {type(value).__name__}: numbers are asked for."


def close(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two arrays have the same shape and, up to rounding, the same numbers."""
    return a.shape == b.shape and np.allclose(a, b, rtol=1e-3, atol=1e-5, equal_nan=True)


def show(value: Any) -> str:
    """A value of a case or an answer for a sentence: short, at most four significant digits."""
    if isinstance(value, torch.Tensor | np.ndarray):
        numbers = as_numbers(value, "the value")
        if numbers.size > LARGEST_SHOWN:
            return f"an array of the shape {list(numbers.shape)}"
        return show(numbers.tolist())
    if isinstance(value, list):
        return f"[{', '.join(map(show, value))}]"
    if isinstance(value, tuple):
        return f"({', '.join(map(show, value))})"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} = {show(item)}" for name, item in value.items())
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e9 else f"{value:.4g}"
    return str(value)


def judge_count(name: str, value: Any, right: int, mistakes: Mapping[int, str], hint: str) -> None:
    """Compare a whole number with the right one; a count that is off by one is wrong.

    Args:
        name: what the number is called in a sentence.
        value: the learner's answer.
        right: the right number.
        mistakes: wrong number -> what was done to get it, as a sentence.
        hint: a sentence for a wrong number of unknown origin.

    Raises:
        NotYet: it is another number, or no number.
    """
    numbers = as_numbers(value, name)
    if numbers.size != 1:
        raise NotYet(f"{name} holds {numbers.size} numbers: one is asked for.")
    number = numbers.item()
    if number != right:
        raise NotYet(f"{name} is not {number:.12g}. {mistakes.get(number, hint)}")
