"""Open a notebook in JupyterLab as a learner would: run all cells, move every control."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

from driven_explorer import DrivenExplorer, Misbehavior
from lab_server import TOKEN
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page

from course_utils.addresses import BADGE_IMAGE

EMPTY = '<svg xmlns="http://www.w3.org/2000/svg"/>'
VIEWPORT = {"width": 1366, "height": 768}
TALL = 1600
OPEN_SECONDS = 60

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


@dataclass
class Visit:
    """What happened while a notebook was open.

    Attributes:
        explorers: how many were found and driven.
        milliseconds: from key press to new picture, as `DrivenExplorer.drive` gives them.
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
    presses: Mapping[str, int] = MappingProxyType({}),
) -> Visit:
    """Open the notebook at `path` of the server at `address`, run it and drive its explorers.

    Args:
        run_seconds: limit for running all cells.
        patience: seconds that a control has to change the picture.
        picture: where a screenshot of the first explorer goes, whole and by itself.
        presses: label of its sliders -> how often each is pressed to the right for it.
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
            _drive_explorers(page, result, picture, patience, presses)
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
        is_here = parts.scheme in {"data", "blob"} or parts.hostname == "127.0.0.1"
        if not is_here and request.url != BADGE_IMAGE:
            problems.append(f"request to {parts.hostname}")

    # A published copy has a badge, whose picture Colab serves: the one thing from elsewhere.
    page.route(BADGE_IMAGE, lambda route: route.fulfill(content_type="image/svg+xml", body=EMPTY))
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


def _photograph(page: Page, area: Locator, picture: Path, presses: Mapping[str, int]) -> None:
    """A screenshot of the whole explorer, while some sliders stand further to the right."""
    handles = {
        area.locator(".widget-slider", has_text=label).locator(".noUi-handle"): count
        for label, count in presses.items()
    }
    page.set_viewport_size(VIEWPORT | {"height": TALL})  # or the page's bars would cover its ends
    for key in ("ArrowRight", "ArrowLeft"):
        for handle, count in handles.items():
            for _ in range(count):
                handle.press(key)
        page.wait_for_timeout(1000)
        if key == "ArrowRight":
            area.locator(".jp-OutputArea-output").first.screenshot(path=picture)
    page.set_viewport_size(VIEWPORT)
    area.scroll_into_view_if_needed()


def _drive_explorers(
    page: Page, result: Visit, picture: Path, patience: float, presses: Mapping[str, int]
) -> None:
    areas = page.locator(EXPLORER).all()
    widgets = page.evaluate(COUNT_WIDGETS)
    if widgets != len(areas):
        result.problems.append(f"{widgets} outputs hold widgets, {len(areas)} of them explorers")
    for number, area in enumerate(areas, start=1):
        area.scroll_into_view_if_needed()
        if number == 1:
            _photograph(page, area, picture, presses)
        explorer = DrivenExplorer(area, patience)
        try:
            result.milliseconds += explorer.drive()
        except Misbehavior as misbehavior:
            result.problems.append(f"explorer {number}: {misbehavior}")
    result.explorers = len(areas)
