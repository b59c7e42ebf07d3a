"""Each chapter in a real JupyterLab and a real browser: it runs, and its explorers answer.

With `--pictures` the chapters' first explorers become the README's pictures.
"""

import statistics
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from lab_server import running_lab
from nbformat.v4 import new_code_cell, new_notebook
from PIL import Image
from playwright.sync_api import Browser
from visit import Visit, visit

from course_utils.execute import normalize

RUN_SECONDS = 600
PATIENCE = 30  # some explorers compute for seconds, on slow machines for longer
SCREENSHOTS = Path(__file__).with_name("screenshots")
PRESSES = {"02_dnn_vs_cnn": {"Picture": 7, "Right (px)": 2, "Turn (°)": 3}}  # for its picture
README_PICTURES = Path(__file__).parents[1] / "notebooks" / "pictures"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("notebooks")


@pytest.fixture(scope="module")
def address(
    root: Path, browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    with running_lab(root, home=tmp_path_factory.mktemp("home")) as address:
        yield address


def test_chapter_runs_and_its_explorers_answer(
    notebook_path: Path, browser: Browser, address: str, root: Path, record_property, pytestconfig
):
    notebook = nbformat.read(notebook_path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.execution_count, cell.outputs = None, []
    nbformat.write(notebook, root / notebook_path.name)
    SCREENSHOTS.mkdir(exist_ok=True)
    picture = SCREENSHOTS / f"{notebook_path.stem}.png"
    result = visit(
        browser,
        address,
        notebook_path.name,
        run_seconds=RUN_SECONDS,
        patience=PATIENCE,
        picture=picture,
        presses=PRESSES.get(notebook_path.stem, {}),
    )
    assert result.problems == []
    if pytestconfig.getoption("pictures"):
        with Image.open(picture) as image:
            chapter = int(notebook_path.stem.split("_")[0])
            colors = image.convert("RGB").quantize(256, dither=Image.Dither.NONE)
            colors.save(README_PICTURES / f"chapter{chapter}.png", optimize=True)
    if result.milliseconds:
        median = statistics.median(result.milliseconds)
        answer = f"{result.explorers} explorers, {median:.0f} ms from key press to new picture"
        record_property("explorers", f"{notebook_path.name}: {answer}")


# The harness itself, on a small notebook with one explorer, good and then spoiled.

GOOD = """
import cv2, numpy as np, ipywidgets as widgets
RED = '<b style="color: #D55E00">{}</b>'
def explorer():
    slider = widgets.IntSlider(2, 0, 4, description="gray")
    style = widgets.Dropdown(options=["plain", "inverted"], description="style")
    field = widgets.Textarea("repeat 10", continuous_update=False, description="field")
    upload = widgets.FileUpload(description="yours")
    image = widgets.Image(format="png", width=300)
    status = widgets.HTML()
    picture = np.ones((5, 30))
    def draw(change=None):
        gray = slider.value * 40 if style.value == "plain" else 255 - slider.value * 40
        pixels = np.repeat(gray * picture, int(field.value.split()[1]), axis=1)
        image.value = cv2.imencode(".png", pixels.astype(np.uint8))[1].tobytes()
    def receive(change):
        nonlocal picture
        if not upload.value:
            return
        content = np.frombuffer(upload.value[0].content, np.uint8)
        decoded = cv2.imdecode(content, cv2.IMREAD_GRAYSCALE)
        upload.value = ()
        if decoded is None:
            status.value = RED.format("No picture")
        else:
            picture, status.value = decoded / 255, ""
            draw()
    slider.observe(draw, "value")
    style.observe(draw, "value")
    field.observe(draw, "value")
    upload.observe(receive, "value")
    draw()
    return widgets.VBox([slider, style, field, upload, status, image])
explorer()
"""
FLAWS = {  # what is found -> the line spoiled, and what it becomes
    "explorer 1: gray: the picture did not change": ('slider.observe(draw, "value")', "pass"),
    "explorer 2: style: the picture did not change": ('style.observe(draw, "value")', "pass"),
    "explorer 3: gray: the first picture did not come back": (
        "gray = ",
        "draw.calls = getattr(draw, 'calls', 0) + 1; gray = draw.calls + ",
    ),
    "explorer 4: gray: Too dark": ("gray = ", "status.value = RED.format('Too dark'); gray = "),
    "explorer 5: field: the picture did not change": ('field.observe(draw, "value")', "pass"),
    "explorer 6: field: Not a number": (
        "field.observe(draw",
        "field.observe(lambda _: setattr(status, 'value', RED.format('Not a number'))",
    ),
    "explorer 7: yours: nothing says that shopping.txt is no picture": (
        'upload.observe(receive, "value")',
        "pass",
    ),
    "explorer 8: yours: nothing says that shopping.txt is no picture": (
        'status.value = RED.format("No picture")',
        "pass",
    ),
    "explorer 9: yours: shopping.txt changed the picture": (
        "if decoded is None:",
        "if decoded is None:\n            picture = 0 * picture; draw()",
    ),
    "explorer 10: yours: the picture did not change": (
        "picture, status.value = decoded / 255,",
        "status.value =",
    ),
    "explorer 11: yours: No picture": (
        'picture, status.value = decoded / 255, ""',
        "picture = decoded / 255",
    ),
    "explorer 12: yours: the button keeps the file": ("upload.value = ()", "pass"),
    "request to example.org": (
        "status = widgets.HTML()",
        "status = widgets.HTML('<img src=\"http://example.org/a.png\" hidden>')",
    ),
}


def visit_scratch(sources: list[str], browser: Browser, address: str, root: Path) -> Visit:
    notebook = new_notebook(cells=[new_code_cell(source.strip()) for source in sources])
    normalize(notebook)  # names the kernel: JupyterLab would ask for one
    nbformat.write(notebook, root / "scratch.ipynb")
    return visit(
        browser,
        address,
        "scratch.ipynb",
        run_seconds=60,
        patience=2.5,
        picture=root / "scratch.png",
    )


def test_harness_passes_a_good_notebook(browser: Browser, address: str, root: Path):
    result = visit_scratch([GOOD], browser, address, root)
    assert result.problems == []
    assert result.explorers == 1
    assert len(result.milliseconds) == 1
    assert result.milliseconds[0] > 0
    with Image.open(root / "scratch.png") as picture:
        assert picture.width > 600 > picture.height > 100  # the explorer, not the page


def test_harness_catches_each_flaw(browser: Browser, address: str, root: Path):
    sources = []
    for old, new in FLAWS.values():
        assert old in GOOD
        sources.append(GOOD.replace(old, new, 1))
    sources.append("widgets.IntSlider()")
    result = visit_scratch(sources, browser, address, root)
    assert result.explorers == len(FLAWS)
    assert "14 outputs hold widgets, 13 of them explorers" in result.problems
    assert [flaw for flaw in FLAWS if flaw not in result.problems] == []
    assert not any("explorer 13" in problem for problem in result.problems)


def test_harness_walks_a_slider_of_layers(browser: Browser, address: str, root: Path):
    layers = GOOD.replace('description="gray"', 'description="Layer"')
    dead = layers.replace("gray = slider.value * 40", "gray = min(slider.value, 3) * 40")
    result = visit_scratch([layers, dead], browser, address, root)
    assert result.problems == ["explorer 2: Layer at 4: the picture did not change"]
    assert len(result.milliseconds) == 5  # from 2 to 4, to 0 in one, and back to 2


def test_harness_stops_at_a_cell_that_raises(browser: Browser, address: str, root: Path):
    result = visit_scratch(["1", "1 / 0", "2"], browser, address, root)
    assert result.problems == ["cell 2 raised ZeroDivisionError: division by zero"]
