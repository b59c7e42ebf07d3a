"""Explorer of message passing: one layer of a graph network, by hand for one node."""

from collections.abc import Sequence
from typing import Any

import ipywidgets as widgets
import numpy as np
import torch
from torch import Tensor

from course_utils.explorers.base import Explorer, ExplorerError
from course_utils.explorers.edge_text import LARGEST_VALUE, MOST_NODES
from course_utils.explorers.graph_layer import Layer, passed
from course_utils.explorers.message_picture import draw_messages
from course_utils.explorers.node_drawing import layout
from course_utils.explorers.node_matrices import listed, row_text
from course_utils.explorers.received import DEFAULT_PAIRS, NORMALIZATIONS, matrices
from course_utils.explorers.windows import slider
from course_utils.graphs import adjacency, check_edges, check_features, undirected

MOST_FEATURES = 3
STEPS = ("messages", "sum", "times W", "ReLU")
DEFAULT_FEATURES = ((1.0, 2.0), (3.0, 0.0), (2.0, -1.0), (0.0, 4.0), (-2.0, 1.0))
DEFAULT_WEIGHT = ((1.0, -1.0), (2.0, 1.0))


class MessagePassingExplorer(Explorer):
    """Follow one layer of a graph network at one node, from its neighbors' features to ReLU.

    All numbers are compared with PyTorch's relu(P @ X @ W).

    Args:
        edge_index: int64 [2, E], each edge once; up to 8 nodes. A small graph if left out.
        features: X, [N, F], up to 3 for each node; as many rows as nodes.
        weight: W, [F, K], up to 3 columns.
        positions: of the nodes, [N, 2], x to the right and y down, both in 0..1.
        names: a short name for each node.

    Raises:
        ValueError: the graph is not as described, or numbers are too many, too large or not finite.
    """

    title = "Explorer of message passing"

    def __init__(
        self,
        edge_index: Tensor | None = None,
        features: Any = DEFAULT_FEATURES,
        weight: Any = DEFAULT_WEIGHT,
        positions: Any = None,
        names: Sequence[str] | None = None,
    ) -> None:
        rows = _numbers("Features", features)
        nodes = len(rows)
        if edge_index is None:
            edge_index = undirected(DEFAULT_PAIRS, nodes)
        if nodes > MOST_NODES:
            raise ValueError(f"This explorer shows up to {MOST_NODES} nodes, not {nodes}.")
        check_features(torch.from_numpy(rows), nodes)
        adjacency(check_edges(edge_index, nodes), nodes)  # refuses edges that are there twice
        self._edges = sorted(zip(*edge_index.tolist(), strict=True))
        self._features, self._weight = rows, _numbers("Weights", weight)
        if self._weight.shape[0] != rows.shape[1]:
            raise ValueError(
                f"The weights must have one row for each of the {rows.shape[1]} features, "
                f"not {len(self._weight)}."
            )
        self._positions = _positions(positions, nodes, edge_index)
        if names is not None and len(names) != nodes:
            raise ValueError(f"There are {nodes} nodes, but {len(names)} names.")
        self._names = [str(name) for name in names] if names is not None else None
        both_ways = all(edge[::-1] in self._edges for edge in self._edges)
        how = "symmetric" if both_ways else "by row"
        super().__init__(
            {
                "node": slider(0, nodes - 1, min(2, nodes - 1), "Node"),
                "step": slider(1, len(STEPS), 1, "Step"),
                "how": widgets.Dropdown(
                    options=list(NORMALIZATIONS), value=how, description="Normalize"
                ),
                "self_loops": widgets.Checkbox(
                    value=True, description="Add self-loops: A + I", indent=False
                ),
            }
        )

    def layer(self, how: str, self_loops: bool) -> Layer:
        """All numbers of the layer, for these values of the controls.

        Raises:
            ExplorerError: there is no such normalization for this graph, or PyTorch disagrees.
        """
        _, matrix = matrices(self._edges, len(self._features), how, self_loops)
        return passed(matrix, self._features, self._weight)

    def describe(self, *, node: int, step: int, how: str, self_loops: bool) -> str:
        """What the step does at this node, and with which result."""
        layer = self._checked(node, step, how, self_loops)
        senders = layer.senders(node)
        start = f"Step {step} of {len(STEPS)}, node {node}:"
        total, product = row_text(layer.sums[node]), row_text(layer.products[node])
        if step == 1:
            if not senders:
                return f"{start} no edge leads to it, so it receives nothing."
            if len(senders) == 1:
                return (
                    f"{start} it receives 1 message, the features of node {senders[0]} times "
                    f"their weight in row {node} of P."
                )
            return (
                f"{start} it receives {len(senders)} messages, the features of nodes "
                f"{listed(senders)}, each times its weight in row {node} of P."
            )
        if step == 2:
            return f"{start} its messages add up to {total}, row {node} of P X."
        if step == 3:
            return f"{start} the sum {total} times W is {product}, row {node} of P X W."
        output = row_text(layer.outputs[node])
        return (
            f"{start} ReLU makes {output} of {product}; PyTorch's relu(P @ X @ W) gives the same "
            f"for all nodes."
        )

    def render(self, *, node: int, step: int, how: str, self_loops: bool) -> np.ndarray:
        """The graph with the messages to the node; the steps by hand; the matrix product."""
        layer = self._checked(node, step, how, self_loops)
        return draw_messages(layer, node, step, self._positions, self._names)

    def _checked(self, node: int, step: int, how: str, self_loops: bool) -> Layer:
        for name, value, low, high in (
            ("node", node, 0, len(self._features) - 1),
            ("step", step, 1, len(STEPS)),
        ):
            if not low <= value <= high:
                raise ExplorerError(
                    f"There is no {name} {value}: choose a {name} from {low} to {high}."
                )
        return self.layer(how, self_loops)


def _numbers(what: str, values: Any) -> np.ndarray:
    """Numbers as float64 [rows, columns], if they can be shown."""
    if isinstance(values, Tensor):
        values = values.detach().cpu()  # Apple's GPUs have no float64
    try:
        array = torch.as_tensor(values, dtype=torch.float64).numpy()
    except (TypeError, ValueError, RuntimeError):
        raise ValueError(f"{what} must be rows of numbers, all of the same length.") from None
    if array.ndim != 2 or not array.size:
        raise ValueError(f"{what} must be a table with rows and columns, not {list(array.shape)}.")
    if array.shape[1] > MOST_FEATURES:
        raise ValueError(
            f"{what} may have up to {MOST_FEATURES} columns, not {array.shape[1]}: "
            "more would not fit on the screen."
        )
    if not (np.abs(array) <= LARGEST_VALUE).all():  # NaN, too
        raise ValueError(f"{what} must be finite numbers from −{LARGEST_VALUE} to {LARGEST_VALUE}.")
    return array


def _positions(positions: Any, nodes: int, edge_index: Tensor) -> np.ndarray:
    if positions is None:
        return layout(edge_index, nodes)
    places = np.asarray(positions, float)
    if places.shape != (nodes, 2) or not ((places >= 0) & (places <= 1)).all():
        raise ValueError(f"Positions must be [{nodes}, 2], x and y of each node, both in 0..1.")
    return places
