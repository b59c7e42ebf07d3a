"""Networks that come trained."""

import numpy as np
import torch

from course_utils.models import FashionCNN
from course_utils.sources import shipped


def fashion_cnn() -> FashionCNN:
    """Chapter 2's convolutional network, trained on Fashion-MNIST as that chapter does.

    Returns:
        The network on the CPU, in evaluation mode. Its input is what
        `course_utils.training.standardize` gives, float [N, 1, 28, 28]; its output, logits [N, 10].

    Raises:
        DataUnavailable: the file of its weights is missing or damaged.

    Source: `data/make_network.py` trained it and kept its weights in half precision.
    """
    network = FashionCNN()
    with np.load(shipped("fashion_cnn.npz"), allow_pickle=False) as weights:
        network.load_state_dict({name: torch.from_numpy(weights[name]) for name in weights})
    return network.eval()
