"""A small graph, features of its nodes and two kinds of networks on them."""

import pytest
import torch

from course_utils.graph_training import GCN, GCNII
from course_utils.graphs import propagation, undirected

NODES, FEATURES, CLASSES = 12, 5, 3
PAIRS = [(0, 1), (1, 2), (2, 3), (3, 0), (3, 4), (4, 5), (5, 6), (6, 7), (7, 4), (8, 9), (9, 10)]
EDGES = undirected(PAIRS, NODES)  # node 11 has no neighbor
MATRIX = propagation(EDGES, NODES)
LABELS = torch.tensor([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2])
TRAIN = torch.tensor([0, 5, 9])


def words(seed=0):
    """Features that are mostly 0, dense."""
    values = torch.rand(NODES, FEATURES, generator=torch.Generator().manual_seed(seed))
    return values * (values > 0.5)


def network(*, hidden=8, dropout=0.0, seed=0, **options):
    torch.manual_seed(seed)
    return GCN([FEATURES, hidden, CLASSES], dropout, **options)


def deep(layers=3, dropout=0.0):
    torch.manual_seed(0)
    return GCNII(FEATURES, 6, CLASSES, layers, dropout)


MAKERS = pytest.mark.parametrize("make", [network, deep], ids=["GCN", "GCNII"])
