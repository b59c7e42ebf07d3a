"""Chapter 5: the same network of 3 x 3 convolutions, with nine kinds of weights, two and one."""

from typing import NamedTuple

import torch
from torch import Tensor

from course_utils.datasets import Split, fashion_mnist
from course_utils.environment import seed_everything
from course_utils.models import count_parameters
from course_utils.pixel_graphs import Kinds, PixelNetwork, with_positions
from course_utils.results import Measurements
from course_utils.training import evaluate, fit, standardize

SEEDS = range(5)  # of the images to learn from, the first weights and the order of the images
PER_CLASS = 200  # images to learn from, of each class
# Chosen on 1,000 training images that were not learned from, of 0.01, 0.03 and 0.1 with 32
# channels: 0.03 was best for 1, 2 and 9 kinds; with 0.1, nine kinds learn nothing.
RATE = 0.03
BATCH = 32
EPOCHS = 30


class Variant(NamedTuple):
    """What is trained: kinds of weights, channels, and whether the places of pixels are given."""

    kinds: Kinds
    width: int = 24
    positions: bool = False


RUNS = {
    "pixels_1": Variant(1),
    "pixels_2": Variant(2),
    "pixels_9": Variant(9),
    # As many parameters as nine kinds have with 24 channels, to 2%.
    "pixels_1_wide": Variant(1, width=70),
    "pixels_2_wide": Variant(2, width=50),
    "pixels_1_positions": Variant(1, positions=True),
    "pixels_2_positions": Variant(2, positions=True),
    "pixels_9_positions": Variant(9, positions=True),
}


def run(name: str, seed: int) -> Measurements:
    """Train `RUNS[name]` on 2,000 images drawn with `seed`, and test it on the 10,000 test images.

    Returns:
        As `learn`.

    Raises:
        DataUnavailable: the whole of Fashion-MNIST cannot be had.
        KeyboardInterrupt: the training was interrupted.
    """
    data = fashion_mnist(allow_subset=False)
    return learn(name, balanced(data.train, PER_CLASS, seed), data.test, seed)


def balanced(split: Split, per_class: int, seed: int) -> Split:
    """`per_class` images of each class, drawn with `seed`."""
    generator = torch.Generator().manual_seed(seed)
    drawn = []
    for label in split.labels.unique():
        members = (split.labels == label).nonzero().squeeze(1)
        drawn.append(members[torch.randperm(len(members), generator=generator)[:per_class]])
    chosen = torch.cat(drawn)
    return Split(split.images[chosen], split.labels[chosen])


def learn(
    name: str,
    train: Split,
    test: Split,
    seed: int,
    epochs: int = EPOCHS,
    *,
    description: str | None = None,
) -> Measurements:
    """Train `RUNS[name]` on some images and test it on others.

    Args:
        name: a key of `RUNS`.
        train, test: the images.
        seed: of the first weights and the order of the images.
        epochs: passes over the images.
        description: what the progress bar says; None shows no bar.

    Returns:
        Seconds of training; parameters; accuracies in 0..1, of training in the last epoch.

    Raises:
        KeyboardInterrupt: the training was interrupted.
    """
    kinds, width, positions = RUNS[name]
    prepare = _with_positions if positions else standardize
    seed_everything(seed)
    network = PixelNetwork(kinds, width, inputs=3 if positions else 1)
    history = fit(
        network,
        *train,
        prepare=prepare,
        epochs=epochs,
        batch_size=BATCH,
        learning_rate=RATE,
        seed=seed,
        bfloat16=False,  # it rounds off what differs between a pixel and its neighbors
        description=description,
    )
    if history.interrupted:
        raise KeyboardInterrupt
    _, accuracy = evaluate(network, *test, prepare=prepare)
    return {
        "seconds": sum(history.seconds),
        "parameters": count_parameters(network),
        "train_accuracy": history.train_accuracy[-1],
        "test_accuracy": accuracy,
    }


def _with_positions(images: Tensor) -> Tensor:
    return with_positions(standardize(images))
