"""What chapter 2 writes out is what the package holds."""

from pathlib import Path

import nbformat
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_utils.datasets import FashionMNIST, Split
from course_utils.experiments import dnn_vs_cnn
from course_utils.models import FashionCNN, FashionDNN
from course_utils.results import Results
from course_utils.training import History, fit, standardize, to_float
from course_utils.transforms import shuffle_pixels

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "02_dnn_vs_cnn.ipynb"


@pytest.fixture(scope="module")
def chapter() -> dict:
    """The functions that the chapter defines."""
    names = {"torch": torch, "nn": nn, "F": F}
    for cell in nbformat.read(NOTEBOOK, as_version=4).cells:
        if cell.cell_type == "code" and cell.source.startswith(("def ", "@torch")):
            exec(cell.source.split("\n\n")[0], names)
    return names


@pytest.mark.parametrize(
    ("written", "packaged"), [("fashion_dnn", FashionDNN), ("fashion_cnn", FashionCNN)]
)
def test_networks_agree(chapter, written, packaged):
    torch.manual_seed(0)
    ours = chapter[written]()
    torch.manual_seed(0)
    theirs = packaged()
    assert [str(layer) for layer in ours] == [str(layer) for layer in theirs]
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(a, b)


def test_loops_agree(chapter):
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (300, 1, 28, 28), dtype=torch.uint8, generator=generator)
    labels = torch.randint(0, 10, (300,), generator=generator)
    torch.manual_seed(0)
    network = chapter["fashion_dnn"]()
    torch.manual_seed(0)
    written = chapter["train"](network, images, labels, epochs=2)
    torch.manual_seed(0)
    twin = FashionDNN()
    history = fit(
        twin,
        images,
        labels,
        epochs=2,
        batch_size=100,
        schedule="constant",
        bfloat16=False,
        device=torch.device("cpu"),
    )
    assert written == pytest.approx(history.step_loss, rel=1e-3)


def test_standardize_agrees(chapter):
    images = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16)
    torch.testing.assert_close(chapter["standardize"](images), standardize(images))


def test_results_hold_every_run_of_the_experiment():
    results = Results.load("dnn_vs_cnn")
    seeds = {str(seed) for seed in dnn_vs_cnn.SEEDS}
    assert {name: set(runs) for name, runs in results.runs.items()} == dict.fromkeys(
        dnn_vs_cnn.RUNS, seeds
    )


@pytest.mark.parametrize("tuning", [True, False])
def test_a_run_arranges_and_prepares_all_pictures_alike(tuning: bool, monkeypatch):
    pictures = torch.randint(256, (24, 1, 28, 28), dtype=torch.uint8)
    split = Split(pictures, torch.arange(24) % 10)
    data = FashionMNIST(split, split, tuple("abcdefghij"), True, "")
    used = []

    def evaluate(model, images, labels, *, prepare):
        used.append((images, prepare))
        return 0.0, 0.0

    def fit(model, images, labels, *, validation, prepare, **_):
        used.extend((part, prepare) for part in (images, *(validation or ())[:1]))
        return History([0.0], [0.0], [0.0], [0.0], [0.0], [0.0])

    variant = dnn_vs_cnn.Variant(
        FashionDNN, 1e-3, prepare=to_float, tuning=tuning, shuffled=True, shifts=True
    )
    monkeypatch.setattr(dnn_vs_cnn, "fashion_mnist", lambda **_: data)
    monkeypatch.setattr(dnn_vs_cnn, "evaluate", evaluate)
    monkeypatch.setattr(dnn_vs_cnn, "fit", fit)
    monkeypatch.setitem(dnn_vs_cnn.RUNS, "new", variant)
    dnn_vs_cnn.run("new", 0)
    assert all(prepare is to_float for _, prepare in used)
    arranged = shuffle_pixels(pictures)
    first, second = (images for images, _ in used[:2])
    assert torch.equal(first, arranged[: len(first)])
    assert torch.equal(second, arranged[-len(second) :])
