"""Deletion and insertion curves, and the maps that know nothing of the network."""

import copy

import cv2
import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn

from course_utils.faithfulness import (
    area,
    blurred,
    center_map,
    deletion_insertion,
    edge_map,
    random_map,
)


class Weighted(nn.Module):
    """Logits (0, weighted sum of all pixels), in evaluation mode only."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)
        self.dropout = nn.Dropout(0.9)
        self.sizes = []

    def forward(self, x: Tensor) -> Tensor:
        self.sizes.append(len(x))
        total = (self.dropout(x) * self.weight).sum((1, 2, 3))
        return torch.stack([torch.zeros_like(total), total], dim=1)


def numbers(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    "blank", [None, torch.tensor(0.5), numbers(2, 1, 1, seed=5), numbers(4, 2, 2, 3, seed=6)]
)
@pytest.mark.parametrize("steps", [6, 3])
def test_curves_by_hand(blank, steps):
    weight, x, maps = numbers(2, 2, 3), numbers(4, 2, 2, 3, seed=1), numbers(4, 2, 3, seed=2)
    targets = torch.tensor([1, 0, 1, 1])
    curves = deletion_insertion(Weighted(weight), x, maps, targets, steps=steps, blank=blank)
    blanks = torch.zeros_like(x) if blank is None else blank.expand_as(x)
    for n in range(4):
        without, only = x[n].clone(), blanks[n].clone()
        ranking = maps[n].flatten().argsort(descending=True).tolist()
        for step in range(steps + 1):
            for picture, curve in ((without, curves.deletion), (only, curves.insertion)):
                probability = (picture * weight).sum().sigmoid()
                expected = probability if targets[n] else 1 - probability
                torch.testing.assert_close(curve[n, step], expected)
            for pixel in ranking[step * 6 // steps : (step + 1) * 6 // steps]:
                row, column = divmod(pixel, 3)
                without[:, row, column] = blanks[n, :, row, column]
                only[:, row, column] = x[n, :, row, column]
    torch.testing.assert_close(curves.shares, torch.arange(steps + 1) / steps)
    assert curves.deletion.dtype == torch.float32
    assert not curves.deletion.requires_grad


def test_the_true_order_beats_chance_and_chance_beats_the_reverse():
    weight, x = numbers(1, 8, 8), numbers(5, 1, 8, 8, seed=1)
    true = (weight * x)[:, 0]
    found = [
        deletion_insertion(Weighted(weight), x, maps, 1)
        for maps in (true, random_map(true.shape, 0), -true)
    ]
    best, chance, worst = (area(curves.deletion) for curves in found)
    assert (best < chance).all()
    assert (chance < worst).all()
    best, chance, worst = (area(curves.insertion) for curves in found)
    assert (best > chance).all()
    assert (chance > worst).all()


def test_equal_values_go_in_a_random_order_that_is_always_the_same():
    upper = torch.zeros(1, 20, 20)
    upper[:, :10] = 0.01
    x = torch.ones(2, 1, 20, 20)
    maps = torch.zeros(2, 20, 20)
    maps[1, 0, 0] = -0.0
    random_state = torch.get_rng_state()
    curves = deletion_insertion(Weighted(upper), x, maps, 1, steps=2)
    assert torch.equal(torch.get_rng_state(), random_state)
    left = curves.deletion[:, 1].logit() / 0.01  # of the 200 pixels in the upper half
    assert ((left > 75) & (left < 125)).all()
    again = deletion_insertion(Weighted(upper), x, maps, 1, steps=2)
    assert torch.equal(curves.deletion, again.deletion)
    assert torch.equal(curves.deletion[0], curves.deletion[1])


def test_equal_values_stay_between_higher_and_lower_ones():
    weight = torch.tensor([[[4.0, 1, 1], [1, 1, -4]]])
    maps = torch.tensor([[[2.0, 1, 1], [1, 1, 0]]])
    curves = deletion_insertion(Weighted(weight), torch.ones(1, 1, 2, 3), maps, 1, steps=6)
    sums = torch.tensor([4.0, 0, -1, -2, -3, -4, 0])
    torch.testing.assert_close(curves.deletion[0], sums.sigmoid())


@pytest.mark.parametrize("batch_size", [1, 5, 1000])
def test_batches_change_nothing_but_their_size(batch_size):
    network, x, maps = Weighted(numbers(1, 4, 4)), numbers(3, 1, 4, 4), numbers(3, 4, 4, seed=2)
    expected = deletion_insertion(network, x, maps, 1)
    network.sizes.clear()
    found = deletion_insertion(network, x, maps, 1, batch_size=batch_size)
    assert max(network.sizes) == min(batch_size, 3 * 29)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other)


def test_the_network_is_left_as_it_was():
    network = Weighted(numbers(1, 4, 4)).train()
    x, maps = numbers(1, 1, 4, 4), numbers(1, 4, 4)
    x_before, weight = x.clone(), copy.deepcopy(network.weight)
    deletion_insertion(network, x, maps, 1)
    assert network.training
    assert network.dropout.training
    assert network.weight.grad is None
    assert torch.equal(network.weight, weight)
    assert torch.equal(x, x_before)


GOOD = {"inputs": torch.ones(2, 1, 4, 5), "maps": torch.ones(2, 4, 5), "targets": 1}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"inputs": torch.ones(1, 4, 5)}, r"inputs must be float \[N, C, H, W\]"),
        ({"maps": torch.ones(2, 1, 4, 5)}, r"each pixel.* \[2, 4, 5\]; they are \[2, 1, 4, 5\]"),
        ({"maps": torch.full((2, 4, 5), torch.nan)}, "no NaN"),
        ({"targets": 2}, "no class 2: the network has classes 0 to 1"),
        ({"targets": torch.tensor([1])}, r"not int64 \[1\]"),
        ({"steps": 0}, "steps must be at least 1, not 0"),
        ({"blank": torch.ones(3, 4, 5)}, r"blank must fit the inputs .* not \[3, 4, 5\]"),
        ({"network": nn.Identity()}, r"logits \[32, classes\].* it gives float32 \[32, 1, 4, 5\]"),
    ],
)
def test_arguments_out_of_range(change, message):
    network = Weighted(numbers(1, 4, 5)).train()
    with pytest.raises(ValueError, match=message):
        deletion_insertion(**{"network": network} | GOOD | change)
    assert network.training


def test_area_is_the_trapezoid_rule():
    curve = numbers(4, 13).abs()
    expected = np.trapezoid(curve.numpy(), np.linspace(0, 1, 13), axis=1)
    torch.testing.assert_close(area(curve), torch.from_numpy(expected).float())
    torch.testing.assert_close(area(torch.tensor([0.0, 0.0, 1.0])), torch.tensor(0.25))


def test_a_random_map_depends_on_the_seed_alone():
    random_state = torch.get_rng_state()
    maps = random_map((2, 5, 6), 1)
    assert torch.equal(torch.get_rng_state(), random_state)
    assert maps.shape == (2, 5, 6)
    assert torch.equal(maps, random_map((2, 5, 6), 1))
    assert not torch.equal(maps, random_map((2, 5, 6), 2))
    assert not torch.equal(maps[0], maps[1])


def test_a_center_map_falls_from_the_center_to_the_corners():
    maps = center_map((2, 5, 9))
    assert maps.shape == (2, 5, 9)
    assert maps[1, 2, 4] == 1
    torch.testing.assert_close(maps[0, [0, 0, 4, 4], [0, 8, 0, 8]], torch.zeros(4))
    assert (maps[0, 2, :5].diff() > 0).all()
    assert torch.equal(maps, maps.flip(1, 2))
    assert center_map((1, 1, 1)).tolist() == [[[1]]]


def test_an_edge_map_is_sobels():
    x = numbers(2, 3, 7, 6)
    for picture, found in zip(x, edge_map(x), strict=True):
        gray = picture.mean(0).numpy()
        across, down = (
            cv2.Sobel(gray, cv2.CV_32F, *axis, scale=1 / 8, borderType=cv2.BORDER_REPLICATE)
            for axis in ((1, 0), (0, 1))
        )
        torch.testing.assert_close(found, torch.from_numpy(np.hypot(across, down)))


def test_a_border_is_no_edge_and_a_ramp_has_its_slope():
    assert edge_map(torch.ones(1, 1, 4, 4)).abs().max() < 1e-6
    ramp = 3 * torch.arange(6.0).expand(1, 1, 6, 6)
    torch.testing.assert_close(edge_map(ramp)[0, :, 1:5], torch.full((6, 4), 3.0))


@pytest.mark.parametrize(("height", "width"), [(28, 28), (24, 40)])
def test_blurred_is_a_gaussian_of_an_eighth_of_the_side(height, width):
    x = numbers(2, 3, height, width)
    found = blurred(x)
    sigma = min(height, width) / 8
    expected = gaussian_filter(
        x.numpy(), sigma, axes=(2, 3), mode="mirror", radius=round(3 * sigma)
    )
    torch.testing.assert_close(found, torch.from_numpy(expected), atol=1e-5, rtol=1e-4)
    assert found.std() < 0.2
    torch.testing.assert_close(blurred(torch.ones(1, 1, 1, 1)), torch.ones(1, 1, 1, 1))
