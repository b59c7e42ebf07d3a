"""Edge lists of undirected graphs, right and wrong, and what learners are told."""

import pytest
import torch
from verdicts import verdict

from course_utils.checks.edges import check_edge_index_of


def as_edges(columns, dtype=torch.int64):
    return torch.tensor(list(columns), dtype=dtype).reshape(-1, 2).T


def with_a_set(pairs, nodes):
    return as_edges(sorted({*pairs, *((j, i) for i, j in pairs)}))


def with_a_loop(pairs, nodes):
    columns = []
    for i, j in pairs:
        for column in ((i, j), (j, i)):
            if column not in columns:
                columns.append(column)
    return as_edges(columns)


def with_unique(pairs, nodes):
    edges = as_edges(pairs)
    return torch.cat([edges, edges.flip(0)], dim=1).unique(dim=1)


def with_a_matrix(pairs, nodes):
    matrix = torch.zeros(nodes, nodes)
    for i, j in pairs:
        matrix[i, j] = matrix[j, i] = 1
    return matrix.nonzero().T


def with_geometric(pairs, nodes):
    from torch_geometric.utils import to_undirected

    return to_undirected(as_edges(pairs), num_nodes=nodes)


RIGHT = [with_a_set, with_a_loop, with_unique, with_a_matrix, with_geometric]


@pytest.mark.parametrize("answer", RIGHT)
def test_right_edges(answer):
    said = verdict(check_edge_index_of, answer)
    assert said.startswith("Right: each edge both ways, and none twice.")


def stops_without_edges(pairs, nodes):
    return torch.tensor(sorted(set(pairs) | {(j, i) for i, j in pairs})).T.contiguous()


def fails_without_edges(pairs, nodes):
    sources, targets = zip(*{*pairs, *((j, i) for i, j in pairs)}, strict=True)
    return torch.tensor([sources, targets])


@pytest.mark.parametrize("answer", [stops_without_edges, fails_without_edges])
def test_a_graph_without_edges_is_remarked(answer):
    said = verdict(check_edge_index_of, answer)
    assert said.startswith("Right: these are the edges. But a graph without edges is a graph, too")


def changed(pairs, nodes):
    pairs.append((0, 0))
    return with_a_set(pairs[:-1], nodes)


def all_doubled(pairs, nodes):
    edges = as_edges(pairs)
    return torch.cat([edges, edges.flip(0)], dim=1)


def loops_doubled(pairs, nodes):
    once = as_edges(sorted({tuple(sorted(pair)) for pair in pairs}))
    return torch.cat([once, once.flip(0)], dim=1)


def pairs_doubled(pairs, nodes):
    return as_edges(c for i, j in pairs for c in dict.fromkeys([(i, j), (j, i)]))


def edge_doubled(pairs, nodes):
    edges = with_a_set(pairs, nodes)
    return torch.cat([edges, edges[:, :1]], dim=1)


def looped(pairs, nodes):
    return with_a_set([*pairs, *((i, i) for i in range(nodes))], nodes)


def reshaped(pairs, nodes):
    return with_a_set(pairs, nodes).T.reshape(2, -1)


def of_list(edit):
    return lambda pairs, nodes: with_a_set(edit(pairs), nodes)


ONE_WAY = "is listed one way only, for pairs = [(0, 1), (1, 2), (3, 1)], nodes = 4"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda pairs, nodes: as_edges(pairs), "the edge between 0 and 1 " + ONE_WAY),
        (lambda pairs, nodes: as_edges(pairs).flip(0), "the edge between 1 and 0 " + ONE_WAY),
        (lambda pairs, nodes: as_edges({tuple(sorted(p)) for p in pairs}), ONE_WAY),
        (lambda pairs, nodes: with_a_set(pairs, nodes).T, "this is of the shape [6, 2], a row for"),
        (lambda pairs, nodes: as_edges(pairs).T, "this is of the shape [3, 2], a row for each"),
        (reshaped, "reshape has cut the numbers anew"),
        (lambda pairs, nodes: as_edges(pairs).T.reshape(2, -1), "reshape has cut the numbers"),
        (lambda p, n: with_a_set(p, n).float(), "these are numbers of torch.float32."),
        (lambda p, n: with_a_set(p, n).int(), "these are numbers of torch.int32."),
        (lambda p, n: with_a_set(p, n).tolist(), "edge_index_of returns a list: make a tensor"),
        (lambda p, n: with_a_set(p, n).numpy(), "returns a NumPy array: torch.from_numpy"),
        (lambda p, n: with_a_set(p, n).flatten(), "the shape [2, E], sources above targets, not"),
        (lambda pairs, nodes: torch.ones(nodes, nodes), "this is an adjacency matrix"),
        (loops_doubled, "the self-loop (1, 1) stands there 2 times, for pairs = [(2, 0), (1, 1)"),
        (all_doubled, "the self-loop (1, 1) stands there 2 times"),
        (pairs_doubled, "the column (0, 1) stands there 2 times, for pairs = [(0, 1), (2, 1), (1"),
        (edge_doubled, "the column (0, 1) stands there 2 times, for pairs = [(0, 1), (1, 2), (3"),
        (of_list(lambda pairs: [p for p in pairs if p[0] != p[1]]), "the self-loop (1, 1) is lost"),
        (looped, "you add the self-loop (0, 0), which is none of the pairs"),
        (lambda p, n: with_a_set(p, n) + 1, "(2, 4) leads to a node that is not there"),
        (lambda p, n: with_a_set(p, n) - 1, "(-1, 0) leads to a node that is not there"),
        (of_list(lambda pairs: pairs[:-1]), "the column (1, 3) is missing, for pairs = [(0, 1)"),
        (
            of_list(lambda pairs: [*pairs, (0, 2)]),
            "the column (0, 2) is none of the pairs, for pairs = [(0, 1)",
        ),
        (changed, "edge_index_of changes its argument pairs"),
        (lambda pairs, nodes: pairs.T, "edge_index_of stops with AttributeError"),
        (lambda pairs, nodes: 3, "must return a tensor of the shape [2, E]."),
        (lambda pairs, nodes: "edges", "what edge_index_of returns is the text 'edges'"),
        (lambda pairs, nodes: None, "edge_index_of returns None"),
        (lambda pairs: pairs, "must take the arguments pairs, nodes."),
        (None, "edge_index_of is no function"),
    ],
)
def test_wrong_edges(answer, words):
    assert words in verdict(check_edge_index_of, answer).partition("Not yet: ")[2]


@pytest.mark.parametrize("answer", [..., lambda pairs, nodes: ...])
def test_a_placeholder_is_no_attempt(answer):
    assert verdict(check_edge_index_of, answer).startswith("Not attempted yet: ")
