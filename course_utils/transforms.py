"""Changes to pictures whose effect on a network the course measures."""

import cv2
import numpy as np
import torch
from torch import Tensor


def shift(images: Tensor, dx: int, dy: int) -> Tensor:
    """Move pictures [N, C, H, W] by `dx` pixels to the right and `dy` down; zeros move in."""
    height, width = images.shape[-2:]
    if abs(dx) >= width or abs(dy) >= height:
        return torch.zeros_like(images)
    moved = images.roll((dy, dx), dims=(-2, -1))
    moved[..., :, : max(dx, 0)] = 0
    moved[..., :, width + min(dx, 0) :] = 0
    moved[..., : max(dy, 0), :] = 0
    moved[..., height + min(dy, 0) :, :] = 0
    return moved


def shift_anywhere(images: Tensor, distance: int, seed: int = 0) -> Tensor:
    """Move each picture of [N, C, H, W] by `distance` pixels left, right, up or down, by lot."""
    generator = torch.Generator().manual_seed(seed)
    direction = torch.randint(4, (len(images),), generator=generator)
    moved = torch.empty_like(images)
    for index, (dx, dy) in enumerate([(-1, 0), (1, 0), (0, -1), (0, 1)]):
        chosen = direction == index
        moved[chosen] = shift(images[chosen], dx * distance, dy * distance)
    return moved


def shuffle_pixels(images: Tensor, seed: int = 0) -> Tensor:
    """Put the pixels of [N, C, H, W] in another order, the same one for every picture."""
    height, width = images.shape[-2:]
    order = torch.randperm(height * width, generator=torch.Generator().manual_seed(seed))
    return images.flatten(-2)[..., order].unflatten(-1, (height, width))


def shift_and_turn(image: np.ndarray, dx: int, dy: int, degrees: float) -> np.ndarray:
    """Turn an image about its center, then shift it; what comes in from outside is 0.

    Args:
        image: uint8 [H, W].
        dx: pixels to the right.
        dy: pixels down.
        degrees: clockwise; pixel values between grid points are interpolated bilinearly, and
            0 degrees leaves every value as it is.

    Returns:
        uint8 [H, W].
    """
    height, width = image.shape
    # OpenCV counts angles counterclockwise.
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -degrees, 1)
    matrix[:, 2] += dx, dy
    return cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderValue=0)
