"""The outputs of a network's layers, and that nothing stays behind in the network."""

import gc
import weakref

import pytest
import torch
import torch.nn.functional as F
from layered_networks import Block, Doubled, Gives, X, hooks, network
from torch import nn

from course_utils.activations import LayerActivations


def test_copies_are_what_the_layers_gave():
    model = nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU(inplace=True), nn.MaxPool2d(2))
    with LayerActivations(model) as activations:
        output = model(X)
    expected = F.conv2d(X, model[0].weight, model[0].bias)
    torch.testing.assert_close(activations["0"], expected)
    assert activations["0"].min() < 0  # the in-place ReLU came later
    torch.testing.assert_close(activations["1"], expected.relu())
    torch.testing.assert_close(activations["2"], output)
    assert activations["2"].data_ptr() != output.data_ptr()
    assert list(activations) == ["0", "1", "2"]
    assert not any(value.requires_grad for value in activations.values())


def test_training_goes_on_as_without():
    model, other = network(), network()
    with LayerActivations(model):
        torch.manual_seed(3)
        model(X).sum().backward()
    torch.manual_seed(3)
    other(X).sum().backward()
    for mine, theirs in zip(model.parameters(), other.parameters(), strict=True):
        if theirs.grad is not None:
            torch.testing.assert_close(mine.grad, theirs.grad)
    assert all(module.training for module in model.modules())


def test_only_the_layers_asked_for():
    model = network()
    with LayerActivations(model, iter(["5", "0.conv1"])) as activations:
        assert hooks(model) == 2
        model(X)
    assert sorted(activations) == ["0.conv1", "5"]
    with pytest.raises(KeyError, match="'0' was not asked for"):
        activations["0"]
    assert activations.get("0") is None


def test_a_layer_that_runs_twice_keeps_its_last_output():
    block = Block()
    with LayerActivations(block) as activations:
        output = block(X)
    assert list(activations) == ["conv1", "conv2", "norm", "relu"]
    torch.testing.assert_close(activations["relu"], output.detach())


def test_a_second_run_replaces_the_first():
    model = network().eval()
    with LayerActivations(model, ["3"]) as activations:
        model(X)
        first = activations["3"]
        model(X + 1)
    assert not torch.equal(activations["3"], first)
    with activations:
        model(X)
    torch.testing.assert_close(activations["3"], first)
    assert hooks(model) == 0


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda x: (x, x), "gives a tuple of 2 things"),
        (lambda x: [x], "gives a list of 1 thing"),
        (lambda x: {"x": x}, "gives no tensor: dict"),
        (lambda x: None, "gives no tensor: NoneType"),
    ],
)
def test_layers_that_give_no_single_tensor(function, reason):
    model = nn.Sequential(nn.Identity(), Gives(function))
    with LayerActivations(model) as activations:
        model(X)
    assert activations.reasons == {"1": reason}
    assert list(activations) == ["0"]
    with pytest.raises(KeyError, match=f"The layer '1' {reason}"):
        activations["1"]
    model[1].function = torch.sin
    with activations:
        model(X)
    assert activations.reasons == {}
    torch.testing.assert_close(activations["1"], X.sin())


def test_a_layer_that_did_not_run():
    model = network()
    with LayerActivations(model) as activations:
        model(X)
    with pytest.raises(KeyError, match=r"'1\.never' has not run"):
        activations["1.never"]


def test_unknown_layers():
    with pytest.raises(ValueError, match=r"no layer '0.conv3'. Did you mean '0\.conv[12]' or "):
        LayerActivations(network(), ["0.conv1", "0.conv3"])
    with pytest.raises(ValueError, match=r"no layer 'Zzz'\.$"):
        LayerActivations(network(), ["Zzz"])
    with pytest.raises(ValueError, match=r"a list of names: write \['0.conv1'\]"):
        LayerActivations(network(), "0.conv1")


def test_a_layer_may_have_two_names():
    model = nn.Sequential(nn.Conv2d(2, 2, 1), nn.Tanh())
    model.add_module("again", model[1])
    with LayerActivations(model, ["1", "again"]) as activations:
        output = model(X)
    assert activations["1"] is activations["again"]
    torch.testing.assert_close(activations["again"], output)


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_no_hook_stays(error):
    def stop(x):
        raise error("stop")

    model = nn.Sequential(nn.Conv2d(2, 2, 1), Gives(stop))
    own = model[0].register_forward_hook(lambda *_: None)
    activations = LayerActivations(model)
    with pytest.raises(error), activations:
        model(X)
    assert hooks(model) == 1
    assert list(activations) == ["0"]
    with pytest.raises(error), activations:
        stop(X)  # outside the network
    assert hooks(model) == 1
    own.remove()


def test_no_hook_stays_when_a_layer_takes_none(monkeypatch):
    model = network()
    monkeypatch.setattr(model[3], "register_forward_hook", None)
    with pytest.raises(TypeError), LayerActivations(model):
        pass
    assert hooks(model) == 0


def test_layers_that_hand_on_a_tensor_share_its_copy():
    inner = nn.Sequential(nn.Conv2d(2, 2, 1), nn.ReLU(inplace=True), nn.Identity())
    model = nn.Sequential(inner, nn.ReLU(inplace=True))
    with LayerActivations(model, ["", "0", "0.0", "0.1", "0.2", "1"]) as activations:
        model(X)
    copies = {value.data_ptr() for value in activations.values()}
    assert activations["0"] is activations["0.1"] is activations["0.2"]
    assert activations[""] is activations["1"]
    assert len(copies) == 3  # what stood before each of the two ReLUs, and after the second


def test_a_container_that_changes_the_tensor_has_its_own_copy():
    with LayerActivations(nn.Sequential(doubled := Doubled(nn.Conv2d(2, 2, 1)))) as activations:
        doubled(X)
    torch.testing.assert_close(activations["0"], 2 * activations["0.0"])


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode, torch.enable_grad])
def test_grad_modes(mode):
    model = network().eval()
    with mode(), LayerActivations(model) as activations:
        output = model(X)
    torch.testing.assert_close(activations["5"], output.detach())
    assert activations["0"].min() >= 0
    assert activations["0.conv1"].min() < 0
    activations["5"].add_(1)  # an inference tensor would refuse
    assert not activations["5"].requires_grad


def test_outputs_are_not_kept_alive():
    class Output(torch.Tensor):
        """Unlike a plain tensor, it takes attributes, which tell that it lives."""

    alive = weakref.WeakSet()

    def give(x):
        thing = Output()
        alive.add(thing)
        return thing

    model = nn.Sequential(Gives(give), Gives(torch.sin))
    with LayerActivations(model) as activations:
        model(X)
        gc.collect()
        assert len(alive) == 0
    assert len(activations) == 2
