"""Pictures as a network sees them, and what it says of them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from course_utils.attribution import METHODS, explain
from course_utils.explanation_figures import pixels_of
from course_utils.explorers.base import ExplorerError
from course_utils.explorers.layer_maps import State
from course_utils.explorers.own_pictures import summarized
from course_utils.explorers.uploads import free_name
from course_utils.models import evaluating
from course_utils.pictures import PictureError, read_picture, shrink, to_rgb
from course_utils.wording import in_short

LONGEST = 1024  # pixels of a side that a network is given; larger pictures are made smaller
SLIMMEST = 16  # times as long as wide: resizing a strip's short side would fill the memory
LIKELIEST = 5  # classes to choose from


class Seen(NamedTuple):
    """A picture as a network sees it, and what the network says.

    Attributes:
        inputs: float [1, C, H, W], on the network's device.
        pixels: the same as a picture, uint8 RGB [H, W, 3].
        blank: what zeros look like there, uint8 RGB [H, W, 3].
        probabilities: float [classes].
    """

    inputs: Tensor
    pixels: np.ndarray
    blank: np.ndarray
    probabilities: np.ndarray

    @property
    def likeliest(self) -> list[int]:
        """Up to five classes, the likeliest first."""
        return np.argsort(-self.probabilities, kind="stable")[:LIKELIEST].tolist()


class Gallery:
    """Pictures by name, and a network that says what they show.

    Args:
        network: from float [N, C, h, w] to logits [N, classes].
        images: name -> uint8 RGB [H, W, 3] or gray [H, W]; at least one.
        prepare: makes the network's input float [1, C, h, w] from a picture uint8 [1, 3, H, W].
        classes: the names of the classes.

    Raises:
        ValueError: one sentence that says which input is not as described.

    Attributes:
        network, classes: as given.
        pictures: name -> the picture as the network sees it.
    """

    def __init__(
        self,
        network: nn.Module,
        images: Mapping[str, Any],
        prepare: Callable[[Tensor], Tensor],
        classes: Sequence[str],
    ) -> None:
        if not isinstance(network, nn.Module):
            raise ValueError(f"Give the network as an nn.Module, not {type(network).__name__}.")
        if not isinstance(images, Mapping) or not images:
            raise ValueError("images must name at least one picture, as in {'cat': array}.")
        self.network, self.classes, self._prepare = network, tuple(classes), prepare
        self.pictures: dict[str, Seen] = {}
        for name, image in images.items():
            try:
                self.pictures[str(name)] = self._look_at(image)
            except ValueError as problem:
                raise ValueError(f"The picture {name!r} cannot be used: {problem}") from problem
        self._state = State(network)

    def __getitem__(self, name: str) -> Seen:
        if name not in self.pictures:
            known = ", ".join(self.pictures)
            raise ExplorerError(f"There is no picture {name!r}: choose one of {known}.")
        return self.pictures[name]

    def add(self, files: Sequence[tuple[str, bytes]]) -> tuple[str, tuple[str, ...]]:
        """Add the pictures of some files; bad files are left out.

        Args:
            files: name and bytes of each, at least one.

        Returns:
            The name of the last picture, the file's if it was free, and a sentence for each bad
            file.

        Raises:
            ExplorerError: none can be used.
        """
        problems, added = [], []
        for file_name, content in files:
            try:
                seen = self._look_at(read_picture(content, file_name))
            except ValueError as problem:
                problems.append(str(problem))
            else:
                added.append(free_name(file_name, self.pictures))
                self.pictures[added[-1]] = seen
        notes = summarized(problems)
        if not added:
            raise ExplorerError(" ".join(notes))
        return added[-1], notes

    def is_current(self) -> bool:
        """Whether the network is as it was when it was asked about the pictures."""
        return self._state.is_current()

    def ask_again(self) -> None:
        """Ask the network about all pictures, as after it was trained on.

        Raises:
            ExplorerError: it has no answer now; the former answers stay.
        """
        state, pictures = State(self.network), {}
        for name, seen in self.pictures.items():
            inputs = self._to_network(seen.inputs)
            probabilities = self._ask(self.network, inputs)
            pictures[name] = seen._replace(inputs=inputs, probabilities=probabilities)
        self.pictures, self._state = pictures, state

    def likeliest(self, network: nn.Module, inputs: Tensor) -> tuple[str, float]:
        """The class that a network finds likeliest for one input, and its probability."""
        probabilities = self._ask(network, inputs)
        return self.classes[probabilities.argmax()], float(probabilities.max())

    def explain(
        self, network: nn.Module, method: str, inputs: Tensor, target: int, **options: Any
    ) -> np.ndarray:
        """The explanation of one input, float [H, W], as `attribution.explain` gives it.

        Raises:
            ExplorerError: the method cannot explain this network.
        """
        name = METHODS[method].name
        try:
            values = explain(method, network, inputs, target, **options)[0].numpy()
        except ValueError as problem:
            raise ExplorerError(f"{name} cannot explain this network. {problem}") from problem
        if not np.isfinite(values).all():
            raise ExplorerError(f"{name} gives NaN or infinity for this network.")
        return values

    def _look_at(self, picture: Any) -> Seen:
        small = shrink(picture, LONGEST)
        height, width = picture.shape[:2]
        if max(height, width) > SLIMMEST * min(height, width):
            raise PictureError(
                f"The picture has {height} × {width} pixels, too long and thin: cut out a part "
                "that is nearer to a square."
            )
        image = torch.from_numpy(to_rgb(small)).permute(2, 0, 1)[None]
        try:
            inputs = self._prepare(image)
            zeros = torch.zeros_like(inputs[0])
            both = pixels_of(torch.cat([inputs[0], zeros], dim=2))  # side by side: on one scale
        except Exception as problem:
            raise ExplorerError(
                f"prepare makes no input [1, C, H, W] of this picture ({in_short(problem)})."
            ) from problem
        pixels, blank = np.split(both, 2, axis=1)
        inputs = self._to_network(inputs)
        return Seen(inputs, pixels, blank, self._ask(self.network, inputs))

    def _to_network(self, inputs: Tensor) -> Tensor:
        return inputs.to(next(self.network.parameters(), inputs).device)

    def _ask(self, network: nn.Module, inputs: Tensor) -> np.ndarray:
        """What a network says of one input: probabilities, float [classes]."""
        try:
            with torch.no_grad(), evaluating(network):
                logits = network(inputs)
        except Exception as problem:
            raise ExplorerError(
                f"The network cannot take the input {list(inputs.shape)} that prepare made "
                f"({in_short(problem)})."
            ) from problem
        found = list(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        if found != [1, len(self.classes)]:
            raise ExplorerError(
                f"The network must answer with logits [1, {len(self.classes)}], one for each "
                f"of the classes, not {found}."
            )
        probabilities = logits.softmax(dim=1)[0].cpu().double().numpy()
        if not np.isfinite(probabilities).all():
            raise ExplorerError(
                "The network answers with NaN or infinity: was its training stable?"
            )
        return probabilities
