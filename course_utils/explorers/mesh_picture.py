"""Pictures of solids and of their graphs, seen from a side: triangles, edges and nodes."""

import cv2
import numpy as np
from PIL import ImageColor

from course_utils.explorers.drawing import PIXEL_RATIO
from course_utils.explorers.lines import SUBPIXEL_BITS
from course_utils.figures import PALETTE

LOW, HIGH = (np.array(ImageColor.getrgb(PALETTE[name])) for name in ("blue", "yellow"))
LIGHT = np.array([-0.48, 0.6, 0.64])  # where it comes from: x to the right, y up, z to the viewer
DIMMED = 0.65  # the brightness of a surface that the light does not reach
FOG = 0.8  # how pale the farthest nodes and edges are
EDGE_SHADE, RIM_SHADE = 110, 50  # of edges, and of the rims of nodes
STYLE = {"lineType": cv2.LINE_AA, "shift": SUBPIXEL_BITS}


def scale_colors(shares: np.ndarray) -> np.ndarray:
    """Colors from blue at 0 to yellow at 1, float64 RGB [..., 3], for shares of any shape."""
    return LOW + np.clip(shares, 0, 1)[..., None] * (HIGH - LOW)


def turned(points: np.ndarray, turn: int, tilt: int) -> np.ndarray:
    """Points [N, 3] after a turn to the right and a tilt toward the viewer, both in degrees.

    In each point, x goes to the right, y up, and z to the viewer.
    """
    a, b = np.radians(turn), np.radians(tilt)
    sideways = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    forward = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    return points @ (forward @ sideways).T


def mesh_pixels(
    size: int, points: np.ndarray, faces: np.ndarray, colors: np.ndarray, radius: float
) -> np.ndarray:
    """A mesh with its edges and nodes; what looks away or is covered is not seen.

    Args:
        size: width and height in screen pixels.
        points: float [V, 3], each coordinate in −1..1; x to the right, y up, z to the viewer.
        faces: int [F, 3], counterclockwise as seen from outside.
        colors: of the nodes, float RGB [V, 3]; a triangle has the mean of its corners'.
        radius: of a node, in screen pixels.

    Returns:
        uint8 RGB [size * PIXEL_RATIO, size * PIXEL_RATIO, 3].
    """
    pixels = _blank(size)
    corners = points[faces]  # [F, 3, 3]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    # The painter's algorithm (Newell, Newell and Sancha, 1972): what is nearer covers the rest.
    order = np.argsort(corners[:, :, 2].mean(axis=1), kind="stable")
    order = order[normals[order, 2] > 0]
    lit = (normals[order] @ LIGHT) / np.linalg.norm(normals[order], axis=1)
    shades = colors[faces[order]].mean(axis=1) * (DIMMED + (1 - DIMMED) * lit.clip(0))[:, None]
    places = _places(points, size)
    last = dict(zip(faces[order].ravel().tolist(), np.arange(len(order)).repeat(3), strict=True))
    finished: dict[int, list[int]] = {}  # nodes by the nearest of their triangles
    for node, place in last.items():
        finished.setdefault(int(place), []).append(node)
    edge = (EDGE_SHADE,) * 3
    for place, (face, shade) in enumerate(zip(faces[order], shades.tolist(), strict=True)):
        outline = places[face]
        cv2.fillConvexPoly(pixels, outline, shade, **STYLE)
        cv2.polylines(pixels, [outline], True, edge, 1, **STYLE)
        for node in finished.get(place, ()):
            _dot(pixels, places[node].tolist(), radius, colors[node], 0)
    return pixels


def cloud_pixels(
    size: int, points: np.ndarray, edges: np.ndarray, colors: np.ndarray, radius: float
) -> np.ndarray:
    """Nodes and the edges between them; the farther away, the paler.

    Args:
        size, points, colors, radius: as in `mesh_pixels`.
        edges: int [E, 2], each once.

    Returns:
        uint8 RGB [size * PIXEL_RATIO, size * PIXEL_RATIO, 3].
    """
    pixels = _blank(size)
    places = _places(points, size)
    far, near = points[:, 2].min(), points[:, 2].max()
    fog = FOG * (near - points[:, 2]) / max(near - far, 1e-9)  # [N]
    # Edges and nodes together, from back to front. An edge is as deep as its farther end, and
    # comes before it, so that no edge covers its own nodes.
    depths = points[:, 2][edges].min(axis=1)
    order = np.argsort(np.concatenate([depths, points[:, 2]]), kind="stable")
    pale = fog[edges].mean(axis=1)
    edge_shades = (EDGE_SHADE + pale * (255 - EDGE_SHADE)).tolist()
    ends = places[edges].tolist()
    centers = places.tolist()
    for place in order.tolist():
        if place < len(edges):
            shade = (edge_shades[place],) * 3
            cv2.line(pixels, *ends[place], shade, PIXEL_RATIO, **STYLE)
        else:
            node = place - len(edges)
            _dot(pixels, centers[node], radius, colors[node], fog[node])
    return pixels


def _blank(size: int) -> np.ndarray:
    return np.full((size * PIXEL_RATIO, size * PIXEL_RATIO, 3), 255, np.uint8)


def _places(points: np.ndarray, size: int) -> np.ndarray:
    """Where points are drawn, in fractions of pixels as OpenCV takes them: int32 [N, 2]."""
    half = size * PIXEL_RATIO / 2
    places = half * (1 + points[:, :2] * [1, -1]) - 0.5
    return np.round(places * 2**SUBPIXEL_BITS).astype(np.int32)


def _dot(
    pixels: np.ndarray, center: list[int], radius: float, color: np.ndarray, fog: float
) -> None:
    """A node with a dark rim, mixed with as much white as `fog` says."""
    size = radius * PIXEL_RATIO * 2**SUBPIXEL_BITS
    rim = RIM_SHADE + fog * (255 - RIM_SHADE)
    cv2.circle(pixels, center, round(size), (rim,) * 3, -1, **STYLE)
    inside = (color + fog * (255 - color)).tolist()
    cv2.circle(pixels, center, round(size - 2**SUBPIXEL_BITS * 1.5), inside, -1, **STYLE)
