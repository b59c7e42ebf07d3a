"""Lines, arrows and small graphs on a canvas."""

import math

import numpy as np
import pytest
import torch

from course_utils.explorers.drawing import Canvas
from course_utils.explorers.maps import MARK
from course_utils.explorers.node_drawing import centers, draw_graph, layout, value_colors
from course_utils.explorers.node_scene import EDGE_COLOR, Box, EdgeStyle
from course_utils.explorers.shapes import draw_arrow, draw_circle, draw_lines, draw_ring
from course_utils.graphs import undirected

BLUE = "#0072B2"
BOX = Box(10, 10, 200, 160)


def rgb(color: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(color[1:]))


def covered(canvas: Canvas) -> np.ndarray:
    """How much of each pixel is not white, in 0..1, [H, W]."""
    return 1 - canvas.array().min(axis=2) / 255


def pixel(canvas: Canvas, place: np.ndarray) -> tuple[int, ...]:
    x, y = np.round(2 * np.asarray(place)).astype(int)
    return tuple(int(part) for part in canvas.array()[y, x])


# ---------------------------------------------------------------- shapes


@pytest.mark.parametrize("center", [(20, 20), (20.25, 19.5), (1, 39)])
@pytest.mark.parametrize("radius", [3, 11.5])
def test_a_circle_is_round_smooth_and_in_its_place(center: tuple, radius: float) -> None:
    canvas = Canvas(40, 40)
    draw_circle(canvas, center, radius, "black")
    rows, columns = np.mgrid[:80, :80]
    distance = np.hypot(columns + 0.5 - 2 * center[0], rows + 0.5 - 2 * center[1])
    ink = covered(canvas)
    assert (ink[distance < 2 * radius - 1.5] == 1).all()
    assert (ink[distance > 2 * radius + 1.5] == 0).all()
    assert ((ink > 0.05) & (ink < 0.95)).any()


def test_a_ring_is_empty_inside() -> None:
    canvas = Canvas(40, 40)
    draw_ring(canvas, (20, 20), 12, "black", 2)
    rows, columns = np.mgrid[:80, :80]
    distance = np.abs(np.hypot(columns + 0.5 - 40, rows + 0.5 - 40) - 24)
    assert (covered(canvas)[distance < 1] > 0.5).all()
    assert covered(canvas).sum() == pytest.approx(2 * math.pi * 24 * 4, rel=0.03)
    assert (covered(canvas)[distance > 4.5] == 0).all()


@pytest.mark.parametrize("width", [1, 2, 3.5])
def test_lines_are_as_wide_as_they_should_be(width: float) -> None:
    canvas = Canvas(60, 60)
    draw_lines(canvas, [[(10, 20), (50, 20)], [(30, 30), (30, 55)]], BLUE, width)
    ink = 1 - canvas.array()[:, :, 0] / 255  # blue ink has no red
    across = ink[:, 60][20:58].sum(), ink[90, 40:80].sum()
    assert across == pytest.approx((2 * width, 2 * width), abs=0.4)
    for place in ((30, 19.75), (29.75, 45)):
        assert pixel(canvas, np.array(place)) == pytest.approx(rgb(BLUE), abs=20)
    assert ink[:, :14].sum() == ink[:, 106:].sum() == 0
    assert covered(canvas)[48:54].sum() == 0


def test_no_lines_are_no_ink() -> None:
    canvas = Canvas(10, 10)
    draw_lines(canvas, [], BLUE)
    assert covered(canvas).sum() == 0


@pytest.mark.parametrize("degrees", [0, 90, 200])
def test_an_arrow_ends_at_its_tip_and_is_widest_before_it(degrees: float) -> None:
    canvas, angle = Canvas(100, 100), math.radians(degrees)
    way = np.array([math.cos(angle), math.sin(angle)])
    start, tip = 50 - 30 * way, 50 + 30 * way
    draw_arrow(canvas, tuple(start), tuple(tip), "black", 2)
    rows, columns = np.nonzero(covered(canvas) > 0.5)
    along = ((np.stack([columns, rows], axis=1) + 0.5) / 2 - 50) @ way
    assert along.max() == pytest.approx(30, abs=1.2)
    assert along.min() == pytest.approx(-30, abs=1.5)
    counts = np.histogram(along, bins=np.arange(-30, 31, 2))[0]
    assert counts.argmax() in {25, 26}
    assert counts.max() > 2.5 * counts[15]


# ---------------------------------------------------------------- layouts


def test_few_nodes_stand_on_a_circle() -> None:
    places = layout(undirected([(0, 1)], 4), 4)
    np.testing.assert_allclose(places, [[0.5, 0], [1, 0.5], [0.5, 1], [0, 0.5]], atol=1e-12)
    assert layout(torch.zeros(2, 0, dtype=torch.int64), 1).tolist() == [[0.5, 0.5]]


def test_many_nodes_stay_apart_always_in_the_same_places() -> None:
    ring = undirected([(node, (node + 1) % 20) for node in range(20)], 20)
    places = layout(ring, 20)
    assert places.min() == 0
    assert places.max() == 1
    distances = np.hypot(*(places[:, None] - places).transpose(2, 0, 1))
    joined = distances[ring[0], ring[1]]
    assert joined.max() < 1.05 * distances[~np.eye(20, dtype=bool)].min()
    np.testing.assert_array_equal(layout(ring, 20), places)


def test_nodes_that_no_path_joins_stand_apart() -> None:
    two_rings = [(node, 6 * (node // 6) + (node + 1) % 6) for node in range(12)]
    places = layout(undirected(two_rings, 13), 13)
    assert np.isfinite(places).all()
    middles = places[:6].mean(axis=0), places[6:12].mean(axis=0)
    assert math.dist(*middles) > 0.4


def test_positions_fill_a_box_but_for_its_margin() -> None:
    corners = centers(np.array([[0, 0], [1, 1.0]]), BOX, 30)
    assert corners.tolist() == [[40, 40], [180, 140]]


def test_values_have_colors() -> None:
    assert value_colors(np.array([-2.0, 0, 2]), 2) == [BLUE, "#FFFFFF", "#D55E00"]


# ---------------------------------------------------------------- graphs


def drawn(edge_index: torch.Tensor, nodes: int, **style: object) -> tuple[Canvas, np.ndarray]:
    """A graph on a canvas, and where its nodes are."""
    canvas, places = Canvas(220, 180), layout(edge_index, nodes)
    draw_graph(canvas, BOX, places, edge_index, **style)
    return canvas, centers(places, BOX, 45)


def test_nodes_have_their_colors_numbers_and_frames() -> None:
    edges = undirected([(0, 1)], 3)
    colors = ["#FFFFFF", BLUE, "#E69F00"]
    canvas, places = drawn(edges, 3, colors=colors, marked=[2])
    for place, color in zip(places, colors, strict=True):
        assert pixel(canvas, place + np.array([9, -9])) == rgb(color)
    assert pixel(canvas, places[2] + np.array([0, 16.75])) == rgb(MARK)
    assert pixel(canvas, places[0] - np.array([0, 16.75])) == (255, 255, 255)
    inks = [canvas.array()[2 * int(y) - 10 : 2 * int(y) + 10, 2 * int(x) - 8 : 2 * int(x) + 8]
            for x, y in places]  # fmt: skip
    assert inks[0].min() == 0  # black on white
    assert inks[1].max() == 255  # white on blue
    other, _ = drawn(edges, 3, colors=colors, marked=[2], inside=["0", "1", "9"])
    changed = np.argwhere((other.array() != canvas.array()).any(axis=2)) / 2
    assert len(changed)
    assert (np.abs(changed[:, ::-1] - places[2]) < 8).all()


def test_edges_join_their_nodes_and_others_are_not_there() -> None:
    canvas, places = drawn(undirected([(0, 1), (2, 3)], 4), 4)
    for pair, color in (((0, 1), EDGE_COLOR), ((2, 3), EDGE_COLOR), ((1, 2), "#FFFFFF")):
        assert pixel(canvas, places[list(pair)].mean(axis=0)) == rgb(color)


def half_inks(canvas: Canvas, places: np.ndarray, pair: tuple[int, int]) -> tuple[float, float]:
    """How much ink lies along an edge on the half of its source, and on that of its target."""
    source, target = places[list(pair)]
    length = math.dist(source, target)
    way = (target - source) / length
    rows, columns = np.mgrid[:360, :440]
    offsets = (np.stack([columns, rows], axis=2) + 0.5) / 2 - source
    along, across = offsets @ way, np.abs(offsets @ np.array([-way[1], way[0]]))
    ink = covered(canvas)
    near = (across < 6) & (along > 20) & (along < length / 2)
    far = (across < 6) & (along > length / 2) & (along < length - 20)
    return float(ink[near].sum()), float(ink[far].sum())


@pytest.mark.parametrize("edge", [(0, 2), (2, 0)])
def test_an_edge_in_one_direction_is_an_arrow_at_its_target(edge: tuple[int, int]) -> None:
    source, target = half_inks(*drawn(torch.tensor([edge]).T, 4), edge)
    assert target > 1.3 * source
    both = torch.tensor([edge, edge[::-1]]).T
    source, target = half_inks(*drawn(both, 4), edge)
    assert target == pytest.approx(source, rel=0.03)
    arrow = {edge: EdgeStyle(BLUE, 3, True)}
    source, target = half_inks(*drawn(both, 4, edges=arrow), edge)
    assert target > 1.3 * source
    plain = {edge: EdgeStyle(BLUE, 3, False)}
    source, target = half_inks(*drawn(both[:, :1], 4, edges=plain), edge)
    assert target == pytest.approx(source, rel=0.03)


def test_an_edge_looks_as_its_style_says_in_both_orders() -> None:
    edges = undirected([(0, 2), (1, 3)], 4)
    pictures = []
    for styled in ((0, 2), (2, 0)):
        style = {styled: EdgeStyle(BLUE, 4), (0, 1): EdgeStyle("#000000", 9)}
        canvas, places = drawn(edges, 4, edges=style)
        assert pixel(canvas, places[[0, 2, 2]].mean(axis=0) + np.array([1, 0])) == rgb(BLUE)
        assert pixel(canvas, places[[1, 3, 3]].mean(axis=0)) == rgb(EDGE_COLOR)
        assert pixel(canvas, places[[0, 1]].mean(axis=0)) == (255, 255, 255)  # no such edge
        pictures.append(canvas.array())
    np.testing.assert_array_equal(*pictures)


def test_a_label_stands_on_the_middle_of_its_edge() -> None:
    edges = undirected([(0, 2)], 4)
    with_label, places = drawn(edges, 4, edges={(0, 2): EdgeStyle(label="0.41")})
    without, _ = drawn(edges, 4)
    changed = np.argwhere((with_label.array() != without.array()).any(axis=2)) / 2
    low, high = changed[:, ::-1].min(axis=0), changed[:, ::-1].max(axis=0)
    assert np.abs((low + high) / 2 - places[[0, 2]].mean(axis=0)).max() < 2
    assert (high - low < [32, 15]).all()


@pytest.mark.parametrize("arrow", [False, True])
def test_a_self_loop_stands_outside_of_its_node_where_there_is_room(arrow: bool) -> None:
    edges = undirected([(0, 1), (1, 2)], 3)
    looped = undirected([(0, 1), (1, 2), (0, 0)], 3)
    style = {(0, 0): EdgeStyle(EDGE_COLOR, 2, arrow)}
    canvas, places = drawn(looped, 3, edges=style)
    without, _ = drawn(edges, 3)
    changed = np.argwhere((canvas.array() != without.array()).any(axis=2))[:, ::-1] / 2
    assert (changed[:, 1] < places[0][1]).all()  # node 0 stands on top
    distance = np.hypot(*(changed - places[0]).T)
    assert distance.min() > 13
    assert 25 < distance.max() < 45
    plain, _ = drawn(looped, 3, edges={(0, 0): EdgeStyle(EDGE_COLOR, 2, False)})
    assert (plain.array() != canvas.array()).any() == arrow


@pytest.mark.parametrize("text", ["7", "−12.34"])
def test_texts_beside_nodes_touch_neither_nodes_nor_edges_nor_loops(text: str) -> None:
    edges = undirected([(0, 1), (0, 2), (1, 2), (2, 3), (3, 4), (1, 1), (4, 4)], 5)
    without, places = drawn(edges, 5, marked=[2], room=40)
    places = centers(layout(edges, 5), BOX, 55)
    canvas, _ = drawn(edges, 5, marked=[2], room=40, beside=[text] * 4 + [""])
    changed = (canvas.array() != without.array()).any(axis=2)
    assert covered(without)[changed].max() == 0
    nearest = np.hypot(*(np.argwhere(changed)[:, None, ::-1] / 2 - places).transpose(2, 0, 1))
    assert set(nearest.argmin(axis=1)) == {0, 1, 2, 3}


def test_all_stays_in_its_box() -> None:
    pairs = [(i, j) for i in range(8) for j in range(i, 8)]
    edges = undirected(pairs, 8)
    styles = {(node, node): EdgeStyle(BLUE, 3, True, "0.13") for node in range(8)}
    canvas, _ = drawn(edges, 8, room=46, beside=["−12.34"] * 8, edges=styles, marked=range(8))
    ink = covered(canvas)
    ink[20:340, 20:420] = 0
    assert ink.sum() == 0


def test_the_order_of_edges_does_not_matter() -> None:
    edges = undirected([(0, 1), (1, 2), (2, 2), (0, 3)], 4)
    edges = torch.cat([edges, torch.tensor([[3], [1]])], dim=1)
    order = torch.randperm(edges.shape[1], generator=torch.Generator().manual_seed(0))
    np.testing.assert_array_equal(drawn(edges, 4)[0].array(), drawn(edges[:, order], 4)[0].array())


def test_nodes_in_the_same_place_are_drawn() -> None:
    canvas = Canvas(220, 180)
    edges = torch.tensor([[0], [1]])
    draw_graph(canvas, BOX, np.full((2, 2), 0.5), edges, beside=["a", "b"])
    assert covered(canvas).any()
