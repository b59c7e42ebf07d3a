"""What can be done wrong in a saliency map: the exercise that `gradients` checks."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.checks.functions import Case, FunctionExercise, Misconception

CLASSES = 4
Prepare = Callable[[Tensor], Tensor]


class SeeingNetwork(nn.Module):
    """A small network with a smooth non-linearity that notes the pictures it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 6, kernel_size=3, padding=1), nn.SiLU(), nn.Conv2d(6, 6, kernel_size=3)
        )
        self.head = nn.Linear(6, CLASSES)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.mul_(3)  # probabilities far from 1/4, gradients of any sign
        self.seen: list[Tensor] = []
        self.asked: list[tuple[bool, bool]] = []  # for a gradient, and is it a leaf
        self.reached: list[bool] = []  # once for each gradient that backward left in a leaf

    def forward(self, pictures: Tensor) -> Tensor:
        """Logits [N, 4] of pictures [N, 3, H, W]."""
        self.seen.append(pictures.detach().clone())
        self.asked.append((pictures.requires_grad, pictures.is_leaf))
        if pictures.requires_grad and pictures.is_leaf:
            pictures.register_post_accumulate_grad_hook(lambda leaf: self.reached.append(True))
        return self.head(F.silu(self.features(pictures)).mean(dim=(2, 3)))


def prepare_pictures(pictures: Tensor) -> Tensor:
    """Standardize pictures [N, 3, H, W] of 0..255, each channel in its own way."""
    mean, std = (torch.tensor(n).reshape(3, 1, 1) for n in ((0.5, 0.4, 0.3), (0.2, 0.25, 0.4)))
    return (pictures / 255 - mean) / std


def _gradient(
    score: Callable[[Tensor, int], Tensor], network: nn.Module, inputs: Tensor, target: int
) -> Tensor:
    """The gradient of the sum of all scores, which are made of logits [N, classes]."""
    inputs = inputs.detach().requires_grad_()
    return torch.autograd.grad(score(network(inputs), target).sum(), inputs)[0]


def _logit(logits: Tensor, target: int) -> Tensor:
    return logits[:, target]


def _largest(gradients: Tensor) -> Tensor:
    return gradients.abs().amax(dim=1)


def _saliency(
    score: Callable[[Tensor, int], Tensor] = _logit,
    reduce: Callable[[Tensor], Tensor] = _largest,
) -> Callable[..., Tensor]:
    """The right answer, with another score or another way from [N, 3, H, W] to [N, H, W]."""
    return lambda network, pictures, prepare, target: reduce(
        _gradient(score, network, prepare(pictures), target)
    )


def _through_prepare(network: nn.Module, pictures: Tensor, prepare: Prepare, target: int) -> Tensor:
    pictures = pictures.float().requires_grad_()
    score = network(prepare(pictures))[:, target].sum()
    return _largest(torch.autograd.grad(score, pictures)[0])


def _times_input(network: nn.Module, pictures: Tensor, prepare: Prepare, target: int) -> Tensor:
    inputs = prepare(pictures)
    return _largest(inputs * _gradient(_logit, network, inputs, target))


def _per_map(change: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """Scale each right map with its smallest and its largest number."""

    def reduce(gradients: Tensor) -> Tensor:
        maps = _largest(gradients)
        return change(maps, torch.stack(maps.flatten(1).aminmax(dim=1))[..., None, None])

    return reduce


def _of_answer(logits: Tensor, target: int) -> Tensor:
    return logits.amax(dim=1)


def _cross_entropy(logits: Tensor, target: int) -> Tensor:
    return F.cross_entropy(logits, torch.full((len(logits),), target), reduction="none")


PROBABILITY = (
    "this is the gradient of {}, which mixes in the logits of all other classes: a pixel can raise "
    "it by speaking against them. Take the target's logit as it comes out of the network."
)
SCALED = (
    "you scale each map to its own range, so a picture to which the network hardly reacts looks "
    "like one to which it reacts strongly: return the gradients as they are, and scale to draw."
)
CHANNELS = "of the three channels, the largest absolute value is asked for, amax(dim=1): this is {}"
MISCONCEPTIONS = [
    Misconception(
        "this is the gradient of the class that the network prefers, not of the target: "
        "take logits[:, target].",
        _saliency(_of_answer),
    ),
    Misconception(
        "this is the gradient of all logits together, since you sum over the classes: "
        "take logits[:, target] before you sum.",
        _saliency(lambda logits, target: logits),
    ),
    Misconception(
        "logits[target] is picture number target of the batch: the classes lie along the second "
        "axis, logits[:, target].",
        _saliency(lambda logits, target: logits[target]),
    ),
    Misconception(
        "this is the gradient of another class: classes are counted from 0, as logits[:, target] "
        "does.",
        _saliency(lambda logits, target: logits[:, target - 1]),
    ),
    Misconception(
        PROBABILITY.format("the target's probability"),
        _saliency(lambda logits, target: logits.softmax(dim=1)[:, target]),
    ),
    Misconception(PROBABILITY.format("the loss"), _saliency(_cross_entropy)),
    Misconception(
        PROBABILITY.format("the loss, averaged over the batch"),
        _saliency(lambda logits, target: _cross_entropy(logits, target) / len(logits)),
    ),
    Misconception(
        "the mean over the batch divides every map by the number of pictures, so a map depends on "
        "how many others there are: sum over the batch, whose pictures do not influence one "
        "another.",
        _saliency(lambda logits, target: logits[:, target] / len(logits)),
    ),
    Misconception(
        "only the first picture has a gradient: sum the target's logits of all pictures.",
        _saliency(lambda logits, target: logits[:1, target]),
    ),
    Misconception(
        "this is the gradient with respect to the picture before prepare, so each channel is "
        "divided by its std once more: make the input first, inputs = prepare(pictures), and let "
        "inputs.requires_grad_() ask for the gradient.",
        _through_prepare,
    ),
    Misconception(
        "this is gradient times input, another method: it makes dark pixels of a standardized "
        "picture count and gray ones not. Leave the input out.",
        _times_input,
    ),
    Misconception(
        "a gradient below zero counts, too, since it says that the pixel matters: take abs() "
        "before the maximum over the channels.",
        _saliency(reduce=lambda gradients: gradients.amax(dim=1)),
    ),
    Misconception(
        "a gradient below zero counts, too: this keeps only what is above zero. Take abs().",
        _saliency(reduce=lambda gradients: gradients.amax(dim=1).clamp(min=0)),
    ),
    Misconception(
        CHANNELS.format("the largest one without its absolute value before: take abs() first."),
        _saliency(reduce=lambda gradients: gradients.amax(dim=1).abs()),
    ),
    Misconception(CHANNELS.format("their sum."), _saliency(reduce=lambda g: g.abs().sum(dim=1))),
    Misconception(CHANNELS.format("their mean."), _saliency(reduce=lambda g: g.abs().mean(dim=1))),
    Misconception(
        CHANNELS.format("their sum with signs, in which they cancel."),
        _saliency(reduce=lambda gradients: gradients.sum(dim=1).abs()),
    ),
    Misconception(
        CHANNELS.format("their mean with signs, in which they cancel."),
        _saliency(reduce=lambda gradients: gradients.mean(dim=1).abs()),
    ),
    Misconception(
        CHANNELS.format("their length as a vector."),
        _saliency(reduce=lambda gradients: gradients.norm(dim=1)),
    ),
    Misconception(
        CHANNELS.format("the first one alone."),
        _saliency(reduce=lambda gradients: gradients[:, 0].abs()),
    ),
    Misconception(SCALED, _saliency(reduce=_per_map(lambda maps, ends: maps / ends[1]))),
    Misconception(
        SCALED,
        _saliency(reduce=_per_map(lambda maps, ends: (maps - ends[0]) / (ends[1] - ends[0]))),
    ),
]


def _case(count: int, height: int, width: int, target: int) -> Case:
    arguments = {
        "network": SeeingNetwork().eval(),
        "pictures": torch.randint(0, 256, (count, 3, height, width), dtype=torch.uint8),
        "prepare": prepare_pictures,
        "target": target,
    }
    return Case(arguments, f"{count} pictures of {height} × {width} pixels and class {target}")


def saliency_exercise() -> FunctionExercise:
    """The exercise; its networks and pictures are drawn by torch's global generator."""
    return FunctionExercise(
        name="saliency",
        right=_saliency(),
        # More pictures than classes up to the target, so that logits[target] raises no error.
        cases=[_case(3, 3, 4, 2), _case(4, 4, 6, 3), _case(3, 5, 5, 1)],
        misconceptions=MISCONCEPTIONS,
    )
