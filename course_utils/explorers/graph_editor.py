"""Explorer of graphs as matrices: edges typed or toggled, what each node receives."""

from collections.abc import Iterable, Sequence
from typing import Any

import ipywidgets as widgets
import numpy as np
import torch

from course_utils.explorers.base import Explorer, ExplorerError
from course_utils.explorers.drawing import FAINT, Canvas
from course_utils.explorers.edge_text import (
    MOST_NODES,
    Edge,
    read_edges,
    read_values,
    write_edges,
    write_values,
)
from course_utils.explorers.node_drawing import draw_graph, layout, value_colors
from course_utils.explorers.node_matrices import (
    PALE,
    SMALL,
    draw_matrix,
    mark_block,
    pale_shades,
    short,
    sign,
)
from course_utils.explorers.node_scene import Box, EdgeStyle
from course_utils.explorers.received import (
    DEFAULT_PAIRS,
    NORMALIZATIONS,
    Received,
    edge_in_words,
    highest_in_words,
    idle_in_words,
    in_words,
    received,
    size_in_words,
)
from course_utils.explorers.texts import wrap
from course_utils.explorers.windows import slider
from course_utils.graphs import undirected

DEFAULT_VALUES = (2.0, 1.0, -3.0, 4.0, 6.0)

# In screen pixels.
WIDTH, HEIGHT = 880, 346
TITLE, SUBTITLE, TOP, ROOM = 10, 27, 58, 232  # of the matrices
LARGEST_CELL = 40
COUNTS, WEIGHTS = 176, 256  # the room of A and of P across
WIDEST_WEIGHT = 46
INDEX, DEGREE, GAP, SIGN, COLUMN, EDGE = 18, 36, 22, 20, 46, 4
SUBTITLED = 176  # the least room for A, so that the line above it fits
WIDEST_GRAPH = 320
NOTE = TOP + ROOM  # on how to read the graph
ARITHMETIC = NOTE + 22  # a line below all, or two


class GraphEditor(Explorer):
    """Draw a graph by its edges and see its matrix, the matrix normalized, and what comes of it.

    Args:
        pairs: undirected edges of the first graph, each once; (4, 4) is a self-loop.
        values: a number for each of its nodes, 1 to 8.

    Raises:
        ValueError: a pair or a value is not as described.
    """

    title = "Graph editor"

    def __init__(
        self,
        pairs: Iterable[Sequence[int]] = DEFAULT_PAIRS,
        values: Sequence[float] = DEFAULT_VALUES,
    ) -> None:
        numbers = write_values(values)
        nodes = len(read_values(numbers))
        edges = set(zip(*undirected(pairs, nodes).tolist(), strict=True))
        super().__init__(
            {
                "edges": _text(write_edges(edges), "Edges"),
                "values": _text(numbers, "Values"),
                "source": slider(0, MOST_NODES - 1, 0, "From"),
                "target": slider(0, MOST_NODES - 1, min(1, nodes - 1), "To"),
                "joined": widgets.Checkbox(value=True, description="Edge from → to", indent=False),
                "self_loops": widgets.Checkbox(
                    value=False, description="Add self-loops: A + I", indent=False
                ),
                "how": widgets.Dropdown(options=list(NORMALIZATIONS), description="Normalize"),
            }
        )

    def adjust(self, changed: set[str]) -> None:
        """Let the text follow the checkbox or the checkbox the text; sliders reach all nodes.

        Symmetric normalization takes edges that go both ways: the checkbox then sets both.
        """
        controls = self.controls
        nodes = len(read_values(controls["values"].value))
        edges = set(read_edges(controls["edges"].value, nodes))
        for name in ("source", "target"):
            controls[name].max = nodes - 1
            controls[name].disabled = nodes == 1
        edge = controls["source"].value, controls["target"].value
        both_ways = controls["how"].value == "symmetric"
        controls["joined"].description = "Edge from ↔ to" if both_ways else "Edge from → to"
        joined = controls["joined"].value
        if "joined" in changed and "edges" not in changed and joined != (edge in edges):
            moved = {edge, edge[::-1]} if both_ways else {edge}
            edges = edges | moved if joined else edges - moved
            controls["edges"].value = write_edges(edges)
        controls["joined"].value = edge in edges

    def choose(self, **values: Any) -> None:
        """Set several controls and draw once; the edge may join nodes that are new."""
        with self._holding():
            for name in {"source", "target"} & values.keys():
                self.controls[name].max = max(self.controls[name].max, values[name])
        super().choose(**values)

    def describe(self, *, source: int, target: int, **values: Any) -> str:
        """The size of the graph, its highest degree, who receives nothing, and the marked edge."""
        graph = self._received(source=source, target=target, **values)
        sentences = [
            size_in_words(graph),
            highest_in_words(graph, values["how"]) if graph.degrees.any() else "",
            idle_in_words(graph),
            edge_in_words(graph, source, target),
        ]
        return " ".join(filter(None, sentences))

    def render(self, *, source: int, target: int, **values: Any) -> np.ndarray:
        """The graph, A with the degrees, the matrix times the values, one row of it in words."""
        graph = self._received(source=source, target=target, **values)
        nodes = len(graph.values)
        height = min(LARGEST_CELL, ROOM / nodes)
        count, weight = min(LARGEST_CELL, COUNTS / nodes), min(WIDEST_WEIGHT, WEIGHTS / nodes)
        counts = max(nodes * count + DEGREE + GAP, SUBTITLED)
        tables = INDEX + counts + nodes * weight + 2 * (SIGN + COLUMN) + EDGE
        left = min(WIDTH - tables, WIDEST_GRAPH)
        canvas = Canvas(WIDTH, HEIGHT)
        _draw_graph(canvas, Box(0, 0, left - 10, NOTE - 12), graph, (source, target))
        note = "in the circle: the node; beside it: its value"
        canvas.text(0, NOTE, note, size=SMALL, color=FAINT, width=left - 10)
        x = left + INDEX
        name = "A + I" if values["self_loops"] else "A"
        _draw_counts(canvas, x, (count, height), graph, name, (source, target))
        x += counts
        _draw_product(canvas, x, (weight, height), graph, values["how"], name, (source, target))
        for place, line in enumerate(wrap(in_words(graph, target), WIDTH - 8)):
            canvas.text(0, ARITHMETIC + 18 * place, line)
        return canvas.array()

    def _received(
        self,
        *,
        edges: str,
        values: str,
        source: int,
        target: int,
        how: str,
        self_loops: bool,
        **_: Any,
    ) -> Received:
        numbers = read_values(values)
        for node in (source, target):
            if not 0 <= node < len(numbers):
                raise ExplorerError(
                    f"There is no node {node}: choose a node from 0 to {len(numbers) - 1}."
                )
        return received(read_edges(edges, len(numbers)), numbers, how, self_loops)


def _text(value: str, description: str) -> widgets.Text:
    return widgets.Text(value=value, description=description, continuous_update=False)


def _draw_graph(canvas: Canvas, box: Box, graph: Received, edge: Edge) -> None:
    rows, columns = np.nonzero(graph.matrix)
    shown = torch.from_numpy(np.stack([columns, rows]))
    colors = value_colors(graph.values, PALE * _largest(graph))
    thick = {edge: EdgeStyle("black", 3)}
    texts = [short(value) for value in graph.values]
    places = layout(shown, len(graph.values))
    draw_graph(
        canvas, box, places, shown, colors=colors, beside=texts, marked=set(edge), edges=thick
    )


def _draw_counts(
    canvas: Canvas, x: float, cell: tuple[float, float], graph: Received, name: str, edge: Edge
) -> None:
    """A with the numbers of its rows and columns, and the degrees beside it."""
    canvas.text(x, TITLE, name, bold=True)
    canvas.text(x, SUBTITLE, "row i: what node i receives", size=SMALL, color=FAINT)
    colors = pale_shades(graph.matrix, 1)
    draw_matrix(canvas, x, TOP, graph.matrix, cell, colors=colors, rows=True, columns=True)
    _mark(canvas, x, cell, graph, edge)
    middle = x + len(graph.values) * cell[0] + 6 + DEGREE / 2
    canvas.text(middle, TOP - 9, "degree", size=SMALL, color=FAINT, align="center")
    for row, degree in enumerate(graph.degrees):
        canvas.text(middle, TOP + (row + 0.5) * cell[1], short(degree), align="center")


def _draw_product(
    canvas: Canvas,
    x: float,
    cell: tuple[float, float],
    graph: Received,
    how: str,
    name: str,
    edge: Edge,
) -> None:
    """The matrix times the values gives the new values."""
    scaled = "P" if how == "symmetric" and name == "A + I" else "matrix"
    rule = {
        "none": "nothing is divided",
        "by row": "row i divided by its degree",
        "symmetric": "entry i, j divided by √(dᵢ × dⱼ)",
    }[how]
    factor = name if how == "none" else scaled
    canvas.text(x, TITLE, f"{factor} × values = new values", bold=True)
    canvas.text(x, SUBTITLE, rule, size=SMALL, color=FAINT)
    nodes = len(graph.values)
    middle = TOP + nodes * cell[1] / 2
    colors = pale_shades(graph.weights, 1)
    draw_matrix(canvas, x, TOP, graph.weights, cell, colors=colors, rows=True, columns=True)
    _mark(canvas, x, cell, graph, edge)
    x += nodes * cell[0]
    for text, values, title in (("×", graph.values, "values"), ("=", graph.result, "new")):
        sign(canvas, x + SIGN / 2, middle, text)
        x += SIGN
        center = x + COLUMN / 2
        canvas.text(center, TOP - 9, title, size=SMALL, color=FAINT, align="center")
        colors = pale_shades(values, _largest(graph))[:, None]
        draw_matrix(canvas, x, TOP, values[:, None], (COLUMN, cell[1]), colors=colors)
        x += COLUMN
    mark_block(canvas, x - COLUMN, TOP, (COLUMN, cell[1]), (edge[1], 1), (0, 1))


def _mark(canvas: Canvas, x: float, cell: tuple[float, float], graph: Received, edge: Edge) -> None:
    """Frame the cell of an edge, and that of its other direction more faintly."""
    source, target = edge
    if graph.matrix[source, target] and graph.matrix[target, source]:
        canvas.outline(x + target * cell[0], TOP + source * cell[1], *cell, "black", 1)
    mark_block(canvas, x, TOP, cell, (target, 1), (source, 1))


def _largest(graph: Received) -> float:
    """The absolute value with the strongest color."""
    return float(np.abs([*graph.values, *graph.result]).max()) or 1
