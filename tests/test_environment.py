import random
import warnings

import numpy as np
import pytest
import torch

from course_utils import environment
from course_utils.environment import bfloat16_is_fast, image_layout, pick_device, seed_everything


def test_device_exists():
    assert torch.ones(2, device=pick_device()).sum() == 2


def test_device_that_cannot_compute_is_passed_over(monkeypatch):
    broken = torch.device("meta")  # its tensors have no numbers
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda **_: broken)
    environment._computes.cache_clear()
    with pytest.warns(UserWarning, match=r"cannot compute on meta \(.+\), so the CPU is used\.$"):
        assert pick_device() == torch.device("cpu")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # said once
        assert pick_device() == torch.device("cpu")


def test_seeds_repeat_all_three_generators():
    def draw():
        seed_everything(3)
        return random.random(), np.random.rand(), torch.rand(1).item()

    assert draw() == draw()


def test_bfloat16_follows_the_processor(monkeypatch):
    cpu = torch.device("cpu")
    for supported in (True, False):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda s=supported: {"amx_bf16": s})
        assert bfloat16_is_fast(cpu) is supported
    monkeypatch.delattr(torch.cpu, "get_capabilities")
    assert bfloat16_is_fast(cpu) is False
    assert bfloat16_is_fast(torch.device("mps")) is False


def test_kernels_lie_as_their_device_computes_right():
    assert image_layout(torch.device("mps")) == torch.contiguous_format
    assert image_layout(torch.device("cuda")) == torch.channels_last
