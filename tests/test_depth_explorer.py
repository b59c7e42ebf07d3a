"""The explorer of depth, driven without a browser."""

import numpy as np
import pytest
import torch
from explorer_driver import drive, shown
from pixels import at, rgb, words_drawn

from course_utils.explorers.depth import (
    CHART,
    CLASS_COLORS,
    EDGE,
    FITTED,
    SAME,
    SIDE,
    TOP,
    WIDTH,
    DepthExplorer,
)
from course_utils.explorers.drawing import TEXT
from course_utils.graphs import propagation, undirected
from course_utils.smoothing import Distances, Smoothing, smoothing

CLASSES = ("red", "green", "blue")
CENTER = EDGE + SIDE / 2, TOP + SIDE / 2
ROOM = SIDE / 2 - 4.2  # from the middle to the last place of a dot


def measured(places: list, distances: list, labels: list[int]) -> Smoothing:
    return Smoothing(
        depths=tuple(2**step for step in range(len(places))),
        distances=tuple(Distances(*each) for each in distances),
        places=np.array(places, np.float32),
        shares=np.linspace(0.1, 0.9, len(places)),
        labels=np.array(labels),
    )


@pytest.fixture
def small() -> Smoothing:
    """Four nodes at three depths; each cloud is half as large as the one before."""
    cloud = np.array([[-0.8, 0.4], [0.8, 0.4], [0.4, -0.8], [-0.4, 0.0]])
    distances = [(0.8, 0.75, 0.85), (0.5, 0.25, 0.55), (0.2, 0.1, 0.3)]
    return measured([cloud, cloud / 2, cloud / 4], distances, [0, 1, 2, 2])


def ring(nodes: int = 30) -> Smoothing:
    edges = undirected([(node, (node + 1) % nodes) for node in range(nodes)], nodes)
    features = torch.rand(nodes, 8, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(nodes) * 3 // nodes
    return smoothing(features, propagation(edges, nodes), labels, (0, 1, 2, 4), progress=None)


def test_rows_in_opposite_directions_stay_on_the_chart(small: Smoothing) -> None:
    opposite = [Distances(1.4, 0.1, 2.0), *small.distances[1:]]
    explorer = DepthExplorer(small._replace(distances=tuple(opposite)), CLASSES)
    axes = explorer._axes
    assert axes.y(2) == CHART.top
    assert axes.y(0) == CHART.y(0)
    explorer.choose(depth=1)
    dot = shown(explorer)
    assert at(dot, CHART.x(0), axes.y(1.4)) == rgb(TEXT)
    assert max(DepthExplorer(small, CLASSES)._axes.ticks) == 1


def test_every_control() -> None:
    explorer = DepthExplorer(ring(), CLASSES)
    assert drive(explorer) == 2 + 2
    assert explorer.controls["depth"].value == 0
    assert explorer.controls["scale"].value == SAME


def test_each_step_changes_the_picture_and_back_is_the_same() -> None:
    explorer = DepthExplorer(ring(), CLASSES)
    first = explorer.picture_png
    seen = {first}
    for depth in (1, 2, 4):
        explorer.controls["depth"].value = depth
        assert explorer.error is None
        assert explorer.picture_png not in seen
        seen.add(explorer.picture_png)
    explorer.controls["depth"].value = 0
    assert explorer.picture_png == first
    explorer.controls["scale"].value = FITTED
    assert explorer.picture_png not in seen
    explorer.controls["scale"].value = SAME
    assert explorer.picture_png == first


def test_it_says_the_distances(small: Smoothing) -> None:
    explorer = DepthExplorer(small, CLASSES)
    assert explorer.status == (
        "After 1 multiplication by P, the mean cosine distance is 0.800 over all pairs of nodes: "
        "0.750 within a class, 0.850 between classes."
    )
    explorer.controls["depth"].value = 4
    assert explorer.status.startswith("After 4 multiplications by P, the mean cosine distance is ")
    explorer = DepthExplorer(ring(), CLASSES)
    assert explorer.status.startswith("Before any multiplication, the mean cosine distance is ")
    alt = explorer._repr_mimebundle_()[1]["image/png"]["alt"]
    assert alt == f"Explorer of depth. {explorer.status}"


@pytest.mark.parametrize(("depth", "size"), [(1, 1), (2, 1 / 2), (4, 1 / 4)])
def test_nodes_stand_at_their_places(small: Smoothing, depth: int, size: float) -> None:
    explorer = DepthExplorer(small, CLASSES)
    explorer.choose(depth=depth)
    picture = shown(explorer)
    assert picture.shape[1] == 2 * WIDTH
    for (x, y), label in zip(small.places[0], small.labels, strict=True):
        right = CENTER[0] + x / 0.8 * size * ROOM
        down = CENTER[1] - y / 0.8 * size * ROOM
        assert at(picture, right, down) == rgb(CLASS_COLORS[label])
        assert at(picture, right + 5, down) == (255, 255, 255)


def test_a_fitted_frame_holds_most_nodes() -> None:
    """Of eleven nodes in a row and one far away, the frame holds the eleven."""
    row = [[x / 10, 0.0] for x in range(-5, 6)]
    cloud = np.array([*row, [9.0, 0.0]])
    found = measured([cloud, cloud], [(0.5, 0.5, 0.5)] * 2, [0] * 11 + [1])
    explorer = DepthExplorer(found, CLASSES)

    def dots(color: str) -> int:
        frame = shown(explorer)[2 * TOP : 2 * (TOP + SIDE), 2 * EDGE : 2 * (EDGE + SIDE)]
        return int((frame == rgb(color)).all(axis=2).sum())

    assert dots(CLASS_COLORS[1]) > 20
    together = dots(CLASS_COLORS[0])
    explorer.choose(scale=FITTED)
    assert dots(CLASS_COLORS[1]) == 0
    assert dots(CLASS_COLORS[0]) > together
    # The middle of the frame is the median, 0.05, not the mean; half its width is 0.55.
    half = np.quantile(np.abs(cloud[:, 0] - 0.05), 0.9)
    for x, _ in row[1:]:
        place = CENTER[0] + (x - 0.05) / half * ROOM, CENTER[1]
        assert at(shown(explorer), *place) == rgb(CLASS_COLORS[0])


def test_the_chart_marks_the_depth(small: Smoothing) -> None:
    explorer = DepthExplorer(small, CLASSES)
    for step, depth in enumerate(small.depths):
        explorer.choose(depth=depth)
        picture = shown(explorer)
        for other in range(3):
            left = CHART.x(other / 2)
            marked = at(picture, left, CHART.y(small.distances[other].overall)) == rgb(TEXT)
            near = at(picture, left, CHART.y(small.distances[other].overall) + 4) == rgb(TEXT)
            assert marked
            assert near == (other == step)


def test_the_picture_is_labeled(small: Smoothing, monkeypatch: pytest.MonkeyPatch) -> None:
    explorer = DepthExplorer(small, CLASSES)

    def words(**values: object) -> list[str]:
        explorer.choose(**values)
        return words_drawn(lambda: explorer.render(**explorer.values), monkeypatch)

    plane = "this plane holds 10% of the variance"
    assert words(depth=1) == [
        "rows of PX, scaled to length 1",
        plane,
        "width of the frame: 1.6",
        "0.850",
        "0.750",
        "0.800",
    ]
    assert words(depth=4, scale=FITTED)[:4] == [
        "rows of P⁴X, scaled to length 1",
        "1 node lies outside",
        "this plane holds 90% of the variance",
        "width of the frame: 0.47",
    ]
    explorer = DepthExplorer(ring(), CLASSES)
    assert words(depth=0)[0] == "rows of X, scaled to length 1"
    chart = words_drawn(lambda: DepthExplorer(small, CLASSES), monkeypatch)
    assert chart[0] == "mean cosine distance between two nodes"
    labels = ["different classes", "the same class", "all pairs", *CLASSES]
    assert [word for word in chart if word in labels] == labels
    assert [word for word in chart if word in ("1", "2", "4", "depth k")][-4:] == [
        *("1", "2", "4"),
        "depth k",
    ]


def test_pairs_that_there_are_not_are_left_out(
    small: Smoothing, monkeypatch: pytest.MonkeyPatch
) -> None:
    nan = float("nan")
    found = small._replace(distances=tuple(each._replace(between=nan) for each in small.distances))
    words = words_drawn(lambda: DepthExplorer(found, CLASSES), monkeypatch)
    explorer = DepthExplorer(found, CLASSES)
    assert explorer.error is None
    assert explorer.status == (
        "After 1 multiplication by P, the mean cosine distance is 0.800 over all pairs of nodes."
    )
    assert "different classes" not in words
    assert "all pairs" in words


def test_a_collapsed_cloud_is_a_dot(small: Smoothing) -> None:
    found = small._replace(places=np.zeros_like(small.places))
    explorer = DepthExplorer(found, CLASSES)
    for scale in (SAME, FITTED):
        explorer.choose(scale=scale)
        assert explorer.error is None
        assert at(shown(explorer), *CENTER) in [rgb(color) for color in CLASS_COLORS]


@pytest.mark.parametrize("count", [2, 8])
def test_classes_must_be_named(small: Smoothing, count: int) -> None:
    with pytest.raises(ValueError, match=f"the 3 classes of the labels, and at most 7: {count} "):
        DepthExplorer(small, [str(label) for label in range(count)])


def test_it_takes_two_depths_or_more(small: Smoothing) -> None:
    one = small._replace(depths=(1,), distances=small.distances[:1], places=small.places[:1])
    for wrong in (one, small.places):
        with pytest.raises(ValueError, match="propagated must hold two depths or more"):
            DepthExplorer(wrong, CLASSES)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"depth": 3}, "Depth 3 was not computed: choose one of 1, 2, 4."),
        ({"scale": "large"}, "There is no scale 'large': choose one of the same for all depths"),
    ],
)
def test_values_that_no_control_gives_get_a_sentence(
    small: Smoothing, changes: dict, words: str
) -> None:
    explorer = DepthExplorer(small, CLASSES)
    for function in (explorer.render, explorer.describe):
        with pytest.raises(ValueError, match=words):
            function(**(explorer.values | changes))
