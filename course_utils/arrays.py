"""Tensors as NumPy arrays."""

from typing import Any

import numpy as np
import torch


def as_array(values: Any) -> np.ndarray:
    """Numbers, an array or a dense tensor of any device and number format as a NumPy array."""
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu().resolve_conj().resolve_neg()
        try:
            return values.numpy()
        except TypeError:  # NumPy has no bfloat16
            return values.float().numpy()
    return np.asarray(values)
