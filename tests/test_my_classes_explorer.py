"""The explorer of a learner's own classes, driven without a browser."""

import base64
import time

import nbformat
import numpy as np
import pytest
from explorer_driver import drive, shown
from own_classes import (
    BLUE,
    BLUE_TILE,
    GREEN,
    GREEN_TILE,
    NO_PICTURE,
    RED,
    color_backbone,
    counts,
    files,
    pictures,
    png,
    two_classes,
    upload,
)
from picture_rules import picture_problems
from pixels import at, rgb, words_drawn
from test_reruns import is_open, run_cell

from course_utils.datasets import emoji
from course_utils.explorers import reruns
from course_utils.explorers.classes_picture import MARKED
from course_utils.explorers.my_classes import MyClassesExplorer
from course_utils.pretrained import Backbone, efficientnet_lite0


@pytest.fixture
def seen() -> list[int]:
    return []


@pytest.fixture
def backbone(seen: list[int]) -> Backbone:
    return color_backbone(seen)


@pytest.fixture
def explorer(backbone: Backbone) -> MyClassesExplorer:
    return MyClassesExplorer(two_classes(), backbone)


def words_of(explorer: MyClassesExplorer, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    return words_drawn(lambda: explorer.render(**explorer.values), monkeypatch)


# ---------------------------------------------------------------- what it shows


def test_every_control(explorer):
    assert drive(explorer) == 4 + 2
    assert explorer.controls["page"].max == 2
    assert drive(explorer, page=[2, 1]) == 4 + 2


def test_the_status_says_the_accuracy_and_where_pictures_go(explorer):
    assert explorer.status.startswith(
        "Pictures that you add go to reds (12 so far). Accuracy on held-out pictures: 100.0% ("
    )
    assert explorer.status.endswith("; always answering reds: 54.5%.")
    alt = explorer._repr_mimebundle_()[1]["image/png"]["alt"]
    assert alt == f"Explorer of your own classes. {explorer.status}"


def test_the_picture_shows_the_newest_first_and_marks_the_class(explorer):
    explorer.controls["name"].value = "greens"
    picture = explorer.render(**explorer.values)
    assert at(picture, 1, 26 + 56 + 24) == rgb(MARKED)
    assert at(picture, 1, 26 + 24) == (255, 255, 255)
    assert at(picture, 118 + 24, 26 + 56 + 24) == GREEN
    explorer.add("greens", {"newest.png": png(BLUE_TILE)})
    picture = explorer.render(**explorer.values)
    assert at(picture, 118 + 24, 26 + 56 + 24) == BLUE
    assert at(picture, 118 + 52 + 24, 26 + 56 + 24) == GREEN
    explorer.choose(page=2)  # five reds, four greens
    picture = explorer.render(**explorer.values)
    assert at(picture, 118 + 4 * 52 + 24, 26 + 24) == RED
    assert at(picture, 118 + 5 * 52 + 24, 26 + 24) == (255, 255, 255)
    assert at(picture, 118 + 4 * 52 + 24, 26 + 56 + 24) == (255, 255, 255)


def test_a_new_name_is_an_empty_row(explorer, monkeypatch):
    assert "no pictures yet" not in words_of(explorer, monkeypatch)
    before = explorer.picture_png
    explorer.controls["name"].value = " my  <i>blues</i>\n"
    words = words_of(explorer, monkeypatch)
    assert words[words.index("no pictures yet") - 1] == "<i>blues</i>"  # the second line
    assert explorer.status.startswith("my <i>blues</i> is a new class: add pictures of it.")
    assert "&lt;i&gt;" in explorer._status.value
    explorer.controls["name"].value = "reds"
    assert explorer.picture_png == before


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "Type the name of a class, "),
        (" \n\t", "Type the name of a class, "),
        ("x" * 41, "Choose a shorter name: it has 41 letters, 40 are the most."),
    ],
)
def test_names_that_no_class_can_have(explorer, name, words):
    explorer.controls["name"].value = name
    assert explorer.error is None
    assert explorer.status.startswith(words)
    upload(explorer.controls["pictures"], files(BLUE, 2))
    assert explorer.error.startswith(words)
    assert counts(explorer) == {"reds": 12, "greens": 10}


def test_the_saved_output_is_a_picture_with_alt_text(explorer):
    data, metadata = explorer._repr_mimebundle_()
    data["image/png"] = base64.b64encode(data["image/png"]).decode()
    output = nbformat.v4.new_output("display_data", data, metadata=metadata)
    assert list(picture_problems(output)) == []


# ---------------------------------------------------------------- too few pictures


def test_from_nothing_to_a_classifier(backbone, monkeypatch):
    explorer = MyClassesExplorer({}, backbone)
    assert explorer.error is None
    missing = "Add pictures of two classes: type the name of a class, then choose its pictures."
    assert explorer.status == f"my class is a new class: add pictures of it. {missing}"
    assert missing in " ".join(words_of(explorer, monkeypatch))
    drive(explorer)
    assert "Add pictures of one more class: " in explorer.add("reds", files(RED, 1))
    assert "Add pictures of reds, greens: each class needs at least 2," in explorer.add(
        "greens", files(GREEN, 1)
    )
    assert "Add pictures of greens: each class" in explorer.add("reds", files(RED, 1, start=1))
    assert explorer._state.classifier is None
    status = explorer.add("greens", files(GREEN, 1, start=1))
    assert "Accuracy on held-out pictures: " in status
    assert "Fewer than 10 pictures of reds (2), greens (2): take the accuracy as a rough" in status
    status = explorer.add("blues", files(BLUE, 1))
    assert "Accuracy on held-out pictures: " in status  # of the other two, still
    assert "Add pictures of blues: each class needs at least 2" in status
    drive(explorer)


# ---------------------------------------------------------------- a new picture


def test_a_new_picture_is_classified(explorer, monkeypatch):
    hint = "upload one that is not among your pictures on the left"
    assert hint in " ".join(words_of(explorer, monkeypatch))
    before = explorer.picture_png
    upload(explorer.controls["new"], {"bad.txt": NO_PICTURE})
    assert explorer.error.startswith("Cannot read bad.txt")
    assert explorer.picture_png == before
    upload(explorer.controls["new"], {"leaf.png": png(BLUE_TILE // 2 + GREEN_TILE // 2)})
    assert explorer.error is None
    assert "New picture, leaf.png: greens (" in explorer.status
    assert hint not in " ".join(words_of(explorer, monkeypatch))
    assert at(shown(explorer), 520 + 48, 250) == (30, 115, 125)
    status = explorer.add("blues", {"leaf.png": png(BLUE_TILE), "b.png": png(BLUE_TILE // 2)})
    assert "New picture, leaf.png: " in status  # the new classifier has answered
    assert set(explorer._state.probabilities) == {"reds", "greens", "blues"}


def test_ones_own_picture_is_not_presented_as_new(explorer, monkeypatch):
    upload(explorer.controls["new"], {"mine.png": png(pictures(RED, 1)[0])})
    assert explorer.error is None
    assert "The picture mine.png is one of reds, and so it is not new." in explorer.status
    assert "one of your pictures of reds, and so" in " ".join(words_of(explorer, monkeypatch))
    assert explorer._state.probabilities == {}
    upload(explorer.controls["new"], {"new.png": png(BLUE_TILE)})
    assert "New picture, new.png" in explorer.status
    explorer.add("greens", {"new.png": png(BLUE_TILE)})
    assert "The picture new.png is one of greens, and so it is not new." in explorer.status


def test_an_example_may_be_given(backbone):
    few = {"reds": pictures(RED, 2), "greens": pictures(GREEN, 1)}
    explorer = MyClassesExplorer(few, backbone, new_picture=GREEN_TILE[..., 1])  # gray
    assert explorer.error is None
    assert "New picture" not in explorer.status
    assert "New picture, the example: " in explorer.add("greens", files(GREEN, 1, start=1))


# ---------------------------------------------------------------- the rest


def test_running_the_cell_again_closes_the_explorer(explorer, backbone, monkeypatch):
    monkeypatch.setattr(reruns, "_runs", {})
    made = []
    for run in ("1", "2"):
        run_cell(monkeypatch, run, "MyClassesExplorer({})", "cell-a")
        made.append(MyClassesExplorer({}, backbone))
    assert [is_open(each) for each in made] == [False, True]


def test_the_real_network_learns_emoji_quickly():
    everything = emoji()
    drawings = everything.drawings["noto"].permute(0, 2, 3, 1).numpy()
    labels = everything.labels.numpy()
    some = {
        name: list(drawings[np.flatnonzero(labels == everything.classes.index(name))[:6]])
        for name in ("animal", "clothing", "food")
    }
    new = some["food"].pop()
    explorer = MyClassesExplorer(some, efficientnet_lite0(96), new_picture=new)
    assert explorer._state.classifier.accuracy.mean > 0.6  # one in three by chance
    start = time.process_time()
    explorer.add("food", {"melon.png": png(drawings[np.flatnonzero(labels == 4)[20]])})
    assert time.process_time() - start < 2  # about 0.2 seconds
    assert explorer.error is None
