"""Train and evaluate a classifier of images that fit in memory."""

import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.lr_scheduler import ConstantLR, OneCycleLR

from course_utils import checkpoints
from course_utils.distributed import rank, shared, total, world_size
from course_utils.environment import (
    bfloat16_is_fast,
    device_of,
    image_layout,
    pick_device,
    random_state,
    synchronize,
)
from course_utils.models import evaluating
from course_utils.progress import Progress

Schedule = Literal["one-cycle", "constant"]
Prepare = Callable[[Tensor], Tensor]
DEFAULT_RATE = {"one-cycle": 2e-3, "constant": 1e-3}
PIXEL_MEAN, PIXEL_STD = 0.2860, 0.3530  # of Fashion-MNIST's training images, in 0..1


@dataclass
class History:
    """What happened during training.

    Attributes:
        step_loss: cross-entropy in nats of every batch.
        train_loss: mean over the epoch's batches, as the network was while it learned (so with
            dropout, and with earlier weights than at the epoch's end).
        train_accuracy: in the same way, mean over the epoch's images. Accuracies are in 0..1.
        validation_loss, validation_accuracy: after each epoch; empty without validation images.
        seconds: training time of each epoch, without validation.
        interrupted: whether training was stopped before its last epoch.
    """

    step_loss: list[float] = field(default_factory=list)
    train_loss: list[float] = field(default_factory=list)
    train_accuracy: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    validation_accuracy: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    interrupted: bool = False

    def __repr__(self) -> str:
        epochs = len(self.train_loss)
        words = f"{epochs} epoch{'' if epochs == 1 else 's'} in {sum(self.seconds):.0f} s"
        if self.train_loss:
            words += f", training loss {self.train_loss[-1]:.3f}"
        if self.validation_accuracy:
            words += f", validation accuracy {self.validation_accuracy[-1]:.1%}"
        return words + (", interrupted" if self.interrupted else "")


def to_float(images: Tensor) -> Tensor:
    """Images uint8 [N, C, H, W] with values 0..255 as float32 with values 0..1."""
    return images.float() / 255


def standardize(images: Tensor) -> Tensor:
    """Images uint8 [N, C, H, W] as float32 whose mean is 0 and standard deviation 1.

    The statistics are those of Fashion-MNIST's 60,000 training images.
    """
    return (to_float(images) - PIXEL_MEAN) / PIXEL_STD


def _check(images: Tensor, labels: Tensor) -> None:
    if images.dtype != torch.uint8 or images.dim() != 4:
        raise ValueError(
            f"images must be uint8 [N, C, H, W], not {images.dtype} {list(images.shape)}."
        )
    if labels.dtype != torch.int64 or labels.shape != images.shape[:1]:
        raise ValueError(
            f"labels must be int64 [{len(images)}], one for each image, "
            f"not {labels.dtype} {list(labels.shape)}."
        )


def predict(
    model: nn.Module, images: Tensor, *, prepare: Prepare = standardize, batch_size: int = 128
) -> Tensor:
    """Logits, float32 [N, classes] on the CPU, in evaluation mode and without gradients.

    Args:
        model: takes what `prepare` gives; left in the mode in which it was.
        images: uint8 [N, C, H, W].
        prepare: makes the model's input from a batch of images, on the model's device.
        batch_size: images at a time; changes only speed and memory. Larger ones are slower on a
            CPU, which then takes fresh memory from the system for every layer.
    """
    device = device_of(model)
    with evaluating(model), torch.inference_mode():
        logits = [model(prepare(batch.to(device))) for batch in images.split(batch_size)]
        return torch.cat(logits).float().cpu()


def evaluate(
    model: nn.Module, images: Tensor, labels: Tensor, *, prepare: Prepare = standardize
) -> tuple[float, float]:
    """Mean cross-entropy in nats, and accuracy in 0..1, of `model` on `images`.

    Args:
        model: takes what `prepare` gives; left in the mode in which it was.
        images: uint8 [N, C, H, W].
        labels: int64 [N].
        prepare: makes the model's input from a batch of images, on the model's device.

    Raises:
        ValueError: images or labels of the wrong type, shape or number.
    """
    _check(images, labels)
    logits = predict(model, images, prepare=prepare)
    accuracy = (logits.argmax(dim=1) == labels.cpu()).float().mean()
    return F.cross_entropy(logits, labels.cpu()).item(), accuracy.item()


def fit(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    validation: tuple[Tensor, Tensor] | None = None,
    prepare: Prepare = standardize,
    epochs: int = 5,
    batch_size: int = 128,
    schedule: Schedule = "one-cycle",
    learning_rate: float | None = None,
    seed: int = 0,
    device: torch.device | str | None = None,
    bfloat16: bool | None = None,
    checkpoint: Path | str | None = None,
    description: str | None = "training",
) -> History:
    """Train `model` in place with Adam on cross-entropy.

    All images stay on the device as uint8 and each batch is converted there: no worker, no copy.
    Interrupting after the first epoch keeps what was learned. The global random state stays.

    In a script that torchrun started, inside `distributed.process_group()`, the processes share
    each batch and learn what one process would; each keeps the whole history, the first one saves.

    Args:
        model: takes what `prepare` gives, gives logits [N, classes]; left in training mode.
        images, labels: uint8 [N, C, H, W] and int64 [N].
        validation: images and labels to evaluate on after each epoch.
        prepare: makes the model's input from a batch of images, on the model's device.
        epochs, batch_size: passes over the images, and images a step, of all processes together
            (a last batch of one image, which batch norm cannot use, is left out).
        schedule: "one-cycle" (Smith and Topin 2018: the rate rises, then falls to nearly zero) or
            "constant".
        learning_rate: the (highest) rate; by default 2e-3 for one-cycle, 1e-3 for constant.
        seed: of the order of the images and of dropout, not of the model's first weights.
        device: by default the fastest.
        bfloat16: compute in bfloat16 instead of float32; by default where the device is fast at it.
        checkpoint: file to save to after each epoch, and to go on from if it is there already.
        description: what the progress bar says; None shows no bar.

    Raises:
        ValueError: images or labels of the wrong type, shape or number, no epoch, a batch of one,
            or a checkpoint that is another training's or cannot be written.
    """
    _check(images, labels)
    if validation is not None:
        _check(*validation)
    least = max(2, world_size())
    if epochs < 1 or batch_size < least or len(images) < least:
        raise ValueError(
            f"Training needs at least 1 epoch, {least} images and {least} images a batch."
        )
    checkpoint = None if checkpoint is None else Path(checkpoint)
    device = pick_device() if device is None else torch.device(device)
    bfloat16 = bfloat16_is_fast(device) if bfloat16 is None else bfloat16
    rate = DEFAULT_RATE[schedule] if learning_rate is None else learning_rate
    model.to(device, memory_format=image_layout(device))
    images, labels = images.to(device), labels.to(device)
    steps = epochs * len(_batches(torch.arange(len(images)), batch_size))
    trainer = _Trainer(model, steps, schedule, rate)
    history = trainer.history
    shapes = {name: list(value.shape) for name, value in model.state_dict().items()}
    plan = [epochs, batch_size, schedule, rate, seed, len(images), validation is not None, shapes]

    with (
        random_state(seed, device),
        shared(model) as network,
        Progress(steps, description if rank() == 0 else None, "batches") as bar,
    ):
        if checkpoint is not None and os.path.exists(checkpoint):
            trainer.resume(checkpoint, plan)
            bar.update(len(history.step_loss))
        if checkpoint is not None and rank() == 0 and len(history.seconds) < epochs:
            checkpoints.check_writable(checkpoint)  # now, not when an epoch is done
        try:
            while len(history.seconds) < epochs:
                trainer.train_epoch(network, images, labels, prepare, batch_size, bfloat16, bar)
                if validation is not None:
                    loss, accuracy = evaluate(model, *validation, prepare=prepare)
                    history.validation_loss.append(loss)
                    history.validation_accuracy.append(accuracy)
                if checkpoint is not None and rank() == 0:
                    trainer.save(checkpoint, plan)
                bar.note(f"loss {history.train_loss[-1]:.3f}")
        except KeyboardInterrupt:
            if not history.seconds:
                raise  # nothing was learned that the next cell could use
            history.interrupted = True
    return history


class _Trainer:
    """All that changes while a model learns."""

    def __init__(self, model: nn.Module, steps: int, schedule: Schedule, rate: float):
        self.model = model
        self.device = device_of(model)
        self.optimizer = torch.optim.Adam(model.parameters(), lr=rate, fused=True)
        if schedule == "one-cycle":
            # The last rate is nearly zero: a single step with it would learn nothing.
            self.scheduler = OneCycleLR(self.optimizer, max_lr=rate, total_steps=max(steps, 2))
        else:
            self.scheduler = ConstantLR(self.optimizer, factor=1)
        self.history = History()

    def train_epoch(
        self,
        network: nn.Module,
        images: Tensor,
        labels: Tensor,
        prepare: Prepare,
        batch_size: int,
        bfloat16: bool,
        bar: Progress,
    ) -> None:
        start = time.perf_counter()
        losses, correct = [], torch.zeros((), device=self.device)
        network.train()
        # Drawn on the CPU, the same on all devices, and copied once: each copy makes a GPU wait.
        order = torch.randperm(len(images)).to(images.device)
        batches = _batches(order, batch_size)
        for batch in batches:
            share = batch[rank() :: world_size()]
            x, y = prepare(images[share]), labels[share]
            with torch.autocast(self.device.type, torch.bfloat16, enabled=bfloat16):
                logits = network(x)
            # Its mean over the processes is the mean over the batch, whatever their shares.
            loss = F.cross_entropy(logits.float(), y) * (len(share) * world_size() / len(batch))
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.scheduler.step()
            losses.append(loss.detach())
            correct += (logits.detach().argmax(dim=1) == y).sum()
            bar.update()
        synchronize(self.device)
        # Read once an epoch: asking for each number would make a GPU wait at every step.
        step_loss = (total(torch.stack(losses)) / world_size()).tolist()
        self.history.step_loss += step_loss
        self.history.train_loss.append(sum(step_loss) / len(step_loss))
        self.history.train_accuracy.append(total(correct).item() / sum(map(len, batches)))
        self.history.seconds.append(time.perf_counter() - start)

    def save(self, path: Path, plan: list[Any]) -> None:
        state = {
            "plan": plan,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
            "history": asdict(self.history),
        }
        checkpoints.save_checkpoint(path, state | checkpoints.random_states(self.device))

    def resume(self, path: Path, plan: list[Any]) -> None:
        state = checkpoints.load_checkpoint(path)
        if state.get("plan") != plan:
            raise ValueError(f"{path} belongs to another training: name another file or delete it.")
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scheduler.load_state_dict(state["scheduler"])
        vars(self.history).update(state["history"])
        checkpoints.restore_random_states(state, self.device)


def _batches(order: Tensor, batch_size: int) -> list[Tensor]:
    """Batches of the images in this order; without the last if it is too small for all processes.

    Batch norm cannot use a batch of one.
    """
    batches = list(order.split(batch_size))
    return batches if len(batches[-1]) >= max(2, world_size()) else batches[:-1]
