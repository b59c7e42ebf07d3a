"""Chapter 2: dense and convolutional networks on Fashion-MNIST, each with five seeds."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from torch import Tensor, nn

from course_utils.datasets import fashion_mnist
from course_utils.environment import seed_everything
from course_utils.models import FashionCNN, FashionDNN, GlobalPoolCNN, SmallHeadCNN
from course_utils.results import Measurements
from course_utils.training import Prepare, Schedule, evaluate, fit, standardize, to_float
from course_utils.transforms import shift_anywhere, shuffle_pixels

SEEDS = range(5)
DISTANCES = range(5)  # pixels


@dataclass(frozen=True)
class Variant:
    """A network and the way in which it is trained.

    Attributes:
        build: makes the network with fresh weights.
        rate: the learning rate, or its peak.
        schedule, batch_size: of the training; five epochs always.
        prepare: makes the network's input from a batch of images.
        tuning: train without the validation images and evaluate on them after each epoch, to
            choose by; otherwise train on all and evaluate once on the test images.
        shuffled: put the pixels of all pictures in another order first.
        shifts: evaluate also on test pictures moved by 0 to 4 pixels.
    """

    build: Callable[[], nn.Module]
    rate: float
    schedule: Schedule = "one-cycle"
    batch_size: int = 128
    prepare: Prepare = standardize
    tuning: bool = False
    shuffled: bool = False
    shifts: bool = False


PUBLISHED = {"schedule": "constant", "batch_size": 100, "prepare": to_float, "tuning": True}
DNN_RATE, CNN_RATE = 2e-3, 8e-3  # chosen among RATES on the validation images
RATES = (2e-3, 4e-3, 8e-3)

RUNS = {
    "dnn": Variant(FashionDNN, DNN_RATE, shifts=True),
    "cnn": Variant(FashionCNN, CNN_RATE, shifts=True),
    "cnn_head_relu": Variant(partial(FashionCNN, head_relu=True), CNN_RATE),
    "cnn_global_pool": Variant(GlobalPoolCNN, CNN_RATE, shifts=True),
    "cnn_small_head": Variant(SmallHeadCNN, CNN_RATE),
    "dnn_shuffled": Variant(FashionDNN, DNN_RATE, shuffled=True),
    "cnn_shuffled": Variant(FashionCNN, CNN_RATE, shuffled=True),
    "dnn_published_recipe": Variant(FashionDNN, 1e-3, **PUBLISHED),
    "cnn_published_recipe": Variant(FashionCNN, 1e-3, **PUBLISHED),
}
RUNS |= {f"dnn_peak_{rate}": Variant(FashionDNN, rate, tuning=True) for rate in RATES}
RUNS |= {f"cnn_peak_{rate}": Variant(FashionCNN, rate, tuning=True) for rate in RATES}


def run(name: str, seed: int) -> Measurements:
    """Train `RUNS[name]` with `seed`; losses in nats, accuracies in 0..1, seconds of training.

    Raises:
        DataUnavailable: the whole of Fashion-MNIST cannot be had.
        KeyboardInterrupt: the training was interrupted.
    """
    variant = RUNS[name]
    data = fashion_mnist(allow_subset=False)

    def arrange(images: Tensor) -> Tensor:
        return shuffle_pixels(images) if variant.shuffled else images

    train, validation = data.tuning_splits() if variant.tuning else (data.train, None)
    if validation is not None:
        validation = validation._replace(images=arrange(validation.images))
    seed_everything(seed)
    model = variant.build()
    history = fit(
        model,
        arrange(train.images),
        train.labels,
        validation=validation,
        prepare=variant.prepare,
        schedule=variant.schedule,
        learning_rate=variant.rate,
        batch_size=variant.batch_size,
        seed=seed,
        description=None,
    )
    if history.interrupted:
        raise KeyboardInterrupt
    measured: Measurements = {
        "seconds": sum(history.seconds),
        "train_loss_by_epoch": history.train_loss,
        "train_accuracy_by_epoch": history.train_accuracy,
    }
    if variant.tuning:
        measured["validation_loss_by_epoch"] = history.validation_loss
        measured["validation_accuracy_by_epoch"] = history.validation_accuracy
        measured["validation_accuracy"] = history.validation_accuracy[-1]
        return measured
    measured["test_loss"], measured["test_accuracy"] = evaluate(
        model, arrange(data.test.images), data.test.labels, prepare=variant.prepare
    )
    if variant.shifts:
        moved = (shift_anywhere(data.test.images, distance) for distance in DISTANCES)
        measured["shifted_accuracy"] = [
            evaluate(model, images, data.test.labels, prepare=variant.prepare)[1]
            for images in moved
        ]
    return measured
