"""Networks of all kinds in the explorer of feature maps."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torchvision.models import VisionTransformer, mobilenet_v3_small, squeezenet1_1

from course_utils.activations import ModelError, list_layers
from course_utils.explorers.feature_maps import FeatureMapExplorer
from course_utils.explorers.layer_maps import look
from course_utils.explorers.network_inputs import gray_input
from course_utils.pretrained import efficientnet_lite0, fashion_cnn

RANDOM = np.random.default_rng(0)
PICTURES = {"noise": RANDOM.integers(0, 256, (32, 32, 3), np.uint8)}


def prepare(images: Tensor) -> Tensor:
    return images.float() / 255 - 0.5


class Written(nn.Module):
    """A network whose forward is given."""

    def __init__(self, forward, **layers: nn.Module) -> None:
        super().__init__()
        for name, layer in layers.items():
            setattr(self, name, layer)
        self._forward = forward

    def forward(self, images: Tensor) -> object:
        return self._forward(self, images)


class Pair(nn.Module):
    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        return images, 2 * images


class Nothing(nn.Module):
    def forward(self, images: Tensor) -> dict[str, Tensor]:
        return {"maps": images}


class Spoil(nn.Module):
    """Some numbers become NaN and infinite."""

    def forward(self, images: Tensor) -> Tensor:
        images = images.clone()
        images[:, 0, 0, 0], images[:, 1, 2, 3] = torch.nan, torch.inf
        return images


class Windows(nn.Module):
    """One picture becomes four, as in a transformer with windows."""

    def forward(self, images: Tensor) -> Tensor:
        return torch.cat(images.chunk(4, dim=2))


def explored(model: nn.Module, **how: object) -> FeatureMapExplorer:
    explorer = FeatureMapExplorer(model, PICTURES, how.pop("prepare", prepare), **how)
    assert explorer.error is None
    return explorer


def statuses(explorer: FeatureMapExplorer) -> dict[str, str]:
    """What is said about each layer, with its channel switched off too."""
    said = {}
    for place, layer in enumerate(explorer._view.look.layers):
        for switched_off in (True, False):
            explorer.choose(layer=place, switched_off=switched_off)
            assert explorer.error is None, f"{layer.name}: {explorer.error}"
        said[layer.name] = explorer.status
    return said


# ---------------------------------------------------------------- networks that can be shown


@pytest.mark.parametrize(
    "model",
    [
        nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 8), nn.ReLU(), nn.Linear(8, 4)),
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.Sigmoid()).train(),
        nn.Sequential(nn.Conv2d(3, 4, 32), nn.Flatten(), nn.LogSoftmax(dim=1)),
        nn.Sequential(nn.AvgPool2d(2), nn.Upsample(scale_factor=2), nn.ConvTranspose2d(3, 2, 3)),
        nn.Sequential(nn.ConstantPad2d(260, 0), nn.Conv2d(3, 1, 1)),  # larger than the screen
        nn.Sequential(nn.AdaptiveAvgPool2d((1, 30)), nn.AdaptiveMaxPool2d((30, 1))),
        Written(lambda net, x: net.a(x).sigmoid() * x, a=nn.Conv2d(3, 3, 3, padding=1)),
    ],
    ids=["no maps", "train", "vector", "up", "large", "strips", "functional"],
)
def test_small_networks(model):
    training = [module.training for module in model.modules()]
    explorer = explored(model)
    said = statuses(explorer)
    assert all(said.values())
    assert [module.training for module in model.modules()] == training


@pytest.mark.parametrize(
    "model",
    [
        mobilenet_v3_small(weights=None),
        squeezenet1_1(weights=None),
        VisionTransformer(32, 8, 1, 2, 16, 16, num_classes=10),
    ],
    ids=["mobilenet", "squeezenet", "vit"],
)
def test_known_networks(model):
    explorer = explored(model)
    layers = explorer._view.look.layers
    for place in range(0, len(layers), max(len(layers) // 10, 1)):
        explorer.choose(layer=place)
        assert explorer.error is None, f"{layers[place]}: {explorer.error}"
        assert "The network's answer: class " in explorer.status


def test_what_is_no_map_is_said(monkeypatch):
    model = Written(
        lambda net, x: net.last(net.pair(x)[1]) + net.nothing(x)["maps"],
        pair=Pair(),
        nothing=Nothing(),
        last=nn.Identity(),
    )
    said = statuses(explored(model))
    assert said["pair"].startswith("Layer 0, pair (Pair), gives a tuple of 2 things.")
    assert "gives no tensor: dict." in said["nothing"]
    assert said["last"].endswith(
        "No classes: the network gives 1 × 3 × 32 × 32 numbers, not one per class."
    )


def test_outputs_of_other_kinds():
    single = nn.Sequential(nn.Flatten(), nn.Linear(3072, 1))
    assert "No classes: the network gives one number, " in explored(single).status
    assert "No classes: the network gives a dict." in explored(nn.Sequential(Nothing())).status
    wrong = explored(nn.Sequential(nn.Flatten(), nn.Linear(3072, 2)), classes=["a", "b", "c"])
    assert "the network gives 2 numbers, and there are 3 names." in wrong.status
    shares = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Softmax(dim=1))
    logits = shares[:2]
    assert (
        explored(shares).status.split("answer: ")[1] == explored(logits).status.split("answer: ")[1]
    )


def test_numbers_that_are_not_finite():
    explorer = explored(nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), Spoil(), nn.Conv2d(3, 2, 3)))
    said = statuses(explorer)
    assert "2 numbers of it: NaN or infinite, drawn as 0." in said["1"]
    assert "NaN" not in said["0"]
    explorer.choose(layer=1, order="index", channel=0, row=0, column=0)
    assert "Channel 0, row 0, column 0: nan." in explorer.status
    explorer.choose(layer=2, order="index", channel=0, row=0, column=0)
    assert explorer.error is None
    assert "by hand" not in explorer.status
    explorer.choose(layer=2, row=20, column=20)
    assert "by hand" in explorer.status


def test_layers_that_run_several_times_or_give_several_outputs():
    relu = nn.ReLU(inplace=True)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), relu, nn.Conv2d(4, 5, 3), relu, Windows())
    said = statuses(explored(model))
    assert "gives 5 maps of 28 × 28. It runs 2 times; the last output is shown." in said["1"]
    assert "It gives 4 outputs for one picture; the first is shown." in said["4"]


def test_only_the_shown_run_of_a_layer_is_switched_off():
    relu = nn.ReLU()
    model = nn.Sequential(relu, nn.Conv2d(3, 3, 32, bias=False), nn.Flatten(), relu)
    with torch.no_grad():
        model[1].weight.fill_(0.001)
    explorer = explored(model)
    place = [layer.name for layer in explorer._view.look.layers].index("0")
    assert explorer._view.shape(place) == (3, 1, 1)
    explorer.choose(layer=place, order="index", channel=1, switched_off=True)
    before, after = explorer._view._answers, explorer._view._without["0", 1]
    scores = explorer._view.look.output[0].clone()
    assert (scores > 0).all()
    scores[1] = 0
    expected = scores.softmax(dim=0).sort(descending=True).values
    assert [share for _, share in after.likeliest] == pytest.approx(expected.tolist())
    assert after != before


def test_it_works_whatever_mode_the_cell_is_in():
    for mode in (torch.no_grad, torch.inference_mode):
        with mode():
            explorer = explored(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)))
            explorer.choose(layer=0, switched_off=True)
            assert "by hand" in explorer.status
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Dropout(), nn.BatchNorm2d(4)).train()
    model[0].requires_grad_(False)
    model.append(Written(lambda net, x: net.a(x) + torch.rand(1), a=nn.Identity()).train())
    state, modes = torch.random.get_rng_state(), [module.training for module in model.modules()]
    explorer = explored(model)
    explorer.choose(layer=1, switched_off=True)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert [module.training for module in model.modules()] == modes
    assert model[2].num_batches_tracked == 0
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not any(module._forward_hooks for module in model.modules())
    assert not any(module._forward_pre_hooks for module in model.modules())


def test_a_gray_network():
    pictures = {"boot": RANDOM.integers(0, 256, (28, 28), np.uint8)}
    explorer = FeatureMapExplorer(fashion_cnn(), pictures, gray_input(28))
    assert explorer.error is None
    seen = explorer._view._picture
    image = pictures["boot"].astype(float)
    image = np.rint((image - image.min()) * 255 / (image.max() - image.min()))
    assert np.abs(seen - image[..., None]).max() <= 1


def test_the_real_network_at_a_small_size():
    backbone = efficientnet_lite0(64)
    explorer = FeatureMapExplorer(
        backbone.network, PICTURES, backbone.prepare, classes=backbone.classes
    )
    for layer, words in ((0, "by hand, 27 products give"), (14, "by hand, 9 products give")):
        explorer.choose(layer=layer)
        assert words in explorer.status
    look = explorer._view.look
    kept = [*look.activations.values(), *(each.inputs for each in look.convolutions.values())]
    sizes = {each.untyped_storage().data_ptr(): each.untyped_storage().nbytes() for each in kept}
    assert sum(sizes.values()) < 150e6 * (64 / 224) ** 2


# ---------------------------------------------------------------- networks that cannot


class Two(nn.Module):
    def forward(self, images: Tensor, more: Tensor) -> Tensor:
        return images + more


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (Two(), "The network's forward takes 2 inputs"),
        (nn.Sequential(nn.Linear(7, 2)), "The network cannot use an input of shape"),
        (nn.Identity(), "The network has no layers inside"),
        (nn.Sequential(nn.LazyConv2d(3, 3)), "lazy layers"),
    ],
)
def test_a_network_that_cannot_be_run(model, words):
    with pytest.raises(ModelError, match=words):
        FeatureMapExplorer(model, PICTURES, prepare)


@pytest.mark.parametrize("problem", [RuntimeError("no"), KeyboardInterrupt()])
def test_hooks_are_removed_when_the_network_fails(problem):
    def forward(net: Written, images: Tensor) -> Tensor:
        maps = net.a(images)
        if failing:
            raise problem
        return maps

    failing, model = False, Written(forward, a=nn.Conv2d(3, 4, 3)).train()
    layers = list_layers(model, torch.zeros(1, 3, 8, 8))
    failing = True
    with pytest.raises((ModelError, KeyboardInterrupt)):
        look(model, torch.zeros(1, 3, 8, 8), layers)
    assert model.training
    assert not model.a._forward_hooks
    assert not model.a._forward_pre_hooks
