# /// script
# requires-python = ">=3.11,<3.14"
# dependencies = ["numpy==2.4.6", "pillow==13.0.0"]
# ///
"""Rebuild the drawings of emoji in this folder: `uv run data/make_emoji.py`.

Needs `npm`, which fetches the two packages that the drawings come from. Prints the size and
sha256 of each file. Another build of libwebp may compress differently: the pixels are the same.
"""

import csv
import hashlib
import json
import subprocess
import tarfile
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

DATA = Path(__file__).parent
PACKAGES = {"noto": "emoji-datasource-google@16.0.0", "twemoji": "emoji-datasource-twitter@16.0.0"}
IMAGES = {"noto": "package/img/google/64", "twemoji": "package/img/twitter/64"}
SUBCATEGORIES = {
    "animal": ["amphibian", "bird", "bug", "mammal", "marine", "reptile"],
    "face": [
        *("affection", "concerned", "glasses", "hand", "hat", "negative", "neutral-skeptical"),
        *("sleepy", "smiling", "tongue", "unwell"),
    ],
    "food": ["asian", "fruit", "prepared", "sweet", "vegetable"],
    "plant": ["flower", "other"],
    "transport": ["air", "ground", "water"],
}
CLASSES = {f"{name}-{part}": name for name, parts in SUBCATEGORIES.items() for part in parts}
CLASSES |= {"drink": "food", "clothing": "clothing"}
CLASSES |= {"sport": "play", "musical-instrument": "play"}
CLASSES |= {"place-building": "building", "place-religious": "building"}
SIDE = 64
COLUMNS = 24


def fetch(package: str, folder: Path) -> Path:
    """Download an npm package and unpack it below `folder`."""
    packed = subprocess.run(
        ["npm", "pack", "--silent", package], cwd=folder, check=True, stdout=subprocess.PIPE
    )
    archive = folder / packed.stdout.decode().split()[-1]
    with tarfile.open(archive) as tar:
        tar.extractall(folder / archive.stem, filter="data")
    return folder / archive.stem


def on_white(path: Path) -> np.ndarray:
    """A drawing as uint8 RGB [64, 64, 3]: its transparent background becomes white."""
    with Image.open(path) as image:
        drawing = image.convert("RGBA")
    white = Image.new("RGBA", drawing.size, "white")
    pixels = np.array(Image.alpha_composite(white, drawing).convert("RGB"))
    assert pixels.shape == (SIDE, SIDE, 3), path
    return pixels


def mosaic(tiles: list[np.ndarray]) -> Image.Image:
    """Drawings row by row, 24 in a row; what is left of the last row is white."""
    rows = -(-len(tiles) // COLUMNS)
    sheet = np.full((rows, COLUMNS, SIDE, SIDE, 3), 255, np.uint8)
    for index, tile in enumerate(tiles):
        sheet[divmod(index, COLUMNS)] = tile
    # [rows, columns, y, x, 3] -> [rows, y, columns, x, 3]
    return Image.fromarray(sheet.swapaxes(1, 2).reshape(rows * SIDE, COLUMNS * SIDE, 3))


def make_emoji() -> list[Path]:
    """One mosaic for each artist, and a table with code point, name and class of each emoji."""
    with tempfile.TemporaryDirectory() as folder:
        folders = {artist: fetch(name, Path(folder)) for artist, name in PACKAGES.items()}
        listing = json.loads((folders["noto"] / "package/emoji.json").read_text("utf-8"))
        chosen = [
            emoji
            for emoji in sorted(listing, key=lambda emoji: emoji["sort_order"])
            if emoji["subcategory"] in CLASSES
            and emoji["has_img_google"]
            and emoji["has_img_twitter"]
        ]
        paths = [DATA / "emoji.csv"]
        with paths[0].open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["code_point", "name", "class"])
            for emoji in chosen:
                name = (emoji["name"] or emoji["short_name"]).lower()
                writer.writerow([emoji["unified"], name, CLASSES[emoji["subcategory"]]])
        for artist, root in folders.items():
            tiles = [on_white(root / IMAGES[artist] / emoji["image"]) for emoji in chosen]
            paths.append(DATA / f"emoji_{artist}.webp")
            mosaic(tiles).save(paths[-1], lossless=True, quality=100, method=6)
    return paths


if __name__ == "__main__":
    for path in make_emoji():
        content = path.read_bytes()
        print(f"{hashlib.sha256(content).hexdigest()}  {len(content):>9,}  {path.name}")
