"""The graph editor: what is drawn and said, and how its controls go together."""

import cv2
import numpy as np
import pytest
from explorer_driver import drive, shown
from PIL import ImageColor
from pixels import words_drawn

from course_utils.explorers.base import ExplorerError
from course_utils.explorers.graph_editor import WIDTH, GraphEditor
from course_utils.explorers.maps import MARK
from course_utils.explorers.received import NORMALIZATIONS
from course_utils.graphs import GraphError

PAIRS = [(0, 1), (1, 0), (0, 2), (2, 0), (1, 2), (2, 1), (2, 3), (3, 2), (3, 4), (4, 3)]
VALUES = np.array([2.0, 1, -3, 4, 6])
ALL = ", ".join(f"{i}-{j}" for i in range(8) for j in range(i, 8))


@pytest.fixture
def editor() -> GraphEditor:
    explorer = GraphEditor()
    assert explorer.error is None
    return explorer


# ---------------------------------------------------------------- what is said


def test_the_first_graph(editor: GraphEditor) -> None:
    assert editor.values["edges"] == "0-1, 0-2, 1-2, 2-3, 3-4"
    assert editor.status == (
        "5 nodes, 5 edges. Node 2 has the highest degree, 3: it adds up 3 values to 7. "
        "The edge from 0 to 1 stands in row 1, column 0: 1."
    )
    editor.choose(how="by row", source=0, target=4)
    assert editor.status == (
        "5 nodes, 5 edges. Node 2 has the highest degree, 3: it takes the mean of 3 values, 2.33. "
        "No edge leads from 0 to 4."
    )
    editor.choose(how="symmetric", self_loops=True, source=3)
    assert editor.status == (
        "5 nodes, 5 edges. Node 2 has the highest degree, 4: it adds up 4 values, each divided by "
        "√(dᵢ × dⱼ), to 1.27. The edge from 3 to 4 stands in row 4, column 3: 0.41."
    )


@pytest.mark.parametrize(
    ("edges", "how", "words"),
    [
        ("", "none", "5 nodes, no edges. Nodes 0, 1, 2, 3 and 4 receive nothing: their rows are 0"),
        ("0-1, 1-2, 2-3, 0-3", "by row", "Node 4 receives nothing: its row is 0, so its new value"),
        ("0-1, 1>2, 3-3", "none", "5 nodes, 2 edges (1 in one direction only), 1 self-loop."),
        ("0-0, 1-1", "none", "5 nodes, no edges, 2 self-loops."),
        ("0>1", "by row", "5 nodes, 1 edge (1 in one direction only)."),
        ("0-1, 2-3", "none", "Nodes 0, 1, 2 and 3 have the highest degree, 1; node 0 adds up 1"),
        ("0-1, 0-2", "none", "Node 0 has the highest degree, 2: it adds up 2 values to −2."),
    ],
)
def test_graphs_of_all_kinds(editor: GraphEditor, edges: str, how: str, words: str) -> None:
    editor.choose(edges=edges, how=how)
    assert editor.error is None
    assert words in editor.status


def test_with_self_loops_nobody_receives_nothing(editor: GraphEditor) -> None:
    editor.choose(edges="", self_loops=True)
    assert "nothing" not in editor.status
    assert "have the highest degree, 1" in editor.status


@pytest.mark.parametrize(
    ("control", "value", "words"),
    [
        ("edges", "0-1, 5-2", "There is no node 5"),
        ("edges", "abc", "'abc' is no edge"),
        ("values", "1, 2, nan, 4, 5", "'nan' is no value"),
        ("values", "1, 2, 3", "There is no node 3, as the edge 2-3 needs"),
    ],
)
def test_a_mistake_leaves_the_picture_and_is_mended(
    editor: GraphEditor, control: str, value: str, words: str
) -> None:
    before, picture = editor.controls[control].value, editor.picture_png
    editor.controls[control].value = value
    assert words in editor.error
    assert editor.picture_png == picture
    editor.controls["joined"].value = False  # nothing to join in a graph that is not one
    assert words in editor.error
    assert editor.controls["edges"].value in {value, "0-1, 0-2, 1-2, 2-3, 3-4"}
    editor.controls[control].value = before
    assert editor.error is None
    assert editor.values["joined"]
    assert editor.picture_png == picture


def test_symmetric_with_a_directed_edge_says_what_to_do(editor: GraphEditor) -> None:
    editor.choose(edges="0>1, 1-2", how="symmetric")
    assert "the edge from 0 to 1 does not: normalize by row, or add the other" in editor.error
    editor.controls["how"].value = "by row"
    assert editor.error is None


# ---------------------------------------------------------------- controls


def test_the_checkbox_and_the_text_follow_each_other(editor: GraphEditor) -> None:
    joined, edges = editor.controls["joined"], editor.controls["edges"]
    joined.value = False
    assert edges.value == "0-2, 1>0, 1-2, 2-3, 3-4".replace("0-2, 1>0", "1>0, 0-2")
    editor.choose(source=1, target=0)
    assert joined.value
    joined.value = False
    assert edges.value == "0-2, 1-2, 2-3, 3-4"
    editor.choose(source=0, target=4)
    assert not joined.value
    joined.value = True
    assert edges.value == "0-2, 0>4, 1-2, 2-3, 3-4"
    edges.value = "2-3"
    assert not joined.value
    edges.value = "0-4"
    assert joined.value
    editor.choose(source=3, target=3)
    joined.value = True
    assert edges.value == "0-4, 3-3"
    assert editor.error is None


def test_under_symmetric_normalization_the_checkbox_sets_both_directions(
    editor: GraphEditor,
) -> None:
    joined, edges = editor.controls["joined"], editor.controls["edges"]
    editor.choose(how="symmetric")
    assert joined.description == "Edge from ↔ to"
    joined.value = False
    assert editor.error is None
    assert edges.value == "0-2, 1-2, 2-3, 3-4"
    joined.value = True
    assert edges.value == "0-1, 0-2, 1-2, 2-3, 3-4"
    editor.choose(how="none")
    assert joined.description == "Edge from → to"


def test_nodes_come_and_go_with_their_values(editor: GraphEditor) -> None:
    editor.choose(values="1 2 3 4 5 6 7 8", edges="6-7", source=7, target=6)
    assert editor.error is None
    assert editor.values["source"] == 7
    assert "row 6, column 7: 1." in editor.status
    editor.choose(values="3", edges="")
    assert editor.error is None
    assert (editor.values["source"], editor.values["target"]) == (0, 0)
    assert editor.controls["source"].disabled
    assert editor.status.startswith("1 node, no edges. Node 0 receives nothing")
    editor.choose(edges="0-0")
    assert "row 0, column 0: 1." in editor.status
    with pytest.raises(ExplorerError, match="no node 1: choose a node from 0 to 0"):
        editor.render(**editor.values | {"target": 1})


def test_every_control_works_at_its_ends(editor: GraphEditor) -> None:
    edges = ["0-1", "", "0>1, 4-4", "0-1, 0-2, 0-3, 0-4, 1-2, 1-3, 1-4, 2-3, 2-4, 3-4"]
    assert drive(editor, edges=edges, values=["0 0 0 0 0", "100 -100 0.001 12.34 -99.99"]) == 17


def test_every_control_changes_the_picture_and_back(editor: GraphEditor) -> None:
    steps = {
        "edges": "0-1, 0-2, 1-2, 2-3",
        "values": "2, 1, -3, 4, 5",
        "source": 1,
        "target": 2,
        "self_loops": True,
        "how": "by row",
        "joined": False,
    }
    assert steps.keys() == editor.controls.keys()
    picture = editor.picture_png
    for name, value in steps.items():
        before = editor.controls[name].value
        editor.controls[name].value = value
        assert editor.error is None
        assert editor.picture_png != picture, name
        editor.controls[name].value = before
        assert editor.picture_png == picture, name


@pytest.mark.parametrize("name", ["source", "target"])
def test_every_node_has_a_picture_of_its_own(editor: GraphEditor, name: str) -> None:
    pictures = set()
    for node in range(5):
        editor.controls[name].value = node
        pictures.add(editor.picture_png)
    assert len(pictures) == 5


# ---------------------------------------------------------------- the picture


def frames(explorer: GraphEditor) -> list[tuple[int, ...]]:
    """The yellow frames of cells: left, top, width, height, from left to right; no nodes."""
    yellow = (shown(explorer) == ImageColor.getrgb(MARK)).all(axis=2).astype(np.uint8)
    yellow[:, : 2 * 262] = 0  # the graph
    _, _, boxes, _ = cv2.connectedComponentsWithStats(yellow)
    return sorted(tuple(int(part) for part in box[:4]) for box in boxes[1:])


def test_the_cell_in_the_row_of_the_target_and_the_column_of_the_source_is_framed(
    editor: GraphEditor,
) -> None:
    editor.choose(source=0, target=0)
    first = frames(editor)
    assert len(first) == 3  # in A, in P, and the new value
    for source, target in ((1, 0), (0, 1), (3, 4)):
        editor.choose(source=source, target=target)
        for place, (before, after) in enumerate(zip(first, frames(editor), strict=True)):
            pitch = [35, 46, 0][place]  # 0: the new values are a single column
            assert after[0] - before[0] == pytest.approx(2 * source * pitch, abs=2)
            assert after[1] - before[1] == pytest.approx(2 * target * 40, abs=2)


def test_an_undirected_edge_is_framed_twice_in_each_matrix(editor: GraphEditor) -> None:
    black = []
    for edges in ("0-1", "0>1"):
        editor.choose(edges=edges)
        picture = shown(editor)[:, 2 * 262 :]
        black.append(int((picture == 0).all(axis=2).sum()))
    assert black[0] > black[1] + 4 * 2 * (35 + 40)


@pytest.mark.parametrize(
    "values", ["-12.34 -99.99 -100 -12.34 -99.99 -100 -12.34 -99.99", "1e-5 1 2 3 4 5 6 7"]
)
@pytest.mark.parametrize("how", NORMALIZATIONS)
def test_nothing_is_cut_at_the_edges(values: str, how: str) -> None:
    explorer = GraphEditor()
    explorer.choose(values=values, edges=ALL, how=how, source=7, target=7)
    assert explorer.error is None
    picture = shown(explorer)
    assert picture.shape[1] == 2 * WIDTH
    assert picture.shape[0] <= 2 * 560
    for edge in (picture[0], picture[-1], picture[:, -1]):
        assert (edge == 255).all()


@pytest.mark.parametrize("self_loops", [False, True])
@pytest.mark.parametrize("how", NORMALIZATIONS)
def test_the_product_is_named_after_its_matrix(
    editor: GraphEditor, how: str, self_loops: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = words_drawn(lambda: editor.choose(how=how, self_loops=self_loops), monkeypatch)
    assert editor.error is None
    names = {
        ("none", False): "A",
        ("none", True): "A + I",
        ("symmetric", True): "P",  # only this one is what a GCN multiplies by
    }
    name = names.get((how, self_loops), "matrix")
    assert [w for w in words if "= new values" in w] == [f"{name} × values = new values"]


def test_what_a_learner_passes_is_checked() -> None:
    assert GraphEditor([(0, 1), (1, 1)], [1, 2.5]).values["edges"] == "0-1, 1-1"
    assert GraphEditor([], [4]).error is None
    with pytest.raises(GraphError, match="twice"):
        GraphEditor([(0, 1), (1, 0)], [1, 2])
    with pytest.raises(GraphError, match="not there"):
        GraphEditor([(0, 2)], [1, 2])
    with pytest.raises(ValueError, match="9 values"):
        GraphEditor([], range(9))
    with pytest.raises(ValueError, match="'nan'"):
        GraphEditor([], [1, float("nan")])
