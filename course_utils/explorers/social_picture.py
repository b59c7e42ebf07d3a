"""The picture of the explorer of a social network: the members, and what is said of one."""

from typing import NamedTuple

import numpy as np
from torch import Tensor

from course_utils.explorers.drawing import FAINT, TEXT, Canvas, percent, text_width
from course_utils.explorers.maps import LINES, MARK, NEGATIVE, POSITIVE, shades
from course_utils.explorers.node_drawing import centers, draw_graph, value_colors
from course_utils.explorers.node_scene import Box, EdgeStyle
from course_utils.explorers.shapes import draw_lines, draw_ring
from course_utils.explorers.texts import wrap

SIDE_COLORS = (NEGATIVE, POSITIVE)
WIDTH, HEIGHT = 880, 480
RADIUS, ROOM = 13, 16
NETWORK = Box(0, 0, 620, 440)
LEGEND = 462
PANEL = 648
PANEL_WIDTH = WIDTH - PANEL
MEMBER, PAIR = 200, 376  # where the parts of the panel begin
LINE = 18
DASH = 6


class Scene(NamedTuple):
    """All that is drawn.

    Attributes:
        edge_index: the friendships as they are, int64 [2, E], each both ways.
        positions: of the members, float [N, 2], x to the right and y down, both in 0..1.
        labels: the true side of each member, 0 or 1, [N].
        groups: the names of the two sides.
        known: the two members whose side the network was told.
        pair: the chosen member, and another.
        second: the probability of the second side for each member, [N].
        unreached: members from whom no path leads to a known one.
        added, removed: how many friendships were.
    """

    edge_index: Tensor
    positions: np.ndarray
    labels: np.ndarray
    groups: tuple[str, str]
    known: tuple[int, int]
    pair: tuple[int, int]
    second: np.ndarray
    unreached: list[int]
    added: int
    removed: int

    @property
    def others(self) -> list[int]:
        """The members whose side is predicted."""
        return [node for node in range(len(self.labels)) if node not in self.known]

    @property
    def wrong(self) -> list[int]:
        """Those that are put on the wrong side."""
        return [node for node in self.others if self.said(node) != self.labels[node]]

    @property
    def are_friends(self) -> bool:
        """Whether the pair is joined by an edge."""
        return self.pair[1] in self.friends(self.pair[0])

    def friends(self, member: int) -> list[int]:
        """The friends of a member, in order."""
        source, target = self.edge_index
        return sorted(source[target == member].tolist())

    def said(self, member: int) -> int:
        """The side that the network finds likelier."""
        return int(self.second[member] > 0.5)

    def probability(self, member: int, side: int) -> float:
        """Of a side, for a member."""
        return float(self.second[member] if side else 1 - self.second[member])


def draw_club(scene: Scene) -> np.ndarray:
    """The members with the sides that the network finds, and the panel beside; uint8 RGB."""
    canvas = Canvas(WIDTH, HEIGHT)
    _draw_network(canvas, scene)
    _draw_legend(canvas, scene.groups)
    _draw_accuracy(canvas, scene)
    _draw_member(canvas, scene)
    _draw_pair(canvas, scene)
    return canvas.array()


def _draw_network(canvas: Canvas, scene: Scene) -> None:
    places = centers(scene.positions, NETWORK, RADIUS + ROOM).tolist()
    edges = {scene.pair: EdgeStyle(TEXT, 3.5)} if scene.are_friends else {}
    if not scene.are_friends and scene.pair[0] != scene.pair[1]:
        _draw_dashes(canvas, *(np.array(places[member]) for member in scene.pair))
    beside = ["" for _ in places]
    for member in scene.unreached:
        beside[member] = "?"
    for member in scene.known:
        beside[member] = "known"
    draw_graph(
        canvas,
        NETWORK,
        scene.positions,
        scene.edge_index,
        radius=RADIUS,
        room=ROOM,
        colors=value_colors(2 * scene.second - 1, 1),
        beside=beside,
        marked=scene.pair,
        edges=edges,
        size=11,
    )
    for member in scene.known:
        draw_ring(canvas, places[member], RADIUS - 2.5, "white", 1.5)
    for member in scene.wrong:
        _draw_wrong(canvas, places[member], SIDE_COLORS[scene.labels[member]])


def _draw_wrong(canvas: Canvas, place: list[float], color: str) -> None:
    draw_ring(canvas, place, RADIUS - 1.5, color, 4)
    draw_ring(canvas, place, RADIUS - 4, "white", 1)
    draw_ring(canvas, place, RADIUS + 0.5, TEXT, 1)


def _draw_dashes(canvas: Canvas, start: np.ndarray, end: np.ndarray) -> None:
    """A dashed line, for a friendship that there is not."""
    count = max(int(np.hypot(*(end - start)) / (2 * DASH)), 1)
    ends = start + np.linspace(0, 1, 2 * count)[:, None] * (end - start)
    draw_lines(canvas, ends.reshape(count, 2, 2).tolist(), TEXT, 2)


def _draw_legend(canvas: Canvas, groups: tuple[str, str]) -> None:
    """What the colors and rings mean, in a row."""
    x = 8.0
    canvas.text(x, LEGEND, groups[0], width=130)
    x += min(text_width(groups[0], 12), 130) + 8
    strip = shades(np.linspace(-1, 1, 70)[None], 1, signed=True)
    canvas.outline(x, LEGEND - 5, 70, 10, LINES, 0.5)
    canvas.image(x, LEGEND - 5, np.repeat(strip, 10, axis=0), 1)
    canvas.text(x + 78, LEGEND, groups[1], width=130)
    x += 78 + min(text_width(groups[1], 12), 130) + 24
    draw_ring(canvas, (x + 8, LEGEND), 6.5, MARK, 3)
    draw_ring(canvas, (x + 8, LEGEND), 8.5, TEXT, 0.5)
    canvas.text(x + 24, LEGEND, "member and other")
    x += 24 + text_width("member and other", 12) + 24
    draw_ring(canvas, (x + 8, LEGEND), 6.5, POSITIVE, 3)
    draw_ring(canvas, (x + 28, LEGEND), 6.5, NEGATIVE, 3)
    canvas.text(x + 44, LEGEND, "wrong: the ring is the true side")


def _draw_accuracy(canvas: Canvas, scene: Scene) -> None:
    others, wrong = len(scene.others), scene.wrong
    right = others - len(wrong)
    canvas.text(PANEL, 14, "sides that were not told", bold=True)
    canvas.text(PANEL, 44, f"{right} of {others} right", size=18)
    canvas.text(WIDTH - 4, 44, percent(right / others), size=18, bold=True, align="right")
    canvas.bar(PANEL, 62, PANEL_WIDTH - 4, 10, right / others, FAINT)
    words = [f"wrong: {', '.join(map(str, wrong)) or 'none'}"]
    if scene.unreached:
        words.append(f"? no path to a known one: {', '.join(map(str, scene.unreached))}")
    _write_lines(canvas, 90, words, most=3)


def _draw_member(canvas: Canvas, scene: Scene) -> None:
    member = scene.pair[0]
    canvas.text(PANEL, MEMBER, f"member {member}", bold=True)
    for side, name in enumerate(scene.groups):
        y = MEMBER + 24 + side * 24
        probability = scene.probability(member, side)
        canvas.text(PANEL, y, name, width=84)
        canvas.bar(PANEL + 90, y - 8, 90, 16, probability, SIDE_COLORS[side])
        canvas.text(WIDTH - 4, y, percent(probability), bold=True, align="right")
    truth = scene.groups[scene.labels[member]]
    friends = scene.friends(member)
    listed = f": {', '.join(map(str, friends))}" if friends else ""
    words = [
        f"{'told' if member in scene.known else 'in truth'}: {truth}",
        f"{len(friends)} friend{'' if len(friends) == 1 else 's'}{listed}",
    ]
    _write_lines(canvas, MEMBER + 78, words, most=4)


def _draw_pair(canvas: Canvas, scene: Scene) -> None:
    member, other = scene.pair
    canvas.text(PANEL, PAIR, f"members {member} and {other}", bold=True)
    if member == other:
        words = "one and the same"
    else:
        words = "are friends" if scene.are_friends else "are not friends"
    total = scene.edge_index.shape[1] // 2
    lines = [words, f"{total} friendship{'' if total == 1 else 's'} in all"]
    if scene.added or scene.removed:
        lines.append(f"{scene.added} added, {scene.removed} removed")
    _write_lines(canvas, PAIR + 22, lines, most=1)


def _write_lines(canvas: Canvas, y: float, texts: list[str], most: int) -> None:
    """Texts below one another, each in at most so many lines."""
    width = PANEL_WIDTH - 4
    for text in texts:
        for line in wrap(text, width, most=most):
            canvas.text(PANEL, y, line, width=width)
            y += LINE
        y += 2
