"""Files that a learner hands to an explorer, without a browser."""

import cv2
import ipywidgets as widgets
import numpy as np
import pytest
from explorer_driver import drive, shown, upload

from course_utils.explorers.base import Explorer, ExplorerError
from course_utils.explorers.uploads import free_name, named_files, take_upload, upload_button
from course_utils.pictures import read_picture

BLUE = np.full((6, 8, 3), (0, 0, 255), np.uint8)
PNG = cv2.imencode(".png", BLUE[..., ::-1])[1].tobytes()


def test_the_button_asks_for_one_picture() -> None:
    button = upload_button()
    assert (button.description, button.accept, button.multiple) == (
        "Your picture, up to 10 MB",
        "image/*",
        False,
    )
    assert upload_button("A photograph").description == "A photograph"


def test_what_was_chosen_is_taken_once() -> None:
    button = upload_button()
    assert take_upload(button) is None
    for content in (b"first", b"second", b"second", b""):  # choosing the same file again counts
        upload(button, "a b.png", content)
        taken = take_upload(button)
        assert taken == ("a b.png", content)
        assert type(taken[1]) is bytes
        assert not button.value
        assert getattr(button, "_counter", 0) == 0
        assert take_upload(button) is None


def test_a_long_name_is_cut() -> None:
    button = upload_button()
    upload(button, "x" * 300 + ".png", b"")
    assert take_upload(button) == ("x" * 39 + "…", b"")


def test_the_button_notices_the_same_file_again() -> None:
    button = upload_button()
    noticed = []

    def on_value(_: dict) -> None:
        if taken := take_upload(button):
            noticed.append(taken)

    button.observe(on_value, names="value")
    for _ in range(3):
        upload(button, "x.png", b"same")
    assert noticed == [("x.png", b"same")] * 3


def test_a_name_that_is_taken_gets_a_number() -> None:
    taken = {"a.png"}
    names = []
    for _ in range(3):
        names.append(free_name("a.png", taken))
        taken.add(names[-1])
    assert names == ["a.png (2)", "a.png (3)", "a.png (4)"]
    assert free_name("b.png", taken) == "b.png"


def test_files_that_a_notebook_hands_over() -> None:
    assert named_files({"a.png": b"x", 3: b"y"}) == [("a.png", b"x"), ("3", b"y")]
    with pytest.raises(ValueError, match=r"as \{name: bytes\}, .* not list"):
        named_files([b"x"])


class Gallery(Explorer):
    """A picture, which an upload replaces; some names and states cannot be drawn."""

    title = "Gallery"

    def __init__(self) -> None:
        self.adjusted: list[set[str]] = []
        self.drawn: list[dict] = []
        self._pictures = {"red": np.full((6, 8, 3), (255, 0, 0), np.uint8)}
        super().__init__(
            {
                "picture": widgets.Dropdown(options=["red"], description="Picture"),
                "level": widgets.IntSlider(min=0, max=9, value=9, description="Level"),
                "upload": upload_button(),
            }
        )

    def adjust(self, changed: set[str]) -> None:
        self.adjusted.append(changed)
        if "upload" in changed:
            if self.controls["level"].value == 7:
                raise RuntimeError("seven")  # leaves the file in the button
            name, content = take_upload(self.controls["upload"])
            if name == "tiny.png":
                raise ExplorerError("tiny.png is too small: choose a larger one.")
            self._pictures[name] = read_picture(content, name)
            self.controls["picture"].options = list(self._pictures)
            self.controls["picture"].value = name

    def render(self, picture: str, level: int) -> np.ndarray:
        self.drawn.append({"picture": picture, "level": level})
        return self._pictures[picture] // (10 - level)

    def describe(self, picture: str, level: int) -> str:
        return f"{picture} at {level}"


def test_an_upload_is_an_event_and_no_setting() -> None:
    gallery = Gallery()
    assert gallery.error is None
    assert gallery.values == {"picture": "red", "level": 9}
    assert gallery.adjusted == [{"picture", "level"}]
    upload(gallery.controls["upload"], "blue.png", PNG)
    assert gallery.adjusted[1:] == [{"upload"}]
    assert gallery.drawn[1:] == [{"picture": "blue.png", "level": 9}]  # once
    assert gallery.status == "blue.png at 9"
    np.testing.assert_array_equal(shown(gallery), BLUE)


def test_emptying_the_button_draws_nothing() -> None:
    gallery = Gallery()
    with gallery._holding():
        upload(gallery.controls["upload"], "blue.png", PNG)
    take_upload(gallery.controls["upload"])
    assert gallery.adjusted[1:] == gallery.drawn[1:] == []


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("<b>.txt", b"words", "Cannot read <b>.txt: it is no PNG, "),
        ("x/cut.png", PNG[:-30], "Cannot read cut.png: the picture is damaged or cut short. "),
        ("tiny.png", PNG, "tiny.png is too small: choose a larger one."),
    ],
    ids=["words", "cut short", "refused"],
)
def test_a_bad_upload_is_a_sentence_and_the_explorer_goes_on(
    name: str, content: bytes, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    gallery = Gallery()
    before = gallery.picture_png
    for _ in range(2):  # the same bad file twice: two events
        upload(gallery.controls["upload"], name, content)
    assert gallery.adjusted[1:] == [{"upload"}] * 2
    assert gallery.error.startswith(sentence)
    assert "<b>.txt" not in gallery._status.value
    assert gallery.picture_png == before
    assert gallery.values == {"picture": "red", "level": 9}
    gallery.controls["level"].value = 8
    assert (gallery.error, gallery.status) == (None, "red at 8")
    upload(gallery.controls["upload"], "blue.png", PNG)
    assert (gallery.error, gallery.status) == (None, "blue.png at 8")
    assert capsys.readouterr() == ("", "")


def test_a_file_that_adjust_left_in_the_button_is_thrown_away() -> None:
    gallery = Gallery()
    gallery.controls["level"].value = 7
    upload(gallery.controls["upload"], "blue.png", PNG)
    assert "RuntimeError: seven" in gallery.error
    assert not gallery.controls["upload"].value
    gallery.controls["level"].value = 9
    assert gallery.status == "red at 9"
    upload(gallery.controls["upload"], "blue.png", PNG)
    assert gallery.status == "blue.png at 9"


def test_a_closed_explorer_closes_its_button() -> None:
    gallery = Gallery()
    button = gallery.controls["upload"]
    parts = [button, button.layout, button.style]
    gallery.close()
    assert all(part.comm is None for part in parts)


def test_the_driver_leaves_uploads_alone_and_tries_what_it_is_told() -> None:
    assert drive(Gallery()) == 1 + 2
    gallery = Gallery()
    assert drive(gallery, level=[1, 2, 3]) == 1 + 3
    assert {state["level"] for state in gallery.drawn} == {9, 1, 2, 3}
    with pytest.raises(AssertionError, match=r"no controls to set: \['levle', 'upload'\]"):
        drive(gallery, levle=[1], upload=[()])


def test_the_driver_puts_dependent_controls_back() -> None:
    class Nested(Gallery):
        def adjust(self, changed: set[str]) -> None:
            if "picture" in changed:
                self.controls["level"].max = {"red": 9, "dark": 2}[self.controls["picture"].value]

    nested = Nested()
    nested._pictures["dark"] = BLUE // 2
    nested.controls["picture"].options = ["dark", "red"]
    nested.controls["picture"].value = "red"
    nested.controls["level"].value = 8
    drive(nested)
    assert nested.values == {"picture": "red", "level": 8}
