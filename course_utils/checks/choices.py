"""Exercises whose answer is a choice: some of a few lettered or numbered things."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from course_utils.checks.base import NotYet, require_attempted

SEPARATORS = " ,;"  # in a text such as "A, C"


@dataclass(frozen=True)
class ChoiceExercise:
    """An exercise that asks which of some things hold.

    Attributes:
        name: the answer's name in the exercise.
        right: the things to choose, one character each.
        sentences: each thing that can be chosen -> what to tell a learner who judges it wrongly.
    """

    name: str
    right: str
    sentences: Mapping[str, str]

    def read(self, answer: Any) -> set[str]:
        """The things that `answer` chooses: a set, list or tuple of them, a text, or one of them.

        Raises:
            NotAttempted: a placeholder.
            NotYet: it holds something that cannot be chosen.
        """
        if isinstance(answer, str):
            answer = [item for item in answer if item not in SEPARATORS]
        elif isinstance(answer, set | frozenset) or (isinstance(answer, dict) and not answer):
            answer = list(answer)  # {} is a dict, and meant as an empty set
        require_attempted(**{self.name: answer})
        items = answer if isinstance(answer, list | tuple) else [answer]
        for item in items:
            if str(item).upper() not in self.sentences:
                *others, last = self.sentences
                raise NotYet(
                    f"{self.name} holds {str(item)[:40]}: choose among {', '.join(others)} and "
                    f"{last}, and write your choice in braces, such as {{{_as_python(last)}}}."
                )
        return {str(item).upper() for item in items}

    def judge(self, chosen: set[str]) -> None:
        """Compare what was chosen with the right choice.

        Raises:
            NotYet: about a thing that was chosen wrongly, or else one that was left out.
        """
        right = set(self.right)
        if wrong := sorted(chosen - right) or sorted(right - chosen):
            raise NotYet(self.sentences[wrong[0]])


def _as_python(item: str) -> str:
    """One thing to choose, as Python writes it: a number or a text."""
    return item if item.isdigit() else f'"{item}"'
