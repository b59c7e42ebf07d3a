"""Explorer of solids as graphs: turn them, and see what a feature's mean readout keeps."""

from collections.abc import Mapping
from typing import NamedTuple

import ipywidgets as widgets
import numpy as np

from course_utils.explorers.base import Explorer, ExplorerError
from course_utils.explorers.drawing import FAINT, Canvas, number
from course_utils.explorers.maps import LINES
from course_utils.explorers.mesh_picture import cloud_pixels, mesh_pixels, scale_colors, turned
from course_utils.figures import PALETTE
from course_utils.meshes import Mesh, mesher_graph, surface_graph

MESHER, SURFACE = KINDS = ("the mesher's graph", "graph of surface points")
NEIGHBORS, DISTANCE, BEND = FEATURES = ("number of neighbors", "distance from the center", "bend")
MEANINGS = {
    NEIGHBORS: "edges at each node",
    DISTANCE: "1: as far as in a sphere of the same area",
    BEND: "mean angle to the neighbors' normals, in degrees",
}
STEP = 10  # degrees

WIDTH, HEIGHT = 880, 470
SIZE = 460  # of the solid's picture
MARGIN = 0.94  # how much of it the solid fills
LEFT, RIGHT, TOP, FLOOR = 540, 864, 104, 344  # of the histogram
BINS = 30
STRIP = 12  # the height of the scale of colors
MARK = PALETTE["vermilion"]


class Shape(NamedTuple):
    """A graph of a solid as the explorer draws it.

    Attributes:
        points: float64 [N, 3], around 0, none farther from it than 1.
        edges: int64 [E, 2], each once.
        values: by feature, float64 [N].
        faces: int64 [F, 3] of the mesh; None for surface points.
    """

    points: np.ndarray
    edges: np.ndarray
    values: dict[str, np.ndarray]
    faces: np.ndarray | None


class MeshViewer(Explorer):
    """Turn a solid, color its nodes by a feature, and see the feature's histogram and mean.

    Colors and histograms have the same scale for all solids, so that these can be compared.

    Args:
        meshes: name -> mesh, as `course_utils.meshes.solid` makes them.

    Raises:
        ValueError: there is no mesh, or one of them is none.
    """

    title = "Explorer of solids as graphs"

    def __init__(self, meshes: Mapping[str, Mesh]) -> None:
        if not meshes:
            raise ValueError("meshes must name at least one mesh.")
        for name, mesh in meshes.items():
            if not isinstance(mesh, Mesh):
                raise ValueError(f"{name} is no mesh: give a course_utils.meshes.Mesh.")
        self._shapes = {
            (name, kind): _shape(mesh, kind) for name, mesh in meshes.items() for kind in KINDS
        }
        self._ranges = {
            (kind, feature): _range(
                np.concatenate([self._shapes[name, kind].values[feature] for name in meshes]),
                whole=feature == NEIGHBORS,
            )
            for kind in KINDS
            for feature in FEATURES
        }
        super().__init__(
            {
                "solid": widgets.Dropdown(options=list(meshes), description="Solid"),
                "turn": widgets.IntSlider(
                    min=-180, max=180, step=STEP, value=0, description="Turn (°)"
                ),
                "what": widgets.Dropdown(options=KINDS, description="Graph"),
                "tilt": widgets.IntSlider(
                    min=-90, max=90, step=STEP, value=0, description="Tilt (°)"
                ),
                "color": widgets.Dropdown(options=FEATURES, description="Color"),
            }
        )

    def describe(self, solid: str, turn: int, what: str, tilt: int, color: str) -> str:
        """How large the graph is, and the feature's range and mean, whatever the turn."""
        shape = self._shape_of(solid, what)
        values = _values(shape, color)
        low, high, mean = (
            _in_words(value, color) for value in (values.min(), values.max(), values.mean())
        )
        return (
            f"{solid}, {what}: {len(shape.points):,} nodes, {len(shape.edges):,} edges. "
            f"The {color} goes from {low} to {high}, and its mean over the nodes is {mean}: "
            f"the same for every turn and tilt."
        )

    def render(self, solid: str, turn: int, what: str, tilt: int, color: str) -> np.ndarray:
        """The solid's graph on the left, the histogram of the feature on the right; uint8 RGB."""
        shape = self._shape_of(solid, what)
        values = _values(shape, color)
        low, high = self._ranges[what, color]
        colors = scale_colors((values - low) / (high - low))
        points = MARGIN * turned(shape.points, turn, tilt)
        radius = float(np.interp(len(points), (50, 900), (4.5, 2)))
        if shape.faces is None:
            pixels = cloud_pixels(SIZE, points, shape.edges, colors, radius)
        else:
            pixels = mesh_pixels(SIZE, points, shape.faces, colors, radius)
        canvas = Canvas(WIDTH, HEIGHT)
        canvas.image(0, 5, pixels, 0.5)
        _draw_histogram(canvas, color, values, (low, high))
        return canvas.array()

    def _shape_of(self, solid: str, what: str) -> Shape:
        solids = dict.fromkeys(name for name, _ in self._shapes)
        for kind, name, known in (("solid", solid, solids), ("graph", what, KINDS)):
            if name not in known:
                raise ExplorerError(
                    f"There is no {kind} {name!r}: choose one of {', '.join(known)}."
                )
        return self._shapes[solid, what]


def _shape(mesh: Mesh, kind: str) -> Shape:
    graph = mesher_graph(mesh) if kind == MESHER else surface_graph(mesh, seed=0)
    vertices = mesh.vertices.double().numpy()
    center = (vertices.min(axis=0) + vertices.max(axis=0)) / 2
    reach = np.linalg.norm(vertices - center, axis=1).max()
    edges = graph.edge_index.T.numpy()
    return Shape(
        (graph.pos.double().numpy() - center) / reach,
        edges[edges[:, 0] < edges[:, 1]],
        {
            NEIGHBORS: graph.degree.double().numpy(),
            DISTANCE: graph.radius.double().numpy(),
            BEND: np.degrees(graph.bend.double().numpy()),
        },
        mesh.faces.numpy() if kind == MESHER else None,
    )


def _range(values: np.ndarray, *, whole: bool) -> tuple[float, float]:
    """Where the scale begins and ends: around whole numbers, half a number farther out."""
    low, high = float(values.min()), float(values.max())
    if whole:
        return low - 0.5, high + 0.5
    return low, max(high, low + 0.01)  # a feature may be the same everywhere


def _values(shape: Shape, color: str) -> np.ndarray:
    if color not in FEATURES:
        raise ExplorerError(f"There is no {color!r}: choose one of {', '.join(FEATURES)}.")
    return shape.values[color]


def _in_words(value: float, color: str) -> str:
    return f"{value:.1f}°" if color == BEND else number(value)


def _draw_histogram(
    canvas: Canvas, color: str, values: np.ndarray, scale: tuple[float, float]
) -> None:
    """How many nodes have which value, the colors of the values, and the mean."""
    low, high = scale
    whole = color == NEIGHBORS
    bins = round(high - low) if whole else BINS
    counts, borders = np.histogram(values, bins=bins, range=scale)
    pitch = (RIGHT - LEFT) / bins
    canvas.text(LEFT, 22, f"{color}, {len(values):,} nodes", size=14, bold=True)
    canvas.text(LEFT, 43, MEANINGS[color], color=FAINT)
    canvas.text(LEFT - 8, TOP, f"{counts.max():,}", size=11, color=FAINT, align="right")
    canvas.text(LEFT - 8, FLOOR - 6, "0", size=11, color=FAINT, align="right")
    canvas.rectangle(LEFT, TOP, RIGHT - LEFT, 0.5, LINES)
    middles = (borders[:-1] + borders[1:]) / 2
    shades = scale_colors((middles - low) / (high - low)).round().astype(int)
    for place, (count, shade) in enumerate(zip(counts.tolist(), shades, strict=True)):
        height = (FLOOR - TOP) * count / counts.max()
        ink = "#{:02X}{:02X}{:02X}".format(*shade)
        x = LEFT + place * pitch
        canvas.rectangle(x, FLOOR - height, max(pitch - 1, 1), height, ink)
        canvas.rectangle(x, FLOOR + 4, pitch, STRIP, ink)
    canvas.rectangle(LEFT, FLOOR, RIGHT - LEFT, 1, FAINT)
    y = FLOOR + 4 + STRIP + 12
    first, last = (borders[0], borders[-1]) if not whole else (middles[0], middles[-1])
    canvas.text(LEFT, y, _in_words(first, color), size=11, color=FAINT)
    canvas.text(RIGHT, y, _in_words(last, color), size=11, color=FAINT, align="right")

    mean = values.mean()
    x = LEFT + (RIGHT - LEFT) * (mean - low) / (high - low)
    canvas.rectangle(x - 1, TOP - 14, 2, FLOOR - TOP + 14, MARK)
    words = f"mean {_in_words(mean, color)}"
    align = "left" if x < (LEFT + RIGHT) / 2 else "right"
    canvas.text(x, TOP - 24, words, size=13, color=MARK, bold=True, align=align)
    canvas.text(LEFT, y + 34, "The mean of the nodes alone forgets the bars.")
    canvas.text(LEFT, y + 53, "A turn changes neither the bars nor the mean.")
