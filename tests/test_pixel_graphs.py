"""Tied convolutions against PyTorch Geometric's layers, and what a tie loses."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch_geometric.nn import GCNConv, RGCNConv

from course_utils.datasets import Split
from course_utils.experiments import pixel_runs
from course_utils.graphs import grid
from course_utils.models import count_parameters
from course_utils.pixel_graphs import PixelNetwork, TiedConv2d, with_positions

HEIGHT, WIDTH = 6, 5


@pytest.fixture
def pictures() -> Tensor:
    return torch.randn(2, 3, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(0))


def as_nodes(picture: Tensor) -> Tensor:
    """[C, H, W] -> [H * W, C], node number row * width + column."""
    return picture.flatten(1).T


def with_random_bias(layer: TiedConv2d) -> TiedConv2d:
    torch.nn.init.normal_(layer.weights.bias, generator=torch.Generator().manual_seed(1))
    return layer


@pytest.mark.parametrize("size", [(HEIGHT, WIDTH), (1, 1), (1, 4), (2, 2)])
def test_one_kind_is_a_gcn_layer_even_at_the_border(size: tuple[int, int]) -> None:
    picture = torch.randn(1, 3, *size, generator=torch.Generator().manual_seed(0))
    layer = with_random_bias(TiedConv2d(3, 4, 1))
    theirs = GCNConv(3, 4)
    with torch.no_grad():
        theirs.lin.weight.copy_(layer.weights.weight[:, :, 0, 0])
        theirs.bias.copy_(layer.weights.bias)
    edges, _ = grid(*size)  # with self-loops, which GCNConv does not count double
    expected = theirs(as_nodes(picture[0]), edges)
    torch.testing.assert_close(as_nodes(layer(picture)[0]), expected, rtol=0, atol=2e-6)


@pytest.mark.parametrize("kinds", [2, 9])
def test_more_kinds_are_a_relational_layer(pictures: Tensor, kinds: int) -> None:
    layer = with_random_bias(TiedConv2d(3, 4, kinds))
    edges, taps = grid(HEIGHT, WIDTH)
    theirs = RGCNConv(3, 4, num_relations=kinds, root_weight=False, aggr="sum")
    weights = layer.weights.weight.detach()
    with torch.no_grad():
        if kinds == 2:
            theirs.weight.copy_(torch.stack([weights[:, :3, 0, 0].T, weights[:, 3:, 0, 0].T / 8]))
        else:
            theirs.weight.copy_(weights.flatten(2).permute(2, 1, 0))
        theirs.bias.copy_(layer.weights.bias)
    relations = (taps != 4).long() if kinds == 2 else taps
    for picture, ours in zip(pictures, layer(pictures), strict=True):
        expected = theirs(as_nodes(picture), edges, relations)
        torch.testing.assert_close(as_nodes(ours), expected, rtol=0, atol=2e-6)


@pytest.mark.parametrize("kinds", [1, 2, 9])
@pytest.mark.parametrize("turn", ["quarter", "mirror"])
def test_tied_weights_cannot_tell_directions(pictures: Tensor, kinds: int, turn: str) -> None:
    def turned(x: Tensor) -> Tensor:
        return x.rot90(1, (2, 3)) if turn == "quarter" else x.flip(3)

    layer = TiedConv2d(3, 4, kinds)
    difference = (layer(turned(pictures)) - turned(layer(pictures))).abs().max().item()
    if kinds == 9:
        assert difference > 0.1
    else:
        assert difference < 1e-5


def test_nothing_of_a_sobel_kernel_is_left_where_the_ring_shares_a_weight() -> None:
    sobel = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    layer = TiedConv2d(1, 1, 2)
    taps = torch.zeros(9, 1, 3, 3)
    taps[torch.arange(9), 0, torch.arange(9) // 3, torch.arange(9) % 3] = 1
    kernels = []  # what a weight of 1 for the pixel, then for the ring, does at each tap
    for kind in range(2):
        with torch.no_grad():
            layer.weights.weight.copy_(torch.eye(2)[kind].view(1, 2, 1, 1))
            kernels.append(layer(taps)[:, 0, 1, 1].view(3, 3))
    assert kernels[0].tolist() == [[0, 0, 0], [0, 1, 0], [0, 0, 0]]
    assert (8 * kernels[1]).tolist() == [[1, 1, 1], [1, 0, 1], [1, 1, 1]]
    assert [(sobel * kernel).sum().item() for kernel in kernels] == [0, 0]


def test_nine_kinds_are_a_convolution(pictures: Tensor) -> None:
    layer = TiedConv2d(3, 4, 9)
    expected = F.conv2d(pictures, layer.weights.weight, layer.weights.bias, padding=1)
    torch.testing.assert_close(layer(pictures), expected)


@pytest.mark.parametrize("kinds", [0, 3, 8])
def test_other_kinds_get_a_sentence(kinds: int) -> None:
    with pytest.raises(ValueError, match=f"1, 2 or 9 kinds of weights, not {kinds}"):
        TiedConv2d(3, 4, kinds)


@pytest.mark.parametrize(("kinds", "factor"), [(1, 1), (2, 2), (9, 9)])
def test_the_network_and_its_parameters(kinds: int, factor: int) -> None:
    network = PixelNetwork(kinds, width=4, inputs=3, classes=6)
    convolutions = factor * (3 * 4 + 4 * 4 + 4 * 4) + 3 * 4
    assert count_parameters(network) == convolutions + 4 * 6 + 6
    assert network(torch.zeros(2, 3, 7, 5)).shape == (2, 6)


@pytest.mark.parametrize("kinds", [1, 2])
def test_a_tied_network_says_the_same_of_a_turned_picture(pictures: Tensor, kinds: int) -> None:
    network = PixelNetwork(kinds, width=4, inputs=3)
    torch.testing.assert_close(network(pictures), network(pictures.rot90(1, (2, 3))))


def test_positions_run_from_minus_one_to_one(pictures: Tensor) -> None:
    placed = with_positions(pictures)
    torch.testing.assert_close(placed[:, :3], pictures)
    assert placed.shape == (2, 5, HEIGHT, WIDTH)
    assert placed[1, 3, :, 2].tolist() == pytest.approx([-1, -0.6, -0.2, 0.2, 0.6, 1])
    assert placed[1, 4, 3].tolist() == pytest.approx([-1, -0.5, 0, 0.5, 1])


# ---------------------------------------------------------------- the experiment


@pytest.fixture(scope="module")
def images() -> Split:
    """Twenty of each of two classes: noise, and noise with a bright middle."""
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 50, (40, 1, 12, 12), generator=generator, dtype=torch.uint8)
    labels = torch.arange(40) % 2
    pixels[labels == 1, :, 3:9, 3:9] += 150
    return Split(pixels, labels)


@pytest.mark.parametrize("name", pixel_runs.RUNS)
def test_every_run_measures(images: Split, name: str) -> None:
    measured = pixel_runs.learn(name, images, images, 0, epochs=1)
    assert 0 <= measured["test_accuracy"] <= 1
    assert 0 <= measured["train_accuracy"] <= 1
    assert measured["seconds"] > 0


def test_a_run_learns_and_repeats(images: Split) -> None:
    first, again = (pixel_runs.learn("pixels_1", images, images, 0, epochs=15) for _ in range(2))
    assert first["test_accuracy"] == again["test_accuracy"] > 0.9


def test_wide_networks_have_as_many_parameters() -> None:
    sizes = {
        name: count_parameters(PixelNetwork(variant.kinds, variant.width))
        for name, variant in pixel_runs.RUNS.items()
    }
    for name in ("pixels_1_wide", "pixels_2_wide"):
        assert sizes[name] == pytest.approx(sizes["pixels_9"], rel=0.02)
    assert sizes["pixels_1"] < sizes["pixels_2"] < sizes["pixels_9"] / 3


def test_images_are_drawn_by_seed_and_balanced(images: Split) -> None:
    drawn = pixel_runs.balanced(images, 5, 1)
    assert drawn.labels.bincount().tolist() == [5, 5]
    same, other = (pixel_runs.balanced(images, 5, seed) for seed in (1, 2))
    assert torch.equal(drawn.images, same.images)
    assert not torch.equal(drawn.images, other.images)
    assert len(drawn.images.unique(dim=0)) == 10
    assert (drawn.images[5:].amax(dim=(1, 2, 3)) >= 150).all()  # with their labels
