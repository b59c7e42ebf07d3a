"""The explorer of the randomization test, driven without a browser."""

import base64

import nbformat
import numpy as np
import pytest
import torch
from explorer_driver import drive, shown, upload
from picture_rules import picture_problems
from pixels import at, png, rgb, words_drawn
from test_saliency_explorer import BRIGHT, CLASSES, NOISE, SIDE, answer, prepare, tiny_cnn
from torch import nn

from course_utils import sanity
from course_utils.attribution import explain
from course_utils.explorers import sanity as sanity_explorer
from course_utils.explorers import sanity_picture
from course_utils.explorers.drawing import TEXT, percent, shorten
from course_utils.explorers.heat import PANEL
from course_utils.explorers.sanity import SanityExplorer


def make(network: nn.Module | None = None, **options) -> SanityExplorer:
    pictures = options.pop("images", {"noise": NOISE, "bright": BRIGHT})
    return SanityExplorer(network or tiny_cnn(), pictures, prepare, CLASSES, **options)


def deep(layers: int) -> nn.Module:
    middle = [nn.Conv2d(3, 3, 1) for _ in range(layers - 1)]
    return nn.Sequential(*middle, nn.Flatten(), nn.Linear(3 * SIDE * SIDE, len(CLASSES)))


# ---------------------------------------------------------------- what it shows


def test_every_control():
    explorer = make()
    assert explorer.controls["randomized"].max == 3
    tried = ["saliency", "grad_cam"]
    assert drive(explorer, method=tried, randomized=[0, 1, 2, 3]) == 2 + 2 + 4


def test_the_maps_and_answers_are_those_of_the_randomized_networks():
    network = tiny_cnn()
    explorer = make(network)
    seen, found = explorer._gallery["noise"], explorer._find("noise", "saliency")
    target = seen.likeliest[0]
    assert len(found.maps) == len(found.correlations) == len(found.answers) == 4
    for step, names in enumerate([[], ["6"], ["6", "3"], ["6", "3", "0", "1"]]):
        random = sanity.randomized(network, names, 0)
        expected = explain("saliency", random, seen.inputs, target)
        np.testing.assert_allclose(found.maps[step], expected[0], rtol=1e-5)
        trained = torch.from_numpy(found.maps[:1])
        correlation = sanity.rank_correlation(trained, expected)
        assert found.correlations[step] == pytest.approx(float(correlation), abs=1e-4)
        share = answer(random, seen.inputs)
        label, probability = found.answers[step]
        assert label == CLASSES[share.argmax()]
        assert probability == pytest.approx(float(share.max()), abs=1e-5)
    assert found.correlations[0] == pytest.approx(1)
    assert found.correlations[3] < 0.9


def test_the_status_says_what_is_random():
    explorer = make()
    first = CLASSES[explorer._gallery["noise"].likeliest[0]]
    assert explorer.status.startswith(f"Nothing is random: the network says {first} (")
    assert explorer.status.endswith(f"Saliency explains {first}.")
    explorer.choose(randomized=1)
    assert explorer.status.startswith("With 6 random, the network says ")
    found = explorer._find("noise", "saliency")
    correlation = f"{found.correlations[1]:.2f}".replace("-", "−")
    assert explorer.status.endswith(
        f"The rank correlation of the map for {first} by Saliency with that of the trained "
        f"network is {correlation}."
    )
    explorer.choose(randomized=3)
    assert explorer.status.startswith("With 4 layers, 6 to 1, random, the network says ")


def test_the_words_in_the_picture(monkeypatch):
    explorer = make()
    explorer.choose(randomized=2)
    explorer._backdrop.cache_clear()
    words = words_drawn(lambda: explorer.render(**explorer.values), monkeypatch)
    found = explorer._find("noise", "saliency")
    assert f"explained: {found.answers[0][0]}" in words
    assert "2 of 3 steps random" in words
    for step in (0, 2):
        label, share = found.answers[step]
        assert f"the network says {label} ({share:.0%})" in words


def test_the_share_stays_when_the_label_is_long(monkeypatch):
    classes = [f"a class name that is quite long, with a comma, and more {n}" for n in range(6)]
    explorer = SanityExplorer(tiny_cnn(), {"noise": NOISE}, prepare, classes)
    explorer.choose(randomized=1)
    explorer._backdrop.cache_clear()
    words = words_drawn(lambda: explorer.render(**explorer.values), monkeypatch)
    says = [line for line in words if line.startswith("the network says a class name")]
    shares = [share for _, share in explorer._find("noise", "saliency").answers[:2]]
    assert [line[-len(percent(share)) - 4 :] for line, share in zip(says, shares, strict=True)] == [
        f"… ({percent(share)})" for share in shares
    ]
    for line in says:
        assert shorten(line, PANEL) == line


def test_a_method_looks_the_same_whatever_was_looked_at_before():
    explorer = make()
    before = explorer.picture_png
    explorer.choose(method="guided_backprop")
    assert explorer.picture_png != before
    explorer.choose(method="saliency")
    assert explorer.picture_png == before


def test_the_marker_stands_on_the_curve():
    explorer = make()
    explorer.choose(randomized=2)
    found = explorer._find("noise", "saliency")
    axes = sanity_picture._axes(found)
    y = axes.y(float(found.correlations[2]))
    assert at(shown(explorer), axes.x(2 / 3), y) == rgb(TEXT)
    assert at(shown(explorer), axes.x(2 / 3), y - 6) == (255, 255, 255)


def test_the_chart_reaches_below_zero_where_it_must():
    maps, answers = np.zeros((3, 2, 2)), [("a", 1.0)] * 3
    for lowest, low in ((0.0, 0), (-0.2, -0.5), (-0.9, -1)):
        correlations = np.array([1, 0.5, lowest])
        found = sanity_picture.Forgetting(maps, correlations, answers)
        assert min(sanity_picture._axes(found).ticks) == low


def test_the_saved_output_is_a_picture_with_alt_text():
    data, metadata = make()._repr_mimebundle_()
    data["image/png"] = base64.b64encode(data["image/png"]).decode()
    output = nbformat.v4.new_output("display_data", data, metadata=metadata)
    assert list(picture_problems(output)) == []


# ---------------------------------------------------------------- the steps


def test_many_layers_are_grouped_in_order():
    network = deep(30)
    explorer = make(network, images={"a": BRIGHT})
    assert len(explorer._stages) == explorer.controls["randomized"].max == 12
    sizes = [len(names) for names in explorer._stages]
    assert max(sizes) - min(sizes) <= 1
    every = [name for names in explorer._stages for name in names]
    assert every == ["30", *(str(place) for place in range(28, -1, -1))]


def test_the_steps_may_be_given():
    explorer = make(stages=[["6"], ("3", "1")])
    assert explorer.controls["randomized"].max == 2
    explorer.choose(randomized=2)
    assert explorer.status.startswith("With 3 layers, 6 to 1, random")


@pytest.mark.parametrize(
    ("words", "changes"),
    [
        ("no layer 'fc'", {"stages": [["fc"]]}),
        ("There are no layers to randomize", {"stages": []}),
        ("There are no layers to randomize", {"network": nn.Sequential(nn.Flatten(), nn.ReLU())}),
        ("logits", {"classes": CLASSES[1:]}),
        ("images must name", {"images": None}),
    ],
)
def test_bad_input_is_a_sentence(words, changes):
    good = {"network": tiny_cnn(), "images": {"a": BRIGHT}, "prepare": prepare, "classes": CLASSES}
    arguments = good | changes
    if not any(True for _ in arguments["network"].parameters()):
        arguments["classes"] = range(3 * SIDE * SIDE)
    with pytest.raises(ValueError, match=words):
        SanityExplorer(**arguments)


def test_a_layer_that_cannot_be_drawn_afresh_is_a_sentence():
    class Scale(nn.Module):
        def __init__(self):
            super().__init__()
            self.factor = nn.Parameter(torch.ones(()))

        def forward(self, inputs):
            return self.factor * inputs

    with pytest.raises(ValueError, match="Scale has no reset_parameters"):
        make(nn.Sequential(Scale(), *deep(2)))


# ---------------------------------------------------------------- what is computed when


def test_the_slider_only_draws(monkeypatch):
    explorer = make()
    said = []
    explorer._status.observe(lambda change: said.append(change["new"]), names="value")
    with monkeypatch.context() as patch:
        patch.setattr(sanity, "randomized", None)
        for step in (1, 2, 3, 0):
            explorer.choose(randomized=step)
            assert explorer.error is None
    assert not any("Computing" in words for words in said)
    explorer.choose(method="grad_cam")
    assert "Computing … step 3 of 3" in said
    assert said[-1] == explorer.status


def test_the_network_and_the_lot_are_left_as_they_were():
    network = tiny_cnn().train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    torch.manual_seed(5)
    make(network).choose(method="grad_cam", randomized=3)
    drawn = torch.rand(3)
    torch.manual_seed(5)
    assert torch.equal(drawn, torch.rand(3))
    assert all(module.training for module in network.modules())
    assert all(parameter.grad is None for parameter in network.parameters())
    assert not any(module._forward_hooks for module in network.modules())
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_few_explanations_are_remembered(monkeypatch):
    monkeypatch.setattr(sanity_explorer, "KEPT", 2)
    explorer = make(deep(1), images={str(place): NOISE[place:] for place in range(4)})
    for name in explorer.controls["picture"].options:
        explorer.choose(picture=name)
        assert explorer.error is None
    assert explorer._find.cache_info().currsize == 2


def test_a_method_that_fails_is_a_sentence_and_the_explorer_goes_on():
    explorer = make(deep(1))
    before = explorer.picture_png
    explorer.controls["method"].value = "guided_backprop"
    assert explorer.error.startswith("Guided Backprop cannot explain this network. ")
    explorer.controls["method"].value = "saliency"
    assert explorer.error is None
    assert explorer.picture_png == before


def test_an_upload_is_explained():
    explorer = make(deep(1))
    upload(explorer.controls["upload"], "bad.txt", b"milk")
    assert explorer.error.startswith("Cannot read bad.txt")
    upload(explorer.controls["upload"], "mine.png", png(NOISE[..., 0]))
    assert explorer.error is None
    assert explorer.values["picture"] == "mine.png"
