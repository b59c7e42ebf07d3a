"""Where the nodes, edges and loops of a small graph stand on a canvas, and where texts fit."""

import math
from typing import NamedTuple

import numpy as np
from torch import Tensor

from course_utils.explorers.drawing import TEXT, Canvas, text_width
from course_utils.explorers.lines import Place
from course_utils.explorers.shapes import draw_arrow, draw_head, draw_lines, draw_ring

EDGE_COLOR = "#8C8C8C"
SMALL = 11
LOOP = 0.75  # the radius of a self-loop, as a share of that of its node
WIDEST_LOOP = 2  # a wider line would fill it
RING = 3.5  # how far the frame of a marked node reaches
SIDES = 16  # directions in which a loop or a text may stand
CLEAR = 26  # from this distance to all else on, places are equally good
OUTWARD, BEYOND = 5, 1000  # what it counts to point away from the middle, to leave the box


class Box(NamedTuple):
    """A rectangle on the canvas, in screen pixels."""

    x: float
    y: float
    width: float
    height: float


class EdgeStyle(NamedTuple):
    """How one edge is drawn.

    Attributes:
        color: of its line.
        width: of its line, in screen pixels.
        arrow: whether it ends in an arrow at its target; None: where the other direction is
            missing.
        label: a short text on it, as "0.41"; "" for none.
    """

    color: str = EDGE_COLOR
    width: float = 1.2
    arrow: bool | None = None
    label: str = ""


class Scene:
    """A graph on its way to a canvas.

    Args:
        box: outside of it stands no text and no loop, if it can be helped.
        places: of the nodes, in screen pixels, [N, 2].
        edge_index: int64 [2, E].
        radius: of a node.
    """

    def __init__(self, box: Box, places: np.ndarray, edge_index: Tensor, radius: float) -> None:
        self.places, self._box, self._radius = places, box, radius
        pairs = np.unique(np.sort(edge_index.numpy(), axis=0), axis=1)  # each edge once
        self._segments = places[pairs[:, pairs[0] != pairs[1]]]  # [2, E, 2]
        self._taken: list[np.ndarray] = []  # places of loops and texts
        self._loop_angles: dict[int, float] = {}
        for node in pairs[0, pairs[0] == pairs[1]].tolist():
            self._loop_angles[node] = self._free_angle(node, np.full(2, LOOP * radius))
            self._taken.append(self._loop_center(node))

    def line(self, source: int, target: int) -> list[Place]:
        """From the middle of one node to that of another."""
        return [tuple(self.places[source]), tuple(self.places[target])]

    def draw_edge(self, canvas: Canvas, source: int, target: int, style: EdgeStyle) -> None:
        """A line, an arrow or a loop."""
        if source == target:
            self._draw_loop(canvas, source, style)
        elif style.arrow:
            start, end = self.line(source, target)
            length = math.dist(start, end)
            beyond = min((self._radius + RING + 1) / length, 1) if length else 0
            tip = tuple(self.places[target] + beyond * (self.places[source] - end))
            draw_arrow(canvas, start, tip, style.color, style.width)
        else:
            draw_lines(canvas, [self.line(source, target)], style.color, style.width)

    def draw_label(self, canvas: Canvas, source: int, target: int, style: EdgeStyle) -> None:
        """The label of an edge: on its middle, or beyond its loop."""
        width = text_width(style.label, SMALL)
        x, y = self.places[[source, target]].mean(axis=0)
        if source == target:
            way = _direction(self._loop_angles[source])
            away = self._radius * LOOP + 2 + abs(way[0]) * width / 2 + abs(way[1]) * SMALL / 2
            x, y = self._loop_center(source) + away * way
        _write(canvas, x, y, style.label)

    def draw_beside(self, canvas: Canvas, node: int, text: str) -> None:
        """A text where there is room for it around a node."""
        half = np.array([text_width(text, SMALL), SMALL]) / 2
        place = self._around(node, self._free_angle(node, half), half)
        self._taken.append(place)
        _write(canvas, *place, text)

    def _draw_loop(self, canvas: Canvas, node: int, style: EdgeStyle) -> None:
        center, loop = self._loop_center(node), self._radius * LOOP
        width = min(style.width, WIDEST_LOOP)
        draw_ring(canvas, tuple(center), loop, style.color, width)
        if style.arrow:
            # Where the loop meets the circle of the frame around its node.
            far, near = math.dist(center, self.places[node]), self._radius + RING + 1
            along = (far**2 + near**2 - loop**2) / (2 * far)
            across = math.sqrt(max(near**2 - along**2, 0))
            way = _direction(self._loop_angles[node])
            tip = self.places[node] + along * way + across * np.array([-way[1], way[0]])
            out = tip - center
            draw_head(canvas, tuple(tip), math.atan2(out[0], -out[1]), style.color, width)

    def _loop_center(self, node: int) -> np.ndarray:
        away = self._radius * (1 + 0.5 * LOOP)
        return self.places[node] + away * _direction(self._loop_angles[node])

    def _around(self, node: int, angle: float, half: np.ndarray) -> np.ndarray:
        """The middle of what reaches `half` to each side, close to a node and its frame."""
        way, away = _direction(angle), self._radius + RING
        while math.hypot(*(np.abs(away * way) - half).clip(0)) < self._radius + RING + 2:
            away += 1
        return self.places[node] + away * way

    def _free_angle(self, node: int, half: np.ndarray) -> float:
        """The direction from a node in which there is most room; away from the middle at best."""
        outward = self.places[node] - self.places.mean(axis=0)
        first = math.atan2(*outward[::-1]) if np.abs(outward).max() > 1 else -math.pi / 2
        turns = 2 * np.pi * np.arange(SIDES) / SIDES
        middles = np.array([self._around(node, first + turn, half) for turn in turns])
        parts = middles[:, None] + half * np.array([[-1, 0], [0, 0], [1, 0]])  # [SIDES, 3, 2]
        room = self._clearance(node, parts.reshape(-1, 2)).reshape(SIDES, 3).min(axis=1)
        low = np.array(self._box[:2])
        outside = (middles - half < low) | (middles + half > low + self._box[2:])
        room = room.clip(max=CLEAR) + OUTWARD * np.cos(turns) - BEYOND * outside.any(axis=1)
        return first + turns[room.round(6).argmax()]

    def _clearance(self, node: int, points: np.ndarray) -> np.ndarray:
        """How far points [P, 2] are from all edges, other nodes, loops and texts, [P]."""
        free = np.full(len(points), math.inf)
        things = [(place, self._radius) for place in np.delete(self.places, node, axis=0)]
        things += [(place, LOOP * self._radius) for place in self._taken]
        for place, reach in things:
            free = np.minimum(free, np.hypot(*(points - place).T) - reach)
        starts, ends = self._segments
        ways = ends - starts  # [E, 2]
        along = ((points[:, None] - starts) * ways).sum(axis=2)  # [P, E]
        shares = (along / np.maximum((ways**2).sum(axis=1), 1e-9)).clip(0, 1)
        gaps = points[:, None] - starts - shares[..., None] * ways
        return np.hypot(*gaps.transpose(2, 0, 1)).min(axis=1, initial=math.inf).clip(max=free)


def _write(canvas: Canvas, x: float, y: float, text: str) -> None:
    """A text that can be read even where it lies on a line."""
    width = text_width(text, SMALL) + 2
    canvas.rectangle(x - width / 2, y - 6.5, width, 13, "white")
    canvas.figure(x, y, text, SMALL, TEXT)


def _direction(angle: float) -> np.ndarray:
    return np.array([math.cos(angle), math.sin(angle)])
