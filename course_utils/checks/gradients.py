"""Checker of a saliency map: the gradient of one logit with respect to what the network sees."""

from typing import Any

from torch import Tensor

from course_utils.checks.base import NotYet, checker
from course_utils.checks.functions import Attempt, require_no_error
from course_utils.checks.gradient_mistakes import saliency_exercise
from course_utils.environment import random_state


@checker
def check_saliency(saliency: Any) -> str:
    """Exercise 3: saliency(network, pictures uint8 [N, 3, H, W], prepare, target) -> [N, H, W]."""
    with random_state(0):
        exercise = saliency_exercise()
        attempts = exercise.attempts(saliency)
    for made in attempts:
        _require_prepared(made)
        if made.error:
            _explain_error(made)
            require_no_error(exercise, made)
    exercise.judge(attempts)
    if any(p.grad is not None for p in attempts[0].arguments[0].parameters()):
        return (
            "these are the target's gradients. But backward also leaves gradients in the network's "
            "parameters, which the next training step would add to its own: "
            "torch.autograd.grad(score, inputs) computes only those of the input."
        )
    return (
        "how strongly the target's logit reacts to each pixel of what the network sees. "
        "Does a large value say that the pixel speaks for the class?"
    )


def _require_prepared(made: Attempt) -> None:
    pictures, prepare = (made.case.arguments[name] for name in ("pictures", "prepare"))
    prepared = prepare(pictures)
    seen = list(filter(_is_readable, made.arguments[0].seen))
    if all(_are_among(pictures_seen, prepared) for pictures_seen in seen):
        return
    wrong = [
        (
            pictures,
            "the network sees pictures of 0 to 255, since you leave out prepare. It was trained on "
            "standardized ones, so this map explains an answer to something it has never learned: "
            "hand it prepare(pictures).",
        ),
        (
            pictures / 255,
            "the network sees pictures of 0 to 1: scaled, but not standardized as in its training. "
            "prepare does both, so hand it prepare(pictures).",
        ),
        (
            prepare(prepared),
            "the pictures are prepared twice: once is what the network was trained on.",
        ),
    ]
    for tensor, sentence in wrong:
        if all(_are_among(pictures_seen, tensor) for pictures_seen in seen):
            raise NotYet(sentence)
    raise NotYet(
        "the network sees something else than prepare(pictures): hand it this, as it is, and take "
        "the gradient with respect to it."
    )


def _is_readable(pictures: Tensor) -> bool:
    """False for what was seen inside torch.func.vmap: there only the maps can be judged."""
    try:
        pictures.tolist()
    except RuntimeError:
        return False
    return True


def _are_among(some: Tensor, pictures: Tensor) -> bool:
    """Whether each of some pictures, handed over in whatever batches, is one of `pictures`."""
    if some.shape[1:] != pictures.shape[1:]:
        return False
    gaps = (some.double()[:, None] - pictures.double()).abs().flatten(2).amax(dim=2)
    return bool((gaps.amin(dim=1) < 1e-4).all())


def _explain_error(made: Attempt) -> None:
    words = str(made.error)
    if "floating point" in words and "gradients" in words:
        raise NotYet(
            "the pictures are bytes, and bytes have no gradient: first inputs = prepare(pictures), "
            "then inputs.requires_grad_()."
        )
    if "scalar outputs" in words:
        raise NotYet(
            "a gradient is that of one number, and there is one logit for each picture: sum them. "
            "The pictures do not influence one another, so each keeps its own gradient."
        )
    asked = set(made.arguments[0].asked)
    if "NoneType" in words and asked == {(True, False)}:
        raise NotYet(
            "the tensor that the network sees was made of another one, so backward keeps no "
            "gradient for it: let inputs.requires_grad_() be the last thing before network(inputs)."
        )
    if "NoneType" in words and asked == {(True, True)}:
        if made.arguments[0].reached:
            raise NotYet(
                "backward has run: the gradient is in inputs.grad, where inputs is the tensor that "
                "the network saw; backward itself returns None."
            )
        raise NotYet(
            "the gradient was asked for, but inputs.grad is still empty: call score.backward() "
            "before you read it."
        )
    if "NoneType" in words or "not require grad" in words or "used in the graph" in words:
        raise NotYet(
            "the input has no gradient, because nobody asked for one in time: call "
            "inputs.requires_grad_() after prepare and before the network sees it."
        )
