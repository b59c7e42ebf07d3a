"""Chapter 3: six ways to a classifier of emoji, learned from one artist and tested on two."""

import functools
import math
import time
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from course_utils.datasets import ARTISTS, Emoji, emoji
from course_utils.environment import image_layout, pick_device, seed_everything
from course_utils.pretrained import efficientnet_lite0
from course_utils.results import Measurements
from course_utils.training import to_float
from course_utils.transfer import blocks, fine_tune, linear_head, run_blocks

COUNTS = ("2", "5", "10", "20", "all")  # pictures of each class to learn from
SPLITS = 10
FEW_SPLITS = 5  # where a run takes minutes
FROZEN_STRENGTH = 0.1
LEAST_STEPS = 40
BLOCKS = 9  # of the network, from the picture to the features


@dataclass(frozen=True)
class Strategy:
    """A way to a classifier.

    Attributes:
        size: side in pixels to which the drawings are resized.
        first_trained: the first of the network's nine blocks that is trained; 9 trains none.
        base_rate: the highest learning rate of these blocks.
        epochs: passes over all training pictures; fewer pictures get more, up to `LEAST_STEPS`.
        fresh: start from fresh weights instead of ImageNet's.
    """

    size: int
    first_trained: int = BLOCKS
    base_rate: float = 3e-4
    epochs: int = 10
    fresh: bool = False


STRATEGIES = {
    "frozen": Strategy(192),
    "frozen128": Strategy(128),
    "last": Strategy(128, first_trained=6),
    "half": Strategy(128, first_trained=4),
    "everything": Strategy(128, first_trained=0),
    "half192": Strategy(192, first_trained=4),
    "scratch": Strategy(96, first_trained=0, base_rate=3e-3, epochs=20, fresh=True),
}
HEAD_RATE = 3e-3
RUNS = {
    f"{name}_{count}": (name, count)
    for count in reversed(COUNTS)
    for name in ("pixels", *STRATEGIES)
}


def seeds(name: str) -> range:
    """Ten splits where a run is quick, and for the largest training set; else five."""
    strategy, count = RUNS[name]
    quick = strategy in ("pixels", "frozen", "frozen128")
    return range(SPLITS if quick or (count == "all" and strategy != "scratch") else FEW_SPLITS)


@functools.cache
def _data() -> Emoji:
    return emoji()


@functools.cache
def _inputs(size: int, kept: int) -> dict[str, Tensor]:
    """For each artist, what the first `kept` blocks make of all drawings: float [2, 584, ...].

    The first is the drawing, the second its mirror image. Nothing here learns from them.
    """
    network, prepare, _ = efficientnet_lite0(size)
    network.to(pick_device())
    parts = blocks(network)[:kept]
    return {
        artist: torch.stack(
            [run_blocks(parts, view, prepare) for view in (images, images.flip(-1))]
        )
        for artist, images in _data().drawings.items()
    }


def _tuned(strategy: Strategy, train: Tensor, seed: int) -> nn.Module:
    """The trained part of the network with its new head."""
    from timm import create_model

    seed_everything(seed)
    if strategy.fresh:
        network = create_model("tf_efficientnet_lite0")
    else:
        network = efficientnet_lite0(strategy.size).network
    device = pick_device()
    network.to(device, memory_format=image_layout(device))
    base = nn.Sequential(*blocks(network)[strategy.first_trained :])
    head = nn.Linear(1280, len(_data().classes)).to(device)
    batch_size = min(32, len(train))
    fine_tune(
        base,
        head,
        _inputs(strategy.size, strategy.first_trained)["noto"][:, train],
        _data().labels[train],
        base_rate=strategy.base_rate,
        head_rate=HEAD_RATE,
        epochs=max(strategy.epochs, LEAST_STEPS // math.ceil(len(train) / batch_size)),
        batch_size=batch_size,
        freeze_statistics=not strategy.fresh,
        description=None,
    )
    return nn.Sequential(base, head)


def run(name: str, seed: int) -> Measurements:
    """Learn from Noto's drawings as `RUNS[name]` says; test on the held-out emoji of both artists.

    Accuracies in 0..1; answers are one digit, the class, for each held-out emoji in the order of
    `Emoji.split`; seconds of training.
    """
    key, count = RUNS[name]
    data = _data()
    train, test = data.split(seed, per_class=None if count == "all" else int(count))
    if key == "pixels":
        inputs = {a: to_float(data.drawings[a]).flatten(1) for a in ARTISTS}
    else:
        strategy = STRATEGIES[key]
        inputs = {
            a: views[0] for a, views in _inputs(strategy.size, strategy.first_trained).items()
        }
    start = time.perf_counter()
    if key == "pixels" or strategy.first_trained == BLOCKS:
        labels = data.labels[train]
        model = linear_head(inputs["noto"][train], labels, len(data.classes), FROZEN_STRENGTH)
    else:
        model = _tuned(strategy, train, seed)
    measured: Measurements = {"seconds": time.perf_counter() - start}
    for artist in ARTISTS:
        answers = run_blocks([model], inputs[artist][test]).argmax(dim=1)
        right = answers == data.labels[test]
        measured[f"{artist}_accuracy"] = right.float().mean().item()
        measured[f"{artist}_answers"] = "".join(map(str, answers.tolist()))
    return measured
