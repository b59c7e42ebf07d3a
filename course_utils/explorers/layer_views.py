"""A network's look at one picture, and every scene in it."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor, nn

from course_utils.activations import Layer
from course_utils.explorers.answers import Answers, answers
from course_utils.explorers.cells import CellSum, cell_sum
from course_utils.explorers.feature_map_picture import map_side
from course_utils.explorers.feature_map_scene import Scene
from course_utils.explorers.feature_map_words import cautions
from course_utils.explorers.layer_maps import State, look, output_without
from course_utils.explorers.layer_words import what_it_does
from course_utils.explorers.mosaics import Summary, summarize
from course_utils.explorers.network_inputs import as_picture


class LayerView:
    """A network's look at a picture: the scenes among which the sliders choose.

    Args:
        model: the network.
        inputs: what it is given, a batch of one.
        picture: what that was made from, uint8 RGB [H, W, 3].
        classes: names of the network's outputs, or None.
        layers: as for `look`.

    Attributes:
        look: what the network computed.
        state: of the network at that time.

    Raises:
        ModelError: the network cannot be run on one tensor.
    """

    def __init__(
        self,
        model: nn.Module,
        inputs: Tensor,
        picture: np.ndarray,
        classes: Sequence[str] | None,
        layers: Sequence[Layer] | None,
    ) -> None:
        self.look = look(model, inputs, layers)
        self.state = State(model)
        self._model, self._classes = model, classes
        self._picture = as_picture(inputs, picture)
        self._answers = answers(self.look.output, classes)
        self._without: dict[tuple[str, int], Answers] = {}
        self._summaries: dict[int, Summary] = {}
        self._last: tuple[Any, Scene | None] = (None, None)

    def shape(self, layer: int) -> tuple[int, int, int]:
        """How many channels, rows and columns of a layer's output there are to choose from."""
        maps = self.look.maps(layer)
        return (1, 1, 1) if maps is None else tuple(maps.shape)

    def strongest_cell(self, layer: int) -> tuple[int, int]:
        """Row and column of the cell farthest from 0 in a layer's strongest map."""
        maps = self.look.maps(layer)
        if maps is None:
            return 0, 0
        strongest = self._summary(layer, maps).ranked("strength")[0]
        sizes = maps[strongest].nan_to_num(0, 0, 0).abs()
        return divmod(int(sizes.argmax()), sizes.shape[1])

    def scene(self, **values: Any) -> Scene:
        """What is to be drawn and said for these values of the controls.

        Raises:
            ExplorerError: a number worked out by hand is not the layer's.
        """
        if self._last[0] != values:
            self._last = values, self._scene(**values)
        return self._last[1]

    def _scene(
        self,
        *,
        layer: int,
        channel: int,
        order: str,
        switched_off: bool,
        row: int,
        column: int,
        **_: Any,
    ) -> Scene:
        named = self.look.layers[layer]
        maps = self.look.maps(layer)
        parts: dict[str, Any] = {}
        ranking = np.zeros(1, int)
        if maps is not None:
            summary = self._summary(layer, maps)
            ranking = summary.ranked(order)
            chosen = int(ranking[channel])
            value = maps[chosen, row, column].item()
            parts = {
                "summary": summary,
                "value": value,
                "cell_sum": self._cell_sum(named.name, chosen, row, column, value),
                "window": self._window(named, row, column),
                "after": self._answers_without(named.name, chosen) if switched_off else None,
            }
        return Scene(
            place=layer,
            layers=len(self.look.layers),
            layer=named,
            does=what_it_does(self._model.get_submodule(named.name)),
            cautions=cautions(self.look.activations.get(named.name), self.look.calls[named.name]),
            maps=maps,
            order=order,
            ranking=ranking,
            rank=channel,
            cell=(row, column),
            inputs=self._picture,
            before=self._answers,
            **parts,
        )

    def _summary(self, layer: int, maps: Tensor) -> Summary:
        if layer not in self._summaries:
            self._summaries[layer] = summarize(maps, map_side(len(maps)))
        return self._summaries[layer]

    def _cell_sum(
        self, name: str, channel: int, row: int, column: int, value: float
    ) -> CellSum | None:
        convolution = self.look.convolutions.get(name)
        if convolution is None or not math.isfinite(value):
            return None
        return cell_sum(convolution, channel, row, column, value)

    def _window(self, layer: Layer, row: int, column: int) -> tuple[int, int, int, int] | None:
        """The pixels on which a cell depends, as far as they lie on the picture."""
        if layer.receptive_field is None or self.look.inputs.ndim != 4:
            return None
        height, width = self._picture.shape[:2]
        top, left, bottom, right = layer.receptive_field.window(row, column)
        clipped = max(top, 0), max(left, 0), min(bottom, height), min(right, width)
        return clipped if clipped[0] < clipped[2] and clipped[1] < clipped[3] else None

    def _answers_without(self, name: str, channel: int) -> Answers:
        if (name, channel) not in self._without:
            output = output_without(self._model, self.look, name, channel)
            self._without[name, channel] = answers(output, self._classes)
        return self._without[name, channel]
