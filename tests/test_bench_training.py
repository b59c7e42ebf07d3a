"""The two loops that `course bench training` compares, on tiny data, and its tables."""

import json
import re
from collections.abc import Callable

import pytest
import torch
from torch import nn

from course_utils.bench import ceiling, comparison, fitted, published, training
from course_utils.bench.fresh import Result
from course_utils.datasets import CLASSES, FashionMNIST, Split
from course_utils.tables import Table
from course_utils.training import to_float

TRAIN, TEST = 40, 25


class Spy(nn.Module):
    """A linear classifier that notes how it is used."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(784, 10)
        self.inputs: list[torch.Tensor] = []
        self.modes: set[tuple[bool, bool]] = set()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.inputs.append(x)
        self.modes.add((self.training, torch.is_grad_enabled()))
        return self.layer(x.flatten(1))


@pytest.fixture
def data(monkeypatch: pytest.MonkeyPatch) -> FashionMNIST:
    """Tiny data instead of Fashion-MNIST; steps of ten images, evaluated after every fourth."""
    drawn = torch.Generator().manual_seed(0)

    def split(count: int) -> Split:
        images = torch.randint(0, 256, (count, 1, 28, 28), dtype=torch.uint8, generator=drawn)
        return Split(images, torch.randint(0, 10, (count,), generator=drawn))

    data = FashionMNIST(split(TRAIN), split(TEST), CLASSES, is_subset=False, source="")
    for module in (published, fitted):
        monkeypatch.setattr(module, "fashion_mnist", lambda allow_subset: data)
        monkeypatch.setitem(module.NETWORKS, "spy", fitted.Network(Spy, 1e-3))
        monkeypatch.setattr(module, "BATCH_SIZE", 10)
        monkeypatch.setattr(module, "pick_device", lambda: torch.device("cpu"))
    monkeypatch.setattr(published, "EVERY", 4)
    return data


def test_published_loop_is_what_was_published(data: FashionMNIST):
    model = Spy().eval()
    run = published.train_published(model, data.train, data.test)
    assert model.modes == {(True, True)}  # evaluations too: training mode, gradients on
    assert (run.planned, run.steps, len(run.curve)) == (20, 20, 5)
    # Four steps, then three batches of test images, and so on.
    sizes = [len(x) for x in model.inputs]
    assert sizes == 5 * ([10] * 4 + [10, 10, 5])
    assert [len(batch) for batch in run.predictions] == 5 * [10, 10, 5]
    last = torch.cat(run.predictions[-3:])
    assert run.curve[-1][1] == (last == data.test.labels).double().mean().item()
    seconds = [at for at, _ in run.curve]
    assert seconds == sorted(seconds)
    parts = [run.setup_seconds, run.training_seconds, run.evaluating_seconds]
    assert min(parts) > 0
    assert run.setup_seconds < seconds[0]
    assert seconds[-1] <= sum(parts)


def brightness(images: torch.Tensor) -> torch.Tensor:
    """Of each image, sorted: the same for the same images in another order."""
    return torch.stack([image.sum() for image in images]).sort().values


def test_published_loop_shuffles_the_training_images_only(data: FashionMNIST):
    model = Spy()
    published.train_published(model, data.train, data.test)
    epochs = [torch.cat(model.inputs[start : start + 4]) for start in range(0, 35, 7)]
    tests = [torch.cat(model.inputs[start + 4 : start + 7]) for start in range(0, 35, 7)]
    assert not any(torch.equal(epoch, epochs[0]) for epoch in epochs[1:])
    for epoch in epochs:
        assert torch.equal(brightness(epoch), brightness(to_float(data.train.images)))
    assert all(torch.equal(test, to_float(data.test.images)) for test in tests)


def test_published_loop_learns(data: FashionMNIST):
    model = Spy()
    before = model.layer.weight.clone()
    published.train_published(model, data.train, data.test, steps=1)
    # Adam's first step moves each weight by its rate, where there is a gradient.
    moved = (model.layer.weight - before).abs()
    assert moved.max().item() == pytest.approx(1e-3, rel=1e-2)


def test_a_sample_is_made_a_picture_each_time(data: FashionMNIST, monkeypatch):
    made = []
    from_array = published.Image.fromarray
    monkeypatch.setattr(
        published.Image, "fromarray", lambda array: made.append(array.shape) or from_array(array)
    )
    dataset = published.PilDataset(data.train)
    for _ in range(2):
        image, label = dataset[3]
    assert made == [(28, 28)] * 2
    assert len(dataset) == TRAIN
    torch.testing.assert_close(image, to_float(data.train.images[3]), rtol=0, atol=0)
    assert label == data.train.labels[3]


def test_result_of_a_limited_run_is_json(data: FashionMNIST):
    run = published.run_published("spy", steps=9)
    assert json.loads(json.dumps(run)).keys() == run.keys()
    assert (run["planned"], run["steps"], len(run["curve"])) == (20, 9, 2)
    assert 0 <= run["evaluation_mode_accuracy"] <= 1
    assert "predictions" not in run


def test_a_run_without_an_evaluation_is_refused(data: FashionMNIST):
    with pytest.raises(ValueError, match="At least 4 steps"):
        published.run_published("spy", steps=3)


def test_a_step_has_its_share_of_the_evaluations():
    run = {"steps": 120, "training_seconds": 12.0, "evaluating_seconds": 20.0, "curve": [0, 0]}
    assert published.seconds_per_step(run) == pytest.approx(0.1 + 10 / 50)


def test_fit_is_chapter_2s(data: FashionMNIST, monkeypatch: pytest.MonkeyPatch):
    asked = {}
    fit = fitted.fit
    monkeypatch.setattr(
        fitted, "fit", lambda *args, **options: asked.update(options) or fit(*args, **options)
    )
    run = fitted.run_fit("spy", epochs=3, images=35)
    assert json.loads(json.dumps(run)) == run
    assert (run["epochs"], run["images"], run["steps"]) == (3, 35, 12)
    assert len(run["epoch_seconds"]) == 3
    assert sum(run["epoch_seconds"]) < run["seconds"]
    assert run["test_accuracy"] * TEST == pytest.approx(round(run["test_accuracy"] * TEST))
    assert asked["learning_rate"] == 1e-3
    assert "schedule" not in asked  # the default is chapter 2's
    assert "bfloat16" not in asked


@pytest.mark.parametrize(("network", "rate"), [("FashionDNN", 0.002), ("FashionCNN", 0.008)])
def test_rates_are_chapter_2s(network: str, rate: float):
    assert fitted.NETWORKS[network].rate == rate
    assert type(fitted.NETWORKS[network].build()).__name__ == network


def test_a_fit_that_is_exactly_as_accurate_reaches_the_published_loop(
    data: FashionMNIST, monkeypatch: pytest.MonkeyPatch
):
    in_float32 = torch.tensor(0.9030).item()
    assert in_float32 < 0.9030
    monkeypatch.setattr(fitted, "evaluate", lambda *args: (0.0, in_float32))
    assert comparison.first_reaching([fitted.run_fit("spy")], 0.9030)


def test_ceiling():
    rates = ceiling.measure_ceiling(size=16)
    assert rates.keys() == {"float32", "bfloat16"}
    assert all(rate > 0 for rate in rates.values())
    # Forward and for the weights' gradient: a multiplication and an addition for each weight.
    linear = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    assert ceiling.flops_per_image(linear) == 2 * 2 * 7840
    # Each further layer also needs its input's gradient.
    deeper = nn.Sequential(nn.Flatten(), nn.Linear(784, 10), nn.Linear(10, 3))
    assert ceiling.flops_per_image(deeper) == 2 * 2 * 7840 + 3 * 2 * 30


PUBLISHED = {
    "planned": 3000,
    "steps": 3000,
    "setup_seconds": 2.0,
    "training_seconds": 180.0,
    "evaluating_seconds": 120.0,
    "curve": [[5.0 * n, 0.90] for n in range(1, 61)],
    "evaluation_mode_accuracy": 0.91,
    "import_bytes": 8e8,
    "peak_bytes": 24e8,
}
CEILING = {"float32": 200.0, "bfloat16": 800.0}


def fit_result(epochs: int, accuracy: float, images: int = 60_000) -> Result:
    return {
        "epochs": epochs,
        "images": images,
        "steps": epochs * images // 128,
        "seconds": 20.0 * epochs + 1,
        "epoch_seconds": [20.0] * epochs,
        "test_accuracy": accuracy,
        "number_format": "bfloat16",
        "import_bytes": 6e8,
        "peak_bytes": 8e8,
    }


def cells(table: Table) -> dict[str, list[str]]:
    """A table's rows by their first cell."""
    _, _, *rows = table._repr_markdown_().splitlines()
    split = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    return {first: rest for first, *rest in split}


def test_comparison_side_by_side():
    fits = [fit_result(1, 0.89), fit_result(2, 0.905), fit_result(3, 0.91)]
    rows = cells(comparison.comparison_table("FashionCNN", PUBLISHED, fits, CEILING))
    assert rows["steps done"][:2] == ["3,000 of 3,000", "937"]
    assert rows["seconds per epoch"] == ["60.0", "20.0", "3.0"]
    assert rows["of which testing"][0] == "40%"
    assert rows["test accuracy, as it tests itself"][:2] == ["90.00%", "90.50%"]
    assert rows["seconds until 90.00%"] == ["302.0", "41.0", "7.4"]
    assert rows["seconds until 91.00%"] == ["302.0", "61.0", "5.0"]
    assert rows["peak memory, MB"] == ["2400.0", "800.0", "3.0"]
    assert rows["without the imports', MB"] == ["1600.0", "200.0", "8.0"]
    # 25.56 MFLOP an image, 60,000 images: 1,534 GFLOP in 60 s and in 20 s.
    assert rows["of the machine's ceiling"][:2] == ["12.8% of float32", "9.6% of bfloat16"]


def test_an_accuracy_that_was_not_reached():
    table = comparison.comparison_table("FashionCNN", PUBLISHED, [fit_result(1, 0.8)], CEILING)
    assert cells(table)["seconds until 90.00%"] == ["302.0", "not reached", "–"]


def test_a_limited_run_is_extrapolated():
    seconds = {"training_seconds": 6.0, "evaluating_seconds": 4.0}
    limited = PUBLISHED | seconds | {"steps": 100, "curve": [[1, 0.5]] * 2}
    fits = [fit_result(1, 0.6, images=6000)]
    rows = cells(comparison.comparison_table("FashionCNN", limited, fits, CEILING))
    assert rows["seconds per epoch, extrapolated"] == ["60.0", "200.0", "0.3"]
    assert rows["seconds until 50.00%"] == ["–", "–", "–"]


def test_memory_that_is_not_known_is_left_out():
    unknown = {"peak_bytes": None, "import_bytes": None}
    fits = [fit_result(1, 0.9) | unknown]
    table = comparison.comparison_table("FashionCNN", PUBLISHED | unknown, fits, CEILING)
    assert "memory" not in repr(table)


@pytest.fixture
def measuring(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Run `training.measure` without any training; returns the processes that it starts."""
    asked: list[str] = []
    accuracies = {(1, None): 0.89, (2, 45_000): 0.902, (2, None): 0.905, (3, None): 0.91}

    def pretend(function, *, unset=(), **arguments):
        name = function.__name__
        asked.append(f"{name} {arguments.get('epochs', '')}".strip())
        assert list(unset) == (["OMP_WAIT_POLICY"] if name == "run_published" else [])
        answers = {"measure_ceiling": CEILING, "run_published": PUBLISHED}
        if name in answers:
            return answers[name]
        epochs, images = arguments["epochs"], arguments["images"]
        return fit_result(epochs, accuracies.get((epochs, images), 0.5), images or 60_000)

    monkeypatch.setattr(training, "need_fashion_mnist", lambda: None)
    monkeypatch.setattr(training, "run_fresh", pretend)
    monkeypatch.setattr(training, "NETWORKS", {"FashionCNN": fitted.NETWORKS["FashionCNN"]})
    return asked


def test_trainings_grow_until_one_is_as_accurate_in_either_mode(measuring):
    tables = list(training.measure())
    fits = ["run_fit 2", "run_fit 2", "run_fit 3"]
    assert measuring == ["measure_ceiling", "run_fit 1", "run_published", *fits]
    assert len(cells(tables[0])) == 4
    assert re.findall(r"\d+,000", repr(tables[1])) == ["60,000", "45,000", "60,000", "60,000"]
    assert cells(tables[2])["steps done"][1] == "703"  # the shortest that reaches 90%
    assert cells(tables[2])["seconds until 91.00%"] == ["302.0", "61.0", "5.0"]


def test_a_limited_comparison_trains_once(measuring):
    list(training.measure(steps=50))
    assert measuring == ["measure_ceiling", "run_fit 1", "run_published"]


def test_an_interrupted_comparison_shows_what_it_has(measuring, monkeypatch):
    fit_in_fresh = training.fit_in_fresh

    def interrupted(network, *, epochs, **others):
        if epochs == 2:
            raise KeyboardInterrupt
        return fit_in_fresh(network, epochs=epochs, **others)

    monkeypatch.setattr(training, "fit_in_fresh", interrupted)
    tables = training.measure()
    assert "float32 product" in repr(next(tables))
    assert list(cells(next(tables))) == ["1"]
    assert cells(next(tables))["seconds until 90.00%"] == ["302.0", "not reached", "–"]
    with pytest.raises(KeyboardInterrupt):
        next(tables)
