"""Open a notebook in JupyterLab as a learner would: run all cells, move every control."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import cv2
import numpy as np
from lab_server import TOKEN
from playwright.sync_api import Browser, ConsoleMessage, FilePayload, Locator, Page

from course_utils.figures import PALETTE

VIEWPORT = {"width": 1366, "height": 768}
OPEN_SECONDS = 60
ERROR_STATUS = f'.widget-html [style*="{PALETTE["vermilion"]}" i]'

KERNEL_IS_IDLE = """() =>
    window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"""
# The promise of this command is not awaited: it settles only when the last cell has run.
RUN_ALL = "() => { jupyterapp.commands.execute('notebook:run-all-cells'); }"
SHUT_DOWN = "() => jupyterapp.shell.currentWidget.sessionContext.shutdown()"
CODE_CELLS = """() => jupyterapp.shell.currentWidget.content.widgets
    .filter(cell => cell.model.type === 'code')
    .map(cell => ({
        count: cell.model.executionCount,
        error: cell.model.outputs.toJSON().find(output => output.output_type === 'error'),
    }))"""
CONTROLS = ".widget-slider, .widget-dropdown, .widget-textarea, .widget-text, .widget-upload"
EXPLORER = f".jp-OutputArea-child:has(img.widget-image):has({CONTROLS})"
COUNT_WIDGETS = """() => jupyterapp.shell.currentWidget.content.widgets
    .filter(cell => cell.model.type === 'code')
    .flatMap(cell => cell.model.outputs.toJSON())
    .filter(output => output.data?.['application/vnd.jupyter.widget-view+json'])
    .length"""
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


@dataclass
class Visit:
    """What happened while a notebook was open.

    Attributes:
        explorers: how many were found and driven.
        milliseconds: from key press to new picture, one for each slider.
        problems: one sentence each.
    """

    explorers: int = 0
    milliseconds: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def visit(
    browser: Browser,
    address: str,
    path: str,
    *,
    run_seconds: float,
    patience: float,
    picture: Path,
) -> Visit:
    """Open the notebook at `path` of the server at `address`, run it and drive its explorers.

    Args:
        run_seconds: limit for running all cells.
        patience: seconds that a control has to change the picture.
        picture: where a screenshot of the first explorer goes.
    """
    result = Visit()
    context = browser.new_context(viewport=VIEWPORT)
    try:
        page = context.new_page()
        _listen(page, result.problems)
        page.goto(f"{address}/lab/tree/{path}?token={TOKEN}&reset")
        page.wait_for_function(KERNEL_IS_IDLE, timeout=OPEN_SECONDS * 1000)
        page.evaluate(RUN_ALL)
        if _wait_until_run(page, run_seconds, result.problems):
            _drive_explorers(page, result, picture, patience)
        page.evaluate(SHUT_DOWN)  # or the kernel would live on, and serve the next visit
    finally:
        context.close()
    return result


def _listen(page: Page, problems: list[str]) -> None:
    def on_console(message: ConsoleMessage) -> None:
        if message.type == "error":
            problems.append(f"console error: {message.text}")

    def on_request(request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in {"data", "blob"} and parts.hostname != "127.0.0.1":
            problems.append(f"request to {parts.hostname}")

    page.on("console", on_console)
    page.on("pageerror", lambda error: problems.append(f"page error: {error}"))
    page.context.on("request", on_request)


def _wait_until_run(page: Page, seconds: float, problems: list[str]) -> bool:
    """Whether all cells ran, each once and in order; stops waiting at the first error."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        cells = page.evaluate(CODE_CELLS)
        for number, cell in enumerate(cells, start=1):
            if error := cell.get("error"):
                problems.append(f"cell {number} raised {error['ename']}: {error['evalue']}")
                return False
        in_order = [cell["count"] for cell in cells] == list(range(1, len(cells) + 1))
        if in_order and page.evaluate(KERNEL_IS_IDLE):
            return True
        page.wait_for_timeout(500)
    problems.append(f"the cells did not all run within {seconds:g} seconds")
    return False


def _drive_explorers(page: Page, result: Visit, picture: Path, patience: float) -> None:
    areas = page.locator(EXPLORER).all()
    widgets = page.evaluate(COUNT_WIDGETS)
    if widgets != len(areas):
        result.problems.append(f"{widgets} outputs hold widgets, {len(areas)} of them explorers")
    for number, area in enumerate(areas, start=1):
        area.scroll_into_view_if_needed()
        if number == 1:
            page.screenshot(path=picture)
        explorer = _Explorer(area, patience)
        try:
            result.milliseconds += explorer.drive()
        except _Misbehavior as misbehavior:
            result.problems.append(f"explorer {number}: {misbehavior}")
    result.explorers = len(areas)


class _Misbehavior(Exception):
    """A control did not do what a learner expects."""


@dataclass
class _Explorer:
    """A cell's output with controls and a picture, in which a control has `patience` seconds."""

    area: Locator
    patience: float

    def drive(self) -> list[float]:
        """Move every slider and dropdown there and back, edit every text, upload files.

        Returns:
            The milliseconds that each slider took.
        """
        milliseconds = []
        for handle in self.area.locator(".noUi-target:not([disabled]) .noUi-handle").all():
            at_end = handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemax")
            keys = ("ArrowLeft", "ArrowRight") if at_end else ("ArrowRight", "ArrowLeft")
            self.area.evaluate(STOPWATCH)
            self._there_and_back(_label(handle, "widget-slider"), handle.press, *keys)
            milliseconds.append(self.area.evaluate(ELAPSED))
        for dropdown in self.area.locator("select:enabled").all():
            chosen = dropdown.evaluate("dropdown => dropdown.selectedIndex")
            other = (chosen + 1) % dropdown.locator("option").count()
            if other != chosen:
                name = _label(dropdown, "widget-dropdown")
                self._there_and_back(name, _choose(dropdown), other, chosen)
        for box in self.area.locator("textarea:enabled, .widget-text input:enabled").all():
            text = box.input_value()
            self._there_and_back(_label(box, "widget-text"), _write(box), edited(text), text)
        for button in self.area.locator(".widget-upload:enabled").all():
            self._upload(button)
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
            raise _Misbehavior(f"{control}: the first picture did not come back")

    def _upload(self, button: Locator) -> None:
        """What is no picture must only give a sentence; a picture must be drawn."""
        label = button.inner_text()
        name = label.partition(" (")[0]  # JupyterLab adds how many files the button holds
        before = self._picture()
        self._hand_over(button, NO_PICTURE)
        if not self._wait(self._errors):
            raise _Misbehavior(f"{name}: nothing says that {NO_PICTURE['name']} is no picture")
        if self._picture() != before:
            raise _Misbehavior(f"{name}: {NO_PICTURE['name']} changed the picture")
        self._hand_over(button, PICTURE)
        self._require_change(name, before)
        if not self._wait(lambda: button.inner_text() == label):
            raise _Misbehavior(f"{name}: the button keeps the file")

    def _hand_over(self, button: Locator, file: FilePayload) -> None:
        with button.page.expect_file_chooser() as chooser:
            button.click()
        chooser.value.set_files(file)

    def _require_change(self, control: str, before: str | None) -> None:
        """A new picture, and no sentence about an error that stays."""
        if self._wait(lambda: self._picture() not in (None, before) and not self._errors()):
            return
        for sentence in self._errors():
            raise _Misbehavior(f"{control}: {sentence}")
        raise _Misbehavior(f"{control}: the picture did not change")

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


def _choose(dropdown: Locator) -> Callable[[int], object]:
    return lambda index: dropdown.select_option(index=index)


def _write(box: Locator) -> Callable[[str], object]:
    def write(text: str) -> None:
        box.fill(text)
        box.blur()  # some boxes tell the kernel only when they are left

    return write
