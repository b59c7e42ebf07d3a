"""Does a map name the pixels that count? Take them away and see what the network says."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.attribution import blank_like, checked, logits_of, pick
from course_utils.models import evaluating


class Curves(NamedTuple):
    """Softmax probability of the target while pixels are replaced, highest values of a map first.

    Attributes:
        deletion: float32 [N, steps + 1], with the share of pixels replaced.
        insertion: float32 [N, steps + 1], with only this share shown.
        shares: float32 [steps + 1], from 0 to 1.
    """

    deletion: Tensor
    insertion: Tensor
    shares: Tensor


def deletion_insertion(
    network: nn.Module,
    inputs: Tensor,
    maps: Tensor,
    targets: Tensor | int,
    *,
    steps: int = 28,
    blank: Tensor | None = None,
    batch_size: int = 32,
) -> Curves:
    """Deletion and insertion curves of Petsiuk, Das and Saenko (2018).

    If a map is right about which pixels count, the probability falls early in deletion and rises
    early in insertion.

    Args:
        network: from float [N, C, H, W] to logits [N, classes]. It runs in evaluation mode and is
            left as it was.
        inputs: float [N, C, H, W], as the network takes them.
        maps: [N, H, W]; only the order of the values counts. Equal values are put in a random
            order, the same at each call.
        targets: int64 [N], or one class for all.
        steps: steps in which all pixels are replaced.
        blank: what replaces a pixel, float of a shape that expands to that of `inputs`; by default
            zeros, an even gray if the inputs are standardized.
        batch_size: pictures that go through the network together; changes only speed and memory.

    Returns:
        The curves on the CPU.

    Raises:
        ValueError: an argument or the network's output is not as described.
    """
    inputs, targets = checked(network, inputs, targets)
    count, _, height, width = inputs.shape
    if maps.shape != (count, height, width) or maps.isnan().any():
        raise ValueError(
            f"The maps must have a number for each pixel, no NaN, [{count}, {height}, {width}]; "
            f"they are {list(maps.shape)}."
        )
    if steps < 1:
        raise ValueError(f"steps must be at least 1, not {steps}.")
    blank = blank_like(inputs, blank)

    places = ranks(maps).to(inputs.device)
    shares = torch.linspace(0, 1, steps + 1)
    replaced = (shares * height * width).round().long()
    cases = torch.cartesian_prod(torch.arange(count), replaced).to(inputs.device)
    deletion, insertion = [], []
    with evaluating(network), torch.no_grad():
        for index, pixels in (case.unbind(1) for case in cases.split(batch_size)):
            highest = (places[index] < pixels[:, None, None]).unsqueeze(1)
            picture, empty, target = inputs[index], blank[index], targets[index]
            deletion.append(_probability(network, torch.where(highest, empty, picture), target))
            insertion.append(_probability(network, torch.where(highest, picture, empty), target))
    shape = (count, steps + 1)
    return Curves(torch.cat(deletion).view(shape), torch.cat(insertion).view(shape), shares)


def _probability(network: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
    return pick(logits_of(network, inputs).float().softmax(1), targets).cpu()


def ranks(maps: Tensor) -> Tensor:
    """Place of each pixel in its map, int64 [N, H, W] on the CPU: 0 is the highest value.

    Equal values stand in a random order, the same at each call.

    Args:
        maps: [N, H, W].
    """
    values = maps.detach().flatten(1).cpu()
    # By position, equal values would be taken away row by row, as if their place meant something.
    shuffle = torch.randperm(values.shape[1], generator=torch.Generator().manual_seed(0))
    order = shuffle[values[:, shuffle].argsort(dim=1, descending=True, stable=True)]
    return order.argsort(1).view(maps.shape)


def area(curve: Tensor) -> Tensor:
    """Mean height of a curve with even steps, by the trapezoid rule; for shares in 0..1.

    Args:
        curve: float [N, K] or [K], K at least 2.

    Returns:
        float [N] or one number.
    """
    return torch.trapezoid(curve, dx=1 / (curve.shape[-1] - 1))


def random_map(shape: tuple[int, int, int], seed: int) -> Tensor:
    """A map that knows nothing: float32 [N, H, W], uniform in 0..1."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def center_map(shape: tuple[int, int, int]) -> Tensor:
    """A map that knows only where photographers aim: float32 [N, H, W].

    It falls evenly with the distance, from 1 at the center to 0 at the corners.
    """
    _, height, width = shape
    rows = torch.linspace(-1, 1, height)[:, None] if height > 1 else torch.zeros(1, 1)
    columns = torch.linspace(-1, 1, width) if width > 1 else torch.zeros(1)
    return (1 - (rows**2 + columns**2).sqrt() / 2**0.5).expand(shape).clone()


def edge_map(inputs: Tensor) -> Tensor:
    """A map that knows the picture and no network: how steep each pixel's surroundings are.

    Args:
        inputs: float [N, C, H, W].

    Returns:
        float32 [N, H, W]: length of the Sobel gradient of the mean over the channels. The border
        repeats its pixels, so that it is no edge.
    """
    sobel = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 8  # change from pixel to pixel
    gray = inputs.detach().float().cpu().mean(1, keepdim=True)
    padded = F.pad(gray, (1, 1, 1, 1), mode="replicate")
    return F.conv2d(padded, torch.stack([sobel, sobel.T])[:, None]).norm(dim=1)


def blurred(inputs: Tensor) -> Tensor:
    """The pictures without their details, the usual blank for insertion (Petsiuk et al. 2018).

    Args:
        inputs: float [N, C, H, W].

    Returns:
        The same shape, after a Gaussian blur whose standard deviation is an eighth of the
        shorter side.
    """
    from torchvision.transforms.v2.functional import gaussian_blur

    sigma = min(inputs.shape[2:]) / 8
    size = 2 * round(3 * sigma) + 1
    rows = gaussian_blur(inputs, [size, 1], [sigma, sigma])  # one axis at a time: much faster
    return gaussian_blur(rows, [1, size], [sigma, sigma])
