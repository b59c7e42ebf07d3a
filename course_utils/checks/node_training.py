"""Checker of training on nodes: the whole graph is seen, and only the training nodes' labels."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils.checks.base import NotYet, as_numbers, checker, close, show
from course_utils.checks.functions import (
    FunctionExercise,
    attempt,
    require_no_error,
    require_unchanged,
)
from course_utils.checks.node_run import (
    CLASSES,
    NodeRun,
    mean_loss,
    node_case,
    other_labels,
    right_training,
    same_weights,
)
from course_utils.environment import random_state

TEST_LABELS = (
    "Those nodes are there to test on: a network that has seen their labels says on a test how "
    "well it learned them by heart. Index logits and labels alike: logits[train], labels[train]."
)
ARGMAX = (
    "argmax picks a class, and no gradient leads through a pick: hand cross_entropy the logits as "
    "they are. argmax comes after training, for the answer."
)


@checker
def check_train_nodes(train_nodes: Any) -> str:
    """Exercise 4: train_nodes(network, optimizer, features, matrix, labels, train, steps)."""
    # Of this seed come right answers that hold several classes.
    with random_state(3):
        exercise = node_exercise()
        for made in exercise.attempts(train_nodes):
            run = NodeRun(made)
            if made.error:
                _explain_error(run)
                require_no_error(exercise, made)
            require_unchanged(exercise.name, made, among=("features", "matrix", "labels", "train"))
            _require_whole_graph(run)
            _require_unseen_labels(run, NodeRun(attempt(train_nodes, other_labels(made.case))))
            _require_steps(run)
            _require_classes(run)
    return (
        "the whole graph is seen, the labels of the training nodes alone are learned from. "
        "The features of the test nodes were there all along: for which new nodes could the "
        "network not be used like this?"
    )


def node_exercise() -> FunctionExercise:
    """The exercise; its networks and features are drawn by torch's global generator."""
    ring = [(number, (number + 1) % 8) for number in range(8)]
    return FunctionExercise(
        name="train_nodes",
        right=right_training,
        cases=[
            node_case([*ring, (0, 4)], 8, [5, 0, 2, 7], 4, training=False),
            node_case(
                [(0, 1), (1, 2), (1, 3), (3, 4), (5, 6), (6, 4)], 7, [6, 1, 3], 3, training=True
            ),
        ],
        misconceptions=[],
    )


def _explain_error(run: NodeRun) -> None:
    words = str(run.made.error)
    if any(len(call.features) != len(run.given("features")) for call in run.network.calls):
        _require_whole_graph(run)
    if "batch_size" in words and "target" in words:
        raise NotYet(
            "there are as many logits as nodes on one side of the loss, and as many labels as "
            "other nodes: index both alike, logits[train] and labels[train]."
        )
    if "not implemented for 'Long'" in words or "with class probabilities" in words:
        raise NotYet(ARGMAX)
    if "not require grad" in words:
        calls = run.network.calls
        if calls and not calls[-1].with_gradients:
            raise NotYet(
                "the network runs under no_grad while it should learn: that is for the pass after "
                "training, which gives the answer."
            )
        raise NotYet(f"the loss has no gradient. {ARGMAX}")


def _require_whole_graph(run: NodeRun) -> None:
    if not run.network.calls:
        raise NotYet("the network never runs: network(features, matrix) gives the logits.")
    features, matrix = run.given("features"), run.given("matrix")
    for call in run.network.calls:
        if len(call.features) < len(features):
            raise NotYet(
                f"the network is given {len(call.features)} of the {len(features)} nodes, so the "
                "graph is cut: the edges to all others are gone, and with them what the training "
                "nodes receive. Give it the whole graph, and pick the training nodes from its "
                "logits."
            )
        if not torch.equal(call.features, features):
            raise NotYet(
                "the network sees other features than those handed over: give it all of them as "
                "they are. Only labels are kept back for the test."
            )
        if call.matrix is None:
            raise NotYet(
                "the network runs without the matrix, so each node is seen by itself: "
                "network(features, matrix)."
            )
        if not torch.equal(call.matrix, matrix):
            raise NotYet(
                "the network is given another matrix than the one handed over, which is "
                "normalized and complete: network(features, matrix)."
            )


def _require_unseen_labels(run: NodeRun, relabeled: NodeRun) -> None:
    if relabeled.made.error:
        return
    if not same_weights(run.network.weights, relabeled.network.weights):
        if run.ends_as(loss=lambda z, labels, train: F.cross_entropy(z, labels)):
            raise NotYet(
                "the loss is over all nodes, so the network also learns the labels of those that "
                f"are not in train. {TEST_LABELS}"
            )
        raise NotYet(
            "when the labels of nodes that are not in train are changed, the network learns other "
            f"weights, so it has used them. {TEST_LABELS}"
        )
    if not close(_classes(run), _classes(relabeled)):
        raise NotYet(
            "the weights do not depend on the labels of nodes that are not in train, but the "
            "classes that come back do. Return what the network says, argmax over its logits."
        )


def _require_steps(run: NodeRun) -> None:
    if run.ends_as():
        return
    calls = run.network.calls
    if run.ends_as(steps=0):
        raise NotYet(
            "the weights have not moved: each step needs optimizer.zero_grad(), loss.backward() "
            "and optimizer.step(), in this order."
        )
    asleep = len(calls) >= run.steps and not any(call.training for call in calls)
    if asleep or run.ends_as(dropout=False):
        raise NotYet(
            "the network learns in evaluation mode, in which dropout is off: call network.train() "
            "before the loop. It may have come in either mode."
        )
    if run.ends_as(clears=False):
        raise NotYet(
            "the gradients of earlier steps add up: call optimizer.zero_grad() before each "
            "loss.backward()."
        )
    if run.ends_as(loss=lambda z, labels, train: mean_loss(z.softmax(dim=1), labels, train)):
        raise NotYet(
            "a softmax stands in front of cross_entropy, which applies one itself: hand it the "
            "logits."
        )
    if run.ends_as(loss=lambda z, labels, train: F.nll_loss(z[train], labels[train])):
        raise NotYet(
            "nll_loss wants log-probabilities and gets logits: use cross_entropy, which computes "
            "them."
        )
    if run.ends_as(loss=lambda z, labels, train: len(train) * mean_loss(z, labels, train)):
        raise NotYet(
            "the loss is summed over the training nodes: take the mean, as cross_entropy does by "
            "itself, or steps are longer the more nodes there are."
        )
    for steps in (1, run.steps - 1, run.steps + 1):
        if run.ends_as(steps=steps):
            raise NotYet(
                f"{run.steps} steps are asked for, and the optimizer has taken {steps}: the whole "
                "step belongs into a loop, for _ in range(steps)."
            )
    raise NotYet(
        f"the weights are not those that the given optimizer reaches in {run.steps} steps, each "
        "after one pass in training mode, with the mean cross-entropy of the training nodes."
    )


def _classes(run: NodeRun) -> Any:
    return as_numbers(run.made.value, "what train_nodes returns")


def _require_classes(run: NodeRun) -> None:
    nodes, train = len(run.given("features")), run.given("train")
    value = _classes(run)
    if value.shape == (nodes, CLASSES):
        raise NotYet("these are logits, or made of them: argmax(dim=1) gives the classes.")
    if value.shape == (CLASSES,):
        raise NotYet("argmax goes along the wrong axis: the classes lie along dim=1.")
    if value.shape == train.shape:
        raise NotYet(
            f"only the {len(train)} training nodes have a class: return those of all {nodes} nodes."
        )
    if value.shape != (nodes,):
        raise NotYet(
            f"train_nodes must return a class for each of the {nodes} nodes, [{nodes}], not the "
            f"shape {list(value.shape)}."
        )
    last = [c for c in run.network.calls if torch.equal(c.weights, run.network.weights)]
    if not last:
        raise NotYet(
            "the classes come from a pass before the last step: run the network once more, after "
            "the loop and in evaluation mode."
        )
    if all(call.training for call in last):
        raise NotYet(
            "the classes come from a pass in training mode, in which dropout silences numbers: "
            "call network.eval() before it."
        )
    right = as_numbers(_answer(run), "")
    if not close(value, right):
        raise NotYet(
            f"train_nodes returns {show(value)} instead of {show(right)}, the place of the largest "
            "logit of each node."
        )


def _answer(run: NodeRun) -> Tensor:
    """What the network as the run left it says about each node."""
    given = [run.given(name).to(run.network.weights) for name in ("features", "matrix")]
    with torch.no_grad():
        return run.network.eval()(*given).argmax(dim=1)
