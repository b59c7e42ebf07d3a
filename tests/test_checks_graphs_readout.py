"""Readouts of graphs, right and wrong, and what learners are told."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from verdicts import verdict

from course_utils.checks.base import NotYet, close
from course_utils.checks.readout import READOUT, check_readout


def of_each(reduce):
    """A learner's function that treats each graph by itself."""

    def readout(features, graph):
        return torch.stack([reduce(features[graph == g]) for g in graph.unique()])

    return readout


def mean(nodes):
    return nodes.mean(dim=0)


def with_index_add(features, graph):
    count = int(graph.max()) + 1
    sums = torch.zeros(count, features.shape[1]).index_add(0, graph, features)
    return sums / torch.bincount(graph, minlength=count).unsqueeze(1)


def with_one_hot(features, graph):
    member = torch.nn.functional.one_hot(graph).float().T
    return (member / member.sum(dim=1, keepdim=True)) @ features


def with_geometric(features, graph):
    from torch_geometric.nn import global_mean_pool

    return global_mean_pool(features, graph)


def with_numpy(features, graph):
    features, graph = features.numpy(), graph.numpy()
    return np.array([features[graph == g].mean(axis=0) for g in range(graph.max() + 1)])


def as_a_list(features, graph):
    return [features[graph == g].mean(dim=0) for g in range(int(graph.max()) + 1)]


@pytest.mark.parametrize(
    "answer",
    [of_each(mean), with_index_add, with_one_hot, with_geometric, with_numpy, as_a_list],
)
def test_right_readouts(answer):
    assert verdict(check_readout, answer).startswith("Right: one vector for each graph")


def sums(features, graph):
    return of_each(lambda nodes: nodes.sum(dim=0))(features, graph)


def by_place(nodes):
    weights = torch.arange(1.0, len(nodes) + 1)
    return weights @ nodes / weights.sum()


def fading(nodes):
    return 0.5 ** torch.arange(float(len(nodes))) @ nodes


def of_all(features, graph):
    return features.mean(dim=0).repeat(int(graph.max()) + 1, 1)


def if_sorted(features, graph):
    return torch.stack([mean(part) for part in features.split(graph.bincount().tolist())])


def runs(features, graph):
    ends = [0, *(graph.diff().nonzero().flatten() + 1).tolist(), len(graph)]
    return torch.stack([mean(features[a:b]) for a, b in pairwise(ends)])


def as_met(features, graph):
    return torch.stack([mean(features[graph == g]) for g in dict.fromkeys(graph.tolist())])


def of_equal_size(features, graph):
    return features.view(int(graph.max()) + 1, -1, features.shape[1]).mean(dim=1)


def flat(features, graph):
    return features.view(int(graph.max()) + 1, -1)


def flat_in_numpy(features, graph):
    return features.numpy().reshape(int(graph.max()) + 1, -1)


def by_number(features, graph):
    return {g: mean(features[graph == g]) for g in graph.unique().tolist()}


def changed(features, graph):
    result = with_index_add(features, graph)
    features *= 0
    return result


FIRST = "this is the first node of each graph, and which node that is depends on how"
SIDE_BY_SIDE = "this lays the vectors of a graph's nodes side by side"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (of_each(lambda nodes: nodes[0]), FIRST),
        (of_each(lambda nodes: nodes[-1]), "this is the last node of each graph"),
        (of_each(by_place), "nodes are weighted by their place"),
        (of_each(fading), "the result depends on the order of the nodes"),
        (of_each(lambda nodes: nodes[:2].mean(dim=0)), "the result depends on the order of the"),
        (flat, SIDE_BY_SIDE),
        (flat_in_numpy, SIDE_BY_SIDE),
        (of_each(torch.flatten), SIDE_BY_SIDE),
        (sums, "this is the sum over the nodes"),
        (of_each(lambda nodes: nodes.amax(dim=0)), "this is the largest value of each feature"),
        (of_each(lambda nodes: nodes.amin(dim=0)), "this is the smallest value of each feature"),
        (of_each(lambda nodes: nodes.median(dim=0).values), "this is the median of each feature"),
        (of_all, "every graph gets the mean over all nodes of the batch"),
        (lambda f, g: f.mean(dim=0), "this is one mean over all nodes of the batch"),
        (lambda f, g: sums(f, g) / len(f), "divided by the number of all nodes of the batch"),
        (lambda f, g: sums(f, g) / (len(f) / (g.max() + 1)), "divided by the mean number of nod"),
        (lambda f, g: sums(f, g) / g.bincount().max(), "divided by the size of the largest one"),
        (if_sorted, "you cut the list of nodes into one piece for each graph"),
        (runs, "you start a new graph wherever the number changes"),
        (as_met, "the means are right, the order of the rows is not"),
        (of_equal_size, "as if all had the same number of nodes"),
        (lambda f, g: f.mean(dim=1), "this is the mean over the features of each node"),
        (of_each(lambda nodes: 2 * mean(nodes)), "readout gives [["),
        (of_each(lambda nodes: nodes.mean()), "must return the shape [2, 2], not the shape [2]"),
        (lambda f, g: with_index_add(f, g).T[:, :1], "must return the shape [2, 2], not the"),
        (changed, "readout changes its argument features"),
        (lambda f, g: f.x, "readout stops with AttributeError"),
        (lambda f, g: None, "readout returns None"),
        (by_number, "what readout returns is of the type dict: numbers are asked for."),
        (lambda f, g: "mean", "what readout returns is the text 'mean': give numbers"),
        (lambda f, g: f > 0, "what readout returns is a tensor of torch.bool"),
        (lambda f, g: (with_index_add(f, g), g.unique()), "has items of different sizes"),
        (lambda f, g: with_index_add(f, g) if g.any() else None, "what readout returns is None"),
        (lambda f: f, "must take the arguments features, graph."),
        (None, "readout is no function"),
    ],
)
def test_wrong_readouts(answer, words):
    assert words in verdict(check_readout, answer).partition("Not yet: ")[2]


@pytest.mark.parametrize("answer", [..., lambda features, graph: ...])
def test_a_placeholder_is_no_attempt(answer):
    assert verdict(check_readout, answer).startswith("Not attempted yet: ")


def test_cases_tell_each_misconception_from_all_others():
    READOUT.judge(READOUT.attempts(READOUT.right))
    for misconception in READOUT.misconceptions:
        attempts = READOUT.attempts(misconception.wrong)
        fitting = [m for m in READOUT.misconceptions if READOUT._fits(attempts, m.wrong, m.same)]
        assert fitting == [misconception]
        with pytest.raises(NotYet, match=r"\.$"):
            READOUT.judge(attempts)
    assert READOUT._fits(READOUT.attempts(of_each(mean)), READOUT.right, close)
