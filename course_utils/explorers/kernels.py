"""Kernels as text: what a learner types, what it means, and a few that everybody knows."""

from collections.abc import Iterable

import numpy as np

from course_utils.explorers.base import ExplorerError
from course_utils.explorers.drawing import number

OWN = "your own"
LARGEST_SIDE = 7
LARGEST_WEIGHT = 1000
LONGEST_FRACTION = 7  # characters

# Row by row, as a learner would type them. PyTorch does not flip a kernel: its left column weighs
# the pixels to the left.
PRESETS = {
    "identity": "0 0 0\n0 1 0\n0 0 0",
    "move down": "0 1 0\n0 0 0\n0 0 0",
    "box blur 3 × 3": "\n".join(["1/9 1/9 1/9"] * 3),
    "Gaussian blur 5 × 5": (
        "1/256 4/256 6/256 4/256 1/256\n"
        "4/256 16/256 24/256 16/256 4/256\n"
        "6/256 24/256 36/256 24/256 6/256\n"
        "4/256 16/256 24/256 16/256 4/256\n"
        "1/256 4/256 6/256 4/256 1/256"
    ),
    "sharpen": "0 -1 0\n-1 5 -1\n0 -1 0",
    "Sobel, vertical edges": "-1 0 1\n-2 0 2\n-1 0 1",
    "Sobel, horizontal edges": "-1 -2 -1\n0 0 0\n1 2 1",
    "Laplacian": "0 1 0\n1 -4 1\n0 1 0",
    "box blur 7 × 7": "\n".join([" ".join(["1/49"] * 7)] * 7),
    "difference 1 × 3": "-1 0 1",
    "negative 1 × 1": "-1",
}


def read_kernel(text: str) -> np.ndarray:
    """The kernel that a text describes, float64 [kh, kw], both odd and at most 7.

    Rows end with a new line or `;`; numbers are separated by spaces or commas and may be fractions.

    Raises:
        ExplorerError: the text is something else; the sentence says what to write.
    """
    rows = _words(text)
    if not rows:
        raise ExplorerError("The kernel is empty: write rows of numbers, for example 0 1 0.")
    lengths = {len(row) for row in rows}
    if max(len(rows), *lengths) > LARGEST_SIDE:
        raise ExplorerError(
            f"The kernel has more than {LARGEST_SIDE} rows or columns: "
            f"make it at most {LARGEST_SIDE} × {LARGEST_SIDE}."
        )
    weights = [[_weight(word) for word in row] for row in rows]
    if len(lengths) > 1:
        raise ExplorerError(
            f"The kernel's rows hold {_listed(len(row) for row in rows)} numbers: give every row "
            "as many, with a point for decimals (0.5)."
        )
    kernel = np.array(weights)
    if kernel.shape[0] % 2 == 0 or kernel.shape[1] % 2 == 0:
        odd = " × ".join(str(side + 1 - side % 2) for side in kernel.shape)
        raise ExplorerError(
            f"A kernel of {kernel.shape[0]} × {kernel.shape[1]} has no middle pixel, so its result "
            "sits half a pixel off. PyTorch takes it; this explorer shows odd sizes: "
            f"make it, for example, {odd}."
        )
    return kernel


def kernel_labels(text: str) -> list[list[str]]:
    """The numbers of a readable kernel, row by row, as short texts; fractions stay fractions."""
    return [
        [
            word.replace("-", "−")
            if "/" in word and len(word) <= LONGEST_FRACTION
            else number(weight)
            for word, weight in zip(*row, strict=True)
        ]
        for row in zip(_words(text), read_kernel(text), strict=True)
    ]


def preset_of(text: str) -> str:
    """The name of the preset that a text equals as a kernel, or "your own"."""
    try:
        kernel = read_kernel(text)
    except ExplorerError:
        return OWN
    return next((name for name, k in _PRESET_KERNELS.items() if np.array_equal(k, kernel)), OWN)


def _words(text: str) -> list[list[str]]:
    lines = [line.replace(",", " ").split() for line in text.replace(";", "\n").splitlines()]
    return [line for line in lines if line]


def _weight(word: str) -> float:
    above, slash, below = word.replace("−", "-").partition("/")
    try:
        weight = float(above) / (float(below) if slash else 1)
    except (ValueError, ZeroDivisionError):
        weight = np.nan
    if np.isnan(weight):
        shown = word if len(word) <= 12 else word[:11] + "…"
        raise ExplorerError(
            f"{shown!r} in the kernel is no number: write numbers such as 2, -0.5 or 1/9, "
            "with spaces between them."
        )
    if abs(weight) > LARGEST_WEIGHT:
        raise ExplorerError(
            f"The kernel's numbers may lie between -{LARGEST_WEIGHT} and {LARGEST_WEIGHT}: "
            "choose smaller ones."
        )
    return weight


def _listed(numbers: Iterable[int]) -> str:
    *first, last = map(str, numbers)
    return f"{', '.join(first)} and {last}"


_PRESET_KERNELS = {name: read_kernel(text) for name, text in PRESETS.items()}
