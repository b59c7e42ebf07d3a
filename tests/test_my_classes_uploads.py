"""Files that a learner adds to the explorer of own classes: good, bad, too many, in folders."""

from pathlib import Path

import pytest
from explorer_driver import drive
from own_classes import (
    BLUE,
    BLUE_TILE,
    GREEN,
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

from course_utils.explorers import own_pictures
from course_utils.explorers.my_classes import MyClassesExplorer
from course_utils.explorers.own_pictures import MOST_CLASSES, MOST_PICTURES
from course_utils.explorers.uploads import take_upload, take_uploads, upload_button
from course_utils.folders import FolderError
from course_utils.pretrained import Backbone


@pytest.fixture
def seen() -> list[int]:
    return []


@pytest.fixture
def backbone(seen: list[int]) -> Backbone:
    return color_backbone(seen)


@pytest.fixture
def explorer(backbone: Backbone) -> MyClassesExplorer:
    return MyClassesExplorer(two_classes(), backbone)


# ---------------------------------------------------------------- pictures of a class


def test_uploads_make_a_class_and_only_they_are_looked_at(explorer, seen):
    assert seen == [22]
    explorer.controls["name"].value = "blues"
    upload(explorer.controls["pictures"], files(BLUE, 3))
    assert explorer.error is None
    assert counts(explorer) == {"reds": 12, "greens": 10, "blues": 3}
    assert seen == [22, 3]
    assert explorer._state.classifier.classes == ("reds", "greens", "blues")
    assert explorer.status.startswith("Pictures that you add go to blues (3 so far). Accuracy on")
    assert "Fewer than 10 pictures of blues (3): take the accuracy as a" in explorer.status
    assert not explorer.controls["pictures"].value


def test_good_files_are_taken_and_bad_ones_named(explorer):
    some = {"<b>.txt": NO_PICTURE, **files(RED, 2, start=20), "cut.png": png(BLUE_TILE)[:-30]}
    upload(explorer.controls["pictures"], some)
    assert explorer.error is None
    assert counts(explorer) == {"reds": 14, "greens": 10}
    assert explorer.status.startswith("Cannot read <b>.txt: it is no PNG, ")
    assert "Cannot read cut.png: the picture is damaged or cut short." in explorer.status
    assert "<b>" not in explorer._status.value
    explorer.controls["name"].value = "greens"
    assert "Cannot read" not in explorer.status


def test_only_bad_files_change_nothing(explorer):
    before, state = explorer.picture_png, explorer._state
    explorer.controls["name"].value = "reds"
    for _ in range(2):
        upload(explorer.controls["pictures"], {f"{n}.txt": NO_PICTURE for n in range(5)})
        assert explorer.error.startswith("Cannot read 0.txt: it is no PNG")
        assert explorer.error.endswith("And 2 more were not taken.")
        assert explorer.picture_png == before
        assert explorer._state is state
        assert not explorer.controls["pictures"].value
    upload(explorer.controls["pictures"], files(RED, 1, start=20))
    assert explorer.error is None
    assert counts(explorer)["reds"] == 13


def test_an_error_in_training_loses_nothing(explorer, monkeypatch):
    before, state = explorer.picture_png, explorer._state

    def fail(*_):
        raise RuntimeError("no memory")

    with monkeypatch.context() as patch:
        patch.setattr(explorer._learner, "train", fail)
        assert "RuntimeError: no memory" in explorer.add("blues", files(BLUE, 3))
    assert explorer._state is state
    assert explorer.picture_png == before
    explorer.add("blues", files(BLUE, 3))
    assert (explorer.error, counts(explorer)["blues"]) == (None, 3)


def test_a_picture_is_in_one_class_only(explorer):
    first = files(RED, 1)
    assert explorer.add("reds", first) == "0.png is already among the pictures of reds."
    assert explorer.add("greens", first) == "0.png is already among the pictures of reds."
    explorer.add("greens", first | files(GREEN, 1, start=20))
    assert explorer.error is None
    assert explorer.status.startswith("0.png is already among the pictures of reds. Pictures that")
    assert counts(explorer) == {"reds": 12, "greens": 11}


def test_what_colab_gives_is_added(explorer):
    assert explorer.add("greens", {}) == "No file was chosen."
    assert "Give the files as {name: bytes}" in explorer.add("greens", [b"x"])
    assert "The name of a class must be a text, not int" in explorer.add(3, files(BLUE, 1))
    assert "Cannot read x.png: give the bytes" in explorer.add("greens", {"x.png": "words"})
    assert counts(explorer) == {"reds": 12, "greens": 10}
    status = explorer.add(" blues ", files(BLUE, 2))
    assert status == explorer.status
    assert status.startswith("Pictures that you add go to blues (2 so far).")
    assert explorer.controls["name"].value == "blues"


def test_classes_and_pictures_have_a_limit(backbone, monkeypatch):
    monkeypatch.setattr(own_pictures, "MOST_PICTURES", 10)
    some = {str(number): [] for number in range(MOST_CLASSES)}
    explorer = MyClassesExplorer(some | {"0": pictures(RED, 5), "1": pictures(GREEN, 4)}, backbone)
    assert "There are 8 classes, which are the most." in explorer.add("ninth", files(BLUE, 1))
    assert explorer.error
    assert len(counts(explorer)) == MOST_CLASSES
    explorer.controls["name"].value = "ninth"
    assert explorer.error is None
    status = explorer.add("2", files(BLUE, 3))
    assert explorer.error is None
    assert status.startswith("10 pictures are the most: 2 were left out. Pictures that you add go")
    assert explorer.add("2", files(BLUE, 3)).startswith("10 pictures are the most: 2 were left")
    assert sum(counts(explorer).values()) == 10
    drive(explorer)


@pytest.mark.parametrize("bad", [0, 3, 4, 5])
def test_pictures_without_room_are_counted_beside_bad_files(backbone, monkeypatch, bad):
    monkeypatch.setattr(own_pictures, "MOST_PICTURES", 4)
    explorer = MyClassesExplorer({"reds": pictures(RED, 2), "greens": []}, backbone)
    some = {f"{number}.txt": NO_PICTURE for number in range(bad)}
    status = explorer.add("greens", {**some, **files(GREEN, 7)})
    assert explorer.error is None
    assert counts(explorer) == {"reds": 2, "greens": 2}
    assert status.startswith("4 pictures are the most: 5 were left out. ")
    assert status.count("Cannot read ") == min(bad, 3)
    assert ("And 1 more was not taken." in status) == (bad == 4)
    assert ("And 2 more were not taken." in status) == (bad == 5)
    one = explorer.add("greens", files(GREEN, 1, start=30))
    assert one == "4 pictures are the most: 1 was left out."


def test_pictures_of_a_folder_without_room_are_counted_in_one_sentence(folder, monkeypatch):
    monkeypatch.setattr(own_pictures, "MOST_PICTURES", 4)
    explorer = MyClassesExplorer({"blues": pictures(BLUE, 3)}, color_backbone([]))
    status = explorer.add_folder(folder)
    assert counts(explorer) == {"blues": 3, "greens": 1, "reds": 0}
    assert status.startswith("4 pictures are the most: 7 were left out. reds/broken.png: ")


def test_a_class_is_removed(explorer):
    explorer.add("blues", files(BLUE, 2))
    assert explorer.remove("bleus") == "There is no class bleus."
    explorer.remove("blues")
    assert counts(explorer) == {"reds": 12, "greens": 10}
    explorer.remove("reds")
    assert explorer._state.classifier is None
    assert explorer.controls["name"].value == "greens"


# ---------------------------------------------------------------- folders, bad input


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, color in (("greens", GREEN), ("reds", RED)):
        (tmp_path / name).mkdir()
        for file, content in files(color, 4).items():
            (tmp_path / name / file).write_bytes(content)
    (tmp_path / "reds" / "broken.png").write_bytes(NO_PICTURE)
    return tmp_path


def test_a_folder_is_read(folder, backbone):
    explorer = MyClassesExplorer.from_folder(folder, backbone)
    assert counts(explorer) == {"greens": 4, "reds": 4}
    assert explorer.status.startswith("reds/broken.png: ")
    assert "Pictures that you add go to greens (4 so far)" in explorer.status
    explorer.controls["name"].value = "reds"
    assert "broken.png" not in explorer.status
    with pytest.raises(FolderError, match="There is no folder"):
        MyClassesExplorer.from_folder(folder / "none", backbone)


def test_a_folder_is_added(folder, backbone):
    explorer = MyClassesExplorer({"blues": pictures(BLUE, 3)}, backbone)
    assert "There is no folder" in explorer.add_folder(folder / "none")
    assert explorer.error
    status = explorer.add_folder(folder)
    assert explorer.error is None
    assert status.startswith("reds/broken.png: ")
    assert counts(explorer) == {"blues": 3, "greens": 4, "reds": 4}


@pytest.mark.parametrize(
    ("words", "classes"),
    [
        ("classes must name sequences of pictures", [BLUE_TILE]),
        ("Picture 2 of blues: A picture must be an array", {"blues": [BLUE_TILE, BLUE_TILE / 2]}),
        ("There are 201 pictures, and 200 are", {"blues": [BLUE_TILE] * (MOST_PICTURES + 1)}),
        ("There are 8 classes", {str(number): [] for number in range(9)}),
        ("Type the name of a class", {"": []}),
        ("must be a text, not int", {1: []}),
    ],
)
def test_bad_input_is_a_sentence(backbone, words, classes):
    with pytest.raises(ValueError, match=words) as caught:
        MyClassesExplorer(classes, backbone)
    assert "\n" not in str(caught.value)


# ---------------------------------------------------------------- the button


def test_several_files_are_taken_at_once_and_one_if_one_is_asked_for():
    button = upload_button("Several", multiple=True)
    assert (button.multiple, upload_button().multiple) == (True, False)
    assert take_uploads(button) == []
    for _ in range(2):
        upload(button, {"a/b.png": b"first", "c.png": b"second"})
        assert take_uploads(button) == [("b.png", b"first"), ("c.png", b"second")]
        assert not button.value
    upload(button, {"b.png": b"first", "c.png": b"second"})
    assert take_upload(button) == ("b.png", b"first")
    assert not button.value
