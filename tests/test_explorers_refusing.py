"""Explorers that refuse their input leave no widget behind."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from ipywidgets.widgets import widget
from test_saliency_explorer import BRIGHT, make

from course_utils.explorers.convolution import ConvolutionExplorer
from course_utils.explorers.learning import LearningExplorer
from course_utils.explorers.pooling import PoolingExplorer


def widgets() -> set[str]:
    """All that are open in this process, by their identity."""
    known = getattr(widget, "_instances", None)  # ipywidgets 8
    return set(widget.Widget.widgets if known is None else known)


@pytest.mark.parametrize(
    "refused",
    [
        lambda: ConvolutionExplorer({}),
        lambda: ConvolutionExplorer({"x": "cat.png"}),
        lambda: PoolingExplorer({}),
        lambda: make(methods=["nope"]),
        lambda: make(methods=[]),
        lambda: make(steps=7),
        lambda: make(images={}),
        lambda: make(images={"x": BRIGHT / 2}),
        lambda: LearningExplorer(torch.zeros(2, 3, 3), [1, -1], np.zeros((9, 9), np.uint8)),
    ],
)
def test_no_widget_is_left(refused: Callable[[], object]) -> None:
    before = widgets()
    with pytest.raises(ValueError):  # noqa: PT011 (which one, other tests say)
        refused()
    assert widgets() == before


def test_open_widgets_are_seen() -> None:
    before = widgets()
    explorer = PoolingExplorer({"x": BRIGHT})
    assert len(widgets() - before) > 20
    explorer.close()
    assert widgets() == before
