"""Answers of chapter 2 about networks, right and wrong, and what learners are told."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from verdicts import verdict

from course_utils.checks.dnn_vs_cnn import check_batch_loss, check_parameter_counts
from course_utils.models import count_parameters

COUNTS = {"conv": 208, "batch norm": 16, "linear": 11530}


def test_the_network_itself_agrees():
    layers = {
        "conv": nn.Conv2d(1, 8, kernel_size=5),
        "batch norm": nn.BatchNorm2d(8),
        "linear": nn.Linear(8 * 12 * 12, 10),
    }
    conv, norm, linear = layers.values()
    network = nn.Sequential(conv, norm, nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), linear)
    assert network(torch.zeros(2, 1, 28, 28)).shape == (2, 10)
    counts = {name: count_parameters(layer) for name, layer in layers.items()}
    for number in (int, float, torch.tensor, np.int64):
        answer = {name: number(count) for name, count in counts.items()}
        said = verdict(check_parameter_counts, answer)
        assert said.startswith("Right: nearly all parameters sit in the linear layer")


@pytest.mark.parametrize(
    ("name", "count", "words"),
    [
        ("conv", 8 * 25, "The biases are missing"),
        ("conv", 8, "You counted the biases only"),
        ("conv", 25 + 1, "This is one kernel with its bias"),
        ("conv", 25, "This is one kernel without its bias"),
        ("conv", 8 * 25 + 1, "You counted one bias in all"),
        ("conv", 8 * 25 * 2, "You gave each weight a bias"),
        ("conv", 8 * 25 * 24 * 24, "These are multiply-adds"),
        ("conv", 208 * 24 * 24, "You multiplied by the places"),
        ("conv", 209, "A bias is a parameter, too"),
        ("batch norm", 0, "Batch norm learns, too"),
        ("batch norm", 8, "Each channel has two learned numbers"),
        ("batch norm", 8 * 4, "You counted the running mean and variance"),
        ("batch norm", 2, "Each of the 8 channels has a scale and a shift of its own"),
        ("batch norm", 4, "Each of the 8 channels has a scale and a shift of its own"),
        ("batch norm", 2 * 8 * 24 * 24, "All places of a feature map share"),
        ("batch norm", True, 'the count for "batch norm" is True: a number is asked for'),
        ("linear", 8 * 12 * 12 * 10, "The biases are missing"),
        ("linear", 10, "You counted the biases only"),
        ("linear", 8 * 12 * 12, "These are the inputs"),
        ("linear", 8 * 12 * 12 * 10 + 1, "You counted one bias in all"),
        ("linear", 2 * 8 * 12 * 12 * 10, "You gave each weight a bias"),
        ("linear", 8 * 24 * 24 * 10 + 10, "Max pooling comes first"),
        ("linear", 8 * 24 * 24 * 10, "and the biases are missing"),
        ("linear", 8 * 14 * 14 * 10 + 10, "Without padding a 5 × 5 kernel shrinks"),
        ("linear", 8 * 10 + 10, "Flatten keeps all 12 × 12 places"),
        ("linear", 12 * 12 * 10 + 10, "Flatten lays all 8 feature maps side by side"),
        ("linear", "11530", """the count for "linear" is the text '11530'"""),
        ("linear", -11530, 'the count for "linear" is not -11530. A bias'),
        ("linear", float("nan"), 'the count for "linear" is not nan.'),
        ("linear", None, 'the count for "linear" is None'),
    ],
)
def test_wrong_counts(name, count, words):
    assert words in verdict(check_parameter_counts, COUNTS | {name: count}).partition("Not yet")[2]


@pytest.mark.parametrize("answer", [[208, 16, 11530], 11754, {"conv": 208}, COUNTS | {"relu": 0}])
def test_counts_stay_a_dict(answer):
    said = verdict(check_parameter_counts, answer)
    assert said.startswith("Not yet: parameter_counts must stay a dict with a number for each of")


def test_one_count_left_out_is_no_attempt():
    said = verdict(check_parameter_counts, COUNTS | {"linear": ...})
    assert said == "Not attempted yet: parameter_counts still has a ... in it."


def by_hand(network, images, labels):
    logits = network(images)
    shifted = logits - logits.amax(dim=1, keepdim=True)
    logs = shifted - shifted.exp().sum(dim=1, keepdim=True).log()
    total = 0
    for row, label in zip(logs, labels, strict=True):
        total = total - row[label]
    return total / len(labels)


@pytest.mark.parametrize(
    "answer",
    [
        lambda network, images, labels: F.cross_entropy(network(images), labels),
        lambda network, images, labels: nn.CrossEntropyLoss()(network(images), labels),
        lambda network, x, y: F.nll_loss(F.log_softmax(network(x), dim=1), y),
        lambda network, x, y: F.cross_entropy(network(x).double(), y),
        lambda network, x, y: F.cross_entropy(network(x), y, reduction="sum") / len(y),
        by_hand,
    ],
)
def test_right_losses(answer):
    assert verdict(check_batch_loss, answer).startswith("Right: logits go in")


def test_log_softmax_twice_is_right_and_said():
    def twice(network, images, labels):
        return F.cross_entropy(F.log_softmax(network(images), dim=1), labels)

    said = verdict(check_batch_loss, twice)
    assert said.startswith("Right: the number is right. But log_softmax is done twice")


def one_hot_with_softmax(network, images, labels):
    probabilities = torch.softmax(network(images), dim=1)
    return F.cross_entropy(probabilities, labels)


def naive(network, images, labels):
    powers = torch.exp(network(images))
    probabilities = powers / powers.sum(dim=1, keepdim=True)
    picked = probabilities[torch.arange(len(labels)), labels]
    return -torch.log(picked).mean()


def wrong_class(network, images, labels):
    logits = network(images)
    return F.cross_entropy(logits, logits.max(dim=1).indices)


def all_classes(network, images, labels):
    return -(network(images).log_softmax(dim=1)).mean()


def calls_backward(network, images, labels):
    loss = F.cross_entropy(network(images), labels)
    loss.backward()
    return loss


def clears_after_backward(network, images, labels):
    loss = calls_backward(network, images, labels)
    network.zero_grad()
    return loss


def computes_gradients(network, images, labels):
    loss = F.cross_entropy(network(images), labels)
    torch.autograd.grad(loss, list(network.parameters()))
    return loss


def in_evaluation_mode(network, images, labels):
    network.eval()
    return F.cross_entropy(network(images), labels)


def in_evaluation_mode_for_a_while(network, images, labels):
    network.eval()
    loss = F.cross_entropy(network(images), labels)
    network.train()
    return loss


def layers_in_evaluation_mode(network, images, labels):
    for layer in network:
        layer.eval()
    return F.cross_entropy(network(images), labels)


def one_layer_after_another_in_evaluation_mode(network, images, labels):
    network.eval()
    for layer in network:
        images = layer(images)
    network.train()
    return F.cross_entropy(images, labels)


def takes_a_step(network, images, labels):
    loss = calls_backward(network, images, labels)
    torch.optim.SGD(network.parameters(), lr=0.1).step()
    return loss


def new_leaf(network, images, labels):
    number = F.cross_entropy(network(images), labels).item()
    return torch.tensor(number, requires_grad=True)


@torch.no_grad()
def without_gradient(network, images, labels):
    return F.cross_entropy(network(images), labels)


def standardizes(network, images, labels):
    return F.cross_entropy(network((images.float() / 255 - 0.286) / 0.353), labels)


def loss_of(loss):
    return lambda network, images, labels: loss(network(images), labels)


EVALUATING = "batch_loss puts the network into evaluation mode"
NO_GRADIENT = "the number is right, but no gradient flows from it to the weights"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (one_hot_with_softmax, "a softmax stands in front of cross_entropy"),
        (loss_of(lambda z, y: F.cross_entropy(z.sigmoid(), y)), "a sigmoid stands in front"),
        (loss_of(lambda z, y: F.cross_entropy(z, y) * len(y)), "this is the sum over the batch"),
        (loss_of(lambda z, y: F.cross_entropy(z, y, reduction="none")), "one loss for each pict"),
        (all_classes, "you average over all classes"),
        (
            loss_of(lambda z, y: (F.one_hot(y, 3) * -z.log_softmax(1)).mean()),
            "you divide by pictures times classes",
        ),
        (wrong_class, "you take the logarithm at the class that the network prefers"),
        (loss_of(lambda z, y: z.log_softmax(1)[range(len(y)), y].mean()), "the sign is wrong"),
        (loss_of(F.nll_loss), "nll_loss expects log-probabilities"),
        (loss_of(lambda z, y: F.nll_loss(z.softmax(1), y)), "the logarithm is missing"),
        (
            loss_of(lambda z, y: F.nll_loss(F.log_softmax(z, dim=0), y)),
            "the softmax runs over the pictures of the batch",
        ),
        (
            loss_of(lambda z, y: (z.argmax(dim=1) == y).float().mean()),
            "this is the accuracy, which has no useful gradient",
        ),
        (naive, "for large logits your loss is infinite"),
        (
            loss_of(lambda z, y: -z.softmax(1)[range(len(y)), y].log().mean()),
            "for large logits your loss is infinite",
        ),
        (standardizes, "the images are standardized already"),
        (loss_of(lambda z, y: F.cross_entropy(z, y).item()), NO_GRADIENT),
        (loss_of(lambda z, y: F.cross_entropy(z, y).detach()), NO_GRADIENT),
        (loss_of(lambda z, y: F.cross_entropy(z, y).detach().numpy()), NO_GRADIENT),
        (without_gradient, NO_GRADIENT),
        (new_leaf, NO_GRADIENT),
        (calls_backward, "batch_loss calls backward itself"),
        (clears_after_backward, "batch_loss calls backward itself: leave that to the training"),
        (computes_gradients, "batch_loss calls backward itself: leave that to the training"),
        (in_evaluation_mode, EVALUATING),
        (in_evaluation_mode_for_a_while, EVALUATING),
        (layers_in_evaluation_mode, EVALUATING),
        (one_layer_after_another_in_evaluation_mode, EVALUATING),
        (takes_a_step, "batch_loss changes its argument network"),
        (
            loss_of(lambda z, y: z),
            "must return one number, not the shape [1, 3], for logits [[2, 0,",
        ),
        (loss_of(lambda z, y: 0.0), "batch_loss gives 0 instead of 0.1698"),
        (loss_of(lambda z, y: F.mse_loss(z, F.one_hot(y, 3).float())), "batch_loss gives 0.6667"),
        (loss_of(lambda z, y: F.cross_entropy(y, z)), "batch_loss stops with "),
        (loss_of(lambda z, y: print(F.cross_entropy(z, y))), "batch_loss returns None"),
        (F.cross_entropy, "batch_loss stops with "),
        (lambda network, images: 0, "must take the arguments network, images, labels"),
    ],
)
def test_wrong_losses(answer, words):
    assert words in verdict(check_batch_loss, answer).partition("Not yet: ")[2]
