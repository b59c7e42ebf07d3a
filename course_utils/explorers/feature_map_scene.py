"""What there is to draw and to say for one state of the explorer of feature maps."""

import math
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from course_utils.activations import Layer
from course_utils.explorers.answers import Answers
from course_utils.explorers.cells import CellSum
from course_utils.explorers.mosaics import Summary


@dataclass(frozen=True, eq=False)
class Scene:
    """A layer, one of its channels and one of its cells.

    Attributes:
        place, layers: the layer's place among all layers, and how many there are.
        layer: the layer.
        does: one sentence on what it computes.
        cautions: sentences without which its output would be misunderstood.
        maps: its output, float32 [C, H, W]; a vector is [C, 1, 1]; None if it is neither.
        summary: of these maps.
        order: "index", "strength" or "variance".
        ranking: the channels in this order.
        rank: the place of the chosen channel in this order.
        cell: row and column of the chosen cell.
        value: what the network computed there, possibly NaN.
        cell_sum: how a convolution came to it; None if that cannot be shown.
        inputs: what the network sees, uint8 RGB [H, W, 3].
        window: top, left, bottom, right of the input's pixels on which the cell depends; None if
            unknown.
        before: the network's answers.
        after: its answers with the channel switched off, if it is.
    """

    place: int
    layers: int
    layer: Layer
    does: str
    cautions: list[str]
    maps: Tensor | None
    order: str
    ranking: np.ndarray
    rank: int
    cell: tuple[int, int]
    inputs: np.ndarray
    before: Answers
    summary: Summary | None = None
    value: float = math.nan
    cell_sum: CellSum | None = None
    window: tuple[int, int, int, int] | None = None
    after: Answers | None = None

    @property
    def channel(self) -> int:
        """The chosen channel's index in the layer's output."""
        return int(self.ranking[self.rank])

    @property
    def is_vector(self) -> bool:
        """Whether the layer gives single numbers instead of maps."""
        return not self.layer.is_map

    @property
    def chosen(self) -> np.ndarray:
        """The chosen map [H, W]; what is not finite is 0."""
        return self.maps[self.channel].nan_to_num(0, 0, 0).numpy()

    @property
    def named(self) -> str:
        """What the chosen channel is called."""
        return f"{'number' if self.is_vector else 'channel'} {self.channel}"
