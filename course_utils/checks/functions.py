"""Exercises whose answer is a function: it is compared with the right one on several cases."""

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from course_utils.checks.base import (
    NotAttempted,
    NotYet,
    as_numbers,
    close,
    holds_placeholder,
    require_attempted,
    show,
)
from course_utils.wording import in_short


@dataclass(frozen=True)
class Case:
    """One input on which an answer is compared with the right one.

    Attributes:
        arguments: name -> value, in the order of the function's parameters.
        words: the input in a sentence, behind "for"; None writes the arguments out.
    """

    arguments: Mapping[str, Any]
    words: str | None = None

    def __str__(self) -> str:
        return self.words or show(self.arguments)


@dataclass(frozen=True)
class Misconception:
    """A wrong idea of the answer, recognized because an answer does what it does.

    Attributes:
        sentence: what the learner has done, and what to do instead.
        wrong: takes the arguments of a case, gives what this idea gives.
        same: whether an answer and what `wrong` gives count as the same.
    """

    sentence: str
    wrong: Callable[..., Any]
    same: Callable[[np.ndarray, np.ndarray], bool] = close


@dataclass(frozen=True)
class Attempt:
    """What a function did on one case: a value or an error, and the arguments as it left them."""

    case: Case
    arguments: tuple[Any, ...]
    value: Any
    error: Exception | None

    @property
    def changed(self) -> list[str]:
        """Names of the arguments that are no longer what they were."""
        pairs = zip(self.case.arguments.items(), self.arguments, strict=True)
        return [name for (name, before), now in pairs if _snapshot(before) != _snapshot(now)]

    def does(self, other: "Attempt", same: Callable[[np.ndarray, np.ndarray], bool]) -> bool:
        """Whether this attempt ends as `other` does: the same numbers or the same error."""
        if self.error or other.error:
            return type(self.error) is type(other.error)
        try:
            mine, its = as_numbers(self.value, ""), as_numbers(other.value, "")
        except NotYet:
            return False
        return same(mine.reshape(its.shape) if mine.size == 1 and its.ndim == 0 else mine, its)


def _snapshot(value: Any) -> Any:
    """A copy that == compares; of a network or an optimizer, its state."""
    if isinstance(value, nn.Module | torch.optim.Optimizer):
        value = value.state_dict()
    if isinstance(value, torch.Tensor):
        return value.tolist()
    if isinstance(value, Mapping):
        return {key: _snapshot(item) for key, item in value.items()}
    return deepcopy(value)


def attempt(function: Callable[..., Any], case: Case) -> Attempt:
    """Call `function` on a copy of the case's arguments; an exception becomes part of the result.

    An interrupt (the stop button) is passed on.
    """
    arguments = tuple(deepcopy(list(case.arguments.values())))
    try:
        return Attempt(case, arguments, function(*arguments), None)
    except Exception as error:
        return Attempt(case, arguments, None, error)


def require_unchanged(name: str, made: Attempt, among: Collection[str] | None = None) -> None:
    """Raise NotYet for an attempt that has changed an argument.

    Args:
        name: the function's name in the exercise.
        made: what it did on one case.
        among: names of the arguments that must not change; None means all.
    """
    for argument in made.changed:
        if among is None or argument in among:
            raise NotYet(
                f"{name} changes its argument {argument}, which whoever called it may still need. "
                "Work on a copy."
            )


def _elsewhere(made: Attempt) -> bool:
    """Whether a network that was handed over, or came back, is not on the CPU."""
    values = made.value if isinstance(made.value, tuple | list) else [made.value]
    modules = [each for each in (*made.arguments, *values) if isinstance(each, nn.Module)]
    return any(p.device.type != "cpu" for module in modules for p in module.parameters())


@dataclass(frozen=True)
class FunctionExercise:
    """An exercise whose answer is a function.

    Attributes:
        name: the function's name in the exercise.
        right: a right answer.
        cases: inputs that tell the right answer and all misconceptions apart, smallest first.
        misconceptions: the first that fits is named.
    """

    name: str
    right: Callable[..., Any]
    cases: Sequence[Case]
    misconceptions: Sequence[Misconception]

    def attempts(self, answer: Any) -> list[Attempt]:
        """What `answer` does on each case.

        Raises:
            NotAttempted: a placeholder.
            NotYet: no function of these parameters, or one that never returns anything.
        """
        require_attempted(**{self.name: answer})
        self._require_function(answer)
        attempts = [attempt(answer, case) for case in self.cases]
        if any(holds_placeholder(made.value) for made in attempts):
            raise NotAttempted(f"{self.name} still returns a ... where your answer belongs.")
        if any(map(_elsewhere, attempts)):
            raise NotYet(
                f"{self.name} moves the network to another device. Here it stays on the CPU: take "
                "out what moves it, and its pictures or nodes with it."
            )
        if all(made.value is None and made.error is None for made in attempts):
            raise NotYet(f"{self.name} returns None: end it with return and the result.")
        return attempts

    def judge(self, attempts: Sequence[Attempt]) -> None:
        """Compare attempts with the right answer.

        Raises:
            NotYet: with the misconception, or else the first case on which the answer is wrong.
        """
        for made in attempts:
            require_unchanged(self.name, made)
        if self._fits(attempts, self.right, close):
            return
        for misconception in self.misconceptions:
            if self._fits(attempts, misconception.wrong, misconception.same):
                raise NotYet(misconception.sentence)
        for made in attempts:
            right = attempt(self.right, made.case)
            if not made.does(right, close):
                raise NotYet(self._failure(made, right))

    def _require_function(self, answer: Any) -> None:
        if not callable(answer):
            raise NotYet(f"{self.name} is no function: keep the line that begins with def.")
        names = list(self.cases[0].arguments)
        try:
            inspect.signature(answer).bind(*names)
        except TypeError:
            raise NotYet(f"{self.name} must take the arguments {', '.join(names)}.") from None
        except ValueError:  # some built-in functions do not tell their parameters
            return

    def _fits(self, attempts: Sequence[Attempt], function: Callable, same: Callable) -> bool:
        # An error on every case has too many causes to be taken for a misconception.
        return any(made.error is None for made in attempts) and all(
            made.does(attempt(function, made.case), same) for made in attempts
        )

    def _failure(self, made: Attempt, right: Attempt) -> str:
        if made.error:
            return f"{self.name} stops with {in_short(made.error)}. It happens for {made.case}."
        value = as_numbers(made.value, f"what {self.name} returns")
        expected = as_numbers(right.value, "the right answer")
        if isinstance(right.value, tuple) and value.size != expected.size:
            return f"{self.name} must return {expected.size} numbers, not {value.size}."
        if value.shape != expected.shape and (expected.ndim or value.size != 1):
            wanted, given = _form(expected), _form(value)
            return f"{self.name} must return {wanted}, not {given}, for {made.case}."
        if isinstance(right.value, tuple):
            value, expected = tuple(value), tuple(expected)
        return f"{self.name} gives {show(value)} instead of {show(expected)}, for {made.case}."


def _form(numbers: np.ndarray) -> str:
    return f"the shape {list(numbers.shape)}" if numbers.ndim else "one number"


def require_no_error(exercise: FunctionExercise, made: Attempt) -> None:
    """Raise NotYet for an answer that stops, though it may have changed its arguments before."""
    if made.error:
        raise NotYet(
            f"{exercise.name} stops with {in_short(made.error)}. It happens for {made.case}."
        )
