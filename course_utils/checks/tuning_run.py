"""A run of fine-tuning, watched: what the network was shown, and what it may have learned."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import vector_to_parameters

from course_utils.checks.base import NotYet
from course_utils.checks.freezing import Pretrained
from course_utils.checks.functions import Attempt, Case
from course_utils.models import evaluating

# One more than a prime, so that the same move comes back late: there are more moves than calls
# in a case even if pictures are augmented one at a time.
SIDE = 18
CLASSES = 3
Pile = tuple[Tensor, Tensor]  # pictures [N, 3, SIDE, SIDE] and labels [N]


class Call(NamedTuple):
    """What a network was shown, and its state at that time."""

    pictures: Tensor
    learns: bool
    norm_in_training: bool
    weights: Tensor


class _Watched(Pretrained):
    """A pretrained network that notes each call; the first block of its base is frozen."""

    def __init__(self) -> None:
        super().__init__(features=6, classes=CLASSES)
        self.features[:3].requires_grad_(False)
        self.calls: list[Call] = []

    def forward(self, pictures: Tensor) -> Tensor:
        """Logits [N, classes] of pictures [N, 3, H, W]."""
        norms = [layer for layer in self.features if isinstance(layer, nn.BatchNorm2d)]
        training = any(norm.training for norm in norms)
        shown = pictures.detach().clone()
        self.calls.append(Call(shown, torch.is_grad_enabled(), training, self.weights))
        return super().forward(pictures)

    @property
    def weights(self) -> Tensor:
        """All learned numbers as they are now, in a row."""
        return torch.cat([p.detach().reshape(-1) for p in self.parameters()])


class _Augment:
    """Moves pictures to the right, at each call by another number of pixels; notes its input."""

    def __init__(self) -> None:
        self.inputs: list[Tensor] = []

    def __call__(self, pictures: Tensor) -> Tensor:
        self.inputs.append(pictures.detach().clone())
        return pictures.roll(1 + len(self.inputs) % (SIDE - 1), dims=-1)


def right_tuning(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    augment: Callable[[Tensor], Tensor],
    train: Pile,
    test: Pile,
    epochs: int,
) -> float:
    """A right answer."""
    network.eval()
    pictures, labels = train
    for _ in range(epochs):
        loss = F.cross_entropy(network(augment(pictures)), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return accuracy(network, test)


def accuracy(network: nn.Module, pile: Pile) -> float:
    """Share of a pile's pictures whose largest logit is at the label, in evaluation mode."""
    pictures, labels = pile
    dtype = next(network.parameters()).dtype
    with evaluating(network), torch.inference_mode():
        return (network(pictures.to(dtype)).argmax(dim=1) == labels).double().mean().item()


def tuning_case(epochs: int, trained: int, tested: int, mistaken: int) -> Case:
    """A network that is right about all test pictures but `mistaken` once it is fine-tuned.

    About these it is right after the first epoch, unless it says there what it says in the end.
    """
    network = _Watched()
    groups = [
        {"params": network.features[3:].parameters(), "lr": 0.1},
        {"params": network.classifier.parameters(), "lr": 0.5},
    ]
    train = torch.rand(trained, 3, SIDE, SIDE), torch.arange(trained) % CLASSES
    test = torch.rand(tested, 3, SIDE, SIDE)
    arguments = [network, torch.optim.SGD(groups), _Augment(), train]
    early, labels = _answers(arguments, test, 1), _answers(arguments, test, epochs)
    wrong = torch.where(early == labels, (labels + 1) % CLASSES, early)
    labels[:mistaken] = wrong[:mistaken]
    names = ("network", "optimizer", "augment", "train", "test", "epochs")
    values = (*arguments, (test, labels), epochs)
    words = f"{epochs} epochs, {trained} training and {tested} test pictures"
    return Case(dict(zip(names, values, strict=True)), words)


def _answers(arguments: list, pictures: Tensor, epochs: int) -> Tensor:
    """Classes [N] that the network of a case gives for pictures after some epochs."""
    network, optimizer, augment, train = deepcopy(arguments)
    right_tuning(network, optimizer, augment, train, train, epochs)
    return network(pictures).argmax(dim=1)


class Shown(NamedTuple):
    """A picture that a network was shown: of which pile, which one, moved by how many pixels."""

    pile: str
    index: int
    moved: int


@dataclass(frozen=True)
class Run:
    """A learner's run of fine-tuning, and what went through the network in it."""

    made: Attempt
    names: dict[bytes, Shown]
    calls: list[Call]

    @property
    def network(self) -> _Watched:
        """The network as the run left it."""
        return self.made.arguments[0]

    @property
    def epochs(self) -> int:
        """How many were asked for."""
        return self.made.arguments[5]

    def pile(self, name: str) -> Pile:
        """The pile as it was handed over."""
        return self.made.case.arguments[name]

    def shown(self, call: Call) -> list[Shown]:
        """What the pictures of a call are."""
        return [self.names[_key(picture)] for picture in call.pictures]

    def of(self, pile: str, learns: bool | None = None) -> Iterator[tuple[Call, list[Shown]]]:
        """The calls with pictures of a pile; of these only such that learn, or do not."""
        for call in self.calls:
            shown = self.shown(call)
            if any(s.pile == pile for s in shown) and learns in (None, call.learns):
                yield call, shown

    def trained(self) -> list[Shown]:
        """The training pictures from which the network may have learned, in their order."""
        shown = [s for _, pictures in self.of("train", learns=True) for s in pictures]
        return [s for s in shown if s.pile == "train"]

    def without_watching(self) -> "Run":
        """This run, without calls on unmoved training pictures that no step has learned from.

        Accuracies may be measured in passing; that gradients would flow makes no step of it.
        """

        def is_watched(call: Call) -> bool:
            return call.learns and any(s.pile == "train" and not s.moved for s in self.shown(call))

        left = replace(self, calls=[call for call in self.calls if not is_watched(call)])
        return left if left.trained() and left.ends_with(left.replayed()) else self

    def ends_with(self, weights: Tensor) -> bool:
        """Whether the run's last weights are these up to rounding."""
        last = self.network.weights.double()
        return torch.allclose(last, weights.double(), rtol=1e-3, atol=1e-5)

    def watched(self) -> Iterator[float]:
        """The accuracy on all of test at each call of the network with test pictures."""
        network = deepcopy(self.network)
        for call, _ in self.of("test"):
            vector_to_parameters(call.weights, network.parameters())
            yield accuracy(network, self.pile("test"))

    def augmented_again(self) -> bool:
        """Whether `augment` was given what it had made itself."""
        given = [batch.reshape(-1, 3, SIDE, SIDE) for batch in self.made.arguments[2].inputs]
        shown = [self.names.get(_key(picture)) for batch in given for picture in batch]
        return any(s is not None and s.moved for s in shown)

    def replayed(
        self,
        loss: Callable[[Tensor, Tensor], Tensor] = F.cross_entropy,
        with_test: bool = False,
        clears: bool = True,
        only_last: bool = False,
    ) -> Tensor:
        """The weights after a step on each call from which the network may have learned."""
        given = self.made.case.arguments
        network, optimizer = deepcopy([given["network"], given["optimizer"]])
        network.eval()
        calls = [(call.pictures, self.shown(call)) for call in self.calls if call.learns]
        if not with_test:
            calls = [
                (pictures, s) for pictures, s in calls if {each.pile for each in s} == {"train"}
            ]
        for pictures, shown in calls[-1:] if only_last else calls:
            labels = torch.stack([self.pile(s.pile)[1][s.index] for s in shown])
            if clears:
                optimizer.zero_grad()
            loss(network(pictures.float()), labels).backward()
            optimizer.step()
        return network.weights


def _key(picture: Tensor) -> bytes:
    return picture.float().numpy().tobytes()


def read_run(made: Attempt) -> Run:
    """What an attempt showed to the network; NotYet if that is none of the pictures."""
    names = {
        _key(picture.roll(moved, dims=-1)): Shown(pile, index, moved)
        for pile in ("train", "test")
        for index, picture in enumerate(made.case.arguments[pile][0])
        for moved in range(SIDE)
    }
    run = Run(made, names, list(made.arguments[0].calls))
    for call in run.calls:
        if any(_key(picture) not in names for picture in call.pictures):
            raise NotYet(
                "the network is shown pictures that are neither in train or test nor made by "
                "augment. All are prepared already: hand them over as they are."
            )
    if not any(run.of("train", learns=True)):
        raise NotYet("the network never learns from a training picture: train it first.")
    return run
