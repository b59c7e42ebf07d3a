"""Explorer of a social network: who takes whose side, seen from friendships and two members."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import ipywidgets as widgets
import numpy as np
import torch
from torch import Tensor

from course_utils.environment import random_state
from course_utils.explorers.base import Explorer, ExplorerError
from course_utils.explorers.drawing import percent
from course_utils.explorers.node_drawing import layout
from course_utils.explorers.social_picture import Scene, draw_club
from course_utils.explorers.windows import slider
from course_utils.graph_training import GCN, fit_nodes
from course_utils.graphs import (
    adjacency,
    check_edges,
    check_labels,
    is_undirected,
    normalized,
    undirected,
)

HIDDEN, EPOCHS, SEED = 64, 100, 0
LAYERS, MOST_LAYERS = 2, 3
KEPT = 256  # trained networks whose answers are remembered

# Of `graph_data.karate_club`: x to the right, y down; the instructor's side is on the left.
KARATE_POSITIONS = (
    *((0.26, 0.43), (0.32, 0.29), (0.47, 0.52), (0.33, 0.58), (0.06, 0.50), (0.00, 0.40)),
    *((0.04, 0.28), (0.27, 0.69), (0.49, 0.29), (0.60, 0.48), (0.04, 0.64), (0.10, 0.17)),
    *((0.14, 0.75), (0.44, 0.40), (0.72, 0.06), (0.91, 0.13), (0.00, 0.00), (0.19, 0.12)),
    *((0.89, 0.26), (0.48, 0.17), (0.97, 0.32), (0.27, 0.04), (0.95, 0.45), (0.82, 0.74)),
    *((0.53, 1.00), (0.66, 0.99), (1.00, 0.60), (0.66, 0.77), (0.64, 0.64), (0.89, 0.60)),
    *((0.61, 0.17), (0.53, 0.68), (0.75, 0.33), (0.72, 0.45)),
)

Pair = tuple[int, int]  # two members, the lower number first


class SocialNetworkExplorer(Explorer):
    """Two members' sides are known: a graph convolutional network finds those of all others.

    It is trained anew after each change, always from the same first weights. Its features say
    only who a member is (the identity matrix), so all that it can use are friendships.

    Args:
        edge_index: the friendships, int64 [2, E], each both ways, without self-loops.
        labels: the side of each member, 0 or 1, int64 [N].
        groups: the names of the two sides.
        positions: of the members, [N, 2], x to the right and y down, both in 0..1;
            `KARATE_POSITIONS` for the karate club. Left out, they are pulled together by their
            edges.
        known: two members of different sides, whose sides are known at first.

    Raises:
        ValueError: one sentence that says which input is not as described.
    """

    title = "Explorer of a social network"

    def __init__(
        self,
        edge_index: Tensor,
        labels: Tensor,
        groups: Sequence[str],
        positions: Any = None,
        known: tuple[int, int] = (0, 33),
    ) -> None:
        nodes = len(labels)
        labels = check_labels(labels, nodes, classes=2).cpu()
        edge_index = check_edges(edge_index, nodes).cpu()
        self._original = _pairs(edge_index)
        if len(groups) != 2:
            raise ValueError(f"groups must name the two sides, not {len(groups)}.")
        self._labels, self._groups = labels, (str(groups[0]), str(groups[1]))
        if positions is None:
            positions = layout(edge_index, nodes)
        self._positions = np.asarray(positions, np.float64)
        if self._positions.shape != (nodes, 2):
            raise ValueError(
                f"positions must be [{nodes}, 2], one place for each member, "
                f"not {list(self._positions.shape)}."
            )
        first, second = known
        self._require_known(first, second)
        self._edits: frozenset[Pair] = frozenset()  # pairs that are friends, or not, by an edit
        self._second = lru_cache(KEPT)(self._train)
        start = self._scene(first, second, first, second, LAYERS, restore=True)
        member = (start.wrong or [first])[0]
        other = known[1 - labels[member]]
        sides = [(labels == side).nonzero().flatten().tolist() for side in (0, 1)]
        super().__init__(
            {
                "first": widgets.Dropdown(options=sides[0], value=first, description="Known blue"),
                "second": widgets.Dropdown(options=sides[1], value=second, description="Known red"),
                "member": slider(0, nodes - 1, member, "Member"),
                "other": slider(0, nodes - 1, other, "Other"),
                "friends": widgets.Checkbox(
                    value=_pair(member, other) in self._original,
                    description="These two are friends",
                ),
                "restore": widgets.Checkbox(value=True, description="Original friendships"),
                "layers": slider(1, MOST_LAYERS, LAYERS, "Layers"),
            }
        )

    def adjust(self, changed: set[str]) -> None:
        """Take in an edit, and bring both checkboxes in line with the friendships that are shown.

        "Original friendships" hides all edits; unchecked, it shows them again.
        """
        member, other, friends, restore = (
            self.controls[name] for name in ("member", "other", "friends", "restore")
        )
        pair = _pair(member.value, other.value)
        shown = self._shown_edits(restore.value)
        is_edge = pair in self._original ^ shown
        if "friends" in changed and friends.value != is_edge and member.value != other.value:
            self._edits, is_edge = shown ^ {pair}, friends.value
            restore.value = False
        if not self._edits:
            restore.value = True
        restore.disabled = not self._edits
        friends.value, friends.disabled = is_edge, member.value == other.value

    def describe(self, **values: Any) -> str:
        """How many sides the network finds, what it says of the member, and what was edited."""
        scene = self._scene(**values)
        member, others = scene.pair[0], len(scene.others)
        right = others - len(scene.wrong)
        said = scene.said(member)
        chance = percent(scene.probability(member, said))
        words = (
            f"Told the sides of {scene.known[0]} and {scene.known[1]}, the network puts {right} of "
            f"{others} others ({percent(right / others)}) on the right side; for member {member} "
            f"it says {scene.groups[said]} ({chance}), "
        )
        if member in scene.known:
            words += "as it was told"
        elif member in scene.unreached:
            words += "by chance, since no path leads from there to a known member"
        else:
            words += f"in truth {scene.groups[scene.labels[member]]}"
        if scene.added or scene.removed:
            words += f"; friendships: {scene.added} added, {scene.removed} removed"
        return f"{words}."

    def render(self, **values: Any) -> np.ndarray:
        """The network, its accuracy, and what is said of the member; uint8 RGB."""
        return draw_club(self._scene(**values))

    def _scene(
        self, first: int, second: int, member: int, other: int, layers: int, restore: bool, **_: Any
    ) -> Scene:
        self._require_known(first, second)
        for node in (member, other):
            self._require_member(node)
        if not 1 <= layers <= MOST_LAYERS:
            raise ExplorerError(f"Choose 1 to {MOST_LAYERS} layers, not {layers}.")
        edits = self._shown_edits(restore)
        pairs = self._original ^ edits
        return Scene(
            edge_index=self._edges(pairs),
            positions=self._positions,
            labels=self._labels.numpy(),
            groups=self._groups,
            known=(first, second),
            pair=(member, other),
            second=self._second(pairs, (first, second), layers),
            unreached=self._unreached(pairs, (first, second)),
            added=len(edits - self._original),
            removed=len(edits & self._original),
        )

    def _shown_edits(self, restore: bool) -> frozenset[Pair]:
        return frozenset() if restore else self._edits

    def _edges(self, pairs: frozenset[Pair]) -> Tensor:
        return undirected(sorted(pairs), len(self._labels))

    def _train(self, pairs: frozenset[Pair], known: Pair, layers: int) -> np.ndarray:
        """The probability of the second side for each member, by a network trained anew, [N]."""
        nodes = len(self._labels)
        matrix = normalized(adjacency(self._edges(pairs), nodes, self_loops=True))
        features = torch.eye(nodes)
        with random_state(SEED):
            network = GCN([nodes, *[HIDDEN] * (layers - 1), 2], dropout=0)
            fit_nodes(network, features, matrix, self._labels, torch.tensor(known), epochs=EPOCHS)
        with torch.inference_mode():
            return network(features, matrix).double().softmax(dim=1)[:, 1].numpy()

    def _unreached(self, pairs: frozenset[Pair], known: Pair) -> list[int]:
        """Members from whom no path leads to a known one."""
        reached, before = set(known), set()
        while reached != before:
            before = set(reached)
            reached |= {end for pair in pairs if before & set(pair) for end in pair}
        return [node for node in range(len(self._labels)) if node not in reached]

    def _require_known(self, first: int, second: int) -> None:
        for node in (first, second):
            self._require_member(node)
        sides = self._labels[[first, second]].tolist()
        if sides != [0, 1]:
            names = " and ".join(
                f"{n} ({self._groups[s]})" for n, s in zip((first, second), sides, strict=True)
            )
            raise ExplorerError(
                f"One member of each side must be known, first of {self._groups[0]}, then of "
                f"{self._groups[1]}: {names} will not do."
            )

    def _require_member(self, node: int) -> None:
        if not 0 <= node < len(self._labels):
            raise ExplorerError(
                f"There is no member {node}: choose one from 0 to {len(self._labels) - 1}."
            )


def _pair(one: int, other: int) -> Pair:
    return min(one, other), max(one, other)


def _pairs(edge_index: Tensor) -> frozenset[Pair]:
    """Undirected edges, each once.

    Raises:
        ValueError: an edge goes one way only, or joins a member to itself.
    """
    if not is_undirected(edge_index) or (edge_index[0] == edge_index[1]).any():
        raise ValueError(
            "Friendships must go both ways, between two members: graphs.undirected makes them."
        )
    return frozenset(_pair(*column) for column in edge_index.T.tolist())
