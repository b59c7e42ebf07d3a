"""A run of training on nodes, watched: what the network was given, and what else it may learn."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector

from course_utils.checks.functions import Attempt, Case
from course_utils.graphs import propagation, undirected

FEATURES, HIDDEN, CLASSES = 5, 6, 3
Loss = Callable[[Tensor, Tensor, Tensor], Tensor]  # of logits, labels and the nodes to learn from


class Call(NamedTuple):
    """What a network was given, and its state at that time."""

    features: Tensor
    matrix: Tensor | None
    training: bool
    with_gradients: bool
    weights: Tensor


class WatchedGCN(nn.Module):
    """Two graph convolutions with dropout between them; the network notes each call.

    What dropout silences depends on how many calls in training mode came before, not on chance.
    """

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(FEATURES, HIDDEN)
        self.second = nn.Linear(HIDDEN, CLASSES)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.mul_(3)  # nodes of all classes, even before training
        self.calls: list[Call] = []

    def forward(self, features: Tensor, matrix: Tensor | None = None) -> Tensor:
        """Logits [N, 3] of features [N, 5] and a matrix [N, N]; without one, nodes stay alone."""
        draws = sum(call.training for call in self.calls)
        self.calls.append(
            Call(
                _as_handed_over(features),
                None if matrix is None else _as_handed_over(matrix),
                self.training,
                torch.is_grad_enabled(),
                self.weights,
            )
        )
        hidden = F.silu(_propagated(self.first(features), matrix))
        if self.training:
            kept = torch.rand(hidden.shape, generator=torch.Generator().manual_seed(draws)) < 0.5
            hidden = torch.where(kept, 2 * hidden, 0)
        return _propagated(self.second(hidden), matrix)

    @property
    def weights(self) -> Tensor:
        """All learned numbers as they are now, in a row."""
        return parameters_to_vector(self.parameters()).detach().clone()


def _as_handed_over(given: Tensor) -> Tensor:
    """A copy in the form of the exercise, dense and float32, whatever a learner made of it."""
    return given.detach().to_dense().float().clone()


def _propagated(values: Tensor, matrix: Tensor | None) -> Tensor:
    return values if matrix is None else matrix @ values


def mean_loss(logits: Tensor, labels: Tensor, train: Tensor) -> Tensor:
    """The mean cross-entropy of the nodes to learn from."""
    return F.cross_entropy(logits[train], labels[train])


def right_training(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    features: Tensor,
    matrix: Tensor,
    labels: Tensor,
    train: Tensor,
    steps: int,
    *,
    loss: Loss = mean_loss,
    clears: bool = True,
    dropout: bool = True,
) -> Tensor:
    """A right answer, the classes int64 [N], or one with another loss or a part left out."""
    for _ in range(steps):
        network.train(dropout)
        if clears:
            optimizer.zero_grad()
        loss(network(features, matrix), labels, train).backward()
        optimizer.step()
    network.eval()
    with torch.no_grad():
        return network(features, matrix).argmax(dim=1)


@dataclass(frozen=True)
class NodeRun:
    """A learner's run of training on nodes."""

    made: Attempt

    @property
    def network(self) -> WatchedGCN:
        """The network as the run left it."""
        return self.made.arguments[0]

    @property
    def steps(self) -> int:
        """How many were asked for."""
        return self.made.case.arguments["steps"]

    def given(self, name: str) -> Tensor:
        """An argument as it was handed over."""
        return self.made.case.arguments[name]

    def ends_as(self, **differences: Loss | bool | int) -> bool:
        """Whether the weights are those of the right answer with some differences."""
        arguments = deepcopy(dict(self.made.case.arguments)) | differences
        right_training(**arguments)
        return same_weights(self.network.weights, arguments["network"].weights)


def same_weights(some: Tensor, others: Tensor) -> bool:
    """Whether two rows of learned numbers are the same up to rounding."""
    return torch.allclose(some.double(), others.double(), rtol=1e-3, atol=1e-5)


def node_case(
    pairs: list[tuple[int, int]], nodes: int, train: list[int], steps: int, *, training: bool
) -> Case:
    """A graph with drawn features, and a network in training or evaluation mode."""
    network = WatchedGCN().train(training)
    arguments = {
        "network": network,
        "optimizer": torch.optim.SGD(network.parameters(), lr=0.5),
        "features": 2 * torch.randn(nodes, FEATURES),
        "matrix": propagation(undirected(pairs, nodes), nodes).to_dense(),
        "labels": torch.arange(nodes) % CLASSES,
        "train": torch.tensor(train),
        "steps": steps,
    }
    mode = "training" if training else "evaluation"
    return Case(
        arguments, f"{nodes} nodes, train = {train}, {steps} steps and a network in {mode} mode"
    )


def other_labels(case: Case) -> Case:
    """The same case, in which every node that is not to be learned from has another label."""
    labels = (case.arguments["labels"] + 1) % CLASSES
    train = case.arguments["train"]
    labels[train] = case.arguments["labels"][train]
    return Case(dict(case.arguments) | {"labels": labels}, case.words)
