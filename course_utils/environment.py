"""The machine a notebook runs on: device, number formats, seeds."""

import random
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import numpy as np
import torch
from torch import nn

CPU = torch.device("cpu")


def pick_device() -> torch.device:
    """The fastest device of this machine: an accelerator (CUDA, MPS, XPU) if any, else the CPU.

    An accelerator that cannot compute, say one older than PyTorch's programs, is passed over with
    a warning.
    """
    device = torch.accelerator.current_accelerator(check_available=True)
    return device if device is not None and _computes(device) else torch.device("cpu")


@cache
def _computes(device: torch.device) -> bool:
    """Whether `device` runs an operation; where it does not, a warning says so once."""
    try:
        return (torch.ones(2, device=device) + 1).sum().item() == 4
    except RuntimeError as error:
        reason = str(error).partition("\n")[0]
        warnings.warn(
            f"PyTorch cannot compute on {device} ({reason}), so the CPU is used.", stacklevel=3
        )
        return False


def device_of(network: nn.Module) -> torch.device:
    """Where the parameters of `network` are; the CPU if it has none."""
    return next(network.parameters(), torch.empty(0)).device


def bfloat16_is_fast(device: torch.device) -> bool:
    """Whether `device` multiplies bfloat16 matrices in hardware.

    Elsewhere bfloat16 is emulated, and slower than float32.
    """
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu":
        return False
    capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def seed_everything(seed: int) -> None:
    """Seed Python's, NumPy's and torch's random number generators (all devices)."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


@contextmanager
def random_state(seed: int, device: torch.device = CPU) -> Iterator[None]:
    """Random numbers from `seed` inside, and outside as if nothing had been drawn."""
    with kept_random_state(device):
        if device.type == "cpu":
            torch.default_generator.manual_seed(int(seed))  # torch.manual_seed would seed GPUs, too
        else:
            torch.manual_seed(seed)
        yield


@contextmanager
def kept_random_state(device: torch.device = CPU) -> Iterator[None]:
    """Outside it is as if no random number had been drawn inside, on the CPU or on `device`."""
    # Asked for "meta", which draws nothing, fork_rng would not even keep the CPU's state.
    draws = device.type not in ("cpu", "meta")
    devices = range(torch.accelerator.device_count()) if draws else []
    with torch.random.fork_rng(devices, device_type=device.type if draws else "cuda"):
        yield


def image_layout(device: torch.device) -> torch.memory_format:
    """How a network's kernels lie in memory where its convolutions are to be fast.

    Channels last; but not on Apple's GPUs, where PyTorch has computed gradients of batch norm wrong
    in it (its issue 175189).
    """
    return torch.contiguous_format if device.type == "mps" else torch.channels_last


def synchronize(device: torch.device) -> None:
    """Wait until `device` has finished, so that a clock read next is true."""
    if device.type != "cpu":
        torch.accelerator.synchronize(device)
