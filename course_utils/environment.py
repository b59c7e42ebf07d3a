"""The machine a notebook runs on: device, number formats, seeds."""

import random

import numpy as np
import torch


def pick_device() -> torch.device:
    """The fastest device of this machine: an accelerator (CUDA, MPS, XPU) if any, else the CPU."""
    return torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")


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


def synchronize(device: torch.device) -> None:
    """Wait until `device` has finished, so that a clock read next is true."""
    if device.type != "cpu":
        torch.accelerator.synchronize(device)
