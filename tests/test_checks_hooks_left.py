"""What a feature map may leave in a network besides its hook, and what learners are told."""

import pytest
import torch
from torch.nn.modules.module import _global_forward_hooks, register_module_forward_hook
from verdicts import verdict

from course_utils.checks.hooks import check_feature_map
from course_utils.models import evaluating


def written(run):
    """A learner's function that runs the network as `run` does."""

    def feature_map(network, layer, inputs):
        kept = []
        handle = network.get_submodule(layer).register_forward_hook(
            lambda module, given, output: kept.append(output.detach().clone())
        )
        try:
            run(network, inputs)
        finally:
            handle.remove()
        return kept[0]

    return feature_map


def freezes(network, inputs):
    network.requires_grad_(False)
    with evaluating(network):
        network(inputs)


def leaves_gradients(network, inputs):
    with evaluating(network):
        network(inputs).sum().backward()


def wakes_a_part(network, inputs):
    was_training = network.training
    network.eval()
    with torch.no_grad():
        network(inputs)
    network.train(was_training)


def without_autograd(network, inputs):
    modes = [module.training for module in network.modules()]
    network.eval()
    with torch.inference_mode():
        network(inputs)
    for module, mode in zip(network.modules(), modes, strict=True):
        module.training = mode


def other_forward(network, layer, inputs):
    kept, module = [], network.get_submodule(layer)
    original = module.forward

    def forward(given):
        kept.append(original(given).clone())
        return kept[0].clone()

    module.forward = forward
    without_autograd(network, inputs)
    return kept[0]


def hook_on_everything(network, layer, inputs):
    kept, asked = [], network.get_submodule(layer)

    def keep(module, given, output):
        if module is asked:
            kept.append(output.clone())

    register_module_forward_hook(keep)
    without_autograd(network, inputs)
    return kept[0]


@pytest.fixture(autouse=True)
def no_global_hooks():
    yield
    _global_forward_hooks.clear()


def test_modes_may_be_kept_by_hand():
    said = verdict(check_feature_map, written(without_autograd))
    assert said.startswith("Right: a copy of the layer's own output, and the network is as it was")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            written(freezes),
            "you leave parameters of the network frozen: requires_grad_(False) stays",
        ),
        (written(leaves_gradients), "backward has left gradients in the network's parameters"),
        (
            written(wakes_a_part),
            '"stem", came in evaluation mode, and you leave it in training mode',
        ),
        (other_forward, 'you leave another forward on "stem.0"'),
        (hook_on_everything, "a hook on all modules is still on"),
    ],
)
def test_what_is_left_behind_is_told(answer, words):
    assert words in verdict(check_feature_map, answer).partition("Not yet: ")[2]
