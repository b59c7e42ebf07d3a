"""Small networks whose layers are looked at in tests."""

import torch
from torch import Tensor, nn

X = torch.randn(1, 2, 8, 8, generator=torch.Generator().manual_seed(1))


class Block(nn.Module):
    """A shortcut, a reused in-place ReLU and a batch norm."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(2, 2, 3, padding=1), nn.Conv2d(2, 2, 3, padding=1)
        self.norm = nn.BatchNorm2d(2)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(x + self.norm(self.conv2(self.relu(self.conv1(x)))))


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Sequential(nn.Conv2d(2, 2, 3, padding=1), nn.ReLU(inplace=True))
        self.never = nn.Linear(1, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.inner(x)


class Doubled(nn.Sequential):
    """Its last layer's output, doubled in place."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).mul_(2)


class Gives(nn.Module):
    """Gives whatever a function makes of the input."""

    def __init__(self, function) -> None:
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def network() -> nn.Sequential:
    torch.manual_seed(0)
    tail = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(), nn.Linear(2, 10)]
    return nn.Sequential(Block(), Residual(), *tail)


def hooks(model: nn.Module) -> int:
    return sum(len(module._forward_hooks) for module in model.modules())
