"""Measure in a real browser how long explorers take from a key press to the new picture.

Prints JSON, a line for each measurement: first how many lines follow; then, for each way to a
slider over the layers of a network, the milliseconds of each press, and what is shown while the key
is held.
"""

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from chromium import OPTIONS as CHROMIUM_OPTIONS
from chromium import find_chromium
from driven_explorer import Misbehavior
from lab_server import TOKEN, running_lab
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Browser, Locator, TimeoutError, sync_playwright
from visit import CODE_CELLS, KERNEL_IS_IDLE, OPEN_SECONDS, RUN_ALL, SHUT_DOWN, VIEWPORT

from course_utils.execute import normalize

PRESSES = 30
HELD_SECONDS = 2.0
REPEAT_SECONDS = 1 / 30  # a held key repeats about as often
RUN_SECONDS = 120
PATIENCE = 30  # seconds that a picture may take
PAUSE = 100  # milliseconds between presses

NOTEBOOK = {  # way to a slider over layers -> the cell that shows it
    "explorer": """
from course_utils.bench.explorers import both_ways, interact_with

explorer, maps = both_ways()
explorer
""",
    "interact": "interact_with(maps)",
}

# Notes when a key goes down, and every frame that shows, fully loaded, other pictures than before.
WATCH = """area => {
    const watch = area.watch = {pressed: null, shown: []};
    let before = null;
    const look = () => {
        const pictures = [...area.querySelectorAll('img')];
        const sources = pictures.map(picture => picture.src).join();
        const loaded = pictures.every(picture => picture.complete && picture.naturalWidth);
        if (pictures.length && loaded && sources !== before) {
            before = sources;
            watch.shown.push(performance.now());
        }
        requestAnimationFrame(look);
    };
    look();
    area.addEventListener('keydown', event => { watch.pressed ??= event.timeStamp; }, true);
}"""
FORGET = "area => Object.assign(area.watch, {pressed: null, shown: []})"
HAS_CHANGED = "area => area.watch.shown.length"
ELAPSED = "area => area.watch.shown[0] - area.watch.pressed"
SHOWN_WITHIN = """(area, milliseconds) =>
    area.watch.shown.filter(time => time - area.watch.pressed < milliseconds).length"""
HAS_RUN = f"""() => ({CODE_CELLS})().some(cell => cell.error)
    || ({CODE_CELLS})().every(cell => cell.count) && ({KERNEL_IS_IDLE})()"""


def main() -> None:
    """Measure both ways with the first browser found."""
    chromium = find_chromium()
    if chromium is None:
        sys.exit("there is no Chromium: install it, or name it in the variable CHROMIUM")
    _tell(len(NOTEBOOK) * (PRESSES + 1))
    with (
        tempfile.TemporaryDirectory() as root,
        tempfile.TemporaryDirectory() as home,
        running_lab(Path(root), Path(home)) as address,
        sync_playwright() as driver,
    ):
        browser = driver.chromium.launch(executable_path=chromium, args=CHROMIUM_OPTIONS)
        for measured in latencies(browser, address, Path(root), NOTEBOOK):
            _tell(measured)
        browser.close()


def _tell(measured: object) -> None:
    print(json.dumps(measured), flush=True)


def latencies(
    browser: Browser, address: str, root: Path, notebook: dict[str, str], presses: int = PRESSES
) -> Iterator[dict[str, Any]]:
    """Run a notebook in JupyterLab and move the sliders called Layer in its cells.

    Args:
        address: of a JupyterLab that serves the folder `root`.
        notebook: way -> the source of its cell.
        presses: of each slider; it must have at least as many places to its right.

    Yields:
        For each press, the way and the milliseconds; for each held key, the way, the seconds, the
        layers passed and the pictures shown.

    Raises:
        Misbehavior: a cell raised, or a picture did not change.
    """
    cells = new_notebook(cells=[new_code_cell(source.strip()) for source in notebook.values()])
    normalize(cells)  # names the kernel: JupyterLab would ask for one
    nbformat.write(cells, root / "latency.ipynb")
    page = browser.new_page(viewport=VIEWPORT)
    page.goto(f"{address}/lab/tree/latency.ipynb?token={TOKEN}&reset")
    page.wait_for_function(KERNEL_IS_IDLE, timeout=OPEN_SECONDS * 1000)
    try:
        page.evaluate(RUN_ALL)
        page.wait_for_function(HAS_RUN, timeout=RUN_SECONDS * 1000)
        for cell in page.evaluate(CODE_CELLS):
            if error := cell.get("error"):
                raise Misbehavior(f"a cell raised {error['ename']}: {error['evalue']}")
        for way, area in zip(notebook, page.locator(".jp-CodeCell").all(), strict=True):
            for measured in _slider_latencies(area, presses):
                yield {"way": way, **measured}
    finally:
        page.evaluate(SHUT_DOWN)  # or the kernel would live on
        page.close()


def _slider_latencies(area: Locator, presses: int) -> Iterator[dict[str, float]]:
    handle = area.locator(".widget-slider", has_text="Layer").locator(".noUi-handle")
    handle.scroll_into_view_if_needed()
    area.evaluate(WATCH)
    for _ in range(presses):
        yield {"milliseconds": _press(area, handle, "ArrowRight")}
    _press(area, handle, "Home")
    yield _hold(area, handle)


def _settle(area: Locator) -> None:
    """Wait until nothing is going on, then forget what was."""
    area.page.wait_for_timeout(PAUSE)
    area.page.wait_for_function(KERNEL_IS_IDLE)
    area.evaluate(FORGET)


def _press(area: Locator, handle: Locator, key: str) -> float:
    """Press a key where nothing is going on; gives the milliseconds until the new picture."""
    page = area.page
    _settle(area)
    handle.press(key)
    try:
        page.wait_for_function(HAS_CHANGED, arg=area.element_handle(), timeout=PATIENCE * 1000)
    except TimeoutError as error:
        sentence = f"{key}: the picture did not change within {PATIENCE:g} seconds"
        raise Misbehavior(sentence) from error
    return area.evaluate(ELAPSED)


def _hold(area: Locator, handle: Locator) -> dict[str, float]:
    """Hold a key that leads to the right; what is shown while it is held."""
    page = area.page
    _settle(area)
    handle.focus()
    start, place = time.monotonic(), _place(handle)
    for repeat in range(round(HELD_SECONDS / REPEAT_SECONDS)):
        page.keyboard.down("ArrowRight")
        pause = start + (repeat + 1) * REPEAT_SECONDS - time.monotonic()
        page.wait_for_timeout(max(0, 1000 * pause))
    seconds = time.monotonic() - start
    page.keyboard.up("ArrowRight")
    return {
        "seconds": seconds,
        "layers": _place(handle) - place,
        "pictures": area.evaluate(SHOWN_WITHIN, 1000 * seconds),
    }


def _place(handle: Locator) -> float:
    return float(handle.get_attribute("aria-valuenow"))


if __name__ == "__main__":
    main()
