"""Graphs as edges and as matrices: adjacency, normalization, and what may be done to edges.

Edges are those of PyTorch Geometric: `edge_index`, int64 [2, E], where a column (j, i) says that
node j sends to node i. An undirected edge is two columns, one for each direction. In a matrix, row
i holds what node i receives.
"""

from collections.abc import Iterable, Sequence
from typing import Literal

import torch
from torch import Tensor

Normalization = Literal["none", "row", "symmetric"]
NORMALIZATIONS: tuple[Normalization, ...] = ("none", "row", "symmetric")

# Off is torch's default; torch 2.11 warns unless somebody has said so. Where a matrix is made of
# edges from outside, the checks are asked for.
torch.sparse.check_sparse_tensor_invariants.disable()


class GraphError(ValueError):
    """A graph is not what it should be; the message says what is wrong and what to do."""


def check_edges(edge_index: Tensor, nodes: int) -> Tensor:
    """`edge_index`, if it is int64 [2, E] with ends in 0..nodes - 1.

    Raises:
        GraphError: there are no nodes, or the edges are not as described.
    """
    if nodes < 1:
        raise GraphError("This graph has no nodes: it needs at least one.")
    if not isinstance(edge_index, Tensor) or edge_index.dtype != torch.int64:
        kind = getattr(edge_index, "dtype", type(edge_index).__name__)
        raise GraphError(f"Edges must be a tensor of int64, not {kind}.")
    if edge_index.dim() != 2 or len(edge_index) != 2:
        shape = list(edge_index.shape)
        raise GraphError(f"Edges must have the shape [2, E], sources above targets, not {shape}.")
    outside = (edge_index < 0) | (edge_index >= nodes)
    if outside.any():
        source, target = edge_index[:, outside.any(dim=0)][:, 0].tolist()
        raise GraphError(
            f"The edge from {source} to {target} leads to a node that is not there: "
            f"the nodes are 0 to {nodes - 1}."
        )
    return edge_index


def check_features(features: Tensor, nodes: int) -> Tensor:
    """`features`, if they are one row of finite numbers for each node: float [N, F].

    Raises:
        GraphError: they are not.
    """
    if features.dim() != 2 or len(features) != nodes:
        shape = list(features.shape)
        raise GraphError(
            f"Features must have one row for each of the {nodes} nodes: [{nodes}, F], not {shape}."
        )
    if not features.is_floating_point():
        raise GraphError(f"Features must be floating-point numbers, not {features.dtype}.")
    values = features.values() if features.is_sparse else features
    if not values.isfinite().all():
        raise GraphError("Some features are NaN or infinite: one of them would spoil all it meets.")
    return features


def check_labels(labels: Tensor, nodes: int, classes: int) -> Tensor:
    """`labels`, if they are a class 0..classes - 1 for each node: int64 [N].

    Raises:
        GraphError: they are not.
    """
    if labels.shape != (nodes,) or labels.dtype != torch.int64:
        raise GraphError(
            f"Labels must be int64 [{nodes}], one for each node, "
            f"not {labels.dtype} {list(labels.shape)}."
        )
    missing = (labels < 0) | (labels >= classes)
    if missing.any():
        raise GraphError(
            f"{int(missing.sum())} of {nodes} nodes have no label of 0 to {classes - 1}: "
            "leave them out of the nodes to learn from and to test on."
        )
    return labels


def undirected(pairs: Iterable[Sequence[int]], nodes: int) -> Tensor:
    """Edges int64 [2, E] that join each pair of nodes in both directions; a self-loop once.

    Raises:
        GraphError: a pair is no pair, is listed twice, or leads to a node that is not there.
    """
    columns: dict[tuple[int, int], None] = {}
    for pair in pairs:
        if len(pair) != 2:
            raise GraphError(f"An edge joins two nodes, not {len(pair)}: {list(pair)}.")
        source, target = (int(end) for end in pair)
        if (source, target) in columns:
            what = f"self-loop at {source}" if source == target else f"edge {source}, {target}"
            raise GraphError(f"The {what} is listed twice: it would count double.")
        columns |= dict.fromkeys([(source, target), (target, source)])
    edges = torch.tensor(list(columns), dtype=torch.int64).reshape(-1, 2).T.contiguous()
    return check_edges(edges, nodes)


def check_nodes(nodes: Tensor, total: int) -> None:
    """Make sure that `nodes` are numbers of nodes, int64 [n], at least one, of 0..total - 1.

    Raises:
        GraphError: they are not.
    """
    if nodes.dtype != torch.int64 or nodes.dim() != 1:
        raise GraphError(
            f"Nodes are given by their numbers, int64 [n], not {nodes.dtype} {list(nodes.shape)}: "
            "mask.nonzero().flatten() makes numbers of a mask."
        )
    if len(nodes) == 0:
        raise GraphError("No nodes are given: at least one is needed.")
    if nodes.min() < 0 or nodes.max() >= total:
        raise GraphError(
            f"The nodes given are {int(nodes.min())} to {int(nodes.max())}, "
            f"but this graph has only 0 to {total - 1}."
        )


def is_undirected(edge_index: Tensor) -> bool:
    """Whether each edge goes both ways."""
    columns = set(zip(*edge_index.tolist(), strict=True))
    return all((target, source) in columns for source, target in columns)


def adjacency(edge_index: Tensor, nodes: int, *, self_loops: bool = False) -> Tensor:
    """The adjacency matrix A, or A + I: float32 [N, N], 1 in row i, column j where j sends to i.

    Args:
        edge_index: int64 [2, E].
        nodes: N.
        self_loops: add I; a self-loop that is there already does not count double.

    Raises:
        GraphError: the edges are not as described, or one is listed twice.
    """
    source, target = check_edges(edge_index, nodes)
    matrix = torch.zeros(nodes, nodes, device=edge_index.device)
    matrix.index_put_((target, source), matrix.new_ones(len(source)), accumulate=True)
    if (matrix > 1).any():
        i, j = (matrix > 1).nonzero()[0].tolist()
        raise GraphError(f"The edge from {j} to {i} is listed twice: it would count double.")
    if self_loops:
        matrix.fill_diagonal_(1)
    return matrix


def normalized(matrix: Tensor, how: Normalization = "symmetric") -> Tensor:
    """A matrix whose entries are divided by degrees, float32 [N, N].

    The degree of a node is the sum of its row. "row" divides each row by its own degree, which
    gives the mean over what a node receives. "symmetric" divides entry i, j by the square root of
    the product of both degrees (Kipf and Welling, 2017). A row of zeros stays.

    Raises:
        GraphError: `how` is unknown; or it is "symmetric", and the edges do not go both ways.
    """
    if how not in NORMALIZATIONS:
        raise GraphError(f"Normalization is one of {', '.join(NORMALIZATIONS)}, not {how!r}.")
    degrees = matrix.sum(dim=1)
    if how == "row":
        return matrix * degrees.where(degrees == 0, 1 / degrees).unsqueeze(1)
    if how == "symmetric":
        if not torch.equal(matrix, matrix.T):
            raise GraphError(
                "Symmetric normalization is for edges that go both ways: add the missing ones, "
                "or normalize by row."
            )
        scale = degrees.where(degrees == 0, degrees.rsqrt())
        return scale.unsqueeze(1) * matrix * scale
    return matrix


def propagation(edge_index: Tensor, nodes: int) -> Tensor:
    """P = D^-1/2 (A + I) D^-1/2 for large graphs: float32 [N, N], sparse (COO).

    D holds the degrees of A + I on its diagonal (Kipf and Welling, 2017, equation 2).

    Raises:
        GraphError: as `adjacency` and `normalized` do.
    """
    edges = check_edges(edge_index, nodes)
    if len(edges.unique(dim=1).T) < len(edges.T):
        raise GraphError("Some edges are listed twice: they would count double.")
    if not is_undirected(edges):
        raise GraphError(
            "Symmetric normalization is for edges that go both ways: add the missing ones."
        )
    loops = torch.arange(nodes, device=edges.device).expand(2, -1)
    source, target = torch.cat([edges[:, edges[0] != edges[1]], loops], dim=1)
    scale = torch.bincount(target, minlength=nodes).float().rsqrt()
    values = scale[target] * scale[source]
    places = torch.stack([target, source])
    matrix = torch.sparse_coo_tensor(places, values, (nodes, nodes), check_invariants=True)
    return matrix.coalesce()


def without_edges(edge_index: Tensor, share: float, seed: int) -> Tensor:
    """Undirected edges of which a share, drawn at random, is gone.

    Args:
        edge_index: int64 [2, E], each edge both ways, without self-loops.
        share: 0..1.
        seed: of the draw.

    Raises:
        GraphError: the share does not lie in 0..1.
    """
    kept, _ = _drawn(edge_index, share, seed)
    return _both_ways(kept)


def rewired(edge_index: Tensor, nodes: int, share: float, seed: int) -> Tensor:
    """Undirected edges of which a share, drawn at random, joins two random nodes instead.

    The number of edges stays: no edge is drawn twice, and none joins a node to itself.

    Raises:
        GraphError: the share does not lie in 0..1.
    """
    kept, drawn = _drawn(edge_index, share, seed)
    generator = torch.Generator().manual_seed(seed + 1)
    taken = set(zip(*kept.tolist(), strict=True))
    new = []
    while len(new) < drawn.shape[1]:
        low, high = sorted(torch.randint(nodes, (2,), generator=generator).tolist())
        if low != high and (low, high) not in taken:
            taken.add((low, high))
            new.append((low, high))
    added = torch.tensor(new, dtype=torch.int64, device=kept.device).reshape(-1, 2).T
    return _both_ways(torch.cat([kept, added], dim=1))


def _drawn(edge_index: Tensor, share: float, seed: int) -> tuple[Tensor, Tensor]:
    """Each edge once, low end above high end: those that stay, and those that were drawn."""
    if not 0 <= share <= 1:
        raise GraphError(f"The share of edges lies in 0 to 1: {share:g} does not.")
    once = edge_index[:, edge_index[0] < edge_index[1]]
    order = torch.randperm(once.shape[1], generator=torch.Generator().manual_seed(seed))
    count = round(share * once.shape[1])
    return once[:, order[count:]], once[:, order[:count]]


def _both_ways(once: Tensor) -> Tensor:
    return torch.cat([once, once.flip(0)], dim=1)


def grid(height: int, width: int) -> tuple[Tensor, Tensor]:
    """A picture as a graph: each pixel is a node, tied to its 8 neighbors and to itself.

    Node number row * width + column is a pixel.

    Returns:
        edges int64 [2, E], and the kind of each, int64 [E]: the tap of a 3 x 3 kernel through
        which the target sees the source, 0 (above left) to 8 (below right); 4 is the pixel itself.

    Raises:
        GraphError: it has no row or no column.
    """
    if min(height, width) < 1:
        raise GraphError(f"A grid has at least one row and one column, not {height} × {width}.")
    numbers = torch.arange(height * width).view(height, width)
    padded = torch.nn.functional.pad(numbers, (1, 1, 1, 1), value=-1)
    columns, kinds = [], []
    for tap in range(9):
        row, column = divmod(tap, 3)
        source = padded[row : row + height, column : column + width].flatten()
        inside = source >= 0
        columns.append(torch.stack([source[inside], numbers.flatten()[inside]]))
        kinds.append(torch.full((int(inside.sum()),), tap))
    return torch.cat(columns, dim=1), torch.cat(kinds)
