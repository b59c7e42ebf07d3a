"""Solids and their graphs: closed surfaces, exact features, nothing that a turn would change."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch_geometric.data import Data

from course_utils.graphs import GraphError, is_undirected
from course_utils.meshes import SOLIDS, Mesh, mesh_edges, mesher_graph, solid, surface_graph

FEATURES = ("constant", "degree", "radius", "bend")


def moved(mesh: Mesh, seed: int = 0, scale: float = 1.0) -> Mesh:
    """Turned, scaled and pushed aside."""
    turn = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(seed)))[0]
    turn *= turn.det()  # a rotation, not a mirror image
    vertices = scale * mesh.vertices @ turn.T + torch.tensor([3.0, -1, 2])
    return Mesh(vertices, mesh.faces, mesh.name)


@pytest.fixture
def cube() -> Mesh:
    """A cube of side 2, each side two triangles."""
    vertices = torch.tensor([[x, y, z] for x in (-1.0, 1) for y in (-1, 1) for z in (-1, 1)])
    squares = [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
    faces = [[a, b, c] for a, b, c, _ in squares] + [[a, c, d] for a, _, c, d in squares]
    return Mesh(vertices, torch.tensor(faces), "cube")


# ---------------------------------------------------------------- solids


@pytest.mark.parametrize("seed", [0, 1, 499])
@pytest.mark.parametrize("name", SOLIDS)
def test_each_solid_is_closed(name: str, seed: int) -> None:
    mesh = solid(name, seed)
    assert (mesh.name, mesh.vertices.dtype, mesh.faces.dtype) == (name, torch.float32, torch.int64)
    sides = [(face[i], face[(i + 1) % 3]) for face in mesh.faces.tolist() for i in range(3)]
    assert len(set(sides)) == len(sides)  # each side once in each direction: no hole, no seam
    assert {(end, start) for start, end in sides} == set(sides)
    edges = {frozenset(side) for side in sides}
    characteristic = len(mesh.vertices) - len(edges) + len(mesh.faces)
    assert characteristic == (0 if name == "torus" else 2)
    corners = mesh.vertices.double()[mesh.faces]
    volume = torch.linalg.det(corners).sum() / 6
    assert volume > 0  # the triangles face outward
    assert mesh.vertices.norm(dim=1).max() < 2.8


@pytest.mark.parametrize("name", SOLIDS)
def test_a_solid_depends_on_its_seed_alone(name: str) -> None:
    np.random.seed(0)
    torch.manual_seed(0)
    first = solid(name, 3)
    np.random.seed(1)
    torch.manual_seed(1)
    again = solid(name, 3)
    assert torch.equal(first.vertices, again.vertices)
    assert torch.equal(first.faces, again.faces)
    other = solid(name, 4)
    assert other.vertices.shape != first.vertices.shape or not torch.allclose(
        mesher_graph(other).radius, mesher_graph(first).radius, atol=0.01
    )


def test_an_unknown_solid_gets_a_sentence() -> None:
    with pytest.raises(ValueError, match="no solid 'cube': choose one of sphere, box, cylinder"):
        solid("cube", 0)


@pytest.mark.parametrize(
    ("vertices", "faces", "words"),
    [
        (torch.zeros(3, 2), torch.tensor([[0, 1, 2]]), "Vertices must be float32"),
        (torch.zeros(3, 3).double(), torch.tensor([[0, 1, 2]]), "not torch.float64"),
        (torch.eye(3), torch.tensor([0, 1, 2]), r"Faces must be int64 \[F, 3\], not .* \[3\]"),
        (torch.eye(3), torch.tensor([[0, 1, 2]]).int(), "not torch.int32"),
        (torch.eye(3), torch.tensor([[0, 1, 3]]), "leads to a node that is not there"),
        (torch.eye(3), torch.tensor([[-1, 1, 2]]), "leads to a node that is not there"),
        (torch.zeros(3, 3), torch.tensor([[0, 1, 2]]), "no area"),
        (torch.eye(3), torch.zeros(0, 3, dtype=torch.int64), "no area"),
        (torch.eye(3) * torch.nan, torch.tensor([[0, 1, 2]]), "not finite"),
    ],
)
def test_what_is_no_mesh_gets_a_sentence(vertices: Tensor, faces: Tensor, words: str) -> None:
    with pytest.raises(GraphError, match=words):
        Mesh(vertices, faces, "broken")


# ---------------------------------------------------------------- the mesher's graph


def test_the_edges_of_a_cube(cube: Mesh) -> None:
    edges = mesh_edges(cube)
    assert edges.shape == (2, 2 * (12 + 6))  # 12 edges and a diagonal on each side
    assert is_undirected(edges)
    assert edges.tolist() == torch.tensor(sorted(edges.T.tolist())).T.tolist()
    lengths = (cube.vertices[edges[0]] - cube.vertices[edges[1]]).norm(dim=1)
    assert {round(length, 4) for length in lengths.tolist()} == {2, 2.8284}


def test_features_of_a_cube_by_hand(cube: Mesh) -> None:
    graph = mesher_graph(cube)
    sphere = (24 / (4 * np.pi)) ** 0.5  # the radius of the sphere with a cube's area
    torch.testing.assert_close(graph.radius, torch.full((8,), 3**0.5 / sphere))
    assert graph.degree.tolist() == torch.bincount(mesh_edges(cube)[1]).tolist()
    assert graph.constant.tolist() == [1] * 8
    normals = np.zeros((8, 3))
    for face in cube.faces.tolist():
        a, b, c = cube.vertices[face].double().numpy()
        normals[face] += np.cross(b - a, c - a)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    for node in range(8):
        neighbors = mesh_edges(cube)[0][mesh_edges(cube)[1] == node]
        angles = np.arccos((normals[neighbors] @ normals[node]).clip(-1, 1))
        assert graph.bend[node].item() == pytest.approx(angles.mean(), abs=1e-6)


def test_the_center_is_that_of_the_surface_and_not_of_the_vertices(cube: Mesh) -> None:
    middle = cube.vertices[cube.faces[0]].mean(dim=0, keepdim=True)
    a, b, c = cube.faces[0].tolist()
    split = torch.cat([cube.faces[1:], torch.tensor([[a, b, 8], [b, c, 8], [c, a, 8]])])
    finer = Mesh(torch.cat([cube.vertices, middle]), split, "cube")  # more vertices on one side
    torch.testing.assert_close(mesher_graph(finer).radius[:8], mesher_graph(cube).radius)


# ---------------------------------------------------------------- the surface's graph


def test_a_surface_graph_ties_nearest_points_both_ways() -> None:
    graph = surface_graph(solid("cone", 0), 5, points=60, neighbors=4)
    positions = graph.pos.double().numpy()
    distances = np.linalg.norm(positions[:, None] - positions[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    expected = set()
    for node, row in enumerate(distances):
        for near in np.argsort(row)[:4].tolist():
            expected |= {(node, near), (near, node)}
    assert set(zip(*graph.edge_index.tolist(), strict=True)) == expected
    assert graph.edge_index.shape[1] == len(expected)
    assert graph.degree.tolist() == torch.bincount(graph.edge_index[1]).tolist()
    assert graph.num_nodes == 60


def test_points_lie_uniformly_on_the_surface(cube: Mesh) -> None:
    plate = Mesh(cube.vertices * torch.tensor([1.0, 1, 3]), cube.faces, "box")
    points = surface_graph(plate, 0, points=2000, neighbors=1).pos
    relative = points / torch.tensor([1.0, 1, 3])
    on = (relative.abs() - 1).abs() < 1e-6
    assert (relative.abs() < 1 + 1e-6).all()
    assert on.any(dim=1).all()
    shares = on.float().mean(dim=0)  # two ends of 4 and four sides of 12: 56
    torch.testing.assert_close(shares, torch.tensor([24, 24, 8]) / 56, atol=0.03, rtol=0)
    along = relative[on[:, 0]][:, 1:]
    assert along.mean(dim=0).abs().max() < 0.06
    assert (along.std(dim=0) - 3**-0.5).abs().max() < 0.03  # of the uniform law on −1..1
    quadrants = torch.bincount((along > 0).long() @ torch.tensor([1, 2])) / len(along)
    assert (quadrants - 0.25).abs().max() < 0.04


def test_features_of_a_sphere_and_of_a_flat_side(cube: Mesh) -> None:
    graph = surface_graph(cube, 0, points=200)
    sphere = (24 / (4 * np.pi)) ** 0.5
    torch.testing.assert_close(graph.radius, graph.pos.norm(dim=1) / sphere)
    source, target = graph.edge_index
    side = (graph.pos.abs() > 1 - 1e-6).float().argmax(dim=1)
    side += 3 * (graph.pos.gather(1, side[:, None])[:, 0] > 0)
    for node in range(200):
        neighbors = source[target == node]
        others = (side[neighbors] != side[node]).float().mean()  # a right angle each
        assert graph.bend[node].item() == pytest.approx(others.item() * np.pi / 2, abs=1e-6)


@pytest.mark.parametrize("name", SOLIDS)
@pytest.mark.parametrize("kind", ["mesher", "surface"])
def test_a_turn_a_push_and_a_scale_change_positions_alone(name: str, kind: str) -> None:
    def graph_of(mesh: Mesh) -> Data:
        return mesher_graph(mesh) if kind == "mesher" else surface_graph(mesh, 2)

    mesh = solid(name, 1)
    graph, other = graph_of(mesh), graph_of(moved(mesh, scale=1.7))
    assert torch.equal(graph.edge_index, other.edge_index)
    assert not torch.allclose(graph.pos, other.pos, atol=0.1)
    for feature in FEATURES:
        torch.testing.assert_close(graph[feature], other[feature], rtol=0, atol=5e-5)
        assert graph[feature].dtype == torch.float32


def test_points_depend_on_their_seed_alone() -> None:
    mesh = solid("torus", 0)
    torch.manual_seed(0)
    first = surface_graph(mesh, 1)
    torch.manual_seed(1)
    assert torch.equal(first.pos, surface_graph(mesh, 1).pos)
    assert not torch.equal(first.pos, surface_graph(mesh, 2).pos)


@pytest.mark.parametrize(("points", "neighbors"), [(6, 6), (10, 0), (1, 1)])
def test_too_few_points_get_a_sentence(points: int, neighbors: int) -> None:
    with pytest.raises(ValueError, match=f"Each of {points} points needs 1 to"):
        surface_graph(solid("box", 0), 0, points, neighbors)
