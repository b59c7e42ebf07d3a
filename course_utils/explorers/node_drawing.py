"""Small graphs on a canvas: nodes as circles, edges as lines or arrows, self-loops, labels."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from PIL import ImageColor
from torch import Tensor

from course_utils.explorers.drawing import TEXT, Canvas
from course_utils.explorers.edge_text import Edge
from course_utils.explorers.maps import BRIGHT, MARK, shades
from course_utils.explorers.node_scene import EDGE_COLOR, RING, Box, EdgeStyle, Scene
from course_utils.explorers.shapes import draw_circle, draw_lines

ON_A_CIRCLE = 8  # up to so many nodes stand on a circle


def layout(edge_index: Tensor, nodes: int) -> np.ndarray:
    """Where nodes may stand, float64 [nodes, 2]: x to the right, y down, both in 0..1.

    Up to eight stand on a circle, clockwise from the top. Of more, each pair stands as far apart
    as it takes steps along edges to get from one to the other, as nearly as can be (Kamada and
    Kawai, 1989); always in the same way.

    Args:
        edge_index: int64 [2, E].
        nodes: their number, at least 1.
    """
    if nodes == 1:
        return np.full((1, 2), 0.5)
    if nodes <= ON_A_CIRCLE:
        turns = 2 * np.pi * np.arange(nodes) / nodes
        return 0.5 + 0.5 * np.stack([np.sin(turns), -np.cos(turns)], axis=1)
    import networkx  # slow to import

    graph = networkx.Graph()
    graph.add_nodes_from(range(nodes))
    graph.add_edges_from(edge_index.T.tolist())
    steps = dict(networkx.all_pairs_shortest_path_length(graph))
    apart = 1 + max(max(row.values()) for row in steps.values())  # of nodes that no path joins
    distances = {i: {j: steps[i].get(j, apart) for j in range(nodes)} for i in range(nodes)}
    found = networkx.kamada_kawai_layout(graph, dist=distances)
    places = np.array([found[node] for node in range(nodes)])
    low, high = places.min(axis=0), places.max(axis=0)
    return (places - low) / (high - low)


def value_colors(values: np.ndarray, largest: float) -> list[str]:
    """Colors of nodes by their values [N]: blue below 0, white at 0, vermilion above 0.

    Args:
        values: one number for each node.
        largest: the absolute value that has the strongest color.
    """
    return ["#{:02X}{:02X}{:02X}".format(*color) for color in shades(values, largest, signed=True)]


def centers(positions: np.ndarray, box: Box, margin: float) -> np.ndarray:
    """Positions in 0..1 as places in a box, float64 [N, 2], `margin` away from its edges."""
    corner = np.array([box.x, box.y]) + margin
    return corner + positions * (np.array([box.width, box.height]) - 2 * margin)


def draw_graph(
    canvas: Canvas,
    box: Box,
    positions: np.ndarray,
    edge_index: Tensor,
    *,
    radius: float = 15,
    room: float = 30,
    colors: Sequence[str] | None = None,
    inside: Sequence[str] | None = None,
    beside: Sequence[str] | None = None,
    marked: Collection[int] = (),
    edges: Mapping[Edge, EdgeStyle] | None = None,
    size: int = 12,
) -> None:
    """Draw a graph: edges below, nodes above them, each with a short text inside.

    An edge that goes both ways is one line, one that goes one way an arrow, a self-loop a small
    loop. Loops and texts beside nodes stand where there is most room.

    Args:
        canvas: where to draw.
        box: where the graph goes; nothing is drawn outside of it if `room` suffices.
        positions: float [N, 2], x to the right and y down, both in 0..1; `layout` gives some.
        edge_index: int64 [2, E].
        radius: of a node.
        room: what is left free between the outermost nodes and the edges of the box, for loops
            (1.2 × `radius`; 30 more with a label), frames (4) and texts.
        colors: of the nodes, as "#D55E00"; white if left out.
        inside: a short text in each node; its number if left out.
        beside: a short text beside each node, "" for none.
        marked: nodes with a yellow frame.
        edges: (source, target) -> how this edge is drawn, where it is not as usual. If both
            directions are there, the one that stands here decides how their line looks; if both
            stand here, the later one is drawn over the earlier one.
        size: of the text inside nodes.
    """
    scene = Scene(box, centers(positions, box, radius + room), edge_index, radius)
    plain, styled = _by_style(edge_index, edges or {})
    draw_lines(canvas, [scene.line(*edge) for edge in plain], EDGE_COLOR, EdgeStyle().width)
    for edge, style in styled.items():
        scene.draw_edge(canvas, *edge, style)
    for node, place in enumerate(scene.places.tolist()):
        if node in marked:
            draw_circle(canvas, place, radius + RING + 0.5, "black")
            draw_circle(canvas, place, radius + RING, MARK)
        color = colors[node] if colors is not None else "#FFFFFF"
        draw_circle(canvas, place, radius + 0.5, TEXT)
        draw_circle(canvas, place, radius - 0.5, color)
        text = inside[node] if inside is not None else str(node)
        bright = np.dot(ImageColor.getrgb(color), (0.299, 0.587, 0.114)) >= BRIGHT
        canvas.figure(*place, text, size, "black" if bright else "white")
    for edge, style in styled.items():
        if style.label:
            scene.draw_label(canvas, *edge, style)
    for node, text in enumerate(beside or ()):
        if text:
            scene.draw_beside(canvas, node, text)


def _by_style(
    edge_index: Tensor, styles: Mapping[Edge, EdgeStyle]
) -> tuple[list[Edge], dict[Edge, EdgeStyle]]:
    """Edges that are plain lines, each once, and all others with how they are drawn."""
    columns = dict.fromkeys(sorted(zip(*edge_index.tolist(), strict=True)))
    plain, styled = [], {}
    for source, target in columns:
        both_ways = (target, source) in columns
        if (source, target) in styles or (both_ways and (target, source) in styles):
            continue
        if source == target or not both_ways:
            styled[source, target] = EdgeStyle(arrow=not both_ways)
        elif source < target:
            plain.append((source, target))
    for edge, style in styles.items():
        if edge in columns:
            arrow = edge[::-1] not in columns if style.arrow is None else style.arrow
            styled[edge] = style._replace(arrow=arrow)
    return plain, styled
