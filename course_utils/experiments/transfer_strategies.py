"""Chapter 3: four strategies of transfer, for targets like and unlike the source, small and large.

The source is chapter 2's convolutional network on five classes of Fashion-MNIST. The targets are
the other five classes, and handwritten digits.
"""

import functools
from itertools import product

import torch
import torch.nn.functional as F
from torch import nn

from course_utils.datasets import Split, fashion_mnist
from course_utils.environment import seed_everything
from course_utils.models import SmallHeadCNN
from course_utils.results import Measurements
from course_utils.training import evaluate, fit, predict, standardize
from course_utils.transfer import fine_tune

SEEDS = range(5)
SOURCE_CLASSES = ("T-shirt", "Trouser", "Dress", "Sandal", "Bag")
TARGETS = ("garments", "digits")
SIZES = {"small": 10, "large": 100}  # training pictures of each class
VALIDATION = 20  # pictures of each class to choose the base's rate on
# What is trained of the source network; "scratch" trains the same network from fresh weights.
STRATEGIES = ("head", "last", "all", "scratch")
RATE = 2e-3  # the highest, of the head
BASE_FACTORS = (0.1, 1.0)  # the base's rate as a share of it: chosen on validation pictures
STEPS = 200
BATCH_SIZE = 32
BLOCK = 4  # layers of a convolution block: convolution, batch norm, ReLU, pooling
RUNS = {
    f"{target}_{size}_{strategy}": (target, size, strategy)
    for target, size, strategy in product(TARGETS, SIZES, STRATEGIES)
}


_sources: dict[int, SmallHeadCNN] = {}


def source_network(seed: int, description: str | None = None) -> SmallHeadCNN:
    """Chapter 2's network with the smaller head, trained for two epochs on the source classes.

    Each is trained once in a process.

    Args:
        seed: of its first weights and of the order of the pictures.
        description: what the progress bar says; None shows no bar.
    """
    if seed not in _sources:
        data = fashion_mnist()
        wanted = [data.classes.index(name) for name in SOURCE_CLASSES]
        images, labels = _only(data.train, wanted)
        seed_everything(seed)
        network = SmallHeadCNN()
        history = fit(network, images, labels, epochs=2, seed=seed, description=description)
        if history.interrupted:
            raise KeyboardInterrupt
        _sources[seed] = network.cpu()
    return _sources[seed]


def _only(split: Split, wanted: list[int]) -> Split:
    """The pictures of some classes, which are numbered anew in the order of `wanted`."""
    chosen = torch.isin(split.labels, torch.tensor(wanted))
    return Split(
        split.images[chosen], torch.tensor([wanted.index(c) for c in split.labels[chosen]])
    )


@functools.cache
def _garments() -> tuple[Split, Split]:
    data = fashion_mnist()
    wanted = [c for c, name in enumerate(data.classes) if name not in SOURCE_CLASSES]
    return _only(data.train, wanted), _only(data.test, wanted)


@functools.cache
def digits() -> Split:
    """1,797 handwritten digits, enlarged from 8 x 8 to 28 x 28 pixels: uint8 [N, 1, 28, 28].

    Source: E. Alpaydin and C. Kaynak (1998), inside scikit-learn.
    """
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    small = torch.from_numpy(images).float().view(-1, 1, 8, 8) * (255 / 16)
    large = F.interpolate(small, size=(28, 28), mode="bicubic").clamp(0, 255)
    return Split(large.round().byte(), torch.from_numpy(labels).long())


def target_splits(target: str, per_class: int, seed: int) -> tuple[Split, Split, Split]:
    """Pictures to learn from, to choose on and to test on, for "garments" or "digits".

    Args:
        target: one of `TARGETS`.
        per_class: how many of each class to learn from.
        seed: of the lot by which they are drawn; the test pictures of the garments are always
            Fashion-MNIST's own.
    """
    pool, test = _garments() if target == "garments" else (digits(), None)
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(pool.labels), generator=generator)
    members = [order[pool.labels[order] == c] for c in pool.labels.unique()]
    train = torch.cat([m[:per_class] for m in members])
    chosen_on = torch.cat([m[per_class : per_class + VALIDATION] for m in members])
    if test is None:
        # After the largest training set: the same pictures for both sizes.
        rest = torch.cat([m[max(SIZES.values()) + VALIDATION :] for m in members])
        test = Split(pool.images[rest], pool.labels[rest])
    train, validation = (Split(pool.images[i], pool.labels[i]) for i in (train, chosen_on))
    return train, validation, test


def transfer(
    strategy: str, source: nn.Sequential, train: Split, base_factor: float, seed: int
) -> nn.Sequential:
    """A network for the target, made of `source` by one of the `STRATEGIES`, which it leaves alone.

    The base is in evaluation mode wherever it comes trained, so its batch-norm statistics stay.
    """
    seed_everything(seed)
    classes = int(train.labels.max()) + 1
    model = SmallHeadCNN()
    model.fc2 = nn.Linear(model.fc2.in_features, classes)
    if strategy != "scratch":
        base = {k: v for k, v in source.state_dict().items() if not k.startswith("fc")}
        model.load_state_dict(base, strict=False)
    layers = list(model)
    head_start = 2 * BLOCK
    trained_from = {"head": head_start, "last": BLOCK}.get(strategy, 0)
    frozen = nn.Sequential(*layers[:trained_from])
    inputs = predict(frozen, train.images) if trained_from else standardize(train.images)
    fine_tune(
        nn.Sequential(*layers[trained_from:head_start]),
        nn.Sequential(*layers[head_start:]),
        inputs[None],
        train.labels,
        base_rate=base_factor * RATE,
        head_rate=RATE,
        epochs=max(1, STEPS * BATCH_SIZE // len(train.labels)),
        batch_size=BATCH_SIZE,
        freeze_statistics=strategy != "scratch",
        description=None,
    )
    return model


def run(name: str, seed: int) -> Measurements:
    """What `measure` gives, on the whole of Fashion-MNIST.

    Raises:
        DataUnavailable: it cannot be had.
    """
    fashion_mnist(allow_subset=False)
    return measure(name, seed)


def measure(name: str, seed: int) -> Measurements:
    """Choose the rate of the base on validation pictures, then test once; accuracies in 0..1."""
    target, size, strategy = RUNS[name]
    train, validation, test = target_splits(target, SIZES[size], seed)
    tried = []
    for factor in BASE_FACTORS if strategy in ("last", "all") else (1.0,):
        model = transfer(strategy, source_network(seed), train, factor, seed)
        tried.append((evaluate(model, *validation)[1], factor, model))
    accuracy, factor, model = max(tried, key=lambda option: option[0])
    return {
        "validation_accuracy": accuracy,
        "test_accuracy": evaluate(model, *test)[1],
        "base_factor": factor,
    }
