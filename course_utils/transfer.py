"""Transfer learning: cut a trained network in two, keep the first part, train the second."""

import math
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.arrays import as_array
from course_utils.environment import device_of
from course_utils.models import evaluating
from course_utils.progress import Progress

LABEL_SMOOTHING = 0.1
# Of all steps, in which the rates rise; with 0.2 itself OneCycleLR divides by zero at 5 steps.
WARM_UP = 0.2 + 1e-9


def blocks(network: nn.Module) -> list[nn.Module]:
    """The convolutional base of `network` in pieces, from the picture to one vector.

    Together they compute float [N, features] from pictures; the classifier is left out.

    Args:
        network: timm's EfficientNet (9 blocks) or torchvision's ResNet (6 blocks).

    Raises:
        ValueError: another network.
    """
    if hasattr(network, "conv_stem"):
        first = nn.Sequential(network.conv_stem, network.bn1)
        last = nn.Sequential(network.conv_head, network.bn2, network.global_pool)
        return [first, *network.blocks, last]
    if hasattr(network, "layer4"):
        first = nn.Sequential(network.conv1, network.bn1, network.relu, network.maxpool)
        middle = [network.layer1, network.layer2, network.layer3, network.layer4]
        return [first, *middle, nn.Sequential(network.avgpool, nn.Flatten())]
    raise ValueError(f"{type(network).__name__} is neither an EfficientNet nor a ResNet.")


def run_blocks(
    parts: Sequence[nn.Module],
    images: Tensor,
    prepare: Callable[[Tensor], Tensor] | None = None,
    *,
    batch_size: int = 64,
    description: str | None = None,
) -> Tensor:
    """What `parts` compute one after the other, in evaluation mode and without gradients.

    Args:
        parts: some of a network's `blocks`, from the first on; left in the mode they were in.
        images: what the first part takes, or uint8 [N, 3, H, W] if there is a `prepare`.
        prepare: makes the input from a batch of images.
        batch_size: images at a time; changes only speed and memory.
        description: what the progress bar says; None shows no bar.

    Returns:
        float32 [N, ...] on the CPU.
    """
    model = nn.Sequential(*parts)
    device = device_of(model)
    outputs = []
    with evaluating(model), torch.no_grad(), Progress(len(images), description, "pictures") as bar:
        for batch in images.split(batch_size):
            x = batch.to(device)
            outputs.append(model(x if prepare is None else prepare(x)).float().cpu())
            bar.update(len(batch))
    return torch.cat(outputs)


def linear_head(features: Tensor, labels: Tensor, classes: int, strength: float = 1.0) -> nn.Linear:
    """The best linear classifier on fixed features: logistic regression.

    Args:
        features: float [N, D].
        labels: int64 [N], each class at least once.
        classes: number of classes, at least 2.
        strength: the larger, the weaker the weights are held down (scikit-learn's `C`).

    Raises:
        ValueError: a class has no example.
    """
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    if labels.unique().tolist() != list(range(classes)):
        raise ValueError(f"Each of the {classes} classes needs at least one example.")
    regression = LogisticRegression(C=strength, max_iter=2000)
    with threadpool_limits(1):  # the matrices are small, and OpenBLAS's threads spin in between
        fitted = regression.fit(as_array(features), as_array(labels))
    head = nn.Linear(features.shape[1], classes)
    weight, bias = torch.tensor(fitted.coef_), torch.tensor(fitted.intercept_)
    if classes == 2:  # scikit-learn keeps the second logit only
        weight, bias = torch.cat([-weight, weight]) / 2, torch.cat([-bias, bias]) / 2
    with torch.no_grad():
        head.weight.copy_(weight)
        head.bias.copy_(bias)
    return head


def fine_tune(
    base: nn.Module,
    head: nn.Module,
    views: Tensor,
    labels: Tensor,
    *,
    base_rate: float,
    head_rate: float,
    epochs: int = 10,
    batch_size: int = 32,
    freeze_statistics: bool = True,
    description: str | None = "fine-tuning",
) -> list[float]:
    """Train `base` and `head` together in place, by AdamW with a rate for each of the two.

    Both rates rise during the first fifth of the steps and then fall to nearly zero. Random
    numbers come from torch's global generator.

    Args:
        base: what is trained of the convolutional base; `nn.Identity()` to train the head alone.
        head: the classifier; its output is logits.
        views: float [V, N, ...], what `base` takes: V versions of each of N inputs, for example
            the picture and its mirror image; each time one of them is drawn by lot.
        labels: int64 [N].
        base_rate, head_rate: the highest learning rates.
        epochs, batch_size: passes over the N inputs, and inputs a step.
        freeze_statistics: batch norm uses the statistics that it has and leaves them alone;
            otherwise it uses each batch's own. Dropout inside `base` is off with it.
        description: what the progress bar says; None shows no bar.

    Returns:
        The loss of each step, cross-entropy with smoothed labels in nats.
    """
    device = device_of(head)
    groups = [{"params": list(head.parameters()), "lr": head_rate}]
    if list(base.parameters()):
        groups.append({"params": list(base.parameters()), "lr": base_rate})
    optimizer = torch.optim.AdamW(groups)
    versions, count = views.shape[:2]
    steps = epochs * math.ceil(count / batch_size)
    rates = [group["lr"] for group in groups]
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, rates, total_steps=max(steps, 2), pct_start=WARM_UP
    )
    base.train(not freeze_statistics)
    head.train()
    losses = []
    with Progress(steps, description, "batches") as bar:
        for _ in range(epochs):
            for batch in torch.randperm(count).split(batch_size):
                inputs = views[torch.randint(versions, batch.shape), batch]
                logits = head(base(inputs.to(device)))
                target = labels[batch].to(device)
                loss = F.cross_entropy(logits, target, label_smoothing=LABEL_SMOOTHING)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                scheduler.step()
                losses.append(loss.detach())
                bar.update()
    return [loss.item() for loss in losses]  # read at the end: a GPU would wait at every step
