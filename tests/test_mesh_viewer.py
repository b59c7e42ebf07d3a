"""The explorer of solids as graphs, driven without a browser."""

import numpy as np
import pytest
import torch
from explorer_driver import drive, shown
from pixels import at, rgb, words_drawn

from course_utils.explorers.mesh_picture import cloud_pixels, mesh_pixels, scale_colors, turned
from course_utils.explorers.mesh_viewer import (
    BEND,
    DISTANCE,
    FEATURES,
    FLOOR,
    KINDS,
    LEFT,
    MARK,
    MESHER,
    NEIGHBORS,
    RIGHT,
    SURFACE,
    TOP,
    WIDTH,
    MeshViewer,
)
from course_utils.figures import PALETTE
from course_utils.meshes import Mesh, mesher_graph, solid, surface_graph

WHITE = (255, 255, 255)
YELLOW, BLUE = rgb(PALETTE["yellow"]), rgb(PALETTE["blue"])


@pytest.fixture(scope="module")
def meshes() -> dict[str, Mesh]:
    return {name: solid(name, 1) for name in ("cone", "torus", "box")}


@pytest.fixture
def viewer(meshes: dict[str, Mesh]) -> MeshViewer:
    return MeshViewer(meshes)


# ---------------------------------------------------------------- what it says


def test_every_control(viewer: MeshViewer) -> None:
    assert drive(viewer) == 3 + 2 + len(KINDS) + 2 + len(FEATURES)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("feature", FEATURES)
def test_the_numbers_are_those_of_the_graph(
    viewer: MeshViewer, meshes: dict[str, Mesh], kind: str, feature: str
) -> None:
    mesh = meshes["torus"]
    graph = mesher_graph(mesh) if kind == MESHER else surface_graph(mesh, 0)
    edges = graph.edge_index.shape[1] // 2
    values = {
        NEIGHBORS: torch.bincount(graph.edge_index[0]).double(),
        DISTANCE: graph.radius.double(),
        BEND: graph.bend.double().rad2deg(),
    }[feature]
    viewer.choose(solid="torus", what=kind, color=feature, turn=50)
    assert viewer.status.startswith(
        f"torus, {kind}: {graph.num_nodes} nodes, {edges} edges. The {feature} goes from "
    )
    low, high = viewer.status.split(" goes from ")[1].split(",")[0].split(" to ")
    mean = viewer.status.split(" over the nodes is ")[1].split(":")[0]
    said = [float(text.rstrip("°")) for text in (low, high, mean)]
    expected = [values.min().item(), values.max().item(), values.mean().item()]
    assert said == pytest.approx(expected, abs=0.051 if feature == BEND else 0.0051)


def test_a_turn_changes_the_picture_but_no_number(viewer: MeshViewer) -> None:
    for what in KINDS:
        viewer.choose(what=what, turn=0, tilt=0)
        status, picture = viewer.status, shown(viewer)
        viewer.choose(turn=10)
        aside = shown(viewer)
        viewer.choose(turn=0, tilt=-10)
        tilted = shown(viewer)
        assert viewer.status == status
        half = 2 * 500
        for other in (aside, tilted):
            assert not np.array_equal(picture[:, :half], other[:, :half])
            assert np.array_equal(picture[:, half:], other[:, half:])


def test_moved_back_each_control_gives_the_same_picture(viewer: MeshViewer) -> None:
    before = viewer.picture_png
    places = {"solid": "torus", "turn": 10, "tilt": 10, "what": SURFACE, "color": DISTANCE}
    for name, value in places.items():
        control = viewer.controls[name]
        first = control.value
        control.value = value
        assert viewer.picture_png != before, name
        control.value = first
        assert viewer.picture_png == before, name


# ---------------------------------------------------------------- turning


def test_a_turn_goes_to_the_right_and_a_tilt_toward_the_viewer() -> None:
    near, top = np.array([[0.0, 0, 1]]), np.array([[0.0, 1, 0]])
    np.testing.assert_allclose(turned(near, 90, 0), [[1, 0, 0]], atol=1e-12)
    np.testing.assert_allclose(turned(top, 70, 90), [[0, 0, 1]], atol=1e-12)
    np.testing.assert_allclose(turned(near, 0, 90), [[0, -1, 0]], atol=1e-12)
    points = np.random.default_rng(0).normal(size=(5, 3))
    some = turned(points, 40, -20)
    np.testing.assert_allclose(np.linalg.norm(some, axis=1), np.linalg.norm(points, axis=1))
    assert np.linalg.det(turned(np.eye(3), 40, -20)) == pytest.approx(1)


# ---------------------------------------------------------------- the solid's picture


def triangle(z: float) -> np.ndarray:
    return np.array([[-0.9, -0.9, z], [0.9, -0.9, z], [0.0, 0.9, z]])


@pytest.mark.parametrize("near_first", [True, False])
def test_what_is_nearer_covers_the_rest(near_first: bool) -> None:
    low = triangle(-0.5), triangle(0.5)
    points = np.concatenate(low[::-1] if near_first else low)
    colors = scale_colors(points[:, 2] + 0.5)  # blue at the back, yellow in front
    faces = np.array([[0, 1, 2], [3, 4, 5]])
    pixels = mesh_pixels(100, points, faces, colors, 2)
    red, green, blue = at(pixels, 50, 60)
    assert red > blue  # shaded yellow
    assert red / green == pytest.approx(YELLOW[0] / YELLOW[1], rel=0.02)
    assert at(pixels, 5, 5) == WHITE


def test_what_looks_away_is_not_drawn() -> None:
    points, faces = triangle(0), np.array([[0, 2, 1]])
    pixels = mesh_pixels(100, points, faces, scale_colors(np.ones(3)), 4)
    assert (pixels == 255).all()


def test_nodes_have_their_colors_where_they_stand() -> None:
    points, faces = triangle(0), np.array([[0, 1, 2]])
    pixels = mesh_pixels(100, points, faces, scale_colors(np.array([0, 0.5, 1])), 5)
    assert at(pixels, 5, 95) == BLUE
    assert at(pixels, 50, 5) == YELLOW
    assert at(pixels, 95, 95) == tuple(
        pytest.approx((a + b) / 2, abs=1) for a, b in zip(BLUE, YELLOW, strict=True)
    )


def test_far_nodes_and_edges_are_pale_and_covered() -> None:
    points = np.array([[-0.5, 0, 1], [0.5, 0, -1], [0.5, 0.5, 1], [0.5, 0.5, -1]])
    pixels = cloud_pixels(100, points, np.array([[0, 1]]), scale_colors(np.ones(4)), 5)
    assert at(pixels, 25, 50) == YELLOW
    far = at(pixels, 75, 50)
    assert all(a < b <= 255 for a, b in zip(YELLOW, far, strict=True))
    assert at(pixels, 75, 25) == YELLOW  # the nearer of two at one place
    line = [at(pixels, x, 50)[0] for x in (35, 50, 65)]
    assert line[0] == line[1] == line[2] < 255
    assert at(pixels, 50, 30) == WHITE


def test_the_picture_colors_nodes_by_their_values(meshes: dict[str, Mesh]) -> None:
    viewer = MeshViewer({"cone": meshes["cone"]})
    degrees = mesher_graph(meshes["cone"]).degree
    most = int(degrees.max())
    share = (most - (degrees.min().item() - 0.5)) / (most + 1 - degrees.min().item())
    expected = [round(a + share * (b - a)) for a, b in zip(BLUE, YELLOW, strict=True)]
    seen = False
    for tilt in range(-90, 91, 30):  # the apex or the middle of the base is in sight
        viewer.choose(tilt=tilt)
        left = shown(viewer)[:, : 2 * 470].astype(int)
        seen |= bool((np.abs(left - expected).max(axis=2) <= 1).sum() > 50)
    assert seen


# ---------------------------------------------------------------- the histogram


def test_bars_and_the_mean_stand_where_they_should(meshes: dict[str, Mesh]) -> None:
    viewer = MeshViewer({"box": meshes["box"]})
    degrees = mesher_graph(meshes["box"]).degree
    counts = torch.bincount(degrees.long())
    low, high = int(degrees.min()), int(degrees.max())
    picture = shown(viewer)
    pitch = (RIGHT - LEFT) / (high - low + 1)
    for degree in range(low, high + 1):
        x = LEFT + (degree - low + 0.3) * pitch
        column = [at(picture, x, y) for y in np.arange(TOP + 1, FLOOR - 0.5, 0.5)]
        share = np.mean([color != WHITE for color in column])
        assert share == pytest.approx((counts[degree] / counts.max()).item(), abs=0.01)
    mean = LEFT + (degrees.mean().item() - low + 0.5) * pitch
    assert at(picture, mean, TOP - 8) == rgb(MARK)
    assert at(picture, mean - 4, TOP - 8) == WHITE


def test_all_solids_share_a_scale(viewer: MeshViewer, monkeypatch: pytest.MonkeyPatch) -> None:
    ends = set()
    for name in ("cone", "torus", "box"):
        viewer.choose(solid=name, color=DISTANCE)
        words = words_drawn(lambda: viewer.render(**viewer.values), monkeypatch)
        ends.add(tuple(words[4:6]))
        assert words[0].startswith("distance from the center, ")
    assert len(ends) == 1


def test_no_text_leaves_the_picture(viewer: MeshViewer) -> None:
    for name in ("cone", "torus"):
        for feature in FEATURES:
            for what in KINDS:
                viewer.choose(solid=name, color=feature, what=what)
                picture = shown(viewer)
                assert picture.shape[1] == 2 * WIDTH
                assert (picture[:, -2 * (WIDTH - RIGHT) + 8 :] == 255).all()
                assert (picture[-8:, 2 * LEFT :] == 255).all()


# ---------------------------------------------------------------- bad input


def test_bad_meshes_get_a_sentence(meshes: dict[str, Mesh]) -> None:
    with pytest.raises(ValueError, match="at least one mesh"):
        MeshViewer({})
    with pytest.raises(ValueError, match="dent is no mesh: give"):
        MeshViewer({"cone": meshes["cone"], "dent": meshes["cone"].vertices})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"solid": "dog"}, "There is no solid 'dog': choose one of cone, torus, box."),
        ({"color": "red"}, "There is no 'red': choose one of number of neighbors, distance"),
        ({"what": "picture"}, "There is no graph 'picture': choose one of the mesher's graph, gr"),
    ],
)
def test_values_that_no_control_gives_get_a_sentence(
    viewer: MeshViewer, changes: dict, words: str
) -> None:
    for function in (viewer.render, viewer.describe):
        with pytest.raises(ValueError, match=words):
            function(**(viewer.values | changes))
