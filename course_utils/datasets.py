"""The data that a learner asks for by name: Fashion-MNIST, emoji, photographs, a clip, a signal."""

import csv
import functools
import gzip
import struct
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image

from course_utils.sources import DataUnavailable, fetch, folders, shipped

CLASSES = (
    "T-shirt",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
SAMPLE_IMAGES = ("astronaut", "cat", "coffee", "rocket")
ARTISTS = ("noto", "twemoji")


class SmallSubsetWarning(UserWarning):
    """The full dataset is not available, and a small part of it stands in."""


# Python shows a warning once per line of code; a cell that runs again must show this one again.
warnings.simplefilter("always", SmallSubsetWarning, append=True)


class Split(NamedTuple):
    """Images with their labels.

    Attributes:
        images: uint8 [N, 1, 28, 28], 0 is background and 255 is brightest.
        labels: int64 [N], an index into the dataset's `classes`.
    """

    images: torch.Tensor
    labels: torch.Tensor


@dataclass(frozen=True)
class FashionMNIST:
    """Fashion-MNIST: photographs of clothes in ten classes (Xiao, Rasul and Vollgraf, 2017).

    Attributes:
        train: 60,000 images to learn from (2,000 in the small subset).
        test: 10,000 images to report the final accuracy on, once (1,000 in the small subset).
        classes: name of each label.
        is_subset: whether this is the small subset that ships with the course.
        source: the folder that the files were read from.
    """

    train: Split
    test: Split
    classes: tuple[str, ...]
    is_subset: bool
    source: str

    def tuning_splits(self) -> tuple[Split, Split]:
        """The training images in two parts: the larger to learn from, the other to choose on.

        Returns:
            All but the last twelfth of `train`, and that last twelfth (5,000 images).
        """
        kept = len(self.train.labels) - len(self.train.labels) // 12
        first = Split(self.train.images[:kept], self.train.labels[:kept])
        last = Split(self.train.images[kept:], self.train.labels[kept:])
        return first, last


def fashion_mnist(allow_subset: bool = True) -> FashionMNIST:
    """Load Fashion-MNIST, downloading it on the first use if this machine does not have it.

    The tensors are shared by all callers in a process: clone them before changing them in place.

    Args:
        allow_subset: if the data cannot be had, warn and return the small subset that ships with
            the course.

    Raises:
        DataUnavailable: the data cannot be had and `allow_subset` is False.

    Source: the four files that Zalando Research published (MIT license).
    """
    try:
        return _full()
    except DataUnavailable as error:
        if not allow_subset:
            raise
        message = (
            "This is the SMALL SUBSET of Fashion-MNIST: 2,000 training and 1,000 test images "
            "instead of 60,000 and 10,000. Expect lower accuracies than the course states.\n"
        )
        warnings.warn(f"{message}{error}", SmallSubsetWarning, stacklevel=2)
        return _subset()


@functools.cache
def _full() -> FashionMNIST:
    found = fetch("fashion-mnist")

    def split(prefix: str, count: int) -> Split:
        images = _read_idx(found[f"{prefix}-images-idx3-ubyte.gz"], (count, 28, 28))
        labels = _read_idx(found[f"{prefix}-labels-idx1-ubyte.gz"], (count,))
        return _as_split(images, labels)

    return FashionMNIST(
        train=split("train", 60_000),
        test=split("t10k", 10_000),
        classes=CLASSES,
        is_subset=False,
        source=folders(found),
    )


def _subset() -> FashionMNIST:
    path = shipped("fashion_mnist_subset.npz")
    with np.load(path, allow_pickle=False) as arrays:
        train = _as_split(arrays["train_images"], arrays["train_labels"])
        test = _as_split(arrays["test_images"], arrays["test_labels"])
    return FashionMNIST(train, test, CLASSES, is_subset=True, source=str(path.parent))


def _as_split(images: np.ndarray, labels: np.ndarray) -> Split:
    return Split(
        images=torch.tensor(images).unsqueeze(1),  # [N, 28, 28] -> [N, 1, 28, 28], copied
        labels=torch.tensor(labels, dtype=torch.int64),
    )


def _read_idx(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """Read a gzipped IDX file of bytes: two zero bytes, type 8, number of dimensions, sizes."""
    content = gzip.decompress(path.read_bytes())
    header = struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape)
    if not content.startswith(header) or len(content) != len(header) + np.prod(shape):
        raise DataUnavailable(f"{path} is not an IDX file of shape {shape}.")
    return np.frombuffer(content, np.uint8, offset=len(header)).reshape(shape)


@dataclass(frozen=True)
class Emoji:
    """584 emoji in eight classes, each as two artists drew it.

    Attributes:
        drawings: for each artist, "noto" and "twemoji", uint8 RGB [584, 3, 64, 64], on white. An
            emoji has the same index in both.
        labels: int64 [584], an index into `classes`.
        names: of each emoji, as Unicode gives it.
        classes: name of each label.
    """

    drawings: dict[str, torch.Tensor]
    labels: torch.Tensor
    names: tuple[str, ...]
    classes: tuple[str, ...]

    def split(self, seed: int, per_class: int | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        """Indices of emoji to learn from and to test on, drawn by lot from each class.

        The split is by emoji: what is held out is held out in both drawings, and whatever
        `per_class` is, the same emoji are.

        Args:
            seed: of the lot.
            per_class: at most how many of each class to learn from; by default all that are not
                held out.

        Returns:
            int64 [n] and int64 [235], two fifths of each class; each sorted by class.

        Raises:
            ValueError: `per_class` is less than 1.
        """
        if per_class is not None and per_class < 1:
            raise ValueError(f"per_class must be at least 1, not {per_class}.")
        generator = torch.Generator().manual_seed(seed)
        train, test = [], []
        for label in range(len(self.classes)):
            members = (self.labels == label).nonzero().squeeze(1)
            members = members[torch.randperm(len(members), generator=generator)]
            held_out = round(0.4 * len(members))
            train.append(members[held_out:][:per_class])
            test.append(members[:held_out])
        return torch.cat(train), torch.cat(test)


def emoji() -> Emoji:
    """Load the emoji that ship with the course.

    Raises:
        DataUnavailable: a file is missing or damaged.

    Source: Noto Emoji (Google) and Twemoji (Twitter and others); see `data/README.md`.
    """
    with open(shipped("emoji.csv"), newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    classes = tuple(sorted({row["class"] for row in rows}))
    labels = torch.tensor([classes.index(row["class"]) for row in rows])
    drawings = {artist: _tiles(shipped(f"emoji_{artist}.webp"), len(rows)) for artist in ARTISTS}
    return Emoji(drawings, labels, tuple(row["name"] for row in rows), classes)


def _tiles(path: Path, count: int) -> torch.Tensor:
    """The first `count` pictures of a mosaic of 64 x 64 pixels, row by row."""
    with Image.open(path) as image:
        mosaic = torch.from_numpy(np.array(image.convert("RGB")))  # [rows * 64, columns * 64, 3]
    tiles = mosaic.unfold(0, 64, 64).unfold(1, 64, 64)  # [rows, columns, 3, 64, 64]
    return tiles.flatten(0, 1)[:count].contiguous()


def sample_image(name: str) -> np.ndarray:
    """A photograph to try things on.

    Args:
        name: "astronaut", "cat", "coffee" or "rocket".

    Returns:
        uint8 [H, W, 3], RGB, at most 512 pixels wide and high.

    Raises:
        ValueError: there is no photograph of that name.
        DataUnavailable: its file is missing or damaged.

    Source: see `data/README.md`.
    """
    if name not in SAMPLE_IMAGES:
        known = ", ".join(SAMPLE_IMAGES)
        raise ValueError(f"There is no sample image {name!r}; choose one of {known}.")
    with Image.open(shipped(f"{name}.png")) as image:
        return np.array(image.convert("RGB"))


def sample_clip() -> np.ndarray:
    """Less than two seconds of a film: the camera stands still, a rabbit gets up.

    Returns:
        uint8 [16, 90, 160]: frames 0.12 seconds apart, rows, columns; 0 is black, 255 white.

    Raises:
        DataUnavailable: its file is missing or damaged.

    Source: Big Buck Bunny, (c) 2008 Blender Foundation, CC BY 3.0; see `data/README.md`.
    """
    with np.load(shipped("bunny.npz"), allow_pickle=False) as arrays:
        return arrays["frames"]


class Series(NamedTuple):
    """A measurement month by month.

    Attributes:
        months: datetime64[M] [N], one after the other without a gap.
        values: float32 [N].
    """

    months: np.ndarray
    values: torch.Tensor


def co2() -> Series:
    """Carbon dioxide in the air over Mauna Loa, Hawaii, from April 1958 to December 2001.

    Returns:
        Monthly means in parts per million.

    Raises:
        DataUnavailable: its file is missing or damaged.

    Source: Keeling and Whorf (2004); see `data/README.md`.
    """
    with open(shipped("co2.csv"), newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    months = np.array([row["month"] for row in rows], dtype="datetime64[M]")
    return Series(months, torch.tensor([float(row["ppm"]) for row in rows]))
