# /// script
# requires-python = ">=3.11,<3.14"
# dependencies = [
#     "filelock>=3.16",
#     "numpy==2.4.6",
#     "opencv-python-headless==5.0.0.93",
#     "pillow==13.0.0",
#     "pooch>=1.8",
#     "scikit-image==0.26.0",
#     "scikit-video==1.1.11",
#     "statsmodels==0.15.0",
#     "tqdm>=4.66",
# ]
# ///
"""Rebuild the data in this folder: `uv run data/make_data.py`.

Prints the size and sha256 of each. The same versions give the same bytes, except that another
build of zlib may compress differently.
"""

import csv
import gzip
import hashlib
import importlib.util
import shutil
import sys
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

DATA = Path(__file__).parent
LONGEST_SIDE = 512
CLIP_FRAMES = range(10, 58, 3)  # 0.12 s from one to the next
CLIP_SIZE = (160, 90)


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
    package = _installed("skimage") / "data"
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


def make_clip() -> Path:
    """Sixteen small gray frames of a film, in which the camera stands still."""
    video = cv2.VideoCapture(str(_installed("skvideo") / "datasets/data/bigbuckbunny.mp4"))
    frames = [video.read()[1] for _ in range(CLIP_FRAMES.stop)]
    small = [
        cv2.resize(
            cv2.cvtColor(frames[i], cv2.COLOR_BGR2GRAY), CLIP_SIZE, interpolation=cv2.INTER_AREA
        )
        for i in CLIP_FRAMES
    ]
    path = DATA / "bunny.npz"
    np.savez_compressed(path, frames=np.stack(small))
    return path


def make_co2() -> Path:
    """Monthly means of weekly measurements; weeks without one are filled in on a straight line."""
    with open(_installed("statsmodels") / "datasets/co2/co2.csv", newline="") as file:
        rows = [(row["date"], row["co2"]) for row in csv.DictReader(file) if row["co2"]]
    dates = np.array([f"{d[:4]}-{d[4:6]}-{d[6:]}" for d, _ in rows], dtype="datetime64[D]")
    days = np.arange(np.datetime64("1958-04-01"), np.datetime64("2002-01-01"))
    daily = np.interp(days.astype(float), dates.astype(float), [float(ppm) for _, ppm in rows])
    months, month_of_day = np.unique(days.astype("datetime64[M]"), return_inverse=True)
    means = np.bincount(month_of_day, daily) / np.bincount(month_of_day)
    path = DATA / "co2.csv"
    lines = [f"{month},{ppm:.2f}" for month, ppm in zip(months, means, strict=True)]
    path.write_text("\n".join(["month,ppm", *lines, ""]), "utf-8")
    return path


def _installed(package: str) -> Path:
    return Path(importlib.util.find_spec(package).origin).parent


if __name__ == "__main__":
    for path in [make_subset(), *make_photographs(), make_clip(), make_co2()]:
        content = path.read_bytes()
        print(f"{hashlib.sha256(content).hexdigest()}  {len(content):>9,}  {path.name}")
