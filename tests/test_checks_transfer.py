"""Counts and preprocessing of chapter 3, right and wrong, and what learners are told."""

import numpy as np
import pytest
import torch
from torchvision.transforms import v2
from verdicts import verdict

from course_utils.checks.base import NotYet, close
from course_utils.checks.transfer import (
    COUNTS,
    PREPARE,
    RESNET,
    STATISTICS,
    check_prepare_pictures,
    check_trained_parameters,
)
from course_utils.models import count_parameters

ANSWER = {"head": 10_248, "head and last block": 422_408, "everything": 3_381_256}


def test_the_network_itself_agrees():
    from timm import create_model

    network = create_model("tf_efficientnet_lite0")
    buffers = dict(network.named_buffers())
    statistics = [buffer.numel() for name, buffer in buffers.items() if "running" in name]
    assert sum(statistics) == STATISTICS
    network.classifier = torch.nn.Linear(network.classifier.in_features, 8)
    head = count_parameters(network.classifier)
    block = count_parameters(network.conv_head) + count_parameters(network.bn2)
    counts = (head, head + block, count_parameters(network))
    assert tuple(COUNTS.values()) == counts == tuple(ANSWER.values())


@pytest.mark.parametrize("number", [int, float, torch.tensor, np.int64])
def test_right_counts(number):
    answer = {name: number(count) for name, count in ANSWER.items()}
    assert verdict(check_trained_parameters, answer).startswith("Right: the head is 0.3% of what")


@pytest.mark.parametrize(
    ("name", "count", "words"),
    [
        ("head", 1280 * 8, "The biases are missing"),
        ("head", 1280 * 8 + 1, "You counted one bias in all"),
        ("head", 2 * 1280 * 8, "You gave each weight a bias"),
        ("head", 8, "You counted the biases only"),
        ("head", 1280, "These are the features"),
        ("head", 1280 + 1, "This is one output with its bias"),
        ("head", 320 * 8 + 8, "The head reads the 1,280 maps behind the last convolution"),
        ("head", 1280 * 1000 + 1000, "You counted the old head: it is replaced"),
        ("head", 1280 * 1000, "You counted the old head: it is replaced"),
        ("head", 1280 * 1008 + 1008, "You counted both heads"),
        ("head", 1000 * 8 + 8, "not the old head's 1,000 outputs"),
        ("head", 3_371_008, "You counted what is frozen"),
        ("head", 3_381_256, "You counted the frozen base, too"),
        ("head", 4_652_008, "This is the whole network with its old head"),
        ("head", 10_249, "Count what a gradient changes"),
        ("head", None, 'the count for "head" is None'),
        ("head", "10248", """the count for "head" is the text '10248'"""),
        ("head", float("nan"), 'the count for "head" is not nan.'),
        ("head", [1280, 8], 'the count for "head" holds 2 numbers: one is asked for'),
        ("head and last block", 10_248, "You counted the head only"),
        ("head and last block", 320 * 1280 + 2560, "You counted the block only"),
        ("head and last block", 10_248 + 320 * 1280, "Batch norm learns, too"),
        ("head and last block", 320 * 1280, "The head is missing, and so are"),
        ("head and last block", 10_248 + 321 * 1280, "has two learned numbers, a scale and"),
        ("head and last block", 10_248 + 324 * 1280, "You counted the running mean and variance"),
        ("head and last block", 10_248 + 323 * 1280, "You gave the convolution a bias"),
        ("head and last block", 10_240 + 322 * 1280, "The biases are missing"),
        ("head and last block", 1_281_000 + 322 * 1280, "You counted the old head"),
        ("head and last block", 1_291_248 + 322 * 1280, "You counted both heads"),
        ("head and last block", 3_381_256, "All blocks before the last one stay frozen"),
        ("head and last block", 422_409, "Count what a gradient changes"),
        ("everything", 4_652_008, "You counted the old head"),
        ("everything", 3_371_008, "You counted the base only"),
        ("everything", 4_652_008 + 10_248, "You counted both heads"),
        ("everything", 3_381_248, "The biases are missing"),
        ("everything", 4_652_008 - 10_248, "Take the old head away and add the new one"),
        ("everything", 3_381_256 + 42_016, "You counted batch norm's running means"),
        ("everything", 10_248, "Nothing is frozen now"),
        ("everything", 422_408, "All blocks are trained now"),
        ("everything", True, 'the count for "everything" is True: a number is asked for'),
    ],
)
def test_wrong_counts(name, count, words):
    said = verdict(check_trained_parameters, ANSWER | {name: count})
    assert words in said.partition("Not yet: ")[2]


@pytest.mark.parametrize("answer", [[1, 2, 3], 10_248, None, {"head": 10_248}, ANSWER | {"x": 0}])
def test_counts_stay_a_dict(answer):
    said = verdict(check_trained_parameters, answer)
    assert said.startswith("Not yet: trained_parameters must stay a dict with a number for each of")


@pytest.mark.parametrize("answer", [dict.fromkeys(ANSWER, ...), ANSWER | {"everything": ...}])
def test_a_count_left_out_is_no_attempt(answer):
    said = verdict(check_trained_parameters, answer)
    assert said == "Not attempted yet: trained_parameters still has a ... in it."


def channels(numbers):
    return torch.tensor(numbers)[None, :, None, None]


def of_channels(change):
    return lambda pictures, mean, std: change(pictures.float(), channels(mean), channels(std))


def channel_by_channel(pictures, mean, std):
    prepared = pictures.float() / 255
    for channel in range(3):
        prepared[:, channel] -= mean[channel]
        prepared[:, channel] /= std[channel]
    return prepared


def with_torchvision(pictures, mean, std):
    steps = [v2.ToDtype(torch.float32, scale=True), v2.Normalize(mean, std)]
    return v2.Compose(steps)(pictures)


@pytest.mark.parametrize(
    "answer",
    [
        of_channels(lambda x, mean, std: (x / 255 - mean) / std),
        of_channels(lambda x, mean, std: (x - 255 * mean) / (255 * std)),
        channel_by_channel,
        with_torchvision,
    ],
)
def test_right_preparations(answer):
    assert verdict(check_prepare_pictures, answer).startswith("Right: each channel is scaled")


def fixed(mean, std):
    return lambda pictures, *ignored: with_torchvision(pictures, mean, std)


def in_place(pictures, mean, std):
    pictures //= 2
    return pictures


def by_columns(pictures, mean, std):
    return (pictures / 255 - torch.tensor(mean)) / torch.tensor(std)


def by_rows(pictures, mean, std):
    return (pictures / 255 - torch.tensor([mean]).T) / torch.tensor([std]).T


def own_statistics(*dim):
    def prepare(pictures, mean, std):
        scaled = pictures / 255
        own_std, own_mean = torch.std_mean(scaled, dim, keepdim=True)
        return (scaled - own_mean) / own_std

    return prepare


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (fixed(*RESNET), "you use ImageNet's mean and std (0.485, 0.229, ...), whatever mean"),
        (fixed([0.5] * 3, [0.5] * 3), "you use 0.5 and 0.5, whatever mean and std are given"),
        (lambda x, *ignored: x / 127.5 - 1, "you use 0.5 and 0.5, whatever mean and std are"),
        (fixed([0.286] * 3, [0.353] * 3), "you use Fashion-MNIST's mean and std"),
        (own_statistics(0, 2, 3), "you use the mean and std of these very pictures"),
        (own_statistics(2, 3), "you use the mean and std of these very pictures"),
        (own_statistics(1, 2, 3), "you use the mean and std of these very pictures"),
        (own_statistics(0, 1, 2, 3), "you use the mean and std of these very pictures"),
        (of_channels(lambda x, mean, std: (x - mean) / std), "the pixels run from 0 to 255"),
        (of_channels(lambda x, mean, std: (x - mean) / std / 255), "you divide by 255 last"),
        (of_channels(lambda x, mean, std: (x / 255 / 255 - mean) / std), "divide by 255 twice"),
        (of_channels(lambda x, mean, std: (x // 255 - mean) / std), "// rounds down"),
        (lambda x, mean, std: x / 255, "this is scaled to 0 to 1 only"),
        (lambda x, mean, std: x.float(), "these are the pictures as they came"),
        (lambda x, mean, std: with_torchvision(x, std, mean), "mean and std are exchanged"),
        (of_channels(lambda x, mean, std: x / 255 - mean), "the division by the std is missing"),
        (of_channels(lambda x, mean, std: x / 255 / std), "but do not subtract the mean before"),
        (of_channels(lambda x, mean, std: x / 255 - mean / std), "put parentheses around"),
        (of_channels(lambda x, mean, std: x / 255 / std - mean), "division: subtract it first"),
        (of_channels(lambda x, mean, std: (x / 255 - mean) * std), "you multiply by the std"),
        (of_channels(lambda x, mean, std: (x / 255 - mean) / std**2), "divide by the variance"),
        (of_channels(lambda x, mean, std: (x / 255 + mean) / std), "you add the mean"),
        (of_channels(lambda x, mean, std: (mean - x / 255) / std), "the sign is wrong"),
        (of_channels(lambda x, mean, std: (x / 256 - mean) / std), "you divide by 256"),
        (lambda x, mean, std: (x / 255 - mean[0]) / std[0], "the first channel's mean and std"),
        (lambda x, mean, std: (x / 255 - np.mean(mean)) / np.mean(std), "you average mean and"),
        (lambda x, mean, std: with_torchvision(x.flip(1), mean, std), "red and blue are exchanged"),
        (by_columns, "yours lie along the rows or columns: reshape both to [3, 1, 1]"),
        (by_rows, "yours lie along the rows or columns: reshape both to [3, 1, 1]"),
        (in_place, "prepare_pictures changes its argument pictures"),
        (lambda *given: with_torchvision(*given).numpy(), "return one, not a ndarray"),
        (lambda *given: with_torchvision(*given).tolist(), "return one, not a list"),
        (lambda *given: with_torchvision(*given).double(), "they are torch.float64, and the net"),
        (
            lambda *given: with_torchvision(*given).permute(0, 2, 3, 1),
            "must return the shape [1, 3, 1, 2], not the shape [1, 1, 2, 3]",
        ),
        (lambda *given: with_torchvision(*given) * float("nan"), "gives [[[[nan, nan]], "),
        (lambda *given: "0.5", "is the text '0.5': give numbers"),
        (lambda *given: None, "prepare_pictures returns None"),
        (lambda x, mean, std: x - mean, "prepare_pictures stops with TypeError"),
        (lambda x: x / 255, "prepare_pictures must take the arguments pictures, mean, std."),
        (torch.zeros(3), "prepare_pictures is no function"),
        (None, "prepare_pictures is no function"),
    ],
)
def test_wrong_preparations(answer, words):
    assert words in verdict(check_prepare_pictures, answer).partition("Not yet: ")[2]


@pytest.mark.parametrize("answer", [..., lambda pictures, mean, std: ...])
def test_a_placeholder_is_no_attempt(answer):
    assert verdict(check_prepare_pictures, answer).startswith("Not attempted yet: ")


@pytest.mark.parametrize("misconception", PREPARE.misconceptions)
def test_cases_tell_each_misconception_from_all_others(misconception):
    attempts = PREPARE.attempts(misconception.wrong)
    assert not PREPARE._fits(attempts, PREPARE.right, close)
    fitting = {
        m.sentence for m in PREPARE.misconceptions if PREPARE._fits(attempts, m.wrong, close)
    }
    assert fitting == {misconception.sentence}
    with pytest.raises(NotYet, match=r"\.$"):
        PREPARE.judge(attempts)
