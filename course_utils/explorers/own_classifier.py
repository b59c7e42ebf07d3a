"""A classifier of a learner's own pictures, trained again whenever pictures are added."""

import numpy as np
import torch

from course_utils.classifier import FolderClassifier, picture_features, train_on_features
from course_utils.explorers.own_pictures import SIDE, Collection, trainable
from course_utils.pretrained import Backbone


class Learner:
    """Trains classifiers on the features of a frozen network, which it computes once a picture.

    Args:
        backbone: the network.
    """

    def __init__(self, backbone: Backbone) -> None:
        self._backbone = backbone
        self._features: dict[bytes, torch.Tensor] = {}  # key of a picture -> float [D]

    def train(
        self, collection: Collection, description: str | None = None
    ) -> FolderClassifier | None:
        """A classifier of the classes that have enough pictures; None of fewer than two.

        Args:
            collection: the pictures by class.
            description: what the progress bar says; None shows no bar.
        """
        names = trainable(collection)
        if len(names) < 2:
            return None
        pictures = [(picture, name) for name in names for picture in collection[name]]
        fresh = [picture for picture, _ in pictures if picture.key not in self._features]
        if fresh:
            squares = np.stack([picture.square for picture in fresh]).transpose(0, 3, 1, 2)
            images = torch.from_numpy(np.ascontiguousarray(squares))  # [n, 3, SIDE, SIDE]
            features = picture_features(self._backbone, images, description)
            for picture, row in zip(fresh, features, strict=True):
                self._features[picture.key] = row
        return train_on_features(
            torch.stack([self._features[picture.key] for picture, _ in pictures]),
            torch.tensor([names.index(name) for _, name in pictures]),
            names,
            backbone=self._backbone,
            size=SIDE,
            progress=False,
        )
