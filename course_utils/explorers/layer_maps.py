"""One look of a network at a picture: what its layers gave, and how its convolutions came to it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from course_utils.activations import Layer, LayerActivations, ModelError, list_layers
from course_utils.environment import CPU, kept_random_state
from course_utils.explorers.cells import Convolution
from course_utils.models import evaluating
from course_utils.wording import in_short


@dataclass(frozen=True, eq=False)
class Look:
    """What a network computed from one picture.

    Attributes:
        inputs: what it was given, a batch of one.
        layers: those that ran, in the order in which they finished.
        activations: their outputs.
        convolutions: name of a convolution layer -> what it was given.
        calls: name of a layer -> how often it ran; what is kept is of the last time.
        output: what the network gave.
    """

    inputs: Tensor
    layers: Sequence[Layer]
    activations: LayerActivations
    convolutions: dict[str, Convolution]
    calls: Counter[str]
    output: Any

    def maps(self, place: int) -> Tensor | None:
        """The output of a layer, float32 [C, H, W] on the CPU; a vector is [C, 1, 1].

        None if it is neither, or has no real numbers. Where a layer gives several outputs for one
        picture, this is the first.
        """
        values = self.activations.get(self.layers[place].name)
        if values is None or values.is_complex() or values.numel() == 0:
            return None
        if values.ndim == 2:
            return values[0].float().cpu()[:, None, None]
        return values[0].float().cpu() if values.ndim == 4 else None


def look(model: nn.Module, inputs: Tensor, layers: Sequence[Layer] | None = None) -> Look:
    """Run a network once and keep what its layers give.

    Args:
        model: in any mode; it runs in evaluation mode and is left as it was.
        inputs: a batch of one, on the network's device.
        layers: as `list_layers` gives them for inputs of this shape; None asks it.

    Raises:
        ModelError: the network cannot be run on `inputs`, or has no layers inside.
    """
    with watching(model):
        if layers is None:
            layers = list_layers(model, inputs)
        if not layers:
            raise ModelError("The network has no layers inside: give one that is made of modules.")
        names = [layer.name for layer in layers]
        activations = LayerActivations(model, names)
        with activations, _Recorder(model, names, activations) as recorder:
            try:
                output = model(inputs.clone())  # its first layer may work in place
            except Exception as problem:
                raise ModelError(f"The network fails on it ({in_short(problem)}).") from problem
    return Look(inputs, layers, activations, recorder.convolutions, recorder.calls, output)


def output_without(model: nn.Module, seen: Look, name: str, channel: int) -> Any:
    """What the network gives if one channel of a layer's output is 0.

    Of a layer that runs several times, this is done to the output that is shown, the last one.
    """
    left = seen.calls[name]

    def switch_off(module: nn.Module, args: Any, output: Tensor) -> Tensor | None:
        nonlocal left
        left -= 1
        if left:
            return None
        output = output.clone()
        output[:, channel] = 0
        return output

    with watching(model):
        handle = model.get_submodule(name).register_forward_hook(switch_off)
        try:
            return model(seen.inputs.clone())
        finally:
            handle.remove()


@contextmanager
def watching(model: nn.Module) -> Iterator[None]:
    """Run a network in evaluation mode, without gradients; its modes and chance are put back."""
    # A network may begin on the CPU and go on on a GPU.
    device = next((each.device for each in model.parameters() if each.device != CPU), CPU)
    # In inference mode, PyTorch does not tell how a layer calls it.
    with (
        torch.inference_mode(False),
        torch.no_grad(),
        kept_random_state(device),
        evaluating(model),
    ):
        yield


class State:
    """Notices when a network's modules or tensors are replaced, or their numbers change.

    PyTorch does not count the writes of fused optimizers and those through `.data`; the norm of
    each tensor shows them, unless they only rearrange its numbers or turn their signs.
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._parts, self._noted = self._now()

    def is_current(self) -> bool:
        """Whether the network is as it was."""
        return self._now()[1] == self._noted

    def _now(self) -> tuple[list[Any], Any]:
        """All parts, which are kept so that no other gets the id of one, and their marks."""
        tensors = [*self._model.parameters(), *self._model.buffers()]
        parts = [*self._model.modules(), *tensors]
        versions = [None if each.is_inference() else each._version for each in tensors]
        places = [each.data_ptr() if each.layout is torch.strided else 0 for each in tensors]
        return parts, ([id(part) for part in parts], versions, places, _norms(tensors))


@torch.no_grad()
def _norms(tensors: Sequence[Tensor]) -> bytes:
    """The tensors' norms, as bytes, so that a NaN equals itself; whole numbers have none."""
    numbers = [each.float() for each in tensors if each.is_floating_point()]
    numbers += [each for each in tensors if each.is_complex()]
    norms = [torch.linalg.vector_norm(each) for each in numbers]
    if len({norm.device for norm in norms}) > 1:
        norms = [norm.cpu() for norm in norms]
    return torch.stack(norms).cpu().numpy().tobytes() if norms else b""  # one wait for a GPU


class _Recorder(TorchDispatchMode):
    """Keeps what convolution layers give to PyTorch, which is not always what they are given."""

    def __init__(
        self, model: nn.Module, names: Sequence[str], activations: LayerActivations
    ) -> None:
        super().__init__()
        self.convolutions: dict[str, Convolution] = {}
        self.calls: Counter[str] = Counter()
        self._modules = {name: model.get_submodule(name) for name in names}
        self._activations = activations
        self._finished: list[str] = []
        self._made: list[tuple[Sequence[Any], Tensor]] | None = None  # within a convolution layer
        self._hooks = ExitStack()

    def __enter__(self) -> "_Recorder":
        with ExitStack() as hooks:
            for name, module in self._modules.items():
                if isinstance(module, nn.Conv2d):
                    hooks.callback(module.register_forward_pre_hook(self._started).remove)
                hooks.callback(module.register_forward_hook(self._at_end(name)).remove)
            super().__enter__()
            self._hooks = hooks.pop_all()
        return self

    def __exit__(self, *problem: Any) -> None:
        self._hooks.close()
        super().__exit__(*problem)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if self._made is not None and func is torch.ops.aten.convolution.default:
            self._made.append((args, result))
        return result

    def _started(self, module: nn.Module, args: Any) -> None:
        self._made = []

    def _at_end(self, name: str) -> Any:
        def finished(module: nn.Module, args: Any, output: Any) -> None:
            self.calls[name] += 1
            if isinstance(module, nn.Conv2d):
                made, self._made = self._made, None
                self.convolutions.pop(name, None)
                if made is not None and len(made) == 1 and made[0][1] is output:
                    self._keep(name, made[0][0])
            self._finished.append(name)

        return finished

    def _keep(self, name: str, arguments: Sequence[Any]) -> None:
        inputs, weight, bias, stride, padding, dilation, transposed, _, groups = arguments
        if inputs.ndim != 4 or transposed:
            return
        self.convolutions[name] = Convolution(
            self._copy(inputs)[0],
            weight.detach(),
            None if bias is None else bias.detach(),
            *(_pair(numbers) for numbers in (stride, padding, dilation)),
            groups,
        )

    def _copy(self, inputs: Tensor) -> Tensor:
        """The copy of these numbers that is there already, as an earlier layer's output, or one."""
        for name in reversed(self._finished):
            kept = self._activations.get(name)
            if kept is not None and kept.dtype == inputs.dtype and torch.equal(kept, inputs):
                return kept
        return inputs.detach().clone()


def _pair(numbers: Sequence[int]) -> tuple[int, int]:
    return (numbers[0], numbers[-1])
