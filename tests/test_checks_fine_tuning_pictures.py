"""Fine-tuning picture by picture, in other forms, and with accuracies in every epoch."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader
from verdicts import verdict

from course_utils.checks.fine_tuning import check_tune_and_test
from course_utils.checks.tuning_run import accuracy


def augmented_pairs(augment, train):
    """What a data set gives whose __getitem__ augments; all in an order by lot."""
    pictures, labels = train
    return [(augment(pictures[i]), labels[i]) for i in torch.randperm(len(labels))]


def written(batches, result=lambda shares: shares[-1]):
    """A learner's function: `batches` of an epoch, and what of the epochs' accuracies returns."""

    def tune_and_test(network, optimizer, augment, train, test, epochs):
        network.eval()
        shares = []
        for _ in range(epochs):
            for pictures, labels in batches(augment, train):
                loss = F.cross_entropy(network(pictures), labels)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            shares.append(accuracy(network, test))
        return result(shares)

    return tune_and_test


def share(network, pictures, labels):
    """As learners measure in passing: gradients would flow."""
    return (network(pictures).argmax(dim=1) == labels).double().mean()


def watches_training(network, optimizer, augment, train, test, epochs):
    network.eval()
    for _ in range(epochs):
        loss = F.cross_entropy(network(augment(train[0])), train[1])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        share(network, *train)
    return share(network, *test)


def in_another_form(change):
    """A right answer; `change` is applied to the network and the pictures."""

    def tune_and_test(network, optimizer, augment, train, test, epochs):
        train, test = ((change(pictures), labels) for pictures, labels in (train, test))
        return watches_training(change(network), optimizer, augment, train, test, epochs)

    return tune_and_test


def channels_last(tensors):
    return tensors.to(memory_format=torch.channels_last)


@pytest.mark.parametrize(
    "answer",
    [watches_training, in_another_form(lambda each: each.double()), in_another_form(channels_last)],
)
def test_accuracies_in_passing_and_other_forms_are_right(answer):
    assert verdict(check_tune_and_test, answer).startswith("Right: new variants in every")


def test_watching_alone_does_not_excuse_learning_from_pictures_as_they_are():
    def tune_and_test(network, optimizer, augment, train, test, epochs):
        for pictures in (augment, nn.Identity()):
            watches_training(network, optimizer, pictures, train, test, epochs)
        return share(network, *test)

    said = verdict(check_tune_and_test, tune_and_test)
    assert said.startswith("Not yet: the network learns from training pictures as they are")


def test_augmenting_twice_is_told_as_it_is():
    def augmented_twice(augment, train):
        return [(augment(augment(train[0])), train[1])]

    said = verdict(check_tune_and_test, written(augmented_twice))
    assert said.startswith("Not yet: you augment what has been augmented before: augment once, and")


def at_once(augment, train):
    return [(augment(train[0]), train[1])]


def in_one_batch(augment, train):
    pictures, labels = zip(*augmented_pairs(augment, train), strict=True)
    return [(torch.stack(pictures), torch.stack(labels))]


def in_small_batches(augment, train):
    return DataLoader(augmented_pairs(augment, train), batch_size=2, shuffle=True)


@pytest.mark.parametrize("batches", [at_once, in_one_batch, in_small_batches])
def test_pictures_may_be_augmented_one_at_a_time(batches):
    assert verdict(check_tune_and_test, written(batches)).startswith("Right: new variants in every")


@pytest.mark.parametrize("batches", [at_once, in_one_batch])
def test_the_best_epoch_on_the_test_pictures_is_no_result(batches):
    said = verdict(check_tune_and_test, written(batches, max))
    assert said.startswith("Not yet: this is the best epoch on the test pictures: what")
