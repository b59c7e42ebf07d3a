"""Classes of nodes from the labels of a few, without a network."""

import torch
from torch import Tensor

from course_utils.graphs import check_edges, check_labels, check_nodes


def label_propagation(
    edge_index: Tensor,
    labels: Tensor,
    train: Tensor,
    classes: int,
    layers: int = 50,
    alpha: float = 0.9,
) -> Tensor:
    """Classes of all nodes from the labels of some, int64 [N]: no features, nothing learned.

    Each known label spreads along the edges, step by step (Zhou and others, 2003). A node that
    none reaches gets class 0. The classes are on the device of the labels.

    Args:
        edge_index: int64 [2, E], each edge both ways.
        labels: int64 [N]; only those of `train` are looked at.
        train: the nodes whose labels are known, int64 [n].
        classes: number of classes.
        layers: number of steps.
        alpha: in each step, how much of a node comes from its neighbors; the rest is its own
            label, if it is known. 0..1.

    Raises:
        GraphError: edges, labels or nodes are not as described.
    """
    from torch_geometric.nn import LabelPropagation

    check_edges(edge_index, len(labels))
    check_nodes(train, len(labels))
    edge_index, train = edge_index.to(labels.device), train.to(labels.device)
    known = torch.zeros(len(labels), classes, device=labels.device)
    known[train, check_labels(labels[train], len(train), classes)] = 1
    return LabelPropagation(layers, alpha)(known, edge_index).argmax(dim=1)
