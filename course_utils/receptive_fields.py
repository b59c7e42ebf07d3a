"""Receptive fields: which pixels of its input a cell of a feature map can depend on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.weak import WeakTensorKeyDictionary

# Names of PyTorch's operations, without the underscore of their in-place forms.
POINTWISE = {  # besides those that PyTorch itself tags so
    "_prelu_kernel",
    "_to_copy",
    "alias",
    "celu",
    "clone",
    "copy",
    "detach",
    "elu",
    "hardswish",
    "hardtanh",
    "leaky_relu",
    "lift_fresh",
    "log_sigmoid_forward",
    "mish",
    "native_dropout",
    "silu",
    "threshold",
}
REARRANGING = {"_unsafe_view", "cat", "expand", "slice", "split", "split_with_sizes", "view"}
POOLING = {"avg_pool2d", "max_pool2d", "max_pool2d_with_indices"}
ADAPTIVE_POOLING = {"_adaptive_avg_pool2d", "adaptive_max_pool2d"}
REDUCTIONS = {"amax", "amin", "mean", "sum"}
# On the CPU, on NVIDIA's and on AMD's GPUs.
BATCH_NORMS = {"native_batch_norm", "cudnn_batch_norm", "miopen_batch_norm"}


@dataclass(frozen=True)
class ReceptiveField:
    """The rectangle of input pixels on which each cell of a feature map can depend.

    Along an axis, cell `i` reads `size` pixels, from pixel `start + i * jump` on.

    Attributes:
        start: row and column of the first pixel that cell (0, 0) reads; negative in the padding.
        jump: pixels from one cell's rectangle to the next, down and across; (0, 0) where every
            cell sees the whole picture.
        size: height and width of the rectangle in pixels.

    Source: Araujo, Norris and Sim, "Computing receptive fields of convolutional neural networks"
    (2019).
    """

    start: tuple[int, int]
    jump: tuple[int, int]
    size: tuple[int, int]

    @classmethod
    def whole(cls, height: int, width: int) -> "ReceptiveField":
        """That of cells which see a whole picture, as after global pooling."""
        return cls((0, 0), (0, 0), (height, width))

    def window(self, row: int, column: int) -> tuple[int, int, int, int]:
        """Top, left, bottom and right (both exclusive) of one cell's rectangle, in pixels.

        It is not clipped: it may reach into the padding around the picture.
        """
        top = self.start[0] + row * self.jump[0]
        left = self.start[1] + column * self.jump[1]
        return top, left, top + self.size[0], left + self.size[1]

    def __str__(self) -> str:
        if self.jump == (0, 0):
            return "whole picture"
        return f"{self.size[0]} × {self.size[1]}"


class ReceptiveFields(TorchDispatchMode):
    """Follows the pixels of `example` through all that is computed in the `with` block.

    It sees PyTorch's own operations, not modules, so that shortcuts, concatenations and functional
    calls need no rules of their own::

        with torch.no_grad(), ReceptiveFields(example) as fields:
            output = model(example)
        fields.of(output)

    It knows convolutions, pooling, padding with a constant, whatever leaves each cell at its place
    (activations, sums, concatenated channels, batch norm in evaluation mode), and means, sums
    and maxima over a whole map. After anything else (interpolation, transposed convolution,
    flattening, attention, ...) the field is undefined. Numbers that leave PyTorch, as by
    `.item()`, are not followed. Use it without gradients and outside inference mode.

    Args:
        example: the network's input; only of [N, C, H, W] are the pixels followed.
    """

    def __init__(self, example: Tensor) -> None:
        super().__init__()
        is_picture = example.ndim == 4
        self._whole = ReceptiveField.whole(*example.shape[-2:]) if is_picture else None
        pixel = ReceptiveField((0, 0), (1, 1), (1, 1)) if is_picture else None
        # A tensor that is missing depends on no pixel; None stands for undefined.
        self._known = WeakTensorKeyDictionary({example: pixel})

    def of(self, tensor: Tensor) -> ReceptiveField | None:
        """The receptive field of the cells of `tensor`; None if it is undefined or has none."""
        return self._known.get(tensor)

    def __torch_dispatch__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        inputs = [leaf for leaf in tree_leaves((args, kwargs)) if self._depends(leaf)]
        if inputs and not _is_new(func):
            call = _arguments(func, args, kwargs or {})
            for output in tree_leaves(result):
                if isinstance(output, Tensor):
                    self._known[output] = self._field(func, call, inputs, output)
                    if func._schema.is_mutable:
                        self._spread(output)
        return result

    def _depends(self, value: Any) -> bool:
        if not isinstance(value, Tensor):
            return False
        # A view of a constant that was written to later is missing itself; its base is not.
        return value in self._known or (value._base is not None and value._base in self._known)

    def _spread(self, written: Tensor) -> None:
        """Note for all tensors that share memory with `written` that it was written to."""
        field, memory = self._known[written], _memory(written)
        sharing = [tensor for tensor in self._known if _memory(tensor) == memory]
        for tensor in sharing if written._base is None else [*sharing, written._base]:
            self._known[tensor] = None if self._known.get(tensor) is None else field

    def _field(
        self, func: Any, call: dict[str, Any], inputs: Sequence[Tensor], output: Tensor
    ) -> ReceptiveField | None:
        """That of `output`, one of the tensors that the operation `func` gave for these inputs."""
        fields = [self.of(tensor) for tensor in inputs]
        if all(field == self._whole for field in fields):
            return self._whole
        if None in fields:
            return None
        name = func.overloadpacket.__name__.removesuffix("_")
        if _is_global(name, call, output):
            # Strides without padding may leave pixels at the edges that no cell reads.
            seen = _slide(fields[0], inputs[0].shape[2:], 1, 0, 1)
            return self._whole if _covers(seen, self._whole) else seen
        if _keeps_places(func, name, call):
            return self._union(inputs, output)
        [first, *others] = inputs
        if others or first is not next(iter(call.values())):  # such as weights made from pixels
            return None
        return _window(name, call, fields[0], output)

    def _union(self, inputs: Sequence[Tensor], output: Tensor) -> ReceptiveField | None:
        """That of a map whose cells depend on the same cells of all `inputs`."""
        fields = set()
        for tensor in inputs:
            field = self.of(tensor)
            if field != self._whole and tensor.shape[2:] != output.shape[2:]:
                # One cell is repeated for all: it has a place in none, so it must see everything.
                if tensor.shape[2:] != (1, 1) or not _covers(field, self._whole):
                    return None
                field = self._whole
            fields.add(field)
        if self._whole in fields:
            return self._whole
        if len({field.jump for field in fields}) > 1:
            return None
        windows = [field.window(0, 0) for field in fields]
        top, left, bottom, right = zip(*windows, strict=True)
        start = min(top), min(left)
        size = max(bottom) - start[0], max(right) - start[1]
        return ReceptiveField(start, fields.pop().jump, size)


def _arguments(func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments of an operation by name, with defaults where the call gives none."""
    declared = func._schema.arguments
    defaults = {argument.name: argument.default_value for argument in declared}
    given = {argument.name: value for argument, value in zip(declared, args, strict=False)}
    return defaults | given | kwargs


def _is_new(func: Any) -> bool:
    """Whether only the size of its input counts, as for `torch.zeros_like`."""
    name = func.overloadpacket.__name__
    return name.endswith("_like") or name.startswith("new_")


def _is_global(name: str, call: dict[str, Any], output: Tensor) -> bool:
    """Whether the operation takes the mean, sum or maximum over all cells of each map."""
    if name in ADAPTIVE_POOLING:
        return output.shape[2:] == (1, 1)
    if name not in REDUCTIONS:
        return False
    axes = {axis % 4 for axis in call.get("dim") or range(4)}
    return {2, 3} <= axes


def _keeps_places(func: Any, name: str, call: dict[str, Any]) -> bool:
    """Whether each cell depends on its own place only, if all maps have the output's size."""
    if name in BATCH_NORMS:
        return not call["training"]
    return torch.Tag.pointwise in func.tags or name in POINTWISE or name in REARRANGING


def _window(
    name: str, call: dict[str, Any], field: ReceptiveField, output: Tensor
) -> ReceptiveField | None:
    """That of an operation whose window slides over a map with the receptive field `field`."""
    if name == "convolution" and not call["transposed"]:
        kernel = call["weight"].shape[2:]
        return _slide(field, kernel, call["stride"], call["padding"], call["dilation"])
    if name in POOLING:
        kernel = call["kernel_size"]
        stride, dilation = call["stride"] or kernel, call.get("dilation", 1)
        return _slide(field, kernel, stride, call["padding"], dilation)
    if name == "constant_pad_nd" and len(call["pad"]) <= 4:
        left, _, top, _ = [*call["pad"], 0, 0][:4]
        return _slide(field, 1, 1, (top, left), 1)
    if name in ADAPTIVE_POOLING:
        height, width = call["self"].shape[2:]
        rows, columns = output.shape[2:]
        if height % rows == width % columns == 0:  # else the windows differ in size
            steps = height // rows, width // columns
            return _slide(field, steps, steps, 0, 1)
    return None


def _slide(
    field: ReceptiveField,
    kernel: int | Sequence[int],
    stride: int | Sequence[int],
    padding: int | Sequence[int],
    dilation: int | Sequence[int],
) -> ReceptiveField:
    pairs = [_pair(value) for value in (kernel, stride, padding, dilation)]
    axes = []
    for start, jump, size, k, s, p, d in zip(
        field.start, field.jump, field.size, *pairs, strict=True
    ):
        axes.append((start - p * jump, jump * s, size + (k - 1) * d * jump))
    return ReceptiveField(*zip(*axes, strict=True))


def _pair(value: int | Sequence[int]) -> tuple[int, int]:
    first, *rest = [value] if isinstance(value, int) else value
    return first, rest[0] if rest else first


def _covers(field: ReceptiveField, whole: ReceptiveField) -> bool:
    top, left, bottom, right = field.window(0, 0)
    height, width = whole.size
    return top <= 0 and left <= 0 and bottom >= height and right >= width


def _memory(tensor: Tensor) -> int:
    """A number that tensors share if one's memory is the other's, on any device."""
    return tensor.untyped_storage()._cdata
