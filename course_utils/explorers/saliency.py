"""Explorer of explanations: what speaks for an answer, and whether the network really needs it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any

import ipywidgets as widgets
import numpy as np
import torch
from torch import Tensor, nn

from course_utils.attribution import METHODS
from course_utils.explorers.base import ExplorerError
from course_utils.explorers.drawing import percent
from course_utils.explorers.explained import ExplanationExplorer, method_control
from course_utils.explorers.gallery import Gallery
from course_utils.explorers.saliency_picture import (
    Explanation,
    area_in_words,
    draw_backdrop,
    draw_removal,
)
from course_utils.faithfulness import Curves, deletion_insertion, random_map, ranks

NOTHING = -1  # no class to explain against
SEEDS = 3  # random orders of the pixels
KEPT = 64  # explanations that are remembered


class SaliencyExplorer(ExplanationExplorer):
    """Explain an answer by several methods, and test each: remove the pixels that it ranks highest.

    On the picture without these pixels the network answers again. The curves show its probability
    for every share of the pixels, beside that of pixels removed in a random order.

    Args:
        network: from float [N, C, h, w] to logits [N, classes].
        images: name -> uint8 RGB [H, W, 3] or gray [H, W].
        prepare: makes the network's input float [1, C, h, w] from a picture uint8 [1, 3, H, W], as
            `course_utils.pretrained.Backbone.prepare`. A pixel is removed by setting it to 0 there.
        classes: the names of the classes.
        methods: keys of `course_utils.attribution.METHODS`; by default all.
        steps: of the curves; a divisor of 100.

    Raises:
        ValueError: one sentence that says which input is not as described.
    """

    title = "Explorer of explanations"
    quick = "removed"

    def __init__(
        self,
        network: nn.Module,
        images: Mapping[str, Any],
        prepare: Callable[[Tensor], Tensor],
        classes: Sequence[str],
        *,
        methods: Iterable[str] | None = None,
        steps: int = 20,
    ) -> None:
        if steps not in (divisors := [n for n in range(1, 101) if 100 % n == 0]):
            raise ValueError(f"steps must be one of {', '.join(map(str, divisors))}, not {steps}.")
        self._steps = steps
        self._explained = lru_cache(KEPT)(self._explain)
        self._by_chance = lru_cache(KEPT)(self._remove_by_chance)
        self._backdrop = lru_cache(1)(self._draw_backdrop)
        gallery = Gallery(network, images, prepare, classes)
        method = method_control(methods)  # before any other control: it refuses unknown ones
        super().__init__(
            gallery,
            {
                "target": widgets.Dropdown(description="Explain"),
                "against": widgets.Dropdown(description="Against"),
                "method": method,
                "removed": widgets.IntSlider(
                    min=0, max=100, step=100 // steps, value=0, description="Removed (%)"
                ),
            },
        )

    def adjust(self, changed: set[str]) -> None:
        """Take in an upload, offer the picture's likeliest classes, and keep to whole steps."""
        super().adjust(changed)
        removed = self.controls["removed"]  # what is typed beside a slider can be any number
        removed.value = removed.step * round(removed.value / removed.step)
        self._offer_classes()

    def choose(self, **values: Any) -> None:
        """Set several controls and draw once; classes may be those of the picture they lead to."""
        with self._holding():
            with suppress(Exception):  # drawing meets it again, and says it
                self._ask_again()
                self._offer_classes()
            for name in [name for name in ("picture", "target") if name in values]:
                self.controls[name].value = values[name]
                self._offer_classes()
        super().choose(**values)

    def forget(self) -> None:
        """Give up all explanations and curves."""
        for kept in (self._explained, self._by_chance, self._backdrop):
            kept.cache_clear()

    def explain(self, picture: str, target: int, against: int, method: str, removed: int) -> str:
        """The probability with and without the removed pixels, and the areas under the curves."""
        explanation = self._explained(picture, target, against, method)
        curves, chance = explanation.curves, explanation.chance
        start, now = (percent(float(curves.deletion[0, step])) for step in (0, self._step(removed)))
        name = explanation.method
        sentence = f"The network gives {explanation.label} {start}"
        if removed:
            sentence += f"; without the {removed}% of the pixels that {name} ranks highest, {now}"
        areas = [
            f"{kind} {area_in_words(ours)} (random order {area_in_words(random)})"
            for kind, ours, random in (
                ("deletion", curves.deletion, chance.deletion),
                ("insertion", curves.insertion, chance.insertion),
            )
        ]
        return f"{sentence}. Areas under the curves of {name}: {', '.join(areas)}."

    def render(
        self, picture: str, target: int, against: int, method: str, removed: int
    ) -> np.ndarray:
        """The picture, its explanation, the picture with pixels removed, and curves; uint8 RGB."""
        asked = picture, target, against, method
        seen, explanation = self._gallery[picture], self._explained(*asked)
        return draw_removal(self._backdrop(*asked), seen, explanation, self._step(removed))

    def _draw_backdrop(self, picture: str, target: int, against: int, method: str) -> np.ndarray:
        explanation = self._explained(picture, target, against, method)
        return draw_backdrop(self._gallery[picture], explanation)

    def _step(self, removed: int) -> int:
        return removed * self._steps // 100

    def _offer_classes(self) -> None:
        """Let the learner choose among the likeliest classes; what is chosen stays if it can."""
        seen = self._gallery[self.controls["picture"].value]
        choices = [
            (f"{self._gallery.classes[kind]} ({percent(seen.probabilities[kind])})", kind)
            for kind in seen.likeliest
        ]
        _offer(self.controls["target"], choices)
        target = self.controls["target"].value
        others = [choice for choice in choices if choice[1] != target]
        _offer(self.controls["against"], [("nothing", NOTHING), *others])

    def _explain(self, picture: str, target: int, against: int, method: str) -> Explanation:
        gallery, inputs = self._gallery, self._gallery[picture].inputs
        other = None if against == NOTHING else against
        values = gallery.explain(gallery.network, method, inputs, target, against=other)
        maps = torch.from_numpy(values)[None]
        return Explanation(
            method=METHODS[method].name,
            signed=METHODS[method].signed,
            label=gallery.classes[target],
            against=None if other is None else gallery.classes[other],
            values=values,
            ranks=ranks(maps)[0].numpy(),
            curves=self._curves(inputs, maps, target),
            chance=self._by_chance(picture, target),
        )

    def _remove_by_chance(self, picture: str, target: int) -> Curves:
        inputs = self._gallery[picture].inputs
        maps = torch.cat([random_map((1, *inputs.shape[2:]), seed) for seed in range(SEEDS)])
        return self._curves(inputs.expand(SEEDS, -1, -1, -1), maps, target)

    def _curves(self, inputs: Tensor, maps: Tensor, target: int) -> Curves:
        try:
            return deletion_insertion(
                self._gallery.network, inputs, maps, target, steps=self._steps
            )
        except ValueError as problem:
            raise ExplorerError(f"The pixels cannot be removed: {problem}") from problem


def _offer(control: widgets.Dropdown, options: Sequence[tuple[str, int]]) -> None:
    """Give a control these options; what was chosen stays if it is among them."""
    if list(control.options) != list(options):
        kept, values = control.value, [value for _, value in options]
        control.options = options
        control.value = kept if kept in values else values[0]
