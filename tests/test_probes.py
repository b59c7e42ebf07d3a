"""Linear probes."""

import pytest
import torch

from course_utils.probes import explained_share, probe_accuracy, shared_coordinates

TRAIN, TEST = torch.arange(40), torch.arange(40, 60)


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_coordinates_keep_all_distances_to_the_training_pictures():
    features = normal(60, 5, 4, 30)
    known, asked = shared_coordinates(features, TRAIN, TEST)
    assert known.shape == (40, 39)  # after centering, 40 points span 39 dimensions
    assert asked.shape == (20, 39)
    flat = features.flatten(1)
    ratio = torch.pdist(known) / torch.pdist(flat[TRAIN])
    torch.testing.assert_close(ratio, ratio[0].expand_as(ratio))
    torch.testing.assert_close(known.mean(dim=0), torch.zeros(39, dtype=torch.float64))
    assert known.square().sum(dim=1).mean().item() == pytest.approx(1)


def test_coordinates_of_test_pictures_give_the_same_products():
    features = normal(60, 300)
    known, asked = shared_coordinates(features, TRAIN, TEST)
    centered = features - features[TRAIN].mean(dim=0)
    products = centered[TEST] @ centered[TRAIN].T
    ours = asked @ known.T
    torch.testing.assert_close(ours / ours.norm(), products / products.norm())


def test_few_features_are_allowed():
    known, _ = shared_coordinates(normal(60, 3), TRAIN, TEST)
    assert known.shape == (40, 3)


def test_a_linear_target_is_explained_and_an_unrelated_one_is_not():
    features = normal(60, 10)
    linear = features @ normal(10, 4, seed=1) + 7
    assert explained_share(features, linear, TRAIN, TEST) > 0.999
    unrelated = normal(60, 4, seed=2)
    assert -0.3 < explained_share(features, unrelated, TRAIN, TEST) < 0.2


def test_the_share_counts_against_the_training_mean():
    """With features that say nothing, the mean of the training targets is the best guess."""
    targets = normal(60, 1, seed=3) + 5
    constant = torch.zeros(60, 4, dtype=torch.float64)
    constant[0, 0] = 1e-3  # of rank one, so that there is a coordinate
    assert explained_share(constant, targets, TRAIN, TEST) == pytest.approx(0, abs=0.1)


def test_the_penalty_is_chosen_on_the_training_pictures_alone():
    features, targets = normal(60, 200), normal(60, 2, seed=4)
    before = explained_share(features, targets, TRAIN, TEST[:10])
    targets[TEST[10:]] = 1e6
    assert explained_share(features, targets, TRAIN, TEST[:10]) == before


def test_accuracy_of_separable_and_of_shuffled_classes():
    labels = torch.arange(60) % 3
    features = normal(60, 8) * 0.1
    features[:, :3] += torch.eye(3, dtype=torch.float64)[labels]
    assert probe_accuracy(features, labels, TRAIN, TEST) == 1
    shuffled = labels[torch.randperm(60, generator=torch.Generator().manual_seed(0))]
    assert probe_accuracy(features, shuffled, TRAIN, TEST) < 0.7


@pytest.mark.parametrize("value", [0.0, 1.0, 0.1])
def test_features_that_never_change_say_nothing(value):
    dead = torch.full((60, 7), value)
    assert explained_share(dead, normal(60, 3), TRAIN, TEST) == pytest.approx(0, abs=1e-6)
    labels = (torch.arange(60) % 3 > 0).long()  # two thirds are of class 1
    expected = (labels[TEST] == 1).double().mean().item()
    assert probe_accuracy(dead, labels, TRAIN, TEST) == expected
