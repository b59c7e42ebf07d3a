"""Checker of a readout: one vector for each graph of a batch, the mean over its nodes."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from course_utils.checks.base import NotYet, as_numbers, checker, close
from course_utils.checks.functions import Attempt, Case, FunctionExercise, Misconception, attempt

NodesOfGraph = Callable[[Tensor], Tensor]  # [n, F] -> [F]


def _of_each(reduce: NodesOfGraph) -> Callable[[Tensor, Tensor], Tensor]:
    """An answer that treats the nodes of each graph by themselves."""
    return lambda features, graph: torch.stack(
        [reduce(features[graph == number]) for number in range(int(graph.max()) + 1)]
    )


def _mean(nodes: Tensor) -> Tensor:
    return nodes.mean(dim=0)


def _as_if_sorted(features: Tensor, graph: Tensor) -> Tensor:
    return torch.stack([_mean(part) for part in features.split(torch.bincount(graph).tolist())])


def _by_appearance(features: Tensor, graph: Tensor) -> Tensor:
    numbers = dict.fromkeys(graph.tolist())
    return torch.stack([_mean(features[graph == number]) for number in numbers])


def _runs(features: Tensor, graph: Tensor) -> Tensor:
    """A mean for each run of equal numbers."""
    lengths = graph.unique_consecutive(return_counts=True)[1].tolist()
    return torch.stack([_mean(part) for part in features.split(lengths)])


def _count(graph: Tensor) -> int:
    return int(graph.max()) + 1


def _weighted(nodes: Tensor) -> Tensor:
    weights = torch.arange(1, len(nodes) + 1)
    return (nodes * weights.unsqueeze(1)).sum(dim=0) / weights.sum()


ORDER = (
    "{}, and which node that is depends on how the nodes are numbered. A graph has no first node: "
    "take the mean, which does not depend on the order."
)
SIDE_BY_SIDE = (
    "this lays the vectors of a graph's nodes side by side: the result depends on their order and "
    "is longer for larger graphs. Take the mean over the nodes."
)
MISCONCEPTIONS = [
    Misconception(ORDER.format("this is the first node of each graph"), _of_each(lambda n: n[0])),
    Misconception(ORDER.format("this is the last node of each graph"), _of_each(lambda n: n[-1])),
    Misconception(
        "nodes are weighted by their place, so the result depends on how they are numbered: in "
        "a mean, all nodes count alike.",
        _of_each(_weighted),
    ),
    Misconception(
        "this is the sum over the nodes: a graph of twice as many nodes gets numbers twice as "
        "large. Divide by the number of nodes of each graph.",
        _of_each(lambda nodes: nodes.sum(dim=0)),
    ),
    Misconception(
        "this is the largest value of each feature, not the mean.",
        _of_each(lambda nodes: nodes.amax(dim=0)),
    ),
    Misconception(
        "this is the smallest value of each feature, not the mean.",
        _of_each(lambda nodes: nodes.amin(dim=0)),
    ),
    Misconception(
        "this is the median of each feature, not the mean.",
        _of_each(lambda nodes: nodes.median(dim=0).values),
    ),
    Misconception(
        "every graph gets the mean over all nodes of the batch: take only its own nodes, "
        "features[graph == g].",
        lambda features, graph: features.mean(dim=0).expand(_count(graph), -1),
    ),
    Misconception(
        "this is one mean over all nodes of the batch, as if they were one graph: graph says which "
        "node belongs to which, and each graph gets a row.",
        lambda features, graph: features.mean(dim=0),
    ),
    Misconception(
        "the sum of each graph is divided by the number of all nodes of the batch, so a vector "
        "depends on which graphs come along: divide by the number of its own nodes.",
        lambda features, graph: (
            _of_each(lambda nodes: nodes.sum(dim=0))(features, graph) / len(features)
        ),
    ),
    Misconception(
        "the sum of each graph is divided by the mean number of nodes, and graphs differ in size: "
        "divide by the number of its own nodes.",
        lambda features, graph: (
            _of_each(lambda nodes: nodes.sum(dim=0))(features, graph) * _count(graph) / len(graph)
        ),
    ),
    Misconception(
        "the sum of each graph is divided by the size of the largest one: divide by the number of "
        "its own nodes.",
        lambda features, graph: (
            _of_each(lambda nodes: nodes.sum(dim=0))(features, graph) / torch.bincount(graph).max()
        ),
    ),
    Misconception(
        "you cut the list of nodes into one piece for each graph, as if graph were sorted, which "
        "it need not be. Pick the nodes by their number, features[graph == g].",
        _as_if_sorted,
    ),
    Misconception(
        "you start a new graph wherever the number changes, but graph need not be sorted: the "
        "nodes of one graph may lie apart. Pick them by their number, features[graph == g].",
        _runs,
    ),
    Misconception(
        "the means are right, the order of the rows is not: row g is graph g, whichever appears "
        "first.",
        _by_appearance,
    ),
    Misconception(
        "the graphs are laid side by side as if all had the same number of nodes: they differ in "
        "size. Pick the nodes of each by their number, features[graph == g].",
        lambda features, graph: features.reshape(_count(graph), -1, features.shape[1]).mean(dim=1),
    ),
    Misconception(SIDE_BY_SIDE, lambda features, graph: features.reshape(_count(graph), -1)),
    Misconception(SIDE_BY_SIDE, _of_each(torch.flatten)),
    Misconception(
        "this is the mean over the features of each node, dim=1: take it over the nodes, dim=0.",
        lambda features, graph: features.mean(dim=1),
    ),
]


def _case(graph: list[int], features: int) -> Case:
    generator = torch.Generator().manual_seed(len(graph))
    values = torch.randint(-9, 10, (len(graph), features), generator=generator).float()
    return Case({"features": values, "graph": torch.tensor(graph)})


READOUT = FunctionExercise(
    name="readout",
    right=_of_each(_mean),
    cases=[
        _case([0, 0, 0, 1, 1, 1], 2),
        _case([0, 0, 0, 0, 1, 1], 2),
        _case([1, 0, 1, 2, 0, 1, 1, 0], 3),
        _case([0, 0, 0], 2),
    ],
    misconceptions=MISCONCEPTIONS,
)


@checker
def check_readout(readout: Any) -> str:
    """Exercise 5: readout(features [N, F], graph int64 [N]) -> means over nodes, [G, F]."""
    attempts = READOUT.attempts(readout)
    try:
        READOUT.judge(attempts)
    except NotYet as problem:
        named = {misconception.sentence for misconception in MISCONCEPTIONS}
        if str(problem) not in named and any(_depends_on_order(readout, made) for made in attempts):
            raise NotYet(
                "the result depends on the order of the nodes: with the same nodes in another "
                "order it comes out differently. How nodes are numbered is arbitrary: take the "
                "mean, which does not depend on it."
            ) from None
        raise
    return (
        "one vector for each graph, whatever its size and the order of its nodes. "
        "What would a sum tell about a graph that a mean does not?"
    )


def _depends_on_order(readout: Callable[..., Any], made: Attempt) -> bool:
    """Whether an answer's numbers are others if the nodes of a case are turned around."""
    turned = {name: tensor.flip(0) for name, tensor in made.case.arguments.items()}
    other = attempt(readout, Case(turned))
    if made.error or other.error:
        return False
    try:
        for value in (made.value, other.value):
            as_numbers(value, "")
    except NotYet:  # another sentence is due
        return False
    return not other.does(made, close)
