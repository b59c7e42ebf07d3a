"""Pictures for any network: what a learner hands over, what the network gets, what it sees."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from course_utils.pictures import central_square, shrink, to_rgb
from course_utils.wording import in_short

LONGEST = 1024  # pixels of a side
LONGEST_STRIP = 8  # times its short side: a strip would grow without end as it is resized

Prepare = Callable[[Tensor], Tensor]  # picture uint8 [1, 3, H, W] -> the network's input


def network_picture(picture: Any) -> np.ndarray:
    """A picture as uint8 RGB [H, W, 3], no larger than `LONGEST`; of a long strip the middle.

    Args:
        picture: uint8 RGB [H, W, 3] or gray [H, W].

    Raises:
        PictureError: `picture` is something else.
    """
    picture = to_rgb(shrink(picture, LONGEST))
    for axis in (0, 1):
        most = LONGEST_STRIP * picture.shape[1 - axis]
        start = max(picture.shape[axis] - most, 0) // 2
        picture = picture.take(range(start, min(start + most, picture.shape[axis])), axis)
    return picture


def network_pictures(pictures: Any) -> dict[str, np.ndarray]:
    """Pictures by name, each as `network_picture` makes it.

    Raises:
        ValueError: there is none, or one of them is no picture.
    """
    if not isinstance(pictures, Mapping) or not pictures:
        raise ValueError("images must name at least one picture, as in {'cat': array}.")
    checked = {}
    for name, picture in pictures.items():
        try:
            checked[str(name)] = network_picture(picture)
        except ValueError as problem:
            raise ValueError(f"The picture {name!r} cannot be shown: {problem}") from problem
    return checked


def network_input(model: nn.Module, prepare: Prepare, picture: np.ndarray) -> Tensor:
    """What the network is given for a picture: a batch of one, on the network's device.

    Args:
        model: its first parameter tells the device.
        prepare: as for the explorers.
        picture: uint8 RGB [H, W, 3].

    Raises:
        ValueError: `prepare` fails on the picture, or gives no batch of one of finite numbers.
    """
    batch = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None]  # [1, 3, H, W]
    try:
        with torch.inference_mode(False), torch.no_grad():
            inputs = prepare(batch)
    except Exception as problem:
        raise ValueError(f"prepare fails on it ({in_short(problem)}).") from problem
    if not isinstance(inputs, Tensor) or not inputs.is_floating_point() or inputs.ndim < 2:
        found = type(inputs).__name__
        if isinstance(inputs, Tensor):
            found = f"{inputs.dtype} {list(inputs.shape)}"
        raise ValueError(f"prepare must give a float tensor [1, ...], not {found}.")
    if len(inputs) != 1 or inputs.numel() == 0:
        raise ValueError(f"prepare must give one input [1, ...], not {list(inputs.shape)}.")
    if not inputs.isfinite().all():
        raise ValueError("prepare gives NaN or infinity for it.")
    device = next((parameter.device for parameter in model.parameters()), inputs.device)
    return inputs.detach().to(device)


def as_picture(inputs: Tensor, picture: np.ndarray) -> np.ndarray:
    """What the network sees, uint8 RGB [H, W, 3]: its input from its least to its greatest number.

    Args:
        inputs: [1, C, H, W]; of more or fewer channels than three, their mean is shown. An input
            that is no picture is shown as `picture`.
        picture: what `inputs` was made from, uint8 RGB [H, W, 3].
    """
    if inputs.ndim != 4:
        return central_square(picture, min(picture.shape[:2]))
    values = inputs[0].float().cpu().permute(1, 2, 0).numpy()
    if values.shape[2] != 3:
        values = values.mean(axis=2, keepdims=True).repeat(3, axis=2)
    low, high = float(values.min()), float(values.max())
    if low == high:
        return np.full(values.shape, 128, np.uint8)
    return np.rint((values - low) * (255 / (high - low))).astype(np.uint8)


def gray_input(size: int) -> Prepare:
    """How a picture is prepared for a network that was trained on Fashion-MNIST.

    Args:
        size: side in pixels.

    Returns:
        A function from pictures uint8 [N, 3, H, W] to standardized gray float [N, 1, size, size]:
        the luminance (ITU-R BT.601), resized, cut to the central square.
    """
    from torchvision.transforms import v2

    from course_utils.training import standardize

    resize = v2.Compose([v2.Resize(size), v2.CenterCrop(size)])

    def prepare(images: Tensor) -> Tensor:
        red, green, blue = images.float().split(1, dim=1)
        gray = (0.299 * red + 0.587 * green + 0.114 * blue).round().to(torch.uint8)
        return standardize(resize(gray))

    return prepare
