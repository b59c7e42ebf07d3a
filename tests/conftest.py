import course_utils  # noqa: F401, I001  (first: it sets how torch's threads wait, here and in kernels)

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest
from chromium import OPTIONS as CHROMIUM_OPTIONS
from chromium import find_chromium
from notebook_rules import compared_cells

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytest_plugins = ["tiny_source"]

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "notebook_path" in metafunc.fixturenames:
        metafunc.parametrize("notebook_path", NOTEBOOKS, ids=lambda path: path.stem)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser to drive: $CHROMIUM, or the first one found on the PATH."""
    found = find_chromium()
    if found is None:
        pytest.skip(
            "no Chromium: install it (Debian: apt-get install chromium) or name it in $CHROMIUM"
        )
    return found


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator["Browser"]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=CHROMIUM_OPTIONS)
        yield browser
        browser.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.section("notebooks")
    for path in NOTEBOOKS:
        compared, speaking = compared_cells(nbformat.read(path, as_version=4))
        share = f" ({compared / speaking:.0%})" if speaking else ""
        terminalreporter.line(f"{path.name}: nbval compares {compared} of {speaking} cells{share}")
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name in ("explorers", "interruptions"):
                terminalreporter.line(value)
