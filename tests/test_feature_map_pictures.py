"""Pictures that a learner gives to the explorer of feature maps: good, bad and odd."""

import cv2
import numpy as np
import pytest
import torch
from explorer_driver import upload
from torch import Tensor, nn

from course_utils.explorers.feature_maps import FeatureMapExplorer
from course_utils.explorers.network_inputs import as_picture, network_picture
from course_utils.pretrained import imagenet_transform

RANDOM = np.random.default_rng(0)
PICTURE = RANDOM.integers(0, 256, (20, 24, 3), np.uint8)
PREPARE = imagenet_transform(16, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


def small(side: int, value: int = 90) -> bytes:
    picture = np.full((side, side, 3), value, np.uint8)
    return cv2.imencode(".png", picture)[1].tobytes()


def picky(images: Tensor) -> Tensor:
    """Refuses dark pictures."""
    if images.max() < 50:
        raise RuntimeError("too dark\nfor this network")
    return PREPARE(images)


@pytest.fixture
def explorer() -> FeatureMapExplorer:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(784, 3))
    return FeatureMapExplorer(model, {"noise": PICTURE, "gray": PICTURE[..., 0]}, picky)


# ---------------------------------------------------------------- pictures that are given


@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 1, 3), (2, 500), (3, 3000), (3000, 1, 3), (1500, 1200), (17, 16, 3)]
)
def test_odd_shapes(shape):
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
    explorer = FeatureMapExplorer(model, {"odd": RANDOM.integers(0, 256, shape, np.uint8)}, PREPARE)
    assert explorer.error is None
    assert explorer._view.look.inputs.shape == (1, 3, 16, 16)


def test_a_network_that_takes_pictures_of_any_size():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    pictures = {"wide": np.zeros((8, 30, 3), np.uint8), "high": PICTURE[:, :5]}
    explorer = FeatureMapExplorer(model, pictures, lambda images: images.float())
    explorer.choose(picture="high")
    assert (explorer.controls["row"].max, explorer.controls["column"].max) == (17, 2)
    explorer.choose(layer=0, row=17, column=2)
    assert explorer.error is None


def test_constant_pictures_are_gray():
    for value in (0, 255):
        inputs = torch.full((1, 3, 4, 4), float(value))
        assert (as_picture(inputs, PICTURE) == 128).all()


def test_inputs_that_are_no_pictures():
    assert as_picture(torch.zeros(1, 7), PICTURE).shape == (20, 20, 3)
    five = torch.arange(5.0).view(1, 5, 1, 1).expand(1, 5, 2, 2).clone()
    five[..., 0] += 1
    np.testing.assert_array_equal(as_picture(five, PICTURE)[..., 1], [[255, 0], [255, 0]])
    model = nn.Sequential(nn.Linear(48, 3))
    explorer = FeatureMapExplorer(
        model, {"a": PICTURE}, lambda x: x[..., :4, :4].float().flatten(1)
    )
    assert explorer.error is None


def test_a_strip_is_cut_to_its_middle():
    strip = np.repeat(np.arange(100, dtype=np.uint8)[None], 2, axis=0)
    np.testing.assert_array_equal(network_picture(strip)[0, :, 0], np.arange(42, 58))
    np.testing.assert_array_equal(network_picture(strip.T)[:, 0, 2], np.arange(42, 58))


@pytest.mark.parametrize(
    ("images", "words"),
    [
        ({}, "images must name at least one picture"),
        ([PICTURE], "images must name at least one picture"),
        ({"a": PICTURE / 255}, "The picture 'a' cannot be shown: A picture must be an array uint8"),
        ({"a": PICTURE, "b": None}, "The picture 'b' cannot be shown: "),
        ({"a": PICTURE // 10}, "The picture 'a' cannot be used: prepare fails on it"),
    ],
)
def test_pictures_that_cannot_be_used(images, words):
    with pytest.raises(ValueError, match=words):
        FeatureMapExplorer(nn.Sequential(nn.ReLU()), images, picky)


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        (lambda images: images, r"prepare must give a float tensor \[1, ...\], not torch.uint8"),
        (lambda images: None, "not NoneType"),
        (lambda images: images.float().repeat(2, 1, 1, 1), r"one input \[1, ...\], not \[2, 3,"),
        (lambda images: images.float() / 0, "prepare gives NaN or infinity"),
    ],
)
def test_prepare_must_give_one_input(prepare, words):
    with pytest.raises(ValueError, match=words):
        FeatureMapExplorer(nn.Sequential(nn.ReLU()), {"a": PICTURE}, prepare)


# ---------------------------------------------------------------- pictures that are added


def test_uploads_are_shown(explorer):
    explorer.choose(layer=1)
    upload(explorer.controls["upload"], "mine.png", small(9))
    assert explorer.error is None
    assert explorer.values["picture"] == "mine.png"
    assert explorer.values["layer"] == 1
    upload(explorer.controls["upload"], "mine.png", small(9, 200))
    assert explorer.controls["picture"].options == ("noise", "gray", "mine.png", "mine.png (2)")
    assert explorer.values["picture"] == "mine.png (2)"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"milk", "Cannot read bad.png: it is no PNG"),
        (b"", "Cannot read bad.png: the file is empty"),
        (small(30)[:-30], "Cannot read bad.png: the picture is damaged"),
        (small(9, 10), "bad.png cannot be shown: prepare fails on it (RuntimeError: too dark)."),
    ],
)
def test_bad_uploads_change_nothing(explorer, content, words):
    explorer.choose(layer=1)
    before, view = explorer.picture_png, explorer._view
    upload(explorer.controls["upload"], "bad.png", content)
    assert words in explorer.error
    assert explorer.picture_png == before
    assert explorer._view is view
    assert explorer.controls["picture"].options == ("noise", "gray")
    explorer.choose(layer=0)
    assert explorer.error is None


def test_a_picture_on_which_the_network_fails_leaves_the_last_one():
    model = nn.Sequential(nn.Conv2d(3, 2, 7), nn.ReLU())
    pictures = {"good": PICTURE, "tiny": PICTURE[:3, :3]}
    explorer = FeatureMapExplorer(model, pictures, lambda images: images.float())
    before = explorer.picture_png
    explorer.controls["picture"].value = "tiny"
    assert explorer.error.startswith("tiny cannot be shown: The network cannot use an input of")
    assert explorer.values["picture"] == "good"
    assert explorer.picture_png == before
    explorer.controls["layer"].value = 1
    assert explorer.error is None


def test_what_colab_gives_is_added(explorer):
    assert explorer.add({}) == "No file was chosen."
    assert explorer.add([b"x"]).startswith("Give the files as {name: bytes}")
    status = explorer.add({"a.png": small(8), "bad.txt": b"x", "b.png": small(8, 20) + b"0"})
    assert status == explorer.status
    assert explorer.error is None
    assert status.startswith("Cannot read bad.txt: it is no PNG")
    assert explorer.values["picture"] == "a.png"
    assert "b.png cannot be shown: prepare fails on it (RuntimeError: too dark)." in status
    explorer.choose(layer=0)
    assert "bad.txt" not in explorer.status


def test_a_file_is_added(explorer, tmp_path):
    (tmp_path / "cat.png").write_bytes(small(12))
    assert explorer.add_path(tmp_path / "cat.png").startswith("Layer 0, 0 (Conv2d)")
    assert explorer.values["picture"] == "cat.png"
    assert "Cannot read missing.png" in explorer.add_path(str(tmp_path / "missing.png"))
    assert explorer.values["picture"] == "cat.png"
