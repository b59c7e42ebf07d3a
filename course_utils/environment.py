"""The machine a notebook runs on: device, number formats, seeds."""

import random
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import numpy as np
import torch


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
def random_state(seed: int, device: torch.device) -> Iterator[None]:
    """Random numbers from `seed` inside, and outside as if nothing had been drawn."""
    on_cpu = device.type == "cpu"
    devices = [] if on_cpu else [torch.accelerator.current_device_index()]
    with torch.random.fork_rng(devices, device_type="cuda" if on_cpu else device.type):
        torch.manual_seed(seed)
        yield


def synchronize(device: torch.device) -> None:
    """Wait until `device` has finished, so that a clock read next is true."""
    if device.type != "cpu":
        torch.accelerator.synchronize(device)
