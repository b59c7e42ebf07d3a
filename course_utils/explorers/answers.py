"""What a network answers on a picture: its likeliest classes, or why there are none."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch

from course_utils.explorers.drawing import number

SHOWN = 5


class Answers(NamedTuple):
    """The likeliest classes, or the reason why there are none.

    Attributes:
        likeliest: name and probability of each, the likeliest first; at most `SHOWN`.
        reason: one sentence, or None.
    """

    likeliest: tuple[tuple[str, float], ...] = ()
    reason: str | None = None


def answers(output: Any, classes: Sequence[str] | None) -> Answers:
    """The likeliest classes by a network's output.

    Args:
        output: for one picture: logits [1, classes], or numbers that are probabilities already.
        classes: their names; None for "class 0" and so on.
    """
    if not isinstance(output, torch.Tensor):
        return Answers(reason=f"No classes: the network gives a {type(output).__name__}.")
    if output.ndim != 2 or len(output) != 1 or not output.is_floating_point():
        shape = " × ".join(map(str, output.shape)) or "one"
        return Answers(reason=f"No classes: the network gives {shape} numbers, not one per class.")
    scores = output[0].detach().cpu().double()  # Apple's GPUs have no float64
    if not scores.isfinite().all():
        return Answers(reason="No classes: the network's output holds NaN or infinity.")
    if len(scores) < 2:
        given = f"one number, {number(scores.item())}" if len(scores) else "nothing"
        return Answers(reason=f"No classes: the network gives {given}.")
    if classes is not None and len(classes) != len(scores):
        return Answers(
            reason=f"No classes: the network gives {len(scores)} numbers, and there are "
            f"{len(classes)} names."
        )
    probable = scores.min() >= 0 and abs(scores.sum() - 1) < 1e-3
    probabilities = scores if probable else scores.softmax(dim=0)
    values, places = probabilities.topk(min(SHOWN, len(scores)))
    names = [f"class {place}" if classes is None else str(classes[place]) for place in places]
    return Answers(tuple(zip(names, values.tolist(), strict=True)))
