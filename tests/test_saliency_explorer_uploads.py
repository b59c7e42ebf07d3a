"""A learner's own pictures in the explorers of explanations."""

import cv2
import numpy as np
import pytest
from explorer_driver import shown, upload
from test_saliency_explorer import BRIGHT, NOISE, make

from course_utils.explorers.saliency import SaliencyExplorer


def png(picture: np.ndarray) -> bytes:
    return cv2.imencode(".png", picture[..., ::-1] if picture.ndim == 3 else picture)[1].tobytes()


@pytest.fixture
def explorer() -> SaliencyExplorer:
    return make(methods=["saliency"])


def test_an_upload_is_shown_and_stays(explorer):
    upload(explorer.controls["upload"], "mine.png", png(NOISE[::-1]))
    assert explorer.error is None
    assert explorer.values["picture"] == "mine.png"
    assert list(explorer.controls["picture"].options) == ["bright", "noise", "mine.png"]
    first = explorer.picture_png
    upload(explorer.controls["upload"], "mine.png", png(255 - NOISE))
    assert explorer.values["picture"] == "mine.png (2)"
    assert explorer.picture_png != first
    explorer.controls["picture"].value = "mine.png"
    assert explorer.picture_png == first


@pytest.mark.parametrize(
    "picture",
    [NOISE[..., 0], NOISE[:1, :1], NOISE[:2, :30], np.zeros((5, 5, 3), np.uint8)],
    ids=["gray", "one pixel", "strip", "black"],
)
def test_odd_pictures_are_explained(explorer, picture):
    upload(explorer.controls["upload"], "odd.png", png(picture))
    assert explorer.error is None
    assert explorer.values["picture"] == "odd.png"


def test_gray_and_color_are_seen_alike():
    gray = NOISE[..., 0]
    explorer = make(images={"gray": gray, "color": np.repeat(gray[..., None], 3, axis=2)})
    a, b = (explorer._gallery[name] for name in ("gray", "color"))
    assert (a.inputs == b.inputs).all()
    assert (a.pixels == b.pixels).all()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("bad.txt", b"milk", "Cannot read bad.txt: it is no PNG"),
        ("empty.png", b"", "Cannot read empty.png: the file is empty"),
        ("cut.png", png(NOISE)[:-40], "Cannot read cut.png: the picture is damaged"),
        ("thin.png", png(np.zeros((1, 17, 3), np.uint8)), "The picture has 1 × 17 pixels, too"),
    ],
)
def test_a_bad_upload_is_a_sentence_and_all_stays(explorer, name, content, words):
    before, png_before = explorer.values, explorer.picture_png
    upload(explorer.controls["upload"], name, content)
    assert explorer.error.startswith(words)
    assert explorer.values == before
    assert explorer.picture_png == png_before
    assert list(explorer.controls["picture"].options) == ["bright", "noise"]
    explorer.controls["removed"].value = 50
    assert explorer.error is None


def test_files_can_be_handed_over(explorer):
    files = {"folder/a.png": png(BRIGHT), "b.png": png(NOISE)}
    assert explorer.add(files) == explorer.status
    assert explorer.error is None
    assert explorer.values["picture"] == "b.png"
    assert list(explorer.controls["picture"].options) == ["bright", "noise", "a.png", "b.png"]


def test_a_bad_file_among_good_ones_is_named_once(explorer):
    said = explorer.add({"good.png": png(NOISE), "bad.txt": b"milk"})
    assert explorer.error is None
    assert said.startswith("Cannot read bad.txt")
    assert said.count(". ") > 1
    assert list(explorer.controls["picture"].options) == ["bright", "noise", "good.png"]
    assert explorer.values["picture"] == "good.png"
    explorer.controls["removed"].value = 50
    assert "bad.txt" not in explorer.status


def test_files_that_cannot_be_used_leave_all_as_it_was(explorer):
    before = explorer.picture_png
    assert explorer.add({}) == explorer.error == "No file was chosen."
    assert explorer.add({"bad.txt": b"milk"}).startswith("Cannot read bad.txt")
    assert explorer.add(["a.png"]).startswith("Give the files as ")
    assert list(explorer.controls["picture"].options) == ["bright", "noise"]
    assert explorer.picture_png == before
    upload(explorer.controls["upload"], "c.png", png(NOISE))  # nothing is left of the bad ones
    assert list(explorer.controls["picture"].options) == ["bright", "noise", "c.png"]


def test_a_large_picture_is_made_smaller_before_the_network_sees_it():
    sizes = []

    def prepare(images):
        sizes.append(tuple(images.shape))
        return images[..., :16, :16].float() / 255

    large = np.zeros((1000, 2100, 3), np.uint8)
    network = make()._gallery.network
    SaliencyExplorer(network, {"large": large}, prepare, "abcdef", methods=["saliency"])
    assert sizes == [(1, 3, 488, 1024)]


def test_the_picture_is_shown_as_the_network_sees_it():
    explorer = make(images={"noise": NOISE[:16, :16]}, methods=["saliency"])
    panel = shown(explorer)[48:560, :512]
    middles = 32 * np.arange(16) + 16
    seen = panel[np.ix_(middles, middles)].astype(int)
    assert np.abs(seen - NOISE[:16, :16]).max() <= 2
