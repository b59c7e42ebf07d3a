"""A GPU that is not there: tensors on it compute on the CPU, but do not mix with the CPU's."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing
from torch.utils._pytree import tree_flatten, tree_map_only

PRETENDED = torch.device("meta")  # of all devices the one of which PyTorch expects nothing
CPU = torch.device("cpu")
aten = torch.ops.aten
COPIES = {aten._to_copy.default, aten.copy_.default}
# What a GPU's tensor is indexed with may be on the CPU.
INDEXED = {aten.index.Tensor, aten.index_put.default, aten.index_put_.default}


class OnGpu(Tensor):
    """A tensor that says that it is on the GPU; `held`, on the CPU, has its numbers."""

    held: Tensor

    @staticmethod
    def __new__(cls, held: Tensor) -> "OnGpu":
        made = Tensor._make_wrapper_subclass(
            cls,
            held.shape,
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            device=PRETENDED,
        )
        made.held = held
        return made

    def __repr__(self, **_: Any) -> str:
        return f"OnGpu({self.held})"

    def numpy(self, **_: Any) -> np.ndarray:
        raise TypeError(
            f"can't convert {PRETENDED} device type tensor to numpy: use Tensor.cpu() first"
        )

    def tolist(self) -> Any:
        return self.held.tolist()

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is aten.copy_.default and not isinstance(args[0], OnGpu):
            return args[0].copy_(args[1].held)
        if func not in COPIES:
            _same_device(func, args, kwargs)
        device = kwargs.get("device")
        held_args, held_kwargs = tree_map_only(OnGpu, lambda x: x.held, (args, kwargs))
        out = func(*held_args, **held_kwargs | ({"device": CPU} if device else {}))
        if device and torch.device(device) == CPU:
            return out
        return return_and_correct_aliasing(func, args, kwargs, tree_map_only(Tensor, OnGpu, out))


def _same_device(func: Any, args: Any, kwargs: Any) -> None:
    tensors = [value for value in tree_flatten((args, kwargs))[0] if isinstance(value, Tensor)]
    if func in INDEXED and isinstance(args[0], OnGpu):
        tensors = [args[0], *args[2:3]]
    strangers = [each for each in tensors if not isinstance(each, OnGpu) and each.dim()]
    if strangers:
        raise RuntimeError(
            f"Expected all tensors to be on the same device, but {func} got one of shape "
            f"{list(strangers[0].shape)} on the CPU."
        )


class _Factories(TorchDispatchMode):
    """Makes new tensors, and copies of the CPU's, on the GPU where that is asked for."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        device = kwargs.get("device")
        if device is None or torch.device(device) != PRETENDED or OnGpu in types:
            return func(*args, **kwargs)
        if kwargs.get("generator") is not None:
            raise RuntimeError(f"Expected a {PRETENDED} device type for generator but found 'cpu'")
        return OnGpu(func(*args, **kwargs | {"device": CPU}))


@contextmanager
def pretended_gpu() -> Iterator[torch.device]:
    """Inside, the device that this gives takes tensors and networks."""
    with pytest.MonkeyPatch.context() as patch:
        # A parameter cannot become one of another class: its module gets a new one.
        patch.setattr(torch.__future__, "_overwrite_module_params_on_conversion", True)
        optimizers = sys.modules[torch.optim.Optimizer.__module__]
        devices = ["cpu", PRETENDED.type]
        patch.setattr(optimizers, "_get_fused_kernels_supported_devices", lambda: devices)
        for name in ("tensor", "as_tensor"):  # these show no dispatch mode what they are given
            patch.setattr(torch, name, _by_way_of_the_cpu(getattr(torch, name)))
        with _Factories():
            yield PRETENDED


def _by_way_of_the_cpu(make: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def made(data: Any, *, device: Any = None, **options: Any) -> Tensor:
        held = make(data, **options)
        return held if device is None else held.to(device)

    return made
