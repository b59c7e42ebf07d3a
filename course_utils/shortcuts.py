"""A shortcut to plant: a small mark that gives a class away."""

import torch
from torch import Tensor

from course_utils.faithfulness import ranks

SIDE = 4  # pixels


def plant_mark(images: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    """Copies of pictures with a black and white checkerboard of 4 x 4 pixels somewhere.

    Args:
        images: uint8 [N, C, H, W]; left as they are.
        seed: of the places, which are drawn for each picture.

    Returns:
        The copies, and where the mark is: booleans [N, H, W].
    """
    count, _, height, width = images.shape
    generator = torch.Generator().manual_seed(seed)
    top = torch.randint(height - SIDE + 1, (count, 1, 1), generator=generator)
    left = torch.randint(width - SIDE + 1, (count, 1, 1), generator=generator)
    rows = torch.arange(height)[:, None] - top  # [N, H, 1], 0 at the mark's first row
    columns = torch.arange(width) - left  # [N, 1, W]
    marked = (rows >= 0) & (rows < SIDE) & (columns >= 0) & (columns < SIDE)
    colors = 255 * (rows + columns).remainder(2).byte()
    marked, colors = marked.to(images.device), colors.to(images.device)
    return torch.where(marked[:, None], colors[:, None], images), marked


def share_found(maps: Tensor, marked: Tensor) -> Tensor:
    """How much of the mark is among as many pixels with the highest values of a map.

    Args:
        maps: [N, H, W]; equal values are put in a random order, the same at each call.
        marked: booleans [N, H, W], the same number of pixels in each picture.

    Returns:
        float32 [N]: 1 where these are the mark's pixels and no others, 0 where they are all
        elsewhere.
    """
    count = int(marked[0].sum())
    highest = ranks(maps) < count
    return (highest & marked.cpu()).sum(dim=(1, 2)) / count
