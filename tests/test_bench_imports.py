"""The part of `course bench` that times imports, on modules that cost nothing."""

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_utils.bench import imports
from course_utils.bench.imports import explorer_modules, import_cells, timed

CELLS = (
    "from importlib.util import find_spec\nif find_spec('timm') is None:\n    %pip install timm\n"
    "import course_utils  # noqa: F401",
    "import json\n\nfrom course_utils.explorers.pooling import PoolingExplorer\nprint(json)",
    "from course_utils.explorers.shifts import ShiftExplorer\n!ls\nimport csv",
)


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    path = tmp_path / "01_one.ipynb"
    cells = [new_markdown_cell("import this"), *map(new_code_cell, CELLS)]
    nbformat.write(new_notebook(cells=cells), path)
    return path


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A torch that takes 0.3 s, a module that takes 0.1 s more, and one that takes no time."""
    (tmp_path / "torch.py").write_text("import time; time.sleep(0.3)")
    (tmp_path / "above.py").write_text("import time; time.sleep(0.1)\nimport torch\nimport torch")
    (tmp_path / "light.py").write_text("")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


def cells_of(table: object) -> dict[str, list[str]]:
    _, *rows = repr(table).splitlines()
    return {cells[0].strip(): cells[1:] for cells in (row.split(maxsplit=1) for row in rows)}


@pytest.mark.usefixtures("modules")
def test_torch_is_told_from_the_rest():
    names = ("torch", "above", "light")
    rows = cells_of(timed({name: f"import {name}" for name in names}))
    whole, rest = ({n: float(rows[n][0].split()[i]) for n in names} for i in (0, 1))
    assert whole["torch"] >= 0.3
    assert rest["torch"] < 0.2
    assert rest["above"] >= 0.1
    assert whole["above"] - rest["above"] > 0.2
    assert whole["light"] == rest["light"]


def test_every_repeat_is_a_process_of_its_own(tmp_path: Path):
    log = tmp_path / "log"
    timed({"noted": f"import os; open({str(log)!r}, 'a').write(f'{{os.getpid()}}\\n')"})
    assert len(set(log.read_text().split())) == imports.REPEATS


def test_the_median_counts(monkeypatch: pytest.MonkeyPatch):
    seconds = iter([(9.0, 1.0), (2.0, 1.5), (3.0, 1.0)])
    monkeypatch.setattr(imports, "_seconds", lambda code: next(seconds))
    assert cells_of(timed({"it": ""})) == {"it": ["3.00                2.00"]}


def test_what_cannot_be_imported_says_so():
    rows = cells_of(timed({"no": "import no_such_module", "yes": "import json"}))
    assert rows["no"] == ["ModuleNotFoundError: No module named 'no_such_module'"]
    assert float(rows["yes"][0].split()[0]) < 10


def test_import_cells_are_the_first_two(notebook: Path):
    assert import_cells(notebook).splitlines() == [
        "from importlib.util import find_spec",
        "import course_utils",
        "import json",
        "from course_utils.explorers.pooling import PoolingExplorer",
    ]


def test_explorers_are_those_of_all_cells(notebook: Path):
    names = ["course_utils.explorers.pooling", "course_utils.explorers.shifts"]
    assert explorer_modules([notebook, notebook]) == names


def test_every_chapter_has_its_row(notebook: Path, monkeypatch: pytest.MonkeyPatch):
    asked = {}
    monkeypatch.setattr(imports, "NOTEBOOKS", notebook.parent)
    monkeypatch.setattr(imports, "timed", asked.update)
    imports.measure()
    assert asked["course_utils.explorers.shifts"] == "import course_utils.explorers.shifts"
    assert asked["import cells of 01_one.ipynb"] == import_cells(notebook)
    assert next(iter(asked)) == "torch"
    assert "captum" in asked
