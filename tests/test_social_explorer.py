"""The explorer of a social network, driven without a browser."""

from itertools import pairwise

import networkx
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from explorer_driver import drive, shown
from pixels import at, rgb, words_drawn
from social_networks import CLUB, karate_explorer, tiny
from torch import Tensor

from course_utils.explorers.drawing import TEXT
from course_utils.explorers.maps import MARK, NEGATIVE, POSITIVE
from course_utils.explorers.node_drawing import centers
from course_utils.explorers.node_scene import EDGE_COLOR
from course_utils.explorers.social import KARATE_POSITIONS, SocialNetworkExplorer
from course_utils.explorers.social_picture import NETWORK, RADIUS, ROOM, SIDE_COLORS
from course_utils.graphs import undirected

PLACES = centers(np.array(KARATE_POSITIONS), NETWORK, RADIUS + ROOM)


@pytest.fixture
def explorer() -> SocialNetworkExplorer:
    return karate_explorer()


def trained_elsewhere(
    graph: networkx.Graph, known: tuple[int, int], seed: int = 0, layers: int = 2
) -> Tensor:
    """The probability of the officer's side, by a network written out here."""
    linked = networkx.to_numpy_array(graph, sorted(graph), weight=None) + np.eye(len(graph))
    roots = np.sqrt(linked.sum(axis=1))
    spread = torch.tensor(linked / np.outer(roots, roots), dtype=torch.float32)
    sizes = [len(graph), *[64] * (layers - 1), 2]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        weights = [
            torch.nn.init.xavier_uniform_(torch.empty(size)).requires_grad_()
            for size in pairwise(sizes)
        ]
    biases = [torch.zeros(size, requires_grad=True) for size in sizes[1:]]
    first, rest = {"params": weights[:1], "weight_decay": 5e-4}, {"params": weights[1:] + biases}
    optimizer = torch.optim.Adam([first, rest], lr=0.01)

    def logits() -> Tensor:
        hidden = torch.eye(len(graph))
        for place, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
            hidden = spread @ (hidden @ weight) + bias
            hidden = hidden.relu() if place < layers - 1 else hidden
        return hidden

    for _ in range(100):
        loss = F.cross_entropy(logits()[list(known)], torch.tensor([0, 1]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return logits().softmax(dim=1)[:, 1].detach()


def found(explorer: SocialNetworkExplorer) -> np.ndarray:
    return explorer._scene(**explorer.values).second


# ---------------------------------------------------------------- what the network says


def test_every_control(explorer: SocialNetworkExplorer) -> None:
    assert drive(explorer, first=[1, 21], second=[32, 9]) == 2 + 2 + 2 + 2 + 2 + 2 + 2


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_it_says_what_a_network_trained_elsewhere_says(
    explorer: SocialNetworkExplorer, layers: int
) -> None:
    graph = networkx.karate_club_graph()
    explorer.choose(layers=layers)
    np.testing.assert_allclose(
        found(explorer), trained_elsewhere(graph, (0, 33), layers=layers), atol=2e-3
    )
    explorer.choose(member=2, other=32, friends=False, first=1, second=9)
    assert graph.has_edge(2, 32)
    graph.remove_edge(2, 32)
    np.testing.assert_allclose(
        found(explorer), trained_elsewhere(graph, (1, 9), layers=layers), atol=2e-3
    )
    explorer.choose(member=16, other=26, friends=True)
    graph.add_edge(16, 26)
    np.testing.assert_allclose(
        found(explorer), trained_elsewhere(graph, (1, 9), layers=layers), atol=2e-3
    )


def test_its_accuracy_is_the_same_for_other_first_weights(
    explorer: SocialNetworkExplorer,
) -> None:
    others = [member for member in range(34) if member not in (0, 33)]

    def accuracy(second: Tensor) -> float:
        return ((second > 0.5).long() == CLUB.y)[others].double().mean().item()

    assert 0.93 < accuracy(torch.tensor(found(explorer))) < 1
    for seed in range(1, 6):
        second = trained_elsewhere(networkx.karate_club_graph(), (0, 33), seed)
        assert 0.93 < accuracy(second) < 1


def test_the_status_counts_and_names_the_member(explorer: SocialNetworkExplorer) -> None:
    second = trained_elsewhere(networkx.karate_club_graph(), (0, 33))
    right = ((second > 0.5).long() == CLUB.y).sum().item() - 2
    explorer.choose(member=26)
    assert explorer.status == (
        f"Told the sides of 0 and 33, the network puts {right} of 32 others ({right / 32:.0%}) on "
        f"the right side; for member 26 it says Officer ({second[26]:.0%}), in truth Officer."
    )
    explorer.choose(member=0)
    assert "it says Mr. Hi (>99%), as it was told." in explorer.status
    explorer.choose(member=8, other=33)
    explorer.choose(friends=False)
    explorer.choose(other=16)
    explorer.choose(friends=True)
    assert explorer.status.endswith("in truth Mr. Hi; friendships: 1 added, 1 removed.")
    alt = explorer._repr_mimebundle_()[1]["image/png"]["alt"]
    assert alt == f"Explorer of a social network. {explorer.status}"


def test_chance_stays_as_it_was() -> None:
    state = torch.get_rng_state()
    tiny().choose(member=1, other=3, friends=True)
    assert torch.equal(torch.get_rng_state(), state)


# ---------------------------------------------------------------- the picture


def test_members_are_colored_by_what_is_said(explorer: SocialNetworkExplorer) -> None:
    explorer.choose(member=16, other=16)
    picture, scene = shown(explorer), explorer._scene(**explorer.values)
    for member, (x, y) in enumerate(PLACES):
        color = np.array(at(picture, x - 8.5, y))  # beside the number
        lean = 2 * scene.second[member] - 1
        full = np.array(rgb(POSITIVE if lean > 0 else NEGATIVE))
        expected = 255 + abs(lean) * (full - 255.0)
        np.testing.assert_allclose(color, expected, atol=2)
        ring = at(picture, x, y - 11.5)
        assert (ring == rgb(SIDE_COLORS[CLUB.y[member]])) == (
            member in scene.wrong or abs(lean) > 0.999
        )
        assert (at(picture, x - RADIUS - 2.5, y) == rgb(MARK)) == (member == 16)
    assert scene.wrong


def test_the_edge_between_the_pair_is_marked(explorer: SocialNetworkExplorer) -> None:
    (x, y), (right, down) = PLACES[[24, 25]]

    def along() -> list[tuple[int, ...]]:
        picture = shown(explorer)
        return [
            at(picture, x + s * (right - x), y + s * (down - y)) for s in np.linspace(0.4, 0.6, 40)
        ]

    explorer.choose(member=16, other=26)
    assert min(along()) >= rgb(EDGE_COLOR)  # a thin line, paler at its edges
    assert max(along()) < (255, 255, 255)
    explorer.choose(member=24, other=25)
    assert set(along()) == {rgb(TEXT)}
    explorer.controls["friends"].value = False
    assert {rgb(TEXT), (255, 255, 255)} <= set(along())  # dashes


def test_the_panel_says_it_in_numbers(
    explorer: SocialNetworkExplorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    explorer.choose(member=33, other=16)
    words = words_drawn(lambda: explorer.render(**explorer.values), monkeypatch)
    friends = sorted(networkx.karate_club_graph()[33])
    assert "31 of 32 right" in words
    assert "97%" in words
    assert "wrong: 8" in words
    assert "told: Officer" in words
    text = " ".join(words)
    assert f"17 friends: {', '.join(map(str, friends))}" in text
    assert "members 33 and 16 are not friends 78 friendships in all" in text
    explorer.choose(other=33)
    words = words_drawn(lambda: explorer.render(**explorer.values), monkeypatch)
    assert "one and the same" in words


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize("known", [(0, 1), (3, 0), (2, 3)])
def test_the_known_are_on_both_sides(known: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="One member of each side must be known, first of left"):
        tiny(known)
    explorer = tiny()
    values = explorer.values | dict(zip(("first", "second"), known, strict=True))
    for function in (explorer.render, explorer.describe):
        with pytest.raises(ValueError, match=r"\) will not do\."):
            function(**values)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"edge_index": torch.tensor([[0], [1]])}, "Friendships must go both ways"),
        ({"edge_index": torch.tensor([[0, 0, 1], [0, 1, 0]])}, "between two members"),
        ({"edge_index": torch.tensor([[0, 9], [9, 0]])}, "The edge from 0 to 9 leads to a node"),
        ({"labels": torch.tensor([0, 1, 2])}, "1 of 3 nodes have no label of 0 to 1"),
        ({"groups": ("left",)}, "groups must name the two sides, not 1."),
        ({"positions": [(0, 0)]}, r"positions must be \[3, 2\], one place for each member"),
        ({"known": (0, 7)}, "There is no member 7: choose one from 0 to 2."),
    ],
)
def test_bad_input_gets_a_sentence(changes: dict, words: str) -> None:
    good = {
        "edge_index": undirected([(0, 1), (1, 2)], 3),
        "labels": torch.tensor([0, 1, 1]),
        "groups": ("left", "right"),
        "known": (0, 2),
    }
    with pytest.raises(ValueError, match=words):
        SocialNetworkExplorer(**(good | changes))
    assert SocialNetworkExplorer(**good).error is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"member": 4}, "There is no member 4: choose one from 0 to 3."),
        ({"other": -1}, "There is no member -1: choose one from 0 to 3."),
        ({"layers": 4}, "Choose 1 to 3 layers, not 4."),
    ],
)
def test_values_that_no_control_gives_get_a_sentence(changes: dict, words: str) -> None:
    explorer = tiny()
    for function in (explorer.render, explorer.describe):
        with pytest.raises(ValueError, match=words):
            function(**(explorer.values | changes))
