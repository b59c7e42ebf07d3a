"""The graphs that a learner asks for by name: Cora's papers and citations, a karate club."""

import functools
import shutil
import tempfile
import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from course_utils.graphs import GraphError, check_edges, check_features, check_labels
from course_utils.sources import fetch, shipped

if TYPE_CHECKING:
    from torch_geometric.data import Data

VOCABULARY = 1433  # words that a paper of Cora may have
FACTIONS = ("Mr. Hi", "Officer")


class NodeSplit(NamedTuple):
    """Nodes to learn from, to choose on, and to report the final accuracy on, once.

    Attributes:
        train, validation, test: int64 [n], indices of nodes; no node is in two of them.
    """

    train: Tensor
    validation: Tensor
    test: Tensor


@dataclass(frozen=True)
class Citations:
    """Papers, the words in them and who cites whom.

    Attributes:
        features: float32 [N, F], sparse (COO): 1 where a word of the vocabulary is in the paper,
            else 0.
        edge_index: int64 [2, E], sorted: each citation both ways, whoever cites.
        labels: int64 [N], an index into `classes`.
        classes: the subject that each label stands for.
        papers: int64 [N], the number by which Cora knows each paper; None if that is not known.
        public_split: the split that publications share; None if there is none.

    Raises:
        GraphError: the parts do not fit together.
    """

    features: Tensor
    edge_index: Tensor
    labels: Tensor
    classes: tuple[str, ...]
    papers: Tensor | None = None
    public_split: NodeSplit | None = None

    def __post_init__(self):
        nodes = len(self.labels)
        check_features(self.features, nodes)
        check_edges(self.edge_index, nodes)
        check_labels(self.labels, nodes, len(self.classes))


@functools.cache
def cora() -> Citations:
    """Load Cora, which ships with the course: 2,708 papers on machine learning in 7 classes.

    The tensors are shared by all callers in a process: clone them before changing them in place.

    Raises:
        DataUnavailable: its file is missing or damaged.

    Source: McCallum, Nigam, Rennie and Seymore (2000); Sen and others (2008); see
    `data/README.md`.
    """
    with np.load(shipped("cora.npz"), allow_pickle=False) as arrays:
        indptr, indices = (torch.tensor(arrays[name]).long() for name in ("indptr", "indices"))
        pairs = torch.tensor(arrays["edges"]).long()
        papers, labels = (torch.tensor(arrays[name]).long() for name in ("papers", "labels"))
        classes = tuple(arrays["classes"].tolist())
    rows = torch.arange(len(papers)).repeat_interleave(indptr.diff())
    features = torch.sparse_coo_tensor(
        torch.stack([rows, indices]),
        torch.ones(len(rows)),
        (len(papers), VOCABULARY),
        check_invariants=True,
    ).coalesce()
    edges = torch.cat([pairs, pairs.flip(0)], dim=1)
    return Citations(features, edges.unique(dim=1), labels, classes, papers)


# Cora's public files number the classes in another order: the class of `cora` for each number.
_PUBLIC_CLASSES = (4, 2, 5, 0, 3, 6, 1)


def cora_public() -> Citations:
    """Load Cora in the order of the files that publications use, with their public split.

    The split has 140 papers to learn from (20 of each class), 500 to choose on and 1,000 to test
    on; the other papers are in no part. The files, 0.6 MB, are downloaded on the first use.

    Returns:
        The same papers as `cora` has, with the same classes, in another order. What number Cora
        gives each paper is not known.

    Raises:
        DataUnavailable: the files cannot be had.

    Source: Yang, Cohen and Salakhutdinov (2016), read by PyTorch Geometric.
    """
    from torch_geometric.io import read_planetoid_data

    found = fetch("planetoid-cora")
    # Pickles can run code when they are opened: these are the bytes that `fetch` knows. Their
    # reader changes how warnings are filtered.
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        for path in found.values():
            shutil.copy(path, folder)
        data = read_planetoid_data(folder, "cora")
    split = (mask.nonzero().squeeze(1) for mask in (data.train_mask, data.val_mask, data.test_mask))
    return Citations(
        features=data.x.to_sparse().coalesce(),
        edge_index=data.edge_index.unique(dim=1),
        labels=torch.tensor(_PUBLIC_CLASSES)[data.y],
        classes=cora().classes,
        public_split=NodeSplit(*split),
    )


def random_split(
    labels: Tensor, seed: int, per_class: int = 20, validation_per_class: int = 30
) -> NodeSplit:
    """Nodes drawn by lot from each class; those that are left are for the test.

    Args:
        labels: int64 [N], classes 0, 1, ...
        seed: of the lot.
        per_class: how many nodes of each class to learn from.
        validation_per_class: how many of each class to choose on.

    Returns:
        Indices of nodes, each part sorted by class.

    Raises:
        GraphError: a number is too small, the labels are no classes, or a class has too few nodes
            to leave one for the test.

    Source: Shchur, Mumme, Bojchevski and Günnemann (2018).
    """
    if per_class < 1 or validation_per_class < 0:
        raise GraphError(
            "A split takes at least 1 node of each class to learn from and 0 to choose on, "
            f"not {per_class} and {validation_per_class}."
        )
    if not labels.numel():
        raise GraphError("There are no labels to split.")
    classes = max(int(labels.max()) + 1, 1)
    check_labels(labels, len(labels), classes)
    generator = torch.Generator().manual_seed(seed)
    drawn = per_class + validation_per_class
    parts = []
    for label in range(classes):
        members = (labels == label).nonzero().squeeze(1)
        if len(members) <= drawn:
            raise GraphError(
                f"Class {label} has {len(members)} nodes: {per_class} to learn from and "
                f"{validation_per_class} to choose on leave none for the test. Take fewer."
            )
        members = members[torch.randperm(len(members), generator=generator)]
        parts.append((members[:per_class], members[per_class:drawn], members[drawn:]))
    return NodeSplit(*map(torch.cat, zip(*parts, strict=True)))


def largest_component(citations: Citations) -> Citations:
    """The largest part of the graph in which every paper leads to every other.

    Its nodes keep their order and are numbered anew; a public split keeps what is left of it.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    nodes = len(citations.labels)
    edges = citations.edge_index.cpu().numpy()
    links = coo_array((np.ones(edges.shape[1], bool), edges), shape=(nodes, nodes))
    component = torch.from_numpy(connected_components(links, directed=False)[1]).long()
    component = component.to(citations.edge_index.device)
    inside = component == component.bincount().argmax()
    kept = inside.nonzero().squeeze(1)
    number = inside.cumsum(0) - 1  # of each node that is kept
    split = citations.public_split
    return replace(
        citations,
        features=citations.features.index_select(0, kept).coalesce(),
        edge_index=number[citations.edge_index[:, inside[citations.edge_index[0]]]],
        labels=citations.labels[kept],
        papers=None if citations.papers is None else citations.papers[kept],
        public_split=split and NodeSplit(*(number[part[inside[part]]] for part in split)),
    )


def karate_club() -> "Data":
    """34 members of a karate club, 78 friendships, and the two clubs that it broke into.

    Node 0 is the instructor, Mr. Hi, and node 33 the officer.

    Returns:
        x float32 [34, 34], 1 where a node meets its own number; edge_index int64 [2, 156], each
        friendship both ways; y int64 [34], an index into `FACTIONS`.

    Source: Zachary (1977).
    """
    from networkx import karate_club_graph
    from torch_geometric.data import Data
    from torch_geometric.datasets import KarateClub

    data = KarateClub()[0]
    clubs = [club for _, club in karate_club_graph().nodes(data="club")]
    y = torch.tensor([FACTIONS.index(club) for club in clubs])
    return Data(x=data.x, edge_index=check_edges(data.edge_index, len(y)), y=y)
