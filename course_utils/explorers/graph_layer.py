"""One layer of a graph network by hand: messages, their sums, times the weights, ReLU."""

from typing import NamedTuple

import numpy as np
import torch

from course_utils.explorers.windows import require_same


class Layer(NamedTuple):
    """One layer of a graph network, by hand: relu(P X W).

    Attributes:
        matrix: P, float64 [N, N]; row i holds the weights with which node i receives.
        features: X, float64 [N, F].
        weight: W, float64 [F, K].
        messages: what each node (first axis) gets from each (second), float64 [N, N, F].
        sums: of the messages to each node, P X, float64 [N, F].
        products: the sums times W, float64 [N, K].
        outputs: the products, with 0 in place of what is below 0.
    """

    matrix: np.ndarray
    features: np.ndarray
    weight: np.ndarray
    messages: np.ndarray
    sums: np.ndarray
    products: np.ndarray
    outputs: np.ndarray

    def senders(self, node: int) -> list[int]:
        """The nodes that send to a node."""
        return np.flatnonzero(self.matrix[node]).tolist()


def passed(matrix: np.ndarray, features: np.ndarray, weight: np.ndarray) -> Layer:
    """Pass messages by hand, node by node, and compare with PyTorch's matrix product.

    Args:
        matrix: P, float64 [N, N].
        features: X, float64 [N, F].
        weight: W, float64 [F, K].

    Raises:
        ExplorerError: PyTorch has other numbers.
    """
    messages = matrix[:, :, None] * features  # [N, N, F]
    sums = messages.sum(axis=1)
    products = (sums[:, :, None] * weight).sum(axis=1)  # [N, F, K] -> [N, K]
    outputs = products.clip(min=0)
    p, x, w = (torch.from_numpy(part) for part in (matrix, features, weight))
    library = torch.relu(p @ x @ w).numpy()
    sizes = np.abs(matrix) @ np.abs(features) @ np.abs(weight)
    for by_hand, other, size in zip(outputs.flat, library.flat, sizes.flat, strict=True):
        require_same(float(by_hand), float(other), float(size), "relu(P @ X @ W)")
    return Layer(matrix, features, weight, messages, sums, products, outputs)
