"""The gate itself: a good notebook passes, and each way of spoiling it is caught."""

import base64
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from notebook_rules import WIDGET_TYPE, compared_cells, problems

from course_utils.execute import sign

ALT = "A ramp of gray from black on the left to white on the right."


def encode(image: np.ndarray) -> str:
    return base64.b64encode(cv2.imencode(".png", image)[1]).decode()


RAMP = encode(np.tile(np.arange(256, dtype=np.uint8), (40, 1)))
BLANK = encode(np.full((40, 256), 255, np.uint8))
NARROW = encode(np.tile(np.arange(199, dtype=np.uint8), (40, 1)))


def picture_output(**more_data: object) -> NotebookNode:
    data = {"image/png": RAMP, "text/plain": ALT, **more_data}
    return new_output("display_data", data, metadata={"image/png": {"alt": ALT}})


def code(count: int, source: str, *outputs: NotebookNode) -> NotebookNode:
    return new_code_cell(source, execution_count=count, outputs=list(outputs))


def stdout(text: str) -> NotebookNode:
    return new_output("stream", name="stdout", text=text)


VIEW = {"version_major": 2, "version_minor": 0, "model_id": "0123456789abcdef" * 2}
SETUP, PRINT, FIGURE, EXPLORER, RESULT = range(1, 6)  # positions of the code cells below


@pytest.fixture
def notebook() -> NotebookNode:
    """A small notebook that keeps every rule and runs with no more than IPython."""
    result = new_output("execute_result", {"text/plain": "42"}, execution_count=5)
    notebook = new_notebook(
        cells=[
            new_markdown_cell("# A ramp"),
            code(1, "%config InlineBackend.figure_format = 'png'\nimport course_utils"),
            code(2, "answer = 6 * 7\nprint(answer)", stdout("42\n")),
            code(3, "show(ramp, alt)", picture_output()),
            code(4, "RampExplorer(ramp)", picture_output(**{WIDGET_TYPE: VIEW})),
            code(5, "answer", result),
        ]
    )
    sign(notebook)
    return notebook


def test_good_notebook_passes(notebook: NotebookNode):
    assert problems(notebook) == []


def set_source(cell: int, source: str) -> Callable[[NotebookNode], None]:
    return lambda notebook: notebook.cells[cell].update(source=source)


def set_outputs(cell: int, *outputs: NotebookNode) -> Callable[[NotebookNode], None]:
    return lambda notebook: notebook.cells[cell].update(outputs=list(outputs))


def set_alt(alt: str) -> Callable[[NotebookNode], None]:
    def mutate(notebook: NotebookNode) -> None:
        output = notebook.cells[FIGURE].outputs[0]
        output.metadata["image/png"]["alt"] = output.data["text/plain"] = alt

    return mutate


def set_picture(picture: str) -> Callable[[NotebookNode], None]:
    return lambda notebook: notebook.cells[FIGURE].outputs[0].data.update({"image/png": picture})


def set_count(cell: int, count: int | None) -> Callable[[NotebookNode], None]:
    return lambda notebook: notebook.cells[cell].update(execution_count=count)


def set_metadata(cell: int, **metadata: object) -> Callable[[NotebookNode], None]:
    return lambda notebook: notebook.cells[cell].metadata.update(metadata)


def shift_counts(notebook: NotebookNode) -> None:
    for cell in notebook.cells[1:]:
        cell.execution_count += 1


def swap_cells(notebook: NotebookNode) -> None:
    cells = notebook.cells
    cells[PRINT], cells[FIGURE] = cells[FIGURE], cells[PRINT]


def lengthen_every_cell(notebook: NotebookNode) -> None:
    for cell in notebook.cells[1:]:
        cell.source += "\nanswer = 1" * 10


def repeat_a_cell_id(notebook: NotebookNode) -> None:
    notebook.cells[PRINT].id = notebook.cells[FIGURE].id


SVG = new_output("display_data", {"image/svg+xml": "<svg/>", "text/plain": "A drawing"})
BARE_WIDGET = new_output("display_data", {WIDGET_TYPE: VIEW, "text/plain": "VBox()"})
ERROR = new_output("error", ename="ValueError", evalue="no", traceback=["ValueError: no"])
WARNING = new_output("stream", name="stderr", text="UserWarning: this is slow\n")
GARBAGE = base64.b64encode(b"no picture at all").decode()
NO_PICTURE = new_output("display_data", {"text/plain": ALT})
NO_PICTURE_BUT_ALT = new_output(
    "display_data", {"text/plain": ALT}, metadata={"image/png": {"alt": ALT}}
)
FIGURE_REPR = new_output("display_data", {"text/plain": "<Figure size 640x480 with 1 Axes>"})

MUTATIONS = {
    "counts shifted": (shift_counts, "cell 1: was not run in order"),
    "cells swapped": (swap_cells, "cell 2: was not run in order"),
    "count repeated": (set_count(FIGURE, 2), "cell 3: was not run in order"),
    "count of result wrong": (
        lambda notebook: notebook.cells[RESULT].outputs[0].update(execution_count=9),
        "cell 5: was not run in order",
    ),
    "count null": (set_count(PRINT, None), "cell 2: was stripped or never run"),
    "print stripped": (set_outputs(PRINT), "cell 2: displays something but has no output"),
    "result stripped": (set_outputs(RESULT), "cell 5: displays something but has no output"),
    "explorer stripped": (set_outputs(EXPLORER), "cell 4: displays something but has no output"),
    "figure stripped": (set_outputs(FIGURE), "cell 3: shows 1 figures but has 0 pictures"),
    "picture deleted": (set_outputs(FIGURE, NO_PICTURE), "shows 1 figures but has 0 pictures"),
    "picture deleted, alt kept": (
        set_outputs(RESULT, NO_PICTURE_BUT_ALT),
        "cell 5: describes a picture (image/png) that is gone",
    ),
    "picture never made": (set_outputs(RESULT, FIGURE_REPR), "a figure without its picture"),
    "picture garbage": (set_picture(GARBAGE), "cell 3: holds a picture that cannot be decoded"),
    "picture not base64": (set_picture("%%%"), "cell 3: holds a picture that cannot be decoded"),
    "picture empty": (set_picture(""), "cell 3: holds a picture that cannot be decoded"),
    "picture cut short": (set_picture(RAMP[:40]), "cell 3: holds a picture that cannot be decoded"),
    "picture of one color": (set_picture(BLANK), "cell 3: holds a picture of a single color"),
    "picture narrow": (set_picture(NARROW), "cell 3: holds a picture 199 px wide"),
    "picture as SVG": (set_outputs(RESULT, SVG), "cell 5: holds image/svg+xml"),
    "alt missing": (
        lambda notebook: notebook.cells[FIGURE].outputs[0].metadata.clear(),
        "cell 3: holds a picture without alt text",
    ),
    "alt short": (set_alt("A gray ramp."), "cell 3: has alt text of 12 characters"),
    "alt says figure": (set_alt("Figure with a ramp of gray"), "starts by saying"),
    "alt says image": (set_alt("image of a ramp, gray on gray"), "starts by saying"),
    "alt not in text": (
        lambda notebook: notebook.cells[FIGURE].outputs[0].data.update({"text/plain": "Figure()"}),
        "cell 3: says 'Figure()' where pictures cannot be shown",
    ),
    "widget bare": (set_outputs(EXPLORER, BARE_WIDGET), "cell 4: holds a widget without a picture"),
    "widget view of no kernel": (
        lambda notebook: notebook.cells[EXPLORER].outputs[0].data[WIDGET_TYPE].update(model_id="1"),
        "cell 4: holds a widget view that no kernel made",
    ),
    "widget view with more": (
        lambda notebook: notebook.cells[EXPLORER].outputs[0].data[WIDGET_TYPE].update(state={}),
        "cell 4: holds a widget view that no kernel made",
    ),
    "code edited after it ran": (set_source(RESULT, "answer + 0"), "has code that was edited"),
    "code cell removed": (lambda notebook: notebook.cells.pop(), "has code that was edited"),
    "error output": (set_outputs(PRINT, ERROR), "cell 2: raised ValueError"),
    "warning": (set_outputs(PRINT, WARNING), "cell 2: wrote to stderr: UserWarning"),
    "machine path": (
        set_outputs(PRINT, stdout("saved to /home/me/run.json\n")),
        "cell 2: shows a path of the machine it ran on: /home/me/run.json",
    ),
    "Windows path": (set_outputs(PRINT, stdout("C:\\Users\\me\n")), "path of the machine"),
    "semicolon": (set_source(PRINT, "print(1);"), "cell 2: ends a line with ;"),
    "semicolon, comment": (set_source(PRINT, "print(1);  # one"), "cell 2: ends a line with ;"),
    "magic": (set_source(PRINT, "%time print(1)"), "cell 2: is not plain Python"),
    "shell": (set_source(PRINT, "!ls"), "cell 2: is not plain Python"),
    "syntax error": (set_source(SETUP, "import"), "cell 1: is not plain Python"),
    "cell long": (set_source(PRINT, "print(1)\n" * 26), "cell 2: has 26 lines"),
    "cells long": (lengthen_every_cell, "has code cells of 11 lines in the median"),
    "tag unknown": (set_metadata(PRINT, tags=["nbval-skip"]), "has the unknown tag 'nbval-skip'"),
    "nbval comment": (set_source(PRINT, "# NBVAL_SKIP\nprint(1)"), "cell 2: steers nbval"),
    "timings": (set_metadata(PRINT, execution={"busy": "1"}), "cell 2: carries timings"),
    "widget state": (
        lambda notebook: notebook.metadata.update(widgets={}),
        "carries widget state in metadata.widgets",
    ),
    "too large": (set_outputs(PRINT, stdout("x" * 2_000_000)), "takes 2.0 MB"),
    "torch first": (
        set_source(SETUP, "import torch\nimport course_utils"),
        "imports torch before course_utils",
    ),
    "cell id repeated": (repeat_a_cell_id, "is not valid nbformat"),
    "output malformed": (
        lambda notebook: notebook.cells[PRINT].outputs[0].update(color="red"),
        "is not valid nbformat",
    ),
}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_mutated_notebook_is_caught(notebook: NotebookNode, mutation: str):
    mutate, expected = MUTATIONS[mutation]
    mutate(notebook)
    assert expected in "\n".join(problems(notebook))


@pytest.mark.parametrize(
    "source",
    [
        "seed_everything(0)",
        "for value in values:\n    print(value)",
        "def describe():\n    print(1)",
        "import sys\nif False:\n    print(1)",
        "text = 'a;'",
        "a = 1; b = 2",
        "assert total == 42, 'count again'",
        "",
    ],
)
def test_cell_that_may_stay_silent_passes(notebook: NotebookNode, source: str):
    notebook.cells[PRINT].source = source
    notebook.cells[PRINT].outputs = []
    sign(notebook)
    assert problems(notebook) == []


@pytest.mark.parametrize(
    "text", ["https://example.org/home/x", "2/work/3", "</tmp/>", "and/or", "./data/usr/x"]
)
def test_what_is_no_machine_path_passes(notebook: NotebookNode, text: str):
    notebook.cells[PRINT].outputs = [stdout(text)]
    assert problems(notebook) == []


def test_compared_cells_are_those_that_speak_and_are_not_ignored(notebook: NotebookNode):
    assert compared_cells(notebook) == (2, 2)
    notebook.cells[PRINT].metadata["tags"] = ["nbval-ignore-output"]
    assert compared_cells(notebook) == (1, 2)
    notebook.cells[FIGURE].outputs.append(stdout("done\n"))
    assert compared_cells(notebook) == (2, 3)
    notebook.cells[RESULT].source = "# NBVAL_IGNORE_OUTPUT\nanswer"
    assert compared_cells(notebook) == (1, 3)
