"""Chapter 2: dense and convolutional networks on Fashion-MNIST, each with five seeds."""

from collections.abc import Callable
from dataclasses import dataclass

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
        label: its name in tables and figures.
        build: makes the network with fresh weights.
        schedule, batch_size: of the training; five epochs always.
        prepare: makes the network's input from a batch of images.
        tuning: train without the validation images and evaluate on them after each epoch, to
            choose by; otherwise train on all and evaluate once on the test images.
        shuffled: put the pixels of all pictures in another order first.
        shifts: evaluate also on test pictures moved by 0 to 4 pixels.
    """

    label: str
    build: Callable[[], nn.Module]
    schedule: Schedule = "one-cycle"
    batch_size: int = 128
    prepare: Prepare = standardize
    tuning: bool = False
    shuffled: bool = False
    shifts: bool = False


_published = {"schedule": "constant", "batch_size": 100, "prepare": to_float, "tuning": True}
RUNS = {
    "dnn_published_recipe": Variant("DNN, published recipe", FashionDNN, **_published),
    "dnn_our_recipe": Variant("DNN, our recipe", FashionDNN, tuning=True),
    "cnn_published_recipe": Variant("CNN, published recipe", FashionCNN, **_published),
    "cnn_our_recipe": Variant("CNN, our recipe", FashionCNN, tuning=True),
    "dnn": Variant("DNN", FashionDNN, shifts=True),
    "cnn": Variant("CNN", FashionCNN, shifts=True),
    "cnn_head_relu": Variant("CNN, ReLU in the head", lambda: FashionCNN(head_relu=True)),
    "cnn_global_pool": Variant("CNN, global average pool", GlobalPoolCNN, shifts=True),
    "cnn_small_head": Variant("CNN of the DNN's size", SmallHeadCNN),
    "dnn_shuffled": Variant("DNN, pixels shuffled", FashionDNN, shuffled=True),
    "cnn_shuffled": Variant("CNN, pixels shuffled", FashionCNN, shuffled=True),
}


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
    seed_everything(seed)
    model = variant.build()
    history = fit(
        model,
        arrange(train.images),
        train.labels,
        validation=validation,
        prepare=variant.prepare,
        schedule=variant.schedule,
        batch_size=variant.batch_size,
        seed=seed,
        description=f"{variant.label}, seed {seed}",
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
        model, arrange(data.test.images), data.test.labels
    )
    if variant.shifts:
        measured["shifted_accuracy"] = [
            evaluate(model, shift_anywhere(data.test.images, distance), data.test.labels)[1]
            for distance in DISTANCES
        ]
    return measured
