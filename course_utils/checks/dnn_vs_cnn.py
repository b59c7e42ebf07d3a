"""Checkers of what chapter 2 asks about networks: their parameters and their loss."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.checks.base import NotYet, checker, judge_count, require_attempted, show
from course_utils.checks.functions import Attempt, Case, FunctionExercise, Misconception
from course_utils.wording import in_short

# Exercise 1: Conv2d(1, 8, 5), BatchNorm2d(8), ReLU, MaxPool2d(2), Flatten, Linear(8 * 12 * 12, 10).
COUNTS = {"conv": 8 * (5 * 5 + 1), "batch norm": 8 * 2, "linear": 8 * 12 * 12 * 10 + 10}
COUNT_MISTAKES = {
    "conv": {
        200: "The biases are missing: each of the 8 kernels has one.",
        8: "You counted the biases only: each of the 8 kernels also has 5 × 5 weights.",
        26: "This is one kernel with its bias: there are 8.",
        25: "This is one kernel without its bias: there are 8.",
        201: "You counted one bias in all: each of the 8 kernels has its own.",
        400: "You gave each weight a bias: there is one for a whole kernel.",
        200 * 24 * 24: "These are multiply-adds: the weights are shared by all 24 × 24 places.",
        208 * 24 * 24: "You multiplied by the places: the weights are shared by all 24 × 24.",
    },
    "batch norm": {
        0: "Batch norm learns, too: a scale and a shift for each channel.",
        8: "Each channel has two learned numbers, a scale and a shift.",
        32: (
            "You counted the running mean and variance: they are measured, not learned. "
            "No gradient reaches them."
        ),
        2: "Each of the 8 channels has a scale and a shift of its own.",
        4: "Each of the 8 channels has a scale and a shift of its own.",
        16 * 24 * 24: "All places of a feature map share their channel's scale and shift.",
    },
    "linear": {
        11520: "The biases are missing: each of the 10 outputs has one.",
        10: "You counted the biases only: each output also has a weight for every input.",
        1152: "These are the inputs: each of the 10 outputs has a weight for all, and a bias.",
        11521: "You counted one bias in all: each of the 10 outputs has its own.",
        23040: "You gave each weight a bias: there is one for each output.",
        8 * 24 * 24 * 10 + 10: "Max pooling comes first: it halves 24 × 24 to 12 × 12.",
        8 * 24 * 24 * 10: "Max pooling comes first (12 × 12 are left), and the biases are missing.",
        8 * 14 * 14 * 10 + 10: "Without padding a 5 × 5 kernel shrinks 28 × 28 to 24 × 24.",
        8 * 10 + 10: "Flatten keeps all 12 × 12 places of the 8 maps: each is an input.",
        12 * 12 * 10 + 10: "Flatten lays all 8 feature maps side by side, not just one.",
    },
}


@checker
def check_parameter_counts(parameter_counts: Any) -> str:
    """Exercise 1: a dict with the learned numbers of "conv", "batch norm" and "linear"."""
    require_attempted(parameter_counts=parameter_counts)
    if not isinstance(parameter_counts, dict) or parameter_counts.keys() != COUNTS.keys():
        names = ", ".join(f'"{name}"' for name in COUNTS)
        raise NotYet(f"parameter_counts must stay a dict with a number for each of {names}.")
    for name, right in COUNTS.items():
        hint = "A bias is a parameter, too; what is measured and not learned is none."
        mistakes = COUNT_MISTAKES[name]
        judge_count(f'the count for "{name}"', parameter_counts[name], right, mistakes, hint)
    return (
        "nearly all parameters sit in the linear layer. "
        "What would be left of it after global average pooling?"
    )


def _note_mode(module: nn.Module, _: Any) -> None:
    module.modes.append(module.training)


def _logits_case(logits: list[list[float]], labels: list[int]) -> Case:
    """A network that gives these logits: pictures of 2 x 2 pixels hold them, it passes them on."""
    # Random first weights would change the notebook's random numbers.
    network = nn.Sequential(nn.Flatten(), nn.utils.skip_init(nn.Linear, 4, 3))
    with torch.no_grad():
        network[1].weight.copy_(torch.eye(3, 4))
        network[1].bias.zero_()
    for module in network.modules():
        module.modes = []
        module.register_forward_pre_hook(_note_mode)
    images = F.pad(torch.tensor(logits), (0, 1)).reshape(-1, 1, 2, 2)
    arguments = {"network": network, "images": images, "labels": torch.tensor(labels)}
    return Case(arguments, f"logits {show(logits)} and labels {show(labels)}")


def _of_logits(loss: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    return lambda network, images, labels: loss(network(images), labels)


def standardized_again(images: Tensor) -> Tensor:
    """The chapter's `standardize`, on images that it has been applied to before."""
    return (images / 255 - 0.286) / 0.353


BACKWARD = "batch_loss calls backward itself: leave that to the training loop."
TWICE_STANDARDIZED = "the images are standardized already: hand them to the network as they are."
LOSS = FunctionExercise(
    name="batch_loss",
    right=_of_logits(F.cross_entropy),
    cases=[
        _logits_case([[2.0, 0.0, -1.0]], [0]),
        _logits_case([[1.0, 3.0, 0.5], [0.0, -2.0, 1.0]], [0, 2]),
        _logits_case([[0.5, 0.0, 2.0], [4.0, 1.0, 0.0], [-1.0, 0.0, 1.5]], [2, 1, 0]),
        _logits_case([[0.0, 150.0, 1.0], [1.0, 0.0, 2.0]], [0, 1]),
    ],
    misconceptions=[
        Misconception(
            "a softmax stands in front of cross_entropy, which applies one itself. "
            "Hand it the logits: the second softmax flattens the gradients.",
            _of_logits(lambda logits, labels: F.cross_entropy(logits.softmax(dim=1), labels)),
        ),
        Misconception(
            "a sigmoid stands in front of cross_entropy, which expects logits: leave it out.",
            _of_logits(lambda logits, labels: F.cross_entropy(logits.sigmoid(), labels)),
        ),
        Misconception(
            "this is the sum over the batch: take the mean, so that the size of a batch does not "
            "change the size of a step.",
            _of_logits(lambda logits, labels: F.cross_entropy(logits, labels, reduction="sum")),
        ),
        Misconception(
            "this is one loss for each picture: take their mean.",
            _of_logits(lambda logits, labels: F.cross_entropy(logits, labels, reduction="none")),
        ),
        Misconception(
            "you average over all classes: only the true class of each picture counts.",
            _of_logits(lambda logits, labels: -logits.log_softmax(dim=1).mean()),
        ),
        Misconception(
            "you divide by pictures times classes: divide by the number of pictures.",
            _of_logits(lambda logits, labels: F.cross_entropy(logits, labels) / logits.shape[1]),
        ),
        Misconception(
            "you take the logarithm at the class that the network prefers: "
            "take it at the true class, the label.",
            _of_logits(lambda logits, labels: F.cross_entropy(logits, logits.argmax(dim=1))),
        ),
        Misconception(
            "the sign is wrong: a loss is minus the log-probability, so smaller is better.",
            _of_logits(lambda logits, labels: -F.cross_entropy(logits, labels)),
        ),
        Misconception(
            "nll_loss expects log-probabilities: give it log_softmax of the logits, or give "
            "cross_entropy the logits.",
            _of_logits(F.nll_loss),
        ),
        Misconception(
            "this is minus the mean probability: the logarithm is missing.",
            _of_logits(lambda logits, labels: F.nll_loss(logits.softmax(dim=1), labels)),
        ),
        Misconception(
            "the softmax runs over the pictures of the batch: the classes lie along dim=1.",
            _of_logits(lambda logits, labels: F.nll_loss(logits.log_softmax(dim=0), labels)),
        ),
        Misconception(
            "this is the accuracy, which has no useful gradient: return the cross-entropy.",
            _of_logits(lambda logits, labels: (logits.argmax(dim=1) == labels).float().mean()),
        ),
        Misconception(
            "for large logits your loss is infinite: exp overflows, or a probability rounds to "
            "zero before its logarithm. cross_entropy does both in one exact step.",
            _of_logits(lambda logits, labels: F.nll_loss(logits.softmax(dim=1).log(), labels)),
        ),
        Misconception(
            TWICE_STANDARDIZED,
            lambda network, images, labels: F.cross_entropy(
                network(standardized_again(images)), labels
            ),
        ),
    ],
)


@checker
def check_batch_loss(batch_loss: Any) -> str:
    """Exercise 2: batch_loss(network, images, labels) -> mean cross-entropy, for training."""
    attempts = LOSS.attempts(batch_loss)
    LOSS.judge(attempts)
    if attempts[0].arguments[0][1].weight.grad is not None:
        raise NotYet(BACKWARD)
    if not all(map(_gradient_reaches_weights, attempts)):
        raise NotYet(
            "the number is right, but no gradient flows from it to the weights, so backward "
            "teaches nothing: return the tensor, without item, detach or no_grad."
        )
    modules = [module for made in attempts for module in made.arguments[0].modules()]
    if not all(module.training and all(module.modes) for module in modules):
        raise NotYet(
            "batch_loss puts the network into evaluation mode, in which dropout is off and batch "
            "norm measures nothing: leave the mode to the training loop."
        )
    if _count_log_softmax(attempts[0].value.grad_fn) > 1:
        return (
            "the number is right. But log_softmax is done twice: cross_entropy applies it itself, "
            "and a second one changes nothing. You can leave yours out."
        )
    return (
        "logits go in, one number with a gradient comes out. "
        "What is it for a network that gives all ten classes the same logit?"
    )


def _gradient_reaches_weights(made: Attempt) -> bool:
    loss, weights = made.value, made.arguments[0][1].weight
    if not isinstance(loss, Tensor) or not loss.requires_grad:
        return False
    try:
        [gradient] = torch.autograd.grad(loss.sum(), weights, allow_unused=True)
    except RuntimeError as error:
        if "second time" in str(error):
            raise NotYet(BACKWARD) from None
        raise NotYet(f"backward from your loss stops with {in_short(error)}.") from None
    return gradient is not None


def _count_log_softmax(node: Any) -> int:
    """How many log_softmax lie behind a node of the autograd graph, which is a tree here."""
    if node is None:
        return 0
    earlier = sum(_count_log_softmax(parent) for parent, _ in node.next_functions)
    return earlier + type(node).__name__.startswith("LogSoftmax")
