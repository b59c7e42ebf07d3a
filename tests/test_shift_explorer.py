"""The explorer of shifts, driven without a browser."""

import numpy as np
import pytest
import torch
from explorer_driver import drive
from torch import nn

from course_utils.datasets import CLASSES
from course_utils.explorers.shifts import LARGEST_SHIFT, ShiftExplorer
from course_utils.training import to_float
from course_utils.transforms import shift_and_turn


@pytest.mark.parametrize(("dx", "dy"), [(3, 0), (0, -2), (-8, 8), (0, 0), (40, 1)])
def test_a_shift_alone_is_exact(dx: int, dy: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (28, 28), dtype=np.uint8)
    expected = np.zeros_like(image)
    for y in range(28):
        for x in range(28):
            if 0 <= y - dy < 28 and 0 <= x - dx < 28:
                expected[y, x] = image[y - dy, x - dx]
    np.testing.assert_array_equal(shift_and_turn(image, dx, dy, 0), expected)


@pytest.mark.parametrize(("degrees", "quarters"), [(90, -1), (-90, 1)])
def test_a_quarter_turn_is_exact_and_positive_is_clockwise(degrees: int, quarters: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (28, 28), dtype=np.uint8)
    np.testing.assert_array_equal(shift_and_turn(image, 0, 0, degrees), np.rot90(image, quarters))


class Says(nn.Module):
    """Answers with the logits that it was last told."""

    def __init__(self, logits: torch.Tensor) -> None:
        super().__init__()
        self.logits = logits

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.logits


class Brightest(nn.Module):
    """Says the class whose column pair holds the most light; notes how it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))
        self.frozen = nn.BatchNorm2d(1).eval()
        self.asked: list[tuple] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.asked.append((self.training, torch.is_inference_mode_enabled(), x.device.type))
        assert x.dtype == torch.float32
        assert x.shape == (1, 1, 28, 28)
        return self.scale * x.cpu().mean(dim=(1, 2))[:, :20].reshape(1, 10, 2).sum(2)


@pytest.fixture
def stripes() -> tuple[torch.Tensor, torch.Tensor]:
    """Ten pictures; the k-th is bright in columns 2k and 2k + 1."""
    images = torch.zeros(10, 1, 28, 28, dtype=torch.uint8)
    for k in range(10):
        images[k, :, :, 2 * k : 2 * k + 2] = 255
    return images, torch.arange(10)


def test_shifts_everywhere(stripes: tuple) -> None:
    explorer = ShiftExplorer({"DNN": Brightest(), "CNN": Brightest()}, *stripes, CLASSES)
    assert drive(explorer) == 4 * 2


def test_networks_answer_live_in_evaluation_mode(stripes: tuple) -> None:
    network = Brightest().train()
    network.frozen.eval()
    explorer = ShiftExplorer(
        {"DNN": network, "CNN": Says(torch.eye(10)[:1] * 50)}, *stripes, CLASSES, prepare=to_float
    )
    explorer.choose(picture=2, dx=2, dy=0)
    assert explorer.status == (
        "Moved 2 px right and 0 px down, turned 0° clockwise: DNN says Pullover (45%), "
        "CNN says T-shirt (100%). True class: Trouser."
    )
    assert set(network.asked) == {(False, True, "cpu")}
    assert network.training
    assert not network.frozen.training
    assert all(parameter.grad is None for parameter in network.parameters())
    explorer.controls["dx"].value = -LARGEST_SHIFT
    assert explorer.status.startswith("Moved 8 px left and 0 px down")
    with torch.no_grad():
        network.scale.fill_(-1)  # as if trained further
    explorer.choose(dx=2)
    assert "DNN says Pullover" not in explorer.status


def test_a_network_is_asked_on_its_own_device(stripes: tuple) -> None:
    class Elsewhere(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(1, device="meta"))
            self.seen: set[str] = set()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.seen.add(x.device.type)
            return torch.zeros(1, 10)

    network = Elsewhere()
    explorer = ShiftExplorer({"CNN": network}, *stripes, CLASSES)
    assert explorer.error is None
    assert network.seen == {"meta"}


def test_a_network_that_fails_does_not_stop_the_explorer(stripes: tuple) -> None:
    network = Says(torch.zeros(1, 10))
    explorer = ShiftExplorer({"CNN": network}, *stripes, CLASSES)
    assert explorer.error is None
    dx = explorer.controls["dx"]
    network.logits = torch.zeros(1, 3)
    dx.value = 1
    assert explorer.error == "CNN answered with the shape [1, 3], not one row of 10 logits."
    network.logits = torch.full((1, 10), torch.nan)
    dx.value = 2
    assert explorer.error == "CNN answered with NaN or infinity: was its training stable?"
    network.logits = None
    dx.value = 3
    assert explorer.error.startswith("Something went wrong inside the explorer (TypeError: ")
    network.logits = torch.zeros(1, 10)
    dx.value = 4
    assert explorer.error is None


def test_shifts_refuse_bad_input(stripes: tuple) -> None:
    images, labels = stripes
    good = {"networks": {"CNN": Brightest()}, "images": images, "labels": labels}
    cases = {
        "1 to 5 networks": {"networks": {}},
        "CNN is no network": {"networks": {"CNN": torch.zeros(3)}},
        "images must be uint8": {"images": images / 255},
        "images is empty": {"images": images[:0], "labels": labels[:0]},
        "labels must be integers": {"labels": labels[:4]},
        "one for each image, not float": {"labels": labels.float()},
    }
    for words, changes in cases.items():
        with pytest.raises(ValueError, match=words):
            ShiftExplorer(**(good | changes), classes=CLASSES)
