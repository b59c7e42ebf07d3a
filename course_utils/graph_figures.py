"""Figures of graphs: nodes, what they hold, and what ties them; `figures.show` displays them."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle
from torch import Tensor

from course_utils.arrays import as_array
from course_utils.figures import GRAY, PALETTE, SIGNED, subplots
from course_utils.graphs import is_undirected

GROUP_COLORS = ("blue", "vermilion", "green", "orange", "purple", "sky", "yellow")


def graph_figures(
    graphs: Mapping[str, tuple[Tensor, Sequence[float]]],
    places: np.ndarray,
    *,
    numbered: bool = True,
) -> Figure:
    """The same nodes several times, each time with other edges or other numbers.

    Args:
        graphs: title -> edges int64 [2, E] and one number for each node, which its color shows:
            blue below zero, white at zero, vermilion above.
        places: of the nodes, [N, 2], x to the right and y up.
        numbered: write the number of each node above it.
    """
    figure, axes = subplots(1, len(graphs), figsize=(3.1 * len(graphs), 2.9), squeeze=False)
    largest = max(float(np.abs(as_array(values)).max()) for _, values in graphs.values()) or 1
    words = []
    for axis, (title, (edges, values)) in zip(axes.flat, graphs.items(), strict=True):
        numbers = as_array(values).astype(float)
        _draw_edges(axis, edges, places)
        axis.scatter(
            *places.T, s=620, c=SIGNED(0.5 + 0.35 * numbers / largest), edgecolors="black", zorder=2
        )
        for node, (x, y) in enumerate(places):
            style = {"fontsize": 9, "ha": "center", "va": "center"}
            axis.text(x, y, _short(numbers[node]), zorder=3, **style)
            if numbered:
                above = {"xytext": (0, 20), "textcoords": "offset points", "color": GRAY}
                axis.annotate(f"node {node}", (x, y), **above, **style)
        _frame(axis, places, title)
        words.append(f"{title}: {', '.join(map(_short, numbers))}")
    figure.set_label(f"Drawings of graphs with a number at each node. {'; '.join(words)}.")
    return figure


def group_figures(
    graphs: Mapping[str, Sequence[int]],
    edge_index: Tensor,
    places: np.ndarray,
    names: Sequence[str],
    *,
    known: Sequence[int] = (),
) -> Figure:
    """A network several times, its nodes colored by the group that they belong to.

    Args:
        graphs: title -> the group of each node, an index into `names`.
        edge_index: int64 [2, E].
        places: of the nodes, [N, 2], x to the right and y up.
        names: of the groups.
        known: nodes that get a thick frame.
    """
    figure, axes = subplots(1, len(graphs), figsize=(4.5 * len(graphs), 3.7), squeeze=False)
    widths = np.where(np.isin(np.arange(len(places)), known), 2.5, 0.6)
    for axis, (title, groups) in zip(axes.flat, graphs.items(), strict=True):
        _draw_edges(axis, edge_index, places)
        colors = [PALETTE[GROUP_COLORS[group]] for group in as_array(groups)]
        axis.scatter(*places.T, s=190, c=colors, edgecolors="black", linewidths=widths, zorder=2)
        for node, (x, y) in enumerate(places):
            style = {"color": "white", "fontsize": 8, "ha": "center", "va": "center"}
            axis.text(x, y, node, zorder=3, **style)
        _frame(axis, places, title)
    handles = [
        Line2D([], [], marker="o", linestyle="", color=PALETTE[color], label=name)
        for name, color in zip(names, GROUP_COLORS, strict=False)
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(names), frameon=False)
    counts = "; ".join(
        f"{title}: " + ", ".join(f"{np.sum(as_array(g) == k)} {n}" for k, n in enumerate(names))
        for title, g in graphs.items()
    )
    figure.set_label(f"Drawings of a network of {len(places)} nodes in groups. {counts}.")
    return figure


def _short(value: float) -> str:
    """Two decimals at most; what rounds to 0 has no sign."""
    return f"{round(float(value), 2) + 0.0:g}".replace("-", "\N{MINUS SIGN}")


def _draw_edges(axis: Axes, edge_index: Tensor, places: np.ndarray) -> None:
    one_way = not is_undirected(edge_index)
    for source, target in edge_index.T.tolist():
        if source == target:
            x, y = places[source]
            axis.add_patch(Circle((x, y + 0.17), 0.15, fill=False, color=GRAY, zorder=1))
        elif one_way:
            arrow = {"arrowstyle": "-|>", "color": GRAY, "shrinkA": 13, "shrinkB": 13}
            axis.annotate("", places[target], places[source], arrowprops=arrow, zorder=1)
        elif source < target:
            axis.plot(*places[[source, target]].T, color=GRAY, linewidth=1, zorder=1)


def _frame(axis: Axes, places: np.ndarray, title: str) -> None:
    low, high = places.min(axis=0) - 0.42, places.max(axis=0) + 0.42
    axis.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), title=title)
    axis.axis("off")
