# /// script
# requires-python = ">=3.11,<3.14"
# dependencies = [
#     "filelock>=3.16",
#     "numpy==2.4.6",
#     "pillow==13.0.0",
#     "pooch>=1.8",
#     "scikit-image==0.26.0",
#     "tqdm>=4.66",
# ]
# ///
"""Rebuild every file in this folder: `uv run data/make_data.py`.

Prints the size and sha256 of each. The same versions give the same bytes, except that another
build of zlib may compress differently.
"""

import gzip
import hashlib
import importlib.util
import shutil
import sys
from pathlib import Path

import numpy as np
from PIL import Image

DATA = Path(__file__).parent
LONGEST_SIDE = 512


def make_subset() -> Path:
    """The first images of each class, in the order of the files, the classes taking turns."""
    sys.path.insert(0, str(DATA.parent))
    from course_utils.sources import fetch

    found = fetch("fashion-mnist")
    arrays = {}
    for part, prefix, per_class in (("train", "train", 200), ("test", "t10k", 100)):
        images = gzip.decompress(found[f"{prefix}-images-idx3-ubyte.gz"].read_bytes())[16:]
        labels = gzip.decompress(found[f"{prefix}-labels-idx1-ubyte.gz"].read_bytes())[8:]
        labels = np.frombuffer(labels, np.uint8)
        # [10, per_class], transposed: class 0, 1, ... 9, then 0 again, so every slice is balanced
        chosen = np.stack([np.flatnonzero(labels == c)[:per_class] for c in range(10)]).T.ravel()
        arrays[f"{part}_images"] = np.frombuffer(images, np.uint8).reshape(-1, 28, 28)[chosen]
        arrays[f"{part}_labels"] = labels[chosen]
    path = DATA / "fashion_mnist_subset.npz"
    np.savez_compressed(path, **arrays)
    return path


def make_photographs() -> list[Path]:
    """Copies of four photographs from scikit-image's wheel, made smaller where they are large."""
    package = Path(importlib.util.find_spec("skimage").origin).parent / "data"
    cat = DATA / "cat.png"
    shutil.copyfile(package / "chelsea.png", cat)
    paths = [cat]
    for original in ("astronaut.png", "coffee.png", "rocket.jpg"):
        with Image.open(package / original) as image:
            image.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
            path = DATA / f"{Path(original).stem}.png"
            image.save(path, optimize=True)
        paths.append(path)
    return paths


if __name__ == "__main__":
    for path in [make_subset(), *make_photographs()]:
        content = path.read_bytes()
        print(f"{hashlib.sha256(content).hexdigest()}  {len(content):>9,}  {path.name}")
