"""Linear probes: how much of something a linear map can read off a layer (Alain and Bengio, 2016).

A probe is ridge regression. How much its weights are held down is chosen on the training pictures
alone, by leaving out one at a time.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

STRENGTHS = np.logspace(-7, 2, 19)  # of the penalty, as shares of the features' mean square


def shared_coordinates(features: Tensor, train: Tensor, test: Tensor) -> tuple[Tensor, Tensor]:
    """Features in as many coordinates as there are training pictures, which loses nothing.

    A ridge regression reads only what lies in the span of its training pictures, so a hundred
    thousand features can be replaced by some hundreds.

    Args:
        features: float [N, ...].
        train, test: indices into N.

    Returns:
        float64 [train, n] and [test, n] on the CPU, with 0 as the mean and 1 as the mean square
        length of the training pictures' rows; n is 0 where all of these are the same.
    """
    x = features.flatten(1)
    x = x - x[train].mean(dim=0)
    kernel, train, test = (x @ x[train].T).cpu().double(), train.cpu(), test.cpu()  # [N, train]
    values, vectors = torch.linalg.eigh(kernel[train])
    kept = values > values.max() * 1e-9
    coordinates = kernel @ vectors[:, kept] / values[kept].sqrt()
    coordinates /= coordinates[train].square().sum(dim=1).mean().sqrt()
    return coordinates[train], coordinates[test]


def explained_share(features: Tensor, targets: Tensor, train: Tensor, test: Tensor) -> float:
    """The share of the targets' variance that a linear map explains on the test pictures (R²).

    Args:
        features: float [N, ...].
        targets: float [N, ...].
        train, test: indices into N.

    Returns:
        1 where every test target is predicted exactly, 0 where the mean of the training targets
        would have done as well; below 0 where that would have done better.
    """
    y, train, test = targets.flatten(1).cpu().double(), train.cpu(), test.cpu()
    predicted = _ridge(features, y, train, test)
    wrong = (predicted - y[test]).square().sum()
    return 1 - (wrong / (y[train].mean(dim=0) - y[test]).square().sum()).item()


def probe_accuracy(features: Tensor, labels: Tensor, train: Tensor, test: Tensor) -> float:
    """The accuracy on the test pictures of a linear classifier, in 0..1.

    Where the features are the same for all pictures, it is that of always answering the class that
    is most frequent among the training pictures.

    Args:
        features: float [N, ...].
        labels: int64 [N].
        train, test: indices into N.
    """
    labels, train, test = labels.cpu(), train.cpu(), test.cpu()
    scores = _ridge(features, F.one_hot(labels).double(), train, test)
    return (scores.argmax(dim=1) == labels[test]).double().mean().item()


def _ridge(features: Tensor, targets: Tensor, train: Tensor, test: Tensor) -> Tensor:
    """Targets [test, D] as ridge regression predicts them from the features, all on the CPU."""
    from sklearn.linear_model import RidgeCV

    known, asked = shared_coordinates(features, train, test)
    if known.shape[1] == 0:  # all features are constant: there is nothing better than the mean
        return targets[train].mean(dim=0).expand(len(test), -1)
    # The rows have a mean square length of 1, so their sum of squares is their number.
    regression = RidgeCV(STRENGTHS * len(train)).fit(known.numpy(), targets[train].numpy())
    # With one target scikit-learn gives [test].
    return torch.from_numpy(regression.predict(asked.numpy())).view(len(test), -1)
