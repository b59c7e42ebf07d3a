"""What chapter 3 writes out is what the package holds, and what its experiments promise."""

import math
from pathlib import Path

import nbformat
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_utils.datasets import fashion_mnist
from course_utils.experiments import emoji_transfer, transfer_strategies
from course_utils.models import SmallHeadCNN
from course_utils.results import Results
from course_utils.sources import where
from course_utils.transfer import fine_tune

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "03_transfer_learning.ipynb"


@pytest.fixture(scope="module")
def written():
    """The chapter's own fine_tune."""
    names = {"torch": torch, "nn": nn, "F": F, "math": math}
    for cell in nbformat.read(NOTEBOOK, as_version=4).cells:
        if cell.cell_type == "code" and cell.source.startswith("def fine_tune(base"):
            exec(cell.source, names)
    return names["fine_tune"]


def test_the_loops_agree(written):
    generator = torch.Generator().manual_seed(0)
    views = torch.randn(2, 70, 3, 8, 8, generator=generator)
    labels = torch.randint(0, 4, (70,), generator=generator)
    losses, weights = [], []
    for tune in (written, fine_tune):
        torch.manual_seed(1)
        base = nn.Sequential(nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5), nn.ReLU(), nn.Flatten())
        head = nn.Linear(180, 4)
        rates = {"base_rate": 1e-3, "head_rate": 1e-2, "epochs": 3}
        losses.append(tune(base, head, views, labels, **rates))
        weights.append(torch.cat([p.detach().flatten() for p in base.parameters()]))
    assert len(losses[0]) == 9
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    torch.testing.assert_close(*weights)


@pytest.mark.parametrize("experiment", [emoji_transfer, transfer_strategies])
def test_results_hold_every_run(experiment):
    results = Results.load(experiment.__name__.rpartition(".")[2])
    seeds = getattr(experiment, "seeds", lambda name: experiment.SEEDS)
    expected = {name: {str(seed) for seed in seeds(name)} for name in experiment.RUNS}
    assert {name: set(runs) for name, runs in results.runs.items()} == expected


def test_answers_and_accuracies_agree():
    results = Results.load("emoji_transfer")
    data = emoji_transfer._data()
    for runs in results.runs.values():
        for seed, run in runs.items():
            truth = data.labels[data.split(int(seed))[1]].tolist()
            for artist in data.drawings:
                right = [int(a) == t for a, t in zip(run[f"{artist}_answers"], truth, strict=True)]
                assert sum(right) / len(right) == pytest.approx(run[f"{artist}_accuracy"])


def test_a_run_can_be_repeated():
    """Frozen features are the same on every machine, up to rounding."""
    [again] = [emoji_transfer.run("frozen128_5", 3)]
    known = Results.load("emoji_transfer").runs["frozen128_5"]["3"]
    for artist in ("noto", "twemoji"):
        same = [
            a == b
            for a, b in zip(again[f"{artist}_answers"], known[f"{artist}_answers"], strict=True)
        ]
        assert sum(same) >= len(same) - 3


# The four strategies


@pytest.fixture
def source():
    torch.manual_seed(0)
    return SmallHeadCNN().eval()


@pytest.fixture
def train():
    return transfer_strategies.target_splits("digits", 10, seed=0)[0]


def moved(source, model):
    """Which layers of `model` differ from those of `source`."""
    theirs, ours = source.state_dict(), model.state_dict()
    return {name.partition(".")[0] for name in ours if not torch.equal(ours[name], theirs[name])}


@pytest.mark.parametrize(
    ("strategy", "changed"),
    [
        ("head", set()),
        ("last", {"conv2", "bn2"}),
        ("all", {"conv1", "bn1", "conv2", "bn2"}),
        ("scratch", {"conv1", "bn1", "conv2", "bn2"}),
    ],
)
def test_a_strategy_changes_what_it_should(strategy, changed, source, train, monkeypatch):
    monkeypatch.setattr(transfer_strategies, "STEPS", 8)
    before = {name: value.clone() for name, value in source.state_dict().items()}
    model = transfer_strategies.transfer(strategy, source, train, 1.0, seed=3)
    assert moved(source, model) - {"fc1", "fc2"} == changed
    statistics = [name for name in before if "running" in name]
    kept = all(torch.equal(model.state_dict()[name], before[name]) for name in statistics)
    assert kept == (strategy != "scratch")
    assert all(torch.equal(source.state_dict()[name], before[name]) for name in before)


def test_the_head_fits_the_target(source, train):
    model = transfer_strategies.transfer("head", source, train, 1.0, seed=3)
    assert model.fc2.out_features == 10
    with torch.inference_mode():
        assert model(torch.zeros(2, 1, 28, 28)).shape == (2, 10)


@pytest.mark.parametrize("target", transfer_strategies.TARGETS)
@pytest.mark.parametrize("per_class", transfer_strategies.SIZES.values())
def test_target_splits_share_no_picture(target, per_class):
    if target == "garments" and where("fashion-mnist") is None:
        pytest.skip("Fashion-MNIST is not on this machine; run `course prefetch`")
    train, validation, test = transfer_strategies.target_splits(target, per_class, seed=2)
    classes = 5 if target == "garments" else 10
    assert train.labels.bincount().tolist() == [per_class] * classes
    assert validation.labels.bincount().tolist() == [20] * classes
    assert test.labels.unique().tolist() == list(range(classes))
    pictures = [{image.numpy().tobytes() for image in part.images} for part in (train, validation)]
    assert not pictures[0] & pictures[1]
    if target == "digits":
        # The same test pictures for both sizes, and none of them learned from.
        assert len(test.labels) == 1797 - 1200
        assert not {image.numpy().tobytes() for image in test.images} & (pictures[0] | pictures[1])


def test_the_targets_classes_are_not_the_sources():
    if where("fashion-mnist") is None:
        pytest.skip("Fashion-MNIST is not on this machine; run `course prefetch`")
    data = fashion_mnist()
    train, test = transfer_strategies._garments()
    assert len(train.labels) == 30_000
    assert len(test.labels) == 5_000
    wanted = [c for c in data.classes if c not in transfer_strategies.SOURCE_CLASSES]
    first = next(i for i, y in enumerate(data.train.labels) if data.classes[y] in wanted)
    assert torch.equal(train.images[0], data.train.images[first])
    assert wanted[train.labels[0]] == data.classes[data.train.labels[first]]


def test_digits_are_enlarged_and_keep_their_range():
    digits = transfer_strategies.digits()
    assert digits.images.shape == (1797, 1, 28, 28)
    assert digits.images.dtype == torch.uint8
    assert (digits.images.min(), digits.images.max()) == (0, 255)


def test_the_rate_is_chosen_on_validation_pictures(source, monkeypatch):
    """The option with the best validation accuracy is tested, however the other would do."""
    monkeypatch.setattr(transfer_strategies, "source_network", lambda seed: source)
    monkeypatch.setattr(transfer_strategies, "transfer", lambda *options: options)

    def evaluate(model, images, labels):
        factor = model[3]
        validation = len(labels) == 200
        return 0.0, factor / 2 if validation else 1 - factor / 4

    monkeypatch.setattr(transfer_strategies, "evaluate", evaluate)
    measured = transfer_strategies.measure("digits_small_all", 0)
    assert measured == {"validation_accuracy": 0.5, "test_accuracy": 0.75, "base_factor": 1.0}
