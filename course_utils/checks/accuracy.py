"""Checker of the accuracy that chapter 2 asks for: measured in evaluation mode."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from course_utils.checks.base import NotYet, checker, show
from course_utils.checks.dnn_vs_cnn import TWICE_STANDARDIZED, standardized_again
from course_utils.checks.functions import Attempt, Case, FunctionExercise, Misconception
from course_utils.models import evaluating


class _Watched(nn.Sequential):
    """A network that notes for each call which of its layers were in training mode."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__(*layers)
        self.training_layers: list[set[str]] = []

    def forward(self, images: Tensor) -> Tensor:
        kinds = {type(layer).__name__ for layer in self if layer.training}
        self.training_layers.append(kinds)
        return super().forward(images)


def _guesses_case(rows: list[list[float]], labels: list[int]) -> Case:
    """A network in training mode with batch norm and dropout, on pictures of 2 x 2 pixels.

    In evaluation mode its best guess is not always the brightest pixel.
    """
    network = _Watched(nn.Flatten(), nn.BatchNorm1d(4), nn.Dropout(0.5))
    network[1].running_mean.copy_(torch.tensor([0.5, 0.0, -0.5, 1.0]))
    network[1].running_var.copy_(torch.tensor([1.0, 4.0, 0.25, 1.0]))
    images = torch.tensor(rows, dtype=torch.float32).reshape(-1, 1, 2, 2)
    guesses = _logits_at_rest(network, images).argmax(dim=1).tolist()
    arguments = {"network": network, "images": images, "labels": torch.tensor(labels)}
    return Case(arguments, f"labels {show(labels)} and best guesses {show(guesses)}")


def _logits_at_rest(network: nn.Module, images: Tensor) -> Tensor:
    """Logits in evaluation mode, not counted as a call of the network."""
    with evaluating(network), torch.no_grad():
        return nn.Sequential(*network)(images)


def _at_rest(score: Callable[[Tensor, Tensor], Any]) -> Callable[..., Any]:
    return lambda network, images, labels: score(_logits_at_rest(network, images), labels)


def _share_right(logits: Tensor, labels: Tensor) -> Tensor:
    return (logits.argmax(dim=1) == labels).float().mean()


ACCURACY = FunctionExercise(
    name="measure_accuracy",
    right=_at_rest(_share_right),
    cases=[
        # As many pictures as classes, so that argmax over the batch raises no error here.
        _guesses_case([[9, 1, 2, 3], [0, 8, 1, 2], [3, 1, 0, 9], [2, 0, 1, 9]], [0, 1, 2, 3]),
        _guesses_case([[9, 0, 2, 1], [1, 0, 1, 7]], [0, 3]),
        _guesses_case(
            [[1, 2, 1, 0], [3, 2, 0, 1], [0, 6, 0, 5], [2, 2, 3, 2], [0, 1, 0, 6]], [0, 0, 1, 1, 2]
        ),
    ],
    misconceptions=[
        Misconception(
            "argmax runs over the pictures of the batch: the classes lie along dim=1.",
            _at_rest(lambda logits, labels: (logits.argmax(dim=0) == labels).float().mean()),
        ),
        Misconception(
            "this is the number of right answers: divide by the number of pictures.",
            _at_rest(lambda logits, labels: (logits.argmax(dim=1) == labels).sum()),
        ),
        Misconception(
            "this is in percent: a number from 0 to 1 is asked for.",
            _at_rest(lambda logits, labels: 100 * _share_right(logits, labels)),
        ),
        Misconception(
            "this is the share of wrong answers: count the right ones.",
            _at_rest(lambda logits, labels: 1 - _share_right(logits, labels)),
        ),
        Misconception(
            "this is the mean confidence, how sure the network is: count how often it is right.",
            _at_rest(lambda logits, labels: logits.softmax(dim=1).amax(dim=1).mean()),
        ),
        Misconception(
            "this is the mean probability of the true class: count how often it is the largest.",
            _at_rest(
                lambda logits, labels: logits.softmax(dim=1)[range(len(labels)), labels].mean()
            ),
        ),
        Misconception(
            "you divide by the number of classes: divide by the number of pictures.",
            _at_rest(
                lambda logits, labels: (logits.argmax(dim=1) == labels).sum() / logits.shape[1]
            ),
        ),
        Misconception(
            "this says for each picture whether the network is right: take the mean.",
            _at_rest(lambda logits, labels: (logits.argmax(dim=1) == labels).float()),
        ),
        Misconception(
            TWICE_STANDARDIZED,
            lambda network, images, labels: _share_right(
                _logits_at_rest(network, standardized_again(images)), labels
            ),
        ),
    ],
)


@checker
def check_measure_accuracy(measure_accuracy: Any) -> str:
    """Exercise 3: measure_accuracy(network, images, labels) -> share of right answers, 0..1."""
    attempts = ACCURACY.attempts(measure_accuracy)
    for made in attempts:
        _require_evaluation(made)
    ACCURACY.judge(attempts)
    return (
        "dropout rests, batch norm uses what it learned, and measuring changes nothing. "
        "Does your function give the network back in the mode in which it came?"
    )


def _require_evaluation(made: Attempt) -> None:
    training = set().union(*made.arguments[0].training_layers)
    if {"Dropout", "BatchNorm1d"} <= training:
        raise NotYet(
            "the network is asked in training mode. Dropout silences units at random, so the "
            "answer changes from call to call, and batch norm uses the batch's own statistics. "
            "Call network.eval() first."
        )
    if "BatchNorm1d" in training:
        raise NotYet(
            "batch norm is in training mode: it uses the batch's own statistics, and measuring "
            "changes its running ones. network.eval() switches all layers over, not only dropout."
        )
    if "Dropout" in training:
        raise NotYet(
            "dropout is in training mode: it silences units at random, so the answer changes from "
            "call to call. network.eval() switches all layers over, not only batch norm."
        )
