"""Exercise 1 of chapter 4: what the feature maps of an untrained network say, and what not."""

from typing import Any

import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from torch import Tensor

from course_utils.checks.base import checker
from course_utils.checks.choices import ChoiceExercise
from course_utils.datasets import sample_image
from course_utils.environment import kept_random_state
from course_utils.figures import image_grid
from course_utils.pretrained import efficientnet_lite0

SIZE = 112  # pixels: each map has half of them
SHOWN = 8  # kernels of each row
TRAINED = "B"
SEEDS = {"A": 1, "C": 2}  # of the untrained rows


def kernels_by_row(trained: Tensor) -> dict[str, Tensor]:
    """The kernels of three first layers by letter: the trained ones, and two untrained layers'.

    The untrained ones are drawn from a normal distribution with the trained ones' deviation.

    Args:
        trained: float [channels, 3, 3, 3].
    """
    rows = {TRAINED: trained}
    for letter, seed in SEEDS.items():
        generator = torch.Generator().manual_seed(seed)
        rows[letter] = trained.std() * torch.randn(trained.shape, generator=generator)
    return dict(sorted(rows.items()))


def draw_rows() -> Figure:
    """The exercise's picture: of each row some kernels, and below them their maps of a cat.

    Row B is the first layer of EfficientNet-Lite0. Each row shows the kernels whose maps vary
    most; each kernel and each map is drawn from its smallest number to its largest.

    Raises:
        DataUnavailable: the weights of EfficientNet-Lite0 or the picture are missing.
    """
    with kept_random_state():  # a new network's first weights are random
        network, prepare, _ = efficientnet_lite0(SIZE)
    photo = torch.from_numpy(sample_image("cat")).permute(2, 0, 1)
    tiles, titles = [], []
    for letter, kernels in kernels_by_row(network.conv_stem.weight.detach()).items():
        maps = F.conv2d(prepare(photo[None]), kernels, stride=2, padding=1)[0]
        strongest = maps.std(dim=(1, 2)).argsort(descending=True)[:SHOWN]
        tiles += [*map(_scaled, kernels[strongest]), *maps[strongest].unsqueeze(1)]
        titles += [f"{letter}: kernel"] * SHOWN + [f"{letter}: map"] * SHOWN
    figure = image_grid(tiles, titles, columns=SHOWN, size=1.1)
    figure.set_label(
        f"Three first layers, A, B and C: {SHOWN} kernels of each, as squares of 3 × 3 colors, and "
        "below them their maps of a cat. Every map shows the cat."
    )
    return figure


def _scaled(kernel: Tensor) -> Tensor:
    low, high = kernel.aminmax()
    return (kernel - low) / (high - low)


CONFETTI = (
    "its kernels are confetti, in which no weight knows of its neighbors. That its maps show the "
    "cat is no knowledge: any kernel's maps do."
)
UNTRAINED = ChoiceExercise(
    name="untrained",
    right="AC",
    sentences={
        "A": f"row A is untrained: {CONFETTI}",
        "B": (
            "row B is the trained one: in its kernels neighboring weights belong together, in "
            "halves and bars, as finding an edge needs them. Compare the kernels, since the maps "
            "show the cat in all three rows."
        ),
        "C": f"row C is untrained: {CONFETTI}",
    },
)
ALLOWED = ChoiceExercise(
    name="allowed",
    right="24",
    sentences={
        "1": (
            "statement 1 reads knowledge into maps of a layer that has learned nothing. Its "
            "kernels are random numbers, and nearly any weighted difference of neighbors responds "
            "to an edge."
        ),
        "2": (
            "you leave out statement 2, and the untrained rows show it: there are edges in the "
            "maps of random kernels, so an edge in a map is no sign of learning."
        ),
        "3": (
            "statement 3 takes the picture's cat for the layer's: you recognize it in the map, the "
            "layer does not. It multiplies and adds the same way wherever it looks, and would show "
            "a sofa as clearly."
        ),
        "4": (
            "you leave out statement 4, which explains what you see: a cell of a map is computed "
            "from the pixels around its own place, so outlines survive whatever the kernel's "
            "numbers are."
        ),
        "5": (
            "statement 5 takes clearness for learning: a kernel that copies the picture gives the "
            "clearest map of all, and needs no training. Much of what trained kernels do is to "
            "leave out."
        ),
    },
)


@checker
def check_untrained(untrained: Any, allowed: Any) -> str:
    """Exercise 1: the untrained rows, and the statements that their maps allow."""
    rows, statements = UNTRAINED.read(untrained), ALLOWED.read(allowed)
    UNTRAINED.judge(rows)
    ALLOWED.judge(statements)
    return (
        "the cat is in all three rows, and only one of them has learned anything. "
        "What would a map have to show before you called it knowledge?"
    )
