"""Checks on what a learner hands to an explorer: one sentence says what is wrong."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from course_utils.arrays import as_array


def checked_images(images: Any, labels: Any, classes: Sequence[str]) -> tuple[Any, Any]:
    """Images as uint8 array [N, 28, 28] and labels as integer array [N].

    Args:
        images: uint8 [N, 1, 28, 28], at least one.
        labels: integers [N], each an index into `classes`.
        classes: the names of the classes.

    Raises:
        ValueError: anything else.
    """
    images, labels = as_array(images), as_array(labels)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != (1, 28, 28):
        raise ValueError(
            f"images must be uint8 [N, 1, 28, 28], not {images.dtype} {list(images.shape)}."
        )
    if len(images) == 0:
        raise ValueError("images is empty: give at least one image.")
    if not np.issubdtype(labels.dtype, np.integer) or labels.shape != images.shape[:1]:
        raise ValueError(
            f"labels must be integers [{len(images)}], one for each image, "
            f"not {labels.dtype} {list(labels.shape)}."
        )
    if labels.min() < 0 or labels.max() >= len(classes):
        raise ValueError(
            f"labels must lie in 0..{len(classes) - 1}, one number for each of the "
            f"{len(classes)} classes, but run from {labels.min()} to {labels.max()}."
        )
    return images[:, 0], labels


def checked_probabilities(name: str, probabilities: Any, shape: tuple[int, int]) -> np.ndarray:
    """The probabilities that network `name` gives, as an array of `shape` [N, classes].

    Raises:
        ValueError: another shape, not numbers, or rows that are no probabilities.
    """
    probabilities = as_array(probabilities)
    if probabilities.shape != shape:
        raise ValueError(
            f"probabilities of {name} must have the shape {list(shape)}, one row for each image "
            f"and one column for each class, not {list(probabilities.shape)}."
        )
    if not np.isfinite(probabilities).all():
        raise ValueError(f"probabilities of {name} hold NaN or infinity: was the training stable?")
    if probabilities.min() < 0 or np.abs(probabilities.sum(axis=1) - 1).max() > 0.02:
        raise ValueError(
            f"probabilities of {name} must be at least 0 and sum to 1 in each row: "
            "if these are logits, apply softmax(dim=1) first."
        )
    return probabilities
