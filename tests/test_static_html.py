"""What is seen of the notebooks without running them: web pages, nbviewer, GitHub, JupyterLab."""

import base64
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path

import cv2
import nbformat
import numpy as np
import pytest
from bs4 import BeautifulSoup
from lab_server import TOKEN, running_lab
from nbconvert import HTMLExporter
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from notebook_rules import WIDGET_TYPE, code_cells
from picture_rules import MIN_WIDTH, alt_text, pictures
from playwright.sync_api import Browser, ConsoleMessage, Page, Route
from visit import OPEN_SECONDS, VIEWPORT

ROOT = Path(__file__).parents[1]
CHAPTERS = sorted((ROOT / "notebooks").glob("*.ipynb"))
MATHJAX = "https://cdnjs.cloudflare.com/ajax/libs/mathjax/"  # formulas need it; nothing else may
CONVERSION_SECONDS = 120

# Of each output, in the page's order: its words without its prompt, and its pictures.
OUTPUTS = """() => [...document.querySelectorAll('.jp-OutputArea-child')].map(output => ({
    text: [...output.querySelectorAll('.jp-OutputArea-output')]
        .map(area => area.innerText).join(' ').trim(),
    pictures: [...output.querySelectorAll('img')].map(image => ({
        alt: image.alt,
        pixels: image.naturalWidth,
        visible: image.checkVisibility() && image.getBoundingClientRect().width > 0,
    })),
}))"""
# A picture beyond the page's edge counts as too wide even where its box scrolls.
LAYOUT = """() => {
    const page = document.scrollingElement;
    const boxes = '.jp-Cell, .jp-InputArea, .jp-InputArea-editor, .jp-RenderedMarkdown';
    const tooWide = [...document.querySelectorAll(boxes)]
        .filter(box => box.scrollWidth > box.clientWidth);
    const beside = [...document.images].filter(image => {
        const {left, right} = image.getBoundingClientRect();
        return left < 0 || right > page.clientWidth;
    });
    return [
        ...(page.scrollWidth > page.clientWidth ? ['the page scrolls sideways'] : []),
        ...tooWide.map(box => `${box.className.split(' ').at(-1)} is too wide for the page`),
        ...beside.map(image => `a picture is too wide for the page: ${image.alt}`),
        ...[...document.images].filter(image => !image.naturalWidth)
            .map(image => `a picture is missing: ${image.alt}`),
        ...[...document.querySelectorAll('script[type*="jupyter.widget"]')]
            .map(script => `holds a widget that is not alive: ${script.type}`),
    ];
}"""
IS_OPEN = """(outputs) => {
    const context = window.jupyterapp?.shell.currentWidget?.context;
    const seen = document.querySelectorAll('.jp-OutputArea-child');
    const pictures = document.querySelectorAll('.jp-OutputArea-child img');
    return context?.isReady && seen.length === outputs
        && [...pictures].every(image => image.complete);
}"""
IS_TRUSTED = """() => jupyterapp.shell.currentWidget.content.widgets
    .some(cell => cell.model.type === 'code' && cell.model.trusted)"""


def outputs(notebook: NotebookNode) -> list[NotebookNode]:
    return [output for cell in code_cells(notebook) for output in cell.outputs]


def widget_outputs(source: NotebookNode) -> list[NotebookNode]:
    """The outputs of a notebook, or of a code cell, that hold a widget."""
    found = outputs(source) if "cells" in source else source.outputs
    return [output for output in found if WIDGET_TYPE in output.get("data", {})]


def convert(folder: Path, *paths: Path) -> str:
    """What `jupyter nbconvert --to html` says when it is run in the repository's root."""
    command = [sys.executable, "-m", "nbconvert", "--to", "html", "--output-dir", str(folder)]
    settings = folder / "no-settings"  # those of whoever runs the test are not the project's
    done = subprocess.run(
        [*command, *map(str, paths)],
        cwd=ROOT,
        env=os.environ | {"JUPYTER_CONFIG_DIR": str(settings), "JUPYTER_DATA_DIR": str(settings)},
        capture_output=True,
        text=True,
        timeout=CONVERSION_SECONDS,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stderr


@contextmanager
def open_page(browser: Browser, inside: str, problems: list[str]) -> Iterator[Page]:
    """A new page; errors on it, and requests to other addresses than `inside`, join `problems`."""

    def on_console(message: ConsoleMessage) -> None:
        if message.type == "error":
            problems.append(f"console error: {message.text}")

    def answer(route: Route) -> None:
        if not route.request.url.startswith(MATHJAX):
            problems.append(f"request to {route.request.url}")
        route.fulfill(content_type="text/javascript", body="")

    context = browser.new_context(viewport=VIEWPORT)
    try:
        page = context.new_page()
        page.on("console", on_console)
        page.on("pageerror", lambda error: problems.append(f"page error: {error}"))
        context.route(lambda url: not url.startswith((inside, "data:", "blob:")), answer)
        yield page
    finally:
        context.close()


def page_problems(browser: Browser, file: Path, notebook: NotebookNode) -> list[str]:
    """What is wrong with the web page in `file` that was made of `notebook`."""
    problems: list[str] = []
    with open_page(browser, file.as_uri(), problems) as page:
        page.goto(file.as_uri(), wait_until="networkidle")
        problems += page.evaluate(LAYOUT)
        problems += output_problems(notebook, page.evaluate(OUTPUTS), with_alt=True)
    return problems


def output_problems(notebook: NotebookNode, seen: list[dict], with_alt: bool) -> Iterator[str]:
    """How the outputs seen differ from what the notebook's pictures and widgets promise."""
    for number, (output, view) in enumerate(zip_longest(outputs(notebook), seen), start=1):
        if output is None or view is None:
            yield f"{len(seen)} outputs are seen of {len(outputs(notebook))}"
            return
        if WIDGET_TYPE not in output.get("data", {}) and not list(pictures(output)):
            continue
        if view["text"]:
            yield f"output {number} is seen as text: {view['text']}"
        if len(view["pictures"]) != 1:
            yield f"output {number} shows {len(view['pictures'])} pictures"
        for picture in view["pictures"]:
            if picture["pixels"] < MIN_WIDTH or not picture["visible"]:
                yield f"output {number} has a picture that cannot be seen"
            if with_alt and picture["alt"] != alt_text(output):
                yield f"output {number} is not described by its alt text: {picture['alt']}"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of all chapters as web pages; one command, since its start takes longest."""
    folder = tmp_path_factory.mktemp("pages")
    log = convert(folder, *CHAPTERS)
    assert "Alternative text is missing" not in log
    return folder


def test_web_page_shows_every_picture_and_loads_nothing(
    notebook_path: Path, browser: Browser, pages: Path
):
    notebook = nbformat.read(notebook_path, as_version=4)
    page = pages / f"{notebook_path.stem}.html"
    assert page_problems(browser, page, notebook) == []


@pytest.mark.parametrize("template", ["basic", "classic"])  # nbviewer's, and the one it extends
def test_other_templates_show_every_explorer(template: str, notebook_path: Path):
    notebook = nbformat.read(notebook_path, as_version=4)
    explorers = widget_outputs(notebook)
    for cell in code_cells(notebook):  # the rest takes seconds and is of no interest here
        cell.outputs = widget_outputs(cell)
    notebook.cells = [cell for cell in code_cells(notebook) if cell.outputs]
    html, _ = HTMLExporter(template_name=template).from_notebook_node(notebook)
    page = BeautifulSoup(html, "html.parser")
    assert not page.select('script[type*="jupyter.widget"]')
    areas = page.select(".output_subarea")
    for explorer, area in zip(explorers, areas, strict=True):
        [picture] = area.select("img")
        assert picture["src"] == f"data:image/png;base64,{explorer.data['image/png']}"
        assert picture["alt"] == alt_text(explorer)
        assert not area.text.strip()


def test_github_shows_every_explorer(notebook_path: Path):
    notebook = nbformat.read(notebook_path, as_version=4)
    assert "widgets" not in notebook.metadata
    explorers = widget_outputs(notebook)
    assert explorers
    for output in explorers:
        assert output.data.keys() == {WIDGET_TYPE, "image/png", "text/plain"}


def test_jupyterlab_shows_every_explorer_before_it_is_run(browser: Browser, tmp_path: Path):
    chapter = min(CHAPTERS, key=lambda path: path.stat().st_size)
    notebook = nbformat.read(chapter, as_version=4)
    root = tmp_path / "root"
    root.mkdir()
    shutil.copy(chapter, root)
    problems: list[str] = []
    with (
        running_lab(root, home=tmp_path / "home") as address,
        open_page(browser, address, problems) as page,
    ):
        page.goto(f"{address}/lab/tree/{chapter.name}?token={TOKEN}&reset")
        count = len(outputs(notebook))
        page.wait_for_function(IS_OPEN, arg=count, timeout=OPEN_SECONDS * 1000)
        assert not page.evaluate(IS_TRUSTED)  # a trusted one shows widgets, and they need a kernel
        problems += output_problems(notebook, page.evaluate(OUTPUTS), with_alt=False)
    assert problems == []


# The rules themselves, on a small notebook that breaks each of them.

DOT = base64.b64encode(cv2.imencode(".png", np.zeros((1, 1), np.uint8))[1]).decode()
SCRIPTS = """<script src="https://example.org/a.js"></script>
<script>
document.body.style.minWidth = "2000px"
console.error("oh")
throw new Error("no")
</script>"""
WIDE = 'style="min-width: 3000px"'
OUTPUT_DATA = [
    {WIDGET_TYPE: {"model_id": "without state"}, "text/plain": "VBox(children=())"},
    {WIDGET_TYPE: {"model_id": "with state"}, "text/plain": "VBox(children=())"},
    {"text/html": SCRIPTS},
    {"text/html": f'<img alt="a wide one" {WIDE} src="data:image/png;base64,{DOT}">'},
    {"image/png": DOT},
]
TEXTS = [f"<div {WIDE}>wide</div>", "![a lost one](lost.png)"]
FLAWS = {
    "request to https://example.org/a.js",
    "console error: oh",
    "page error: no",
    "the page scrolls sideways",
    "jp-MarkdownOutput is too wide for the page",
    "a picture is too wide for the page: a wide one",
    "a picture is missing: a lost one",
    "holds a widget that is not alive: application/vnd.jupyter.widget-view+json",
    "output 1 is seen as text: VBox(children=())",
    "output 1 shows 0 pictures",
    "output 2 shows 0 pictures",
    "output 5 has a picture that cannot be seen",
    "output 5 is not described by its alt text: No description has been provided for this image",
}


def test_rules_catch_each_flaw(browser: Browser, tmp_path: Path):
    notebook = new_notebook(cells=[new_markdown_cell(text) for text in TEXTS])
    state = {"version_major": 2, "version_minor": 0, "state": {"with state": {}}}
    notebook.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": state}
    results = [new_output("display_data", data) for data in OUTPUT_DATA]
    notebook.cells.append(new_code_cell("1", outputs=results))
    file = tmp_path / "flawed.ipynb"
    nbformat.write(notebook, file)
    assert "Alternative text is missing on 1 image" in convert(tmp_path, file)
    found = page_problems(browser, file.with_suffix(".html"), notebook)
    assert FLAWS - set(found) == set()
