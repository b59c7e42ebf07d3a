"""Explorer of the randomization test: does an explanation depend on what the network learned?

Source: Adebayo, Gilmer, Muelly, Goodfellow, Hardt and Kim (2018).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain, pairwise
from typing import Any

import ipywidgets as widgets
import numpy as np
import torch
from torch import Tensor, nn

from course_utils import sanity
from course_utils.attribution import METHODS
from course_utils.explorers.drawing import percent
from course_utils.explorers.explained import ExplanationExplorer, method_control
from course_utils.explorers.gallery import Gallery
from course_utils.explorers.sanity_picture import Forgetting, decimal, draw_backdrop, draw_step

MOST_STEPS = 12  # each takes an explanation
SEED = 0
KEPT = 30  # a method and a picture each: explanations that are remembered


class SanityExplorer(ExplanationExplorer):
    """Randomize a network layer by layer, from the output down, and watch its explanation.

    What is explained is always the class that the trained network finds likeliest. A map that
    hardly changes cannot be about what the network learned.

    Args:
        network: from float [N, C, h, w] to logits [N, classes].
        images: name -> uint8 RGB [H, W, 3] or gray [H, W].
        prepare: makes the network's input float [1, C, h, w] from a picture uint8 [1, 3, H, W].
        classes: the names of the classes.
        stages: the names of the layers that are randomized in each step, from the output down; by
            default `course_utils.sanity.stages`, in at most 12 steps.

    Raises:
        ValueError: one sentence that says which input is not as described.
    """

    title = "Explorer of the randomization test"
    quick = "randomized"

    def __init__(
        self,
        network: nn.Module,
        images: Mapping[str, Any],
        prepare: Callable[[Tensor], Tensor],
        classes: Sequence[str],
        *,
        stages: Iterable[Iterable[str]] | None = None,
    ) -> None:
        gallery = Gallery(network, images, prepare, classes)
        if stages is None:
            example = next(iter(gallery.pictures.values())).inputs
            stages = _grouped(sanity.stages(network, example), MOST_STEPS)
        self._stages = [tuple(names) for names in stages]
        if not self._stages:
            raise ValueError("There are no layers to randomize.")
        sanity.randomized(network, chain(*self._stages), SEED)  # whether it can be done
        self._find = lru_cache(KEPT)(self._forget)
        self._backdrop = lru_cache(1)(self._draw_backdrop)
        super().__init__(
            gallery,
            {
                "method": method_control(),
                "randomized": widgets.IntSlider(
                    min=0, max=len(self._stages), value=0, description="Randomized"
                ),
            },
        )

    def forget(self) -> None:
        """Give up all explanations."""
        for kept in (self._find, self._backdrop):
            kept.cache_clear()

    def explain(self, picture: str, method: str, randomized: int) -> str:
        """Which layers are random, what the network then says, and how alike the maps are."""
        found, name = self._find(picture, method), METHODS[method].name
        explained, (label, share) = found.answers[0][0], found.answers[randomized]
        says = f"the network says {label} ({percent(share)})"
        if randomized == 0:
            return f"Nothing is random: {says}. {name} explains {explained}."
        names = list(chain(*self._stages[:randomized]))
        layers = names[0] if len(names) == 1 else f"{len(names)} layers, {names[0]} to {names[-1]},"
        return (
            f"With {layers} random, {says}. The rank correlation of the map for {explained} by "
            f"{name} with that of the trained network is {decimal(found.correlations[randomized])}."
        )

    def render(self, picture: str, method: str, randomized: int) -> np.ndarray:
        """The picture, its explanations by the two networks, and the curve; uint8 RGB."""
        found = self._find(picture, method)
        backdrop = self._backdrop(picture, method)
        return draw_step(backdrop, self._gallery[picture], method, found, randomized)

    def _draw_backdrop(self, picture: str, method: str) -> np.ndarray:
        return draw_backdrop(self._gallery[picture], method, self._find(picture, method))

    def _forget(self, picture: str, method: str) -> Forgetting:
        gallery, seen, maps, answers = self._gallery, self._gallery[picture], [], []
        for step in range(len(self._stages) + 1):
            if step:
                self._status.value = f"Computing … step {step} of {len(self._stages)}"
            network = sanity.randomized(gallery.network, chain(*self._stages[:step]), SEED)
            maps.append(gallery.explain(network, method, seen.inputs, seen.likeliest[0]))
            answers.append(gallery.likeliest(network, seen.inputs))
        stack = torch.from_numpy(np.stack(maps))
        correlations = sanity.rank_correlation(stack[:1].expand_as(stack), stack)
        return Forgetting(stack.numpy(), correlations.numpy(), answers)


def _grouped(stages: Sequence[tuple[str, ...]], most: int) -> list[tuple[str, ...]]:
    """The same layers in at most so many steps, as equal as can be."""
    if len(stages) <= most:
        return list(stages)
    cuts = np.linspace(0, len(stages), most + 1).round().astype(int)
    return [tuple(chain(*stages[start:end])) for start, end in pairwise(cuts)]
