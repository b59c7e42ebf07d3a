"""A still look into a network: the strongest feature maps of some layers."""

from collections.abc import Callable, Sequence

import matplotlib as mpl
import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from course_utils.activations import Layer, LayerActivations, list_layers
from course_utils.environment import device_of
from course_utils.figures import SIGNED, subplots
from course_utils.models import evaluating
from course_utils.pictures import shrink, to_rgb

LONGEST = 1024  # pixels of a picture's side; larger ones are made smaller
ROWS = 6  # layers that are shown if none are named
TILE, GAP = 112, 4  # pixels of a map and between two
DEAD = 1e-9  # the largest number of a map that is 0 but for rounding


def contact_sheet(
    model: nn.Module,
    image: np.ndarray,
    prepare: Callable[[Tensor], Tensor],
    *,
    layers: Sequence[str] | None = None,
    channels: int = 8,
) -> Figure:
    """The feature maps of some layers for one picture, a row for each layer.

    A row holds the channels of the largest mean absolute value, the strongest first, each on its
    own scale: black is 0, or white where a layer has negative numbers, which are blue.

    Args:
        model: any network; it runs in evaluation mode and is left as it was.
        image: picture uint8 RGB [H, W, 3] or gray [H, W].
        prepare: makes the network's input from a picture uint8 [1, 3, H, W].
        layers: their names; by default `ROWS` convolution layers, evenly spread, or `ROWS` of all
            layers with feature maps in a network without convolution layers.
        channels: maps in a row, at most.

    Raises:
        ModelError: the network cannot be run on the prepared picture.
        ValueError: `image` is no picture, `layers` is no list of names or empty, or a layer does
            not exist or gives no feature maps.
    """
    # A text LayerActivations refuses, and says how to write it.
    if not isinstance(layers, Sequence | None) or layers in ([], ()):
        raise ValueError("The layers are a list of names: give at least one.")
    picture = to_rgb(shrink(image, LONGEST))
    inputs = prepare(torch.from_numpy(picture).permute(2, 0, 1)[None]).to(device_of(model))
    listed = list_layers(model, inputs)
    names = [layer.name for layer in _spread(model, listed)] if layers is None else layers
    with (
        torch.inference_mode(False),
        torch.no_grad(),
        evaluating(model),
        LayerActivations(model, names) as activations,
    ):
        model(inputs.clone())
    for name in names:
        _require_maps(activations, name)

    figure, axes = subplots(len(names), figsize=(9, 1.42 * len(names)), squeeze=False)
    for axis, name in zip(axes[:, 0], names, strict=True):
        maps = activations[name][0].float().cpu()
        strongest = maps.abs().mean(dim=(1, 2)).argsort(descending=True, stable=True)[:channels]
        row = _row(maps[strongest].numpy(), signed=bool(maps.min() < -DEAD), columns=channels)
        axis.imshow(row, interpolation="nearest")
        axis.axis("off")
        count, height, width = maps.shape
        kind = type(model.get_submodule(name)).__name__
        title = f"{name} ({kind}): {len(strongest)} of {count} maps, {height} × {width}"
        axis.set_title(title, fontsize=10, loc="left")
    figure.set_label(
        f"The strongest feature maps of {len(names)} layers, a row each: {', '.join(names)}."
    )
    return figure


def _spread(model: nn.Module, layers: Sequence[Layer]) -> list[Layer]:
    """Some layers with feature maps of more than one cell, from the first to the last."""
    modules = dict(model.named_modules())
    maps = [layer for layer in layers if layer.is_map and max(layer.shape[1:]) > 1]
    if not maps:
        raise ValueError("No layer of this network gives feature maps.")
    maps = [layer for layer in maps if isinstance(modules[layer.name], nn.Conv2d)] or maps
    places = np.linspace(0, len(maps) - 1, min(ROWS, len(maps))).round().astype(int)
    return [maps[place] for place in places]


def _require_maps(activations: LayerActivations, name: str) -> None:
    if name in activations and activations[name].ndim == 4:
        return
    if name in activations:
        reason = f"its output has the shape {list(activations[name].shape)}"
    else:
        reason = f"it {activations.reasons.get(name, 'does not run in this network')}"
    raise ValueError(f"The layer {name!r} has no feature maps: {reason}.")


def _row(maps: np.ndarray, *, signed: bool, columns: int) -> np.ndarray:
    """Maps [N, H, W] side by side, RGB in 0..1; empty places are white."""
    height, width = maps.shape[1:]
    zoom = max(round(TILE / max(height, width)), 1)
    row = np.ones((zoom * height, columns * (zoom * width + GAP), 3))
    for place, values in enumerate(maps):
        largest = np.abs(values).max()
        share = values / (largest if largest > DEAD else 1)
        colors = SIGNED((1 + share) / 2) if signed else mpl.colormaps["gray"](share)
        left = place * (zoom * width + GAP)
        tile = colors[..., :3].repeat(zoom, axis=0).repeat(zoom, axis=1)
        row[:, left : left + zoom * width] = tile
    return row
