"""Sanity check for explanations: does a map change when the network forgets what it learned?

Source: Adebayo, Gilmer, Muelly, Goodfellow, Hardt and Kim (2018).
"""

import copy
from collections.abc import Iterable
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from course_utils.environment import device_of, random_state
from course_utils.models import evaluating


def stages(network: nn.Module, example: Tensor) -> list[tuple[str, ...]]:
    """The layers to randomize one after the other, from the output down.

    Args:
        network: any network; it is left as it was.
        example: one input [1, ...] on the network's device.

    Returns:
        Names of the modules that have parameters of their own, each once. A batch norm is in one
        stage with the layer that it follows.
    """
    names = {m: name for name, m in network.named_modules() if name and _learns(m)}
    ran: dict[nn.Module, None] = {}

    def note(module: nn.Module, inputs: tuple, output: object) -> None:
        ran.pop(module, None)  # a layer that is used twice stands where it is used last
        ran[module] = None

    hooks = [module.register_forward_hook(note) for module in names]
    try:
        with evaluating(network), torch.no_grad():
            network(example)
    finally:
        for hook in hooks:
            hook.remove()
    found: list[tuple[str, ...]] = []
    for previous, module in pairwise([None, *ran]):
        if isinstance(module, _BatchNorm) and previous is not None:
            found[-1] += (names[module],)
        else:
            found.append((names[module],))
    return found[::-1]


def _learns(module: nn.Module) -> bool:
    parameter = next(module.parameters(recurse=False), None)
    return parameter is not None or isinstance(module, _BatchNorm)


def randomized(network: nn.Module, names: Iterable[str], seed: int) -> nn.Module:
    """A copy of `network` in which some layers are as before any training.

    Args:
        network: left as it is.
        names: modules whose parameters, and those of all modules inside, are drawn afresh as
            PyTorch does it (`reset_parameters`); a batch norm forgets its statistics too.
        seed: of the lot; the global random state stays as it is.

    Returns:
        The copy, in evaluation mode, on the network's device.

    Raises:
        ValueError: there is no such module, or one cannot draw its parameters.
    """
    device = device_of(network)
    fresh = copy.deepcopy(network).cpu().eval()  # on the CPU the numbers are the same everywhere
    modules = dict(fresh.named_modules())
    with random_state(seed):
        for name in names:
            if name not in modules:
                raise ValueError(f"The network has no layer {name!r}.")
            for module in filter(_learns, modules[name].modules()):
                if not hasattr(module, "reset_parameters"):
                    raise ValueError(
                        f"{type(module).__name__} has no reset_parameters() to draw with."
                    )
                module.reset_parameters()
    return fresh.to(device)


def rank_correlation(a: Tensor, b: Tensor, *, absolute: bool = True) -> Tensor:
    """Spearman's rank correlation of maps: 1 where two order the pixels alike.

    Args:
        a, b: [N, H, W].
        absolute: compare the absolute values, so that a map and its negative agree.

    Returns:
        float32 [N], in -1..1; 0 where one of the two maps is constant.

    Raises:
        ValueError: the shapes differ, or a value is NaN.
    """
    from scipy.stats import rankdata

    if a.shape != b.shape or a.ndim != 3:
        raise ValueError(
            f"Two sets of maps must both be [N, H, W], not {list(a.shape)} and {list(b.shape)}."
        )
    if a.isnan().any() or b.isnan().any():
        raise ValueError("A map has values that are no numbers.")
    ranks = []
    for maps in (a, b):
        values = (maps.abs() if absolute else maps).detach().flatten(1).cpu().double()
        rank = torch.from_numpy(rankdata(values.numpy(), axis=1))  # equal values share their mean
        ranks.append(rank - rank.mean(1, keepdim=True))
    x, y = ranks
    correlation = (x * y).sum(1) / (x.norm(dim=1) * y.norm(dim=1))
    return correlation.nan_to_num(0.0).float()  # 0 / 0: the ranks of a constant map do not vary
