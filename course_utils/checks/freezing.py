"""Checker of a feature extractor: a new head learns, and the pretrained base stays as it is."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.checks.base import NotYet, checker
from course_utils.checks.functions import Attempt, Case, FunctionExercise, require_no_error
from course_utils.environment import random_state
from course_utils.models import evaluating
from course_utils.wording import in_short

STEPS = 3


class Pretrained(nn.Module):
    """A small network in the form of a large one: a convolutional base, then `classifier`."""

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 4, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.Conv2d(4, features, kernel_size=3),
            nn.BatchNorm2d(features),
            nn.ReLU(),
        )
        self.classifier = nn.Linear(features, classes)
        self.first_head = [self.classifier]  # in a list: no second name for its parameters
        with torch.no_grad():
            self.features(torch.rand(8, 3, 6, 6))  # batch norm measures

    def forward(self, pictures: Tensor) -> Tensor:
        """Logits [N, classes] of pictures [N, 3, H, W]."""
        return self.classifier(self.features(pictures).mean(dim=(2, 3)))


def _right_extractor(network: Pretrained, classes: int) -> tuple[nn.Module, torch.optim.Optimizer]:
    network.requires_grad_(False)
    network.classifier = nn.Linear(network.classifier.in_features, classes)
    return network.eval(), torch.optim.Adam(network.classifier.parameters())


def _exercise() -> FunctionExercise:
    """Networks of two sizes, in training mode as a new network is."""
    return FunctionExercise(
        name="feature_extractor",
        right=_right_extractor,
        cases=[
            Case({"network": Pretrained(6, 10), "classes": 8}, "6 features and 8 classes"),
            Case({"network": Pretrained(5, 4), "classes": 3}, "5 features and 3 classes"),
        ],
        misconceptions=[],
    )


@dataclass(frozen=True)
class _Extractor:
    """What a learner made of a pretrained network: a network and an optimizer."""

    before: Pretrained
    classes: int
    network: Pretrained
    optimizer: torch.optim.Optimizer

    @property
    def base(self) -> dict[str, nn.Parameter]:
        return dict(self.network.features.named_parameters())

    @property
    def old_head(self) -> list[nn.Parameter]:
        return list(self.network.first_head[0].parameters())

    def optimizes(self, parameters: Iterable[nn.Parameter]) -> bool:
        """Whether the optimizer holds one of `parameters`."""
        held = {id(p) for group in self.optimizer.param_groups for p in group["params"]}
        return not held.isdisjoint(map(id, parameters))


@checker
def check_feature_extractor(feature_extractor: Any) -> str:
    """Exercise 4: feature_extractor(network, classes) -> network with a new head, optimizer."""
    with random_state(0):
        exercise = _exercise()
        for made in exercise.attempts(feature_extractor):
            require_no_error(exercise, made)
            _judge(_read(made))
    return (
        "after three steps the head has moved, and not one number of the base. "
        "Why may you compute the features once and keep them, rather than in every epoch?"
    )


def _read(made: Attempt) -> _Extractor:
    value = made.value
    if isinstance(value, nn.Module):
        raise NotYet("only the network comes back: return network, optimizer.")
    if isinstance(value, torch.optim.Optimizer):
        raise NotYet("only the optimizer comes back: return network, optimizer.")
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise NotYet("feature_extractor must return two things: network, optimizer.")
    network, optimizer = value
    if isinstance(network, torch.optim.Optimizer) and isinstance(optimizer, nn.Module):
        raise NotYet("the two are in the wrong order: return network, optimizer.")
    if not isinstance(network, Pretrained):
        raise NotYet(
            "the network that comes back is not the one that was handed over: keep it, and put a "
            "new layer in the place of its head, network.classifier = nn.Linear(...)."
        )
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise NotYet(
            "the second thing that comes back is no optimizer: make one, such as "
            "torch.optim.Adam(...)."
        )
    return _Extractor(*made.case.arguments.values(), network, optimizer)


def _judge(extractor: _Extractor) -> None:
    network = extractor.network
    _require_new_head(extractor)
    _require_logits(extractor)
    if not all(p.requires_grad for p in network.classifier.parameters()):
        raise NotYet(
            "the new head is frozen, too, so nothing can learn: freeze the network first, then "
            "put in the new head, whose parameters are free."
        )
    if _state(network.features.state_dict().items()) != _state(
        extractor.before.features.state_dict().items()
    ):
        raise NotYet(
            "the base is no longer the pretrained one: what it has learned is all that is worth "
            "transferring, so leave its weights and statistics as they are."
        )
    start = _state(network.classifier.named_parameters())
    _train(extractor)
    _require_frozen_base(extractor)
    _require_optimizer_of_head(extractor)
    if _running(network) != _running(extractor.before):
        raise NotYet(
            "three training steps moved the running means and variances of batch norm. No "
            "gradient moves them, so freezing does not stop them: call network.eval(), and the "
            "base uses the statistics that it came with."
        )
    if any(isinstance(m, nn.BatchNorm2d) and m.training for m in network.features.modules()):
        raise NotYet(
            "batch norm is in training mode, so the base normalizes pictures by the batch that "
            "they come in: call network.eval(), and it uses the statistics that it came with."
        )
    if _state(network.classifier.named_parameters()) == start:
        raise NotYet("three training steps did not move the head: is the learning rate 0?")


def _state(tensors: Iterable[tuple[str, Tensor]]) -> dict[str, list]:
    return {name: tensor.tolist() for name, tensor in tensors}


def _running(network: Pretrained) -> dict[str, list]:
    """The running means and variances of batch norm."""
    buffers = network.features.named_buffers()
    return _state((name, tensor) for name, tensor in buffers if "running" in name)


def _require_new_head(extractor: _Extractor) -> None:
    network, old = extractor.network, extractor.network.first_head[0]
    if any(getattr(network, part, None) is None for part in ("features", "classifier")):
        raise NotYet("a part of the network is gone: only the head is replaced, by a new one.")
    if others := {name for name, _ in network.named_children()} - {"features", "classifier"}:
        raise NotYet(
            f"you put a layer at network.{min(others)}, which this network does not use: "
            "it calls its head classifier, and still has the old one there."
        )
    pretrained = extractor.before.classifier
    if network.classifier is old and old.weight.shape == pretrained.weight.shape:
        if old.out_features != pretrained.out_features:
            raise NotYet(
                "out_features only says how large a layer is; changing it leaves the old weights. "
                "Put in a new layer, network.classifier = nn.Linear(...)."
            )
        raise NotYet(
            "the old head is still there: put in a new layer, network.classifier = nn.Linear(...)."
        )
    if network.classifier is not old and old in network.classifier.modules():
        raise NotYet(
            "the new layer stands behind the old head and reads its answers, which are about "
            "other classes. It takes the old head's place and reads the features."
        )


def _require_logits(extractor: _Extractor) -> None:
    network, features = extractor.network, extractor.before.classifier.in_features
    linear = [layer for layer in network.classifier.modules() if isinstance(layer, nn.Linear)]
    # A lazy layer learns how many features there are when it reads the first ones.
    asked = linear and not isinstance(linear[0], nn.LazyLinear)
    if asked and linear[0].in_features != features:
        raise NotYet(
            f"the new head reads {linear[0].in_features} features, and this base gives {features}: "
            "ask the old head, network.classifier.in_features, before you replace it."
        )
    with evaluating(network), torch.no_grad():
        try:
            logits = network(torch.rand(8, 3, 6, 6))
        except Exception as error:
            raise NotYet(f"the network with its new head stops with {in_short(error)}.") from None
    if logits.shape != (8, extractor.classes):
        raise NotYet(
            f"for {extractor.classes} classes the head must give as many numbers for each picture, "
            f"not {logits.shape[-1]}: nn.Linear(features, classes)."
        )
    if (logits >= 0).all() and torch.allclose(logits.sum(dim=1), torch.ones(8)):
        raise NotYet(
            "a softmax stands at the end of the head. cross_entropy applies one itself, and a "
            "second one flattens the gradients: leave it out."
        )
    if not _is_linear(network.classifier, features):
        raise NotYet(
            "a linear head is asked for, and something in yours bends its numbers: put in one "
            "nn.Linear(features, classes) and nothing behind it, neither relu nor sigmoid."
        )


def _is_linear(head: nn.Module, features: int) -> bool:
    """Whether, in evaluation mode, a head gives the mean of what it gives for two inputs."""
    first, second = 10 * torch.randn(2, 32, features)
    with evaluating(head), torch.no_grad():
        between = (head(first) + head(second)) / 2
        return torch.allclose(head((first + second) / 2), between, rtol=1e-3, atol=1e-3)


def _train(extractor: _Extractor) -> None:
    """Take training steps as the chapter does, in the mode in which the network came."""
    generator = torch.Generator().manual_seed(0)
    pictures = torch.rand(8, 3, 6, 6, generator=generator)
    labels = torch.arange(8) % extractor.classes
    try:
        for _ in range(STEPS):
            loss = F.cross_entropy(extractor.network(pictures), labels)
            extractor.optimizer.zero_grad()
            loss.backward()
            extractor.optimizer.step()
    except Exception as error:
        raise NotYet(f"a training step of your network stops with {in_short(error)}.") from None


def _require_frozen_base(extractor: _Extractor) -> None:
    free = [name for name, parameter in extractor.base.items() if parameter.requires_grad]
    if not free:
        return
    if any("requires_grad" in vars(layer) for layer in extractor.network.modules()):
        raise NotYet(
            "the base is not frozen: on a network, requires_grad = False only makes a new "
            "attribute. The method requires_grad_(False), with an underscore, reaches its "
            "parameters."
        )
    if len(free) < len(extractor.base):
        raise NotYet(
            f"the base is not frozen as a whole: {len(free)} of its {len(extractor.base)} "
            f"parameters still learn, the first is features.{free[0]}. Batch norm has some, too. "
            "network.requires_grad_(False) reaches all."
        )
    if extractor.optimizes(extractor.base.values()):
        raise NotYet(
            "the base is not frozen: three training steps moved the pretrained weights. "
            "Call network.requires_grad_(False) before you put in the new head."
        )
    raise NotYet(
        "the base is not frozen. It stays where it is, since the optimizer does not hold it, but "
        "each step computes its gradients for nothing: call network.requires_grad_(False) before "
        "you put in the new head."
    )


def _require_optimizer_of_head(extractor: _Extractor) -> None:
    network = extractor.network
    replaced = network.classifier is not network.first_head[0]
    if replaced and extractor.optimizes(extractor.old_head):
        raise NotYet(
            "the optimizer holds the old head: it was made before the head was replaced, so the "
            "new head never learns. Make the optimizer last."
        )
    held = [extractor.optimizes([p]) for p in network.classifier.parameters()]
    if extractor.optimizes(extractor.base.values()):
        if not any(held):
            raise NotYet(
                "the optimizer holds the base's parameters and none of the head's, so nothing "
                "learns: give it network.classifier.parameters()."
            )
        raise NotYet(
            "the optimizer holds parameters of the base, too. Frozen, they do not move today, but "
            "will as soon as they are free: give it network.classifier.parameters() only."
        )
    if not all(held):
        raise NotYet(
            f"the optimizer holds {sum(held)} of the new head's {len(held)} parameters: give it "
            "all, network.classifier.parameters()."
        )
