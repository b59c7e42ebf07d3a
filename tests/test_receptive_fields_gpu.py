"""Receptive fields on GPUs, whose libraries have batch norms of their own."""

import pytest
import torch
from test_receptive_fields import HEIGHT, WIDTH, conv, field_of
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from course_utils.receptive_fields import _keeps_places


def test_batch_norm_on_a_gpu():
    with FakeTensorMode():  # PyTorch's operations for a GPU that need not be there
        layers = conv(3, device="cuda"), nn.BatchNorm2d(2, device="cuda"), conv(3, device="cuda")
        example = torch.rand(1, 2, HEIGHT, WIDTH, device="cuda")
        assert field_of(nn.Sequential(*layers).eval(), example).size == (5, 5)
        assert field_of(nn.Sequential(*layers).train(), example) is None


@pytest.mark.parametrize("name", ["native_batch_norm", "cudnn_batch_norm", "miopen_batch_norm"])
def test_batch_norm_by_any_library(name):
    operation = getattr(torch.ops.aten, name).default
    for training in (False, True):
        assert _keeps_places(operation, name, {"training": training}) is not training
