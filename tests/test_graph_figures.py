"""Figures of graphs: what is drawn where, and what is said about it."""

import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgba
from matplotlib.patches import Circle

from course_utils.figures import PALETTE
from course_utils.graph_figures import graph_figures, group_figures
from course_utils.graphs import undirected

PATH = undirected([(0, 1), (1, 2), (2, 3)], 4)
PLACES = np.array([(0, 0), (1, 0), (2, 0), (3, 0)], float)


def test_numbers_are_colored_by_sign_on_one_scale():
    figure = graph_figures({"a": (PATH, [1, -2, 0, 4]), "b": (PATH, [4, 0, 0, 0])}, PLACES)
    first, second = (axis.collections[0].get_facecolors() for axis in figure.axes)
    assert first[0][0] > first[0][2]  # vermilion
    assert first[1][2] > first[1][0]  # blue
    np.testing.assert_allclose(first[2], 1, atol=0.01)  # white
    np.testing.assert_array_equal(first[3], second[0])
    assert [axis.get_title() for axis in figure.axes] == ["a", "b"]
    assert "a: 1, −2, 0, 4; b: 4, 0, 0, 0" in figure.get_label()


def test_nodes_are_numbered_if_asked():
    written = [
        [
            text.get_text()
            for text in graph_figures({"": (PATH, [5, 6, 7, 8])}, PLACES, **how).axes[0].texts
        ]
        for how in ({}, {"numbered": False})
    ]
    assert written == [["5", "node 0", "6", "node 1", "7", "node 2", "8", "node 3"], list("5678")]


@pytest.mark.parametrize(
    ("edges", "lines", "arrows", "loops"),
    [
        (PATH, 3, 0, 0),
        (PATH[:, :1], 0, 1, 0),
        (torch.tensor([[0, 1, 2], [1, 0, 2]]), 1, 0, 1),
    ],
)
def test_edges_are_drawn_once(edges, lines, arrows, loops):
    [axis] = graph_figures({"": (edges, [0, 0, 0, 0])}, PLACES).axes
    assert len(axis.lines) == lines
    assert sum(bool(getattr(text, "arrow_patch", None)) for text in axis.texts) == arrows
    assert sum(isinstance(patch, Circle) for patch in axis.patches) == loops


def test_groups_have_colors_and_known_nodes_a_frame():
    figure = group_figures(
        {"as it was": torch.tensor([0, 1, 1, 0])}, PATH, PLACES, ["left", "right"], known=[3]
    )
    nodes = figure.axes[0].collections[0]
    colors = [to_rgba(PALETTE[name]) for name in ("blue", "vermilion", "vermilion", "blue")]
    np.testing.assert_allclose(nodes.get_facecolors(), colors)
    widths = nodes.get_linewidths()
    assert widths[3] > widths[0]
    [legend] = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["left", "right"]
    assert "as it was: 2 left, 2 right" in figure.get_label()
