"""Triangle meshes of solids, made in code, and graphs of them: the mesher's own, and the surface's.

What the graphs hold besides positions stays as it is when a solid is turned, moved or scaled.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Data

from course_utils.graphs import GraphError, check_edges

SOLIDS = ("sphere", "box", "cylinder", "cone", "torus", "capsule")
WAVES = 4  # of a solid's dents
DENT = 0.1  # the largest depth of one wave, where a solid is about 2 wide


@dataclass(frozen=True, eq=False)
class Mesh:
    """A surface of triangles.

    Attributes:
        vertices: float32 [V, 3].
        faces: int64 [F, 3], each triangle's vertices, counterclockwise as seen from outside.
        name: of the solid.

    Raises:
        GraphError: vertices or faces are not as described, or the surface has no area.
    """

    vertices: Tensor
    faces: Tensor
    name: str

    def __post_init__(self) -> None:
        vertices, faces = self.vertices, self.faces
        if vertices.shape[1:] != (3,) or vertices.dtype != torch.float32:
            what = f"{vertices.dtype} {list(vertices.shape)}"
            raise GraphError(f"Vertices must be float32 [V, 3], not {what}.")
        if faces.shape[1:] != (3,) or faces.dtype != torch.int64:
            raise GraphError(f"Faces must be int64 [F, 3], not {faces.dtype} {list(faces.shape)}.")
        check_edges(faces[:, :2].T, len(vertices))
        check_edges(faces[:, 1:].T, len(vertices))
        area = _scaled_normals(self).norm(dim=1).sum()
        if not (area.isfinite() and area > 0):
            raise GraphError("This mesh has no area, or some of its vertices are not finite.")


def solid(name: str, seed: int) -> Mesh:
    """One of `SOLIDS` with random proportions, dents and rotation, about 2 wide.

    The surface is as trimesh makes it. The dents are smooth: their waves are as long as the solid
    is wide or longer, so that they are the same however finely it is meshed.

    Args:
        name: one of `SOLIDS`.
        seed: of proportions, number of sections, dents and rotation; 0 or more.

    Raises:
        ValueError: there is no solid of that name.
    """
    from trimesh.transformations import quaternion_matrix

    if name not in SOLIDS:
        raise ValueError(f"There is no solid {name!r}: choose one of {', '.join(SOLIDS)}.")
    random = np.random.default_rng([seed, SOLIDS.index(name)])
    vertices, faces = _as_made(name, random)
    frequencies = random.normal(size=(WAVES, 3))
    frequencies *= random.uniform(1, np.pi, (WAVES, 1)) / np.linalg.norm(
        frequencies, axis=1, keepdims=True
    )
    phases = random.uniform(0, 2 * np.pi, WAVES)
    depths = random.uniform(-DENT, DENT, (WAVES, 3))
    vertices = vertices + np.sin(vertices @ frequencies.T + phases) @ depths
    vertices = vertices @ quaternion_matrix(random.normal(size=4))[:3, :3].T
    return Mesh(torch.tensor(vertices, dtype=torch.float32), torch.tensor(faces), name)


def _as_made(name: str, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Vertices float64 [V, 3] and faces int64 [F, 3] of a solid before it is dented and turned."""
    from trimesh import creation

    ratio, sections = random.uniform(0.6, 1.4), int(random.integers(16, 33))
    if name == "sphere":
        made = creation.icosphere(subdivisions=int(random.integers(2, 4)))
    elif name == "box":
        made = creation.box(extents=random.uniform(0.8, 2, 3))
    elif name == "cylinder":
        made = creation.cylinder(0.8, 1.6 * ratio, sections=sections)
    elif name == "cone":
        made = creation.cone(0.9, 1.6 * ratio, sections=sections)
    elif name == "torus":
        made = creation.torus(0.8, 0.3 * ratio, major_sections=sections, minor_sections=12)
    else:
        made = creation.capsule(height=ratio, radius=0.6, count=[sections, sections])
    return np.array(made.vertices), np.array(made.faces, dtype=np.int64)


def mesh_edges(mesh: Mesh) -> Tensor:
    """The sides of the triangles: int64 [2, E], each both ways and once, sorted by source."""
    sides = torch.cat([mesh.faces[:, [0, 1]], mesh.faces[:, [1, 2]], mesh.faces[:, [2, 0]]]).T
    return torch.cat([sides, sides.flip(0)], dim=1).unique(dim=1)


def mesher_graph(mesh: Mesh) -> Data:
    """The graph that comes with a mesh: its vertices and the sides of its triangles.

    Returns:
        As `surface_graph`; a vertex's normal is the mean of its triangles', weighted by area.
    """
    scaled = _scaled_normals(mesh)
    corners = mesh.faces.flatten()
    normals = torch.zeros(len(mesh.vertices), 3, dtype=torch.float64)
    normals.index_add_(0, corners, scaled.repeat_interleave(3, dim=0))
    return _graph(mesh, mesh.vertices.double(), normals, mesh_edges(mesh))


def surface_graph(mesh: Mesh, seed: int, points: int = 256, neighbors: int = 6) -> Data:
    """A graph of the surface that does not know the mesher's triangles.

    Its nodes are points drawn uniformly on the surface. Each is tied, both ways, to those nearest
    to it.

    Args:
        mesh: the surface.
        seed: of the points; 0 or more.
        points: N.
        neighbors: how many nearest points each is tied to; it has more where it is among the
            nearest of others.

    Returns:
        float32 `pos` [N, 3] and, for each node, `constant`: 1, `degree`: the number of neighbors,
        `radius`: the distance from the surface's center of mass, where 1 is the radius of the
        sphere with the same area, `bend`: the mean angle between its normal and its neighbors', in
        radians; each [N]. And `edge_index` int64 [2, E].

    Raises:
        ValueError: there are not more points than neighbors, or no neighbors.
    """
    if not 1 <= neighbors < points:
        raise ValueError(
            f"Each of {points} points needs 1 to {points - 1} neighbors, not {neighbors}."
        )
    random = np.random.default_rng(seed)
    scaled = _scaled_normals(mesh)
    shares = scaled.norm(dim=1).cumsum(0)
    drawn = torch.from_numpy(random.random(points)) * shares[-1]
    faces = torch.searchsorted(shares, drawn, right=True).clamp(max=len(shares) - 1)
    first, second = torch.from_numpy(random.random((2, points, 1)))
    # With the root of one number the points are uniform in each triangle (Osada et al., 2002).
    first = first.sqrt()
    weights = torch.stack([1 - first, first * (1 - second), first * second], dim=1)  # [N, 3, 1]
    positions = (mesh.vertices.double()[mesh.faces[faces]] * weights).sum(dim=1)
    return _graph(mesh, positions, scaled[faces], _nearest(positions, neighbors))


def _nearest(positions: Tensor, neighbors: int) -> Tensor:
    """Edges int64 [2, E] from each point to its nearest ones and back."""
    # The faster way by a matrix product is not exact enough to tell near from nearer.
    distances = torch.cdist(positions, positions, compute_mode="donot_use_mm_for_euclid_dist")
    nearest = distances.fill_diagonal_(torch.inf).topk(neighbors, largest=False).indices
    tied = torch.zeros(len(positions), len(positions), dtype=torch.bool)
    tied.scatter_(1, nearest, True)
    return (tied | tied.T).nonzero().T.contiguous()


def _scaled_normals(mesh: Mesh) -> Tensor:
    """Each triangle's normal, outward, as long as the triangle's area: float64 [F, 3]."""
    first, second, third = mesh.vertices.double()[mesh.faces].unbind(dim=1)
    return torch.linalg.cross(second - first, third - first) / 2


def _graph(mesh: Mesh, positions: Tensor, normals: Tensor, edge_index: Tensor) -> Data:
    """Nodes at `positions` [N, 3] with `normals` [N, 3] of any length, and their features."""
    nodes = len(positions)
    areas = _scaled_normals(mesh).norm(dim=1, keepdim=True)
    middles = mesh.vertices.double()[mesh.faces].mean(dim=1)
    center = (areas * middles).sum(dim=0) / areas.sum()
    radius = (positions - center).norm(dim=1) / (areas.sum() / (4 * torch.pi)).sqrt()

    source, target = edge_index
    degree = torch.bincount(target, minlength=nodes).double()
    here, there = normals[target], normals[source]
    # Unlike the arccosine of a product, this is exact for small angles too.
    angles = torch.atan2(torch.linalg.cross(here, there).norm(dim=1), (here * there).sum(dim=1))
    total = torch.zeros(nodes, dtype=torch.float64).index_add_(0, target, angles)
    return Data(
        edge_index=edge_index,
        pos=positions.float(),
        constant=torch.ones(nodes),
        degree=degree.float(),
        radius=radius.float(),
        bend=(total / degree.clamp(min=1)).float(),
        num_nodes=nodes,
    )
