"""Heads that are not linear, and batch norm that uses the batch without measuring it."""

import pytest
import torch
from torch import nn
from verdicts import verdict

from course_utils.checks.freezing import check_feature_extractor


def written(change=nn.Module.eval, head=nn.Linear):
    """A learner's function, with another head or something else done at the end."""

    def feature_extractor(network, classes):
        network.requires_grad_(False)
        network.classifier = head(network.classifier.in_features, classes)
        change(network)
        return network, torch.optim.Adam(network.classifier.parameters())

    return feature_extractor


def followed_by(*layers):
    return lambda features, classes: nn.Sequential(nn.Linear(features, classes), *layers)


def two_layers(between):
    def head(features, classes):
        return nn.Sequential(nn.Linear(features, 16), between, nn.Linear(16, classes))

    return head


def behind_batch_norm(features, classes):
    return nn.Sequential(nn.BatchNorm1d(features), nn.Linear(features, classes))


def norms(network):
    return [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]


def keeps_no_statistics(network):
    for norm in norms(network):
        norm.track_running_stats = False


def never_moves(network):
    for norm in norms(network):
        norm.momentum = 0.0


def keeps_no_statistics_in_evaluation(network):
    keeps_no_statistics(network.eval())


def deletes(name):
    def feature_extractor(network, classes):
        delattr(network, name)
        return network.eval(), torch.optim.SGD(network.parameters(), lr=0.1)

    return feature_extractor


@pytest.mark.parametrize(
    "answer",
    [
        written(head=followed_by(nn.Identity(), nn.Dropout(0.2))),
        written(head=two_layers(nn.Dropout(0.2))),  # as linear as one
        written(head=behind_batch_norm),
        written(keeps_no_statistics_in_evaluation),
    ],
)
def test_right_extractors(answer):
    assert verdict(check_feature_extractor, answer).startswith("Right: after three steps the")


BENT = "a linear head is asked for, and something in yours bends its numbers"
BY_BATCH = "batch norm is in training mode, so the base normalizes pictures by the batch that they"
GONE = "a part of the network is gone: only the head is replaced, by a new one."


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (written(head=followed_by(nn.Sigmoid())), BENT),
        (written(head=followed_by(nn.ReLU())), BENT),
        (written(head=followed_by(nn.LogSoftmax(dim=1))), BENT),
        (written(head=two_layers(nn.ReLU())), BENT),
        (written(head=followed_by(nn.Softmax(dim=1))), "a softmax stands at the end of the head"),
        (written(keeps_no_statistics), BY_BATCH),
        (written(never_moves), BY_BATCH),
        (deletes("classifier"), GONE),
        (deletes("features"), GONE),
    ],
)
def test_wrong_extractors(answer, words):
    assert words in verdict(check_feature_extractor, answer).partition("Not yet: ")[2]
