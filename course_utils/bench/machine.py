"""What a benchmark's numbers depend on: the machine, the versions, the threads, the data."""

import os
import platform
from pathlib import Path

import torch

from course_utils.environment import bfloat16_is_fast, pick_device
from course_utils.sources import DataUnavailable, where


def facts() -> str:
    """The machine and the versions, in three lines."""
    device = pick_device()
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    policy = os.environ.get("OMP_WAIT_POLICY", "not set")
    return "\n".join(
        [
            f"{_processor()}, {os.cpu_count()} cores{load}; {platform.system()}",
            f"Python {platform.python_version()}, torch {torch.__version__} on {device}, "
            f"bfloat16 {'fast' if bfloat16_is_fast(device) else 'slow'}",
            f"{torch.get_num_threads()} threads, OMP_WAIT_POLICY {policy}",
        ]
    )


def _processor() -> str:
    listing = Path("/proc/cpuinfo")  # of Linux; on ARM without a name
    lines = listing.read_text("utf-8").splitlines() if listing.exists() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(iter(named), "") or platform.processor() or platform.machine()


def need_fashion_mnist() -> None:
    """Make sure that no benchmark downloads, or runs on a part of the data.

    Raises:
        DataUnavailable: the whole of Fashion-MNIST is not on this machine.
    """
    if where("fashion-mnist") is None:
        raise DataUnavailable(
            "This needs the whole of Fashion-MNIST on this machine: run `course prefetch` first."
        )
