"""Several processes train one network on one global batch, as one process alone would."""

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from course_utils.environment import pick_device

BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def world_size() -> int:
    """How many processes train together; 1 outside `process_group`."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """The number of this process among them, from 0."""
    return dist.get_rank() if world_size() > 1 else 0


@contextmanager
def process_group(device: torch.device | None = None) -> Iterator[None]:
    """Inside, the processes that torchrun started reach each other: over gloo on CPUs, over nccl
    on GPUs, one for each. Without torchrun nothing happens.

    Args:
        device: what they compute on; by default the fastest of this machine.

    Raises:
        ValueError: that device cannot be used by so many processes.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield
        return
    here = int(os.environ["LOCAL_RANK"])
    if (device is None or device.type != "cpu") and here < torch.accelerator.device_count():
        torch.accelerator.set_device_index(here)  # before pick_device tries the first one
    device = device or pick_device()
    _check(device)
    dist.init_process_group(dist.get_default_backend_for_device(device))
    try:
        yield
        # A process that leaves early, or with a network still alive, aborts the others.
        gc.collect()
        dist.barrier()
    finally:
        dist.destroy_process_group()


def _check(device: torch.device) -> None:
    if device.type == "cpu":
        return
    instead = "train on the CPU (--device cpu, or device=torch.device('cpu') in Python)."
    if device.type == "mps":  # gloo, which connects the processes there, takes no tensors of it
        raise ValueError(f"Several processes cannot share the GPU of a Mac: {instead}")
    processes = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    devices = torch.accelerator.device_count()
    if devices < processes:
        raise ValueError(
            f"{processes} processes need a GPU each, and this machine has {devices}: "
            f"start fewer, or {instead}"
        )


@contextmanager
def shared(model: nn.Module) -> Iterator[nn.Module]:
    """`model` as a network that all processes train together; alone, `model` itself.

    Gradients are averaged by PyTorch's DistributedDataParallel. Inside, batch norm takes its
    statistics from the global batch, and dropout draws one mask for it, so that several processes
    learn what one would. (`nn.SyncBatchNorm` does the first, on GPUs only.) Every process must
    have the same random state, and images `batch[rank()::world_size()]` of each global batch.

    Raises:
        ValueError: the model has no parameters to train (from DistributedDataParallel).
    """
    if world_size() == 1:
        yield model
        return
    forwards = {nn.Dropout: _dropout} | dict.fromkeys(BATCH_NORMS, _batch_norm)
    layers = [layer for layer in model.modules() if type(layer) in forwards]
    for layer in layers:
        layer.forward = partial(forwards[type(layer)], layer)
    try:
        yield DistributedDataParallel(model)
    finally:
        for layer in layers:
            del layer.forward  # the class's own is back


def total(tensor: Tensor) -> Tensor:
    """The sum of a tensor over all processes."""
    if world_size() > 1:
        dist.all_reduce(tensor)
    return tensor


def _global_size(share: Tensor) -> int:
    """How many images the shares of all processes have together."""
    return int(total(torch.tensor(len(share), device=share.device)))  # nccl: only from GPUs


def _dropout(layer: nn.Dropout, x: Tensor) -> Tensor:
    if not layer.training:
        return x
    images = _global_size(x)
    mask = nn.functional.dropout(x.new_ones(images, *x.shape[1:]), layer.p)
    return x * mask[rank() :: world_size()]


def _batch_norm(layer: nn.modules.batchnorm._BatchNorm, x: Tensor) -> Tensor:
    """Batch norm with the mean and variance of the global batch."""
    if not layer.training:
        return type(layer).forward(layer, x)
    dims = [0, *range(2, x.dim())]
    count = x.new_full((1,), x.numel() / x.shape[1], dtype=torch.float64)
    # In bfloat16 the squares would be rounded to 8 bits, and a variance of 0 could be negative.
    square = x.detach().float().square().sum(dims, dtype=torch.float64)
    sums = torch.cat([x.detach().sum(dims, dtype=torch.float64), square, count])
    mean, square, count = total(sums).split([x.shape[1], x.shape[1], 1])
    mean = mean / count
    variance = (square / count - mean**2).clamp(min=0)
    _track(layer, mean, variance * count / (count - 1))
    inverse = torch.rsqrt(variance + layer.eps)
    weight = layer.weight if layer.affine else torch.ones_like(mean)
    bias = layer.bias if layer.affine else torch.zeros_like(mean)
    return _Normalize.apply(x, weight, bias, mean, inverse, count)


class _Normalize(torch.autograd.Function):
    """(x - mean) * inverse * weight + bias, where mean and inverse come from the global batch.

    The gradient, from Ioffe and Szegedy (2015), needs two sums over that batch. Written out, it
    takes two passes over x where autograd would take a dozen.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, *statistics: Tensor) -> Tensor:
        mean, inverse, _ = statistics
        ctx.save_for_backward(x, weight, *statistics)
        return _affine(x, weight * inverse, bias - mean * weight * inverse)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, mean, inverse, count = ctx.saved_tensors
        dims = [0, *range(2, x.dim())]
        to_bias = gradient.sum(dims, dtype=torch.float64)
        products = (gradient.float() * x).sum(dims, dtype=torch.float64)  # not rounded either
        to_weight = (products - mean * to_bias) * inverse
        both = total(torch.cat([to_bias, to_weight])) / count
        mean_gradient, slope = both.split(len(mean))
        scale, slope = weight * inverse, slope * inverse
        to_x = _affine(gradient, scale, scale * (mean * slope - mean_gradient))
        to_x += _affine(x, -scale * slope, torch.zeros_like(scale))
        return to_x, to_weight.to(weight.dtype), to_bias.to(weight.dtype), None, None, None


def _affine(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """`x` [N, C, ...] times a number for each channel, plus another, in the format of `x`."""
    shape = [1, -1] + [1] * (x.dim() - 2)
    scale, shift = (numbers.to(torch.float32).view(shape) for numbers in (scale, shift))
    return (x * scale + shift).to(x.dtype)


def _track(layer: nn.modules.batchnorm._BatchNorm, mean: Tensor, variance: Tensor) -> None:
    if layer.track_running_stats:
        layer.num_batches_tracked += 1
        new = 1 / layer.num_batches_tracked if layer.momentum is None else layer.momentum
        layer.running_mean.lerp_(mean.to(layer.running_mean.dtype), new)
        layer.running_var.lerp_(variance.to(layer.running_var.dtype), new)
