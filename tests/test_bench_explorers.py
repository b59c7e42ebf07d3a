"""The part of `course bench` that times explorers, with a small network and slow sliders."""

import json
import math
import textwrap
from collections.abc import Iterator
from pathlib import Path

import explorer_latency
import matplotlib.pyplot as plt
import pytest
import torch
from driven_explorer import Misbehavior
from explorer_latency import latencies
from lab_server import running_lab
from playwright.sync_api import Browser
from test_feature_map_explorer import PICTURES, Net, prepare

from course_utils.bench import explorers
from course_utils.bench.explorers import draw_maps, in_browser, in_python, layer_maps
from course_utils.explorers.feature_maps import FeatureMapExplorer
from course_utils.tables import Table

LAYERS = ["conv", "norm", "relu", "depthwise", "pool", "drop", "linear"]


@pytest.fixture
def maps() -> dict[str, torch.Tensor]:
    picture = torch.from_numpy(PICTURES["one"]).permute(2, 0, 1)[None]
    return layer_maps(Net().eval(), prepare(picture))


def rows_of(table: Table) -> list[list[str]]:
    """The cells of each row, without the header."""
    rows = table._repr_markdown_().splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


# ---------------------------------------------------------------- in Python


def test_maps_of_every_layer(maps):
    shapes = {name: tuple(map_.shape) for name, map_ in maps.items()}
    assert list(shapes) == LAYERS
    assert shapes["conv"] == (70, 16, 16)
    assert shapes["depthwise"] == (70, 8, 8)
    assert shapes["linear"] == (6, 1, 1)


@pytest.mark.parametrize(("layer", "drawn"), [(0, 16), (6, 6)])
def test_the_usual_way_draws_the_first_16_maps(maps, layer: int, drawn: int):
    draw_maps(maps, layer)
    figure = plt.gcf()
    plt.close(figure)
    pictures = [image.get_array() for ax in figure.axes for image in ax.get_images()]
    assert len(figure.axes) == 16
    assert len(pictures) == drawn
    for picture, channel in zip(pictures, maps[LAYERS[layer]], strict=False):
        assert torch.equal(torch.as_tensor(picture), channel)
    assert figure.get_suptitle() == LAYERS[layer]
    assert figure.get_layout_engine() is None  # the course's own look would take longer


def test_both_ways_show_every_layer_but_the_first(maps, monkeypatch):
    drawn = []
    monkeypatch.setattr(explorers, "draw_maps", lambda maps, layer: drawn.append(layer))
    monkeypatch.setattr(explorers, "print_figure", lambda figure, base64: None)
    explorer = FeatureMapExplorer(Net(), PICTURES, prepare)
    seen = []
    explorer.controls["layer"].observe(lambda change: seen.append(change.new), "value")
    table = in_python(explorer, maps)
    assert seen == [1, 2, 3, 4, 5, 6]
    assert drawn == [0, 1, 2, 3, 4, 5, 6]  # the first is not timed
    assert [row[:2] for row in rows_of(table)] == [
        ["the explorer of feature maps", "6"],
        ["interact and Matplotlib", "6"],
    ]


def test_figures_are_closed(maps):
    before = plt.get_fignums()
    in_python(FeatureMapExplorer(Net(), PICTURES, prepare), dict(list(maps.items())[:2]))
    assert plt.get_fignums() == before


def test_median_and_95th_percentile():
    assert explorers._summary([1000.0, *range(1, 100)]) == ["50 ms", "95 ms"]


# ---------------------------------------------------------------- the script's results


def pretend(folder: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    """Put a script of these lines into the place of the one that drives a browser."""
    script = folder / "explorer_latency.py"
    script.write_text(textwrap.dedent(source))
    monkeypatch.setattr(explorers, "BROWSER_SCRIPT", script)


def test_the_scripts_lines_become_a_table(tmp_path, monkeypatch):
    held = {"seconds": 2.0, "layers": 50, "pictures": 20}
    lines = [
        *({"way": "explorer", "milliseconds": time} for time in (10, 20, 40)),
        {"way": "explorer", **held},
        {"way": "interact", "milliseconds": 400},
        {"way": "interact", **held, "pictures": 5},
    ]
    pretend(tmp_path, monkeypatch, f"import json\nprint(6)\nfor x in {lines}: print(json.dumps(x))")
    assert rows_of(in_browser()) == [
        ["the explorer of feature maps", "20 ms", "38 ms", "10.0", "40%"],
        ["interact and Matplotlib", "400 ms", "400 ms", "2.5", "10%"],
    ]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import sys; sys.exit('there is no Chromium: install it')", "there is no Chromium: "),
        ("print(2, flush=True); raise ValueError('no picture')", "ValueError: no picture"),
        ("import os; os._exit(3)", "it ended without a reason"),
    ],
)
def test_why_nothing_was_measured(source: str, reason: str, tmp_path, monkeypatch):
    pretend(tmp_path, monkeypatch, source)
    [[cell]] = rows_of(in_browser())
    assert cell.startswith(f"not measured: {reason}")


def test_the_script_comes_with_the_checkout_only(tmp_path, monkeypatch):
    assert Path(explorer_latency.__file__) == explorers.BROWSER_SCRIPT
    monkeypatch.setattr(explorers, "BROWSER_SCRIPT", tmp_path / "explorer_latency.py")
    [[cell]] = rows_of(in_browser())
    assert cell == "not measured: the tests are not beside the package"


def test_the_script_says_that_there_is_no_browser(monkeypatch):
    for name, value in {"PATH": "", "CHROMIUM": ""}.items():
        monkeypatch.setenv(name, value)
    [[cell]] = rows_of(in_browser())
    assert cell.startswith("not measured: there is no Chromium: install it, or name it in ")


# ---------------------------------------------------------------- in a browser

SLOW = """
import time, cv2, numpy as np, ipywidgets as widgets
slider, image = widgets.IntSlider(0, 0, 99, description="Layer"), widgets.Image(format="png")
def draw(change=None):
    time.sleep({seconds})
    image.value = cv2.imencode(".png", np.full((9, 9), slider.value, np.uint8))[1].tobytes()
slider.observe(draw, "value")
draw()
widgets.VBox([widgets.IntSlider(description="Other"), slider, image])
"""
INTERACT = """
from PIL import Image
def show(layer):
    time.sleep({seconds})
    display(Image.new("L", (9, 9), layer))
widgets.interact(show, layer=widgets.IntSlider(0, 0, 99, description="Layer"));
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("notebooks")


@pytest.fixture(scope="module")
def address(root: Path, browser: Browser, tmp_path_factory) -> Iterator[str]:
    with running_lab(root, home=tmp_path_factory.mktemp("home")) as address:
        yield address


def test_the_time_that_a_picture_takes_is_seen(browser, address, root):
    cells = {"explorer": SLOW.format(seconds=0.2), "interact": INTERACT.format(seconds=0.4)}
    measured = list(latencies(browser, address, root, cells, presses=2))
    assert [line["way"] for line in measured] == 3 * ["explorer"] + 3 * ["interact"]
    assert json.loads(json.dumps(measured)) == measured
    for way, sleep in (("explorer", 0.2), ("interact", 0.4)):
        *pressed, held = (line for line in measured if line["way"] == way)
        assert all(1000 * sleep < line["milliseconds"] < math.inf for line in pressed)
        assert 1 < held["layers"] <= 99
        assert 1 <= held["pictures"] <= held["seconds"] / sleep


def test_a_picture_that_stays_is_an_error(browser, address, root, monkeypatch):
    monkeypatch.setattr(explorer_latency, "PATIENCE", 0.5)
    dead = SLOW.format(seconds=0).replace('slider.observe(draw, "value")', "pass")
    with pytest.raises(Misbehavior, match=r"the picture did not change within 0\.5 seconds"):
        list(latencies(browser, address, root, {"explorer": dead}, presses=1))


def test_a_cell_that_raises_is_an_error(browser, address, root):
    with pytest.raises(Misbehavior, match="a cell raised ZeroDivisionError: division by zero"):
        list(latencies(browser, address, root, {"explorer": "1 / 0", "interact": "2"}))
