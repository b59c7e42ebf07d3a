"""The graphs of chapter 5 that ship with the course, and the splits of their nodes."""

import pytest
import torch

from course_utils.catalog import SHIPPED
from course_utils.graph_data import (
    FACTIONS,
    Citations,
    NodeSplit,
    cora,
    karate_club,
    largest_component,
    random_split,
)
from course_utils.graphs import GraphError, is_undirected, undirected
from course_utils.places import File
from course_utils.sources import DataUnavailable

SUBJECTS = {
    "Neural networks": 818,
    "Rule learning": 180,
    "Reinforcement learning": 217,
    "Probabilistic methods": 426,
    "Theory": 351,
    "Genetic algorithms": 418,
    "Case-based reasoning": 298,
}


def columns(edge_index):
    return list(zip(*edge_index.tolist(), strict=True))


# Cora as it ships


def test_cora_has_the_sizes_that_publications_give():
    data = cora()
    assert data.features.shape == (2708, 1433)
    assert data.features.dtype == torch.float32
    assert data.features.layout == torch.sparse_coo
    assert data.features.is_coalesced()
    words = data.features.to_dense()
    assert words.unique().tolist() == [0, 1]
    assert words.sum() == 49_216
    assert (words.sum(dim=0) == 0).sum() == 1  # of the vocabulary's words
    assert (words.sum(dim=1) > 0).all()
    assert dict(zip(data.classes, data.labels.bincount().tolist(), strict=True)) == SUBJECTS
    assert data.public_split is None
    assert cora() is data


def test_citations_go_both_ways_and_are_sorted():
    edges = cora().edge_index
    assert edges.dtype == torch.int64
    listed = columns(edges)
    assert len(listed) == len(set(listed)) == 2 * 5278
    assert listed == sorted(listed)
    assert is_undirected(edges)
    assert not [i for i, j in listed if i == j]
    assert set(edges[0].tolist()) == set(range(2708))


def test_papers_keep_their_numbers_labels_and_citations():
    data = cora()
    assert len(data.papers.unique()) == 2708
    assert data.papers[:3].tolist() == [31336, 1061127, 1106406]
    names = [data.classes[label] for label in data.labels[:3]]
    assert names == ["Neural networks", "Rule learning", "Reinforcement learning"]
    place = {paper: i for i, paper in enumerate(data.papers.tolist())}
    listed = set(columns(data.edge_index))
    for citing in (1033, 103482, 103515, 1050679, 1103960):  # the first lines of `cora.cites`
        assert (place[35], place[citing]) in listed
    assert (place[35], place[31336]) not in listed


def test_81_percent_of_citations_stay_within_a_subject():
    data = cora()
    source, target = data.labels[data.edge_index]
    assert (source == target).float().mean().item() == pytest.approx(0.81, abs=5e-4)


def test_a_damaged_file_is_refused(monkeypatch):
    monkeypatch.setitem(SHIPPED, "cora.npz", File("cora.npz", 1, ("0" * 64,)))
    with pytest.raises(DataUnavailable, match=r"cora\.npz has a wrong checksum"):
        cora.__wrapped__()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"features": torch.ones(2, 3).to_sparse()}, "one row for each of the 3 nodes"),
        ({"edge_index": torch.tensor([[0], [3]])}, "leads to a node that is not there"),
        ({"classes": ("a",)}, "have no label of 0 to 0"),
    ],
)
def test_parts_that_do_not_fit_are_refused(change, said):
    parts = {
        "features": torch.eye(3).to_sparse(),
        "edge_index": undirected([(0, 1)], 3),
        "labels": torch.tensor([0, 1, 1]),
        "classes": ("a", "b"),
    }
    Citations(**parts)
    with pytest.raises(GraphError, match=said):
        Citations(**parts | change)


# Splits


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("per_class", "validation"), [(20, 30), (5, 0), (100, 79)])
def test_no_paper_is_in_two_parts_of_a_split(seed, per_class, validation):
    labels = cora().labels
    split = random_split(labels, seed, per_class, validation)
    assert sorted(torch.cat(split).tolist()) == list(range(2708))
    assert labels[split.train].bincount().tolist() == [per_class] * 7
    assert labels[split.validation].bincount(minlength=7).tolist() == [validation] * 7
    for part in split:
        assert part.dtype == torch.int64
        assert (labels[part].diff() >= 0).all()


def test_a_split_is_drawn_by_lot():
    labels = cora().labels
    state = torch.get_rng_state()
    first, same, other = (random_split(labels, seed) for seed in (3, 3, 4))
    assert torch.equal(torch.get_rng_state(), state)
    assert [len(part) for part in first] == [140, 210, 2358]
    assert all(map(torch.equal, first, same))
    assert not torch.equal(first.train, other.train)
    # Drawn from the whole class: the first of a class are no likelier than the last.
    members = (labels == 0).nonzero().squeeze(1)
    drawn = [random_split(labels, seed).train[:20] for seed in range(100)]
    ranks = torch.searchsorted(members, torch.cat(drawn)) / len(members)
    assert abs(ranks.mean() - 0.5) < 0.03  # 4.6 standard deviations


@pytest.mark.parametrize(
    ("labels", "sizes", "said"),
    [
        ([0] * 9 + [1] * 3, (2, 1), "Class 1 has 3 nodes: 2 to learn from and 1 to choose on"),
        ([0] * 9 + [2] * 9, (2, 1), "Class 1 has 0 nodes"),
        ([0] * 9 + [-1], (2, 1), "1 of 10 nodes have no label"),
        ([-1], (1, 0), "1 of 1 nodes have no label"),
        ([], (2, 1), "no labels"),
        ([0] * 9, (0, 1), "not 0 and 1"),
        ([0] * 9, (1, -1), "not 1 and -1"),
    ],
)
def test_a_split_that_cannot_be_is_refused(labels, sizes, said):
    with pytest.raises(GraphError, match=said):
        random_split(torch.tensor(labels, dtype=torch.int64), 0, *sizes)


def test_labels_of_another_type_are_refused():
    with pytest.raises(GraphError, match="Labels must be int64"):
        random_split(torch.zeros(9), 0, 1, 1)


# The largest component


def test_a_component_is_cut_out_by_hand():
    # 0 - 4, and 1 - 2 - 5 - 6, and 3 alone
    data = Citations(
        features=torch.diag(torch.arange(1.0, 8)).to_sparse(),
        edge_index=undirected([(0, 4), (1, 2), (2, 5), (5, 6)], 7),
        labels=torch.tensor([0, 1, 0, 1, 0, 1, 2]),
        classes=("a", "b", "c"),
        papers=torch.arange(10, 17),
        public_split=NodeSplit(*map(torch.tensor, ([1, 0], [6, 3], [4, 2]))),
    )
    part = largest_component(data)
    assert part.papers.tolist() == [11, 12, 15, 16]
    assert part.labels.tolist() == [1, 0, 1, 2]
    assert part.classes == ("a", "b", "c")
    assert part.features.is_coalesced()
    assert torch.equal(part.features.to_dense(), torch.diag(torch.arange(1.0, 8))[[1, 2, 5, 6]])
    assert sorted(columns(part.edge_index)) == [(0, 1), (1, 0), (1, 2), (2, 1), (2, 3), (3, 2)]
    assert [nodes.tolist() for nodes in part.public_split] == [[0], [3], [1]]


def test_coras_component_is_pyg_s():
    from torch_geometric.data import Data
    from torch_geometric.transforms import LargestConnectedComponents

    data = cora()
    part = largest_component(data)
    assert part.features.shape == (2485, 1433)
    assert part.edge_index.shape == (2, 2 * 5069)
    assert (part.papers.shape, part.public_split) == ((2485,), None)
    whole = Data(x=data.features.to_dense(), edge_index=data.edge_index, y=data.labels)
    expected = LargestConnectedComponents()(whole)
    assert torch.equal(part.features.to_dense(), expected.x)
    assert torch.equal(part.labels, expected.y)
    assert columns(part.edge_index) == sorted(columns(expected.edge_index))


# The karate club


def test_the_karate_club_is_zacharys():
    data = karate_club()
    assert (data.num_nodes, data.num_edges, data.x.shape) == (34, 2 * 78, (34, 34))
    assert (data.edge_index.dtype, data.y.dtype) == (torch.int64, torch.int64)
    assert is_undirected(data.edge_index)
    listed = columns(data.edge_index)
    assert len(set(listed)) == 2 * 78
    officers = [j for i, j in listed if i == 33]
    assert officers == [8, 9, 13, 14, 15, 18, 19, 20, 22, 23, 26, 27, 28, 29, 30, 31, 32]
    assert [j for i, j in listed if i == 11] == [0]
    stayed = [i for i, club in enumerate(data.y.tolist()) if FACTIONS[club] == "Mr. Hi"]
    assert stayed == [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 16, 17, 19, 21]


def test_the_factions_belong_to_these_nodes():
    from networkx import karate_club_graph

    edges = {edge for pair in karate_club_graph().edges for edge in (pair, pair[::-1])}
    assert set(columns(karate_club().edge_index)) == edges
