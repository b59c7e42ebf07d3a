"""Propagation matrices, right and wrong, and what learners are told."""

import numpy as np
import pytest
import torch
from verdicts import verdict

from course_utils.checks.base import NotYet, close
from course_utils.checks.propagation import PROPAGATION, check_propagation_matrix
from course_utils.graphs import propagation


def adjacency_of(edges, nodes):
    matrix = torch.zeros(nodes, nodes)
    matrix[edges[1], edges[0]] = 1
    return matrix


def with_loops(edges, nodes):
    return adjacency_of(edges, nodes).fill_diagonal_(1)


def with_matrices(edge_index, nodes):
    looped = with_loops(edge_index, nodes)
    root = torch.diag(looped.sum(dim=1) ** -0.5)
    return root @ looped @ root


def with_a_loop(edge_index, nodes):
    heard = [{i} for i in range(nodes)]
    for j, i in edge_index.T.tolist():
        heard[i].add(j)
    matrix = np.zeros((nodes, nodes))
    for i in range(nodes):
        for j in heard[i]:
            matrix[i, j] = 1 / (len(heard[i]) * len(heard[j])) ** 0.5
    return matrix


def with_sparse(edge_index, nodes):
    return propagation(edge_index, nodes).to_dense()


def with_geometric(edge_index, nodes):
    from torch_geometric.nn.conv.gcn_conv import gcn_norm
    from torch_geometric.utils import to_dense_adj

    edges, weights = gcn_norm(edge_index, num_nodes=nodes)
    return to_dense_adj(edges, edge_attr=weights, max_num_nodes=nodes)[0].T


@pytest.mark.parametrize("answer", [with_matrices, with_a_loop, with_sparse, with_geometric])
def test_right_matrices(answer):
    said = verdict(check_propagation_matrix, answer)
    assert said.startswith("Right: each entry is divided by the roots of both degrees")


def of(
    matrix=with_loops,
    summed=with_loops,
    left=-0.5,
    right=-0.5,
    finite=False,
    after=lambda p, nodes: p,
):
    """A learner's function: which matrix, whose degrees, which powers, and what comes after."""

    def propagation_matrix(edge_index, nodes):
        degrees = summed(edge_index, nodes).sum(dim=1)
        rows, columns = degrees**left, degrees**right
        if finite:
            rows, columns = (n.where(n.isfinite(), torch.zeros(())) for n in (rows, columns))
        result = torch.diag(rows) @ matrix(edge_index, nodes) @ torch.diag(columns)
        return after(result, nodes)

    return propagation_matrix


def loops_twice(edges, nodes):
    return adjacency_of(edges, nodes) + torch.eye(nodes)


def of_neighbors(**changes):
    return of(adjacency_of, adjacency_of, **changes)


def roots_of_sums(edges, nodes):
    looped = with_loops(edges, nodes)
    degrees = looped.sum(dim=1)
    return looped / (degrees.unsqueeze(1) + degrees).sqrt()


def with_nan(edges, nodes):
    alone = adjacency_of(edges, nodes).sum(dim=1) == 0
    return with_matrices(edges, nodes).masked_fill(torch.diag(alone), float("nan"))


def changed(edge_index, nodes):
    result = with_matrices(edge_index, nodes)
    edge_index[:] = 0
    return result


def as_edges(edge_index, nodes):
    from torch_geometric.nn.conv.gcn_conv import gcn_norm

    return gcn_norm(edge_index, num_nodes=nodes)


BEFORE = "the degrees are those of A, taken before I was added"
ALONE = "I is forgotten: this is D^(−1/2) A D^(−1/2)"
TWICE = "a self-loop that is there already is counted twice"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (of_neighbors(), ALONE),
        (of_neighbors(finite=True), ALONE),
        (of(summed=adjacency_of), BEFORE),
        (of(summed=adjacency_of, finite=True), BEFORE),
        (of(matrix=adjacency_of), "the matrix between them lacks it"),
        (of(left=-1, right=0), "this is row normalization, D^(−1) (A + I)"),
        (of(left=0, right=-1), "this is column normalization, (A + I) D^(−1)"),
        (lambda e, n: of(left=-1, right=0)(e, n).T, "this is column normalization, (A + I) D^(−1)"),
        (of_neighbors(left=-1, right=0), "this is row normalization, and I is forgotten"),
        (of_neighbors(left=-1, right=0, finite=True), "row normalization, and I is forgotten"),
        (of_neighbors(left=0, right=-1), "this is column normalization, and I is forgotten"),
        (of(left=-1, right=-1), "the square root is forgotten: this is D^(−1) (A + I) D^(−1)"),
        (of(right=0), "D^(−1/2) stands on the left only"),
        (of(left=0), "D^(−1/2) stands on the right only"),
        (of(left=0.5, right=0.5), "you multiply by the roots of the degrees: divide"),
        (with_loops, "nothing is normalized: this is A + I"),
        (loops_twice, "nothing is normalized, and " + TWICE),
        (adjacency_of, "this is A: add I, and normalize."),
        (of(loops_twice, loops_twice), TWICE + ": you add I on top"),
        (of_neighbors(finite=True, after=lambda p, n: p + torch.eye(n)), "I is added after nor"),
        (of_neighbors(finite=True, after=lambda p, n: torch.eye(n) - p), "normalized Laplacian"),
        (lambda e, n: torch.diag(with_loops(e, n).sum(dim=1)), "this is D, the degrees on a diag"),
        (roots_of_sums, "you divide by the root of the sum of both degrees"),
        (with_nan, "the matrix holds NaN or infinity, and is right elsewhere"),
        (lambda e, n: torch.full((n, n), float("nan")), "propagation_matrix gives [[nan, nan"),
        (of(after=lambda p, n: p.to_sparse()), "the matrix is sparse: .to_dense()"),
        (of(after=lambda p, n: p.to_sparse_csr()), "the matrix is sparse: .to_dense()"),
        (as_edges, "2 tensors come back. If they are edges and their weights"),
        (of(after=lambda p, n: p[1:]), "must return the shape [4, 4], not the shape [3, 4]"),
        (of(after=lambda p, n: 2 * p), "propagation_matrix gives [[1, 0.7071, 0, 0], [0.7071, 0"),
        (changed, "propagation_matrix changes its argument edge_index"),
        (lambda e, n: e.x, "propagation_matrix stops with AttributeError"),
        (lambda e, n: None, "propagation_matrix returns None"),
        (lambda e: e, "must take the arguments edge_index, nodes."),
        (None, "propagation_matrix is no function"),
    ],
)
@pytest.mark.filterwarnings("ignore:Sparse (CSR|invariant):UserWarning")
def test_wrong_matrices(answer, words):
    assert words in verdict(check_propagation_matrix, answer).partition("Not yet: ")[2]


@pytest.mark.parametrize("answer", [..., lambda edge_index, nodes: ...])
def test_a_placeholder_is_no_attempt(answer):
    assert verdict(check_propagation_matrix, answer).startswith("Not attempted yet: ")


def test_cases_tell_each_misconception_from_all_others():
    for misconception in PROPAGATION.misconceptions[:-1]:  # the last is the right answer with NaN
        attempts = PROPAGATION.attempts(misconception.wrong)
        assert not PROPAGATION._fits(attempts, PROPAGATION.right, close)
        fitting = [
            m for m in PROPAGATION.misconceptions if PROPAGATION._fits(attempts, m.wrong, m.same)
        ]
        assert fitting == [misconception]
        with pytest.raises(NotYet, match=r"\.$"):
            PROPAGATION.judge(attempts)
