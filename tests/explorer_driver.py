"""Drive an explorer's controls without a browser."""

from collections.abc import Sequence
from typing import Any

import cv2
import ipywidgets as widgets
import numpy as np

from course_utils.explorers.base import Explorer


def extremes(control: widgets.ValueWidget) -> list[Any]:
    """The values to try on a control: both ends of a range, each option, both states."""
    if isinstance(control, widgets.Dropdown | widgets.ToggleButtons | widgets.RadioButtons):
        # With (label, value) pairs, `options` holds the pairs.
        pairs = [option if isinstance(option, tuple) else (option,) for option in control.options]
        return [pair[-1] for pair in pairs]
    if isinstance(control, widgets.SelectionSlider):
        return [control.options[0], control.options[-1]]
    if isinstance(control, widgets.Checkbox | widgets.ToggleButton):
        return [False, True]
    if hasattr(control, "min") and hasattr(control, "max"):
        low, high = control.min, control.max
        return [(low, low), (low, high), (high, high)] if hasattr(control, "lower") else [low, high]
    if isinstance(control, widgets.Text | widgets.Textarea):
        return ["", "a", "<b>&amp;</b> ä 猫", "x" * 1000]
    raise NotImplementedError(f"the driver does not know {type(control).__name__}")


def shown(explorer: Explorer) -> np.ndarray:
    """The picture that the browser receives, uint8 RGB [H, W, 3]."""
    return decoded(explorer.picture_png)


def decoded(png: bytes) -> np.ndarray:
    """A picture's pixels, uint8 RGB [H, W, 3]."""
    pixels = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)


def upload(button: widgets.FileUpload, name: str, content: bytes) -> None:
    """Do what the browser does when a file is chosen."""
    if hasattr(button, "_counter"):  # ipywidgets 7
        counter = button._counter + 1
        metadata = {"name": name, "type": "", "size": len(content), "lastModified": 0}
        data = [memoryview(content)]
        button.set_state({"_counter": counter, "metadata": [metadata], "data": data, "error": ""})
    else:
        file = {"name": name, "type": "", "size": len(content), "last_modified": 0}
        file["content"] = memoryview(content)
        button.set_state({"value": [file], "error": ""})


def drive(explorer: Explorer, **tried: Sequence[Any]) -> int:
    """Set every control to both ends or to each option; every state must be a picture.

    Afterwards the explorer is as it was. Upload buttons are left alone.

    Args:
        tried: by name of a control, the values to try instead.

    Returns:
        The number of states tried.
    """
    before = explorer.values
    unknown = tried.keys() - before.keys()
    assert not unknown, f"no controls to set: {sorted(unknown)}"
    states = 0
    for name in before:
        control = explorer.controls[name]
        for value in tried[name] if name in tried else extremes(control):
            control.value = value
            assert explorer.error is None, f"{name}={value!r}: {explorer.error}"
            assert explorer.status, f"{name}={value!r} says nothing"
            picture = explorer.render(**explorer.values)
            assert picture.dtype == np.uint8, f"{name}={value!r}"
            assert picture.ndim == 3, f"{name}={value!r}"
            assert picture.shape[2] == 3, f"{name}={value!r}"
            np.testing.assert_array_equal(shown(explorer), picture, err_msg=f"{name}={value!r}")
            states += 1
        for _ in range(2):  # the second time reaches what lay outside a range before the first
            explorer.choose(**before)
    assert explorer.values == before
    return states
