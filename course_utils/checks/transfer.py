"""Checkers of what chapter 3 asks first: how much a strategy trains, and what a network is fed."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from course_utils.checks.base import NotYet, checker, judge_count, require_attempted
from course_utils.checks.functions import Attempt, Case, FunctionExercise, Misconception

# Exercise 1: EfficientNet-Lite0. Its last convolution (1 x 1, no bias) has a batch norm behind it.
WHOLE = 4_652_008
OLD_HEAD = 1280 * 1000 + 1000
NEW_HEAD = 1280 * 8 + 8
LAST_CONVOLUTION = 320 * 1280
LAST_NORM = 2 * 1280
STATISTICS = 42_016  # running means and variances of all its batch norms
BASE = WHOLE - OLD_HEAD
COUNTS = {
    "head": NEW_HEAD,
    "head and last block": NEW_HEAD + LAST_CONVOLUTION + LAST_NORM,
    "everything": NEW_HEAD + BASE,
}
NO_BIAS = "The biases are missing: each of the 8 outputs of the head has one."
OLD_HEAD_COUNTED = "You counted the old head: it is replaced, so its 1,000 outputs are gone."
BOTH_HEADS = "You counted both heads: the new one takes the place of the old one."
COUNT_MISTAKES = {
    "head": {
        NEW_HEAD - 8: NO_BIAS,
        NEW_HEAD - 7: "You counted one bias in all: each of the 8 outputs has its own.",
        2 * (NEW_HEAD - 8): "You gave each weight a bias: there is one for each output.",
        8: "You counted the biases only: each output also has a weight for every feature.",
        1280: "These are the features: each of the 8 outputs has a weight for all, and a bias.",
        1281: "This is one output with its bias: there are 8.",
        320 * 8
        + 8: "The head reads the 1,280 maps behind the last convolution, not its 320 inputs.",
        OLD_HEAD: OLD_HEAD_COUNTED,
        OLD_HEAD - 1000: OLD_HEAD_COUNTED,
        OLD_HEAD + NEW_HEAD: BOTH_HEADS,
        1000 * 8 + 8: "The new head reads 1,280 features, not the old head's 1,000 outputs.",
        BASE: "You counted what is frozen: only the new head is trained.",
        BASE + NEW_HEAD: "You counted the frozen base, too: no gradient reaches it.",
        WHOLE: "This is the whole network with its old head: only the new head is trained.",
    },
    "head and last block": {
        NEW_HEAD: "You counted the head only: the last block is trained, too.",
        LAST_CONVOLUTION + LAST_NORM: "You counted the block only: the head is trained, too.",
        NEW_HEAD + LAST_CONVOLUTION: (
            "Batch norm learns, too: a scale and a shift for each of its 1,280 channels."
        ),
        LAST_CONVOLUTION: "The head is missing, and so are the two learned numbers of batch norm.",
        NEW_HEAD + LAST_CONVOLUTION + 1280: (
            "Each of the 1,280 channels of batch norm has two learned numbers, a scale and a shift."
        ),
        NEW_HEAD + LAST_CONVOLUTION + 2 * LAST_NORM: (
            "You counted the running mean and variance: they are measured, not learned. "
            "No gradient reaches them."
        ),
        NEW_HEAD + LAST_CONVOLUTION + LAST_NORM + 1280: (
            "You gave the convolution a bias: it has none (bias=False), batch norm shifts for it."
        ),
        NEW_HEAD - 8 + LAST_CONVOLUTION + LAST_NORM: NO_BIAS,
        OLD_HEAD + LAST_CONVOLUTION + LAST_NORM: OLD_HEAD_COUNTED,
        OLD_HEAD + NEW_HEAD + LAST_CONVOLUTION + LAST_NORM: BOTH_HEADS,
        BASE + NEW_HEAD: "All blocks before the last one stay frozen.",
    },
    "everything": {
        WHOLE: OLD_HEAD_COUNTED,
        BASE: "You counted the base only: the new head is trained, too.",
        WHOLE + NEW_HEAD: BOTH_HEADS,
        BASE + NEW_HEAD - 8: NO_BIAS,
        WHOLE - NEW_HEAD: "Take the old head away and add the new one.",
        BASE + NEW_HEAD + STATISTICS: (
            "You counted batch norm's running means and variances: they are measured, not learned."
        ),
        NEW_HEAD: "Nothing is frozen now, so the base counts, too.",
        NEW_HEAD + LAST_CONVOLUTION + LAST_NORM: "All blocks are trained now, not only the last.",
    },
}


@checker
def check_trained_parameters(trained_parameters: Any) -> str:
    """Exercise 1: a dict with the learned numbers of three strategies."""
    require_attempted(trained_parameters=trained_parameters)
    if not isinstance(trained_parameters, dict) or trained_parameters.keys() != COUNTS.keys():
        names = ", ".join(f'"{name}"' for name in COUNTS)
        raise NotYet(f"trained_parameters must stay a dict with a number for each of {names}.")
    for name, right in COUNTS.items():
        hint = "Count what a gradient changes: weights and biases of all that is not frozen."
        mistakes = COUNT_MISTAKES[name]
        judge_count(f'the count for "{name}"', trained_parameters[name], right, mistakes, hint)
    return (
        "the head is 0.3% of what fine-tuning everything would train. "
        "Which strategy would you trust with ten pictures of each class?"
    )


Numbers = Sequence[float]
RESNET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def _channels(numbers: Numbers) -> Tensor:
    return torch.tensor(numbers).reshape(-1, 1, 1)


def _right_prepare(pictures: Tensor, mean: Numbers, std: Numbers) -> Tensor:
    return (pictures / 255 - _channels(mean)) / _channels(std)


def _always(mean: Numbers, std: Numbers) -> Callable[..., Tensor]:
    """The right answer to other numbers than those asked for."""
    return lambda pictures, *_: _right_prepare(pictures, mean, std)


def _of_channels(change: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """`change` of float pictures, mean and std, both of the shape [3, 1, 1]."""
    return lambda pictures, mean, std: change(pictures.float(), _channels(mean), _channels(std))


def _laid_along(shape: tuple[int, ...]) -> Callable[..., Tensor]:
    """Mean and std in a shape that does not lie along the channels; often an error."""

    def prepare(pictures: Tensor, mean: Numbers, std: Numbers) -> Tensor:
        return (pictures / 255 - torch.tensor(mean).reshape(shape)) / torch.tensor(std).reshape(
            shape
        )

    return prepare


def _own_statistics(dim: tuple[int, ...]) -> Callable[..., Tensor]:
    def prepare(pictures: Tensor, mean: Numbers, std: Numbers) -> Tensor:
        scaled = pictures / 255
        return (scaled - scaled.mean(dim, keepdim=True)) / scaled.std(dim, keepdim=True)

    return prepare


def _prepare_case(shape: tuple[int, ...], mean: Numbers, std: Numbers) -> Case:
    # Bytes without a pattern, the same ones at each call.
    numbers = torch.arange(torch.Size(shape).numel())
    pictures = ((37 * numbers**2 + 11 * numbers + 5) % 251 + 3).to(torch.uint8).reshape(shape)
    return Case({"pictures": pictures, "mean": mean, "std": std})


FOREIGN = "whatever mean and std are given. Each network expects the numbers of its own training."
ALONG = (
    "mean and std have a number for each channel, but yours lie along the rows or columns: "
    "reshape both to [3, 1, 1]."
)
OWN = (
    "you use the mean and std of these very pictures. The network expects those of its training, "
    "and a picture must look the same whatever others are in its batch."
)
PREPARE = FunctionExercise(
    name="prepare_pictures",
    right=_right_prepare,
    cases=[
        _prepare_case((1, 3, 1, 2), (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
        _prepare_case((2, 3, 2, 2), *RESNET),
        _prepare_case((1, 3, 3, 3), (0.3, 0.6, 0.4), (0.1, 0.2, 0.4)),  # as wide as channels
    ],
    misconceptions=[
        Misconception(
            f"you use ImageNet's mean and std (0.485, 0.229, ...), {FOREIGN}", _always(*RESNET)
        ),
        Misconception(f"you use 0.5 and 0.5, {FOREIGN}", _always([0.5] * 3, [0.5] * 3)),
        Misconception(
            f"you use Fashion-MNIST's mean and std, {FOREIGN}", _always([0.286] * 3, [0.353] * 3)
        ),
        Misconception(OWN, _own_statistics((0, 2, 3))),
        Misconception(OWN, _own_statistics((2, 3))),
        Misconception(OWN, _own_statistics((0, 1, 2, 3))),
        Misconception(OWN, _own_statistics((1, 2, 3))),
        Misconception(
            "the pixels run from 0 to 255, and mean and std are meant for 0 to 1: "
            "divide the pictures by 255 first.",
            _of_channels(lambda pictures, mean, std: (pictures - mean) / std),
        ),
        Misconception(
            "you divide by 255 last: mean is meant for pictures from 0 to 1, so divide first.",
            _of_channels(lambda pictures, mean, std: (pictures - mean) / std / 255),
        ),
        Misconception(
            "you divide by 255 twice: after the first time the pictures run from 0 to 1.",
            _of_channels(lambda pictures, mean, std: (pictures / 255**2 - mean) / std),
        ),
        Misconception(
            "// rounds down, so only black and white are left: divide with /.",
            _of_channels(lambda pictures, mean, std: (pictures // 255 - mean) / std),
        ),
        Misconception(
            "this is scaled to 0 to 1 only: subtract the mean and divide by the std.",
            _of_channels(lambda pictures, mean, std: pictures / 255),
        ),
        Misconception(
            "these are the pictures as they came: scale to 0 to 1, subtract the mean, "
            "divide by the std.",
            _of_channels(lambda pictures, mean, std: pictures),
        ),
        Misconception(
            "mean and std are exchanged: subtract the mean, divide by the std.",
            _of_channels(lambda pictures, mean, std: (pictures / 255 - std) / mean),
        ),
        Misconception(
            "the mean is subtracted, but the division by the std is missing.",
            _of_channels(lambda pictures, mean, std: pictures / 255 - mean),
        ),
        Misconception(
            "you divide by the std, but do not subtract the mean before.",
            _of_channels(lambda pictures, mean, std: pictures / 255 / std),
        ),
        Misconception(
            "the mean is subtracted after the division: put parentheses around pictures - mean.",
            _of_channels(lambda pictures, mean, std: pictures / 255 - mean / std),
        ),
        Misconception(
            "the mean is subtracted after the division: subtract it first.",
            _of_channels(lambda pictures, mean, std: pictures / 255 / std - mean),
        ),
        Misconception(
            "you multiply by the std: divide by it, so that the spread becomes about 1.",
            _of_channels(lambda pictures, mean, std: (pictures / 255 - mean) * std),
        ),
        Misconception(
            "you divide by the variance: divide by the std itself.",
            _of_channels(lambda pictures, mean, std: (pictures / 255 - mean) / std**2),
        ),
        Misconception(
            "you add the mean: subtract it, so that the average becomes about 0.",
            _of_channels(lambda pictures, mean, std: (pictures / 255 + mean) / std),
        ),
        Misconception(
            "the sign is wrong, so the network sees a negative: the mean is what you subtract.",
            _of_channels(lambda pictures, mean, std: (mean - pictures / 255) / std),
        ),
        Misconception(
            "you divide by 256: the brightest pixel is 255, and must become 1.",
            _of_channels(lambda pictures, mean, std: (pictures / 256 - mean) / std),
        ),
        Misconception(
            "you use the first channel's mean and std for all: each channel has its own.",
            _of_channels(lambda pictures, mean, std: (pictures / 255 - mean[0]) / std[0]),
        ),
        Misconception(
            "you average mean and std over the channels: each channel has its own.",
            _of_channels(lambda pictures, mean, std: (pictures / 255 - mean.mean()) / std.mean()),
        ),
        Misconception(
            "red and blue are exchanged: the pictures are RGB, and so are mean and std.",
            lambda pictures, mean, std: _right_prepare(pictures.flip(1), mean, std),
        ),
        Misconception(ALONG, _laid_along((3,))),
        Misconception(ALONG, _laid_along((3, 1))),
    ],
)


@checker
def check_prepare_pictures(prepare_pictures: Any) -> str:
    """Exercise 2: prepare_pictures(pictures uint8 [N, 3, H, W], mean, std) -> float, same shape."""
    attempts = PREPARE.attempts(prepare_pictures)
    PREPARE.judge(attempts)
    for made in attempts:
        _require_float_tensor(made)
    return (
        "each channel is scaled as in the network's own training. "
        "For a mean and std of 0.5, from where to where do the numbers run?"
    )


def _require_float_tensor(made: Attempt) -> None:
    if not isinstance(made.value, Tensor):
        raise NotYet(
            "the numbers are right, but a network takes a tensor: return one, "
            f"not a {type(made.value).__name__}."
        )
    if made.value.dtype != torch.float32:
        raise NotYet(
            f"the numbers are right, but they are {made.value.dtype}, and the network's weights "
            "are torch.float32: end with .float()."
        )
