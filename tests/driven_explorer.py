"""One explorer in a browser: move every control as a learner would, and watch the picture."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from playwright.sync_api import FilePayload, Locator

from course_utils.figures import PALETTE

ERROR_STATUS = f'.widget-html [style*="{PALETTE["vermilion"]}" i]'
# The bytes of every picture shown, as one string of digests; null while a picture is replaced.
FINGERPRINT = """async area => {
    const digests = [...area.querySelectorAll('img[src^="blob:"]')].map(async image => {
        const bytes = await (await fetch(image.src)).arrayBuffer();
        const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
        return [...digest].map(byte => byte.toString(16)).join();
    });
    return Promise.all(digests).then(all => all.join(' '), () => null);
}"""
# Notes when a key goes down, and when the next new picture has been decoded.
STOPWATCH = """area => {
    const watch = area.stopwatch = {};
    area.addEventListener('keydown', () => { watch.pressed = performance.now(); },
        {capture: true, once: true});
    new MutationObserver((changes, observer) => {
        observer.disconnect();
        changes[0].target.addEventListener('load', () => { watch.drawn = performance.now(); },
            {once: true});
    }).observe(area, {subtree: true, attributeFilter: ['src']});
}"""
ELAPSED = "area => area.stopwatch.drawn - area.stopwatch.pressed"
WALKED = {"Layer"}  # sliders that are pressed through all their places

CHECKERBOARD = np.kron(np.indices((6, 8)).sum(axis=0) % 2 * 255, np.ones((4, 4))).astype(np.uint8)
PICTURE: FilePayload = {
    "name": "checkerboard.png",
    "mimeType": "image/png",
    "buffer": cv2.imencode(".png", CHECKERBOARD)[1].tobytes(),
}
NO_PICTURE: FilePayload = {
    "name": "shopping.txt",
    "mimeType": "text/plain",
    "buffer": b"milk, bread",
}


class Misbehavior(Exception):
    """A control did not do what a learner expects."""


@dataclass
class DrivenExplorer:
    """A cell's output with controls and a picture, in which a control has `patience` seconds."""

    area: Locator
    patience: float

    def drive(self) -> list[float]:
        """Move every slider, dropdown and checkbox there and back, edit texts, upload files.

        Returns:
            The milliseconds that each slider took; for those walked, of each step.
        """
        milliseconds = []
        for handle in self.area.locator(".noUi-target:not([disabled]) .noUi-handle").all():
            name = _label(handle, "widget-slider")
            if name in WALKED:
                milliseconds += self._walk(name, handle)
                continue
            at_end = _places(handle)["now"] == _places(handle)["max"]
            keys = ("ArrowLeft", "ArrowRight") if at_end else ("ArrowRight", "ArrowLeft")
            self.area.evaluate(STOPWATCH)
            self._there_and_back(name, handle.press, *keys)
            milliseconds.append(self.area.evaluate(ELAPSED))
        for dropdown in self.area.locator("select:enabled").all():
            chosen = dropdown.evaluate("dropdown => dropdown.selectedIndex")
            other = (chosen + 1) % dropdown.locator("option").count()
            if other != chosen:
                name = _label(dropdown, "widget-dropdown")
                self._there_and_back(name, _choose(dropdown), other, chosen)
        for box in self.area.locator(".widget-checkbox input:enabled").all():
            name = box.locator("xpath=..").inner_text()
            self._there_and_back(name, lambda _, box=box: box.click(), None, None)
        for box in self.area.locator("textarea:enabled, .widget-text input:enabled").all():
            text = box.input_value()
            self._there_and_back(_label(box, "widget-text"), _write(box), edited(text), text)
        for button in self.area.locator(".widget-upload:enabled").all():
            self._upload(button)
        return milliseconds

    def _walk(self, control: str, handle: Locator) -> list[float]:
        """Press a slider to its end, then from its beginning to where it was, step by step.

        Every step must change the picture, and at the end it must be the first one again.

        Returns:
            The milliseconds of each press.
        """
        milliseconds, first, places = [], self._picture(), _places(handle)
        to_the_end, from_the_beginning = (
            round(places[end] - places[start]) * ["ArrowRight"]
            for start, end in (("now", "max"), ("min", "now"))
        )
        for key in (*to_the_end, "Home", *from_the_beginning):
            before = self._picture()
            self.area.evaluate(STOPWATCH)
            handle.press(key)
            self._require_change(f"{control} at {_places(handle)['now']:g}", before)
            milliseconds.append(self.area.evaluate(ELAPSED))
        if not self._wait(lambda: self._picture() == first):
            raise Misbehavior(f"{control}: the first picture did not come back")
        return milliseconds

    def _there_and_back(
        self, control: str, move: Callable[[Any], object], there: Any, back: Any
    ) -> None:
        """The picture must change, without an error, and then be the same bytes again."""
        before = self._picture()
        move(there)
        self._require_change(control, before)
        move(back)
        if not self._wait(lambda: self._picture() == before):
            raise Misbehavior(f"{control}: the first picture did not come back")

    def _upload(self, button: Locator) -> None:
        """What is no picture must only give a sentence; a picture must be drawn."""
        label = button.inner_text()
        name = label.partition(" (")[0]  # JupyterLab adds how many files the button holds
        before = self._picture()
        self._hand_over(button, NO_PICTURE)
        if not self._wait(self._errors):
            raise Misbehavior(f"{name}: nothing says that {NO_PICTURE['name']} is no picture")
        if self._picture() != before:
            raise Misbehavior(f"{name}: {NO_PICTURE['name']} changed the picture")
        self._hand_over(button, PICTURE)
        self._require_change(name, before)
        if not self._wait(lambda: button.inner_text() == label):
            raise Misbehavior(f"{name}: the button keeps the file")

    def _hand_over(self, button: Locator, file: FilePayload) -> None:
        with button.page.expect_file_chooser() as chooser:
            button.click()
        chooser.value.set_files(file)

    def _require_change(self, control: str, before: str | None) -> None:
        """A new picture, and no sentence about an error that stays."""
        if self._wait(lambda: self._picture() not in (None, before) and not self._errors()):
            return
        for sentence in self._errors():
            raise Misbehavior(f"{control}: {sentence}")
        raise Misbehavior(f"{control}: the picture did not change")

    def _picture(self) -> str | None:
        return self.area.evaluate(FINGERPRINT)

    def _errors(self) -> list[str]:
        return self.area.locator(ERROR_STATUS).all_inner_texts()

    def _wait(self, is_reached: Callable[[], object]) -> bool:
        deadline = time.monotonic() + self.patience
        while time.monotonic() < deadline:
            if is_reached():
                return True
            self.area.page.wait_for_timeout(20)
        return False


def edited(text: str) -> str:
    """`text` with another first digit; with a digit behind it where it has none."""
    if digit := re.search(r"\d", text):
        return text[: digit.start()] + ("1" if digit[0] == "3" else "3") + text[digit.end() :]
    return text + "1"


def _label(part: Locator, kind: str) -> str:
    control = part.locator(f"xpath=ancestor::*[contains(@class, '{kind}')]")
    return control.locator(".widget-label").first.inner_text()


def _places(handle: Locator) -> dict[str, float]:
    """Where a slider's handle is, and its lowest and highest place."""
    return {
        name: float(handle.get_attribute(f"aria-value{name}")) for name in ("now", "min", "max")
    }


def _choose(dropdown: Locator) -> Callable[[int], object]:
    return lambda index: dropdown.select_option(index=index)


def _write(box: Locator) -> Callable[[str], object]:
    def write(text: str) -> None:
        box.fill(text)
        box.blur()  # some boxes tell the kernel only when they are left

    return write
