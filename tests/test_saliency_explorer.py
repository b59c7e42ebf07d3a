"""The explorer of explanations, driven without a browser."""

import base64

import nbformat
import numpy as np
import pytest
import torch
from explorer_driver import drive, shown
from picture_rules import picture_problems
from pixels import at, rgb, words_drawn
from torch import Tensor, nn

from course_utils.attribution import METHODS
from course_utils.explorers import saliency_picture
from course_utils.explorers.drawing import TEXT
from course_utils.explorers.saliency import SaliencyExplorer

CLASSES = ("spot", "cat", "dog", "cup", "sun", "sea")
SIDE = 16
BRIGHT = np.full((SIDE, SIDE, 3), 255, np.uint8)
NOISE = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)


class Spot(nn.Module):
    """Its first logit is a multiple of the mean of the 16 pixels at (2, 2) to (5, 5)."""

    def __init__(self, gain: float = 3.0) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(gain))
        self.relu = nn.ReLU()
        self.dropout = nn.Dropout(0.5)

    def forward(self, inputs: Tensor) -> Tensor:
        spot = self.relu(self.dropout(inputs))[:, :, 2:6, 2:6].mean(dim=(1, 2, 3))
        others = inputs.new_tensor([0, -0.1, -0.2, -0.3, -0.4])
        logits = torch.cat([(self.gain * spot)[:, None], others.expand(len(inputs), 5)], dim=1)
        return logits + 0 * inputs.sum()  # every logit has a gradient


def tiny_cnn() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.Conv2d(8, 8, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(8 * SIDE * SIDE // 4, len(CLASSES)),
        )


def prepare(images: Tensor) -> Tensor:
    """uint8 [N, 3, H, W] to float [N, 3, SIDE, SIDE] in -1..1."""
    return nn.functional.interpolate(images.float(), (SIDE, SIDE)) / 127.5 - 1


def make(network: nn.Module | None = None, **options) -> SaliencyExplorer:
    pictures = options.pop("images", {"bright": BRIGHT, "noise": NOISE})
    return SaliencyExplorer(network or tiny_cnn(), pictures, prepare, CLASSES, **options)


def answer(network: nn.Module, inputs: Tensor) -> Tensor:
    with torch.no_grad():
        return network.eval()(inputs).softmax(1)[0]


def removed_pixels(explorer: SaliencyExplorer) -> np.ndarray:
    """Which pixels of the third panel are blank, booleans [SIDE, SIDE]; on a bright picture."""
    middles = (np.arange(SIDE) + 0.5) * 16  # the zoom is 16
    panel = shown(explorer)[48 : 48 + 512, 2 * 616 : 2 * 616 + 512]
    return panel[np.ix_(2 * middles.astype(int), 2 * middles.astype(int))].max(axis=2) < 255


# ---------------------------------------------------------------- what it shows


def test_every_control():
    explorer = make(methods=["saliency", "integrated_gradients"])
    assert drive(explorer, target=explorer._gallery["bright"].likeliest[:2]) == 2 + 2 + 5 + 2 + 2


@pytest.mark.parametrize("method", METHODS)
def test_every_method(method):
    explorer = make(methods=[method])
    assert explorer.error is None
    assert METHODS[method].name in explorer.status


def test_the_status_says_the_probabilities_and_the_areas():
    explorer = make(Spot(), methods=["saliency"])
    start, end = torch.tensor([[3.0, 0, -0.1, -0.2, -0.3, -0.4], [0, 0, -0.1, -0.2, -0.3, -0.4]])
    whole, blank = (f"{logits.softmax(0)[0]:.0%}" for logits in (start, end))
    assert explorer.status.startswith(f"The network gives spot {whole}. Areas under the curves of ")
    explorer.choose(removed=10)  # 26 of 256 pixels: all 16 that count
    assert explorer.status.startswith(
        f"The network gives spot {whole}; without the 10% of the pixels that Saliency ranks "
        f"highest, {blank}. Areas under the curves of Saliency: deletion 0."
    )
    alt = explorer._repr_mimebundle_()[1]["image/png"]["alt"]
    assert alt == f"Explorer of explanations. {explorer.status}"


def test_the_areas_are_those_of_the_curves_and_of_random_orders():
    explorer = make(Spot(), methods=["saliency"])
    found = explorer._explained("bright", 0, -1, "saliency")
    assert found.chance.deletion.shape == found.chance.insertion.shape == (3, 21)
    mean = torch.trapezoid(found.chance.deletion.mean(0), dx=1 / 20)
    area = torch.trapezoid(found.curves.deletion[0], dx=1 / 20)
    assert f"deletion {area:.3f} (random order {mean:.3f})" in explorer.status
    assert area < mean - 0.05
    assert found.curves.insertion.mean() > found.chance.insertion.mean() + 0.05


def test_the_pixels_that_count_are_removed_first():
    explorer = make(Spot(), methods=["saliency"])
    assert not removed_pixels(explorer).any()
    explorer.choose(removed=10)
    gone = removed_pixels(explorer)
    assert gone.sum() == 26
    assert gone[2:6, 2:6].all()
    explorer.choose(removed=100)
    assert removed_pixels(explorer).all()


@pytest.mark.parametrize("method", ["saliency", "grad_cam", "integrated_gradients"])
def test_the_probability_is_that_of_the_picture_shown(method):
    explorer = make()
    seen = explorer._gallery["noise"]
    explorer.choose(picture="noise", method=method)
    asked = [explorer.values[name] for name in ("picture", "target", "against", "method")]
    found = explorer._explained(*asked)
    for step in (0, 1, 7, 13, 20):
        without = torch.from_numpy(found.without(seen, step))  # what is drawn
        blank = (without == torch.from_numpy(seen.blank)).all(dim=2)
        inputs = seen.inputs.masked_fill(blank, 0.0)
        share = answer(explorer._gallery.network, inputs)[asked[1]]
        assert float(found.curves.deletion[0, step]) == pytest.approx(float(share), abs=1e-5)
        assert int(blank.sum()) == round(step / 20 * SIDE * SIDE)


def test_equal_values_are_not_removed_row_by_row():
    explorer = make(Spot(), methods=["saliency"], images={"bright": BRIGHT})
    explorer.choose(removed=50)
    rows = removed_pixels(explorer)[6:].sum(axis=1)  # where all values are 0
    assert rows.min() > 0
    assert rows.max() < SIDE


def test_the_marker_stands_on_the_curves():
    explorer = make(Spot(), methods=["saliency"])
    explorer.choose(removed=10)
    found = explorer._explained("bright", 0, -1, "saliency")
    for kind in ("deletion", "insertion"):
        axes = saliency_picture._axes(found, kind)
        y = axes.y(float(getattr(found.curves, kind)[0, 2]))
        assert at(shown(explorer), axes.x(0.1), y) == rgb(TEXT)
        assert at(shown(explorer), axes.x(0.1), y - 6) == (255, 255, 255)


@pytest.mark.parametrize(
    ("gain", "ticks"), [(3.0, ("0%", "50%", "100%")), (-3.0, ("0%", "12.5%", "25%"))]
)
def test_the_scale_of_the_charts_follows_the_curves(gain, ticks):
    explorer = make(Spot(gain), methods=["saliency"], images={"bright": BRIGHT})
    found = explorer._explained(*[explorer.values[name] for name in list(explorer.values)[:-1]])
    assert tuple(saliency_picture._axes(found, "deletion").ticks.values()) == ticks


def test_the_words_in_the_picture(monkeypatch):
    explorer = make()
    second = explorer.controls["target"].options[1][1]
    explorer.choose(method="integrated_gradients", against=second, removed=20)
    explorer._backdrop.cache_clear()
    words = words_drawn(lambda: explorer.render(**explorer.values), monkeypatch)
    first = explorer.values["target"]
    assert f"explains: {CLASSES[first]}, against {CLASSES[second]}" in words
    assert "Integrated Gradients" in words
    assert "without the highest 20%" in words
    assert any(word.startswith("against −") for word in words)
    assert any(word.endswith(" for") for word in words)


def test_a_map_of_zeros_says_so(monkeypatch):
    dead = tiny_cnn()
    nn.init.constant_(dead[3].bias, -1e3)  # its ReLU lets nothing through
    explorer = make(dead, methods=["grad_cam"])
    assert explorer.error is None
    explorer._backdrop.cache_clear()
    words = words_drawn(lambda: explorer.render(**explorer.values), monkeypatch)
    assert "0 everywhere: this map shows nothing" in words


def test_the_saved_output_is_a_picture_with_alt_text():
    data, metadata = make()._repr_mimebundle_()
    data["image/png"] = base64.b64encode(data["image/png"]).decode()
    output = nbformat.v4.new_output("display_data", data, metadata=metadata)
    assert list(picture_problems(output)) == []


# ---------------------------------------------------------------- classes to choose from


def test_the_likeliest_classes_are_offered():
    explorer = make(Spot())
    assert [kind for _, kind in explorer.controls["target"].options] == [0, 1, 2, 3, 4]
    share = answer(explorer._gallery.network, prepare(torch.full((1, 3, 9, 9), 255)))[0]
    assert explorer.controls["target"].options[0] == (f"spot ({share:.0%})", 0)
    others = [("nothing", -1), *explorer.controls["target"].options[1:]]
    assert list(explorer.controls["against"].options) == others


def test_a_class_is_never_explained_against_itself():
    explorer = make(Spot(), methods=["saliency"])
    explorer.choose(against=2)
    explorer.choose(target=2)
    assert explorer.values["against"] == -1
    assert 2 not in [kind for _, kind in explorer.controls["against"].options]
    explorer.choose(against=0)
    explorer.choose(target=1)
    assert explorer.values["against"] == 0  # what can stay, stays


def test_against_another_class_the_map_is_another():
    explorer = make()
    picture, target, _, method, _ = explorer.values.values()
    other = explorer.controls["against"].options[1][1]
    alone = explorer._explained(picture, target, -1, method).values
    explorer.choose(against=other)
    assert explorer.error is None
    both = explorer._explained(picture, target, other, method).values
    assert np.abs(alone - both).max() > 1e-3


def test_another_picture_offers_its_own_classes():
    explorer = make()
    bright, noise = (explorer._gallery[name].likeliest for name in ("bright", "noise"))
    new = next(kind for kind in noise if kind not in bright)
    other = next(kind for kind in noise if kind != new)
    explorer.choose(picture="noise", target=new, against=other)
    assert explorer.error is None
    assert [explorer.values[name] for name in ("target", "against")] == [new, other]
    explorer.controls["picture"].value = "bright"
    assert explorer.values["target"] == bright[0]
    assert explorer.values["removed"] == 0
    assert explorer.error is None


@pytest.mark.parametrize("names", [("same",) * 6, tuple(range(6))])
def test_names_of_classes_may_be_equal_or_no_texts(names):
    explorer = SaliencyExplorer(tiny_cnn(), {"a": BRIGHT}, prepare, names, methods=["saliency"])
    first, second, *_ = explorer._gallery["a"].likeliest
    explorer.controls["against"].value = second
    assert explorer.error is None
    explorer.controls["target"].value = second
    assert explorer.error is None
    assert (explorer.values["target"], explorer.values["against"]) == (second, -1)
    explorer.controls["against"].value = first
    assert explorer.error is None


def test_two_classes_are_enough():
    network = nn.Sequential(tiny_cnn(), nn.Linear(6, 2))
    explorer = SaliencyExplorer(network, {"a": BRIGHT}, prepare, "ab", methods=["saliency"])
    first, second = explorer._gallery["a"].likeliest
    assert [kind for _, kind in explorer.controls["against"].options] == [-1, second]
    explorer.choose(target=second, against=first)
    assert explorer.error is None
