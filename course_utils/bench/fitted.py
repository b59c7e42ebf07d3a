"""Chapter 2's training, as the course does it, for the benchmarks."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from course_utils.bench.fresh import Result
from course_utils.datasets import fashion_mnist
from course_utils.environment import bfloat16_is_fast, pick_device
from course_utils.experiments.dnn_vs_cnn import CNN_RATE, DNN_RATE
from course_utils.models import FashionCNN, FashionDNN
from course_utils.training import evaluate, fit

SEED, BATCH_SIZE = 0, 128


@dataclass(frozen=True)
class Network:
    """A network, and the highest learning rate that chapter 2 trains it with."""

    build: Callable[[], nn.Module]
    rate: float


NETWORKS = {
    "FashionDNN": Network(FashionDNN, DNN_RATE),
    "FashionCNN": Network(FashionCNN, CNN_RATE),
}


def run_fit(
    network: str,
    epochs: int = 1,
    images: int | None = None,
    device: str | None = None,
    description: str | None = None,
) -> Result:
    """Train a network on Fashion-MNIST as chapter 2 does, then test it.

    Args:
        network: a key of `NETWORKS`.
        epochs: of one whole one-cycle training.
        images: how many of the training images; by default all.
        device: by default the fastest.
        description: what the progress bar says; None shows no bar.

    Returns:
        "epochs", "images", "steps"; "seconds" of all, with set-up and test; "epoch_seconds" of each
        epoch; "test_accuracy" in 0..1, in evaluation mode; "number_format" of the products.
    """
    data = fashion_mnist(allow_subset=False)
    where = pick_device() if device is None else torch.device(device)
    torch.manual_seed(SEED)
    model = NETWORKS[network].build()
    start = time.perf_counter()
    history = fit(
        model,
        data.train.images[:images],
        data.train.labels[:images],
        epochs=epochs,
        batch_size=BATCH_SIZE,
        learning_rate=NETWORKS[network].rate,
        seed=SEED,
        device=where,
        description=description,
    )
    _, accuracy = evaluate(model, *data.test)
    return {
        "epochs": epochs,
        "images": len(data.train.images[:images]),
        "steps": len(history.step_loss),
        "seconds": time.perf_counter() - start,
        "epoch_seconds": history.seconds,
        "test_accuracy": round(accuracy, 6),  # in float32 it may miss an equal one
        "number_format": "bfloat16" if bfloat16_is_fast(where) else "float32",
    }
