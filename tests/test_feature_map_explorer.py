"""The explorer of feature maps, driven without a browser."""

import base64

import nbformat
import numpy as np
import pytest
import torch
from explorer_driver import drive, shown
from picture_rules import picture_problems
from pixels import at, rgb, words_drawn
from test_reruns import is_open, run_cell
from torch import Tensor, nn

from course_utils.explorers import reruns
from course_utils.explorers.drawing import number, text_width
from course_utils.explorers.feature_map_picture import HEIGHT, MIDDLE, RIGHT, SIDE, TOP
from course_utils.explorers.feature_maps import FeatureMapExplorer
from course_utils.explorers.maps import MARK

RANDOM = np.random.default_rng(0)
PICTURES = {
    "one": RANDOM.integers(0, 256, (16, 16, 3), np.uint8),
    "two": RANDOM.integers(0, 256, (16, 16), np.uint8),
}


def prepare(images: Tensor) -> Tensor:
    return images.float() / 255 - 0.5


class Net(nn.Module):
    """A small network with a layer of each kind that the explorer treats in its own way."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.conv = nn.Conv2d(3, 70, 3, padding=1)
        self.norm = nn.BatchNorm2d(70)
        self.relu = nn.ReLU(inplace=True)
        self.depthwise = nn.Conv2d(70, 70, 3, stride=2, padding=1, groups=70, bias=False)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.drop = nn.Dropout(0.5)
        self.linear = nn.Linear(70, 6)

    def forward(self, images: Tensor) -> Tensor:
        maps = self.relu(self.norm(self.conv(images)))
        return self.linear(self.drop(self.pool(self.depthwise(maps)).flatten(1)))


CONV, NORM, RELU, DEPTHWISE, POOL, DROP, LINEAR = range(7)


@pytest.fixture
def model() -> Net:
    return Net()


@pytest.fixture
def explorer(model: Net) -> FeatureMapExplorer:
    return FeatureMapExplorer(model, PICTURES, prepare, classes=tuple("abcdef"))


def words_of(explorer: FeatureMapExplorer, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    explorer._view._last = (None, None)
    return words_drawn(lambda: explorer.render(**explorer.values), monkeypatch)


# ---------------------------------------------------------------- what it shows


def test_every_control_on_every_kind_of_layer(explorer):
    for layer in (DEPTHWISE, LINEAR):
        explorer.choose(layer=layer)
        assert drive(explorer) == 2 + 2 + 2 + 3 + 2 + 2 + 2
        assert shown(explorer).shape == (2 * HEIGHT, 1760, 3)


def test_the_sliders_reach_as_far_as_the_layer(explorer):
    ends = {}
    for layer in range(7):
        explorer.controls["layer"].value = layer
        ends[layer] = [explorer.controls[name].max for name in ("channel", "row", "column")]
    assert ends[CONV] == ends[NORM] == ends[RELU] == [69, 15, 15]
    assert ends[DEPTHWISE] == [69, 7, 7]
    assert ends[POOL] == ends[DROP] == [69, 0, 0]
    assert ends[LINEAR] == [5, 0, 0]
    assert explorer.controls["row"].disabled
    explorer.choose(layer=CONV, row=15, channel=69)
    assert explorer.values["row"] == 15
    assert explorer.values["channel"] == 69


def test_the_cell_stays_at_its_place_in_the_picture(explorer):
    explorer.choose(layer=CONV, row=12, column=3)
    explorer.controls["layer"].value = DEPTHWISE
    assert (explorer.values["row"], explorer.values["column"]) == (6, 1)
    explorer.controls["layer"].value = POOL
    explorer.controls["layer"].value = CONV
    assert (explorer.values["row"], explorer.values["column"]) == (12, 3)


def test_the_layer_stays_when_the_picture_changes(explorer):
    explorer.choose(layer=DEPTHWISE, channel=5)
    before = explorer.picture_png
    explorer.controls["picture"].value = "two"
    assert explorer.error is None
    assert (explorer.values["layer"], explorer.values["channel"]) == (DEPTHWISE, 5)
    assert explorer.picture_png != before
    explorer.controls["picture"].value = "one"
    assert explorer.picture_png == before


def test_channels_are_ordered(explorer, model):
    with torch.no_grad():
        maps = model.eval().conv(prepare(torch.from_numpy(PICTURES["one"]).permute(2, 0, 1)[None]))
    explorer.choose(layer=CONV, row=4, column=5)
    scores = {
        "index": -torch.arange(70.0),
        "strength": maps[0].abs().mean(dim=(1, 2)),
        "variance": maps[0].var(dim=(1, 2)),
    }
    for order, score in scores.items():
        for rank in (0, 65):
            explorer.choose(order=order, channel=rank)
            channel = int(score.argsort(descending=True)[rank])
            value = maps[0, channel, 4, 5].item()
            assert f"Channel {channel}, row 4, column 5: " in explorer.status
            assert f"; PyTorch gives {number(value)}. " in explorer.status


def test_the_status_explains_a_convolution(explorer):
    explorer.choose(layer=CONV, order="index", channel=2, row=0, column=0)
    assert explorer.status.startswith(
        "Layer 0, conv (Conv2d), gives 70 maps of 16 × 16. Channel 2, row 0, column 0: by hand, "
        "27 products and the bias give "
    )
    by_hand, by_pytorch = explorer.status.split(" give ")[1].split("; PyTorch gives ")
    assert by_pytorch.startswith(by_hand)
    explorer.controls["layer"].value = DEPTHWISE
    assert "by hand, 9 products give " in explorer.status


def test_other_layers_say_what_they_do(explorer, monkeypatch):
    for layer, words in {
        NORM: "Each channel is scaled and shifted, by numbers measured in training.",
        RELU: "Numbers below 0 become 0, the others stay.",
        POOL: "Each number is the mean of a window of the input.",
        DROP: "Outside of training, numbers pass unchanged.",
        LINEAR: "Each number is a sum of products of all inputs with weights of its own.",
    }.items():
        explorer.controls["layer"].value = layer
        assert words in words_of(explorer, monkeypatch)
    assert "Layer 6, linear (Linear), gives a vector of 6 numbers. Number " in explorer.status


def test_the_picture_says_which_channels_it_shows(explorer, monkeypatch):
    explorer.choose(layer=CONV, channel=0)
    assert "ranks 0 to 63 of 70 by strength" in words_of(explorer, monkeypatch)
    explorer.choose(order="index", channel=64)
    words = words_of(explorer, monkeypatch)
    assert "channels 64 to 69 of 70" in words
    assert "channel 64, 16 × 16" in words
    assert "blue below 0, orange above; own scales" in words
    explorer.controls["layer"].value = RELU
    assert "0 is black; each map on its own scale" in words_of(explorer, monkeypatch)


def test_cell_and_receptive_field_are_framed(explorer, monkeypatch):
    explorer.choose(layer=DEPTHWISE, row=4, column=2)  # it sees rows 6 to 10, columns 2 to 6
    assert "the marked cell sees 5 × 5 pixels" in words_of(explorer, monkeypatch)
    picture, cell, pixel = shown(explorer), SIDE / 8, SIDE / 16
    assert at(picture, MIDDLE + 2.5 * cell, TOP + 4 * cell - 1) == rgb(MARK)
    assert at(picture, MIDDLE + 2 * cell - 1, TOP + 4.5 * cell) == rgb(MARK)
    for place in ((4, 6), (4, 11), (2, 8), (7, 8)):
        column, row = (part * pixel for part in place)
        x = RIGHT + column + (pixel / 2 if place[0] == 4 else -1 if place[0] == 2 else 1)
        y = TOP + row + (pixel / 2 if place[1] == 8 else -1 if place[1] == 6 else 1)
        assert at(picture, x, y) == rgb(MARK)
    explorer.choose(row=0, column=0)  # clipped
    assert "the marked cell sees 3 × 3 pixels" in words_of(explorer, monkeypatch)
    explorer.controls["layer"].value = POOL
    assert "the marked cell sees the whole picture" in words_of(explorer, monkeypatch)


def test_an_unknown_receptive_field_is_told_within_the_picture(monkeypatch):
    model = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten(), nn.Linear(392, 3))
    explorer = FeatureMapExplorer(model, PICTURES, prepare)
    explorer.choose(layer=2)
    told = next(line for line in words_of(explorer, monkeypatch) if line.endswith("is unknown"))
    assert told == "which pixels it depends on is unknown"
    assert text_width(told, 11) < SIDE


def test_what_the_network_sees_is_its_input(explorer):
    picture = shown(explorer)
    image = PICTURES["one"].astype(float)
    image = np.rint((image - image.min()) * 255 / (image.max() - image.min()))
    pixel = SIDE / 16
    explorer.choose(layer=CONV, row=0, column=0)
    picture = shown(explorer)
    for row, column in ((3, 5), (15, 0), (9, 15)):
        seen = at(picture, RIGHT + (column + 0.5) * pixel, TOP + (row + 0.5) * pixel)
        assert np.abs(np.subtract(seen, image[row, column])).max() <= 1


# ---------------------------------------------------------------- the network's answers


def probabilities(model: Net, channel: int | None = None) -> dict[str, int]:
    """What the network answers, in percent, with a channel of its convolution switched off."""
    with torch.no_grad():
        maps = model.eval().conv(prepare(torch.from_numpy(PICTURES["one"]).permute(2, 0, 1)[None]))
        if channel is not None:
            maps[:, channel] = 0
        maps = model.relu(model.norm(maps))
        outputs = model.linear(model.pool(model.depthwise(maps)).flatten(1))
    return {f"{share:.0%}" for share in outputs.softmax(dim=1)[0].topk(5).values.tolist()}


def test_switching_a_channel_off_changes_the_answers(explorer, model, monkeypatch):
    with torch.no_grad():
        model.linear.weight.mul_(40)
    explorer.choose(layer=CONV, order="index", channel=7)
    words = words_of(explorer, monkeypatch)
    assert "the network's answers" in words
    assert probabilities(model) == {word for word in words if word.endswith("%")}
    explorer.controls["switched_off"].value = True
    words = words_of(explorer, monkeypatch)
    after = words[words.index("with channel 7 switched off") :]
    assert probabilities(model, 7) == {word for word in after if word.endswith("%")}
    assert probabilities(model, 7) != probabilities(model)
    assert "; with channel 7 switched off: " in explorer.status
    assert not any(module._forward_hooks for module in model.modules())


def test_a_number_of_a_vector_can_be_switched_off(explorer, monkeypatch):
    explorer.choose(layer=LINEAR, order="strength", channel=0, switched_off=True)
    words = words_of(explorer, monkeypatch)
    assert any(word.startswith("with number ") for word in words)


def test_new_weights_are_noticed(explorer, model):
    explorer.choose(layer=CONV, order="index", channel=1, row=3, column=3)
    before = explorer.status
    with torch.no_grad():
        model.conv.weight.mul_(2)
        model.conv.bias.mul_(2)
    explorer.choose(row=3)
    assert explorer.error is None
    value = float(before.split("PyTorch gives ")[1].split(". ")[0].replace("−", "-"))
    doubled = float(explorer.status.split("PyTorch gives ")[1].split(". ")[0].replace("−", "-"))
    assert doubled == pytest.approx(2 * value, rel=0.01)
    model.linear = nn.Linear(70, 3)
    explorer.choose(row=3)
    assert "the network gives 3 numbers, and there are 6 names" in explorer.status


# ---------------------------------------------------------------- the rest


def test_the_saved_output_is_a_picture_with_alt_text(explorer):
    data, metadata = explorer._repr_mimebundle_()
    data["image/png"] = base64.b64encode(data["image/png"]).decode()
    output = nbformat.v4.new_output("display_data", data, metadata=metadata)
    assert list(picture_problems(output)) == []
    assert metadata["image/png"]["alt"] == f"Explorer of feature maps. {explorer.status}"


def test_running_the_cell_again_closes_the_explorer(monkeypatch):
    monkeypatch.setattr(reruns, "_runs", {})
    made = []
    for run in ("1", "2"):
        run_cell(monkeypatch, run, "FeatureMapExplorer(network)", "cell-a")
        made.append(FeatureMapExplorer(Net(), PICTURES, prepare))
    assert [is_open(each) for each in made] == [False, True]


def test_a_wrong_sum_is_reported_and_the_next_good_one_brings_it_back(explorer):
    explorer.choose(layer=CONV, row=1)
    before = explorer.picture_png
    explorer._view.look.convolutions["conv"].inputs[:, 5] += 1
    explorer.choose(row=5)
    assert explorer.error.startswith("By hand this cell is ")
    assert explorer.picture_png == before
    explorer.choose(layer=RELU)
    assert explorer.error is None
