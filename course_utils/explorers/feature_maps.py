"""Explorer of feature maps: what each layer of a network makes of a picture, down to one number."""

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import numpy as np
from torch import nn

from course_utils.activations import ModelError
from course_utils.explorers.base import Explorer, ExplorerError
from course_utils.explorers.feature_map_picture import draw_scene
from course_utils.explorers.feature_map_words import status
from course_utils.explorers.layer_views import LayerView
from course_utils.explorers.mosaics import ORDERS
from course_utils.explorers.network_inputs import (
    Prepare,
    network_input,
    network_picture,
    network_pictures,
)
from course_utils.explorers.own_pictures import summarized
from course_utils.explorers.uploads import free_name, named_files, take_uploads, upload_button
from course_utils.explorers.windows import slider
from course_utils.pictures import read_picture, read_picture_file, short_name

File = tuple[str, Callable[[], np.ndarray]]  # its name, and what reads it or raises PictureError


class FeatureMapExplorer(Explorer):
    """Look into a network: the feature maps of every layer, and how one of their numbers arises.

    All layers' outputs are kept when a picture is chosen; the sliders only draw them. The network
    runs in evaluation mode and is left as it was. If its weights are changed, the next move of a
    control shows what it computes then.

    Args:
        model: any network whose `forward` takes one tensor.
        images: name -> picture uint8 RGB [H, W, 3] or gray [H, W].
        prepare: makes the network's input from a picture uint8 [1, 3, H, W], as
            `course_utils.pretrained.Backbone.prepare` and `network_inputs.gray_input` do.
        classes: names of the network's outputs; without them, "class 0" and so on.

    Raises:
        ModelError: the network cannot be run on one prepared picture, or has no layers.
        ValueError: there is no picture, one of them is none, or `prepare` fails.
    """

    title = "Explorer of feature maps"

    def __init__(
        self,
        model: nn.Module,
        images: Mapping[str, np.ndarray],
        prepare: Prepare,
        *,
        classes: Sequence[str] | None = None,
    ) -> None:
        self._model, self._prepare, self._classes = model, prepare, classes
        self._pictures = network_pictures(images)
        self._shown = next(iter(self._pictures))
        self._view = self._first_view()
        self._files: list[File] | None = None  # that a method adds
        self._notes: tuple[str, ...] = ()
        layers = self._view.look.layers
        layer = next((place for place, each in enumerate(layers) if each.is_map), 0)
        channels, rows, columns = self._view.shape(layer)
        row, column = self._view.strongest_cell(layer)
        self._place = {"row": 0.0, "column": 0.0}  # of the cell, as shares of the map's sides
        super().__init__(
            {
                "picture": widgets.Dropdown(options=list(self._pictures), description="Picture"),
                "upload": upload_button("Your pictures, 10 MB in all", multiple=True),
                "layer": slider(0, len(layers) - 1, layer, "Layer"),
                "channel": slider(0, channels - 1, 0, "Channel"),
                "order": widgets.Dropdown(options=ORDERS, value="strength", description="Order"),
                "switched_off": widgets.Checkbox(description="Switch this channel off"),
                "row": slider(0, rows - 1, row, "Row"),
                "column": slider(0, columns - 1, column, "Column"),
            }
        )

    def add(self, files: Mapping[str, bytes]) -> str:
        """Add pictures, as those that Colab's `files.upload()` gives, and show the last one.

        Args:
            files: file name -> the file's bytes.

        Returns:
            What the status line says: what is shown, or why nothing was added.
        """
        try:
            return self._added([_named(*file) for file in named_files(files)])
        except ValueError as problem:
            self._show_error(str(problem))
            return self.status

    def add_path(self, path: str | os.PathLike[str]) -> str:
        """Add the picture in a file and show it; gives what the status line says."""
        try:
            path = Path(path)
        except TypeError:
            self._show_error(f"Give the path of a picture's file, not {type(path).__name__}.")
            return self.status
        return self._added([(short_name(path.name), partial(read_picture_file, path))])

    def choose(self, **values: Any) -> None:
        """Set several controls and draw once; a cell may lie on the map that they lead to."""
        with self._holding():
            for name in values.keys() & {"layer", "channel", "row", "column"}:
                self.controls[name].max = max(self.controls[name].max, values[name])
        super().choose(**values)

    def adjust(self, changed: set[str]) -> None:
        """Look at a new picture; let the sliders reach as far as the layer's maps."""
        self._notes = ()
        if "upload" in changed:
            self._take_files()
        picture = self.controls["picture"]
        if picture.value != self._shown or not self._view.state.is_current():
            name, picture.value = picture.value, self._shown
            self._view = self._next_view(name, self._pictures[name])
            self._shown = picture.value = name
        self._set_ranges(changed)

    def render(self, **values: Any) -> np.ndarray:
        """The layer's maps, the chosen one, where its cell looks, how its number arises."""
        return draw_scene(self._view.scene(**values))

    def describe(self, **values: Any) -> str:
        """What is shown, the cell's number by hand and by PyTorch, the network's answers."""
        return " ".join([*self._notes, *status(self._view.scene(**values))])

    def _added(self, files: list[File]) -> str:
        self._files = files
        self._on_change({"upload"})
        return self.status

    def _take_files(self) -> None:
        """Add what a method or the button brings, and choose the last; bad files become notes."""
        files, self._files = self._files, None
        if files is None:
            files = [_named(*file) for file in take_uploads(self.controls["upload"])]
        if not files:
            raise ExplorerError("No file was chosen.")
        problems, added = [], []
        for name, read in files:
            try:
                picture = network_picture(read())
                self._view = self._next_view(name, picture)
            except ValueError as problem:
                problems.append(str(problem))
            else:
                added.append(free_name(name, self._pictures))
                self._pictures[added[-1]] = picture
        notes = summarized(problems)
        if not added:
            raise ExplorerError(" ".join(notes))
        self._notes, self._shown = notes, added[-1]
        self.controls["picture"].options = list(self._pictures)
        self.controls["picture"].value = self._shown

    def _first_view(self) -> LayerView:
        try:
            return self._looked(self._pictures[self._shown], None)
        except ModelError:
            raise
        except ValueError as problem:
            raise ValueError(f"The picture {self._shown!r} cannot be used: {problem}") from problem

    def _next_view(self, name: str, picture: np.ndarray) -> LayerView:
        try:
            return self._looked(picture, self._view)
        except ValueError as problem:
            raise ExplorerError(f"{name} cannot be shown: {problem}") from problem

    def _looked(self, picture: np.ndarray, before: LayerView | None) -> LayerView:
        """The network's look at a picture; layers are listed anew only where they may differ."""
        inputs = network_input(self._model, self._prepare, picture)
        layers = None
        if before and before.look.inputs.shape == inputs.shape:
            layers = before.look.layers if before.state.is_current() else None
        return LayerView(self._model, inputs, picture, self._classes, layers)

    def _set_ranges(self, changed: set[str]) -> None:
        """Let the sliders reach as far as there are layers, channels and cells.

        On another layer the cell stays at its place in the picture.
        """
        layer = self.controls["layer"]
        layer.max = len(self._view.look.layers) - 1
        shape = self._view.shape(layer.value)
        for name, count in zip(("channel", "row", "column"), shape, strict=True):
            control = self.controls[name]
            control.max, control.disabled = count - 1, count == 1
            if name in changed and name in self._place:
                self._place[name] = (control.value + 0.5) / count
            elif name in self._place:
                control.value = int(self._place[name] * count)


def _named(name: str, content: bytes) -> File:
    return short_name(name), partial(read_picture, content, name)
