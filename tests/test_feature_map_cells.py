"""One number of a convolution, by hand, for every way in which a layer can call PyTorch."""

import numpy as np
import pytest
import torch
from torch import nn

from course_utils.explorers.base import ExplorerError
from course_utils.explorers.cell_picture import in_words
from course_utils.explorers.cells import CellSum, cell_sum
from course_utils.explorers.layer_maps import Look, look


class Standardized(nn.Conv2d):
    """Changes its weights before it uses them, as weight standardization does."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        weight = self.weight - self.weight.mean(dim=(1, 2, 3), keepdim=True)
        return self._conv_forward(inputs, weight, self.bias)


class Doubled(nn.Conv2d):
    """Gives something else than its convolution."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return 2 * super().forward(inputs)


LAYERS = {
    "plain": nn.Conv2d(4, 6, 3),
    "stride": nn.Conv2d(4, 6, 3, stride=(2, 3)),
    "padding": nn.Conv2d(4, 6, 3, padding=(2, 1)),
    "dilation": nn.Conv2d(4, 6, 3, dilation=(2, 3), padding=3),
    "same": nn.Conv2d(4, 6, (3, 4), padding="same"),
    "circular": nn.Conv2d(4, 6, 3, padding=1, padding_mode="circular"),
    "reflect": nn.Conv2d(4, 6, 5, padding=2, padding_mode="reflect"),
    "replicate": nn.Conv2d(4, 6, 3, padding=1, padding_mode="replicate", stride=2),
    "grouped": nn.Conv2d(4, 6, 3, groups=2, padding=1),
    "depthwise": nn.Conv2d(4, 8, 3, groups=4, bias=False),
    "pointwise": nn.Conv2d(4, 6, 1, bias=False),
    "outside": nn.Conv2d(4, 6, 1, padding=2),  # some cells read nothing but padding
    "standardized": Standardized(4, 6, 3),
    "parametrized": nn.utils.parametrizations.weight_norm(nn.Conv2d(4, 6, 3)),
    "half": nn.Conv2d(4, 6, 3, padding=1).bfloat16(),
}


def looked(layer: nn.Module, dtype: torch.dtype = torch.float32) -> Look:
    torch.manual_seed(3)
    return look(nn.Sequential(layer), torch.randn(1, 4, 9, 11).to(dtype))


def maps_of(seen: Look, name: str = "0") -> torch.Tensor:
    return seen.maps([layer.name for layer in seen.layers].index(name))


def sums(seen: Look) -> list[CellSum]:
    """The sums of a few cells, the corners among them."""
    maps = maps_of(seen)
    channels, rows, columns = maps.shape
    cells = [(0, 0, 0), (channels - 1, rows - 1, columns - 1), (channels // 2, rows // 2, 1)]
    return [cell_sum(seen.convolutions["0"], *cell, maps[cell].item()) for cell in cells]


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize("kind", LAYERS)
def test_by_hand_it_is_what_the_layer_gives(kind):
    layer = LAYERS[kind]
    seen = looked(layer, next(layer.parameters()).dtype)
    maps, tolerance = maps_of(seen), 0.02 if kind == "half" else 1e-5
    for total, cell in zip(sums(seen), ((0, 0, 0), (-1, -1, -1)), strict=False):
        assert total.total == pytest.approx(maps[cell].item(), abs=tolerance)
        assert total.library == pytest.approx(total.total, abs=1e-12)
        parts = sum(term.total for term in total.terms) + total.rest + (total.bias or 0)
        assert parts == pytest.approx(total.total, abs=1e-12)


def test_it_is_the_sum_that_the_definition_names():
    layer = LAYERS["grouped"]
    seen = looked(layer)
    padded = np.pad(seen.inputs[0].double().numpy(), ((0, 0), (1, 1), (1, 1)))
    weight = layer.weight.detach().double().numpy()
    products = padded[2:4, 4:7, 5:8] * weight[4]  # the second group reads channels 2 and 3
    total = cell_sum(seen.convolutions["0"], 4, 4, 5, maps_of(seen)[4, 4, 5].item())
    by_channel = dict(zip((2, 3), products.sum(axis=(1, 2)), strict=True))
    assert {term.channel: term.total for term in total.terms} == pytest.approx(by_channel)
    assert abs(total.terms[0].total) >= abs(total.terms[1].total)
    for term in total.terms:
        np.testing.assert_array_equal(term.patch, padded[term.channel, 4:7, 5:8])
        np.testing.assert_array_equal(term.kernel, weight[4, term.channel - 2])
    assert (total.others, total.rest, total.products) == (0, 0, 18)


def test_the_two_channels_that_contribute_most_are_shown():
    layer = nn.Conv2d(4, 1, 1, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([1.0, -50.0, 2.0, 30.0]).view(1, 4, 1, 1))
    seen = look(nn.Sequential(layer), torch.ones(1, 4, 2, 2))
    total = cell_sum(seen.convolutions["0"], 0, 1, 1, -17.0)
    assert [(term.channel, term.total) for term in total.terms] == [(1, -50), (3, 30)]
    assert (total.others, total.rest, total.bias) == (2, 3, None)
    assert in_words(total) == "−50 + 30 + 3 (2 other channels) = −17"


def test_the_sum_in_words():
    [total, *_] = sums(looked(LAYERS["plain"]))
    assert in_words(total).count(" (2 other channels)") == 1
    assert " (bias) = " in in_words(total)
    [total, *_] = sums(looked(LAYERS["depthwise"]))
    assert in_words(total).startswith("all products together: ")


@pytest.mark.parametrize("what", ["weight", "inputs", "output"])
def test_a_number_that_is_another_one_is_reported(what):
    layer = nn.Conv2d(4, 6, 3)
    nn.init.constant_(layer.weight, 0.1)  # of both signs, they could cancel what is added
    seen = looked(layer)
    convolution, output = seen.convolutions["0"], maps_of(seen)[1, 2, 3].item()
    if what == "output":
        output += 0.1
    else:
        convolution = convolution._replace(**{what: getattr(convolution, what) + 0.1})
    with pytest.raises(ExplorerError, match=r"^By hand this cell is .*, but the layer gave"):
        cell_sum(convolution, 1, 2, 3, output)


def test_what_is_no_plain_convolution_has_no_sum():
    seen = looked(Doubled(4, 6, 3))
    assert seen.convolutions == {}
    assert looked(nn.ConvTranspose2d(4, 6, 3)).convolutions == {}


class Overwriting(nn.Module):
    """Writes zeros over what its convolution was given."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 3, 3)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        doubled = 2 * inputs
        output = self.conv(doubled)
        doubled.zero_()
        return output


def test_inputs_are_kept_as_the_layer_was_given_them():
    inputs = torch.randn(1, 2, 5, 5)
    kept = look(Overwriting(), inputs).convolutions["conv"].inputs
    torch.testing.assert_close(kept, 2 * inputs[0])


def test_inputs_share_memory_with_the_layer_before():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.Conv2d(4, 5, 3))
    seen = look(model, torch.randn(1, 3, 9, 9))
    before = seen.activations["1"]
    assert seen.convolutions["2"].inputs.data_ptr() == before.data_ptr()
    assert before.min() >= 0 > seen.activations["0"].min()


def test_a_layer_that_runs_twice_shows_its_last_run():
    shared = nn.Conv2d(4, 4, 3, padding=1)
    model = nn.Sequential(shared, nn.ReLU(), shared)
    seen = look(model, torch.randn(1, 4, 6, 6))
    assert seen.calls["0"] == 2
    assert torch.equal(seen.convolutions["0"].inputs, seen.activations["1"][0])
    output = maps_of(seen)[2, 3, 3].item()
    assert cell_sum(seen.convolutions["0"], 2, 3, 3, output).total == pytest.approx(output)
