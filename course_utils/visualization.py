"""Pictures that can be optimized: what a layer answers to most (Olah and others, 2017)."""

import torch
from torch import Tensor, nn

# Brightness, then the two color contrasts in which photographs vary most next, as rows of red,
# green and blue: roughly the principal components of the colors of natural pictures.
COLORS = ((0.65, 0.68, 0.68), (0.22, 0.0, -0.22), (0.05, -0.12, 0.08))


class PixelPicture(nn.Module):
    """A picture whose parameters are its pixels; it begins as faint noise.

    Calling it gives float [1, 3, size, size] in -1..1.

    Args:
        size: side in pixels.
        seed: of the noise.
    """

    def __init__(self, size: int, seed: int = 0) -> None:
        super().__init__()
        noise = torch.randn(3, size, size, generator=torch.Generator().manual_seed(seed))
        self.pixels = nn.Parameter(0.01 * noise)

    def forward(self) -> Tensor:
        """The picture as it is now."""
        return self.pixels.tanh()[None]


class FourierPicture(nn.Module):
    """A picture whose parameters are the waves that it is a sum of; it begins as faint noise.

    Long waves are scaled up, as they are strong in photographs, and colors are mixed as they are
    there: so a step of the optimizer changes large, coherent areas first. The set of pictures that
    can be reached is the same as with pixels.

    Calling it gives float [1, 3, size, size] in -1..1.

    Args:
        size: side in pixels, even.
        seed: of the noise.

    Raises:
        ValueError: the size is odd.

    Source: Olah, Mordvintsev and Schubert (2017), Feature visualization.
    """

    def __init__(self, size: int, seed: int = 0) -> None:
        super().__init__()
        if size % 2:
            raise ValueError(f"size must be even, not {size}.")
        self.size = size
        generator = torch.Generator().manual_seed(seed)
        self.waves = nn.Parameter(
            0.01 * torch.randn(3, size, size // 2 + 1, 2, generator=generator)
        )
        down, across = torch.fft.fftfreq(size)[:, None], torch.fft.rfftfreq(size)[None]
        frequency = (down**2 + across**2).sqrt()  # waves per pixel, [size, size // 2 + 1]
        self.register_buffer("scale", 1 / frequency.clamp(min=1 / size))
        self.register_buffer("colors", torch.tensor(COLORS))

    def forward(self) -> Tensor:
        """The picture as it is now."""
        spectrum = torch.view_as_complex(self.waves) * self.scale
        channels = torch.fft.irfft2(spectrum, s=(self.size, self.size), norm="ortho")
        return torch.einsum("chw,cr->rhw", channels, self.colors).tanh()[None]
