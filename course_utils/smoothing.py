"""What graph convolutions do to features without any training: P^k X for growing k."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from torch import Tensor

from course_utils.graphs import GraphError, check_features, check_labels
from course_utils.progress import Progress

DEPTHS = (0, 1, 2, 4, 8, 16, 32, 64, 128)
LARGE = 100  # from this size on, finding two eigenvectors is faster than finding all
ROUNDING = 1e-12  # a variance below is that of float32's rounding


class Distances(NamedTuple):
    """Mean cosine distances between nodes, in 0..2; NaN where there is no such pair.

    Attributes:
        overall: over all pairs of nodes.
        within: over the pairs of the same class.
        between: over the pairs of different classes.
    """

    overall: float
    within: float
    between: float


class Smoothing(NamedTuple):
    """How alike the nodes become with each multiplication by P.

    Attributes:
        depths: the numbers k of multiplications, increasing.
        distances: mean cosine distances between rows of P^k X, for each k.
        places: each row of P^k X, scaled to length 1, in the plane of the two principal
            components of that k, float32 [depths, nodes, 2]; the mean of all nodes is at 0, 0.
            The axes are turned so that each cloud lies as near to the one before as it can.
        shares: the share of the variance that this plane holds, float64 [depths].
        labels: the class of each node, int64 [nodes].
    """

    depths: tuple[int, ...]
    distances: tuple[Distances, ...]
    places: np.ndarray
    shares: np.ndarray
    labels: np.ndarray


def smoothing(
    features: Tensor,
    matrix: Tensor,
    labels: Tensor,
    depths: Sequence[int] = DEPTHS,
    *,
    progress: str | None = "smoothing",
) -> Smoothing:
    """Multiply features by a matrix again and again, and measure how far the nodes are apart.

    Args:
        features: X, float [N, F], dense or sparse (COO), F at least 2.
        matrix: P, float [N, N], dense or sparse, as `graphs.propagation` makes it.
        labels: int64 [N].
        depths: the numbers k of multiplications to look at, increasing from 0 on.
        progress: what the progress bar says; None shows no bar.

    Raises:
        GraphError: features, matrix, labels or depths are not as described, or a node has only
            zeros, which point nowhere.

    Source: Li, Han and Wu (2018), on what many layers do; the measure is that of Chen, Lin, Li, Li,
    Zhou and Sun (2020), averaged over all pairs.
    """
    nodes = len(features)
    check_features(features.coalesce() if features.is_sparse else features, nodes)
    check_labels(labels, nodes, max(int(labels.max()), 0) + 1 if len(labels) else 0)
    if matrix.shape != (nodes, nodes):
        raise GraphError(f"The matrix must be [{nodes}, {nodes}], not {list(matrix.shape)}.")
    if nodes < 2 or features.shape[1] < 2:
        raise GraphError("Distances in a plane take at least two nodes with two features.")
    depths = tuple(depths)
    if not depths or depths[0] < 0 or any(low >= high for low, high in pairwise(depths)):
        raise GraphError(f"Depths must increase from 0 on, as in 0, 1, 2, 4, not {list(depths)}.")
    return _measured(features.detach(), matrix.detach().float(), labels.cpu(), depths, progress)


def multiplied(features: Tensor, matrix: Tensor, depths: Sequence[int]) -> Iterator[Tensor]:
    """P^k X for each of the increasing `depths` k, float32 [N, F], dense.

    Args:
        features: X, float [N, F], dense or sparse (COO).
        matrix: P, float32 [N, N], dense or sparse.
        depths: the numbers k of multiplications, increasing from 0 on.
    """
    rows = (features.to_dense() if features.is_sparse else features).float()
    for done, depth in pairwise((0, *depths)):
        for _ in range(depth - done):
            rows = matrix @ rows
        yield rows


def _measured(
    features: Tensor, matrix: Tensor, labels: Tensor, depths: tuple[int, ...], progress: str | None
) -> Smoothing:
    distances, places, shares = [], [], []
    with Progress(depths[-1], progress, "steps") as bar:
        steps = np.diff((0, *depths)).tolist()
        for count, depth, rows in zip(
            steps, depths, multiplied(features, matrix, depths), strict=True
        ):
            units = _units(rows, depth).cpu()
            distances.append(mean_distances(units, labels))
            plane, share = _principal_plane(units)
            places.append(_turned_to(places[-1], plane) if places else plane)
            shares.append(share)
            bar.update(count)
    return Smoothing(
        depths,
        tuple(distances),
        np.stack(places).astype(np.float32),
        np.array(shares),
        labels.numpy(),
    )


def _units(rows: Tensor, depth: int) -> Tensor:
    """The rows, each scaled to length 1."""
    lengths = rows.norm(dim=1, keepdim=True)
    empty = (lengths == 0).squeeze(1)
    if empty.any():
        raise GraphError(
            f"At depth {depth}, {int(empty.sum())} of {len(rows)} nodes have only zeros: "
            "no angle to them can be measured. Leave them out."
        )
    return rows / lengths


def mean_distances(units: Tensor, labels: Tensor) -> Distances:
    """Exact means over all pairs of rows of length 1, float [N, F], without listing the pairs.

    For units u_i the cosines of all pairs i ≠ j add up to |sum of u_i|² − sum of |u_i|².
    """
    units = units.double()  # the two differ by little, and their squares are large
    sums = units.new_zeros(int(labels.max()) + 1, units.shape[1]).index_add(0, labels, units)
    squares = units.square().sum().item()
    cosines = sums.sum(dim=0).square().sum().item() - squares
    cosines_within = sums.square().sum().item() - squares
    count, sizes = len(units), labels.bincount()
    pairs, pairs_within = count * (count - 1), int((sizes * (sizes - 1)).sum())
    return Distances(
        _distance(cosines, pairs),
        _distance(cosines_within, pairs_within),
        _distance(cosines - cosines_within, pairs - pairs_within),
    )


def _distance(cosines: float, pairs: int) -> float:
    # Rounding may take the cosine of equal rows past 1.
    return max(1 - cosines / pairs, 0.0) if pairs else float("nan")


def _principal_plane(units: Tensor) -> tuple[np.ndarray, float]:
    """Places on the two principal components, [N, 2], and the share of the variance there."""
    centered = units - units.mean(dim=0)
    scatter = (centered.T @ centered).double().numpy()
    total = np.trace(scatter)
    if total < ROUNDING * len(units):
        return np.zeros((len(units), 2)), 1.0
    variances, axes = _largest_two(scatter)
    # An eigenvector's sign is arbitrary: the coordinate that counts most shall be positive.
    strongest = axes[np.abs(axes).argmax(axis=0), [0, 1]]
    places = centered.double().numpy() @ (axes * np.sign(strongest))
    return places, float(variances.sum() / total)


def _largest_two(scatter: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The two largest eigenvalues and their eigenvectors, in columns, the largest first."""
    if len(scatter) < LARGE:
        values, vectors = np.linalg.eigh(scatter)
    else:
        from scipy.sparse.linalg import eigsh

        start = np.random.default_rng(0).standard_normal(len(scatter))
        values, vectors = eigsh(scatter, k=2, v0=start)
    order = values.argsort()[:-3:-1]
    return values[order], vectors[:, order]


def _turned_to(before: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The places, turned and mirrored so that they lie as near as can be to those before.

    Source: Schönemann (1966), the orthogonal Procrustes problem.
    """
    left, _, right = np.linalg.svd(places.T @ before)
    return places @ (left @ right)
