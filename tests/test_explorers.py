"""The base of the explorers, and their drawing."""

import ipywidgets as widgets
import numpy as np
import pytest
from explorer_driver import decoded, drive, shown

from course_utils.explorers.base import Explorer, ExplorerError
from course_utils.explorers.drawing import Canvas, percent, shorten


class Counter(Explorer):
    """A gray square; its second slider reaches as far as the first one's value."""

    title = "Counter"

    def __init__(self) -> None:
        self.drawn: list[tuple[int, int]] = []
        super().__init__(
            {
                "limit": widgets.IntSlider(min=1, max=9, value=5, description="Limit"),
                "level": widgets.IntSlider(min=1, max=5, value=5, description="Level"),
            }
        )

    def adjust(self, changed: set[str]) -> None:
        if "limit" in changed:
            self.controls["level"].max = self.controls["limit"].value

    def render(self, limit: int, level: int) -> np.ndarray:
        self.drawn.append((limit, level))
        if level == 2:
            raise ExplorerError("Level 2 is <closed> today: choose another.")
        if level == 3:
            raise KeyError("level")
        if level == 4:
            return np.zeros((4, 4))
        return np.full((40, 60, 3), 20 * level, np.uint8)

    def describe(self, limit: int, level: int) -> str:
        return f"Level {level} of <{limit}>"


# ---------------------------------------------------------------- the base


def test_a_change_draws_once() -> None:
    explorer = Counter()
    assert explorer.drawn == [(5, 5)]
    explorer.controls["level"].value = 1
    assert explorer.drawn[1:] == [(5, 1)]
    explorer.choose(limit=8, level=1)
    assert explorer.drawn[2:] == [(8, 1)]


def test_dependent_controls_draw_once_and_never_in_between() -> None:
    explorer = Counter()
    explorer.controls["limit"].value = 1  # takes the level, 5, down with it
    assert explorer.drawn[1:] == [(1, 1)]
    assert explorer.status == "Level 1 of <1>"


def test_the_picture_follows() -> None:
    explorer = Counter()
    np.testing.assert_array_equal(shown(explorer), np.full((40, 60, 3), 100))
    explorer.controls["level"].value = 1
    np.testing.assert_array_equal(shown(explorer), np.full((40, 60, 3), 20))
    assert explorer._image.value == explorer.picture_png
    assert explorer._image.layout.width == "30px"  # two picture pixels per screen pixel


@pytest.mark.parametrize(
    ("level", "words"),
    [
        (2, "Level 2 is <closed> today: choose another."),
        (3, "Something went wrong inside the explorer (KeyError: 'level'). "),
        (4, "(TypeError: render gave float64 [4, 4], not uint8 [H, W, 3]). Move a control"),
    ],
)
def test_an_error_is_a_sentence_and_the_explorer_goes_on(
    level: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    explorer = Counter()
    before = explorer.picture_png
    explorer.controls["level"].value = level
    assert words in explorer.error
    assert explorer.error.startswith("Something went wrong") == (level != 2)
    assert explorer.status == explorer.error
    assert explorer.picture_png == before
    assert "<closed>" not in explorer._status.value
    assert "Level 5" in explorer._repr_mimebundle_()[1]["image/png"]["alt"]
    explorer.controls["level"].value = 1
    assert explorer.error is None
    assert explorer._status.value == "Level 1 of &lt;5&gt;"
    assert shown(explorer)[0, 0, 0] == 20
    assert capsys.readouterr() == ("", "")


def test_an_interrupt_is_said_and_goes_on_to_whoever_waits_for_it() -> None:
    class Slow(Counter):
        def adjust(self, changed: set[str]) -> None:
            super().adjust(changed)
            self._status.value = "Computing …"

        def render(self, limit: int, level: int) -> np.ndarray:
            if level == 2:
                raise KeyboardInterrupt
            return super().render(limit, level)

    explorer = Slow()
    before = explorer.picture_png
    with pytest.raises(KeyboardInterrupt):
        explorer.controls["level"].value = 2
    assert explorer.error.startswith("Interrupted: the picture is that of before. ")
    assert explorer.error in explorer._status.value
    assert explorer.picture_png == before
    explorer.controls["level"].value = 1
    assert explorer.error is None
    assert shown(explorer)[0, 0, 0] == 20


def test_a_first_picture_that_fails_leaves_an_explorer_that_recovers() -> None:
    class Late(Counter):
        def render(self, limit: int, level: int) -> np.ndarray:
            if level == 5:
                raise RuntimeError
            return super().render(limit, level)

    explorer = Late()
    assert "RuntimeError: no message" in explorer.error
    assert shown(explorer).min() == 255
    explorer.controls["level"].value = 1
    assert explorer.error is None


def test_the_output_has_a_view_a_picture_and_words() -> None:
    explorer = Counter()
    for _ in range(2):  # displaying again shows the same explorer
        data, metadata = explorer._repr_mimebundle_(include=None, exclude=None)
        assert set(data) == {
            "text/plain",
            "image/png",
            "application/vnd.jupyter.widget-view+json",
        }
        assert data["text/plain"] == "Counter"
        np.testing.assert_array_equal(decoded(data["image/png"]), shown(explorer))
        assert data["image/png"].startswith(b"\x89PNG")
        view = data["application/vnd.jupyter.widget-view+json"]
        assert view["model_id"] == explorer._box.model_id
        assert metadata["image/png"] == {
            "alt": "Counter. Level 5 of <5>",
            "width": 30,
            "height": 20,
        }


class Colorful(Counter):
    def render(self, **values) -> np.ndarray:
        return COLORS


COLORS = np.random.default_rng(0).integers(0, 256, (16, 16, 3)).astype(np.uint8)


def test_the_saved_picture_has_up_to_256_colors_as_they_are() -> None:
    np.testing.assert_array_equal(decoded(Colorful()._repr_mimebundle_()[0]["image/png"]), COLORS)


def test_a_closed_explorer_keeps_its_picture_and_no_widget() -> None:
    explorer = Counter()
    parts = [explorer._box, explorer._image, explorer._status, *explorer.controls.values()]
    parts += [part.layout for part in parts] + [explorer.controls["level"].style]
    assert all(part.comm is not None for part in parts)
    explorer.close()
    explorer.close()
    assert all(part.comm is None for part in parts)
    assert set(explorer._repr_mimebundle_()[0]) == {"text/plain", "image/png"}


def test_a_control_needs_a_description() -> None:
    class Mute(Counter):
        def __init__(self) -> None:
            Explorer.__init__(self, {"level": widgets.IntSlider()})

    with pytest.raises(ValueError, match="'level' needs a description"):
        Mute()


def test_the_driver_fails_where_the_explorer_does() -> None:
    class Fragile(Counter):
        def render(self, limit: int, level: int) -> np.ndarray:
            if limit == 9:
                raise RuntimeError("nine")
            return np.zeros((2, 2, 3), np.uint8)

    with pytest.raises(AssertionError, match=r"limit=9.*RuntimeError: nine"):
        drive(Fragile())


# ---------------------------------------------------------------- drawing


def test_images_are_enlarged_pixel_by_pixel() -> None:
    canvas = Canvas(20, 20)
    canvas.image(2, 4, np.array([[0, 255], [100, 50]], np.uint8), zoom=3)
    enlarged = canvas.array()[8:20, 4:16]
    np.testing.assert_array_equal(enlarged[..., 0], np.kron([[0, 255], [100, 50]], np.ones((6, 6))))


@pytest.mark.parametrize("fraction", [0, 0.5, 1])
def test_a_bar_is_filled_to_its_fraction(fraction: float) -> None:
    canvas = Canvas(120, 20)
    canvas.bar(10, 5, 100, 8, fraction, "#0072B2")
    row = canvas.array()[20]
    assert (row == (0x00, 0x72, 0xB2)).all(axis=1).sum() == 200 * fraction


@pytest.mark.parametrize(
    ("probability", "words"),
    [(0, "0%"), (0.001, "<1%"), (0.41, "41%"), (0.9999, ">99%"), (1, "100%")],
)
def test_percent_never_claims_certainty(probability: float, words: str) -> None:
    assert percent(probability) == words


def test_long_text_is_cut() -> None:
    assert shorten("Shirt", 100) == "Shirt"
    cut = shorten("A very long name of a class", 60)
    assert cut.startswith("A very")
    assert cut.endswith("…")
