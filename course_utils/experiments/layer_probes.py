"""Chapter 4: what a linear map can read off each layer, the picture or the class."""

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn

from course_utils.datasets import emoji
from course_utils.environment import pick_device
from course_utils.pretrained import efficientnet_lite0
from course_utils.probes import explained_share, probe_accuracy
from course_utils.progress import Progress
from course_utils.results import Measurements
from course_utils.transfer import blocks, run_blocks

SEEDS = range(10)  # of the split and of the untrained network's weights
RUNS = ("trained", "untrained")
SIZE = 128  # pixels, of the enlarged drawings
SMALL = 16  # pixels, of the drawing that is to be reconstructed
PLACES = ("picture", *(f"block {number}" for number in range(9)))


def run(name: str, seed: int) -> Measurements:
    """Probe all layers of an EfficientNet-Lite0 with Noto's emoji.

    Returns:
        For each of `PLACES`, the share of the drawings' variance explained (R²), at 16 x 16 pixels
        in color, and the accuracy on eight classes; both on held-out emoji.
    """
    from timm import create_model

    data = emoji()
    drawings = data.drawings["noto"]
    train, test = data.split(seed)
    network, prepare, _ = efficientnet_lite0(SIZE)
    if name == "untrained":
        torch.manual_seed(seed)
        network = create_model("tf_efficientnet_lite0")
    return probe_layers(network, prepare, drawings, data.labels, train, test)


def probe_layers(
    network: nn.Module,
    prepare: Callable[[Tensor], Tensor],
    drawings: Tensor,
    labels: Tensor,
    train: Tensor,
    test: Tensor,
    *,
    description: str | None = None,
) -> Measurements:
    """The same for any network with `transfer.blocks`, any pictures and any split of them.

    Args:
        network: its blocks are probed, and what it is given.
        prepare: makes its input from all the drawings.
        drawings: uint8 [N, 3, H, W].
        labels: int64 [N].
        train, test: indices into N.
        description: what the progress bar says; None shows no bar.
    """
    small = nn.functional.adaptive_avg_pool2d(drawings.float() / 255, SMALL)
    features = prepare(drawings)
    network = copy.deepcopy(network).to(pick_device())  # the caller's stays where it is
    measured: Measurements = {"explained": [], "accuracy": []}
    parts = nn.Identity(), *blocks(network)
    with Progress(len(parts), description, "layers") as bar:
        for part in parts:
            features = run_blocks([part], features)
            measured["explained"].append(explained_share(features, small, train, test))
            measured["accuracy"].append(probe_accuracy(features, labels, train, test))
            bar.update()
    return measured
