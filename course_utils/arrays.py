"""Tensors as NumPy arrays."""

from typing import Any

import numpy as np
import torch


def as_array(values: Any) -> np.ndarray:
    """An array, a list or a tensor of any device and number format as a NumPy array."""
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu()
        # NumPy has no bfloat16.
        return (values.float() if values.dtype == torch.bfloat16 else values).numpy()
    return np.asarray(values)
