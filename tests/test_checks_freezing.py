"""Feature extractors, right and wrong, and what learners are told."""

from copy import deepcopy

import pytest
import torch
from torch import nn
from torch.optim import SGD, Adam
from verdicts import verdict

from course_utils.checks.freezing import check_feature_extractor


def freeze(network):
    network.requires_grad_(False)


def new_head(network, classes):
    network.classifier = nn.Linear(network.classifier.in_features, classes)


def head_only(network):
    return Adam(network.classifier.parameters(), lr=1e-3)


def written(freeze=freeze, head=new_head, rest=nn.Module.eval, optimizer=head_only, **changes):
    """A learner's function, with one thing done differently."""

    def feature_extractor(network, classes):
        freeze(network)
        head(network, classes)
        rest(network)
        return changes.get("finally_", lambda *both: both)(network, optimizer(network))

    return feature_extractor


def freezes_one_by_one(network, classes):
    for parameter in network.features.parameters():
        parameter.requires_grad = False
    network.features.eval()
    new_head(network, classes)
    learning = [parameter for parameter in network.parameters() if parameter.requires_grad]
    return [network, SGD(learning, lr=0.1)]


def head_with_dropout(network, classes):
    network.classifier = nn.Sequential(
        nn.Dropout(0.2), nn.Linear(network.classifier.in_features, classes)
    )


def lazy_head(network, classes):
    network.classifier = nn.LazyLinear(classes)


def new_weights_in_the_old_layer(network, classes):
    old = network.classifier
    old.weight = nn.Parameter(0.1 * torch.randn(classes, old.in_features))
    old.bias = nn.Parameter(torch.zeros(classes))


def works_on_a_copy(network, classes):
    return written()(deepcopy(network), classes)


@pytest.mark.parametrize(
    "answer",
    [
        written(),
        written(
            optimizer=lambda network: SGD(network.classifier.parameters(), lr=0.1, momentum=0.9)
        ),
        written(head=head_with_dropout),
        written(head=lazy_head),
        written(head=new_weights_in_the_old_layer),
        freezes_one_by_one,
        works_on_a_copy,
    ],
)
def test_right_extractors(answer):
    before = torch.get_rng_state()
    said = verdict(check_feature_extractor, answer)
    assert said.startswith("Right: after three steps the head has moved, and not one number of")
    assert torch.equal(before, torch.get_rng_state())


def nothing(*arguments):
    pass


def attribute_on_the_network(network):
    network.requires_grad = False


def attribute_on_the_base(network):
    network.features.requires_grad = False


def convolutions_only(network):
    for layer in network.features:
        if isinstance(layer, nn.Conv2d):
            layer.requires_grad_(False)


def optimizer_too_early(network, classes):
    optimizer = head_only(network)
    freeze(network)
    new_head(network, classes)
    return network.eval(), optimizer


def optimizer_of_all_too_early(network, classes):
    optimizer = Adam(network.parameters())
    freeze(network)
    new_head(network, classes)
    return network.eval(), optimizer


def frozen_too_late(network, classes):
    new_head(network, classes)
    freeze(network)
    return network.eval(), head_only(network)


def only_out_features(network, classes):
    network.classifier.out_features = classes


def only_eval_after(network, classes):
    return written(rest=nothing)(network.eval(), classes)


def behind_the_old_head(network, classes):
    old = network.classifier
    network.classifier = nn.Sequential(old, nn.Linear(old.out_features, classes))


def under_another_name(network, classes):
    network.fc = nn.Linear(network.classifier.in_features, classes)


def of_fixed_size(features, classes):
    def head(network, _):
        network.classifier = nn.Linear(features or network.classifier.in_features, classes)

    return head


def with_softmax(network, classes):
    new_head(network, classes)
    network.classifier = nn.Sequential(network.classifier, nn.Softmax(dim=1))


def without_a_layer(network, classes):
    network.classifier = None


def convolution_as_head(network, classes):
    network.classifier = nn.Conv2d(network.classifier.in_features, classes, kernel_size=1)


def without_a_base(network, classes):
    new_head(network, classes)
    network.features = None


def resets_weights(network):
    for layer in network.features:
        if hasattr(layer, "reset_parameters"):
            layer.reset_parameters()
    return freeze(network)


def resets_statistics(network):
    network.eval()
    for layer in network.features:
        if isinstance(layer, nn.BatchNorm2d):
            layer.reset_running_stats()


def in_a_new_network(network, classes):
    head = nn.Linear(network.classifier.in_features, classes)
    network = nn.Sequential(network.features, nn.AdaptiveAvgPool2d(1), nn.Flatten(), head)
    return network.eval(), Adam(head.parameters())


def with_lbfgs(network):
    return torch.optim.LBFGS(network.classifier.parameters())


def optimizer_of_base(network):
    return SGD(network.features.parameters(), lr=0.1)


def optimizer_of_all(network):
    return SGD(network.parameters(), lr=0.1)


STATISTICS = "three training steps moved the running means and variances of batch norm"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (written(freeze=nothing), "the base is not frozen. It stays where it is"),
        (written(freeze=nothing, optimizer=optimizer_of_all), "three training steps moved the pre"),
        (written(freeze=attribute_on_the_network), "requires_grad = False only makes a new attrib"),
        (written(freeze=attribute_on_the_base), "requires_grad_(False), with an underscore"),
        (
            written(freeze=convolutions_only),
            "4 of its 7 parameters still learn, the first is featu",
        ),
        (frozen_too_late, "the new head is frozen, too, so nothing can learn"),
        (optimizer_too_early, "the optimizer holds the old head: it was made before"),
        (optimizer_of_all_too_early, "the optimizer holds the old head: it was made before"),
        (written(optimizer=optimizer_of_all), "the optimizer holds parameters of the base, too"),
        (written(optimizer=optimizer_of_base), "holds the base's parameters and none of the head"),
        (
            written(optimizer=lambda network: SGD([network.classifier.weight], lr=0.1)),
            "the optimizer holds 1 of the new head's 2 parameters",
        ),
        (
            written(optimizer=lambda network: SGD(nn.Linear(6, 8).parameters(), lr=0.1)),
            "the optimizer holds 0 of the new head's 2 parameters",
        ),
        (
            written(optimizer=lambda network: SGD(network.classifier.parameters(), lr=0)),
            "three training steps did not move the head: is the learning rate 0?",
        ),
        (written(rest=nothing), STATISTICS),
        (written(rest=nn.Module.train), STATISTICS),
        (written(rest=lambda network: network.classifier.eval()), STATISTICS),
        (written(freeze=resets_weights), "the base is no longer the pretrained one"),
        (written(rest=resets_statistics), "the base is no longer the pretrained one"),
        (written(head=nothing), "the old head is still there: put in a new layer"),
        (written(head=only_out_features), "out_features only says how large a layer is"),
        (written(head=behind_the_old_head), "the new layer stands behind the old head and reads"),
        (
            written(head=under_another_name),
            "you put a layer at network.fc, which this network does",
        ),
        (
            written(head=of_fixed_size(1280, 8)),
            "the new head reads 1280 features, and this base gi",
        ),
        (written(head=of_fixed_size(None, 8)), "for 3 classes the head must give as many numbers"),
        (written(head=of_fixed_size(None, 1000)), "for each picture, not 1000: nn.Linear(features"),
        (written(head=with_softmax), "a softmax stands at the end of the head"),
        (
            written(head=without_a_layer, optimizer=optimizer_of_base),
            "a part of the network is gone",
        ),
        (written(head=without_a_base), "a part of the network is gone"),
        (written(head=convolution_as_head), "the network with its new head stops with RuntimeErr"),
        (in_a_new_network, "the network that comes back is not the one that was handed over"),
        (written(optimizer=with_lbfgs), "a training step of your network stops with TypeError"),
        (
            written(optimizer=lambda network: list(network.classifier.parameters())),
            "the second thing that comes back is no optimizer",
        ),
        (written(finally_=lambda network, optimizer: network), "only the network comes back"),
        (written(finally_=lambda network, optimizer: optimizer), "only the optimizer comes back"),
        (written(finally_=lambda network, optimizer: (optimizer, network)), "in the wrong order"),
        (written(finally_=lambda *both: (*both, 1)), "must return two things: network, optimizer"),
        (written(finally_=lambda *both: "done"), "must return two things: network, optimizer."),
        (written(finally_=lambda *both: float("nan")), "must return two things: network, optimiz"),
        (written(finally_=lambda *both: (None, None)), "the network that comes back is not the"),
        (written(finally_=lambda *both: None), "feature_extractor returns None"),
        (
            written(head=lambda network, classes: network.fc),
            "stops with AttributeError: 'Pretrained' object has no attribute 'fc'. It happens for",
        ),
        (lambda network: network, "feature_extractor must take the arguments network, classes."),
        (None, "feature_extractor is no function"),
    ],
)
def test_wrong_extractors(answer, words):
    assert words in verdict(check_feature_extractor, answer).partition("Not yet: ")[2]


def test_evaluation_mode_before_the_new_head_is_right():
    assert verdict(check_feature_extractor, only_eval_after).startswith("Right: ")


@pytest.mark.parametrize("answer", [..., lambda network, classes: (network, ...)])
def test_a_placeholder_is_no_attempt(answer):
    assert verdict(check_feature_extractor, answer).startswith("Not attempted yet: ")
