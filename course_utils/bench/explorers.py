"""How fast chapter 4's explorer of feature maps answers, and how fast `interact` would.

Both step through the layers of the same network on the same photograph. What they are compared
with is the usual way to a slider in a notebook: a function that draws a layer's first 16 maps with
Matplotlib, given to `ipywidgets.interact`. Matplotlib's figures leave so much for Python's garbage
collector that every few pictures wait for it: the 95th percentile shows that.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.core.pylabtools import print_figure
from torch import Tensor, nn

from course_utils.activations import LayerActivations, list_layers
from course_utils.datasets import sample_image
from course_utils.explorers.feature_maps import FeatureMapExplorer
from course_utils.pretrained import efficientnet_lite0
from course_utils.progress import Progress
from course_utils.tables import Table

BROWSER_SCRIPT = Path(__file__).parents[2] / "tests" / "explorer_latency.py"
NAMES = {"explorer": "the explorer of feature maps", "interact": "interact and Matplotlib"}
PHOTOS = ("cat", "coffee", "rocket", "astronaut")
SIDE = 4  # the usual way draws 4 by 4 maps


def measure() -> Iterator[Table]:
    """Milliseconds from a new value to a new picture, in Python alone and in a browser."""
    yield in_python(*both_ways())
    yield in_browser()


def both_ways() -> tuple[FeatureMapExplorer, dict[str, Tensor]]:
    """Chapter 4's explorer, and its network's `layer_maps` of the photograph that it shows."""
    network, prepare, classes = efficientnet_lite0()
    photos = {name: sample_image(name) for name in PHOTOS}
    explorer = FeatureMapExplorer(network, photos, prepare, classes=classes)
    photo = torch.from_numpy(photos[explorer.values["picture"]]).permute(2, 0, 1)
    return explorer, layer_maps(network, prepare(photo[None]))


def layer_maps(network: nn.Module, inputs: Tensor) -> dict[str, Tensor]:
    """The output [C, H, W] of each layer of a network for a batch of one; of a vector [C, 1, 1]."""
    names = [layer.name for layer in list_layers(network, inputs)]
    with torch.no_grad(), LayerActivations(network, names) as activations:
        network(inputs)
    outputs = {name: activations[name][0] for name in names}
    return {name: out[:, None, None] if out.ndim == 1 else out for name, out in outputs.items()}


def draw_maps(maps: Mapping[str, Tensor], layer: int) -> None:
    """Draw the first 16 maps of a layer as Matplotlib does it when nobody has told it otherwise.

    Args:
        maps: as `layer_maps` gives them.
        layer: its place among them.
    """
    name = list(maps)[layer]
    with plt.style.context("default"):
        figure, axes = plt.subplots(SIDE, SIDE)
        for ax in axes.flat:
            ax.axis("off")
        for ax, channel in zip(axes.flat, maps[name], strict=False):
            ax.imshow(channel.numpy())
        figure.suptitle(name)


def interact_with(maps: Mapping[str, Tensor]) -> None:
    """Show the usual way in a notebook: a slider over the layers, and `draw_maps` below it."""

    def draw(layer: int) -> None:
        draw_maps(maps, layer)
        plt.show()

    widgets.interact(draw, layer=widgets.IntSlider(0, 0, len(maps) - 1, description="Layer"))


def in_python(explorer: FeatureMapExplorer, maps: Mapping[str, Tensor]) -> Table:
    """How long it takes to draw and encode the picture of each layer but the first.

    Args:
        explorer: of a network, its slider at the first layer.
        maps: of the same network, as `layer_maps` gives them.
    """
    slider = explorer.controls["layer"]

    def explore(layer: int) -> None:
        slider.value = layer

    def draw(layer: int) -> None:
        draw_maps(maps, layer)
        print_figure(plt.gcf(), base64=True)  # what a notebook does with a cell's figures
        plt.close()

    backend = plt.get_backend()
    plt.switch_backend("agg")  # others would open windows
    try:
        draw(0)  # the first picture finds fonts; the explorer has drawn its own
        layers = range(1, len(maps))
        with Progress(2 * len(layers), "drawing layers", "pictures") as progress:
            times = {
                "explorer": _milliseconds(explore, layers, progress),
                "interact": _milliseconds(draw, layers, progress),
            }
    finally:
        plt.switch_backend(backend)
    rows = [(NAMES[way], len(each), *_summary(each)) for way, each in times.items()]
    return Table(
        ["a layer's picture, drawn and encoded in Python", "pictures", "median", "95th percentile"],
        rows,
    )


def in_browser() -> Table:
    """How long it takes in JupyterLab from a key press to the new picture, and what a drag shows.

    The table says why, where it cannot be measured.
    """
    title = "from key press to new picture in JupyterLab"
    header = ["median", "95th percentile", "pictures per s, key held", "of the layers passed"]
    if not BROWSER_SCRIPT.exists():
        return Table([title], [["not measured: the tests are not beside the package"]])
    times: dict[str, list[float]] = {way: [] for way in NAMES}
    held: dict[str, list[str]] = {}
    try:
        for measured in _run(BROWSER_SCRIPT):
            if "milliseconds" in measured:
                times[measured["way"]].append(measured["milliseconds"])
            else:
                share = measured["pictures"] / measured["layers"]
                rate = measured["pictures"] / measured["seconds"]
                held[measured["way"]] = [f"{rate:.1f}", f"{share:.0%}"]
    except _ScriptFailed as failure:
        return Table([title], [[f"not measured: {failure}"]])
    rows = [[NAMES[way], *_summary(times[way]), *held[way]] for way in NAMES]
    return Table([title, *header], rows)


def _milliseconds(
    change: Callable[[int], None], layers: Iterable[int], progress: Progress
) -> list[float]:
    times = []
    for layer in layers:
        start = time.perf_counter()
        change(layer)
        times.append(1000 * (time.perf_counter() - start))
        progress.update()
    return times


def _summary(times: Sequence[float]) -> list[str]:
    return [f"{value:.0f} ms" for value in np.percentile(times, [50, 95])]


class _ScriptFailed(Exception):
    """A script ended with an error; the message is the last line that it wrote about it."""


def _run(script: Path) -> Iterator[dict[str, Any]]:
    """What a script prints: first how many lines of JSON will follow, then these."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as errors:
        command = [sys.executable, str(script)]
        with (
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
            Progress(None, "pressing keys in a browser", "measurements") as progress,
        ):
            for line in process.stdout:
                measured = json.loads(line)
                if isinstance(measured, int):
                    progress.total = measured
                    continue
                progress.update()
                yield measured
        if process.returncode:
            errors.seek(0)
            lines = errors.read().strip().splitlines() or ["it ended without a reason"]
            raise _ScriptFailed(lines[-1])
