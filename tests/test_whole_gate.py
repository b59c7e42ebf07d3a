"""The whole gate on a notebook that really ran: rules, a second run, pictures, no network.

Copies are spoiled one by one. The rules look first; what they let pass nbval runs again, with the
project's own settings.
"""

import base64
import os
import re
import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from uuid import uuid4

import cv2
import nbformat
import numpy as np
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook, new_output
from notebook_rules import WIDGET_TYPE, problems, promises

from course_utils.execute import execute, sign

ROOT = Path(__file__).parents[1]
SOURCES = [
    "import course_utils",
    "import ipywidgets as widgets\n"
    "import matplotlib.pyplot as plt\n"
    "import numpy as np\n"
    "from IPython.display import HTML, display\n"
    "from course_utils.explorers.base import Explorer\n"
    "from course_utils.figures import show",
    "accuracy = 0.923\nprint(f'accuracy {accuracy:.3f}')",
    "display(HTML('<b>92.3 %</b> are right'))",
    "for way in ('rises', 'falls'):\n"
    "    fig, ax = plt.subplots(figsize=(3, 2))\n"
    "    _ = ax.plot([0, 1], [0, 1] if way == 'rises' else [1, 0])\n"
    "    show(fig, f'A line that {way} from the left to the right.')",
    "class Ramp(Explorer):\n"
    "    title = 'A ramp of gray, which a slider makes lighter'\n"
    "    def render(self, level):\n"
    "        ramp = np.tile(np.arange(400) // 2, (60, 1)) + level\n"
    "        return np.repeat(ramp[..., None], 3, axis=2).astype(np.uint8)\n"
    "    def describe(self, level):\n"
    "        return f'Level {level}.'",
    "Ramp({'level': widgets.IntSlider(9, 0, 50, description='Level')})",
    "try:\n    int('seven')\nexcept ValueError as error:\n    print(type(error).__name__, error)",
    "accuracy",
    "assert 0.92 < accuracy < 0.93",
]
PRINT, HTML, FIGURES, EXPLORER, ERROR, RESULT, PROMISE = 2, 3, 4, 6, 7, 8, 9
Mutation = Callable[[list[NotebookNode]], object]


def png(image: np.ndarray) -> str:
    return base64.b64encode(cv2.imencode(".png", image)[1]).decode()


def error_output(name: str = "ValueError", value: str = "no") -> NotebookNode:
    return new_output("error", ename=name, evalue=value, traceback=[f"{name}: {value}"])


def figures(cells: list[NotebookNode]) -> list[NotebookNode]:
    return [output.data for output in cells[FIGURES].outputs]


def swap_pictures(cells: list[NotebookNode]) -> None:
    rising, falling = figures(cells)
    rising["image/png"], falling["image/png"] = falling["image/png"], rising["image/png"]


def swap_outputs(cells: list[NotebookNode]) -> None:
    cells[PRINT].outputs, cells[ERROR].outputs = cells[ERROR].outputs, cells[PRINT].outputs


def draw_a_bar(cells: list[NotebookNode]) -> None:
    data = figures(cells)[0]
    image = cv2.imdecode(np.frombuffer(base64.b64decode(data["image/png"]), np.uint8), 1)
    image[20:60, 100:] = 0
    data["image/png"] = png(image)


def no_longer_raises(cells: list[NotebookNode]) -> None:
    cells[ERROR].metadata.tags = ["raises-exception"]
    cells[ERROR].outputs = [error_output()]


def edit(cell: int, old: str, new: str) -> Mutation:
    def mutate(cells: list[NotebookNode]) -> None:
        assert old in cells[cell].source
        cells[cell].source = cells[cell].source.replace(old, new)

    return mutate


def say(cell: int, old: str, new: str) -> Mutation:
    """Change what the first output of a cell says."""

    def mutate(cells: list[NotebookNode]) -> None:
        [output] = cells[cell].outputs
        texts = output if output.output_type == "stream" else output.data
        [kind] = [kind for kind in texts if kind != "output_type" and old in str(texts[kind])][:1]
        texts[kind] = texts[kind].replace(old, new)

    return mutate


def put(cell: int, *outputs: NotebookNode) -> Mutation:
    return lambda cells: cells[cell].update(outputs=list(outputs))


def count(cell: int, number: int | None) -> Mutation:
    return lambda cells: cells[cell].update(execution_count=number)


STDERR = new_output("stream", name="stderr", text="careful\n")
RULES = {  # what the rules alone must find, before anything runs
    "outputs removed": put(PRINT),
    "result removed": put(RESULT),
    "stderr": lambda cells: cells[PRINT].outputs.append(STDERR),
    "error name": put(PRINT, error_output(name="KeyError")),
    "error value": put(PRINT, error_output(value="maybe")),
    "source broken": edit(PRINT, "print(", "print(("),
    "count null, with outputs": count(PRINT, None),
    "count null, without outputs": lambda cells: cells[PROMISE].update(execution_count=None),
    "count 99": count(PRINT, 99),
    "picture deleted": lambda cells: figures(cells)[0].pop("image/png"),
    "picture garbage": lambda cells: figures(cells)[0].update({"image/png": "bm8gcGljdHVyZQ=="}),
    "widget view of another": lambda cells: (
        cells[EXPLORER].outputs[0].data[WIDGET_TYPE].update(model_id="another")
    ),
    "raises-exception that no longer raises": no_longer_raises,
    "source edited, outputs old": edit(RESULT, "accuracy", "accuracy * 1"),
    "tag mistyped": lambda cells: cells[PRINT].metadata.update(tags=["nbval-ignore-outptu"]),
    "promise loosened": edit(PROMISE, "0.92 <", "0.02 <"),
    "cells swapped": lambda cells: cells.insert(PRINT, cells.pop(ERROR)),
}
RUN = {  # what only the second run can find
    "last digit": say(PRINT, "0.923", "0.924"),
    "last digit of a result": say(RESULT, "0.923", "0.922"),
    "HTML": say(HTML, "<b>92.3", "<b>92.4"),
    "name of an error, as printed": say(ERROR, "ValueError", "TypeError"),
    "value of an error, as printed": say(ERROR, "seven", "eight"),
    "output too much": lambda cells: cells[PRINT].outputs.append(deepcopy(cells[HTML].outputs[0])),
    "outputs swapped": swap_outputs,
    "pictures swapped": swap_pictures,
    "picture of something else": draw_a_bar,
    "picture of another size": lambda cells: figures(cells)[0].update(
        {"image/png": png(np.tile(np.arange(256, dtype=np.uint8), (40, 1)))}
    ),
    "widget view dropped": lambda cells: cells[EXPLORER].outputs[0].data.pop(WIDGET_TYPE),
    "source edited and signed": edit(RESULT, "accuracy", "accuracy + 1"),
    "promise broken and signed": edit(PROMISE, "0.92 <", "0.925 <"),
    "network asked for": edit(
        PROMISE,
        "assert",
        "import socket\n"
        "try:\n    socket.create_connection(('203.0.113.1', 80), timeout=1)\n"
        "except OSError:\n    pass\n"
        "assert",
    ),
}


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> NotebookNode:
    path = tmp_path_factory.mktemp("true") / "true.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell(source) for source in SOURCES]), path)
    execute(path)
    return nbformat.read(path, as_version=4)


def spoiled(notebook: NotebookNode, mutate: Mutation) -> NotebookNode:
    copy = deepcopy(notebook)
    mutate(copy.cells)
    assert copy != notebook
    return copy


def cells_that_fail(path: Path) -> list[int]:
    """The places of the cells that nbval rejects when it runs a notebook as the project's own."""
    command = [sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml"), "-p"]
    command += ["notebook_gate", "-p", "no:cacheprovider", "--color=no", str(path)]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "tests")}
    said = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300
    ).stdout
    return [int(place) for place in re.findall(r"^FAILED .*::Cell (\d+)", said, re.MULTILINE)]


@pytest.mark.parametrize("mutation", RULES)
def test_rules_catch(notebook: NotebookNode, mutation: str):
    assert problems(notebook) == []
    assert problems(spoiled(notebook, RULES[mutation]))


def test_second_run_catches(notebook: NotebookNode, tmp_path: Path):
    """All spoiled copies stand one after the other in one notebook, after one that is true."""
    copies = {"none": notebook}
    for name, mutate in RUN.items():
        copies[name] = spoiled(notebook, mutate)
        sign(copies[name])
        assert problems(copies[name]) == [], name
    cells = [deepcopy(cell) for copy in copies.values() for cell in copy.cells]
    for cell in cells:
        cell.id = uuid4().hex[:8]
    nbformat.write(new_notebook(cells=cells), tmp_path / "copies.ipynb")
    failed = {place // len(SOURCES) for place in cells_that_fail(tmp_path / "copies.ipynb")}
    assert [name for number, name in enumerate(copies) if number in failed] == list(RUN)


def test_a_promise_loosened_and_signed_is_caught(notebook: NotebookNode):
    loosened = spoiled(notebook, RULES["promise loosened"])
    sign(loosened)
    assert problems(loosened) == []
    assert promises(loosened) != promises(notebook)
