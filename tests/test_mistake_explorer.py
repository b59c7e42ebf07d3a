"""The explorer of mistakes, driven without a browser."""

import json

import numpy as np
import pytest
import torch
from explorer_driver import drive, shown

from course_utils.datasets import CLASSES
from course_utils.explorers.mistakes import PER_PAGE, MistakeExplorer


@pytest.fixture
def mistakes() -> dict:
    """Fifty pictures, five of each class; the DNN is right, the CNN takes shirts for T-shirts.

    It is the surer, the later the picture. One trouser is called a dress.
    """
    labels = np.arange(50) % 10
    right = np.full((50, 10), 0.01)
    right[np.arange(50), labels] = 0.91
    wrong = right.copy()
    for rank, index in enumerate(np.flatnonzero(labels == 6)):
        wrong[index] = 0
        wrong[index, [0, 6]] = 0.6 + rank / 20, 0.4 - rank / 20
    wrong[11] = np.eye(10)[3]
    images = np.arange(50, dtype=np.uint8)[:, None, None, None].repeat(28, 2).repeat(28, 3)
    return {
        "images": images,
        "labels": labels,
        "probabilities": {"DNN": right, "CNN": wrong},
        "classes": CLASSES,
    }


def test_mistakes_everywhere(mistakes: dict) -> None:
    assert drive(MistakeExplorer(**mistakes)) == 2 + 11 + 11 + 2


def test_mistakes_take_tensors(mistakes: dict) -> None:
    tensors = {
        "images": torch.from_numpy(mistakes["images"]),
        "labels": torch.from_numpy(mistakes["labels"]),
        "probabilities": {
            name: torch.from_numpy(p).bfloat16().requires_grad_()
            for name, p in mistakes["probabilities"].items()
        },
        "classes": CLASSES,
    }
    explorer = MistakeExplorer(**tensors)
    assert explorer.status == MistakeExplorer(**mistakes).status


def test_mistakes_are_counted_and_sorted(mistakes: dict) -> None:
    explorer = MistakeExplorer(**mistakes)
    assert explorer.status == (
        "CNN is wrong on 6 of 50 pictures, DNN on 0. Shown: 1 to 6, the most confident first."
    )
    explorer.choose(true="Shirt", predicted="T-shirt")
    assert explorer.status == (
        "CNN wrongly says T-shirt on 5 of 5 Shirt pictures, DNN on 0. "
        "Shown: 1 to 5, the most confident first."
    )
    assert explorer._mistakes("CNN", "Shirt", "T-shirt").tolist() == [46, 36, 26, 16, 6]
    # Picture 46 is drawn first: its gray value fills the first square.
    assert (explorer.render(**explorer.values)[100, 50] == 46).all()
    explorer.choose(true="any", predicted="Dress")
    assert explorer.status.startswith("CNN wrongly says Dress on 1 of 45 pictures, DNN on 0. Sh")
    assert "Shown: 1, the" in explorer.status


def test_no_mistakes_is_no_error(mistakes: dict) -> None:
    explorer = MistakeExplorer(**mistakes)
    some = explorer.picture_png
    explorer.choose(true="Trouser", predicted="Bag")
    assert explorer.error is None
    assert explorer.status == "CNN wrongly says Bag on none of 5 Trouser pictures, DNN on 0."
    assert explorer.picture_png != some
    assert shown(explorer).min() < 200  # the sentence stands in the picture
    assert explorer.controls["page"].disabled
    explorer.choose(true="Bag")
    assert explorer.status == "Bag called Bag is no mistake: choose two different classes."


def test_pages_follow_the_number_found(mistakes: dict) -> None:
    predicted_wrong = np.eye(10)[(mistakes["labels"] + 1) % 10]
    mistakes["probabilities"] = {"DNN": predicted_wrong, "CNN": predicted_wrong}
    explorer = MistakeExplorer(**mistakes)
    page = explorer.controls["page"]
    assert page.max == -(-50 // PER_PAGE)
    page.value = page.max
    assert "Shown: 49 to 50" in explorer.status
    explorer.controls["true"].value = "Shirt"
    assert (page.max, page.value, page.disabled) == (1, 1, True)
    assert "Shown: 1 to 5" in explorer.status


@pytest.mark.parametrize("names", [["A"], ["A", "B", "C"]])
def test_mistakes_of_one_or_three_networks(mistakes: dict, names: list[str]) -> None:
    mistakes["probabilities"] = dict.fromkeys(names, mistakes["probabilities"]["CNN"])
    drive(MistakeExplorer(**mistakes))


def test_mistakes_refuse_bad_input(mistakes: dict) -> None:
    probabilities = mistakes["probabilities"]
    nan = probabilities["CNN"].copy()
    nan[3, 3] = np.nan
    cases = {
        "shape": {"probabilities": {"CNN": probabilities["CNN"][:, :9]}},
        "NaN": {"probabilities": {**probabilities, "CNN": nan}},
        "softmax": {"probabilities": {"CNN": 5 * probabilities["CNN"]}},
        "1 to 5 networks": {"probabilities": {}},
        "labels must be integers": {"labels": mistakes["labels"][:-1]},
        r"labels must lie in 0\.\.9": {"labels": mistakes["labels"] + 1},
        r"but run from -1 to 8\.": {"labels": mistakes["labels"] - 1},
        "images is empty": {"images": mistakes["images"][:0], "labels": mistakes["labels"][:0]},
        "images must be uint8": {"images": mistakes["images"] / 255},
        r"not uint8 \[50, 28, 28\]": {"images": mistakes["images"][:, 0]},
    }
    for words, changes in cases.items():
        with pytest.raises(ValueError, match=words) as caught:
            MistakeExplorer(**(mistakes | changes))
        assert "\n" not in str(caught.value)


def test_results_are_plain_json(mistakes: dict) -> None:
    """What goes into the notebook file besides the picture."""
    data, metadata = MistakeExplorer(**mistakes)._repr_mimebundle_()
    data.pop("image/png")
    assert json.loads(json.dumps([data, metadata])) == [data, metadata]
