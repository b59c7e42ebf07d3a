"""A classifier that had nothing to learn from."""

import torch

from course_utils.classifier import FolderClassifier, train_on_features


def of_noise(counts: list[int], **options) -> FolderClassifier:
    """A classifier of features that say nothing; its backbone is never asked."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
    features = torch.randn(len(labels), 8, generator=generator)
    names = ["cats", "dogs", "birds"][: len(counts)]
    return train_on_features(features, labels, names, backbone=None, progress=False, **options)
