"""Feature maps by forward hooks, right and wrong, and what learners are told."""

import pytest
import torch
from torch import nn
from verdicts import verdict

from course_utils.checks.hooks import HookedNetwork, check_feature_map
from course_utils.models import evaluating


def named(network, layer):
    return network.get_submodule(layer)


def output_of(module, arguments, output):
    return output.detach().clone()


def run(network, inputs):
    with evaluating(network), torch.no_grad():
        network(inputs)


def written(find=named, keep=output_of, run=run, off=True, after=lambda kept: kept[-1]):
    """A learner's function, with one thing done differently."""

    def feature_map(network, layer, inputs):
        kept = []

        def hook(module, arguments, output):
            kept.append(keep(module, arguments, output))

        handle = find(network, layer).register_forward_hook(hook)
        try:
            run(network, inputs)
        finally:
            if off:
                handle.remove()
        return after(kept)

    return feature_map


def by_named_modules(network, layer):
    return dict(network.named_modules())[layer]


def hooks_on_all(network, layer, inputs):
    kept, handles = {}, []
    for name, module in network.named_modules():

        def hook(module, arguments, output, name=name):
            kept[name] = output.detach().clone()

        handles.append(module.register_forward_hook(hook))
    run(network, inputs)
    for handle in handles:
        handle.remove()
    return kept[layer]


def with_inference_mode(network, inputs):
    with evaluating(network), torch.inference_mode():
        network(inputs)


def with_layer_activations(network, layer, inputs):
    from course_utils.activations import LayerActivations

    with LayerActivations(network, [layer]) as activations:
        run(network, inputs)
    return activations[layer]


@pytest.mark.parametrize(
    "answer",
    [
        written(),
        written(find=by_named_modules),
        written(run=with_inference_mode),
        written(after=lambda kept: kept[0].numpy()),
        with_layer_activations,
    ],
)
def test_right_feature_maps(answer):
    before = torch.get_rng_state()
    said = verdict(check_feature_map, answer)
    assert said.startswith("Right: a copy of the layer's own output, and the network is as it was")
    assert torch.equal(before, torch.get_rng_state())


def test_a_hook_that_an_error_leaves_on_is_remarked():
    said = verdict(check_feature_map, hooks_on_all)
    assert said.startswith("Right: the map is the layer's, and the hook comes off. But when the")
    assert "put the call into try, and remove() into finally." in said


def after_the_layer(network, layer):
    modules = dict(network.named_modules())
    names = list(modules)
    return modules[names[(names.index(layer) + 1) % len(names)]]


def layer_before(network, layer):
    modules = dict(network.named_modules())
    names = list(modules)
    return modules[names[names.index(layer) - 1]]


def train_and_run(network, inputs):
    network.train()
    run_as_it_is(network, inputs)


def run_as_it_is(network, inputs):
    with torch.no_grad():
        network(inputs)


def dropout_in_training(network, inputs):
    with evaluating(network), torch.no_grad():
        network.block[2].train()
        network(inputs)


def eval_and_run(network, inputs):
    run_as_it_is(network.eval(), inputs)


def eval_run_train(network, inputs):
    eval_and_run(network, inputs)
    network.train()


def with_gradients(network, inputs):
    with evaluating(network):
        network(inputs)


def last_of_all(network, layer, inputs):
    kept = []
    handles = [
        module.register_forward_hook(lambda module, arguments, output: kept.append(output.clone()))
        for module in network.modules()
    ]
    run(network, inputs)
    for handle in handles:
        handle.remove()
    return kept[-1]


def of_the_input(network, layer, inputs):
    kept = []
    handle = named(network, layer).register_forward_pre_hook(
        lambda module, arguments: kept.append(arguments[0].clone())
    )
    run(network, inputs)
    handle.remove()
    return kept[0]


def hook_too_late(network, layer, inputs):
    run(network, inputs)
    kept = []
    handle = named(network, layer).register_forward_hook(
        lambda module, arguments, output: kept.append(output)
    )
    handle.remove()
    return kept[0]


def layer_alone(network, layer, inputs):
    with evaluating(network), torch.no_grad():
        return named(network, layer)(inputs)


def layers_in_a_row(network, layer, inputs):
    with evaluating(network), torch.no_grad():
        for name, module in network.named_modules():
            if not list(module.children()) and not isinstance(module, nn.Linear):
                inputs = module(inputs.clone())
            if name == layer:
                return inputs.clone()


def answer_only(network, layer, inputs):
    with evaluating(network), torch.no_grad():
        return network(inputs)


def changes_weights(network, inputs):
    run(network, inputs)
    with torch.no_grad():
        network.head.bias.zero_()


LEFT_ON = 'the hook is still on "stem.0": every later call of the network runs it'
IN_PLACE = 'the map of "stem.1" has no negative numbers left: the ReLU behind it works in place'
TRAINING = "the network runs in training mode: dropout silences numbers at random"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (written(find=lambda network, layer: network), "this is what the whole network gives"),
        (answer_only, "this is what the whole network gives"),
        (last_of_all, "this is what the whole network gives"),
        (written(find=lambda network, _: network.stem), 'this is the output of "stem", another'),
        (written(find=lambda network, _: network.stem[0]), 'output of "stem.0", another module th'),
        (written(find=after_the_layer), 'this is the output of "stem.1", another module than "st'),
        (written(find=layer_before), 'this is the output of "stem", another module than "stem.0"'),
        (written(keep=lambda m, arguments, o: arguments[0].clone()), 'this is what "stem.0" reads'),
        (written(keep=lambda m, arguments, o: arguments), 'this is what "stem.0" reads, its input'),
        (of_the_input, 'this is what "stem.0" reads, its input. register_forward_hook hands'),
        (written(off=False), LEFT_ON),
        (written(keep=lambda m, a, output: output), IN_PLACE),
        (written(keep=lambda m, a, output: output.detach()), IN_PLACE),
        (
            written(keep=lambda m, a, o: o.detach(), after=lambda kept: kept[0].clone()),
            IN_PLACE,
        ),
        (written(keep=lambda m, a, o: o.clone(), run=with_gradients), "hangs on autograd's graph"),
        (written(run=train_and_run), TRAINING),
        (written(run=run_as_it_is), TRAINING),
        (written(run=dropout_in_training), TRAINING),
        (written(run=eval_and_run), "came in training mode, and you leave parts of it in evaluat"),
        (written(run=eval_run_train), "came in evaluation mode, and you leave parts of it in trai"),
        (written(run=changes_weights), "feature_map changes its argument network"),
        (written(find=getattr), '"stem.0" is a path, a module inside a module'),
        (
            written(find=lambda network, layer: network._modules[layer]),
            '"stem.0" is a path, a module inside a module',
        ),
        (hook_too_late, "no hook is on the network when it runs: first register_forward_hook"),
        (layer_alone, "the network never runs: a layer alone would read the pictures"),
        (layers_in_a_row, "the network never runs"),
        (written(run=lambda *both: None), "the network never runs"),
        (
            written(after=lambda kept: kept[0][0]),
            'must return the shape [2, 4, 5, 6], not the shape [4, 5, 6], for the layer "stem.0".',
        ),
        (written(after=lambda kept: kept[0].mean(dim=1)), "must return the shape [2, 4, 5, 6]"),
        (written(keep=lambda m, a, output: 2 * output), "instead of an array of the shape"),
        (written(after=lambda kept: {"map": kept[0]}), "what feature_map returns is of the type"),
        (written(after=lambda kept: None), "feature_map returns None"),
        (written(after=lambda kept: kept[7]), "feature_map stops with IndexError: list index out"),
        (lambda network, layer: 0, "feature_map must take the arguments network, layer, inputs."),
        (None, "feature_map is no function"),
    ],
)
def test_wrong_feature_maps(answer, words):
    assert words in verdict(check_feature_map, answer).partition("Not yet: ")[2]


@pytest.mark.parametrize("answer", [..., lambda network, layer, inputs: ...])
def test_a_placeholder_is_no_attempt(answer):
    assert verdict(check_feature_map, answer).startswith("Not attempted yet: ")


def test_an_interrupt_is_passed_on():
    def stopped(network, layer, inputs):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check_feature_map(stopped)


def test_the_network_notes_hooks_and_modes():
    network = HookedNetwork()
    network.block[0].register_forward_hook(output_of)
    network.stem.eval()
    network(torch.rand(1, 3, 4, 4))
    [call] = network.calls
    assert call.hooked == {"block.0"}
    assert call.training == {"Conv2d", "ReLU", "Dropout", "Linear"}
