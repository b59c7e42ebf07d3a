"""The explorer of learning, driven without a browser."""

import numpy as np
import pytest
import torch
from explorer_driver import drive, shown

from course_utils.datasets import sample_image
from course_utils.explorers.learning import LearningExplorer

SOBEL = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])
KERNELS = torch.linspace(0, 1, 5)[:, None, None] * SOBEL
LOSSES = [12.0, 6.75, 3.0, 0.75, 0.0]


@pytest.fixture
def explorer() -> LearningExplorer:
    return LearningExplorer(KERNELS, LOSSES, sample_image("cat"))


def test_every_step_is_a_picture(explorer):
    assert drive(explorer) == 2


def test_the_status_says_the_step(explorer):
    explorer.choose(step=1)
    assert explorer.status == (
        "After 1 step the loss is 6.75, 56.2% of the first. "
        "Kernel: −0.25 0.00 0.25 / −0.50 0.00 0.50 / −0.25 0.00 0.25."
    )
    explorer.choose(step=4)
    assert explorer.status.startswith("After 4 steps the loss is 0, 0.0% of the first.")


def test_the_photograph_comes_up_as_the_kernel_grows(explorer):
    colored = []
    for step in range(5):
        explorer.choose(step=step)
        photograph = shown(explorer)[60:-20, 480:1120].astype(int)
        colored.append(np.ptp(photograph, axis=2).mean())
    assert colored[0] == 0
    assert colored == sorted(colored)
    assert colored[-1] > 10


def test_kernels_that_stay_zero_are_drawn():
    explorer = LearningExplorer(torch.zeros(2, 3, 3), [0.0, 0.0], sample_image("cat"))
    explorer.choose(step=1)
    assert explorer.error is None


@pytest.mark.parametrize(
    ("words", "changes"),
    [
        ("kernels must be finite", {"kernels": torch.zeros(5, 5, 5)}),
        ("kernels must be finite", {"kernels": KERNELS * torch.nan}),
        ("kernels must be finite", {"kernels": KERNELS[:0], "losses": []}),
        ("losses must be 5 finite", {"losses": LOSSES[:4]}),
        ("losses must be 5 finite", {"losses": [float("inf")] * 5}),
        ("kernels must be finite", {"kernels": 5}),
        ("kernels must be finite", {"kernels": [["a"]]}),
        ("losses must be 5 finite", {"losses": ["a"] * 5}),
        ("losses must be 5 finite", {"losses": [-1.0, *LOSSES[1:]]}),
        ("losses must be 5 finite", {"losses": 5}),
        ("picture", {"picture": "cat.png"}),
        ("at least 3 × 3 pixels, not 2 × 2", {"picture": np.zeros((2, 2), np.uint8)}),
        ("at least 3 × 3 pixels, not 1 × 170", {"picture": np.zeros((3, 900), np.uint8)}),
    ],
)
def test_bad_input_is_a_sentence(words, changes):
    good = {"kernels": KERNELS, "losses": LOSSES, "picture": sample_image("cat")}
    with pytest.raises(ValueError, match=words):
        LearningExplorer(**(good | changes))
