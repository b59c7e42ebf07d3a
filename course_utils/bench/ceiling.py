"""How fast this machine multiplies matrices, and how much a network needs for one image."""

import time

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from course_utils.bench.fresh import Result
from course_utils.environment import pick_device, synchronize

FORMATS = ("float32", "bfloat16")
SIZE, REPEATS = 2048, 8


def measure_ceiling(size: int = SIZE) -> Result:
    """GFLOP/s of the best of several products of two square matrices, by number format."""
    return {name: _product_rate(size, getattr(torch, name)) / 1e9 for name in FORMATS}


def _product_rate(size: int, dtype: torch.dtype) -> float:
    device = pick_device()
    a, b = torch.randn(2, size, size, device=device).to(dtype)
    seconds = []
    for _ in range(1 + REPEATS):
        start = time.perf_counter()
        a @ b
        synchronize(device)
        seconds.append(time.perf_counter() - start)
    return 2 * size**3 / min(seconds[1:])  # the first one warms up


def flops_per_image(model: nn.Module) -> float:
    """Floating-point operations to learn from one image, of all products forward and backward."""
    images: Tensor = torch.zeros(2, 1, 28, 28)  # batch norm needs two
    with FlopCounterMode(display=False) as counter:
        model(images).sum().backward()
    return counter.get_total_flops() / len(images)
