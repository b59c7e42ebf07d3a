"""Chapter 1: global average pooling against a flattened map, with few and with many channels."""

from torch import nn

from course_utils.datasets import fashion_mnist
from course_utils.environment import seed_everything
from course_utils.experiments.dnn_vs_cnn import CNN_RATE
from course_utils.models import count_parameters
from course_utils.results import Measurements
from course_utils.training import evaluate, fit

SEEDS = range(5)
CHANNELS = (8, 32, 128)  # feature maps of the last convolution
HEADS = ("pool", "flatten")
RUNS = {f"{head}_{channels}": (head, channels) for channels in CHANNELS for head in HEADS}


def build(head: str, channels: int) -> nn.Sequential:
    """Two convolution blocks and one linear layer, on each map's mean or on all of its values."""
    layers = [
        *(nn.Conv2d(1, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(32, channels, 3), nn.BatchNorm2d(channels), nn.ReLU(), nn.MaxPool2d(2)),
    ]  # -> [N, channels, 6, 6]
    if head == "pool":
        layers.append(nn.AdaptiveAvgPool2d(1))
    inputs = channels if head == "pool" else channels * 6 * 6
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(inputs, 10))


def run(name: str, seed: int) -> Measurements:
    """Train `RUNS[name]` with `seed` as chapter 2 does; test accuracy in 0..1, parameters.

    Raises:
        DataUnavailable: the whole of Fashion-MNIST cannot be had.
        KeyboardInterrupt: the training was interrupted.
    """
    data = fashion_mnist(allow_subset=False)
    seed_everything(seed)
    model = build(*RUNS[name])
    history = fit(
        model,
        data.train.images,
        data.train.labels,
        learning_rate=CNN_RATE,
        seed=seed,
        description=None,
    )
    if history.interrupted:
        raise KeyboardInterrupt
    _, accuracy = evaluate(model, data.test.images, data.test.labels)
    return {
        "seconds": sum(history.seconds),
        "parameters": count_parameters(model),
        "test_accuracy": accuracy,
    }
