"""Ways to measure an accuracy, right and wrong, and what learners are told."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from verdicts import verdict

from course_utils.checks.accuracy import ACCURACY, check_measure_accuracy


def test_cases_hand_over_a_network_in_training_mode():
    for case in ACCURACY.cases:
        network = case.arguments["network"]
        assert all(layer.training for layer in network.modules())
        assert network.training_layers == []


def evaluated(score):
    """A learner's function that gets the mode right, and gives `score(logits, labels)`."""

    def measure_accuracy(network, images, labels):
        network.eval()
        with torch.inference_mode():
            return score(network(images), labels)

    return measure_accuracy


def restores(network, images, labels):
    was_training = network.training
    network.eval()
    right = 0
    for image, label in zip(images, labels, strict=True):
        right += int(network(image[None]).argmax() == label)
    network.train(was_training)
    return right / len(labels)


@pytest.mark.parametrize(
    "answer",
    [
        evaluated(lambda logits, labels: (logits.argmax(dim=1) == labels).float().mean()),
        evaluated(lambda logits, labels: (logits.argmax(1) == labels).double().mean().item()),
        evaluated(lambda logits, labels: (logits.softmax(1).argmax(1) == labels).numpy().mean()),
        restores,
    ],
)
def test_right_accuracies(answer):
    assert verdict(check_measure_accuracy, answer).startswith("Right: dropout rests")


@torch.inference_mode()
def forgets_eval(network, images, labels):
    return (network(images).argmax(dim=1) == labels).float().mean()


def evaluates_too_late(network, images, labels):
    guesses = network(images).argmax(dim=1)
    network.eval()
    return (guesses == labels).float().mean()


def only_one_picture_in_training(network, images, labels):
    return sum(network(i[None]).argmax() == y for i, y in zip(images, labels, strict=True)) / 3


def only_dropout_off(network, images, labels):
    for layer in network.modules():
        if isinstance(layer, nn.Dropout):
            layer.eval()
    return (network(images).argmax(dim=1) == labels).float().mean()


def only_norm_off(network, images, labels):
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm1d):
            layer.eval()
    return (network(images).argmax(dim=1) == labels).float().mean()


def resets_statistics(network, images, labels):
    network.eval()
    network[1].reset_running_stats()
    return (network(images).argmax(dim=1) == labels).float().mean()


def standardizes_again(network, images, labels):
    network.eval()
    logits = network((images.float() / 255 - 0.286) / 0.353)
    return (logits.argmax(dim=1) == labels).float().mean()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (forgets_eval, "the network is asked in training mode"),
        (evaluates_too_late, "the network is asked in training mode"),
        (only_one_picture_in_training, "the network is asked in training mode"),
        (only_dropout_off, "batch norm is in training mode"),
        (only_norm_off, "dropout is in training mode"),
        (resets_statistics, "measure_accuracy changes its argument network"),
        (standardizes_again, "the images are standardized already"),
        (
            evaluated(lambda z, y: (z.argmax(dim=0) == y).float().mean()),
            "argmax runs over the pictures of the batch",
        ),
        (evaluated(lambda z, y: (z.argmax(1) == y).sum()), "this is the number of right answers"),
        (
            evaluated(lambda z, y: 100 * (z.argmax(1) == y).sum().item() / len(y)),
            "this is in percent",
        ),
        (evaluated(lambda z, y: (z.argmax(1) != y).float().mean()), "the share of wrong answers"),
        (evaluated(lambda z, y: z.softmax(1).max(1).values.mean()), "this is the mean confidence"),
        (
            evaluated(lambda z, y: z.softmax(1).gather(1, y[:, None]).mean()),
            "this is the mean probability of the true class",
        ),
        (evaluated(lambda z, y: (z.argmax(1) == y).sum() / 4), "you divide by the number of cl"),
        (evaluated(lambda z, y: (z.argmax(1) == y).float()), "this says for each picture whether"),
        (evaluated(lambda z, y: z.argmax(1) == y), "is a tensor of torch.bool"),
        (
            evaluated(lambda z, y: (z.argmax(1) == y).sum().item() // len(y)),
            "gives 0 instead of 0.7",
        ),
        (evaluated(lambda z, y: F.cross_entropy(z, y)), "best guesses [0, 1, 3, 3]."),
        (evaluated(lambda z, y: "75%"), "is the text '75%': give numbers, without quotation"),
        (evaluated(lambda z, y: (z == y).float().mean()), "measure_accuracy"),
        (lambda network, images, labels: 1.0, "measure_accuracy gives 1 instead of 0.75"),
        (evaluated(lambda z, y: None), "measure_accuracy returns None"),
    ],
)
def test_wrong_accuracies(answer, words):
    assert words in verdict(check_measure_accuracy, answer).partition("Not yet: ")[2]
