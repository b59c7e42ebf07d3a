"""The explorer of message passing: numbers, words, picture."""

from typing import Any

import cv2
import numpy as np
import pytest
import torch
from explorer_driver import drive, shown
from PIL import ImageColor
from torch import Tensor
from torch_geometric.nn import GCNConv

from course_utils.explorers.base import ExplorerError
from course_utils.explorers.edge_text import MOST_NODES
from course_utils.explorers.graph_layer import passed
from course_utils.explorers.maps import MARK
from course_utils.explorers.message_picture import WIDTH, message_text, result_of
from course_utils.explorers.messages import (
    DEFAULT_FEATURES,
    DEFAULT_WEIGHT,
    MessagePassingExplorer,
)
from course_utils.explorers.received import DEFAULT_PAIRS, NORMALIZATIONS
from course_utils.graphs import undirected

EDGES = undirected(DEFAULT_PAIRS, 5)
FEATURES, WEIGHT = np.array(DEFAULT_FEATURES), np.array(DEFAULT_WEIGHT)
TWO = undirected([(0, 1)], 2)


@pytest.fixture
def explorer() -> MessagePassingExplorer:
    explorer = MessagePassingExplorer()
    assert explorer.error is None
    return explorer


def largest() -> MessagePassingExplorer:
    """As much as there may be: 8 nodes, all joined, 3 features, long numbers and names."""
    pairs = [(i, j) for i in range(8) for j in range(i, 8)]
    generator = np.random.default_rng(0)
    features = generator.integers(-9999, 9999, (8, 3)) / 100
    features[0], weight = -99.99, np.full((3, 3), -99.99)
    weight[:, 0] *= -1
    names = ["Bartholomew the Great"] * 8
    return MessagePassingExplorer(undirected(pairs, 8), features, weight, names=names)


# ---------------------------------------------------------------- numbers


def test_a_layer_is_that_of_pytorch_geometric(explorer: MessagePassingExplorer) -> None:
    convolution = GCNConv(2, 2, bias=False)
    with torch.no_grad():
        convolution.lin.weight.copy_(torch.tensor(WEIGHT).T)
        products = convolution(torch.tensor(FEATURES).float(), EDGES)
    layer = explorer.layer("symmetric", True)
    np.testing.assert_allclose(layer.products, products, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(layer.outputs, products.relu(), rtol=1e-5, atol=1e-5)
    assert (layer.products < 0).any()


@pytest.mark.parametrize("self_loops", [False, True])
@pytest.mark.parametrize("how", NORMALIZATIONS)
def test_all_steps_are_those_of_numpy(
    explorer: MessagePassingExplorer, how: str, self_loops: bool
) -> None:
    neighbors = {0: [1, 2], 1: [0, 2], 2: [0, 1, 3], 3: [2, 4], 4: [3]}
    if self_loops:
        neighbors = {node: sorted([*others, node]) for node, others in neighbors.items()}
    layer = explorer.layer(how, self_loops)
    for node, senders in neighbors.items():
        assert layer.senders(node) == senders
        total = np.zeros(2)
        for sender in senders:
            degrees = len(neighbors[node]), len(neighbors[sender])
            share = {
                "none": 1,
                "by row": 1 / degrees[0],
                "symmetric": 1 / np.sqrt(degrees[0] * degrees[1]),
            }[how]
            message = share * FEATURES[sender]
            np.testing.assert_allclose(layer.messages[node, sender], message)
            total += message
        np.testing.assert_allclose(layer.sums[node], total, atol=1e-12)
        np.testing.assert_allclose(layer.products[node], total @ WEIGHT, atol=1e-12)
        np.testing.assert_allclose(layer.outputs[node], (total @ WEIGHT).clip(0), atol=1e-12)


def test_directed_edges_carry_one_way() -> None:
    edges = torch.tensor([[0, 0], [1, 2]])
    explorer = MessagePassingExplorer(edges, [[1.0], [2], [4]], [[10.0]])
    assert explorer.values["how"] == "by row"
    assert explorer.layer("none", False).outputs.tolist() == [[0], [10], [10]]
    assert explorer.layer("by row", True).outputs.tolist() == [[10], [15], [25]]
    explorer.choose(how="symmetric")
    assert "the edge from 0 to 1 does not: normalize by row" in explorer.error
    explorer.choose(how="none")
    assert explorer.error is None


@pytest.mark.parametrize("spoil", ["relu", "input"])
def test_a_result_that_pytorch_disagrees_with_is_no_result(
    explorer: MessagePassingExplorer, spoil: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    relu = torch.relu
    with monkeypatch.context() as patch:
        patch.setattr(torch, "relu", lambda x: relu(x + 1e-3) if spoil == "input" else x)
        with pytest.raises(ExplorerError, match=r"By hand .* PyTorch's relu\(P @ X @ W\) gives"):
            passed(np.eye(5), FEATURES, WEIGHT)
        explorer.controls["node"].value = 1
        assert "run `course doctor`" in explorer.error
    explorer.controls["node"].value = 0
    assert explorer.error is None


def test_messages_as_they_are_written(explorer: MessagePassingExplorer) -> None:
    layer = explorer.layer("symmetric", True)
    assert message_text(layer, 4, 3) == ("0.41", "[−2, 1]", "≈", "[−0.82, 0.41]")
    assert message_text(layer, 2, 2) == ("0.25", "[2, −1]", "=", "[0.5, −0.25]")
    name, values = result_of(layer, 2)
    assert name == "P X"
    np.testing.assert_allclose(values, layer.matrix @ FEATURES)
    name, values = result_of(layer, 3)
    assert name == "P X W"
    np.testing.assert_allclose(values, layer.matrix @ FEATURES @ WEIGHT)
    name, values = result_of(layer, 4)
    assert name == "ReLU(P X W)"
    np.testing.assert_allclose(values, np.maximum(layer.matrix @ FEATURES @ WEIGHT, 0))
    assert result_of(layer, 1)[1] is None


# ---------------------------------------------------------------- words


def test_each_step_is_said(explorer: MessagePassingExplorer) -> None:
    explorer.choose(how="by row", node=2)
    assert explorer.status == (
        "Step 1 of 4, node 2: it receives 4 messages, the features of nodes 0, 1, 2 and 3, each "
        "times its weight in row 2 of P."
    )
    explorer.choose(step=2)
    assert explorer.status == (
        "Step 2 of 4, node 2: its messages add up to [1.5, 1.25], row 2 of P X."
    )
    explorer.choose(step=3)
    assert explorer.status == (
        "Step 3 of 4, node 2: the sum [1.5, 1.25] times W is [4, −0.25], row 2 of P X W."
    )
    explorer.choose(step=4)
    assert explorer.status == (
        "Step 4 of 4, node 2: ReLU makes [4, 0] of [4, −0.25]; PyTorch's relu(P @ X @ W) gives "
        "the same for all nodes."
    )


def test_one_message_and_none() -> None:
    explorer = MessagePassingExplorer(torch.tensor([[0], [1]]), [[1.0], [2]], [[1.0]])
    explorer.choose(node=1, self_loops=False)
    assert "node 1: it receives 1 message, the features of node 0 times" in explorer.status
    explorer.choose(node=0)
    assert explorer.status == ("Step 1 of 4, node 0: no edge leads to it, so it receives nothing.")
    explorer.choose(step=4)
    assert "ReLU makes [0] of [0]" in explorer.status


# ---------------------------------------------------------------- picture and controls


def test_every_control_works_at_its_ends(explorer: MessagePassingExplorer) -> None:
    assert drive(explorer) == 2 + 2 + 3 + 2
    assert drive(largest()) == 2 + 2 + 3 + 2


@pytest.mark.parametrize("make", [MessagePassingExplorer, largest])
def test_every_step_of_every_control_has_a_picture_of_its_own(make: Any) -> None:
    explorer = make()
    ways = {
        "node": range(len(explorer.layer("none", False).features)),
        "step": range(1, 5),
        "self_loops": [True, False] if make is MessagePassingExplorer else [True],
        "how": NORMALIZATIONS if make is MessagePassingExplorer else ["none", "by row"],
    }
    assert ways.keys() == explorer.controls.keys()
    for name, values in ways.items():
        before, picture = explorer.controls[name].value, explorer.picture_png
        pictures = set()
        for value in values:
            explorer.controls[name].value = value
            assert explorer.error is None
            pictures.add(explorer.picture_png)
        assert len(pictures) == len(values), name
        explorer.controls[name].value = before
        assert explorer.picture_png == picture, name


def frames(explorer: MessagePassingExplorer, upper: int) -> list[tuple[int, ...]]:
    """The yellow frames below the graph: left, top, width, height, from left to right."""
    yellow = (shown(explorer) == ImageColor.getrgb(MARK)).all(axis=2).astype(np.uint8)
    yellow[: 2 * upper] = 0
    _, _, boxes, _ = cv2.connectedComponentsWithStats(yellow)
    return sorted(tuple(int(part) for part in box[:4]) for box in boxes[1:])


def test_the_row_of_the_node_is_framed_in_p_and_in_the_result(
    explorer: MessagePassingExplorer,
) -> None:
    upper = 270
    for step, count in ((1, 1), (2, 2), (4, 2)):
        explorer.choose(step=step, node=0)
        first = frames(explorer, upper)
        assert len(first) == count
        explorer.choose(node=3)
        for before, after in zip(first, frames(explorer, upper), strict=True):
            assert after[0] == before[0]
            assert after[1] - before[1] == 2 * 3 * 26
            assert after[2:] == before[2:]
    p, result = frames(explorer, upper)
    assert p[2] == pytest.approx(2 * 5 * 44, abs=10)
    assert result[2] == pytest.approx(2 * 2 * 58, abs=10)


def test_the_rows_of_x_that_are_used_are_tinted(explorer: MessagePassingExplorer) -> None:
    tint = ImageColor.getrgb("#BFE0F2")
    for node, used in ((4, 2), (0, 3), (2, 4)):
        explorer.choose(node=node)
        tinted = (shown(explorer)[2 * 270 :] == tint).all(axis=2)
        rows = tinted.sum(axis=1) > 2 * 40
        assert rows.sum() == pytest.approx(2 * 26 * used, abs=2 * used)


@pytest.mark.parametrize("step", [1, 2, 3, 4])
@pytest.mark.parametrize("how", NORMALIZATIONS)
def test_nothing_is_cut_at_the_edges(step: int, how: str) -> None:
    explorer = largest()
    explorer.choose(step=step, how=how, node=MOST_NODES - 1)
    picture = shown(explorer)
    assert picture.shape[1] == 2 * WIDTH
    assert picture.shape[0] <= 2 * 560
    for edge in (picture[0], picture[-1], picture[:, 0], picture[:, -1]):
        assert (edge == 255).all()


def test_values_from_code_are_checked(explorer: MessagePassingExplorer) -> None:
    good = explorer.values
    for wrong, words in (
        ({"node": 5}, "no node 5: choose a node from 0 to 4"),
        ({"node": -1}, "no node -1"),
        ({"step": 0}, "no step 0: choose a step from 1 to 4"),
        ({"step": 5}, "no step 5"),
        ({"how": "x"}, "no normalization 'x'"),
    ):
        for method in (explorer.render, explorer.describe):
            with pytest.raises(ExplorerError, match=words):
                method(**good | wrong)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"edge_index": undirected([], 9), "features": np.ones((9, 1))}, "up to 8 nodes, not 9"),
        ({"edge_index": TWO.float(), "features": [[1.0], [2]]}, "tensor of int64"),
        ({"edge_index": EDGES, "features": [[1.0], [2]]}, "not there"),
        ({"edge_index": torch.cat([TWO, TWO], 1), "features": [[1.0], [2]]}, "listed twice"),
        ({"features": np.ones((5, 4))}, "Features may have up to 3 columns, not 4"),
        ({"weight": np.ones((2, 4))}, "Weights may have up to 3 columns, not 4"),
        ({"weight": np.ones((3, 2))}, "one row for each of the 2 features, not 3"),
        ({"weight": [1.0, 2]}, "Weights must be a table"),
        ({"weight": "ab"}, "Weights must be rows of numbers"),
        ({"features": [[1.0, 2], [3]]}, "Features must be rows of numbers"),
        ({"features": FEATURES * np.nan}, "Features must be finite numbers from −100 to 100"),
        ({"weight": WEIGHT * 1e6}, "Weights must be finite numbers from −100 to 100"),
        ({"positions": np.ones((4, 2))}, r"Positions must be \[5, 2\]"),
        ({"positions": np.full((5, 2), 1.1)}, r"both in 0\.\.1"),
        ({"names": ["a"]}, "5 nodes, but 1 names"),
    ],
)
def test_what_cannot_be_shown_is_refused(arguments: dict[str, Any], words: str) -> None:
    good: dict[str, Any] = {"edge_index": EDGES, "features": FEATURES, "weight": WEIGHT}
    if len(arguments.get("features", FEATURES)) != 5:
        good["weight"] = [[1.0]]
    with pytest.raises(ValueError, match=words):
        MessagePassingExplorer(**good | arguments)


@pytest.mark.parametrize("kind", [np.array, torch.tensor, list])
def test_positions_and_names_are_shown(kind: Any) -> None:
    places = [[0.0, 0.0], [1.0, 1.0]]
    features: Tensor = kind([[1.0], [2.0]])
    plain = MessagePassingExplorer(TWO, features, [[1.0]])
    moved = MessagePassingExplorer(TWO, features, [[1.0]], positions=places)
    named = MessagePassingExplorer(TWO, features, [[1.0]], positions=places, names=["Ann", "Bo"])
    pictures = {explorer.picture_png for explorer in (plain, moved, named)}
    assert len(pictures) == 3
