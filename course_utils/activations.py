"""What a network's layers give: their outputs while it runs, and a list of its layers."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from inspect import Parameter, signature
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.utils.weak import WeakTensorKeyDictionary

from course_utils.environment import kept_random_state
from course_utils.models import evaluating
from course_utils.receptive_fields import ReceptiveField, ReceptiveFields
from course_utils.tables import Table
from course_utils.wording import in_short


class ModelError(ValueError):
    """A network cannot be used: a sentence that says why, and what to change."""


class LayerActivations(Mapping[str, Tensor]):
    """The outputs of a network's layers while the `with` block runs, by the layers' names.

    They stay after the block; the network's hooks do not::

        with LayerActivations(model, ["conv1", "pool2"]) as activations:
            model(images)
        activations["conv1"]  # [N, C, H, W]

    Each is a detached copy, which in-place operations later in the network leave alone. A layer
    that runs several times keeps its last output. Layers that hand on the same tensor unchanged
    share one copy, so do not write into it. Iteration gives the layers that ran.

    Args:
        model: any network; the mode and the gradients it runs with are the caller's choice.
        layers: names as in `model.named_modules()`; None means all but the network itself.

    Attributes:
        reasons: by name, for each layer that ran and gave no single tensor, what it gave.

    Raises:
        ValueError: `model` has no layer of that name.
        KeyError: on reading a layer that was not asked for, did not run or gave no single tensor.
    """

    def __init__(self, model: nn.Module, layers: Iterable[str] | None = None) -> None:
        self.reasons: dict[str, str] = {}
        self._modules = _layers(model) if layers is None else _named(model, layers)
        self._copies: dict[str, Tensor] = {}
        self._by_output = WeakTensorKeyDictionary()  # output -> (its version, the copy)
        self._hooks = ExitStack()

    def __enter__(self) -> "LayerActivations":
        self._hooks.enter_context(_watch(self._modules, self._keep))
        return self

    def __exit__(self, *_: object) -> None:
        self._hooks.close()

    def __getitem__(self, layer: str) -> Tensor:
        if layer in self._copies:
            return self._copies[layer]
        if layer in self.reasons:
            raise KeyError(f"The layer {layer!r} {self.reasons[layer]}.")
        problem = "has not run" if layer in self._modules else "was not asked for"
        raise KeyError(f"The layer {layer!r} {problem}.")

    def __iter__(self) -> Iterator[str]:
        return iter(self._copies)

    def __len__(self) -> int:
        return len(self._copies)

    def _keep(self, layer: str, output: Any) -> None:
        self._copies.pop(layer, None)
        self.reasons.pop(layer, None)
        if isinstance(output, Tensor):
            self._copies[layer] = self._copy(output)
        else:
            self.reasons[layer] = _not_a_tensor(output)

    def _copy(self, output: Tensor) -> Tensor:
        if output.is_inference():  # no version would tell whether it was written to since
            with torch.inference_mode(False):
                return output.clone()
        version, copy = self._by_output.get(output, (None, None))
        if version != output._version:
            copy = output.detach().clone()
            self._by_output[output] = output._version, copy
        return copy


@dataclass(frozen=True)
class Layer:
    """One layer of a network, as it ran on an example.

    Attributes:
        name: as in `model.named_modules()`.
        kind: name of its class.
        shape: of its output without the batch axis; None if it gave no single tensor.
        parameters: their number, in it and in all layers inside.
        receptive_field: of its output's cells; None where it is undefined.
        reason: why its output is no stack of feature maps [N, C, H, W]; None if it is.
    """

    name: str
    kind: str
    shape: tuple[int, ...] | None
    parameters: int
    receptive_field: ReceptiveField | None
    reason: str | None

    @property
    def is_map(self) -> bool:
        """Whether its output is a stack of feature maps [N, C, H, W]."""
        return self.reason is None


def list_layers(model: nn.Module, example: Tensor) -> list[Layer]:
    """All layers of `model` that run, in the order in which they finish.

    Left out are the network itself and each container that hands on, unchanged, the very tensor
    that a layer inside it gave. The network runs in evaluation mode without gradients; it and the
    state of torch's random numbers are left as they were.

    Args:
        model: any network whose `forward` takes one tensor.
        example: one input [1, ...] on the model's device.

    Raises:
        ModelError: the network cannot use `example`.
    """
    _require_usable(model, example)
    modules = _layers(model)
    layers: dict[str, Layer] = {}
    givers = WeakTensorKeyDictionary()  # output -> (its version, names of the layers that gave it)

    def note(name: str, output: Any) -> None:
        layers.pop(name, None)  # a layer that runs again counts where it runs last
        if isinstance(output, Tensor):
            version, names = givers.get(output, (None, []))
            names = names if version == output._version else []
            givers[output] = output._version, [*names, name]
            if any(inner.startswith(f"{name}.") for inner in names):
                return
        layers[name] = _layer(name, modules[name], output, fields)

    with (
        torch.inference_mode(False),
        torch.no_grad(),
        kept_random_state(example.device),
        evaluating(model),
        _watch(modules, note),
    ):
        example = example.clone()  # its first layer may work in place
        try:
            with ReceptiveFields(example) as fields:
                model(example)
        except Exception as problem:
            raise ModelError(
                f"The network cannot use an input of shape {list(example.shape)} "
                f"({in_short(problem)})."
            ) from problem
    return list(layers.values())


def layers_table(layers: Iterable[Layer]) -> Table:
    """What `list_layers` gives, for reading."""
    header = ["name", "layer", "output shape", "parameters", "receptive field"]
    return Table(header, [_row(layer) for layer in layers])


def _row(layer: Layer) -> list[str]:
    shape = layer.reason if layer.shape is None else str(list(layer.shape))
    field = "" if layer.receptive_field is None else str(layer.receptive_field)
    return [layer.name, layer.kind, shape, f"{layer.parameters:,}", field]


def _layer(name: str, module: nn.Module, output: Any, fields: ReceptiveFields) -> Layer:
    kind = type(module).__name__
    parameters = sum(parameter.numel() for parameter in module.parameters())
    if not isinstance(output, Tensor):
        return Layer(name, kind, None, parameters, None, _not_a_tensor(output))
    shape = tuple(output.shape[1:])
    return Layer(name, kind, shape, parameters, fields.of(output), _not_a_map(output.shape))


def _layers(model: nn.Module) -> dict[str, nn.Module]:
    return {name: module for name, module in model.named_modules() if module is not model}


def _named(model: nn.Module, layers: Iterable[str]) -> dict[str, nn.Module]:
    if isinstance(layers, str):
        raise ValueError(f"The layers are a list of names: write [{layers!r}].")
    known = dict(model.named_modules(remove_duplicate=False))
    layers = list(layers)
    for name in layers:
        if name not in known:
            close = get_close_matches(name, known, cutoff=0.3)
            hint = f" Did you mean {' or '.join(map(repr, close))}?" if close else ""
            raise ValueError(f"The network has no layer {name!r}.{hint}")
    return {name: known[name] for name in layers}


def _watch(modules: Mapping[str, nn.Module], note: Callable[[str, Any], None]) -> ExitStack:
    """Call `note(name, output)` each time one of `modules` has run, until the stack is closed."""
    with ExitStack() as hooks:
        for name, module in modules.items():
            hook = partial(_call_note, note, name)
            hooks.enter_context(module.register_forward_hook(hook))
        return hooks.pop_all()


def _call_note(
    note: Callable[[str, Any], None], name: str, module: nn.Module, inputs: Any, output: Any
) -> None:
    note(name, output)


def _require_usable(model: nn.Module, example: Tensor) -> None:
    """Raise ModelError for what can be told before the network runs."""
    if any(is_lazy(parameter) for parameter in model.parameters()):
        raise ModelError("The network has lazy layers, which have no parameters yet: run it once.")
    devices = {tensor.device for tensor in chain(model.parameters(), model.buffers())}
    if devices and example.device not in devices:
        place = str(min(devices, key=str))
        raise ModelError(
            f"The network is on {place} and its input on {example.device}: "
            f"move the input with .to({place!r})."
        )
    inputs = signature(model.forward)
    try:
        inputs.bind(example)
    except TypeError:
        needed = [p for p in inputs.parameters.values() if p.default is Parameter.empty]
        names = ", ".join(p.name for p in needed)
        raise ModelError(
            f"The network's forward takes {_count(len(needed), 'input')} ({names}), not one: "
            "wrap it in a module whose forward takes the picture alone."
        ) from None


def _not_a_tensor(output: Any) -> str:
    if isinstance(output, tuple | list):
        kind = "tuple" if isinstance(output, tuple) else "list"
        return f"gives a {kind} of {_count(len(output), 'thing')}"
    return f"gives no tensor: {type(output).__name__}"


def _not_a_map(shape: torch.Size) -> str | None:
    match tuple(shape[1:]):
        case (_, _, _):
            return None
        case (tokens, numbers):
            return f"a sequence of {_count(tokens, 'token')} with {_count(numbers, 'number')} each"
        case (numbers,):
            return f"a vector of {_count(numbers, 'number')}"
        case ():
            return "a single number"
        case sizes:
            return f"an array of {' × '.join(map(str, sizes))} numbers"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
