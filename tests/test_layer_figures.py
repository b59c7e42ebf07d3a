"""The contact sheet of a network's layers."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from torch import nn

from course_utils.activations import ModelError
from course_utils.layer_figures import GAP, TILE, contact_sheet

PICTURE = np.random.default_rng(0).integers(0, 256, (28, 28, 3), np.uint8)


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


@pytest.fixture
def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 12, 3, padding=1),
        nn.ReLU(),
        nn.AvgPool2d(2),
        nn.Conv2d(12, 4, 3),
        nn.Flatten(),
    )


def prepare(images):
    return images.float() / 255


def row(figure, place: int) -> np.ndarray:
    return np.asarray(figure.axes[place].get_images()[0].get_array())


def tile(figure, place: int, side: int, index: int) -> np.ndarray:
    left = index * (TILE // side * side + GAP)
    zoom = TILE // side
    return row(figure, place)[zoom // 2 :: zoom, left + zoom // 2 : left + zoom * side : zoom]


def test_the_strongest_channels_in_their_order(model):
    figure = contact_sheet(model, PICTURE, prepare, layers=["1", "0"], channels=3)
    assert [axis.get_title(loc="left") for axis in figure.axes] == [
        "1 (ReLU): 3 of 12 maps, 28 × 28",
        "0 (Conv2d): 3 of 12 maps, 28 × 28",
    ]
    with torch.no_grad():
        maps = model[0](prepare(torch.from_numpy(PICTURE).permute(2, 0, 1)[None]))[0]
    positive = maps.relu()
    for index, channel in enumerate(positive.mean(dim=(1, 2)).argsort(descending=True)[:3]):
        expected = (positive[channel] / positive[channel].max()).numpy()
        np.testing.assert_allclose(tile(figure, 0, 28, index)[..., 0], expected, atol=0.005)
    strongest = maps[maps.abs().mean(dim=(1, 2)).argmax()].numpy()
    drawn = tile(figure, 1, 28, 0)
    warm, clear = drawn[..., 0] > drawn[..., 2], np.abs(strongest) > 0.02 * np.abs(strongest).max()
    np.testing.assert_array_equal(warm[clear], strongest[clear] > 0)
    assert figure.get_label() == "The strongest feature maps of 2 layers, a row each: 1, 0."


def test_convolutions_are_shown_unless_there_are_none(model):
    titles = [axis.get_title(loc="left") for axis in contact_sheet(model, PICTURE, prepare).axes]
    assert titles == ["0 (Conv2d): 8 of 12 maps, 28 × 28", "3 (Conv2d): 4 of 4 maps, 12 × 12"]
    pools = nn.Sequential(*(nn.AvgPool2d(3, 1) for _ in range(11)))
    figure = contact_sheet(pools, PICTURE[..., 0], prepare)
    names = [axis.get_title(loc="left").split()[0] for axis in figure.axes]
    assert names == ["0", "2", "4", "6", "8", "10"]


def test_a_container_is_shown_by_its_name():
    inner = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
    [axis] = contact_sheet(nn.Sequential(inner), PICTURE, prepare, layers=["0"]).axes
    assert axis.get_title(loc="left").startswith("0 (Sequential): 4 of 4 maps")


def test_layers_without_maps_say_why():
    class Pair(nn.Module):
        def forward(self, x):
            return x, x

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.pair, self.idle = Pair(), nn.Conv2d(3, 4, 3)

        def forward(self, x):
            return self.pair(x)[0]

    with pytest.raises(ValueError, match="'pair' has no feature maps: it gives a tuple of 2 thing"):
        contact_sheet(Network(), PICTURE, prepare, layers=["pair"])
    with pytest.raises(ValueError, match="'idle' has no feature maps: it does not run in this net"):
        contact_sheet(Network(), PICTURE, prepare, layers=["idle"])


def test_the_network_is_left_as_it_was(model):
    model.train()
    contact_sheet(model, PICTURE, prepare)
    assert model.training
    assert not any(module._forward_hooks for module in model.modules())


def test_what_cannot_be_shown(model):
    with pytest.raises(ValueError, match="The network has no layer 'conv'"):
        contact_sheet(model, PICTURE, prepare, layers=["conv"])
    for wrong in (5, [], {"3"}):
        with pytest.raises(ValueError, match="list of names: give at least one"):
            contact_sheet(model, PICTURE, prepare, layers=wrong)
    with pytest.raises(ValueError, match=r"The layers are a list of names: write \['3'\]\.$"):
        contact_sheet(model, PICTURE, prepare, layers="3")
    with pytest.raises(ValueError, match="The layers are a list of names: give at least one"):
        contact_sheet(model, PICTURE, prepare, layers=[])
    with pytest.raises(
        ValueError, match=r"'4' has no feature maps: its output has the shape \[1, 576\]"
    ):
        contact_sheet(model, PICTURE, prepare, layers=["4"])
    with pytest.raises(ValueError, match="No layer of this network gives feature maps"):
        contact_sheet(nn.Sequential(nn.Flatten()), PICTURE, prepare)
    with pytest.raises(ModelError, match="The network cannot use an input of shape"):
        contact_sheet(nn.Sequential(nn.Linear(2, 2)), PICTURE, prepare)
    with pytest.raises(ValueError, match="A picture must be an array uint8"):
        contact_sheet(model, PICTURE / 255, prepare)
