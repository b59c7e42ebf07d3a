"""The picture of one graph layer at one node: graph, steps by hand, matrix product."""

from collections.abc import Sequence

import numpy as np
import torch
from PIL import ImageColor

from course_utils.explorers.drawing import FAINT, Canvas, shorten, text_width
from course_utils.explorers.graph_layer import Layer
from course_utils.explorers.maps import PADDING
from course_utils.explorers.node_drawing import draw_graph
from course_utils.explorers.node_matrices import (
    SMALL,
    draw_matrix,
    equals,
    mark_block,
    pale_shades,
    row_text,
    short,
    sign,
)
from course_utils.explorers.node_scene import Box, EdgeStyle
from course_utils.figures import PALETTE

USED = PADDING  # the tint of the rows that are used
ARROW = PALETTE["blue"]
ROOM, LONGEST_NAME = 46, 70  # around the graph, for loops with their weights and for names

# In screen pixels.
WIDTH = 880
GRAPH, LEAST_UPPER = 300, 270  # the room of the graph
HAND = GRAPH + 24  # from here on, the steps by hand
TITLE, FIRST, LINE, GAP = 10, 34, 19, 10
LONGEST_SENDER, WEIGHT, AROUND = 110, 46, 22  # a sender, its weight, the room around a sign
INDEX, BORDER = 18, 4
SUM_LABEL, NUMBER, RESULT = 60, 46, 58  # the widths of cells in X, W and of results
LOW, LARGEST_CELL, CELLS = 20, 26, 176  # the heights of cells: in steps, in matrices, of all
WIDEST_WEIGHT, WEIGHTS = 44, 264  # the widths of cells in P, of all
HEADINGS = 48  # above the matrices


def draw_messages(
    layer: Layer, node: int, step: int, positions: np.ndarray, names: Sequence[str] | None
) -> np.ndarray:
    """Draw a layer as it looks at one node.

    Args:
        layer: all numbers.
        node: which one.
        step: 1 messages, 2 their sum, 3 times W, 4 ReLU.
        positions: of the nodes, [N, 2] in 0..1.
        names: of the nodes, or None.

    Returns:
        uint8 RGB, 880 screen pixels wide.
    """
    nodes, width = layer.features.shape
    height = min(LARGEST_CELL, CELLS // nodes)
    upper = max(FIRST + LINE * (nodes + 2) + LOW * width + 3 * GAP, LEAST_UPPER)
    canvas = Canvas(WIDTH, upper + HEADINGS + max(nodes, width) * height + BORDER)
    _draw_graph(canvas, Box(0, 0, GRAPH, upper), layer, node, positions, names)
    _draw_steps(canvas, layer, node, step, names)
    _draw_product(canvas, upper, height, layer, node, step)
    return canvas.array()


def message_text(layer: Layer, sender: int, node: int) -> tuple[str, str, str, str]:
    """A message as it is written: the weight, the features, "=" or "≈", and their product."""
    weight, features = layer.matrix[node, sender], layer.features[sender]
    message = layer.messages[node, sender]
    sign_between = equals([weight, *features, *message])
    return short(weight), row_text(features), sign_between, row_text(message)


def result_of(layer: Layer, step: int) -> tuple[str, np.ndarray | None]:
    """What the matrix product gives after a step, and its name; None before anything is added."""
    return {
        1: ("", None),
        2: ("P X", layer.sums),
        3: ("P X W", layer.products),
        4: ("ReLU(P X W)", layer.outputs),
    }[step]


def _draw_graph(
    canvas: Canvas,
    box: Box,
    layer: Layer,
    node: int,
    positions: np.ndarray,
    names: Sequence[str] | None,
) -> None:
    targets, sources = np.nonzero(layer.matrix)
    senders = layer.senders(node)
    arrows = {
        (sender, node): EdgeStyle(ARROW, 1.5 + 2 * weight, True, short(weight))
        for sender in senders
        for weight in [layer.matrix[node, sender]]
    }
    colors = [USED if other in senders else "#FFFFFF" for other in range(len(layer.features))]
    edges = torch.from_numpy(np.stack([sources, targets]))
    beside = [shorten(name, LONGEST_NAME, SMALL) for name in names] if names else None
    draw_graph(
        canvas,
        box,
        positions,
        edges,
        room=ROOM,
        colors=colors,
        beside=beside,
        marked=[node],
        edges=arrows,
    )


def _draw_steps(
    canvas: Canvas, layer: Layer, node: int, step: int, names: Sequence[str] | None
) -> None:
    """One line for each message; from step 2 on their sum, then times W, then ReLU."""
    canvas.text(HAND, TITLE, f"What node {node} receives", bold=True)
    senders = layer.senders(node)
    labels = _labels(len(layer.features), names)
    x = HAND + max(text_width(label, 12) for label in labels) + WEIGHT
    features = x + AROUND
    equal = features + max(text_width(row_text(row), 12) for row in layer.features) + AROUND / 2
    y = FIRST
    if not senders:
        canvas.text(HAND, y, "nothing: no edge leads to it")
        y += LINE
    for sender in senders:
        weight, row, between, message = message_text(layer, sender, node)
        canvas.text(HAND, y, labels[sender])
        canvas.text(x, y, weight, align="right")
        sign(canvas, x + AROUND / 2, y, "×")
        canvas.text(features, y, row)
        sign(canvas, equal, y, between)
        canvas.text(equal + AROUND / 2, y, message)
        y += LINE
    if step >= 2:
        total = layer.sums[node]
        canvas.rectangle(HAND, y - LINE / 2, WIDTH - BORDER - HAND, 1, FAINT)
        canvas.text(HAND, y + 3, "sum")
        between = equals([*layer.messages[node, senders].flat, *total])
        sign(canvas, equal, y + 3, between)
        canvas.text(equal + AROUND / 2, y + 3, row_text(total), bold=step == 2)
        y += LINE + GAP
    if step >= 3:
        y = _draw_times_weight(canvas, y, layer, node)
    if step >= 4:
        products, outputs = row_text(layer.products[node]), row_text(layer.outputs[node])
        canvas.text(HAND, y + LINE / 2, f"ReLU({products}) = {outputs}", bold=True)


def _labels(nodes: int, names: Sequence[str] | None) -> list[str]:
    """From whom a message comes, for all nodes: the steps stand in the same place for each."""
    if not names:
        return [f"from {node}" for node in range(nodes)]
    labels = (f"from {node} ({name})" for node, name in enumerate(names))
    return [shorten(label, LONGEST_SENDER) for label in labels]


def _draw_times_weight(canvas: Canvas, y: float, layer: Layer, node: int) -> float:
    """The sum of messages times W; returns where the next line may begin."""
    high, wide = layer.weight.shape
    middle = y + high * LOW / 2
    canvas.text(HAND, middle, "sum × W")
    x = HAND + SUM_LABEL
    total, product = layer.sums[node][None], layer.products[node][None]
    draw_matrix(canvas, x, middle - LOW / 2, total, (NUMBER, LOW))
    x += high * NUMBER
    sign(canvas, x + AROUND / 2, middle, "×")
    x += AROUND
    draw_matrix(canvas, x, y, layer.weight, (NUMBER, LOW))
    x += wide * NUMBER
    sign(canvas, x + AROUND / 2, middle, equals([*total.flat, *layer.weight.flat, *product.flat]))
    x += AROUND
    draw_matrix(canvas, x, middle - LOW / 2, product, (RESULT, LOW))
    return y + high * LOW + GAP


def _draw_product(
    canvas: Canvas, upper: float, height: float, layer: Layer, node: int, step: int
) -> None:
    """P and X; from step 2 on the result so far, from step 3 on W between them."""
    nodes, width = layer.features.shape
    top, titles = upper + HEADINGS, upper + 14
    middle = top + nodes * height / 2
    cell = min(WIDEST_WEIGHT, WEIGHTS // nodes), height
    x = INDEX
    canvas.text(x, titles, "P", bold=True)
    colors = pale_shades(layer.matrix, 1)
    draw_matrix(canvas, x, top, layer.matrix, cell, colors=colors, rows=True, columns=True)
    mark_block(canvas, x, top, cell, (node, 1), (0, nodes))
    x += nodes * cell[0]
    sign(canvas, x + AROUND / 2, middle, "×")

    x += AROUND + INDEX
    canvas.text(x, titles, "X", bold=True)
    colors = np.full((nodes, width, 3), 255)
    colors[layer.senders(node)] = ImageColor.getrgb(USED)
    draw_matrix(canvas, x, top, layer.features, (NUMBER, height), colors=colors, rows=True)
    x += width * NUMBER
    if step >= 3:
        sign(canvas, x + AROUND / 2, middle, "×")
        x += AROUND
        canvas.text(x, titles, "W", bold=True)
        beginning = middle - len(layer.weight) * height / 2
        draw_matrix(canvas, x, max(beginning, top), layer.weight, (NUMBER, height))
        x += layer.weight.shape[1] * NUMBER
    name, result = result_of(layer, step)
    if result is None:
        return
    sign(canvas, x + AROUND / 2, middle, "→" if step == 4 else "=")
    x += AROUND + INDEX
    canvas.text(x, titles, name, bold=True)
    draw_matrix(canvas, x, top, result, (RESULT, height), rows=True)
    mark_block(canvas, x, top, (RESULT, height), (node, 1), (0, result.shape[1]))
