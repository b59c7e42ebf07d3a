"""What the explorers of convolution and pooling have in common: pictures, uploads, the cell."""

import numpy as np
import pytest
from explorer_driver import drive, upload
from pixels import TINY, png

from course_utils.explorers.convolution import ConvolutionExplorer
from course_utils.explorers.pooling import PoolingExplorer
from course_utils.explorers.windows import WindowExplorer

# Settings under which each number of the map is one pixel of the picture.
EXPLORERS = [
    (ConvolutionExplorer, {"kernel": "1", "row": 0, "column": 0}),
    (PoolingExplorer, {"size": 1, "stride": 1, "row": 0, "column": 0}),
]
both = pytest.mark.parametrize(("kind", "plain"), EXPLORERS)


@pytest.fixture
def pictures() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    gray = generator.integers(0, 256, (31, 24), dtype=np.uint8)
    return {"gray": gray, "tiny": TINY}


@both
@pytest.mark.parametrize("shape", [(1, 1), (1, 110), (110, 1), (2, 3), (300, 451)])
def test_every_shape_of_picture_can_be_explored(
    kind: type[WindowExplorer], plain: dict, shape: tuple[int, int]
) -> None:
    explorer = kind({"picture": np.full(shape, 7, np.uint8)})
    explorer.choose(**plain)
    assert explorer.error is None
    sides = explorer.sweeps(**explorer.values).shape
    assert max(sides) <= 90
    assert min(sides) == min(*shape, 60)
    for name, side in zip(("row", "column"), sides, strict=True):
        assert explorer.controls[name].disabled == (side == 1)
        assert explorer.controls[name].max == side - 1
    fixed = {name: [value] for name, value in plain.items() if name in ("kernel", "size")}
    if kind is ConvolutionExplorer:
        fixed["preset"] = ["negative 1 × 1"]
    assert drive(explorer, **fixed) > 6


@both
def test_large_pictures_are_shrunk_and_never_changed(
    kind: type[WindowExplorer], plain: dict
) -> None:
    picture = np.tile(np.arange(200, dtype=np.uint8), (100, 1))
    before, small = picture.copy(), TINY.copy()
    explorer = kind({"picture": picture, "small": small})
    assert explorer.picture("picture").shape == (45, 90)
    small[:] = 9
    np.testing.assert_array_equal(explorer.picture("small"), TINY)
    explorer.choose(**plain)
    np.testing.assert_array_equal(picture, before)


@both
def test_colors_become_gray(kind: type[WindowExplorer], plain: dict) -> None:
    explorer = kind({"green": np.full((5, 6, 3), (0, 255, 0), np.uint8)})
    explorer.choose(**plain)
    assert " is 150;" in explorer.status  # 0.587 of 255


@both
def test_what_is_no_picture_is_refused(kind: type[WindowExplorer], plain: dict) -> None:
    cases = {
        "pictures must name at least one picture, as in": [{}, [], TINY, None],
        "The picture 'x' cannot be shown: ": [
            {"good": TINY, "x": TINY / 5},
            {"x": TINY[None]},
            {"x": TINY[:0]},
            {"x": "cat.png"},
        ],
    }
    for words, inputs in cases.items():
        for pictures in inputs:
            with pytest.raises(ValueError, match=words) as caught:
                kind(pictures)
            assert "\n" not in str(caught.value)


@both
def test_an_upload_is_shown_and_stays(
    kind: type[WindowExplorer], plain: dict, pictures: dict
) -> None:
    explorer = kind(pictures)
    button, picture = explorer.controls["upload"], explorer.controls["picture"]
    explorer.choose(**plain)
    before = explorer.picture_png
    upload(button, "mine.png", png(np.full((9, 12), 77, np.uint8)))
    assert explorer.error is None
    assert explorer.picture_png != before
    assert picture.value == "mine.png"
    assert explorer.status.startswith("Row 0, column 0: the only ")
    assert " is 77;" in explorer.status
    assert explorer.controls["row"].max == 8
    assert not button.value
    upload(button, "mine.png", png(np.full((300, 600), 55, np.uint8)))
    assert picture.value == "mine.png (2)"
    assert explorer.picture("mine.png (2)").shape == (45, 90)
    for _ in range(2):
        upload(button, "tiny", png(np.full((8, 8), 33, np.uint8)))
    assert picture.value == "tiny (3)"
    assert picture.options[2:] == ("mine.png", "mine.png (2)", "tiny (2)", "tiny (3)")
    picture.value = "mine.png"
    assert " is 77;" in explorer.status
    picture.value = "tiny"
    assert " is 1;" in explorer.status
    assert list(pictures) == ["gray", "tiny"]  # the learner's own mapping


@both
def test_an_upload_that_is_no_picture_changes_nothing(
    kind: type[WindowExplorer], plain: dict, pictures: dict
) -> None:
    explorer = kind(pictures)
    good, before = explorer.values, explorer.picture_png
    for content in (b"", b"GIF89a", png(TINY)[:60]):
        upload(explorer.controls["upload"], "notes.txt", content)
        assert "notes.txt" in explorer.error
        assert explorer.picture_png == before
        assert explorer.values == good
        assert not explorer.controls["upload"].value
        assert explorer.controls["picture"].options == ("gray", "tiny")
    explorer.controls["row"].value = 3
    assert explorer.error is None


@both
def test_an_upload_smaller_than_the_window_is_taken_once_the_window_is_smaller(
    kind: type[WindowExplorer], plain: dict, pictures: dict
) -> None:
    explorer = kind(pictures)
    good, before = explorer.values, explorer.picture_png
    for _ in range(2):
        upload(explorer.controls["upload"], "dot.png", png(np.full((1, 1), 9, np.uint8)))
        words = {
            ConvolutionExplorer: "The kernel reaches over 3 × 3 pixels",
            PoolingExplorer: "The window of 2 × 2 is larger than the picture of 1 × 1",
        }
        assert words[kind] in explorer.error
        assert explorer.error.endswith(" Then choose the file again.")
        assert explorer.values == good
        assert explorer.picture_png == before
        assert explorer.controls["picture"].options == ("gray", "tiny")
    explorer.choose(**plain)
    assert explorer.error is None
    upload(explorer.controls["upload"], "dot.png", png(np.full((1, 1), 9, np.uint8)))
    assert explorer.error is None
    assert explorer.values["picture"] == "dot.png"
    assert " is 9;" in explorer.status


def test_an_upload_is_kept_where_something_else_is_wrong(pictures: dict) -> None:
    explorer = ConvolutionExplorer(pictures)
    preset = explorer.controls["preset"].options[-1]
    explorer.choose(preset=preset, kernel="1 2 x")
    before = explorer.error
    assert "'x' in the kernel is no number" in before
    upload(explorer.controls["upload"], "mine.png", png(np.full((30, 30), 9, np.uint8)))
    assert explorer.error == before
    assert explorer.controls["picture"].options == ("gray", "tiny", "mine.png")
    explorer.choose(kernel="1", row=0, column=0)
    assert explorer.error is None
    assert explorer.values["picture"] == "mine.png"
    assert " is 9;" in explorer.status
