"""A classifier of a learner's own pictures, on features of a network trained on ImageNet."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from course_utils.cautions import cautions
from course_utils.folders import read_folder
from course_utils.intervals import Interval
from course_utils.pictures import central_square
from course_utils.pretrained import Backbone, efficientnet_lite0
from course_utils.progress import Progress
from course_utils.resampling import HELD_OUT, resampled_interval, stratified_splits
from course_utils.tables import Table
from course_utils.transfer import blocks, linear_head, run_blocks

SHOWN = 10  # files left out that a summary names


@dataclass(frozen=True, eq=False, repr=False)
class FolderClassifier:
    """A trained classifier, and how good it was on pictures that it had not learned from.

    In a notebook it shows itself as a summary.

    Attributes:
        classes: names of the classes.
        counts: pictures of each class.
        accuracy: share of held-out pictures that were classified correctly, mean over the splits,
            with the 95% interval of `resampled_interval`. It was measured on classifiers that
            learned from about 70% of the pictures; this one learned from all.
        accuracies: of each split.
        majority: share of the largest class: what always answering its name would achieve.
        confusion: int64 [true, predicted], held-out pictures summed over the splits, so that most
            pictures count several times.
        warnings: sentences on what to be careful about.
        skipped: a sentence for each file that was left out.
        backbone: the frozen network whose features are classified.
        head: the linear layer on top of it; its output is logits [N, classes].
        size: side in pixels to which `predict` brings a picture.
    """

    classes: tuple[str, ...]
    counts: tuple[int, ...]
    accuracy: Interval
    accuracies: tuple[float, ...]
    majority: float
    confusion: Tensor
    warnings: tuple[str, ...]
    skipped: tuple[str, ...]
    backbone: Backbone
    head: nn.Linear
    size: int

    def predict(self, picture: np.ndarray) -> dict[str, float]:
        """Probability of each class for the central square of one picture, the likeliest first.

        Args:
            picture: uint8 RGB [H, W, 3] or gray [H, W].

        Raises:
            PictureError: `picture` is something else.
        """
        square = torch.from_numpy(central_square(picture, self.size))
        image = square.expand(3, -1, -1) if square.dim() == 2 else square.permute(2, 0, 1)
        features = picture_features(self.backbone, image[None], description=None)
        with torch.inference_mode():
            shares = self.head(features)[0].softmax(dim=0).tolist()
        return dict(sorted(zip(self.classes, shares, strict=True), key=lambda pair: -pair[1]))

    def _rows(self) -> list[tuple[str, str]]:
        largest = self.classes[self.counts.index(max(self.counts))]
        return [
            ("this classifier, on pictures held out", self.accuracy.percent()),
            (f"always answering {largest}", f"{self.majority:.1%}"),
        ]

    def _size(self) -> str:
        each = ", ".join(f"{name} {n}" for name, n in zip(self.classes, self.counts, strict=True))
        return f"{sum(self.counts)} pictures in {len(self.classes)} classes: {each}"

    def _basis(self) -> str:
        return (
            f"Mean over {len(self.accuracies)} random splits with its 95% interval; in each, about "
            f"{HELD_OUT:.0%} of every class was held out, at least one picture. It speaks of "
            "pictures taken like these."
        )

    def _left_out(self) -> list[str]:
        more = len(self.skipped) - SHOWN
        return [*self.skipped[:SHOWN], *([f"and {more} more, in `skipped`."] if more > 0 else [])]

    def __repr__(self) -> str:
        table = Table(("", "accuracy"), self._rows())
        notes = [f"Careful: {sentence}" for sentence in self.warnings]
        left_out = [f"Left out: {sentence}" for sentence in self._left_out()]
        return "\n".join([self._size(), repr(table), self._basis(), *notes, *left_out])

    def _repr_markdown_(self) -> str:
        rows = [(_escape(name), value) for name, value in self._rows()]
        table = Table(("", "accuracy"), rows)._repr_markdown_()
        notes = [f"- **Careful:** {_escape(sentence)}" for sentence in self.warnings]
        left_out = [f"- Left out: {_escape(sentence)}" for sentence in self._left_out()]
        parts = [f"**{_escape(self._size())}**", table, self._basis(), "\n".join(notes + left_out)]
        return "\n\n".join(parts).rstrip()


def train_on_folder(
    path: str | os.PathLike[str],
    *,
    backbone: Backbone | None = None,
    size: int = 224,
    splits: int = 10,
    seed: int = 0,
    progress: bool = True,
) -> FolderClassifier:
    """Train a classifier of the pictures in a folder that has a sub-folder for each class.

    `course_utils.folders.read_folder` says which files count, `train_classifier` what is trained.

    Args:
        path: the folder.
        backbone, size, splits, seed, progress: as in `train_classifier`.

    Raises:
        FolderError: the folder, or one of its classes, has nothing to learn from.
        ValueError: a class has a single picture, there is one split, or `size` is less than 1.
        DataUnavailable: the network's weights are missing or damaged.
    """
    description = "reading pictures" if progress else None
    folder = read_folder(path, size, description=description)
    return train_classifier(
        folder.images,
        folder.labels,
        folder.classes,
        backbone=backbone,
        size=size,
        splits=splits,
        seed=seed,
        skipped=folder.skipped,
        progress=progress,
    )


def train_classifier(
    images: Tensor,
    labels: Tensor,
    classes: Sequence[str],
    *,
    backbone: Backbone | None = None,
    size: int = 224,
    splits: int = 10,
    seed: int = 0,
    skipped: Sequence[str] = (),
    progress: bool = True,
) -> FolderClassifier:
    """Train a linear classifier on the features of a frozen network, and measure its accuracy.

    The network computes the features of each picture once. Logistic regression on them is trained
    and tested on several random splits, each of which holds out 30% of every class (at least one
    picture, and never all); then it is trained once more, on all pictures.

    Args:
        images: uint8 RGB [N, 3, H, W].
        labels: int64 [N], an index into `classes`; at least two pictures of each.
        classes: names, at least two, all different.
        backbone: by default EfficientNet-Lite0 at `size` pixels. It is not changed.
        size: side in pixels to which pictures are brought.
        splits: how many, at least 2.
        seed: of the lot that draws the splits.
        skipped: sentences on files that were left out.
        progress: whether to show progress bars.

    Raises:
        ValueError: images, labels or classes of the wrong type, shape or number, or one split.
        DataUnavailable: the network's weights are missing or damaged.
    """
    _check(images, labels, classes)
    _require_splits(labels, classes, splits)
    backbone = efficientnet_lite0(size) if backbone is None else backbone
    return train_on_features(
        picture_features(backbone, images, "computing features" if progress else None),
        labels,
        classes,
        backbone=backbone,
        size=size,
        splits=splits,
        seed=seed,
        skipped=skipped,
        progress=progress,
    )


def train_on_features(
    features: Tensor,
    labels: Tensor,
    classes: Sequence[str],
    *,
    backbone: Backbone,
    size: int = 224,
    splits: int = 10,
    seed: int = 0,
    skipped: Sequence[str] = (),
    progress: bool = True,
) -> FolderClassifier:
    """What `train_classifier` does once the features are there, for who keeps them.

    Args:
        features: float [N, D], what `picture_features` gave for each picture.
        labels, classes, size, splits, seed, skipped, progress: as in `train_classifier`.
        backbone: the network that the features come from.

    Raises:
        ValueError: a label beyond the classes, fewer than two pictures of a class, or one split.
    """
    features, labels = features.cpu(), labels.cpu()
    _require_splits(labels, classes, splits)
    counts = labels.bincount(minlength=len(classes))
    masks = stratified_splits(labels, splits, seed)
    with Progress(splits, "testing" if progress else None, "splits") as bar:
        confusions = []
        for mask in masks:
            confusions.append(_confusion(features, labels, mask, len(classes)))
            bar.update()
    accuracies = [int(table.trace()) / int(table.sum()) for table in confusions]
    tested = int(masks[0].sum())
    distinct = int(torch.stack(masks).any(dim=0).sum())
    accuracy = resampled_interval(accuracies, len(labels) - tested, tested, distinct)
    majority = int(counts.max()) / len(labels)
    return FolderClassifier(
        classes=tuple(classes),
        counts=tuple(counts.tolist()),
        accuracy=accuracy,
        accuracies=tuple(accuracies),
        majority=majority,
        confusion=torch.stack(confusions).sum(dim=0),
        warnings=tuple(cautions(classes, counts.tolist(), accuracy, len(skipped))),
        skipped=tuple(skipped),
        backbone=backbone,
        head=linear_head(features, labels, len(classes)).requires_grad_(False),
        size=size,
    )


def picture_features(backbone: Backbone, images: Tensor, description: str | None = None) -> Tensor:
    """The features of pictures uint8 RGB [N, 3, H, W]: float [N, D] on the CPU.

    Args:
        backbone: the network that computes them.
        description: what the progress bar says; None shows no bar.
    """
    parts = blocks(backbone.network)
    return run_blocks(parts, images, backbone.prepare, batch_size=32, description=description)


def _confusion(features: Tensor, labels: Tensor, held_out: Tensor, classes: int) -> Tensor:
    """Counts [true, predicted] on the pictures held out, by a head trained on the others."""
    head = linear_head(features[~held_out], labels[~held_out], classes)
    with torch.inference_mode():
        predicted = head(features[held_out]).argmax(dim=1)
    pairs = labels[held_out] * classes + predicted
    return pairs.bincount(minlength=classes**2).reshape(classes, classes)


def _check(images: Tensor, labels: Tensor, classes: Sequence[str]) -> None:
    if images.dtype != torch.uint8 or images.dim() != 4 or images.shape[1] != 3:
        raise ValueError(
            f"images must be uint8 [N, 3, H, W], not {images.dtype} {list(images.shape)}."
        )
    if labels.dtype != torch.int64 or labels.shape != images.shape[:1]:
        raise ValueError(
            f"labels must be int64 [{len(images)}], one for each image, "
            f"not {labels.dtype} {list(labels.shape)}."
        )
    if len(set(classes)) < max(2, len(classes)):
        raise ValueError(f"classes must be at least two different names, not {list(classes)}.")


def _require_splits(labels: Tensor, classes: Sequence[str], splits: int) -> None:
    if splits < 2:
        raise ValueError(f"splits must be at least 2 to tell how far they differ, not {splits}.")
    if len(labels) and not 0 <= labels.min() <= labels.max() < len(classes):
        raise ValueError(f"labels must lie in 0..{len(classes) - 1}, one number for each class.")
    counts = labels.bincount(minlength=len(classes)).tolist()
    single = [name for name, count in zip(classes, counts, strict=True) if count < 2]
    if single:
        raise ValueError(
            f"There are fewer than two different pictures of {' and '.join(single)}: at least one "
            "is needed to learn from and one to test on, and 10 or more are better."
        )


def _escape(text: str) -> str:
    """Text that Markdown shows as it is, whatever a file is called."""
    return re.sub(r"([\\*_{}\[\]<>#|$~&!])", r"\\\1", " ".join(text.split()))
