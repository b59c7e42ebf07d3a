"""Fine-tuning picture by picture, and the test pictures watched in every epoch."""

import pytest
import torch
import torch.nn.functional as F
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
