"""The part of `course bench` that times notebooks, on short ones."""

import re
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_utils.bench import BenchFailed, notebooks
from course_utils.bench.notebooks import timed
from course_utils.execute import Execution

SECONDS = {  # source of a cell -> the seconds that it is said to take
    "import time": 0.5,
    "# train\nfit()": 20.0,
    f"text = '{100 * 'x'}'": 3.0,
    "show()": 9.04,
    "print()": 1.0,
}


def write_notebook(path: Path, *sources: str) -> None:
    cells = [new_code_cell(text, id=f"code-{n}") for n, text in enumerate(sources)]
    nbformat.write(new_notebook(cells=[new_markdown_cell("# One"), *cells]), path)


def pretend(path: Path) -> Execution:
    """Run the notebook at `path` in no time: cells that are not empty are counted."""
    notebook = nbformat.read(path, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source]
    for count, cell in enumerate(cells, start=1):
        cell.execution_count = count
    nbformat.write(notebook, path)
    seconds = [SECONDS[cell.source] for cell in cells]
    return Execution(path, sum(seconds), seconds, {})


def test_slowest_cells_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(notebooks, "execute", pretend)
    long, short = tmp_path / "01_long.ipynb", tmp_path / "02_short.ipynb"
    first, *others = SECONDS
    write_notebook(long, first, "", *others)
    write_notebook(short, first)
    notebook = nbformat.read(short, as_version=4)
    notebook.cells[1].outputs = [new_output("stream", text=1_200_000 * "x")]
    nbformat.write(notebook, short)
    lines = repr(timed([long, short])).splitlines()
    assert [re.split("  +", line) for line in lines] == [
        ["notebook, with its slowest cells", "seconds", "MB"],
        ["01_long.ipynb", "33.5", "0.0"],
        ["- code-2: # train", "20.0"],
        ["- code-4: show()", "9.0"],
        [f"- code-3: text = '{52 * 'x'}", "3.0"],
        ["02_short.ipynb", "0.5", "1.2"],
        ["- code-0: import time", "0.5"],
        ["in all", "34.0", "1.2"],
    ]


def test_copies_run_and_a_failure_is_told(tmp_path: Path):
    good, bad = tmp_path / "01_good.ipynb", tmp_path / "02_bad.ipynb"
    write_notebook(good, "import time; time.sleep(0.3)")
    write_notebook(bad, "1 / 0")
    before = {path: path.read_bytes() for path in (good, bad)}
    _, row, cell, failed, total = repr(timed([good, bad])).splitlines()
    seconds, slowest = (float(line.split()[place]) for line, place in ((row, -2), (cell, -1)))
    assert 0.3 <= slowest < seconds
    assert failed.startswith("02_bad.ipynb: cell 1 raised ZeroDivisionError: division by zero.")
    assert failed.split()[-2:] == ["failed", "0.0"]
    assert total.split() == ["in", "all", f"{seconds}", "0.0"]
    assert {path: path.read_bytes() for path in (good, bad)} == before
    assert sorted(tmp_path.iterdir()) == [good, bad]


def test_all_chapters_are_measured_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    asked = []
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path)
    with pytest.raises(BenchFailed, match=r"There is no notebook in .*: run this in a checkout\."):
        notebooks.measure()
    for name in ("02_b.ipynb", "01_a.ipynb", "notes.txt"):
        (tmp_path / name).touch()
    monkeypatch.setattr(notebooks, "timed", asked.append)
    notebooks.measure()
    assert [path.name for path in asked[0]] == ["01_a.ipynb", "02_b.ipynb"]
