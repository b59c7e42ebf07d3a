"""The training loop as it was published, written anew from its description, to compare with.

It makes each picture a PIL image and then a tensor every time, and evaluates on all test pictures
every 50 steps, in training mode, with gradients on, and keeps every batch of predictions.
"""

import time
from dataclasses import asdict, dataclass, field
from itertools import chain, islice, repeat

import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from course_utils.bench.fitted import NETWORKS, SEED
from course_utils.bench.fresh import Result
from course_utils.datasets import Split, fashion_mnist
from course_utils.environment import device_of, pick_device
from course_utils.progress import Progress
from course_utils.training import predict, to_float

BATCH_SIZE, EPOCHS, EVERY = 100, 5, 50


@dataclass
class PublishedRun:
    """What the loop measured.

    Attributes:
        planned: steps of the whole training.
        steps: those that were done.
        setup_seconds: until the first step (a process's first optimizer imports much of torch).
        training_seconds, evaluating_seconds: of the steps, and of the evaluations among them.
        curve: for each evaluation, seconds since the start and accuracy in 0..1, as the loop
            itself measures it.
        predictions: each evaluation's classes, int64 [N] a batch; never read, as in the original.
    """

    planned: int
    steps: int = 0
    setup_seconds: float = 0.0
    training_seconds: float = 0.0
    evaluating_seconds: float = 0.0
    curve: list[tuple[float, float]] = field(default_factory=list)
    predictions: list[Tensor] = field(default_factory=list, repr=False)


class PilDataset(Dataset):
    """As torchvision's: sample i is a float tensor [1, 28, 28] with values 0..1, and a label."""

    def __init__(self, split: Split):
        self.images, self.labels = split.images.squeeze(1), split.labels
        self.transform = transforms.ToTensor()

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        picture = Image.fromarray(self.images[index].numpy())
        return self.transform(picture), int(self.labels[index])


def train_published(
    model: nn.Module,
    train: Split,
    test: Split,
    *,
    steps: int | None = None,
    description: str | None = None,
) -> PublishedRun:
    """Train `model` in place as it was published, for five epochs or at most `steps` steps."""
    start = time.perf_counter()
    device = pick_device()
    model.to(device).train()
    train_loader = DataLoader(PilDataset(train), batch_size=BATCH_SIZE, shuffle=True)
    test_loader = DataLoader(PilDataset(test), batch_size=BATCH_SIZE)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    loss_of = nn.CrossEntropyLoss()
    run = PublishedRun(planned=EPOCHS * len(train_loader))
    batches = islice(chain.from_iterable(repeat(train_loader, EPOCHS)), steps)
    total = run.planned if steps is None else min(steps, run.planned)
    run.setup_seconds = time.perf_counter() - start
    with Progress(total, description, "batches") as bar:
        for images, labels in batches:
            loss = loss_of(model(images.to(device)), labels.to(device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            run.steps += 1
            if run.steps % EVERY == 0:
                before = time.perf_counter()
                accuracy = _evaluate(model, test_loader, run.predictions)
                now = time.perf_counter()
                run.evaluating_seconds += now - before
                run.curve.append((now - start, accuracy))
            bar.update()
    seconds = time.perf_counter() - start
    run.training_seconds = seconds - run.setup_seconds - run.evaluating_seconds
    return run


def _evaluate(model: nn.Module, loader: DataLoader, kept: list[Tensor]) -> float:
    correct = total = 0
    for images, labels in loader:
        logits = model(images.to(device_of(model)))
        predictions = logits.max(dim=1).indices
        kept.append(predictions)
        correct += (predictions == labels.to(predictions.device)).sum().item()
        total += len(labels)
    return correct / total


def seconds_per_step(run: Result) -> float:
    """Seconds of a step with its share of the evaluations.

    Args:
        run: what `run_published` returned, of at least one evaluation.
    """
    evaluation = run["evaluating_seconds"] / len(run["curve"])
    return run["training_seconds"] / run["steps"] + evaluation / EVERY


def run_published(network: str, steps: int | None = None, description: str | None = None) -> Result:
    """Train a network on Fashion-MNIST as it was published.

    Args:
        network: a key of `NETWORKS`.
        steps: at most so many, but at least one evaluation's; by default all of five epochs.
        description: what the progress bar says; None shows no bar.

    Returns:
        The fields of `PublishedRun` but the predictions, and the accuracy in 0..1 of the trained
        network on the test pictures in evaluation mode.

    Raises:
        ValueError: so few steps that there is no evaluation.
    """
    if steps is not None and steps < EVERY:
        raise ValueError(f"At least {EVERY} steps: the first evaluation follows them.")
    data = fashion_mnist(allow_subset=False)
    torch.manual_seed(SEED)
    model = NETWORKS[network].build()
    run = train_published(model, data.train, data.test, steps=steps, description=description)
    run.predictions.clear()
    # In the loop's own batches: the process's peak memory stays the loop's.
    logits = predict(model, data.test.images, prepare=to_float, batch_size=BATCH_SIZE)
    accuracy = (logits.argmax(dim=1) == data.test.labels).double().mean().item()
    result = asdict(run) | {"evaluation_mode_accuracy": accuracy}
    del result["predictions"]
    return result
