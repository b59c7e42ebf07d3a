"""How long imports take, each in a Python process of its own, and how much of that is not torch."""

import ast
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import nbformat
from IPython.core.inputtransformer2 import TransformerManager

from course_utils.cli import NOTEBOOKS
from course_utils.progress import Progress
from course_utils.tables import Table

REPEATS = 3
MODULES = (
    "torch",
    "course_utils",
    "course_utils.datasets",
    "course_utils.training",
    "course_utils.figures",
)
LIBRARIES = ("captum", "timm", "torch_geometric")
EXPLORERS = "course_utils.explorers."
IMPORT_CELLS = 2  # the one that installs what is missing, and the one that imports

# Prints the seconds that the code on stdin takes, and those that it spends in `import torch`.
STOPWATCH = """
import builtins, sys, time

code, import_module, in_torch = compile(sys.stdin.read(), "imports", "exec"), __import__, 0.0

def watched(name, *args, **options):
    global in_torch
    is_first = name.partition(".")[0] == "torch" and "torch" not in sys.modules
    start = time.perf_counter()
    module = import_module(name, *args, **options)
    if is_first:
        in_torch = time.perf_counter() - start
    return module

builtins.__import__ = watched
start = time.perf_counter()
exec(code)
print(time.perf_counter() - start, in_torch)
"""


def measure() -> list[Table]:
    """Seconds of the course's imports: modules, libraries and each chapter's import cells."""
    notebooks = sorted(NOTEBOOKS.glob("*.ipynb"))
    names = [*MODULES, *explorer_modules(notebooks), *LIBRARIES]
    chapters = {f"import cells of {path.name}": import_cells(path) for path in notebooks}
    return [timed({name: f"import {name}" for name in names} | chapters)]


def explorer_modules(notebooks: list[Path]) -> list[str]:
    """The modules of explorers that the notebooks import, in their order."""
    statements = (node for path in notebooks for cell in _code(path) for node in ast.walk(cell))
    names = (node.module or "" for node in statements if isinstance(node, ast.ImportFrom))
    return list(dict.fromkeys(name for name in names if name.startswith(EXPLORERS)))


def import_cells(notebook: Path) -> str:
    """The import statements of a notebook's first two code cells, without what stands around."""
    statements = (node for cell in _code(notebook)[:IMPORT_CELLS] for node in cell.body)
    return "\n".join(
        ast.unparse(node) for node in statements if isinstance(node, ast.Import | ast.ImportFrom)
    )


def timed(imports: Mapping[str, str]) -> Table:
    """Time pieces of code, each in fresh processes; the median counts.

    Args:
        imports: what the table calls it -> the code.
    """
    rows = []
    with Progress(REPEATS * len(imports), "importing", "processes") as progress:
        for name, code in imports.items():
            try:
                rows.append([name, *_medians(code, progress)])
            except _ImportFailed as failure:
                rows.append([name, str(failure), ""])
    return Table(["in a fresh process", "seconds", "of these not torch"], rows)


class _ImportFailed(Exception):
    """The code raised; the message says what."""


def _medians(code: str, progress: Progress) -> Iterator[str]:
    runs = []
    for _ in range(REPEATS):
        runs.append(_seconds(code))
        progress.update()
    for seconds in zip(*((whole, whole - torch) for whole, torch in runs), strict=True):
        yield f"{statistics.median(seconds):.2f}"


def _seconds(code: str) -> tuple[float, float]:
    run = subprocess.run(
        [sys.executable, "-c", STOPWATCH], input=code, capture_output=True, text=True, check=False
    )
    if run.returncode:
        raise _ImportFailed(run.stderr.strip().splitlines()[-1])
    whole, torch = map(float, run.stdout.splitlines()[-1].split())
    return whole, torch


def _code(notebook: Path) -> list[ast.Module]:
    cells = nbformat.read(notebook, as_version=4).cells
    plain_python = TransformerManager().transform_cell  # magics become function calls
    return [ast.parse(plain_python(cell.source)) for cell in cells if cell.cell_type == "code"]
