"""Tensors of any number format as arrays."""

import numpy as np
import torch

from course_utils.arrays import as_array


def test_a_tensor_that_is_conjugated_or_negated_when_read():
    numbers = torch.tensor([1 + 2j, 3 - 4j])
    assert as_array(numbers.conj()).tolist() == [1 - 2j, 3 + 4j]
    assert as_array(numbers.conj().imag).tolist() == [-2, 4]


def test_formats_that_numpy_lacks_and_gradients():
    half = torch.tensor([1.5, -2.0], dtype=torch.bfloat16, requires_grad=True)
    assert as_array(half).tolist() == [1.5, -2.0]
    assert as_array([1, 2]).dtype == np.array([1, 2]).dtype
