"""Checker of a forward hook: on the layer that is asked for, a copy of its output, taken off."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.module import _global_forward_hooks

from course_utils.checks.base import NotYet, as_numbers, checker, close
from course_utils.checks.functions import Attempt, Case, FunctionExercise, attempt, require_no_error
from course_utils.environment import random_state
from course_utils.models import evaluating

WHOLE = ""  # the name that named_modules gives to the network itself
NEVER_RUNS = (
    "the network never runs: a layer alone would read the pictures, but its place is behind other "
    "layers. Put a hook on it and call network(inputs)."
)


@dataclass(frozen=True)
class Call:
    """One call of the network: names of the modules with a hook, types of those in training."""

    hooked: frozenset[str]
    training: frozenset[str]


class HookedNetwork(nn.Module):
    """A small network that notes how it is called.

    It has a shortcut, so running its layers one after the other is not running it, and ReLUs that
    change their input in place.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 4, kernel_size=3, padding=1), nn.BatchNorm2d(4), nn.ReLU(inplace=True)
        )
        self.block = nn.Sequential(
            nn.Conv2d(4, 4, kernel_size=3, padding=1), nn.ReLU(inplace=True), nn.Dropout(0.5)
        )
        self.head = nn.Linear(4, 3)
        self.calls: list[Call] = []

    def forward(self, pictures: Tensor) -> Tensor:
        """Logits [N, 3] of pictures [N, 3, H, W]."""
        modules = dict(self.named_modules())
        layers = [module for module in modules.values() if not list(module.children())]
        self.calls.append(
            Call(
                frozenset(name for name, module in modules.items() if _count_hooks(module)),
                frozenset(type(layer).__name__ for layer in layers if layer.training),
            )
        )
        maps = self.stem(pictures)
        maps = maps + self.block(maps)
        return self.head(maps.mean(dim=(2, 3)))


def _count_hooks(module: nn.Module) -> int:
    return len(module._forward_hooks) + len(module._forward_pre_hooks) + len(module._backward_hooks)


@dataclass(frozen=True)
class Seen:
    """What one run of the network shows of its layers: name -> tensor.

    Attributes:
        outputs: copies of what each gave.
        spoiled: the very tensors, as later layers left them.
        inputs: copies of what each read.
    """

    outputs: dict[str, Tensor]
    spoiled: dict[str, Tensor]
    inputs: dict[str, Tensor]


def _observe(network: HookedNetwork, pictures: Tensor) -> Seen:
    seen = Seen({}, {}, {})
    handles = []
    for name, module in network.named_modules():

        def keep(_: nn.Module, given: tuple[Tensor, ...], output: Tensor, name: str = name) -> None:
            seen.outputs[name], seen.spoiled[name] = output.clone(), output

        def keep_input(_: nn.Module, given: tuple[Tensor, ...], name: str = name) -> None:
            seen.inputs[name] = given[0].clone()

        handles += [
            module.register_forward_hook(keep),
            module.register_forward_pre_hook(keep_input),
        ]
    with evaluating(network), torch.no_grad():
        network(pictures)
    for handle in handles:
        handle.remove()
    return seen


def _right_map(network: HookedNetwork, layer: str, inputs: Tensor) -> Tensor:
    return _observe(network, inputs).outputs[layer]


def _case(layer: str, training: bool, channels: int = 3, asleep: str = WHOLE) -> Case:
    """A network in one mode, but for a part of it that is in evaluation mode."""
    network = HookedNetwork()
    network.stem(torch.rand(8, 3, 5, 6))  # batch norm measures
    network.train(training).get_submodule(asleep).train(training and not asleep)
    arguments = {
        "network": network,
        "layer": layer,
        "inputs": torch.randn(2, channels, 5, 6),
    }
    return Case(arguments, f'the layer "{layer}"')


def _exercise() -> FunctionExercise:
    return FunctionExercise(
        name="feature_map",
        right=_right_map,
        cases=[
            _case("stem.0", training=False),
            _case("stem.1", training=False),  # in front of a ReLU that works in place
            _case("block.0", training=True),
            _case("block", training=True, asleep="stem"),
            _case("head", training=False),
        ],
        misconceptions=[],
    )


@checker
def check_feature_map(feature_map: Any) -> str:
    """Exercise 2: feature_map(network, layer, inputs) -> a copy of that layer's output."""
    with random_state(0):
        exercise = _exercise()
        hooks_before = len(_global_forward_hooks)
        attempts = exercise.attempts(feature_map)
        hooks_added = len(_global_forward_hooks) - hooks_before
        stopped = attempt(feature_map, _case("stem.0", training=False, channels=2))
    for made in attempts:
        _require_evaluation(made)
        _require_map(exercise, made)
        _require_nothing_left(made)
        _require_mode_as_before(made)
    if hooks_added:
        raise NotYet(
            "a hook on all modules is still on, and runs with every network in this session: "
            "restart the kernel, and put your hook on network.get_submodule(layer) alone."
        )
    if any(map(_count_hooks, stopped.arguments[0].modules())):
        return (
            "the map is the layer's, and the hook comes off. But when the network stops with an "
            "error, here for pictures with two channels, your hook stays on: put the call into "
            "try, and remove() into finally."
        )
    return (
        "a copy of the layer's own output, and the network is as it was. "
        "Why would a function that leaves its hooks on become slower with every call?"
    )


def _require_evaluation(made: Attempt) -> None:
    training = frozenset().union(*(call.training for call in made.arguments[0].calls))
    if training & {"Dropout", "BatchNorm2d"}:
        raise NotYet(
            "the network runs in training mode: dropout silences numbers at random, batch norm "
            "uses the batch's own statistics and remembers them, so the maps are not those that "
            "its answers come from. Run it in evaluation mode."
        )


def _require_map(exercise: FunctionExercise, made: Attempt) -> None:
    network, layer, _ = made.arguments
    hooked = frozenset().union(*(call.hooked for call in network.calls))
    if made.error:
        _explain_error(made, hooked)
        require_no_error(exercise, made)
    value = as_numbers(made.value, "what feature_map returns")
    seen = _observe(*(made.case.arguments[name] for name in ("network", "inputs")))

    def gives(tensor: Tensor) -> bool:
        expected = as_numbers(tensor, "")
        return value.size == expected.size and close(np.reshape(value, expected.shape), expected)

    if not gives(seen.outputs[layer]):
        if not network.calls:
            raise NotYet(NEVER_RUNS)
        if hooked and layer not in hooked:
            raise NotYet(_words_of_wrong_module(layer, hooked))
        if gives(seen.spoiled[layer]):
            raise NotYet(
                f'the map of "{layer}" has no negative numbers left: the ReLU behind it works in '
                "place and has changed the very tensor that you keep. Keep a copy, "
                "output.detach().clone(), and make it inside the hook."
            )
        if gives(seen.inputs[layer]):
            raise NotYet(
                f'this is what "{layer}" reads, its input. register_forward_hook hands your '
                "function the module, its inputs and its output, in this order: keep the output."
            )
        others = {name for name, output in seen.outputs.items() if gives(output)}
        if others:
            raise NotYet(_words_of_wrong_module(layer, others))
    exercise.judge([made])


def _explain_error(made: Attempt, hooked: frozenset[str]) -> None:
    network, layer, _ = made.arguments
    looked_up = isinstance(made.error, AttributeError | KeyError) and layer in str(made.error)
    if looked_up and not network.calls:
        raise NotYet(
            f'"{layer}" is a path, a module inside a module: network.get_submodule(layer) '
            "follows its dots."
        )
    if not network.calls:
        raise NotYet(NEVER_RUNS)
    if not hooked:
        raise NotYet(
            "no hook is on the network when it runs: first register_forward_hook, "
            "then network(inputs)."
        )


def _words_of_wrong_module(layer: str, others: set[str] | frozenset[str]) -> str:
    if WHOLE in others:
        return (
            "this is what the whole network gives: the hook belongs on the module whose name is "
            f'layer, here network.get_submodule("{layer}").'
        )
    return (
        f'this is the output of "{min(others)}", another module than "{layer}", which is asked '
        "for: network.get_submodule(layer) finds it by its name."
    )


def _require_nothing_left(made: Attempt) -> None:
    network, value = made.arguments[0], made.value
    left = [name for name, module in network.named_modules() if _count_hooks(module)]
    if left:
        raise NotYet(
            f'the hook is still on "{left[0]}": every later call of the network runs it and keeps '
            "its map in memory, and your next call adds another one. Keep the handle that "
            "register_forward_hook returns, and call handle.remove() at the end."
        )
    patched = [name for name, module in network.named_modules() if "forward" in vars(module)]
    if patched:
        raise NotYet(
            f'you leave another forward on "{patched[0]}", and every later call of the network '
            "runs it: a forward hook does the same and comes off, handle.remove()."
        )
    if not all(parameter.requires_grad for parameter in network.parameters()):
        raise NotYet(
            "you leave parameters of the network frozen: requires_grad_(False) stays, and the next "
            "training would learn nothing. Run the network under torch.no_grad() instead."
        )
    if any(parameter.grad is not None for parameter in network.parameters()):
        raise NotYet(
            "backward has left gradients in the network's parameters, which the next training step "
            "would add to its own. A map needs none: run the network under torch.no_grad()."
        )
    if isinstance(value, Tensor) and value.requires_grad:
        raise NotYet(
            "the map still hangs on autograd's graph, which keeps the whole run in memory for as "
            "long as you keep the map: output.detach().clone()."
        )


def _require_mode_as_before(made: Attempt) -> None:
    network, before = made.arguments[0], made.case.arguments["network"]
    modules = zip(network.named_modules(), before.modules(), strict=True)
    for (name, now), then in modules:
        if now.training == then.training:
            continue
        came, stays = ("training", "evaluation") if then.training else ("evaluation", "training")
        if name == WHOLE:
            raise NotYet(
                f"the network came in {came} mode, and you leave parts of it in {stays} mode: give "
                "it back as it was. with evaluating(network): does so by itself."
            )
        raise NotYet(
            f'a part of the network, "{name}", came in {came} mode, and you leave it in {stays} '
            "mode: train() and eval() set all parts alike. with evaluating(network): gives each "
            "its own mode back."
        )
