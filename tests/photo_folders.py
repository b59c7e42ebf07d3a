"""Folders of photographs, made for a test and read."""

from pathlib import Path

import numpy as np
from PIL import Image

from course_utils.folders import PictureFolder, read_folder

SIDE = 16


def noise(seed: int, height: int = SIDE, width: int = SIDE) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def save(
    path: Path, pixels: np.ndarray | Image.Image, format: str | None = None, **options
) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(path, format, **options)
    return path


def read(root: Path, side: int = SIDE) -> PictureFolder:
    return read_folder(root, side, description=None)


def pets(parent: Path) -> Path:
    """Two cats and two dogs; a file called z... comes after them."""
    for place, name in enumerate(["dogs/b.png", "cats/b.png", "dogs/a.png", "cats/a.png"]):
        save(parent / "pets" / name, noise(place))
    return parent / "pets"
